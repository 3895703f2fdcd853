"""How polars tables look in a notebook."""

import math
import re
from datetime import date

import polars as pl
import pytest

import viralkit as vk
from viralkit.charts.display import cell, digits, frame_html, show_frames


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1 / 3, "0.333333"),
        (-2.5, "-2.5"),
        (1234.5, "1234.5"),
        (123456.789, "123,457"),
        (1666666666.6, "1,666,670,000"),
        (0.000107024, "0.000107024"),
        (3.77529e-5, "3.77529e-05"),
        (1e18, "1e+18"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_have_six_significant_digits(value, text):
    assert digits(value) == text


def test_years_have_no_comma_and_large_counts_have():
    assert (cell(2008), cell(823543)) == ("2008", "823,543")


def test_cells_of_each_kind():
    assert cell(date(2008, 1, 18)) == "2008-01-18"
    assert cell(True) == "True"
    assert "–" in cell(None)
    assert cell("a\u202eb\nc") == "a b c"
    assert cell("x" * 100) == "x" * 79 + "…"


def test_tables_escape_names_and_values():
    page = frame_html(pl.DataFrame({"<b>name": ["<img src=x onerror=alert(1)>"]}))
    assert "<b>" not in page and "<img" not in page
    assert "&lt;img" in page and "&lt;b&gt;name" in page


def test_long_tables_say_how_many_rows_are_not_shown():
    page = frame_html(pl.DataFrame({"a": range(25)}))
    assert page.count("<tr>") == 21
    assert page.endswith("<p>5 more rows</p>")


def test_numbers_stand_right_and_text_left():
    page = frame_html(pl.DataFrame({"a": ["x"], "b": [1.5]}))
    assert re.findall(r"<td style=\"text-align:(\w+)", page) == ["left", "right"]


def test_setup_shows_tables_escaped_in_a_notebook(monkeypatch):
    import IPython
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    show_frames()
    page, plain = (shell.display_formatter.formatters[f"text/{kind}"] for kind in ("html", "plain"))
    page.enabled = True
    frame = pl.DataFrame({"a": ["<script>window.fired=1</script>"], "b": [1234567.891]})
    assert "<script" not in page(frame) and "1,234,570" in page(frame)
    assert "<script" not in page(frame["a"]) and "<script" not in page(frame.lazy())
    assert "shape" not in plain(frame) and "1.23457e6" in plain(frame)
    assert "…" not in plain(vk.describe("charlie", part="about"))


def test_a_description_is_shown_whole_and_a_table_full_of_text_is_cut():
    few = pl.DataFrame({"text": ["x" * 1000, "y" * 900]})
    assert "x" * 1000 in frame_html(few) and "…" not in frame_html(few)
    many = pl.DataFrame({"text": ["x" * 1000] * 15})
    assert "x" * 79 + "…" in frame_html(many) and "x" * 80 not in frame_html(many)
    assert frame_html(pl.DataFrame({"a": [None]})).count("–") == 1


@pytest.mark.parametrize("part", ["columns", "sources", "about"])
def test_what_describe_tells_is_not_cut(part):
    told = vk.describe("charlie", part=part)
    assert "…" not in frame_html(told)


def test_thousands_of_a_column_are_set_apart_alike():
    days = {"days": [8447.6, math.inf], "longest": [19123.2, 4.0], "year": [2007.0, 2008.0]}
    page = frame_html(pl.DataFrame(days))
    found = re.findall(r">([\d,.∞]+)</td>", page)
    assert found == ["8,447.6", "19,123.2", "2007", "∞", "4", "2008"]
    assert ">8447.6<" in frame_html(pl.DataFrame(days).drop("longest"))
