"""Periods that are missing: totals, curves and forecasts leave them out, in every model."""

import numpy as np
import polars as pl
import pytest

import viralkit as vk

RATE = 100.0


def counts(n=20, missing=()):
    weeks = [i for i in range(n) if i not in missing]
    time = np.array(weeks, float)
    table = {"item": "app", "time": time, "period_end": time + 1, "kind": "incremental"}
    return pl.DataFrame({**table, "count": [RATE + (-1) ** i for i in weeks]})


@pytest.mark.parametrize("model", [vk.Bass, vk.Linear, vk.Phases])
def test_the_curve_stands_still_in_a_gap_and_the_fit_says_so(model):
    fit = model(counts(missing=(7, 8)), unit="period", start=0.0).fit()
    before, after, end = fit.predict([7.0, 9.0, 20.0])["mean"]
    assert before == pytest.approx(after) == pytest.approx(700, rel=0.02)
    assert end == pytest.approx(counts(missing=(7, 8))["count"].sum(), rel=0.02)
    assert "1 gap between periods: totals, curve and forecast leave them out." in fit.warnings
    whole = model(counts(), unit="period", start=0.0).fit()
    assert not any("between periods" in text for text in whole.warnings)


def test_a_break_beside_a_gap_is_found_where_it_is():
    table = counts(missing=(9,)).with_columns(
        count=pl.when(pl.col("time") > 9).then(3 * RATE).otherwise("count")
    )
    fit = vk.Phases(table, unit="period", start=0.0).fit(breaks=1)
    assert fit.params["rate_2"] == pytest.approx(300) and 8.9 < fit.params["break_1"] < 10
    assert fit.predict([20.0])["mean"][0] == pytest.approx(table["count"].sum(), rel=1e-6)


@pytest.mark.parametrize("family", ["quasipoisson", "normal", "negative_binomial"])
def test_a_forecast_leaves_out_what_nobody_will_count(family):
    fit = vk.Linear(counts(), unit="period", start=0.0).fit(family=family)
    whole, holed = fit.forecast(30.0), fit.forecast(30.0, gaps=[(20.0, 21.0), (24.5, 26.0)])
    assert whole["mean"][-1] - holed["mean"][-1] == pytest.approx(2.5 * fit.params["rate"])
    assert holed.filter(pl.col("age") == 21.0)["upper"][0] == 2000.0
    inside = holed.filter(pl.col("age").is_between(24.5, 26.0))
    for name in ("mean", "lower", "upper"):
        assert inside[name].max() == pytest.approx(inside[name].min())
    width = [frame["upper"][-1] - frame["lower"][-1] for frame in (whole, holed)]
    assert 0.7 < width[1] / width[0] < 0.95  # less to come, less doubt


def test_phases_forecast_without_gaps_too():
    fit = vk.Phases(counts(), unit="period", start=0.0).fit(breaks=0)
    ends = [fit.forecast(30.0, gaps=gaps)["mean"][-1] for gaps in ((), [(20.0, 22.0)])]
    assert ends[0] - ends[1] == pytest.approx(2 * fit.params["rate_1"])


def test_models_are_compared_on_what_was_counted():
    table = counts(missing=(12,))
    fits = [m(table, unit="period", start=0.0).fit() for m in (vk.Linear, vk.Phases)]
    found = vk.compare(fits, cutoffs=[12.0])
    assert found["mean_absolute_error"].max() < 3 and found["coverage"].to_list() == [1.0, 1.0]
