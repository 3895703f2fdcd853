"""A cascade as it grows."""

import polars as pl
import pytest

import viralkit as vk

HOSTILE = "</script><script>window.fired=1</script>"


def cascade(name, parents, step=60.0):
    """An events table of one cascade: the number of each event's parent, -1 for a root."""
    return pl.DataFrame(
        {
            "cascade_id": name,
            "event_id": [f"{name}{i}" for i in range(len(parents))],
            "time": [step * i for i in range(len(parents))],
            "parent_id": [None if p < 0 else f"{name}{p}" for p in parents],
        },
        schema_overrides={"parent_id": pl.String},
    )


STAR, CHAIN = cascade("star", [-1, 0, 0, 0, 0, 0]), cascade("chain", [-1, 0, 1, 2], step=7200.0)


@pytest.fixture
def ui():
    return vk.explore_cascade(pl.concat([CHAIN, STAR]))


def now(ui):
    return dict(ui.table.select("quantity", "now").rows())


def test_the_largest_comes_first_when_half_of_it_has_come(ui):
    assert (ui.cascade.value, ui.time.value) == ("star", 120.0)
    assert [label for label, _ in ui.cascade.options] == ["star (6)", "chain (4)"]
    assert ui.chart.values["finding"] == "3 of 6 events after 2 min, 1 generation deep"


def test_the_table_tells_what_had_come_and_what_came_in_all(ui):
    assert ui.table.rows() == [
        ("seconds", 120.0, 300.0),
        ("events", 3.0, 6.0),
        ("generations", 1.0, 1.0),
        ("largest generation", 2.0, 5.0),
        ("from the root, %", 100.0, 100.0),
        ("structural virality", pytest.approx(2 - 2 / 3), pytest.approx(2 - 2 / 6)),
        ("virality of a star", pytest.approx(2 - 2 / 3), pytest.approx(2 - 2 / 6)),
    ]


def test_time_moves_through_the_cascade(ui):
    ui.time.value = 0.0
    assert now(ui)["events"] == 1 and now(ui)["structural virality"] is None
    ui.time.value = 1e9
    assert ui.time.value == 300.0
    assert now(ui)["events"] == 6


def test_another_cascade_brings_its_own_times(ui):
    ui.cascade.value = "chain"
    assert (ui.time.min, ui.time.max, ui.time.value) == (0.0, 21_600.0, 7200.0)
    assert ui.time.text == "2 h"
    ui.time.value = 21_600.0
    assert now(ui)["structural virality"] == pytest.approx((4 + 1) / 3)
    assert now(ui)["from the root, %"] == pytest.approx(100 / 3)
    assert ui.chart.values["names"] == ["1 direct", "2 passed"]


def test_the_code_gives_the_same(ui):
    ui.time.value = 170.0
    events = pl.concat([CHAIN, STAR])
    found = eval(ui.code, {"vk": vk, "pl": pl, "events": events})
    assert found["size"].item() == now(ui)["events"] == 3


def test_the_chart_knows_each_mark_and_the_path_of_the_virality(ui):
    ui.cascade.value = "chain"
    lasting = ui.chart.lasting
    assert lasting["x"] == [0, 2, 4, 6] and lasting["px"] == [None, 0, 2, 4]
    assert lasting["step"] == [0, 1, 2, 2] and set(lasting["hollow"]) == {0}
    assert lasting["path"][-1] == pytest.approx(5 / 3, rel=1e-5)
    assert lasting["star"][-1] == 1.5
    assert len(lasting["path"]) == len(lasting["times"]) == 41


def test_a_move_in_time_sends_no_places(ui, monkeypatch):
    sent = []
    monkeypatch.setattr(
        type(ui.chart), "_send", lambda self, message, **_: sent.append(sorted(message["state"]))
    )
    ui.time.value = 240.0
    assert sent == [["text", "values"]]
    sent.clear()
    ui.cascade.value = "chain"
    assert sent == [["lasting", "text", "values"]]


def test_screen_readers_are_told(ui):
    ui.time.value = 300.0
    assert ui.chart.text == (
        "star: 6 of 6 events after 5 min, 1 generation deep; structural virality 1.67"
    )


def test_large_cascades_have_few_marks():
    ui = vk.explore_cascade(vk.simulate_cascades(0.99, broadcast=3000, n_cascades=1, seed=1))
    assert len(ui.chart.lasting["x"]) <= 1000 < now(ui)["events"]
    assert ui.chart.lasting["note"].endswith(f"in {sum(ui.chart.lasting['hollow'])} hollow circles")


def test_of_many_cascades_the_largest_can_be_chosen():
    ui = vk.explore_cascade(vk.simulate_cascades(0.5, n_cascades=400, seed=1))
    assert len(ui.cascade.options) == 200


def test_excluded_events_are_left_out():
    excluded = pl.Series("excluded", [None] * 5 + ["copy"])
    ui = vk.explore_cascade(STAR.with_columns(excluded))
    assert ui.table["whole"][1] == 5


@pytest.mark.parametrize(
    "events", [STAR.head(1), STAR.with_columns(time=pl.lit(-5.0)), STAR.drop("parent_id")]
)
def test_odd_cascades_can_be_shown(events, tmp_path):
    vk.save(vk.explore_cascade(events), tmp_path / "explorer.png")
    assert (tmp_path / "explorer.png").stat().st_size > 5_000


def test_ids_are_data():
    events = STAR.with_columns(cascade_id=pl.lit(HOSTILE), event_id=pl.col("event_id") + HOSTILE)
    ui = vk.explore_cascade(events.with_columns(parent_id=pl.col("parent_id") + HOSTILE))
    assert now(ui)["events"] == 3
    assert "<script" not in ui._line.value and "<script" not in ui._result.value


def test_what_is_no_forest_is_refused():
    with pytest.raises(vk.TableError, match=r"lead back to it.*repair"):
        vk.explore_cascade(cascade("a", [1, 0]))
    with pytest.raises(vk.TableError, match="no event to draw"):
        vk.explore_cascade(STAR.clear())
