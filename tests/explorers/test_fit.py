"""Move parameters, see the misfit."""

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import viralkit as vk

START = date(2008, 1, 1)
HOSTILE = '</script><script>window.fired=1</script> "quoted"'


def counts(total, **columns):
    days = [START + timedelta(i) for i in range(len(total))]
    base = {"item": "clip", "time": days, "count": np.asarray(total).astype(int)}
    return pl.DataFrame({**base, "kind": "cumulative", **columns})


def bass(n=14):
    age = np.arange(n)
    shape = (1 - np.exp(-0.42 * age)) / (1 + 19 * np.exp(-0.42 * age))
    return counts(np.round(1000 * shape + 5 * np.sin(age)).clip(0))


@pytest.fixture
def model():
    return vk.Bass(bass().with_columns(pl.col("count").cum_max()), unit="day")


@pytest.fixture
def ui(model):
    return vk.explore_fit(model)


def misfit(ui):
    return ui.table["value"][-1]


def test_it_opens_at_the_best_fit(ui, model):
    best = model.fit()
    assert ui.table["value"].to_list()[:3] == pytest.approx(list(best.params.values()), rel=1e-5)
    assert ui.table["best"].to_list()[:3] == list(best.params.values())
    assert ui.table["std_error"].to_list()[:3] == list(best.bse.values())
    assert misfit(ui) == 1.0
    assert ui.code == "vk.Bass(counts, unit='day').fit()"
    assert ui.table.schema["value"] == pl.Float64


def test_moving_a_slider_worsens_the_fit_and_moves_the_curve(ui, model):
    before = ui.chart.values["curve"]
    ui.q.value = 0.45
    values = {"p": ui.p.value, "q": 0.45, "m": ui.m.value}
    expected = model.deviance(values) / model.deviance({**values, "q": ui.table["best"][1]})
    assert misfit(ui) == pytest.approx(expected, rel=1e-4)
    curve = model.curve(values, np.linspace(0, 13, 160))
    assert ui.chart.values["curve"] == pytest.approx(curve.tolist(), rel=1e-4, abs=1e-3)
    assert ui.chart.values["curve"] != before
    assert (
        ui.chart.values["finding"] == f"The misfit is {misfit(ui):.2f} times that of the best fit"
    )


def test_the_code_gives_the_same_state(ui, model):
    ui.q.value = 0.6
    fit = eval(ui.code, {"vk": vk, "counts": model.counts})
    assert fit.params == dict(zip("pqm", ui.table["value"].to_list()[:3], strict=True))


def test_fit_the_rest_holds_what_was_moved(ui, model):
    ui.q.value = 0.6
    before = misfit(ui)
    ui.fit_rest.click()
    refit = model.fit(fixed={"q": 0.6})
    assert [ui.p.value, ui.q.value, ui.m.value] == pytest.approx(
        [refit.params[name] for name in "pqm"], rel=1e-5
    )
    assert 1 < misfit(ui) < before
    assert ui.code == "vk.Bass(counts, unit='day').fit(fixed={'q': 0.6})"


def test_reset_goes_back(ui):
    ui.q.value = 0.6
    ui.fit_rest.click()
    ui.reset.click()
    assert misfit(ui) == 1.0
    assert ui.code.endswith(".fit()")


def test_best_values_stand_in_the_middle_of_their_decades(ui):
    for slider in (ui.p, ui.q, ui.m):
        assert slider.position == pytest.approx(100)
        assert (slider.min, slider.max) == (slider.value / 10, slider.value * 10)
    assert ui.q.description == "imitation q"


def test_a_parameter_at_zero_has_a_slider_from_zero_up():
    decay = counts(np.cumsum([0, *(1000 * 0.6 ** np.arange(12))]))
    ui = vk.explore_fit(vk.Bass(decay, unit="day"))
    assert ui.q.value == ui.q.min == 0
    ui.q.value = ui.q.max
    assert misfit(ui) > 1


def test_a_parameter_without_limit_has_a_slider_too():
    growing = counts([0, 1, 3, 9, 27, 81, 243, 729, 2187])
    ui = vk.explore_fit(vk.Bass(growing, unit="day"))
    assert math.isfinite(ui.m.value)
    assert all(math.isfinite(value) for value in ui.chart.values["curve"])
    ui.m.value = 3000
    assert misfit(ui) > 1


def test_curves_that_leave_the_plot_are_cut(ui):
    ui.m.value = ui.m.max
    top = 10 * ui.current_spec()["layer"][0]["encoding"]["y"]["scale"]["domain"][1]
    assert max(ui.chart.values["curve"]) <= top * 1.001
    assert min(ui.chart.values["heights"]) >= 0


@pytest.mark.parametrize("kind", [vk.Logistic, vk.Gompertz, vk.Exponential, vk.Linear])
def test_every_growth_model_can_be_explored(kind, model):
    ui = vk.explore_fit(kind(model.counts, unit="day", start=START))
    first = kind(model.counts, unit="day", start=START).parameters[0].name
    slider = getattr(ui, first)
    slider.value = slider.max
    assert misfit(ui) != 1.0


def test_phases_can_be_explored_though_nothing_can_be_held():
    rate = [9, 12, 9, 11, 8, 31, 39, 42, 38, 41, 41, 40]
    ui = vk.explore_fit(vk.Phases(counts(np.cumsum([0, *rate])), unit="day"))
    assert ui.fit_rest.disabled
    ui.break_1.value = 8.0
    assert misfit(ui) > 1
    assert ".deviance({" in ui.code


def test_hostile_names_stay_data(tmp_path):
    ui = vk.explore_fit(
        vk.Bass(bass().with_columns(pl.col("count").cum_max(), item=pl.lit(HOSTILE)), unit="day")
    )
    vk.save(ui, tmp_path / "explorer.svg")
    assert "<script" not in (tmp_path / "explorer.svg").read_text()


def test_a_fit_is_refused_with_a_next_step(model):
    with pytest.raises(TypeError, match=r"'GrowthResults' is not a model; .*or results\.model"):
        vk.explore_fit(model.fit())


def test_a_class_without_counts_is_refused_with_a_next_step():
    with pytest.raises(TypeError, match=r"'Bass' is not a model; .*its counts.*Pass vk\.Bass\("):
        vk.explore_fit(vk.Bass)


def test_the_code_says_what_its_counts_are_and_the_chart_what_misfit_is(ui):
    texts = [box.value for box in ui.children if hasattr(box, "value")]
    assert any("counts is the table that you passed" in text for text in texts)
    assert ui.current_spec()["title"]["subtitle"][-1].startswith("Misfit: ")


def test_a_model_without_a_curve_is_refused_with_a_next_step():
    sizes = pl.DataFrame({"size": [1, 1, 2, 5], "number": [9, 5, 3, 1]})
    fall = [5.0] * 6 + [900.0 / day**0.6 for day in range(1, 30)]
    days = pl.DataFrame({"item": "clip", "time": np.arange(35.0), "count": fall})
    days = days.with_columns(period_end=pl.col("time") + 1, kind=pl.lit("incremental"))
    times = [0.0, 50.0, 90.0, 200.0, 350.0, 500.0]
    events = {"cascade_id": "a", "event_id": [str(t) for t in times], "time": times}
    for model, instead in (
        (vk.Branching(sizes), r"vk\.explore_branching\(\)"),
        (vk.Relaxation(days, unit="period"), r"vk\.fit_chart"),
        (vk.Seismic(pl.DataFrame({**events, "magnitude": 100})), r"vk\.forecast_chart"),
    ):
        with pytest.raises(TypeError, match=rf"has no curve to move; allowed: .*{instead}"):
            vk.explore_fit(model)
