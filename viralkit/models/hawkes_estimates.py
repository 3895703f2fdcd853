"""Estimates of a self-exciting fit and how sure they are."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from .hawkes_fit import Fit
from .hawkes_profile import profile_ends
from .results import Array, Results, check_alpha


class Estimates(Results):
    """Parameters, their covariance and intervals, and the branching factor."""

    def __init__(self, fit: Fit) -> None:
        self.model: Any = fit.model
        self._fit, self.settled, self.scale = fit, fit.place.settled, 1.0
        self.nobs = fit.model.stream.outcomes
        self.df_model = len(fit.model.parameters) - len(fit.fixed)
        self.df_resid = self.nobs - self.df_model
        self.llf = fit.place.value.height
        self.aic = 2 * self.df_model - 2 * self.llf
        self.bic = float(np.log(max(self.nobs, 1))) * self.df_model - 2 * self.llf
        self.params = self.natural(fit.place.x) | fit.fixed
        for i, limit in fit.limits.items():
            if i:
                self.params[fit.objective.names[i]] = limit

    def natural(self, x: Array) -> dict[str, float]:
        """Return the parameters at a place, by name."""
        objective = self._fit.objective
        with np.errstate(over="ignore"):
            found = {"kappa": float(np.exp(objective.log_kappa(x)[0]))}
        for name, value in zip(objective.names[1:], x[1:], strict=True):
            found[name] = float(value) if name == "beta" else float(np.exp(value))
        if "N" in found:
            found["N"] = objective.crowd(x)
        return found

    @property
    def branching_factor(self) -> float:
        """How many events does an event set off directly, on average?"""
        return float(np.exp(self._fit.place.x[0]))

    @property
    def _law(self) -> Any:
        """The law of a standardised estimate: normal, as for any maximum of a likelihood."""
        return stats.norm

    @cached_property
    def spread(self) -> Array:
        """Covariance of the coordinates that were estimated."""
        fit = self._fit
        information = -fit.objective(fit.place.x).bend[np.ix_(fit.free, fit.free)]
        size = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
        inverse = np.linalg.pinv(information / np.outer(size, size), rcond=1e-13, hermitian=True)
        return np.asarray(inverse / np.outer(size, size))

    @cached_property
    def _logs(self) -> Array:
        """How the parameters on their scale (logs, but beta) move with the free coordinates."""
        objective, fit = self._fit.objective, self._fit
        rows = [np.eye(len(fit.place.x))[objective.names.index(n)] for n in list(self.params)[1:]]
        if "N" in self.params:
            rows[-1] = rows[-1] * (1 - (len(self.model.stream) - 1) / max(self.params["N"], 1.0))
        kappa = objective.log_kappa(fit.place.x)[1]
        return np.array([kappa, *rows])[:, fit.free]

    def cov_params(self) -> Array:
        """Return the covariance of the estimates, in the order of ``params``.

        Returns
        -------
        numpy.ndarray
            Square; nan in the rows of parameters that were held or ran to a limit.
        """
        known = [i for i, name in enumerate(self.params) if name not in self._without_error]
        names = list(self.params)
        scale = [1.0 if names[i] == "beta" else self.params[names[i]] for i in known]
        slopes = self._logs[known] * np.array(scale).reshape(-1, 1)
        matrix = np.full((len(names), len(names)), np.nan)
        matrix[np.ix_(known, known)] = slopes @ self.spread @ slopes.T
        return matrix

    @property
    def _without_error(self) -> set[str]:
        limits = {self._fit.objective.names[i] for i in self._fit.limits}
        kappa = {"kappa"} if limits & {"branching", "theta", "c"} else set()  # follows from them
        return set(self._fit.fixed) | limits | kappa

    @cached_property
    def bse(self) -> dict[str, float | None]:  # type: ignore[override]
        """Standard errors; None where a parameter was held or ran to a limit."""
        variance = np.diag(self.cov_params())
        pairs = zip(self.params, variance, strict=True)
        return {k: None if np.isnan(v) else float(np.sqrt(max(v, 0.0))) for k, v in pairs}

    def conf_int(self, alpha: float = 0.05) -> pl.DataFrame:
        """Where does each parameter lie?

        Parameters
        ----------
        alpha : float
            One minus the coverage.

        Returns
        -------
        polars.DataFrame
            parameter, lower, upper: symmetric on the log scale (beta: on its own). Null where a
            parameter was held; at a limit a one-sided bound, by the likelihood profile.
        """
        check_alpha(alpha)
        reach = self._law.ppf(1 - alpha / 2)
        rows = [(name, *self._interval(name, alpha, reach)) for name in self.params]
        schema = {"parameter": pl.String, "lower": pl.Float64, "upper": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _interval(self, name: str, alpha: float, reach: float) -> tuple[float | None, float | None]:
        error, value, names = self.bse[name], self.params[name], self._fit.objective.names
        if name in names[1:] and names.index(name) in self._fit.limits:
            return self._bound(names.index(name), alpha)
        if error is None:
            return None, None
        if name == "beta":
            return value - reach * error, value + reach * error
        below = len(self.model.stream) - 1 if name == "N" else 0  # N is estimated by what is left
        with np.errstate(over="ignore"):
            factor = float(np.exp(reach * error / (value - below)))
        lower = max(below + (value - below) / factor, len(self.model.stream) if below else 0.0)
        return lower, below + (value - below) * factor

    def _bound(self, index: int, alpha: float) -> tuple[float, float]:
        """Bound a coordinate that ran to a limit on its other side."""
        allowed = float(stats.chi2.ppf(1 - 2 * alpha, 1)) / 2
        low, high = profile_ends(self._fit, index, allowed, 0.5)
        if self._fit.objective.names[index] == "beta":
            return low, high
        extra = len(self.model.stream) - 1 if self._fit.objective.names[index] == "N" else 0
        low = max(low, 0.0) if extra else low  # one is left at least: who took part last
        with np.errstate(over="ignore"):
            return float(np.exp(low)) + extra, float(np.exp(high)) + extra

    def branching_interval(self, alpha: float = 0.05) -> tuple[float | None, float | None]:
        """Where does the branching factor lie? By the likelihood profile; it may pass 1.

        Parameters
        ----------
        alpha : float
            One minus the coverage.

        Returns
        -------
        tuple
            Lower and upper end; None where nothing was estimated. With marks they hold the doubt
            about the mean of magnitude^beta too, which rests on the marks that were seen.
        """
        check_alpha(alpha)
        if not self._fit.free:
            return None, None
        n, ends = self.branching_factor, np.array(self._branching_ends(alpha))
        reach = stats.norm.ppf(1 - alpha / 2)
        marks = reach * self._fit.objective.error_of_mean_mark(self._fit.place.x)
        with np.errstate(divide="ignore", over="ignore"):
            low, high = n * np.exp([-1, 1] * np.hypot(np.log(ends / n), marks)) if marks else ends
        return float(low), float(high)

    def _branching_ends(self, alpha: float) -> tuple[float, float]:
        """The ends where the mean of the marks is known."""
        if 0 in self._fit.held:  # kappa is held: n* moves with the others
            slope = -self._fit.objective.log_kappa(self._fit.place.x)[1][self._fit.free]
            reach = stats.norm.ppf(1 - alpha / 2) * np.sqrt(slope @ self.spread @ slope)
            factor = float(np.exp(reach))
            return self.branching_factor / factor, self.branching_factor * factor
        step = 1.5 * stats.norm.ppf(1 - alpha / 2) / np.sqrt(max(self.nobs, 1))
        allowed = float(stats.chi2.ppf(1 - alpha, 1)) / 2
        low, high = profile_ends(self._fit, 0, allowed, max(step, 1e-4))
        return float(np.exp(low)), float(np.exp(high))

    def half_life(self, alpha: float = 0.05) -> tuple[float, float | None, float | None]:
        """How many seconds pass until half of an event's effects have come, and how sure is that?

        Parameters
        ----------
        alpha : float
            One minus the coverage.

        Returns
        -------
        tuple
            The estimate, and the ends of its interval (delta method on logs); None where the
            kernel was held or ran to a limit.
        """
        check_alpha(alpha)
        fit, x = self._fit, self._fit.place.x

        def log_half(place: Array) -> float:
            shape = fit.objective.shape(place)
            return float(np.log(fit.objective.kernel.lag(np.array([0.5]), shape)[0]))

        half, kernel = float(np.exp(log_half(x))), range(1, 1 + fit.objective.shapes)
        steps = 1e-5 * np.eye(len(x))[fit.free]
        slope = np.array([(log_half(x + s) - log_half(x - s)) / 2e-5 for s in steps])
        if not slope.any() or any(i in fit.limits for i in kernel):
            return half, None, None
        reach = stats.norm.ppf(1 - alpha / 2) * np.sqrt(slope @ self.spread @ slope)
        with np.errstate(over="ignore"):
            return half, float(half * np.exp(-reach)), float(half * np.exp(reach))
