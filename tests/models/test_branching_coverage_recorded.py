"""The figures that `make studies` wrote: intervals of R and k hold, and the control fails."""

from pathlib import Path

import polars as pl
import pytest

FILE = Path(__file__).parents[1] / "statistics" / "branching_coverage.csv"


@pytest.fixture(scope="module")
def recorded() -> pl.DataFrame:
    return pl.read_csv(FILE)


def test_each_study_ran_often_enough(recorded: pl.DataFrame) -> None:
    assert recorded["replicates"].min() >= 2000
    assert recorded["study"].n_unique() == 10
    assert recorded.filter("claimed")["fits"].min() >= 1950


def test_claimed_intervals_hold_in_93_to_97_percent(recorded: pl.DataFrame) -> None:
    claimed = recorded.filter("claimed")
    assert claimed.height == 11
    assert claimed.filter(~pl.col("coverage").is_between(0.93, 0.97)).is_empty(), claimed


def test_estimates_lie_around_the_truth(recorded: pl.DataFrame) -> None:
    assert recorded.filter("claimed")["median_error"].abs().max() < 0.06


def test_taking_uneven_offspring_for_poisson_fails(recorded: pl.DataFrame) -> None:
    control = recorded.filter(pl.col("study").str.starts_with("control"))
    assert control["coverage"].max() < 0.8


def test_aic_seldom_finds_that_k_is_three(recorded: pl.DataFrame) -> None:
    chosen = recorded.filter(pl.col("study") == "complete, by AIC")
    assert not chosen["claimed"].any()
    assert chosen.filter(pl.col("parameter") == "k")["fits"].item() < 1000
