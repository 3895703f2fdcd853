"""The figures that `make studies` wrote: intervals hold what is claimed, and the control fails."""

from pathlib import Path

import polars as pl
import pytest

FILE = Path(__file__).parents[1] / "statistics" / "growth_coverage.csv"


@pytest.fixture(scope="module")
def recorded() -> pl.DataFrame:
    return pl.read_csv(FILE)


def test_each_study_ran_often_enough(recorded: pl.DataFrame) -> None:
    assert recorded.filter("claimed")["replicates"].min() >= 2000
    assert recorded["study"].n_unique() >= 14


def test_claimed_intervals_hold_in_93_to_97_percent(recorded: pl.DataFrame) -> None:
    wrong = recorded.filter("claimed", ~pl.col("coverage").is_between(0.93, 0.97))
    assert wrong.is_empty(), wrong


def test_poisson_errors_on_the_same_counts_would_not_hold(recorded: pl.DataFrame) -> None:
    shrunk = recorded.filter(pl.col("study") == "bass quasipoisson", pl.col("interval") == "wald")
    assert shrunk["coverage_shrunk"].max() < 0.5


def test_standard_errors_of_the_cumulative_method_are_too_small(recorded: pl.DataFrame) -> None:
    cumulative = recorded.filter(pl.col("study") == "bass cumulative")
    assert not cumulative["claimed"].any()
    assert cumulative["coverage"].max() < 0.8


def test_forecasts_before_the_peak_hold(recorded: pl.DataFrame) -> None:
    early = recorded.filter(pl.col("study") == "bass before the peak")
    assert early["coverage"].min() > 0.93
    assert early["replicates"].min() >= 2000
