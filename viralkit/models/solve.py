"""Fisher scoring for a mean curve, with exact derivatives by a complex step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .families import Family
from .results import Array

STEP = 1e-20
Mean = Callable[[Any], Any]


def jacobian(function: Mean, x: Array, free: list[int]) -> Array:
    """Derivatives to machine precision: Im f(x + ih) / h (Squire and Trapp 1998)."""
    columns = []
    for index in free:
        moved = x.astype(complex)
        moved[index] += 1j * STEP
        columns.append(np.imag(function(moved)) / STEP)
    return np.stack(columns, axis=-1) if columns else np.empty((*np.shape(function(x)), 0))


def slopes(mean: Mean, x: Array, free: list[int]) -> Array:
    """Do as ``jacobian`` does, for all parameters in one call of a mean that broadcasts."""
    moved = np.repeat(x[:, None, None], len(free), axis=1).astype(complex)
    moved[free, range(len(free)), 0] += 1j * STEP
    return np.asarray(np.imag(mean(moved)).T / STEP)


@dataclass(frozen=True)
class Score:
    """Fit a mean to counts by scoring; the fast way, for exact points.

    ``mean`` takes the parameters on their fitting scale; ``box`` holds their limits there.
    """

    mean: Mean
    count: Array
    family: Family
    box: Array  # (2, parameters)

    def loss(self, x: Array) -> float:
        """Deviance at x; infinite where the mean is not finite."""
        with np.errstate(all="ignore"):
            value = float(self.family.deviance(self.count, self.mean(x)).sum())
        return value if np.isfinite(value) else np.inf

    def minimise(self, x: Array, free: list[int]) -> Array:
        """Levenberg-Marquardt steps on the deviance until nothing moves (1e-10)."""
        x, loss, damping = x.copy(), self.loss(x), 1e-4
        for _ in range(300 if free else 0):
            step = self._step(x, free, damping)
            trial = np.clip(x + step, *self.box)
            new = self.loss(trial)
            if new <= loss * (1 + 1e-13):
                moved = float(np.max(np.abs(trial - x)))
                x, loss, damping = trial, new, damping * 0.1
                if moved < 1e-10:
                    break
            elif damping > 1e10:
                break
            else:
                damping = max(damping, 1e-6) * 10
        return x

    def _step(self, x: Array, free: list[int], damping: float) -> Array:
        mean = self.mean(x)
        slope = slopes(self.mean, x, free)
        weight = 1.0 / self.family.variance(mean)
        pull = slope.T @ (weight * (self.count - mean))
        information = (slope.T * weight) @ slope
        low, high = self.box[:, free]
        held = ((x[free] <= low) & (pull < 0)) | ((x[free] >= high) & (pull > 0))
        pull[held] = 0.0
        size = np.sqrt(np.maximum(np.diag(information), 1e-300))
        scaled = information / np.outer(size, size)
        scaled[held], scaled[:, held] = 0.0, 0.0
        np.fill_diagonal(scaled, 1.0 + damping)
        step = np.zeros_like(x)
        step[free] = np.linalg.lstsq(scaled, pull / size, rcond=1e-15)[0] / size
        return step / max(1.0, float(np.max(np.abs(step))) / 3.0)

    def slope(self, x: Array, free: list[int]) -> Array:
        """Gradient of the deviance."""
        mean = self.mean(x)
        residual = (self.count - mean) / self.family.variance(mean)
        return -2.0 * np.asarray(slopes(self.mean, x, free).T @ residual)

    def information(self, x: Array, free: list[int]) -> Array:
        """Expected information at dispersion one."""
        slope = slopes(self.mean, x, free)
        return np.asarray((slope.T / self.family.variance(self.mean(x))) @ slope)

    def pearson(self, x: Array) -> float:
        """Pearson's chi-squared."""
        mean = self.mean(x)
        return float(np.sum((self.count - mean) ** 2 / self.family.variance(mean)))
