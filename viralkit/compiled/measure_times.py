"""How long did each cascade last, and how long did people take to answer?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel


@kernel
def measure_times(
    parent: Any, time: Any, starts: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Last time less first, and the median time from parent to child (NaN without any)."""
    cascades = len(starts) - 1
    duration, median = np.zeros(cascades), np.full(cascades, np.nan)
    delay = np.empty(np.max(np.diff(starts)))
    for cascade in range(cascades):
        first, end = starts[cascade], starts[cascade + 1]
        early, late, answers = time[first], time[first], 0
        for place in range(first, end):
            early, late = min(early, time[place]), max(late, time[place])
            if parent[place] >= 0:
                delay[answers] = time[place] - time[parent[place]]
                answers += 1
        duration[cascade] = late - early
        if answers > 0:
            median[cascade] = np.median(delay[:answers])
    return duration, median
