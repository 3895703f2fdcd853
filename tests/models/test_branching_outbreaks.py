"""Outbreaks in a crowd: beside exact laws, beside people simulated one by one."""

import numpy as np
import pytest
from scipy import optimize

import viralkit as vk
from viralkit.models import branching_laws as laws
from viralkit.models.branching_outbreaks import children, met, outbreaks


@pytest.mark.parametrize("inverse", [0.0, 1.0, 5.0])
def test_the_mean_is_that_of_the_power(inverse):
    totals = outbreaks(7, 6, 0.8, inverse, number=40_000, seed=1)
    expected = vk.power_of(7, 6, pass_on=0.8 / 7)["total"].to_numpy()
    error = totals.std(axis=0) / np.sqrt(len(totals))
    assert (np.abs(totals.mean(axis=0) - expected) <= 4 * error).all()
    assert (totals[:, :2] == [1, 8]).all()


@pytest.mark.parametrize(("mean", "inverse"), [(0.7, 2.0), (1.5, 0.0), (1.2, 1.0)])
def test_as_many_are_over_as_the_law_says(mean, inverse):
    totals = outbreaks(3, 8, mean, inverse, number=40_000, seed=2)
    for generation in range(2, 9):
        over = (totals[:, generation] == totals[:, generation - 1]).mean()
        law = laws.over_by(mean, inverse, generation - 1, 3)
        assert over == pytest.approx(law, abs=4 * np.sqrt(law * (1 - law) / 40_000))


def test_over_by_is_exact_for_geometric_offspring_and_ends_at_extinction():
    r, n = 1.5, 6  # linear fractional: 1 - P(over by n) = r^n (r - 1) / (r^(n+1) - 1)
    survived = r**n * (r - 1) / (r ** (n + 1) - 1)
    assert laws.over_by(r, 1.0, n) == pytest.approx(1 - survived, rel=1e-12)
    assert laws.over_by(r, 0.4, 2000, 3) == pytest.approx(laws.extinction(r, 0.4, 3), rel=1e-10)
    assert laws.over_by(r, 0.4, 0, 3) == 0


def test_children_have_the_variance_of_their_law():
    rng = np.random.default_rng(0)
    many = children(np.full(200_000, 4.0), 0.9, 2.0, rng)
    assert many.mean() == pytest.approx(3.6, rel=0.02)
    assert many.var() == pytest.approx(3.6 * (1 + 0.9 * 2), rel=0.03)
    assert children(np.zeros(5), 0.9, 2.0, rng).tolist() == [0] * 5


def test_who_is_met_is_as_one_by_one():
    rng, audience, known, tellings = np.random.default_rng(3), 30, 10, 25
    draws = rng.integers(0, audience - 1, (100_000, tellings))  # one of the others; 9 know it
    fresh = np.array([len(set(row[row >= known - 1])) for row in draws[:20_000]])
    found = met(np.full(100_000, 25.0), np.full(100_000, 10.0), 30.0, rng)
    assert found.mean() == pytest.approx(fresh.mean(), abs=0.06)
    assert fresh.std() <= found.std() <= 1.5 * fresh.std()


def test_few_meetings_in_a_large_crowd_are_exact():
    found = met(np.ones(100_000), np.full(100_000, 40.0), 101.0, np.random.default_rng(4))
    assert set(found) == {0, 1}
    assert found.mean() == pytest.approx(61 / 100, abs=0.006)


def test_outbreaks_that_take_off_end_at_the_final_size():
    # what is left of a crowd in which each tells R others at random: 1 - z = exp(-R z)
    totals = outbreaks(5, 60, 2.0, 0.0, audience=1e5, number=400, seed=5)[:, -1]
    share = optimize.brentq(lambda z: 1 - z - np.exp(-2 * z), 0.1, 1)
    large = totals[totals > 10_000]
    assert large.mean() == pytest.approx(1e5 * share, rel=0.002)
    assert vk.power_of(2, 60, audience=1e5)["total"][-1] == pytest.approx(1e5 * share, rel=0.001)
    small = (totals <= 10_000).mean()
    law = laws.extinction(2.0, 0.0, 5)
    assert small == pytest.approx(law, abs=4 * np.sqrt(law / 400))


@pytest.mark.parametrize("audience", [1.0, 2.0, 3.0, 50.0])
def test_nobody_hears_it_beyond_the_audience(audience):
    totals = outbreaks(7, 12, 6.0, 1.0, audience=audience, number=200)
    assert totals.max() <= audience
    assert (np.diff(totals) >= 0).all()


def test_a_seed_is_an_answer():
    first, again, other = (outbreaks(7, 7, 1.0, 1.0, seed=s) for s in (1, 1, 2))
    assert (first == again).all() and (first != other).any()
