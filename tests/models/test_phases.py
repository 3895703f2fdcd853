"""Phases of constant growth: invariances, number of breaks, refusals, Charlie."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from phases_data import cumulative, dated, noisy_fit, steps

import viralkit as vk


@pytest.mark.parametrize("rate", ["per_day", "relative"])
def test_scaling_counts_leaves_break_dates(rate: str):
    edges, total = steps(2)
    fits = [
        vk.Phases(cumulative(edges, c * (total + 5)), unit="period", start=0.0, rate=rate).fit()
        for c in (1.0, 1e6)
    ]
    one, large = (fit.frame().filter(pl.col("parameter").str.starts_with("b")) for fit in fits)
    assert one.height >= 1
    for column in ("estimate", "lower", "upper"):
        np.testing.assert_allclose(one[column], large[column], rtol=1e-5)
    factor = 1e6 if rate == "per_day" else 1
    assert fits[1].params["rate_1"] == pytest.approx(factor * fits[0].params["rate_1"])


def test_shifting_time_shifts_breaks_and_leaves_rates():
    edges, total = steps(3)
    here, there = (
        vk.Phases(cumulative(edges + shift, total), unit="period").fit() for shift in (0.0, 500.0)
    )
    assert there.params == pytest.approx(here.params)
    np.testing.assert_allclose(there.breaks["time"] - here.breaks["time"], 500)


def test_weeks_make_rates_seven_times_those_of_days():
    day, week = (vk.Phases(dated(), unit=unit).fit() for unit in ("day", "week"))
    assert week.params["rate_1"] == pytest.approx(7 * day.params["rate_1"])
    assert week.params["break_1"] == pytest.approx(day.params["break_1"] / 7)
    assert week.breaks.equals(day.breaks)
    assert [p.unit for p in week.model.parameters][::2] == ["count per week", "weeks since start"]


def test_times_of_the_day_give_breaks_at_times_of_the_day():
    fit = vk.Phases(dated(launch=datetime(2020, 1, 1, 12, tzinfo=UTC)), unit="day").fit()
    assert fit.breaks.schema["time"] == pl.Datetime("us", "UTC")
    plain = vk.Phases(dated(), unit="day").fit()
    assert fit.params == pytest.approx(plain.params)
    assert fit.breaks["time"][0].date() - plain.breaks["time"][0] <= timedelta(days=1)


def test_a_constant_rate_has_no_break():
    found = []
    for seed in range(150):
        rng = np.random.default_rng([seed, 9])
        edges = np.append(0, np.cumsum(rng.lognormal(0, 0.8, 28)))
        total = np.append(0, np.cumsum(rng.gamma(5 * np.diff(edges), 0.2)))
        found.append(len(vk.Phases(cumulative(edges, total), unit="period").fit().params))
    assert np.mean(np.array(found) == 1) >= 0.9


def test_the_criterion_picks_the_number_and_shows_its_reasons():
    fit = noisy_fit()
    shown = fit.selection
    assert shown["breaks"].to_list() == list(range(20 // 3))
    n, k, d = 19, shown["breaks"].to_numpy(), shown["deviance"].to_numpy()
    expected = n * np.log(d / (n - 2 * k - 1)) + 3 * k * np.log(n)
    np.testing.assert_allclose(shown["criterion"], expected)
    assert shown["criterion"].arg_min() == 1 == len(fit.breaks)
    assert (np.diff(d) <= 0).all()


def test_parameters_follow_the_number_of_breaks():
    model = vk.Phases(cumulative(*steps(1)), unit="period")
    assert [p.name for p in model.parameters] == ["rate_1", "rate_2", "break_1"]
    two = model.fit(breaks=2)
    assert [p.name for p in two.model.parameters] == list(two.params)
    assert [p.name for p in model.parameters] == ["rate_1", "rate_2", "break_1"]
    assert model.call == "vk.Phases(counts, unit='period')"


@pytest.mark.parametrize("rate", ["per_day", "relative"])
def test_the_curve_is_the_prediction_and_no_neighbour_fits_better(rate: str):
    edges, total = steps(6)
    count = 3 * np.exp(total / 50) if rate == "relative" else total + 3
    model = vk.Phases(cumulative(edges, count), unit="period", start=0.0, rate=rate)
    fit = model.fit()
    band = fit.predict()
    np.testing.assert_allclose(model.curve(fit.params, band["age"].to_numpy()), band["mean"])
    assert (band["lower"] <= band["mean"]).all() and (band["mean"] <= band["upper"]).all()
    assert model.curve(fit.params, edges)[0] == pytest.approx(3)
    least, rng = model.deviance(fit.params), np.random.default_rng(1)
    for _ in range(50):
        near = {name: value * rng.lognormal(0, 0.02) for name, value in fit.params.items()}
        assert model.deviance(near) >= least
    assert model.call.endswith("rate='relative')") == (rate == "relative")


def test_breaks_out_of_order_still_give_a_curve():
    model = vk.Phases(cumulative(*steps(1)), unit="period")
    params = {"rate_1": 1.0, "rate_2": 9.0, "rate_3": 2.0, "break_1": 6.0, "break_2": 4.0}
    np.testing.assert_allclose(model.curve(params, np.array([0, 6.0, 8.0])), [0, 6, 10])
    assert np.isfinite(model.deviance(params))


def test_incremental_counts_give_the_same_relative_phases():
    edges, total = steps(1)
    table = pl.DataFrame(
        {"item": "a", "time": edges[:-1], "period_end": edges[1:], "count": np.diff(total)}
    ).with_columns(kind=pl.lit("incremental"))
    rows = vk.Phases(table, unit="period", start=0.0, rate="relative").fit()
    assert (
        rows.params
        == vk.Phases(cumulative(edges, total), unit="period", rate="relative").fit().params
    )


TEN = cumulative(np.arange(10.0), np.arange(10.0) ** 2)


@pytest.mark.parametrize(
    ("table", "choices", "message"),
    [
        (TEN, {"rate": "daily"}, r"rate='daily' is not known; allowed: \['per_day', 'relative'\]"),
        (TEN.head(5), {}, r"5 points .* need at least 6: 3 on either side.*vk\.Linear"),
        (TEN.head(6), {"rate": "relative"}, r"5 points"),
        (
            TEN.with_columns(count=5),
            {"start": 0.0, "rate": "relative"},
            "stays at 5: nothing grows",
        ),
        (TEN, {"unit": "day"}, r"unit='day' does not fit"),
        (TEN.tail(7), {}, r"start=None"),
    ],
)
def test_models_that_cannot_be_are_refused(table: pl.DataFrame, choices: dict, message: str):
    with pytest.raises(ValueError, match=message):
        vk.Phases(table, **{"unit": "period", **choices})


@pytest.mark.parametrize("breaks", [-1, 3, 1.5, True, "two"])
def test_impossible_numbers_of_breaks_are_refused(breaks: object):
    with pytest.raises(ValueError, match=r"is not possible; 10 points allow 0 to 2 .*or None"):
        vk.Phases(TEN, unit="period").fit(breaks=breaks)


def charlie(**where: str) -> pl.DataFrame:
    return vk.load_charlie_views().filter(**where)


def test_charlie_has_three_breaks_with_either_rate():
    relative, daily = (
        vk.Phases(charlie(), unit="day", rate=rate).fit() for rate in ("relative", "per_day")
    )
    assert relative.nobs == 26 and daily.nobs == 27
    assert [found.selection["criterion"].arg_min() for found in (relative, daily)] == [3, 3]
    doubling = np.log(2) / relative.params["rate_1"]
    assert 20 < doubling < 26
    lower, upper = relative.breaks.row(2)[2:]
    assert date(2014, 5, 13) < lower < upper < date(2015, 11, 21)
    assert 200_000 < daily.params["rate_2"] < 300_000
    assert 500_000 < daily.params["rate_3"] < 700_000
    assert daily.params["rate_4"] < 40_000


def test_charlie_without_second_hand_counts_has_two():
    fit = vk.Phases(charlie(origin="primary"), unit="day", rate="relative").fit()
    assert len(fit.breaks) == 2
    assert fit.breaks["time"][1].year == 2014
