"""Who stands under whom: the rows of an events table, cascade by cascade, with their parents."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from viralkit.cascades.keys import Keyed, Keys, exact_keys_of, keys_of
from viralkit.compiled.find_depths import find_depths
from viralkit.compiled.find_parents import find_parents
from viralkit.compiled.group_rows import group_rows
from viralkit.compiled.number_keys import number_keys
from viralkit.tables import TableError, check
from viralkit.wording import show

Places = NDArray[np.int64]
REPAIR = "Run events, quality = vk.repair(events) first."


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows by cascade: place k holds row order[k] (None: row k), cascade c starts at starts[c]."""

    names: pl.Series
    starts: Places
    order: Places | None

    def placed(self, values: Any) -> Any:
        """Values of rows, in the order of places."""
        return values if self.order is None else values[self.order]

    def row(self, place: int) -> int:
        """The row that stands at a place."""
        return int(place if self.order is None else self.order[place])

    def numbers(self) -> Places:
        """The number of the cascade of each place."""
        return np.repeat(np.arange(len(self.names)), np.diff(self.starts))


@dataclass(frozen=True, eq=False)
class Forest:
    """The trees of all cascades: the place of each place's parent (-1: a root) and its depth.

    `orphan` is true where a parent is named that is not in the cascade.
    """

    groups: Groups
    parent: Places
    depth: Places
    orphan: NDArray[np.bool_]


def used_rows(events: pl.DataFrame) -> pl.DataFrame:
    """The rows of an events table that are not excluded, in chunks laid end to end."""
    events = check(events, "events")
    if "excluded" in events.columns:
        events = events.filter(pl.col("excluded").is_null())
    return events.rechunk()


def grow_forest(events: pl.DataFrame) -> Forest:
    """Find the parent and the depth of each event; refuse what is no forest."""
    groups = group_by_cascade(events["cascade_id"])
    parent, orphan = parents_of(events, groups)
    depth, circle = find_depths(parent) if len(parent) else (parent, -1)
    if circle >= 0:
        cascade, event = names_at(events, groups.row(circle))
        raise TableError(
            f"cascade {cascade}: the parents of event {event} lead back to it; allowed: trees, "
            f"where each event leads to a root. {REPAIR}"
        )
    return Forest(groups, parent, depth, orphan)


def group_by_cascade(cascade: pl.Series) -> Groups:
    """Group rows by cascade in order of first appearance; nothing is moved where they are."""
    keyed = keys_of(cascade)
    groups = group_keys(cascade, keyed.columns[0])
    if keyed.exact or is_pure(cascade, groups):
        return groups
    return group_keys(cascade, exact_keys_of(cascade).columns[0])


def group_keys(cascade: pl.Series, keys: Keys) -> Groups:
    """Group rows whose keys are equal."""
    change = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=change[1:])
    begins = np.append(np.flatnonzero(change), len(keys))
    numbers, firsts = number_keys(keys[begins[:-1]])
    names = cascade.gather(begins[firsts])
    if len(firsts) == len(numbers):
        return Groups(names, begins, None)
    order, starts = group_rows(np.repeat(numbers, np.diff(begins)), len(firsts))
    return Groups(names, starts, order)


def is_pure(ids: pl.Series, groups: Groups) -> bool:
    """Are the ids of each group one and the same, or are only their hashes equal?"""
    rows = ids if groups.order is None else ids.gather(groups.order)
    return bool((rows == groups.names.gather(groups.numbers())).all())


def parents_of(events: pl.DataFrame, groups: Groups) -> tuple[Places, NDArray[np.bool_]]:
    """The place of each event's parent, -1 without; and who names one that is not there."""
    event = events["event_id"]
    parent = events.get_column("parent_id", default=pl.Series([None], dtype=event.dtype))
    if len(parent) != len(event):
        parent = parent.new_from_index(0, len(event))
    if event.is_empty():
        return np.empty(0, np.int64), np.empty(0, np.bool_)
    named = groups.placed(parent.is_not_null().to_numpy())
    keyed = keys_of(event, parent)
    found, twin = find_places(keyed, named, groups)
    if not keyed.exact and collides(event, parent, groups, found, twin):
        found, twin = find_places(exact_keys_of(event, parent), named, groups)
    if twin[0] >= 0:
        refuse_twins(events, groups.row(twin[0]), groups.row(twin[1]))
    return np.maximum(found, -1), found == -2


def find_places(keyed: Keyed, named: NDArray[np.bool_], groups: Groups) -> tuple[Places, Places]:
    """Look every parent up among the events of its cascade."""
    event, parent = (groups.placed(column) for column in keyed.columns)
    return find_parents(event, parent, ~named, groups.starts)


def collides(
    event: pl.Series, parent: pl.Series, groups: Groups, found: Places, twin: Places
) -> bool:
    """Were two different texts taken for one, as their hashes are equal?"""
    if twin[0] >= 0 and event[groups.row(twin[0])] != event[groups.row(twin[1])]:
        return True
    places = np.flatnonzero(found >= 0)
    if groups.order is None:
        rows, parents = places, found[places]
    else:
        rows, parents = groups.order[places], groups.order[found[places]]
    return not (event.gather(parents) == parent.gather(rows)).all()


def refuse_twins(events: pl.DataFrame, first: int, second: int) -> None:
    """An id that comes twice in a cascade: the same event again, or one with several parents."""
    cascade, event = names_at(events, first)
    raise TableError(
        f"cascade {cascade} holds event {event} twice, in rows {first} and {second} (counted "
        f"from 0); allowed: each event once, with one parent. {REPAIR}"
    )


def names_at(events: pl.DataFrame, row: int) -> tuple[str, str]:
    """The cascade and the event of a row, as an error message may print them."""
    return show(events["cascade_id"][row]), show(events["event_id"][row])
