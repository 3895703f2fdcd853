"""Explorers: move a control, watch chart, table and code change."""

from .branching import explore_branching
from .cascade import explore_cascade
from .fit import explore_fit
from .forecast import explore_forecast
from .legs import explore_legs
from .loop import explore_loop
from .variants import explore_variants

__all__ = [
    "explore_branching",
    "explore_cascade",
    "explore_fit",
    "explore_forecast",
    "explore_legs",
    "explore_loop",
    "explore_variants",
]
