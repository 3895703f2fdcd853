"""A power law as a sum of exponentials, so that one pass over the events is enough.

x^-p = 1/Γ(p) ∫ exp(p u − x eᵘ) du by the trapezoid rule, whose error falls with exp(−π²/step).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import special

from .results import Array

STEPS = (0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.16, 0.13, 0.1, 0.08, 0.06)
ACCURACY = np.log(1e-8)  # relative error of the kernel at any lag
SMALL = 1e-5  # rate times longest lag below which two exponentials stand for all slower ones
LARGE = 40.0  # rate times c, beyond the power of the law, above which nothing is left


@lru_cache(maxsize=64)
def step_for(power: float) -> float:
    """The widest step whose first alias is small enough."""
    for step in STEPS:
        alias = special.loggamma(power + 2j * np.pi / step).real - special.gammaln(power)
        if alias + np.log(2) <= ACCURACY:
            return step
    return STEPS[-1]


def nodes(shape: Array, longest: float, extras: tuple[int, ...]) -> tuple[Array, tuple[Array, ...]]:
    """Rates per second, and for each extra power (1: density, 0: survival) six rows of shares.

    The rows are the value and its derivatives by log theta and log c: theta, c, theta theta,
    theta c, c c.
    """
    theta, c = float(shape[0]), float(shape[1])
    step = step_for(round(theta + max(extras), 2))
    slowest = np.log(SMALL / (longest / c + 1))
    grid = np.arange(np.log(LARGE + 2 * theta), slowest, -step)
    slow = int(min(np.ceil(40 / (theta * step)), 40_000))
    tail = grid[-1] - step * np.arange(1, slow)
    log_rate = np.concatenate([grid, tail])
    ahead = (np.exp(grid[-1]) - np.exp(tail)) / (np.exp(grid[-1]) * -np.expm1(-step))
    found = []
    for extra in extras:
        rows = _shares(log_rate, theta, extra, step)
        if extra:
            rows = rows / c
        kept, merged = rows[:, : len(grid)], rows[:, len(grid) :]
        last = np.stack([np.sum(merged * (1 - ahead), axis=1), np.sum(merged * ahead, axis=1)], 1)
        kept = np.concatenate([kept, last[:, 1:]], axis=1)
        kept[:, len(grid) - 1] += last[:, 0]
        found.append(kept)
    rates = np.exp(np.append(grid, grid[-1] - step)) / c
    return rates, tuple(found)


def _shares(log_rate: Array, theta: float, extra: int, step: float) -> Array:
    """The weight of each node, in units of c, and its derivatives."""
    power, rate = theta + extra, np.exp(log_rate)
    share = step * np.exp(power * log_rate - rate - special.gammaln(power) + extra * np.log(theta))
    lean = theta * (log_rate - special.digamma(power))
    by_theta, by_c = extra + lean, theta - rate
    twice = by_theta**2 + lean - theta**2 * special.polygamma(1, power)
    mixed = by_theta * by_c + theta
    rows = [np.ones_like(rate), by_theta, by_c, twice, mixed, by_c**2 - rate]
    return np.asarray(share * np.array(rows))
