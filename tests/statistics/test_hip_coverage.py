"""Do HIP's intervals hold the truth? Writes hip_coverage.csv.

Views come from a simulator that shares no code with the kit: the published recursion, term by term,
with gamma noise whose variance is a multiple of the mean. Promotions come in bursts.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tqdm import tqdm

from viralkit.models.hip import HawkesIntensity

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("hip_coverage.csv")
AHEAD = 30
FOLLOWERS = 1.016 / 0.916
# periods, gamma, eta, mu, branching factor, c, theta, dispersion
STUDIES = {
    "long": (360, 2000.0, 500.0, 60.0, 0.6, 1.0, 1.0, 50.0),
    "four months": (120, 2000.0, 500.0, 60.0, 0.6, 1.0, 1.0, 50.0),
    "noisy": (120, 2000.0, 500.0, 60.0, 0.6, 1.0, 1.0, 500.0),
}


def memory(c: float, theta: float, branching: float) -> float:
    """The scale of the kernel for which it sums to the branching factor."""
    lags = np.arange(1.0, 2e6)
    tail = (2e6 - 0.5 + c) ** -theta / theta
    return branching / (((lags + c) ** -(1 + theta)).sum() + tail)


def expected(study: str, shares: np.ndarray, scale: float) -> np.ndarray:
    _, gamma, eta, mu, _, c, theta, _ = STUDIES[study]
    views = np.zeros(shares.size)
    for t in range(shares.size):
        lags = t - np.arange(t)
        driven = (gamma if t == 0 else eta) + mu * shares[t]
        views[t] = driven + scale * (views[:t] * (lags + c) ** -(1 + theta)).sum()
    return views


def table(values: np.ndarray) -> pl.DataFrame:
    time = np.arange(values.size, dtype=float)
    frame = pl.DataFrame({"item": "video", "time": time, "count": values})
    return frame.with_columns(kind=pl.lit("incremental"), period_end=pl.col("time") + 1)


def replicate(study: str, scale: float, seed: int) -> list[tuple[str, bool]]:
    periods, gamma, eta, mu, branching, c, theta, dispersion = STUDIES[study]
    rng = np.random.default_rng([seed, periods])
    bursts = rng.lognormal(2, 1.2, periods + AHEAD) * (rng.uniform(size=periods + AHEAD) < 0.3)
    mean = expected(study, bursts, scale)
    views = rng.gamma(mean / dispersion) * dispersion
    model = HawkesIntensity(table(views[:periods]), table(bursts[:periods]), unit="period")
    fit = model.fit()
    truth = dict(gamma=gamma, eta=eta, mu=mu, c=c, theta=theta, kappa=scale / FOLLOWERS)
    held = [
        (name, low is not None and low <= truth[name] <= high)
        for name, low, high in fit.conf_int().iter_rows()
    ]
    told = {"branching_factor": branching, "viral_potential": mu / (1 - branching)}
    for name, _, low, high in fit.response().iter_rows():
        if name in told:
            held.append((name, low is not None and low <= told[name] <= high))
    curve = fit.predict()
    at = seed % periods
    held.append(("curve", curve["lower"][at] <= mean[at] <= curve["upper"][at]))
    ahead = fit.forecast(table(bursts))
    at = seed % AHEAD
    held.append(("forecast", ahead["lower"][at] <= views[periods + at] <= ahead["upper"][at]))
    return held


@pytest.mark.slow
def test_coverage_of_hip() -> None:
    rows = []
    for study, (*_, branching, c, theta, _) in STUDIES.items():
        scale = memory(c, theta, branching)
        held: dict[str, list[bool]] = {}
        for seed in tqdm(range(REPLICATES), desc=study):
            for name, inside in replicate(study, scale, seed):
                held.setdefault(name, []).append(inside)
        rows += [(study, name, len(x), round(float(np.mean(x)), 4)) for name, x in held.items()]
    found = pl.DataFrame(rows, ["study", "quantity", "replicates", "coverage"], orient="row")
    found.write_csv(OUT)
    curves = found.filter(pl.col("quantity").is_in(["curve", "forecast", "mu"]))
    assert curves["coverage"].min() > 0.9
