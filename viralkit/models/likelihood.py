"""The likelihood of growth when dates are intervals and counts are bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from .dates import DROP, Nodes, certain, lay
from .families import Family
from .results import Array
from .solve import jacobian

IMPOSSIBLE = -1e6
CLOSE = 1e-2  # steps on the fitting scale that leave the nodes of dates as they are
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

    Point i lies at some age between ``lower[i]`` and ``upper[i]``, all equally likely; increment i
    runs from point i to point i + 1.
    """

    curve: Curve
    count: Array
    lower: Array
    upper: Array
    bounds: Bounds
    family: Family
    scale: float
    box: Array

    def nodes(self, x: Array) -> Nodes:
        """Possible dates at x: where their posterior lives."""
        if not np.any(self.upper > self.lower):
            return certain(self.lower)
        alpha = float(self.alpha(x))
        reach = np.maximum(self._noise(self.count, alpha), self._reach(alpha))
        level, noise = (lambda age: self.curve(x, age)), (lambda mean: self._noise(mean, alpha))
        return lay(level, self.lower, self.upper, self.count, reach, noise)

    def _noise(self, mean: Array, alpha: float) -> Array:
        """Standard deviation of a count; that of a small mean is not below one cluster's."""
        variance = self.family.variance(np.maximum(mean, self.scale), alpha)
        return np.asarray(np.sqrt(self.scale * variance))

    def _reach(self, alpha: float) -> Array:
        """How far above its count a mean may be, for each of the standard deviations of DROP."""
        ratio = np.geomspace(1.0, 1e6, 60)[:, None]
        count = np.maximum(self.count, 1e-3 * self.scale)
        fall = self.family.deviance(count, count * ratio, alpha) / (2 * self.scale)
        far = ratio[np.minimum((fall < DROP).sum(axis=0), len(ratio) - 1), 0]
        return np.asarray(count * (far - 1) / np.sqrt(2 * DROP))

    def terms(self, x: Any, nodes: Nodes) -> tuple[Any, Any]:
        """Log-density and mean of each pair of neighbouring dates."""
        level = self.curve(x, nodes.age)
        mean = self._floored(level[nodes.after] - level[nodes.before])
        count = self.count[nodes.step]
        terms = self.family.log_density(count, mean, self.scale, self.alpha(x))
        backwards = nodes.age[nodes.after] <= nodes.age[nodes.before]
        return np.where(backwards, IMPOSSIBLE, terms), mean

    def log_likelihood(self, x: Array, nodes: Nodes | None = None) -> float:
        """Log-likelihood at x: exact dates, uncertain dates and bounds."""
        nodes = nodes or self.nodes(x)
        return nodes.chain(self.terms(x, nodes)[0])[0] + float(np.sum(self.log_bounds(x)))

    def alpha(self, x: Any) -> Any:
        """Overdispersion of the negative binomial: the last parameter."""
        return np.exp(x[-1]) if self.family.name == "negative_binomial" else 0.0

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

    @property
    def _floor(self) -> float:
        return 1e-12 * float(self.count.sum())

    def _floored(self, mean: Any) -> Any:
        return np.where(np.real(mean) > self._floor, mean, self._floor)

    def loss(self, x: Array, nodes: Nodes | None = None) -> float:
        """Minus twice the log-likelihood."""
        with np.errstate(all="ignore"):
            value = -2.0 * self.log_likelihood(x, nodes)
        return value if np.isfinite(value) else 1e300

    def slope(self, x: Array, free: list[int], nodes: Nodes | None = None) -> Array:
        """Gradient of the loss: that of each pair of dates, in its posterior weight (Fisher)."""
        with np.errstate(all="ignore"):
            nodes = nodes or self.nodes(x)
            terms, mean = self.terms(x, nodes)
            weight = nodes.chain(terms)[1]
            variance = self.scale * self.family.variance(mean, self.alpha(x))
            pull = weight * (self.count[nodes.step] - mean) / variance
            pull[mean <= self._floor] = 0.0
            size = len(nodes.age)
            pull = np.bincount(nodes.after, pull, size) - np.bincount(nodes.before, pull, size)
            gradient = pull @ jacobian(lambda at: self.curve(at, nodes.age), x, free)
            if self.family.name == "negative_binomial":
                of_alpha = [i for i in free if i == len(x) - 1]
                change = jacobian(lambda at: self._at_mean(at, mean, nodes), x, of_alpha)
                gradient[np.isin(free, of_alpha)] += weight @ change
            return -2.0 * np.asarray(gradient + jacobian(self.log_bounds, x, free).sum(axis=0))

    def _at_mean(self, x: Any, mean: Array, nodes: Nodes) -> Any:
        return self.family.log_density(self.count[nodes.step], mean, self.scale, self.alpha(x))

    def minimise(self, x: Array, free: list[int], information: Array | None = None) -> Array:
        """Newton steps downhill, with negative curvature turned round, until nothing moves.

        Once steps are small, nodes and second derivatives are kept; ``information`` are those of a
        place nearby.
        """
        x, near = x.copy(), information is not None
        nodes = self.nodes(x)
        loss = self.loss(x, nodes)
        for _ in range(100 if free else 0):
            if information is None or not near:
                information = self.information(x, free, nodes)
            step = self._newton(x, free, nodes, information)
            for _halving in range(40):
                trial = np.clip(x + step, *self.box)
                beyond = nodes if near else self.nodes(trial)
                new = self.loss(trial, beyond)
                if new <= loss + 1e-11 * abs(loss):
                    break
                step = step / 2
            else:
                return x
            moved = float(np.max(np.abs(trial - x)))
            x, loss, nodes = trial, new, beyond
            if moved < 1e-10:
                return x
            if near and (moved > CLOSE or _halving):
                nodes = self.nodes(x)
                loss = self.loss(x, nodes)
            near = moved < CLOSE and not _halving
        return x

    def _newton(self, x: Array, free: list[int], nodes: Nodes, information: Array) -> Array:
        pull = -np.nan_to_num(self.slope(x, free, nodes))
        hessian = 2.0 * np.nan_to_num(information)
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

    def information(self, x: Array, free: list[int], nodes: Nodes | None = None) -> Array:
        """Observed information: half the second derivatives of the loss."""
        nodes, rows = nodes or self.nodes(x), []
        for index in free:
            step = np.zeros_like(x)
            step[index] = 1e-5
            ahead, behind = (self.slope(x + sign * step, free, nodes) for sign in (1, -1))
            rows.append((ahead - behind) / 4e-5)
        matrix = np.array(rows).reshape(len(free), len(free))
        return np.asarray(0.5 * (matrix + matrix.T))

    def last_date(self, x: Array) -> tuple[Array, Array]:
        """Possible ages of the last point, with their posterior weights."""
        nodes = self.nodes(x)
        weight = nodes.chain(self.terms(x, nodes)[0])[1]
        last = nodes.first[-2]
        return nodes.age[last:], np.asarray(np.bincount(nodes.after, weight)[last:], dtype=float)

    def pearson(self, x: Array) -> float:
        """Pearson's chi-squared, expected over the possible dates."""
        nodes = self.nodes(x)
        terms, mean = self.terms(x, nodes)
        variance = self.family.variance(mean, self.alpha(x))
        return float(nodes.chain(terms)[1] @ ((self.count[nodes.step] - mean) ** 2 / variance))
