"""What a growth fit tells: estimates, intervals, curve, forecast."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
import polars as pl
from scipy import stats

from .fitting import OVERDISPERSION, Fit, excluded_note, stuck
from .forecasting import forecast_frame
from .intervals import bootstrap_interval, profile_interval
from .likelihood import Likelihood
from .results import Array, Parameter, Results, check_alpha, number
from .solve import jacobian
from .times import When, to_time


class GrowthResults(Results):
    """The fit of a growth curve; see ``Results`` for the common names.

    ``resid`` and ``fittedvalues`` are per increment (per cumulative count under
    ``method="cumulative"``). ``params`` at a limit are 0 or infinity, without a standard error.
    """

    about_intervals = (
        "P>|t| tests zero by the standard error; intervals of positive parameters, on the log "
        "scale, never hold zero: conf_int(method='profile') can."
    )

    def __init__(
        self, fit: Fit, *, covariance: Array | None = None, residual: Array | None = None
    ) -> None:
        self.model: Any = fit.model
        self._fit, self._covariance, self._residual = fit, covariance, residual
        self.scale, self.nobs = fit.scale, fit.nobs
        self.choices: dict[str, Any] = fit.choices
        self.df_model = fit.estimated
        self.df_resid = len(fit.objective.count) - fit.estimated
        values = dict(zip(fit.names, self._natural(fit.x), strict=True))
        self.params = {**values, **fit.limits, **fit.choices["fixed"]}
        self._set_likelihood()

    def _natural(self, x: Array) -> list[float]:
        extra = [np.exp(v) for v in x[len(self.model.parameters) :]]
        return [float(v) for v in [*self.model.natural(x[: len(self.model.parameters)]), *extra]]

    def _parameter(self, name: str) -> Parameter:
        return next((p for p in self.model.parameters if p.name == name), OVERDISPERSION)

    def _set_likelihood(self) -> None:
        objective, n = self._fit.objective, self.nobs
        if self.choices["family"] == "quasipoisson" or self._covariance is not None:
            return
        if isinstance(objective, Likelihood):
            self.llf = float(np.real(objective.log_likelihood(self._fit.x)))
        else:
            variance = objective.loss(self._fit.x) / n
            self.llf = -0.5 * n * (np.log(2 * np.pi * max(variance, 1e-300)) + 1)
        count = self.df_model + (self.choices["family"] == "normal")
        self.aic, self.bic = 2 * count - 2 * self.llf, np.log(n) * count - 2 * self.llf

    @cached_property
    def _spread(self) -> Array:
        """Covariance of the free parameters on their fitting scale."""
        if self._covariance is not None:
            return self._covariance
        information = self._fit.objective.information(self._fit.x, self._fit.free)
        size = np.sqrt(np.maximum(np.diag(information), 1e-300))
        inverse = np.linalg.pinv(information / np.outer(size, size), rcond=1e-14, hermitian=True)
        return np.asarray(self._fit.loss_scale * inverse / np.outer(size, size))

    @cached_property
    def _slopes(self) -> Array:
        """Change of each free natural parameter with its value on the fitting scale."""
        scales = []
        for i in self._fit.free:
            name = self._fit.names[i]
            parameter = self._parameter(name)
            own = parameter.per_span(self.model.series.span)
            scales.append(self.params[name] if parameter.positive else own)
        return np.array(scales)

    @cached_property
    def stuck(self) -> list[str]:
        """The parameters along which the fit still gets better, though the search ended."""
        return [] if self._covariance is not None else stuck(self._fit)

    @property
    def converged(self) -> bool:  # type: ignore[override]
        """Whether the search ended at a best fit: no score above a hundredth standard error."""
        return not self.stuck

    @property
    def freedom(self) -> float:
        """Degrees of freedom of Student's t: fewer than ``df_resid`` where dates take some."""
        return max(self._fit.freedom or self.df_resid, 1.0)

    @property
    def _law(self) -> Any:
        return stats.t(self.freedom)

    def cov_params(self) -> Array:
        """Return the covariance of the estimates, in the order of ``params``.

        Returns
        -------
        numpy.ndarray
            Square; nan in the rows of parameters that were fixed or ran to a limit.
        """
        matrix = np.full((len(self.params), len(self.params)), np.nan)
        free = self._fit.free
        matrix[np.ix_(free, free)] = self._spread * np.outer(self._slopes, self._slopes)
        limits = [self._fit.names.index(name) for name in self._fit.limits]
        matrix[limits] = matrix[:, limits] = np.nan
        return matrix

    @cached_property
    def bse(self) -> dict[str, float | None]:  # type: ignore[override]
        """Standard errors; None where a parameter was fixed or ran to a limit."""
        variance = np.diag(self.cov_params())
        pairs = zip(self.params, variance, strict=True)
        return {k: None if np.isnan(v) else float(np.sqrt(v)) for k, v in pairs}

    def conf_int(
        self,
        alpha: float = 0.05,
        method: str = "wald",
        *,
        replicates: int = 999,
        seed: int = 0,
    ) -> pl.DataFrame:
        """Where does each parameter lie?

        Parameters
        ----------
        alpha : float
            One minus the coverage.
        method : {"wald", "profile", "bootstrap"}
            "wald": symmetric on the fitting scale (logs of positive parameters). "profile": by the
            loss (F quantile under normal and quasipoisson). "bootstrap": percentiles of refits to
            simulated counts.
        replicates, seed : int
            For "bootstrap".

        Returns
        -------
        polars.DataFrame
            parameter, lower, upper; null where a parameter was fixed. At a limit the interval is
            one-sided and always by profile.

        Raises
        ------
        ValueError
            An unknown method, or one that does not exist for this estimator.
        """
        check_alpha(alpha)
        if method == "bootstrap":
            return bootstrap_interval(self, alpha, replicates, seed)
        if method not in ("wald", "profile"):
            raise ValueError(
                f"method={method!r} is not known; allowed: 'wald', 'profile', 'bootstrap'."
            )
        rows = [(name, *self._interval(name, alpha, method)) for name in self.params]
        schema = {"parameter": pl.String, "lower": pl.Float64, "upper": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _interval(self, name: str, alpha: float, method: str) -> tuple[float | None, float | None]:
        if name in self.choices["fixed"]:
            return None, None
        if name in self._fit.limits or method == "profile":
            return profile_interval(self, name, alpha)
        index = self._fit.names.index(name)
        place = self._fit.free.index(index)
        reach = float(self._law.ppf(1 - alpha / 2) * np.sqrt(self._spread[place, place]))
        with np.errstate(over="ignore"):
            low, high = (self.natural_value(index, self._fit.x[index] + s * reach) for s in (-1, 1))
        return low, high

    def natural_value(self, index: int, value: float) -> float:
        """Turn one parameter from the fitting scale into its natural one."""
        parameter = self._parameter(self._fit.names[index])
        own = parameter.per_span(self.model.series.span)
        return float(np.exp(value)) if parameter.positive else float(value * own)

    @cached_property
    def fittedvalues(self) -> Array:
        """Expected increments (cumulative counts under method "cumulative")."""
        if self._residual is not None:
            return np.asarray(self._fit.objective.count - self._residual)
        objective = self._fit.objective
        mean = self.model.mean if isinstance(objective, Likelihood) else objective.mean
        return np.asarray(mean(self._fit.x))

    @property
    def resid(self) -> Array:
        """Observed minus expected."""
        return np.asarray(self._fit.objective.count - self.fittedvalues)

    @property
    def residuals(self) -> pl.DataFrame:
        """Residuals as a table: time, age, fitted, resid, pearson (in standard deviations)."""
        alpha = self.params.get("alpha", 0.0)
        spread = np.sqrt(self.scale * self._fit.objective.family.variance(self.fittedvalues, alpha))
        points: pl.DataFrame = self.model.points.tail(len(self.resid)).select("time", "age")
        return points.with_columns(
            fitted=pl.Series(self.fittedvalues),
            resid=pl.Series(self.resid),
            pearson=pl.Series(self.resid / spread),
        )

    def predict(self, times: Any = None, alpha: float = 0.05) -> pl.DataFrame:
        """Where does the curve of cumulative counts run?

        Parameters
        ----------
        times : sequence of dates or numbers, optional
            Default: 200 steps from the start to the last point.
        alpha : float
            One minus the coverage of the confidence interval (delta method on the log of the
            growth since the first observation).

        Returns
        -------
        polars.DataFrame
            time, age, mean, lower, upper.
        """
        check_alpha(alpha)
        model = self.model
        age = np.linspace(0.0, model.series.span, 200) if times is None else model.age_of(times)
        x, base = self._fit.x, model.series.base
        mean = model.counted(x, age)
        slope = jacobian(lambda at: model.counted(at, age), x, self._fit.free)
        deviation = np.sqrt(np.einsum("ij,jk,ik->i", slope, self._spread, slope))
        relative = np.divide(deviation, mean, out=np.zeros_like(mean), where=mean > 0)
        with np.errstate(over="ignore"):
            factor = np.exp(self._law.ppf(1 - alpha / 2) * relative)
            upper = base + mean * factor
        return pl.DataFrame(
            {
                "time": to_time(age, model.start, model.unit),
                "age": age,
                "mean": base + mean,
                "lower": base + mean / factor,
                "upper": upper,
            }
        )

    def forecast(
        self, until: When | str, alpha: float = 0.05, *, gaps: Sequence[tuple[float, float]] = ()
    ) -> pl.DataFrame:
        """How many will be counted, and how sure is that?

        Parameters
        ----------
        until : date, datetime, ISO text or float
            The last time of the forecast, after the last point.
        gaps : sequence of pairs
            Begin and end of periods in which nobody counts, as ages; the forecast leaves them out.
        alpha : float
            One minus the coverage of the prediction interval: doubt about the parameters (on their
            fitting scale), the date of the last point and noise of the counts, by simulation with a
            fixed seed.

        Returns
        -------
        polars.DataFrame
            time, age, mean, lower, upper of the cumulative count, at the typical spacing of the
            data (at most 200 steps).
        """
        check_alpha(alpha)
        return forecast_frame(self, until, alpha, gaps)

    def refit(self, counts: pl.DataFrame) -> GrowthResults:
        """Fit the same model, with the same choices, to other counts."""
        model = type(self.model)(counts, unit=self.model.unit, start=self.model.start)
        return cast(GrowthResults, model.fit(**self.choices))

    @cached_property
    def warnings(self) -> list[str]:  # type: ignore[override]
        """What the data cannot tell, and what to do about it."""
        from .growth_warnings import growth_warnings

        return growth_warnings(self) + excluded_note(self.model)

    @property
    def facts(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """The head of the summary."""
        choices = self.choices
        missing = "none: quasi-likelihood has no likelihood"
        shown = [None if v is None else number(v) for v in (self.llf, self.aic, self.bic)]
        return [
            ("Item", self.model.label),
            ("Start", str(self.model.start)),
            ("Family", choices["family"]),
            ("Method", choices["method"]),
            ("Increments", str(self.nobs)),
            ("Bounds", str(self._fit.bounds)),
            ("Residual d.f.", str(self.df_resid)),
            ("Dispersion", number(self.scale)),
            (
                "Log-likelihood, AIC, BIC",
                missing if self.llf is None else ", ".join(map(str, shown)),
            ),
        ]
