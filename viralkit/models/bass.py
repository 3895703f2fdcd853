"""The Bass diffusion model and its four classical estimators."""

from __future__ import annotations

from typing import Any

import numpy as np

from .growth import Growth
from .results import Array, Parameter


class Bass(Growth):
    """How much of the growth comes from outside, and how much from word of mouth?

    ``Y(t) = m F(t)``, ``F(t) = (1 - e^-(p+q)t) / (1 + (q/p) e^-(p+q)t)``: p is innovation (per unit
    of time), q imitation (per unit of time), m the ceiling. Bass (1969),
    doi:10.1287/mnsc.15.5.215.

    ``fit(method=…)``: "increments" (nonlinear least squares on increments, Srinivasan and Mason
    1986, doi:10.1287/mksc.5.2.169; the default, any dates), "conditional" (given the count before),
    "cumulative" (its standard errors are too small: errors of a running total are not
    independent) and "ols" (Bass 1969: equal periods, biased).

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one item; rows whose ``excluded`` is not null are skipped.
    unit : {"day", "week", "year", "period"}
        Unit of time of the rates; "period" for times that are numbers.
    start : date, datetime, ISO text or float, optional
        The launch. Required unless the first row is a cumulative count of zero.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> sales = [96, 195, 238, 380, 1045, 1230, 1267, 1828, 1586, 1673, 1800, 1580, 1500]
    >>> years = [float(year) for year in range(1949, 1962)]
    >>> counts = pl.DataFrame({"item": "room air conditioners", "time": years, "count": sales,
    ...                        "period_end": [year + 1 for year in years], "kind": "incremental"})
    >>> fit = vk.Bass(counts, unit="period", start=1949.0).fit(family="normal")
    >>> {name: float(f"{value:.3g}") for name, value in fit.params.items()}
    {'p': 0.00944, 'q': 0.375, 'm': 18700.0}
    """

    size_is_ceiling = True
    beside_open_ceiling = {"p": 0.0}  # noqa: RUF012
    methods = ("increments", "conditional", "cumulative", "ols")

    @staticmethod
    def describe(unit: str) -> tuple[Parameter, ...]:
        """Return the parameters."""
        return (
            Parameter("p", "innovation p", f"per {unit}"),
            Parameter("q", "imitation q", f"per {unit}"),
            Parameter("m", "ceiling m", "count"),
        )

    @staticmethod
    def shape(age: Any, p: Any, q: Any) -> Any:
        """Return the share of the ceiling reached at an age."""
        decay = np.exp(-(p + q) * age)
        return -p * np.expm1(-(p + q) * age) / (p + q * decay)

    @staticmethod
    def starts() -> list[Array]:
        """Return p and q per span."""
        return [np.geomspace(1e-6, 10.0, 15), np.geomspace(0.01, 100.0, 17)]

    def peak(self, params: dict[str, float]) -> float | None:
        """Age at which growth is fastest: ln(q/p) / (p + q), or zero."""
        p, q = params["p"], params["q"]
        return max(0.0, float(np.log(q / p) / (p + q))) if 0 < p < q else 0.0

    def conditional_mean(self, x: Any) -> Any:
        """Expected increments given the count before them."""
        p, q, m = self.natural(x)
        before, now = (np.exp(-(p + q) * age) for age in (self.series.begin, self.series.end))
        stay = now / before * (p + q * before) / (p + q * now)
        seen = self.series.level - self.series.increment
        return (m - seen) * (1.0 - stay)

    def cumulative_mean(self, x: Any) -> Any:
        """Expected cumulative counts."""
        return self.series.base + self.level(x, self.series.end)
