"""Many cascades: each by itself, all together, and the correction for selection by size."""

import math

import numpy as np
import polars as pl
import pytest

import viralkit as vk
from viralkit.models.hawkes_likelihood import Objective
from viralkit.models.hawkes_selection import borel_tanner_tail, chances
from viralkit.models.hawkes_stream import read_stream
from viralkit.tables import TableError


def draws(n: int, until: float = np.inf, seed: int = 0, kernel="exponential", **params):
    fit = vk.Hawkes([0.0], kernel=kernel, observed_until=until).fit(fixed=params)
    return fit.simulate(n, seed=seed)


@pytest.fixture(scope="module")
def many() -> pl.DataFrame:
    events = draws(300, 40.0, seed=2, kappa=0.95, theta=0.2)
    return events.filter(pl.len().over("cascade_id") >= 30)


def test_each_is_the_fit_of_one(many) -> None:
    table = vk.Hawkes.fit_each(many, observed_until=40.0)
    assert table["cascade_id"].to_list() == many["cascade_id"].unique(maintain_order=True).to_list()
    for row in table.head(5).iter_rows(named=True):
        events = many.filter(pl.col("cascade_id") == row["cascade_id"])
        fit = vk.Hawkes(events, observed_until=40.0).fit()
        assert row["size"] == len(events)
        assert row["llf"] == pytest.approx(fit.llf, abs=1e-8)
        assert row["branching_factor"] == pytest.approx(fit.branching_factor, rel=1e-6)
        for name in ("kappa", "theta"):
            assert row[name] == pytest.approx(fit.params[name], rel=1e-6)
            assert row[f"{name}_std_error"] == pytest.approx(fit.bse[name], rel=1e-4)
        size = fit.final_size()["at_estimate"][0]
        assert row["final_size"] == pytest.approx(size, rel=1e-6)


@pytest.mark.parametrize("marks", [None, "magnitude"])
def test_each_under_a_power_law_is_the_fit_of_one(marks) -> None:
    events = draws(150, 4000.0, 3, "power_law", kappa=3.8, theta=0.8, c=8.0)
    events = events.filter(pl.len().over("cascade_id") >= 60)
    mark = np.random.default_rng(4).pareto(1.2, len(events)) + 1
    events = events.with_columns(magnitude=pl.Series(mark))
    choices = {"kernel": "power_law", "marks": marks, "observed_until": 4000.0}
    table = vk.Hawkes.fit_each(events, **choices)
    inside = table.filter(~pl.col("warning").fill_null("").str.contains("limit"))
    assert len(inside) >= 3
    for row in inside.head(4).iter_rows(named=True):
        one = events.filter(pl.col("cascade_id") == row["cascade_id"])
        fit = vk.Hawkes(one, **choices).fit()
        assert row["llf"] == pytest.approx(fit.llf, abs=1e-6)
        assert row["branching_factor"] == pytest.approx(fit.branching_factor, rel=1e-3)
        for name in fit.params:
            assert row[name] == pytest.approx(fit.params[name], rel=5e-3, abs=1e-3)
            assert row[f"{name}_std_error"] == pytest.approx(fit.bse[name], rel=2e-2)


def test_what_one_cascade_cannot_tell_is_said() -> None:
    events = pl.DataFrame(
        {
            "cascade_id": ["a", "b", "b", "b"],
            "event_id": ["0", "0", "1", "2"],
            "time": [0.0, 0.0, 1.0, 1.5],
        }
    )
    table = vk.Hawkes.fit_each(events, observed_until=9.0)
    assert table["branching_factor"][0] is None and table["kappa"][0] is None
    assert "nothing" in table["warning"][0] and "too few" in table["warning"][1]
    assert not table.select(pl.col(pl.Float64).is_nan().any()).row(0).count(True)


def test_each_refuses_what_it_cannot_do(many) -> None:
    marked = many.with_columns(magnitude=pl.lit(2.0))
    with pytest.raises(ValueError, match="Use kernel='power_law'"):
        vk.Hawkes.fit_each(marked, marks="magnitude")
    with pytest.raises(ValueError, match="kernel='gamma'"):
        vk.Hawkes.fit_each(many, kernel="gamma")


def test_permuting_cascades_changes_nothing(many) -> None:
    names = many["cascade_id"].unique(maintain_order=True)
    turned = pl.concat([many.filter(pl.col("cascade_id") == name) for name in names[::-1]])
    for kernel in ("exponential", "power_law"):
        one = vk.Hawkes.fit_together(many, kernel=kernel, observed_until=40.0)
        other = vk.Hawkes.fit_together(turned, kernel=kernel, observed_until=40.0)
        assert other.llf == pytest.approx(one.llf, rel=1e-9)
        assert other.branching_factor == pytest.approx(one.branching_factor, rel=1e-5)


def test_mixed_rows_of_cascades_are_told_apart(many) -> None:
    mixed = many.sort("time", maintain_order=True)
    one, other = (vk.Hawkes.fit_together(e, observed_until=40.0) for e in (many, mixed))
    assert other.llf == pytest.approx(one.llf, rel=1e-9)


def test_two_realisations_beside_the_sum_of_their_likelihoods() -> None:
    rng = np.random.default_rng(5)
    parts = [np.sort(rng.uniform(0, 50, 40)), np.sort(rng.uniform(0, 50, 60))]
    frames = [pl.DataFrame({"cascade_id": str(i), "time": t}) for i, t in enumerate(parts)]
    events = pl.concat(frames).with_row_index("event_id").with_columns(pl.col("event_id").cast(str))
    together = vk.Hawkes.fit_together(events, background="constant", observed_until=50.0).model
    alone = [vk.Hawkes(t, background="constant", observed_until=50.0) for t in parts]
    params = {"kappa": 0.3, "theta": 0.7, "mu": 0.6}
    total = sum(model.loglike(params) for model in alone)
    assert together.loglike(params) == pytest.approx(total, rel=1e-12)


def test_windows_of_their_own(many) -> None:
    names = many["cascade_id"].unique(maintain_order=True)
    ends = pl.DataFrame({"cascade_id": names, "observed_until": 40.0 + np.arange(len(names))})
    fit = vk.Hawkes.fit_together(many, observed_until=ends)
    assert fit.model.stream.until.tolist() == ends["observed_until"].to_list()
    with pytest.raises(ValueError, match="no one final size"):
        fit.final_size()
    with pytest.raises(ValueError, match="no common future"):
        fit.forecast(100.0)
    with pytest.raises(ValueError, match="no common time"):
        fit.intensity([1.0])


def test_closed_form_of_the_pooled_branching_factor() -> None:
    events = draws(400, seed=6, kappa=0.7, theta=0.3)
    fit = vk.Hawkes.fit_together(events, observed_until=np.inf)
    assert fit.branching_factor == pytest.approx(1 - 400 / len(events), rel=1e-8)


@pytest.mark.parametrize("n", [0.3, 0.5, 0.9, 1.2])
@pytest.mark.parametrize(("roots", "size"), [(1, 2), (1, 30), (3, 12)])
def test_law_of_borel_and_tanner(n: float, roots: int, size: int) -> None:
    sizes = np.arange(roots, 3000)
    law = [
        roots / k * math.exp(-n * k + (k - roots) * math.log(n * k) - math.lgamma(k - roots + 1))
        for k in sizes
    ]
    tail = 1 - math.fsum(law[: size - roots])
    assert borel_tanner_tail(n, roots, size) == pytest.approx(tail, rel=1e-8, abs=1e-13)
    if n < 0.8:
        assert borel_tanner_tail(n, roots, size) == pytest.approx(math.fsum(law[size - roots :]))


@pytest.mark.parametrize("kernel", ["exponential", "power_law"])
@pytest.mark.parametrize("n", [0.5, 0.9])
def test_chances_after_a_long_time_are_those_of_borel(kernel: str, n: float) -> None:
    until = 1e4 if kernel == "exponential" else 1e9
    stream = read_stream([0.0], marks=None, background=None, until=until)
    objective = Objective(stream, kernel)
    x = np.log([n, 2.0, 3.0])[: len(objective.names)]
    for size in (2, 10, 40):
        mine = chances(objective, x[None, :], size)[0, 0]
        assert mine == pytest.approx(borel_tanner_tail(n, 1, size), rel=1e-3)


@pytest.mark.parametrize(
    ("kernel", "params"),
    [
        ("exponential", {"kappa": 1.1, "theta": 0.1}),
        ("power_law", {"kappa": 1.5, "theta": 0.5, "c": 5}),
    ],
)
def test_chances_within_a_window_are_those_of_simulations(kernel: str, params: dict) -> None:
    fit = vk.Hawkes([0.0], kernel=kernel, observed_until=25.0).fit(fixed=params)
    sizes = fit.simulate(20_000, seed=7).group_by("cascade_id").len()["len"]
    for size in (2, 5, 15):
        mine = chances(fit._fit.objective, fit._fit.place.x[None, :], size)[0, 0]
        seen = float((sizes >= size).mean())
        assert mine == pytest.approx(seen, abs=4 * math.sqrt(seen * (1 - seen) / 20_000))


def test_chances_with_marks_are_those_of_simulations() -> None:
    marks = np.random.default_rng(9).gamma(2.0, 1.0, 400)
    ids = pl.DataFrame({"event_id": [str(i) for i in range(400)], "magnitude": marks})
    both = pl.concat([ids.with_columns(time=pl.lit(0.0)), ids.with_columns(time=pl.lit(1.0))])
    one = both.with_columns(cascade_id=pl.lit("a"))  # the same marks for roots and for the others
    model = vk.Hawkes(one, kernel="power_law", marks="magnitude", observed_until=30.0)
    fit = model.fit(fixed={"kappa": 1.0, "theta": 1.0, "c": 3.0, "beta": 1.0})
    sizes = fit.simulate(20_000, seed=8).group_by("cascade_id").len()["len"]
    each = ids.with_columns(cascade_id="event_id", time=pl.lit(0.0))
    stream = read_stream(each, marks="magnitude", background=None, until=30.0)
    roots = fit._fit.objective.on(stream)  # every mark once as that of a root
    for size in (2, 6):
        mine = chances(roots, fit._fit.place.x[None, :], size).mean()
        seen = float((sizes >= size).mean())
        assert mine == pytest.approx(seen, abs=4 * math.sqrt(seen * (1 - seen) / 20_000))


def test_selection_by_size_is_corrected() -> None:
    events = draws(20_000, seed=10, kappa=0.5, theta=0.3)
    kept = events.filter(pl.len().over("cascade_id") >= 8)
    naive = vk.Hawkes.fit_together(kept, observed_until=np.inf)
    fair = vk.Hawkes.fit_together(kept, observed_until=np.inf, minimum_size=8)
    assert naive.branching_factor > 0.85
    assert any("pass minimum_size=8" in note for note in naive.warnings)
    low, high = fair.branching_interval()
    assert low < 0.5 < high and high - low < 0.15
    assert not any("minimum_size" in note for note in fair.warnings)
    assert naive.branching_interval()[0] > 0.8


def test_selection_within_a_window_is_corrected() -> None:
    events = draws(3000, 12.0, seed=11, kappa=0.8, theta=0.3)
    kept = events.filter(pl.len().over("cascade_id") >= 10)
    fit = vk.Hawkes.fit_together(kept, observed_until=12.0, minimum_size=10)
    truth = {"branching": 0.8, "theta": 0.3}
    low, high = fit.branching_interval(0.01)
    assert low < truth["branching"] < high < 1.2
    assert vk.Hawkes.fit_together(kept, observed_until=12.0).branching_factor > high


def test_derivatives_of_the_corrected_likelihood() -> None:
    events = draws(400, 12.0, seed=12, kappa=0.9, theta=0.3)
    kept = events.filter(pl.len().over("cascade_id") >= 6)
    objective = vk.Hawkes.fit_together(kept, observed_until=12.0, minimum_size=6)._fit.objective
    x, step = np.array([-0.2, -1.0]), 1e-4
    value = objective(x)
    for i in range(2):
        shift = step * np.eye(2)[i]
        above, below = objective(x + shift), objective(x - shift)
        assert value.slope[i] == pytest.approx((above.height - below.height) / 2 / step, rel=1e-4)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"minimum_size": 0}, "minimum_size=0 is not a number of events"),
        ({"minimum_size": 2.5}, r"minimum_size=2\.5"),
        ({"minimum_size": True}, "minimum_size=True"),
        ({"minimum_size": 31, "background": "constant"}, "a series is not chosen by its size"),
    ],
)
def test_refused_sizes(many, choices: dict, message: str) -> None:
    large = many.filter(pl.len().over("cascade_id") >= 31)
    with pytest.raises(ValueError, match=message):
        vk.Hawkes.fit_together(large, observed_until=40.0, **choices)


def test_a_cascade_below_the_size_is_refused(many) -> None:
    with pytest.raises(TableError, match="fewer than minimum_size=500"):
        vk.Hawkes.fit_together(many, observed_until=40.0, minimum_size=500)
