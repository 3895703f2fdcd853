"""What a self-exciting fit tells: estimates, branching factor, final size, residuals, forecast."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from .hawkes_estimates import Estimates
from .hawkes_kernels import Kernel
from .hawkes_residuals import intensity_at, rescaled
from .hawkes_simulate import simulate_cascades
from .hawkes_size import expected_future, final_size, forecast_counts
from .results import Array, check_alpha


class HawkesResults(Estimates):
    """The fit of a self-exciting model; see ``Results`` for the common names.

    ``resid`` is, for each modelled event, one less the number of events that the fit expected
    since the event before it (``fittedvalues``).

    Attributes
    ----------
    branching_factor : float
        Events set off directly by an event, on average; from 1 on a cascade may never end.
    settled : bool
        Whether the search for the best fit came to rest.
    """

    @property
    def kernel(self) -> Kernel:
        """The kernel: density, survival and draws of the delay."""
        return self._fit.objective.kernel

    def viral_score(self, magnitude: float = 1.0) -> float:
        """How many events does one event of this magnitude set off in the end, on average?

        Infinite where the branching factor is 1 or more.
        """
        n, weight = self.branching_factor, 1.0
        if "beta" in self.params:
            beta = self.params["beta"]
            weight = magnitude**beta / np.exp(self._fit.objective.log_mean_mark(beta)[0])
        return float(n * weight / (1 - n)) if n < 1 else np.inf

    def expected_future(self) -> float:
        """How many events will those of the window still set off directly?"""
        return expected_future(self, self._fit.place.x)

    def final_size(self, alpha: float = 0.05) -> pl.DataFrame:
        """How big will the cascade be in the end, and how sure is that?

        Parameters
        ----------
        alpha : float
            One minus the coverage of the prediction interval: doubt about the parameters and
            chance.

        Returns
        -------
        polars.DataFrame
            One row: observed, at_estimate (expected at the estimates: observed + a1 / (1 - n*)),
            mean (null where the interval of the branching factor reaches 1, or some draws never
            end), median, lower, upper (∞ where the interval reaches 1), never_ends (the chance that
            it does not end).

        Raises
        ------
        ValueError
            With a background there is no end.
        """
        check_alpha(alpha)
        return final_size(self, alpha)

    def intensity(self, times: Any) -> pl.DataFrame:
        """How many events per second does the fit expect at these times?

        Parameters
        ----------
        times : sequence of float
            Seconds since the start, up to the end of the window; at the time of an event: just
            before it.

        Returns
        -------
        polars.DataFrame
            time, intensity.
        """
        return intensity_at(self, times)

    @cached_property
    def residuals(self) -> pl.DataFrame:
        """Residuals as a table, a row a modelled event.

        cascade_id, time, expected (events expected since the one before: under the true model
        these are draws from the exponential law with mean 1), uniform (1 - exp(-expected)).
        """
        return rescaled(self)

    @property
    def fittedvalues(self) -> Array:
        """How many events were expected since the one before."""
        return self.residuals["expected"].to_numpy()

    @property
    def resid(self) -> Array:
        """One event seen, less those expected since the one before."""
        return np.asarray(1.0 - self.fittedvalues)

    @cached_property
    def goodness_of_fit(self) -> tuple[float, float]:
        """Kolmogorov-Smirnov statistic and p-value of the rescaled times against their law.

        The p-value takes the parameters as known, so it errs on the side of a good fit. Ogata
        (1988), doi:10.1080/01621459.1988.10478560.
        """
        if not self.nobs:
            return 0.0, 1.0
        found = stats.kstest(self.residuals["uniform"].to_numpy(), "uniform")
        return float(found.statistic), float(found.pvalue)

    def predict(self, times: Any = None, alpha: float = 0.05) -> pl.DataFrame:
        """How many events did the fit expect by each time, given those before?

        Parameters
        ----------
        times : sequence of float, optional
            Seconds since the start. Default: 200 steps over the window.
        alpha : float
            One minus the coverage of the confidence interval (delta method on logs).

        Returns
        -------
        polars.DataFrame
            time, mean, lower, upper: given events included.
        """
        from .hawkes_residuals import expected_by

        check_alpha(alpha)
        return expected_by(self, times, alpha)

    def forecast(self, until: float, alpha: float = 0.05) -> pl.DataFrame:
        """How many events will there have been by then, and how sure is that?

        Parameters
        ----------
        until : float
            Seconds since the start, after the end of the window.
        alpha : float
            One minus the coverage of the prediction interval: doubt about the parameters and
            chance, by simulation with a fixed seed.

        Returns
        -------
        polars.DataFrame
            time, mean (at the estimates), lower, upper of the number of events, in 50 steps. An end
            that grows past all that can be simulated is ∞.
        """
        check_alpha(alpha)
        return forecast_counts(self, until, alpha)

    def simulate(self, n: int = 1, *, until: float | None = None, seed: int = 0) -> pl.DataFrame:
        """What else might have happened? Draw cascades from the fit.

        Parameters
        ----------
        n : int
            How many cascades.
        until : float, optional
            The end of each window in seconds; default: that of the data.
        seed : int
            Of the random numbers.

        Returns
        -------
        polars.DataFrame
            An events table: cascade_id, event_id, time, parent_id, and magnitude for a model with
            marks (of a first event: drawn from those of the given events, of others: from those of
            the modelled ones; or all from the power law given to ``fit``).

        Raises
        ------
        ValueError
            Cascades without an end (branching factor 1 or more, or a background, in a window
            without an end).
        """
        return simulate_cascades(self, n, until, seed)

    @cached_property
    def warnings(self) -> list[str]:  # type: ignore[override]
        """What the data cannot tell, and what to do about it."""
        from .hawkes_warnings import hawkes_warnings

        return hawkes_warnings(self)

    @property
    def facts(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """The head of the summary."""
        from .hawkes_warnings import facts

        return facts(self)
