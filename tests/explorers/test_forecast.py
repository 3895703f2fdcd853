"""Move today through the past."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import viralkit as vk

START = date(2008, 1, 1)


def counts(n=20, **columns):
    days = [START + timedelta(i) for i in range(n)]
    total = np.cumsum([0, *(10 + (i % 3) for i in range(1, n))])
    return pl.DataFrame(
        {"item": "clip", "time": days, "count": total, "kind": "cumulative", **columns}
    )


@pytest.fixture
def ui():
    return vk.explore_forecast(vk.Linear, counts(), unit="day")


def test_the_slider_has_the_dates_that_can_be_fitted_and_leave_some_to_come(ui):
    days = ui.today.options
    assert days == [START + timedelta(i) for i in range(2, 19)]


def test_moving_today_refits_to_what_was_known(ui):
    ui.today.value = START + timedelta(9)
    known = counts().filter(pl.col("time") <= START + timedelta(9))
    fit = vk.Linear(known, unit="day", start=START).fit(bounds="ignore", dates="midpoint")
    frame = fit.forecast(START + timedelta(19))
    values = ui.table["value"].to_list()
    assert values[:3] == pytest.approx(frame.select("mean", "lower", "upper").row(-1))
    assert values[3] == counts()["count"][-1]
    assert 0 <= values[4] <= 1
    assert ui.chart.values["known"] == 10
    assert ui.chart.values["first"] == 57
    assert ui.chart.values["mean"][-1] == pytest.approx(values[0], rel=1e-5)


def test_the_code_gives_the_same_forecast(ui):
    ui.today.value = START + timedelta(12)
    names = {"vk": vk, "pl": pl, "date": date, "counts": counts()}
    frame = eval(ui.code, names)
    assert frame["mean"][-1] == pytest.approx(ui.table["value"][0])


def test_a_day_is_fitted_once(ui, monkeypatch):
    calls = []
    fit = vk.Linear.fit
    monkeypatch.setattr(vk.Linear, "fit", lambda self, **kw: calls.append(1) or fit(self, **kw))
    for day in (11, 12, 11, 12):
        ui.today.value = START + timedelta(day)
    assert len(calls) == 2


def test_the_title_tells_what_was_foreseen_and_what_came(ui):
    assert ui.chart.values["finding"].startswith("Linear foresaw ")
    assert ui.chart.values["finding"].endswith(f"; {counts()['count'][-1]} came")
    assert ui.chart.text.startswith(str(ui.today.value))


def test_a_day_without_a_fit_says_why(ui, monkeypatch):
    def refuse(self, **_):
        raise ValueError("too few <b>points</b>")

    monkeypatch.setattr(vk.Linear, "fit", refuse)
    ui.today.value = START + timedelta(15)
    assert ui.table["value"].to_list() == [None, None, None, counts()["count"][-1], None]
    assert ui.chart.values["finding"] == "No fit on this day: too few <b>points</b>"
    assert ui.chart.values["first"] == 120


def test_counts_per_period_are_known_when_the_period_ends():
    table = counts(kind="incremental").with_columns(period_end=pl.col("time") + timedelta(1))
    ui = vk.explore_forecast(vk.Linear, table, unit="day", start=START)
    ui.today.value = START + timedelta(10)
    assert ui.chart.values["known"] == 10
    assert "pl.col('period_end') <= date(2008, 1, 11)" in ui.code


def test_long_histories_get_a_hundred_days():
    ui = vk.explore_forecast(vk.Linear, counts(1000), unit="day")
    assert 50 <= len(ui.today.options) <= 100


def test_too_few_points_are_refused_with_a_next_step():
    with pytest.raises(
        ValueError, match=r"3 exact points; Linear needs 3 to fit and one to hold back"
    ):
        vk.explore_forecast(vk.Linear, counts(3), unit="day")


def test_points_known_and_to_come_are_told_apart_in_one_layer(ui):
    spec = ui.current_spec()
    points = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "point")
    assert points["encoding"]["fill"]["condition"]["test"] == "datum.i <= known"
    assert spec["description"] == ui.chart.text


@pytest.mark.parametrize("given", [vk.Phases, pl.DataFrame, "Bass", None])
def test_what_is_no_growth_model_is_refused_with_a_next_step(given):
    with pytest.raises(TypeError, match=r"is not the class of a growth model.*Pass the class: vk"):
        vk.explore_forecast(given, counts(), unit="day")


def test_a_model_in_place_of_its_class_is_refused():
    with pytest.raises(TypeError, match="'Linear' is not the class of a growth model"):
        vk.explore_forecast(vk.Linear(counts(), unit="day"), counts(), unit="day")


def test_periods_missing_after_today_are_left_out_of_the_forecast_too():
    table = counts(kind="incremental", count=100).with_columns(
        period_end=pl.col("time") + timedelta(1)
    )
    holed = table.filter(pl.col("time") != START + timedelta(12))
    ui = vk.explore_forecast(vk.Linear, holed, unit="day", start=START)
    ui.today.value = START + timedelta(10)
    assert ui.table["value"][0] == pytest.approx(1900) and ui.table["value"][3] == 1900
    assert ui.table["value"][4] == 1.0
    frame = eval(ui.code, {"vk": vk, "pl": pl, "date": date, "counts": holed})
    assert frame["mean"][-1] == pytest.approx(1900) and "gaps=[(12.0, 13.0)]" in ui.code
    ui.today.value = START + timedelta(14)
    assert "gaps" not in ui.code
