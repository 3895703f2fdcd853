"""Cascades as columns: any CSV, TSV, Parquet or frame with one event a row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from viralkit.reading.files import Source, open_source
from viralkit.reading.guarding import unguard
from viralkit.reading.layouts import (
    NO_NUMBER,
    UNITS,
    Files,
    Found,
    clock,
    mark,
    number,
    require_unit,
)
from viralkit.reading.parsing import parse_time, time_form
from viralkit.reading.settling import Check, blame, unreserved
from viralkit.reading.unpacking import find_files
from viralkit.schema import TABLES
from viralkit.tables import UTC_TIME, TableError
from viralkit.wording import nearest, show, show_names

EVENTS = TABLES["events"].columns
NUMBERS = [name for name, column in EVENTS.items() if column.family in ("count", "number")]
IDS = [name for name, column in EVENTS.items() if column.family == "id"]
CLOCKS = ("time", "timestamp")


def read(
    source: Files | pl.DataFrame, unit: str | None, columns: Mapping[str, str] | None
) -> Found:
    """The events of tables that have one a row, under the names that events tables use."""
    sources = [source] if isinstance(source, pl.DataFrame) else find_files(source)
    if not sources:
        raise FileNotFoundError(f"no file in {show(str(source), 120)}. Name a file or a folder.")
    frames, notes = [], dict[str, tuple[int, str | None]]()
    for each in sources:
        frame, told = read_table(open_source(each), unit, columns or {})
        frames.append(frame)
        for name, rows, note in told:
            notes[name] = (notes.get(name, (0, None))[0] + rows, note)
    checks = [(name, rows, note if rows else None) for name, (rows, note) in notes.items()]
    return Found(pl.concat(frames, how="diagonal_relaxed"), checks)


def read_table(
    found: Source, unit: str | None, columns: Mapping[str, str]
) -> tuple[pl.DataFrame, list[Check]]:
    """The events of one table, and what was noticed."""
    raw = unguard(found.frame)
    frame = raw.rename(dict(zip(raw.columns, new_names(raw.schema, columns), strict=True)))
    frame = frame.with_columns(tidied(frame.schema)).with_columns(
        file=pl.lit(found.file, pl.String), line=found.lines.cast(pl.Int64)
    )
    notes: list[Check] = [("blank lines", found.blank_lines, "skipped")]
    for name in NUMBERS:
        if frame.schema.get(name) == pl.String:
            wrong = pl.col(name).is_not_null() & number(pl.col(name)).is_null()
            frame = mark(frame, wrong, columns.get(name, name), name, NO_NUMBER)
            frame = frame.with_columns(number(pl.col(name)))
    for name in [name for name in CLOCKS if name in frame.columns]:
        frame, without_zone = with_clock(frame, name, unit, columns.get(name, name))
        notes.append(("times without zone", without_zone, "read as UTC"))
        unit = None  # it is that of the first of both
    frame, more = with_ids(frame, found.name)
    return frame, [*notes, *more]


def new_names(schema: pl.Schema, columns: Mapping[str, str]) -> list[str]:
    """The names of the columns in an events table; refuse a map that does not fit the source."""
    old = list(schema)
    for name, given in columns.items():
        if name not in EVENTS:
            raise TableError(
                f"columns names {show(name)}, which no events table has; allowed: "
                f"{show_names(list(EVENTS))}. Write {{name in an events table: name in yours}}."
            )
        if given not in old:
            raise absent(given, name, old)
    if not {name for name in CLOCKS if name in columns or name in old}:
        raise absent("time", "time", old)
    names = {given: name for name, given in columns.items()}
    # a column that another takes the name of keeps its values under a longer one
    new = [names.get(name, f"{name}_" if name in columns else name) for name in old]
    new = unreserved(new)
    twice = [name for name in new if new.count(name) > 1]
    if twice or len(names) < len(columns):
        told = show_names(twice) if twice else show(dict(columns), 120)
        raise TableError(f"columns {told} stand for one another twice; allowed: once. Rename one.")
    return new


def absent(given: str, name: str, columns: Sequence[str]) -> TableError:
    """Say which column is not there, those that are, and what to pass."""
    free = [column for column in columns if column not in EVENTS]
    near = nearest(str(given), free)
    step = f"Pass columns={{{show(name)}: {show(near)}}}."
    if near is None:
        step = f"Pass columns={{{show(name)}: ...}} with the one of them that holds it."
    return TableError(f"column {show(given)} not found; columns: {show_names(columns)}. {step}")


def tidied(schema: pl.Schema) -> list[pl.Expr]:
    """The columns of an events table without blanks around cells; ids as text; no empty text."""
    found = [name for name in EVENTS if name in schema]
    ids = [pl.col(n).cast(pl.String) for n in found if n in IDS and schema[n].is_integer()]
    texts = [name for name in found if schema[name] == pl.String]
    strip = {name: pl.col(name).str.strip_chars() for name in texts}
    return ids + [pl.when(cell != "").then(cell).alias(name) for name, cell in strip.items()]


def with_clock(
    frame: pl.DataFrame, name: str, unit: str | None, given: str
) -> tuple[pl.DataFrame, int]:
    """The frame with `time` in seconds or `timestamp`, and how many times name no zone."""
    cells = frame[name]
    dtype = cells.dtype
    if not (dtype.is_numeric() or dtype in (pl.String, pl.Date, pl.Null, pl.Datetime)):
        raise TableError(
            f"column {show(given)} is {dtype}; allowed: numbers, dates, times or text. Cast it."
        )
    form = time_form(cells, given)
    if form == "number":
        require_unit(unit, UNITS)
        read = frame.select(number(pl.col(name))).to_series()
        frame = mark(frame, pl.lit(cells.is_not_null() & read.is_null()), given, name, NO_NUMBER)
        return frame.drop(name).with_columns(clock(pl.lit(read), str(unit))), 0
    require_no_unit(unit, given)
    parsed = parse_time(cells, form, given)
    for fault in parsed.faults:
        fault = replace(fault, column=given)
        frame = blame(frame, fault, cells)
    values = parsed.values
    if values.dtype == pl.Date:
        values = values.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    frame = frame.drop(name).with_columns(values.cast(UTC_TIME).alias("timestamp"))
    return frame, parsed.without_zone


def require_no_unit(unit: str | None, given: str) -> None:
    """Refuse a unit beside dates."""
    if unit is not None:
        raise TableError(
            f"unit={show(unit)}, but column {show(given)} holds dates or times, which need none. "
            "Leave unit out."
        )


def with_ids(frame: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Check]]:
    """The frame with ids of cascades and events, made where it has none."""
    notes: list[Check] = []
    if "cascade_id" not in frame.columns:
        frame = frame.with_columns(cascade_id=pl.lit(name))
        notes.append(("rows without a column of cascades", len(frame), f"all are {show(name)}"))
    if "event_id" not in frame.columns:
        place = pl.int_range(pl.len()).over("cascade_id").cast(pl.String)
        frame = frame.with_columns(event_id=place)
        notes.append(("rows without a column of events", len(frame), "numbered in each cascade"))
    return frame, notes
