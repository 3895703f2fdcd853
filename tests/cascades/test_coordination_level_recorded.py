"""The figures that `make studies` wrote: false discoveries are as rare as promised."""

from pathlib import Path

import polars as pl
import pytest

FILE = Path(__file__).parents[1] / "statistics" / "coordination_level.csv"


@pytest.fixture(scope="module")
def recorded() -> pl.DataFrame:
    return pl.read_csv(FILE)


def test_the_study_ran_often_enough(recorded: pl.DataFrame) -> None:
    assert recorded.filter(pl.col("study") != "control")["replicates"].min() >= 2000


def test_false_discoveries_stay_at_five_percent(recorded: pl.DataFrame) -> None:
    kept = recorded.filter(pl.col("study") != "control")
    assert kept["false_share"].max() <= 0.05
    assert kept.filter(pl.col("study").str.starts_with("independent"))["any_false"].max() <= 0.05


def test_the_planted_group_is_found(recorded: pl.DataFrame) -> None:
    assert recorded["found_share"].drop_nulls().min() > 0.95


def test_without_the_rhythm_of_the_day_most_replicates_blame_somebody(
    recorded: pl.DataFrame,
) -> None:
    assert recorded.filter(pl.col("study") == "control")["any_false"].min() > 0.5
