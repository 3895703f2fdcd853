"""Pictures of self-exciting fits: what is drawn against what the formulas give."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

import viralkit as vk

HOSTILE = '</script><script>window.fired=1</script> "quoted"'
DAY = 86400.0


def cascade(times, name="clip"):
    ids = [str(i) for i in range(len(times))]
    return pl.DataFrame({"cascade_id": name, "event_id": ids, "time": np.asarray(times, float)})


def series(days, mu=40 / DAY, n=0.6, theta=1 / 900, seed=1):
    """Times of a series with a background, branch by branch."""
    rng, end = np.random.default_rng(seed), days * DAY
    generation = rng.uniform(0, end, rng.poisson(mu * end))
    found = [generation]
    while len(generation):
        parents = np.repeat(generation, rng.poisson(n, len(generation)))
        generation = parents + rng.exponential(1 / theta, len(parents))
        generation = generation[generation < end]
        found.append(generation)
    return np.sort(np.concatenate(found))


TIMES = np.array([0.0, 40, 60, 200, 230, 240, 500, 520, 900, 1000, 1010, 2000])
WINDOW = 2700.0


@pytest.fixture(scope="module")
def fit():
    return vk.Hawkes(cascade(TIMES), observed_until=WINDOW).fit()


@pytest.fixture(scope="module")
def long():
    return vk.Hawkes(series(7), background="constant", observed_until=7 * DAY).fit()


def layers(chart):
    """Each layer's mark, rows and encoding; layers within layers in the same list."""
    spec = chart.to_dict()

    def walk(part, data):
        data = part.get("data", data)
        if "layer" in part:
            for layer in part["layer"]:
                yield from walk(layer, data)
        else:
            yield part["mark"]["type"], pl.DataFrame(spec["datasets"][data["name"]]), part

    return list(walk(spec, None))


def subtitle(chart):
    return chart.to_dict()["title"]["subtitle"]


def by_hand(params, times, when, seconds, *, after=False):
    """The intensity per unit, event by event; at an event before it, or right after it."""
    lag = when[:, None] - times[None, :]
    seen = lag >= 0 if after else lag > 0
    rate = params["kappa"] * params["theta"] * np.exp(-params["theta"] * np.where(seen, lag, 0))
    return seconds * (params.get("mu", 0.0) + np.where(seen, rate, 0).sum(axis=1))


def test_total_draws_the_events_as_steps_and_those_expected(fit):
    band, steps, line, *_ = layers(vk.fit_chart(fit))
    assert [band[0], steps[0], line[0]] == ["area", "line", "line"]
    assert steps[2]["mark"]["interpolate"] == "step-after"
    assert steps[1]["time"].to_list()[1:-1] == pytest.approx(TIMES / 60, rel=1e-5)
    assert steps[1]["count"].to_list() == [0, *range(1, 13), 12]
    when = line[1]["time"].to_numpy() * 60
    lag = np.maximum(when[:, None] - TIMES[None, :], 0)
    expected = 1 + fit.params["kappa"] * -np.expm1(-fit.params["theta"] * lag).sum(axis=1)
    assert line[1]["mean"].to_numpy() == pytest.approx(expected, rel=1e-4)
    assert when[-1] == pytest.approx(WINDOW)
    error = fit.predict([WINDOW])
    assert band[1]["lower"][-1] == pytest.approx(error["lower"][0], rel=1e-5)
    names = layers(vk.fit_chart(fit))[-1][1]
    assert names["name"].to_list() == ["expected 12", "seen 12"]


def test_growth_draws_each_spike_of_the_intensity(fit):
    chart = vk.fit_chart(fit, view="growth")
    (mark, rows, _), (ticks, rug, _) = layers(chart)[:2]
    assert (mark, ticks) == ("line", "rule")
    assert rug["time"].to_list() == pytest.approx(TIMES / 60, rel=1e-5)
    when, drawn = rows["time"].to_numpy() * 60, rows["mean"].to_numpy()
    inside = np.min(np.abs(when[:, None] - TIMES[None, :]), axis=1) > 0.05
    assert inside.sum() > 100
    assert drawn[inside] == pytest.approx(by_hand(fit.params, TIMES, when[inside], 60), rel=1e-3)
    for time in TIMES[1:]:  # up from what was left to one event more
        before, after = (
            by_hand(fit.params, TIMES, np.array([time]), 60, after=late)[0] for late in (0, 1)
        )
        near = drawn[np.abs(when - time) < 0.05]
        assert near.min() == pytest.approx(before, rel=1e-3)
        assert near.max() == pytest.approx(after, rel=1e-3)
        assert after - before == pytest.approx(60 * fit.params["kappa"] * fit.params["theta"])


def test_many_events_are_drawn_as_the_mean_and_range_of_steps(long):
    times = long.model.stream.time
    assert len(times) > 400
    band, line, rug, rule = layers(vk.fit_chart(long, view="growth"))[:4]
    assert [band[0], line[0], rug[0], rule[0]] == ["area", "line", "rule", "rule"]
    assert len(line[1]) == 400 and rug[1].height == len(times)
    edges = np.linspace(0, 7 * DAY, 401)
    assert line[1]["time"].to_numpy() == pytest.approx((edges[1:] + edges[:-1]) / 2 / DAY, rel=1e-5)
    for i in (50, 133, 390):
        fine = np.linspace(edges[i], edges[i + 1], 4001)[1:]
        value = by_hand(long.params, times, fine, DAY)
        assert line[1]["mean"][i] == pytest.approx(value.mean(), rel=2e-3)
        own = times[(times >= edges[i]) & (times < edges[i + 1])]
        tops = np.append(by_hand(long.params, times, own, DAY, after=True), value)
        assert band[1]["upper"][i] == pytest.approx(tops.max(), rel=2e-3)
        assert band[1]["lower"][i] == pytest.approx(value.min(), rel=2e-3)
    assert rule[1]["mean"].to_list() == pytest.approx([long.params["mu"] * DAY], rel=1e-5)
    total = float(line[1]["mean"].sum()) * 7 / 400
    assert total == pytest.approx(len(times), rel=0.01)  # as at the top of the likelihood


def test_estimates_are_told_with_their_intervals(fit, long):
    for found, unit in ((fit, "minutes"), (long, "minutes")):
        told = subtitle(vk.fit_chart(found))[1]
        low, high = found.branching_interval()
        assert f"Branching factor {found.branching_factor:#.3g} ({low:#.3g} to {high:#.3g})" in told
        half = np.log(2) / found.params["theta"] / 60
        assert f"half of the effects within {half:#.3g} (" in told and told.endswith(unit)
    held = vk.Hawkes(TIMES, observed_until=WINDOW).fit(fixed={"kappa": 0.9, "theta": 0.01})
    assert subtitle(vk.fit_chart(held))[1].count("(interval not known)") == 2


def test_a_peak_far_above_the_rest_asks_for_a_log_scale(fit):
    early = np.sort(np.random.default_rng(1).exponential(20, 60))
    times = np.concatenate([[0], early, [5000, 9000.0]])
    burst = vk.Hawkes(times, kernel="power_law", observed_until=1e4).fit()
    chart = vk.fit_chart(burst, view="growth")
    assert layers(chart)[0][2]["encoding"]["y"]["scale"]["type"] == "log"
    assert "(log scale)" in subtitle(chart)[0]
    assert layers(chart)[0][1]["mean"].min() > 0
    plain = vk.fit_chart(fit, view="growth")
    assert "type" not in layers(plain)[0][2]["encoding"]["y"]["scale"]
    assert "log" not in subtitle(plain)[0]


@pytest.mark.parametrize("until", [np.inf, 1e5])
def test_a_window_far_beyond_the_events_is_told_and_cut(until):
    fit = vk.Hawkes(TIMES, observed_until=until).fit()
    for view in ("total", "growth"):
        chart = vk.fit_chart(fit, view=view)
        x = layers(chart)[0][2]["encoding"]["x"]
        assert x["scale"]["domain"] == [0.0, 50.0] and x["title"] == "Minutes since the start"
        ends = "has no end" if until == np.inf else "ends at 1,667 minutes"
        assert subtitle(chart)[0].endswith(f"; the window {ends}")


def test_one_event_with_held_parameters_can_be_drawn():
    fit = vk.Hawkes([0.0], observed_until=np.inf).fit(fixed={"kappa": 0.9, "theta": 0.01})
    for view in ("total", "growth"):
        assert layers(vk.fit_chart(fit, view=view))[0][1].height > 10
    with pytest.raises(ValueError, match="no event after the first: there is no wait to draw"):
        vk.residual_chart(fit)


def test_cascades_fitted_together_have_no_one_curve():
    both = pl.concat([cascade(TIMES, "a"), cascade(TIMES * 0.7, "b")])
    fit = vk.Hawkes.fit_together(both, observed_until=WINDOW)
    with pytest.raises(ValueError, match=r"2 cascades together has no one curve. .*fixed=results"):
        vk.fit_chart(fit)
    one = vk.Hawkes(both.filter(cascade_id="a"), observed_until=WINDOW).fit(fixed=fit.params)
    assert layers(vk.fit_chart(one))
    assert "between events of 2 cascades" in vk.residual_chart(fit).to_dict()["title"]["text"]


def test_residuals_are_the_distribution_of_rescaled_waits(fit):
    band, _, step = layers(vk.residual_chart(fit))
    gaps = by_hand_waits(fit.params)
    assert step[1]["x"].to_list()[1:-1] == pytest.approx(np.sort(1 - np.exp(-gaps)), rel=1e-4)
    assert step[1]["y"].to_list()[1:-1] == pytest.approx(np.arange(1, 12) / 11, rel=1e-5)
    reach = stats.kstwo.ppf(0.95, 11)
    middle = band[1].filter(pl.col("x") == 0.5)
    assert middle["upper"][0] == pytest.approx(0.5 + reach, rel=1e-5)
    assert band[1]["lower"].min() == 0 and band[1]["upper"].max() == 1
    chance = stats.kstest(1 - np.exp(-gaps), "uniform").pvalue
    told = subtitle(vk.residual_chart(fit))[1]
    assert told.startswith(f"11 waits; Kolmogorov-Smirnov p {chance:#.2g} (errs on the side of")


def by_hand_waits(params):
    lag = np.maximum(TIMES[:, None] - TIMES[None, :], 0)
    total = params["kappa"] * -np.expm1(-params["theta"] * lag).sum(axis=1)
    return np.diff(total)


def test_a_wrong_model_leaves_the_band():
    even = np.arange(0, 3000.0, 10)  # too regular for any self-excitation
    fit = vk.Hawkes(even, background="constant", observed_until=3000.0).fit()
    chart = vk.residual_chart(fit, title="Too even")
    assert "p below 0.001" in subtitle(chart)[1]
    assert chart.to_dict()["title"]["text"] == "Too even"


def test_hostile_names_stay_data(tmp_path):
    fit = vk.Hawkes(cascade(TIMES, HOSTILE), observed_until=WINDOW).fit()
    for chart in (vk.fit_chart(fit), vk.fit_chart(fit, view="growth"), vk.residual_chart(fit)):
        vk.save(chart, tmp_path / "chart.html")
        assert (tmp_path / "chart.html").read_text().count("</script>") == 2
        assert "window.fired=1" in chart.to_dict()["title"]["text"]  # shown as text
    assert "cascade clip" in vk.fit_chart(vk.Hawkes(cascade(TIMES)).fit()).to_dict()["description"]
    assert "the series" in vk.fit_chart(vk.Hawkes(TIMES).fit()).to_dict()["description"]


def test_charts_stay_small_with_many_events():
    times = series(60, mu=200 / DAY)
    assert len(times) > 20_000
    fit = vk.Hawkes(times, background="constant", observed_until=60 * DAY).fit()
    for chart in (vk.fit_chart(fit), vk.fit_chart(fit, view="growth"), vk.residual_chart(fit)):
        rows = sum(len(rows) for rows in chart.to_dict()["datasets"].values())
        assert 300 < rows <= 5_000
    told = subtitle(vk.fit_chart(fit, view="growth"))[0]
    assert told.endswith(f"ticks above: events, one of {-(-len(times) // 2000)}")
    few = vk.Hawkes(times[:400], background="constant", observed_until=float(times[399])).fit()
    rows = vk.fit_chart(few, view="growth").to_dict()["datasets"].values()
    assert sum(map(len, rows)) <= 5_000


def test_the_band_has_room_or_is_said_to_leave_the_plot():
    few = [vk.Hawkes(np.arange(n) ** 2.0, observed_until=n**2.0 + 30).fit() for n in (4, 60)]
    for fit, cut in zip(few, (True, False), strict=True):
        chart = vk.fit_chart(fit)
        domain = chart.to_dict()["layer"][0]["encoding"]["y"]["scale"]["domain"]
        highest = fit.predict(np.linspace(1, fit.model.stream.until[0], 50))["upper"].max()
        assert ("leaves the plot" in subtitle(chart)[0]) == cut == (highest > domain[1])


def test_a_fading_that_cannot_be_told_is_said_in_words(fit):
    assert "half of the effects within" in " ".join(subtitle(vk.fit_chart(fit)))
    even = np.sort(np.random.default_rng(2).uniform(0, 100, 15))
    wide = vk.Hawkes(even, background="constant", observed_until=100.0).fit()
    assert wide.half_life()[2] > 1e4 * wide.half_life()[1]
    endless = vk.Hawkes(10 - 1.2 ** -np.arange(8.0), observed_until=9.8).fit()
    assert endless.half_life()[1] is None and endless.params["theta"] == 0
    for one in (wide, endless):
        assert "how long effects last cannot be told" in " ".join(subtitle(vk.fit_chart(one)))
    held = vk.Hawkes(even, observed_until=100.0).fit(fixed={"kappa": 0.9, "theta": 1e-9})
    assert "half of the effects within" in " ".join(subtitle(vk.fit_chart(held)))


@pytest.mark.parametrize(
    ("name", "words"),
    [("cascade", "fit the cascade?"), ("Cascade 5", "fit Cascade 5?"), ("5", "fit cascade 5?")],
)
def test_a_cascade_is_not_called_so_twice(name, words):
    fit = vk.Hawkes(cascade([0.0, 1, 2, 5, 9], name), observed_until=20.0).fit()
    assert vk.fit_chart(fit).to_dict()["title"]["text"].endswith(words)


def test_an_unknown_view_is_refused(fit):
    with pytest.raises(ValueError, match=r"view='rate' is not known"):
        vk.fit_chart(fit, view="rate")
