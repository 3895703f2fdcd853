"""How likely is it that a cascade grows to a size, so that fits can allow for a choice by size.

A cascade of the exponential or power-law kernel is a branching process: the generating function
F(t, z) of the number of events by time t solves F = z·exp(n*·y) with y(t) the integral of
density(s)·(F(t-s) - 1) ds. It is solved on a circle of z and inverted by a contour sum. Cascades
watched to their end follow the law of Borel and Tanner.
"""

from __future__ import annotations

import numpy as np
from scipy import interpolate, special

from .hawkes_kernels import PowerLawKernel
from .hawkes_likelihood import Objective, Value
from .hawkes_nodes import nodes
from .results import Array

STEPS = 120  # of time, evenly in its log
SHIFT = 1e-3  # of a coordinate, for derivatives by differences
TAIL = 0.75  # branching factor below which small chances are summed outside the unit circle
GRADES = 32  # classes of marks


class Selected(Objective):
    """The log-likelihood given that each cascade was kept for having enough events."""

    minimum_size: int

    def __call__(self, x: Array) -> Value:
        """Return the log-likelihood and its derivatives by all coordinates."""
        value, size = super().__call__(x), self.width
        shifts = SHIFT * np.eye(len(x))[:size]
        pairs = [(i, j) for i in range(size) for j in range(i)]
        both = [sign * (shifts[i] + shifts[j]) for sign in (1, -1) for i, j in pairs]
        steps = np.array([0 * x, *shifts, *-shifts, *both])
        kept = self.log_kept(x + steps)
        middle, up, down = kept[0], kept[1 : size + 1], kept[size + 1 : 2 * size + 1]
        slope, bend = np.zeros(len(x)), np.zeros((len(x), len(x)))
        slope[:size] = (up - down) / (2 * SHIFT)
        bend[range(size), range(size)] = (up - 2 * middle + down) / SHIFT**2
        mixed = kept[2 * size + 1 :].reshape(2, -1).sum(axis=0)
        for (i, j), total in zip(pairs, mixed, strict=True):
            rest = total - up[i] - down[i] - up[j] - down[j] + 2 * middle
            bend[i, j] = bend[j, i] = rest / (2 * SHIFT**2)
        return Value(value.height - middle, value.slope - slope, value.bend - bend)

    def log_kept(self, places: Array) -> Array:
        """Return for each place the sum over cascades of the log of the chance to be kept."""
        with np.errstate(all="ignore"):
            chance = chances(self, places, self.minimum_size)
            return np.asarray(np.sum(np.log(np.maximum(chance, 1e-300)), axis=1))


def chances(objective: Objective, places: Array, size: int) -> Array:
    """Return the chance of at least ``size`` events in its window: a row a place, by cascade."""
    stream = objective.stream
    if not objective.marked and np.all(np.isinf(stream.until)):
        roots, column = np.unique(stream.given, return_inverse=True)
        tails = [[borel_tanner_tail(np.exp(x[0]), int(r), size) for r in roots] for x in places]
        return np.array(tails)[:, column]
    if isinstance(objective.kernel, PowerLawKernel) and len(places) > 1:
        return np.concatenate([chances(objective, x[None, :], size) for x in places])
    n, weight = np.exp(places[:, 0]), np.array([objective.weights(x)[0] for x in places])
    z, sign = _circle(float(n[0]), size, objective.marked)
    given = 1.0 - stream.outcome
    roots = np.add.reduceat(weight * given, stream.offsets[:-1], axis=1)
    y = _solve(objective, places, z, weight)
    power = stream.given[:, None] + 1 - size
    pull = (n[:, None] * roots)[:, :, None] * y
    total = np.mean((np.exp(power * np.log(z) + pull) / (z - 1)).real, axis=2)
    return np.asarray(np.where(size > stream.given, total if sign > 0 else 1 + total, 1.0))


def borel_tanner_tail(n: float, roots: int, size: int) -> float:
    """Return the chance that ``roots`` events and all their descendants are at least ``size``."""
    if size <= roots:
        return 1.0

    def law(count: Array) -> Array:
        log = np.log(roots / count) - n * count + special.xlogy(count - roots, n * count)
        return np.asarray(np.exp(log - special.gammaln(count - roots + 1)))

    above = 1 - float(np.sum(law(np.arange(roots, size, dtype=float))))
    if above > 1e-4 or n >= 1:
        return above
    terms = int(np.ceil(40 / (n - 1 - np.log(n))))
    return float(np.sum(law(np.arange(size, size + min(terms, 10**6), dtype=float))))


def _circle(n: float, size: int, marked: bool) -> tuple[Array, int]:
    """Return points on half a circle: outside the unit circle (sign 1) for small chances."""
    if n < TAIL and not marked:
        log_radius = 0.8 * (n - 1 - np.log(n))
        count, sign = int(np.ceil(0.65 * size + 12 / log_radius)) + 8, 1
    else:
        count, sign = size + 16, -1
        log_radius = -5 * np.log(10) / count
    angle = np.pi * (2 * np.arange(count) + 1) / (2 * count)  # the other half is conjugate
    return np.asarray(np.exp(log_radius + 1j * angle)), sign


def _solve(objective: Objective, places: Array, z: Array, weight: Array) -> Array:
    """Return y at the end of each window: by place, cascade and point z."""
    until = objective.stream.until
    kept = objective.stream.outcome
    kept = kept if kept.any() else ~kept
    n, level = np.exp(places[:, 0]), np.array([_grades(w[kept]) for w in weight])
    finite = np.isfinite(until)
    found = np.empty((len(places), len(until), len(z)), dtype=complex)
    if np.any(finite):
        ends, column = np.unique(until[finite], return_inverse=True)
        rates, share, unit = _exponentials(objective, places, ends[-1])
        log_time = np.linspace(0.0, np.log1p(ends[-1] / unit), STEPS + 1, axis=1)
        path = _march(np.expm1(log_time) * unit[:, None], rates, share, (n, z, level))
        for i in range(len(places)):
            curve = interpolate.CubicSpline(log_time[i], path[:, i])
            found[i, finite] = curve(np.log1p(ends / unit[i]))[column]
    if not np.all(finite):
        found[:, ~finite] = _rest((n, z, level))[:, None, :]
    return found


def _exponentials(
    objective: Objective, places: Array, longest: float
) -> tuple[Array, Array, Array]:
    """Return rates and shares of the kernel as a sum of exponentials, and its unit of time."""
    shape = np.exp(places[:, 1 : 1 + objective.shapes])
    if not isinstance(objective.kernel, PowerLawKernel):
        return shape, shape, 1 / shape[:, 0]
    rates, (shares,) = nodes(shape[0], longest, (1,))
    return rates[None, :], shares[:1], shape[:, 1]


def _grades(weight: Array) -> Array:
    """Return a few classes of equal size in which the marks fall, by their mean weight."""
    if np.all(weight == 1.0):
        return np.ones(1)
    parts = np.array_split(np.sort(weight), GRADES)
    means = np.array([np.mean(part) for part in parts if len(part)])
    return np.asarray(means / np.mean(means))


Law = tuple[Array, Array, Array]  # branching factors by place, points z, classes of marks by place


def _grown(law: Law, y: Array) -> Array:
    """Return F - 1: one event and what comes of it, over the law of marks."""
    n, z, level = law
    if level.shape[1] == 1:
        return np.asarray(z * np.exp(n[:, None] * y) - 1)
    return np.asarray(z * np.mean(np.exp((n[:, None] * level)[:, :, None] * y[:, None]), 1) - 1)


def _march(time: Array, rates: Array, share: Array, law: Law) -> Array:
    """Follow y through time; each exponential of the kernel is a relaxing state of its own.

    Second order in the step: F is taken as linear within it.
    """
    shape = (len(time), len(law[1]))
    path = np.zeros((time.shape[1], *shape), dtype=complex)
    state = np.zeros((*rates.shape, shape[1]), dtype=complex)
    now = _grown(law, path[0])
    for i in range(1, len(path)):
        step = rates * (time[:, i] - time[:, i - 1])[:, None]
        decay, whole = np.exp(-step), share * -np.expm1(-step) / rates
        late = share * np.where(step > 1e-4, (step + np.expm1(-step)) / step, step / 2) / rates
        fixed = decay[:, :, None] * state + whole[:, :, None] * now[:, None, :]
        tilt, base = late.sum(axis=1)[:, None], fixed.sum(axis=1)
        ahead = now
        for _ in range(3):
            ahead = _grown(law, base + tilt * (ahead - now))
        state = fixed + late[:, :, None] * (ahead - now)[:, None, :]
        path[i] = base + tilt * (ahead - now)
        now = ahead
    return path


def _rest(law: Law) -> Array:
    """Return y after endless time: the fixed point of y = z·E exp(n*·w·y) - 1."""
    y = np.zeros((len(law[0]), len(law[1])), dtype=complex)
    for _ in range(20_000):
        ahead = _grown(law, y)
        if np.max(np.abs(ahead - y)) < 1e-14:
            break
        y = ahead
    return y
