"""Do the intervals of a relaxation's exponent hold the truth? Writes relaxation_coverage.csv.

Daily counts after a peak, from simulators that share no code with the kit, under four kinds of
noise. Beside the default family: its rival, and two controls that must fail: a Poisson law with
robust errors, and least squares of logs.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tqdm import tqdm

from viralkit.models.relaxation import Relaxation

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("relaxation_coverage.csv")
TRUTH = 0.6
NOISES = {
    "negative binomial .1": lambda mean, rng: rng.poisson(rng.gamma(10, mean / 10)),
    "negative binomial .5": lambda mean, rng: rng.poisson(rng.gamma(2, mean / 2)),
    "lognormal .5": lambda mean, rng: rng.poisson(mean * rng.lognormal(-0.125, 0.5, mean.size)),
    "Poisson": lambda mean, rng: rng.poisson(mean),
    "clusters of 20": lambda mean, rng: 20 * rng.poisson(mean / 20),
}
SIZES = [(30, 300.0), (60, 300.0), (60, 20_000.0), (120, 2_000.0)]  # days, level on the first


def table(counts: np.ndarray) -> pl.DataFrame:
    time = np.arange(counts.size, dtype=float)
    frame = pl.DataFrame({"item": "video", "time": time, "count": counts.astype(float)})
    return frame.with_columns(kind=pl.lit("incremental"), period_end=pl.col("time") + 1)


def robust_poisson(after: np.ndarray) -> tuple[float, float]:
    import statsmodels.api as sm

    design = sm.add_constant(-np.log(np.arange(1.0, after.size + 1)))
    fit = sm.GLM(after, design, family=sm.families.Poisson()).fit(cov_type="HC0")
    low, high = fit.conf_int()[1]
    return low, high


def log_least_squares(after: np.ndarray) -> float:
    seen = np.flatnonzero(after > 0)
    return float(-np.polyfit(np.log(seen + 1.0), np.log(after[seen]), 1)[0])


def study(noise: str, days: int, level: float) -> list[tuple]:
    rng = np.random.default_rng([days, int(level), len(noise)])
    mean = level * np.arange(1.0, days + 1) ** -TRUTH
    held: dict[str, list[float]] = {"default": [], "quasipoisson": [], "robust Poisson": []}
    found: dict[str, list[float]] = {"default": [], "quasipoisson": [], "log least squares": []}
    for _ in tqdm(range(REPLICATES), desc=f"{noise} {days}"):
        after = NOISES[noise](mean, rng).astype(float)
        model = Relaxation(table(np.append(10 * level, after)), unit="period", peak=0.0)
        for name, family in (("default", "negative_binomial"), ("quasipoisson", "quasipoisson")):
            fit = model.fit(family=family)
            low, high = fit.conf_int().select("lower", "upper").row(0)
            held[name].append(low <= TRUTH <= high)
            found[name].append(fit.params["exponent_after"])
        low, high = robust_poisson(after)
        held["robust Poisson"].append(low <= TRUTH <= high)
        found["log least squares"].append(log_least_squares(after))
    cover = [round(float(np.mean(x)), 4) for x in held.values()]
    return [
        noise,
        days,
        level,
        REPLICATES,
        *cover,
        *(round(float(np.mean(x)), 4) for x in found.values()),
    ]


@pytest.mark.slow
def test_coverage_of_relaxation() -> None:
    rows = [study(noise, days, level) for noise in NOISES for days, level in SIZES]
    columns = ["noise", "days", "level", "replicates", "coverage", "coverage_quasipoisson"]
    columns += ["coverage_robust_poisson", "mean", "mean_quasipoisson", "mean_log_least_squares"]
    found = pl.DataFrame(rows, columns, orient="row")
    found.write_csv(OUT)
    relative = found.filter(~pl.col("noise").str.contains("clusters"))
    assert relative["coverage"].min() > 0.92
