"""What a growth fit cannot tell, said in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .intervals import is_open_above
from .results import number

if TYPE_CHECKING:
    from .growth_results import GrowthResults

LOOSE = 2.0  # standard error of a log parameter: an interval that spans a factor of about 3,000


def growth_warnings(results: GrowthResults) -> list[str]:
    """List what the data cannot identify and what to do about it."""
    notes = [_limit(name, value) for name, value in results._fit.limits.items()]
    notes += (_ceiling(results) or _open(results)) + _loose(results)
    if results._fit.choices["method"] == "cumulative":
        notes.append(
            "method='cumulative': the errors of a running total are not independent, so these "
            "standard errors are too small. Use method='increments' for intervals."
        )
    if results.df_resid < 1:
        notes.append("no residual degrees of freedom: standard errors rest on nothing. Add counts.")
    return notes


def _limit(name: str, value: float) -> str:
    toward = "infinity" if np.isinf(value) else "zero"
    return (
        f"{name} runs to {toward}: the data set no limit on that side. It has no standard error; "
        f"its interval is a one-sided profile bound. Hold it by fit(fixed={{'{name}': …}})."
    )


def _ceiling(results: GrowthResults) -> list[str]:
    """Say that the ceiling is a guess when growth had not yet slowed down."""
    model, params = results.model, results.params
    if not model.size_is_ceiling or "m" in results._fit.choices["fixed"]:
        return []
    peak = np.inf if np.isinf(params["m"]) else model.peak(params)
    if peak is None or model.series.span > peak:
        return []
    return [
        f"the last point (age {number(model.series.span)} {model.unit}s) comes before the fitted "
        f"peak (age {number(peak)}): the data cannot identify the ceiling m. Wait for the peak, or "
        "hold a ceiling that you can defend: fit(fixed={'m': …})."
    ]


def _open(results: GrowthResults) -> list[str]:
    """Say that the data do not rule out a ceiling without limit, though the best fit has one."""
    fit = results._fit
    if not results.model.size_is_ceiling or results._covariance is not None:
        return []
    index = len(results.model.parameters) - 1
    if index not in fit.free or not is_open_above(results, index):
        return []
    return [
        "the data do not rule out a ceiling m without limit (95 %): its standard error is too sure "
        "of itself. Use conf_int(method='profile')."
    ]


def _loose(results: GrowthResults) -> list[str]:
    """Name the parameters whose Wald interval spans orders of magnitude."""
    spread = np.sqrt(np.maximum(np.diag(results._spread), 0))
    names = [results._fit.names[i] for i in results._fit.free]
    loose = [
        name
        for name, error in zip(names, spread, strict=True)
        if error > LOOSE and results._parameter(name).positive
    ]
    if not loose:
        return []
    return [
        f"{', '.join(loose)} cannot be told within a factor of 50 from these data. Use "
        "conf_int(method='profile'), or hold one parameter: fit(fixed={…})."
    ]
