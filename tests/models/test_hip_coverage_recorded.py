"""The figures that `make studies` wrote: intervals hold what is claimed, and the control fails."""

from pathlib import Path

import polars as pl
import pytest

FILE = Path(__file__).parents[1] / "statistics" / "hip_coverage.csv"


@pytest.fixture(scope="module")
def recorded() -> pl.DataFrame:
    return pl.read_csv(FILE)


def test_each_study_ran_often_enough(recorded: pl.DataFrame) -> None:
    assert recorded["replicates"].min() >= 2000
    assert recorded["study"].n_unique() == 3


def test_claimed_intervals_hold_in_93_to_97_percent(recorded: pl.DataFrame) -> None:
    wrong = recorded.filter("claimed", ~pl.col("coverage").is_between(0.93, 0.97))
    assert wrong.is_empty(), wrong


def test_a_year_of_days_is_claimed_as_a_whole(recorded: pl.DataFrame) -> None:
    assert recorded.filter(pl.col("study") == "long")["claimed"].all()


def test_intervals_half_as_wide_would_not_hold(recorded: pl.DataFrame) -> None:
    assert recorded.filter("claimed")["coverage_shrunk"].max() < 0.85


def test_what_is_not_claimed_holds_less(recorded: pl.DataFrame) -> None:
    kernel = pl.col("quantity").is_in(["kappa", "c", "theta"])
    few = recorded.filter(kernel, pl.col("study") != "long")
    assert not few["claimed"].any()
    assert few["coverage"].max() < 0.93
