"""How often do SEISMIC's intervals hold the truth? Writes seismic_coverage.csv.

Cascades come from a simulator of the model itself that shares no code with the kit: infectiousness
is constant, followers are lognormal with the mean that the model assumes, reaction times follow its
kernel. Asked at several ages, of cascades that have at least 50 events by then.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from viralkit.models.seismic import Seismic

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("seismic_coverage.csv")
MEAN, CUTOFF, SLOPE, LEVEL = 100.0, 300.0, 0.2314843, 0.0006265725
RATIO, SEED_FOLLOWERS = 0.007, 20_000.0  # so that n* = .7 and some 470 events are expected
AGES = [600.0, 1800.0, 3600.0, 21600.0]


def reaction_times(number: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ages at reaction by the inverse of their distribution."""
    flat = LEVEL * CUTOFF / (LEVEL * CUTOFF * (1 + 1 / SLOPE))
    share = rng.uniform(size=number)
    tail = CUTOFF * ((1 - share) / (1 - flat)) ** (-1 / SLOPE)
    return np.where(share < flat, CUTOFF * share / flat, tail)


def followers(number: int, rng: np.random.Generator) -> np.ndarray:
    return rng.lognormal(np.log(MEAN) - 0.5, 1.0, number)


def cascade(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw one cascade by generations: times and followers, in order of time."""
    times, audience = np.zeros(1), np.array([SEED_FOLLOWERS])
    all_times, all_audience = [times], [audience]
    while times.size:
        children = rng.poisson(RATIO * audience)
        times = np.repeat(times, children) + reaction_times(children.sum(), rng)
        audience = followers(times.size, rng)
        all_times.append(times)
        all_audience.append(audience)
    times, audience = np.concatenate(all_times), np.concatenate(all_audience)
    order = np.argsort(times, kind="stable")
    return times[order], audience[order]


def study(alpha: float) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    rows = []
    for number in range(REPLICATES):
        times, audience = cascade(rng)
        columns = {"cascade_id": str(number), "time": times, "magnitude": audience}
        events = pl.DataFrame(columns).with_columns(event_id=pl.int_range(pl.len()).cast(pl.String))
        frame = Seismic(events).fit(AGES).frame(alpha).filter(pl.col("size") >= 50)
        rows.append(frame.with_columns(truth=pl.lit(float(times.size))))
    size = pl.col("truth").is_between("final_size_lower", "final_size_upper")
    ratio = pl.lit(RATIO).is_between(pl.col("infectiousness_lower"), pl.col("infectiousness_upper"))
    ends = pl.col("final_size").is_finite()
    return (
        pl.concat(rows)
        .group_by("time", maintain_order=True)
        .agg(
            pl.len().alias("replicates"),
            infectiousness=ratio.mean(),
            final_size=size.mean(),
            without_end=(~ends).mean(),
            median_ratio_to_truth=(pl.col("final_size") / pl.col("truth")).median(),
        )
        .sort("time")
        .with_columns(alpha=pl.lit(alpha))
    )


@pytest.mark.slow
def test_coverage_of_seismic() -> None:
    found = pl.concat([study(alpha) for alpha in (0.1, 0.05)])
    found = found.with_columns(pl.selectors.float().round(4))
    found.write_csv(OUT)
    print(found)
    assert found["replicates"].min() > 0.5 * REPLICATES
