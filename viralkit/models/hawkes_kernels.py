"""How fast attention fades: the two kernels, as densities of the delay from cause to effect.

Every function gives rows: a value, its derivatives by the logs of the kernel's parameters (and by
the exponent of the marks, where there are marks), and its second derivatives (upper triangle).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from scipy import special

from ..compiled.hawkes_decays import hawkes_decays
from ..compiled.hawkes_pairs import hawkes_pairs
from ..compiled.hawkes_stream import hawkes_stream
from .hawkes_nodes import nodes
from .hawkes_stream import Stream
from .results import Array

FEW = 256  # events a cascade up to which pairs are summed exactly under a power law


class Kernel(ABC):
    """The law of the delay, with parameters ``shape``: density, survival and draws."""

    names: tuple[str, ...]

    @abstractmethod
    def density(self, lag: Array, shape: Array) -> Array:
        """The density of the delay, per second."""

    @abstractmethod
    def survival(self, lag: Array, shape: Array) -> Array:
        """The chance that the delay is longer."""

    @abstractmethod
    def survived(self, lag: Array, shape: Array) -> Array:
        """The integral of ``survival`` from 0 to a lag, in seconds."""

    @abstractmethod
    def lag(self, survival: Array, shape: Array) -> Array:
        """The lag beyond which a delay lies with this chance: the inverse of ``survival``."""

    @abstractmethod
    def at_events(
        self, stream: Stream, weight: Array, shape: Array, *, survival: bool = False
    ) -> Array:
        """Rows of Σ w·density (or w·survival) over the events before each event."""

    @abstractmethod
    def at_end(self, stream: Stream, weight: Array, shape: Array) -> Array:
        """Rows of Σ w·survival at the end of the windows, a column a cascade."""


class ExponentialKernel(Kernel):
    """Delays with density theta·exp(-theta·lag)."""

    names = ("theta",)

    def density(self, lag: Array, shape: Array) -> Array:
        """The density of the delay, per second."""
        return np.asarray(shape[0] * np.exp(-shape[0] * lag))

    def survival(self, lag: Array, shape: Array) -> Array:
        """The chance that the delay is longer."""
        return np.asarray(np.exp(-shape[0] * lag))

    def survived(self, lag: Array, shape: Array) -> Array:
        """The integral of ``survival`` from 0 to a lag, in seconds."""
        return np.asarray(-np.expm1(-shape[0] * lag) / shape[0])

    def lag(self, survival: Array, shape: Array) -> Array:
        """The inverse of ``survival``."""
        return np.asarray(-np.log(survival) / shape[0])

    def at_events(
        self, stream: Stream, weight: Array, shape: Array, *, survival: bool = False
    ) -> Array:
        """Rows of Σ w·density (or w·survival) over the events before each event."""
        theta, marked = float(shape[0]), len(weight) > 1
        columns = np.zeros((len(stream), 3))
        columns[:, : len(weight)] = weight.T
        sums = hawkes_decays(stream.time, columns, stream.offsets, theta)
        return _faded(sums, theta, survival, marked)

    def at_end(self, stream: Stream, weight: Array, shape: Array) -> Array:
        """Rows of Σ w·survival at the end of the windows, a column a cascade."""
        theta = float(shape[0])
        lag = np.where(np.isfinite(stream.left), stream.left, 0.0)
        decay = np.where(np.isfinite(stream.left), np.exp(-theta * lag), 0.0)
        sums = np.zeros((3, 3, len(stream.until)))
        for source, column in enumerate(weight):
            for power in range(3):
                product = column * decay * lag**power
                sums[source, power] = np.add.reduceat(product, stream.offsets[:-1])
        return _faded(sums, theta, True, len(weight) > 1)


def _faded(sums: Array, theta: float, survival: bool, marked: bool) -> Array:
    """Turn sums of exp(-theta·lag), times lag and lag², into rows."""
    (a0, b0, c0), (a1, b1, _), (a2, _, _) = sums
    if survival:
        value, slope, bend = a0, -theta * b0, theta * (theta * c0 - b0)
        rows = [value, slope, a1, bend, -theta * b1, a2]
    else:
        slope, bend = a0 - theta * b0, a0 - 3 * theta * b0 + theta**2 * c0
        rows = [theta * v for v in (a0, slope, a1, bend, a1 - theta * b1, a2)]
    return np.array(rows if marked else [rows[0], rows[1], rows[3]])


class PowerLawKernel(Kernel):
    """Delays with density theta·c^theta·(lag + c)^-(1 + theta)."""

    names = ("theta", "c")

    def density(self, lag: Array, shape: Array) -> Array:
        """The density of the delay, per second."""
        theta, c = shape
        return np.asarray(theta / c * (1 + lag / c) ** -(1 + theta))

    def survival(self, lag: Array, shape: Array) -> Array:
        """The chance that the delay is longer."""
        theta, c = shape
        return np.asarray((1 + lag / c) ** -theta)

    def survived(self, lag: Array, shape: Array) -> Array:
        """The integral of ``survival`` from 0 to a lag, in seconds."""
        theta, c = shape
        return np.asarray(c * special.boxcox1p(lag / c, 1 - theta))

    def lag(self, survival: Array, shape: Array) -> Array:
        """The inverse of ``survival``."""
        theta, c = shape
        with np.errstate(over="ignore"):
            return np.asarray(c * np.expm1(-np.log(survival) / theta))

    def at_events(
        self, stream: Stream, weight: Array, shape: Array, *, survival: bool = False
    ) -> Array:
        """Rows of Σ w·density (or w·survival) over the events before each event."""
        if np.max(np.diff(stream.offsets)) > FEW:
            return self._streamed(stream, weight, shape, 0 if survival else 1)[0]
        return self._by_pairs(stream, weight, shape, 0 if survival else 1)

    def at_end(self, stream: Stream, weight: Array, shape: Array) -> Array:
        """Rows of Σ w·survival at the end of the windows, a column a cascade."""
        lag = np.where(np.isfinite(stream.left), stream.left, 0.0)
        x = 1 + lag / shape[1]
        log, inverse = np.log(x), 1 / x
        g = np.where(np.isfinite(stream.left), np.exp(-shape[0] * log), 0.0)
        sums = [g * v for v in (1, log, inverse, log * log, log * inverse, inverse * inverse)]
        products = [weight[0] * v for v in sums]
        if len(weight) > 1:
            products += [*(weight[1] * v for v in sums[:3]), weight[2] * g]
        totals = np.add.reduceat(np.array(products), stream.offsets[:-1], axis=1)
        return _spread(totals, shape, 0, len(weight) > 1)

    def both(self, stream: Stream, weight: Array, shape: Array) -> tuple[Array, Array]:
        """The rows of ``at_events`` and of ``at_end`` in one pass where that is quicker."""
        if np.max(np.diff(stream.offsets)) > FEW:
            return self._streamed(stream, weight, shape, 1)
        return self._by_pairs(stream, weight, shape, 1), self.at_end(stream, weight, shape)

    def _by_pairs(self, stream: Stream, weight: Array, shape: Array, extra: int) -> Array:
        rows = np.zeros((3, len(stream)))
        rows[: len(weight)] = weight
        sums = hawkes_pairs(stream.time, rows, stream.offsets, shape[1], shape[0] + extra)
        return _spread(sums, shape, extra, len(weight) > 1)

    def _streamed(
        self, stream: Stream, weight: Array, shape: Array, extra: int
    ) -> tuple[Array, Array]:
        """The kernel as a sum of exponentials: time grows with the events, not their square."""
        longest = float(np.max(np.where(np.isfinite(stream.until), stream.until, stream.span)))
        rates, (shares, tails) = nodes(shape, longest, (extra, 0))
        use = [0, 0, 0, 0, 0, 0]
        if len(weight) > 1:  # theta, c, beta: the weights' derivatives take the place of beta's
            order = [0, 1, 2, 0, 3, 4, 1, 5, 2, 0]
            shares, tails = shares[order], tails[order]
            use = [0, 0, 0, 1, 0, 0, 1, 0, 1, 2]
        here, end = hawkes_stream(
            stream.time,
            np.ascontiguousarray(weight),
            stream.offsets,
            stream.until,
            rates,
            np.ascontiguousarray(shares),
            np.ascontiguousarray(tails),
            np.array(use),
        )
        return here, end


def _spread(sums: Array, shape: Array, extra: int, marked: bool) -> Array:
    """Turn sums of x^-(theta + extra), times l = log x and r = 1/x, into rows."""
    theta, power = shape[0], shape[0] + extra
    one, l, r, ll, lr, rr = sums[:6]  # noqa: E741
    by_theta = extra * one - theta * l
    by_c = theta * one - power * r
    twice = extra**2 * one - (2 * extra + 1) * theta * l + theta**2 * ll
    mixed = extra * (theta * one - power * r) - theta * (theta * l - power * lr) + theta * (one - r)
    bent = theta**2 * one - 2 * theta * power * r + power**2 * rr - power * (r - rr)
    rows = [one, by_theta, by_c, twice, mixed, bent]
    if marked:
        one1, l1, r1, one2 = sums[6:]
        cross = [extra * one1 - theta * l1, theta * one1 - power * r1]
        rows = [one, by_theta, by_c, one1, twice, mixed, cross[0], bent, cross[1], one2]
    return np.array(rows) * (theta / shape[1] if extra else 1.0)


KERNELS: dict[str, Kernel] = {"exponential": ExponentialKernel(), "power_law": PowerLawKernel()}
