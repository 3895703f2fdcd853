"""Independent simulators: differential equations and branching clusters, no code of the kit."""

from datetime import date, timedelta

import numpy as np
import polars as pl


def bass_path(p: float, q: float, m: float, ages: np.ndarray, steps: int = 4000) -> np.ndarray:
    """Integrate dY/dt = (p + q Y / m)(m - Y) by Runge-Kutta and read it at ages."""
    grid = np.linspace(0.0, ages[-1], steps + 1)
    h, level = grid[1], np.zeros(steps + 1)

    def pull(y: float) -> float:
        return (p + q * y / m) * (m - y)

    for i in range(steps):
        y = level[i]
        a = pull(y)
        b = pull(y + h * a / 2)
        c = pull(y + h * b / 2)
        level[i + 1] = y + h * (a + 2 * b + 2 * c + pull(y + h * c)) / 6
    return np.interp(ages, grid, level)


def noisy(mean: np.ndarray, law: str, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Scatter counts about their mean.

    "clusters": a Poisson number of clusters of geometric size, variance = noise · mean;
    "gamma_poisson": variance = mean + noise · mean²; "normal": variance = noise.
    """
    if law == "normal":
        return rng.normal(mean, np.sqrt(noise))
    if law == "gamma_poisson":
        return rng.poisson(mean * rng.gamma(1 / noise, noise, len(mean))).astype(float)
    size = (noise + 1) / 2  # geometric clusters of this mean make variance = noise · mean
    clusters = rng.poisson(mean / size)
    return clusters + rng.negative_binomial(np.maximum(clusters, 1), 1 / size) * (clusters > 0.0)


def counts_table(edges: np.ndarray, increments: np.ndarray) -> pl.DataFrame:
    """Return increments between edges as a counts table."""
    return pl.DataFrame(
        {
            "item": "simulated",
            "time": edges[:-1],
            "period_end": edges[1:],
            "count": increments,
            "kind": "incremental",
        }
    )


def cumulative_table(
    start: date, days: np.ndarray, total: np.ndarray, doubt: np.ndarray
) -> pl.DataFrame:
    """Return running totals on days, each known to within ``doubt`` days on either side."""
    when = [
        [start + timedelta(days=int(d + s * w)) for d, w in zip(days, doubt, strict=True)]
        for s in (-1, 0, 1)
    ]
    return pl.DataFrame(
        {
            "item": "simulated",
            "time": when[1],
            "count": total,
            "time_lower": when[0],
            "time_upper": when[2],
            "kind": "cumulative",
        }
    )
