"""Who influences each account? Lists laid end to end."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel


@kernel
def list_sources(
    source: Any, target: Any, accounts: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The sources of each target, and where each list starts; unknown ends (-1) and loops go."""
    starts = np.zeros(accounts + 1, np.int64)
    for edge in range(len(source)):
        if source[edge] >= 0 and target[edge] >= 0 and source[edge] != target[edge]:
            starts[target[edge] + 1] += 1
    for account in range(accounts):
        starts[account + 1] += starts[account]
    free = starts[:-1].copy()
    listed = np.empty(starts[-1], np.int32)
    for edge in range(len(source)):
        if source[edge] >= 0 and target[edge] >= 0 and source[edge] != target[edge]:
            listed[free[target[edge]]] = source[edge]
            free[target[edge]] += 1
    return listed, starts
