"""How counts scatter about their mean: three families with variance and deviance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from .results import Array


@dataclass(frozen=True)
class Family:
    """Variance and deviance of a count with a given mean.

    ``alpha`` is the overdispersion of the negative binomial: variance = mean + alpha mean².
    Complex means are taken, so that derivatives may be had by a complex step.
    """

    name: str

    @property
    def has_likelihood(self) -> bool:
        """Whether AIC and BIC exist."""
        return self.name != "quasipoisson"

    def variance(self, mean: Any, alpha: Any = 0.0) -> Any:
        """Variance at dispersion one."""
        if self.name == "normal":
            return np.ones_like(mean)
        return mean + alpha * mean**2

    def deviance(self, count: Array, mean: Any, alpha: float = 0.0) -> Any:
        """Twice the distance of each count from its mean, in log-likelihood."""
        if self.name == "normal":
            return (count - mean) ** 2
        log_ratio = np.where(count > 0, np.log(np.where(count > 0, count, 1.0) / mean), 0.0)
        if self.name == "quasipoisson":
            return 2.0 * (count * log_ratio - (count - mean))
        size = 1.0 / alpha
        return 2.0 * (count * log_ratio - (count + size) * np.log((count + size) / (mean + size)))

    def log_density(self, count: Array, mean: Any, scale: float, alpha: Any) -> Any:
        """Log-density of each count; under quasipoisson the extended quasi-likelihood.

        Nelder and Pregibon (1987), doi:10.1093/biomet/74.2.221.
        """
        if self.name != "negative_binomial":
            return -0.5 * (self.deviance(count, mean) / scale + np.log(2 * np.pi * scale))
        size = 1.0 / alpha
        ways = _log_rising(count, size) - special.loggamma(size)
        return ways - count * np.log1p(size / mean) - size * np.log1p(mean * alpha)

    def draw(self, mean: Array, scale: Any, alpha: Any, rng: np.random.Generator) -> Array:
        """Draw observations: a gamma law with the family's variance, or the normal law."""
        variance = scale * self.variance(mean, alpha)
        if self.name == "normal":
            return np.asarray(rng.normal(mean, np.sqrt(variance)))
        return np.asarray(rng.gamma(mean**2 / variance, variance / mean))


def _log_rising(count: Array, size: Any) -> Any:
    """Log of Γ(count + size) / Γ(count + 1), by Stirling where the difference would cancel."""
    large = (count > 1e6) & (count > 100 * np.real(size) ** 2)
    small, big = np.where(large, 1.0, count), np.where(large, count, 1.0)
    exact = special.loggamma(small + size) - special.gammaln(small + 1)
    return np.where(large, (size - 1) * (np.log(big) + size / (2 * big)), exact)


FAMILIES = {name: Family(name) for name in ("normal", "quasipoisson", "negative_binomial")}


def neighbours_alike(residuals: Array) -> list[str]:
    """Say so where standardised residuals of neighbouring periods are more alike than by chance."""
    tie = float(np.corrcoef(residuals[1:], residuals[:-1])[0, 1])
    if not tie > 1.96 / np.sqrt(residuals.size):
        return []
    return [
        f"Residuals of neighbouring periods are alike (correlation {tie:.2f}): standard errors and "
        "intervals are too small. Look for a weekly rhythm or a missing cause."
    ]
