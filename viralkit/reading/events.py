"""What a layout found, as an events table: faults settled, rows in order, oddities counted."""

from collections.abc import Mapping, Sequence

import polars as pl

from viralkit.reading.faults import OnError
from viralkit.reading.settling import NAMES, Check, dropped, reasons, settle
from viralkit.schema import TABLES
from viralkit.tables import Quality, check

ROW = "cascade_id", "event_id", "parent_id"


def settle_events(
    found: pl.DataFrame,
    *,
    on_error: OnError,
    notes: Sequence[Check] = (),
    cascades: pl.DataFrame | None = None,
    names: Mapping[str, str] = NAMES,
) -> tuple[pl.DataFrame, Quality]:
    """Which events did a layout find, and what is odd or wrong about them?

    Parameters
    ----------
    found : polars.DataFrame
        The columns of an events table that the layout knows, `time` in seconds on the clock of
        the file, or `timestamp` alone; `file`, `line`; `fault_column`, `fault_value` and `fault`,
        null where a row can be used, else what is wrong: "is no number; allowed: digits. Mend it."
        (reason, rule, next step; the reason ends at the first semicolon).
    on_error : {"raise", "drop", "keep"}
        What to do with rows that have a fault, or break a rule of the events table.
    notes : sequence of (check, rows, note)
        What else the layout noticed: further lines of the quality.
    cascades : polars.DataFrame, optional
        The cascades table, where the layout knows more than the ids.
    names : dict of str to str, optional
        Names that columns of an events table have in the source, where they differ.

    Returns
    -------
    events : polars.DataFrame
        Sorted by cascade (in order of first appearance) and time, which counts from the root: the
        first event that names no parent, else the first event.
    quality : Quality
        Rows read, kept, dropped and why, oddities, coverage.
    """
    if "time" not in found.columns:
        names = {**names, "time": names.get("timestamp", names.get("time", "timestamp"))}
        found = found.with_columns(time=pl.col("timestamp").dt.epoch("us") / 1e6)
    kept, bad = settle(found, "events", on_error, names)
    kept, unsorted = arrange(kept)
    events = check(kept, "events")
    table = [
        ("rows read", len(found), None),
        ("rows kept", len(events), None),
        *reasons(bad, on_error),
        *notes,
        unsorted,
        *event_checks(used(events)),
    ]
    schema = {"check": pl.String, "rows": pl.Int64, "note": pl.String}
    told = pl.DataFrame(table, schema, orient="row")
    return events, Quality(told, dropped(bad, on_error), known(events, cascades))


def used(events: pl.DataFrame) -> pl.DataFrame:
    """The rows that are not excluded."""
    return events.filter(pl.col("excluded").is_null()) if "excluded" in events.columns else events


def arrange(events: pl.DataFrame) -> tuple[pl.DataFrame, Check]:
    """The rows by cascade and time since its root, and how many were not in order of time."""
    order = events.group_by("cascade_id", maintain_order=True).agg(origin=origin(events.columns))
    order = order.with_row_index("place")
    events = events.join(
        order, on="cascade_id", how="left", maintain_order="left", nulls_equal=True
    )
    back = pl.col("time") < pl.col("time").shift(1).over("place")
    late = events.filter(back)
    note = f"in {late['place'].n_unique()} cascades" if len(late) else None
    events = events.with_columns(time=pl.col("time") - pl.col("origin"))
    events = events.sort("place", "time", nulls_last=True, maintain_order=True)
    first = [name for name in TABLES["events"].columns if name in events.columns]
    rest = [name for name in events.columns if name not in (*first, "place", "origin")]
    return events.select(*first, *rest), ("unsorted rows", len(late), note)


def origin(columns: list[str]) -> pl.Expr:
    """When the cascade of a group began."""
    usable = pl.col("excluded").is_null() if "excluded" in columns else pl.lit(True)
    if "parent_id" not in columns:
        return pl.col("time").filter(usable).min()
    roots = pl.col("time").filter(pl.col("parent_id").is_null() & usable).min()
    return pl.coalesce(roots, pl.col("time").filter(usable).min())


def event_checks(events: pl.DataFrame) -> list[Check]:
    """Cascades, ties, duplicates, negative delays, and what is odd about parents."""
    ids = [name for name in ROW if name in events.columns]
    if len({events.schema[name] for name in ids}) > 1:
        events = events.with_columns(pl.col(ids).cast(pl.String))
    marks = events.select(mark_of(*ids[:2])).to_series()
    twice = repeated(events, marks)
    others = len(twice) - twice.select(ids[:2]).n_unique()
    duplicates = len(twice) - twice.select(ids).n_unique()
    tied = pl.col("time") == pl.col("time").shift(1)
    tied &= pl.col("cascade_id") == pl.col("cascade_id").shift(1)
    checks: list[Check] = [
        ("cascades", events["cascade_id"].n_unique(), None),
        ("tied times", int(events.select(tied.sum()).item() or 0), None),
        ("negative delays", int((events["time"] < 0).sum()), None),
        ("duplicates", duplicates, None),
    ]
    if len(ids) < 3:
        return [*checks, ("events that name a parent", 0, "this source names none")]
    several = ("several parents", others - duplicates, None)
    return [*checks, several, *parent_checks(events, marks, bool(len(twice)))]


def mark_of(*names: str) -> pl.Expr:
    """A number that is the same where the values of these columns are, and hardly elsewhere.

    Numbers of 64 bits are counted and joined several times faster than texts; that two of ten
    million differ in text and not in number has a chance of one in 370,000.
    """
    return pl.struct(pl.col(name).alias(str(i)) for i, name in enumerate(names)).hash()


def repeated(rows: pl.DataFrame, marks: pl.Series) -> pl.DataFrame:
    """The rows whose mark stands in several."""
    return rows.filter(marks.is_duplicated()) if marks.n_unique() < len(rows) else rows.clear()


def parent_checks(events: pl.DataFrame, marks: pl.Series, doubled: bool) -> list[Check]:
    """Self edges, orphans, children before their parent, and the share of parents found."""
    named = events.filter(pl.col("parent_id").is_not_null())
    self_edges = pl.col("parent_id") == pl.col("event_id")
    named = named.select("time", mark=mark_of("cascade_id", "parent_id"), own=self_edges)
    parents = pl.DataFrame({"mark": marks, "first": events["time"]})
    if doubled:
        parents = parents.group_by("mark").agg(pl.col("first").min())
    found = named.join(parents, on="mark")
    early = found.select(((pl.col("time") < pl.col("first")) & ~pl.col("own")).sum()).item()
    share = f"{len(found) / len(named):.1%} of {len(named):,}" if len(named) else None
    return [
        ("self edges", int(named["own"].sum()), None),
        ("orphans", len(named) - len(found), None),
        ("children before their parent", int(early), None),
        ("events that name a parent", len(named), None),
        ("coverage: parents found", len(found), share),
    ]


def known(events: pl.DataFrame, cascades: pl.DataFrame | None) -> pl.DataFrame:
    """The cascades table: as the layout gave it, else the ids, and when each began."""
    if cascades is not None:
        return check(cascades, "cascades")
    good = used(events)
    if "timestamp" not in events.columns:
        return good.select(pl.col("cascade_id").unique(maintain_order=True))
    first = pl.col("timestamp").sort_by(pl.col("time").abs()).first()
    return good.group_by("cascade_id", maintain_order=True).agg(start=first)
