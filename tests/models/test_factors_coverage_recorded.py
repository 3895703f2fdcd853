"""The figures that `make studies` wrote: factors and comparisons hold, the control fails."""

from pathlib import Path

import polars as pl
import pytest

FILE = Path(__file__).parents[1] / "statistics" / "factors_coverage.csv"
LIMITS = {"coverage": (0.93, 0.97), "level": (0.03, 0.07), "power": (0.76, 0.84)}


@pytest.fixture(scope="module")
def recorded() -> pl.DataFrame:
    return pl.read_csv(FILE)


def test_each_study_ran_often_enough(recorded: pl.DataFrame) -> None:
    assert recorded["replicates"].min() >= 2000
    assert recorded["study"].n_unique() == 21
    assert recorded.filter("claimed")["fits"].min() >= 1990


@pytest.mark.parametrize("quantity", LIMITS)
def test_what_is_claimed_holds(recorded: pl.DataFrame, quantity: str) -> None:
    claimed = recorded.filter("claimed", pl.col("quantity").str.starts_with(quantity))
    assert claimed.height == {"coverage": 72, "level": 20, "power": 8}[quantity]
    assert claimed.filter(~pl.col("value").is_between(*LIMITS[quantity])).is_empty(), claimed


def test_taking_contacts_for_independent_fails(recorded: pl.DataFrame) -> None:
    control = recorded.filter(pl.col("study").str.starts_with("control"))
    assert control["value"].max() < 0.8


def test_fewer_degrees_of_freedom_are_needed_where_few_act(recorded: pl.DataFrame) -> None:
    usual = recorded.filter(study="very uneven, n - 1 degrees of freedom", factor="R")
    ours = recorded.filter(study="very uneven, delta", factor="R")
    assert usual["value"].item() < 0.92 < 0.93 <= ours["value"].item()


def test_with_few_people_the_comparison_errs_on_the_safe_side(recorded: pl.DataFrame) -> None:
    few = recorded.filter(study="few people, two versions")
    safe = few.filter(pl.col("quantity").str.starts_with("coverage"))
    assert safe.height == 8 and safe["value"].min() >= 0.93
    assert few.filter(quantity="level")["value"].max() <= 0.07


def test_the_bootstrap_comes_near(recorded: pl.DataFrame) -> None:
    drawn = recorded.filter(pl.col("study").str.ends_with("bootstrap"))
    assert drawn.height == 12 and drawn["value"].min() > 0.9
