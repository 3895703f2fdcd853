"""Which keys are the same? Numbers for keys, in the order in which they first appear."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel, part


@part
def seat_of(key: Any, mask: int) -> Any:
    """Where in the table a key sits first: the upper bits of a product, well mixed."""
    return np.int64(((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & np.uint64(mask))


@part
def enlarged(table: Any, firsts: Any, keys: Any, known: int) -> Any:
    """A table twice as large with the same keys."""
    mask = 2 * len(table) - 1
    larger = np.full(mask + 1, -1)
    for number in range(known):
        seat = seat_of(keys[firsts[number]], mask)
        while larger[seat] >= 0:
            seat = (seat + 1) & mask
        larger[seat] = number
    return larger


@kernel
def number_keys(keys: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of each key, and the row where each number appears first."""
    numbers = np.empty(len(keys), np.int64)
    firsts = np.empty(len(keys), np.int64)
    table = np.full(1024, -1)
    known = 0
    for row in range(len(keys)):
        seat = seat_of(keys[row], len(table) - 1)
        while table[seat] >= 0 and keys[firsts[table[seat]]] != keys[row]:
            seat = (seat + 1) & (len(table) - 1)
        if table[seat] < 0:
            table[seat] = known
            firsts[known] = row
            known += 1
        numbers[row] = table[seat]
        if 2 * known > len(table):
            table = enlarged(table, firsts, keys, known)
    return numbers, firsts[:known].copy()
