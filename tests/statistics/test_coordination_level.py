"""Does the test of coordination keep its promise? Writes coordination_level.csv.

A row a study: the share of replicates with any false discovery, the mean share of discoveries
that are false, and the share of the planted pairs that are found. Nobody is coordinated in
"independent", even where each shares much in one sitting; a group of five is in "planted". The
control reckons with times that are spread evenly over the day, as if there were no rhythm: it must
fail.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from posting import as_events, in_sittings, independent, planted
from tqdm import tqdm

import viralkit as vk
from viralkit.cascades import coordination
from viralkit.cascades.coordination import HOUR, Strata, count_strata

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("coordination_level.csv")
GROUP = 5
SPARSE = {"accounts": 100, "things": 150, "each": 40, "days": 3}
DENSE = {"accounts": 12, "things": 600, "each": 300, "days": 1}


def evenly(shares: pl.DataFrame, span: int) -> Strata:
    """Close pairs as often as evenly spread times of a whole day would make them."""
    posts = count_strata(shares, span).posts
    inside = posts * (posts - 1) * span / (24 * HOUR)
    return Strata(posts, inside.astype(np.int64), np.zeros_like(posts))


SITTINGS = {"accounts": 50, "things": 12, "each": 8, "days": 6}
STUDIES = [
    ("independent, sparse", SPARSE, False, "hours", 60),
    ("independent, dense", DENSE, False, "hours", 60),
    ("independent, dense", DENSE, False, "hours", 300),
    ("independent, dense", DENSE, False, "things_and_hours", 300),
    ("independent, in sittings", SITTINGS, False, "sittings", 60),
    ("planted", SPARSE, True, "hours", 60),
    ("planted, dense", DENSE, True, "hours", 60),
    ("control", DENSE, False, "hours", 300),
]


def replicate(seed: int, world: dict, group: bool, null: str, within: float) -> tuple[int, int]:
    """How many of the planted pairs, and how many others, were called coordinated."""
    rng = np.random.default_rng([seed, len(world), world["things"]])
    shares = (in_sittings if null == "sittings" else independent)(rng, **world)
    if group:
        shares = planted(rng, shares, GROUP, 15)
    pairs = vk.coordinated(as_events(shares), within=within, at_least=2, null=null)
    found = pairs.filter(pl.col("group").is_not_null())
    if not group:
        return 0, len(found)
    ring = [f"account {k}" for k in range(GROUP)]
    true = found.filter(pl.col("user_a").is_in(ring) & pl.col("user_b").is_in(ring))
    return len(true), len(found) - len(true)


@pytest.mark.slow
def test_false_discoveries_stay_at_the_promised_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    for name, world, group, null, within in STUDIES:
        if name == "control":
            monkeypatch.setattr(coordination, "HOUR", 24 * HOUR)
            monkeypatch.setattr(coordination, "count_strata", evenly)
        many = REPLICATES if name != "control" else REPLICATES // 10
        seeds = tqdm(range(many), desc=f"{name}, {null}, {within} s", leave=False)
        found = np.array([replicate(seed, world, group, null, within) for seed in seeds])
        true, false = found[:, 0], found[:, 1]
        rate = false / np.maximum(true + false, 1)
        pairs = GROUP * (GROUP - 1) / 2
        share = float(true.mean() / pairs) if group else None
        rows.append(
            (name, null, within, many, float((false > 0).mean()), float(rate.mean()), share)
        )
    schema = ["study", "null", "within", "replicates", "any_false", "false_share", "found_share"]
    table = pl.DataFrame(rows, schema, orient="row").with_columns(pl.col(pl.Float64).round(4))
    table.write_csv(OUT)
    assert table.filter(pl.col("study") != "control")["false_share"].max() <= 0.05
    assert table.filter(pl.col("study") == "control")["any_false"].min() > 0.5
