"""Charts: what the counts, the models and their forecasts look like."""

from .counts import counts_chart
from .fits import fit_chart
from .forecasts import forecast_chart
from .render import save, setup
from .residuals import residual_chart

__all__ = ["counts_chart", "fit_chart", "forecast_chart", "residual_chart", "save", "setup"]
