"""Pictures of bursts: Relaxation and HIP."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import viralkit as vk

START = date(2024, 1, 1)
HOSTILE = '</script><script>window.fired=1</script> "quoted"'


def daily(counts, item="clip"):
    time = [START + timedelta(int(i)) for i in range(len(counts))]
    ends = [day + timedelta(1) for day in time]
    columns = {"item": item, "time": time, "period_end": ends, "count": list(counts)}
    return pl.DataFrame(columns).with_columns(kind=pl.lit("incremental"))


def burst(n=60, peak=20, before=0.6, after=0.6, **columns):
    away = np.abs(np.arange(n) - peak)
    exponent = np.where(np.arange(n) < peak, before, after)
    wobble = 1 + 0.2 * np.cos(3.0 * np.arange(n))
    return daily((4000 * np.maximum(away, 0.5) ** -exponent * wobble).round(), **columns)


def driven(n=60, mu=12.0, eta=50.0):
    """Views by the formula of HIP, without noise: kernel 0.4 (lag + 1)^-2."""
    promotions = np.where(np.arange(n) % 11 == 4, 40.0, np.arange(n) % 3)
    views = np.zeros(n)
    for t in range(n):
        views[t] = (
            eta + mu * promotions[t] + sum(views[j] * 0.4 * (t - j + 1.0) ** -2 for j in range(t))
        )
    return daily(views), daily(promotions)


@pytest.fixture(scope="module")
def fall():
    return vk.Relaxation(burst(), unit="day").fit()


@pytest.fixture(scope="module")
def hip():
    return vk.HawkesIntensity(*driven(), unit="day").fit()


def marks(chart):
    """Each layer's mark and rows; layers within layers in the same list."""
    spec = chart.to_dict()

    def walk(part, data):
        data = part.get("data", data)
        if "layer" in part:
            for layer in part["layer"]:
                yield from walk(layer, data)
        else:
            yield part["mark"]["type"], spec["datasets"][data["name"]], part

    return list(walk(spec, None))


def test_both_sides_of_the_peak_are_drawn_per_unit_by_distance(fall):
    drawn = marks(vk.fit_chart(fall))
    assert [mark for mark, *_ in drawn] == ["area", "line", "circle"] * 2 + ["rule", "text"]
    after, before = drawn[2][1], drawn[5][1]
    counts = fall.model.series.increment
    assert [row["time"] for row in after] == [float(i) for i in range(1, 40)]
    assert [row["count"] for row in after] == pytest.approx(counts[21:])
    assert [row["time"] for row in before] == [float(i) for i in range(1, 21)]
    assert [row["count"] for row in before] == pytest.approx(counts[19::-1])
    assert [row["name"] for row in drawn[-1][1]] == ["after the peak", "before the peak"]


def test_the_law_and_band_after_the_peak_are_those_of_predict(fall):
    area, line, *_ = marks(vk.fit_chart(fall))
    known = fall.predict()
    for rows, names in ((line[1], ["mean"]), (area[1], ["lower", "upper"])):
        for name in names:
            ends = [rows[0][name], rows[-1][name]]
            assert ends == pytest.approx([known[name][0], known[name][-1]], rel=1e-5)
    slope = np.polyfit(*np.log([[row[k] for row in line[1]] for k in ("time", "mean")]), 1)[0]
    assert -slope == pytest.approx(fall.params["exponent_after"], abs=1e-5)


def test_both_axes_are_logarithmic_and_the_subtitle_tells_the_class(fall):
    chart = vk.fit_chart(fall)
    encoding = marks(chart)[2][2]["encoding"]
    assert encoding["x"]["scale"]["type"] == encoding["y"]["scale"]["type"] == "log"
    assert encoding["x"]["title"] == "Distance from the peak, days"
    heading = chart.to_dict()["title"]
    assert heading["text"] == "Did the burst of clip come from outside or from within?"
    assert f"Class: {fall.verdict} · exponent after 0.6" in heading["subtitle"][2]
    assert heading["subtitle"][2].count(" to ") == 2
    assert heading["subtitle"][0].endswith("log scales; blue: after, orange: before")
    assert "peak at 2024-01-21" in chart.to_dict()["description"]


def test_without_a_rise_only_one_law_is_drawn():
    counts = burst(peak=3)
    chart = vk.fit_chart(vk.Relaxation(counts, unit="day").fit())
    drawn = marks(chart)
    assert [mark for mark, *_ in drawn] == ["area", "line", "circle", "circle", "rule", "text"]
    assert len(drawn[3][1]) == 3
    alone = vk.fit_chart(vk.Relaxation(burst(peak=0), unit="day").fit(), title="Mine")
    assert [mark for mark, *_ in marks(alone)] == ["area", "line", "circle", "rule", "text"]
    assert alone.to_dict()["title"]["text"] == "Mine"
    assert alone.to_dict()["title"]["subtitle"][0].endswith("log scales")


def test_zeros_are_counted_where_logs_cannot_show_them():
    counts = burst().with_columns(
        count=pl.when(pl.int_range(pl.len()).is_in([40, 50])).then(0.0).otherwise("count")
    )
    chart = vk.fit_chart(vk.Relaxation(counts, unit="day").fit())
    assert "; 2 zeros not drawn" in chart.to_dict()["title"]["subtitle"][1]
    assert len(marks(chart)[2][1]) == 37


def test_periods_of_unequal_length_are_drawn_as_rates():
    time = [0.0, 1, 2, 4, 8, 16, 32, 64]
    total = [0, 100, 600, 800, 1000, 1300, 1500, 1820]
    counts = pl.DataFrame({"item": "a", "time": time, "count": total, "kind": "cumulative"})
    rows = marks(vk.fit_chart(vk.Relaxation(counts, unit="period").fit()))[2][1]
    assert [row["count"] for row in rows] == [100, 50, 37.5, 12.5, 10]
    assert [row["time"] for row in rows] == [1.5, 4.5, 10.5, 22.5, 46.5]


def test_hip_draws_what_is_expected_with_and_without_promotions(hip):
    drawn = marks(vk.fit_chart(hip))
    assert [mark for mark, *_ in drawn] == [*["area", "line"] * 2, "circle", "rule", "text"]
    assert [row["count"] for row in drawn[4][1]] == pytest.approx(hip.model.count, rel=1e-5)
    expected, left = ([row["mean"] for row in drawn[place][1]] for place in (1, 3))
    assert expected == pytest.approx(hip.fittedvalues, rel=1e-5)
    truth = driven(mu=0.0)[0]["count"].to_numpy()  # η alone, and what it leads to
    assert left[1:] == pytest.approx(truth[1:], rel=0.02)
    assert [row["name"] for row in drawn[-1][1]] == ["expected", "without promotions"]


def test_lines_turn_at_a_peak_without_a_spike_above_it(hip):
    lines = [one["mark"] for one in vk.fit_chart(hip).to_dict()["layer"] if "mark" in one]
    lines = [mark for mark in lines if mark["type"] == "line"]
    assert [mark["strokeJoin"] for mark in lines] == ["round", "round"]


def test_hip_tells_what_a_promotion_is_worth(hip):
    heading = vk.fit_chart(hip).to_dict()["title"]
    assert heading["text"] == "What would be left of clip without promotions?"
    branching, worth = hip.response()["estimate"].gather([0, 3])
    assert f"Branching factor {branching:#.3g} (" in heading["subtitle"][1]
    assert f"counts in all per promotion {worth:#.3g} (" in heading["subtitle"][1]
    assert branching == pytest.approx(0.4 * (np.pi**2 / 6 - 1), rel=0.05)  # 0.4 Σ (lag + 1)^-2


def test_an_interval_that_is_not_known_is_said_so():
    views, promotions = driven(mu=0.0)
    views = views.with_columns(
        count=pl.col("count") - promotions["count"]
    )  # they drive people away
    told = vk.fit_chart(vk.HawkesIntensity(views, promotions, unit="day").fit()).to_dict()["title"]
    assert "(interval not known)" in told["subtitle"][1]


def test_a_burst_has_no_view_of_growth(fall, hip):
    for fit in (fall, hip):
        with pytest.raises(ValueError, match=r"view='growth' is not known; pass view=\"total\"\."):
            vk.fit_chart(fit, view="growth")


def test_a_fit_that_is_not_drawn_is_refused_with_a_next_step():
    fit = vk.Branching(pl.DataFrame({"size": [1, 1, 2, 5], "number": [9, 5, 3, 1]})).fit()
    with pytest.raises(
        TypeError, match=r"a fit of Branching is not drawn here; .* vk\.forecast_chart,"
    ):
        vk.fit_chart(fit)


def test_a_fit_without_residuals_is_refused_with_a_next_step(hip):
    with pytest.raises(TypeError, match=r"a fit of HIP has no residuals to draw; .* Hawkes\. Look"):
        vk.residual_chart(hip)


def test_hostile_names_stay_data(tmp_path):
    views, promotions = driven()
    views = views.with_columns(item=pl.lit(HOSTILE))
    fits = [
        vk.Relaxation(burst(item=HOSTILE), unit="day").fit(),
        vk.HawkesIntensity(views, promotions, unit="day").fit(),
    ]
    for fit in fits:
        vk.save(vk.fit_chart(fit), tmp_path / "chart.html")
        assert (tmp_path / "chart.html").read_text().count("</script>") == 2


def test_long_series_are_thinned():
    for fit in (
        vk.Relaxation(burst(n=9_000, peak=4_000), unit="day").fit(),
        vk.HawkesIntensity(*(table.head(60) for table in driven()), unit="day").fit(),
    ):
        rows = sum(len(rows) for rows in vk.fit_chart(fit).to_dict()["datasets"].values())
        assert 100 < rows <= 5_000
