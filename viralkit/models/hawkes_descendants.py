"""How big a cascade gets that begins now, at given parameters: law and mean, without simulation.

The number of descendants follows from the law of first hits (Dwass 1969, doi:10.2307/3212112): k
of them with chance (a / k) [z^(k-1)] exp(a (z - 1)) phi(z)^k, where a is the number of events that
the first ones are expected to set off and phi the generating function of what a later one does.
Without marks that is a Poisson chance; with marks the coefficient is found at its saddle point.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, signal, special

from .hawkes_kernels import Kernel
from .results import Array

GRADES, LARGEST = 24, 16  # classes of marks of equal size, and the marks above them
EVERY, FAR, BETWEEN = 300, 1e10, 300  # sizes taken one by one; the last one; places from then on


def descendants(
    branching: float, first: float, weight: Array, levels: list[float]
) -> tuple[list[float], float]:
    """Return quantiles of the number of descendants, and the chance that they never end.

    ``first`` of them are expected from the first events directly; ``weight`` are the relative
    weights of later events, with mean 1.
    """
    marks = _grades(weight)
    ends = float(np.exp(-first * _endless(branching, marks)))
    size, reached = _reached(branching, first, marks)
    reached = reached * ends / reached[-1] if len(marks) > 1 else reached
    return [_quantile(size, reached, level, ends) for level in levels], 1 - ends


def _endless(n: float, marks: Array) -> float:
    """Return the chance that what comes of one event never ends."""

    def lack(chance: float) -> float:
        return float(marks[:, 1] @ np.expm1(-n * marks[:, 0] * chance)) + chance

    return float(optimize.brentq(lack, 1e-9, 1.0)) if n > 1 and lack(1e-9) < 0 else 0.0


def _quantile(size: Array, reached: Array, level: float, ends: float) -> float:
    if level > ends:
        return np.inf
    place = int(np.searchsorted(reached, level))
    if place >= len(size):
        return float(size[-1])
    if place < EVERY:
        return float(size[place])
    return float(np.round(np.interp(level, reached[place - 1 : place + 1], size[place - 1 :][:2])))


def _reached(branching: float, first: float, marks: Array) -> tuple[Array, Array]:
    """Return sizes and the chance of at most so many descendants."""
    far = np.geomspace(EVERY, FAR, BETWEEN + 1)
    size = np.concatenate([np.arange(EVERY, dtype=float), far])
    chance = np.zeros(len(size))
    chance[0] = np.exp(-first)
    if first > 0:
        chance[1:] = np.exp(_log_chance(branching, first, marks, size[1:]))
    height = far * chance[EVERY:]  # by the log of the size, on which the law is smooth
    between = np.diff(np.log(far)) * (height[1:] + height[:-1]) / 2
    reached = np.cumsum(np.concatenate([chance[: EVERY + 1], between]))
    reached[EVERY + 1 :] += (chance[EVERY + 1 :] - chance[EVERY]) / 2  # of integral and sum
    return size, np.minimum(reached, 1.0)


def _log_chance(n: float, first: float, marks: Array, size: Array) -> Array:
    """Return the log of the chance of each number of descendants, from 1 on."""
    if len(marks) == 1:
        mean = first + n * size
        log = special.xlogy(size - 1, mean) - mean - special.gammaln(size)
        return np.asarray(np.log(first / size) + log)
    place = np.zeros(len(size))
    for _ in range(30):
        _, slope, bend = _cumulants(place, n, first, marks, size)
        step = slope / bend * np.log(np.maximum(size - 1, 0.5) / slope)
        place = place + np.clip(step, -2, 2)
        if np.max(np.abs(step)) < 1e-9:
            break
    height, _, bend = _cumulants(place, n, first, marks, size)
    log = height - (size - 1) * place - np.log(2 * np.pi * bend) / 2
    log[size == 1] = -first + np.log(marks[:, 1] @ np.exp(-n * marks[:, 0]))
    return np.asarray(np.log(first / size) + log)


def _cumulants(
    place: Array, n: float, first: float, marks: Array, size: Array
) -> tuple[Array, Array, Array]:
    """Return the log of the generating function at exp(place), and its derivatives by place."""
    z, load = np.exp(place), n * marks[:, :1]
    power = load * (z - 1)
    top = np.max(power, axis=0)
    share = marks[:, 1:] * np.exp(power - top)
    total = np.sum(share, axis=0)
    mean = np.sum(share * load, axis=0) / total
    spread = np.sum(share * load**2, axis=0) / total - mean**2
    height = first * (z - 1) + size * (top + np.log(total))
    slope = z * (first + size * mean)
    return height, slope, slope + z**2 * size * spread


def _grades(weight: Array) -> Array:
    """Return the largest weights, and a few classes of equal size for the others, with chances."""
    if np.all(weight == 1.0):
        return np.ones((1, 2))
    order = np.sort(weight)
    parts = [*np.array_split(order[:-LARGEST], GRADES), *order[-LARGEST:, None]]
    rows = np.array([(np.mean(part), len(part)) for part in parts if len(part)])
    return np.asarray(rows / [np.average(rows[:, 0], weights=rows[:, 1]), len(weight)])


def expected_descendants(
    kernel: Kernel, shape: Array, branching: float, step: float, *, cells: int
) -> Array:
    """Return how many descendants an event of mean weight has after each step, on average.

    Solves m(t) = n (passed(t) + integral of density(s) m(t - s) ds), with m linear in each step.
    """
    with np.errstate(all="ignore"):
        grid = np.linspace(0.0, step * (cells + 1), cells + 2)
        passed = 1 - kernel.survival(grid, shape)
        area = grid - kernel.survived(grid, shape)
        whole = np.diff(passed)  # the delay lies in the cell
        near = np.diff(area) / step - passed[:-1]  # weighted by closeness to its earlier edge
        lags = near + np.append(0.0, whole[:-1] - near[:-1])
        back = np.append(1.0, np.zeros(cells)) - branching * lags
        return np.asarray(signal.lfilter([1.0], back, branching * passed[:-1]))
