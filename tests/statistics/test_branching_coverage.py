"""Do the intervals of R and k hold what they promise? Writes branching_coverage.csv.

Cascades come from a simulator that shares no code with the kit. A row a study and parameter: the
share of replicates whose 95 % interval holds the truth, and the median relative error. Whether
the truth lies inside is read from the profile itself; for the first hundred replicates it must
agree with `conf_int`. The control takes offspring for Poisson that are not, and must fail; "by
AIC" shows what it costs to choose the law from the same data.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from progeny import offspring, sizes
from recording import record
from scipy import stats
from tqdm import tqdm

import viralkit as vk

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("branching_coverage.csv")
LIMIT = float(stats.chi2(1).ppf(0.95))
FREE = {"law": "negative_binomial"}
Draw = Callable[[np.random.Generator, float, float], tuple[pl.DataFrame, dict]]


def finished(rng: np.random.Generator, mean: float, k: float) -> tuple[pl.DataFrame, dict]:
    return pl.DataFrame({"size": sizes(rng, 250, mean, k)}), {}


def growing(rng: np.random.Generator, mean: float, k: float) -> tuple[pl.DataFrame, dict]:
    """Each cascade was watched up to a size of its own; a third of all people come later."""
    size, seen = sizes(rng, 250, mean, k), rng.integers(2, 25, 250)
    bound = np.where(size >= seen, "at_least", "exact")
    return pl.DataFrame({"size": np.minimum(size, seen), "bound": bound}), {}


def kept(rng: np.random.Generator, mean: float, k: float) -> tuple[pl.DataFrame, dict]:
    """Only sizes of five and more were kept, as in many published data sets."""
    size = sizes(rng, 4000, mean, k)
    return pl.DataFrame({"size": size[size >= 5][:200]}), {"at_least": 5}


def counted(rng: np.random.Generator, mean: float, k: float) -> tuple[pl.DataFrame, dict]:
    children = offspring(rng, np.ones(250, int), mean, k)
    return pl.DataFrame({"offspring": children}), {"of": "offspring"}


STUDIES: dict[str, tuple[Draw, float, float, dict, bool]] = {  # draw, R, k, fit, claimed
    "complete, negative binomial": (finished, 0.6, 0.5, FREE, True),
    "complete, geometric": (finished, 0.6, 1.0, {"law": "geometric"}, True),
    "complete, Poisson": (finished, 0.6, np.inf, {"law": "poisson"}, True),
    "offspring, negative binomial": (counted, 0.8, 0.3, FREE, True),
    "still growing, negative binomial": (growing, 0.6, 0.5, FREE, True),
    "truncated, negative binomial": (kept, 0.6, 0.5, {"k": 0.5}, True),
    "truncated, geometric": (kept, 0.6, 1.0, {"law": "geometric"}, True),
    "truncated, Poisson": (kept, 0.6, np.inf, {"law": "poisson"}, True),
    "complete, by AIC": (finished, 0.6, 3.0, {}, False),
    "control: taken for Poisson": (counted, 0.8, 0.3, {"law": "poisson"}, False),
}


def held(fit: object, mean: float, k: float, check: bool) -> dict[str, bool]:
    """Which truths lie inside, by the profile and, to compare, by the interval."""
    best = fit._fit
    inside = {"R": best.excess_x(LIMIT)(np.log(mean)) <= 0}
    if best.is_free:
        inside["k"] = best.excess_u(LIMIT if best.u > 0 else 2.705543)(np.log1p(1 / k)) <= 0
    if check:
        truth = {"R": mean, "k": k}
        rows = fit.conf_int().drop_nulls().iter_rows()
        assert inside == {name: low <= truth[name] <= high for name, low, high in rows}
    return inside


def rows_of(study: str) -> list[dict]:
    draw, mean, k, choices, claimed = STUDIES[study]
    hits: dict[str, list[bool]] = {}
    errors: dict[str, list[float]] = {}
    for seed in tqdm(range(REPLICATES), desc=study, leave=False):
        table, how = draw(np.random.default_rng([seed, 23]), mean, k)
        fit = vk.Branching(table, **how).fit(**choices)
        for name, inside in held(fit, mean, k, seed < 100).items():
            hits.setdefault(name, []).append(inside)
            truth = {"R": mean, "k": k}[name]
            errors.setdefault(name, []).append(fit.params[name] / truth - 1)
    return [
        {
            "study": study,
            "parameter": name,
            "fits": len(values),
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
