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

STEPS = 300  # of time, evenly in its log
SHIFT = 1e-3  # of a coordinate, for derivatives by differences
TAIL = 0.75  # branching factor below which small chances are summed outside the unit circle
GRADES = 32  # classes of marks


class Selected(Objective):
    """The log-likelihood given that each cascade was kept for having enough events."""

    minimum_size: int

    def __call__(self, x: Array) -> Value:
        """Return the log-likelihood and its derivatives by all coordinates."""
        value = super().__call__(x)
        size, step = self.width, SHIFT
        shifts = step * np.eye(len(x))[:size]
        middle = self.log_kept(x)
        up = [self.log_kept(x + s) for s in shifts]
        down = [self.log_kept(x - s) for s in shifts]
        slope, bend = np.zeros(len(x)), np.zeros((len(x), len(x)))
        for i in range(size):
            slope[i] = (up[i] - down[i]) / (2 * step)
            bend[i, i] = (up[i] - 2 * middle + down[i]) / step**2
            for j in range(i):
                both = self.log_kept(x + shifts[i] + shifts[j])
                both += self.log_kept(x - shifts[i] - shifts[j])
                mixed = both - up[i] - down[i] - up[j] - down[j] + 2 * middle
                bend[i, j] = bend[j, i] = mixed / (2 * step**2)
        return Value(value.height - middle, value.slope - slope, value.bend - bend)

    def log_kept(self, x: Array) -> float:
        """Return the sum over cascades of the log of the chance that each was kept."""
        with np.errstate(all="ignore"):
            chance = chances(self, x, self.minimum_size)
            return float(np.sum(np.log(np.maximum(chance, 1e-300))))


def chances(objective: Objective, x: Array, size: int) -> Array:
    """Return for each cascade the chance of at least ``size`` events in its window."""
    stream, n = objective.stream, float(np.exp(x[0]))
    if not objective.marked and np.all(np.isinf(stream.until)):
        roots, place = np.unique(stream.given, return_inverse=True)
        return np.array([borel_tanner_tail(n, int(r), size) for r in roots])[place]
    z, sign = _circle(n, size, objective.marked)
    weight = objective.weights(x)[0]
    starts = stream.offsets[:-1]
    given = stream.outcome.astype(float) * -1 + 1
    roots = np.add.reduceat(weight * given, starts)
    y = _solve(objective, x, z, weight)
    power = stream.given[:, None] + 1 - size
    terms = np.exp(power * np.log(z) + n * roots[:, None] * y) / (z - 1)
    total = np.mean(terms.real, axis=1)
    return np.asarray(np.where(size > stream.given, total if sign > 0 else 1 + total, 1.0))


def borel_tanner_tail(n: float, roots: int, size: int) -> float:
    """Return the chance that ``roots`` events have at least ``size`` descendants and themselves."""
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
        count, sign = int(np.ceil(1.3 * size + 25 / log_radius)), 1
    else:
        count = 2 * size + 64
        log_radius, sign = -10 * np.log(10) / count, -1
    angle = np.pi * (2 * np.arange(count) + 1) / (2 * count)  # the other half is conjugate
    return np.asarray(np.exp(log_radius + 1j * angle)), sign


def _solve(objective: Objective, x: Array, z: Array, weight: Array) -> Array:
    """Return y at the end of each cascade's window, a column a point z."""
    stream, shape = objective.stream, objective.shape(x)
    n, level = float(np.exp(x[0])), _grades(weight)
    finite = np.isfinite(stream.until)
    longest = float(np.max(stream.until[finite], initial=0.0))
    if isinstance(objective.kernel, PowerLawKernel):
        rates, (shares,) = nodes(shape, max(longest, 1e-9), (1,))
        share, unit = shares[0], shape[1]
    else:
        rates, share, unit = shape[:1], shape[:1], 1 / shape[0]
    found = np.empty((len(stream.until), len(z)), dtype=complex)
    if np.any(finite):
        log_time = np.linspace(0.0, np.log1p(longest / unit), STEPS + 1)
        path = _march(np.expm1(log_time) * unit, rates, share, n, z, level)
        curve = interpolate.CubicSpline(log_time, path)
        found[finite] = curve(np.log1p(stream.until[finite] / unit))
    if not np.all(finite):
        found[~finite] = _rest(n, z, level)
    return found


def _grades(weight: Array) -> Array:
    """Return a few classes of equal size in which the marks fall, by their mean weight."""
    if np.all(weight == 1.0):
        return np.ones(1)
    parts = np.array_split(np.sort(weight), GRADES)
    means = np.array([np.mean(part) for part in parts if len(part)])
    return np.asarray(means / np.mean(means))


def _grown(n: float, z: Array, level: Array, y: Array) -> Array:
    """Return F - 1: one event and what comes of it, over the law of marks."""
    return np.asarray(z * np.mean(np.exp(n * level[:, None] * y), axis=0) - 1)


def _march(time: Array, rates: Array, share: Array, n: float, z: Array, level: Array) -> Array:
    """Follow y through time; each exponential of the kernel is a relaxing state of its own."""
    state = np.zeros((len(rates), len(z)), dtype=complex)
    path = np.zeros((len(time), len(z)), dtype=complex)
    now = _grown(n, z, level, path[0])
    for i in range(1, len(time)):
        step = rates * (time[i] - time[i - 1])
        decay, whole = np.exp(-step), -np.expm1(-step) / rates
        late = np.where(step > 1e-4, (step + np.expm1(-step)) / step, step / 2) / rates
        fixed = decay[:, None] * state + (share * whole)[:, None] * now
        tilt, base = float(share @ late), fixed.sum(axis=0)
        ahead = now
        for _ in range(4):
            ahead = _grown(n, z, level, base + tilt * (ahead - now))
        state = fixed + (share * late)[:, None] * (ahead - now)
        path[i] = base + tilt * (ahead - now)
        now = ahead
    return path


def _rest(n: float, z: Array, level: Array) -> Array:
    """Return y after endless time: the fixed point of y = z·E exp(n*·w·y) - 1."""
    y = np.zeros(len(z), dtype=complex)
    for _ in range(20_000):
        ahead = _grown(n, z, level, y)
        if np.max(np.abs(ahead - y)) < 1e-14:
            break
        y = ahead
    return y
