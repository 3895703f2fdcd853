"""The best n, theta (and mu) of an exponential kernel: Newton's method in logs, all compiled.

A search of its own beside the general one of the models: for a thousand events the steps between
two likelihoods, in Python, would take many times as long as the likelihoods.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from viralkit.compiled.compiling import kernel
from viralkit.compiled.hawkes_exponential import likelihood
from viralkit.compiled.newton import newton_step, reach

ROUNDS = 200
MANY = 5_000  # events from which a look is dear: there the last step, of known error, is trusted


@njit(error_model="numpy", nogil=True)
def look(data: Any, x: Any, found: Any) -> Any:
    """The log-likelihood at logs of n, theta (and mu); derivatives go to `found`."""
    time, offsets, until, first = data
    n, theta = math.exp(x[0]), math.exp(x[1])
    mu = math.exp(x[2]) if len(x) > 2 else 0.0
    raw = likelihood(time, offsets, until, first, mu, n, theta)
    found[0, 1], found[0, 2], found[0, 3] = raw[2] * n, raw[3] * theta, raw[1] * mu
    found[1, 1] = raw[7] * n * n + found[0, 1]
    found[1, 2], found[1, 3] = raw[8] * n * theta, raw[5] * n * mu
    found[2, 2] = raw[9] * theta * theta + found[0, 2]
    found[2, 3], found[3, 3] = raw[6] * theta * mu, raw[4] * mu * mu + found[0, 3]
    return raw[0]


@njit(error_model="numpy", nogil=True)
def keep(x: Any, height: float, found: Any, out: Any) -> None:
    """Write the answer, before the Hessian is worked on."""
    out[3], place = height, 7
    for i in range(len(x)):
        out[i], out[4 + i] = x[i], found[0, i + 1]
    for i in range(1, 4):
        for j in range(i, 4):
            out[place] = found[i, j]
            place += 1


@njit(error_model="numpy", nogil=True)
def advance(
    data: Any, x: Any, height: float, gain: float, step: Any, part: float, found: Any
) -> Any:
    """Go along a step, or a part of it, to where the likelihood has risen enough, if anywhere."""
    trial = x.copy()
    while part > 1e-10:
        for i in range(len(x)):
            trial[i] = x[i] + part * step[i]
        higher = look(data, trial, found)
        if higher >= height + 1e-4 * part * gain:
            x[:] = trial
            return higher
        part *= 0.5
    return height


@njit(error_model="numpy", nogil=True)
def climb(data: Any, x: Any, least: Any, most: Any, close: float, out: Any) -> None:
    """Newton's method from x; one row of the answer."""
    size, found, step = len(x), np.zeros((4, 4)), np.zeros(3)
    height = look(data, x, found)
    for _ in range(ROUNDS):
        keep(x, height, found, out)
        if not abs(height) < np.inf:
            break
        gain = newton_step(x, found, size, least, most, step)
        undone = math.sqrt(gain / len(data[0])) if len(data[0]) > MANY else 1.0
        if gain * undone < close:
            for i in range(size):
                out[i] = min(max(x[i] + step[i], least[i]), most[i])
            out[3] += 0.5 * gain
            out[13] = 1.0
            break
        part = reach(x, step, size, least, most)
        higher = advance(data, x, height, gain, step, part, found)
        if higher == height:
            out[13] = gain < 1e-4
            break
        height = higher


@njit(error_model="numpy", nogil=True)
def balance(data: Any, x: Any, least: Any, most: Any) -> Any:
    """The log-likelihood of a start; without mu, n is set so that as many are expected as seen."""
    found = np.zeros((4, 4))
    height = look(data, x, found)
    if len(x) == 2 and least[0] < most[0]:
        count = len(data[0]) - np.sum(data[3])
        x[0] += math.log(count / (count - found[0, 1]))
        height = look(data, x, found)
    return height


@kernel
def hawkes_climb(
    time: Any,
    offsets: Any,
    until: Any,
    first: Any,
    starts: Any,
    least: Any,
    most: Any,
    close: float,
) -> Any:
    """Climb from the two best of the starts (a row each), and return the higher end.

    Coordinates; log-likelihood; gradient; upper triangle of the Hessian; 1 where it settled: three
    numbers, one, three, six, one. A coordinate whose walls meet is held.
    """
    data, best, out = (time, offsets, until, first), np.zeros(14), np.zeros(14)
    best[3] = -np.inf
    height = np.zeros(len(starts))
    if len(starts) > 1:
        for i in range(len(starts)):
            height[i] = balance(data, starts[i], least, most)
            if not abs(height[i]) < np.inf:
                height[i] = -1e300
    for _ in range(min(len(starts), 2)):
        place = np.argmax(height)
        height[place] = -np.inf
        climb(data, starts[place].copy(), least, most, close, out)
        if out[3] > best[3] or best[3] == -np.inf:
            best[:] = out
    return best
