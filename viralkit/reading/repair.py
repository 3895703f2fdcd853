"""Events as a forest: what is doubled, contradictory or out of time is mended, and counted."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from viralkit.reading.columns import require_choice
from viralkit.reading.events import event_checks, mark_of, repeated, used
from viralkit.reading.faults import DROPPED
from viralkit.reading.settling import Check
from viralkit.tables import Quality, check

Step = Literal[
    "duplicates",
    "self_edges",
    "several_parents",
    "orphans",
    "negative_delays",
    "children_before_parents",
]
STEPS: tuple[Step, ...] = (
    "duplicates",
    "self_edges",
    "several_parents",
    "orphans",
    "negative_delays",
    "children_before_parents",
)
IDS = ["cascade_id", "event_id"]
Mended = tuple[pl.DataFrame, dict[str, int]]
Places = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]


def repair(events: pl.DataFrame, steps: Sequence[Step] = STEPS) -> tuple[pl.DataFrame, Quality]:
    """What do these cascades look like once each event came from one event before it, or none?

    Parameters
    ----------
    events : polars.DataFrame
        An events table, as `read_cascades` or `read_posts` gives it.
    steps : sequence of str
        Which steps to take; they are taken in this order, each on the result of those before:

        - "duplicates": of rows with the same event and parent, the first stays.
        - "self_edges": an event is not its own parent. Such a row goes if the event has another
          one; else the event names no parent.
        - "several_parents": of the rows of an event one stays: one that names no parent, else
          that whose parent posted last before it, else the first.
        - "orphans": an event whose parent is not in its cascade names none, and is a root.
        - "negative_delays": an event before the start of its cascade is put at the start.
        - "children_before_parents": where events come from one another in a circle, the earliest
          becomes a root; then an event that stands before its parent is put at the parent's time.

    Returns
    -------
    events : polars.DataFrame
        The events, by cascade in order of first appearance and time. After all steps they are a
        forest: the roots name no parent, and no event stands before its parent. `timestamp` stays
        as it was recorded. Rows that are `excluded` are neither mended nor looked at.
    quality : Quality
        How many rows each step mended or left out ("mended: self edges"; `quality.dropped` lists
        those left out, by their position in `events`, from 0), and what is still odd ("left: self
        edges").

    Raises
    ------
    TableError
        If this is no events table, or a step is not known.

    Notes
    -----
    Times are mended rather than edges: delays that were joined from several sources (Twitter15 and
    Twitter16 are known for it) are less sure than who reshared whom. Without times to trust, leave
    "children_before_parents" out; `cascade_table` takes a child that stands before its parent.

    Examples
    --------
    >>> import polars as pl
    >>> rows = [("a", 0.0, None), ("b", 5.0, "a"), ("b", 5.0, "a"), ("c", 3.0, "b")]
    >>> events = pl.DataFrame(rows, ["event_id", "time", "parent_id"], orient="row")
    >>> mended, quality = repair(events.with_columns(cascade_id=pl.lit("m")))
    >>> mended.select("event_id", "time", "parent_id").rows()
    [('a', 0.0, None), ('b', 5.0, 'a'), ('c', 5.0, 'b')]
    >>> quality.dropped.select("line", "reason").rows()
    [(2, 'stands twice')]
    """
    for step in steps:
        require_choice("step", step, STEPS, "Name the steps to take")
    events = check(events, "events")
    rows = events.with_row_index("line")
    if "parent_id" not in events.columns:
        rows = rows.with_columns(parent_id=pl.lit(None, events.schema["event_id"]))
    if rows.schema["parent_id"] != rows.schema["event_id"]:
        rows = rows.with_columns(pl.col("event_id", "parent_id").cast(pl.String))
    good = in_order(used(rows))
    table: list[Check] = [("rows read", len(events), None)]
    gone = [pl.DataFrame(schema=DROPPED)]
    for step in STEPS:
        if step in steps:
            before = good
            good, counts = MENDERS[step](before)
            table += [
                (f"mended: {name}", number, WORDS[name] if number else None)
                for name, number in counts.items()
            ]
            if len(good) < len(before):
                gone.append(left_out(before, good, REASONS[step]))
    if "excluded" in rows.columns:
        good = pl.concat([good, rows.filter(pl.col("excluded").is_not_null())])
    mended = in_order(good).select(events.columns)
    table.append(("rows kept", len(mended), None))
    for name, number, note in event_checks(used(mended)):
        table.append((f"left: {name}" if name in WORDS else name, number, note))
    schema = {"check": pl.String, "rows": pl.Int64, "note": pl.String}
    return mended, Quality(pl.DataFrame(table, schema, orient="row"), pl.concat(gone))


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by cascade, in order of first appearance, and time."""
    first = pl.col("line").min().over("cascade_id").alias("first")
    rows = rows.with_columns(first).sort("first", "time", nulls_last=True, maintain_order=True)
    return rows.drop("first")


def left_out(before: pl.DataFrame, after: pl.DataFrame, reason: str) -> pl.DataFrame:
    """The rows that a step left out, as the quality lists them."""
    gone = before.join(after.select("line"), on="line", how="anti", maintain_order="left")
    return gone.select(
        file=pl.lit(None, pl.String),
        line=pl.col("line").cast(pl.Int64),
        column=pl.lit("event_id"),
        value=pl.col("event_id").cast(pl.String),
        reason=pl.lit(reason),
    )


def without_duplicates(rows: pl.DataFrame) -> Mended:
    """Of rows with the same event and parent, the first stays."""
    twice = repeated(rows, rows.select(mark_of(*IDS, "parent_id")).to_series())
    first = twice.unique([*IDS, "parent_id"], keep="first", maintain_order=True)
    gone = twice.join(first, on="line", how="anti")["line"]
    return without(rows, gone), {"duplicates": len(gone)}


def without_self_edges(rows: pl.DataFrame) -> Mended:
    """An event is not its own parent."""
    own = pl.col("parent_id") == pl.col("event_id")
    edges = rows.filter(own).unique(IDS, keep="first", maintain_order=True)
    others = rows.filter(own.fill_null(False).not_()).select(IDS)
    alone = edges.join(others, on=IDS, how="anti")["line"]
    gone = rows.filter(own, ~pl.col("line").is_in(alone.implode()))["line"]
    rows = without(rows, gone).with_columns(
        pl.when(~own.fill_null(False)).then("parent_id").alias("parent_id")
    )
    return rows, {"self edges": len(gone), "self edges of events without another": len(alone)}


def with_one_parent(rows: pl.DataFrame) -> Mended:
    """Of the rows of an event one stays: that of a root, else of the last parent before it."""
    twice = repeated(rows, rows.select(mark_of(*IDS)).to_series())
    if not len(twice):
        return rows, {"several parents": 0}
    parents = rows.group_by("cascade_id", parent_id="event_id").agg(posted=pl.col("time").min())
    known = twice.join(parents, on=["cascade_id", "parent_id"], how="left", maintain_order="left")
    posted = pl.when(pl.col("posted") <= pl.col("time")).then("posted").fill_null(-np.inf)
    rank = pl.when(pl.col("parent_id").is_null()).then(np.inf).otherwise(posted)
    known = known.with_columns(rank=rank).sort("rank", descending=True, maintain_order=True)
    stay = known.unique(IDS, keep="first", maintain_order=True)["line"]
    gone = twice.filter(~pl.col("line").is_in(stay.implode()))["line"]
    return without(rows, gone), {"several parents": len(gone)}


def without_orphans(rows: pl.DataFrame) -> Mended:
    """An event whose parent is not in its cascade names none."""
    here = rows.select(mark_of(*IDS)).to_series()
    there = rows.select(mark_of("cascade_id", "parent_id").is_in(here.implode())).to_series()
    orphan = rows["parent_id"].is_not_null() & ~there
    parent = pl.when(~pl.lit(orphan)).then("parent_id").alias("parent_id")
    return rows.with_columns(parent), {"orphans": int(orphan.sum())}


def without_negative_delays(rows: pl.DataFrame) -> Mended:
    """An event before the start of its cascade is put at the start."""
    early = int((rows["time"] < 0).sum())
    return rows.with_columns(pl.max_horizontal("time", 0.0).alias("time")), {
        "negative delays": early
    }


def with_parents_first(rows: pl.DataFrame) -> Mended:
    """Circles are opened at their earliest event, and children wait for their parents."""
    rows = in_order(rows)
    parent = parents_of(rows)
    opened = earliest_in_circles(parent)
    parent[opened] = opened
    ids = rows["parent_id"].scatter(opened, None) if len(opened) else rows["parent_id"]
    time = rows["time"].to_numpy()
    late, generation = above(time, parent)
    rows = rows.with_columns(ids, time=pl.Series(late), generation=pl.Series(generation))
    # children of the same time stand after their parents
    return rows.sort("generation", maintain_order=True).drop("generation"), {
        "circles": len(opened),
        "children before their parent": int((late > time).sum()),
    }


def parents_of(rows: pl.DataFrame) -> Places:
    """Where the parent of each row stands; a row without one points to itself."""
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    own = rows.select("cascade_id", parent_id="event_id", parent=place)
    own = own.unique(["cascade_id", "parent_id"], keep="first")
    found = rows.select("cascade_id", "parent_id", place=place).join(
        own, on=["cascade_id", "parent_id"], how="left", maintain_order="left"
    )
    return found.select(pl.coalesce("parent", "place")).to_series().to_numpy().copy()


def earliest_in_circles(parent: Places) -> Places:
    """The first row of each circle of rows that point to one another, without a root."""
    older, least = parent, np.minimum(np.arange(len(parent)), parent)
    for _ in range(len(parent).bit_length()):
        if (parent[older] == older).all():
            return np.array([], dtype=np.int64)
        least = np.minimum(least, least[older])
        older = older[older]
    inside = np.unique(older[parent[older] != older])
    return np.asarray(inside[least[inside] == inside], dtype=np.int64)


def above(time: Seconds, parent: Places) -> tuple[Seconds, Places]:
    """For each row the latest time among it and all that it came from, and how many those are."""
    older, latest, generation = parent, time, (parent != np.arange(len(parent))).astype(np.int64)
    while True:
        latest = np.maximum(latest, latest[older])
        if (parent[older] == older).all():
            return latest, generation
        generation = generation + generation[older]
        older = older[older]


def without(rows: pl.DataFrame, gone: pl.Series) -> pl.DataFrame:
    """The rows but those."""
    return rows.filter(~pl.col("line").is_in(gone.implode())) if len(gone) else rows


MENDERS: dict[Step, Callable[[pl.DataFrame], Mended]] = {
    "duplicates": without_duplicates,
    "self_edges": without_self_edges,
    "several_parents": with_one_parent,
    "orphans": without_orphans,
    "negative_delays": without_negative_delays,
    "children_before_parents": with_parents_first,
}
REASONS = {
    "duplicates": "stands twice",
    "self_edges": "names itself as its parent",
    "several_parents": "has another parent",
}
WORDS = {
    "duplicates": "rows left out",
    "self edges": "rows left out",
    "self edges of events without another": "made roots",
    "several parents": "rows left out",
    "orphans": "made roots",
    "negative delays": "put at the start",
    "circles": "opened at their earliest event",
    "children before their parent": "put at its time",
}
