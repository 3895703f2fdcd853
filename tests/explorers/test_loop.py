"""Move the settings of a referral loop."""

import math

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import viralkit as vk


@pytest.fixture
def k():
    return vk.k_factor([3, 0, 5, 2, 0, 8] * 40, [1, 0, 1, 1, 0, 2] * 40)


def values(ui, name="estimate"):
    return dict(zip(ui.table["quantity"], ui.table[name], strict=True))


def run(ui, **names):
    return eval(ui.code, {"vk": vk, **names})


def test_the_calculators_numbers():
    ui = vk.explore_loop(0.8, until_days=28)
    assert values(ui)["users in all"] == pytest.approx(336.16)
    assert values(ui)["ceiling"] == pytest.approx(500)
    assert ui.chart.values["finding"] == "336 users by day 28; never more than 500"
    assert ui.chart.values["limit"] == "ceiling 500" and ui.chart.values["ceiling"] == 500
    ui.convention.value = "everyone_invites_again"
    assert values(ui)["users in all"] == pytest.approx(1049.76)
    assert values(ui)["ceiling"] == math.inf and ui.chart.values["ceiling"] == 0
    assert ui.chart.values["finding"] == "1,050 users by day 28, doubling every 8.25 days"


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("k", 1.3),
        ("cycle_days", 3.5),
        ("churn", 20.0),
        ("inflow", 4.0),
        ("convention", "everyone_invites_again"),
    ],
)
def test_the_code_gives_the_table(control, value):
    ui = vk.explore_loop(0.6)
    before = ui.table
    getattr(ui, control).value = value
    assert not ui.table.equals(before)
    found = run(ui)
    assert set(ui.table["estimate"]) <= set(found["estimate"])


def test_the_interval_of_k_is_shown_where_it_was_measured(k):
    ui = vk.explore_loop(k)
    loop = vk.loop_forecast(k, 7, until_days=180)
    wanted = loop.derived().filter(quantity="ceiling").row(0)[1:]
    row = ui.table.filter(quantity="ceiling").row(0)[1:]
    assert row == pytest.approx(wanted)
    assert "(" in ui.chart.values["finding"]
    assert_frame_equal(run(ui, k=k), loop.derived())
    assert len(ui.chart.values["upper"]) == loop.frame().height
    ui.k.value = 0.4
    assert ui.table["lower"].null_count() == ui.table.height
    assert ui.chart.values["upper"] == []
    assert run(ui)["estimate"][0] == 0.4


def test_churn_is_told_in_thirty_days():
    ui = vk.explore_loop(0.0, users=1000, until_days=30, cycle_days=10)
    ui.churn.value = 20.0
    assert values(ui)["still active"] == pytest.approx(800, rel=1e-4)
    assert ui.chart.values["names"] == ["1,000", "800"]
    assert ui.churn.text == "20 %"


def test_the_chart_holds_the_forecast():
    ui = vk.explore_loop(0.9)
    frame = vk.loop_forecast(0.9, 7, until_days=180).frame()
    assert ui.chart.values["total"] == pytest.approx(frame["total"].to_list(), rel=1e-5)
    assert ui.chart.values["days"] == frame["time_days"].to_list()
    assert ui.chart.text == ui.chart.values["finding"]
    ui.inflow.value = 2.0
    assert ui.chart.values["finding"].endswith("each paid user counts as 10")
    ui.k.value = 1.0
    assert ui.chart.values["finding"].endswith(" users by day 175, and no end to it")


def test_every_setting_can_be_drawn(tmp_path):
    ui = vk.explore_loop(0.8)
    ends = {"k": (0, 2), "cycle_days": (1, 60), "churn": (0, 90), "inflow": (0, 10)}
    for convention in ("new_users_invite", "everyone_invites_again"):
        ui.convention.value = convention
        for name, values in ends.items():
            for value in values:
                getattr(ui, name).value = value
                assert all(math.isfinite(v) for v in ui.chart.values["total"])
        vk.save(ui, tmp_path / f"{convention}.png")
        assert (tmp_path / f"{convention}.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"users": 0}, "users=0; allowed: above zero"),
        ({"until_days": 3}, "holds 0 cycles"),
        ({"until_days": 7000}, "holds 1000 cycles of 7.0 days; allowed: 1 to 500"),
        ({"cycle_days": -1}, "cycle_days=-1"),
    ],
)
def test_odd_settings_are_refused(named, message):
    with pytest.raises(ValueError, match=message):
        vk.explore_loop(0.8, **named)


def test_a_frame_without_k_is_refused():
    with pytest.raises(vk.TableError, match="no row 'k_factor'"):
        vk.explore_loop(pl.DataFrame({"a": [1]}))
