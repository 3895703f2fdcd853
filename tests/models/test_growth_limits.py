"""At the edges: open ceilings, late starts, gaps, contradictions, huge counts."""

import numpy as np
import polars as pl
import pytest

import viralkit as vk


def periods(begin: list[float], count: np.ndarray, width: float = 1.0) -> pl.DataFrame:
    begin = np.asarray(begin, float)
    columns = {"item": "x", "time": begin, "period_end": begin + width, "count": count}
    return pl.DataFrame(columns).with_columns(kind=pl.lit("incremental"))


def running(age: np.ndarray, count: np.ndarray) -> pl.DataFrame:
    columns = {"item": "x", "time": np.asarray(age, float), "count": count}
    return pl.DataFrame(columns).with_columns(kind=pl.lit("cumulative"))


EDGES = np.arange(21.0)


def bass(t: np.ndarray, p: float = 0.01, q: float = 0.3, m: float = 1e5) -> np.ndarray:
    decay = np.exp(-(p + q) * t)
    return m * (1 - decay) / (1 + q / p * decay)


NOISE = np.random.default_rng(0).gamma(100, 0.01, 20)
TABLE = periods(EDGES[:-1].tolist(), np.diff(bass(EDGES)) * NOISE)


def test_without_a_ceiling_bass_is_the_exponential_with_its_errors():
    t = np.arange(12.0)
    table = periods(t.tolist(), 100 * np.exp(0.4 * t + 0.012 * t**2))
    open_bass = vk.Bass(table, unit="period", start=0.0).fit()
    exponential = vk.Exponential(table, unit="period", start=0.0).fit()
    assert open_bass.params["m"] == np.inf
    assert open_bass.params["q"] == pytest.approx(exponential.params["r"], rel=1e-4)
    assert open_bass.bse["q"] == pytest.approx(exponential.bse["r"], rel=0.1)
    assert open_bass.bse["p"] is None
    mine, theirs = (fit.forecast(15.0).row(-1)[2:] for fit in (open_bass, exponential))
    assert mine[0] == pytest.approx(theirs[0], rel=1e-3)
    assert mine[1] < theirs[0] < mine[2]


def test_a_logistic_without_a_ceiling_has_no_midpoint():
    t = np.arange(12.0)
    table = periods(t.tolist(), 100 * np.exp(0.4 * t + 0.012 * t**2))
    fit = vk.Logistic(table, unit="period", start=0.0).fit()
    assert (fit.params["m"], fit.params["midpoint"]) == (np.inf, np.inf)
    assert fit.bse["midpoint"] is None
    assert any("Fit Exponential" in text for text in fit.warnings)


def test_compare_takes_counts_per_period():
    fit = vk.Bass(TABLE, unit="period", start=0.0).fit()
    (row,) = vk.compare([fit], cutoffs=[15.0]).rows(named=True)
    early = vk.Bass(TABLE.head(15), unit="period", start=0.0).fit()
    seen = TABLE["count"].head(16).sum()
    ahead = early.forecast(16.0)["mean"][-1]
    assert row["mean_absolute_error"] == pytest.approx(abs(ahead - seen), rel=1e-6)


def test_other_rows_have_no_common_aic():
    whole = vk.Bass(TABLE.head(14), unit="period", start=0.0).fit(family="normal")
    other = TABLE.filter(pl.col("time") != 3).head(14)
    fits = [whole, vk.Bass(other, unit="period", start=0.0).fit(family="normal")]
    assert vk.compare(fits, cutoffs=[10.0])["aic"].null_count() == 2


@pytest.mark.parametrize("method", ["conditional", "cumulative", "ols"])
@pytest.mark.parametrize("lost", [[0.0, 1, 2, 3], [3.0, 4, 11]])
def test_methods_that_need_the_running_total_refuse_its_absence(method: str, lost: list[float]):
    part = TABLE.filter(~pl.col("time").is_in(lost))
    with pytest.raises(ValueError, match="needs every period since the start"):
        vk.Bass(part, unit="period", start=0.0).fit(method=method)


def test_curve_points_and_forecast_leave_gaps_out_alike():
    part = TABLE.filter(~pl.col("time").is_in([0.0, 3, 4, 11]))
    fit = vk.Bass(part, unit="period", start=0.0).fit()
    shown = fit.predict([0.5, 1.0, 5.0, 20.0])["mean"].to_list()
    assert shown[:2] == [0.0, 0.0]
    assert shown[3] == pytest.approx(fit.fittedvalues.sum(), rel=1e-9)
    assert shown[3] == pytest.approx(fit.model.points["count"][-1], rel=0.01)
    assert shown[2] == pytest.approx(fit.fittedvalues[:2].sum(), rel=1e-9)
    assert fit.model.curve(fit.params, np.array([5.0]))[0] == pytest.approx(shown[2], rel=1e-9)
    assert any(text.startswith("2 gaps between periods") for text in fit.warnings)


def test_a_ceiling_below_the_counts_is_refused_or_warned_of():
    total = running(EDGES, np.append(0, np.cumsum(TABLE["count"].to_numpy())))
    model = vk.Bass(total, unit="period")
    with pytest.raises(ValueError, match="already counted"):
        model.fit(fixed={"m": 5e4}, method="conditional")
    held = model.fit(fixed={"m": 5e4})
    assert any("held below" in text for text in held.warnings)


def test_bounds_that_cannot_be_true_are_not_used_and_named():
    total = np.append(0, np.cumsum(TABLE["count"].to_numpy()))
    exact = running(EDGES[::2], total[::2]).with_columns(bound=pl.lit("exact"))
    wrong = running(np.array([9.0]), total[[10]] * 1.5).with_columns(bound=pl.lit("at_least"))
    plain = vk.Bass(exact, unit="period").fit()
    fit = vk.Bass(pl.concat([exact, wrong]), unit="period").fit()
    assert fit.params == pytest.approx(plain.params, rel=1e-9)
    assert any(text.startswith("1 bounds cannot be true") for text in fit.warnings)


@pytest.mark.parametrize("size", [1e7, 1e12, 1e17])
def test_large_counts_keep_their_negative_binomial_fit(size: float):
    noise = np.random.default_rng(0).gamma(50, 0.02, 20)
    small, large = (
        vk.Bass(
            periods(EDGES[:-1].tolist(), np.diff(bass(EDGES, m=m)) * noise),
            unit="period",
            start=0.0,
        ).fit(family="negative_binomial")
        for m in (1e7, size)
    )
    assert large.params["q"] == pytest.approx(small.params["q"], rel=1e-4)
    assert large.params["alpha"] == pytest.approx(small.params["alpha"], rel=1e-2)
    assert large.bse["q"] == pytest.approx(small.bse["q"], rel=0.01)


def test_the_search_starts_from_more_than_one_valley():
    ages = [0.78261, 2.7193, 6.7481, 7.6865, 10.154, 12.167, 13.346, 16.283, 17.193]
    steps = [407400000, 813820000, 121500000, 8934.7, 5377.1, 3.98, 0.137, 0.016, 0]
    fit = vk.Gompertz(running(np.array(ages), np.cumsum(steps)), unit="period", start=0.0)
    assert fit.fit(family="normal").params["r"] == pytest.approx(1.305, abs=0.01)


def test_the_bootstrap_reaches_a_limit_and_refuses_what_it_cannot_draw():
    t = np.arange(12.0)
    table = periods(t.tolist(), 1000 * np.exp(-0.5 * t) * (1 + 0.05 * np.cos(7 * t)))
    fit = vk.Bass(table, unit="period", start=0.0).fit()
    lower, upper = fit.conf_int(method="bootstrap", replicates=100).select("lower", "upper").row(1)
    assert lower == 0
    assert 0 < upper < 0.3
    for method in ("ols", "cumulative"):
        other = vk.Bass(TABLE, unit="period", start=0.0).fit(method=method)
        with pytest.raises(ValueError, match="bootstrap is for method='increments'"):
            other.conf_int(method="bootstrap")
    with pytest.raises(ValueError, match="too few"):
        fit.conf_int(method="bootstrap", replicates=10)


@pytest.mark.parametrize("alpha", [0, 1, 2, -0.1])
def test_every_alpha_is_checked(alpha: float):
    fit = vk.Bass(TABLE, unit="period", start=0.0).fit()
    for call in (fit.conf_int, fit.frame, lambda a: fit.predict([3.0], a)):
        with pytest.raises(ValueError, match="not between 0 and 1"):
            call(alpha)
    with pytest.raises(ValueError, match="not between 0 and 1"):
        fit.forecast(25.0, alpha)


def test_the_ols_summary_names_its_family():
    fit = vk.Bass(TABLE, unit="period", start=0.0).fit(method="ols")
    assert fit.choices["family"] == "normal"
    assert "normal" in str(fit.summary())


@pytest.mark.parametrize("family", ["quasipoisson", "normal", "negative_binomial"])
def test_a_gompertz_without_a_ceiling_is_refused_with_what_to_do(family: str):
    t = np.arange(12.0)
    table = periods(t.tolist(), 100 * np.exp(0.4 * t + 0.012 * t**2))
    model = vk.Gompertz(table, unit="period", start=0.0)
    with pytest.raises(ValueError, match=r"no best ceiling here.*Fit Exponential, or hold"):
        model.fit(family=family)
    assert model.fit(family=family, fixed={"m": 1e6}).params["m"] == 1e6


def test_overdispersion_can_be_held():
    model = vk.Bass(TABLE, unit="period", start=0.0)
    free = model.fit(family="negative_binomial")
    alpha = free.params["alpha"]
    held = model.fit(family="negative_binomial", fixed={"alpha": alpha})
    assert held.params == pytest.approx(free.params, rel=1e-6)
    assert held.bse["alpha"] is None
    assert held.bse["q"] == pytest.approx(free.bse["q"], rel=0.02)
    assert held.df_resid == free.df_resid + 1
    assert held.aic == pytest.approx(free.aic - 2, abs=1e-6)
    wider = model.fit(family="negative_binomial", fixed={"alpha": 4 * alpha})
    assert wider.bse["q"] == pytest.approx(2 * held.bse["q"], rel=0.1)
    with pytest.raises(ValueError, match=r"does not go with family='quasipoisson'.*Pass family="):
        model.fit(fixed={"alpha": 0.1})
    with pytest.raises(ValueError, match="alpha is a finite number above zero"):
        model.fit(family="negative_binomial", fixed={"alpha": 0.0})


def test_bounds_before_the_first_exact_point_do_not_set_the_start():
    total = np.append(0, np.cumsum(TABLE["count"].to_numpy()))
    exact = running(EDGES, total).with_columns(bound=pl.lit("exact"))
    early = running(np.array([-3.0]), np.array([10.0])).with_columns(bound=pl.lit("at_most"))
    plain = vk.Bass(exact, unit="period").fit()
    fit = vk.Bass(pl.concat([exact, early]), unit="period").fit()
    assert fit.params == pytest.approx(plain.params, rel=1e-9)
    assert fit.model.start == 0.0
    assert not any("cannot be true" in text for text in fit.warnings)
    wrong = early.with_columns(bound=pl.lit("at_least"))
    told = vk.Bass(pl.concat([exact, wrong]), unit="period").fit()
    assert any(text.startswith("1 bounds cannot be true") for text in told.warnings)
    with pytest.raises(ValueError, match="0 exact points"):
        vk.Bass(exact.with_columns(bound=pl.lit("at_least")), unit="period", start=0.0)


@pytest.mark.parametrize("start", [float("nan"), "1949", [1.0]])
def test_a_start_that_is_no_time_is_refused(start: object):
    with pytest.raises(ValueError, match=r"is not a time\. Pass a time such as"):
        vk.Bass(TABLE, unit="period", start=start)


def test_the_summary_says_what_its_p_value_tests():
    t = np.arange(12.0)
    table = periods(t.tolist(), 1000 * np.exp(-0.1 * t) * (1 + 0.3 * np.cos(7 * t)))
    fit = vk.Bass(table, unit="period", start=0.0).fit()
    assert "P>|t| tests zero" in str(fit.summary())
    assert (fit.conf_int()["lower"].drop_nulls() >= 0).all()


def test_the_bootstrap_refuses_bounds_under_every_family():
    total = np.append(0, np.cumsum(TABLE["count"].to_numpy()))
    exact = running(EDGES[::2], total[::2]).with_columns(bound=pl.lit("exact"))
    bound = running(np.array([9.0]), total[[9]] * 0.99).with_columns(bound=pl.lit("at_least"))
    for family in ("quasipoisson", "negative_binomial"):
        fit = vk.Bass(pl.concat([exact, bound]), unit="period").fit(family=family)
        with pytest.raises(ValueError, match=r"cannot draw bounds.*method='profile'"):
            fit.conf_int(method="bootstrap")
