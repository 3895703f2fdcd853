"""Your file of counts as a counts table."""

import os
import re
from collections.abc import Sequence
from math import inf
from typing import Any, Literal, cast

import polars as pl

from viralkit.reading.checks import counts_checks, unsorted
from viralkit.reading.columns import choose_columns, require_choice
from viralkit.reading.counts_found import Found
from viralkit.reading.counts_layouts import LAYOUTS, Layout, Names, open_layout, refuse_stated
from viralkit.reading.faults import DROPPED, Fault, OnError, Settler
from viralkit.reading.files import Source, join_sources, open_source
from viralkit.reading.parsing import Parsed, parse_count, parse_time, time_form
from viralkit.reading.unpacking import find_files
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
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | pl.DataFrame,
    *,
    layout: Layout = "columns",
    kind: Kind | None = None,
    time: str = "time",
    count: str = "count",
    item: str | Sequence[str] = "item",
    every: str | float | None = None,
    stamp: Literal["start", "end"] | None = None,
    on_error: OnError = "raise",
) -> tuple[pl.DataFrame, Quality]:
    """What do the counts in my file say, as a table that models and charts take?

    Parameters
    ----------
    source : path, glob, folder, list of paths, or polars.DataFrame
        .csv or .tsv files (also .gz, .zst; header line first), .parquet files, or a frame; with a
        layout, the files that it names.
    layout : str
        The form of the source. "columns" (a table with a column of times and one of counts) needs
        `kind`; all others know kind and period, and have columns of their own by default:

        - "youtube_trending": trending lists, editions of 2018 and the 2020s; cumulative views
        - "youtube_trending_2017": the first edition, whose dates have no year
        - "youtube_insights": daily views (count="shares", "watch_minutes") as JSON lines
        - "google_trends": an export of interest over time; "<1" is a bound, at most 1
        - "wikipedia": JSON answers of the page view interface
        - "wikipedia_dumps": hourly dumps; item= names pages, as "en Main_Page" or a list
        - "ga4": an export of Google Analytics 4; count= names the column where there are several
    kind : {"incremental", "cumulative", "index"}
        Required: whether a row counts what came in the period that starts at its time, the total
        at its time, or a value relative to something (a search index).
    time, count, item : str
        Which columns of the source hold the times (ISO dates; ISO times, read as UTC where they
        name no zone; or numbers of periods), the counts, and what was counted. Without an item
        column all rows of a file are one item, named after it ("counts" for a frame).
    every : str or float, optional
        How long a period of incremental counts lasts: "1d", "1w", "1mo" or "1y" (also "6h" for
        times of day), or a number for number periods. Required for them unless the source has a
        column `period_end`; never guessed.
    stamp : {"start", "end"}, optional
        Whether the time of an incremental count is the start of its period (by default) or its
        end. Required for "wikipedia_dumps": which of the two names an hour changed over the years.
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
    require_choice("layout", layout, LAYOUTS, "Say what form the source has")
    require_choice("on_error", on_error, ("raise", "drop", "keep"), "Say what to do with bad rows")
    if stamp is not None:
        require_choice("stamp", stamp, ("start", "end"), "Say what a time is")
    opened = open_counts(
        source, layout, {"time": time, "count": count, "item": item}, kind, every, stamp
    )
    found, names = opened.source, opened.names
    raw = choose_columns(found.frame, names, "counts", optional="item")
    parsed = parse_columns(raw, names)
    frame = add_period_end(typed(raw, parsed, names, found), opened)
    faults = [*opened.faults, *(fault for column in parsed for fault in column.faults)]
    faults += [Fault.of_rule(rule, frame) for rule in rules_of(frame.schema, "counts")]
    settler = Settler(found, raw, names, faults + kind_faults(raw, frame, opened.kind))
    usable, bad = settler.settle(frame, on_error)
    counts = check(arranged(usable.with_columns(kind=pl.lit(opened.kind))), "counts")
    without_zone = parsed[0].without_zone
    alike = found.file or found.places is None
    called = show(found.name) if alike else "named after their files"
    note = f"no item column: all rows are {called}" if "item" not in raw else None
    table = [
        ("rows read", len(raw), None),
        ("rows kept", len(counts), None),
        *settler.reasons(bad, on_error),
        ("blank lines", found.blank_lines, "skipped" * bool(found.blank_lines) or None),
        ("times without zone", without_zone, "read as UTC" * bool(without_zone) or None),
        ("items", counts["item"].n_unique(), note),
        *opened.notes,
        unsorted(usable),
        *counts_checks(counts),
    ]
    schema = {"check": pl.String, "rows": pl.Int64, "note": pl.String}
    dropped = bad.select(*DROPPED) if on_error == "drop" else pl.DataFrame(schema=DROPPED)
    return counts, Quality(pl.DataFrame(table, schema, orient="row"), dropped)


def open_counts(
    source: Any, layout: str, names: Names, kind: str | None, every: Any, stamp: str | None
) -> Found:
    """The cells of a source, whatever its layout."""
    if layout != "columns":
        refuse_stated(layout, {"kind": kind, "every": every, "stamp": stamp})
        return open_layout(layout, source, names, stamp)
    require_choice("kind", kind, KINDS, "Say what a row counts")
    several = not isinstance(source, str | os.PathLike) and isinstance(source, Sequence)
    if several or (isinstance(source, str | os.PathLike) and not os.path.isfile(source)):
        found = join_sources([open_source(path) for path in find_files(source)])
    else:
        found = open_source(source)
    return Found(found, cast(dict[str, str], names), str(kind), every, stamp)


def parse_columns(raw: pl.DataFrame, names: dict[str, str]) -> list[Parsed]:
    """The columns of times (the first is `time`) and counts, parsed."""
    form = time_form(raw["time"], names["time"])
    present = [name for name in TIMES if name in raw.columns]
    times = [parse_time(raw[name], form, names.get(name, name)) for name in present]
    return [*times, parse_count(raw["count"], names["count"])]


def typed(
    raw: pl.DataFrame, parsed: list[Parsed], names: dict[str, str], source: Source
) -> pl.DataFrame:
    """The frame with the parsed columns, an item, and the dtypes of the table."""
    frame = raw.with_columns(column.values for column in parsed)
    if "item" not in frame.columns:
        places = pl.DataFrame() if source.places is None else source.places
        own = places["name"] if "name" in places.columns else pl.lit(source.name)
        frame = frame.with_columns(item=own)
    try:
        return conform(frame, "counts")
    except TableError as error:
        renamed = [f"{show(n)} is your {show(given)}" for n, given in names.items() if n != given]
        said = f" ({', '.join(renamed)}.)" if renamed else ""
        raise TableError(f"{error}{said}") from None


def add_period_end(frame: pl.DataFrame, opened: Found) -> pl.DataFrame:
    """The frame with the end of each period, if its counts are incremental."""
    every, stamp = opened.every, opened.stamp
    if opened.kind != "incremental":
        given = [
            f"{n}={show(v)}" for n, v in {"every": every, "stamp": stamp}.items() if v is not None
        ]
        if given:
            raise TableError(
                f"{given[0]}, but kind={show(opened.kind)}; periods belong to incremental counts. "
                "Leave it out."
            )
        return frame
    if "period_end" in frame.columns:
        if every is not None:
            raise TableError(
                f"every={show(every)} beside a column 'period_end'; allowed: one of them. "
                "Leave one out."
            )
        return frame
    later = moved(frame.schema["time"], every)
    if stamp != "end":
        return frame.with_columns(period_end=later)
    return frame.with_columns(period_end="time", time=moved(frame.schema["time"], every, -1))


def moved(time: pl.DataType, every: str | float | None, periods: int = 1) -> pl.Expr:
    """The time of a row, one period later or earlier."""
    example, allowed = '"1w"', 'a number and d, w, mo, q or y: "1d", "1w", "1mo", "1y"'
    if time == pl.Float64:
        number = isinstance(every, int | float) and not isinstance(every, bool)
        if number and 0 < float(every or 0) < inf:
            return pl.col("time") + periods * float(every or 0)
        example, allowed = "1", "a number above zero, as the times are numbers"
    elif isinstance(every, str) and re.fullmatch(DAYS if time == pl.Date else DURATION, every):
        return pl.col("time").dt.offset_by(every if periods > 0 else f"-{every}")
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
