"""What the layouts of cascades share: their keywords, lines of many files, clocks, event ids."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

import polars as pl

from viralkit.reading.columns import require_choice
from viralkit.reading.events import mark_of, repeated
from viralkit.reading.faults import Fault
from viralkit.reading.settling import FAULT, PLACE, Check, blame
from viralkit.reading.unpacking import PACKED, find_files, read_lines
from viralkit.tables import TableError
from viralkit.wording import show

Unit = Literal["seconds", "minutes", "hours", "days", "unix_seconds", "unix_milliseconds"]
Arrow = Literal["parent_to_child", "child_to_parent"]
Path_ = str | os.PathLike[str]
Files = Path_ | Sequence[Path_]

SPANS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
STAMPS = {"unix_seconds": 1_000_000, "unix_milliseconds": 1_000}
BATCH = 2**23
UNITS = (*SPANS, *STAMPS)
LATEST = 253_402_300_799_000_000  # the last second, in microseconds, of the year 9999
NO_NUMBER = "is no number", "allowed: digits with a decimal point at most", "Mend the cell."


@dataclass(frozen=True, eq=False)
class Found:
    """What a layout found: the rows for `settle_events`, what it noticed, and the cascades."""

    events: pl.DataFrame
    notes: list[Check] = field(default_factory=list)
    cascades: pl.DataFrame | None = None


def require_unit(unit: str | None, choices: Sequence[str] = tuple(SPANS)) -> float:
    """How many seconds a unit has; refuse one that is not among the choices."""
    require_choice("unit", unit, choices, "Say in which unit the times stand")
    return SPANS.get(str(unit), 1)


def lines_of(source: Files) -> pl.DataFrame:
    """The lines of all files: file, stem, line, text and `row`, the number of the line in all."""
    files = find_files(source)
    stems = [stem_of(path.name) for path in files]
    if len(set(stems)) < len(stems):
        stems = [f"{path.parent.name}/{stem}" for path, stem in zip(files, stems, strict=True)]
    frames = [numbered_lines(path, stem) for path, stem in zip(files, stems, strict=True)]
    if not frames:
        raise FileNotFoundError(f"no file in {show(str(source), 120)}. Name a file or a folder.")
    return pl.concat(frames).with_row_index("row")


def numbered_lines(path: Path, stem: str) -> pl.DataFrame:
    """The lines of one file that hold anything, and where they stand."""
    return read_lines(path).select(
        "line",
        "text",
        file=pl.lit(path.name),
        stem=pl.lit(stem),
    )


def batches(lines: pl.DataFrame, text: str) -> Iterator[pl.DataFrame]:
    """The lines in parts of some megabytes, so that no step needs much memory."""
    part = lines.select(pl.col(text).str.len_bytes().cum_sum() // BATCH).to_series()
    starts = [0, *(part != part.shift(1)).arg_true().to_list()] if len(lines) else [0]
    for start, end in pairwise([*dict.fromkeys(starts), len(lines)]):
        yield lines.slice(start, end - start)


def stem_of(name: str) -> str:
    """The name of a file without its endings."""
    path = Path(name)
    return Path(path.stem).stem if path.suffix.lower() in PACKED else path.stem


def number(text: pl.Expr) -> pl.Expr:
    """Text as a finite number, null where it is none."""
    value = text.cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def clock(times: pl.Expr, unit: str) -> pl.Expr:
    """Numbers in a unit as `time` in seconds, or as `timestamp` where they are Unix times."""
    if unit in STAMPS:
        return moment(times, STAMPS[unit]).alias("timestamp")
    return (times * SPANS[unit]).alias("time")


def moment(seconds: pl.Expr, factor: int = 1_000_000) -> pl.Expr:
    """Unix times as moments in UTC, null beyond the year 9999."""
    micros = (seconds * factor).round()
    inside = micros.is_between(-LATEST // 5, LATEST)
    whole = pl.when(inside).then(micros).cast(pl.Int64)
    return whole.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def mark(
    rows: pl.DataFrame, wrong: pl.Expr, column: str, value: str, said: tuple[str, str, str]
) -> pl.DataFrame:
    """The rows, with a fault told in those that are wrong: its reason, the rule, the next step."""
    these = rows.select(wrong.fill_null(False).arg_true()).to_series()
    return blame(rows, Fault(column, these, *said), rows[value])


def sound(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without a fault."""
    return rows.filter(pl.col("fault").is_null()) if "fault" in rows.columns else rows


def unsound(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a fault."""
    return rows.filter(pl.col("fault").is_not_null()) if "fault" in rows.columns else rows.clear()


def kept(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The columns that an events table has a use for, places and faults."""
    return rows.select(name for name in (*names, *PLACE, *FAULT) if name in rows.columns)


def number_events(events: pl.DataFrame, key: str, separator: str) -> pl.DataFrame:
    """Events of users with an id each: that of the user, with a number from the second on.

    The rows are numbered in the order in which they stand; `again` says which one it is.
    """
    events = events.with_columns(again=pl.lit(1, pl.UInt32), event_id="user")
    marks = events.select(mark_of(key, "user")).to_series()
    few = repeated(events.with_row_index("place"), marks)
    if not len(few):
        return events
    number = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over(key, "user")
    few = few.with_columns(again=number).filter(pl.col("again") > 1)
    ids = few.select(pl.format("{}" + separator + "{}", "user", "again")).to_series()
    return events.with_columns(
        events["again"].scatter(few["place"], few["again"]),
        events["event_id"].scatter(few["place"], ids),
    )


def refuse(given: object, name: str, layout: str) -> None:
    """Refuse a keyword that a layout has no use for."""
    if given is not None:
        raise TableError(
            f"{name}={show(given)} beside layout={show(layout)}; its files need none. Leave it out."
        )
