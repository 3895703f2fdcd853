"""Charts: what the counts, the models and their forecasts look like."""

from .counts import counts_chart
from .render import save, setup

__all__ = ["counts_chart", "save", "setup"]
