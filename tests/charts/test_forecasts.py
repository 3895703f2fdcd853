"""The picture of a forecast."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import viralkit as vk

START = date(2008, 1, 1)


def counts(n, **columns):
    days = [START + timedelta(i) for i in range(n)]
    total = np.cumsum([0, *(10 + (i % 3) for i in range(1, n))])
    base = {"item": "clip", "time": days, "count": total, "kind": "cumulative"}
    return pl.DataFrame({**base, **columns})


@pytest.fixture(scope="module")
def fit():
    return vk.Linear(counts(12), unit="day").fit()


def layers(chart):
    spec = chart.to_dict()
    return [
        (layer["mark"]["type"], spec["datasets"][layer["data"]["name"]]) for layer in spec["layer"]
    ]


UNTIL = START + timedelta(20)


def test_the_forecast_begins_where_knowledge_ends(fit):
    band, line, known, label = layers(vk.forecast_chart(fit, UNTIL))
    assert [band[0], line[0], known[0], label[0]] == ["area", "line", "circle", "text"]
    assert band[1][0]["lower"] == band[1][0]["upper"] == known[1][-1]["count"]
    frame = fit.forecast(UNTIL)
    assert line[1][-1]["mean"] == pytest.approx(frame["mean"][-1], rel=1e-5)
    assert band[1][-1]["upper"] == pytest.approx(frame["upper"][-1], rel=1e-5)


def test_what_came_is_open_and_counted(fit):
    chart = vk.forecast_chart(fit, UNTIL, counts(30))
    marks = dict(layers(chart))
    assert len(marks["circle"]) == 12 and len(marks["point"]) == 9
    frame = fit.forecast(UNTIL)
    later = counts(30).slice(12, 9)["count"].to_numpy()
    age = np.arange(12, 21)
    first = float(counts(12)["count"][-1])
    low, high = (
        np.interp(age, [11, *frame["age"]], [first, *frame[end]]) for end in ("lower", "upper")
    )
    inside = int(((later >= low) & (later <= high)).sum())
    told = chart.to_dict()["title"]["subtitle"]
    assert told[0] == "Count so far; known until 2008-01-12; band: 95 % prediction interval"
    assert told[1] == f"Linear: {inside} of 9 later counts inside"


def test_several_models_are_named_apart(fit):
    other = vk.Logistic(counts(12), unit="day", start=START).fit()
    chart = vk.forecast_chart([fit, other], UNTIL, counts(30), alpha=0.2)
    spec = chart.to_dict()
    assert spec["title"]["text"] == "What did 2 models foresee for clip?"
    assert "band: 80 %" in spec["title"]["subtitle"][0]
    names = layers(chart)[-1][1]
    assert [row["name"].split()[0] for row in names] == ["Linear", "Logistic"]
    assert len({row["colour"] for row in names}) == 2


def test_a_forecast_that_explodes_leaves_the_plot_readable():
    growing = counts(12, count=[0, *(2**i for i in range(1, 12))])
    fit = vk.Exponential(growing, unit="day", start=START).fit()
    chart = vk.forecast_chart(fit, START + timedelta(40))
    top = chart.to_dict()["layer"][0]["encoding"]["y"]["scale"]["domain"][1]
    assert top == pytest.approx(1.6 * 1.06 * 2**11, rel=1e-3)
    assert all(row["mean"] <= 10.001 * top for row in layers(chart)[1][1])
    assert layers(chart)[-1][1][0]["name"] == "Exponential 1.1 T"


def test_counts_per_period_are_held_against_totals():
    days = [START + timedelta(i) for i in range(20)]
    table = pl.DataFrame(
        {
            "item": "film",
            "time": days,
            "period_end": [day + timedelta(1) for day in days],
            "count": [100 - 3 * i for i in range(20)],
            "kind": "incremental",
        }
    )
    fit = vk.Linear(table.head(10), unit="day", start=START).fit()
    marks = dict(layers(vk.forecast_chart(fit, START + timedelta(20), table)))
    assert [row["count"] for row in marks["point"]] == table["count"].cum_sum().to_list()[10:]


def test_the_past_is_refused(fit):
    with pytest.raises(ValueError, match="after the last point"):
        vk.forecast_chart(fit, START)


def test_more_fits_than_colours_are_all_drawn():
    curves = [vk.Bass, vk.Logistic, vk.Gompertz, vk.Linear, vk.Exponential]
    fits = [curve(counts(12), unit="day", start=START).fit() for curve in curves]
    drawn = layers(vk.forecast_chart(fits, UNTIL))
    assert [mark for mark, _ in drawn].count("line") == 5
    assert {row["name"].split()[0] for row in drawn[-1][1]} == {c.__name__ for c in curves}


def test_forecasts_that_leave_the_plot_are_named_highest_first():
    growing = counts(12, count=[0, *(2**i for i in range(1, 12))])
    fits = [c(growing, unit="day", start=START).fit() for c in (vk.Linear, vk.Exponential)]
    names = layers(vk.forecast_chart(fits, START + timedelta(400)))[-1][1]
    ends = {row["name"].split()[0]: row["height"] for row in names}
    assert ends["Exponential"] < ends["Linear"]  # pixels from the top


def test_what_has_not_come_yet_is_asked_in_the_present(fit):
    def question(*given):
        return vk.forecast_chart(fit, UNTIL, *given).to_dict()["title"]["text"]

    assert question() == "What does the Linear model foresee for clip?"
    assert question(counts(12)) == "What does the Linear model foresee for clip?"
    assert question(counts(30)) == "What did the Linear model foresee for clip?"


def weekly(n=30, missing=()):
    weeks = [i for i in range(n) if i not in missing]
    start = [START + timedelta(7 * i) for i in weeks]
    return pl.DataFrame(
        {
            "item": "app",
            "time": start,
            "period_end": [day + timedelta(7) for day in start],
            "count": [100 + i % 3 for i in weeks],
            "kind": "incremental",
        }
    )


@pytest.mark.parametrize("model", [vk.Linear, vk.Phases])
@pytest.mark.parametrize("missing", [12, 20])
def test_periods_missing_in_what_came_are_left_out_of_the_forecast_too(model, missing):
    fit = model(weekly(12), unit="week", start=START).fit()
    until, rate = START + timedelta(7 * 30), weekly(12)["count"].mean()
    whole, holed = (
        vk.forecast_chart(fit, until, weekly(missing=without)) for without in ((), (missing,))
    )
    ends = [layers(chart)[1][1][-1]["mean"] for chart in (whole, holed)]
    assert ends[0] - ends[1] == pytest.approx(rate, rel=0.01)
    counts = dict(layers(holed))["point"]
    assert counts[-1]["count"] == weekly(missing=(missing,))["count"].sum()
    told = holed.to_dict()["title"]["subtitle"]
    assert told[1].endswith("17 of 17 later counts inside")
    assert told[2] == "1 gap in what came; counts and forecasts leave them out"
    assert len(whole.to_dict()["title"]["subtitle"]) == 2


def test_what_came_alone_is_added_to_what_was_known():
    fit = vk.Linear(weekly(12), unit="week", start=START).fit()
    until = START + timedelta(7 * 30)
    whole, alone = (
        dict(layers(vk.forecast_chart(fit, until, given)))["point"]
        for given in (weekly(), weekly().slice(12))
    )
    assert whole == alone and whole[0]["count"] == weekly(13)["count"].sum()


def test_the_last_time_may_be_text(fit):
    drawings = [vk.forecast_chart(fit, until).to_dict() for until in (UNTIL, UNTIL.isoformat())]
    assert drawings[0] == drawings[1]
    with pytest.raises(ValueError, match="'soon' is not a time"):
        vk.forecast_chart(fit, "soon")


def driven():
    days = pl.DataFrame({"item": "clip", "time": np.arange(20.0), "kind": "incremental"})
    days = days.with_columns(period_end=pl.col("time") + 1, count=20.0 + pl.col("time") % 5)
    return vk.HawkesIntensity(days, days.with_columns(count=pl.col("time") % 3), unit="period")


def fading():
    fall = [5.0] * 6 + [900.0 / day**0.6 for day in range(1, 30)]
    days = pl.DataFrame({"item": "clip", "time": np.arange(35.0), "count": fall})
    days = days.with_columns(period_end=pl.col("time") + 1, kind=pl.lit("incremental"))
    return vk.Relaxation(days, unit="period")


@pytest.mark.parametrize(
    ("model", "instead"),
    [(driven, r"call results\.forecast\(promotions\)"), (fading, r"vk\.fit_chart\(results\)")],
)
def test_a_model_that_foresees_nothing_alone_is_refused_with_a_next_step(model, instead):
    with pytest.raises(TypeError, match=rf"is not drawn here; allowed: growth .*{instead}"):
        vk.forecast_chart(model().fit(), 40.0)


def test_no_fit_at_all_is_refused():
    with pytest.raises(TypeError, match="'list' is not a fit"):
        vk.forecast_chart([], 40.0)
