"""What earlier events, weighted, still add under an exponential kernel at each event."""

import math
from typing import Any

import numpy as np
from numba import njit

from viralkit.compiled.compiling import kernel


@njit(error_model="numpy", nogil=True)
def step(gap: float, theta: float, weight: Any, i: int, state: Any) -> None:
    """Let a gap pass after event i; weights and their derivatives come in threes."""
    e = math.exp(-theta * gap)
    for q in range(3):
        a = state[q, 0] + weight[i, q]
        b, c = state[q, 1], state[q, 2]
        state[q, 2] = e * (gap * (gap * a + 2.0 * b) + c)
        state[q, 1] = e * (gap * a + b)
        state[q, 0] = e * a


@kernel
def hawkes_decays(time: Any, weight: Any, offsets: Any, theta: float) -> Any:
    """Σ w·exp(-theta·lag) and its sums with lag and lag², for each column of weights.

    `weight` has three columns (weights, first and second derivative); the answer has three rows of
    three sums an event.
    """
    out = np.zeros((3, 3, len(time)))
    state = np.empty((3, 3))
    for cascade in range(len(offsets) - 1):
        for q in range(9):
            state[q // 3, q % 3] = 0.0
        for i in range(offsets[cascade] + 1, offsets[cascade + 1]):
            step(time[i] - time[i - 1], theta, weight, i - 1, state)
            for q in range(9):
                out[q // 3, q % 3, i] = state[q // 3, q % 3]
    return out
