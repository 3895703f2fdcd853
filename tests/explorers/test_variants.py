"""How many people until two messages can be told apart."""

import json

import numpy as np
import polars as pl
import pytest
from telling import people

import viralkit as vk

HOSTILE = "</script><script>window.fired=1</script>"


@pytest.fixture
def ui():
    return vk.explore_variants()


def row(ui, factor="R"):
    return next(r for r in ui.table.iter_rows(named=True) if r["factor"] == factor)


def test_moving_the_people_moves_table_chart_and_code(ui):
    before = row(ui)["power"], ui.chart.values["power"], ui.code
    ui.people.value = 5000
    assert row(ui)["power"] > before[0]
    assert ui.chart.values["power"][1] == pytest.approx(100 * row(ui)["power"], rel=1e-5)
    assert ui.chart.values["people"] == 5000
    assert ui.code != before[2] and ui.code.endswith("people=5000, unevenness=0.2)")
    assert ui.chart.values["finding"] == "5,000 people each: R is told apart in 98 % of tests"
    assert ui.chart.text.startswith(ui.chart.values["finding"])


@pytest.mark.parametrize("factor", ["passability", "remarkability"])
def test_the_code_gives_the_table(ui, factor):
    ui.differs.value, ui.lift.value, ui.people.value = factor, 1.7, 345.678
    assert ui.table.equals(eval(ui.code, {"vk": vk}))
    assert row(ui, factor)["ratio"] == pytest.approx(1.7)
    assert row(ui)["ratio"] == pytest.approx(1.7)
    assert ui.chart.values["names"] == [factor, "R"]


def test_the_power_shown_is_the_share_of_simulated_tests_that_find_the_difference(ui):
    ui.lift.value, ui.people.value, ui.differs.value = 1.8, 150, "remarkability"
    shown = [row(ui, name)["power"] for name in ("remarkability", "R")]
    assert 0.3 < shown[1] < shown[0] < 0.9
    found = np.zeros(2)
    for seed in range(400):
        rng = np.random.default_rng([seed, 8])
        pair = [people(rng, 150, (20, 0.3, acts), 0.2) for acts in (0.1, 0.18)]
        found += (vk.compare_variants(*pair)["p_value"][2:] < 0.05).to_numpy()
    assert found / 400 == pytest.approx(shown, abs=0.08)


def test_the_curves_rise_to_the_present_power_and_on(ui):
    ui.people.value = 1000
    values = ui.chart.values
    for name, power in zip(("first", "second"), values["power"], strict=True):
        assert values[name] == sorted(values[name]) and len(values[name]) == 81
        assert values[name][40] == pytest.approx(power, rel=1e-5)


def test_more_unevenness_needs_more_people(ui):
    needed = []
    for u in (0.0, 0.3, 0.6):
        ui.unevenness.value = u
        needed.append(row(ui)["people_needed"])
    assert needed == sorted(needed) and needed[0] < needed[2]


def test_versions_that_do_not_differ_are_never_told_apart(ui):
    ui.lift.value = 1.0
    assert ui.table["people_needed"].null_count() == 4
    assert ui.chart.values["first"] == pytest.approx([5.0] * 81)


def test_a_share_never_passes_one(ui):
    ui.passability.value, ui.lift.value = 0.8, 2.0
    assert row(ui, "passability")["b"] == 1.0
    assert ui.table.equals(eval(ui.code, {"vk": vk}))


@pytest.mark.parametrize("end", ["min", "max"])
def test_every_control_at_its_end_draws_a_chart(ui, end):
    sliders = ("contacts", "passability", "remarkability", "lift", "unevenness", "people")
    for name in sliders:
        slider = getattr(ui, name)
        slider.value = getattr(slider, end)
        text = json.dumps(ui.current_spec(), allow_nan=False)
        assert "Infinity" not in text
    ui.lift.value = 1.3
    json.dumps(ui.current_spec(), allow_nan=False)


def test_a_pilot_sets_where_the_sliders_begin():
    pilot = people(np.random.default_rng(3), 20_000, (30, 0.2, 0.15), 0.4)
    ui = vk.explore_variants(pilot)
    found = vk.decompose(pilot)
    names = ("contacts", "passability", "remarkability")
    assert [getattr(ui, n).value for n in names] == pytest.approx(
        found["estimate"][:3].to_list(), rel=1e-5
    )
    assert ui.unevenness.value == pytest.approx(0.4, abs=0.08)
    ui.lift.value, ui.people.value = 1.0, 20_000
    reach = np.log(row(ui)["ratio_upper"]) / 1.959964 / 2**0.5
    assert reach == pytest.approx(found["std_error"][3] / found["estimate"][3], rel=1e-3)


def test_a_pilot_of_people_alike_or_beyond_the_sliders_is_shown_as_it_is():
    alike = people(np.random.default_rng(4), 3000, (2000, 0.5, 0.0006), 0.0)
    ui = vk.explore_variants(alike)
    assert ui.contacts.value == pytest.approx(2000, rel=0.01)
    assert ui.remarkability.value == pytest.approx(alike["acted"].sum() / alike["passed_on"].sum())
    assert ui.unevenness.value < 0.05


def test_people_who_are_excluded_do_not_count(ui):
    pilot = people(np.random.default_rng(5), 1000, (20, 0.3, 0.1), 0.3)
    more = pl.concat([pilot.with_columns(excluded=pl.lit(None, pl.String))] * 2)
    more = more.with_columns(excluded=pl.when(pl.int_range(2000) >= 1000).then(pl.lit("test")))
    assert vk.explore_variants(more).code == vk.explore_variants(pilot).code


def test_a_pilot_in_which_nobody_acted_is_refused_with_a_next_step():
    silent = pl.DataFrame({"contacts": [5, 6], "passed_on": [1, 2], "acted": [0, 0]})
    with pytest.raises(vk.TableError, match="nobody acted in the pilot; allowed: one"):
        vk.explore_variants(silent)
    with pytest.raises(vk.TableError, match="not found"):
        vk.explore_variants(pl.DataFrame({HOSTILE: [1]}))


def test_text_in_a_pilot_reaches_neither_table_nor_chart():
    pilot = people(np.random.default_rng(6), 100, (20, 0.3, 0.1), 0.2)
    ui = vk.explore_variants(pilot.with_columns(pl.lit(HOSTILE).alias(HOSTILE)))
    shown = json.dumps(ui.current_spec()) + ui._result.value + ui._line.value
    assert "fired" not in shown
