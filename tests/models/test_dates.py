"""Uncertain dates: the sum over all of them against a dense grid, and what they leave to know."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

import viralkit as vk
from viralkit.models.dates import certain

START = date(2020, 1, 1)
DAYS = np.arange(1, 11) * 10


def bass(t: np.ndarray, p: float = 0.002, q: float = 0.06, m: float = 1e5) -> np.ndarray:
    decay = np.exp(-(p + q) * t)
    return m * (1 - decay) / (1 + q / p * decay)


def table(noise: float, doubt: int, every: int, days: np.ndarray = DAYS) -> pl.DataFrame:
    """Counts with variance = noise · mean; each ``every``-th date is known to ``doubt`` days."""
    rng = np.random.default_rng(5)
    rise = rng.gamma(np.diff(bass(days.astype(float)), prepend=0.0) / noise, noise)
    wide = np.where(np.arange(len(days)) % every == every - 1, doubt, 0)
    low, mid, high = (
        [START + timedelta(days=int(d + s * w)) for d, w in zip(days, wide, strict=True)]
        for s in (-1, 0, 1)
    )
    return pl.DataFrame(
        {"item": "x", "time": mid, "count": np.cumsum(rise), "time_lower": low, "time_upper": high}
    ).with_columns(kind=pl.lit("cumulative"))


def fitted(counts: pl.DataFrame, **choices: str):
    return vk.Bass(counts, unit="day", start=START).fit(**choices)


def on_a_grid(objective, x: np.ndarray, points: int) -> float:
    """Sum over all dates by the trapezoidal rule on an even grid, step by step."""
    ages = [
        np.linspace(a, b, points) if b > a else np.array([a])
        for a, b in zip(objective.lower, objective.upper, strict=True)
    ]
    forward = np.zeros(1)
    for i, (before, now) in enumerate(pairwise(ages)):
        rise = objective.curve(x, now)[None, :] - objective.curve(x, before)[:, None]
        term = objective.family.log_density(
            objective.count[i], np.maximum(rise, 1e-9), objective.scale, objective.alpha(x)
        )
        share = np.full(len(now), 1.0 / max(len(now) - 1, 1))
        share[[0, -1]] /= 2 if len(now) > 1 else 1
        whole = np.where(rise > 0, forward[:, None] + term, -np.inf)
        top = whole.max()
        forward = top + np.log(np.exp(whole - top).sum(axis=0) * share + 1e-300)
    return float(forward.max() + np.log(np.exp(forward - forward.max()).sum()))


CASES = {
    "a week of doubt against days": (200, 4, 2, "quasipoisson", 2001),
    "two months of doubt against hours": (2, 30, 2, "quasipoisson", 20001),
    "neighbours in doubt": (100, 4, 1, "quasipoisson", 801),
    "constant variance": (100, 9, 2, "normal", 4001),
    "relative error": (100, 9, 2, "negative_binomial", 4001),
}


@pytest.mark.parametrize("case", CASES)
def test_the_sum_over_dates_is_that_of_a_dense_grid(case: str):
    noise, doubt, every, family, points = CASES[case]
    fit = fitted(table(noise, doubt, every), family=family)
    objective, x = fit._fit.objective, fit._fit.x
    for place in (x, x + 0.02, x - 0.05):
        dense = on_a_grid(objective, place, points)
        assert objective.log_likelihood(place) == pytest.approx(dense, abs=2e-4)


@pytest.mark.parametrize("family", ["quasipoisson", "normal", "negative_binomial"])
def test_the_gradient_is_that_of_the_loss(family: str):
    fit = fitted(table(100, 6, 2), family=family)
    objective, x = fit._fit.objective, fit._fit.x + 0.03
    free, steps = list(range(len(x))), 1e-5 * np.eye(len(x))
    numeric = [(objective.loss(x + h) - objective.loss(x - h)) / 2e-5 for h in steps]
    assert objective.slope(x, free) == pytest.approx(numeric, rel=1e-5, abs=1e-4)


def test_nodes_lie_where_the_posterior_is_and_nowhere_else():
    objective = fitted(table(2, 30, 2))._fit.objective
    fit_x = fitted(table(2, 30, 2))._fit.x
    nodes = objective.nodes(fit_x)
    own = nodes.age[nodes.first[2] : nodes.first[3]]
    assert own.min() > objective.lower[2]
    assert own.max() - own.min() < 0.3 * (objective.upper[2] - objective.lower[2])
    assert len(nodes.age) < 500
    total, weight = nodes.chain(objective.terms(fit_x, nodes)[0])
    assert np.isfinite(total)
    for a, b in pairwise(nodes.pairs):
        assert weight[a:b].sum() == pytest.approx(1.0)


def test_far_from_the_fit_the_loss_is_still_finite_and_leads_back():
    fit = fitted(table(20, 9, 2))
    objective, x = fit._fit.objective, fit._fit.x
    far = x + np.array([0.0, 0.0, 8.0])
    assert 1e3 < objective.loss(far) < 1e200
    assert objective.minimise(far, [0, 1, 2]) == pytest.approx(x, abs=1e-6)


def test_exact_dates_are_one_node_each():
    nodes = certain(np.array([-np.inf, 1.0, 3.0]))
    total, weight = nodes.chain(np.array([-2.0, -3.5]))
    assert (total, weight.tolist()) == (-5.5, [1.0, 1.0])
    assert nodes.before.tolist() == [0, 1]
    assert nodes.after.tolist() == [1, 2]


def test_dates_take_degrees_of_freedom_from_the_dispersion():
    exact, wide = fitted(table(200, 0, 2)), fitted(table(200, 4, 2))
    assert exact.freedom == exact.df_resid == 7
    assert 2 < wide.freedom < 6.9
    unknown = wide._fit.objective
    spread = unknown.pearson(wide._fit.x) / wide.scale
    assert 10 - 3 < spread < 10 - 1  # n - k, had the parameters been all that takes freedom


def test_dates_that_explain_all_scatter_leave_the_dispersion_of_their_middles():
    counts = table(50, 14, 1)
    fit = fitted(counts)
    middle = fitted(counts, dates="midpoint")
    assert fit.scale == pytest.approx(middle.scale, rel=1e-9)
    assert any(text.startswith("the dates are so uncertain") for text in fit.warnings)
    assert not any(text.startswith("the dates are so") for text in fitted(table(50, 4, 2)).warnings)


def test_a_date_lies_between_its_exact_neighbours():
    wide = fitted(table(100, 15, 2))._fit.objective
    assert wide.lower[2:5].tolist() == [10.0, 30.0, 30.0]
    assert wide.upper[2:5].tolist() == [30.0, 30.0, 50.0]


def test_all_parameters_may_be_held_under_uncertain_dates():
    held = {"p": 0.002, "q": 0.06, "m": 1e5}
    fit = vk.Bass(table(200, 4, 2), unit="day", start=START).fit(fixed=held)
    assert fit.params == held
    assert fit.scale == pytest.approx(200, rel=0.9)
    assert fit.conf_int()["lower"].null_count() == 3


def test_a_forecast_knows_that_the_last_date_is_uncertain():
    sure, unsure = table(20, 0, 2), table(20, 8, 10)
    until = START + timedelta(days=150)
    narrow, wide = (fitted(counts).forecast(until) for counts in (sure, unsure))
    first = [(row["upper"] - row["lower"])[0] for row in (narrow, wide)]
    assert first[1] > 1.3 * first[0]
    objective, x = fitted(unsure)._fit.objective, fitted(unsure)._fit.x
    ages, weight = objective.last_date(x)
    assert weight.sum() == pytest.approx(1.0)
    assert 92.0 <= ages.min() < ages.max() <= 108.0
    fit = fitted(unsure)
    grown = fit.model.level(fit._fit.x, np.append(ages, 150.0))
    ahead = fit.model.points["count"][-1] + grown[-1] - weight @ grown[:-1]
    assert wide["mean"][-1] == pytest.approx(ahead, rel=1e-9)
