"""Your file of counts as a counts table."""

import os
import re
from math import inf
from typing import Literal

import polars as pl

from viralkit.reading.checks import counts_checks, unsorted
from viralkit.reading.columns import choose_columns, require_choice
from viralkit.reading.faults import DROPPED, Fault, OnError, Settler
from viralkit.reading.files import open_source
from viralkit.reading.parsing import Parsed, parse_count, parse_time, time_form
from viralkit.rules import rules_of
from viralkit.schema import TABLES
from viralkit.tables import Quality, TableError, check, conform
from viralkit.wording import show

Kind = Literal["incremental", "cumulative", "index"]

COLUMNS = TABLES["counts"].columns
KINDS = COLUMNS["kind"].choices
TIMES = [name for name, column in COLUMNS.items() if column.family in ("time", "same")]
# short enough for polars to add to any date
DAYS = r"[1-9][0-9]{0,3}(d|w|mo|q|y)"
DURATION = rf"[1-9][0-9]{{0,8}}(ns|us|ms|s|m|h)|{DAYS}"


def read_counts(
    source: str | os.PathLike[str] | pl.DataFrame,
    *,
    kind: Kind | None = None,
    time: str = "time",
    count: str = "count",
    item: str = "item",
    every: str | float | None = None,
    on_error: OnError = "raise",
) -> tuple[pl.DataFrame, Quality]:
    """What do the counts in my file say, as a table that models and charts take?

    Parameters
    ----------
    source : path or polars.DataFrame
        A .csv, .csv.gz, .tsv, .tsv.gz (UTF-8, header line first) or .parquet file, or a frame.
    kind : {"incremental", "cumulative", "index"}
        Required: whether a row counts what came in the period that starts at its time, the total
        at its time, or a value relative to something (a search index).
    time, count, item : str
        Which columns of the source hold the times (ISO dates; ISO times, read as UTC where they
        name no zone; or numbers of periods), the counts, and what was counted. Without an item
        column all rows are one item, named after the file ("counts" for a frame).
    every : str or float, optional
        How long a period of incremental counts lasts: "1d", "1w", "1mo" or "1y" (also "6h" for
        times of day), or a number for number periods. Required for them unless the source has a
        column `period_end`; never guessed.
    on_error : {"raise", "drop", "keep"}
        What to do with a row that breaks a rule: raise at the first; leave it out and list it in
        `quality.dropped`; or keep it with the unreadable cell null and the reason in `excluded`.

    Returns
    -------
    counts : polars.DataFrame
        A counts table (see `check`), sorted by item, metric and time. Columns `metric`, `unit`,
        `period_end`, `bound`, `time_lower`, `time_upper`, `excluded` and `reference` of the source
        are typed too; all others pass as they came: as text, if from a text file.
    quality : Quality
        Rows read, kept, left out and why, duplicates, falls, gaps, overlaps, spans.

    Raises
    ------
    TableError
        With the place (line of a text file, else row), column, value, rule and next step.
    FileNotFoundError
        With the files of the folder that are spelled like it.

    Notes
    -----
    Cells are never evaluated: "=cmd()" is text and stays so. An empty cell is a missing value, and
    so is the rest of a line that is too short; a line with too many cells is an error; blank lines
    are skipped and counted. A file with a header alone gives an empty table of dates.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"date": ["2007-05-22", "2007-05-29"], "views": ["0", "12"]})
    >>> counts, quality = read_counts(frame, kind="cumulative", time="date", count="views")
    >>> counts.select("item", "time", "count", "kind").rows()[1]
    ('counts', datetime.date(2007, 5, 29), 12, 'cumulative')
    >>> quality.table.row(0)
    ('rows read', 2, None)
    """
    require_choice("kind", kind, KINDS, "Say what a row counts")
    require_choice("on_error", on_error, ("raise", "drop", "keep"), "Say what to do with bad rows")
    found = open_source(source)
    names = {"time": time, "count": count, "item": item}
    raw = choose_columns(found.frame, names, "counts", optional="item")
    parsed = parse_columns(raw, names)
    frame = add_period_end(typed(raw, parsed, names, found.name), str(kind), every)
    faults = [fault for column in parsed for fault in column.faults]
    faults += [Fault.of_rule(rule, frame) for rule in rules_of(frame.schema, "counts")]
    settler = Settler(found, raw, names, faults + kind_faults(raw, frame, str(kind)))
    usable, bad = settler.settle(frame, on_error)
    counts = check(arranged(usable.with_columns(kind=pl.lit(kind))), "counts")
    without_zone = parsed[0].without_zone
    note = f"no item column: all rows are {show(found.name)}" if "item" not in raw else None
    table = [
        ("rows read", len(raw), None),
        ("rows kept", len(counts), None),
        *settler.reasons(bad, on_error),
        ("blank lines", found.blank_lines, "skipped" * bool(found.blank_lines) or None),
        ("times without zone", without_zone, "read as UTC" * bool(without_zone) or None),
        ("items", counts["item"].n_unique(), note),
        unsorted(usable),
        *counts_checks(counts),
    ]
    schema = {"check": pl.String, "rows": pl.Int64, "note": pl.String}
    dropped = bad.select(*DROPPED) if on_error == "drop" else pl.DataFrame(schema=DROPPED)
    return counts, Quality(pl.DataFrame(table, schema, orient="row"), dropped)


def parse_columns(raw: pl.DataFrame, names: dict[str, str]) -> list[Parsed]:
    """The columns of times (the first is `time`) and counts, parsed."""
    form = time_form(raw["time"], names["time"])
    present = [name for name in TIMES if name in raw.columns]
    times = [parse_time(raw[name], form, names.get(name, name)) for name in present]
    return [*times, parse_count(raw["count"])]


def typed(
    raw: pl.DataFrame, parsed: list[Parsed], names: dict[str, str], item: str
) -> pl.DataFrame:
    """The frame with the parsed columns, an item, and the dtypes of the table."""
    frame = raw.with_columns(column.values for column in parsed)
    if "item" not in frame.columns:
        frame = frame.with_columns(item=pl.lit(item))
    try:
        return conform(frame, "counts")
    except TableError as error:
        renamed = [f"{show(n)} is your {show(given)}" for n, given in names.items() if n != given]
        said = f" ({', '.join(renamed)}.)" if renamed else ""
        raise TableError(f"{error}{said}") from None


def add_period_end(frame: pl.DataFrame, kind: str, every: str | float | None) -> pl.DataFrame:
    """The frame with the end of each period, if its counts are incremental."""
    given = f"every={show(every)}"
    if kind != "incremental":
        if every is not None:
            raise TableError(
                f"{given}, but kind={show(kind)}; periods belong to incremental counts. "
                "Leave it out."
            )
        return frame
    if "period_end" in frame.columns:
        if every is not None:
            raise TableError(
                f"{given} beside a column 'period_end'; allowed: one of them. Leave one out."
            )
        return frame
    return frame.with_columns(period_end=period_end(frame.schema["time"], every))


def period_end(time: pl.DataType, every: str | float | None) -> pl.Expr:
    """When the period that starts at `time` ends."""
    example, allowed = '"1w"', 'a number and d, w, mo, q or y: "1d", "1w", "1mo", "1y"'
    if time == pl.Float64:
        number = isinstance(every, int | float) and not isinstance(every, bool)
        if number and 0 < float(every or 0) < inf:
            return pl.col("time") + float(every or 0)
        example, allowed = "1", "a number above zero, as the times are numbers"
    elif isinstance(every, str) and re.fullmatch(DAYS if time == pl.Date else DURATION, every):
        return pl.col("time").dt.offset_by(every)
    elif time != pl.Date:
        allowed += ', also "6h", "30m", "10s"'
    given = "every is not given" if every is None else f"every={show(every)} is no period"
    raise TableError(
        f"{given}; allowed: {allowed}. Incremental counts need the length of their periods: pass "
        f"every={example}, or a column 'period_end'."
    )


def kind_faults(raw: pl.DataFrame, frame: pl.DataFrame, kind: str) -> list[Fault]:
    """Rows whose own kind is another, and incremental counts without the end of their period."""
    faults = []
    if "kind" in raw.columns:
        other = frame.select((pl.col("kind") != kind).arg_true()).to_series()
        allowed = f"you passed kind={show(kind)}"
        step = "Read each kind by itself, or rename the column if it means something else."
        faults.append(Fault("kind", other, "is another kind", allowed, step))
    if kind == "incremental":
        used = pl.col("excluded").is_null() if "excluded" in frame.columns else pl.lit(True)
        open_end = frame.select((pl.col("period_end").is_null() & used).arg_true()).to_series()
        allowed = "an incremental count has the end of its period"
        faults.append(Fault("period_end", open_end, "is missing", allowed, "Fill it."))
    return faults


def arranged(counts: pl.DataFrame) -> pl.DataFrame:
    """The columns of the table first, the rows by item, metric and time."""
    first = [name for name in COLUMNS if name in counts.columns]
    counts = counts.select(*first, pl.exclude(first))
    counts = counts.sort("time", nulls_last=True, maintain_order=True)
    for name in ("metric", "item"):
        if name in first:  # a stable sort by numbered names takes a third of the time
            names = pl.Enum(counts[name].drop_nulls().unique().sort())
            counts = counts.sort(pl.col(name).cast(names), nulls_last=True, maintain_order=True)
    return counts
