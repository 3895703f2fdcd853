"""Where the possible dates of a chain of counts lie, and the sum over all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from .results import Array

Index = np.ndarray[Any, np.dtype[np.int64]]
Function = Callable[[Array], Array]
DROP = 14.0  # log-density is followed this far below its top: more than five standard deviations
FEW, PANEL, MANY = 6, 12, 80  # nodes a date at least, nodes a panel, panels a date at most
PER_SPREAD = 1.3  # nodes for each local standard deviation
GRID = np.linspace(0.0, 1.0, 17)


@dataclass(frozen=True)
class Nodes:
    """Possible dates, all points in one row; point i owns ``first[i]`` to ``first[i + 1]``.

    ``before`` and ``after`` are the nodes of each pair of neighbours, step by step along the chain;
    step i owns the pairs ``pairs[i]`` to ``pairs[i + 1]``.
    """

    age: Array
    weight: Array
    first: list[int]
    before: Index
    after: Index
    pairs: list[int]

    @property
    def step(self) -> Index:
        """Step of each pair."""
        return np.repeat(np.arange(len(self.pairs) - 1), np.diff(self.pairs))

    def chain(self, terms: Array) -> tuple[float, Array]:
        """Sum over all dates: log of the sum, and the posterior weight of each pair.

        ``terms`` is the log-density of each pair (forward-backward algorithm).
        """
        if len(terms) == len(self.first) - 2:
            return float(terms.sum()), np.ones_like(terms)
        terms = terms + np.log(self.weight)[self.after]
        reached = np.log(self.weight)
        for own, now in self._steps():
            flow = terms[own] + reached[self.before[own]]
            reached[now] = _log_sums(flow, self.after[own] - now.start, now.stop - now.start)
        total = float(_log_sums(reached[now], np.zeros(now.stop - now.start, int), 1)[0])
        left = np.zeros_like(reached)
        for i, (own, _) in reversed(list(enumerate(self._steps()))):
            start, stop = self.first[i : i + 2]
            flow = terms[own] + left[self.after[own]]
            left[start:stop] = _log_sums(flow, self.before[own] - start, stop - start)
        return total, np.exp(terms + reached[self.before] + left[self.after] - total)

    def _steps(self) -> list[tuple[slice, slice]]:
        """Pairs of each step, and the nodes at which it ends."""
        ends = pairwise(self.first[1:])
        return [(slice(*a), slice(*b)) for a, b in zip(pairwise(self.pairs), ends, strict=True)]


def _log_sums(logs: Array, group: Index, size: int) -> Array:
    """Log of the sum of exponentials in each group; minus infinity where it is empty."""
    top = np.full(size, -1e300)
    np.maximum.at(top, group, logs)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.bincount(group, np.exp(logs - top[group]), size)) + top)


def certain(age: Array) -> Nodes:
    """Return the nodes of exact dates: one each."""
    row = np.arange(len(age))
    ends = np.arange(len(age) + 1).tolist()
    return Nodes(age, np.ones(len(age)), ends, row[:-1], row[1:], ends[:-1])


def lay(
    level: Function, lower: Array, upper: Array, count: Array, reach: Array, noise: Function
) -> Nodes:
    """Lay Gauss-Legendre nodes where the posterior of each date lives.

    ``level`` is the curve at the parameters in question, ``reach`` the standard deviation of each
    increment, ``noise`` gives it for expected increments. The most probable levels solve a least
    squares problem inside the intervals; around them nodes go as far as the log-density falls by
    ``DROP``, and no further than the interval. Pairs of dates that leave a step further than that
    from its most probable rise are left out.
    """
    doubt = np.flatnonzero(upper > lower)
    low, high = level(lower), level(upper)
    top, width = low + np.clip(np.cumsum(np.append(0.0, count)) - low, 0.0, high - low), reach
    for _ in range(2):
        width = np.maximum(reach, noise(np.diff(top)))
        top, down, up = _posterior(low, high, count, width**-2.0, doubt)
    begin, end = lower[doubt], upper[doubt]
    for _ in range(3):
        begin, end, steepest = _zoom(level, begin, end, top[doubt] - down, top[doubt] + up)
    precision = np.append(noise(np.maximum(np.diff(top), count)) ** -2.0, 0.0)
    sharpness = np.sqrt(precision[doubt - 1] + precision[doubt])
    need = np.nan_to_num(PER_SPREAD * (end - begin) * steepest * sharpness, nan=0.0)
    ages, weights = [lower[i : i + 1] for i in range(len(lower))], [np.ones(1)] * len(lower)
    for i, a, b, nodes in zip(doubt, begin, end, need, strict=True):
        place, weight = _panels(int(min(FEW + np.ceil(nodes), PANEL * MANY)))
        ages[i] = a + (b - a) * place
        weights[i] = weight * max(b - a, 1e-300) / (upper[i] - lower[i])
    return _pair(level, ages, weights, np.diff(top), np.sqrt(2 * DROP) * width)


@lru_cache(maxsize=1024)
def _panels(nodes: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on 0 to 1, in panels where there are many."""
    panels = -(-nodes // PANEL)
    place, weight = np.polynomial.legendre.leggauss(min(nodes, PANEL))
    places = np.arange(panels)[:, None] + (place + 1) / 2
    return places.ravel() / panels, np.tile(weight / 2 / panels, panels)


def _pair(
    level: Function, ages: list[Array], weights: list[Array], rise: Array, window: Array
) -> Nodes:
    """Pair the nodes of neighbours whose rise lies in a window around the most probable one."""
    first = np.cumsum([0, *(len(age) for age in ages)])
    age = np.concatenate(ages)
    found, before, after = level(age), [], []
    for i, (a, b, c) in enumerate(zip(first, first[1:], first[2:], strict=False)):
        middle = found[a:b] + rise[i]
        start = np.searchsorted(found[b:c], middle - window[i])
        many = np.searchsorted(found[b:c], middle + window[i], side="right") - start
        if b - a == 1 or not many.any():
            start, many = np.zeros_like(start), np.full_like(many, c - b)
        before.append(np.repeat(np.arange(a, b), many))
        offset = np.repeat(start - np.append(0, np.cumsum(many)[:-1]), many)
        after.append(b + offset + np.arange(len(offset)))
    ends = np.cumsum([0, *(len(row) for row in before)]).tolist()
    joined = np.concatenate(before), np.concatenate(after)
    return Nodes(age, np.concatenate(weights), first.tolist(), *joined, ends)


def _posterior(
    low: Array, high: Array, count: Array, weight: Array, doubt: Index
) -> tuple[Array, Array, Array]:
    """Most probable levels within limits (active sets), and how far each goes down and up."""
    rows = np.diff(np.eye(len(low)), axis=0)
    hessian, pull = (rows.T * weight) @ rows, rows.T @ (weight * count)
    level, at_low, at_high = low.copy(), np.zeros(len(doubt), bool), np.zeros(len(doubt), bool)
    for _ in range(30):
        level[doubt] = np.where(at_high, high[doubt], low[doubt])
        free = ~(at_low | at_high)
        level[doubt[free]] = 0.0
        goal = (pull - hessian @ level)[doubt[free]]
        level[doubt[free]] = np.linalg.solve(hessian[np.ix_(doubt[free], doubt[free])], goal)
        gradient = (hessian @ level - pull)[doubt]
        below = (level[doubt] < low[doubt]) | (at_low & (gradient > 0))
        above = (level[doubt] > high[doubt]) | (at_high & (gradient < 0))
        if np.array_equal(below, at_low) and np.array_equal(above, at_high):
            break
        at_low, at_high = below, above
    gradient = np.where(free, 0.0, gradient)
    curvature = 1.0 / np.diag(np.linalg.inv(hessian[np.ix_(doubt, doubt)]))
    root = np.sqrt(gradient**2 + 2 * DROP * curvature)
    down, up = (root + gradient) / curvature, (root - gradient) / curvature
    return np.clip(level, low, high), down, up


def _zoom(
    level: Function, begin: Array, end: Array, low: Array, high: Array
) -> tuple[Array, Array, Array]:
    """Narrow each interval of dates to the steps of a grid that hold levels from low to high."""
    ages = begin[:, None] + (end - begin)[:, None] * GRID
    found, row, last = level(ages), np.arange(len(begin)), len(GRID) - 1
    first = np.clip((found < low[:, None]).sum(axis=1) - 1, 0, last - 1)
    stop = np.clip(len(GRID) - (found > high[:, None]).sum(axis=1), first + 1, last)
    steepest = np.max(np.diff(found), axis=1) / np.maximum(np.diff(ages)[:, 0], 1e-300)
    return ages[row, first], ages[row, stop], steepest
