"""Bass's own estimator of 1969: a regression on the lagged cumulative count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .families import FAMILIES
from .fitting import Fit, make_score
from .results import Array
from .solve import jacobian

if TYPE_CHECKING:
    from .growth import Growth
    from .growth_results import GrowthResults


def ordinary_least_squares(model: Growth, choices: dict[str, Any]) -> GrowthResults:
    """Regress each count on the total before it and its square; solve for p, q and m.

    Raises
    ------
    ValueError
        Periods are unequal, a parameter is fixed, or the regression has no Bass solution.
    """
    from .growth_results import GrowthResults

    series = model.series
    width = series.end - series.begin
    if choices["fixed"]:
        raise ValueError("method='ols' holds no parameter fixed. Use method='increments'.")
    if np.ptp(width) > 0.02 * width.mean():
        raise ValueError(
            f"method='ols' takes equal periods; they run from {width.min():g} to {width.max():g}. "
            "Use method='increments'."
        )
    before = series.level - series.increment
    design = np.stack([np.ones_like(before), before, before**2], axis=1) * width[:, None]
    size = np.linalg.norm(design, axis=0)
    scaled, *_ = np.linalg.lstsq(design / size, series.increment, rcond=None)
    coefficients = scaled / size
    solution = _solve(coefficients)
    if not np.all(np.isfinite(solution)) or np.any(solution <= 0):
        raise ValueError(
            "the regression of method='ols' has no Bass solution with p, q and m above zero. "
            "Use method='increments'."
        )
    residual = series.increment - design @ coefficients
    scale = float(residual @ residual) / max(len(before) - 3, 1)
    inverse = np.linalg.inv((design / size).T @ (design / size)) / np.outer(size, size)
    slope = jacobian(lambda c: np.log(_solve(c)), coefficients, [0, 1, 2])
    x = np.log(solution)
    names = [p.name for p in model.parameters]
    score = make_score(model, FAMILIES["normal"], "increments")
    used = {"family": "normal", "bounds": "ignore", "dates": "midpoint"}
    fit = Fit(model, score, x, [0, 1, 2], names, scale, choices | used)
    return GrowthResults(fit, covariance=scale * slope @ inverse @ slope.T, residual=residual)


def _solve(coefficients: Any) -> Array:
    """Turn a + b Y + c Y² into p, q and m."""
    a, b, c = coefficients
    with np.errstate(invalid="ignore"):
        m = (-b - np.sqrt(b * b - 4 * a * c)) / (2 * c)
    return np.array([a / m, -m * c, m])
