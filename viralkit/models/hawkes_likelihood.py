"""The log-likelihood of a self-exciting model, its gradient and its Hessian.

Coordinates: log of the branching factor n*, logs of the kernel's parameters, the exponent of the
marks (beta, plain), log of the background rate, log of the population left. Marks to the power
beta are divided by their mean, so that n* is a coordinate and kappa follows from it. The mean is
that of the modelled events: who starts a cascade is often unlike those who pass it on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..compiled.hawkes_exponential import hawkes_exponential
from .hawkes_kernels import KERNELS, PowerLawKernel
from .hawkes_stream import Stream
from .results import Array

FULL = np.log(1e7)  # log of the population left, in events, from which it is as good as infinite


class Value(NamedTuple):
    """Log-likelihood, gradient and Hessian at a place."""

    height: float
    slope: Array
    bend: Array


class Objective:
    """The log-likelihood of a stream under a kernel, with what the model has besides."""

    def __init__(
        self,
        stream: Stream,
        kernel: str,
        *,
        background: bool = False,
        population: bool = False,
        exponent: float | None = None,
        kappa: float | None = None,
        pool: Array | None = None,
    ) -> None:
        self.stream, self.kernel, self.exponent = stream, KERNELS[kernel], exponent
        self.kappa, self.pool = kappa, pool
        self.background, self.population = background, population
        self.marked = stream.magnitude is not None
        self._take_marks()
        names = ["branching", *self.kernel.names]
        names += ["beta"] * self.marked + ["mu"] * background + ["N"] * population
        self.names = tuple(names)
        self.shapes = len(self.kernel.names)
        self.width = 1 + self.shapes + self.marked  # coordinates that the kernel's rows know
        self.upper = np.triu_indices(self.width - 1)
        self.plain = kernel == "exponential" and not self.marked and not population

    def __call__(self, x: Array) -> Value:
        """Return the log-likelihood and its derivatives by all coordinates."""
        with np.errstate(all="ignore"):
            x = self.complete(x)
            value = self._plain(x) if self.plain else self._general(x)
            return value if self.kappa is None else self._along_kappa(x, value)

    def log_kappa(self, x: Array) -> tuple[float, Array, Array]:
        """Return log kappa, and its gradient and Hessian by the coordinates."""
        size, slope = len(x), np.zeros(len(x))
        bend = np.zeros((size, size))
        slope[0], level = 1.0, float(x[0])
        if self.shapes == 2:
            theta = float(np.exp(x[1]))
            level += float(x[1] + theta * x[2])
            slope[1:3] = 1 + theta * x[2], theta
            bend[1, 1], bend[1, 2], bend[2, 1] = theta * x[2], theta, theta
        if self.marked:
            place = 1 + self.shapes
            mean, slope_of_mean, bend_of_mean = self.log_mean_mark(float(x[place]))
            level -= mean
            slope[place], bend[place, place] = -slope_of_mean, -bend_of_mean
        return level, slope, bend

    def complete(self, x: Array) -> Array:
        """Where kappa is held, let log n* follow from the other coordinates."""
        if self.kappa is None:
            return x
        x = x.copy()
        x[0] += np.log(self.kappa) - self.log_kappa(x)[0]
        return x

    def _along_kappa(self, x: Array, value: Value) -> Value:
        """Turn derivatives by all coordinates into those where kappa is held."""
        _, slope, bend = self.log_kappa(x)
        to_all = np.eye(len(x))  # how all coordinates move with the free ones
        to_all[0], to_all[0, 0] = -slope, 0.0
        return Value(
            value.height,
            to_all.T @ value.slope,
            to_all.T @ value.bend @ to_all - value.slope[0] * bend,
        )

    def on(self, stream: Stream) -> Objective:
        """Return the same likelihood for other events."""
        other = Objective.__new__(Objective)
        other.__dict__.update(self.__dict__)
        other.stream = stream
        other._take_marks()
        return other

    def _take_marks(self) -> None:
        """Take the logs of the marks, and the marks that later events will be like."""
        self.log_mark = self.log_pool = None
        self.known_mean = np.nan, (0.0, 0.0, 0.0)  # of the last beta asked for
        marks = self.stream.magnitude
        if marks is None:
            return
        modelled = self.stream.outcome
        own = marks[modelled] if modelled.any() else marks
        self.likely = own if self.pool is None else self.pool
        self.log_mark, self.log_pool = np.log(marks), np.log(self.likely)

    def shape(self, x: Array) -> Array:
        """Return theta (and c)."""
        return np.asarray(np.exp(x[1 : 1 + self.shapes]))

    def log_mean_mark(self, beta: float) -> tuple[float, float, float]:
        """Return the log of the mean of mark^beta, and its two derivatives."""
        if self.exponent is not None:  # marks above 1 with density in proportion to m^-exponent
            left = self.exponent - 1 - beta
            if left <= 0:
                return np.inf, np.inf, np.inf
            return float(np.log((self.exponent - 1) / left)), 1 / left, 1 / left**2
        if self.known_mean[0] != beta:
            self.known_mean = beta, self._mean_of_pool(beta)
        return self.known_mean[1]

    def _mean_of_pool(self, beta: float) -> tuple[float, float, float]:
        assert self.log_pool is not None
        top = float(np.max(beta * self.log_pool))
        power = np.exp(beta * self.log_pool - top)
        total = float(np.sum(power))
        mean = float(power @ self.log_pool) / total
        spread = float(power @ (self.log_pool - mean) ** 2) / total
        return float(np.log(total / len(power)) + top), mean, spread

    def error_of_mean_mark(self, x: Array) -> float:
        """Return the standard error of the log of that mean, which rests on so many marks."""
        if self.log_pool is None or self.exponent is not None:
            return 0.0
        beta = float(x[1 + self.shapes])
        twice = self._mean_of_pool(2 * beta)[0] - 2 * self._mean_of_pool(beta)[0]
        return float(np.sqrt(max(np.expm1(twice), 0.0) / len(self.log_pool)))

    def weights(self, x: Array) -> Array:
        """Return mark^beta over its mean, and its derivatives by beta; ones without marks."""
        if self.log_mark is None:
            return np.ones((1, len(self.stream)))
        beta = float(x[1 + self.shapes])
        level, mean, spread = self.log_mean_mark(beta)
        off = self.log_mark - mean
        with np.errstate(over="ignore"):
            weight = np.exp(beta * self.log_mark - level)
            return np.array([weight, weight * off, weight * (off**2 - spread)])

    def _plain(self, x: Array) -> Value:
        """Exponential kernel without marks: everything in one compiled pass."""
        s, n, theta = self.stream, float(np.exp(x[0])), float(np.exp(x[1]))
        mu = float(np.exp(x[2])) if self.background else 0.0
        out = hawkes_exponential(s.time, s.offsets, s.until, s.given, mu, n, theta)
        scale = np.array([mu, n, theta])
        slope = out[1:4] * scale
        bend = np.empty((3, 3))
        bend[np.triu_indices(3)] = out[4:]
        bend.T[np.triu_indices(3)] = out[4:]
        bend = bend * np.outer(scale, scale) + np.diag(slope)
        order = [1, 2, 0] if self.background else [1, 2]
        return Value(float(out[0]), slope[order], bend[np.ix_(order, order)])

    def rows(self, x: Array) -> tuple[Array, Array]:
        """Return the kernel's rows at each event and at the end of each window, times n*."""
        weight, shape, n = self.weights(x), self.shape(x), np.exp(x[0])
        if isinstance(self.kernel, PowerLawKernel):
            here, gone = self.kernel.both(self.stream, weight, shape)
        else:
            here = self.kernel.at_events(self.stream, weight, shape)
            gone = self.kernel.at_end(self.stream, weight, shape)
        whole = np.zeros_like(gone)
        starts = self.stream.offsets[:-1]
        whole[0] = np.add.reduceat(weight[0], starts)
        if self.marked:
            whole[self.width - 1] = np.add.reduceat(weight[1], starts)
            whole[-1] = np.add.reduceat(weight[2], starts)
        return n * here, n * (whole - gone)

    def before_events(self, x: Array) -> Array:
        """Return rows, times n*, of what was expected from each cascade before each event."""
        weight, n = self.weights(x), np.exp(x[0])
        gone = self.kernel.at_events(self.stream, weight, self.shape(x), survival=True)
        whole = np.zeros_like(gone)
        for row, column in zip((0, self.width - 1, -1), weight, strict=False):
            whole[row] = self._earlier(column)
        return np.asarray(n * (whole - gone))

    def _earlier(self, column: Array) -> Array:
        """Sum over the events of the same cascade that come before each event."""
        total = np.cumsum(column) - column
        first = self.stream.offsets[:-1]
        return np.asarray(total - np.repeat(total[first], np.diff(self.stream.offsets)))

    def crowd(self, x: Array) -> float:
        """Return the population N; infinite where it has no limit."""
        return float(np.exp(x[-1]) + len(self.stream) - 1) if self.population else np.inf

    def _general(self, x: Array) -> Value:
        here, end = self.rows(x)
        mu = float(np.exp(x[self.width])) if self.background else 0.0
        size, outcome = len(self.names) - self.population, self.stream.outcome
        here = here[:, outcome]
        intensity = mu + here[0]
        part = here / intensity
        slopes = np.vstack([part[: self.width], *([mu / intensity] if self.background else [])])
        height = float(np.sum(np.log(intensity)))
        slope = slopes.sum(axis=1)
        bend = self._second(part.sum(axis=1), size, slope[-1]) - slopes @ slopes.T
        watched = float(np.sum(self.stream.until)) if self.background else 0.0
        expected = self._total(end.sum(axis=1), mu * watched, size)
        if not self.population:
            return Value(height - expected[0], slope - expected[1], bend - expected[2])
        earlier = self.before_events(x).sum(axis=1)
        before = self._total(earlier, mu * float(np.sum(self.stream.time)), size)
        return self._limited(x, Value(height, slope, bend), expected, before)

    def _second(self, rows: Array, size: int, mu: float) -> Array:
        """Arrange sums of the rows (value, first, second derivatives) as a matrix."""
        bend = np.zeros((size, size))
        w = self.width
        bend[0, :w] = bend[:w, 0] = rows[:w]
        block = np.zeros((w - 1, w - 1))
        block[self.upper] = rows[w:]
        bend[1:w, 1:w] = block + np.triu(block, 1).T
        if self.background:
            bend[w, w] = mu
        return bend

    def _total(self, rows: Array, mu: float, size: int) -> tuple[float, Array, Array]:
        """An expected count with its gradient and Hessian."""
        tail = [mu] if self.background else []
        slope = np.append(rows[: self.width], tail)
        return float(rows[0] + mu), slope, self._second(rows, size, mu)

    def _limited(
        self,
        x: Array,
        seen: Value,
        end: tuple[float, Array, Array],
        before: tuple[float, Array, Array],
    ) -> Value:
        """Let each event take one out of the population N."""
        crowd, n, left = self.crowd(x), len(self.stream), float(np.exp(x[-1]))
        place = np.flatnonzero(self.stream.outcome)
        share = 1 - n / crowd
        drift, tilt = (n * end[0] - before[0]) / crowd**2, (n * end[1] - before[1]) / crowd**2
        height = seen.height + float(np.sum(np.log1p(-place / crowd)))
        by_crowd = float(np.sum(1 / (crowd - place) - 1 / crowd)) - drift
        twice = float(np.sum(1 / crowd**2 - (crowd - place) ** -2.0)) + 2 * drift / crowd
        size = len(seen.slope)
        bend = np.empty((size + 1, size + 1))
        bend[:size, :size] = seen.bend - share * end[2] - before[2] / crowd
        bend[size, :size] = bend[:size, size] = -left * tilt
        bend[size, size] = left * by_crowd + left**2 * twice
        slope = seen.slope - share * end[1] - before[1] / crowd
        height -= share * end[0] + before[0] / crowd
        return Value(height, np.append(slope, left * by_crowd), bend)
