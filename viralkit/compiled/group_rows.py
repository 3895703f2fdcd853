"""In which order do rows stand group by group, each group in the order it came?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel


@kernel
def group_rows(numbers: Any, groups: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows group by group (a counting sort), and where each group starts, one more at last."""
    starts = np.zeros(groups + 1, np.int64)
    for row in range(len(numbers)):
        starts[numbers[row] + 1] += 1
    for group in range(groups):
        starts[group + 1] += starts[group]
    free = starts[:-1].copy()
    order = np.empty(len(numbers), np.int64)
    for row in range(len(numbers)):
        order[free[numbers[row]]] = row
        free[numbers[row]] += 1
    return order, starts
