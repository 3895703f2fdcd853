"""Move the parameters of a Hawkes model: lines, law of the final size, code, refusals."""

import time

import numpy as np
import polars as pl
import pytest
from scipy import stats

import viralkit as vk
from viralkit.models.hawkes_descendants import descendants, expected_descendants
from viralkit.models.hawkes_kernels import KERNELS

HOSTILE = '</script><script>window.fired=1</script> "quoted"'
DAY = 86400.0
LEVELS = [0.025, 0.5, 0.975]


def grown(n, weight, first, draws, seed=1, most=5_000):
    """Numbers of descendants, generation by generation; infinite from `most` on."""
    rng = np.random.default_rng(seed)
    total = generation = rng.poisson(first, draws)
    total = total.astype(float)
    while generation.any():
        owner = np.repeat(np.arange(draws), generation)
        load = np.bincount(owner, rng.choice(weight, len(owner)), draws)
        generation = rng.poisson(n * load)
        total += generation
        generation[total > most] = 0
    return np.where(total > most, np.inf, total)


def cascade(seed=3, marks=False, name="clip", kernel="exponential"):
    rng = np.random.default_rng(seed)
    delays = np.sort(rng.exponential(500, 60).cumsum() * rng.uniform(0.2, 1, 60))
    times = np.concatenate([[0.0], delays])
    ids = [str(i) for i in range(len(times))]
    rows = {"cascade_id": name, "event_id": ids, "time": times}
    if marks:
        rows["magnitude"] = np.round(rng.pareto(1.5, len(times)) * 100 + 10)
    return pl.DataFrame(rows)


END = 40_000.0


@pytest.fixture
def ui():
    return vk.explore_fit(vk.Hawkes(cascade(), observed_until=END))


@pytest.fixture
def marked():
    events = cascade(marks=True)
    model = vk.Hawkes(events, kernel="power_law", marks="magnitude", observed_until=END)
    return vk.explore_fit(model)


def row(ui, quantity, column="value"):
    return ui.table.filter(pl.col("quantity").str.starts_with(quantity))[column][0]


def simulated(ui, events, **more):
    return eval(ui.code, {"vk": vk, "pl": pl, "events": events, **more})


def test_it_opens_at_the_best_fit(ui):
    fit = vk.Hawkes(cascade(), observed_until=END).fit()
    assert row(ui, "branching") == row(ui, "branching", "best") == fit.branching_factor
    assert (row(ui, "branching", "lower"), row(ui, "branching", "upper")) == pytest.approx(
        fit.branching_interval()
    )
    half = np.log(2) / fit.params["theta"]
    assert ui.memory.value == pytest.approx(half, rel=1e-5)
    assert row(ui, "half", "lower") < row(ui, "half") < row(ui, "half", "upper")
    assert row(ui, "log-likelihood") == 0
    assert ui.code == (
        "vk.Hawkes(events, kernel='exponential', observed_until=40000.0).fit()"
        ".simulate(until=40000.0, seed=1)"
    )
    assert ui.chart.values["finding"].startswith("Best fit: ")
    assert ui.table.schema["value"] == pl.Float64


def test_moving_worsens_the_fit_and_moves_the_lines(ui):
    ui.branching_factor.value, ui.memory.value = 0.6, 900.0
    model = vk.Hawkes(cascade(), observed_until=END)
    given = {"kappa": 0.6, "theta": np.log(2) / 900}
    worse = model.loglike(given) - model.fit().llf
    assert row(ui, "log-likelihood") == pytest.approx(worse, rel=1e-4)
    assert f"{-worse:.3g} below" in ui.chart.values["finding"]
    grid, times = np.linspace(0, ui_end(ui), 241), cascade()["time"].to_numpy()
    lag = np.maximum(grid[:, None] - times[None, :], 0)
    fitted = 1 + 0.6 * -np.expm1(-given["theta"] * lag).sum(axis=1)
    assert ui.chart.values["fitted"][1:] == pytest.approx(fitted[1:], rel=1e-4)
    mean = (1 - 0.6 * np.exp(-0.4 * given["theta"] * grid)) / 0.4  # of one event with this kernel
    assert ui.chart.values["mean"] == pytest.approx(mean, rel=1e-3)


def ui_end(ui):
    scale = ui.chart.spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    return scale[1] * 3600  # the axis is in hours


def test_the_code_draws_the_cascade_shown(ui):
    for setting in ({}, {"branching_factor": 1.1}, {"memory": 2000.0}):
        for name, value in setting.items():
            getattr(ui, name).value = value
        ui.draw.value = 7
        drawn = simulated(ui, cascade())["time"].to_numpy()
        assert row(ui, "events drawn") == len(drawn)
        grid = np.linspace(0, ui_end(ui), 241)
        path = np.searchsorted(drawn, grid * (1 + 1e-12), side="right")
        shown = np.array(ui.chart.values["path"])
        inside = shown < 60 * 1.6
        assert shown[inside] == pytest.approx(path[inside])


def test_draw_again_and_reset(ui):
    first = ui.chart.values["path"]
    ui.again.click()
    assert ui.draw.value == 2 and ui.chart.values["path"] != first
    ui.draw.value = 99
    ui.again.click()
    assert ui.draw.value == 1 and ui.chart.values["path"] == first
    ui.branching_factor.value = 0.3
    ui.reset.click()
    assert row(ui, "log-likelihood") == 0 and ".fit()" in ui.code


def test_growth_without_end_is_drawn_as_far_as_the_plot_goes(ui):
    ui.branching_factor.value, ui.memory.value = 1.5, ui.memory.min
    assert row(ui, "… to") == np.inf
    assert 0.5 < row(ui, "chance of no end") < 0.7  # 1 - q, q = exp(1.5 (q - 1))
    assert row(ui, "chance of no end") == pytest.approx(1 - 0.41719, abs=1e-4)
    assert all(np.isfinite(ui.chart.values[n]).all() for n in ("mean", "path", "fitted"))
    until = float(ui.code.split("until=")[-1].split(",")[0])
    assert until < ui_end(ui) and ui.chart.values["names"][-1].startswith("Drawn >")
    assert simulated(ui, cascade()).height == row(ui, "events drawn") < 100_000
    top = ui.chart.spec["layer"][0]["encoding"]["y"]["scale"]["domain"][1]
    assert max(ui.chart.values["mean"]) <= 10.001 * top


def test_followers_of_the_first_change_what_follows_and_not_the_fit(marked):
    median, best = row(marked, "… to"), row(marked, "log-likelihood")
    marked.followers.value = marked.followers.max
    assert row(marked, "… to") > median
    assert row(marked, "log-likelihood") == best == 0
    assert "followers" in marked.chart.values["finding"]
    drawn = simulated(marked, cascade(marks=True))
    assert drawn.height == row(marked, "events drawn")
    assert drawn["magnitude"][0] == pytest.approx(marked.followers.max, rel=1e-5)


def test_a_power_law_has_a_slider_for_its_tail(marked):
    tail = marked.theta.value = 1.5 * marked.theta.min
    marked.memory.value = 1200.0
    fixed = eval(marked.code.split("fixed=")[1].split(").simulate")[0])
    assert fixed["theta"] == pytest.approx(tail, rel=1e-5)
    assert fixed["c"] * (2 ** (1 / tail) - 1) == pytest.approx(1200, rel=1e-5)
    assert row(marked, "branching") == pytest.approx(marked.branching_factor.value, rel=1e-4)


def test_a_background_has_a_rate_and_no_final_size():
    one = vk.Hawkes([1.0], background="constant", observed_until=2 * DAY)
    truth = {"kappa": 0.6, "theta": 1e-3, "mu": 5e-4}
    times = one.fit(fixed=truth).simulate(seed=1)["time"].to_numpy()
    model = vk.Hawkes(times, background="constant", observed_until=2 * DAY)
    ui = vk.explore_fit(model)
    assert not hasattr(ui, "followers") and "new cascade, median" not in ui.table["quantity"]
    ui.branching_factor.value, ui.memory.value, ui.mu.value = 0.4, 600.0, 1e-3
    grid = np.linspace(0, 2 * DAY, 241)
    pace = 0.6 * np.log(2) / 600
    mean = 1e-3 * (grid / 0.6 - 0.4 / 0.6 * -np.expm1(-pace * grid) / pace)
    assert ui.chart.values["mean"] == pytest.approx(mean, rel=2e-3, abs=0.02)
    assert simulated(ui, times).height == row(ui, "events drawn")
    assert ui.mu.text.endswith("/ d")


def test_a_best_fit_at_a_limit_can_be_explored():
    one = vk.Hawkes([1.0], background="constant", observed_until=2e3)
    times = one.fit(fixed={"kappa": 0.6, "theta": 0.1, "mu": 0.1}).simulate(seed=1)["time"]
    model = vk.Hawkes(
        times.to_numpy(), kernel="power_law", background="constant", observed_until=2e3
    )
    assert model.fit().params["theta"] == np.inf
    ui = vk.explore_fit(model)
    ui.branching_factor.value = ui.branching_factor.value + 1e-3
    assert abs(row(ui, "log-likelihood")) < 1  # a steep power law stands for the exponential one
    assert np.isfinite(ui.chart.values["mean"]).all()


CASES = [
    (0.9, np.ones(1), 0.9, 0.02),
    (1.2, np.ones(1), 3.0, 0.02),
    (0.9, np.random.default_rng(1).lognormal(0, 1, 500), 5.0, 0.05),
    (0.8, np.random.default_rng(2).pareto(1.5, 300) + 0.1, 40.0, 0.05),
    (1.1, np.random.default_rng(3).lognormal(0, 1, 200), 2.0, 0.05),
]


@pytest.mark.parametrize(("n", "weight", "first", "near"), CASES)
def test_the_law_of_the_final_size_is_that_of_simulations(n, weight, first, near):
    weight = weight / weight.mean()
    (low, middle, high), never = descendants(n, first, weight, LEVELS)
    sizes = grown(n, weight, first, 5_000)
    assert never == pytest.approx(np.mean(np.isinf(sizes)), abs=0.01)
    for level, found in zip(LEVELS, (low, middle, high), strict=True):
        below, upto = np.mean(sizes < found * (1 - near)), np.mean(sizes <= found * (1 + near))
        assert below - 0.007 <= level <= upto + 0.007


def test_the_law_without_marks_sums_to_one_also_when_critical():
    (middle,), never = descendants(1.0, 10.0, np.ones(1), [0.5])
    assert never == 0 and middle == 213  # by summing the chances one by one, to 20,000
    size = np.arange(1.0, 200_000)
    chance = 10 / size * stats.poisson.pmf(size - 1, 10 + size)
    reached = np.exp(-10) + np.cumsum(chance)
    (high,), _ = descendants(1.0, 10.0, np.ones(1), [0.95])
    assert high == pytest.approx(np.searchsorted(reached, 0.95), rel=0.01)
    (none,), never = descendants(0.9, 0.0, np.ones(1), [0.975])
    assert (none, never) == (0.0, 0.0)


@pytest.mark.parametrize(("name", "shape"), [("exponential", [0.01]), ("power_law", [0.4, 3.0])])
def test_the_mean_solves_the_renewal_equation(name, shape):
    kernel, shape, step = KERNELS[name], np.array(shape), 2.0
    mean = expected_descendants(kernel, shape, 0.9, step, cells=300)
    fine = expected_descendants(kernel, shape, 0.9, step / 20, cells=6000)[::20]
    assert mean == pytest.approx(fine, rel=3e-3, abs=2e-3)
    lag = step * (np.arange(100_000) + 0.5) * 300 / 100_000  # by the middle of narrow strips
    inner = np.interp(step * 300 - lag, step * np.arange(301), fine)
    direct = 0.9 * np.sum(kernel.density(lag, shape) * (1 + inner)) * step * 300 / 100_000
    assert fine[-1] == pytest.approx(direct, rel=3e-3)


def test_an_update_is_quick(ui):
    ui.branching_factor.value = 0.5
    begin = time.process_time()
    for place in range(20):
        ui.branching_factor.value = 0.5 + 0.02 * place
    assert (time.process_time() - begin) / 20 < 0.08


def test_hostile_names_stay_data(tmp_path):
    ui = vk.explore_fit(vk.Hawkes(cascade(name=HOSTILE), observed_until=END))
    vk.save(ui, tmp_path / "explorer.svg")
    assert "<script" not in (tmp_path / "explorer.svg").read_text()


def test_charts_of_many_events_stay_small():
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(0, 9 * DAY, 8000))
    ui = vk.explore_fit(vk.Hawkes(times, background="constant", observed_until=9 * DAY))
    assert sum(len(rows) for rows in ui.current_spec()["datasets"].values()) <= 5000


def test_what_is_not_explored_is_refused_with_a_next_step():
    both = pl.concat([cascade(name="a"), cascade(seed=4, name="b")])
    model = vk.Hawkes.fit_together(both, observed_until=2 * END).model
    with pytest.raises(ValueError, match=r"2 cascades were fitted together; .*Pass vk\.Hawkes\("):
        vk.explore_fit(model)
    with pytest.raises(ValueError, match=r"limited population is not explored: .*without pop"):
        vk.explore_fit(vk.Hawkes(cascade(), observed_until=END, population=500))
