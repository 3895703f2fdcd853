"""Values of self-exciting models that stand in print, or follow by hand from their formulas."""

import math

import numpy as np
import polars as pl
import pytest

import viralkit as vk

SIX = np.arange(6.0)
FOLLOWERS = 2.016  # exponent of the law of magnitudes


def table(times: np.ndarray, magnitude: np.ndarray | float = 1.0) -> pl.DataFrame:
    ids = [str(i) for i in range(len(times))]
    columns = {"cascade_id": "a", "event_id": ids, "time": times}
    return pl.DataFrame(columns).with_columns(magnitude=pl.lit(magnitude))


def held(times=SIX, until=10.0, magnitude=None, population=None, **params):
    """Build the fit in which every parameter is given."""
    kernel = "power_law" if "c" in params else "exponential"
    marks = "magnitude" if "beta" in params else None
    events = times if marks is None else table(times, magnitude if magnitude is not None else 1.0)
    model = vk.Hawkes(
        events, kernel=kernel, marks=marks, population=population, observed_until=until
    )
    return model.fit(fixed=params, magnitude_exponent=FOLLOWERS if marks else None)


@pytest.mark.parametrize(
    ("params", "value"),
    [
        ({"kappa": 0.1, "theta": 0.3}, 0.1),
        ({"kappa": 0.1, "theta": 0.3, "beta": 1.0}, 6.35),
        ({"kappa": 0.1, "theta": 0.3, "c": 0.2}, 0.5402189),
        ({"kappa": 0.1, "theta": 0.3, "c": 0.2, "beta": 1.0}, 34.3039),
        ({"kappa": 0.8, "theta": 1.0, "c": 1.0, "beta": 0.1}, 0.887336244541),
    ],
)
def test_branching_factor(params: dict, value: float) -> None:
    assert held(**params).branching_factor == pytest.approx(value, rel=3e-7)


@pytest.mark.parametrize(
    ("params", "a1", "size"),
    [
        ({"kappa": 0.8, "theta": 1.0}, 0.00850628280245, 6.042531414),
        ({"kappa": 0.8, "theta": 1.0, "c": 1.0}, 0.589235209235, 8.9461760462),
        ({"kappa": 0.8, "theta": 1.0, "beta": 0.1}, 0.00850628280245, 6.0755015024),
        ({"kappa": 0.8, "theta": 1.0, "c": 1.0, "beta": 0.1}, 0.589235209235, 11.2300334463),
    ],
)
def test_final_size(params: dict, a1: float, size: float) -> None:
    fit = held(**params)
    assert fit.expected_future() == pytest.approx(a1, rel=1e-9)
    assert fit.final_size()["at_estimate"][0] == pytest.approx(size, rel=1e-9)


def test_viral_score() -> None:
    assert held(kappa=0.1, theta=0.3).viral_score() == pytest.approx(0.1 / 0.9, rel=1e-12)
    marked = held(kappa=0.8, theta=1.0, c=1.0, beta=0.1)
    assert marked.viral_score() == pytest.approx(7.1007751938, rel=1e-10)
    assert held(kappa=1.1, theta=0.3).viral_score() == math.inf


@pytest.mark.parametrize(
    ("params", "population", "value"),
    [
        ({"theta": 1.0}, None, 0.166610116444),
        ({"theta": 1.0, "beta": 0.5}, None, 0.21706205525),
        ({"theta": 1.0, "c": 2.0}, None, 0.09225),
        ({"theta": 1.0, "c": 2.0, "beta": 0.5}, None, 0.115549512883),
        ({"theta": 1.0}, 10, 0.133288093155),
        ({"theta": 1.0, "beta": 0.5}, 10, 0.1736496442),
        ({"theta": 1.0, "c": 2.0}, 10, 0.0738),
        ({"theta": 1.0, "c": 2.0, "beta": 0.5}, 10, 0.0924396103068),
    ],
)
def test_intensity(params: dict, population: int | None, value: float) -> None:
    times, marks = np.array([0.0, 1.0]), pl.Series([1.0, 2.0])
    fit = held(times, 5.0, marks, population, kappa=0.9, **params)
    assert fit.intensity([3.0])["intensity"][0] == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize(
    ("until", "value"), [(np.inf, 0.7), (1.0, 0.7 * (1 - math.exp(-0.4)))], ids=["end", "one"]
)
def test_likelihood_of_one_event(until: float, value: float) -> None:
    model = vk.Hawkes([0.0], observed_until=until)
    assert -model.loglike({"kappa": 0.7, "theta": 0.4}) == pytest.approx(value, rel=1e-12)


def test_expected_size_of_simulated_cascades() -> None:
    fit = held(np.array([0.0]), np.inf, kappa=0.9, theta=1.0)
    sizes = fit.simulate(40_000, seed=1).group_by("cascade_id").len()["len"]
    assert sizes.mean() == pytest.approx(10.0, abs=0.5)  # a standard error of .14
    assert (sizes == 1).mean() == pytest.approx(math.exp(-0.9), abs=0.01)


def test_simulated_cascades_follow_the_law_of_borel() -> None:
    fit = held(np.array([0.0]), np.inf, kappa=0.6, theta=3.0, c=10.0)
    n = fit.branching_factor
    fit = held(np.array([0.0]), np.inf, kappa=0.6 * 0.5 / n, theta=3.0, c=10.0)
    assert fit.branching_factor == pytest.approx(0.5)
    sizes = fit.simulate(20_000, seed=2).group_by("cascade_id").len()["len"]
    for size in range(1, 6):
        law = math.exp(-0.5 * size) * (0.5 * size) ** (size - 1) / math.factorial(size)
        assert (sizes == size).mean() == pytest.approx(law, abs=0.01)
