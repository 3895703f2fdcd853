"""Growth curves for counts on irregular dates: exponential, linear, logistic, Gompertz.

Each curve is a class of three things: its parameters, its shape and where to start the search.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl

from .families import FAMILIES
from .fitting import fit_growth
from .growth_results import GrowthResults
from .results import Array, Model, Parameter
from .series import When, prepare, to_age


class Growth(Model):
    """A curve of cumulative counts: a size times a shape.

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one item; rows whose ``excluded`` is not null are skipped.
    unit : {"day", "week", "year", "period"}
        Unit of time of the rates; "period" for times that are numbers.
    start : date, datetime or float, optional
        The launch. Required unless the first row is a cumulative count of zero.

    Raises
    ------
    TableError
        The table is not a counts table of one item, or holds fewer than two exact points.
    ValueError
        The unit or the start does not fit the times.
    """

    reaches_back: ClassVar[bool] = False  # whether the curve is above zero before the start
    size_is_ceiling: ClassVar[bool] = False  # whether the last parameter is approached, m → ∞
    vanish_with_ceiling: ClassVar[tuple[str, ...]] = ()  # parameters that go to zero as m → ∞
    methods: ClassVar[tuple[str, ...]] = ("increments",)

    def __init__(self, counts: pl.DataFrame, *, unit: str, start: When | None = None) -> None:
        self.series, self.start = prepare(
            counts, unit=unit, start=start, reaches_back=self.reaches_back
        )
        self.counts, self.unit, self._given_start = counts, unit, start
        self.name = type(self).__name__
        self.parameters = self.describe(unit)

    @staticmethod
    def describe(unit: str) -> tuple[Parameter, ...]:
        """Return the parameters, the size last."""
        raise NotImplementedError

    @staticmethod
    def shape(age: Any, *rest: Any) -> Any:
        """Return the cumulative count at an age, for size one; complex parameters are taken."""
        raise NotImplementedError

    @staticmethod
    def starts() -> list[Array]:
        """Return candidates for each parameter but the size, in units of the observed span."""
        return []

    def peak(self, params: dict[str, float]) -> float | None:
        """Age at which growth is fastest; None where growth has no peak."""
        return None

    @property
    def points(self) -> pl.DataFrame:
        """The exact points in use: time, age, count, increment, time_lower, time_upper."""
        columns = ["time", "age", "count", "increment", "time_lower", "time_upper"]
        return self.series.points.select(columns)

    @property
    def bounds(self) -> pl.DataFrame:
        """The bounds in use: time, age, count, bound."""
        return self.series.bounds

    @property
    def label(self) -> str:
        """Name of the item, as it stands in the data."""
        return self.series.label

    @property
    def call(self) -> str:
        """The line of Python that makes this model."""
        start = "" if self._given_start is None else f", start={_code(self._given_start)}"
        return f"vk.{self.name}(counts, unit={self.unit!r}{start})"

    def natural(self, x: Any) -> list[Any]:
        """Turn parameters on the fitting scale (logs, or units of the span) into natural ones."""
        pairs = zip(x, self.parameters, strict=False)
        return [np.exp(v) if p.positive else v * self.series.span for v, p in pairs]

    def internal(self, values: Any) -> Array:
        """Turn natural parameters into those of the fitting scale."""
        with np.errstate(divide="ignore"):
            pairs = zip(values, self.parameters, strict=True)
            return np.array([np.log(v) if p.positive else v / self.series.span for v, p in pairs])

    def level(self, x: Any, age: Any) -> Any:
        """Cumulative count at an age; zero at minus infinity. ``x`` is on the fitting scale."""
        *rest, size = self.natural(x[: len(self.parameters)])
        if not self.reaches_back:
            return size * self.shape(age, *rest)
        known = np.isfinite(age)
        return size * np.where(known, self.shape(np.where(known, age, 0.0), *rest), 0.0)

    def rise(self, x: Any) -> Any:
        """Expected increments, as the curve has them."""
        level = self.level(x, np.concatenate([self.series.begin, self.series.end]))
        half = len(self.series.begin)
        return level[..., half:] - level[..., :half]

    def mean(self, x: Any) -> Any:
        """Expected increments, never below a trillionth of all that was counted."""
        rise, floor = self.rise(x), 1e-12 * float(np.sum(self.series.increment))
        return np.where(rise.real > floor, rise, floor)

    def curve(self, params: dict[str, float], ages: Array) -> Array:
        """Cumulative counts at ages, at any parameters: pure numpy, for sliders."""
        x = self.internal([params[p.name] for p in self.parameters])
        before = self.level(x, self.series.begin[:1])
        return np.asarray(self.series.base + self.level(x, np.asarray(ages, float)) - before)

    def deviance(self, params: dict[str, float], family: str = "quasipoisson") -> float:
        """Misfit of the increments at any parameters; smallest at the fit of that family."""
        x = self.internal([params[p.name] for p in self.parameters])
        alpha = params.get("alpha", 1.0)
        return float(np.sum(FAMILIES[family].deviance(self.series.increment, self.mean(x), alpha)))

    def age_of(self, times: Any) -> Array:
        """Ages, in units since the start, of dates or numbers."""
        return to_age(
            pl.Series(times).cast(self.series.points.schema["time"]), self.start, self.unit
        )

    def fit(
        self,
        *,
        family: str = "quasipoisson",
        method: str = "increments",
        bounds: str = "censored",
        dates: str = "interval",
        fixed: dict[str, float] | None = None,
    ) -> GrowthResults:
        """Which curve of this family describes the counts, and how sure is that?

        Parameters
        ----------
        family : {"quasipoisson", "normal", "negative_binomial"}
            Variance ∝ mean, constant, or mean + alpha mean² (equal relative error).
        method : str
            "increments" between observation dates (all curves); Bass has three more.
        bounds : {"censored", "ignore"}
            Whether counts known only as at least or at most enter the likelihood.
        dates : {"interval", "midpoint"}
            Whether uncertain dates are integrated over time_lower … time_upper.
        fixed : dict, optional
            Parameters held at given values, by name.

        Returns
        -------
        GrowthResults

        Raises
        ------
        ValueError
            An unknown choice or parameter, or fewer observations than free parameters.
        """
        return fit_growth(self, family, method, bounds, dates, fixed or {})


def _code(start: When) -> str:
    return repr(start).replace("datetime.datetime", "datetime").replace("datetime.date", "date")


class Exponential(Growth):
    """Does it grow by the same factor in each unit of time?

    ``Y(t) = level · exp(r t)``; the count doubles every ``ln 2 / r``. Increments between dates are
    modelled, the first from the infinite past.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "a", "time": [0.0, 1, 2, 3], "count": [1, 3, 9, 27],
    ...                        "kind": "cumulative"})
    >>> fit = vk.Exponential(counts, unit="period", start=0.0).fit()
    >>> round(fit.params["r"], 4)
    1.0986
    """

    reaches_back = True

    @staticmethod
    def describe(unit: str) -> tuple[Parameter, ...]:
        """Return the parameters."""
        return (
            Parameter("r", "growth rate r", f"per {unit}"),
            Parameter("level", "count at the start", "count"),
        )

    @staticmethod
    def shape(age: Any, r: Any) -> Any:
        """Return exp(r t)."""
        return np.exp(r * age)

    @staticmethod
    def starts() -> list[Array]:
        """Return rates per span."""
        return [np.geomspace(0.01, 200.0, 40)]


class Linear(Growth):
    """Does it grow by the same amount in each unit of time?

    ``Y(t) = rate · t``: no word of mouth, a constant stream.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "a", "time": [0.0, 1, 2, 4], "count": [0, 5, 10, 20],
    ...                        "kind": "cumulative"})
    >>> round(vk.Linear(counts, unit="period").fit().params["rate"], 4)
    5.0
    """

    @staticmethod
    def describe(unit: str) -> tuple[Parameter, ...]:
        """Return the parameter."""
        return (Parameter("rate", "rate", f"count per {unit}"),)

    @staticmethod
    def shape(age: Any) -> Any:
        """Return t."""
        return np.asarray(age)


class Logistic(Growth):
    """Is it an S-curve with equal halves?

    ``Y(t) = m / (1 + exp(-r (t - midpoint)))``: word of mouth alone, from the infinite past.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "a", "time": [0.0, 1, 2, 3, 4, 5],
    ...                        "count": [2, 12, 50, 88, 98, 100], "kind": "cumulative"})
    >>> round(vk.Logistic(counts, unit="period", start=0.0).fit().params["midpoint"], 2)
    2.0
    """

    reaches_back = True
    size_is_ceiling = True

    @staticmethod
    def describe(unit: str) -> tuple[Parameter, ...]:
        """Return the parameters."""
        return (
            Parameter("r", "growth rate r", f"per {unit}"),
            Parameter("midpoint", "midpoint", f"{unit}s since start", positive=False),
            Parameter("m", "ceiling m", "count"),
        )

    @staticmethod
    def shape(age: Any, r: Any, midpoint: Any) -> Any:
        """Return 1 / (1 + exp(-r (t - midpoint)))."""
        late = r * (age - midpoint)
        return 1.0 / (1.0 + np.exp(-np.where(np.real(late) > -700, late, -700)))

    @staticmethod
    def starts() -> list[Array]:
        """Return rates and midpoints."""
        return [np.geomspace(0.5, 200.0, 14), np.linspace(-0.5, 2.0, 21)]

    def peak(self, params: dict[str, float]) -> float | None:
        """Age at which growth is fastest: the midpoint."""
        return params["midpoint"]


class Gompertz(Logistic):
    """Is it an S-curve with a quick rise and a long tail?

    ``Y(t) = m exp(-exp(-r (t - midpoint)))``; growth is fastest at ``midpoint``, at m / e.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "a", "time": [0.0, 1, 2, 3, 4, 5, 6, 7],
    ...                        "count": [1, 12, 37, 66, 85, 94, 98, 99], "kind": "cumulative"})
    >>> round(vk.Gompertz(counts, unit="period", start=0.0).fit().params["m"])
    100
    """

    @staticmethod
    def shape(age: Any, r: Any, midpoint: Any) -> Any:
        """Return exp(-exp(-r (t - midpoint)))."""
        late = r * (age - midpoint)
        return np.exp(-np.exp(-np.where(np.real(late) > -700, late, -700)))
