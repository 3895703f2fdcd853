"""The exponential kernel fitted to each of many cascades: a search in one dimension."""

import math
from typing import Any

import numpy as np
from numba import njit

from viralkit.compiled.compiling import kernel

ROUNDS, STEP, REST = 60, 1.5, 1e-9


@njit(error_model="numpy", nogil=True)
def profile(time: Any, low: int, high: int, given: int, until: float, theta: float) -> Any:
    """Σ log A with its derivatives by theta, and the expected share G with its derivatives."""
    a, b, c = given - 1.0, 0.0, 0.0
    s = s1 = s2 = 0.0
    for i in range(low + given, high):
        gap = time[i] - time[i - 1]
        e = math.exp(-theta * gap)
        more = 1.0 + a
        c = e * (gap * (gap * more + 2.0 * b) + c)
        b = e * (gap * more + b)
        a = e * more
        q = b / a
        s += math.log(a)
        s1 -= q
        s2 += c / a - q * q
    count, left = high - low, until - time[high - 1]
    if left == np.inf:
        return s, s1, s2, count * 1.0, 0.0, 0.0
    e, more = math.exp(-theta * left), 1.0 + a
    near, mean = e * more, e * (left * more + b)
    return s, s1, s2, count - near, mean, -e * (left * (left * more + 2.0 * b) + c)


@njit(error_model="numpy", nogil=True)
def look(time: Any, low: int, high: int, given: int, until: float, x: float) -> Any:
    """The best log-likelihood, its slope and bend by log theta, G, the slope of log G."""
    theta, count = math.exp(x), high - low - given
    s, s1, s2, g, g1, g2 = profile(time, low, high, given, until, theta)
    slope = s1 * theta + count - count * theta * g1 / g
    bend = s2 * theta**2 + s1 * theta
    bend -= count * (theta**2 * g2 / g + theta * g1 / g - (theta * g1 / g) ** 2)
    return s + count * (x + math.log(count / g) - 1.0), slope, bend, g, theta * g1 / g


@njit(error_model="numpy", nogil=True)
def search(time: Any, low: int, high: int, given: int, until: float, out: Any) -> None:
    """Newton's method in log theta from the best of four starts; one row of the answer."""
    count, span = high - low - given, time[high - 1] - time[low]
    x = best = -np.inf
    for k in range(4):
        trial = math.log(count / span) + 2.0 * (k - 1)
        height = look(time, low, high, given, until, trial)[0]
        if height > best:
            x, best = trial, height
    least, most = math.log(1e-3 / span), math.log(count / span) + 14.0
    settled = 0.0
    for _ in range(ROUNDS):
        height, slope, bend, g, tilt = look(time, low, high, given, until, x)
        out[0], out[3], out[4], out[5], out[8] = x, height, g, tilt, -bend
        step = -slope / bend if bend < -1e-9 * count else math.copysign(1.0, slope)
        step = min(max(step, -STEP), STEP)
        if abs(step) < REST:
            settled = 1.0
            break
        x = min(max(x + step, least), most)
        if x == out[0]:
            break
    out[14] = settled


@kernel
def hawkes_each_exponential(time: Any, offsets: Any, until: Any, given: Any) -> Any:
    """A row a cascade; see `hawkes_each_power_law` (the places of c and beta stay 0)."""
    out = np.zeros((len(until), 15))
    for cascade in range(len(until)):
        low, high = offsets[cascade], offsets[cascade + 1]
        if high - low > given[cascade]:
            search(time, low, high, given[cascade], until[cascade], out[cascade])
    return out
