"""How many pairs of posts of a stratum, and of it and the next, stand within a span of time?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel


@kernel
def count_close(
    block: Any, stratum: Any, time: Any, within: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Close pairs inside each stratum, and between it and the one after it.

    Rows by block and time; strata are numbered along the rows, and `within` reaches no further
    than the next one. A block is looked at by itself.
    """
    inside = np.zeros(stratum[-1] + 1, np.int64)
    across = np.zeros(stratum[-1] + 1, np.int64)
    border, reach = 0, 0  # the first row beyond the stratum, and beyond the span
    for row in range(len(time)):
        border, reach = max(border, row), max(reach, row)
        while border < len(time) and stratum[border] == stratum[row]:
            border += 1
        while (
            reach < len(time) and block[reach] == block[row] and time[reach] - time[row] <= within
        ):
            reach += 1
        inside[stratum[row]] += min(border, reach) - row - 1
        across[stratum[row]] += max(reach - border, 0)
    return inside, across
