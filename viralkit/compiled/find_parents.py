"""Which event of the same cascade has the id that an event names as its parent?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel, part

Places = NDArray[np.int64]
NONE, ABSENT = -1, -2  # no parent is named; the parent named is not in the cascade


@part
def seats_for(size: int) -> int:
    """The number of seats of a half-empty table: a power of two."""
    seats = 4
    while seats < 2 * size:
        seats *= 2
    return seats


@part
def seat_of(key: Any, mask: int) -> Any:
    """Where in the table a key sits first: the upper bits of a product, well mixed."""
    return np.int64(((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & np.uint64(mask))


@part
def seat_events(event: Any, first: int, end: int, table: Any, mask: int, twin: Any) -> None:
    """Fill the table with the events of a cascade; note the first id that comes twice."""
    for place in range(first, end):
        seat = seat_of(event[place], mask)
        while table[seat] >= 0:
            if event[table[seat]] == event[place] and twin[0] < 0:
                twin[0], twin[1] = table[seat], place
            seat = (seat + 1) & mask
        table[seat] = place


@part
def look_up(event: Any, key: Any, table: Any, mask: int) -> Any:
    """The place of the event with this key, or ABSENT."""
    seat = seat_of(key, mask)
    while table[seat] >= 0:
        if event[table[seat]] == key:
            return table[seat]
        seat = (seat + 1) & mask
    return ABSENT


@kernel
def find_parents(event: Any, parent: Any, orphan: Any, starts: Any) -> tuple[Places, Places]:
    """The place of each event's parent, and the places of the first two events with one id."""
    found = np.full(len(event), NONE)
    twin = np.full(2, -1)
    table = np.empty(seats_for(np.max(np.diff(starts))), np.int64)
    for cascade in range(len(starts) - 1):
        first, end = starts[cascade], starts[cascade + 1]
        seats = seats_for(end - first)
        table[:seats] = -1
        seat_events(event, first, end, table, seats - 1, twin)
        for place in range(first, end):
            if not orphan[place]:
                found[place] = look_up(event, parent[place], table, seats - 1)
    return found, twin
