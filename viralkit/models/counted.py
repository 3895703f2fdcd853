"""What all models of one counts table share: its points, bounds, name and ages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from .results import Array, Model
from .series import Series
from .times import When, as_time, to_age


class CountsModel(Model):
    """A model of one item's counts, with ages in units of time since a start."""

    series: Series
    start: When
    counts: pl.DataFrame
    unit: str
    _given_start: When | None

    @property
    def points(self) -> pl.DataFrame:
        """The exact points in use: time, age, count, increment, time_lower, time_upper."""
        columns = ["time", "age", "count", "increment", "time_lower", "time_upper"]
        return self.series.points.select(columns)

    @property
    def bounds(self) -> pl.DataFrame:
        """The bounds in the table: time, age, count, bound."""
        return self.series.bounds

    @property
    def label(self) -> str:
        """Name of the item, as it stands in the data."""
        return self.series.label

    def _call(self, choices: str = "") -> str:
        """Write the line of Python that makes this model."""
        start = "" if self._given_start is None else f", start={_code_of(self._given_start)}"
        return f"vk.{self.name}(counts, unit={self.unit!r}{start}{choices})"

    def age_of(self, times: Any) -> Array:
        """Ages, in units since the start, of dates, ISO texts or numbers, or of one of them."""
        several = isinstance(times, (pl.Series, np.ndarray, Sequence)) and not isinstance(
            times, str
        )
        dtype, like = self.series.points.schema["time"], self.series.points["time"][0]
        listed = [as_time(time, like, "time") for time in (times if several else [times])]
        return to_age(pl.Series(listed, dtype=dtype), self.start, self.unit)


def _code_of(start: When) -> str:
    """Write a time as Python."""
    plain = float(start) if isinstance(start, (int, float)) else start
    text = repr(plain).replace("datetime.timezone.utc", "UTC")
    return text.replace("datetime.datetime", "datetime").replace("datetime.date", "date")
