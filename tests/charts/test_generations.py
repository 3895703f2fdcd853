"""Generations and funnels: the numbers drawn, their intervals, and what is refused."""

import re

import numpy as np
import polars as pl
import pytest
from scipy import stats

import viralkit as vk

STAGES = pl.DataFrame({"stage": ["contacts", "told", "acted"], "count": [3000, 600, 90]})
HOSTILE = "</script><script>window.fired=1</script>"


def rows_of(chart, field):
    """The rows of the first layer that draws a field."""
    spec = chart.to_dict()
    for layer in spec["layer"]:
        if any(encoding.get("field") == field for encoding in layer["encoding"].values()):
            return data_of(spec, layer)
    return []


def data_of(spec, layer):
    """The rows of a layer; data that all layers share stand once above them."""
    return spec["datasets"][(layer.get("data") or spec["data"])["name"]]


def texts(chart):
    spec = chart.to_dict()
    layers = [layer for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    fields = [layer["encoding"]["text"]["field"] for layer in layers]
    data = [data_of(spec, layer) for layer in layers]
    return [row[field] for field, rows in zip(fields, data, strict=True) for row in rows]


def scale_of(chart):
    line = next(x for x in chart.to_dict()["layer"] if x["mark"]["type"] == "line")
    return line["encoding"]["y"]["scale"].get("type", "linear")


def test_the_power_of_seven_is_drawn_as_it_is_counted():
    table = vk.power_of(7, 7)
    drawn = {(row["line"], row["time"]): row["count"] for row in rows_of(vk_chart(table), "line")}
    for row in table.iter_rows(named=True):
        assert drawn["In all", row["generation"]] == pytest.approx(row["total"], rel=1e-5)
        assert drawn["Newly told", row["generation"]] == pytest.approx(row["told"], rel=1e-5)
    assert texts(vk_chart(table)) == ["In all: 960,800", "Newly told: 823,543"]


def vk_chart(table, *by, **choices):
    return vk.generations_chart(table, *by, **choices)


@pytest.mark.parametrize(("people", "scale"), [(7, "log"), (1.1, "linear")])
def test_counts_that_span_decades_are_on_a_log_scale(people, scale):
    assert scale_of(vk_chart(vk.power_of(people, 7))) == scale


def test_an_audience_is_a_rule_and_its_absence_none():
    crowd = vk_chart(vk.power_of(7, 9, audience=50_000))
    assert "audience 50,000" in texts(crowd)
    assert not [t for t in texts(vk_chart(vk.power_of(7, 9))) if t.startswith("audience")]


def test_scenarios_are_lines_of_totals():
    kinds = {"all": 1.0, "few": 0.1}
    table = pl.concat(
        vk.power_of(7, 7, pass_on=share).with_columns(kind=pl.lit(name))
        for name, share in kinds.items()
    )
    chart = vk_chart(table, "kind")
    assert texts(chart) == ["all: 960,800", "few: 22.4"]
    assert {row["line"] for row in rows_of(chart, "line")} == {"all", "few"}


def test_a_tail_of_hardly_anybody_does_not_stretch_the_axis():
    table = vk.power_of(7, 60, audience=1e5)
    assert table["told"].min() < 1e-10
    assert min(row["count"] for row in rows_of(vk_chart(table), "line")) >= 0.01


def test_the_mean_counts_cascades_that_have_ended():
    table = pl.DataFrame(
        {
            "cascade_id": ["a", "a", "a", "b", "b", "c", "d"],
            "generation": [0, 1, 2, 0, 1, 0, 0],
            "size": [1, 3, 2, 1, 1, 1, 1],
        }
    )
    rows = {row["time"]: row for row in rows_of(vk_chart(table), "line")}
    assert [rows[g]["count"] for g in range(3)] == [1, 1, 0.5]
    first, second = np.array([1, 1, 1, 1]), np.array([3, 1, 0, 0])
    assert (rows[0]["lower"], rows[0]["upper"]) == (1, 1) == (first.min(), first.max())
    reach = stats.t(3).ppf(0.975) * stats.sem(second) / second.mean()
    assert rows[1]["upper"] == pytest.approx(np.exp(reach), rel=1e-5)
    assert rows[1]["lower"] == pytest.approx(np.exp(-reach), rel=1e-5)


def test_the_means_of_simulated_cascades_fall_as_powers_of_r():
    events = vk.simulate_cascades(0.6, n_cascades=4000, seed=3)
    rows = rows_of(vk_chart(vk.cascade_table(events, by="generation")), "lower")
    means = {row["time"]: row for row in rows}
    inside = [means[g]["lower"] <= 0.6**g <= means[g]["upper"] for g in range(8)]
    assert sum(inside) >= 7


def test_kinds_of_cascades_have_their_own_number():
    tables = [
        vk.cascade_table(vk.simulate_cascades(r, n_cascades=n, seed=1), by="generation")
        for r, n in ((0.6, 200), (0.2, 100))
    ]
    both = pl.concat(t.with_columns(kind=pl.lit(k)) for t, k in zip(tables, "ab", strict=True))
    found = rows_of(vk_chart(both, "kind"), "lower")
    assert {row["line"]: row["cascades"] for row in found if row["time"] == 0} == {
        "a": 200,
        "b": 100,
    }
    assert "mean of 300" in vk_chart(both, "kind").to_dict()["title"]["subtitle"][0]


def test_one_cascade_has_no_interval_and_can_be_drawn():
    table = pl.DataFrame({"cascade_id": "a", "generation": [0, 1], "size": [1, 4]})
    rows = rows_of(vk_chart(table), "lower")
    assert all(row["lower"] == row["count"] == row["upper"] for row in rows)


def test_unknown_generations_are_counted_and_long_chains_cut():
    table = pl.DataFrame({"cascade_id": "a", "generation": [*range(900), None], "size": 1})
    subtitle = vk_chart(table).to_dict()["title"]["subtitle"][0]
    assert "generations up to 200 of 899" in subtitle
    assert "1 row of no known generation" in subtitle
    with pytest.raises(vk.TableError, match="no generation is known"):
        vk_chart(table.tail(1))


def test_a_funnel_tells_each_share_with_wilsons_interval():
    # 600 of 3,000: statsmodels and the closed form by hand
    share, z, n = 0.2, stats.norm.ppf(0.975), 3000
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    rows = {row["stage"]: row for row in rows_of(vk_chart(STAGES), "upper")}
    assert rows["told"]["lower"] == pytest.approx(n * (middle - half), rel=1e-5)
    assert rows["told"]["upper"] == pytest.approx(n * (middle + half), rel=1e-5)
    assert rows["contacts"]["lower"] is None
    assert texts(vk_chart(STAGES)) == [
        "contacts: 3,000",
        "told: 600, 20.0 % (18.6 to 21.5)",
        "acted: 90, 15.0 % (12.4 to 18.1)",
    ]


def test_variants_have_a_bar_each_under_their_stage():
    both = pl.concat(STAGES.with_columns(variant=pl.lit(name)) for name in ("active", "passive"))
    rows = rows_of(vk_chart(both, "variant"), "bar")
    order = [(row["stage"], row["group"]) for row in sorted(rows, key=lambda row: row["bar"])]
    assert order[:3] == [("contacts", "active"), ("contacts", "passive"), ("told", "active")]
    assert len({row["mark"] for row in rows}) == 2


def test_a_stage_that_nobody_reached_has_no_share_after_it():
    lost = pl.DataFrame({"stage": ["a", "b", "c"], "count": [5, 0, 0]})
    assert texts(vk_chart(lost)) == ["a: 5", "b: 0, 0.0 % (0.0 to 43.4)", "c: 0"]


def test_excluded_rows_are_left_out():
    marked = STAGES.with_columns(excluded=pl.Series([None, None, "a test"]))
    assert len(texts(vk_chart(marked))) == 2


@pytest.mark.parametrize(
    ("table", "by", "message"),
    [
        (pl.DataFrame({"x": [1]}), None, r"\['x'\] cannot be drawn; allowed: .*Pass power_of"),
        (STAGES, "kind", r"column 'kind' not found; .*Pass by="),
        (STAGES.clear(), None, "no row to draw"),
        (STAGES.head(1), None, "1 stages; allowed: 2 to 10"),
        (STAGES.reverse(), None, "stage 'told' counts 600, the one before 90; allowed"),
        (STAGES.with_columns(count=pl.lit(-1)), None, "row 0 .*: -1; allowed: whole numbers"),
        (STAGES.with_columns(count=pl.lit(1.5)), None, "row 0 .*: 1.5; allowed: whole numbers"),
        (STAGES.with_columns(count=pl.lit("9")), None, "'count' holds String"),
        (pl.concat([STAGES, STAGES]), None, "stage 'contacts' comes more than once.*by="),
        (vk.power_of(2, 5), "generation", "6 groups; allowed: at most 4"),
        (vk.power_of(2, 2).with_columns(total=pl.lit(None, pl.Float64)), None, "'total', row 0"),
        (pl.DataFrame({"cascade_id": "a", "generation": [0, 0], "size": 1}), None, "generation 0"),
    ],
)
def test_what_cannot_be_drawn_is_said(table, by, message):
    with pytest.raises(vk.TableError, match=message):
        vk_chart(table, by)


@pytest.mark.parametrize(
    "table", [vk.power_of(7, 0), vk.power_of(0, 3), vk.power_of(7, 300), vk.power_of(1, 9)]
)
def test_odd_powers_are_drawn(table, tmp_path):
    vk.save(vk_chart(table), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 3_000


@pytest.mark.parametrize("text", [HOSTILE, '"><img src=x onerror=alert(1)>', "a'\\\"", "x" * 300])
def test_hostile_names_stay_data(text, tmp_path):
    scenarios = vk.power_of(7, 7).with_columns(kind=pl.lit(text))
    cascades = pl.DataFrame({"cascade_id": text, "generation": [0, 1], "size": 1, "kind": text})
    stages = STAGES.with_columns(stage=pl.col("stage") + text, kind=pl.lit(text))
    for i, table in enumerate((scenarios, cascades, stages)):
        chart = vk_chart(table, "kind", title="How many?")
        vk.save(chart, tmp_path / f"{i}.svg")
        assert not re.search(r"<script|<img", (tmp_path / f"{i}.svg").read_text())
        assert max(map(len, texts(chart))) < 110


def test_groups_of_unlike_size_are_drawn_as_shares():
    a = STAGES.with_columns(variant=pl.lit("A"))
    both = pl.concat([a, a.with_columns(pl.col("count") // 10, variant=pl.lit("B"))])
    chart = vk_chart(both, "variant")
    rows = rows_of(chart, "upper")
    assert [row["count"] for row in rows[:3]] == pytest.approx([1, 0.2, 0.03])
    assert [row["count"] for row in rows[3:]] == pytest.approx([1, 0.2, 0.03])
    assert rows[1]["lower"] == pytest.approx(0.186, abs=5e-4)  # as in the text
    assert rows[4]["lower"] < rows[1]["lower"]
    assert "A, told: 600, 20.0 % (18.6 to 21.5)" in chart.to_dict()["description"]
    assert chart.to_dict()["title"]["subtitle"][0].startswith("Bars: share of the first stage.")
    none = pl.concat([a, a.with_columns(pl.col("count") * 0, variant=pl.lit("B"))])
    assert vk_chart(none, "variant").to_dict()
