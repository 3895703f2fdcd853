"""R as a product of three factors."""

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


ALIKE = "the same for everybody: no interval"


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


def test_intervals_use_the_degrees_of_freedom_that_the_fourth_moment_gives(table) -> None:
    out, acted = vk.decompose(table), table["acted"]
    df = 2 * 400 / (stats.kurtosis(acted, fisher=False) - 1)
    assert df < 399
    reach = stats.t(df).ppf(0.975) * out["std_error"][3] / acted.mean()
    assert out["upper"][3] == pytest.approx(acted.mean() * np.exp(reach), rel=1e-10)
    share, error, told = out["estimate"][1], out["std_error"][1], table["passed_on"]
    parts = told - share * table["contacts"]
    df = 2 * 400 / (400 * (parts**4).sum() / (parts**2).sum() ** 2 - 1)
    reach = stats.t(min(df, 399)).ppf(0.975) * error / (share * (1 - share))
    odds = share / (1 - share) * np.exp(reach)
    assert out["upper"][1] == pytest.approx(odds / (1 + odds), rel=1e-10)


def test_the_error_of_a_share_is_that_of_its_people_where_contacts_are_equal() -> None:
    rng = np.random.default_rng(2)
    passed = rng.integers(0, 11, 60)
    table = pl.DataFrame({"contacts": 10, "passed_on": passed, "acted": (passed > 5).astype(int)})
    out = vk.decompose(table)
    assert out.row(0)[1:] == (10, None, None, None, pytest.approx(out["needed"][0]), ALIKE)
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
        assert drawn[end].to_numpy() == pytest.approx(delta[end].to_numpy(), rel=0.04)
    assert vk.decompose(table, interval="bootstrap", seed=5).equals(drawn)


def test_intervals_hold_the_truth_though_people_differ() -> None:
    truth = pl.Series([20.0, 0.3, 0.1, 0.6])
    held = np.zeros(4)
    for seed in range(400):
        out = vk.decompose(people(np.random.default_rng([seed, 9]), 150, 0.3, 0.1))
        held += ((out["lower"] <= truth) & (out["upper"] >= truth)).to_numpy()
    assert (np.abs(held / 400 - 0.95) < 0.035).all(), held


@pytest.mark.parametrize("interval", ["delta", "bootstrap"])
def test_where_nobody_acted_contacts_and_passability_are_told(interval, table) -> None:
    out = vk.decompose(table.with_columns(acted=0), interval=interval)
    full = vk.decompose(table, interval=interval)
    columns = ["estimate", "std_error", "lower", "upper", "note"]
    assert out[:2].select(columns).equals(full[:2].select(columns))
    told, most = table["passed_on"].mean(), -np.log(0.05) / table.height
    assert out["estimate"][2:].to_list() == [0, 0] == out["lower"][2:].to_list()
    assert out["upper"][2:].to_list() == pytest.approx([most / told, most])
    assert out["std_error"][2:].null_count() == 2
    assert out["note"][3] == "nobody acted: one-sided, as if a Poisson law held"
    assert out["needed"].null_count() == 4
    silent = vk.decompose(table.with_columns(passed_on=0, acted=0), interval=interval)
    assert silent["note"][1] == "nobody told anybody: one-sided, as if a Poisson law held"
    assert silent["upper"][1] == pytest.approx(most / table["contacts"].mean())
    assert silent["estimate"].to_list()[1:] == [0.0, None, 0.0]


def test_an_interval_that_rests_on_few_people_is_called_rough(table) -> None:
    few = table.with_columns(acted=pl.when(pl.int_range(400) < 12).then("acted").otherwise(0))
    led = int((few["acted"] > 0).sum())
    assert 1 <= led < 10
    notes = vk.decompose(few)["note"].to_list()
    assert notes == [None, None] + [f"rests on {led} of the people: rough below 10"] * 2
    assert vk.decompose(table)["note"].null_count() == 4


def test_a_share_stays_below_one_though_nearly_all_are_told() -> None:
    told = [10] * 19 + [4]
    table = pl.DataFrame({"contacts": 10, "passed_on": told, "acted": [1, 0] * 10})
    row = vk.decompose(table).row(1, named=True)
    assert row["lower"] < row["estimate"] == 0.97 < row["upper"] < 1
    everyone = vk.decompose(table.with_columns(passed_on=10)).row(1, named=True)
    assert (everyone["estimate"], everyone["upper"], everyone["note"]) == (1, None, ALIKE)


def test_neither_the_order_of_people_nor_doubled_contacts_change_the_shares(table) -> None:
    out = vk.decompose(table)
    assert vk.decompose(table.reverse()).drop("note").to_numpy()[:, 1:].astype(
        float
    ) == pytest.approx(out.drop("note").to_numpy()[:, 1:].astype(float), rel=1e-9, nan_ok=True)
    twice = vk.decompose(table * 2)
    for column in ("estimate", "lower", "upper"):
        assert twice[column][1:3].to_list() == pytest.approx(out[column][1:3].to_list())
        assert twice[column][3] == pytest.approx(2 * out[column][3])


GOOD = {"contacts": [5, 5], "passed_on": [2, 3], "acted": [1, 0]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contacts": [0, 0], "passed_on": [0, 0], "acted": [0, 0]}, "nobody has contacts"),
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
