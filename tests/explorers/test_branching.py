"""A hundred outbreaks: their table is that of power_of and of the exact laws."""

import math
import time

import pytest

import viralkit as vk
from viralkit.models import branching_laws as laws


@pytest.fixture
def ui():
    return vk.explore_branching()


def column(ui, name):
    return dict(ui.table.select("quantity", name).rows())


def test_expected_counts_are_those_of_power_of(ui):
    ui.set_together({"people": 5.0, "pass_on": 0.3, "overlap": 0.2, "audience": 1e4, "times": 9.0})
    table = vk.power_of(5, 9, pass_on=0.3, overlap=0.2, audience=1e4)
    expected = column(ui, "expected")
    assert expected["in all"] == table["total"][-1]
    assert expected["in the last"] == table["told"][-1]
    assert expected["R"] == pytest.approx(5 * 0.3 * 0.8)
    assert ui.chart.values["expected"] == pytest.approx(table["total"].to_list(), rel=1e-5)


def test_the_code_gives_the_same(ui):
    ui.set_together({"people": 5.0, "pass_on": 0.3, "overlap": 0.2, "audience": 1e4, "times": 9.0})
    found = eval(ui.code, {"vk": vk})
    assert found["total"][-1] == column(ui, "expected")["in all"]
    assert ui.code.endswith("# R = 1.2")


def test_the_power_of_seven_is_a_button(ui):
    ui.set_together({"people": 2.0, "pass_on": 0.3, "audience": 1e4, "times": 3.0})
    ui.power_of_seven.click()
    assert column(ui, "expected")["in the last"] == 823_543
    assert column(ui, "expected")["in all"] == 960_800
    assert ui.chart.values["finding"] == "823,543 in the last generation, 960,800 in all"
    assert ui.code == "vk.power_of(7, 7)  # R = 7"


def test_chances_of_being_over_are_exact_and_simulated_alike(ui):
    share = []
    for _ in range(25):
        ui.draw_again.click()
        share.append(column(ui, "simulated")["over by then, %"])
    mean, inverse, exact = 0.7, 2.0, column(ui, "expected")
    law = laws.over_by(mean, inverse, 6, 7)
    assert exact["over by then, %"] == pytest.approx(100 * law, rel=1e-12)
    error = 100 * math.sqrt(law * (1 - law) / 2500)
    assert sum(share) / 25 == pytest.approx(100 * law, abs=4 * error)
    assert exact["over in the end, %"] == 100
    assert exact["in all in the end"] == pytest.approx(1 + 7 / 0.3)


def test_above_one_some_take_off(ui):
    ui.set_together({"pass_on": 0.2, "dispersion": 0.1})
    exact = column(ui, "expected")
    assert exact["over in the end, %"] == pytest.approx(100 * laws.extinction(1.4, 10.0, 7))
    assert exact["in all in the end"] == math.inf


def test_a_crowd_that_ends_has_no_law_without_end(ui):
    ui.audience.value = 1e3
    exact = column(ui, "expected")
    assert [exact[name] for name in list(exact)[-3:]] == [None] * 3
    assert ui.chart.values["crowd"] == 1e3
    ui.audience.value = 1e9
    assert ui.chart.values["crowd"] is None  # too far above to be drawn


def test_simulated_means_come_with_their_error(ui):
    rows = {row["quantity"]: row for row in ui.table.iter_rows(named=True)}
    mean = rows["in all"]
    assert abs(mean["simulated"] - mean["expected"]) <= 4 * mean["std_error"]
    assert mean["std_error"] > 0


def test_the_same_seed_draws_the_same_and_the_button_others(ui):
    first = ui.chart.values["totals"]
    assert vk.explore_branching().chart.values["totals"] == first
    ui.draw_again.click()
    assert ui.chart.values["totals"] != first
    assert vk.explore_branching(seed=1).chart.values["totals"] == ui.chart.values["totals"]
    assert (ui.people.value, ui.pass_on.value) == (7, 0.1)


def test_the_chart_holds_all_outbreaks_and_an_axis_for_them(ui):
    for name in ("times", "people"):
        getattr(ui, name).value = getattr(ui, name).max
    values = ui.chart.values
    assert len(values["totals"]) == 100 * 13 and values["grid"] == 13
    assert max(values["totals"]) <= values["top"]
    assert 3 <= len(values["ticks"]) <= 9 and values["ticks"][0] == 1


def test_screen_readers_are_told(ui):
    over = sum(ui.chart.values["over"])
    assert ui.chart.text == f"Generation 7: R 0.7: {over} of 100 over; 22.4 expected to know"


@pytest.mark.parametrize(
    "values",
    [
        {"pass_on": 0.0},
        {"overlap": 1.0},
        {"people": 1.0, "times": 1.0},
        {"people": 20.0, "pass_on": 1.0, "times": 12.0, "dispersion": 0.05},
        {"people": 20.0, "pass_on": 1.0, "times": 12.0, "audience": 100.0},
    ],
)
def test_the_ends_of_the_sliders_can_be_shown(ui, values, tmp_path):
    ui.set_together(values)
    vk.save(ui, tmp_path / "explorer.png")
    assert (tmp_path / "explorer.png").stat().st_size > 5_000


def test_a_move_is_quick(ui):
    ui.set_together({"people": 20.0, "pass_on": 1.0, "times": 12.0, "audience": 8e9})
    start = time.perf_counter()
    for i in range(10):
        ui.pass_on.value = 0.5 + i / 100
    assert time.perf_counter() - start < 10 * 0.08


def test_the_expected_total_is_named_so_and_an_audience_only_where_there_is_one(ui):
    ui.audience.value = math.inf
    assert ui.chart.values["names"][0] == "expected"
    assert ui.chart.values["crowd"] is None
    spec = ui.current_spec()
    assert "dashed" not in " ".join(spec["title"]["subtitle"])
    (label,) = (one for one in spec["layer"] if "all people that there are" in str(one))
    assert {"filter": "isValid(crowd)"} in label["transform"]
    ui.power_of_seven.click()
