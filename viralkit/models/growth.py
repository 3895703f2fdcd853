"""Growth of counts on irregular dates: what all curves have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl

from .counted import CountsModel
from .families import FAMILIES
from .fitting import fit_growth
from .growth_results import GrowthResults
from .results import Array, Parameter
from .series import prepare
from .times import When


class Growth(CountsModel):
    """A curve of cumulative counts: a size times a shape.

    Where periods are missing, totals, curve and forecast leave them out: nothing is made up for
    what nobody counted.

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one item; rows whose ``excluded`` is not null are skipped.
    unit : {"day", "week", "year", "period"}
        Unit of time of the rates; "period" for times that are numbers.
    start : date, datetime, ISO text or float, optional
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
    has_open_limit: ClassVar[bool] = True  # whether the curve gets near its limit while m is finite
    beside_open_ceiling: ClassVar[dict[str, float]] = {}  # where other parameters go as m → ∞
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
        """Return candidates for each parameter but the size, as if the observed span were one."""
        return []

    def peak(self, params: dict[str, float]) -> float | None:
        """Age at which growth is fastest; None where growth has no peak."""
        return None

    @property
    def call(self) -> str:
        """The line of Python that makes this model."""
        return self._call()

    def natural(self, x: Any) -> list[Any]:
        """Turn parameters on the fitting scale (logs, or units of the span) into natural ones."""
        pairs, span = zip(x, self.parameters, strict=False), self.series.span
        return [np.exp(v) if p.positive else v * p.per_span(span) for v, p in pairs]

    def internal(self, values: Any) -> Array:
        """Turn natural parameters into those of the fitting scale."""
        with np.errstate(divide="ignore"):
            pairs, span = zip(values, self.parameters, strict=True), self.series.span
            x = [np.log(v) if p.positive else v / p.per_span(span) for v, p in pairs]
        return np.asarray(np.clip(x, -700.0, 700.0))

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
        return np.asarray(self.series.base + self.counted(x, np.asarray(ages, float)))

    def counted(self, x: Any, age: Array) -> Any:
        """Expected count between the first period and an age, without the gaps between periods."""
        first = self.series.begin[:1]
        age = np.maximum(age, first[0])
        total = self.level(x, age) - self.level(x, first)
        for begin, end in self.series.gaps:
            inside = np.clip(age, begin, end)
            total = total - self.level(x, inside) + self.level(x, np.array([begin]))
        return total

    def deviance(self, params: dict[str, float], family: str = "quasipoisson") -> float:
        """Misfit of the increments at any parameters; smallest at the fit of that family."""
        x = self.internal([params[p.name] for p in self.parameters])
        alpha = params.get("alpha", 1.0)
        return float(np.sum(FAMILIES[family].deviance(self.series.increment, self.mean(x), alpha)))

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
            Whether uncertain dates are integrated over time_lower … time_upper (all days alike,
            between the exact dates on either side). They explain part of the scatter, so that the
            dispersion has fewer degrees of freedom: ``results.freedom``.
        fixed : dict, optional
            Parameters held at given values, by name.

        Returns
        -------
        GrowthResults

        Raises
        ------
        ValueError
            An unknown choice or parameter, fewer observations than free parameters, or a Gompertz
            curve whose ceiling runs away.
        """
        return fit_growth(self, family, method, bounds, dates, fixed or {})
