"""How many steps is each event from the root of its tree?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel, part

UNKNOWN, PASSED = -1, -2


@part
def climb(parent: Any, depth: Any, place: int) -> int:
    """The depth of a place, found at the first ancestor whose depth is known; -1 in a circle."""
    steps = 0
    while place >= 0 and depth[place] == UNKNOWN:
        depth[place] = PASSED
        place = parent[place]
        steps += 1
    if place < 0:
        return steps - 1
    return -1 if depth[place] == PASSED else depth[place] + steps


@kernel
def find_depths(parent: Any) -> tuple[NDArray[np.int64], int]:
    """The depth of each place, and a place in a circle (-1: there is none)."""
    depth = np.full(len(parent), UNKNOWN)
    for place in range(len(parent)):
        if depth[place] != UNKNOWN:
            continue
        below = climb(parent, depth, place)
        if below < 0:
            return depth, place
        here = place
        while here >= 0 and depth[here] == PASSED:
            depth[here] = below
            below -= 1
            here = parent[here]
    return depth, -1
