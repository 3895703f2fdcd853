"""Two versions of a message: what differs, and how many people it takes to tell."""

import numpy as np
import polars as pl
import pytest
from scipy import stats
from telling import people

import viralkit as vk

WORLD, U = (20, 0.3, 0.1), 0.2
A = {"contacts": 20, "passability": 0.3, "remarkability": 0.1}


def draw(seed: int, many: int, factors: tuple[float, float, float] = WORLD) -> pl.DataFrame:
    return people(np.random.default_rng([seed, 5]), many, factors, U)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return draw(1, 400)


def test_two_versions_differ_where_they_were_made_to(table: pl.DataFrame) -> None:
    out = vk.compare_variants(table, draw(2, 500, (20, 0.3, 0.25)))
    rows = {row["factor"]: row for row in out.iter_rows(named=True)}
    ratios = [rows[name]["ratio"] for name in A]
    assert np.prod(ratios) == pytest.approx(rows["R"]["ratio"])
    assert rows["remarkability"]["ratio_lower"] < 2.5 < rows["remarkability"]["ratio_upper"]
    assert rows["R"]["difference_lower"] < 0.9 < rows["R"]["difference_upper"]
    assert rows["remarkability"]["p_value"] < 1e-6 and rows["R"]["p_value"] < 1e-3
    assert rows["contacts"]["p_value"] > 0.01
    assert out["note"].null_count() == 4


def test_swapping_the_versions_turns_ratios_and_differences_round(table: pl.DataFrame) -> None:
    other = draw(3, 300)
    out, back = vk.compare_variants(table, other), vk.compare_variants(other, table)
    for one, two in (("ratio", "ratio"), ("ratio_lower", "ratio_upper")):
        assert back[one].to_list() == pytest.approx((1 / out[two]).to_list())
    for one, two in (("", ""), ("_lower", "_upper")):
        assert back[f"difference{one}"].to_list() == pytest.approx(
            (-out[f"difference{two}"]).to_list()
        )
    assert back["p_value"].to_list() == pytest.approx(out["p_value"].to_list())


def test_ratio_and_p_value_are_those_of_welch(table: pl.DataFrame) -> None:
    other = draw(4, 300)
    out = vk.compare_variants(table, other, alpha=0.1).row(3, named=True)
    acts = [t["acted"].to_numpy() for t in (table, other)]
    shares = np.array([a.var(ddof=1) / a.mean() ** 2 / len(a) for a in acts])
    freedom = np.array([2 * len(a) / (stats.kurtosis(a, fisher=False) - 1) for a in acts])
    law = stats.t(shares.sum() ** 2 / (shares**2 / freedom).sum())
    error = np.sqrt(shares.sum())
    assert out["p_value"] == pytest.approx(2 * law.sf(abs(np.log(out["ratio"])) / error), rel=1e-9)
    reach = law.ppf(0.95) * error
    assert np.log(out["ratio_upper"] / out["ratio"]) == pytest.approx(reach, rel=1e-9)


def test_the_difference_joins_the_intervals_of_both_versions(table: pl.DataFrame) -> None:
    other = draw(5, 300)
    out, (a, b) = vk.compare_variants(table, other), map(vk.decompose, (table, other))
    down = ((b["estimate"] - b["lower"]) ** 2 + (a["upper"] - a["estimate"]) ** 2).sqrt()
    gap = b["estimate"] - a["estimate"]
    assert out["difference"].to_list() == pytest.approx(gap.to_list())
    assert out["difference_lower"].to_list() == pytest.approx((gap - down).to_list())


def test_a_version_against_itself_needs_no_end_of_people(table: pl.DataFrame) -> None:
    out = vk.compare_variants(table, table)
    assert out["ratio"].to_list() == [1] * 4 and out["p_value"].to_list() == [1] * 4
    assert out["people_needed"].null_count() == 4


def test_a_ratio_that_is_one_but_for_rounding_needs_no_end_of_people() -> None:
    a = pl.DataFrame({"contacts": [10, 7], "passed_on": [1, 2], "acted": [0, 1]})
    out = vk.compare_variants(a, pl.concat([a] * 3))
    assert out["ratio"].to_list() == pytest.approx([1] * 4)
    assert out["people_needed"].null_count() == 4
    assert out.schema["people_needed"] == pl.Int64 and out.schema["note"] == pl.String


def test_where_nobody_acted_in_one_version_the_rest_is_compared(table: pl.DataFrame) -> None:
    out = vk.compare_variants(table.with_columns(acted=0), table)
    assert out["p_value"][:2].to_list() == [1, 1]
    assert out[2:].select("ratio", "p_value", "people_needed").null_count().row(0) == (2, 2, 2)
    assert out["note"][3] == "nobody acted: one-sided, as if a Poisson law held"
    assert out["difference"][3] == pytest.approx(table["acted"].mean())
    low, high = out.select("difference_lower", "difference_upper").row(3)
    ends = vk.decompose(table).row(3, named=True)
    most = -np.log(0.05) / table.height
    assert low == pytest.approx(ends["estimate"] - np.hypot(ends["estimate"] - ends["lower"], most))
    assert high == pytest.approx(ends["upper"])


def test_versions_without_variation_have_no_p_value() -> None:
    a = pl.DataFrame({"contacts": [10] * 5, "passed_on": [1, 2, 1, 2, 1], "acted": [1] * 5})
    b = a.with_columns(contacts=20)
    row = vk.compare_variants(a, b).row(0, named=True)
    assert (row["ratio"], row["p_value"], row["people_needed"]) == (2, None, None)
    assert row["note"] == "the same for everybody: no interval"


def test_a_bad_version_is_named(table: pl.DataFrame) -> None:
    with pytest.raises(vk.TableError, match="version b: column 'acted' not found"):
        vk.compare_variants(table, table.drop("acted"))
    with pytest.raises(ValueError, match="power=80"):
        vk.compare_variants(table, table, power=80)


def test_the_variance_of_a_plan_is_that_of_simulated_people() -> None:
    for factors, u in ((WORLD, 0.0), (WORLD, 0.5), ((5, 0.7, 0.4), 0.3)):
        counts = people(np.random.default_rng(6), 400_000, factors, u)
        seen = vk.decompose(counts)
        share = (seen["std_error"] / seen["estimate"]).to_numpy() ** 2 * 400_000
        version = dict(zip(A, factors, strict=True))
        plan = vk.plan_variants(version, version, people=400_000, unevenness=u)
        reach = np.log(plan["ratio_upper"].to_numpy()) / stats.norm.ppf(0.975)
        assert reach**2 * 400_000 / 2 == pytest.approx(share, rel=0.03)


@pytest.mark.parametrize(("row", "lift"), [(1, 1.4), (3, 2.0)])
def test_the_people_that_a_plan_asks_for_give_the_power_it_promises(row: int, lift: float) -> None:
    b = A | {"passability": 0.3 * lift}
    many = vk.plan_variants(A, b, unevenness=U)["people_needed"][row]
    at = vk.plan_variants(A, b, people=many, unevenness=U)["power"][row]
    assert 0.8 <= at < 0.84
    pairs = ((draw(10 + s, many), draw(9000 + s, many, (20, 0.3 * lift, 0.1))) for s in range(400))
    found = [vk.compare_variants(*pair)["p_value"][row] < 0.05 for pair in pairs]
    assert np.mean(found) == pytest.approx(0.8, abs=0.07)


def test_more_people_power_and_lift_go_together() -> None:
    b = A | {"remarkability": 0.15}
    powers = [vk.plan_variants(A, b, people=n)["power"][3] for n in (10, 100, 1000, 10**6)]
    assert powers == sorted(powers) and powers[-1] == pytest.approx(1)
    needed = [
        vk.plan_variants(A, A | {"remarkability": r}, unevenness=u, power=p)["people_needed"][2]
        for r, u, p in ((0.2, 0.0, 0.8), (0.15, 0.0, 0.8), (0.15, 0.3, 0.8), (0.15, 0.3, 0.95))
    ]
    assert needed == sorted(needed)
    back = vk.plan_variants(b, A)
    assert back["power"].to_list() == pytest.approx(vk.plan_variants(A, b)["power"].to_list())


def test_equal_versions_are_told_apart_as_often_as_the_level_says() -> None:
    plan = vk.plan_variants(A, A, alpha=0.1)
    assert plan["power"].to_list() == pytest.approx([0.1] * 4)
    assert plan["people_needed"].null_count() == 4


def test_a_plan_with_too_few_people_is_called_rough() -> None:
    rare = A | {"remarkability": 0.001}
    note = vk.plan_variants(rare, rare | {"passability": 0.4}, people=100)["note"]
    assert note[1] is None and note[3].endswith("of the people: rough below 10")
    sure = vk.plan_variants(A | {"passability": 1}, A | {"passability": 1})
    assert sure["power"][1] is None and sure["people_needed"][1] is None


@pytest.mark.parametrize(
    ("change", "choices", "words"),
    [
        ({"passability": 0}, {}, "version b: passability=0; allowed: above 0, at most 1"),
        ({"remarkability": 1.2}, {}, r"remarkability=1\.2"),
        ({"contacts": float("nan")}, {}, "contacts=nan; allowed: above 0"),
        ({"contacts": float("inf")}, {}, "contacts=inf"),
        ({"reach": 3}, {}, "needed, no others"),
        ({}, {"people": 1}, "people=1; allowed: at least 2"),
        ({}, {"unevenness": 1}, "unevenness=1"),
        ({}, {"power": 0}, "power=0"),
        ({}, {"alpha": 5}, "alpha=5"),
    ],
)
def test_plans_that_cannot_be_are_refused(change, choices, words) -> None:
    with pytest.raises(ValueError, match=words):
        vk.plan_variants(A, A | change, **choices)


def test_plans_take_what_was_measured(table: pl.DataFrame) -> None:
    found = vk.decompose(table)
    a = dict(found.select("factor", "estimate").rows())
    del a["R"]
    assert vk.plan_variants(found, a).equals(vk.plan_variants(a, a))
    silent = vk.decompose(table.with_columns(acted=pl.lit(0)))
    with pytest.raises(ValueError, match="version b: remarkability=0"):
        vk.plan_variants(found, silent)


@pytest.mark.parametrize("version", [None, 3, pl.DataFrame({"contacts": [20]}), [20, 0.3, 0.1]])
def test_plans_of_something_else_are_refused(version) -> None:
    with pytest.raises(TypeError, match=r"version b \(.*; allowed: a mapping of \['contacts"):
        vk.plan_variants(A, version)
