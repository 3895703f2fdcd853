"""Do the intervals of attribution hold the true shares? Writes attribution_coverage.csv.

People are of a few kinds, each with known journeys, so that the true share of a channel is a sum
over kinds (for the chain: over what is expected of its transitions), worked out here without code
of the kit. A few kinds convert several times. The control takes each conversion for a person of
its own, and must fail.
"""

import os
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from recording import record
from tqdm import tqdm

import viralkit as vk

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("attribution_coverage.csv")
PEOPLE, HALF_LIFE = 2_000, 2.0
KINDS = {  # journeys of a person (a day from touch to touch; ! is a conversion), and how frequent
    "a": 0.25,
    "b": 0.15,
    "c": 0.14,
    "a b": 0.12,
    "b c a": 0.08,
    "c b": 0.10,
    "a !": 0.03,
    "b !": 0.02,
    "a b !": 0.04,
    "b a c !": 0.03,
    "c a a b !": 0.02,
    "a b ! c b ! b !": 0.015,
    "c ! c ! c ! c ! c !": 0.005,
}
STUDIES = {  # the model and whether 95 % is claimed
    "first": ("first", True),
    "last": ("last", True),
    "linear": ("linear", True),
    "time_decay": ("time_decay", True),
    "markov": ("markov", True),
    "control: a person a conversion": ("last", False),
}


def journeys(kind: str) -> list[tuple[list[str], bool]]:
    parts = [part.split() for part in kind.split("!")]
    done = [(part, True) for part in parts[:-1]]
    return [*done, (parts[-1], False)] if parts[-1] else done


def weights(path: list[str], model: str) -> list[float]:
    if model in ("first", "last"):
        return [float(i == (0 if model == "first" else len(path) - 1)) for i in range(len(path))]
    half = HALF_LIFE if model == "time_decay" else np.inf
    raw = [0.5 ** ((len(path) - 1 - i) / half) for i in range(len(path))]
    return [w / sum(raw) for w in raw]


def true_shares(model: str) -> dict[str, float]:
    credit: Counter = Counter()
    if model == "markov":
        credit.update({channel: lost_without(channel) for channel in "abc"})
    else:
        for kind, frequency in KINDS.items():
            for path, converted in journeys(kind):
                for channel, weight in zip(path, weights(path, model), strict=True):
                    credit[channel] += frequency * weight * converted
    return {channel: credit[channel] / credit.total() for channel in "abc"}


def lost_without(removed: str) -> float:
    """Follow the crowd through the expected transitions of order one."""
    steps: dict[str, Counter] = {}
    for kind, frequency in KINDS.items():
        for path, converted in journeys(kind):
            names = ["start", *path, "yes" if converted else "no"]
            for here, there in pairwise(names):
                steps.setdefault(here, Counter())[there] += frequency
    reached = {}
    for gone in (None, removed):
        crowd, won = Counter({"start": 1.0}), 0.0
        while crowd.total() > 1e-13:
            moved: Counter = Counter()
            for here, share in crowd.items():
                for there, frequency in steps[here].items():
                    moved[there] += share * frequency / steps[here].total()
            won += moved["yes"]
            crowd = Counter({n: s for n, s in moved.items() if n not in ("yes", "no", gone)})
        reached[gone] = won
    return 1 - reached[removed] / reached[None]


def rows_of_kinds() -> pl.DataFrame:
    rows = []
    for number, kind in enumerate(KINDS):
        day = session = 0
        for path, converted in journeys(kind):
            for channel in path:
                day, session = day + 1, session + 1
                rows.append((number, day, session, channel, "visit"))
            if converted:
                rows.append((number, day, session, path[-1], "conversion"))
    names = ["kind", "day", "session", "channel", "action"]
    return pl.DataFrame(rows, names, orient="row")


ROWS = rows_of_kinds()


def draw(rng: np.random.Generator) -> pl.DataFrame:
    kind = rng.choice(len(KINDS), PEOPLE, p=list(KINDS.values()))
    people = pl.DataFrame({"kind": kind, "user": [f"u{i}" for i in range(PEOPLE)]})
    start = pl.lit(datetime(2026, 1, 1, tzinfo=UTC))
    return people.join(ROWS, "kind").with_columns(
        time=start + pl.duration(days="day"), url=pl.lit("https://a.org/")
    )


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_intervals_of_shares_hold_what_they_promise(study: str) -> None:
    model, claimed = STUDIES[study]
    truth = true_shares(model)
    how = {"order": 1} if model == "markov" else {"half_life_days": HALF_LIFE}
    inside: dict[str, list[bool]] = {channel: [] for channel in truth}
    for seed in tqdm(range(REPLICATES), desc=study, leave=False):
        clicks = draw(np.random.default_rng([seed, 41]))
        if not claimed:
            last = pl.col("action").shift(-1).over("user") == "conversion"
            clicks = clicks.filter(last | (pl.col("action") == "conversion"))
            clicks = clicks.with_columns(pl.format("{} {}", "user", "session"))
        table = vk.attribution_table(clicks, model, seed=seed, replicates=400, **how)
        for channel, low, high in table.select("channel", "lower", "upper").rows():
            inside[channel].append(low <= truth[channel] <= high)
    fresh = pl.DataFrame(
        {
            "study": study,
            "channel": list(inside),
            "truth": [round(truth[channel], 6) for channel in inside],
            "replicates": [REPLICATES] * len(inside),
            "coverage": [round(float(np.mean(held)), 4) for held in inside.values()],
            "claimed": claimed,
        }
    )
    record(fresh, study, STUDIES, OUT)
    held = fresh["coverage"].is_between(0.93, 0.97)
    assert held.all() if claimed else not held.all(), fresh
