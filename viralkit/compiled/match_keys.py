"""Which of the known keys is each key?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel, part


@part
def seat_of(key: Any, mask: int) -> Any:
    """Where in the table a key sits first: the upper bits of a product, well mixed."""
    return np.int64(((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & np.uint64(mask))


@part
def seat_known(known: Any) -> tuple[Any, Any]:
    """A table, less than half full, of the known keys and their numbers (-1: a free seat)."""
    seats = 4
    while seats < 2 * len(known):
        seats *= 2
    table, number = np.empty(seats, np.uint64), np.full(seats, np.int32(-1))
    for k in range(len(known)):
        seat = seat_of(known[k], seats - 1)
        while number[seat] >= 0:
            seat = (seat + 1) & (seats - 1)
        table[seat], number[seat] = known[k], k
    return table, number


@kernel
def match_keys(known: Any, keys: Any) -> NDArray[np.int32]:
    """The number of each key among the known ones, which differ; -1 where it is none of them."""
    table, number = seat_known(known)
    mask = len(table) - 1
    found = np.empty(len(keys), np.int32)
    for row in range(len(keys)):
        seat = seat_of(keys[row], mask)
        while number[seat] >= 0 and table[seat] != keys[row]:
            seat = (seat + 1) & mask
        found[row] = number[seat]
    return found
