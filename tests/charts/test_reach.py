"""How far cascades reach: the line is the exact law, the points are the cascades seen."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

import viralkit as vk
from viralkit.charts.reach import survival
from viralkit.models import branching_laws as laws
from viralkit.models.branching_counts import tally

SIZES = pl.DataFrame({"size": [1, 2, 3, 6, 25], "number": [150, 20, 12, 12, 6]})


@pytest.fixture(scope="module")
def fit():
    return vk.Branching(SIZES).fit(law="negative_binomial")


def layer(chart, mark, number=0):
    """The rows of a layer, by its mark."""
    spec = chart.to_dict()
    found = [one for one in spec["layer"] if one["mark"]["type"] == mark]
    return spec["datasets"][(found[number].get("data") or spec["data"])["name"]]


def subtitle(chart):
    return chart.to_dict()["title"]["subtitle"]


def test_the_line_is_what_is_left_of_the_law_of_sizes(fit):
    rows = {row["size"]: row["share"] for row in layer(vk.forecast_chart(fit, 60), "line")}
    ends = fit.predict(until=60)["mean"].cum_sum()
    assert rows[1] == 1
    for size in (2, 3, 10, 60):
        assert rows[size] == pytest.approx(1 - ends[size - 2], rel=1e-4)


def test_reach_is_the_sum_of_the_sizes_from_there_on(fit):
    reach, law = fit.predict(of="reach", until=30), fit.predict(until=30)
    gone = np.append(0, law["mean"].cum_sum()[:-1])
    assert reach["mean"].to_numpy() == pytest.approx(1 - gone, rel=1e-9)
    assert (reach["lower"] <= reach["mean"]).all() and (reach["mean"] <= reach["upper"]).all()
    seeds = fit.predict(of="reach", until=5, seeds=3)
    assert (seeds["value"][0], seeds["mean"][0]) == (3, 1.0)


def test_geometric_offspring_reach_as_far_as_ballots_allow():
    fit = vk.Branching(SIZES).fit(law="geometric")
    r = fit.params["R"]
    number = np.arange(1, 41)
    law = stats.nbinom.pmf(number - 1, number, 1 / (1 + r)) / number  # Dwass, k = 1
    reach = fit.predict(of="reach", until=40)["mean"].to_numpy()
    assert reach == pytest.approx(1 - np.append(0, np.cumsum(law)[:-1]), rel=1e-9)


def test_the_band_holds_the_truth_and_endless_cascades_count():
    people = pl.DataFrame({"offspring": [0, 0, 1, 2, 3, 4] * 20})
    fit = vk.Branching(people, of="offspring").fit(law="poisson")
    row = layer(vk.forecast_chart(fit, 2000), "line")[-1]
    assert row["share"] == pytest.approx(1 - laws.extinction(10 / 6, 0.0), rel=1e-5)
    assert row["lower"] < row["share"] < row["upper"]


def test_the_points_are_the_cascades_seen(fit):
    chart = vk.forecast_chart(fit)
    shares = [(row["size"], row["share"]) for row in layer(chart, "point")]
    assert shares == [(1, 1), (2, 0.25), (3, 0.15), (6, 0.09), (25, 0.03)]
    assert (
        subtitle(chart)[0] == "Band: 95 % interval over R and k; filled points: 200 cascades seen"
    )
    assert subtitle(chart)[1].startswith("R 0.554 (0.4")


def test_a_growing_cascade_counts_as_far_as_it_is_known():
    table = pl.DataFrame(
        {"size": [1, 2, 2, 3, 5], "bound": ["exact", "exact", "at_least", "exact", "at_least"]}
    )
    # by hand: 4/5 go on from 1; of 3 known at 2 (the growing one leaves), 2 go on; of 2 at 3, 1
    assert survival(tally(table, "sizes", 1))["share"].to_list() == pytest.approx(
        [1, 4 / 5, 4 / 5 * 2 / 3]
    )


def test_cascades_of_several_roots_are_no_points():
    table = pl.DataFrame({"size": [1, 4, 9], "roots": [1, 1, 3]})
    assert survival(tally(table, "sizes", 1))["size"].to_list() == [1, 4]
    assert survival(tally(table.tail(1), "sizes", 1)).is_empty()


def test_what_came_later_is_open(fit):
    chart = vk.forecast_chart(fit, actual=pl.DataFrame({"size": [1, 1, 4, 40]}))
    assert [row["size"] for row in layer(chart, "point", 1)] == [1, 4, 40]
    assert "open points: 4 that came later" in subtitle(chart)[0]


def test_points_outside_are_counted(fit):
    chart = vk.forecast_chart(fit, 5)
    assert max(row["size"] for row in layer(chart, "point")) == 3
    assert "200 cascades seen, 2 sizes outside" in subtitle(chart)[0]


def test_a_truncated_sample_is_set_on_the_line_and_its_band_is_wide():
    sizes = vk.cascade_table(vk.simulate_cascades(0.6, 0.5, n_cascades=3000, seed=4))
    large = sizes.filter(pl.col("size") >= 5)
    chart = vk.forecast_chart(vk.Branching(large, at_least=5).fit(), 200)
    line = {row["size"]: row for row in layer(chart, "line")}
    first = layer(chart, "point")[0]
    assert (first["size"], first["share"]) == (5, pytest.approx(line[5]["share"], rel=1e-5))
    truth = np.exp(laws.log_progeny_at_least(np.array([5.0, 50.0]), 1, 0.6, 2.0))
    for size, share in zip((5, 50), truth, strict=True):
        near = min(line, key=lambda other: abs(other - size))
        assert line[near]["lower"] < share < line[near]["upper"]
    assert "k not known" in subtitle(chart)[1]
    assert "smaller than 5 were not kept" in subtitle(chart)[1]


def test_laws_are_lines_with_names(fit):
    other = vk.Branching(SIZES).fit(law="poisson")
    names = [row["name"] for row in layer(vk.forecast_chart([fit, other]), "text")]
    assert names == ["negative binomial", "poisson"]
    twice = [row["name"] for row in layer(vk.forecast_chart([fit, fit]), "text")]
    assert twice == ["1: negative binomial", "2: negative binomial"]


def test_screen_readers_are_told(fit):
    told = vk.forecast_chart(fit).to_dict()["description"]
    mean, lower, upper = fit.predict(of="reach", until=10).select("mean", "lower", "upper").row(-1)
    assert f"10 with {100 * mean:#.3g} % ({100 * lower:#.3g} to {100 * upper:#.3g})" in told


def test_many_sizes_are_few_rows():
    sizes = pl.DataFrame({"size": range(1, 3001)})
    chart = vk.forecast_chart(vk.Branching(sizes).fit(law="poisson"), 3000)
    assert len(layer(chart, "line")) <= 160 and len(layer(chart, "point")) <= 160


@pytest.mark.parametrize("until", [1, 2.5, "9", True, 10**7])
def test_how_far_to_draw_is_checked(fit, until):
    with pytest.raises(ValueError, match=r"until=.*allowed: whole numbers from 2"):
        vk.forecast_chart(fit, until)


def test_a_silent_sample_can_be_drawn(tmp_path):
    fit = vk.Branching(pl.DataFrame({"size": [1, 1, 1]})).fit(law="poisson")
    assert fit.predict(of="reach", until=3)["mean"].to_list() == [1, 0, 0]
    vk.save(vk.forecast_chart(fit, title="</script><script>fired</script>"), tmp_path / "a.svg")
    assert "<script" not in (tmp_path / "a.svg").read_text()


def test_the_end_is_named_where_the_line_ends():
    sizes = pl.DataFrame({"size": [1, 2, 3], "number": [90, 6, 3]})
    chart = vk.forecast_chart(vk.Branching(sizes).fit(law="poisson"), 500)
    last = layer(chart, "line")[-1]
    (label,) = layer(chart, "text")
    assert last["size"] < 60
    assert label["name"].endswith(f" % reach {last['size']:.0f}")
    assert label["time"] == last["size"]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"law": "poisson"}, "k ∞ (Poisson)"),
        ({"law": "geometric"}, "k 1.00 (geometric)"),
        ({"k": 0.5}, "k 0.500 (given)"),
    ],
)
def test_who_holds_k_is_told(choice, words):
    assert subtitle(vk.forecast_chart(vk.Branching(SIZES).fit(**choice)))[1].endswith(words)
