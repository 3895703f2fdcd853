"""Exports of Google Trends as counts."""

from pathlib import Path

import polars as pl

from viralkit.reading.counts_found import Found, pick, placed
from viralkit.reading.files import Source, join_sources, read_text
from viralkit.reading.unpacking import read_utf8
from viralkit.tables import TableError
from viralkit.wording import show, show_names

TERM = r"^(.*): \((.*)\)$"  # a term and the place it was searched in


def open_trends(files: list[Path], names: dict[str, str]) -> Found:
    """What Google Trends exports: preamble, blank line, header, then a value a term and period."""
    sources = [open_trend(path) for path in files]
    source = join_sources(sources)
    own = {"time": "time", "count": "value", "item": "term"}
    below = int((source.frame["bound"] == "at_most").sum())
    notes = [("values below 1", below, "'<1': a bound, at most 1" if below else None)]
    return Found(source, pick(names, own, source.frame.columns), "index", notes=notes)


def open_trend(path: Path) -> Source:
    """One export as rows of term, place, time and value."""
    raw = read_utf8(path)
    lines = raw.split(b"\n")
    blank = next((i for i, line in enumerate(lines) if not line.strip() and i), -1)
    start = next((i for i in range(blank + 1, len(lines)) if lines[i].strip()), len(lines))
    wide = read_text(b"\n".join(lines[start:]), path, ",", path.stem, start)
    columns = wide.frame.columns
    if len(columns) < 2:
        raise TableError(
            f"file {show(path.name)} has the columns {show_names(columns)}; allowed: the time and "
            "a term each, as 'Week,term: (Worldwide)'. Export 'Interest over time' as CSV."
        )
    frame = wide.frame.rename({columns[0]: "time"}).with_columns(wide.lines.alias("line"))
    long = frame.unpivot(columns[1:], index=["line", "time"], variable_name="head").select(
        "line",
        pl.coalesce(pl.col("head").str.extract(TERM, 1), "head").alias("term"),
        pl.col("head").str.extract(TERM, 2).alias("place"),
        whole_time(pl.col("time")),
        pl.col("value").str.strip_chars().replace("<1", "1"),
        pl.when(pl.col("value").str.strip_chars() == "<1")
        .then(pl.lit("at_most"))
        .otherwise(pl.lit("rounded"))
        .alias("bound"),
    )
    return placed(long.drop("line"), path.name, long["line"])


def whole_time(cells: pl.Expr) -> pl.Expr:
    """Months with their first day, and hours with their minutes, as other times have them."""
    months = cells.str.strip_chars().str.replace(r"^([0-9]{4}-[0-9]{2})$", "${1}-01")
    return months.str.replace(r"^([0-9-]{10}T[0-9]{2})$", "${1}:00")
