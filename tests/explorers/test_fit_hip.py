"""Move the parameters of HIP, and switch promotions off."""

import time
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import viralkit as vk
from viralkit.explorers.fit_hip import half_of, with_half
from viralkit.models.hip import FOLLOWERS

START = date(2024, 1, 1)
HOSTILE = '</script><script>window.fired=1</script> "quoted"'


def daily(counts, item="clip"):
    days = [START + timedelta(int(i)) for i in range(len(counts))]
    ends = [day + timedelta(1) for day in days]
    columns = {"item": item, "time": days, "period_end": ends, "count": np.asarray(counts, float)}
    return pl.DataFrame(columns).with_columns(kind=pl.lit("incremental"))


def recursion(given, promotions):
    """Work out the published sum, term by term."""
    views = np.zeros(len(promotions))
    for t, promoted in enumerate(promotions):
        views[t] = (given["gamma"] if t == 0 else given["eta"]) + given["mu"] * promoted
        for j in range(t):
            lag = t - j + given["c"]
            views[t] += given["kappa"] * FOLLOWERS * views[j] * lag ** -(1 + given["theta"])
    return views


TRUTH = dict(gamma=900.0, eta=300.0, kappa=0.5, c=0.8, theta=0.9, mu=25.0)
SHARES = np.random.default_rng(3).poisson(np.random.default_rng(4).gamma(0.3, 60, 90)).astype(float)


def noisy(item="clip"):
    mean = recursion(TRUTH, SHARES)
    return daily(np.random.default_rng(1).gamma(mean / 5) * 5, item)


def model(item="clip"):
    return vk.HawkesIntensity(noisy(item), daily(SHARES), unit="day")


@pytest.fixture
def ui():
    return vk.explore_fit(model())


def row(ui, quantity, column="value"):
    return ui.table.filter(pl.col("quantity").str.starts_with(quantity))[column][0]


def by_code(ui):
    names = {"vk": vk, "pl": pl, "counts": noisy(), "promotions": daily(SHARES)}
    found = eval(ui.code, names)
    return found["mean"].to_numpy() if isinstance(found, pl.DataFrame) else found


def test_it_opens_at_the_best_fit_with_its_intervals(ui):
    fit = model().fit()
    assert ui.chart.values["curve"] == pytest.approx(fit.fittedvalues, rel=1e-5)
    assert row(ui, "counts in all") == pytest.approx(fit.fittedvalues.sum())
    response = {name: ends for name, *ends in fit.response().rows()}
    for shown, name in (("branching", "branching_factor"), ("endogenous", "endogenous_response")):
        found = [row(ui, shown, column) for column in ("best", "lower", "upper")]
        assert found == pytest.approx(response[name])
    assert row(ui, "counts in all", "lower") < fit.fittedvalues.sum()
    assert row(ui, "misfit") == 1.0
    assert ui.code == "vk.HawkesIntensity(counts, promotions, unit='day').fit().predict()"
    assert by_code(ui) == pytest.approx(np.array(ui.chart.values["curve"]), rel=1e-5)


def test_promotions_off_shows_what_is_left(ui):
    ui.promotions.value = 0
    fit = model().fit()
    left = recursion(fit.params, 0 * SHARES)
    assert ui.chart.values["curve"] == pytest.approx(left, rel=1e-4)
    assert row(ui, "counts in all") == row(ui, "… without") == pytest.approx(left.sum())
    share = 100 * left.sum() / fit.fittedvalues.sum()
    assert ui.chart.values["finding"] == f"{share:.0f} % is left without promotions"
    assert by_code(ui) == pytest.approx(left)
    assert row(ui, "counts in all", "best") == pytest.approx(fit.fittedvalues.sum())
    assert row(ui, "… without", "lower") < left.sum() < row(ui, "… without", "upper")


def test_the_interval_of_what_is_left_is_that_of_the_delta_method(ui):
    fit, names = model().fit(), list(TRUTH)

    def left(params):
        return recursion(params, 0 * SHARES).sum()

    slope = []
    for name in names:
        ahead = fit.params | {name: fit.params[name] * (1 + 1e-5)}
        behind = fit.params | {name: fit.params[name] * (1 - 1e-5)}
        slope.append((left(ahead) - left(behind)) / (2e-5 * fit.params[name]))
    places = [list(fit.params).index(name) for name in names]
    error = np.sqrt(slope @ fit.cov_params()[np.ix_(places, places)] @ slope) / left(fit.params)
    from scipy import stats

    factor = np.exp(stats.t(fit.df_resid).ppf(0.975) * error)
    assert row(ui, "… without", "upper") == pytest.approx(left(fit.params) * factor, rel=1e-3)


def test_moved_parameters_give_the_published_sum_and_the_code_the_same(ui):
    ui.branching_factor.value, ui.memory.value, ui.mu.value = 0.5, 4.0, 30.0
    ui.promotions.value = 40
    given = eval(ui.code.split("curve(")[1].split(", promotions.with")[0])
    assert given["mu"] == 30 and given["eta"] == pytest.approx(model().fit().params["eta"])
    curve = recursion(given, 0.4 * SHARES)
    assert ui.chart.values["curve"] == pytest.approx(curve, rel=1e-4)
    assert by_code(ui) == pytest.approx(curve)
    kernel = (
        given["kappa"] * FOLLOWERS * (np.arange(1.0, 1e6) + given["c"]) ** -(1 + given["theta"])
    )
    rest = given["kappa"] * FOLLOWERS * (1e6 + given["c"]) ** -given["theta"] / given["theta"]
    assert kernel.sum() + rest == pytest.approx(0.5, rel=1e-3) == row(ui, "branching")
    assert row(ui, "endogenous") == pytest.approx(2.0, rel=1e-4)
    assert row(ui, "counts per promotion") == pytest.approx(60.0, rel=1e-4)
    assert row(ui, "half") == pytest.approx(4.0, rel=1e-3)
    assert np.interp(4.0, np.arange(1, 6), kernel.cumsum()[:5]) == pytest.approx(0.25, rel=1e-3)


def test_the_misfit_is_the_deviance_with_all_promotions(ui):
    ui.mu.value = 40.0
    worse = row(ui, "misfit")
    given = eval(ui.code.split("curve(")[1][:-1])
    count = noisy()["count"].to_numpy()

    def deviance(mean):
        return 2 * np.sum(count * np.log(count / mean) - count + mean)

    best = deviance(model().fit().fittedvalues)
    assert worse == pytest.approx(deviance(recursion(given, SHARES)) / best, rel=1e-3)
    assert ui.chart.values["finding"] == f"The misfit is {worse:.2f} times that of the best fit"
    ui.promotions.value = 50
    assert row(ui, "misfit") == worse
    assert "left with 50 % of promotions" in ui.chart.values["finding"]


def test_attention_may_feed_itself_for_ever(ui):
    ui.branching_factor.value = 1.1
    assert row(ui, "endogenous") == row(ui, "counts per promotion") == np.inf
    assert np.isfinite(ui.chart.values["curve"]).all()
    ui.reset.click()
    assert row(ui, "misfit") == 1.0 and ui.code.endswith(".fit().predict()")


def test_no_branching_leaves_only_what_comes_from_outside(ui):
    ui.branching_factor.value = 0
    fit = model().fit()
    curve = np.where(np.arange(90) == 0, fit.params["gamma"], fit.params["eta"])
    curve = curve + fit.params["mu"] * SHARES
    assert ui.chart.values["curve"] == pytest.approx(curve, rel=1e-4)


def test_memory_is_where_half_of_the_kernel_has_come():
    shape = np.log([0.5, 2.0, 0.7])
    kernel = (np.arange(1.0, 3e6) + 2.0) ** -1.7
    half = half_of(shape)
    come = kernel.cumsum() / (kernel.sum() + (3e6 + 2.0) ** -0.7 / 0.7)
    assert np.interp(half, np.arange(1.0, 3e6), come) == pytest.approx(0.5, abs=2e-3)
    assert half_of(with_half(9.0, shape)) == pytest.approx(9.0)
    assert with_half(1e9, shape)[2] == -4.0  # as near as theta can bring it
    assert half_of(np.log([0.5, 1e-9, 0.03])) == 1e6


def test_silent_promotions_can_be_explored():
    shares = daily(0 * SHARES)
    ui = vk.explore_fit(vk.HawkesIntensity(noisy(), shares, unit="day"))
    ui.promotions.value = 0
    assert ui.chart.values["finding"] == "100 % is left without promotions"
    ui.mu.value = ui.mu.max
    assert ui.table["value"].is_finite().all()


def test_an_update_is_quick(ui):
    begin = time.process_time()
    for place in range(20):
        ui.memory.value = 1.0 + 0.2 * place
    assert (time.process_time() - begin) / 20 < 0.08


def test_hostile_names_stay_data(tmp_path):
    ui = vk.explore_fit(model(HOSTILE))
    vk.save(ui, tmp_path / "explorer.svg")
    assert "<script" not in (tmp_path / "explorer.svg").read_text()


def test_a_curve_needs_all_parameters():
    with pytest.raises(ValueError, match=r"parameters \['mu'\] are missing; a curve needs all of"):
        model().curve({name: value for name, value in TRUTH.items() if name != "mu"})
    assert model().curve(TRUTH) == pytest.approx(recursion(TRUTH, SHARES))
    half = daily(SHARES).with_columns(count=pl.col("count") / 2)
    assert model().curve(TRUTH, half) == pytest.approx(recursion(TRUTH, SHARES / 2))
