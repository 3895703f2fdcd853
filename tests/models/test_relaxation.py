"""Relaxation: the GLM it is, recovery, classes, dating, invariances, refusals."""

from collections.abc import Callable
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from viralkit.models.relaxation import Relaxation
from viralkit.tables import TableError


def table(values: np.ndarray, days: np.ndarray | None = None) -> pl.DataFrame:
    begin = np.arange(len(values), dtype=float) if days is None else days[:-1]
    end = begin + 1 if days is None else days[1:]
    frame = pl.DataFrame({"item": "video", "time": begin, "period_end": end, "count": values})
    return frame.with_columns(kind=pl.lit("incremental"))


def burst(
    after: float, before: float | None = None, n: int = 60, top: float = 5000.0
) -> np.ndarray:
    """Draw no noise: a peak with a power law after it, and one or a trickle before it."""
    days = np.arange(1.0, n + 1)
    fall = top * days**-after
    rise = top * days[::-1] ** -before if before is not None else np.full(n, 20.0)
    return np.concatenate([rise, [3 * top], fall])


def noisy(mean: np.ndarray, seed: int = 0, shape: float = 20.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.poisson(mean * rng.gamma(shape, 1 / shape, mean.size)).astype(float)


@pytest.mark.parametrize("family", ["quasipoisson", "negative_binomial"])
def test_on_daily_counts_it_is_the_glm_of_statsmodels(family: str) -> None:
    import statsmodels.api as sm

    counts = noisy(burst(0.6))
    fit = Relaxation(table(counts), unit="period").fit(family=family)
    after, lags = counts[61:], np.arange(1.0, 61.0)
    law = sm.families.Poisson()
    if family == "negative_binomial":
        law = sm.families.NegativeBinomial(alpha=fit.after.overdispersion)
    design = sm.add_constant(-np.log(lags))
    glm = sm.GLM(after, design, family=law).fit(tol=1e-14, maxiter=200)
    chi2 = glm.pearson_chi2 / glm.df_resid
    scale = chi2 if family == "quasipoisson" else 1.0
    assert fit.params["exponent_after"] == pytest.approx(glm.params[1], rel=1e-8)
    assert fit.bse["exponent_after"] == pytest.approx(
        np.sqrt(scale * glm.normalized_cov_params[1, 1]), rel=1e-6
    )
    if family == "negative_binomial":  # the method of moments: Pearson's χ² is its freedom
        assert chi2 == pytest.approx(1.0, rel=1e-7)
    assert fit.resid == pytest.approx(after - glm.fittedvalues, rel=1e-6)


@pytest.mark.parametrize(
    ("after", "before", "said"),
    [
        (0.2, 0.2, "endogenous critical"),
        (0.6, None, "exogenous critical"),
        (1.4, None, "exogenous sub-critical"),
        (0.6, 0.6, "cannot be told"),  # a rise, but too steep a fall for it
        (1.0, None, "cannot be told"),  # between two classes
    ],
)
def test_classes_are_told_apart(after: float, before: float | None, said: str) -> None:
    fit = Relaxation(table(noisy(burst(after, before), shape=50.0)), unit="period").fit()
    assert fit.params["exponent_after"] == pytest.approx(after, abs=0.1)
    assert fit.verdict == said
    assert ("The class cannot be told" in "".join(fit.warnings)) == (said == "cannot be told")


def test_five_days_tell_no_class() -> None:
    fit = Relaxation(
        table(noisy(burst(0.6, n=6, top=60.0), seed=1, shape=3.0)), unit="period", peak=6.0
    ).fit()
    assert fit.verdict == "cannot be told"


@pytest.mark.parametrize("seed", range(8))
def test_one_spike_on_flat_counts_has_no_class(seed: int) -> None:
    counts = np.random.default_rng(seed).poisson(200, 60).astype(float)
    counts[20] = 3000.0
    fit = Relaxation(table(counts), unit="period").fit()
    assert abs(fit.params["exponent_after"]) < 0.1
    assert fit.verdict == "cannot be told"
    assert fit.fades() is False
    assert any("may not have faded at all" in said for said in fit.warnings)
    assert not any("class cannot be told" in said for said in fit.warnings)


def test_pure_chance_hardly_ever_gets_a_class() -> None:
    rng, named = np.random.default_rng(5), 0
    for _ in range(60):
        counts = rng.poisson(200 * rng.gamma(0.7, 1 / 0.7, 60)).astype(float)
        counts[20] = 1000.0 + counts.max()
        fit = Relaxation(table(counts), unit="period").fit()
        named += fit.verdict != "cannot be told"
    assert named <= 5  # by the interval, 2.5 % of them seem to fade


def test_a_slow_fall_that_is_sure_keeps_its_class() -> None:
    fit = Relaxation(table(noisy(burst(0.2, 0.2), shape=50.0)), unit="period").fit()
    assert fit.fades() is True
    assert fit.conf_int()["lower"][0] > 0
    assert not any("faded" in said for said in fit.warnings)


def test_without_enough_before_the_rise_is_unknown() -> None:
    counts = noisy(burst(0.6))[57:]
    fit = Relaxation(table(counts), unit="period").fit()
    assert "exponent_before" not in fit.params
    assert fit.rises() is None
    assert fit.classes()["by_rise"].null_count() == 3
    assert any("came before the peak" in warning for warning in fit.warnings)


def test_periods_of_several_days_tell_the_same_as_days() -> None:
    counts = burst(0.6, n=60)
    edges = np.array([*range(61), 61, 62, 63, 64, 66, 68, 71, 75, 80, 86, 93, 101, 111, 121.0])
    sums = np.add.reduceat(counts, edges[:-1].astype(int))
    days = Relaxation(table(counts), unit="period").fit()
    longer = Relaxation(table(sums, edges), unit="period").fit()
    assert longer.params["exponent_after"] == pytest.approx(0.6, abs=1e-6)
    assert days.params["exponent_after"] == pytest.approx(0.6, abs=1e-6)


def test_cumulative_counts_and_dates_tell_the_same() -> None:
    counts = noisy(burst(0.6))
    days = pl.date_range(date(2012, 3, 1), interval="1d", eager=True, end=date(2012, 6, 30))
    dates = days.head(len(counts) + 1)
    total = np.append(0.0, np.cumsum(counts))
    cumulative = pl.DataFrame({"item": "video", "time": dates, "count": total})
    cumulative = cumulative.with_columns(kind=pl.lit("cumulative"))
    dated = Relaxation(cumulative, unit="day").fit()
    plain = Relaxation(table(counts), unit="period").fit()
    assert dated.params == pytest.approx(plain.params)
    assert dated.model.peak == dates[60]


def test_the_level_of_counts_does_not_move_the_exponent() -> None:
    counts = noisy(burst(0.6))
    once = Relaxation(table(counts), unit="period").fit(family="quasipoisson")
    more = Relaxation(table(counts * 1000), unit="period").fit(family="quasipoisson")
    assert more.params == pytest.approx(once.params, rel=1e-8)
    assert more.conf_int()["upper"][0] == pytest.approx(once.conf_int()["upper"][0])


def test_later_peaks_make_smaller_exponents() -> None:
    dated = Relaxation(table(burst(0.6)), unit="period").fit().dating()
    assert dated["shift"].to_list() == [-1.0, 0.0, 1.0]
    earlier, right, later = dated["exponent_after"]
    assert earlier > right > later
    assert right == pytest.approx(0.6, abs=1e-6)


def test_another_peak_may_be_named() -> None:
    counts = np.concatenate([burst(0.6), burst(1.4, top=9000.0)])
    assert Relaxation(table(counts), unit="period").highest == 121 + 60
    named = Relaxation(table(counts).head(121), unit="period", peak=60.4)
    assert named.highest == 60
    assert named.fit().params["exponent_after"] == pytest.approx(0.6, abs=1e-6)


@pytest.mark.parametrize("peak", ["2012-04-30", "2012-04-30T18:00", datetime(2012, 4, 30, 18)])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_peak_may_be_named_as_text(peak: str | datetime, zone: str | None) -> None:
    counts = table(burst(0.6)).head(121)
    days = pl.datetime_range(
        datetime(2012, 3, 1), datetime(2012, 7, 31), eager=True, time_zone=zone
    )
    days = days.cast(pl.Date) if zone is None else days
    dated = counts.with_columns(time=days.head(121), period_end=days.slice(1, 121))
    model = Relaxation(dated, unit="day", peak=peak)
    assert model.highest == 60


@pytest.mark.parametrize("peak", ["soon", "2012", True, 60.0])
def test_a_peak_that_is_no_time_is_refused(peak: object) -> None:
    day = pl.date(2012, 3, 1) + pl.duration(days=pl.col("time").cast(pl.Int64))
    dated = table(burst(0.6)).with_columns(time=day, period_end=day + pl.duration(days=1))
    with pytest.raises(ValueError, match=r"is not a time|does not match times such as"):
        Relaxation(dated, unit="day", peak=peak)  # type: ignore[arg-type]


def test_the_share_of_the_peak_is_of_all_counts() -> None:
    counts = noisy(burst(0.6))
    fit = Relaxation(table(counts), unit="period").fit()
    assert fit.params["peak_share"] == pytest.approx(counts[60] / counts.sum())
    low, high = fit.conf_int().filter(parameter="peak_share").select("lower", "upper").row(0)
    assert 0 < low < fit.params["peak_share"] < high < 1


def test_the_curve_holds_the_counts_of_a_perfect_fall() -> None:
    counts = burst(0.6)
    curve = Relaxation(table(counts), unit="period").fit().predict()
    assert curve["mean"].to_numpy() == pytest.approx(counts[61:], rel=1e-6)
    assert curve["distance"].to_list() == list(range(1, 61))


def test_the_bend_is_the_f_test_of_added_variables() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    log = np.log(np.arange(1.0, 41.0))
    design = np.column_stack([np.ones(40), -log, log**2, log**3])
    after = 1e6 * np.exp(10 - 0.6 * log) * (1 + 1e-4 * rng.standard_normal(40))
    counts = np.concatenate([np.full(5, 1.0), [2 * after[0]], after])
    fit = Relaxation(table(counts), unit="period").fit()
    weights = fit.fittedvalues**2 / (fit.fittedvalues + fit.after.overdispersion * after**2)
    least = sm.WLS(after / fit.fittedvalues, design, weights=weights).fit()
    found = least.f_test(np.eye(4)[2:])
    assert fit.goodness_of_fit[0] == pytest.approx(float(found.fvalue), rel=1e-3)
    assert fit.goodness_of_fit[1] == pytest.approx(float(found.pvalue), rel=1e-3)


@pytest.mark.parametrize(
    "fall",
    [
        lambda day: np.exp(-day / 15),
        lambda day: 0.05 + day**-1.4,
        lambda day: np.where(day < 20, 1.0, 0.1),
    ],
    ids=["exponential", "floor", "step"],
)
def test_what_is_no_power_law_has_no_class(fall: Callable[[np.ndarray], np.ndarray]) -> None:
    mean = np.append(np.full(9, 20.0), 4000 * fall(np.arange(1.0, 61.0)))
    counts = np.insert(noisy(mean), 9, 9000.0)
    fit = Relaxation(table(counts), unit="period").fit()
    assert fit.goodness_of_fit[1] < 0.05
    assert fit.verdict == "cannot be told"
    assert "is no power law" in fit.warnings[0]
    assert "p-value of a bend" in fit.summary().as_text()


def test_power_laws_are_refused_in_five_percent_of_cases() -> None:
    counts = [noisy(burst(0.6), seed=seed) for seed in range(100)]
    fits = [Relaxation(table(c), unit="period", peak=60.0).fit() for c in counts]
    refused = sum(fit.goodness_of_fit[1] < 0.05 for fit in fits)
    assert refused <= 11  # 1 in 100 under a true level of 5 %
    assert Relaxation(table(burst(0.6)), unit="period").fit().goodness_of_fit[1] > 0.05


def test_periods_of_several_days_bend_as_little_as_days() -> None:
    counts = burst(0.6, n=60)
    edges = np.array([*range(61), 61, 62, 63, 64, 66, 68, 71, 75, 80, 86, 93, 101, 111, 121.0])
    sums = np.add.reduceat(counts, edges[:-1].astype(int))
    assert Relaxation(table(sums, edges), unit="period").fit().goodness_of_fit[1] > 0.05


def test_summary_shows_class_and_escapes_the_item() -> None:
    data = table(noisy(burst(0.6))).with_columns(item=pl.lit("<i>x</i>"))
    html = Relaxation(data, unit="period").fit().summary().as_html()
    assert "exogenous critical" in html and "<i>x" not in html
    assert "none" not in html  # shares and exponents have no unit to name


REFUSED = [
    (table(burst(0.6))[:65], {}, "4 periods follow the peak at"),
    (table(np.append(burst(0.6)[:61], np.zeros(9))), {}, "all counts after the peak are zero"),
    (table(burst(0.6)), {"peak": 500.0}, "lies in no period"),
    (table(burst(0.6)), {"peak": date(2012, 1, 1)}, "does not match times such as"),
    (table(burst(0.6)).clear(), {}, "no usable row"),
    (table(burst(0.6)).with_columns(kind=pl.lit("index")), {}, "models take"),
]


@pytest.mark.parametrize(("counts", "choices", "said"), REFUSED)
def test_what_cannot_be_fitted_is_refused(
    counts: pl.DataFrame, choices: dict[str, datetime], said: str
) -> None:
    with pytest.raises((TableError, ValueError), match=said):
        Relaxation(counts, unit="period", **choices).fit()


def test_choices_are_checked() -> None:
    fitted = Relaxation(table(noisy(burst(0.6))), unit="period")
    with pytest.raises(ValueError, match="allowed: 'negative_binomial'"):
        fitted.fit(family="poisson")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="between 0 and 1"):
        fitted.fit().conf_int(95)


@pytest.mark.parametrize(("tie", "is_said"), [(0.6, True), (0.0, False)])
def test_neighbouring_periods_that_are_alike_are_told(tie: float, is_said: bool) -> None:
    rng, mean = np.random.default_rng(1), burst(0.6)
    error = np.zeros(len(mean))
    for period in range(1, len(mean)):
        error[period] = tie * error[period - 1] + 0.25 * rng.standard_normal()
    fit = Relaxation(table(mean * np.exp(error)), unit="period", peak=float(mean.argmax())).fit()
    assert any("alike" in warning for warning in fit.warnings) is is_said
