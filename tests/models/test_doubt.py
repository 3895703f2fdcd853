"""Counts known only as bounds, dates known only as intervals, and what is forecast from them."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats

import viralkit as vk

START = date(2020, 1, 1)


def table(days: list[int], counts: list[float], **columns: list) -> pl.DataFrame:
    time = [START + timedelta(days=day) for day in days]
    frame = pl.DataFrame({"item": "x", "time": time, "count": counts, **columns})
    return frame.with_columns(kind=pl.lit("cumulative"))


DAYS = [0, 10, 22, 35, 47, 60, 80, 100]
COUNTS = [0.0, 900.0, 2300.0, 3300.0, 4800.0, 6100.0, 7800.0, 10150.0]
POINTS = table(DAYS, COUNTS, bound=["exact"] * 8)


def with_bound(day: int, count: float, bound: str) -> pl.DataFrame:
    return pl.concat([POINTS, table([day], [float(count)], bound=[bound])])


def rate(counts: pl.DataFrame, **choices: str) -> float:
    return vk.Linear(counts, unit="day").fit(**choices).params["rate"]


def test_a_bound_that_tells_nothing_changes_nothing():
    plain = rate(POINTS)
    assert rate(with_bound(70, 6101, "at_least")) == pytest.approx(plain, rel=1e-6)
    assert rate(with_bound(70, 7799, "at_most")) == pytest.approx(plain, rel=1e-6)
    assert rate(with_bound(150, 10151, "at_least")) == pytest.approx(plain, rel=1e-3)


def test_a_bound_after_the_last_point_pulls_and_can_be_ignored():
    plain, bound = rate(POINTS), with_bound(150, 19000, "at_least")
    assert rate(bound) > plain * 1.02
    assert rate(with_bound(150, 12000, "at_most")) < plain * 0.98
    assert rate(bound, bounds="ignore") == pytest.approx(plain, rel=1e-9)


def test_copies_of_a_bound_count_once():
    once = with_bound(150, 19000, "at_least")
    copies = [table([151 + i], [19000.0 - i], bound=["at_least"]) for i in range(5)]
    assert rate(pl.concat([once, *copies])) == pytest.approx(rate(once), rel=1e-9)
    fit = vk.Linear(pl.concat([once, *copies]), unit="day").fit()
    assert (fit.nobs, fit._fit.bounds) == (7, 1)


def test_the_bound_term_is_the_normal_bridge_between_its_neighbours():
    fit = vk.Linear(with_bound(70, 7200, "at_least"), unit="day").fit()
    objective, speed = fit._fit.objective, fit.params["rate"]
    middle = 6100 + (7800 - 6100) * 10 / 20
    spread = np.sqrt(fit.scale * speed * 20 * 0.5 * 0.5)
    by_hand = stats.norm.logsf((7200 - middle) / spread)
    assert objective.log_bounds(fit._fit.x) == pytest.approx([by_hand], rel=1e-9)


def with_interval(day: int, low: int, high: int) -> pl.DataFrame:
    at = {"time": START + timedelta(days=day)}
    doubt = {"lower": START + timedelta(days=low), "upper": START + timedelta(days=high)}
    known = POINTS.with_columns(time_lower="time", time_upper="time")
    return known.with_columns(
        pl.when(pl.col("time") == at["time"])
        .then(doubt[end])
        .otherwise("time")
        .alias(f"time_{end}")
        for end in ("lower", "upper")
    )


def test_an_interval_of_no_width_is_a_date():
    same = with_interval(35, 35, 35)
    assert rate(same) == pytest.approx(rate(POINTS), rel=1e-9)
    assert rate(same, dates="interval") == rate(same, dates="midpoint")


def test_an_uncertain_date_is_integrated_over_its_interval():
    fit = vk.Linear(with_interval(35, 24, 45), unit="day").fit(family="normal")
    objective, x = fit._fit.objective, fit._fit.x
    edges, rise, speed = np.array(DAYS, float), np.diff(COUNTS), fit.params["rate"]

    def density(when: float) -> float:
        moved = np.where(edges == 35, when, edges)
        return float(np.prod(stats.norm.pdf(rise, speed * np.diff(moved), np.sqrt(fit.scale))))

    whole, _ = integrate.quad(density, 24, 45, epsabs=0, epsrel=1e-10)
    assert objective.log_likelihood(x) == pytest.approx(np.log(whole / 21), abs=1e-4)
    for step in (-1e-3, 1e-3):
        assert objective.loss(x) < objective.loss(x + step)


def test_midpoints_can_be_asked_for():
    doubtful = with_interval(35, 24, 46)
    midpoint = rate(doubtful, dates="midpoint")
    assert midpoint == pytest.approx(rate(POINTS), rel=1e-9)
    assert vk.Linear(doubtful, unit="day").fit().bse["rate"] > 0


def test_overlapping_dates_keep_the_order_of_their_counts():
    base = POINTS.with_columns(time_lower="time", time_upper="time")
    wide = pl.when(pl.col("time").is_between(date(2020, 1, 20), date(2020, 2, 10)))
    both = base.with_columns(
        wide.then(date(2020, 1, 15)).otherwise("time_lower").alias("time_lower"),
        wide.then(date(2020, 2, 12)).otherwise("time_upper").alias("time_upper"),
    )
    assert rate(both) == pytest.approx(rate(POINTS), rel=0.02)


def test_a_forecast_starts_at_the_last_point_widens_and_knows_its_noise():
    fit = vk.Linear(POINTS, unit="day").fit()
    ahead = fit.forecast(START + timedelta(days=300))
    width = (ahead["upper"] - ahead["lower"]).to_numpy()
    assert np.all(np.diff(width) > 0)
    assert ahead["time"][-1] == START + timedelta(days=300)
    assert ahead["mean"][-1] == pytest.approx(10150 + 200 * fit.params["rate"])
    noise = fit.scale * fit.params["rate"] * 200
    doubt = (200 * fit.bse["rate"]) ** 2
    expected = 2 * stats.t(6).ppf(0.975) * np.sqrt(noise + doubt)
    assert width[-1] == pytest.approx(expected, rel=0.05)
    assert fit.forecast(START + timedelta(days=300)).equals(ahead)
    half = fit.forecast(START + timedelta(days=300), alpha=0.5)
    assert (half["upper"] - half["lower"])[-1] < width[-1] / 2


def test_compare_finds_the_right_curve_and_refuses_what_differs():
    ages = np.arange(0, 40, 2)
    total = 1000 * ages + 30 * np.sin(3 * ages)
    steady = table([int(a) for a in ages], total.tolist())
    fits = [model(steady, unit="day", start=START).fit() for model in (vk.Linear, vk.Exponential)]
    ranks = vk.compare(fits)
    assert ranks["model"].to_list() == ["Linear", "Exponential"]
    assert ranks["mean_absolute_error"][0] < ranks["mean_absolute_error"][1] / 5
    assert ranks["k"].to_list() == [1, 2]
    assert ranks["cutoffs"].to_list() == [9, 9]
    assert ranks["aic"].null_count() == 2
    assert ranks["note"][0] == "no AIC or BIC: a fit has no likelihood"
    normal = [vk.Linear(steady, unit="day").fit(family="normal")]
    assert vk.compare(normal)["aic"].to_list() == [normal[0].aic]
    mixed = [*normal, vk.Linear(steady, unit="day").fit(family="negative_binomial")]
    assert vk.compare(mixed)["note"][0].endswith("family, method, rows or bounds differ")
    one = vk.compare(fits, cutoffs=[START + timedelta(days=20)])
    assert one["cutoffs"].to_list() == [1, 1]
    error = abs(fits[0].refit(steady.head(11)).forecast(START + timedelta(days=22))["mean"][-1])
    assert one["mean_absolute_error"][0] == pytest.approx(abs(error - total[11]))
    with pytest.raises(ValueError, match="leaves no point"):
        vk.compare(fits, cutoffs=[START + timedelta(days=400)])
    other = vk.Linear(steady.with_columns(item=pl.lit("y")), unit="day").fit()
    with pytest.raises(ValueError, match="it takes one item"):
        vk.compare([fits[0], other])


KNOWN = vk.load_charlie_views().filter(pl.col("time") <= date(2010, 4, 30))
EARLY = KNOWN.filter(pl.col("time").is_between(date(2007, 12, 1), date(2008, 3, 31)))


def test_real_bounds_and_dates_have_profile_intervals():
    fit = vk.Bass(KNOWN, unit="day").fit()
    p, q, m = fit.conf_int(method="profile").select("lower", "upper").rows()
    assert p[0] < fit.params["p"] < p[1]
    assert q[0] < fit.params["q"] < q[1]
    assert m[0] == pytest.approx(1.46e8, rel=0.01)
    assert m[1] == np.inf
    assert any("without limit" in text for text in fit.warnings)


def test_a_ceiling_at_infinity_under_bounds_has_a_lower_bound():
    fit = vk.Bass(KNOWN.filter(origin="primary"), unit="day").fit()
    lower = fit.conf_int()["lower"].to_list()
    assert (fit.params["p"], fit.params["m"]) == (0, np.inf)
    assert lower[0] == 0
    assert lower[2] == pytest.approx(2.72e8, rel=0.01)


def test_three_points_with_dates_known_to_the_month_still_have_errors():
    fit = vk.Exponential(EARLY, unit="day", start=date(2007, 5, 22)).fit()
    objective, x, free = fit._fit.objective, fit._fit.x, fit._fit.free
    assert np.abs(objective.slope(x, free)).max() < 1e-5
    assert np.linalg.eigvalsh(objective.information(x, free))[0] > 0
    assert fit.bse["r"] == pytest.approx(0.0102, rel=0.02)
