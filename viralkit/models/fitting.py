"""How a growth curve is fitted: search, scoring, likelihood, boundaries."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from .families import FAMILIES, Family
from .likelihood import Likelihood
from .results import Array, Parameter
from .solve import Score

if TYPE_CHECKING:
    from .growth import Growth
    from .growth_results import GrowthResults

SCORE = 0.01  # in standard errors; a search that ended well is far below
FLAT = 1e-6  # a loss that falls by less than this, all the way to the limit, has no minimum
OVERDISPERSION = Parameter("alpha", "overdispersion alpha", "variance = mean + alpha mean²")


@dataclass
class Fit:
    """A fitted objective: where it is, what was free, and what ran to a limit."""

    model: Growth
    objective: Score | Likelihood
    x: Array
    free: list[int]
    names: list[str]
    scale: float
    choices: dict[str, Any]
    limits: dict[str, float] = field(default_factory=dict)  # parameter -> 0 or infinity
    freedom: float | None = None  # degrees of freedom of the dispersion, where dates take some
    held: bool = False  # whether the dispersion is that of the midpoints

    @property
    def nobs(self) -> int:
        """Count the increments."""
        return len(self.objective.count)

    @property
    def bounds(self) -> int:
        """Count the bounds that entered the likelihood."""
        return len(self.objective.bounds) if isinstance(self.objective, Likelihood) else 0

    @property
    def estimated(self) -> int:
        """Count the parameters that were not given, those at a limit included."""
        return len(self.names) - len(self.choices["fixed"])

    @property
    def loss_scale(self) -> float:
        """What a difference of losses is divided by."""
        return self.scale if isinstance(self.objective, Score) else 1.0


def fit_growth(
    model: Growth, family: str, method: str, bounds: str, dates: str, fixed: dict[str, float]
) -> GrowthResults:
    """Fit a growth model; see ``Growth.fit``."""
    from .growth_results import GrowthResults
    from .ordinary import ordinary_least_squares
    from .refining import has_doubt, with_likelihood

    names = [p.name for p in model.parameters]
    _allowed("family", family, list(FAMILIES))
    _allowed("method", method, list(model.methods))
    _allowed("bounds", bounds, ["censored", "ignore"])
    _allowed("dates", dates, ["interval", "midpoint"])
    if family == "negative_binomial" and method != "increments":
        raise ValueError(
            f"family='negative_binomial' is not fitted by method={method!r}, which takes "
            "'normal' and 'quasipoisson'. Pass method='increments'."
        )
    _check_fixed(model, fixed, family)
    if method != "increments":
        _check_lagged(model, method, fixed)
    choices = {"family": family, "method": method, "bounds": bounds, "dates": dates}
    if method == "ols":
        return ordinary_least_squares(model, choices | {"fixed": fixed})
    score = make_score(model, FAMILIES["normal" if family == "normal" else "quasipoisson"], method)
    given = np.array([model.internal([fixed.get(p.name, 1.0) for p in model.parameters])] * 2)
    held = np.array([name in fixed for name in names])
    score = replace(score, box=np.where(held, given, score.box))
    free = [i for i, name in enumerate(names) if name not in fixed]
    x = _best(model, score, free, fixed)
    fit = Fit(model, score, x, free, names, 1.0, choices | {"fixed": fixed})
    fit.scale = dispersion(fit)
    _find_limits(fit)
    if method == "increments" and (family == "negative_binomial" or has_doubt(model, fit.choices)):
        fit = with_likelihood(fit)
        _find_limits(fit)
    if fit.limits.get("m") == np.inf and not model.has_open_limit:
        raise ValueError(
            f"{model.name} has no best ceiling here: growth had not slowed down, m runs to "
            "infinity, and the curve turns into an exponential. Fit Exponential, or hold a "
            "ceiling: fit(fixed={'m': …})."
        )
    return GrowthResults(fit)


def _allowed(name: str, value: str, allowed: list[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}={value!r} is not known; allowed: {allowed}. Pass one of them.")


def _check_fixed(model: Growth, fixed: dict[str, float], family: str) -> None:
    extra = (OVERDISPERSION,) if family == "negative_binomial" else ()
    names = {p.name: p for p in (*model.parameters, *extra)}
    if OVERDISPERSION.name in set(fixed) - set(names):
        raise ValueError(
            f"fixed={{'alpha': …}} does not go with family={family!r}, which has no overdispersion "
            f"alpha; allowed: {list(names)}. Pass family='negative_binomial' with it."
        )
    for name, value in fixed.items():
        _allowed("fixed", name, list(names))
        if (
            not isinstance(value, (int, float))
            or not np.isfinite(value)
            or (names[name].positive and value <= 0)
        ):
            raise ValueError(
                f"fixed={{{name!r}: {value!r}}} is not allowed; {name} is a finite number"
                f"{' above zero' if names[name].positive else ''}. Pass such a value."
            )
    nobs = len(model.series.increment)
    free = len([p for p in model.parameters if p.name not in fixed])
    if nobs < free + (free > 0):
        raise ValueError(
            f"{nobs} increments cannot give {free} parameters and their uncertainty; at least "
            f"{free + 1} are needed. Add counts, or hold a parameter: fit(fixed={{…}})."
        )


def _check_lagged(model: Growth, method: str, fixed: dict[str, float]) -> None:
    """Make sure that the running total is known where a method takes it as given."""
    series = model.series
    gaps = series.begin[0] > 1e-9 or np.any(series.begin[1:] > series.end[:-1] + 1e-9)
    if gaps and not series.cumulative:
        raise ValueError(
            f"method={method!r} needs every period since the start, and some are missing. Use "
            "method='increments', or pass the start of the first period as start."
        )
    if fixed.get("m", np.inf) <= series.level[-1]:
        raise ValueError(
            f"fixed={{'m': {fixed['m']}}} is below the {series.level[-1]:,.0f} already counted, "
            f"which method={method!r} takes as given. Pass a larger ceiling."
        )


def make_score(model: Growth, family: Family, method: str) -> Score:
    """Return the scoring objective of a method."""
    series = model.series
    if method == "increments":
        return Score(model.mean, series.increment, family, _box(model))
    if method == "conditional":
        return Score(model.conditional_mean, series.increment, family, _box(model))  # type: ignore[attr-defined]
    return Score(model.cumulative_mean, series.level, family, _box(model))  # type: ignore[attr-defined]


def _box(model: Growth) -> Array:
    """Limits on the fitting scale: wide, yet safe from overflow."""
    span, total = model.series.span, float(np.sum(model.series.increment))
    shortest = float(np.min(np.diff(model.series.end, prepend=0.0)))
    rate = (np.log(1e-9 / span), np.log(min(600.0 / span, 50.0 / max(shortest, 1e-9)) + 50 / span))
    size = (-600.0, 600.0)
    if model.size_is_ceiling:
        size = (np.log(1e-3 * total), np.log(1e6 * total))
    boxes = {"rate": rate, "time": (-rate[1], -rate[0]), "none": (np.log(1e-6), np.log(1e6))}
    inner = [boxes[p.scaling] if p.positive else (-1e5, 1e5) for p in model.parameters[:-1]]
    return np.array([*inner, size]).T


def _best(model: Growth, score: Score, free: list[int], fixed: dict[str, float]) -> Array:
    """Minimise from the valleys of a grid; there the size follows from the others."""
    series, parameters = model.series, model.parameters
    axes = [
        np.log(grid * p.per_span(series.span)) if p.positive else grid
        for p, grid in zip(parameters, model.starts(), strict=False)
    ]
    given = model.internal([fixed.get(p.name, 1.0) for p in parameters])
    for i, parameter in enumerate(parameters[:-1]):
        axes[i] = given[i : i + 1] if parameter.name in fixed else axes[i]
    rest = [axis.reshape(-1, 1) for axis in np.meshgrid(*axes, indexing="ij")]
    unit = [*rest, np.zeros((1, 1))]
    with np.errstate(all="ignore"):
        rise = np.nan_to_num(model.rise(unit))
    size = np.sum(series.increment) / np.maximum(rise.sum(axis=-1, keepdims=True), 1e-290)
    if parameters[-1].name in fixed:
        size = np.full_like(size, fixed[parameters[-1].name])
    mean = np.maximum(size * rise, 1e-12 * np.sum(series.increment))
    with np.errstate(all="ignore"):
        loss = score.family.deviance(series.increment, mean).sum(axis=-1)
    found = []
    for best in _valleys(np.nan_to_num(loss, nan=np.inf).reshape([len(axis) for axis in axes])):
        x = np.array([*(axis[best, 0] for axis in rest), np.log(size.ravel()[best])])
        found.append(score.minimise(x if fixed else np.clip(x, *score.box), free))
    return min(found, key=score.loss)


def _valleys(loss: Array) -> list[int]:
    """Up to three cells of a grid that are not above their neighbours, the lowest first."""
    lowest = ndimage.minimum_filter(loss, 3, mode="nearest") if loss.ndim else loss
    places = np.flatnonzero((loss <= lowest) & np.isfinite(loss))
    return [int(i) for i in places[np.argsort(loss.ravel()[places], kind="stable")][:3]] or [0]


def dispersion(fit: Fit) -> float:
    """Pearson's chi-squared over the residual degrees of freedom; never zero."""
    left = max(fit.nobs - len(set(fit.free) | {fit.names.index(n) for n in fit.limits}), 1)
    smallest = 1e-12 * float(np.mean(np.abs(fit.objective.count)) + 1e-300)
    return max(fit.objective.pearson(fit.x) / left, smallest)


def _find_limits(fit: Fit) -> None:
    """Move to its limit each parameter along which the loss has no minimum (q → 0, m → ∞)."""
    last = len(fit.model.parameters) - 1
    error = dict(zip(fit.free, _log_errors(fit), strict=True))
    for index in list(fit.free):
        parameter = fit.model.parameters[index] if index <= last else OVERDISPERSION
        if not parameter.positive or (index < last and parameter.scaling == "none"):
            continue
        end = "upper" if index == last or parameter.scaling == "time" else "lower"
        near = abs(fit.x[index] - fit.objective.box[int(end == "upper"), index]) < 8
        if (index != last or fit.model.size_is_ceiling) and (near or error[index] > 2):
            _try_limit(fit, index, end)
    if fit.limits.get("m") == np.inf:
        free = {fit.names[i] for i in fit.free}
        beside = fit.model.beside_open_ceiling.items()
        fit.limits |= {name: value for name, value in beside if name in free}
    fit.scale = dispersion(fit) if isinstance(fit.objective, Score) else fit.scale


def _try_limit(fit: Fit, index: int, end: str) -> None:
    held = fit.x.copy()
    held[index] = fit.objective.box[int(end == "upper"), index]
    rest = [i for i in fit.free if i != index]
    moved = fit.objective.minimise(held, rest)
    if fit.objective.loss(moved) - fit.objective.loss(fit.x) < FLAT * fit.loss_scale:
        fit.x, fit.free = moved, rest
        name = fit.names[index]
        fit.limits[name] = 0.0 if end == "lower" else np.inf


def stuck(fit: Fit) -> list[str]:
    """Name the free parameters whose score is not zero: the loss still falls along them."""
    objective, free = fit.objective, fit.free
    if not free:
        return []
    score = objective.slope(fit.x, free) / 2 / fit.loss_scale
    error = np.sqrt(np.abs(np.diag(objective.information(fit.x, free))) / fit.loss_scale)
    steep = np.abs(score) > SCORE * np.maximum(error, 1e-150)
    return [fit.names[i] for i, still in zip(free, steep, strict=True) if still]


def _log_errors(fit: Fit) -> Array:
    """Standard errors on the fitting scale; infinite where the information is singular."""
    information = fit.objective.information(fit.x, fit.free)
    size = np.sqrt(np.maximum(np.diag(information), 1e-300))
    try:
        spread = np.diag(np.linalg.inv(information / np.outer(size, size))) / size**2
    except np.linalg.LinAlgError:
        return np.full(len(fit.free), np.inf)
    return np.sqrt(np.where(spread > 0, spread * fit.loss_scale, np.inf))


def excluded_note(model: Growth) -> list[str]:
    """Say how many rows were not used because ``excluded`` gives a reason."""
    count = model.series.excluded
    rows = "1 row is" if count == 1 else f"{count} rows are"
    return [f"{rows} not used: the column 'excluded' says why."] if count else []
