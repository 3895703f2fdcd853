"""Times of day as moments in UTC: what a clock showed, where its source does not say it."""

from dataclasses import dataclass

import polars as pl

from viralkit.reading.faults import Fault
from viralkit.reading.parsing import DATE, MOMENT, NUMBER, ZONE, matches, times_of
from viralkit.tables import UTC_TIME, TableError
from viralkit.wording import parse_step, show

UNITS = {"unix_seconds": 1e6, "unix_milliseconds": 1e3}
CLOCKS = 'allowed: "unix_seconds", "unix_milliseconds", or a zone such as "UTC" or "Europe/Berlin"'
LATEST = 2.5e17  # microseconds until the year 9892


@dataclass(frozen=True, eq=False)
class Moments:
    """Times in UTC, the cells that are none, and how many a clock shows twice."""

    values: pl.Series
    faults: list[Fault]
    twice: int = 0


def parse_moments(cells: pl.Series, clock: str | None, name: str) -> Moments:
    """The moments that cells tell, each with its zone or by the clock."""
    if isinstance(cells.dtype, pl.Datetime | pl.Date):
        if isinstance(cells.dtype, pl.Datetime) and cells.dtype.time_zone is not None:
            return Moments(cells.dt.convert_time_zone("UTC"), [])
        return by_zone(cells.cast(pl.Datetime("us")), None, clock, name)
    if cells.dtype.is_numeric():
        return by_unit(cells.cast(pl.Float64), cells, clock, name)
    texts = cells.cast(pl.String).str.strip_chars()
    if matches(texts, NUMBER).sum() > matches(texts, f"{DATE}|{MOMENT}").sum():
        numbers = texts.set(~matches(texts, NUMBER), None).cast(pl.Float64)
        return by_unit(numbers, texts, clock, name)
    parsed = times_of(texts, "datetime")
    stated = matches(texts, ZONE)
    if (parsed.is_not_null() & ~stated).any():
        local = parsed.dt.replace_time_zone(None).set(stated, None)
        moved = by_zone(local, texts, clock, name)
        values = parsed.zip_with(stated, moved.values) if len(parsed) else parsed
        return Moments(values, [*unread(texts, parsed, clock, name), *moved.faults], moved.twice)
    return Moments(parsed, unread(texts, parsed, clock, name))


def by_unit(numbers: pl.Series, cells: pl.Series, clock: str | None, name: str) -> Moments:
    """Numbers as what a clock counts since 1970."""
    if clock not in UNITS:
        first = cells.drop_nulls().head(1).to_list()
        raise unclear(clock, f"column {show(name)} holds numbers such as {first}", "unix_seconds")
    micros = (numbers * UNITS[clock]).fill_nan(None)
    micros = micros.set((micros.abs() > LATEST).fill_null(False), None).round()
    values = micros.cast(pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return Moments(values.alias("time"), unread(cells, values, clock, name))


def by_zone(local: pl.Series, texts: pl.Series | None, clock: str | None, name: str) -> Moments:
    """Times of day as those that clocks of a zone showed."""
    if clock is None or clock in UNITS:
        raise unclear(clock, f"column {show(name)} holds times without a zone", "UTC")
    try:
        first = local.dt.replace_time_zone(clock, ambiguous="earliest", non_existent="null")
        last = local.dt.replace_time_zone(clock, ambiguous="latest", non_existent="null")
    except pl.exceptions.PolarsError:
        raise unclear(clock, f"clock={show(clock)} is no zone", "UTC") from None
    skipped = (local.is_not_null() & first.is_null()).arg_true()
    allowed = f"clocks of {clock} never showed it, as they were put forward"
    fault = Fault("time", skipped, "is no time", allowed, "Correct the time, or the clock.")
    values = first.dt.convert_time_zone("UTC").cast(UTC_TIME)
    return Moments(values.alias("time"), [fault], int((first != last).sum()))


def unclear(clock: str | None, what: str, example: str) -> TableError:
    """Which clock is needed."""
    given = "clock is not given" if clock is None else f"clock={show(clock)} does not fit"
    return TableError(f"{what}, and {given}; {CLOCKS}. Pass clock={show(example)}.")


def unread(cells: pl.Series, parsed: pl.Series, clock: str | None, name: str) -> list[Fault]:
    """The cells that could not be read."""
    rows = (cells.is_not_null() & parsed.is_null()).arg_true()
    sample = str(cells[int(rows[0])]) if len(rows) else ""
    allowed = "allowed: ISO times (2007-05-22T14:30Z), or numbers of one clock"
    step = parse_step(name, sample, "UTC" if clock is None or clock in UNITS else clock)
    if clock not in UNITS:
        step = f"{step} Then pass the frame (pl.read_csv with infer_schema=False)."
    return [Fault("time", rows, "is no time", allowed, step)]
