"""What earlier events, weighted, add at each event where the kernel is a sum of exponentials."""

from typing import Any

import numpy as np
from numba import njit

from viralkit.compiled.compiling import kernel
from viralkit.compiled.exp_log import FAST, fast_exp


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def fade(gap: float, rates: Any, decay: Any) -> None:
    """What is left of each exponential after a gap."""
    for k in range(len(rates)):
        decay[k] = fast_exp(-rates[k] * gap)


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def carry(weight: float, decay: Any, state: Any) -> None:
    """Add an event to all exponentials and let the gap pass."""
    for k in range(len(state)):
        state[k] = decay[k] * (state[k] + weight)


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def dot(share: Any, state: Any) -> float:
    """Sum the exponentials with their shares."""
    total = 0.0
    for k in range(len(state)):
        total += share[k] * state[k]
    return total


@kernel
def hawkes_stream(
    time: Any, weight: Any, offsets: Any, until: Any, rates: Any, shares: Any, tails: Any, use: Any
) -> Any:
    """Σ w Σ share·exp(-rate·lag) at each event; the same with `tails` at the end of each window.

    `use[m]` says which row of weights the m-th row of shares and of tails goes with.
    """
    rows, sources = len(use), len(weight)
    here, end = np.zeros((rows, len(time))), np.zeros((rows, len(until)))
    state, decay = np.empty((sources, len(rates))), np.empty(len(rates))
    for cascade in range(len(until)):
        state[:] = 0.0
        high = offsets[cascade + 1]
        for i in range(offsets[cascade] + 1, high):
            fade(time[i] - time[i - 1], rates, decay)
            for source in range(sources):
                carry(weight[source, i - 1], decay, state[source])
            for row in range(rows):
                here[row, i] = dot(shares[row], state[use[row]])
        if until[cascade] < np.inf:
            fade(until[cascade] - time[high - 1], rates, decay)
            for source in range(sources):
                carry(weight[source, high - 1], decay, state[source])
            for row in range(rows):
                end[row, cascade] = dot(tails[row], state[use[row]])
    return here, end
