"""Counts as they may come: parameters drawn from their law, noise from that of the family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .intervals import Excess
from .results import Array

if TYPE_CHECKING:
    from .growth_results import GrowthResults

DRAWS = 4000
SURE = 0.1  # standard error of log m up to which its law is taken as normal
CAP = np.log(1e3)  # ceilings further above the counts cannot be told from none


def draw_increments(
    results: GrowthResults, age: Array, gap: float, dates: Array, weight: Array
) -> Array:
    """Draw increments between ages, a row a draw; ``gap`` is the typical spacing of the data.

    Growth goes on from the last point, whose possible ``dates`` have a posterior ``weight``.
    """
    rng, fit = np.random.default_rng(0), results._fit
    left = results.freedom
    doubt = left / rng.chisquare(left, (DRAWS, 1))  # of the dispersion, itself estimated
    draw = _along_ceiling if _ceiling_is_loose(results) else _about_estimate
    x = draw(results, np.sqrt(doubt), rng)
    with np.errstate(all="ignore"):
        last = rng.choice(dates, (DRAWS, 1), p=weight / weight.sum()) if len(dates) > 1 else dates
        ages = np.concatenate([np.broadcast_to(last, (DRAWS, 1)), np.tile(age[1:], (DRAWS, 1))], 1)
        level = results.model.level([column[:, None] for column in x.T], np.maximum(ages, last))
        rise = np.nan_to_num(np.diff(level, axis=1), nan=0.0)
    rise = np.clip(rise, 1e-12 * float(np.sum(results.model.series.increment)), 1e100)
    quasi = fit.choices["family"] == "quasipoisson"  # else noise belongs to steps like the data's
    scale = fit.scale * doubt * (1.0 if quasi else np.diff(age) / gap)
    alpha = np.exp(x[:, -1:]) if "alpha" in results.params else 0.0
    return fit.objective.family.draw(rise, scale, alpha, rng)


def _ceiling_is_loose(results: GrowthResults) -> bool:
    fit, index = results._fit, len(results.model.parameters) - 1
    if not results.model.size_is_ceiling or "m" in fit.choices["fixed"]:
        return False
    if results._covariance is not None:
        return False
    if index not in fit.free:
        return True
    place = fit.free.index(index)
    return bool(results._spread[place, place] > SURE**2)


def _about_estimate(results: GrowthResults, doubt: Array, rng: np.random.Generator) -> Array:
    """Draw parameters from a normal law about the estimate."""
    fit = results._fit
    x = np.tile(fit.x, (DRAWS, 1))
    if fit.free:
        noise = rng.standard_normal((DRAWS, len(fit.free))) @ _root(results._spread).T
        x[:, fit.free] = np.clip(x[:, fit.free] + noise * doubt, *fit.objective.box[:, fit.free])
    return x


def _root(covariance: Array) -> Array:
    size, axes = np.linalg.eigh(covariance)
    return np.asarray(axes * np.sqrt(np.maximum(size, 0.0)))


def _along_ceiling(results: GrowthResults, doubt: Array, rng: np.random.Generator) -> Array:
    """Draw the ceiling from its profile, and the others about their fit to it.

    Where growth has not slowed down the likelihood is curved and open: a normal law about the
    estimate covers far too little.
    """
    fit, index = results._fit, len(results.model.parameters) - 1
    excess = Excess(results, index, 0.0)
    path = _walk(excess, fit.x, index, float(fit.objective.box[0, index]), -1)[::-1]
    total = np.log(float(np.sum(results.model.series.increment)))
    path += _walk(excess, fit.x, index, total + CAP, 1)[1:]
    places = np.array([x for x, _ in path])
    roots = [_root(_conditional(results, x, excess.free)) for x in places]
    left = results.freedom
    log_weight = -(left + 1) / 2 * np.log1p(np.array([loss for _, loss in path]) / left)
    log_weight += [np.log(np.abs(np.linalg.det(root)) + 1e-300) for root in roots]
    log_weight[places[:, index] > total + CAP] = -np.inf
    width = np.gradient(places[:, index])
    weight = np.exp(log_weight - log_weight.max()) * width
    chosen = rng.choice(len(path), DRAWS, p=weight / weight.sum())
    slide = rng.uniform(-0.5, 0.5, (DRAWS, 1)) * np.gradient(places, axis=0)[chosen]
    x = places[chosen] + slide
    noise = np.einsum(
        "dij,dj->di", np.array(roots)[chosen], rng.standard_normal((DRAWS, len(excess.free)))
    )
    x[:, excess.free] += noise * doubt
    return np.asarray(np.clip(x, *fit.objective.box))


def _walk(
    excess: Excess, x: Array, index: int, limit: float, sign: int
) -> list[tuple[Array, float]]:
    """Fit the others to one ceiling after another, until the loss is far too high."""
    path, value, step = [(x, 0.0)], float(x[index]), 0.15
    while (limit - value) * sign > 0 and path[-1][1] < 40.0:
        value = value + sign * min(step, (limit - value) * sign)
        loss = excess(value)
        path.append((excess.path[-1], max(loss, 0.0)))
        step = min(1.4 * step, 0.8)
    return path


def _conditional(results: GrowthResults, x: Array, free: list[int]) -> Array:
    """Covariance of the other parameters where one is held."""
    information = results._fit.objective.information(x, free)
    size = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-12))
    inverse = np.linalg.pinv(information / np.outer(size, size), rcond=1e-12, hermitian=True)
    return np.asarray(results._fit.loss_scale * inverse / np.outer(size, size))
