"""The figures that `make studies` wrote: intervals of K, cycle time and forecasts hold."""

from pathlib import Path

import polars as pl
import pytest

FILE = Path(__file__).parents[1] / "statistics" / "loops_coverage.csv"


@pytest.fixture(scope="module")
def recorded() -> pl.DataFrame:
    return pl.read_csv(FILE)


def test_each_study_ran_often_enough(recorded: pl.DataFrame) -> None:
    assert recorded["replicates"].min() >= 2000
    assert recorded["study"].n_unique() == 7


def test_claimed_intervals_hold_in_93_to_97_percent(recorded: pl.DataFrame) -> None:
    claimed = recorded.filter("claimed")
    assert claimed.height == 12
    assert claimed.filter(~pl.col("coverage").is_between(0.93, 0.97)).is_empty(), claimed


def test_estimates_lie_around_the_truth(recorded: pl.DataFrame) -> None:
    assert recorded["median_error"].abs().max() < 0.03


def test_assuming_a_law_of_totals_fails(recorded: pl.DataFrame) -> None:
    control = recorded.filter(pl.col("study").str.starts_with("control"))
    assert control["coverage"].max() < 0.8
