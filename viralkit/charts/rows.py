"""From a counts table to the rows that a chart draws: those in use, labelled, aged, few enough."""

from typing import Literal

import polars as pl

from viralkit.charts.parts import MOST_POINTS, Scale
from viralkit.tables import TableError, check
from viralkit.wording import show_names

_MOST_ITEMS = 8
_LONG = 800  # days, from which ages are shown in years
_DAY = 86_400_000_000  # microseconds


def usable(counts: pl.DataFrame, scale: Scale) -> tuple[pl.DataFrame, list[str]]:
    """Keep the rows that are in use, with a `label`, and say what was left out."""
    table = check(counts, "counts")
    for column in ("unit", "kind"):
        _single(table, column)
    given = {"kind": "cumulative", "bound": "exact", "metric": None, "unit": None, "excluded": None}
    absent = [pl.lit(v, pl.String).alias(n) for n, v in given.items() if n not in table.columns]
    table = table.with_columns(absent).with_columns(pl.col("bound").fill_null("exact"))
    used = table.filter(pl.col("excluded").is_null())
    kept = used.filter(pl.col("count") > 0) if scale == "log" else used
    if kept.is_empty():
        raise TableError(
            f"no row to draw; of {table.height} rows {used.height} are in use. "
            'Look at the column "excluded", or pass scale="linear" if all counts are zero.'
        )
    notes = [
        _some(table.height - used.height, "row", "not used"),
        _some(used.height - kept.height, "zero", "not drawn (log scale)"),
    ]
    both = pl.concat_str("item", "metric", separator=", ", ignore_nulls=True)
    several = pl.col("metric").n_unique().over("item") > 1
    label = pl.when(several).then(both).otherwise("item")
    order = pl.col("count").cast(pl.Float64)
    return kept.with_columns(order, label=label).sort("label", "time", "count"), notes


def _single(table: pl.DataFrame, column: str) -> None:
    found = table[column].drop_nulls().unique().sort().to_list() if column in table.columns else []
    if len(found) > 1:
        raise TableError(
            f"column {column!r} holds {show_names(found)}; one chart shows one of them. "
            f"Keep one: counts.filter(pl.col({column!r}) == {found[0]!r})."
        )


def _some(number: int, what: str, note: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''} {note}" if number else ""


def keep_largest(rows: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Keep the items with the largest counts, as many as lines can be told apart."""
    sizes = rows.group_by("label", maintain_order=True).agg(pl.col("count").max())
    if sizes.height <= _MOST_ITEMS:
        return rows, ""
    best = sizes.sort("count", descending=True, maintain_order=True).head(_MOST_ITEMS)
    kept = rows.filter(pl.col("label").is_in(best["label"].implode()))
    return kept, f"{_MOST_ITEMS} of {sizes.height:,} items, the largest"


def thin(rows: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Let one row stand for several where there are too many: the last total, or the mean."""
    share = -(-rows.height // MOST_POINTS)
    if share <= 1:
        return rows, ""
    cumulative = rows["kind"][0] != "incremental"
    count = pl.col("count").last() if cumulative else pl.col("count").mean()
    others = pl.all().exclude("label", "bound", "chunk", "time", "count")
    chunk = pl.int_range(pl.len()).over("label", "bound") // share
    thinned = (
        rows.with_columns(chunk=chunk)
        .group_by("label", "bound", "chunk", maintain_order=True)
        .agg(pl.col("time").last() if cumulative else pl.col("time").first(), count, others.last())
        .drop("chunk")
    )
    word = "the last" if cumulative else "the mean"
    return thinned.sort("label", "time", "count"), f"each point is {word} of {share:,} rows"


def aged(
    rows: pl.DataFrame, happenings: pl.DataFrame | None, time: Literal["date", "age"]
) -> tuple[pl.DataFrame, pl.DataFrame | None, str]:
    """Turn times into ages since each item's first row if asked; return the axis title too."""
    if time == "date":
        return rows, happenings, "Period"
    start = pl.col("time").min().over("label")
    names, first = rows["label"].unique(), rows["time"].min()
    if happenings is not None and len(names) > 1:
        raise ValueError(
            f"{len(names)} items have {len(names)} first days; happenings are dated by calendar. "
            'Keep one item, or pass time="date".'
        )
    if not rows["time"].dtype.is_temporal():
        unit, title = None, "Periods since the first row"
    else:
        span = rows.select((pl.col("time") - start).max().dt.total_days()).item()
        unit, title = (1.0, "Days") if span < _LONG else (365.25, "Years")
        title += " since the first row"
    rows = rows.with_columns(_ages(rows, start, unit))
    if happenings is not None:
        happenings = happenings.with_columns(_ages(happenings, pl.lit(first), unit))
    return rows, happenings, title


def _ages(frame: pl.DataFrame, start: pl.Expr, unit: float | None) -> list[pl.Expr]:
    names = ["time", "time_lower", "time_upper", "period_end"]
    spans = [pl.col(name) - start for name in names if name in frame.columns]
    if unit is None:
        return spans
    return [span.dt.total_microseconds() / (_DAY * unit) for span in spans]


def steps(rows: pl.DataFrame) -> pl.DataFrame:
    """Close each run of periods at its end, and number the runs, so that gaps stay open."""
    if "period_end" not in rows.columns:
        return rows.with_columns(run=pl.lit(0))
    gap = pl.col("time") > pl.col("period_end").shift(1)
    rows = rows.with_columns(run=gap.fill_null(False).cum_sum().over("label"))
    ends = rows.group_by("label", "run", maintain_order=True).last()
    ends = ends.filter(pl.col("period_end").is_not_null())
    ends = ends.with_columns(time="period_end").select(rows.columns)
    return pl.concat([rows, ends]).sort("label", "run", "time", maintain_order=True)
