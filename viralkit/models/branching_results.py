"""What a branching fit tells: R, k, and what follows from them for reach and extinction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import polars as pl
from scipy import stats

from ..wording import show, show_names
from . import branching_laws as laws
from .branching import Branching, aic
from .branching_likelihood import CEILING, FLOOR, Fit
from .branching_warnings import warnings
from .results import Array, Results, number

BOUNDS = {"parameter": pl.String, "lower": pl.Float64, "upper": pl.Float64}


class BranchingResults(Results):
    """The fit of a branching process; ``derived`` tells what follows from it.

    Attributes
    ----------
    law : str
        The law of offspring: "poisson", "geometric", "negative_binomial" or "k given".
    laws : polars.DataFrame
        law, R, k, llf, aic of each law that was tried, the best first; of a truncated sample
        without k, of each k of the band.
    """

    about_intervals = "Profile likelihood, the law taken as given."

    def __init__(self, model: Branching, fits: list[Fit], is_band: bool = False) -> None:
        self.model: Any = model
        self.fits, self.is_band = fits, is_band
        fit = next(f for f in fits if f.k == 1) if is_band else fits[0]
        self._fit, data = fit, model.data
        self.law = "a band over k" if is_band else fit.law
        self.nobs, self.df_model = int(data.total), 1 + fit.is_free
        self.df_resid = self.nobs - self.df_model
        self.scale, self.llf = 1.0, None if is_band else fit.llf
        if self.llf is not None:
            self.aic = aic(fit)
            self.bic = float(np.log(self.nobs)) * self.df_model - 2 * self.llf
        self.params = {"R": fit.mean, "k": np.nan if is_band else fit.k}
        variance = np.diag(self.cov_params())
        errors = np.sqrt(np.where(variance > 0, variance, np.nan))
        pairs = zip(self.params, errors, strict=True)
        self.bse = {name: None if np.isnan(e) else float(e) for name, e in pairs}

    @property
    def _law(self) -> Any:
        return stats.norm()

    @property
    def laws(self) -> pl.DataFrame:
        """The laws that were tried."""
        rows = [(f.law, f.mean, f.k) for f in self.fits]
        table = pl.DataFrame(rows, ["law", "R", "k"], orient="row")
        scores = {"llf": [f.llf for f in self.fits], "aic": [aic(f) for f in self.fits]}
        return table.with_columns(**{name: pl.Series(v) for name, v in scores.items()})

    def cov_params(self) -> Array:
        """Return the covariance of R and k; nan where a parameter is given or at its limit."""
        if self.is_band:
            return np.full((2, 2), np.nan)
        inverse = self._fit.inverse
        slope = (1 + inverse) / inverse**2 if inverse else np.nan  # of k with log(1 + 1/k)
        slopes = np.array([self._fit.mean, -slope])
        return np.asarray(self._fit.covariance * np.outer(slopes, slopes))

    def conf_int(self, alpha: float = 0.05) -> pl.DataFrame:
        """Where do R and k lie? Profile likelihood; one-sided at k = ∞ and (exact) R = 0.

        Returns
        -------
        polars.DataFrame
            parameter, lower, upper; null for a k that is given. Of a band: the lowest and highest
            end of R over all its k.
        """
        fits = self.fits if self.is_band else [self._fit]
        ends = [f.ends_x(_quantile_of(f, alpha)) for f in fits]
        low, high = min(e[0] for e in ends), max(e[1] for e in ends)
        rows: list[tuple[str, float | None, float | None]] = [
            ("R", 0.0 if low <= FLOOR else float(np.exp(low)), float(np.exp(high)))
        ]
        rows.append(("k", *self._ends_of_k(alpha)))
        return pl.DataFrame(rows, BOUNDS, orient="row")

    def _ends_of_k(self, alpha: float) -> tuple[float | None, float | None]:
        if not self._fit.is_free:
            return None, None
        low, high = self._fit.ends_u(_quantile(alpha, self._fit.u == 0))
        return (
            0.0 if high >= CEILING else float(1 / np.expm1(high)),
            float(1 / np.expm1(low)) if low > 0 else np.inf,
        )

    def band(self, alpha: float = 0.05) -> pl.DataFrame:
        """How does R depend on k, where a truncated sample cannot tell k?

        Returns
        -------
        polars.DataFrame
            k, R, lower, upper, llf: one row a k that was tried.
        """
        rows = []
        for fit in self.fits:
            low, high = fit.ends_x(_quantile_of(fit, alpha))
            rows.append((fit.k, fit.mean, float(np.exp(low)), float(np.exp(high)), fit.llf))
        return pl.DataFrame(rows, ["k", "R", "lower", "upper", "llf"], orient="row")

    def derived(
        self,
        *,
        seeds: int = 1,
        hops: int = 1,
        top: float = 0.2,
        share: float = 0.8,
        alpha: float = 0.05,
    ) -> pl.DataFrame:
        """Will it die out, how many will it reach, and do a few cause most of it?

        Parameters
        ----------
        seeds : int
            How many people start it.
        hops : int
            For `past_hops`: the share of adoptions more than so many hops from the seeds.
        top : float
            For `caused_by_top`: the share of people, the most active first.
        share : float
            For `senders_of_share`: the share of all that is passed on.
        alpha : float
            One minus the coverage of the intervals.

        Returns
        -------
        polars.DataFrame
            quantity, estimate, lower, upper. Quantities: extinction and take_off (probabilities),
            reach (expected people, seeds included), multiplier (reach per seed), lone_share (of
            posts that nobody passes on), past_hops, caused_by_top (share of what is passed on),
            senders_of_share (share of people; both null where nothing was passed on). Reach is
            infinite at R of one and more. Intervals are by profile likelihood, with R and k varied
            together.

        References
        ----------
        Endo, Abbott, Kucharski, Funk (2020), Estimating the overdispersion in COVID-19
        transmission, Wellcome Open Research 5:67, doi:10.12688/wellcomeopenres.15842.3.
        """
        _check_choices(seeds, hops, top, share)
        quantities: dict[str, Callable[[float, float], float]] = {
            "extinction": lambda mean, inverse: laws.extinction(mean, inverse, seeds),
            "take_off": lambda mean, inverse: 1 - laws.extinction(mean, inverse, seeds),
            "reach": lambda mean, inverse: laws.reach(mean, seeds),
            "multiplier": lambda mean, inverse: laws.reach(mean),
            "lone_share": laws.lone,
            "past_hops": lambda mean, inverse: laws.past(mean, hops),
            "caused_by_top": lambda mean, inverse: laws.caused_by_top(mean, inverse, top),
            "senders_of_share": lambda mean, inverse: laws.senders_of(mean, inverse, share),
        }
        edge, rows = self._edge(alpha), list[tuple[object, ...]]()
        for name, quantity in quantities.items():
            estimate = quantity(self._fit.mean, self._fit.inverse)
            ends = [quantity(mean, inverse) for mean, inverse in edge]
            known = not np.isnan(estimate)  # else nothing was passed on that could be shared out
            limits = (estimate, float(np.nanmin(ends)), float(np.nanmax(ends)))
            rows.append((name, *(limits if known else (None,) * 3)))
        return pl.DataFrame(rows, ["quantity", "estimate", "lower", "upper"], orient="row")

    def _edge(self, alpha: float) -> list[tuple[float, float]]:
        """Pairs of R and 1/k around all those that the data allow, the estimate among them."""
        fits = self.fits if self.is_band else [self._fit]
        edges = [f.edge(_quantile_of(f, alpha)) for f in fits]
        return [(self._fit.mean, self._fit.inverse), *(pair for edge in edges for pair in edge)]

    def predict(
        self,
        *,
        of: Literal["sizes", "reach", "offspring"] = "sizes",
        until: int = 20,
        seeds: int = 1,
        alpha: float = 0.05,
    ) -> pl.DataFrame:
        """How likely is each size of a cascade, or each number of people that one person brings?

        Parameters
        ----------
        of : {"sizes", "reach", "offspring"}
            Of a cascade, that it ends at a size ("sizes") or becomes at least so large ("reach",
            endless ones included); or how many one person brings.
        until : int
            The largest value shown.
        seeds : int
            The people who start a cascade; for sizes and reach.
        alpha : float
            One minus the coverage of the intervals.

        Returns
        -------
        polars.DataFrame
            value, mean (probability), lower, upper.
        """
        _check_choices(seeds, 1, 0.5, 0.5)
        known = ("sizes", "reach", "offspring")
        if of not in known or not (isinstance(until, int) and until >= seeds):
            raise ValueError(
                f"of={show(of)}, until={show(until)}; allowed: {show_names(known)}, and whole "
                f"numbers from {seeds}. Correct them."
            )
        value = np.arange(0 if of == "offspring" else seeds, until + 1.0)

        def law(mean: float, inverse: float) -> Array:
            if of == "offspring":
                return laws.log_offspring(np.ones(value.size), value, mean, inverse)
            law_of = laws.log_progeny if of == "sizes" else laws.log_progeny_at_least
            return law_of(value, seeds, mean, inverse)

        ends = np.exp([law(*pair) for pair in self._edge(alpha)])
        columns = {"mean": ends[0], "lower": ends.min(axis=0), "upper": ends.max(axis=0)}
        return pl.DataFrame({"value": value.astype(int), **columns})

    @property
    def fittedvalues(self) -> Array:
        """Expected children of each distinct row of the value counts that is final."""
        data = self.model.data
        return np.asarray(self.params["R"] * data.parents[~data.late])

    @property
    def resid(self) -> Array:
        """Observed minus expected children."""
        data = self.model.data
        return np.asarray(data.children[~data.late] - self.fittedvalues)

    @property
    def warnings(self) -> list[str]:  # type: ignore[override]
        """What the data cannot tell or contradict, and what to do about it."""
        return warnings(self)

    @property
    def facts(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """The head of the summary."""
        data = self.model.data
        return [
            ("Counts of", data.of),
            ("Law of offspring", self.law),
            ("Counts", f"{data.total:,.0f}"),
            ("Still growing", f"{data.number[data.late].sum():,.0f}"),
            ("Smallest size kept", str(data.at_least) if data.of == "sizes" else "–"),
            ("Rows excluded", str(data.n_excluded)),
            ("Reached per seed", number(laws.reach(self.params["R"]))),
            ("Log-likelihood", number(self.llf)),
            ("AIC", number(self.aic)),
        ]


def _quantile(alpha: float, is_one_sided: bool) -> float:
    """How far the deviance may be above its least; at a limit the interval has one side."""
    if not 0 < alpha < (0.5 if is_one_sided else 1):
        raise ValueError(f"alpha={show(alpha)}; allowed: between 0 and 1. Pass .05 for 95 %.")
    return float(stats.chi2(1).ppf(1 - (2 * alpha if is_one_sided else alpha)))


def _quantile_of(fit: Fit, alpha: float) -> float:
    """The same for R; where nobody passed anything on, that has probability alpha at its end."""
    return _quantile(alpha, False) if fit.x > FLOOR else -2 * float(np.log(alpha))


def _check_choices(seeds: int, hops: int, top: float, share: float) -> None:
    for name, value, least in (("seeds", seeds, 1), ("hops", hops, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(
                f"{name}={show(value)}; allowed: whole numbers from {least}. Correct it."
            )
    for name, part in (("top", top), ("share", share)):
        if not 0 < part < 1:
            raise ValueError(f"{name}={show(part)}; allowed: between 0 and 1. Pass .2 for 20 %.")
