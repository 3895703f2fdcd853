"""Counts as they may come: parameters drawn from their law, noise from that of the family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .results import Array

if TYPE_CHECKING:
    from .growth_results import GrowthResults

DRAWS = 4000


def draw_increments(results: GrowthResults, age: Array, gap: float) -> Array:
    """Draw increments between ages, a row a draw; ``gap`` is the typical spacing of the data."""
    rng, fit = np.random.default_rng(0), results._fit
    left = max(results.df_resid, 1)
    doubt = left / rng.chisquare(left, (DRAWS, 1))  # of the dispersion, itself estimated
    x = np.tile(fit.x, (DRAWS, 1))
    if fit.free:
        size, axes = np.linalg.eigh(results._spread)
        root = axes * np.sqrt(np.maximum(size, 0.0))
        moved = rng.standard_normal((DRAWS, len(fit.free))) @ root.T * np.sqrt(doubt)
        x[:, fit.free] = np.clip(x[:, fit.free] + moved, *fit.objective.box[:, fit.free])
    with np.errstate(all="ignore"):
        level = results.model.level([column[:, None] for column in x.T], age[None, :])
        rise = np.nan_to_num(np.diff(level, axis=1), nan=0.0)
    rise = np.clip(rise, 1e-12 * float(np.sum(results.model.series.increment)), 1e100)
    quasi = fit.choices["family"] == "quasipoisson"  # else noise belongs to steps like the data's
    scale = fit.scale * doubt * (1.0 if quasi else np.diff(age)[0] / gap)
    alpha = np.exp(x[:, -1:]) if "alpha" in results.params else 0.0
    return fit.objective.family.draw(rise, scale, alpha, rng)
