"""Do the date ranges and rates of phases hold what they promise? Writes phases_coverage.csv.

Counts come from simulators that share no code with the kit; true breaks lie inside gaps, at random.
A row a quantity: the share of replicates whose 95 % interval holds the truth (or, for the number of
breaks, that found the truth; for a shape, that gave the right answer), and the same with controls
that must fail: a dispersion of one (Poisson), and dates taken at observations only.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from simulators import noisy
from tqdm import tqdm

import viralkit as vk

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("phases_coverage.csv")
AHEAD = 3.0  # how far a forecast looks

# gaps, unevenness (sd of log gap), breaks (shares of the span), rates, noise, law, rate, claimed
STUDIES = {
    "one clear break": (28, 0.8, [0.4], [100, 400], 10, "clusters", "per_day", True),
    "one faint break": (28, 0.8, [0.4], [100, 200], 30, "clusters", "per_day", False),
    "twelve gaps": (12, 0.5, [0.5], [100, 300], 20, "clusters", "per_day", True),
    "three breaks": (
        28,
        1.0,
        [0.2, 0.5, 0.75],
        [100, 800, 300, 30],
        20,
        "clusters",
        "per_day",
        True,
    ),
    "daily counts": (84, 0.0, [0.3, 0.7], [100, 200, 50], 30, "clusters", "per_day", True),
    "relative": (28, 0.8, [0.3, 0.6], [0.5, 0.1, 0.02], 0.005, "gamma", "relative", True),
    "relative rough": (28, 0.8, [0.3, 0.6], [0.5, 0.1, 0.01], 0.02, "gamma", "relative", False),
    "equal relative error": (28, 0.8, [0.4], [100, 400], 0.3, "lognormal", "per_day", False),
}
PLACEBOS = {  # gaps, unevenness, noise, rate
    "placebo 8": (8, 0.8, 10, "per_day"),
    "placebo 12": (12, 0.8, 10, "per_day"),
    "placebo 28": (28, 0.8, 10, "per_day"),
    "placebo 84": (84, 0.0, 10, "per_day"),
    "placebo 84 rough": (84, 0.8, 50, "per_day"),
    "placebo relative": (28, 0.8, 0.01, "relative"),
}
COLUMNS = ["coverage", "coverage_poisson", "coverage_on_dates"]
SHAPES = ["linear", "exponential", "S-shaped"]


def edges_of(gaps: int, uneven: float, rng: np.random.Generator) -> np.ndarray:
    width = rng.lognormal(0, uneven, gaps) if uneven else np.ones(gaps)
    return np.append(0, np.cumsum(width)) * gaps / width.sum()


def amounts(edges: np.ndarray, breaks: list, rates: list) -> np.ndarray:
    """Integrate the step function of the rate from edge to edge, on a fine grid of all corners."""
    corners = np.unique(np.concatenate([edges, breaks]))
    middle = (corners[1:] + corners[:-1]) / 2
    rate = np.array(rates)[np.searchsorted(breaks, middle)]
    total = np.append(0, np.cumsum(rate * np.diff(corners)))
    return np.diff(np.interp(edges, corners, total))


def scattered(mean: np.ndarray, law: str, noise: float, rng: np.random.Generator) -> np.ndarray:
    if law == "clusters":
        return noisy(mean, "clusters", noise, rng)
    if law == "lognormal":
        return mean * rng.lognormal(-(noise**2) / 2, noise, len(mean))
    return rng.gamma(mean / noise, noise)


def table_of(edges: np.ndarray, amount: np.ndarray, rate: str) -> pl.DataFrame:
    total = np.append(0, np.cumsum(amount))
    count = 1000 * np.exp(total) if rate == "relative" else total
    return pl.DataFrame({"item": "a", "time": edges, "count": count, "kind": "cumulative"})


def replicate(study: str, seed: int) -> Iterator[tuple]:
    """Yield parameter, kind, held, held at dispersion one, held at dates of observation."""
    gaps, uneven, breaks, rates, noise, law, rate, _ = STUDIES[study]
    rng = np.random.default_rng([seed, gaps])
    true = np.array(breaks) * gaps + rng.uniform(-0.5, 0.5, len(breaks))
    edges = edges_of(gaps, uneven, rng)
    later = np.append(edges, gaps + AHEAD)
    amount = scattered(amounts(later, list(true), rates), law, noise, rng)
    model = vk.Phases(table_of(edges, amount[:-1], rate), unit="period", start=0.0, rate=rate)
    fit = model.fit(breaks=len(breaks))
    wide = fit.conf_int()
    narrow = poisson(fit) if len(breaks) == 1 else wide.with_columns(lower=None, upper=None)
    limits = zip([*rates, *true], wide.iter_rows(), narrow.iter_rows(), strict=True)
    for value, (name, low, high), (_, small, large) in limits:
        shrunk = None if small is None else small <= value <= large
        if name.startswith("rate"):
            yield name, "rate", low <= value <= high, shrunk, None
            continue
        seen = edges[(edges >= low) & (edges <= high)]
        on_dates = bool(len(seen)) and seen[0] <= value <= seen[-1]
        yield name, "date", low <= value <= high, shrunk, on_dates
    at = float(rng.uniform(0.1, 0.98) * gaps)
    truth = amounts(np.array([0.0, at]), list(true), rates).sum()
    yield "curve", "curve", within(fit.predict([at]), truth, rate), None, None
    seen = within(fit.forecast(gaps + AHEAD), amount.sum(), rate)
    yield "forecast", "prediction", seen, None, None
    found = len(model.fit().params) // 2
    yield "number of breaks", "number", found == len(breaks), None, None


def poisson(fit: object) -> pl.DataFrame:
    """Intervals as they would be if counts had the variance of a Poisson law."""
    kept, fit.scale = fit.scale, min(fit.scale, 1.0 if fit.model.rate == "per_day" else 1e-4)
    found = fit.conf_int()
    fit.scale = kept
    return found


def within(frame: pl.DataFrame, amount: float, rate: str) -> bool:
    count = 1000 * np.exp(amount) if rate == "relative" else amount
    return frame["lower"][-1] <= count <= frame["upper"][-1]


def placebo(study: str, seed: int) -> Iterator[tuple]:
    gaps, uneven, noise, rate = PLACEBOS[study]
    rng = np.random.default_rng([seed, gaps])
    edges = edges_of(gaps, uneven, rng)
    law, pace = ("clusters", 100.0) if rate == "per_day" else ("gamma", 0.1)
    amount = scattered(pace * np.diff(edges), law, noise, rng)
    fit = vk.Phases(table_of(edges, amount, rate), unit="period", start=0.0, rate=rate).fit()
    yield "number of breaks", "placebo", len(fit.params) == 1, None, None


def shape(study: str, seed: int) -> Iterator[tuple]:
    """Counts of a known shape; is it recognised, and is a wrong one named?"""
    truth, gaps = study.split()[1], int(study.split()[2])
    rng = np.random.default_rng([seed, gaps])
    edges = edges_of(gaps, 0.5, rng)
    age = edges / gaps
    curves = {"linear": age, "exponential": 20.0**age, "S-shaped": np.tanh(4 * age - 2)}
    mean = np.diff(curves[truth])
    amount = rng.gamma(100 * mean / mean.mean() / 4, 4)
    model = vk.Phases(table_of(edges, amount, "per_day"), unit="period", start=0.0)
    answer = model.fit(breaks=0).shape_test()["answer"][0]
    yield "right", "shape", answer == truth, None, None
    yield "wrong", "shape", answer not in (truth, "cannot be told"), None, None


ALL = {
    **dict.fromkeys(STUDIES, replicate),
    **dict.fromkeys(PLACEBOS, placebo),
    **{f"shape {name} {gaps}": shape for name in SHAPES for gaps in (5, 12, 24)},
}


def share(held: tuple) -> float | None:
    return None if held[0] is None else round(float(np.mean(held)), 4)


def rows_of(study: str) -> list[dict]:
    hits: dict[tuple[str, str], list[list]] = {}
    for seed in tqdm(range(REPLICATES), desc=study):
        for name, kind, *held in ALL[study](study, seed):
            hits.setdefault((name, kind), []).append(held)
    return [
        {
            "study": study,
            "parameter": name,
            "kind": kind,
            "replicates": len(held),
            **dict(zip(COLUMNS, map(share, zip(*held, strict=True)), strict=True)),
            "claimed": study in STUDIES and STUDIES[study][-1],
        }
        for (name, kind), held in hits.items()
    ]


@pytest.mark.slow
@pytest.mark.parametrize("study", ALL)
def test_phases_hold_what_they_promise(study: str) -> None:
    fresh = pl.DataFrame(rows_of(study), schema_overrides=dict.fromkeys(COLUMNS, pl.Float64))
    kept = pl.read_csv(OUT, schema=fresh.schema) if OUT.exists() else fresh.head(0)
    kept = kept.filter(pl.col("study") != study)
    order = {name: i for i, name in enumerate(ALL)}
    rank = pl.col("study").replace_strict(order, default=99)
    pl.concat([kept, fresh]).sort(rank, maintain_order=True).write_csv(OUT)
    claimed = fresh.filter("claimed", pl.col("kind") != "number")
    assert claimed.filter(~pl.col("coverage").is_between(0.9, 0.995)).is_empty(), claimed
    assert fresh.filter(pl.col("kind") == "placebo", pl.col("coverage") < 0.85).is_empty(), fresh
