"""What earlier events, weighted, add under a power-law kernel at each event: exactly, by pairs."""

from typing import Any

import numpy as np
from numba import njit

from viralkit.compiled.compiling import kernel
from viralkit.compiled.exp_log import FAST, fast_exp, fast_log


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def meet(time: Any, weight: Any, low: int, i: int, c: float, power: float, out: Any) -> None:
    """Sums over the events before event i; see `hawkes_pairs`."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = s9 = 0.0
    for j in range(low, i):
        x = 1.0 + (time[i] - time[j]) / c
        lag = fast_log(x)
        g, r = fast_exp(-power * lag), 1.0 / x
        w, w1 = g * weight[0, j], g * weight[1, j]
        wl, wr = w * lag, w * r
        s0 += w
        s1 += wl
        s2 += wr
        s3 += wl * lag
        s4 += wl * r
        s5 += wr * r
        s6 += w1
        s7 += w1 * lag
        s8 += w1 * r
        s9 += g * weight[2, j]
    out[0, i], out[1, i], out[2, i], out[3, i], out[4, i] = s0, s1, s2, s3, s4
    out[5, i], out[6, i], out[7, i], out[8, i], out[9, i] = s5, s6, s7, s8, s9


@kernel
def hawkes_pairs(time: Any, weight: Any, offsets: Any, c: float, power: float) -> Any:
    """Σ w·x^-power with x = 1 + lag/c, and its sums with l = log x and r = 1/x.

    Ten rows: 1, l, r, l², l r, r² for the weights (row 0 of `weight`); 1, l, r for their first
    derivative (row 1), 1 for the second (row 2). Work grows with the square of the events.
    """
    out = np.zeros((10, len(time)))
    for cascade in range(len(offsets) - 1):
        low = offsets[cascade]
        for i in range(low + 1, offsets[cascade + 1]):
            meet(time, weight, low, i, c, power, out)
    return out
