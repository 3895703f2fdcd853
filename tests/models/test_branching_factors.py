"""R as a product of three factors, and two versions of a message side by side."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

import viralkit as vk


def people(
    rng: np.random.Generator, many: int, told: float, acts: float, spread: float = 2.0
) -> pl.DataFrame:
    """People of uneven zeal: each has a chance of telling of its own."""
    contacts = rng.poisson(20, many)
    passed = rng.binomial(contacts, rng.beta(spread * told, spread * (1 - told), many))
    return pl.DataFrame(
        {"contacts": contacts, "passed_on": passed, "acted": rng.binomial(passed, acts)}
    )


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return people(np.random.default_rng(1), 400, 0.3, 0.1)


def test_the_factors_multiply_to_r(table: pl.DataFrame) -> None:
    out = vk.decompose(table)
    contacts, passability, remarkability, mean = out["estimate"]
    assert contacts * passability * remarkability == pytest.approx(mean, rel=1e-12)
    assert mean == pytest.approx(table["acted"].mean(), rel=1e-12)
    assert passability == pytest.approx(table["passed_on"].sum() / table["contacts"].sum())
    assert remarkability == pytest.approx(table["acted"].sum() / table["passed_on"].sum())
    assert out["std_error"][3] == pytest.approx(table["acted"].std() / np.sqrt(400), rel=1e-12)
    reach = stats.t(399).ppf(0.975) * out["std_error"][3] / mean
    assert out["upper"][3] == pytest.approx(mean * np.exp(reach), rel=1e-12)


def test_the_error_of_a_share_is_that_of_its_people_where_contacts_are_equal() -> None:
    rng = np.random.default_rng(2)
    passed = rng.integers(0, 11, 60)
    table = pl.DataFrame({"contacts": 10, "passed_on": passed, "acted": (passed > 5).astype(int)})
    out = vk.decompose(table)
    assert out["std_error"][0] == 0
    assert out["std_error"][1] == pytest.approx(passed.std(ddof=1) / 10 / np.sqrt(60), rel=1e-12)


def test_needed_is_what_one_factor_alone_would_have_to_be(table: pl.DataFrame) -> None:
    out = vk.decompose(table)
    contacts, passability, remarkability, _ = out["estimate"]
    needed = out["needed"]
    assert needed[0] * passability * remarkability == pytest.approx(1)
    assert needed[2] * contacts * passability == pytest.approx(1)
    assert needed[3] == 1
    assert vk.decompose(people(np.random.default_rng(3), 400, 0.5, 0.02))["needed"][1] is None


def test_the_bootstrap_agrees_with_the_delta_method_and_repeats(table: pl.DataFrame) -> None:
    delta, drawn = vk.decompose(table), vk.decompose(table, interval="bootstrap", seed=5)
    for end in ("lower", "upper"):
        assert drawn[end].to_numpy() == pytest.approx(delta[end].to_numpy(), rel=0.03)
    assert vk.decompose(table, interval="bootstrap", seed=5).equals(drawn)


def test_intervals_hold_the_truth_though_people_differ() -> None:
    truth = pl.Series([20.0, 0.3, 0.1, 0.6])
    held = np.zeros(4)
    for seed in range(400):
        out = vk.decompose(people(np.random.default_rng([seed, 9]), 150, 0.3, 0.1))
        held += ((out["lower"] <= truth) & (out["upper"] >= truth)).to_numpy()
    assert (np.abs(held / 400 - 0.95) < 0.035).all(), held


def test_two_versions_differ_where_they_were_made_to(table: pl.DataFrame) -> None:
    better = people(np.random.default_rng(7), 500, 0.3, 0.2)
    out = vk.compare_variants(table, better)
    ratio = dict(out.select("factor", "ratio").iter_rows())
    assert ratio["contacts"] * ratio["passability"] * ratio["remarkability"] == pytest.approx(
        ratio["R"]
    )
    rows = {row["factor"]: row for row in out.iter_rows(named=True)}
    assert rows["remarkability"]["lower"] < 2 < rows["remarkability"]["upper"]
    assert rows["remarkability"]["p_value"] < 1e-6 and rows["R"]["p_value"] < 1e-6
    assert rows["contacts"]["p_value"] > 0.01
    back = vk.compare_variants(better, table)
    assert back["ratio"].to_numpy() == pytest.approx(1 / out["ratio"].to_numpy())


def test_the_number_needed_gives_the_power_it_promises() -> None:
    a = people(np.random.default_rng(8), 3000, 0.3, 0.10)
    b = people(np.random.default_rng(9), 3000, 0.3, 0.14)
    row = vk.compare_variants(a, b).row(2, named=True)
    needed, seen = row["people_needed"], 0
    rng = np.random.default_rng(10)
    for _ in range(300):
        small = [t[rng.integers(0, 3000, needed)] for t in (a, b)]
        seen += vk.compare_variants(*small)["p_value"][2] < 0.05
    assert seen / 300 == pytest.approx(0.8, abs=0.07)


def test_a_version_against_itself_needs_no_end_of_people(table: pl.DataFrame) -> None:
    out = vk.compare_variants(table, table)
    assert out["ratio"].to_list() == [1] * 4 and out["p_value"].to_list() == [1] * 4
    assert out["people_needed"].null_count() == 4


GOOD = {"contacts": [5, 5], "passed_on": [2, 3], "acted": [1, 0]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"acted": [0, 0]}, "nobody acted"),
        ({"acted": [3, 0]}, "acted 3 exceeds passed_on 2"),
        ({"passed_on": [6, 3]}, "passed_on 6 exceeds contacts 5"),
        ({"contacts": [-1, 5]}, "whole numbers from 0"),
        ({"contacts": [5.5, 5]}, "row 0"),
        ({"contacts": [None, 5]}, "row 0"),
        ({"contacts": ["5", "5"]}, "Cast it"),
        ({"excluded": ["a test", None]}, "1 people to use"),
    ],
)
def test_bad_tables_are_refused(change, words) -> None:
    with pytest.raises(vk.TableError, match=words):
        vk.decompose(pl.DataFrame({**GOOD, **change}))


def test_bad_choices_are_refused() -> None:
    table = pl.DataFrame(GOOD)
    with pytest.raises(vk.TableError, match="'acted' not found"):
        vk.decompose(table.drop("acted"))
    with pytest.raises(ValueError, match="interval='wald'"):
        vk.decompose(table, interval="wald")
    with pytest.raises(ValueError, match="replicates=9"):
        vk.decompose(table, interval="bootstrap", replicates=9)
    with pytest.raises(ValueError, match="alpha=5"):
        vk.decompose(table, alpha=5)
    with pytest.raises(ValueError, match="power=80"):
        vk.compare_variants(table, table, power=80)
