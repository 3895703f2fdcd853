"""Times of a counts table as ages since a start, and back."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from .results import Array

DAYS = {"day": 1.0, "week": 7.0, "year": 365.25}
When = date | datetime | float


def as_time(value: Any, like: When, name: str) -> When:
    """Take a time in the form of the data: text and days become dates, midnights if need be."""
    found = value.astype("M8[us]") if isinstance(value, np.datetime64) else value
    found = found.item() if isinstance(found, np.generic) else found
    dated, plain = isinstance(like, date), isinstance(found, (int, float))
    if isinstance(found, str) and dated:
        with suppress(ValueError):
            found = datetime.fromisoformat(found)
    if isinstance(found, bool) or not isinstance(found, (date, int, float)) or found != found:
        raise ValueError(f"{name}={value!r} is not a time. Pass a time such as {like!r}.")
    if plain == dated:
        raise ValueError(f"{name}={value!r} does not match times such as {like!r}. Use one form.")
    if not isinstance(found, date):
        return found
    if not isinstance(like, datetime):
        return found.date() if isinstance(found, datetime) else found
    if not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day)
    return found if found.tzinfo else found.replace(tzinfo=like.tzinfo)


def to_age(time: pl.Series, start: When, unit: str) -> Array:
    """Turn times into ages: units since the start."""
    if isinstance(start, (int, float)):
        return time.to_numpy().astype(float) - float(start)
    zero = pl.Series([start]).cast(time.dtype)[0]
    seconds = (time - zero).dt.total_microseconds().to_numpy() / 1e6
    return np.asarray(seconds / (86400.0 * DAYS[unit]), dtype=float)


def to_time(age: Array, start: When, unit: str) -> pl.Series:
    """Turn ages back into times; with dates, the day in which the age falls."""
    if isinstance(start, (int, float)):
        return pl.Series("time", age + float(start), dtype=pl.Float64)
    step = pl.Series(np.round(age * DAYS[unit] * 86400e6).astype("int64")).cast(pl.Duration("us"))
    if isinstance(start, datetime):
        return pl.Series("time", [start]).new_from_index(0, len(age)) + step
    moments = pl.Series("time", [start]).cast(pl.Datetime("us")).new_from_index(0, len(age)) + step
    return moments.dt.date()
