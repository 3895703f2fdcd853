"""Cascades that cannot tell a parameter: the fit says so, and final sizes stay within reason."""

import numpy as np
import polars as pl
import pytest

import viralkit as vk
from viralkit.models import hawkes_draws


def broadcast(seed: int) -> pl.DataFrame:
    """One large account that sets off all others by itself: beta only has to be large."""
    rng = np.random.default_rng(seed)
    time = np.sort(np.r_[0, rng.exponential(900, 40)])
    time = time[time < 3600]
    marks = np.r_[25000.0, 1 + rng.pareto(1.5, len(time) - 1) * 150]
    frame = pl.DataFrame({"cascade_id": "a", "time": time, "magnitude": marks})
    return frame.with_columns(event_id=pl.int_range(pl.len()).cast(pl.String))


def fitted(seed: int, kernel: str = "exponential", **held):
    choices = {"kernel": kernel, "marks": "magnitude", "observed_until": 3600.0}
    return vk.Hawkes(broadcast(seed), **choices).fit(**held)


@pytest.mark.parametrize("seed", range(8))
def test_a_broadcast_has_a_final_size_within_reason(seed: int) -> None:
    size = fitted(seed).final_size().row(0, named=True)
    assert size["observed"] <= size["lower"] <= size["at_estimate"] <= size["upper"]
    assert size["median"] <= size["observed"] + 5
    assert size["upper"] <= size["observed"] + 15 and size["never_ends"] < 0.001


@pytest.mark.parametrize("seed", [0, 8, 25])
def test_no_bound_of_the_search_is_a_final_size(seed: int) -> None:
    size = fitted(seed, "power_law").final_size().row(0, named=True)
    ends = [size[name] for name in ("lower", "median", "upper")]
    assert size["lower"] <= size["at_estimate"] and size["median"] < 1000
    assert all(end < 1e6 or end == np.inf for end in ends)


def test_it_is_close_to_what_a_known_beta_says() -> None:
    free, held = (
        fit.final_size().row(0, named=True) for fit in (fitted(0), fitted(0, fixed={"beta": 2.0}))
    )
    assert free["median"] == pytest.approx(held["median"], abs=1)
    assert held["upper"] == pytest.approx(free["upper"], abs=4)


def test_an_unknown_beta_is_said_to_be_unknown() -> None:
    notes = " ".join(fitted(0).warnings)
    assert "beta cannot be told from these events" in notes and "fit_together" in notes
    assert "beta" not in " ".join(fitted(0, fixed={"beta": 1.0}).warnings)
    assert "beta runs to ∞" in " ".join(fitted(17).warnings)


def test_draws_agree_with_the_profile_and_the_likelihood() -> None:
    fit = fitted(11)
    places = hawkes_draws.draw_places(fit, 4000, np.random.default_rng(0))
    level = np.quantile(np.exp(places[:, 0]), 0.975)
    assert level == pytest.approx(fit._branching_ends(0.05)[1], rel=0.1)
    fall = fit.llf - np.array([fit._fit.objective(x).height for x in places[:400]])
    assert np.quantile(fall, 0.9) < 5  # half of a chi-square with 3 degrees of freedom: 3.1
    assert places[:, 2].min() >= 0  # larger accounts do not count less


def test_a_well_known_fit_keeps_the_normal_law() -> None:
    marks = np.random.default_rng(3).lognormal(0, 1, 400)
    pool = pl.DataFrame({"cascade_id": "a", "time": np.arange(1.0, 401), "magnitude": marks})
    pool = pool.with_columns(event_id=pl.int_range(pl.len()).cast(pl.String))
    law = vk.Hawkes(pool, marks="magnitude", background="constant")
    held = {"kappa": 0.4, "theta": 1.0, "beta": 0.5, "mu": 1.0}
    seen = law.fit(fixed=held).simulate(1, until=800.0, seed=1)
    fit = vk.Hawkes(seen, marks="magnitude", background="constant").fit()
    assert not any("cannot be told" in note for note in fit.warnings)
    places = hawkes_draws.draw_places(fit, 4000, np.random.default_rng(0))
    spread = np.cov(places.T)
    assert spread == pytest.approx(fit.spread, rel=0.2, abs=2e-3)


def test_a_population_holds_all_who_were_seen() -> None:
    times = [0.0, 207, 781, 1801, 2098]
    fit = vk.Hawkes(times, population="estimated", observed_until=3600).fit()
    assert fit.params["N"] == 5 and fit.llf < 0
    notes = " ".join(fit.warnings)
    assert "N runs to 5, the events seen" in notes and "infinity" not in notes
    low, high = fit.conf_int().filter(parameter="N").row(0)[1:]
    assert low == 5 < high < 10
    last = fit.forecast(7200).row(-1, named=True)
    assert last["lower"] == 5 <= last["mean"] <= last["upper"] < 20


def test_the_likelihood_of_a_small_population_is_that_of_its_definition() -> None:
    times = np.array([0.0, 207, 781, 1801, 2098])
    given = {"kappa": 3.0, "theta": 1e-3, "N": 5.0}
    got = vk.Hawkes(times, population="estimated", observed_until=3600.0).loglike(given)
    grid = np.linspace(0, 3600, 720_001)[:-1] + 0.0025  # midpoints
    count = np.searchsorted(times, grid)
    rate = sum(3e-3 * np.exp(-1e-3 * (grid - t)) * (grid > t) for t in times) * (1 - count / 5)
    logs = [
        np.log((1 - k / 5) * np.sum(3e-3 * np.exp(-1e-3 * (times[k] - times[:k]))))
        for k in range(1, 5)
    ]
    assert got == pytest.approx(np.sum(logs) - np.sum(rate) * 0.005, abs=1e-4)
