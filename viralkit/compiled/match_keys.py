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
def seat_known(known: Any) -> Any:
    """A table, at most half full, of the known keys, each beside its number and one (0: free)."""
    seats = 4
    while seats < 2 * len(known):
        seats *= 2
    table = np.zeros((seats, 2), np.uint64)
    for k in range(len(known)):
        seat = seat_of(known[k], seats - 1)
        while table[seat, 1] > 0:
            seat = (seat + 1) & (seats - 1)
        table[seat, 0], table[seat, 1] = known[k], k + 1
    return table


@part
def match_in_range(known: Any, least: Any, span: Any, keys: Any, found: Any) -> None:
    """Look keys up where the known ones lie close together: a place for each number."""
    number = np.full(span + 1, np.int32(-1))
    for k in range(len(known)):
        number[known[k] - least] = k
    for row in range(len(keys)):
        inside = least <= keys[row] and keys[row] - least <= span
        found[row] = number[keys[row] - least] if inside else -1


@part
def match_by_table(known: Any, keys: Any, found: Any) -> None:
    """Look keys up by their hashes."""
    table = seat_known(known)
    mask = len(table) - 1
    for row in range(len(keys)):
        seat = seat_of(keys[row], mask)
        while table[seat, 1] > 0 and table[seat, 0] != keys[row]:
            seat = (seat + 1) & mask
        found[row] = np.int64(table[seat, 1]) - 1


@kernel
def match_keys(known: Any, keys: Any) -> NDArray[np.int32]:
    """The number of each key among the known ones, which differ; -1 where it is none of them."""
    found = np.full(len(keys), np.int32(-1))
    if len(known) > 0:
        least = np.min(known)
        span = np.max(known) - least
        if span < np.uint64(16 * len(known)):
            match_in_range(known, least, span, keys, found)
        else:
            match_by_table(known, keys, found)
    return found
