"""Fits in which counts are bounds, dates are intervals, or overdispersion is a parameter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .families import FAMILIES
from .fitting import Fit
from .likelihood import Bounds, Likelihood
from .results import Array

if TYPE_CHECKING:
    from .growth import Growth

TOLD = 0.25  # least share of the degrees of freedom that uncertain dates must leave
AHEAD = 0.1  # change of the log dispersion over which derivatives are taken


def has_doubt(model: Growth, choices: dict[str, Any]) -> bool:
    """Whether bounds or uncertain dates are to enter the likelihood."""
    wide = (model.series.points["age_lower"] < model.series.points["age_upper"]).any()
    censored = choices["bounds"] == "censored" and model.bounds.height > 0
    return censored or (choices["dates"] == "interval" and bool(wide))


def with_likelihood(fit: Fit) -> Fit:
    """Refine a fit by the likelihood of uncertain dates, bounds and overdispersion."""
    family = FAMILIES[fit.choices["family"]]
    x, names, box = fit.x, fit.names, fit.objective.box
    free = [i for i, name in enumerate(names) if name not in fit.choices["fixed"]]
    if family.name == "negative_binomial":
        mean = fit.model.mean(x)
        spread = float(np.mean((fit.objective.count - mean) ** 2 / mean**2))
        held = fit.choices["fixed"].get("alpha")
        x = np.append(x, np.log(held or np.clip(spread, 1e-6, 10.0)))
        free = free if held else [*free, len(names)]
        names = [*names, "alpha"]
        box = np.column_stack([box, [np.log(1e-12), np.log(1e3)]])
    lower, upper = _possible_dates(fit)
    scale = 1.0 if family.name == "negative_binomial" else fit.scale
    count = fit.model.series.increment
    bounds = _bounds(fit.model, fit.choices["bounds"])
    objective = Likelihood(fit.model.level, count, lower, upper, bounds, family, scale, box)
    objective = replace(objective, bounds=bounds.take(_tightest(objective, x)))
    refined = replace(fit, objective=objective, free=free, names=names, limits={})
    return _iterate(refined, x)


def _iterate(fit: Fit, x: Array) -> Fit:
    """Alternate between the parameters and the dispersion until both stand still."""
    objective = fit.objective
    assert isinstance(objective, Likelihood)
    information, step, old = None, 1.0, (0.0, 0.0)
    for _ in range(60):
        x = objective.minimise(x, fit.free, information)
        if fit.choices["family"] == "negative_binomial":
            break
        if abs(step) > 0.02:
            information = objective.information(x, fit.free)
            lost, freedom = _freedom(objective, x, fit.free, information)
        if freedom < TOLD * (len(objective.count) - len(fit.free)):
            return _held(fit, x)
        excess = objective.pearson(x) / objective.scale - len(objective.count) + lost
        slope = (old[1] - excess) / old[0] if abs(step) < 0.3 else freedom
        slope = slope if 0.3 * freedom < slope < 3 * freedom else max(freedom, 1.0)
        step = float(np.clip(excess / slope, -1.5, 1.5))
        old = (step, excess)
        if abs(step) < 1e-10:
            break
        objective = replace(objective, scale=objective.scale * float(np.exp(step)))
    fit.x, fit.objective, fit.scale = x, objective, objective.scale
    if fit.choices["family"] != "negative_binomial":
        fit.freedom = _student(freedom, lost, len(fit.free), fit.nobs)
    return fit


def _held(fit: Fit, x: Array) -> Fit:
    """Keep the dispersion of the midpoints: dates that explain all scatter leave none to tell."""
    fit.x, fit.held = fit.objective.minimise(x, fit.free), True
    return fit


def _freedom(
    objective: Likelihood, x: Array, free: list[int], information: Array
) -> tuple[float, float]:
    """Degrees of freedom that parameters take from the dispersion, and those it is left with.

    Both follow from how the information (Cox and Reid 1987, doi:10.1111/j.2517-6161.1987.tb01422.x)
    and Pearson's chi-squared change with the dispersion: with exact dates k and n - k, with
    uncertain dates fewer, since these explain part of the scatter.
    """
    count, taken = len(objective.count), float(len(free))
    if not np.any(objective.upper > objective.lower):
        return taken, count - taken
    wider = replace(objective, scale=objective.scale * float(np.exp(AHEAD)))
    relative = [each.pearson(x) / each.scale for each in (objective, wider)]
    freedom = (relative[0] - relative[1]) / -float(np.expm1(-AHEAD))
    told = np.flatnonzero(np.diag(information) > 1e-6)
    inner = np.ix_(told, told)
    pair = [np.linalg.slogdet(each[inner]) for each in (information, wider.information(x, free))]
    if len(told) and all(sign > 0 for sign, _ in pair):
        taken *= float(np.clip((pair[0][1] - pair[1][1]) / AHEAD / len(told), 0.0, 1.0))
    return taken, freedom


def _student(freedom: float, lost: float, parameters: int, count: int) -> float:
    """Degrees of freedom of Student's t for the parameters (Satterthwaite).

    Where their variance hardly depends on the dispersion, its doubt hardly matters.
    """
    share = max(lost / parameters, 0.05) if parameters else 1.0
    return float(np.clip(freedom / share**2, 1.0, max(count - parameters, 1)))


def _possible_dates(fit: Fit) -> tuple[Array, Array]:
    """Earliest and latest age of each point, between the exact dates on either side."""
    series = fit.model.series
    lower = np.concatenate([series.begin[:1], series.end])
    upper = lower.copy()
    if fit.choices["dates"] == "interval":
        known = series.points.tail(len(series.end))
        lower[1:], upper[1:] = known["age_lower"].to_numpy(), known["age_upper"].to_numpy()
        earliest = np.maximum.accumulate(lower)
        latest = np.minimum.accumulate(upper[::-1])[::-1]
        room = earliest <= latest  # else the points contradict one another
        lower, upper = np.where(room, earliest, lower), np.where(room, latest, upper)
    return lower, upper


def _bounds(model: Growth, choice: str) -> Bounds:
    """Place each bound between the exact points on either side of it."""
    series = model.series
    ends = np.concatenate([series.begin[:1], series.end])
    level = np.concatenate([[series.base], series.level])
    table = model.bounds.filter(~pl.col("age").is_in(list(ends)), pl.col("age") > ends[0])
    table = table.head(table.height if choice == "censored" else 0)
    age = table["age"].to_numpy()
    gap = np.searchsorted(ends, age)
    known = gap < len(ends)
    inside = np.where(known, gap, 0)
    return Bounds(
        age=age,
        count=table["count"].to_numpy(),
        sign=np.where(table["bound"].to_numpy() == "at_least", 1.0, -1.0),
        left_age=ends[gap - 1],
        left_count=level[gap - 1],
        right_age=np.where(known, ends[inside], np.nan),
        right_count=np.where(known, level[inside], 0.0),
    )


def _tightest(objective: Likelihood, x: Array) -> list[int]:
    """Keep one bound a gap and direction, the least probable: bounds copy one another."""
    rows = objective.bounds
    kept: dict[tuple[float, float], int] = {}
    for i in np.argsort(objective.log_bounds(x), kind="stable"):
        kept.setdefault((float(rows.left_age[i]), float(rows.sign[i])), int(i))
    return sorted(kept.values())
