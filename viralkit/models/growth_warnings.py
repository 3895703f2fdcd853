"""What a growth fit cannot tell, said in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .intervals import is_open_above
from .results import number
from .series import gaps_note

if TYPE_CHECKING:
    from .growth_results import GrowthResults

LOOSE = 0.5  # standard error of a log parameter: an interval that spans a factor of about seven


def growth_warnings(results: GrowthResults) -> list[str]:
    """List what the data cannot identify and what to do about it."""
    notes = _unfinished(results)
    notes += [_limit(name, value) for name, value in results._fit.limits.items()]
    notes += (_ceiling(results) or _open(results)) + _loose(results)
    notes += _method(results) + _below(results)
    if results.df_resid < 1:
        notes.append("no residual degrees of freedom: standard errors rest on nothing. Add counts.")
    return notes


def _unfinished(results: GrowthResults) -> list[str]:
    """Say that the search ended where the fit could still get better."""
    if results.converged:
        return []
    names = ", ".join(results.stuck)
    return [
        f"not converged: the misfit still falls along {names}, so neither estimates nor intervals "
        "are those of the best fit. Hold one of them: fit(fixed={…}); in a curve of your own, "
        "check starts() and the units of its parameters."
    ]


def _method(results: GrowthResults) -> list[str]:
    """Say what a classical method of the Bass model leaves out."""
    method, notes = results.choices["method"], []
    if method == "cumulative":
        notes.append(
            "method='cumulative': the errors of a running total are not independent, so these "
            "standard errors are too small. Use method='increments' for intervals."
        )
    points = results.model.series.points
    wide = (points["age_lower"] < points["age_upper"]).any()
    if method != "increments" and (wide or results.model.bounds.height):
        notes.append(
            f"method={method!r} leaves bounds out and takes the middle of uncertain dates. Use "
            "method='increments' to include them."
        )
    return notes


def _below(results: GrowthResults) -> list[str]:
    """Say what does not fit together: a passed ceiling, dates, bounds, missing periods."""
    series, notes = results.model.series, []
    if results.choices["fixed"].get("m", np.inf) < series.level[-1] - series.base:
        notes.append(
            f"the ceiling m is held below the {number(series.level[-1])} already counted. Hold a "
            "larger one."
        )
    if results._fit.held:
        notes.append(
            "the dates are so uncertain that they explain nearly all scatter: the dispersion is "
            "that of their midpoints. Narrow the dates, or add counts with exact ones."
        )
    if series.contradicted:
        notes.append(
            f"{series.contradicted} bounds cannot be true beside the exact counts and are not "
            "used. Check them, or mark the wrong rows in a column 'excluded'."
        )
    if series.base > 0:
        notes.append(
            f"{number(series.base)} had been counted at the start already: the curve describes "
            "what came after it. Pass the time of the launch as start, if that is earlier."
        )
    return notes + gaps_note(series)


def _limit(name: str, value: float) -> str:
    if name == "q":
        return (
            "q runs to zero: imitation cannot be told from none. It has no standard error; its "
            "interval is a one-sided profile bound."
        )
    if name == "m":
        return (
            "m runs to infinity: growth had not slowed down, and the curve has become an "
            "exponential. Its bound is one-sided, by profile. Fit Exponential, or hold a ceiling: "
            "fit(fixed={'m': …})."
        )
    toward = "infinity" if np.isinf(value) else "zero"
    return (
        f"{name} runs to {toward}: the data set no limit on that side. It has no standard error; "
        "its interval is a one-sided profile bound."
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
        f"peak (age {number(peak)} {model.unit}s): the data cannot identify the ceiling m. Wait "
        "for the peak, or hold a ceiling that you can defend: fit(fixed={'m': …})."
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
        if error > LOOSE and results._parameter(name).positive and name not in results._fit.limits
    ]
    if not loose:
        return []
    return [
        f"{', '.join(loose)}: loosely known, and a Wald interval on the log scale cannot reach "
        "zero. Use conf_int(method='profile')."
    ]
