"""Charts: what the counts, the models and their forecasts look like."""

from .counts import counts_chart
from .fits import fit_chart, residual_chart
from .forecasts import forecast_chart
from .render import save, setup

__all__ = ["counts_chart", "fit_chart", "forecast_chart", "residual_chart", "save", "setup"]
