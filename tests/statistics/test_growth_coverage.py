"""Do the intervals of the growth models hold what they promise? Writes growth_coverage.csv.

Counts come from simulators that share no code with the kit. A row a parameter and interval: the
share of replicates whose 95 % interval holds the truth, the median error of the estimate, and the
coverage with standard errors shrunk to those of a Poisson law (the control that must fail).
"""

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from simulators import bass_path, counts_table, cumulative_table, noisy
from tqdm import tqdm

import viralkit as vk

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("growth_coverage.csv")
BASS = {"p": 0.01, "q": 0.3, "m": 1e5}
START = date(2020, 1, 1)
Replicate = tuple[object, dict[str, float], float | None]  # fit, truth, seen later


def bass_mean(edges: np.ndarray) -> np.ndarray:
    return np.diff(bass_path(**BASS, ages=edges[1:]), prepend=0.0)


def scattered(curve: type, mean: Callable, truth: dict, law: str, noise: float, **choices: str):
    """Counts per period about a curve; what comes five periods later is forecast."""

    def replicates(n: int) -> Iterator[Replicate]:
        edges = np.linspace(0, 20, n + 1)
        later = np.append(edges, np.arange(n + 1, n + 1 + n // 4) * 20 / n)
        expected = mean(later)
        for seed in range(REPLICATES):
            count = noisy(expected, law, noise, np.random.default_rng([seed, n]))
            table = counts_table(edges, np.maximum(count[:n], 0))
            fit = curve(table, unit="period", start=0.0).fit(**choices)
            yield fit, truth, (float(later[-1]), float(np.maximum(count, 0).sum()))

    return replicates


def conditional(n: int) -> Iterator[Replicate]:
    """A finite audience: each period takes a noisy share of those who are left."""
    edges = np.linspace(0, 20, n + 1)
    path = np.append(0, bass_path(**BASS, ages=edges[1:])) / BASS["m"]
    share = np.diff(path) / (1 - path[:-1])
    for seed in range(REPLICATES):
        rng, left, count = np.random.default_rng([seed, 7]), BASS["m"], []
        for part in share:
            count.append(float(rng.normal(left * part, 300.0)))
            left -= count[-1]
        table = counts_table(edges, np.maximum(np.array(count), 0))
        fit = vk.Bass(table, unit="period", start=0.0)
        yield fit.fit(method="conditional", family="normal"), BASS, None


def before_the_peak(n: int) -> Iterator[Replicate]:
    """The series stops before growth slows down: the ceiling is hardly known."""
    truth, ages = {"p": 0.005, "q": 0.4, "m": 1e5}, np.arange(1.0, n + 5)
    expected = np.diff(bass_path(**truth, ages=ages), prepend=0.0)
    for seed in range(REPLICATES):
        count = noisy(expected, "clusters", 200, np.random.default_rng([seed, 17]))
        fit = vk.Bass(counts_table(np.arange(n + 1.0), count[:n]), unit="period", start=0.0).fit()
        yield fit, {}, (float(n + 4), float(count.sum()))


def doubtful_dates(choice: str, noise: float, days_off: int = 3) -> Callable:
    """Every other date is known only to within a week; the counts stem from the true day."""

    def replicates(n: int) -> Iterator[Replicate]:
        truth = {"p": 0.002, "q": 0.06, "m": 1e5}
        days = np.arange(1, n + 1) * 10
        for seed in range(REPLICATES):
            rng = np.random.default_rng([seed, 11])
            doubt = np.where(np.arange(n) % 2 == 0, days_off, 0)
            true = days + rng.uniform(-doubt, doubt)
            mean = np.diff(bass_path(**truth, ages=true), prepend=0.0)
            total = np.cumsum(noisy(mean, "clusters", noise, rng))
            table = cumulative_table(START, days, total, doubt)
            yield vk.Bass(table, unit="day", start=START).fit(dates=choice), truth, None

    return replicates


def bounded_counts(choice: str) -> Callable:
    """Every other count is printed only as "more than" a round number below it."""

    def replicates(n: int) -> Iterator[Replicate]:
        truth = {"p": 0.002, "q": 0.06, "m": 1e5}
        days = np.arange(1, n + 1) * 5
        mean = np.diff(bass_path(**truth, ages=days.astype(float)), prepend=0.0)
        for seed in range(REPLICATES):
            rng = np.random.default_rng([seed, 13])
            total = np.cumsum(noisy(mean, "clusters", 50, rng))
            bound = np.where(np.arange(n) % 2 == 0, "exact", "at_least")
            shown = np.where(bound == "exact", total, np.floor(total / 2000) * 2000)
            table = cumulative_table(START, days, shown, 0 * days)
            table = table.with_columns(bound=pl.Series(bound))
            yield vk.Bass(table, unit="day", start=START).fit(bounds=choice), truth, None

    return replicates


def exponential_mean(edges: np.ndarray) -> np.ndarray:
    return np.diff(40 * 2.0 ** (edges / 2))


def logistic_mean(edges: np.ndarray) -> np.ndarray:
    return np.diff(1e5 * 0.5 * (1 + np.tanh(0.25 * (edges - 8))))


def gompertz_mean(edges: np.ndarray) -> np.ndarray:
    return np.diff(1e5 * 2.0 ** (-np.exp2((7 - edges) / 2.5)))


LOGISTIC = {"r": 0.5, "midpoint": 8.0, "m": 1e5}
GOMPERTZ = {
    "r": np.log(2) / 2.5,
    "midpoint": 7 + 2.5 * np.log2(np.log(2)),
    "m": 1e5,
}
EXPONENTIAL = {"r": np.log(2) / 2, "level": 40.0}
STUDIES = {  # name: (replicates, counts a series, whether 93-97 % is claimed, intervals)
    "bass quasipoisson": (scattered(vk.Bass, bass_mean, BASS, "clusters", 50), 20, True),
    "bass quasipoisson few": (scattered(vk.Bass, bass_mean, BASS, "clusters", 50), 12, True),
    "bass normal": (
        scattered(vk.Bass, bass_mean, BASS, "normal", 4e4, family="normal"),
        *(20, True),
    ),
    "bass negative_binomial": (
        scattered(vk.Bass, bass_mean, BASS, "gamma_poisson", 0.05, family="negative_binomial"),
        *(60, True),
    ),
    "bass cumulative": (
        scattered(vk.Bass, bass_mean, BASS, "clusters", 50, method="cumulative"),
        *(20, False),
    ),
    "bass conditional": (conditional, 20, True),
    "bass before the peak": (before_the_peak, 8, False),
    "bass dates interval": (doubtful_dates("interval", 200), 16, False),
    "bass dates midpoint": (doubtful_dates("midpoint", 200), 16, False),
    # Two to four clusters a count: the dispersion itself is hard to know, with exact dates, too.
    "bass dates interval rough": (doubtful_dates("interval", 1000), 16, False),
    "bass dates midpoint rough": (doubtful_dates("midpoint", 1000), 16, False),
    "bass dates exact rough": (doubtful_dates("interval", 1000, 0), 16, False),
    "bass bounds censored": (bounded_counts("censored"), 30, True),
    "bass bounds ignore": (bounded_counts("ignore"), 30, True),
    "logistic": (scattered(vk.Logistic, logistic_mean, LOGISTIC, "clusters", 50), 20, True),
    "gompertz": (scattered(vk.Gompertz, gompertz_mean, GOMPERTZ, "clusters", 50), 20, True),
    "exponential": (
        scattered(vk.Exponential, exponential_mean, EXPONENTIAL, "clusters", 50),
        *(20, True),
    ),
    "linear": (
        scattered(vk.Linear, lambda e: 500 * np.diff(e), {"rate": 500.0}, "clusters", 50),
        *(20, True),
    ),
}
PROFILED = {"bass quasipoisson"}


def held(fit: object, truth: dict, later: tuple | None, profile: bool) -> dict:
    """Which intervals of one replicate hold the truth; also errors and the shrunken control."""
    found = {}
    for kind in ("wald", "profile") if profile else ("wald",):
        for name, lower, upper in fit.conf_int(method=kind).iter_rows():
            if name in truth:
                found[name, kind] = lower <= truth[name] <= upper
    for name, value in truth.items():
        found[name, "error"] = fit.params[name] / value - 1
        error = (fit.bse[name] or 0.0) / np.sqrt(max(fit.scale, 1.0))
        found[name, "shrunk"] = abs(fit.params[name] - value) <= 1.96 * error
    if later:
        row = fit.forecast(later[0]).row(-1, named=True)
        found["forecast", "prediction"] = row["lower"] <= later[1] <= row["upper"]
    return found


def rows_of(study: str) -> list[dict]:
    replicates, size, claimed = STUDIES[study]
    hits: dict[tuple[str, str], list[float]] = {}
    rounds = tqdm(replicates(size), total=REPLICATES, desc=study)
    for fit, truth, later in rounds:
        for key, value in held(fit, truth, later, study in PROFILED).items():
            hits.setdefault(key, []).append(value)
    return [
        {
            "study": study,
            "parameter": name,
            "interval": kind,
            "size": size,
            "replicates": len(values),
            "coverage": round(float(np.mean(values)), 4),
            "median_error": round(float(np.median(hits.get((name, "error"), [0]))), 5),
            "coverage_shrunk": round(float(np.mean(hits.get((name, "shrunk"), [0]))), 4),
            "claimed": claimed,
        }
        for (name, kind), values in hits.items()
        if kind in ("wald", "profile", "prediction")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_intervals_hold_what_they_promise(study: str) -> None:
    fresh = pl.DataFrame(rows_of(study))
    kept = pl.read_csv(OUT).filter(pl.col("study") != study) if OUT.exists() else fresh.head(0)
    order = {name: i for i, name in enumerate(STUDIES)}
    rank = pl.col("study").replace_strict(order, default=99)
    pl.concat([kept, fresh]).sort(rank, maintain_order=True).write_csv(OUT)
    claimed = fresh.filter("claimed")
    assert claimed.filter(~pl.col("coverage").is_between(0.92, 0.98)).is_empty(), claimed
