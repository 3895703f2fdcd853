"""The pictures of a final size by time of forecast, and of the events to come."""

import json

import numpy as np
import polars as pl
import pytest

import viralkit as vk
from viralkit.models.seismic import SeismicResults

PARAMS = {"kappa": 0.8, "theta": 0.01}


def draw(**choices):
    """Draw one cascade of some size."""
    model = vk.Hawkes([0.0], observed_until=np.inf, **choices).fit(fixed=PARAMS)
    many = model.simulate(200, seed=4)
    sizes = many.group_by("cascade_id").len().sort("len", "cascade_id")
    return many.filter(cascade_id=sizes["cascade_id"][-1])


@pytest.fixture(scope="module")
def whole():
    return draw()


def fits(whole, times, fixed=PARAMS):
    early = {t: whole.filter(pl.col("time") <= t) for t in times}
    return [vk.Hawkes(rows, observed_until=float(t)).fit(fixed=fixed) for t, rows in early.items()]


def layers(chart):
    spec = chart.to_dict()
    return [
        (layer["mark"]["type"], spec["datasets"][layer["data"]["name"]]) for layer in spec["layer"]
    ]


def subtitle(chart):
    return chart.to_dict()["title"]["subtitle"]


def scales(chart):
    encoding = chart.to_dict()["layer"][0]["encoding"]
    return encoding["x"]["scale"], encoding["y"]["scale"]


def estimates(**columns):
    """Make what SEISMIC found of one cascade; every row rests on ten reshares."""
    base = {"cascade_id": "a", "infectiousness": 0.005, "reshares": 10, "waiting": 1e4}
    return SeismicResults(pl.DataFrame({**base, **columns}))


def test_hawkes_fits_are_drawn_by_their_end_of_observation(whole):
    times = [100, 20, 400]
    found = fits(whole, times)
    chart = vk.forecast_chart(found, actual=whole, alpha=0.2)
    band, line, dots, _, size, rule, names = layers(chart)
    assert [band[0], line[0], dots[0], size[0], rule[0]] == [
        "area", "line", "circle", "circle", "rule"
    ]  # fmt: skip
    by_time = sorted(found, key=lambda fit: fit.model.stream.until[0])
    rows = [fit.final_size(0.2).row(0, named=True) for fit in by_time]
    for name, column in {"forecast": "median", "lower": "lower", "upper": "upper"}.items():
        wanted = pytest.approx([row[column] for row in rows], rel=1e-5)
        assert [row[name] for row in band[1]] == wanted
    assert [row["size"] for row in size[1]] == [row["observed"] for row in rows]
    assert rule[1] == [{"size": whole.height}]
    inside = sum(row["lower"] <= whole.height <= row["upper"] for row in rows)
    told = subtitle(chart)
    assert told[0].endswith("band: 80 % prediction interval")
    held = "hold" if inside != 1 else "holds"
    assert told[1] == f"{inside} of 3 forecasts {held} the {whole.height} in the end"
    assert {row["name"].rsplit(" ", 1)[0] for row in names[1]} == {
        "foreseen", "came by then", "in the end"
    }  # fmt: skip


def test_times_in_their_unit_or_on_a_log_axis_from_far_apart(whole):
    near, far = (vk.forecast_chart(fits(whole, times)) for times in ([60, 300], [20, 100, 500]))
    assert scales(near)[0]["domain"] == [0, 5] and scales(near)[0].get("type") is None
    assert [row["time"] for row in layers(near)[1][1]] == [1, 5]
    assert scales(far)[0]["type"] == "log" and scales(far)[0]["domain"] == [20, 500]
    axis = far.to_dict()["layer"][0]["encoding"]["x"]["axis"]
    assert 60 in axis["values"] and '"60": "1 min"' in axis["labelExpr"]


def test_without_the_truth_nothing_is_claimed(whole):
    chart = vk.forecast_chart(fits(whole, [50, 100]))
    assert "in the end" not in str(chart.to_dict())
    assert chart.to_dict()["title"]["text"].startswith("How big will cascade")
    assert "rule" not in [mark for mark, _ in layers(chart)]


def test_seismic_is_drawn_and_its_interval_called_published():
    found = estimates(time=[600.0, 3600.0], size=[20, 60])
    chart = vk.forecast_chart(found)
    frame = found.frame()
    band = layers(chart)[0][1]
    assert [row["upper"] for row in band] == pytest.approx(frame["final_size_upper"], rel=1e-5)
    assert [row["forecast"] for row in band] == pytest.approx(frame["final_size"], rel=1e-5)
    assert "95 % interval as published" in subtitle(chart)[0]
    assert "SEISMIC" in chart.to_dict()["title"]["text"]


def test_a_truth_below_the_interval_is_not_held(whole):
    found = estimates(time=[600.0, 3600.0], size=[20, 60])
    actual = whole.head(60).with_columns(cascade_id=pl.lit("a"))
    low, high = found.frame().select("final_size_lower", "final_size_upper").to_numpy().T
    assert 20 < low[0] <= 60 <= high[0] and low[1] > 60
    told = subtitle(vk.forecast_chart(found, actual=actual))
    assert told[1] == "1 of 2 forecasts holds the 60 in the end"


def test_an_infinite_end_leaves_the_plot_and_is_said():
    ratio = [0.002, 0.007, 0.02]  # ∞ from 1/100; the second only at its upper end
    found = estimates(time=[600.0, 1200.0, 1800.0], size=[20, 60, 90], infectiousness=ratio)
    chart = vk.forecast_chart(found)
    ends = found.frame()["final_size_upper"].is_infinite().sum()
    assert ends == 2
    assert "2 of 3 forecasts without an upper end (∞), 1 foreseen to have no end" in subtitle(chart)
    band, line, dots = layers(chart)[:3]
    top = scales(chart)[1]["domain"][1]
    assert np.isfinite(top) and band[1][2]["upper"] == pytest.approx(10 * top, rel=1e-5)
    assert line[1][2]["forecast"] > top and len(dots[1]) == 2
    assert chart.to_dict()["layer"][0]["mark"]["clip"]
    json.dumps(chart.to_dict(), allow_nan=False)  # no infinity leaves the kit


def test_times_without_a_forecast_are_counted():
    found = estimates(
        time=[5.0, 600.0, 1200.0], size=[1, 9, 20], infectiousness=[None, 0.002, 0.004]
    )
    chart = vk.forecast_chart(found)
    assert "no forecast yet at 1 time" in subtitle(chart)
    marks = layers(chart)
    assert len(marks[1][1]) == 2 and len(marks[3][1]) == 3


def test_one_forecast_is_a_bar(whole):
    chart = vk.forecast_chart(fits(whole, [100])[0], actual=whole)
    assert layers(chart)[0][0] == "rule"
    assert "bar: 95 %" in subtitle(chart)[0]
    held = subtitle(chart)[1]
    assert held.startswith(("1 of 1 forecast holds the ", "0 of 1 forecast holds the "))


def test_thousands_of_times_are_thinned():
    times = np.arange(1.0, 6001)
    chart = vk.forecast_chart(estimates(time=times, size=np.full(6000, 20)))
    assert sum(len(rows) for rows in chart.to_dict()["datasets"].values()) <= 5000


def test_events_to_come_begin_where_knowledge_ends(whole):
    fit = fits(whole, [100])[0]
    chart = vk.forecast_chart(fit, 300.0, whole, alpha=0.1)
    band, line, known, came, _ = layers(chart)
    frame, now = fit.forecast(300.0, 0.1), len(fit.model.stream)
    assert line[1][0]["mean"] == now == known[1][-1]["count"] == came[1][0]["count"]
    assert line[1][-1]["mean"] == pytest.approx(frame["mean"][-1], rel=1e-5)
    assert band[1][-1]["upper"] == pytest.approx(frame["upper"][-1], rel=1e-5)
    last = whole.filter(pl.col("time") <= 300).height
    assert came[1][-1] == {"time": 5.0, "count": last}
    assert line[1][0]["time"] == known[1][-1]["time"] == pytest.approx(100 / 60, rel=1e-5)
    inside = frame["lower"][-1] <= last <= frame["upper"][-1]
    assert f"{last} events came, {'inside' if inside else 'outside'}" in subtitle(chart)[1]
    assert "known until 1.67 minutes; band: 90 %" in subtitle(chart)[0]
    alone = vk.forecast_chart(fit, 300.0)
    assert len(layers(alone)) == 4 and len(subtitle(alone)) == 1


def test_plain_times_take_the_one_cascade_given(whole):
    early = whole.filter(pl.col("time") <= 100)["time"].to_numpy()
    fit = vk.Hawkes(early, observed_until=100.0).fit(fixed=PARAMS)
    chart = vk.forecast_chart(fit, actual=whole)
    assert "the series" in chart.to_dict()["title"]["text"]
    assert f"the {whole.height} in the end" in subtitle(chart)[1]
    two = pl.concat([whole, whole.with_columns(cascade_id=pl.lit("other"))])
    with pytest.raises(vk.TableError, match="holds 2 cascades"):
        vk.forecast_chart(fit, actual=two)


def test_a_hostile_name_stays_text(whole):
    bad = whole.with_columns(cascade_id=pl.lit("</script>\n<b>" + "x" * 99))
    chart = vk.forecast_chart(fits(bad, [50, 100]), actual=bad)
    assert "\n" not in chart.to_dict()["title"]["text"]
    assert len(chart.to_dict()["title"]["text"]) < 110


def test_refusals_say_what_to_do(whole):
    two = fits(whole, [50, 100])
    other = fits(whole.with_columns(cascade_id=pl.lit("b")), [70])
    seismic = estimates(time=[600.0], size=[20])
    with pytest.raises(ValueError, match="forecasts of 2 cascades"):
        vk.forecast_chart([*two, *other])
    with pytest.raises(ValueError, match=r"time of forecast 50; allowed: finite times, each once"):
        vk.forecast_chart([*two, two[0]])
    with pytest.raises(ValueError, match="finite times"):
        vk.forecast_chart(vk.Hawkes(whole, observed_until=np.inf).fit(fixed=PARAMS))
    with pytest.raises(TypeError, match="fits of one model"):
        vk.forecast_chart([two[0], seismic])
    with pytest.raises(ValueError, match=r"until=300\.0; a final size has no last time"):
        vk.forecast_chart(two, 300.0)
    with pytest.raises(ValueError, match="Leave until out"):
        vk.forecast_chart(seismic, 300.0)
    with pytest.raises(vk.TableError, match="cascade"):
        vk.forecast_chart(two, actual=whole.with_columns(cascade_id=pl.lit("b")))


def test_growth_still_needs_its_last_time():
    counts = {"item": "clip", "time": [0.0, 1, 2, 4], "count": [0, 5, 11, 20]}
    table = pl.DataFrame({**counts, "kind": "cumulative"})
    fit = vk.Linear(table, unit="period").fit()
    with pytest.raises(ValueError, match=r"until=None; a forecast of Linear needs .* after 4"):
        vk.forecast_chart(fit)


@pytest.mark.parametrize("draw", [vk.fit_chart, vk.residual_chart])
def test_other_charts_send_a_forecast_here(whole, draw):
    marked = whole.with_columns(magnitude=pl.lit(100))
    with pytest.raises(TypeError, match=r"no fitted curve to draw; .* vk\.forecast_chart"):
        draw(vk.Seismic(marked).fit())
