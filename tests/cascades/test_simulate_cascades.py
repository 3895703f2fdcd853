"""Simulated cascades: the laws that sizes and reshares follow, seeds, limits."""

from math import inf, isinf, sqrt

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import viralkit as vk
from viralkit.cascades.simulate import draw_offspring

R = 0.5
N = 40_000


def sizes(dispersion: float = inf, broadcast: float | None = None) -> np.ndarray:
    events = vk.simulate_cascades(
        R, dispersion, n_cascades=N, broadcast=broadcast, largest=10**6, seed=11
    )
    return vk.cascade_table(events)["size"].to_numpy().astype(float)


@pytest.mark.parametrize("dispersion", [inf, 1.0, 0.3])
def test_sizes_have_the_mean_and_variance_of_a_branching_process(dispersion: float) -> None:
    # Poisson: the Borel law, mean 1 / (1 - R) and variance R / (1 - R)³
    offspring = R if isinf(dispersion) else R + R**2 / dispersion
    mean, variance = 1 / (1 - R), offspring / (1 - R) ** 3
    found = sizes(dispersion)
    assert abs(found.mean() - mean) < 4 * sqrt(variance / N)
    squares = (found - mean) ** 2
    assert abs(squares.mean() - variance) < 4 * squares.std() / sqrt(N)


def test_sizes_follow_the_borel_law() -> None:
    found = np.bincount(sizes().astype(int))[1:6] / N
    expected = [np.exp(-R * n) * (R * n) ** (n - 1) / np.prod(range(1, n + 1)) for n in range(1, 6)]
    for share, chance in zip(found, expected, strict=True):
        assert abs(share - chance) < 4 * sqrt(chance * (1 - chance) / N)


@pytest.mark.parametrize("dispersion", [inf, 5.0, 1.0, 0.2])
def test_numbers_of_reshares_have_the_moments_of_the_negative_binomial(dispersion: float) -> None:
    drawn = draw_offspring(np.random.default_rng(3), 2.0, dispersion, 200_000)
    variance = 2.0 if isinf(dispersion) else 2.0 + 4.0 / dispersion
    assert abs(drawn.mean() - 2.0) < 4 * sqrt(variance / len(drawn))
    squares = (drawn - 2.0) ** 2
    assert abs(squares.mean() - variance) < 4 * squares.std() / sqrt(len(drawn))


def test_a_geometric_law_has_its_zeros() -> None:
    drawn = draw_offspring(np.random.default_rng(3), 2.0, 1.0, 100_000)
    assert abs((drawn == 0).mean() - 1 / 3) < 4 * sqrt(2 / 9 / 100_000)


def test_roots_with_an_audience() -> None:
    found = sizes(broadcast=20.0)
    assert abs(found.mean() - (1 + 20 / (1 - R))) < 4 * found.std() / sqrt(N)
    rows = vk.simulate_cascades(0.0, n_cascades=200, broadcast=30.0, seed=1)
    table = vk.cascade_table(rows).filter(pl.col("size") > 1)
    assert (table["broadcast_share"] == 1).all() and (table["depth"] == 1).all()


def test_the_table_is_a_sorted_events_table() -> None:
    events = vk.simulate_cascades(0.9, 0.5, n_cascades=300, seed=2)
    assert_frame_equal(vk.check(events, "events"), events)
    assert events.columns == ["cascade_id", "event_id", "parent_id", "user", "time"]
    assert events["event_id"].is_unique().all()
    number = events["cascade_id"].str.strip_prefix("c").cast(pl.Int64)
    assert_frame_equal(events, events.select(pl.all().sort_by(number, "time")))
    roots = events.filter(pl.col("parent_id").is_null())
    assert len(roots) == 300 and (roots["time"] == 0).all()
    table = vk.cascade_table(events)
    assert (table["roots"] == 1).all() and (table["coverage"].drop_nulls() == 1).all()


def test_answers_take_the_mean_delay() -> None:
    events = vk.simulate_cascades(0.0, n_cascades=2000, broadcast=20.0, mean_delay=60.0, seed=5)
    delays = events.filter(pl.col("parent_id").is_not_null())["time"]
    assert abs(delays.mean() - 60) < 4 * 60 / sqrt(len(delays))
    assert abs(delays.median() - 60 * np.log(2)) < 4 * 60 / sqrt(len(delays))


def test_growing_cascades_stop_at_the_largest_size() -> None:
    table = vk.cascade_table(vk.simulate_cascades(3.0, n_cascades=100, largest=500, seed=1))
    assert table["size"].max() == 500
    # the chance to die out early solves q = exp(3 (q - 1)): 0.0595
    assert abs((table["size"] < 500).mean() - 0.0595) < 4 * sqrt(0.0595 * 0.94 / 100)
    assert vk.cascade_table(vk.simulate_cascades(3.0, n_cascades=9, largest=1))["size"].max() == 1


def test_the_same_seed_gives_the_same_events() -> None:
    one, two, other = (vk.simulate_cascades(0.8, n_cascades=50, seed=s) for s in (4, 4, 5))
    assert_frame_equal(one, two)
    assert not one.equals(other)


def test_no_cascades() -> None:
    events = vk.simulate_cascades(0.8, n_cascades=0)
    assert events.is_empty() and vk.cascade_table(events).is_empty()


REFUSED = [
    ({"reproduction_number": -0.1}, "reproduction_number=-0.1; allowed: zero or more"),
    ({"reproduction_number": float("nan")}, "reproduction_number=nan"),
    ({"reproduction_number": inf}, "reproduction_number=inf"),
    ({"dispersion": 0}, "dispersion=0; allowed: a number above zero, or infinite"),
    ({"n_cascades": -1}, "n_cascades=-1"),
    ({"largest": 0}, "largest=0; allowed: one or more"),
    ({"broadcast": -1}, "broadcast=-1"),
    ({"mean_delay": 0}, "mean_delay=0; allowed: seconds, above zero"),
]


@pytest.mark.parametrize(("choices", "words"), REFUSED)
def test_numbers_out_of_range_are_refused(choices: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        vk.simulate_cascades(**{"reproduction_number": 0.5, **choices})
