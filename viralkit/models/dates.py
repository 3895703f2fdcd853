"""Where the possible dates of a chain of counts lie, and the sum over all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .results import Array

Index = np.ndarray[Any, np.dtype[np.int64]]
DROP = 18.0  # log-density is followed down to this far below its top: six standard deviations
FEW, PER_SPREAD, MANY = 6, 1.5, 160  # nodes a date: at least, for each local spread, at most
GRID = np.linspace(0.0, 1.0, 17)


@dataclass(frozen=True)
class Nodes:
    """Possible dates, all points in one row; point i owns ``first[i]`` to ``first[i + 1]``.

    ``before`` and ``after`` are the nodes of each pair of neighbours, step by step along the chain.
    """

    age: Array
    log_weight: Array
    first: list[int]
    before: Index
    after: Index
    step: Index  # of each pair

    @property
    def sizes(self) -> list[int]:
        """Number of nodes of each point."""
        return [b - a for a, b in zip(self.first, self.first[1:], strict=False)]

    def steps(self, pairs: Array) -> list[Array]:
        """Cut one value a pair into one matrix a step, rows the earlier date."""
        shapes = list(zip(self.sizes, self.sizes[1:], strict=False))
        ends = np.cumsum([rows * columns for rows, columns in shapes])[:-1]
        cut = np.split(pairs, ends)
        return [part.reshape(shape) for part, shape in zip(cut, shapes, strict=True)]

    def chain(self, terms: Array) -> tuple[float, Array]:
        """Sum over all dates: log of the sum, and the posterior weight of each pair.

        ``terms`` is the log-density of each pair (forward-backward algorithm).
        """
        if len(self.age) == len(self.first) - 1:
            return float(terms.sum() + self.log_weight.sum()), np.ones_like(terms)
        weight = np.split(self.log_weight, self.first[1:-1])
        steps = self.steps(terms)
        forward, backward = [weight[0]], [np.zeros_like(weight[-1])]
        for step, now in zip(steps, weight[1:], strict=True):
            forward.append(_log_sum(forward[-1][:, None] + step, 0) + now)
        for step, now in zip(steps[::-1], weight[:0:-1], strict=True):
            backward.append(_log_sum(step + (now + backward[-1]), 1))
        total = _log_sum(forward[-1], 0)
        after = np.concatenate(backward[::-1]) + self.log_weight
        joint = np.concatenate(forward)[self.before] + terms + after[self.after] - total
        return float(total), np.exp(joint)


def _log_sum(terms: Array, axis: int) -> Array:
    top = np.max(terms, axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(terms - top), axis=axis, keepdims=True)) + top
    return np.asarray(np.squeeze(total, axis))


def join(ages: list[Array], weights: list[Array] | None = None) -> Nodes:
    """Put the nodes of all points in one row, and pair those of neighbours."""
    weights = weights or [np.ones(1)] * len(ages)
    first = np.cumsum([0, *(len(age) for age in ages)])
    owned = [np.arange(a, b) for a, b in zip(first, first[1:], strict=False)]
    pairs = list(zip(owned, owned[1:], strict=False))
    return Nodes(
        age=np.concatenate(ages),
        log_weight=np.log(np.concatenate(weights)),
        first=first.tolist(),
        before=np.concatenate([np.repeat(a, len(b)) for a, b in pairs]),
        after=np.concatenate([np.tile(b, len(a)) for a, b in pairs]),
        step=np.repeat(np.arange(len(pairs)), [len(a) * len(b) for a, b in pairs]),
    )


def lay(
    level: Callable[[Array], Array],
    lower: Array,
    upper: Array,
    count: Array,
    reach: Array,
    noise: Callable[[Array], Array],
) -> Nodes:
    """Lay Gauss-Legendre nodes where the posterior of each date lives.

    ``level`` is the curve at the parameters in question, ``reach`` the standard deviation of each
    increment, ``noise`` gives it for expected increments. The most probable levels solve a least
    squares problem inside the intervals; around them nodes go as far as the log-density falls by
    ``DROP``, and no further than the interval.
    """
    doubt = np.flatnonzero(upper > lower)
    begin, end = lower[doubt], upper[doubt]
    top, left, right, spread = _posterior(level(lower), level(upper), count, reach, noise, doubt)
    for _ in range(3):
        begin, end, steepest = _zoom(level, begin, end, top - left, top + right)
    need = np.ceil(FEW + PER_SPREAD * (end - begin) * steepest / spread)
    number = np.clip(np.nan_to_num(need, nan=MANY), FEW, MANY).astype(int)
    ages, weights = [lower[i : i + 1] for i in range(len(lower))], [np.ones(1)] * len(lower)
    for i, a, b, n in zip(doubt, begin, end, number, strict=True):
        place, weight = _legendre(int(n))
        ages[i] = a + (b - a) * place
        weights[i] = weight * max(b - a, 1e-300) / (upper[i] - lower[i])
    return join(ages, weights)


@lru_cache
def _legendre(nodes: int) -> tuple[Array, Array]:
    place, weight = np.polynomial.legendre.leggauss(nodes)
    return (place + 1) / 2, weight / 2


def _posterior(
    low: Array,
    high: Array,
    count: Array,
    reach: Array,
    noise: Callable[[Array], Array],
    doubt: Index,
) -> tuple[Array, Array, Array, Array]:
    """Most probable level of each doubtful point, how far to follow it down and up, local spread."""
    level = low + np.clip(np.cumsum(np.append(0.0, count)) + low[0] - low, 0.0, high - low)
    for _ in range(2):
        width = np.maximum(reach, noise(np.maximum(np.diff(level), 0.0)))
        level, pull, curvature = _constrained(low, high, count, width**-2.0, doubt)
    root = np.sqrt(pull**2 + 2 * DROP * curvature)
    precision = noise(np.maximum(np.maximum(np.diff(level), 0.0), count)) ** -2.0
    precision = np.append(precision, 0.0)
    spread = (precision[doubt - 1] + precision[doubt]) ** -0.5
    return level[doubt], (root + pull) / curvature, (root - pull) / curvature, spread


def _constrained(
    low: Array, high: Array, count: Array, weight: Array, doubt: Index
) -> tuple[Array, Array, Array]:
    """Least squares for levels within limits, by active sets; with gradient and curvature."""
    rows = np.diff(np.eye(len(low)), axis=0)
    hessian = (rows.T * weight) @ rows
    pull = rows.T @ (weight * count)
    inner = hessian[np.ix_(doubt, doubt)]
    level, at_low, at_high = low.copy(), np.zeros(len(doubt), bool), np.zeros(len(doubt), bool)
    for _ in range(30):
        level[doubt] = np.where(at_high, high[doubt], low[doubt])
        free = doubt[~(at_low | at_high)]
        known = np.setdiff1d(np.arange(len(low)), free)
        goal = pull[free] - hessian[np.ix_(free, known)] @ level[known]
        level[free] = np.linalg.solve(hessian[np.ix_(free, free)], goal)
        gradient = (hessian @ level - pull)[doubt]
        below = (level[doubt] < low[doubt]) | (at_low & (gradient > 0))
        above = (level[doubt] > high[doubt]) | (at_high & (gradient < 0))
        if np.array_equal(below, at_low) and np.array_equal(above, at_high):
            break
        at_low, at_high = below, above
    level = np.clip(level, low, high)
    gradient = np.where(at_low | at_high, (hessian @ level - pull)[doubt], 0.0)
    return level, gradient, 1.0 / np.diag(np.linalg.inv(inner))


def _zoom(
    level: Callable[[Array], Array], begin: Array, end: Array, low: Array, high: Array
) -> tuple[Array, Array, Array]:
    """Narrow each interval of dates to the steps of a grid that hold levels from low to high."""
    ages = begin[:, None] + (end - begin)[:, None] * GRID
    found, row = level(ages), np.arange(len(begin))
    first = np.maximum((found < low[:, None]).sum(axis=1) - 1, 0)
    last = np.minimum(len(GRID) - (found > high[:, None]).sum(axis=1), len(GRID) - 1)
    last = np.maximum(last, np.minimum(first + 1, len(GRID) - 1))
    first = np.minimum(first, last - 1)
    steepest = np.max(np.diff(found), axis=1) / np.maximum(np.diff(ages)[:, 0], 1e-300)
    return ages[row, first], ages[row, last], steepest
