"""What a fit of phases tells: dates of change as ranges, pace of each phase, curve, forecast."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
import polars as pl

from .forecasting import forecast_ages
from .phases_intervals import intervals
from .phases_shapes import shape_table
from .phases_warnings import phases_warnings
from .results import Array, Results, check_alpha, number
from .segments import Chain, break_dates
from .times import When, to_time

DRAWS = 4000
COVERAGE = "dates 94–99 %, rates 91–96 %"  # tests/statistics/phases_coverage.csv


class PhasesResults(Results):
    """The fit of phases; see ``Results`` for the common names.

    Everything is conditional on the number of breaks. A break's date is not a regular parameter: it
    has no standard error, and its interval is the range of the dates that the likelihood ratio does
    not reject, the rates and the other breaks refitted (Eo and Morley 2015, doi:10.3982/QE186).
    In 2,000 simulated series of 12 to 84 gaps each, with breaks inside gaps and variance in
    proportion to the mean, 95 % ranges held the true date in 94 to 99 %, intervals of rates in 91
    to 96 %, forecasts in 92 to 95 %. Where the error is relative (variance in proportion to the
    squared mean) dates still hold (96 %), rates (77 %) and forecasts (66 %) do not: see
    ``residuals``.

    ``resid`` and ``fittedvalues`` are counts, one per gap between points.
    """

    def __init__(self, model: Any, found: Chain, breaks: int, given: int | None) -> None:
        self.model: Any = model
        self._found, self._breaks = found, breaks
        self.choices: dict[str, Any] = {"family": "quasipoisson", "breaks": given}
        stream = model.stream
        self._phases = found.phases(breaks, len(stream))
        total, width, _ = stream.sums
        first, last = np.array(self._phases).T
        self._amount = total[last] - total[first]
        self._length = (width[last] - width[first]) / stream.pace
        rates = self._amount / self._length
        dates = break_dates(stream, self._phases)
        self.params = {f"rate_{i + 1}": float(rate) for i, rate in enumerate(rates)}
        self.params |= {f"break_{i + 1}": float(date) for i, date in enumerate(dates)}
        self.nobs, self.df_model = len(stream), 2 * breaks + 1
        self.df_resid = self.nobs - self.df_model
        self._mean = model.mean(self.params)
        pearson = float(np.sum((stream.amount - self._mean) ** 2 / self._mean))
        self.scale = max(pearson / self.df_resid, 1e-15 * float(stream.amount.mean()))
        self._error = np.sqrt(self.scale * rates / self._length)

    @property
    def bse(self) -> dict[str, float | None]:  # type: ignore[override]
        """Standard errors of the rates; None for breaks and for a rate of zero."""
        known = {f"rate_{i + 1}": float(error) or None for i, error in enumerate(self._error)}
        return {name: known.get(name) for name in self.params}

    def cov_params(self) -> Array:
        """Return the covariance of the estimates, in the order of ``params``.

        Returns
        -------
        numpy.ndarray
            Square; rates are independent given the breaks, whose rows are nan.
        """
        matrix = np.full((self.df_model, self.df_model), np.nan)
        matrix[: self._breaks + 1, : self._breaks + 1] = np.diag(self._error**2)
        return matrix

    def conf_int(self, alpha: float = 0.05) -> pl.DataFrame:
        """Where does each rate and each break lie, given the number of breaks?

        Parameters
        ----------
        alpha : float
            One minus the coverage.

        Returns
        -------
        polars.DataFrame
            parameter, lower, upper; breaks in units of time since the start. Both by likelihood
            ratio: against F(1, n - 2k - 1) for rates, and for breaks against the law of the highest
            point of a two-sided random walk with drift, divided by an estimated dispersion.
        """
        check_alpha(alpha)
        lower, upper = np.array(intervals(self, alpha)).T
        return pl.DataFrame({"parameter": list(self.params), "lower": lower, "upper": upper})

    def _moments(self, ages: Any) -> pl.Series:
        return to_time(np.asarray(ages, dtype=float), self.model.start, self.model.unit)

    @property
    def breaks(self) -> pl.DataFrame:
        """When did growth change? A frame: break, time, and the 95 % range lower … upper."""
        rows = self.conf_int().tail(self._breaks)
        dates = np.array([self.params[name] for name in rows["parameter"]])
        return pl.DataFrame(
            {
                "break": pl.Series(range(1, self._breaks + 1), dtype=pl.Int64),
                "time": self._moments(dates),
                "lower": self._moments(rows["lower"]),
                "upper": self._moments(rows["upper"]),
            }
        )

    @property
    def phases(self) -> pl.DataFrame:
        """How fast was each phase? A frame: phase, begin, end, points, rate and its 95 % interval.

        A point on whose date a break lies counts for both phases.
        """
        dates = [self.params[f"break_{i + 1}"] for i in range(self._breaks)]
        edges = self._moments([self.model.stream.begin[0], *dates, self.model.stream.end[-1]])
        rows = self.frame().head(self._breaks + 1).rename({"estimate": "rate"})
        points = [last - first + 1 for first, last in self._phases]
        head = pl.DataFrame(
            {"phase": range(1, len(points) + 1), "begin": edges[:-1], "end": edges[1:]}
        )
        counted = head.with_columns(points=pl.Series(points))
        return pl.concat([counted, rows.drop("parameter")], how="horizontal")

    @property
    def selection(self) -> pl.DataFrame:
        """How was the number of breaks chosen? A frame: breaks, deviance, criterion (least)."""
        deviance = self._found.deviance[:, -1]
        return pl.DataFrame(
            {
                "breaks": np.arange(len(deviance)),
                "deviance": deviance,
                "criterion": self.model.criterion(deviance),
            }
        )

    def shape_test(self) -> pl.DataFrame:
        """Is growth inside each phase exponential, linear or S-shaped?

        ``Linear``, ``Exponential`` and ``Logistic``, each a limit of the next, are fitted to the
        whole gaps inside the phase. A comparison of two is twice the log Bayes factor of the
        richer, by BIC (F statistic, put on the chi-squared scale, minus log n a parameter). A shape
        is the answer if the evidence for it is positive (2 or more, Kass and Raftery 1995,
        doi:10.1080/01621459.1995.10476572) against both others. Otherwise, and below five points,
        it "cannot be told"; linear and exponential need nine. Growth that only slows down is
        S-shaped.

        Returns
        -------
        polars.DataFrame
            phase, points, answer, exponential_over_linear, s_shaped_over_linear,
            s_shaped_over_exponential (null below five points; negative: for the simpler shape).
        """
        return shape_table([self._inside(first, last) for first, last in self._phases])

    def _inside(self, first: int, last: int) -> tuple[Array, Array, Array]:
        """Begin, end and count of the gaps of a phase."""
        series, stream = self.model.series, self.model.stream
        skipped = len(series.increment) - len(stream)
        count = series.increment[skipped + first : skipped + last]
        return stream.begin[first:last], stream.end[first:last], count

    @cached_property
    def fittedvalues(self) -> Array:
        """Expected count in each gap; with relative rates, given the count before it."""
        if self.model.rate == "per_day":
            return np.asarray(self._mean)
        before = self.model.series.level - self.model.series.increment
        return np.asarray(before[-self.nobs :] * np.expm1(self._mean))

    @property
    def resid(self) -> Array:
        """Observed minus expected count in each gap."""
        return np.asarray(self.model.series.increment[-self.nobs :] - self.fittedvalues)

    @property
    def residuals(self) -> pl.DataFrame:
        """Residuals as a table: time, age, fitted, resid, pearson (of the modelled amounts)."""
        amount = self.model.stream.amount
        pearson = (amount - self._mean) / np.sqrt(self._mean) / np.sqrt(self.scale)
        points: pl.DataFrame = self.model.points.tail(self.nobs).select("time", "age")
        return points.with_columns(
            fitted=pl.Series(self.fittedvalues),
            resid=pl.Series(self.resid),
            pearson=pl.Series(pearson),
        )

    def predict(self, times: Any = None, alpha: float = 0.05) -> pl.DataFrame:
        """Where does the curve of cumulative counts run?

        Parameters
        ----------
        times : sequence of dates or numbers, optional
            Default: 200 steps from the first point to the last.
        alpha : float
            One minus the coverage of the confidence interval, which holds the break dates as they
            were estimated: their doubt is in ``breaks``.

        Returns
        -------
        polars.DataFrame
            time, age, mean, lower, upper.
        """
        model, begin = self.model, self.model.stream.begin[0]
        last = model.stream.end[-1]
        age = np.linspace(begin, last, 200) if times is None else model.age_of(times)
        spells = model.spells(self.params, np.full(len(age), begin), age)
        growth = spells @ np.array([self.params[f"rate_{i + 1}"] for i in range(self._breaks + 1)])
        deviation = np.sqrt(spells**2 @ self._error**2)
        relative = np.divide(deviation, growth, out=np.zeros_like(growth), where=growth != 0)
        with np.errstate(over="ignore"):
            factor = np.exp(self._law.ppf(1 - alpha / 2) * relative)
        return self._curve_frame(age, growth, growth / factor, growth * factor)

    def _curve_frame(self, age: Array, mean: Array, lower: Array, upper: Array) -> pl.DataFrame:
        count = {"mean": mean, "lower": lower, "upper": upper}
        columns = {name: self.model.to_count(growth) for name, growth in count.items()}
        return pl.DataFrame({"time": self._moments(age), "age": age, **columns})

    def forecast(
        self, until: When | str, alpha: float = 0.05, *, gaps: Sequence[tuple[float, float]] = ()
    ) -> pl.DataFrame:
        """How many will be counted if the last phase goes on, and how sure is that?

        Parameters
        ----------
        until : date, datetime, ISO text or float
            The last time of the forecast, after the last point.
        gaps : sequence of pairs
            Begin and end of periods in which nobody counts, as ages; the forecast leaves them out.
        alpha : float
            One minus the coverage of the prediction interval: doubt about the last rate and the
            dispersion, and noise of the counts, by simulation with a fixed seed. It does not allow
            for a new break.

        Returns
        -------
        polars.DataFrame
            time, age, mean, lower, upper of the cumulative count, at the typical spacing of the
            data (at most 200 steps). ``mean`` goes on from the last point at the last rate.
        """
        stream = self.model.stream
        last, end = float(stream.end[-1]), float(self.model.age_of([until])[0])
        if end <= last:
            raise ValueError(
                f"until={until} is not after the last point ({self.model.points['time'][-1]}). "
                "Pass a later time, or use predict() for the past."
            )
        gap = float(np.median(stream.end - stream.begin))
        age, counted = forecast_ages(last, end, gap, gaps)
        seen, width = float(stream.amount.sum()), np.diff(age)
        paths = seen + np.cumsum(self._draw(width) * counted, axis=1)
        lower, upper = np.quantile(paths, [alpha / 2, 1 - alpha / 2], axis=0)
        mean = seen + self.params[f"rate_{self._breaks + 1}"] * np.cumsum(width * counted)
        return self._curve_frame(age[1:], mean, np.minimum(lower, mean), np.maximum(upper, mean))

    def refit(self, counts: pl.DataFrame) -> PhasesResults:
        """Fit the same model, with the same choices, to other counts."""
        old = self.model
        model = type(old)(counts, unit=old.unit, start=old.start, rate=old.rate)
        return cast(PhasesResults, model.fit(breaks=self.choices["breaks"]))

    def _draw(self, width: Array) -> Array:
        """Draw the dispersion, the last rate given it, and growth with that noise (gamma laws)."""
        rng = np.random.default_rng(0)
        scale = self.scale * self.df_resid / rng.chisquare(self.df_resid, (DRAWS, 1))
        amount, length = max(self._amount[-1], 1e-12 * self._amount.sum()), self._length[-1]
        rate = rng.gamma(amount / scale) * scale / length
        return np.asarray(rng.gamma(rate * width / scale) * scale)

    @property
    def warnings(self) -> list[str]:  # type: ignore[override]
        """What the data cannot tell, and what to do about it."""
        return phases_warnings(self)

    @property
    def facts(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """The head of the summary."""
        how = "chosen by modified BIC" if self.choices["breaks"] is None else "given"
        dates = [
            (f"Break {i} (95 % range)", "{} ({} … {})".format(*map(_shown, row)))
            for i, *row in self.breaks.iter_rows()
        ]
        return [
            ("Item", self.model.label),
            ("Start", str(self.model.start)),
            ("Rate", self.model.rate),
            ("Breaks", f"{self._breaks} ({how})"),
            *dates,
            ("Measured coverage (95 %)", COVERAGE),
            ("Observations", str(self.nobs)),
            ("Residual d.f.", str(self.df_resid)),
            ("Dispersion", number(self.scale)),
            ("Log-likelihood, AIC, BIC", "none: quasi-likelihood has no likelihood"),
        ]


def _shown(time: Any) -> str:
    return number(time) if isinstance(time, float) else str(time)
