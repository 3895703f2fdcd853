"""Do the intervals of self-exciting models hold what they promise? Writes hawkes_coverage.csv.

Cascades come from a simulator that shares no code with the kit. A row a parameter and interval: the
share of replicates whose 95 % interval holds the truth, the median error of the estimate, and the
coverage of intervals half as wide on the log scale (the control that must fail).
"""

import os
from collections.abc import Callable, Iterator
from itertools import count as count_up
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tqdm import tqdm

import viralkit as vk

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("hawkes_coverage.csv")
Delay = Callable[[np.random.Generator, int], np.ndarray]
Replicate = tuple[object, dict[str, float], float | None]  # fit, truth, final size or later count


def quick(theta: float) -> Delay:
    return lambda rng, size: rng.exponential(1 / theta, size)


def slow(theta: float, c: float) -> Delay:
    return lambda rng, size: c * (rng.random(size) ** (-1 / theta) - 1)


def tree(rng: np.random.Generator, roots: np.ndarray, n: float, delay: Delay, until: float):
    """Times of roots and all their descendants up to a time, in order."""
    parts, now = [roots], roots
    while len(now):
        now = np.repeat(now, rng.poisson(n, len(now)))
        now = now + delay(rng, len(now))
        now = now[now <= until]
        parts.append(now)
    return np.sort(np.concatenate(parts))


def forest(rng: np.random.Generator, count: int, n: float, delay: Delay, until: float):
    """Many cascades at once: the times of all events, and which cascade each belongs to."""
    now, owner = np.zeros(count), np.arange(count)
    times, owners = [now], [owner]
    while len(now):
        children = rng.poisson(n, len(now))
        now, owner = np.repeat(now, children), np.repeat(owner, children)
        now = now + delay(rng, len(now))
        now, owner = now[now <= until], owner[now <= until]
        times.append(now)
        owners.append(owner)
    return np.concatenate(times), np.concatenate(owners)


def cascades(rng, count: int, n: float, delay: Delay, until: float, least: int = 1):
    """Draw cascades until so many have the least size; as an events table."""
    found: list[np.ndarray] = []
    while len(found) < count:
        times, owner = forest(rng, count if least == 1 else 400, n, delay, until)
        large = np.flatnonzero(np.bincount(owner) >= least)
        found += [np.sort(times[owner == i]) for i in large]
    name = np.repeat(np.arange(count), [len(times) for times in found[:count]])
    events = pl.DataFrame({"cascade_id": name, "time": np.concatenate(found[:count])})
    number = pl.int_range(pl.len()).over("cascade_id").cast(pl.String)
    return events.with_columns(pl.col("cascade_id").cast(pl.String), event_id=number)


def pooled(
    n: float,
    until: float = np.inf,
    least: int = 1,
    corrected: bool = True,
    kernel: str = "exponential",
) -> Callable:
    """Groups of cascades, all kept or only the large ones."""
    law = {"theta": 0.5} if kernel == "exponential" else {"theta": 1.5, "c": 20.0}
    delay = quick(0.5) if kernel == "exponential" else slow(1.5, 20.0)

    def replicates(count: int) -> Iterator[Replicate]:
        for seed in count_up():  # too few events leave nothing to fit
            rng = np.random.default_rng([seed, count, least])
            events = cascades(rng, count, n, delay, until, least)
            if len(events) < count + 2:
                continue
            fit = vk.Hawkes.fit_together(
                events,
                kernel=kernel,
                observed_until=until,
                minimum_size=least if corrected else 1,
            )
            yield fit, {"branching": n, **law}, None

    return replicates


def background(n: float, kernel: str = "exponential", ahead: float = 0.0) -> Callable:
    """One series of about so many events, with a constant background."""
    law = {"theta": 0.5} if kernel == "exponential" else {"theta": 1.5, "c": 5.0}
    delay = quick(0.5) if kernel == "exponential" else slow(1.5, 5.0)

    def replicates(size: int) -> Iterator[Replicate]:
        until = size * (1 - n) / 0.2
        for seed in range(REPLICATES):
            rng = np.random.default_rng([seed, 23])
            roots = rng.uniform(0, until * (1 + ahead), rng.poisson(0.2 * until * (1 + ahead)))
            times = tree(rng, roots, n, delay, until * (1 + ahead))
            seen = times[times <= until]
            model = vk.Hawkes(seen, kernel=kernel, background="constant", observed_until=until)
            yield model.fit(), {"branching": n, "mu": 0.2, **law}, float(len(times))

    return replicates


def one_cascade(n: float, share: float) -> Callable:
    """One cascade that reached a size, watched to its end or until a share of that size."""

    def replicates(size: int) -> Iterator[Replicate]:
        for seed in range(REPLICATES):
            rng = np.random.default_rng([seed, 29])
            times = np.zeros(1)
            while len(times) < size:
                times = tree(rng, np.zeros(1), n, quick(0.5), np.inf)
            stop = np.inf if share == 1 else float(times[size - 1])
            fit = vk.Hawkes(times[times <= stop], observed_until=stop).fit()
            yield fit, {"branching": n, "theta": 0.5}, float(len(times))

    return replicates


STUDIES = {  # name: (replicates, size, whether 93-97 % is claimed)
    "pooled five": (pooled(0.9), 5, True),
    "pooled twenty": (pooled(0.8), 20, True),
    "pooled in a window": (pooled(1.1, until=8.0), 20, True),
    "pooled selected": (pooled(0.7, least=20), 10, True),
    "pooled selected strongly": (pooled(0.5, least=12), 10, True),
    "pooled selected in a window": (pooled(0.8, until=12.0, least=10), 10, False),
    "pooled selected, not corrected": (pooled(0.5, least=12, corrected=False), 10, False),
    "pooled power law": (pooled(0.9, until=2000.0, kernel="power_law"), 60, True),
    "series": (background(0.6), 500, True),
    "series with forecast": (background(0.6, ahead=0.2), 500, False),
    "series power law": (background(0.6, kernel="power_law"), 3000, False),
    "one finished cascade": (one_cascade(0.93, 1), 50, False),
    "one growing cascade": (one_cascade(0.9, 0.5), 50, False),
}


FEWER = {  # a replicate takes long
    "pooled selected in a window": 300,
    "series with forecast": 250,
    "series power law": 400,
    "one growing cascade": 250,
}


def rounds(study: str) -> int:
    return min(REPLICATES, FEWER.get(study, REPLICATES))


def interval_of(fit, name: str) -> tuple[float, float]:
    if name == "branching":
        return fit.branching_interval()
    row = fit.conf_int().filter(pl.col("parameter") == name).row(0)
    return row[1], row[2]


def held(fit, truth: dict[str, float], later: float | None, study: str) -> dict:
    """Which intervals of one replicate hold the truth; also errors and the shrunken control."""
    found: dict[tuple[str, str], float] = {}
    for name, value in truth.items():
        low, high = interval_of(fit, name)
        estimate = fit.branching_factor if name == "branching" else fit.params[name]
        found[name, "interval"] = low <= value <= high
        found[name, "error"] = estimate / value - 1
        with np.errstate(all="ignore"):
            narrow = np.sqrt(estimate * low) <= value <= np.sqrt(estimate * high)
        found[name, "shrunk"] = narrow
    if study == "one growing cascade":
        row = fit.final_size().row(0, named=True)
        found["final size", "interval"] = row["lower"] <= later <= row["upper"]
    if study == "series with forecast":
        row = fit.forecast(float(fit.model.stream.until[0]) * 1.2).row(-1, named=True)
        found["forecast", "interval"] = row["lower"] <= later <= row["upper"]
    return found


def rows_of(study: str) -> list[dict]:
    replicates, size, claimed = STUDIES[study]
    hits: dict[tuple[str, str], list[float]] = {}
    draws = islice(replicates(size), rounds(study))
    for fit, truth, later in tqdm(draws, total=rounds(study), desc=study):
        for key, value in held(fit, truth, later, study).items():
            hits.setdefault(key, []).append(value)
    return [
        {
            "study": study,
            "parameter": name,
            "size": size,
            "replicates": len(values),
            "coverage": round(float(np.mean(values)), 4),
            "median_error": round(float(np.median(hits.get((name, "error"), [0]))), 5),
            "coverage_shrunk": round(float(np.mean(hits.get((name, "shrunk"), [0]))), 4),
            "claimed": claimed,
        }
        for (name, kind), values in hits.items()
        if kind == "interval"
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
