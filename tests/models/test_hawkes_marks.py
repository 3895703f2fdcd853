"""Magnitudes: whose mean sets the branching factor, and whose law later events follow."""

import numpy as np
import polars as pl
import pytest

import viralkit as vk

LAW = {"kernel": "power_law", "marks": "magnitude"}
PARAMS = {"kappa": 0.05, "theta": 1.0, "c": 2.0, "beta": 1.0}


def cascades(number: int, seed: int, root: float = 400.0) -> pl.DataFrame:
    """Draw cascades one event at a time, no code of the kit: large roots, others of mean 20.

    An event of magnitude m sets off kappa m / (theta c^theta) = m / 40 others: n* = 0.5.
    """
    rng, rows = np.random.default_rng(seed), []
    for name in range(number):
        queue, done = [(0.0, root)], []
        while queue:
            time, mark = queue.pop()
            done.append((str(name), time, mark))
            lags = 2.0 * (rng.random(rng.poisson(mark / 40)) ** -1.0 - 1)
            queue += [(time + lag, 10.0 + rng.exponential(10.0)) for lag in lags]
        rows += sorted(done)
    frame = pl.DataFrame(rows, ["cascade_id", "time", "magnitude"], orient="row")
    return frame.with_columns(event_id=pl.int_range(pl.len()).cast(pl.String))


@pytest.fixture(scope="module")
def finished():
    return cascades(150, 1)


@pytest.fixture(scope="module")
def pooled(finished):
    return vk.Hawkes.fit_together(finished, **LAW, observed_until=np.inf)


def test_large_roots_do_not_inflate_the_branching_factor(finished, pooled) -> None:
    later = finished.filter(pl.col("time") > 0)["magnitude"]
    low, high = pooled.branching_interval()
    assert low < 0.5 < high < 0.65
    p = pooled.params
    by_hand = p["kappa"] * (later ** p["beta"]).mean() / (p["theta"] * p["c"] ** p["theta"])
    assert pooled.branching_factor == pytest.approx(by_hand, rel=1e-9)


def test_each_agrees_and_its_final_size_is_exact(finished) -> None:
    early = finished.filter((pl.col("cascade_id") < "2") & (pl.col("time") < 30))
    row = vk.Hawkes.fit_each(early, **LAW, observed_until=30.0).row(0, named=True)
    mine = early.filter(cascade_id=row["cascade_id"])
    one = vk.Hawkes(mine, **LAW, observed_until=30.0)
    fit = one.fit(fixed={n: row[n] for n in PARAMS})
    assert fit.branching_factor == pytest.approx(row["branching_factor"], rel=1e-6)
    assert fit.llf == pytest.approx(row["llf"], abs=1e-6)
    at = fit.final_size()["at_estimate"][0]
    assert row["final_size"] == pytest.approx(at, rel=1e-6)


def test_new_cascades_borrow_parameters_and_magnitudes(pooled) -> None:
    held, errors, spans = 0, [], []
    for name, rows in cascades(120, 2).group_by("cascade_id", maintain_order=True):
        early = rows.filter(pl.col("time") <= 5)
        fit = vk.Hawkes(early, **LAW, observed_until=5.0).fit(fixed=pooled)
        size = fit.final_size().row(0, named=True)
        assert fit.branching_factor == pytest.approx(pooled.branching_factor, rel=1e-9), name
        held += size["lower"] <= rows.height <= size["upper"]
        errors.append(rows.height - size["at_estimate"])
        spans.append(size["upper"] - size["lower"])
    assert 108 <= held <= 119  # 95 % of 120, give or take 2.5 standard errors
    assert abs(np.mean(errors)) < 4 * np.std(errors) / 120**0.5
    assert np.median(spans) < 30


def test_one_early_event_is_enough_with_what_is_borrowed(pooled) -> None:
    root = pl.DataFrame({"cascade_id": "a", "event_id": "0", "time": [0.0], "magnitude": [400.0]})
    fit = vk.Hawkes(root, **LAW, observed_until=0.5).fit(fixed=pooled)
    assert fit.branching_factor == pytest.approx(pooled.branching_factor, rel=1e-9)
    size = fit.final_size()["at_estimate"][0]
    n, reach = pooled.branching_factor, 400.0 ** pooled.params["beta"]
    p = pooled.params
    direct = p["kappa"] * reach / (p["theta"] * (0.5 + p["c"]) ** p["theta"])
    assert size == pytest.approx(1 + direct / (1 - n), rel=1e-9)


def test_simulated_first_events_are_like_the_given_ones(pooled) -> None:
    drawn = pooled.simulate(300, seed=3)
    first, later = (drawn.filter(keep)["magnitude"] for keep in (
        pl.col("time") == 0, pl.col("time") > 0))  # fmt: skip
    assert set(first) == {400.0}
    assert later.max() < 200 and later.mean() == pytest.approx(20, rel=0.05)
    sizes = drawn.group_by("cascade_id").len()["len"]
    assert sizes.mean() == pytest.approx(cascades(300, 4).height / 300, rel=0.15)


def test_only_a_fit_of_the_same_kind_is_borrowed(finished, pooled) -> None:
    one = finished.filter(cascade_id="0")
    with pytest.raises(ValueError, match="a fit of the same kind"):
        vk.Hawkes(one, kernel="power_law").fit(fixed=pooled)
    with pytest.raises(ValueError, match="exponential"):
        vk.Hawkes(one, marks="magnitude").fit(fixed=pooled)


def test_the_doubt_about_the_mean_mark_widens_the_interval(finished, pooled) -> None:
    later = finished.filter(pl.col("time") > 0)["magnitude"].to_numpy()
    power = later ** pooled.params["beta"]
    marks = 1.959964 * power.std() / power.mean() / np.sqrt(len(power))
    known = np.array(pooled._branching_ends(0.05))
    n = pooled.branching_factor
    expected = n * np.exp([-1, 1] * np.hypot(np.log(known / n), marks))
    assert pooled.branching_interval() == pytest.approx(tuple(expected), rel=1e-6)
    low, high = pooled.branching_interval()
    assert low < known[0] < known[1] < high


def test_of_each_cascade_too(finished) -> None:
    name = vk.cascade_table(finished).sort("size")["cascade_id"][-1]
    mine = finished.filter(cascade_id=name)
    row = vk.Hawkes.fit_each(mine, **LAW, observed_until=np.inf).row(0, named=True)
    later = mine.filter(pl.col("time") > 0)["magnitude"].to_numpy()
    power = later ** row["beta"]
    least = 1.959964 * np.hypot(
        1 / np.sqrt(len(power)), power.std() / power.mean() / len(power) ** 0.5
    )
    assert np.log(row["upper"] / row["branching_factor"]) >= least - 1e-9


def test_marks_of_kept_cascades_are_told_to_mislead(finished) -> None:
    kept = finished.filter(pl.len().over("cascade_id") >= 10)
    fit = vk.Hawkes.fit_together(kept, **LAW, observed_until=np.inf, minimum_size=10)
    assert any("larger magnitudes" in warning for warning in fit.warnings)
    plain = vk.Hawkes.fit_together(kept, kernel="power_law", observed_until=np.inf, minimum_size=10)
    assert not any("larger magnitudes" in warning for warning in plain.warnings)
