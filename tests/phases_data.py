"""Counts whose rate jumps, for the tests of phases."""

from datetime import date, timedelta

import numpy as np
import polars as pl

import viralkit as vk

START = date(2020, 1, 1)


def cumulative(time: object, total: object, **more: object) -> pl.DataFrame:
    columns = {"item": "a", "time": time, "count": total, "kind": "cumulative", **more}
    return pl.DataFrame(columns)


def steps(seed: int, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Nineteen uneven gaps whose rate jumps from 10 to 40 inside one of them."""
    rng = np.random.default_rng(seed)
    edges = np.append(0, np.cumsum(rng.lognormal(0, 0.6, 19)))
    break_at = edges[8] + 0.3 * (edges[9] - edges[8])
    level = 10 * np.minimum(edges, break_at) + 40 * np.maximum(edges - break_at, 0)
    mean = np.diff(level)
    return edges, np.append(0, np.cumsum(rng.gamma(mean / noise, noise)))


def noisy_fit(seed: int = 1, **choices: object) -> vk.Phases:
    return vk.Phases(cumulative(*steps(seed)), unit="period").fit(**choices)


def deviance(y: np.ndarray, mean: np.ndarray) -> float:
    return 2 * float(
        np.sum(np.where(y > 0, y * np.log(np.maximum(y, 1e-300) / mean), 0) - y + mean)
    )


def dated(seed: int = 5, launch: object = START) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    days = np.append(0, np.cumsum(rng.integers(1, 9, 24)))
    rate = np.where(days[1:] <= days[12], 30.0, 120.0)
    total = np.append(0, np.cumsum(rng.gamma(rate * np.diff(days) / 5, 5)))
    return cumulative([launch + timedelta(days=int(day)) for day in days], total)
