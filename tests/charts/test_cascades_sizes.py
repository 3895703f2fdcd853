"""How large cascades become."""

import re

import polars as pl
import pytest
from scipy.stats import binomtest

import viralkit as vk


def table(*sizes, **columns):
    """A cascade table with the given sizes."""
    names = [f"c{i}" for i in range(len(sizes))]
    return pl.DataFrame({"cascade_id": names, "size": list(sizes), **columns})


def drawn(chart):
    spec = chart.to_dict()
    data = spec.get("data") or spec["layer"][0]["data"]
    return spec["datasets"][data["name"]]


def names(chart):
    spec = chart.to_dict()
    sets = [
        spec["datasets"][e["data"]["name"]] for e in spec["layer"] if e["mark"]["type"] == "text"
    ]
    return [row["name"] for rows in sets for row in rows]


def test_the_line_is_the_share_of_at_least_each_size():
    chart = vk.sizes_chart(table(1, 1, 1, 1, 1, 2, 2, 7, 7, 30))
    assert [(row["size"], row["share"]) for row in drawn(chart)] == [
        (1, 1.0),
        (2, 0.5),
        (7, 0.3),
        (30, 0.1),
    ]


def test_the_band_is_wilsons_interval():
    rows = drawn(vk.sizes_chart(table(*[1] * 60, *[5] * 35, *[9] * 5)))
    for row, number in zip(rows, (100, 40, 5), strict=True):
        known = binomtest(number, 100).proportion_ci(method="wilson")
        assert (row["lower"], row["upper"]) == pytest.approx((known.low, known.high), rel=1e-5)


def test_both_axes_are_logarithmic_and_have_titles_with_units():
    spec = vk.sizes_chart(table(1, 3, 2000)).to_dict()
    line = spec["layer"][1]["encoding"]
    assert line["x"]["scale"]["type"] == line["y"]["scale"]["type"] == "log"
    assert line["x"]["axis"]["title"] == "Size of the cascade, events"
    assert line["x"]["axis"]["values"] == [1, 10, 100, 1000]
    assert line["y"]["axis"]["title"] == "Cascades of at least this size, %"
    assert spec["title"]["subtitle"] == ["3 cascades; band: 95 % interval at each size"]


def test_events_are_counted_by_cascade():
    events = vk.simulate_cascades(0.6, n_cascades=300, seed=2)
    by_events, by_table = vk.sizes_chart(events), vk.sizes_chart(vk.cascade_table(events))
    assert drawn(by_events) == drawn(by_table)


def test_excluded_events_do_not_count():
    events = pl.DataFrame(
        {
            "cascade_id": ["a"] * 3,
            "event_id": ["1", "2", "3"],
            "time": [0.0, 1, 2],
            "excluded": [None, None, "copy"],
        }
    )
    chart = vk.sizes_chart(events)
    assert drawn(chart)[-1]["size"] == 2
    assert chart.to_dict()["title"]["subtitle"][1] == "1 event not used"


def test_groups_are_lines_with_names():
    groups = ["rumour"] * 4 + ["news"] * 3 + [None]
    chart = vk.sizes_chart(table(1, 2, 3, 4, 1, 1, 9, 5, kind=groups), "kind")
    assert sorted(names(chart)) == ["(no group)", "news", "rumour"]
    shares = {(row["group"], row["size"]): row["share"] for row in drawn(chart)}
    assert shares["news", 9] == pytest.approx(1 / 3, rel=1e-5)
    assert shares["rumour", 3] == 0.5
    description = chart.to_dict()["description"]
    assert "4 rumour, 0 % of at least 10 events, the largest 4" in description


def test_ids_may_come_again_in_another_group():
    both = pl.concat([table(1, 5, kind="a"), table(1, 1, 9, kind="b")])
    chart = vk.sizes_chart(both, "kind")
    assert chart.to_dict()["title"]["subtitle"][0].startswith("5 cascades in 2 groups")
    events = vk.simulate_cascades(0.5, n_cascades=20, seed=1)
    twice = pl.concat([events.with_columns(kind=pl.lit(name)) for name in "ab"])
    assert vk.sizes_chart(twice, "kind").to_dict()["title"]["subtitle"][0].startswith("40 cascades")


def test_of_many_groups_those_with_most_cascades_are_drawn():
    groups = [f"g{i}" for i in range(12) for _ in range(i + 1)]
    chart = vk.sizes_chart(table(*range(1, len(groups) + 1), kind=groups), "kind")
    assert set(names(chart)) == {f"g{i}" for i in range(4, 12)}
    assert chart.to_dict()["title"]["subtitle"][1].startswith("8 of 12 groups")


def test_many_sizes_are_thinned_and_keep_their_ends():
    chart = vk.sizes_chart(table(*range(1, 20_001)))
    rows = drawn(chart)
    assert len(rows) <= 200
    assert (rows[0]["size"], rows[0]["share"]) == (1, 1.0)
    assert (rows[-1]["size"], rows[-1]["share"]) == (20_000, 1 / 20_000)


@pytest.mark.parametrize(
    ("frame", "by", "message"),
    [
        (pl.DataFrame({"x": [1]}), None, r"no size and no event_id; columns: \['x'\]"),
        (table(1, 2), "kind", r"column 'kind' not found; .*Pass by="),
        (table(1).clear(), None, "no cascade to draw"),
        (pl.DataFrame({"event_id": ["a"]}), None, "column 'cascade_id' not found"),
    ],
)
def test_what_cannot_be_drawn_is_said(frame, by, message):
    with pytest.raises(vk.TableError, match=message):
        vk.sizes_chart(frame, by)


@pytest.mark.parametrize("sizes", [[1], [1, 1, 1], [10**12], [7] * 40, [1, 10]])
def test_odd_sizes_are_drawn(sizes, tmp_path):
    vk.save(vk.sizes_chart(table(*sizes)), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 3_000


@pytest.mark.parametrize(
    "text",
    ["</script><script>window.fired=1</script>", '"><img src=x onerror=alert(1)>', "a'\\\"", ""],
)
def test_hostile_groups_stay_data(text, tmp_path):
    chart = vk.sizes_chart(table(1, 2, 30, 4, kind=[text, text, "b", "b"]), "kind")
    vk.save(chart, tmp_path / "chart.svg")
    assert not re.search(r"<script|<img", (tmp_path / "chart.svg").read_text())


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [(70, [1, 2, 5, 10, 20, 50]), (9, [1, 2, 5, 10]), (700, [1, 10, 100])],
)
def test_an_axis_of_less_than_two_decades_has_ticks_between_tens(largest, ticks):
    spec = vk.sizes_chart(table(1, 2, largest)).to_dict()
    assert spec["layer"][0]["encoding"]["x"]["axis"]["values"] == ticks
