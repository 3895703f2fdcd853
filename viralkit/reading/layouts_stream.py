"""Cascades in a table larger than memory: a lazy frame in, a lazy frame of events out."""

from collections.abc import Mapping

import polars as pl

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
    """The events of a lazy frame, not yet read, and their quality, for which it is read once."""
    rows = judged(typed(source, unit, columns), columns)
    names = rows.collect_schema().names()
    groups = rows.group_by("cascade_id", "fault_column", "fault").agg(summary(names))
    counted = groups.collect(engine="streaming").sort("line")
    bad = counted.filter(pl.col("fault").is_not_null())
    listed = pl.DataFrame(schema={**PLACE, **FAULT})
    if len(bad) and on_error != "keep":
        wrong = rows.filter(pl.col("fault").is_not_null()).select(*PLACE, *FAULT)
        listed = wrong.bottom_k(LISTED, by="line").collect(engine="streaming").sort("line")
    if len(bad) and on_error == "raise":
        raise TableError(message(listed))
    good = counted.filter(pl.col("fault").is_null(), pl.col("cascade_id").is_not_null())
    good = good.with_columns(origin=pl.coalesce("root", "earliest"))
    if "timestamp" in names:
        good = good.with_columns(start=moment(pl.col("origin")))
    schema = {"check": pl.String, "rows": pl.Int64, "note": pl.String}
    told = pl.DataFrame(checks(counted, good, on_error), schema, orient="row")
    cascades = good.select("cascade_id", *["start"] * ("start" in good.columns))
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
    require_no_unit(unit, given)
    if dtype == pl.String:
        return cells.map_batches(parsed, UTC_TIME, is_elementwise=True).alias("timestamp")
    if dtype == pl.Date or (isinstance(dtype, pl.Datetime) and dtype.time_zone is None):
        return cells.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias("timestamp")
    if isinstance(dtype, pl.Datetime):
        return cells.dt.convert_time_zone("UTC").cast(UTC_TIME).alias("timestamp")
    raise TableError(
        f"column {show(given)} is {dtype}; allowed: numbers, dates, times or text. Cast it."
    )


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


def summary(names: list[str]) -> list[pl.Expr]:
    """What is counted for each cascade, and each fault of it."""
    usable = pl.col("excluded").is_null() if "excluded" in names else pl.lit(True)
    time, never = pl.col("time").filter(usable), pl.lit(None, pl.Float64)
    roots = pl.col("parent_id").is_null()
    found = [
        pl.len().cast(pl.Int64).alias("rows"),
        pl.col("line").min(),
        time.min().alias("earliest"),
        (
            pl.col("time").filter(usable & roots).min() if "parent_id" in names else never.first()
        ).alias("root"),
    ]
    if "parent_id" in names:
        own = (pl.col("parent_id") == pl.col("event_id")).sum()
        found += [roots.sum().cast(pl.Int64).alias("roots"), own.cast(pl.Int64).alias("own")]
    return found


def checks(counted: pl.DataFrame, good: pl.DataFrame, on_error: OnError) -> list[Check]:
    """What a stream can tell without holding its rows."""
    bad = counted.filter(pl.col("fault").is_not_null())
    reason = pl.col("fault").str.splitn("; ", 2).struct[0].alias("reason")
    groups = bad.group_by("fault_column", reason, maintain_order=True)
    verb = "dropped" if on_error == "drop" else "excluded"
    rows, lost = int(counted["rows"].sum()), int(bad["rows"].sum())
    late = good.filter(pl.col("earliest") < pl.col("origin"))
    table: list[Check] = [
        ("rows read", rows, None),
        ("rows kept", rows - lost if on_error == "drop" else rows, None),
    ]
    for column, why, n, line in groups.agg(pl.col("rows").sum(), pl.col("line").min()).iter_rows():
        table.append((f"{verb}: {show(column)} {why}", n, f"first: {place(None, line)}"))
    table.append(("cascades", len(good), None))
    table.append(("cascades with negative delays", len(late), None))
    if "own" in good.columns:
        named = good.select((pl.col("rows") - pl.col("roots")).sum()).item()
        table.append(("self edges", int(good["own"].sum()), None))
        table.append(("events that name a parent", int(named), None))
    note = "rows stay as they stand: duplicates, orphans and ties are not counted in a stream"
    return [*table, ("rows in order of time", 0, note)]


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
    origins = good.lazy().select("cascade_id", "origin")
    rows = rows.join(origins, on="cascade_id", how="left")
    rows = rows.with_columns(time=pl.col("time") - pl.col("origin"))
    known = [*names, "excluded"] if on_error == "keep" else names
    first = [name for name in TABLES["events"].columns if name in known]
    rest = [n for n in names if n not in (*first, *PLACE, *FAULT)]
    return rows.select(*first, *rest)
