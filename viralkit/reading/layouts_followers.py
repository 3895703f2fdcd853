"""Cascades as times and followers: TiDeH's file for each, and SEISMIC's index and data."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from viralkit.reading.files import Source, open_source
from viralkit.reading.layouts import (
    NO_NUMBER,
    Files,
    Found,
    Path_,
    kept,
    lines_of,
    mark,
    number,
    refuse,
    require_unit,
    sound,
    unsound,
)
from viralkit.reading.settling import FAULT, PLACE, Check
from viralkit.tables import TableError
from viralkit.wording import show, show_names

NO_EVENT = "is no event", "allowed: a time, a blank and a number of followers", "Mend the line."
NO_RANGE = (
    "is no range of rows",
    "allowed: whole numbers from 1 to the rows of the data, the last included",
    "Mend the index.",
)
OVERLAP = "begins inside another range", "a row belongs to one cascade", "Mend the index."
KEPT = ("cascade_id", "event_id", "time", "magnitude")
RANGE = ("start_ind", "end_ind")
DATA = ("relative_time_second", "number_of_followers")
IDS = ("cascade_id", "tweet_id")


def read_tideh(source: Files, unit: str | None) -> Found:
    """The events of files with a header (number of events, start in days) and `time followers`."""
    factor = require_unit(unit)
    lines = lines_of(source).rename({"stem": "cascade_id"})
    lines = lines.with_columns(place=pl.int_range(pl.len()).over("cascade_id"))
    words = pl.col("text").str.strip_chars().str.replace_all(r"[ \t]+", " ").str.splitn(" ", 3)
    names = ["first", "second", "third"]
    lines = lines.with_columns(words.struct.rename_fields(names).struct.unnest())
    events = lines.filter(pl.col("place") > 0).with_columns(
        event_id=(pl.col("place") - 1).cast(pl.String),
        time=number(pl.col("first")) * factor,
        magnitude=number(pl.col("second")),
    )
    wrong = pl.col("third").is_not_null() | pl.col("second").is_null()
    events = mark(events, wrong, "line", "text", NO_EVENT)
    events = mark(events, pl.col("time").is_null(), "time", "first", NO_NUMBER)
    events = mark(events, pl.col("magnitude").is_null(), "followers", "second", NO_NUMBER)
    cascades, notes = headers(lines.filter(pl.col("place") == 0), events)
    return Found(kept(events, KEPT), notes, cascades)


def headers(heads: pl.DataFrame, events: pl.DataFrame) -> tuple[pl.DataFrame, list[Check]]:
    """The cascades as the first lines tell of them, and how many tell another number of events."""
    told = number(pl.col("first"))
    cascades = heads.select(
        "cascade_id",
        n_reported=pl.when(told >= 0).then(told),
        start_days=number(pl.col("second")),
    )
    rows = events.group_by("cascade_id").agg(rows=pl.len().cast(pl.Float64))
    both = cascades.join(rows, on="cascade_id", how="left").with_columns(
        pl.col("rows").fill_null(0)
    )
    more = both.select(pl.col("rows") - pl.col("n_reported")).to_series()
    other = more.filter(more != 0)
    by = ", ".join(f"{each:+.0f}" for each in other.unique().sort().head(5))
    return cascades, [
        ("files", len(heads), None),
        ("headers that cannot be read", more.null_count(), None),
        (
            "headers with another number than rows",
            len(other),
            f"rows − header: {by}" if by else None,
        ),
    ]


def read_index_and_data(source: object, unit: str | None) -> Found:
    """The events of a table whose rows belong to the cascades that an index tells."""
    refuse(unit, "unit", "index_and_data")
    if not isinstance(source, Sequence) or isinstance(source, str) or len(source) != 2:
        raise TableError(
            f"source={show(source)} is no pair; allowed: (index, data), paths or frames. "
            'Pass source=("index.csv", "data.csv").'
        )
    index, data = opened(source[0], RANGE), opened(source[1], DATA)
    ranges = ranges_of(index, len(data.frame))
    good = sound(ranges)
    lengths = (good["end"] - good["start"] + 1).to_numpy()
    ends = lengths.cumsum()
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    rows = pl.Series(np.repeat(good["start"].to_numpy() - 1, lengths) + within, dtype=pl.Int64)
    place = pl.Series(np.repeat(np.arange(len(good)), lengths), dtype=pl.Int64)
    raw = data.frame.select(pl.col(DATA[0]).cast(pl.String), pl.col(DATA[1]).cast(pl.String))
    raw = raw.select(pl.all().gather(rows))
    events = raw.with_columns(
        good["cascade_id"].gather(place),
        event_id=pl.Series(within).cast(pl.String),
        time=number(pl.col(DATA[0]).str.strip_chars()),
        magnitude=number(pl.col(DATA[1]).str.strip_chars()),
        file=pl.lit(data.file, pl.String),
        line=data.lines.cast(pl.Int64).gather(rows),
    )
    for name, column in zip(("time", "magnitude"), DATA, strict=True):
        events = mark(events, pl.col(name).is_null(), column, column, NO_NUMBER)
    cascades = good.select(pl.exclude("start", "end", "range", *RANGE, *PLACE, *FAULT))
    found = [kept(events, KEPT), kept(unsound(ranges), ["cascade_id"])]
    notes: list[Check] = [
        ("ranges in the index", len(ranges), None),
        ("data rows in no range", len(data.frame) - len(rows), None),
    ]
    return Found(pl.concat(found, how="diagonal"), notes, cascades)


def opened(source: Path_ | pl.DataFrame, names: tuple[str, str]) -> Source:
    """A table that has both columns."""
    found = open_source(source)
    absent = [name for name in names if name not in found.frame.columns]
    if absent:
        raise TableError(
            f"column {show(absent[0])} not found; columns: {show_names(found.frame.columns)}. "
            'Rename it, or read cascades that have an id with layout="columns".'
        )
    return found


def ranges_of(index: Source, rows: int) -> pl.DataFrame:
    """The ranges of the index: cascade_id, start, end, and what is wrong with them."""
    own = next((name for name in IDS if name in index.frame.columns), None)
    named = pl.int_range(1, pl.len() + 1) if own is None else pl.col(own)
    cells = [pl.col(name).cast(pl.String).str.strip_chars() for name in RANGE]
    ranges = index.frame.with_columns(
        cascade_id=named.cast(pl.String),
        start=whole(cells[0]),
        end=whole(cells[1]),
        range=pl.format("{} to {}", *(cell.fill_null("") for cell in cells)),
        file=pl.lit(index.file, pl.String),
        line=index.lines.cast(pl.Int64),
    )
    if own not in (None, "cascade_id"):
        ranges = ranges.drop(str(own))
    inside = (pl.col("start") >= 1) & (pl.col("end") >= pl.col("start")) & (pl.col("end") <= rows)
    ranges = mark(ranges, ~inside.fill_null(False), "start_ind", "range", NO_RANGE)
    good = sound(ranges.with_row_index("row")).sort("start", maintain_order=True)
    before = pl.col("end").cum_max().shift(1)
    late = good.filter(pl.col("start") <= before)["row"]
    return mark(ranges, pl.int_range(pl.len()).is_in(late.implode()), "start_ind", "range", OVERLAP)


def whole(text: pl.Expr) -> pl.Expr:
    """Text as a whole number, null where it is none."""
    value = number(text)
    return pl.when((value == value.floor()) & (value.abs() < 2**53)).then(value).cast(pl.Int64)
