"""Charts: what the counts, cascades, models and their forecasts look like."""

from .cascades import cascade_chart
from .cascades_sizes import sizes_chart
from .channels import channel_chart
from .counts import counts_chart
from .fits import fit_chart
from .forecasts import forecast_chart
from .generations import generations_chart
from .render import save, setup
from .residuals import residual_chart

__all__ = [
    "cascade_chart",
    "channel_chart",
    "counts_chart",
    "fit_chart",
    "forecast_chart",
    "generations_chart",
    "residual_chart",
    "save",
    "setup",
    "sizes_chart",
]
