"""The figures that `make studies` wrote: intervals of attributed shares hold, the control fails."""

from pathlib import Path

import polars as pl
import pytest

FILE = Path(__file__).parents[1] / "statistics" / "attribution_coverage.csv"


@pytest.fixture(scope="module")
def recorded() -> pl.DataFrame:
    return pl.read_csv(FILE)


def test_each_study_ran_often_enough(recorded: pl.DataFrame) -> None:
    assert recorded["replicates"].min() >= 2000
    assert recorded["study"].n_unique() == 6


def test_claimed_intervals_hold_in_93_to_97_percent(recorded: pl.DataFrame) -> None:
    claimed = recorded.filter("claimed")
    assert claimed.height == 15
    assert claimed.filter(~pl.col("coverage").is_between(0.93, 0.97)).is_empty(), claimed


def test_taking_each_conversion_for_a_person_fails(recorded: pl.DataFrame) -> None:
    assert recorded.filter(~pl.col("claimed"))["coverage"].max() < 0.93
