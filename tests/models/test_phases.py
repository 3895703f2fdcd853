"""Phases of constant growth: recovery from data made here, invariances, refusals, Charlie."""

import numpy as np
import polars as pl

from viralkit import Phases


def cumulative(time: np.ndarray, total: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({"item": "a", "time": time, "count": total, "kind": "cumulative"})


def test_exact_data_give_the_break_inside_its_gap():
    time = np.array([0, 1, 2.5, 4, 5, 6, 8, 9, 11, 12.0])
    total = np.where(time < 4.6, 10 * time, 46 + 70 * (time - 4.6))
    fit = Phases(cumulative(time, total), unit="period").fit()
    assert list(fit.params) == ["rate_1", "rate_2", "break_1"]
    np.testing.assert_allclose(list(fit.params.values()), [10, 70, 4.6], rtol=1e-9)
