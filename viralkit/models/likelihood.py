"""The likelihood of growth when dates are intervals and counts are bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from .families import Family
from .results import Array
from .solve import STEP, jacobian

IMPOSSIBLE = -1e6
Curve = Callable[[Any, Any], Any]  # (parameters on the fitting scale, ages) -> cumulative count


@dataclass(frozen=True)
class Bounds:
    """Bounds on the count at ``age``, each between exact points (left and, if any, right).

    ``sign`` is 1 for at least, -1 for at most; ``right_age`` is nan after the last exact point.
    """

    age: Array
    count: Array
    sign: Array
    left_age: Array
    left_count: Array
    right_age: Array
    right_count: Array

    def __len__(self) -> int:
        return len(self.age)

    def take(self, rows: list[int]) -> Bounds:
        """Return some of the bounds."""
        return Bounds(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihood of a chain of increments whose dates may be intervals.

    ``ages`` and ``weights`` (points, nodes) hold the possible dates of each point; increment i runs
    from point i to point i + 1. The sum over all dates is exact over the nodes (forward algorithm).
    """

    curve: Curve
    count: Array
    ages: Array
    weights: Array
    bounds: Bounds
    family: Family
    scale: float
    box: Array

    def log_likelihood(self, x: Any, tilt: Any = 0.0) -> Any:
        """Log-likelihood at x; ``tilt`` times Pearson's chi-squared is added inside the sum."""
        alpha = self.alpha(x)
        level = self.curve(x, self.ages)
        mean = self._floored(level[1:, None, :] - level[:-1, :, None])
        count = self.count[:, None, None]
        terms = self.family.log_density(count, mean, self.scale, alpha)
        terms = terms + tilt * (count - mean) ** 2 / self.family.variance(mean, alpha)
        return self._over_dates(terms) + np.sum(self.log_bounds(x))

    def alpha(self, x: Any) -> Any:
        """Overdispersion of the negative binomial: the last parameter."""
        return np.exp(x[-1]) if self.family.name == "negative_binomial" else 0.0

    def _over_dates(self, terms: Any) -> Any:
        if terms.shape[-1] == 1:
            return np.sum(terms)
        backwards = self.ages[1:, None, :] <= self.ages[:-1, :, None]
        forward = np.log(self.weights[0])
        for term, weight in zip(
            np.where(backwards, IMPOSSIBLE, terms), self.weights[1:], strict=True
        ):
            forward = _log_sum(forward[:, None] + term) + np.log(weight)
        return _log_sum(forward)

    def log_bounds(self, x: Any) -> Any:
        """Log-probability of each bound, given the exact points on either side (normal)."""
        rows, alpha = self.bounds, self.alpha(x)
        last = np.isnan(rows.right_age)
        left, now, right = (
            self.curve(x, age)
            for age in (rows.left_age, rows.age, np.where(last, rows.age, rows.right_age))
        )
        before, after = self._floored(now - left), self._floored(right - now)
        noise, noise_after = (
            self.scale * self.family.variance(mean, alpha) for mean in (before, after)
        )
        share = np.where(last, 0.0, noise / (noise + noise_after))
        rise = np.where(last, 0.0, rows.right_count - rows.left_count - before - after)
        mean = rows.left_count + before + share * rise
        spread = np.sqrt(np.where(last, noise, share * noise_after))
        return special.log_ndtr(rows.sign * (mean - rows.count) / spread)

    def _floored(self, mean: Any) -> Any:
        floor = 1e-12 * self.count.sum()
        return np.where(np.real(mean) > floor, mean, floor)

    def loss(self, x: Array) -> float:
        """Minus twice the log-likelihood."""
        with np.errstate(all="ignore"):
            value = -2.0 * float(np.real(self.log_likelihood(x)))
        return value if np.isfinite(value) else 1e300

    def slope(self, x: Array, free: list[int]) -> Array:
        """Gradient of the loss."""
        with np.errstate(all="ignore"):
            return -2.0 * jacobian(self.log_likelihood, x, free)

    def minimise(self, x: Array, free: list[int]) -> Array:
        """Newton steps downhill, with negative curvature turned round, until nothing moves."""
        x, loss = x.copy(), self.loss(x)
        for _ in range(100 if free else 0):
            step = self._newton(x, free)
            for _halving in range(40):
                trial = np.clip(x + step, *self.box)
                new = self.loss(trial)
                if new <= loss + 1e-12 * abs(loss):
                    break
                step = step / 2
            else:
                return x
            moved = float(np.max(np.abs(trial - x)))
            x, loss = trial, new
            if moved < 1e-10:
                return x
        return x

    def _newton(self, x: Array, free: list[int]) -> Array:
        pull = -np.nan_to_num(self.slope(x, free))
        hessian = 2.0 * self.information(x, free)
        low, high = self.box[:, free]
        held = ((x[free] <= low) & (pull < 0)) | ((x[free] >= high) & (pull > 0))
        size = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-12))
        scaled = hessian / np.outer(size, size)
        scaled[held], scaled[:, held], pull[held] = 0.0, 0.0, 0.0
        value, vector = np.linalg.eigh(np.nan_to_num(scaled))
        inverse = vector / np.maximum(np.abs(value), 1e-9)
        step = np.zeros_like(x)
        step[free] = inverse @ (vector.T @ (pull / size)) / size
        return step / max(1.0, float(np.max(np.abs(step))))

    def information(self, x: Array, free: list[int]) -> Array:
        """Observed information: half the second derivatives of the loss."""
        rows = []
        for index in free:
            step = np.zeros_like(x)
            step[index] = 1e-5
            rows.append((self.slope(x + step, free) - self.slope(x - step, free)) / 4e-5)
        matrix = np.array(rows)
        return np.asarray(0.5 * (matrix + matrix.T))

    def pearson(self, x: Array) -> float:
        """Pearson's chi-squared, expected over the possible dates."""
        return float(np.imag(self.log_likelihood(x.astype(complex), tilt=1j * STEP)) / STEP)


def _log_sum(terms: Any) -> Any:
    top = np.max(np.real(terms), axis=0)
    return top + np.log(np.sum(np.exp(terms - top), axis=0))


def date_nodes(lower: Array, middle: Array, upper: Array, nodes: int) -> tuple[Array, Array]:
    """Spread each uncertain date over its interval (Gauss-Legendre); exact dates stay one node."""
    if not np.any(upper > lower):
        return middle[:, None], np.ones((len(middle), 1))
    place, weight = np.polynomial.legendre.leggauss(nodes)
    doubtful = (upper > lower)[:, None]
    width = np.where(doubtful, upper[:, None], 0.0) - np.where(doubtful, lower[:, None], 0.0)
    ages = np.where(doubtful, lower[:, None] + width * (place + 1) / 2, middle[:, None])
    certain = np.where(np.arange(nodes) == 0, 1.0, 1e-300)
    return ages, np.where(doubtful, weight / 2, certain)
