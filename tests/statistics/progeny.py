"""Branching by simulation: gamma-distributed activity, Poisson transmission; no code of the kit."""

import numpy as np


def offspring(rng: np.random.Generator, parents: np.ndarray, mean: float, k: float) -> np.ndarray:
    """The children of groups of parents whose activities are gamma-distributed with shape k."""
    if np.isinf(k):
        return rng.poisson(mean * parents)
    alive = np.maximum(parents, 1)
    return rng.poisson(rng.gamma(k * alive, mean / k)) * (parents > 0)


def sizes(
    rng: np.random.Generator, many: int, mean: float, k: float, until: int = 10**6
) -> np.ndarray:
    """Total sizes of cascades from one root each, followed until they end or are so large."""
    total, now = np.ones(many, int), np.ones(many, int)
    while now.any():
        now = offspring(rng, now, mean, k) * (total < until)
        total += now
    return total
