"""The log-likelihood beside a plain one by pairs, and its derivatives beside differences."""

import numpy as np
import polars as pl
import pytest

import viralkit as vk
from viralkit.models import hawkes_kernels
from viralkit.models.hawkes_likelihood import Objective
from viralkit.models.hawkes_stream import read_stream


def plain_likelihood(t, m, until, params, exponential, crowd=np.inf):
    """Sum over pairs and integrate the intensity piece by piece: no code of the kit."""
    kappa, theta = params["kappa"], params["theta"]
    c, mu = params.get("c", 1.0), params.get("mu", 0.0)
    w = kappa * m ** params.get("beta", 0.0)
    total = 0.0
    for i in range(len(t)):
        lag = t[i] - t[:i]
        pull = theta * np.exp(-theta * lag) if exponential else (lag + c) ** -(1 + theta)
        if t[i] > 0:
            total += np.log((mu + w[:i] @ pull) * (1 - i / crowd))
    edges = np.append(t, until)
    for k in range(len(t)):
        a, b = edges[k] - t[: k + 1], edges[k + 1] - t[: k + 1]
        if exponential:
            area = np.exp(-theta * a) - np.exp(-theta * b)
        else:
            area = ((a + c) ** -theta - (b + c) ** -theta) / theta
        total -= (mu * (edges[k + 1] - edges[k]) + w[: k + 1] @ area) * (1 - (k + 1) / crowd)
    return total - mu * t[0]


def events(size: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    t = np.sort(rng.exponential(40.0, size))
    return t - t[0], rng.pareto(1.2, size) + 1


def table(t, m) -> pl.DataFrame:
    ids = [str(i) for i in range(len(t))]
    return pl.DataFrame({"cascade_id": "a", "event_id": ids, "time": t, "magnitude": m})


SHAPES = [
    {"kappa": 0.7, "theta": 0.3},
    {"kappa": 0.4, "theta": 0.3, "beta": 0.4},
    {"kappa": 0.9, "theta": 0.6, "c": 2.0},
    {"kappa": 0.5, "theta": 1.4, "c": 8.0, "beta": -0.3},
]


@pytest.mark.parametrize("size", [40, 700])
@pytest.mark.parametrize("mu", [None, 0.2])
@pytest.mark.parametrize("crowd", [None, 1000.0])
@pytest.mark.parametrize("params", SHAPES, ids=lambda p: "-".join(p))
def test_likelihood_beside_pairs(params: dict, crowd, mu, size: int) -> None:
    t, m = events(size)
    params = params | ({"mu": mu} if mu else {})
    model = vk.Hawkes(
        table(t, m),
        kernel="power_law" if "c" in params else "exponential",
        marks="magnitude" if "beta" in params else None,
        background="constant" if mu else None,
        population=crowd,
        observed_until=float(t[-1]) + 7.0,
    )
    exponential = "c" not in params
    mine = plain_likelihood(t, m, t[-1] + 7.0, params, exponential, crowd or np.inf)
    assert model.loglike(params) == pytest.approx(mine, rel=1e-8)


def test_a_series_that_does_not_start_at_zero_counts_its_first_event() -> None:
    t = np.array([0.7, 1.0, 1.1, 2.5])
    model = vk.Hawkes(t, background="constant", observed_until=3.0)
    params = {"kappa": 0.5, "theta": 2.0, "mu": 0.8}
    mine = plain_likelihood(t, np.ones(4), 3.0, params, True)
    assert model.loglike(params) == pytest.approx(mine, rel=1e-12)
    assert model.fit().nobs == 4


def test_a_cascade_that_does_not_start_at_zero_is_moved_there() -> None:
    t, params = np.array([0.0, 1.0, 1.1, 2.5]), {"kappa": 0.5, "theta": 2.0}
    late = vk.Hawkes(t + 5, observed_until=8.0).loglike(params)
    assert late == pytest.approx(vk.Hawkes(t, observed_until=3.0).loglike(params), rel=1e-12)


def test_events_at_time_zero_are_given() -> None:
    t, params = np.array([0.0, 0.0, 0.0, 1.0]), {"kappa": 0.5, "theta": 2.0}
    by_hand = np.log(0.5 * 2 * 3 * np.exp(-2)) - 0.5 * (3 * (1 - np.exp(-4)) + 1 - np.exp(-2))
    assert vk.Hawkes(t, observed_until=2.0).loglike(params) == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("size", [60, 400])
@pytest.mark.parametrize("kernel", ["exponential", "power_law"])
@pytest.mark.parametrize("extras", ["", "marks", "background", "marks background", "population"])
def test_derivatives_beside_differences(kernel: str, extras: str, size: int) -> None:
    t, m = events(size, 3)
    background = "constant" if "background" in extras else None
    marks = "magnitude" if "marks" in extras else None
    stream = read_stream(table(t, m), marks=marks, background=background, until=300.0)
    population = "population" in extras
    objective = Objective(
        stream, kernel, background=background == "constant", population=population
    )
    start = {"branching": -0.3, "theta": -0.6, "c": 0.7, "beta": 0.3, "mu": -1.0, "N": 3.0}
    x = np.array([start[name] for name in objective.names])
    value, step = objective(x), 1e-5
    for i in range(len(x)):
        shift = step * np.eye(len(x))[i]
        above, below = objective(x + shift), objective(x - shift)
        slope, bend = (
            (above.height - below.height) / 2 / step,
            (above.slope - below.slope) / 2 / step,
        )
        assert value.slope[i] == pytest.approx(slope, rel=1e-5, abs=1e-6)
        assert value.bend[i] == pytest.approx(bend, rel=1e-4, abs=1e-5)


def test_derivatives_where_kappa_is_held() -> None:
    t, m = events(60, 3)
    stream = read_stream(table(t, m), marks="magnitude", background=None, until=300.0)
    objective = Objective(stream, "power_law", kappa=0.8)
    x, step = np.array([0.0, -0.4, 0.9, 0.2]), 1e-5
    value = objective(x)
    for i in range(1, 4):
        shift = step * np.eye(4)[i]
        above, below = objective(x + shift), objective(x - shift)
        slope, bend = (
            (above.height - below.height) / 2 / step,
            (above.slope - below.slope) / 2 / step,
        )
        assert value.slope[i] == pytest.approx(slope, rel=1e-6)
        assert value.bend[i] == pytest.approx(bend, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("theta", [0.05, 0.4, 1.0, 3.0, 20.0])
@pytest.mark.parametrize("c", [0.01, 3.0, 500.0])
def test_the_sum_of_exponentials_is_the_power_law(theta: float, c: float, monkeypatch) -> None:
    t, m = events(600, 5)
    stream = read_stream(table(t, m), marks="magnitude", background="constant", until=400.0)
    objective = Objective(stream, "power_law", background=True)
    x = np.array([-0.3, np.log(theta), np.log(c), 0.3, -2.0])
    streamed = objective(x)
    monkeypatch.setattr(hawkes_kernels, "FEW", 10**9)
    pairs = objective(x)
    assert streamed.height == pytest.approx(pairs.height, rel=1e-9)
    assert streamed.slope == pytest.approx(pairs.slope, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize("name", ["exponential", "power_law"])
def test_density_survival_and_draws_belong_together(name: str) -> None:
    kernel, shape = hawkes_kernels.KERNELS[name], np.array([0.7, 3.0])[: 1 + (name == "power_law")]
    lag, step = np.array([0.1, 2.0, 30.0]), 1e-5
    fall = (kernel.survival(lag - step, shape) - kernel.survival(lag + step, shape)) / 2 / step
    assert kernel.density(lag, shape) == pytest.approx(fall, rel=1e-6)
    assert kernel.lag(kernel.survival(lag, shape), shape) == pytest.approx(lag)
    rise = (kernel.survived(lag + step, shape) - kernel.survived(lag - step, shape)) / 2 / step
    assert kernel.survival(lag, shape) == pytest.approx(rise, rel=1e-6, abs=1e-9)
