"""The likelihood of a branching process: its best fit, its profiles, the edge of what it allows.

The search runs over x = log R and u = log(1 + 1/k), which is zero for Poisson offspring.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import optimize

from .branching_counts import Tally
from .branching_laws import (
    log_offspring,
    log_offspring_at_least,
    log_progeny,
    log_progeny_at_least,
)
from .results import Array

FLOOR = -25.0  # log R of people who pass nothing on
CEILING = float(np.log1p(1e6))  # u of the largest 1/k
STEP = 0.002  # of derivatives
WINDOW = 3.0  # how far the other parameter is looked for when one is held
POINTS = 33  # values of 1/k at which the edge is traced


class Likelihood:
    """The log-likelihood of a tally at log R and log(1 + 1/k)."""

    def __init__(self, data: Tally) -> None:
        self.data = data
        late = data.late
        self.done = (data.parents[~late], data.children[~late], data.roots[~late])
        self.late = (data.parents[late], data.children[late], data.roots[late])
        self.often = (data.number[~late], data.number[late])
        with np.errstate(divide="ignore"):
            ratio = float((data.children / data.parents).max())
        self.top = float(np.log(20 * (ratio + 1) * data.total))

    def __call__(self, x: float, u: float) -> float:
        """Return the log-likelihood."""
        mean, inverse = float(np.exp(x)), float(np.expm1(u))
        parents, children, roots = self.done
        if self.data.of == "sizes":
            terms = log_progeny(parents, roots, mean, inverse)
        else:
            terms = log_offspring(parents, children, mean, inverse)
        value = float(self.often[0] @ terms)
        if self.data.is_complete:
            return value
        return value + float(self.often[1] @ self._late(mean, inverse)) - self._cut(mean, inverse)

    def _late(self, mean: float, inverse: float) -> Array:
        """Log-probabilities of counts that are at least so large."""
        parents, children, roots = self.late
        if not parents.size:
            return np.zeros(0)
        if self.data.of != "sizes":
            return log_offspring_at_least(parents, children, mean, inverse)
        return tails(np.maximum(parents, self.data.at_least), roots, mean, inverse)

    def _cut(self, mean: float, inverse: float) -> float:
        """The log-probability that all cascades are large enough for the sample."""
        if self.data.at_least == 1:
            return 0.0
        roots, place = np.unique(self.data.roots, return_inverse=True)
        least = np.full(roots.size, float(self.data.at_least))
        often = np.bincount(place, self.data.number)
        return float(often @ tails(least, roots, mean, inverse))

    @cached_property
    def ratio(self) -> float:
        """The log of children per parent: the best fit of complete samples, whatever k is."""
        births = float(self.data.number @ self.data.children)
        return float(np.log(births / (self.data.number @ self.data.parents)))

    def best_x(self, u: float, near: float | None = None) -> float:
        """The best log R at a k; it is looked for near one, if one is given."""
        if self.data.is_silent:
            return FLOOR
        if self.data.is_complete:
            return self.ratio
        low, high = (FLOOR, self.top) if near is None else (near - WINDOW, near + WINDOW)
        return climb(lambda x: self(x, u), max(low, FLOOR), min(high, self.top))

    def best_u(self, x: float, near: float) -> float:
        """The best log(1 + 1/k) at an R."""
        low, high = max(near - WINDOW, 0.0), min(near + WINDOW, CEILING)
        return climb(lambda u: self(x, u), low, high)


def tails(size: Array, roots: Array, mean: float, inverse: float) -> Array:
    """Log-probabilities that cascades reach their sizes."""
    found = np.empty(size.size)
    for root in np.unique(roots):
        alike = roots == root
        reached = np.maximum(size[alike], root)
        found[alike] = log_progeny_at_least(reached, int(root), mean, inverse)
    return found


def climb(height: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of one number is highest; an end of the range counts as well."""
    found = optimize.minimize_scalar(
        lambda v: -height(v), bounds=(low, high), method="bounded", options={"xatol": 1e-6}
    )
    place = float(found.x)
    for end in (low, high):
        if abs(place - end) < 1e-4 and height(end) >= -float(found.fun):
            return end
    return place


@dataclass(frozen=True)
class Fit:
    """The best fit of one law, with the covariance of x and u (nan where there is none)."""

    likelihood: Likelihood
    law: str
    x: float
    u: float
    is_free: bool
    llf: float
    covariance: Array

    @property
    def mean(self) -> float:
        """The reproduction number."""
        return float(np.exp(self.x)) if self.x > FLOOR else 0.0

    @property
    def inverse(self) -> float:
        """1/k."""
        return float(np.expm1(self.u))

    @property
    def k(self) -> float:
        """The dispersion, as it was given where it was."""
        return float(f"{1 / self.inverse:.13g}") if self.inverse else np.inf

    def excess_x(self, quantile: float) -> Callable[[float], float]:
        """How far the deviance at a log R is above a quantile, k at its best."""

        def excess(x: float) -> float:
            u = self.likelihood.best_u(x, self.u) if self.is_free else self.u
            return 2 * (self.llf - self.likelihood(x, u)) - quantile

        return excess

    def ends_x(self, quantile: float) -> tuple[float, float]:
        """The values of log R that the data allow."""
        excess = self.excess_x(quantile)
        return crossing(excess, self.x, FLOOR), crossing(excess, self.x, self.x + 60)

    def excess_u(self, quantile: float) -> Callable[[float], float]:
        """How far the deviance at a log(1 + 1/k) is above a quantile, R at its best."""

        def excess(u: float) -> float:
            x = self.likelihood.best_x(u, self.x)
            return 2 * (self.llf - self.likelihood(x, u)) - quantile

        return excess

    def ends_u(self, quantile: float) -> tuple[float, float]:
        """The values of log(1 + 1/k) that the data allow."""
        excess = self.excess_u(quantile)
        return crossing(excess, self.u, 0.0), crossing(excess, self.u, CEILING)

    def edge(self, quantile: float) -> list[tuple[float, float]]:
        """Pairs of R and 1/k around all those that the data allow."""
        outer = [(x, self._u_at(x)) for x in self.ends_x(quantile)]
        if self.is_free:
            low, high = self.ends_u(quantile)
            angle = np.linspace(0, np.pi, POINTS)
            for u in (low + high) / 2 - (high - low) / 2 * np.cos(angle):
                outer += [(x, float(u)) for x in self._chord(float(u), quantile)]
        return [(float(np.exp(x)) if x > FLOOR else 0.0, float(np.expm1(u))) for x, u in outer]

    def _u_at(self, x: float) -> float:
        return self.likelihood.best_u(x, self.u) if self.is_free else self.u

    def _chord(self, u: float, quantile: float) -> tuple[float, ...]:
        """The ends of what the data allow for log R at one k."""

        def excess(x: float) -> float:
            return 2 * (self.llf - self.likelihood(x, u)) - quantile

        middle = self.likelihood.best_x(u, self.x)
        if excess(middle) >= 0:
            return (middle,)
        return crossing(excess, middle, FLOOR), crossing(excess, middle, middle + 60)


def crossing(excess: Callable[[float], float], inside: float, limit: float) -> float:
    """Step out until the excess is positive and find where it crosses zero, or give the limit."""
    sign, step = (1.0 if limit > inside else -1.0), 0.1
    while inside != limit:
        outside = inside + sign * step
        if (outside - limit) * sign >= 0:
            outside = limit
        if excess(outside) > 0:
            return float(optimize.brentq(excess, inside, outside, xtol=1e-8, rtol=1e-12))
        inside, step = outside, 1.6 * step
    return limit


def fit_law(likelihood: Likelihood, law: str, u: float | None) -> Fit:
    """Find the best R, and the best k unless it is given."""
    is_free = u is None
    near = likelihood.best_x(np.log(2.0) if u is None else u)
    if u is None:
        u = _best_u(likelihood, near)
        near = likelihood.best_x(u, near)
    moving = [i for i, at in enumerate((near > FLOOR, is_free and 0 < u < CEILING)) if at]
    place, covariance = np.array([near, u]), np.full((2, 2), np.nan)
    for _ in range(3 if moving else 0):
        slope, curvature = derivatives(lambda v: likelihood(*v), place, moving)
        covariance[np.ix_(moving, moving)] = spread = -np.linalg.pinv(curvature, hermitian=True)
        step = np.clip(spread @ slope, -0.1, 0.1)
        if likelihood.data.is_complete and moving[0] == 0:
            step[0] = 0.0  # R is known in closed form, and k does not move it
        if likelihood(*_moved(place, moving, step)) < likelihood(*place) - 1e-9:
            break
        place = _moved(place, moving, step)
        if np.abs(step).max() < 1e-9:
            break
    x, u = float(place[0]), float(place[1])
    return Fit(likelihood, law, x, u, is_free, likelihood(x, u), covariance)


def _best_u(likelihood: Likelihood, near: float) -> float:
    """The best log(1 + 1/k) with R at its best for each: a coarse look, then a climb."""

    def height(u: float) -> float:
        return likelihood(likelihood.best_x(u, near), u)

    grid = np.array([0, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 8, CEILING])
    top = int(np.argmax([height(u) for u in grid]))
    return climb(height, float(grid[max(top - 1, 0)]), float(grid[min(top + 1, len(grid) - 1)]))


def _moved(place: Array, moving: list[int], step: Array) -> Array:
    moved = place.copy()
    moved[moving] += step
    moved[1] = max(moved[1], 0.0)
    return moved


def derivatives(
    height: Callable[[Array], float], place: Array, moving: list[int]
) -> tuple[Array, Array]:
    """Slope and curvature by central differences of fourth order."""
    steps = np.array([STEP, min(STEP, place[1] / 3)])
    many = len(moving)
    slope, curvature = np.empty(many), np.empty((many, many))
    middle = height(place)

    def at(first: float, i: int, second: float = 0.0, j: int = 0) -> float:
        moved = place.copy()
        moved[moving[i]] += first * steps[moving[i]]
        moved[moving[j]] += second * steps[moving[j]]
        return height(moved)

    for i in range(many):
        f, h = [at(d, i) for d in (-2.0, -1.0, 1.0, 2.0)], steps[moving[i]]
        slope[i] = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)
        curvature[i, i] = (16 * (f[1] + f[2]) - f[0] - f[3] - 30 * middle) / (12 * h * h)
    if many == 2:
        across = [
            sum(s * t * at(s * w, 0, t * w, 1) for s in (-1, 1) for t in (-1, 1)) / (4 * w * w)
            for w in (1.0, 2.0)
        ]
        curvature[0, 1] = curvature[1, 0] = (4 * across[0] - across[1]) / (3 * steps.prod())
    return slope, curvature
