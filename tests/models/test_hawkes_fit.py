"""Fits of self-exciting models: recovery, invariance, intervals, forecasts, warnings."""

import numpy as np
import polars as pl
import pytest
from scipy import optimize, stats

import viralkit as vk


def series(kappa=0.6, theta=2.0, mu=0.5, until=2000.0, seed=3) -> np.ndarray:
    """Draw clusters one event at a time: no code of the kit."""
    rng = np.random.default_rng(seed)
    queue, done = list(rng.uniform(0, until, rng.poisson(mu * until))), []
    while queue:
        done.append(queue.pop())
        later = done[-1] + rng.exponential(1 / theta, rng.poisson(kappa))
        queue += [t for t in later if t < until]
    return np.sort(done)


@pytest.fixture(scope="module")
def long() -> np.ndarray:
    return series()


@pytest.fixture(scope="module")
def fit(long):
    return vk.Hawkes(long, background="constant", observed_until=2000.0).fit()


def test_a_known_simulation_is_recovered(fit) -> None:
    truth = {"kappa": 0.6, "theta": 2.0, "mu": 0.5}
    for name, lower, upper in fit.conf_int(alpha=0.005).iter_rows():
        assert lower < truth[name] < upper
        assert upper / lower < 1.6
    low, high = fit.branching_interval()
    assert low < 0.6 < high < 0.75
    assert fit.settled and fit.warnings == []


def test_the_fit_is_the_top_of_the_likelihood(fit, long) -> None:
    def loss(x):
        kappa, theta, mu = np.exp(x)
        a, total = 0.0, np.log(mu)
        for gap in np.diff(long):
            a = np.exp(-theta * gap) * (1 + a)
            total += np.log(mu + kappa * theta * a)
        return mu * 2000 + kappa * np.sum(1 - np.exp(-theta * (2000 - long))) - total

    start = np.log(list(fit.params.values()))
    found = optimize.minimize(loss, start + 0.1, method="Nelder-Mead", options={"xatol": 1e-7})
    assert fit.llf == pytest.approx(-found.fun, rel=1e-9)
    assert start == pytest.approx(found.x, abs=1e-4)


def test_rescaled_times_of_the_true_model_are_exponential(fit) -> None:
    expected = fit.residuals["expected"].to_numpy()
    assert expected.sum() == pytest.approx(fit.nobs, rel=0.01)
    assert fit.goodness_of_fit[1] > 0.05
    assert stats.kstest(expected, "expon").pvalue == pytest.approx(fit.goodness_of_fit[1], rel=1e-6)
    assert fit.resid == pytest.approx(1 - expected)


def test_a_wrong_model_fails_the_rescaled_times(long) -> None:
    steps = np.sort(np.concatenate([long[long < 300], 300 + 10 * (long[long < 600])]))
    fit = vk.Hawkes(steps, background="constant").fit(fixed={"theta": 200.0})
    assert fit.goodness_of_fit[1] < 0.001
    assert any("Kolmogorov" in note for note in fit.warnings)


@pytest.mark.parametrize("kernel", ["exponential", "power_law"])
@pytest.mark.parametrize("factor", [1e-6, 60.0, 86400.0])
def test_only_units_change_when_time_is_scaled(kernel: str, factor: float) -> None:
    t = series(until=300.0)
    a = vk.Hawkes(t, kernel=kernel, background="constant", observed_until=300.0).fit()
    b = vk.Hawkes(
        t * factor, kernel=kernel, background="constant", observed_until=300.0 * factor
    ).fit()
    assert b.branching_factor == pytest.approx(a.branching_factor, rel=1e-5)
    assert b.llf == pytest.approx(a.llf - len(t) * np.log(factor), abs=1e-5)
    assert b.params["mu"] * factor == pytest.approx(a.params["mu"], rel=1e-4)
    assert b.branching_interval() == pytest.approx(a.branching_interval(), rel=1e-4)


def test_standard_errors_are_those_of_the_information(fit, long) -> None:
    model, step = vk.Hawkes(long, background="constant", observed_until=2000.0), 1e-3
    values, names = np.array(list(fit.params.values())), list(fit.params)

    def height(x):
        return model.loglike(dict(zip(names, x, strict=True)))

    shifts = step * np.diag(values)
    bend = [
        [
            (height(values + a + b) - height(values + a - b) - height(values - a + b)
             + height(values - a - b)) / (4 * a.sum() * b.sum())
            for a in shifts
        ]
        for b in shifts
    ]  # fmt: skip
    errors = np.sqrt(np.diag(np.linalg.inv(-np.array(bend))))
    assert list(fit.bse.values()) == pytest.approx(errors, rel=1e-3)


def test_profile_interval_is_where_the_likelihood_has_dropped() -> None:
    t = series(mu=0.3, until=200.0)
    model = vk.Hawkes(t, observed_until=200.0)
    fit = model.fit()
    for end in fit.branching_interval(0.1):
        best = model.fit(fixed={"kappa": end})
        assert best.branching_factor == pytest.approx(end)
        drop = 2 * (fit.llf - best.llf)
        assert drop == pytest.approx(stats.chi2.ppf(0.9, 1), rel=1e-5)


def test_held_parameters_stay_and_the_rest_fits() -> None:
    t = series(until=300.0)
    model = vk.Hawkes(t, kernel="power_law", background="constant", observed_until=300.0)
    free = model.fit(fixed={"theta": 1.5})
    again = model.fit(fixed={"theta": 1.5, "kappa": free.params["kappa"]})
    assert again.params == pytest.approx(free.params, rel=1e-3)
    assert again.llf == pytest.approx(free.llf, abs=1e-6)
    assert again.bse["theta"] is None and again.bse["kappa"] is None
    assert again.df_model == 2
    lower, upper = again.branching_interval()
    assert lower < again.branching_factor < upper


def cascade(size: int, seed: int = 0) -> pl.DataFrame:
    model = vk.Hawkes([0.0], observed_until=np.inf)
    draws = model.fit(fixed={"kappa": 0.9, "theta": 0.01}).simulate(200, seed=seed)
    sizes = draws.group_by("cascade_id", maintain_order=True).len().filter(pl.col("len") >= size)
    return draws.filter(pl.col("cascade_id") == sizes["cascade_id"][0])


def test_branching_factor_of_a_finished_cascade_has_a_closed_form() -> None:
    events = cascade(60)
    fit = vk.Hawkes(events, observed_until=np.inf).fit()
    assert fit.branching_factor == pytest.approx((len(events) - 1) / len(events), rel=1e-8)
    size = fit.final_size().row(0, named=True)
    assert size["median"] == size["lower"] == size["upper"] == len(events)
    assert size["never_ends"] == 0


def test_final_size_without_an_upper_end() -> None:
    t = cascade(60)["time"].to_numpy()
    cut = t[: int(0.9 * len(t))]
    fit = vk.Hawkes(cut, observed_until=float(cut[-1])).fit()
    size = fit.final_size().row(0, named=True)
    assert fit.branching_interval()[1] > 1
    assert size["upper"] == np.inf and size["mean"] is None
    assert np.isfinite(size["median"]) and 0 < size["never_ends"] < 1
    assert any("final size has no upper end" in note for note in fit.warnings)
    assert "∞" in fit.summary().as_text() and "nan" not in fit.summary().as_text()


def test_more_than_critical() -> None:
    t = np.cumsum(1.0 / np.arange(1, 80))
    fit = vk.Hawkes(t, observed_until=float(t[-1])).fit(fixed={"theta": 0.5})
    assert fit.branching_factor > 1
    size = fit.final_size().row(0, named=True)
    assert size["at_estimate"] == np.inf and size["never_ends"] > 0.9
    assert any("not below 1" in note for note in fit.warnings)
    with pytest.raises(ValueError, match="Pass until in seconds"):
        fit.simulate(until=np.inf)


def test_final_size_law_is_that_of_borel_and_tanner() -> None:
    t = np.arange(6.0)
    fit = vk.Hawkes(t, observed_until=5.0).fit(fixed={"kappa": 0.5, "theta": 0.2})
    size = fit.final_size().row(0, named=True)
    a1 = 0.5 * np.exp(-0.2 * (5 - t)).sum()
    assert fit.expected_future() == pytest.approx(a1)
    assert size["mean"] == pytest.approx(6 + a1 / 0.5, rel=0.02)
    more = np.arange(0, 200)
    law = [np.exp(-a1)]  # of the sum of a Poisson number of trees: generalised Poisson
    for k in more[1:]:
        logs = np.log(a1) + (k - 1) * np.log(a1 + 0.5 * k) - a1 - 0.5 * k
        law.append(np.exp(logs - np.sum(np.log(np.arange(1, k + 1)))))
    upper = 6 + np.searchsorted(np.cumsum(law), 0.975)
    assert size["upper"] == pytest.approx(upper, abs=1)


def test_forecast_of_a_series_covers_its_mean(fit) -> None:
    ahead = fit.forecast(2200.0)
    rate = fit.params["mu"] / (1 - fit.branching_factor)
    assert ahead["mean"][-1] == pytest.approx(len(fit.model.stream) + 200 * rate, rel=0.01)
    last = ahead.row(-1, named=True)
    spread = (last["upper"] - last["lower"]) / 3.92
    noise = np.sqrt(200 * rate) / (1 - fit.branching_factor)
    assert noise < spread < 1.5 * noise


def test_forecast_of_a_cascade_nears_its_final_size() -> None:
    t = np.arange(6.0)
    fit = vk.Hawkes(t, kernel="power_law", observed_until=5.0).fit(
        fixed={"kappa": 0.5, "theta": 1.5, "c": 1.0}
    )
    far = fit.forecast(1e5)
    assert far["mean"][-1] == pytest.approx(fit.final_size()["at_estimate"][0], rel=0.01)
    assert far["lower"].is_sorted() and far["upper"].is_sorted() and far["mean"].is_sorted()


def test_forecast_mean_is_that_of_simulations() -> None:
    start = np.array([0.0, 1.0, 1.5])
    model = vk.Hawkes(start, kernel="power_law", observed_until=2.0)
    fit = model.fit(fixed={"kappa": 0.8, "theta": 0.8, "c": 1.2})
    from viralkit.models.hawkes_size import simulated_futures

    time = np.linspace(2.0, 40.0, 51)[1:]
    paths, mean = simulated_futures(fit, time)
    assert mean is not None
    assert paths.mean(axis=0) == pytest.approx(mean, rel=0.15)


def test_predict_follows_the_count(fit, long) -> None:
    curve = fit.predict()
    counted = np.searchsorted(long, curve["time"].to_numpy(), side="left")
    assert curve["mean"][-1] == pytest.approx(len(long), rel=1e-4)
    assert np.max(np.abs(curve["mean"].to_numpy() - counted)) < 4 * np.sqrt(len(long))
    assert (curve["lower"] <= curve["mean"]).all() and (curve["mean"] <= curve["upper"]).all()


def test_a_population_limits_growth() -> None:
    free = vk.Hawkes([0.0], population=300, observed_until=400.0)
    truth = {"kappa": 2.0, "theta": 0.1}
    draws = free.fit(fixed=truth).simulate(20, seed=4)
    biggest = draws.group_by("cascade_id").len().sort("len")["cascade_id"][-1]
    events = draws.filter(pl.col("cascade_id") == biggest)
    assert 200 < len(events) <= 300
    fit = vk.Hawkes(events, population="estimated", observed_until=400.0).fit()
    lower, upper = fit.conf_int().filter(pl.col("parameter") == "N").row(0)[1:]
    assert len(events) <= lower < 300 < upper
    assert fit.branching_interval()[0] < 2 < fit.branching_interval()[1]
    total = fit.residuals["expected"].sum()
    assert total == pytest.approx(fit.nobs, rel=0.02)
    end = fit.predict([400.0]).row(0, named=True)
    assert end["mean"] == pytest.approx(len(events), rel=1e-3)
    assert fit.forecast(4000.0)["upper"][-1] <= upper + 50


def test_marks_are_told_from_noise() -> None:
    rng = np.random.default_rng(8)
    start = pl.DataFrame(
        {"cascade_id": "a", "event_id": list("0123"), "time": [0.0, 1, 2, 3],
         "magnitude": [1.0, 5, 20, 100]}
    )  # fmt: skip
    model = vk.Hawkes(start, marks="magnitude", background="constant", observed_until=3000.0)
    truth = {"kappa": 0.16, "theta": 2.0, "beta": 0.5, "mu": 0.3}
    events = model.fit(fixed=truth).simulate(1, seed=int(rng.integers(99)))
    fit = vk.Hawkes(events, marks="magnitude", background="constant", observed_until=3000.0).fit()
    for name, lower, upper in fit.conf_int().iter_rows():
        assert lower < truth[name] < upper
    mean = (events["magnitude"] ** fit.params["beta"]).mean()
    assert fit.branching_factor == pytest.approx(fit.params["kappa"] * mean, rel=1e-9)


def test_simulated_events_are_an_events_table(fit) -> None:
    draws = fit.simulate(3, until=50.0, seed=9)
    vk.check(draws, "events")
    assert draws["cascade_id"].n_unique() == 3
    assert draws.equals(fit.simulate(3, until=50.0, seed=9))
    assert not draws.equals(fit.simulate(3, until=50.0, seed=10))
    both = draws.join(
        draws.select("cascade_id", parent_id="event_id", before="time"),
        on=["cascade_id", "parent_id"],
    )
    assert (both["time"] >= both["before"]).all()
    assert len(both) == draws["parent_id"].count()


def test_simulate_fit_simulate_agree(fit) -> None:
    once = fit.simulate(1, until=2000.0, seed=5)["time"].to_numpy()
    again = vk.Hawkes(once, background="constant", observed_until=2000.0).fit()
    assert again.params == pytest.approx(fit.params, rel=0.25)
    sizes = [f.simulate(30, until=200.0, seed=6).group_by("cascade_id").len()["len"] for f in (fit, again)]  # fmt: skip  # noqa: E501
    assert sizes[0].mean() == pytest.approx(sizes[1].mean(), rel=0.2)


def test_a_prefix_start_reaches_the_same_top() -> None:
    t = series(until=20_000.0, seed=5)
    assert len(t) > 20_000
    fit = vk.Hawkes(t, background="constant", observed_until=20_000.0).fit()
    again = fit.model.fit(fixed={"theta": fit.params["theta"]})
    assert again.llf == pytest.approx(fit.llf, abs=1e-6)
    assert fit.params["theta"] == pytest.approx(2.0, rel=0.05)


def test_ten_million_events_need_no_square() -> None:
    t = np.arange(300_000.0)
    assert np.isfinite(vk.Hawkes(t, observed_until=3e5).loglike({"kappa": 0.9, "theta": 1.0}))
