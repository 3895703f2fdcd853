"""The picture of a final size: what was foreseen of a cascade, by the time of the forecast."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl


def final_size_chart(
    fits: Sequence[Any],
    until: Any,
    actual: pl.DataFrame | None,
    *,
    alpha: float,
    title: str | None,
) -> alt.LayerChart:
    """How big will the cascade get, as judged at each time of forecast?"""
    raise NotImplementedError("final sizes are not drawn yet")
