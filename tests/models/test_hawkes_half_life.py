"""How soon half of the effects come; and the model written as Python."""

import numpy as np
import polars as pl
import pytest

import viralkit as vk

TIMES = np.array([0.0, 3, 4, 9, 11, 12, 30, 31, 60, 64, 70, 71, 90, 130])


@pytest.fixture(scope="module")
def long() -> np.ndarray:
    truth = {"kappa": 0.7 * 0.8 * 2.0**0.8, "theta": 0.8, "c": 2.0, "mu": 0.02}
    series = vk.Hawkes([1.0], kernel="power_law", background="constant", observed_until=5e4)
    return series.fit(fixed=truth).simulate(seed=2)["time"].to_numpy()


def test_an_exponential_kernel_has_the_half_life_of_its_rate() -> None:
    fit = vk.Hawkes(TIMES, observed_until=200.0).fit()
    half, low, high = fit.half_life(0.1)
    assert half == pytest.approx(np.log(2) / fit.params["theta"])
    ends = fit.conf_int(0.1).filter(parameter="theta").select("lower", "upper").row(0)
    assert (low, high) == pytest.approx((np.log(2) / ends[1], np.log(2) / ends[0]), rel=1e-6)


def test_a_power_law_has_half_of_its_mass_within_the_half_life(long) -> None:
    fit = vk.Hawkes(long, kernel="power_law", background="constant", observed_until=5e4).fit()
    theta, c = fit.params["theta"], fit.params["c"]
    half, low, high = fit.half_life()
    assert half == pytest.approx(c * (2 ** (1 / theta) - 1))
    assert low < 2 * (2 ** (1 / 0.8) - 1) < high
    growth = 2 ** (1 / theta)
    slope = np.array([-np.log(2) / theta**2 * growth / (growth - 1), 1 / c])
    error = np.sqrt(slope @ fit.cov_params()[1:3, 1:3] @ slope)
    assert np.log(high / half) == pytest.approx(1.959964 * error, rel=1e-4)


def test_what_was_held_or_ran_to_a_limit_has_no_interval() -> None:
    held = vk.Hawkes(TIMES, observed_until=200.0).fit(fixed={"theta": 0.1})
    assert held.half_life() == (pytest.approx(np.log(2) / 0.1), None, None)
    series = vk.Hawkes([1.0], background="constant", observed_until=2e3)
    truth = series.fit(fixed={"kappa": 0.6, "theta": 0.1, "mu": 0.1})
    times = truth.simulate(seed=1)["time"].to_numpy()
    power = vk.Hawkes(times, kernel="power_law", background="constant", observed_until=2e3).fit()
    assert power.params["theta"] == np.inf  # as its effects fade exponentially
    half, *ends = power.half_life()
    assert half == pytest.approx(np.log(2) / 0.1, rel=0.5) and ends == [None, None]
    with pytest.raises(ValueError, match="between 0 and 1"):
        held.half_life(95)


@pytest.mark.parametrize("until", [150.0, 200, np.inf, np.float64(150), None])
@pytest.mark.parametrize("start", [0.0, 7.0])
def test_the_model_as_python_gives_the_same_fit(until, start) -> None:
    times = TIMES + start
    model = vk.Hawkes(times, observed_until=until)
    again = eval(model.call, {"vk": vk, "events": times})
    assert again.fit().params == model.fit().params
    assert again.stream.until[0] == model.stream.until[0]


def test_windows_from_a_table_are_named_in_python() -> None:
    ids = [str(i) for i in range(len(TIMES))]
    events = pl.DataFrame({"cascade_id": "a", "event_id": ids, "time": TIMES})
    cascades = pl.DataFrame({"cascade_id": ["a"], "observed_until": [300.0]})
    model = vk.Hawkes(events, observed_until=cascades)
    again = eval(model.call, {"vk": vk, "events": events, "cascades": cascades})
    assert again.fit().llf == model.fit().llf
