"""The figures that `make studies` wrote for SEISMIC: the published intervals are too narrow."""

from pathlib import Path

import polars as pl

FILE = Path(__file__).parents[1] / "statistics" / "seismic_coverage.csv"


def test_the_published_intervals_hold_less_often_than_they_say() -> None:
    recorded = pl.read_csv(FILE)
    assert recorded["replicates"].min() >= 1000
    promised = 1 - recorded["alpha"]
    for column in ("infectiousness", "final_size"):
        assert (recorded[column] < promised).all()
        assert (recorded[column] > promised - 0.17).all()


def test_the_point_estimate_is_near_the_truth_at_the_middle_of_the_replicates() -> None:
    later = pl.read_csv(FILE).filter(pl.col("time") > 600)
    assert later["median_ratio_to_truth"].is_between(0.8, 1.25).all()
