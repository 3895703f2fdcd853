"""Intervals that do not trust a standard error: profile and bootstrap."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy import optimize, stats
from tqdm import tqdm

from .refining import has_doubt
from .results import Array

if TYPE_CHECKING:
    from .growth_results import GrowthResults


def profile_interval(
    results: GrowthResults, name: str, alpha: float
) -> tuple[float | None, float | None]:
    """Return the values of a parameter whose loss is not too far above the least."""
    fit = results._fit
    if results._covariance is not None:
        raise ValueError("method='ols' has no profile interval. Use method='wald'.")
    index = fit.names.index(name)
    share = 1 - (2 * alpha if name in fit.limits else alpha)  # at a limit: a one-sided bound
    law = stats.f(1, results.freedom)
    excess = Excess(results, index, float(law.ppf(share)))
    ends = [_cross(excess, fit, index, sign) for sign in (-1, 1)]
    low, high = (results.natural_value(index, v) for v in ends)
    parameter = results._parameter(name)
    if fit.limits.get(name) == 0 or (parameter.positive and ends[0] <= fit.objective.box[0, index]):
        low = 0.0
    if fit.limits.get(name) == np.inf or ends[1] >= fit.objective.box[1, index]:
        high = np.inf
    return low, high


def is_open_above(results: GrowthResults, index: int) -> bool:
    """Whether the 95 % profile interval of a parameter has no upper end."""
    law = stats.f(1, results.freedom)
    excess = Excess(results, index, float(law.ppf(0.95)))
    return excess(float(results._fit.objective.box[1, index])) < 0


class Excess:
    """How far the loss at a fixed value of one parameter is above what the interval allows."""

    def __init__(self, results: GrowthResults, index: int, quantile: float) -> None:
        self.fit, self.index, self.quantile = results._fit, index, quantile
        fixed = self.fit.choices["fixed"]
        free = [i for i, name in enumerate(self.fit.names) if name not in fixed]
        self.free = [i for i in free if i != index]
        self.least = self.fit.objective.loss(self.fit.x)
        self.path = [self.fit.x]  # the fits so far, from which the next one is foreseen

    def __call__(self, value: float) -> float:
        """Fit the others to a value, and return the excess."""
        found = self.fit.objective.minimise(self._foreseen(value), self.free)
        loss = self.fit.objective.loss(found)
        if np.isfinite(loss):
            self.path.append(found)
        return (loss - self.least) / self.fit.loss_scale - self.quantile

    def _foreseen(self, value: float) -> Array:
        """Start where a line through the two nearest fits leads."""
        near = sorted(self.path, key=lambda x: abs(x[self.index] - value))[:2]
        start = near[0].copy()
        gap = near[0][self.index] - near[-1][self.index]
        if abs(gap) > 1e-12:
            start += (near[0] - near[1]) * (value - start[self.index]) / gap
        start = np.clip(start, *self.fit.objective.box) if not self.fit.choices["fixed"] else start
        start[self.index] = value
        return start


def _cross(excess: Excess, fit: Any, index: int, sign: int) -> float:
    """Step out from the estimate until the loss is too far, then find the crossing."""
    limit = float(fit.objective.box[0 if sign < 0 else 1, index])
    inside, step = float(fit.x[index]), 0.1
    if (limit - inside) * sign <= 0:
        return limit
    known = {inside: -excess.quantile}
    while True:
        outside = inside + sign * step
        if (outside - limit) * sign >= 0:
            outside = limit
        known[outside] = excess(outside)
        if known[outside] > 0:
            return float(
                optimize.brentq(lambda v: known.get(v) or excess(v), inside, outside, xtol=1e-9)
            )
        if outside == limit:
            return limit
        inside, step = outside, 1.6 * step


def bootstrap_interval(
    results: GrowthResults, alpha: float, replicates: int, seed: int
) -> pl.DataFrame:
    """Refit to counts simulated from the fit; percentiles of the refits."""
    if replicates < 100:
        raise ValueError(f"replicates={replicates} is too few for percentiles; pass at least 100.")
    if results.choices["method"] != "increments":
        raise ValueError("the bootstrap is for method='increments'. Use method='wald'.")
    if has_doubt(results.model, results.choices):
        raise ValueError(
            "the bootstrap cannot draw bounds and uncertain dates anew. Use method='profile', or "
            "fit(bounds='ignore', dates='midpoint')."
        )
    rng = np.random.default_rng(seed)
    rounds = tqdm(range(replicates), desc="bootstrap", delay=20, leave=False)
    draws = np.array([_refit(results, rng) for _ in rounds])
    lower, upper = np.quantile(draws, [alpha / 2, 1 - alpha / 2], axis=0, method="nearest")
    fixed = results.choices["fixed"]
    rows = [
        (name, None, None) if name in fixed else (name, float(lower[i]), float(upper[i]))
        for i, name in enumerate(results.params)
    ]
    schema = {"parameter": pl.String, "lower": pl.Float64, "upper": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _refit(results: GrowthResults, rng: np.random.Generator) -> list[float]:
    """Fit the model again, with the same choices, to counts drawn about its fit."""
    fit = results._fit
    mean: Array = np.maximum(results.fittedvalues, 1e-300)
    count = fit.objective.family.draw(mean, fit.scale, results.params.get("alpha", 0.0), rng)
    drawn = copy(results.model)
    drawn.series = replace(drawn.series, increment=np.maximum(count, 0.0))
    return list(drawn.fit(**results.choices).params.values())
