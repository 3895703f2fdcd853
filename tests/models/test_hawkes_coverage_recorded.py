"""The figures that `make studies` wrote: intervals hold what is claimed, and the control fails."""

from pathlib import Path

import polars as pl
import pytest

FILE = Path(__file__).parents[1] / "statistics" / "hawkes_coverage.csv"


@pytest.fixture(scope="module")
def recorded() -> pl.DataFrame:
    return pl.read_csv(FILE)


def test_each_study_ran_often_enough(recorded: pl.DataFrame) -> None:
    assert recorded.filter("claimed")["replicates"].min() >= 2000
    assert recorded["study"].n_unique() >= 9


def test_claimed_intervals_hold_in_93_to_97_percent(recorded: pl.DataFrame) -> None:
    wrong = recorded.filter("claimed", ~pl.col("coverage").is_between(0.93, 0.97))
    assert wrong.is_empty(), wrong


def test_intervals_half_as_wide_would_not_hold(recorded: pl.DataFrame) -> None:
    halved = recorded.filter("claimed", pl.col("parameter") != "forecast")
    assert halved["coverage_shrunk"].max() < 0.85


def test_one_finished_cascade_is_covered_at_least(recorded: pl.DataFrame) -> None:
    assert recorded.filter(pl.col("study") == "one finished cascade")["coverage"].min() >= 0.93


def test_without_the_correction_nothing_holds(recorded: pl.DataFrame) -> None:
    naive = recorded.filter(
        pl.col("study") == "pooled selected, not corrected", pl.col("parameter") == "branching"
    )
    assert naive["coverage"][0] < 0.05 and naive["median_error"][0] > 0.5
