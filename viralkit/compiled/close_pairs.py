"""Which two posts of a block stand within a span of time?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel


@kernel
def close_pairs(
    block: Any, time: Any, who: Any, within: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of numbers of accounts, smaller one first, and the row of the earlier post.

    Rows come by block and time; there are `size` pairs.
    """
    smaller, larger = np.empty(size, np.int64), np.empty(size, np.int64)
    early = np.empty(size, np.int64)
    k = 0
    for row in range(len(time)):
        other = row + 1
        while (
            other < len(time) and block[other] == block[row] and time[other] - time[row] <= within
        ):
            smaller[k], larger[k] = min(who[row], who[other]), max(who[row], who[other])
            early[k] = row
            k += 1
            other += 1
    return smaller, larger, early
