"""Films beside films of their time."""

import polars as pl
import pytest

import viralkit as vk
from viralkit.charts.theme import BLUE, INK, ORANGE


@pytest.fixture
def ui():
    ui = vk.explore_legs(vk.load_films())
    ui.film.value = "Cloverfield"
    return ui


def column(ui, name):
    return ui.table[name].to_list()


def test_cloverfield_is_measured_from_its_days_and_weekends(ui):
    assert column(ui, "film") == pytest.approx([50.04249, -19.22153, -68.26586, 1.998302], rel=1e-6)


def test_the_cell_is_that_of_its_years_and_reviews(ui):
    legs = vk.load_films_legs().filter(
        pl.col("period") == "2005-2008", pl.col("rotten_tomatoes_band") == "60-79"
    )
    assert column(ui, "lower_quartile")[3] == legs["multiplier_p25"].item()
    assert column(ui, "median")[1:] == [
        legs["friday_to_saturday_change_pct_median"].item(),
        legs["second_weekend_change_pct_median"].item(),
        legs["multiplier_median"].item(),
    ]
    assert column(ui, "upper_quartile")[0] == pytest.approx(100 / legs["multiplier_p25"].item())
    assert ui.chart.values["cell"] == [2.59, 3.26, 3.58]


def test_a_softer_second_weekend_carries_on(ui):
    ui.second_weekend.value = 30
    kept = 1 - 0.6826586 + 0.3
    week = 51_594_000 / 40_058_229
    assert column(ui, "what_if")[2] == pytest.approx(100 * (kept - 1), abs=1e-3)
    assert column(ui, "what_if")[3] == pytest.approx(week / (1 - kept), rel=2e-3)
    *lines, last = ui.code.splitlines()
    names: dict = {}
    exec("\n".join(lines), names)
    assert eval(last, names) == pytest.approx(column(ui, "what_if")[3], rel=1e-5)
    assert ui.second_weekend.text == "30 points"
    assert ui.chart.values["what"] == pytest.approx([100 * kept**k for k in range(8)], rel=1e-4)
    assert ui.chart.values["finding"].startswith("Losing 38 % a week makes 3.3")


def test_a_film_that_rose_has_no_decline_to_carry_on(ui):
    ui.film.value = "Juno"
    assert column(ui, "what_if") == [None] * 4
    assert ui.chart.values["what"] == [] and ui.chart.values["names"][1] == ""
    assert ui.chart.values["finding"].startswith("No decline to carry on")
    assert ui.code.startswith("#")


def test_films_of_later_years_have_no_cell(ui):
    ui.film.value = "A Quiet Place"
    assert column(ui, "median") == [None] * 4
    assert ui.chart.values["typical"] == []
    assert column(ui, "what_if")[3] is not None


def test_films_without_a_wide_release_are_left_out(ui):
    assert "My Big Fat Greek Wedding" not in ui.film.options
    assert len(ui.film.options) == 25


def test_every_film_can_be_shown(ui, tmp_path):
    for film in ui.film.options:
        ui.film.value = film
        assert ui.table["film"].null_count() == 0
    vk.save(ui, tmp_path / "legs.png")
    assert (tmp_path / "legs.png").stat().st_size > 10_000


def test_names_of_films_are_data():
    name = "</script><script>window.fired=1</script>"
    rename = pl.col("item").replace("Cloverfield", name)
    tables = [
        table.with_columns(rename)
        for table in (vk.load_films(), vk.load_films_weekends(), vk.load_films_opening_days())
    ]
    ui = vk.explore_legs(*tables)
    ui.film.value = name
    assert column(ui, "film")[0] == pytest.approx(50.04249)
    assert name not in ui.code


def test_films_without_counts_are_refused():
    strangers = vk.load_films().with_columns(item=pl.lit("unknown"))
    with pytest.raises(
        ValueError, match=r"none of 27 films has .* Pass weekends= and opening_days="
    ):
        vk.explore_legs(strangers)


def test_the_median_is_seen_where_the_what_if_lies_upon_it(ui):
    weekends, total = ui.current_spec()["vconcat"]
    lines = [layer["mark"] for layer in weekends["layer"] if layer["mark"]["type"] == "line"]
    assert [line["color"] for line in lines] == [ORANGE, BLUE, INK]
    assert [line["strokeDash"][1] > 0 for line in lines] == [False, True, False]
    band = total["layer"][0]["encoding"]
    rows = ui.current_spec()["datasets"][total["data"]["name"]]
    heights = [row["height"] for row in rows]
    assert heights[0] + 8 < band["y"]["value"] < band["y2"]["value"] < heights[1] - 8


def test_what_is_no_table_of_films_is_refused_with_a_next_step():
    with pytest.raises(
        vk.TableError, match=r"columns \['wide_release', .*\] not found.*load_films"
    ):
        vk.explore_legs(vk.load_films_weekends())
    with pytest.raises(vk.TableError, match="not a polars DataFrame"):
        vk.explore_legs(None)
