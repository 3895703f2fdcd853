"""Fits of phases: residuals, forecast, shapes, what is said."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from phases_data import cumulative, dated, noisy_fit, steps
from scipy import stats

import viralkit as vk


def test_residuals_are_of_counts_and_add_up():
    edges, total = steps(1)
    fit = vk.Phases(cumulative(edges, total), unit="period").fit()
    np.testing.assert_allclose(fit.fittedvalues + fit.resid, np.diff(total))
    table = fit.residuals
    assert table.columns == ["time", "age", "fitted", "resid", "pearson"]
    assert table["age"].to_list() == pytest.approx(list(edges[1:]))
    chi = float((table["pearson"] ** 2).sum())
    assert chi == pytest.approx(fit.df_resid)


def test_relative_residuals_are_of_counts_given_the_count_before():
    edges, total = steps(1)
    count = 50 * np.exp(total / 100)
    table = cumulative(edges, count)
    fit = vk.Phases(table, unit="period", start=0.0, rate="relative").fit(breaks=0)
    expected = count[:-1] * np.expm1(fit.params["rate_1"] * np.diff(edges))
    np.testing.assert_allclose(fit.fittedvalues, expected)
    np.testing.assert_allclose(fit.resid, np.diff(count) - expected)


@pytest.mark.parametrize("rate", ["per_day", "relative"])
def test_forecast_lets_the_last_phase_go_on(rate: str):
    edges, total = steps(1)
    model = vk.Phases(cumulative(edges, total + 3), unit="period", start=0.0, rate=rate)
    fit = model.fit(breaks=1)
    ahead = fit.forecast(edges[-1] + 10.0)
    at = fit.params["rate_2"] * (ahead["age"].to_numpy() - edges[-1])
    last = total[-1] + 3
    np.testing.assert_allclose(
        ahead["mean"], last * np.exp(at) if rate == "relative" else last + at
    )
    assert ((ahead["lower"] < ahead["mean"]) & (ahead["mean"] < ahead["upper"])).all()
    half = fit.forecast(edges[-1] + 10.0, alpha=0.5)
    assert (half["upper"] < ahead["upper"]).all() and (half["lower"] > ahead["lower"]).all()
    assert ahead.equals(fit.forecast(edges[-1] + 10.0))
    with pytest.raises(ValueError, match=r"is not after the last point"):
        fit.forecast(1.0)


def test_the_forecast_is_as_wide_as_rate_and_noise_together():
    fit = noisy_fit(breaks=1)
    edges = fit.model.stream.end
    ahead = fit.forecast(edges[-1] + 5.0).row(-1, named=True)
    mean, phase = ahead["mean"] - fit.model.points["count"][-1], fit.phases.row(1, named=True)
    doubt = 5.0 * phase["std_error"]
    spread = np.sqrt(fit.scale * mean + doubt**2)
    width = 2 * stats.t(fit.df_resid).ppf(0.975) * spread
    assert ahead["upper"] - ahead["lower"] == pytest.approx(width, rel=0.05)


def test_phases_cover_time_and_count_points():
    fit = noisy_fit(breaks=2)
    phases = fit.phases
    assert phases.columns == [
        *["phase", "begin", "end", "points", "rate", "std_error", "lower", "upper"]
    ]
    assert phases["end"][:-1].to_list() == phases["begin"][1:].to_list()
    assert phases["points"].min() >= 3
    assert fit.breaks["time"].to_list() == phases["begin"][1:].to_list()
    assert (fit.breaks["lower"] <= fit.breaks["upper"]).all()


def test_standard_errors_exist_for_rates_only():
    fit = noisy_fit(breaks=1)
    assert fit.bse["break_1"] is None and fit.tvalues["break_1"] is None
    assert fit.bse["rate_1"] == pytest.approx(np.sqrt(fit.cov_params()[0, 0]))
    assert np.isnan(fit.cov_params()[2]).all()
    assert fit.llf is None and fit.df_resid == 19 - 3


def test_a_phase_without_growth_has_rate_zero_and_an_upper_bound():
    time = np.arange(16.0)
    total = [0, 9, 21, 30, 41, 49, 61, 70, *[70] * 8]
    fit = vk.Phases(cumulative(time, total), unit="period").fit()
    assert fit.params["rate_2"] == 0 and fit.bse["rate_2"] is None
    lower, upper = fit.conf_int().row(1)[1:]
    assert lower == 0 and 0 < upper < 2
    assert fit.forecast(20.0)["upper"].is_finite().all()


CURVES = {
    "linear": lambda age: age,
    "exponential": lambda age: np.exp(3 * age),
    "S-shaped": lambda age: np.tanh(4 * age - 2),
}


@pytest.mark.parametrize("shape", CURVES)
def test_the_shape_inside_a_phase_is_told(shape: str):
    rng = np.random.default_rng(8)
    age = np.linspace(0, 1, 25)
    mean = np.diff(CURVES[shape](age))
    amount = rng.gamma(100 * mean / mean.mean() / 2, 2)
    table = cumulative(age, np.append(0, np.cumsum(amount)))
    answer = vk.Phases(table, unit="period").fit(breaks=0).shape_test()
    assert answer["answer"].to_list() == [shape]
    assert answer["points"].to_list() == [25]
    assert (answer["s_shaped_over_linear"][0] > 2) == (shape != "linear")


def test_below_five_points_the_shape_cannot_be_told():
    time = np.arange(9.0)
    total = np.array([0, 10, 20.5, 30, 60, 91, 120.2, 150, 181])
    test = vk.Phases(cumulative(time, total), unit="period").fit(breaks=1).shape_test()
    short = test.filter(pl.col("points") < 5)
    assert short.height >= 1
    assert short["answer"].unique().to_list() == ["cannot be told"]
    assert short["exponential_over_linear"].null_count() == short.height


def test_weak_evidence_tells_no_shape():
    total = [0, 10, 21, 30, 41, 50, 61]
    test = vk.Phases(cumulative(np.arange(7.0), total), unit="period").fit(breaks=0).shape_test()
    assert test["answer"].to_list() == ["cannot be told"]
    assert -2 < test["exponential_over_linear"][0] < 2


def test_what_is_not_used_is_said():
    table = dated()
    when = table["time"]
    last = when[-1] + timedelta(days=1)
    marked = table.with_columns(
        time_lower=pl.when(when == when[3]).then(when - timedelta(days=2)).otherwise(when),
        time_upper=when,
        bound=pl.when(when == when[4]).then(pl.lit("rounded")).otherwise(pl.lit("exact")),
        excluded=pl.when(when == when[5]).then(pl.lit("outlier")),
    )
    above = marked.tail(1).with_columns(bound=pl.lit("at_least"), time_upper=pl.lit(last))
    fit = vk.Phases(pl.concat([marked, above]), unit="day").fit()
    told = " ".join(fit.warnings)
    for part in ("conditional on 1 break", "new break may come", "uncertain dates (1)"):
        assert part in told
    for part in ("rounded counts (1)", "at_most: 1)", "column 'excluded' says why"):
        assert part in told
    plain = vk.Phases(marked.filter(pl.col("excluded").is_null()), unit="day").fit()
    assert fit.params == pytest.approx(plain.params)


def test_the_summary_says_what_it_is_conditional_on_and_escapes_names():
    table = cumulative(*steps(1)).with_columns(item=pl.lit("<script>x</script>"))
    summary = vk.Phases(table, unit="period").fit().summary()
    assert "1 (chosen by modified BIC)" in summary.as_text()
    assert "Break 1 (95 % range)" in summary.as_text()
    assert "conditional on 1 break" in summary.as_text()
    assert "Measured coverage" in summary.as_text()
    assert "<script>" not in summary.as_html()
    given = vk.Phases(table, unit="period").fit(breaks=0).summary().as_text()
    assert "0 (given)" in given and "conditional on no break" in given


def test_fits_can_be_compared_with_growth_models():
    edges, total = steps(1)
    table = cumulative(edges, total)
    fits = [vk.Phases(table, unit="period").fit(), vk.Linear(table, unit="period").fit()]
    found = vk.compare(fits, cutoffs=[edges[14], edges[16]])
    assert found["model"].to_list() == ["Phases", "Linear"]
    assert found["cutoffs"].to_list() == [2, 2]
    assert found["mean_absolute_error"][0] < found["mean_absolute_error"][1]
