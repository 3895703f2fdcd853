"""Growth curves: against statsmodels, closed forms, invariances and refusals."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from statsmodels.discrete.discrete_model import NegativeBinomial

import viralkit as vk

CURVES = [vk.Bass, vk.Logistic, vk.Gompertz, vk.Exponential, vk.Linear]
TRUTH = {
    "Bass": {"p": 0.01, "q": 0.3, "m": 1e5},
    "Logistic": {"r": 0.4, "midpoint": 12.0, "m": 1e5},
    "Gompertz": {"r": 0.25, "midpoint": 9.0, "m": 1e5},
    "Exponential": {"r": 0.2, "level": 50.0},
    "Linear": {"rate": 120.0},
}
START = date(2020, 1, 1)


def exact(curve: type, ages: list[float]) -> np.ndarray:
    """Cumulative counts by the textbook formula, written again here."""
    t, v = np.asarray(ages, float), TRUTH[curve.__name__]
    if curve is vk.Bass:
        decay = np.exp(-(v["p"] + v["q"]) * t)
        return v["m"] * (1 - decay) / (1 + v["q"] / v["p"] * decay)
    if curve is vk.Logistic:
        return v["m"] / (1 + np.exp(-v["r"] * (t - v["midpoint"])))
    if curve is vk.Gompertz:
        return v["m"] * np.exp(-np.exp(-v["r"] * (t - v["midpoint"])))
    return v["level"] * np.exp(v["r"] * t) if curve is vk.Exponential else v["rate"] * t


def cumulative(counts: np.ndarray, ages: list[float]) -> pl.DataFrame:
    columns = {"item": "x", "time": [float(a) for a in ages], "count": counts}
    return pl.DataFrame(columns).with_columns(kind=pl.lit("cumulative"))


def noisy_bass(seed: int = 3) -> pl.DataFrame:
    """Thirty irregular days of a Bass curve with overdispersed counts, as dates."""
    rng = np.random.default_rng(seed)
    ages = np.sort(rng.choice(np.arange(1, 160), 30, replace=False))
    decay = np.exp(-0.055 * np.append(0, ages))
    mean = np.diff(1e6 * (1 - decay) / (1 + 0.05 / 0.005 * decay))
    total = np.cumsum(rng.gamma(mean / 500, 500))
    days = [START + timedelta(days=int(a)) for a in ages]
    columns = {"item": "x", "time": [START, *days], "count": [0.0, *total]}
    return pl.DataFrame(columns).with_columns(kind=pl.lit("cumulative"))


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("family", ["quasipoisson", "normal"])
def test_a_noiseless_curve_on_irregular_dates_is_recovered(curve: type, family: str):
    ages = [1.0, 2, 4, 5, 7, 10, 11, 15, 16, 20, 27, 30]
    table = cumulative(exact(curve, ages), ages)
    fit = curve(table, unit="period", start=0.0).fit(family=family)
    assert fit.params == pytest.approx(TRUTH[curve.__name__], rel=1e-6)
    curve_again = fit.predict(ages)["mean"].to_numpy()
    assert curve_again == pytest.approx(exact(curve, ages), rel=1e-7)


@pytest.mark.parametrize("curve", CURVES)
def test_counts_per_period_with_gaps_give_the_same_fit(curve: type):
    edges = np.arange(31.0)
    rise = np.diff(exact(curve, edges))
    columns = {"item": "x", "time": edges[:-1], "period_end": edges[1:], "count": rise}
    table = pl.DataFrame(columns).with_columns(kind=pl.lit("incremental"))
    gaps = table.filter(~pl.col("time").is_in([3.0, 4.0, 11.0]))
    fit = curve(gaps, unit="period", start=0.0).fit()
    assert fit.params == pytest.approx(TRUTH[curve.__name__], rel=1e-6)
    assert fit.nobs == 27


def test_linear_is_total_over_time_with_its_textbook_error():
    counts, ages = np.array([0.0, 5, 12, 30, 31, 60]), [0.0, 1, 2, 6, 7, 12]
    fit = vk.Linear(cumulative(counts, ages), unit="period").fit()
    rate, gaps, rise = counts[-1] / ages[-1], np.diff(ages), np.diff(counts)
    dispersion = np.sum((rise - rate * gaps) ** 2 / (rate * gaps)) / 4
    assert fit.params["rate"] == pytest.approx(rate, rel=1e-10)
    assert fit.scale == pytest.approx(dispersion, rel=1e-8)
    assert fit.bse["rate"] == pytest.approx(np.sqrt(dispersion * rate / ages[-1]), rel=1e-8)


def log_linear() -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    time = np.arange(12.0)
    count = np.array([3, 2, 6, 8, 9, 18, 20, 39, 38, 70, 95, 104], float)
    columns = {"item": "x", "time": time, "period_end": time + 1, "count": count}
    table = pl.DataFrame(columns).with_columns(kind=pl.lit("incremental"))
    return table, count, sm.add_constant(time)


def test_exponential_on_equal_periods_is_a_poisson_glm():
    table, count, design = log_linear()
    peer = sm.GLM(count, design, family=sm.families.Poisson()).fit(scale="X2", tol=1e-13)
    fit = vk.Exponential(table, unit="period", start=0.0).fit()
    assert fit.params["r"] == pytest.approx(peer.params[1], rel=1e-8)
    assert fit.bse["r"] == pytest.approx(peer.bse[1], rel=1e-6)
    assert fit.scale == pytest.approx(peer.scale, rel=1e-8)
    assert fit.llf is None
    assert fit.aic is None
    assert fit.bic is None
    assert "no likelihood" in str(fit.summary())


def test_exponential_on_equal_periods_is_a_negative_binomial_regression():
    table, count, design = log_linear()
    noise = np.array([3, 1, 9, 4, 15, 10, 30, 22, 60, 41, 140, 70], float)
    table = table.with_columns(count=pl.Series(noise))
    peer = NegativeBinomial(noise, design).fit(
        start_params=[0.8, 0.35, 0.1], method="newton", disp=0, tol=1e-12, maxiter=200
    )
    fit = vk.Exponential(table, unit="period", start=0.0).fit(family="negative_binomial")
    assert fit.params["r"] == pytest.approx(peer.params[1], rel=1e-6)
    assert fit.params["alpha"] == pytest.approx(peer.params[2], rel=1e-5)
    assert fit.llf == pytest.approx(peer.llf, rel=1e-8)
    assert fit.aic == pytest.approx(peer.aic, rel=1e-8)
    assert fit.bse["r"] == pytest.approx(peer.bse[1], rel=1e-4)
    assert count.sum() != noise.sum()


def test_a_normal_fit_has_the_likelihood_of_least_squares():
    table = noisy_bass()
    fit = vk.Bass(table, unit="day").fit(family="normal")
    variance = np.mean(fit.resid**2)
    by_hand = np.sum(-0.5 * np.log(2 * np.pi * variance) - fit.resid**2 / (2 * variance))
    assert fit.llf == pytest.approx(by_hand, rel=1e-10)
    assert fit.aic == pytest.approx(8 - 2 * by_hand, rel=1e-10)


@pytest.mark.parametrize("family", ["quasipoisson", "normal", "negative_binomial"])
def test_units_dates_and_sizes_do_not_matter(family: str):
    table = noisy_bass()
    day = vk.Bass(table, unit="day").fit(family=family)
    week = vk.Bass(table, unit="week").fit(family=family)
    later = vk.Bass(table.with_columns(pl.col("time").dt.offset_by("400d")), unit="day").fit(
        family=family
    )
    moments = table.with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))
    stamped = vk.Bass(moments, unit="day").fit(family=family)
    for name, factor in {"p": 7, "q": 7, "m": 1}.items():
        assert week.params[name] == pytest.approx(factor * day.params[name], rel=1e-5)
        assert week.bse[name] == pytest.approx(factor * day.bse[name], rel=1e-4)
        assert later.params[name] == pytest.approx(day.params[name], rel=1e-6)
        assert stamped.params[name] == pytest.approx(day.params[name], rel=1e-6)
    if family != "negative_binomial":
        tenfold = table.with_columns(pl.col("count") * 10)
        big = vk.Bass(tenfold, unit="day").fit(family=family)
        assert big.params["m"] == pytest.approx(10 * day.params["m"], rel=1e-6)
        assert big.params["q"] == pytest.approx(day.params["q"], rel=1e-6)


def test_no_point_of_a_fine_grid_fits_better():
    fit = vk.Bass(noisy_bass(), unit="day").fit()
    least = fit.model.deviance(fit.params)
    for name in fit.params:
        for factor in (0.9, 0.99, 0.999, 1.001, 1.01, 1.1):
            moved = {**fit.params, name: fit.params[name] * factor}
            assert fit.model.deviance(moved) > least


def test_profile_ends_are_where_the_loss_says():
    from scipy import stats

    fit = vk.Bass(noisy_bass(), unit="day").fit()
    quantile = stats.f(1, fit.df_resid).ppf(0.95)
    for name, lower, upper in fit.conf_int(method="profile").iter_rows():
        assert lower < fit.params[name] < upper
        for end in (lower, upper):
            held = vk.Bass(noisy_bass(), unit="day").fit(fixed={name: end})
            excess = held.model.deviance(held.params) - fit.model.deviance(fit.params)
            assert excess / fit.scale == pytest.approx(quantile, rel=1e-4)


def test_three_kinds_of_interval_agree_on_good_data():
    fit = vk.Bass(noisy_bass(), unit="day").fit()
    wald, profile = (fit.conf_int(method=name) for name in ("wald", "profile"))
    bootstrap = fit.conf_int(method="bootstrap", replicates=300, seed=1)
    for other in (profile, bootstrap):
        for end in ("lower", "upper"):
            assert other[end].to_numpy() == pytest.approx(wald[end].to_numpy(), rel=0.12)
    again = fit.conf_int(method="bootstrap", replicates=300, seed=1)
    assert again.equals(bootstrap)


def test_covariance_standard_errors_and_frame_agree():
    fit = vk.Bass(noisy_bass(), unit="day").fit()
    assert np.sqrt(np.diag(fit.cov_params())) == pytest.approx(list(fit.bse.values()), rel=1e-12)
    frame = fit.frame()
    assert frame.columns == ["parameter", "estimate", "std_error", "lower", "upper"]
    assert frame["parameter"].to_list() == ["p", "q", "m"]
    assert fit.tvalues["q"] == pytest.approx(fit.params["q"] / fit.bse["q"])
    assert 0 <= fit.pvalues["q"] < 1e-6
    narrow = fit.conf_int(0.5)
    assert (narrow["lower"] > frame["lower"]).all()
    assert (narrow["upper"] < frame["upper"]).all()


def test_a_pure_decay_has_no_imitation_and_a_one_sided_bound():
    edges = np.arange(13.0)
    rise = 1000 * np.exp(-0.5 * edges[:-1]) * (1 + 0.05 * np.cos(7 * edges[:-1]))
    columns = {"item": "x", "time": edges[:-1], "period_end": edges[1:], "count": rise}
    table = pl.DataFrame(columns).with_columns(kind=pl.lit("incremental"))
    fit = vk.Bass(table, unit="period", start=0.0).fit()
    assert fit.params["q"] == 0
    assert fit.bse["q"] is None
    assert fit.tvalues["q"] is None
    lower, upper = fit.conf_int().filter(pl.col("parameter") == "q").select("lower", "upper").row(0)
    assert lower == 0
    assert 0 < upper < 0.2
    assert any("q runs to zero" in text for text in fit.warnings)
    assert fit.params["p"] == pytest.approx(0.5, rel=0.03)


def test_fixed_parameters_are_held_and_have_no_error():
    fit = vk.Bass(noisy_bass(), unit="day").fit(fixed={"q": 0.05})
    assert fit.params["q"] == 0.05
    assert fit.bse["q"] is None
    assert fit.conf_int().row(1) == ("q", None, None)
    assert fit.df_model == 2
    free = vk.Bass(noisy_bass(), unit="day").fit()
    held = vk.Bass(noisy_bass(), unit="day").fit(fixed={"q": free.params["q"]})
    assert held.params["m"] == pytest.approx(free.params["m"], rel=1e-6)
    every = vk.Bass(noisy_bass(), unit="day").fit(fixed=dict(free.params))
    assert every.fittedvalues == pytest.approx(free.fittedvalues, rel=1e-9)


def test_the_curve_for_sliders_is_the_curve_of_the_fit():
    fit = vk.Gompertz(noisy_bass(), unit="day", start=START).fit()
    band = fit.predict()
    assert fit.model.curve(fit.params, band["age"].to_numpy()) == pytest.approx(
        band["mean"].to_numpy(), rel=1e-9
    )
    assert (band["lower"] <= band["mean"]).all()
    assert (band["mean"] <= band["upper"]).all()
    assert band["time"][0] == START


def test_several_counts_on_one_date_give_the_largest_and_excluded_rows_are_counted():
    table = noisy_bass()
    copy = table.tail(1).with_columns(pl.col("count") * 0.999)
    wrong = table.tail(1).with_columns(pl.col("count") * 3)
    marked = pl.concat([table, copy, wrong]).with_columns(
        excluded=pl.Series([None] * (table.height + 1) + ["a typing error"])
    )
    fit, plain = vk.Bass(marked, unit="day").fit(), vk.Bass(table, unit="day").fit()
    assert fit.params == pytest.approx(plain.params, rel=1e-9)
    assert any(text.startswith("1 row is not used") for text in fit.warnings)


def test_a_launch_before_the_first_row_counts_from_zero():
    ages = [5.0, 8, 12, 20, 25, 30]
    table = cumulative(exact(vk.Bass, ages), ages)
    fit = vk.Bass(table, unit="period", start=0.0).fit()
    assert fit.params == pytest.approx(TRUTH["Bass"], rel=1e-6)
    with_zero = cumulative(exact(vk.Bass, [0.0, *ages]), [0.0, *ages])
    assert vk.Bass(with_zero, unit="period").fit().params == pytest.approx(fit.params, rel=1e-6)


BAD = {
    "empty": (lambda t: t.head(0), "no usable row"),
    "one row": (lambda t: t.tail(1), "at least"),
    "three rows": (lambda t: t.head(3), "at least 4"),
    "falls": (
        lambda t: t.with_columns(
            pl.when(pl.int_range(pl.len()) == 9).then(1.0).otherwise("count").alias("count")
        ),
        "may not fall",
    ),
    "two items": (
        lambda t: t.with_columns(item=pl.Series(["x"] * 30 + ["y"])),
        "column 'item' holds 2 values",
    ),
    "zeros": (lambda t: t.with_columns(count=pl.lit(0.0)), "all counts are zero"),
    "negative": (lambda t: t.with_columns(pl.col("count") - 10), "count"),
    "nan": (lambda t: t.with_columns(count=pl.lit(float("nan"))), "count"),
    "text dates": (lambda t: t.with_columns(pl.col("time").cast(pl.String)), "time"),
    "no kind": (lambda t: t.drop("kind"), "column 'kind' says nothing"),
    "index": (lambda t: t.with_columns(kind=pl.lit("index")), "'cumulative' or 'incremental'"),
    "no count": (lambda t: t.rename({"count": "views"}), "count"),
    "no period end": (lambda t: t.with_columns(kind=pl.lit("incremental")), "period_end"),
}


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_refused_with_a_reason(curve: type, case: str):
    change, message = BAD[case]
    if curve is vk.Linear and case == "three rows":
        return
    if curve is vk.Exponential and case == "three rows":
        change, message = (lambda t: t.head(3)), "at least 3"
    with pytest.raises(ValueError, match=message):
        curve(change(noisy_bass()), unit="day", start=START).fit()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: vk.Bass(t, unit="month"), "unit='month' does not fit"),
        (lambda t: vk.Bass(t, unit="period"), "unit='period' does not fit"),
        (lambda t: vk.Bass(t.tail(20), unit="day"), "start=None, and the first row"),
        (lambda t: vk.Bass(t, unit="day", start=date(2021, 1, 1)), "is after the first row"),
        (lambda t: vk.Bass(t, unit="day", start=0.0), "does not match times"),
        (lambda t: vk.Bass(t, unit="day").fit(family="poisson"), "family='poisson' is not known"),
        (lambda t: vk.Bass(t, unit="day").fit(method="gls"), "method='gls' is not known"),
        (lambda t: vk.Linear(t, unit="day").fit(method="ols"), "allowed: \\['increments'\\]"),
        (lambda t: vk.Bass(t, unit="day").fit(fixed={"r": 1}), "allowed: \\['p', 'q', 'm'\\]"),
        (lambda t: vk.Bass(t, unit="day").fit(fixed={"q": -1}), "finite number above zero"),
        (lambda t: vk.Bass(t, unit="day").fit(method="ols"), "takes equal periods"),
        (
            lambda t: vk.Bass(t, unit="day").fit(method="cumulative", family="negative_binomial"),
            "Pass method='increments'",
        ),
        (lambda t: vk.Bass(t, unit="day").fit().conf_int(method="delta"), "allowed: 'wald'"),
        (lambda t: vk.Bass(t, unit="day").fit().conf_int(5), "not between 0 and 1"),
        (lambda t: vk.Bass(t, unit="day").fit().forecast(START), "not a time after the last point"),
    ],
)
def test_bad_choices_are_refused_with_what_is_allowed(call, message: str):
    with pytest.raises(ValueError, match=message):
        call(noisy_bass())


def test_datetimes_and_their_start_may_be_a_date():
    table = noisy_bass().with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))
    dated = vk.Bass(table, unit="day", start=START).fit()
    assert dated.params == pytest.approx(vk.Bass(table, unit="day").fit().params, rel=1e-9)
    assert dated.predict()["time"][0] == datetime(2020, 1, 1, tzinfo=UTC)


def test_summary_has_no_address_and_escapes_its_names():
    table = noisy_bass().with_columns(item=pl.lit("<script>alert(1)</script>\x1b[31m"))
    fit = vk.Bass(table, unit="day").fit()
    text, page = str(fit.summary()), fit.summary().as_html()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in text
    assert " at 0x" not in text
    assert text == str(vk.Bass(table, unit="day").fit().summary())
