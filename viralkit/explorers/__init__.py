"""Explorers: move a control, watch chart, table and code change."""

from .cascade import explore_cascade
from .fit import explore_fit
from .forecast import explore_forecast
from .legs import explore_legs

__all__ = ["explore_cascade", "explore_fit", "explore_forecast", "explore_legs"]
