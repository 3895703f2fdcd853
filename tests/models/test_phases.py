"""Phases of constant growth: against brute force, closed forms, invariances, refusals, Charlie."""

from datetime import UTC, date, datetime, timedelta
from itertools import combinations, product

import numpy as np
import polars as pl
import pytest
from scipy import optimize, stats

import viralkit as vk
from viralkit.models.phases_intervals import date_quantile
from viralkit.models.segments import Stream, chain

START = date(2020, 1, 1)


def cumulative(time: object, total: object, **more: object) -> pl.DataFrame:
    columns = {"item": "a", "time": time, "count": total, "kind": "cumulative", **more}
    return pl.DataFrame(columns)


def steps(seed: int, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Nineteen uneven gaps whose rate jumps from 10 to 40 inside one of them."""
    rng = np.random.default_rng(seed)
    edges = np.append(0, np.cumsum(rng.lognormal(0, 0.6, 19)))
    break_at = edges[8] + 0.3 * (edges[9] - edges[8])
    level = 10 * np.minimum(edges, break_at) + 40 * np.maximum(edges - break_at, 0)
    mean = np.diff(level)
    return edges, np.append(0, np.cumsum(rng.gamma(mean / noise, noise)))


def noisy_fit(seed: int = 1, **choices: object) -> vk.Phases:
    return vk.Phases(cumulative(*steps(seed)), unit="period").fit(**choices)


def deviance(y: np.ndarray, mean: np.ndarray) -> float:
    return 2 * float(
        np.sum(np.where(y > 0, y * np.log(np.maximum(y, 1e-300) / mean), 0) - y + mean)
    )


def refitted(fit: object, break_at: float) -> float:
    """Least deviance at a break date, by a general optimiser over the two rates."""
    begin, end, y = fit.model.stream.begin, fit.model.stream.end, fit.model.stream.amount
    first = np.maximum(np.minimum(end, break_at) - begin, 0)

    def loss(logs: np.ndarray) -> float:
        return deviance(y, first * np.exp(logs[0]) + (end - begin - first) * np.exp(logs[1]))

    start = np.log([fit.params["rate_1"], fit.params["rate_2"]])
    return optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-9}).fun


@pytest.mark.parametrize("rate", ["per_day", "relative"])
def test_exact_data_give_the_breaks_inside_their_gaps(rate: str):
    time = np.array([0, 1, 2.5, 4, 5, 6, 8, 9, 11, 12, 13.5, 15, 16])
    growth = 0.5 * np.minimum(time, 4.6) + 0.1 * np.clip(time - 4.6, 0, 6.1)
    growth = growth + 0.3 * np.maximum(time - 10.7, 0)
    total = np.exp(growth) if rate == "relative" else growth
    fit = vk.Phases(cumulative(time, total), unit="period", start=0.0, rate=rate).fit()
    assert list(fit.params) == ["rate_1", "rate_2", "rate_3", "break_1", "break_2"]
    np.testing.assert_allclose(list(fit.params.values()), [0.5, 0.1, 0.3, 4.6, 10.7], rtol=1e-7)
    np.testing.assert_allclose(fit.fittedvalues, np.diff(total), rtol=1e-6)


@pytest.mark.parametrize("breaks", [1, 2])
def test_the_search_finds_what_trying_everything_finds(breaks: int):
    for seed in range(6):
        edges, total = steps(seed)
        stream = Stream(edges[:12], edges[1:13], np.diff(total)[:12])
        least = tried_all(stream.end - stream.begin, stream.amount, breaks)
        assert chain(stream, breaks).deviance[breaks, -1] == pytest.approx(least, rel=1e-8)


def tried_all(width: np.ndarray, y: np.ndarray, breaks: int) -> float:
    """Try every way of putting breaks on dates or into gaps."""
    found = []
    for cuts, taken in product(
        combinations(range(1, len(y)), breaks), product([0, 1], repeat=breaks)
    ):
        firsts = [0, *(cut + gap for cut, gap in zip(cuts, taken, strict=True))]
        lasts = [*cuts, len(y)]
        if min(np.subtract(lasts, firsts)) < 2:
            continue
        parts = [slice(*pair) for pair in zip(firsts, lasts, strict=True)]
        rates = [y[part].sum() / width[part].sum() for part in parts]
        own = [y[cut] / width[cut] for cut, gap in zip(cuts, taken, strict=True) if gap]
        sides = [sorted(rates[i : i + 2]) for i, gap in enumerate(taken) if gap]
        if all(low < rate < high for rate, (low, high) in zip(own, sides, strict=True)):
            pairs = zip(parts, rates, strict=True)
            found.append(sum(deviance(y[part], rate * width[part]) for part, rate in pairs))
    return min(found)


def test_no_date_and_no_rates_fit_better():
    fit = noisy_fit(breaks=1)
    least = fit.model.deviance(fit.params)
    edges = fit.model.stream.end
    others = [refitted(fit, at) for at in np.linspace(edges[2], edges[-4], 120)]
    assert min(others) >= least - 1e-6
    assert min(others) == pytest.approx(least, rel=0.05)


def test_break_range_ends_where_the_likelihood_ratio_reaches_its_quantile():
    fit = noisy_fit(breaks=1)
    lower, upper = fit.conf_int().filter(parameter="break_1").row(0)[1:]
    limit = fit.scale * date_quantile(0.95, fit.df_resid)
    for end in (lower, upper):
        excess = refitted(fit, end) - fit.model.deviance(fit.params)
        assert excess == pytest.approx(limit, rel=1e-3)
    assert lower < fit.params["break_1"] < upper


def test_the_quantile_of_break_dates_is_that_of_two_exponentials_over_a_dispersion():
    rng = np.random.default_rng(0)
    highest = 2 * rng.exponential(size=(400_000, 2)).max(axis=1)
    ratio = highest / (rng.chisquare(20, 400_000) / 20)
    assert np.mean(ratio <= date_quantile(0.95, 20)) == pytest.approx(0.95, abs=0.002)
    assert date_quantile(0.95, 10**6) == pytest.approx(-2 * np.log(1 - np.sqrt(0.95)), rel=1e-4)


def test_without_a_break_the_rate_has_its_closed_form():
    edges, total = steps(4)
    fit = vk.Phases(cumulative(edges, total), unit="period").fit(breaks=0)
    y, width = np.diff(total), np.diff(edges)
    rate = y.sum() / width.sum()
    scale = np.sum((y - rate * width) ** 2 / (rate * width)) / (len(y) - 1)
    assert fit.params == pytest.approx({"rate_1": rate})
    assert fit.bse["rate_1"] == pytest.approx(np.sqrt(scale * rate / width.sum()))
    limit = scale * stats.f(1, len(y) - 1).ppf(0.95)
    for end in fit.conf_int().row(0)[1:]:
        drop = deviance(y, end * width) - deviance(y, rate * width)
        assert drop == pytest.approx(limit, rel=1e-4)


def test_a_rate_interval_refits_the_date():
    fit = noisy_fit(breaks=1)
    lower = fit.conf_int()["lower"][0]
    limit = fit.model.deviance(fit.params) + fit.scale * stats.f(1, fit.df_resid).ppf(0.95)

    def loss(x: np.ndarray, rate: float) -> float:
        return fit.model.deviance({"rate_1": rate, "rate_2": np.exp(x[0]), "break_1": x[1]})

    ends = fit.model.stream.end
    least = min(
        optimize.minimize(loss, [np.log(40), at], (lower,), "Nelder-Mead").fun for at in ends[3:-3]
    )
    assert least == pytest.approx(limit, rel=2e-3)


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


def dated(seed: int = 5, launch: object = START) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    days = np.append(0, np.cumsum(rng.integers(1, 9, 24)))
    rate = np.where(days[1:] <= days[12], 30.0, 120.0)
    total = np.append(0, np.cumsum(rng.gamma(rate * np.diff(days) / 5, 5)))
    return cumulative([launch + timedelta(days=int(day)) for day in days], total)


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


def test_missing_periods_widen_the_range_of_a_break_to_all_of_them():
    begin = np.array([0, 1, 2, 3, 4, 10, 11, 12, 13, 14.0])
    count = [100, 104, 97, 101, 99, 300, 306, 295, 302, 297]
    table = pl.DataFrame({"item": "a", "time": begin, "period_end": begin + 1, "count": count})
    table = table.with_columns(kind=pl.lit("incremental"))
    fit = vk.Phases(table, unit="period", start=0.0).fit()
    assert len(fit.breaks) == 1
    _, at, lower, upper = fit.breaks.row(0)
    assert lower <= 5 and upper >= 10 and at == 7.5
    with pytest.raises(vk.TableError, match=r"periods are missing.*rate='per_day'"):
        vk.Phases(table, unit="period", start=0.0, rate="relative")


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
    for part in ("conditional on 1 break", "new break may come", "1 points have uncertain dates"):
        assert part in told
    for part in ("1 counts are rounded", "1 bounds", "1 rows are not used"):
        assert part in told
    plain = vk.Phases(marked.filter(pl.col("excluded").is_null()), unit="day").fit()
    assert fit.params == pytest.approx(plain.params)


def test_the_summary_says_what_it_is_conditional_on_and_escapes_names():
    table = cumulative(*steps(1)).with_columns(item=pl.lit("<script>x</script>"))
    summary = vk.Phases(table, unit="period").fit().summary()
    assert "1 (chosen by modified BIC)" in summary.as_text()
    assert "Break 1 (95 % range)" in summary.as_text()
    assert "conditional on 1 break" in summary.as_text()
    assert "<script>" not in summary.as_html()
    given = vk.Phases(table, unit="period").fit(breaks=0).summary().as_text()
    assert "0 (given)" in given and "conditional on no break" in given


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


def test_intervals_need_a_level_between_zero_and_one():
    with pytest.raises(ValueError, match=r"alpha=95 is not between 0 and 1"):
        noisy_fit().conf_int(95)


def test_a_wider_level_gives_wider_intervals():
    fit = noisy_fit(breaks=1)
    narrow, wide = fit.conf_int(0.2), fit.conf_int(0.01)
    assert (wide["lower"] < narrow["lower"]).all() and (wide["upper"] > narrow["upper"]).all()


def test_fits_can_be_compared_with_growth_models():
    edges, total = steps(1)
    table = cumulative(edges, total)
    fits = [vk.Phases(table, unit="period").fit(), vk.Linear(table, unit="period").fit()]
    found = vk.compare(fits, cutoffs=[edges[14], edges[16]])
    assert found["model"].to_list() == ["Phases", "Linear"]
    assert found["cutoffs"].to_list() == [2, 2]
    assert found["mean_absolute_error"][0] < found["mean_absolute_error"][1]


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
