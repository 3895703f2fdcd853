"""The picture of one cascade."""

import math
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import viralkit as vk
from viralkit.charts.cascades_layout import MOST_MARKS, span_unit, tree

HOSTILE = [
    "</script><script>window.fired=1</script>",
    '"><img src=x onerror="window.fired=1">',
    "quote \" and ' and \\ and ${window.fired=1}",
    "datum['x'] + alert(1)",
    "line\nbreak\ttab\u202ereversed\x00null",
    "x" * 500,
    "",
]


def cascade(parents, times=None, name="clip"):
    """An events table of one cascade: the number of each event's parent, -1 for a root."""
    n = len(parents)
    return pl.DataFrame(
        {
            "cascade_id": [name] * n,
            "event_id": [f"e{i}" for i in range(n)],
            "time": [60.0 * i for i in range(n)] if times is None else times,
            "parent_id": [None if p < 0 else f"e{p}" for p in parents],
        },
        schema_overrides={"parent_id": pl.String, "time": pl.Float64, "cascade_id": pl.String},
    )


def star(n, **choices):
    return cascade([-1] + [0] * (n - 1), **choices)


def chain(n):
    return cascade(range(-1, n - 1))


def random_tree(n, seed=1):
    rng = np.random.default_rng(seed)
    return cascade([-1, *(int(rng.integers(0, i)) for i in range(1, n))])


def drawn(chart):
    """The rows that the tree's layers draw from."""
    spec = chart.to_dict()
    return spec["datasets"][spec["layer"][0]["data"]["name"]]


def subtitle(chart):
    return chart.to_dict()["title"]["subtitle"]


def names(chart):
    """The texts right of the tree, from top to bottom."""
    spec = chart.to_dict()
    texts = [layer for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    rows = spec["datasets"][texts[0]["data"]["name"]] if texts else []
    return [row["text"] for row in sorted(rows, key=lambda row: row["height"])]


#      0 ── 1 ── 3
#       └── 2 ── 4, 5
SMALL = cascade([-1, 0, 0, 1, 2, 2])


def test_the_measures_stand_in_the_subtitle():
    """By hand: 15 pairs, 32 steps between them."""
    chart = vk.cascade_chart(SMALL)
    assert subtitle(chart) == [
        "6 events · 2 generations · 40 % straight from the root · structural virality 2.13"
    ]
    spec = chart.to_dict()
    assert spec["title"]["text"] == "Who had clip from whom?"
    assert spec["description"].startswith("Tree of the cascade clip: 6 events · 2 generations")
    assert spec["layer"][0]["encoding"]["x"]["title"] == "Minutes since the first event"
    assert spec["width"] <= 700


def test_each_event_stands_at_its_time_and_hangs_on_its_parent():
    rows = {row["event_id"]: row for row in drawn(vk.cascade_chart(SMALL))}
    assert [rows[f"e{i}"]["x"] for i in range(6)] == [0, 1, 2, 3, 4, 5]
    for event, parent in (("e1", "e0"), ("e3", "e1"), ("e5", "e2")):
        assert (rows[event]["parent_x"], rows[event]["parent_y"]) == (
            rows[parent]["x"],
            rows[parent]["y"],
        )
    assert rows["e0"]["parent_x"] is None
    assert [rows[f"e{i}"]["step"] for i in range(6)] == [0, 1, 1, 2, 2, 2]


def test_a_parent_stands_between_its_children_and_leaves_on_lines_of_their_own():
    rows = {row["event_id"]: row["y"] for row in drawn(vk.cascade_chart(SMALL))}
    assert [rows["e3"], rows["e4"], rows["e5"]] == pytest.approx([1 / 6, 3 / 6, 5 / 6], rel=1e-5)
    assert rows["e1"] == pytest.approx(1 / 6, rel=1e-5)
    assert rows["e2"] == pytest.approx(4 / 6, rel=1e-5)
    assert rows["e0"] == pytest.approx(5 / 12, rel=1e-5)


def test_what_came_from_the_root_and_what_was_passed_on_is_said_in_words():
    assert sorted(names(vk.cascade_chart(SMALL))) == ["2 straight from the root", "3 passed on"]
    assert names(vk.cascade_chart(star(5))) == ["4 straight from the root"]
    assert names(vk.cascade_chart(star(1))) == []


def test_generations_can_be_the_axis():
    chart = vk.cascade_chart(SMALL, axis="generation")
    assert [row["x"] for row in drawn(chart)] == [0, 1, 1, 2, 2, 2]
    axis = chart.to_dict()["layer"][0]["encoding"]["x"]
    assert (axis["title"], axis["axis"]["values"]) == ("Steps from the root", [0, 1, 2])


def test_the_largest_cascade_is_drawn_unless_one_is_named():
    events = pl.concat([star(3, name="small"), star(9, name="large")])
    assert subtitle(vk.cascade_chart(events))[1] == "the largest of 2 cascades"
    chart = vk.cascade_chart(events, "small", title="A short one")
    assert subtitle(chart)[0].startswith("small: 3 events")
    assert chart.to_dict()["title"]["text"] == "A short one"


def test_ids_may_be_categories():
    events = SMALL.with_columns(pl.col("cascade_id", "event_id", "parent_id").cast(pl.Categorical))
    assert len(drawn(vk.cascade_chart(events, "clip"))) == 6


def test_excluded_events_are_counted_and_not_drawn():
    excluded = pl.Series("excluded", [None] * 5 + ["a copy"])
    chart = vk.cascade_chart(SMALL.with_columns(excluded))
    assert len(drawn(chart)) == 5
    assert subtitle(chart)[1] == "1 event not used"


@pytest.mark.parametrize("axis", ["time", "generation"])
def test_generations_without_times_are_steps_whatever_is_asked(axis):
    events = cascade([-1, 0, 0, 1], times=[0.0, 1, 1, 2]).with_columns(depth="time")
    spec = vk.cascade_chart(events, axis=axis).to_dict()
    assert spec["layer"][0]["encoding"]["x"]["title"] == "Steps from the root"


@pytest.mark.parametrize("size", [6, 3_000])
def test_the_root_lies_on_top(size):
    layers = vk.cascade_chart(star(size)).to_dict()["layer"]
    *below, root = [layer for layer in layers if layer["mark"]["type"] in ("circle", "point")]
    kept = [part["filter"] for part in root["transform"]]
    assert kept == ["isValid(datum.event_id)", "datum.step == 0"]
    assert root["mark"]["size"] == 60
    assert "datum.step > 0" in [part["filter"] for part in below[0]["transform"]]


def test_several_roots_are_trees_of_their_own():
    chart = vk.cascade_chart(cascade([-1, 0, -1, 2]))
    assert "2 roots" in subtitle(chart)[0]
    assert sum(row["parent_x"] is None for row in drawn(chart)) == 2


@pytest.mark.parametrize("axis", ["time", "generation"])
@pytest.mark.parametrize("events", [star(5_000), chain(5_000), random_tree(5_000)])
def test_no_tree_has_more_than_two_thousand_marks(events, axis):
    chart = vk.cascade_chart(events, axis=axis)
    rows = drawn(chart)
    links = sum(row["parent_x"] is not None for row in rows)
    assert len(rows) + links <= 2_000
    circles = [row for row in rows if row["event_id"] is None]
    assert sum(row["count"] for row in rows) == 5_000
    events_in = sum(row["count"] for row in circles)
    assert subtitle(chart)[1] == (
        f"{events_in:,} events of small branches in {len(circles)} hollow circles"
    ) or (len(circles) == 1 and subtitle(chart)[1].endswith("in 1 hollow circle"))


def test_a_thousand_events_are_drawn_one_by_one():
    chart = vk.cascade_chart(random_tree(MOST_MARKS))
    assert all(row["count"] == 1 and row["event_id"] for row in drawn(chart))
    assert len(subtitle(chart)) == 1


def test_a_summary_keeps_apart_what_came_from_the_root():
    events = pl.concat(
        [
            star(3_000),
            cascade([-1] * 500, name="clip").with_columns(
                event_id=pl.format("f{}", pl.int_range(500)),
                parent_id=pl.format("e{}", pl.int_range(1, 501)),
            ),
        ]
    )
    sums = dict.fromkeys([0, 1, 2], 0)
    for row in drawn(vk.cascade_chart(events)):
        sums[row["step"]] += row["count"]
    assert sums == {0: 1, 1: 2_999, 2: 500}


PARENTS = st.lists(st.floats(0, 1, exclude_max=True), max_size=60)


@given(PARENTS)
def test_no_two_leaves_share_a_line_and_no_branch_enters_another(shares):
    parents = [-1] + [math.floor(share * (i + 1)) for i, share in enumerate(shares)]
    found = tree(cascade(parents), "generation").sort("event_id")
    where = dict(found.select("event_id", "y").rows())
    below = {f"e{i}": [] for i in range(len(parents))}
    for i in range(len(parents) - 1, 0, -1):
        below[f"e{parents[i]}"] += [f"e{i}", *below[f"e{i}"]]
    leaves = [where[event] for event, others in below.items() if not others]
    assert len({round(y * len(leaves), 3) for y in leaves}) == len(leaves)
    for event, others in below.items():
        if others:
            reach = [where[other] for other in others]
            assert min(reach) - 1e-9 <= where[event] <= max(reach) + 1e-9
            strangers = [y for y in leaves if min(reach) < y < max(reach)]
            assert len(strangers) <= sum(not below[other] for other in others)


@pytest.mark.parametrize(
    ("span", "unit"),
    [
        (0, "second"),
        (119, "second"),
        (3600, "minute"),
        (90_000, "hour"),
        (200_000, "day"),
        (1e8, "year"),
    ],
)
def test_times_are_in_the_unit_that_people_use(span, unit):
    assert span_unit(span)[0] == unit


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_ids_stay_data(text, tmp_path):
    events = pl.DataFrame(
        {
            "cascade_id": [text] * 2,
            "event_id": [text, f"{text}2"],
            "time": [0.0, 9.0],
            "parent_id": [None, text],
        }
    )
    chart = vk.cascade_chart(events, text)
    for part in find(chart.to_dict(), ("title", "labelExpr", "expr", "filter", "calculate")):
        assert "\n" not in part and len(part) < 200
    vk.save(chart, tmp_path / "chart.svg")
    assert not re.search(r"<script|<img", (tmp_path / "chart.svg").read_text())


def find(node, keys):
    """All texts below the keys of a specification, data left out."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in keys and isinstance(value, str):
                yield value
            if key != "datasets":
                yield from find(value, keys)
    elif isinstance(node, list):
        for value in node:
            yield from find(value, keys)


@pytest.mark.parametrize(
    ("events", "choices", "message"),
    [
        (SMALL, {"axis": "depth"}, "axis='depth' is not known; pass axis=\"time\" or"),
        (SMALL, {"cascade_id": "other"}, r"cascade 'other' not found; the largest: \['clip'\]"),
        (SMALL.clear(), {}, "no event to draw"),
        (SMALL.drop("event_id"), {}, "column 'event_id' not found"),
        (cascade([1, 0]), {}, r"lead back to it.*repair"),
        (star(316).drop("parent_id"), {}, r"of 316 events none names a parent; .*infer_parents"),
        (cascade([-1, -1]), {}, "of 2 events none names a parent"),
        (pl.concat([SMALL, SMALL]), {}, r"twice.*repair"),
    ],
)
def test_what_cannot_be_drawn_is_said(events, choices, message):
    with pytest.raises(ValueError, match=message):
        vk.cascade_chart(events, **choices)


@pytest.mark.parametrize(
    "events",
    [
        star(1),
        star(1).drop("parent_id"),
        cascade([-1, 0, 0], times=[0.0, 0.0, 0.0]),
        cascade([-1, 0, 1], times=[0.0, -500.0, 1e9]),
        cascade([5, 0, 1]),
        SMALL.reverse(),
    ],
)
def test_odd_cascades_are_drawn(events, tmp_path):
    vk.save(vk.cascade_chart(events), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 3_000
