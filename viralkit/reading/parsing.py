"""Text cells as times and counts, and which of them cannot be read."""

import re
from dataclasses import dataclass
from typing import Literal

import polars as pl

from viralkit.reading.faults import Fault
from viralkit.tables import UTC_TIME, TableError
from viralkit.wording import parse_step, show

Form = Literal["date", "datetime", "number"]

# [0-9] and not \d, which also takes the digits of other scripts
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
DATE = rf"^{DAY}$"
OFFSET = r"Z|[+-][0-9]{2}(?::?[0-9]{2})?"
MOMENT = rf"^({DAY})[T ]([0-9]{{2}}:[0-9]{{2}})(:[0-9]{{2}}(?:\.[0-9]+)?)?({OFFSET})?$"
ZONE = rf":[0-9]{{2}}(?:\.[0-9]+)?(?:{OFFSET})$"
INTEGER = r"^[+-]?[0-9]+$"
NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
THOUSANDS = r"[+-]?[0-9]{1,3}([,.' \u00a0\u202f])[0-9]{3}(?:\1[0-9]{3})*"
FORMS: dict[Form, str] = {"date": DATE, "datetime": rf"{DATE}|{MOMENT}", "number": NUMBER}
TIMES = "ISO dates (2007-05-22), ISO times (2007-05-22T14:30Z) or numbers (periods)"
NUMBERS = "digits with a decimal point at most (1234 or 1234.5), no separators, units or words"


@dataclass(frozen=True, eq=False)
class Parsed:
    """A column with its real type, the cells that have none, and times that name no zone."""

    values: pl.Series
    faults: list[Fault]
    without_zone: int = 0


def parse_count(cells: pl.Series, name: str = "count") -> Parsed:
    """A column of counts, whatever it holds; `name` is the one it has in its source."""
    if cells.dtype != pl.String:
        return Parsed(cells, [])
    cells = cells.str.strip_chars()
    parsed = counts_of(cells)
    return Parsed(parsed, count_faults(cells, parsed, name))


def parse_time(cells: pl.Series, form: Form, name: str) -> Parsed:
    """A column of times, whatever it holds; `name` is the one it has in its source."""
    if isinstance(cells.dtype, pl.Datetime) and cells.dtype.time_zone is None:
        return Parsed(cells.dt.replace_time_zone("UTC"), [], cells.count())
    if isinstance(cells.dtype, pl.Datetime):
        return Parsed(cells.dt.convert_time_zone("UTC"), [])
    if cells.dtype != pl.String:
        return Parsed(cells, [])
    cells = cells.str.strip_chars()
    parsed = times_of(cells, form)
    without_zone = parsed.is_not_null() & ~matches(cells, ZONE) & (form == "datetime")
    return Parsed(parsed, time_faults(cells, parsed, name, form), int(without_zone.sum()))


def time_form(times: pl.Series, name: str) -> Form:
    """Are these dates, moments or numbers? For text: what most of them are."""
    if times.dtype != pl.String:
        if times.dtype == pl.Date:
            return "date"
        return "datetime" if isinstance(times.dtype, pl.Datetime) else "number"
    times = times.str.strip_chars()
    dates, moments, numbers = (len(matches(times, f).arg_true()) for f in (DATE, MOMENT, NUMBER))
    if not dates + moments + numbers and times.count():
        sample = times.drop_nulls()[0]
        raise TableError(
            f"column {show(name)} holds text such as {show(sample)}; allowed: {TIMES}. "
            f"{parse_step(name, sample)} Then pass the frame (pl.read_csv with infer_schema=False)."
        )
    if numbers > dates + moments:
        return "number"
    return "datetime" if moments else "date"


def matches(cells: pl.Series, pattern: str) -> pl.Series:
    """Which cells have this form (empty ones do not)."""
    return cells.str.contains(pattern).fill_null(False)


def times_of(cells: pl.Series, form: Form) -> pl.Series:
    """Texts as times of one form; null where a text has another."""
    if form == "number":
        return cells.set(~matches(cells, NUMBER), None).cast(pl.Float64)
    if form == "date":
        return cells.set(~matches(cells, DATE), None).str.to_date("%Y-%m-%d", strict=False)
    iso = cells.str.replace(DATE, "${0}T00:00")
    iso = iso.set(~matches(iso, MOMENT), None)
    iso = iso.str.replace(MOMENT, "${1}T${2}${3} ${4}")
    iso = iso.str.replace(r"(T[0-9]{2}:[0-9]{2}) ", "${1}:00 ").str.replace(r" Z?$", " +00:00")
    iso = iso.str.replace(r" ([+-][0-9]{2})$", " ${1}:00")
    return iso.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f %z", strict=False, time_unit="us", time_zone="UTC"
    ).cast(UTC_TIME)


def counts_of(cells: pl.Series) -> pl.Series:
    """Texts as Int64, or as Float64 if any has a fraction or an exponent; null where no number."""
    whole = matches(cells, INTEGER)
    if whole.sum() == matches(cells, NUMBER).sum():
        return cells.set(~whole, None).cast(pl.Int64, strict=False)
    return cells.set(~matches(cells, NUMBER), None).cast(pl.Float64)


def time_faults(cells: pl.Series, parsed: pl.Series, name: str, form: Form) -> list[Fault]:
    """The texts of a time column that could not be read."""
    unread = cells.is_not_null() & parsed.is_null()
    own = matches(cells, FORMS[form])
    other = unread & ~own & matches(cells, "|".join(FORMS.values()))
    rest = (unread & ~other).arg_true()
    step = "Correct it: no calendar has it."
    if len(rest) and not own[rest[0]]:
        step = parse_step(name, cells[rest[0]])
    one = "a column holds one form of time"
    return [
        Fault(parsed.name, other.arg_true(), f"is no {form}, as most times are", one, "Mend it."),
        Fault(parsed.name, rest, "is no time", f"allowed: {TIMES}", step),
    ]


def count_faults(cells: pl.Series, parsed: pl.Series, name: str) -> list[Fault]:
    """The texts of a count column that could not be read."""
    unread = cells.is_not_null() & parsed.is_null()
    large = (unread & matches(cells, INTEGER)).arg_true()
    words = (unread & ~matches(cells, INTEGER)).arg_true()
    most, step = "64 bits hold 9,223,372,036,854,775,807", "Mend the cell."
    first = re.fullmatch(THOUSANDS, cells[words[0]]) if len(words) else None
    if first:
        taken = f"str.replace_all({first[1]!r}, '', literal=True).cast(pl.Int64)"
        step = f"Take the separators out, and pass the frame: pl.col({show(name)}).{taken}."
    return [
        Fault(parsed.name, words, "is no number", f"allowed: {NUMBERS}", step),
        Fault(parsed.name, large, "is too large", most, "Mend the cell, or count in thousands."),
    ]
