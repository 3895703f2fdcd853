"""Log-likelihood of a Hawkes process with exponential kernel, its gradient and Hessian, in blocks.

The intensity is mu + n·theta·A with A = Σ exp(-theta·lag) over earlier events. A block of events
takes three passes: exponentials (in vector instructions), the recurrence of A and its two
derivatives (serial), and the sums over events (in vector instructions again).
"""

import math
from typing import Any

import numpy as np
from numba import njit

from viralkit.compiled.compiling import kernel
from viralkit.compiled.exp_log import FAST, fast_exp, fast_log

BLOCK = 1024


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def decays(time: Any, begin: int, count: int, theta: float, gap: Any, decay: Any) -> None:
    """The gaps before a block's events, and exp(-theta·gap)."""
    for i in range(count):
        gap[i] = time[begin + i] - time[begin + i - 1]
    for i in range(count):
        decay[i] = fast_exp(-theta * gap[i])


@njit(fastmath={"contract", "nsz"}, error_model="numpy", nogil=True)
def recur(count: int, gap: Any, decay: Any, sums: Any, state: Any) -> None:
    """Σ exp(-theta·lag), Σ lag·exp(…) and Σ lag²·exp(…) over the events before each event."""
    a, b, c = state[0], state[1], state[2]
    for i in range(count):
        e, d = decay[i], gap[i]
        ed = e * d
        edd = ed * d
        c = (edd + edd * a) + (2.0 * ed) * b + e * c
        b = (ed + ed * a) + e * b
        a = e + e * a
        sums[0, i], sums[1, i], sums[2, i] = a, b, c
    state[0], state[1], state[2] = a, b, c


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def add_up(count: int, sums: Any, mu: float, n: float, theta: float, out: Any) -> None:
    """Add log-intensities of a block, and their derivatives, to the ten numbers of `out`."""
    s = g0 = g1 = g2 = h0 = h1 = h2 = h3 = h4 = h5 = 0.0
    for i in range(count):
        a, b, c = sums[0, i], sums[1, i], sums[2, i]
        density, slope, bend = theta * a, a - theta * b, theta * c - 2.0 * b
        intensity = mu + n * density
        r = 1.0 / intensity
        f, q = density * r, n * slope * r
        s += fast_log(intensity)
        g0 += r
        g1 += f
        g2 += q
        h0 += r * r
        h1 += r * f
        h2 += r * q
        h3 += f * f
        h4 += slope * r - f * q
        h5 += n * bend * r - q * q
    out[0] += s
    out[1] += g0
    out[2] += g1
    out[3] += g2
    out[4] -= h0
    out[5] -= h1
    out[6] -= h2
    out[7] -= h3
    out[8] += h4
    out[9] += h5


@njit(error_model="numpy", nogil=True)
def expect(count: int, left: float, mu: float, n: float, theta: float, state: Any, out: Any) -> Any:
    """Take off the expected number of events; `left` is the time after the last one."""
    near, mean, square = 0.0, 0.0, 0.0  # Σ exp(-theta·lag) at the end of the window, and so on
    if left < np.inf:
        e, a = math.exp(-theta * left), 1.0 + state[0]
        near = e * a
        mean = e * (left * a + state[1])
        square = e * (left * (left * a + 2 * state[1]) + state[2])
    out[0] -= n * (count - near)
    out[2] -= count - near
    out[3] -= n * mean
    out[8] -= mean
    out[9] += n * square


@njit(error_model="numpy", nogil=True)
def likelihood(
    time: Any, offsets: Any, until: Any, first: Any, mu: float, n: float, theta: float
) -> Any:
    """The log-likelihood; d/dmu, d/dn, d/dtheta; mu mu, mu n, mu theta, n n, n theta, theta theta.

    Each cascade is the rows from one offset to the next; its `first` events are given, not drawn.
    """
    out, state = np.zeros(10), np.zeros(3)
    gap, decay, sums = np.empty(BLOCK), np.empty(BLOCK), np.empty((3, BLOCK))
    for cascade in range(len(until)):
        low, high = offsets[cascade], offsets[cascade + 1]
        given = max(first[cascade], 1)
        state[0], state[1], state[2] = given - 1.0, 0.0, 0.0
        if first[cascade] == 0:
            out[0] += math.log(mu)
            out[1] += 1.0 / mu
            out[4] -= 1.0 / (mu * mu)
        begin = low + given
        while begin < high:
            count = min(BLOCK, high - begin)
            decays(time, begin, count, theta, gap, decay)
            recur(count, gap, decay, sums, state)
            add_up(count, sums, mu, n, theta, out)
            begin += count
        expect(high - low, until[cascade] - time[high - 1], mu, n, theta, state, out)
        if mu > 0.0:
            out[0] -= mu * until[cascade]
            out[1] -= until[cascade]
    return out


@kernel
def hawkes_exponential(
    time: Any, offsets: Any, until: Any, first: Any, mu: float, n: float, theta: float
) -> Any:
    """The ten numbers of `likelihood`."""
    return likelihood(time, offsets, until, first, mu, n, theta)
