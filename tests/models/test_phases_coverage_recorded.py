"""The figures that `make studies` wrote for phases: what is claimed holds, the controls fail."""

from pathlib import Path

import polars as pl
import pytest

FILE = Path(__file__).parents[1] / "statistics" / "phases_coverage.csv"


@pytest.fixture(scope="module")
def recorded() -> pl.DataFrame:
    return pl.read_csv(FILE)


def coverage(recorded: pl.DataFrame, kind: str) -> pl.Series:
    return recorded.filter("claimed", pl.col("kind") == kind)["coverage"]


def test_each_study_ran_often_enough(recorded: pl.DataFrame) -> None:
    assert recorded["replicates"].min() >= 2000
    assert recorded["study"].n_unique() == 23


def test_ranges_of_break_dates_hold_in_94_to_99_percent(recorded: pl.DataFrame) -> None:
    held = coverage(recorded, "date")
    assert len(held) >= 8
    assert held.is_between(0.94, 0.995).all()


def test_rates_curves_and_forecasts_hold_in_90_to_97_percent(recorded: pl.DataFrame) -> None:
    for kind in ("rate", "curve", "prediction"):
        assert coverage(recorded, kind).is_between(0.9, 0.97).all()


def test_a_poisson_law_would_not_hold(recorded: pl.DataFrame) -> None:
    assert recorded.filter("claimed")["coverage_poisson"].max() < 0.7


def test_dates_of_observation_alone_would_miss_clear_breaks(recorded: pl.DataFrame) -> None:
    clear = recorded.filter(pl.col("study").is_in(["one clear break", "three breaks", "relative"]))
    assert clear["coverage_on_dates"].max() < 0.5


def test_constant_rates_have_no_break(recorded: pl.DataFrame) -> None:
    placebos = recorded.filter(pl.col("kind") == "placebo")
    assert placebos["coverage"].min() > 0.9
    assert (
        placebos.filter(~pl.col("study").is_in(["placebo 8", "placebo 12"]))["coverage"].min()
        > 0.95
    )


def test_a_wrong_shape_is_rarely_named(recorded: pl.DataFrame) -> None:
    shapes = recorded.filter(pl.col("kind") == "shape")
    assert shapes.filter(parameter="wrong")["coverage"].max() < 0.08
    assert (
        shapes.filter(pl.col("study").str.ends_with("24"), parameter="right")["coverage"].min()
        > 0.6
    )
