"""Cascades in a table larger than memory: a lazy frame in, a lazy frame of events out."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from viralkit.reading.events import mark_of
from viralkit.reading.faults import OnError
from viralkit.reading.layouts import NO_NUMBER, UNITS, clock, moment, number, require_unit
from viralkit.reading.layouts_columns import NUMBERS, absent, new_names, require_no_unit, tidied
from viralkit.reading.parsing import times_of
from viralkit.reading.settling import FAULT, PLACE, Check, dropped, message, place
from viralkit.rules import Rule, rules_of
from viralkit.schema import TABLES
from viralkit.tables import UTC_TIME, Quality, TableError, conform
from viralkit.wording import show

LISTED = 10_000  # bad rows that the quality of a stream lists
TOLD = "given_"  # before the name of a column: its cells as they came
NO_TIME = ("is no time", "allowed: ISO times (2007-05-22T14:30Z), or numbers and unit", "Mend it.")


def stream(
    source: pl.LazyFrame, unit: str | None, columns: Mapping[str, str], on_error: OnError
) -> tuple[pl.LazyFrame, Quality]:
    """The events of a lazy frame, not yet read, and their quality, for which it is read once.

    Where rows have faults it is read twice more, to count and to list them.
    """
    rows = judged(typed(source, unit, columns), columns)
    wrong = rows.filter(pl.col("fault").is_not_null()).select(*PLACE, *FAULT)
    good = summed(rows)
    lost = int(good["lost"].sum())
    listed, table = pl.DataFrame(schema={**PLACE, **FAULT}), list[Check]()
    if lost and on_error != "keep":
        listed = wrong.bottom_k(LISTED, by="line").collect(engine="streaming").sort("line")
    if lost and on_error == "raise":
        raise TableError(message(listed))
    if lost:
        table = counted_faults(wrong, on_error)
    read = int(good["rows"].sum())
    kept = read - lost if on_error == "drop" else read
    table = [("rows read", read, None), ("rows kept", kept, None), *table]
    good = good.filter(pl.col("cascade_id").is_not_null(), pl.col("origin").is_not_null())
    good = good.sort("line")
    schema = {"check": pl.String, "rows": pl.Int64, "note": pl.String}
    told = pl.DataFrame([*table, *checks(good)], schema, orient="row")
    start = [moment(pl.col("origin")).alias("start")]
    cascades = good.select("cascade_id", *start * ("timestamp" in rows.collect_schema()))
    return settled(rows, good, on_error, columns), Quality(
        told, dropped(listed, on_error), cascades
    )


def typed(source: pl.LazyFrame, unit: str | None, columns: Mapping[str, str]) -> pl.LazyFrame:
    """The rows under the names and with the dtypes of an events table; texts as they came too."""
    schema = source.collect_schema()
    new = new_names(schema, columns)
    if "cascade_id" not in new:
        raise absent("cascade_id", "cascade_id", list(schema))
    rows = source.rename(dict(zip(schema, new, strict=True))).with_row_index("line")
    rows = rows.with_columns(pl.col("line").cast(pl.Int64), file=pl.lit(None, pl.String))
    if "event_id" not in new:
        rows = rows.with_columns(event_id=pl.col("line").cast(pl.String))
    rows = rows.with_columns(tidied(pl.Schema(zip(new, schema.dtypes(), strict=True))))
    name = "time" if "time" in new else "timestamp"
    dtype = rows.collect_schema()[name]
    texts = [name, *(n for n in NUMBERS if rows.collect_schema().get(n) == pl.String)]
    rows = rows.with_columns(pl.col(texts).cast(pl.String).name.prefix(TOLD))
    rows = rows.with_columns(number(pl.col(n)) for n in texts[1:])
    when = times(pl.col(name), dtype, unit, columns.get(name, name))
    rows = rows.with_columns(when)
    if when.meta.output_name() == "time":
        return rows
    return rows.with_columns(time=pl.col("timestamp").dt.epoch("us") / 1e6)


def times(cells: pl.Expr, dtype: pl.DataType, unit: str | None, given: str) -> pl.Expr:
    """The column `time` in seconds, or `timestamp`."""
    if dtype.is_numeric() or (dtype == pl.String and unit is not None):
        require_unit(unit, UNITS)
        return clock(number(cells), str(unit))
    if not (dtype in (pl.String, pl.Date) or isinstance(dtype, pl.Datetime)):
        raise TableError(
            f"column {show(given)} is {dtype}; allowed: numbers, dates, times or text. Cast it."
        )
    require_no_unit(unit, given)
    if dtype == pl.String:
        cells = cells.map_batches(parsed, UTC_TIME, is_elementwise=True)
    elif isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        cells = cells.dt.convert_time_zone("UTC")
    else:
        cells = cells.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return cells.cast(UTC_TIME).alias("timestamp")


def parsed(cells: pl.Series) -> pl.Series:
    """Texts as moments."""
    return times_of(cells.str.strip_chars(), "datetime")


def judged(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """The rows with the dtypes of the table, and with the first fault that each has."""
    schema = rows.collect_schema()
    wanted = conform(schema.to_frame(), "events").schema
    rows = rows.with_columns(pl.col(n).cast(t) for n, t in wanted.items() if t != schema[n])
    rules = [unread(name[len(TOLD) :], schema) for name in schema if name.startswith(TOLD)]
    rules += rules_of(wanted, "events")
    told: dict[str, pl.Expr] = dict.fromkeys(FAULT, pl.lit(None, pl.String))
    for rule in reversed(rules):
        text = f"{rule.reason} {rule.beside}".rstrip() + f"; {rule.allowed}. {rule.step}"
        before = TOLD + rule.column
        cell = pl.col(before if before in schema else rule.column).cast(pl.String)
        named = pl.lit(columns.get(rule.column, rule.column))
        for name, value in zip(FAULT, (named, cell, pl.lit(text)), strict=True):
            told[name] = pl.when(rule.broken).then(value).otherwise(told[name])
    faults = rows.with_columns(expr.alias(name) for name, expr in told.items())
    return faults.drop(name for name in schema if name.startswith(TOLD))


def unread(name: str, schema: pl.Schema) -> Rule:
    """The rule that a text which is there can be read."""
    now = name if name in schema else "timestamp"
    said = NO_TIME if "timestamp" in (now, name) else NO_NUMBER
    return Rule(name, pl.col(TOLD + name).is_not_null() & pl.col(now).is_null(), *said)


def summed(rows: pl.LazyFrame) -> pl.DataFrame:
    """What is counted for each cascade: rows, those that cannot be used, parents, first times.

    Sums and least values of columns alone, which polars streams; it gathers what is filtered.
    """
    names = rows.collect_schema().names()
    parent = pl.col("parent_id") if "parent_id" in names else pl.lit(None, pl.String)
    lost = pl.col("fault").is_not_null()
    usable = ~lost & (pl.col("excluded").is_null() if "excluded" in names else pl.lit(True))
    columns = rows.select(
        "line",
        "cascade_id",
        mark=mark_of("cascade_id"),
        lost=lost.cast(pl.UInt32),
        named=(usable & parent.is_not_null()).cast(pl.UInt32),
        own=(usable & (parent == pl.col("event_id"))).fill_null(False).cast(pl.UInt32),
        first=pl.when(usable).then("time"),
        root=pl.when(usable & parent.is_null()).then("time"),
    )
    found = columns.group_by("mark").agg(
        pl.len().alias("rows"),
        pl.col("cascade_id").first(),
        pl.col("lost", "named", "own").sum(),
        pl.col("line", "first", "root").min(),
    )
    return found.with_columns(origin=pl.coalesce("root", "first")).collect(engine="streaming")


def counted_faults(wrong: pl.LazyFrame, on_error: OnError) -> list[Check]:
    """How many rows were dropped or excluded for which reason."""
    reason = pl.col("fault").str.splitn("; ", 2).struct[0].alias("reason")
    groups = wrong.group_by("fault_column", reason).agg(pl.len(), pl.col("line").min())
    verb = "dropped" if on_error == "drop" else "excluded"
    return [
        (f"{verb}: {show(column)} {why}", rows, f"first: {place(None, line)}")
        for column, why, rows, line in groups.collect(engine="streaming").sort("line").iter_rows()
    ]


def checks(good: pl.DataFrame) -> list[Check]:
    """What a stream can tell without holding its rows."""
    late = good.filter(pl.col("first") < pl.col("origin"))
    note = "rows stay as they stand: duplicates, orphans and ties are not counted in a stream"
    return [
        ("cascades", len(good), None),
        ("cascades with negative delays", len(late), None),
        ("self edges", int(good["own"].sum()), None),
        ("events that name a parent", int(good["named"].sum()), None),
        ("rows in order of time", 0, note),
    ]


def settled(
    rows: pl.LazyFrame, good: pl.DataFrame, on_error: OnError, said: Mapping[str, str]
) -> pl.LazyFrame:
    """The rows that can be used, or are kept, with the time since the root of their cascade."""
    names = rows.collect_schema().names()
    reason = pl.col("fault").str.splitn("; ", 2).struct[0]
    told = pl.concat_str(pl.col("fault_column"), pl.lit(" "), reason)
    if on_error == "keep":
        rows = rows.with_columns(
            pl.when(pl.col("fault_column").ne_missing(said.get(n, n))).then(n).alias(n)
            for n in TABLES["events"].columns
            if n in names
        )
        old = pl.col("excluded") if "excluded" in names else pl.lit(None, pl.String)
        rows = rows.with_columns(excluded=pl.coalesce(old, told))
    else:
        rows = rows.filter(pl.col("fault").is_null())
    order = good["mark"].arg_sort()
    marks = good["mark"].gather(order).to_numpy()
    origins = good["origin"].gather(order).to_numpy()

    def begun(cascades: pl.Series) -> pl.Series:
        """When the cascades of some rows began: every one of them is among the marks."""
        if not len(marks):
            return pl.Series(cascades.name, [None] * len(cascades), pl.Float64)
        found = cascades.to_frame().select(mark_of(cascades.name)).to_series().to_numpy()
        return pl.Series(cascades.name, origins[np.searchsorted(marks[:-1], found)])

    began = pl.col("cascade_id").map_batches(begun, pl.Float64, is_elementwise=True)
    rows = rows.with_columns(time=pl.col("time") - began)
    known = [*names, "excluded"] if on_error == "keep" else names
    first = [name for name in TABLES["events"].columns if name in known]
    rest = [n for n in names if n not in (*first, *PLACE, *FAULT)]
    return rows.select(*first, *rest)
