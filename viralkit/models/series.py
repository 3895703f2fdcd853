"""From a counts table to the increments that growth models fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ..tables import TableError, check
from .results import Array
from .times import DAYS, When, as_time, to_age

LARGEST = 1e18
MANY_FALLS = 0.2  # share of rows, above which a count is hardly a total


@dataclass(frozen=True)
class Series:
    """Increments between exact points, the bounds between them, and the doubt about dates.

    Ages are in units of time since ``start``. Increment i runs from ``begin[i]`` to ``end[i]``.
    """

    points: pl.DataFrame  # time, age, count, increment, age_lower, age_upper, time_lower, …
    bounds: pl.DataFrame  # time, age, count, bound
    begin: Array
    end: Array
    increment: Array
    base: float  # the cumulative count where the first increment begins
    cumulative: bool
    excluded: int
    label: str
    contradicted: int = 0  # bounds that cannot be true beside the exact points

    @property
    def span(self) -> float:
        """Age of the last observation."""
        return float(self.end[-1])

    @property
    def level(self) -> Array:
        """Cumulative count at the end of each increment."""
        return self.base + np.cumsum(self.increment)

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """Begin and end of each gap between periods, which all totals leave out."""
        pairs = zip(self.end[:-1], self.begin[1:], strict=True)
        return [(float(end), float(begin)) for end, begin in pairs if begin > end + 1e-9]


def outside(age: Array, gaps: Sequence[tuple[float, float]]) -> Array:
    """Ages on a clock that stands still in the gaps."""
    late = [np.clip(age, begin, end) - begin for begin, end in gaps]
    return np.asarray(age - sum(late, np.zeros_like(age)))


def gaps_note(series: Series) -> list[str]:
    """Say that periods are missing, and what totals and curves do about it."""
    number = len(series.gaps)
    some = "1 gap" if number == 1 else f"{number} gaps"
    return [f"{some} between periods: totals, curve and forecast leave them out."] * bool(number)


def one_series(counts: pl.DataFrame) -> pl.DataFrame:
    """Keep the rows in use, after making sure that they are of one item and one metric."""
    table = check(counts, "counts")
    for column in ("item", "metric"):
        found = table[column].unique().sort().to_list() if column in table.columns else []
        if len(found) > 1:
            raise TableError(
                f"column {column!r} holds {len(found)} values: {found[:6]}. A model takes one. "
                f"Keep one: counts.filter(pl.col({column!r}) == {found[0]!r})."
            )
    return table.filter(pl.col("excluded").is_null()) if "excluded" in table.columns else table


def check_unit(table: pl.DataFrame, unit: str) -> None:
    """Make sure that the unit fits the type of the time column."""
    dated = table.schema["time"] != pl.Float64
    allowed = list(DAYS) if dated else ["period"]
    if unit not in allowed:
        kind = "dates" if dated else "numbers"
        raise ValueError(f"unit={unit!r} does not fit times that are {kind}. Use one of {allowed}.")


def find_start(table: pl.DataFrame, start: When | None, cumulative: bool) -> When:
    """Return the launch: as given, or the first exact row if that is a cumulative zero."""
    first: When = table["time"][0]
    if start is None:
        if cumulative and table["count"][0] == 0:
            return first
        step = f"time of the launch, such as start={first!r} if the data begin there."
        if cumulative:
            step = "time of the launch, before that row: something had been counted by then."
        raise ValueError(
            f"start=None, and the first row ({first}) is not a cumulative count of zero. Pass the "
            f"{step}"
        )
    start = as_time(start, first, "start")
    if start > first:  # type: ignore[operator]
        raise ValueError(f"start={start} is after the first row ({first}). Filter those rows out.")
    return start


def prepare(
    counts: pl.DataFrame, *, unit: str, start: When | None, reaches_back: bool
) -> tuple[Series, When]:
    """Read a counts table as increments with ages.

    ``reaches_back`` is true for curves that have no beginning (logistic, exponential): their first
    increment comes from minus infinity, and zeros before it are not used.
    """
    used = one_series(counts).sort("time", maintain_order=True)
    if used.is_empty():
        raise TableError("the counts table has no usable row. Check the filter and 'excluded'.")
    if not (used["count"] > 0).any():
        raise TableError("all counts are zero: nothing grows. A model needs counts above zero.")
    if used["count"].max() > LARGEST:  # type: ignore[operator]
        raise TableError(
            f"column 'count' holds {used['count'].max()!r}; counts go to {LARGEST:.0e}. Divide "
            "them by a thousand or a million, and say so in the column 'unit'."
        )
    check_unit(used, unit)
    kind = _kind(used)
    begin_at = find_start(_exact(used), start, kind == "cumulative")
    read = _cumulative if kind == "cumulative" else _incremental
    series = read(used, begin_at, unit, reaches_back, counts.height - used.height)
    if not np.any(series.increment > 0):
        raise TableError("no count after the first is larger: nothing grows. Add later counts.")
    return series, begin_at


def _kind(table: pl.DataFrame) -> str:
    kinds = table["kind"].unique().to_list() if "kind" in table.columns else []
    if kinds not in (["cumulative"], ["incremental"]):
        raise TableError(
            f"column 'kind' says {kinds or 'nothing'}; models take 'cumulative' or 'incremental'. "
            "Say which: counts.with_columns(kind=pl.lit('cumulative'))."
        )
    return str(kinds[0])


def _label(table: pl.DataFrame) -> str:
    return str(table["item"][0])


def _exact(table: pl.DataFrame) -> pl.DataFrame:
    """Keep exact and rounded counts."""
    known = pl.col("bound").is_null() | pl.col("bound").is_in(["exact", "rounded"])
    exact = table.filter(known) if "bound" in table.columns else table
    if exact.is_empty():
        raise TableError("0 exact points; a model needs at least 2. Add counts.")
    return exact


def _points(table: pl.DataFrame) -> pl.DataFrame:
    """Keep exact and rounded points, one a date: the largest."""
    return _exact(table).sort("count").unique("time", keep="last").sort("time")


def _with_ages(table: pl.DataFrame, start: When, unit: str) -> pl.DataFrame:
    for name in ("lower", "upper"):
        column = f"time_{name}"
        if column not in table.columns:
            table = table.with_columns(pl.col("time").alias(column))
        table = table.with_columns(pl.col(column).fill_null(pl.col("time")))
        table = table.with_columns(pl.Series(f"age_{name}", to_age(table[column], start, unit)))
    return table.with_columns(pl.Series("age", to_age(table["time"], start, unit)))


def _cumulative(
    table: pl.DataFrame, start: When, unit: str, reaches_back: bool, excluded: int
) -> Series:
    aged = _with_ages(_points(table), start, unit)
    if reaches_back:
        aged = aged.filter(pl.col("count") > 0)
    if aged.height < 2:
        raise TableError(f"{aged.height} exact points; a model needs at least 2. Add counts.")
    _refuse_falls(aged)
    count, age = aged["count"].cast(pl.Float64).to_numpy(), aged["age"].to_numpy()
    on_start = not reaches_back and age[0] == 0
    origin = -np.inf if reaches_back else 0.0
    begin, end = np.concatenate([[origin], age[:-1]]), age
    increment = np.diff(count, prepend=0.0)
    aged = aged.with_columns(increment=pl.Series(increment))
    if on_start:
        begin, end, increment = begin[1:], end[1:], increment[1:]
    base = float(count[0]) if on_start else 0.0
    bounds = _bounds(table, start, unit)
    early = (bounds["bound"] == "at_least") & (bounds["age"] <= origin) & (bounds["count"] > base)
    possible = [_possible(aged, row) for row in bounds.iter_rows(named=True)]
    true = bounds.filter(pl.Series(possible, dtype=pl.Boolean) & ~early)
    lost = bounds.height - true.height
    return Series(aged, true, begin, end, increment, base, True, excluded, _label(table), lost)


def _refuse_falls(aged: pl.DataFrame) -> None:
    falls = aged.with_columns(before=pl.col("count").shift(1)).filter(
        pl.col("count") < pl.col("before")
    )
    if falls.height:
        time, now, before = falls.select("time", "count", "before").row(0)
        step = "Mark the wrong rows in a column 'excluded', or use "
        if falls.height > MANY_FALLS * aged.height:
            step = (
                "So many falls are counts of single periods: read the file with "
                "kind='incremental', every='1d' (or '1w' …). If they are totals, use "
            )
        raise TableError(
            f"column 'count' falls from {before} to {now} at {time} ({falls.height} "
            f"fall{'s' * (falls.height > 1)}); a cumulative count may not fall. {step}"
            "counts.with_columns(pl.col('count').cum_max())."
        )


def _bounds(table: pl.DataFrame, start: When, unit: str) -> pl.DataFrame:
    empty: dict[str, Any] = {
        "time": table.schema["time"],
        "age": pl.Float64,
        "count": pl.Float64,
        "bound": pl.String,
    }
    if "bound" not in table.columns:
        return pl.DataFrame(schema=empty)
    rows = table.filter(pl.col("bound").is_in(["at_least", "at_most"]))
    aged = rows.with_columns(pl.Series("age", to_age(rows["time"], start, unit), pl.Float64))
    return aged.select(list(empty)).cast({"count": pl.Float64})


def _possible(exact: pl.DataFrame, bound: dict[str, Any]) -> bool:
    """Whether a bound can be true beside the exact points, each at any day of its interval."""
    if bound["bound"] == "at_least":
        later = exact.filter(pl.col("age_lower") >= bound["age"])["count"]
        return bool((later >= bound["count"]).all())
    before = exact.filter(pl.col("age_upper") <= bound["age"])["count"]
    return bool((before <= bound["count"]).all())


def _incremental(
    table: pl.DataFrame, start: When, unit: str, reaches_back: bool, excluded: int
) -> Series:
    if "period_end" not in table.columns or table["period_end"].null_count():
        raise TableError(
            "kind 'incremental' needs a column 'period_end': when each count stops. Read the table "
            "with read_counts(…, kind='incremental', every='1d')."
        )
    if "bound" in table.columns and table["bound"].is_in(["at_least", "at_most"]).any():
        raise TableError(
            "column 'bound' says at_least or at_most; bounds are read for cumulative counts only. "
            "Mark these rows in a column 'excluded'."
        )
    begin, end = (to_age(table[name], start, unit) for name in ("time", "period_end"))
    overlap = np.flatnonzero(begin[1:] < end[:-1] - 1e-9)
    if overlap.size:
        raise TableError(
            f"the period that starts at {table['time'][int(overlap[0]) + 1]} begins before the one "
            "before it ends. Periods may not overlap: keep one row a period."
        )
    increment = table["count"].cast(pl.Float64).to_numpy()
    points = _with_ages(table.with_columns(time="period_end"), start, unit).with_columns(
        count=pl.Series(np.cumsum(increment)),
        increment=pl.Series(increment),
        age_lower="age",
        age_upper="age",
    )
    bounds = _bounds(table.head(0), start, unit)
    return Series(points, bounds, begin, end, increment, 0.0, False, excluded, _label(table))
