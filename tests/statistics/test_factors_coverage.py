"""Do the factors of R and the comparison of two versions hold what they promise?

Writes factors_coverage.csv. People come from a simulator that shares no code with the kit: uneven
in contacts, in telling and in how their friends act. A row a study, quantity and factor. `value` is
the share of replicates: whose 95 % interval holds the truth (coverage), whose p-value is below .05
with equal versions (level), or with the people that `people_needed` asks for (power, 80 % wanted).
`fits` counts replicates that have an interval (somebody acted). The control takes contacts for
independent of who tells them, and must fail; "n - 1 degrees of freedom" is what most would take.
With few people the comparison errs on the safe side, so that is shown, not claimed.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from recording import record
from scipy import stats
from telling import most_are_silent, people
from tqdm import tqdm

import viralkit as vk

REPLICATES = int(os.environ.get("VIRALKIT_REPLICATES", "2000"))
OUT = Path(__file__).with_name("factors_coverage.csv")
FACTORS = ("contacts", "passability", "remarkability", "R")
Three = tuple[float, float, float]
World = tuple[Callable[..., pl.DataFrame], Three, float, int]  # law, factors, unevenness, people
WORLDS: dict[str, World] = {
    "all alike": (people, (20, 0.3, 0.1), 0.0, 100),
    "uneven": (people, (20, 0.3, 0.1), 0.2, 100),
    "very uneven": (people, (20, 0.3, 0.1), 0.5, 100),
    "rarely acted on": (people, (20, 0.1, 0.02), 0.3, 500),
    "few people": (people, (10, 0.9, 0.3), 0.2, 20),
    "most are silent": (most_are_silent, (20, 0.05, 0.1), 0.8, 300),
}
LIMITS = {"coverage": (0.93, 0.97), "level": (0.03, 0.07), "power": (0.76, 0.84)}
Row = dict[str, bool | None]


def draws(world: World, versions: int, name: str) -> Iterator[list[pl.DataFrame]]:
    law, factors, u, many = world
    for seed in tqdm(range(REPLICATES), desc=name, leave=False):
        rng = np.random.default_rng([seed, 31])
        yield [law(rng, many, factors, u) for _ in range(versions)]


def truth(world: World) -> pl.Series:
    return pl.Series(np.array([*world[1], np.prod(world[1])]))


def inside(out: pl.DataFrame, stem: str, true: pl.Series) -> Row:
    hit = (out[f"{stem}lower"] <= true) & (out[f"{stem}upper"] >= true)
    return dict(zip(FACTORS, hit, strict=True))


def one_version(name: str, **choices: object) -> Iterator[tuple[str, Row]]:
    for (table,) in draws(WORLDS[name], 1, name):
        out = vk.decompose(table, **choices)
        yield "coverage", inside(out, "", truth(WORLDS[name]))


def two_versions(name: str) -> Iterator[tuple[str, Row]]:
    for a, b in draws(WORLDS[name], 2, name):
        out = vk.compare_variants(a, b)
        yield "coverage of ratio", inside(out, "ratio_", pl.Series([1.0] * 4))
        yield "coverage of difference", inside(out, "difference_", pl.Series([0.0] * 4))
        yield "level", dict(zip(FACTORS, out["p_value"] < 0.05, strict=True))


def lifted(name: str, lift: float) -> Iterator[tuple[str, Row]]:
    """B is passed on more often; as many people as are asked for, for each of two rows."""
    law, (contacts, passability, remarkability), u, _ = WORLDS[name]
    better = (contacts, lift * passability, remarkability)
    versions = (WORLDS[name][1], better)
    keys = FACTORS[:3]
    plan = vk.plan_variants(
        *(dict(zip(keys, v, strict=True)) for v in versions), unevenness=u, people=500
    )
    for row in (1, 3):
        many, factor = plan["people_needed"][row], FACTORS[row]
        for seed in tqdm(range(REPLICATES), desc=f"{name}, {factor}", leave=False):
            rng = np.random.default_rng([seed, 37])
            out = vk.compare_variants(*(law(rng, many, v, u) for v in versions))
            yield "power", {factor: out["p_value"][row] < 0.05}
            hit = out["ratio_lower"][row] <= lift <= out["ratio_upper"][row]
            yield "coverage of ratio", {factor: hit}


def simple(name: str, freedom: str) -> Iterator[tuple[str, Row]]:
    """What others do: contacts as independent (binomial, Poisson), or n - 1 degrees of freedom."""
    true = truth(WORLDS[name]).to_numpy()
    for (table,) in draws(WORLDS[name], 1, name):
        counts = table.to_numpy().astype(float)
        many, (has, told, acted) = len(counts), counts.sum(axis=0)
        found = np.array([has / many, told / has, acted / told, acted / many])
        if freedom == "contacts":
            error = np.sqrt([1 / has, 1 / told - 1 / has, 1 / acted - 1 / told, 1 / acted])
            reach = 1.96 * error
        else:
            reach = stats.t(many - 1).ppf(0.975) * np.sqrt(own_variance(counts) / many)
        yield "coverage", dict(zip(FACTORS, np.abs(np.log(found / true)) <= reach, strict=True))


def own_variance(counts: np.ndarray) -> np.ndarray:
    has, told, acted = (counts / counts.mean(axis=0)).T
    return np.array([np.var(part, ddof=1) for part in (has, told - has, acted - told, acted)])


STUDIES: dict[str, tuple[Callable[[], Iterator[tuple[str, Row]]], bool]] = {}
for world in WORLDS:
    STUDIES[f"{world}, delta"] = (lambda n=world: one_version(n), True)
for world in ("uneven", "very uneven", "most are silent"):
    how = {"interval": "bootstrap", "replicates": 199}
    STUDIES[f"{world}, bootstrap"] = (lambda n=world, how=how: one_version(n, **how), False)
for world in WORLDS:
    STUDIES[f"{world}, two versions"] = (lambda n=world: two_versions(n), world != "few people")
for world, lift in (("all alike", 1.25), ("uneven", 1.25), ("very uneven", 1.25), ("uneven", 2)):
    STUDIES[f"{world}, b told {lift:g}-fold"] = (lambda n=world, r=lift: lifted(n, r), True)
STUDIES["very uneven, n - 1 degrees of freedom"] = (lambda: simple("very uneven", "n - 1"), False)
STUDIES["control: contacts as independent"] = (lambda: simple("uneven", "contacts"), False)


def rows_of(study: str) -> list[dict]:
    run, claimed = STUDIES[study]
    hits: dict[tuple[str, str], list[bool]] = {}
    for quantity, row in run():
        for factor, hit in row.items():
            if hit is not None or not quantity.startswith("coverage"):
                hits.setdefault((quantity, factor), []).append(bool(hit))
    return [
        {
            "study": study,
            "quantity": quantity,
            "factor": factor,
            "fits": len(values),
            "replicates": REPLICATES,
            "value": round(float(np.mean(values)), 4),
            "claimed": claimed,
        }
        for (quantity, factor), values in hits.items()
    ]


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_intervals_level_and_power_hold(study: str) -> None:
    fresh = pl.DataFrame(rows_of(study))
    record(fresh, study, STUDIES, OUT)
    for row in fresh.filter("claimed").iter_rows(named=True):
        low, high = LIMITS[row["quantity"].split(" ")[0]]
        assert low <= row["value"] <= high, row
