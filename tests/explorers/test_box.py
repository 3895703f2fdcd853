"""The frame of every explorer."""

import re

import altair as alt
import ipywidgets
import polars as pl
import pytest

import viralkit as vk
from viralkit.charts.parts import rounded
from viralkit.explorers.box import Explorer, State, table_html

HOSTILE = '</script><script>window.fired=1</script><img src=x onerror="window.fired=1">'


@pytest.fixture
def ui():
    """An explorer of one number, whose texts all are hostile."""
    number = ipywidgets.IntSlider(2, min=0, max=9, description="Number")
    other = ipywidgets.IntSlider(0, min=0, max=9, description="Other")

    def state():
        value = float(number.value + 10 * other.value)
        table = pl.DataFrame({"quantity": [HOSTILE], "value": [value], "hidden": ["x"]})
        params = {"height": [value, 0.0], "finding": f"{HOSTILE} {value}"}
        return State(
            table, params, f"f({value})  # {HOSTILE}", f"It is {value}", ("quantity", "value")
        )

    rows = pl.DataFrame({"i": [0, 1]})
    chart = alt.layer(
        alt.Chart(rows)
        .transform_calculate(y="height[datum.i]")
        .mark_line()
        .encode(x="i:Q", y="y:Q")
    ).properties(title=alt.Title(alt.expr("finding")))
    return Explorer({"number": number, "other": other}, chart, state)


@pytest.fixture
def messages(ui, monkeypatch):
    """What the chart sends to the browser: the names in each message."""
    sent = []
    monkeypatch.setattr(
        type(ui.chart), "_send", lambda self, message, **_: sent.append(sorted(message["state"]))
    )
    return sent


def all_html(widget):
    for child in getattr(widget, "children", ()):
        yield from all_html(child)
    if isinstance(widget, ipywidgets.HTML):
        yield widget.value


def test_controls_are_attributes_that_move_table_code_and_chart(ui):
    ui.number.value = 5
    assert ui.table["value"].to_list() == [5.0]
    assert ui.code.startswith("f(5.0)")
    assert ui.chart.values["height"] == [5.0, 0.0]
    assert ui.current_spec()["params"][0] == {"name": "height", "value": [5.0, 0.0]}
    assert ui.chart.text == "It is 5.0"


def test_one_change_sends_the_chart_one_message(ui, messages):
    ui.number.value = 7
    assert messages == [["text", "values"]]


def test_several_controls_set_together_send_one_message(ui, messages):
    ui.set_together({"number": 1, "other": 3})
    assert messages == [["text", "values"]]
    assert ui.table["value"].to_list() == [31.0]


def test_what_is_sent_is_plain(ui):
    for value in ui.chart.values.values():
        parts = value if isinstance(value, list) else [value]
        assert {type(part) for part in parts} <= {float, int, str}


def test_the_box_shows_widget_chart_picture_and_sentence(ui):
    ui.number.value = 4
    data, metadata = ui._repr_mimebundle_()
    assert set(data) == {
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.vegalite.v5+json",
        "image/png",
        "text/plain",
    }
    assert data["text/plain"] == "It is 4.0"
    assert data["application/vnd.vegalite.v5+json"]["params"][0]["value"] == [4.0, 0.0]
    assert metadata["image/png"]["width"] > 100


def test_html_widgets_hold_no_unescaped_text_of_the_data(ui):
    pages = list(all_html(ui))
    assert len(pages) == 5
    assert not any("<script" in page or "<img" in page for page in pages)
    assert sum("&lt;script" in page for page in pages) == 2


def test_only_the_shown_columns_stand_beside_the_chart(ui):
    assert "hidden" in ui.table.columns
    assert not any("hidden" in page for page in all_html(ui))


def test_an_explorer_can_be_saved_as_it_stands(ui, tmp_path):
    ui.number.value = 8
    vk.save(ui, tmp_path / "explorer.html")
    page = (tmp_path / "explorer.html").read_text()
    assert page.count("</script>") == 2 and '"value": [8.0, 0.0]' in page


def test_result_tables_align_numbers_and_write_nothing_for_null():
    page = table_html(
        pl.DataFrame(
            {"std_error": [None], "name": ["q"]}, schema_overrides={"std_error": pl.Float64}
        )
    )
    assert "text-align:right" in page and "–" in page and ">std error<" in page


def test_what_is_stored_has_six_significant_digits():
    assert rounded(1 / 3) == 0.333333
    assert rounded(918055196.3) == 918055000.0


def test_charts_of_explorers_need_no_network(ui):
    source = str(ui.chart._esm)
    assert len(source) > 500_000 and "vegaEmbed" not in source[:200]
    assert not re.search(r"import [^(]*from\s*[\"']http", source)
