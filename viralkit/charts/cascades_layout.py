"""From the events of one cascade to the marks of its tree: where each stands, what is summed up."""

from typing import Literal

import numpy as np
import polars as pl

from viralkit.cascades.links import grow_forest
from viralkit.tables import TableError, check
from viralkit.wording import show, show_names

Axis = Literal["time", "generation"]
MOST_MARKS = 1000  # events and summaries; with the links between them twice as many
_BINS = 24
_SPANS = ((120, "second", 1), (7200, "minute", 60), (172_800, "hour", 3600), (6.3e7, "day", 86_400))
_YEAR = 31_557_600
UNIT_SIGNS = {"second": "s", "minute": "min", "hour": "h", "day": "d", "year": "y"}


def used_events(events: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Check the events, drop those not in use, and say how many these are."""
    table = check(events, "events")
    free = pl.col("excluded").is_null() if "excluded" in table.columns else True
    used = table.filter(free)
    lost = table.height - used.height
    if used.is_empty():
        raise TableError(
            f"no event to draw; of {table.height:,} events {lost:,} have a reason in 'excluded', "
            "and one at least must have none. Look at that column, or at the filters before."
        )
    return used, f"{lost:,} event{'s' * (lost != 1)} not used" if lost else ""


def largest(events: pl.DataFrame, most: int) -> pl.DataFrame:
    """List the cascades with the most events: cascade_id as text, size."""
    sizes = events.group_by("cascade_id", maintain_order=True).agg(size=pl.len())
    top = sizes.sort("size", descending=True, maintain_order=True).head(most)
    return top.with_columns(pl.col("cascade_id").cast(pl.String))


def one_cascade(events: pl.DataFrame, cascade_id: str) -> pl.DataFrame:
    """Keep the events of one cascade, in order of time, with ids as text."""
    rows = events.filter(pl.col("cascade_id").cast(pl.String) == cascade_id)
    if rows.is_empty():
        names = largest(events, 20)["cascade_id"].to_list()
        raise TableError(
            f"cascade {show(cascade_id)} not found; the largest: {show_names(names)}. "
            "Pass one of events['cascade_id']."
        )
    if "parent_id" not in rows.columns:
        rows = rows.with_columns(parent_id=pl.lit(None, pl.String))
    ids = pl.col("cascade_id", "event_id", "parent_id").cast(pl.String)
    return rows.with_columns(ids).sort("time", maintain_order=True)


def span_unit(span: float) -> tuple[str, float]:
    """Choose the unit that people would use for so many seconds, and its length."""
    for below, name, seconds in _SPANS:
        if span < below:
            return name, seconds
    return "year", _YEAR


def lineage(rows: pl.DataFrame) -> pl.DataFrame:
    """Find each event's parent (its row, -1 for a root), generation and size of its branch."""
    forest = grow_forest(rows)
    branch = [1] * rows.height
    above = forest.parent.tolist()
    for i in np.argsort(-forest.depth, kind="stable").tolist():
        if above[i] >= 0:
            branch[above[i]] += branch[i]
    return rows.with_columns(
        row=pl.int_range(pl.len()),
        parent=pl.Series(forest.parent),
        generation=pl.Series(forest.depth),
        branch=pl.Series(branch),
    )


def tree(rows: pl.DataFrame, axis: Axis) -> pl.DataFrame:
    """Place the events of one cascade: x, y from 0 (top) to 1, and the same of the parent.

    `count` is 1 for an event; where there are too many, small branches become marks that stand for
    `count` events of one parent, at their mean place.
    """
    family = lineage(rows).with_columns(x=pl.col("time" if axis == "time" else "generation"))
    marks = _fewer(family)
    heights = _heights(marks["parent"].to_list(), marks["x"].to_list())
    marks = marks.with_columns(y=pl.Series(heights))
    above = pl.when(pl.col("parent") >= 0).then("parent")
    return marks.with_columns(
        parent_x=pl.col("x").gather(above), parent_y=pl.col("y").gather(above)
    )


def _fewer(family: pl.DataFrame) -> pl.DataFrame:
    """Sum up branches from the smallest on until the marks are few enough."""
    branches = [*family["branch"].sort(descending=True), 0]
    keep = min(MOST_MARKS, family.height)
    marks = _summed(family, branches[keep] + 1)
    while marks.height > MOST_MARKS:
        keep = keep * 4 // 5
        marks = _summed(family, branches[keep] + 1)
    return marks


def _summed(family: pl.DataFrame, least: int) -> pl.DataFrame:
    """Keep the events with branches of at least so many events, and sum up the others."""
    parts = ["event_id", "x", "time", "generation", "parent", "count"]
    family = family.with_columns(pl.col("x").cast(pl.Float64), count=pl.lit(1, pl.UInt32))
    big = pl.col("branch") >= least
    kept = family.filter(big)
    places = kept.select(parent="row", place=pl.int_range(pl.len(), dtype=pl.Int64))
    marks = kept.select(parts)
    if kept.height < family.height:
        small = family.with_columns(parent=pl.Series(_anchors(family, least))).filter(~big)
        marks = pl.concat([marks, _groups(small, family["x"]).select(parts)])
    marks = marks.join(places, on="parent", how="left", maintain_order="left")
    return marks.with_columns(parent=pl.col("place").fill_null(-1)).drop("place")


def _groups(small: pl.DataFrame, x: pl.Series) -> pl.DataFrame:
    """Sum up events below the same event, apart by time and by how they came: from it, or later."""
    start, end = float(x.min()), float(x.max())  # type: ignore[arg-type]
    part = ((pl.col("x") - start) / ((end - start) / _BINS or 1.0)).floor()
    keys = {"part": part, "later": pl.col("generation") > 1}
    return small.group_by("parent", maintain_order=True, **keys).agg(
        pl.col("x", "time").mean(),
        pl.col("generation").min(),
        event_id=pl.lit(None, pl.String),
        count=pl.len(),
    )


def _anchors(family: pl.DataFrame, least: int) -> np.ndarray:
    """Find the nearest event above each that has a branch of at least so many, or -1."""
    parent, branch = family["parent"].to_numpy(), family["branch"].to_numpy()
    stays = (branch >= least) | (parent < 0)
    anchor = np.where(stays, np.arange(len(parent)), parent)
    while (anchor[anchor] != anchor).any():
        anchor = anchor[anchor]
    return np.where(branch[anchor] >= least, anchor, -1)


def _heights(parents: list[int], places: list[float]) -> list[float]:
    """Give each leaf a line of its own, and each parent the middle of its children."""
    children: list[list[int]] = [[] for _ in range(len(parents) + 1)]  # the last: of no parent
    for i in sorted(range(len(parents)), key=lambda i: places[i]):
        children[parents[i]].append(i)
    order, waiting = [], children[-1][::-1]
    while waiting:
        order.append(waiting.pop())
        waiting += children[order[-1]][::-1]
    heights = [0.0] * len(parents)
    lines = 0
    for i in order:
        if not children[i]:
            heights[i], lines = lines + 0.5, lines + 1
    for i in reversed(order):
        if children[i]:
            heights[i] = (heights[children[i][0]] + heights[children[i][-1]]) / 2
    return [height / max(lines, 1) for height in heights]
