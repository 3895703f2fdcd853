"""The picture of counts over time."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

import viralkit as vk
from viralkit.charts.happenings import place
from viralkit.charts.parts import MAX_LABEL, pixels, plain, short, spread
from viralkit.charts.rows import steps, thin

START = date(2008, 1, 1)


def table(**columns):
    """A cumulative counts table of ten days, with columns added or replaced."""
    days = [START + timedelta(i) for i in range(10)]
    base = {"item": ["clip"] * 10, "time": days, "count": [0, *(2**i for i in range(1, 10))]}
    return pl.DataFrame({**base, "unit": "views", "kind": "cumulative", **columns})


def marks(chart):
    """The marks of a chart's layers with the rows that each draws."""
    spec = chart.to_dict()
    sets = spec["datasets"]
    layers = [{"data": spec.get("data"), **layer} for layer in spec["layer"]]
    return [(layer["mark"]["type"], sets[layer["data"]["name"]]) for layer in layers]


def rows_of(chart):
    return sum(len(rows) for rows in chart.to_dict()["datasets"].values())


def subtitle(chart):
    return chart.to_dict()["title"]["subtitle"]


def test_one_item_is_drawn_as_points_with_its_unit_and_question():
    chart = vk.counts_chart(table())
    spec = chart.to_dict()
    assert [mark for mark, _ in marks(chart)] == ["circle"]
    assert spec["title"]["text"] == "How did clip grow?"
    assert subtitle(chart) == ["Views so far"]
    assert spec["description"].endswith("Last counts: clip 512.")
    assert spec["width"] <= 700
    assert spec["layer"][0]["encoding"]["x"]["field"] == "time"


def test_a_given_title_moves_the_item_to_the_subtitle():
    chart = vk.counts_chart(table(), title="It doubled every day")
    assert chart.to_dict()["title"]["text"] == "It doubled every day"
    assert subtitle(chart) == ["clip: views so far"]


def test_bounds_point_the_way_the_truth_lies():
    bounds = ["exact"] * 7 + ["at_least", "at_most", "rounded"]
    chart = vk.counts_chart(table(bound=bounds))
    drawn = dict(marks(chart))
    assert {row["bound"] for row in drawn["point"]} == {"at_least", "at_most"}
    assert {row["bound"] for row in drawn["circle"]} == {"exact", "rounded"}
    shape = next(e for e in chart.to_dict()["layer"] if e["mark"]["type"] == "point")
    scale = shape["encoding"]["shape"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {
        "at_least": "triangle-up",
        "at_most": "triangle-down",
    }
    assert "triangle up: at least" in subtitle(chart)[0]


def test_uncertain_dates_become_bars_from_first_to_last_day():
    lower = [None] * 9 + [START]
    upper = [None] * 9 + [START + timedelta(20)]
    chart = vk.counts_chart(table(time_lower=lower, time_upper=upper))
    rows = dict(marks(chart))["rule"]
    assert [(row["lower"][:10], row["upper"][:10]) for row in rows] == [
        ("2008-01-01", "2008-01-21")
    ]
    assert "bar: date uncertain" in subtitle(chart)[0]


def test_excluded_rows_are_counted_and_not_drawn():
    chart = vk.counts_chart(table(excluded=["copy"] * 3 + [None] * 7))
    assert len(marks(chart)[0][1]) == 7
    assert subtitle(chart)[1] == "3 rows not used"


def test_a_log_scale_drops_zeros_and_says_so():
    chart = vk.counts_chart(table(), scale="log")
    assert subtitle(chart)[1] == "1 zero not drawn (log scale)"
    scale = chart.to_dict()["layer"][0]["encoding"]["y"]["scale"]
    assert scale["type"] == "log" and scale["domain"][0] == 1


def test_counts_per_period_are_steps_that_end_where_the_period_ends():
    counts = table(kind="incremental").with_columns(period_end=pl.col("time") + timedelta(1))
    chart = vk.counts_chart(counts)
    (mark, rows), *rest = marks(chart)
    assert (mark, rest) == ("line", [])
    assert chart.to_dict()["layer"][0]["mark"]["interpolate"] == "step-after"
    assert rows[-1]["time"][:10] == "2008-01-11"
    assert subtitle(chart) == ["Views per day"]


def test_gaps_between_periods_stay_open():
    counts = table(kind="incremental").with_columns(
        period_end=pl.col("time") + timedelta(1), label=pl.col("item")
    )
    found = steps(counts.gather([0, 1, 5, 6]))
    assert found["run"].to_list() == [0, 0, 0, 1, 1, 1]
    ends = found.filter(pl.col("run") == 0)["time"].to_list()
    assert ends[-1] == START + timedelta(2)


def test_several_items_are_lines_with_names_that_do_not_overlap():
    items = [table(item=name, count=[i * k for i in range(10)]) for k, name in enumerate("abcd", 1)]
    chart = vk.counts_chart(pl.concat(items))
    named = marks(chart)[-1]
    assert named[0] == "text"
    assert sorted(row["name"] for row in named[1]) == ["a", "b", "c", "d"]
    heights = sorted(row["height"] for row in named[1])
    assert min(b - a for a, b in pairwise(heights)) >= 15.9
    assert "legend" not in str(chart.to_dict()["config"])


def test_metrics_of_one_item_are_told_apart():
    both = pl.concat([table(metric="original"), table(metric="copies", count=[3] * 10)])
    names = {row["name"] for row in marks(vk.counts_chart(both))[-1][1]}
    assert names == {"clip, original", "clip, copies"}


def test_of_many_items_the_largest_are_drawn():
    items = [table(item=f"item {k}", count=[k] * 10) for k in range(20)]
    chart = vk.counts_chart(pl.concat(items))
    assert {row["name"] for row in marks(chart)[-1][1]} == {f"item {k}" for k in range(12, 20)}
    assert subtitle(chart)[1] == "8 of 20 items, the largest"


@pytest.mark.parametrize("kind", ["cumulative", "incremental"])
def test_no_chart_holds_more_than_five_thousand_rows(kind):
    n = 200_000
    counts = pl.DataFrame(
        {
            "item": ["a", "b"] * (n // 2),
            "time": [float(i) for i in range(n)],
            "count": list(range(n)),
            "kind": kind,
            "bound": ["exact", "exact", "at_least", "at_most"] * (n // 4),
        }
    ).with_columns(
        time_lower=pl.col("time") - 0.5,
        time_upper=pl.col("time") + 0.5,
        period_end=pl.col("time") + 0.5,
    )
    happenings = pl.DataFrame({"time": [float(i) for i in range(n)], "label": "x"})
    chart = vk.counts_chart(counts, happenings)
    assert 1_000 < rows_of(chart) <= 5_000
    assert "each point is" in subtitle(chart)[1]


def test_thinning_keeps_totals_and_averages_periods():
    rows = pl.DataFrame(
        {"label": "a", "bound": "exact", "time": range(4000), "count": range(4000)}
    ).with_columns(pl.col("count").cast(pl.Float64))
    last, note = thin(rows.with_columns(kind=pl.lit("cumulative")))
    assert (last["count"][-1], last["time"][-1], note) == (
        3999,
        3999,
        "each point is the last of 2 rows",
    )
    mean, _ = thin(rows.with_columns(kind=pl.lit("incremental")))
    assert (mean["count"][0], mean["time"][0]) == (0.5, 0)


def test_ages_count_from_each_items_first_row():
    late = table(item="late", time=[START + timedelta(100 + i) for i in range(10)])
    chart = vk.counts_chart(pl.concat([table(), late]), time="age")
    points = next(rows for mark, rows in marks(chart) if mark == "circle")
    assert {row["time"] for row in points} == {float(i) for i in range(10)}
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["title"] == "Days since the first row"


def test_long_ages_are_years():
    times = [START + timedelta(365 * i) for i in range(10)]
    chart = vk.counts_chart(table(time=times), time="age")
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["title"] == "Years since the first row"


def test_times_in_utc_are_drawn_and_named_as_such():
    moments = [datetime(2008, 1, 1, i, tzinfo=UTC) for i in range(10)]
    chart = vk.counts_chart(table(time=moments))
    assert marks(chart)[0][1][3]["time"] == "2008-01-01T03:00:00"
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["title"] == "Time (UTC)"


def test_happenings_are_rules_with_names():
    happenings = pl.DataFrame(
        {
            "time": [START + timedelta(2), START + timedelta(5), START - timedelta(9)],
            "label": ["on television", "number one", "long before"],
            "time_lower": [None, START + timedelta(4), None],
            "time_upper": [None, START + timedelta(6), None],
        }
    )
    chart = vk.counts_chart(table(), happenings)
    kinds = [mark for mark, _ in marks(chart)]
    assert kinds == ["rule", "text", "rule", "circle"]
    assert [row["text"] for row in marks(chart)[1][1]] == ["on television", "number one"]
    assert subtitle(chart)[1] == "2 of 3 happenings named, 1 outside the period"


TEXTS = st.lists(
    st.tuples(st.integers(0, 365), st.text("abcdefgh ", min_size=1, max_size=60)),
    min_size=1,
    max_size=40,
)


@given(TEXTS)
def test_names_of_happenings_never_overlap_nor_cross_a_rule(happenings):
    frame = pl.DataFrame(
        {
            "time": [START + timedelta(days) for days, _ in happenings],
            "label": [text for _, text in happenings],
        }
    )
    placed, _ = place(frame, [START, START + timedelta(365)])
    boxes = []
    for time, text, level, side in placed.select("time", "text", "level", "side").rows():
        if level is not None:
            at, width = 620 * (time - START).days / 365, 6.2 * len(text)
            left = at if side == "right" else at - width
            boxes.append((level, left, left + width, at))
    assert boxes
    for i, (level, left, right, _) in enumerate(boxes):
        for other_level, other_left, other_right, rule in boxes[:i] + boxes[i + 1 :]:
            if level == other_level:
                assert right <= other_left + 1e-9 or other_right <= left + 1e-9
            if other_level > level:
                assert not left < rule < right


@given(st.lists(st.floats(0, 320), min_size=1, max_size=10))
def test_spread_keeps_order_distance_and_the_plot(heights):
    placed = spread(heights)
    gaps = sorted(placed)
    assert all(b - a > 15.9 for a, b in pairwise(gaps))
    assert max(placed) <= 320 + 1e-6
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    assert [placed[i] for i in order] == gaps


@given(st.text(max_size=300))
def test_plain_text_is_one_printable_short_line(text):
    line = plain(text)
    assert len(line) <= MAX_LABEL and line.isprintable() and "  " not in line


def test_numbers_of_labels_are_short():
    assert [short(v) for v in (0, 0.0000517, 0.1234, 12.34, 823543, 4.2e8, 1.25e9, 3e12)] == [
        "0",
        "0.0000517",
        "0.123",
        "12.3",
        "823,543",
        "420 M",
        "1.25 bn",
        "3 T",
    ]


def test_pixels_follow_the_scale():
    assert pixels(50, [0, 100]) == 160
    assert pixels(10, [1, 100], "log") == pytest.approx(160)
    assert pixels(1e9, [0, 100]) == 0


HOSTILE = [
    "</script><script>window.fired=1</script>",
    '"><img src=x onerror="window.fired=1">',
    "quote \" and ' and \\ and ${window.fired=1}",
    "datum['x'] + alert(1)",
    "line\nbreak\ttab\u202ereversed\x00null",
    "x" * 500,
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_data(text, tmp_path):
    two = pl.concat([table(item=text, unit=text), table(item="b", unit=text, count=[1] * 10)])
    happenings = pl.DataFrame({"time": [START + timedelta(3)], "label": [text]})
    for chart in (vk.counts_chart(two, happenings), vk.counts_chart(two.head(10), happenings)):
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
    ("counts", "options", "message"),
    [
        (
            table(unit=["views", "likes"] * 5),
            {},
            r"column 'unit' holds \['likes', 'views'\]; .*Keep one",
        ),
        (table(kind=["index"] + ["cumulative"] * 9), {}, "column 'kind' holds"),
        (table(excluded="all"), {}, "no row to draw; of 10 rows 0 are in use"),
        (table(count=[0] * 10), {"scale": "log"}, 'pass scale="linear"'),
        (table().clear(), {}, "no row to draw; of 0 rows"),
        (table(), {"scale": "sqrt"}, "scale='sqrt' is not known; pass scale=\"linear\" or"),
        (table(), {"time": "week"}, "time='week' is not known"),
        (table().drop("count"), {}, "column 'count' not found"),
    ],
)
def test_what_cannot_be_drawn_is_said(counts, options, message):
    with pytest.raises(ValueError, match=message):
        vk.counts_chart(counts, **options)


def test_happenings_do_not_fit_ages_of_several_items():
    happenings = pl.DataFrame({"time": [START], "label": ["x"]})
    both = pl.concat([table(), table(item="b")])
    with pytest.raises(ValueError, match=r"2 items have 2 first days.*Keep one item"):
        vk.counts_chart(both, happenings, time="age")


@pytest.mark.parametrize(
    "counts",
    [
        table().head(1),
        table(count=[0] * 10),
        table(count=[10**18] * 10),
        table(time=[date(9999, 12, 31)] * 10),
        table(time=[float(i) for i in range(10)]),
        table(time=[3.0] * 10),
        table(count=[1e-9 * i for i in range(10)]),
        table().reverse(),
        table().drop("unit", "kind"),
    ],
)
def test_odd_counts_are_drawn(counts, tmp_path):
    vk.save(vk.counts_chart(counts), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 3_000


def test_every_data_set_can_be_drawn(tmp_path):
    charlie, cloverfield = vk.load_charlie_views(), vk.load_cloverfield_daily()
    videos = vk.load_viral_videos_views().filter(pl.col("unit") == "views")
    for counts, happenings in (
        (charlie, vk.load_charlie_happenings()),
        (cloverfield, vk.load_cloverfield_happenings()),
        (videos, None),
    ):
        vk.save(vk.counts_chart(counts, happenings), tmp_path / "chart.png")
        assert (tmp_path / "chart.png").stat().st_size > 10_000


def test_unnamed_happenings_are_explained():
    many = pl.DataFrame(
        {
            "time": [START + timedelta(i // 4) for i in range(28)],
            "label": [f"a happening with a rather long name {i}" for i in range(28)],
        }
    )
    told = subtitle(vk.counts_chart(table(), many))[1]
    assert re.search(r"\d of 28 happenings named \(short lines: the others\)", told)


def test_an_index_over_periods_is_drawn_as_steps_in_its_own_unit():
    days = [START + timedelta(i) for i in (0, 4, 9)]
    rates = pl.DataFrame(
        {
            "item": "clip",
            "time": days,
            "period_end": [*days[1:], START + timedelta(11)],
            "count": [3.0, 1.0, 2.0],
            "kind": "index",
            "unit": "views a day",
        }
    )
    chart = vk.counts_chart(rates)
    assert subtitle(chart)[0] == "Views a day" and marks(chart)[0][0] == "line"
    assert chart.to_dict()["layer"][0]["mark"]["interpolate"] == "step-after"
    assert subtitle(vk.counts_chart(rates.drop("unit")))[0] == "Index"


@pytest.mark.parametrize(
    ("last", "titled", "labels"),
    [
        (date(2008, 2, 28), "2008", ["20 Jan", "3 Feb"]),
        (date(2008, 11, 30), "2008", ["Apr", "Jul"]),
        (date(2009, 1, 20), None, ["Apr 2008", "Jul", "Jan 2009"]),
        (date(2018, 6, 1), None, ["2010", "2012"]),
    ],
)
def test_the_axis_of_dates_tells_the_year_once(last, titled, labels):
    days = [date(2008, 1, 2) + (last - date(2008, 1, 2)) * i / 9 for i in range(10)]
    spec = vk.counts_chart(table(time=days)).to_dict()
    assert spec["layer"][0]["encoding"]["x"].get("title") == titled
    picture = vl_convert.vegalite_to_svg(spec, vl_version="5.8")
    for label in labels:
        assert f">{label}<" in picture
