"""Do the intervals of K, cycle time and forecasts hold what they promise? Writes a csv.

The csv is loops_coverage.csv. Users send a negative binomial number of invitations, of which a
binomial number is accepted. A row a study and quantity: the share of replicates whose 95 %
interval holds the truth, and the median relative error. In "users who differ in the rate" each
user's friends accept with a share of their own (beta law). The forecast's truth is drawn. The
control takes totals, whose interval must assume a law that does not hold, and must fail.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from recording import record
from scipy import stats
from tqdm import tqdm

import viralkit as vk

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("loops_coverage.csv")
START = datetime(2026, 1, 1, tzinfo=UTC)
K = {"invitations_per_user": 3.0, "acceptance_rate": 0.3, "k_factor": 0.9}
DAYS, DELAY, SPREAD = 60.0, 10.0, 0.6
Rows = list[tuple[str, float, float, float, float]]


def counts(rng: np.random.Generator, users: int, k: float, varied: bool) -> tuple:
    sent = rng.negative_binomial(k, k / (k + 3.0), users)
    rate = rng.beta(0.6, 1.4, users) if varied else 0.3
    return sent, rng.binomial(sent, rate)


def each(users: int, k: float, varied: bool = False) -> Callable[[np.random.Generator], Rows]:
    def study(rng: np.random.Generator) -> Rows:
        found = vk.k_factor(*counts(rng, users, k, varied))
        rows = found.select("quantity", "estimate", "lower", "upper").rows()
        return [(*row, K[row[0]]) for row in rows]

    return study


def totals(rng: np.random.Generator) -> Rows:
    sent, taken = counts(rng, 300, 0.5, True)
    found = vk.k_factor(int(sent.sum()), int(taken.sum()), users=300)
    rows = found.select("quantity", "estimate", "lower", "upper").rows()
    return [(*row, K[row[0]]) for row in rows]


def inviters(rng: np.random.Generator) -> Rows:
    """Each inviter has a pace of their own, so that their referrals resemble one another."""
    came = rng.uniform(0, DAYS, 600)
    sent = 1 + rng.negative_binomial(1, 0.4, 600)
    pace = np.repeat(rng.lognormal(np.log(DELAY), SPREAD, 600), sent)
    when = np.repeat(came, sent) + pace * rng.lognormal(0, SPREAD, sent.sum())
    names = [f"i{n}" for n in range(600)]
    by = np.repeat(names, sent)[when < DAYS]
    when = when[when < DAYS]
    days = [*came, *when, 0.0, DAYS]
    frame = pl.DataFrame(
        {
            "user": [*names, *(f"u{n}" for n in range(len(when))), "first", "last"],
            "invited_by": [*[None] * 600, *by, None, None],
            "time": START + pl.Series(np.array(days) * 86_400e6).cast(pl.Duration("us")),
        }
    )
    cycle, _ = vk.cycle_time(frame, watched_days=DAYS / 2)
    law = stats.lognorm(s=SPREAD * 2**0.5, scale=DELAY)
    share = law.cdf(DAYS / 2)
    mean = law.expect(lambda x: x, ub=DAYS / 2) / share
    truth = {"mean_days": mean, "median_days": float(law.ppf(share / 2))}
    rows = cycle.select("quantity", "estimate", "lower", "upper").rows()
    return [(*row, truth[row[0]]) for row in rows]


def forecast(rng: np.random.Generator) -> Rows:
    """K from 300 users; then 100 others start a loop, of which six cycles are drawn."""
    sent = rng.negative_binomial(0.5, 0.5 / (0.5 + 0.8), 300)
    loop = vk.loop_forecast(vk.k_factor(sent, sent), 7, users=100, until_days=42)
    new = total = 100
    for _ in range(6):
        new = int(rng.negative_binomial(0.5 * new, 0.5 / (0.5 + 0.8))) if new else 0
        total += new
    last = loop.frame().row(-1, named=True)
    return [("users_in_all", last["total"], last["total_lower"], last["total_upper"], total)]


STUDIES: dict[str, tuple[Callable[[np.random.Generator], Rows], bool]] = {
    "300 users, k = 0.5": (each(300, 0.5), True),
    "2,000 users, k = 0.2": (each(2000, 0.2), True),
    "300 users who differ in the rate": (each(300, 0.5, True), True),
    "cycle time, inviters differ": (inviters, True),
    "forecast of 100 users": (forecast, True),
    "50 users, k = 0.5": (each(50, 0.5), False),
    "control: totals": (totals, False),
}


def rows_of(study: str) -> list[dict]:
    draw, claimed = STUDIES[study]
    hits: dict[str, list[bool]] = {}
    errors: dict[str, list[float]] = {}
    for seed in tqdm(range(REPLICATES), desc=study, leave=False):
        for name, estimate, lower, upper, truth in draw(np.random.default_rng([seed, 41])):
            hits.setdefault(name, []).append(lower <= truth <= upper)
            errors.setdefault(name, []).append(estimate / truth - 1)
    return [
        {
            "study": study,
            "quantity": name,
            "replicates": REPLICATES,
            "coverage": round(float(np.mean(values)), 4),
            "median_error": round(float(np.median(errors[name])), 4),
            "claimed": claimed,
        }
        for name, values in hits.items()
    ]


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_intervals_hold_what_they_promise(study: str) -> None:
    fresh = pl.DataFrame(rows_of(study))
    record(fresh, study, STUDIES, OUT)
    claimed = fresh.filter("claimed")
    assert claimed.filter(~pl.col("coverage").is_between(0.93, 0.97)).is_empty(), claimed
