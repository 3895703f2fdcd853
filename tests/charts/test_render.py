"""What leaves the kit: bundles for notebooks, pictures and pages."""

import base64
import html
import json
import struct
import subprocess
import sys
import types
import zlib
from xml.etree import ElementTree

import altair as alt
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import viralkit as vk
from viralkit.charts import render
from viralkit.charts.theme import MARKS, TEXTS

PAYLOAD = "</script><script>window.fired=1</script>"


@pytest.fixture
def chart():
    counts = pl.DataFrame({"item": PAYLOAD, "time": [0.0, 1, 2], "count": [0, 5, 9]})
    return vk.counts_chart(counts)


@pytest.fixture
def untouched():
    """Altair as a notebook finds it that forgot `setup()`."""
    alt.renderers.enable("default")
    alt.theme.enable("default")
    yield
    alt.renderers.enable("viralkit")
    alt.theme.enable("viralkit")


def bundle_of(chart):
    return chart._repr_mimebundle_()


def test_a_chart_becomes_vega_lite_a_picture_and_a_sentence(chart):
    vk.setup()
    data, metadata = bundle_of(chart)
    assert set(data) == {"application/vnd.vegalite.v5+json", "image/png", "text/plain"}
    assert data["text/plain"] == data["application/vnd.vegalite.v5+json"]["description"]
    picture = base64.b64decode(data["image/png"])
    assert picture.startswith(b"\x89PNG") and len(picture) > 5_000
    width, _ = struct.unpack(">II", picture[16:24])
    assert metadata["image/png"]["width"] == round(width / 1.5)


def test_the_bundle_names_no_version_and_no_site(chart):
    data, _ = bundle_of(chart)
    spec = data["application/vnd.vegalite.v5+json"]
    assert spec.pop("$schema") == "https://vega.github.io/schema/vega-lite/v5.json"
    assert "http" not in json.dumps(spec)
    assert spec["usermeta"]["embedOptions"]["actions"]["editor"] is False


def test_the_same_chart_gives_the_same_bytes(chart):
    assert bundle_of(chart) == bundle_of(chart)


@pytest.mark.usefixtures("untouched")
def test_a_forgotten_setup_still_gives_our_charts():
    chart = vk.counts_chart(pl.DataFrame({"item": "a", "time": [0.0, 1], "count": [0, 5]}))
    assert (alt.renderers.active, alt.theme.active) == ("viralkit", "viralkit")
    assert "image/png" in bundle_of(chart)[0]


@pytest.mark.usefixtures("untouched")
def test_another_choice_of_renderer_and_theme_is_kept():
    alt.renderers.enable("mimetype")
    alt.theme.enable("dark")
    vk.counts_chart(pl.DataFrame({"item": "a", "time": [0.0, 1], "count": [0, 5]}))
    assert (alt.renderers.active, alt.theme.active) == ("mimetype", "dark")


def test_packing_keeps_every_pixel(chart):
    import vl_convert

    loose = vl_convert.vegalite_to_png(chart.to_dict(), vl_version="5.8")
    packed = render._pack(loose)
    assert len(packed) < 0.6 * len(loose)
    assert pixels(packed) == pixels(loose)


def pixels(picture):
    data, at = b"", 8
    while at < len(picture):
        size = int.from_bytes(picture[at : at + 4])
        body = picture[at + 8 : at + 8 + size]
        crc = picture[at + 8 + size : at + 12 + size]
        assert zlib.crc32(picture[at + 4 : at + 8] + body) == int.from_bytes(crc)
        data += body if picture[at + 4 : at + 8] == b"IDAT" else b""
        at += size + 12
    return zlib.decompress(data)


def test_save_writes_each_kind_of_file(chart, tmp_path):
    for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<svg role="), (".html", b"<!DOCTYPE")):
        vk.save(chart, tmp_path / f"chart{suffix}")
        assert (tmp_path / f"chart{suffix}").read_bytes().startswith(start)


def test_save_takes_results_and_explorers(tmp_path):
    counts = pl.DataFrame(
        {"item": "a", "time": [0.0, 1, 2, 4], "count": [0, 5, 11, 20], "kind": "cumulative"}
    )
    model = vk.Linear(counts, unit="period")
    vk.save(model.fit(), tmp_path / "fit.svg")
    assert "Does a Linear curve fit a?" in (tmp_path / "fit.svg").read_text()
    ui = vk.explore_fit(model)
    ui.rate.value = 8.0
    vk.save(ui, tmp_path / "explorer.svg")
    assert "times that of the best fit" in (tmp_path / "explorer.svg").read_text()


def test_save_refuses_other_suffixes_with_a_next_step(chart, tmp_path):
    with pytest.raises(
        ValueError, match=r"'\.gif' is not known; suffixes: \.png, \.svg, \.html\. Name"
    ):
        vk.save(chart, tmp_path / "chart.gif")
    assert not list(tmp_path.iterdir())


def test_a_saved_page_holds_all_it_needs_and_runs_no_text_of_the_data(chart, tmp_path):
    vk.save(chart, tmp_path / "chart.html")
    page = (tmp_path / "chart.html").read_text()
    assert PAYLOAD not in page
    assert page.count("</script>") == 2
    assert "\\u003c/script>\\u003cscript>window.fired=1" in page
    assert "src=" not in page.split("<script>")[0] and "default-src 'none'" in page


def test_a_saved_svg_escapes_text_of_the_data(tmp_path):
    text = '"><script>window.fired=1</script>'
    chart = vk.counts_chart(pl.DataFrame({"item": text, "time": [0.0, 1], "count": [1, 2]}))
    vk.save(chart, tmp_path / "chart.svg")
    picture = (tmp_path / "chart.svg").read_text()
    assert "<script" not in picture and "&lt;script" in picture


def test_only_a_person_is_told_that_the_first_picture_is_slow(monkeypatch, capsys):
    monkeypatch.setattr(render, "_SLOW", -1.0)
    spec = alt.Chart(alt.Data(values=[{"x": 1}])).mark_point().to_dict()
    for allowed, lines in ((False, 0), (True, 1)):
        kernel = types.SimpleNamespace(kernel=types.SimpleNamespace(_allow_stdin=allowed))
        shell = types.SimpleNamespace(get_ipython=lambda kernel=kernel: kernel)
        monkeypatch.setitem(sys.modules, "IPython", shell)
        monkeypatch.setattr(render, "_first_picture", True)
        render._png(spec, 1)
        render._png(spec, 1)
        assert capsys.readouterr().err.count("The first picture took") == lines


def test_texts_can_be_read_on_white():
    for colour in (*TEXTS, "#222222", "#595959"):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        light = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
        assert 1.05 / (light + 0.05) >= 4.5, colour
    assert len(set(MARKS)) == 4


@given(st.text(st.characters(codec="utf-8")))
def test_texts_of_pictures_hold_only_what_xml_allows(text):
    clean = render._printable({text: [text]})
    ((name, (value,)),) = clean.items()
    assert name == value
    ElementTree.fromstring(f"<a>{html.escape(value)}</a>")


def test_control_characters_in_data_do_not_end_the_process(tmp_path):
    code = """
import polars as pl, sys, viralkit as vk
name = "".join(map(chr, [*range(1, 32), 127, 0xFFFE, 0xFFFF])) + "a"
counts = pl.DataFrame({"item": [name] * 2 + ["b"], "time": [0.0, 1, 2], "count": [1, 2, 3]})
for suffix in ("png", "svg"):
    vk.save(vk.counts_chart(counts, title=name), f"{sys.argv[1]}/chart.{suffix}")
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    ElementTree.parse(tmp_path / "chart.svg")


def test_save_refuses_what_is_no_chart_and_where_there_is_no_folder(chart, tmp_path):
    with pytest.raises(TypeError, match=r"'DataFrame' is not a chart; allowed: .*counts_chart"):
        vk.save(pl.DataFrame({"a": [1]}), tmp_path / "x.png")
    with pytest.raises(FileNotFoundError, match=r"folder '.*nodir' not found; .* Make it: pathlib"):
        vk.save(chart, tmp_path / "nodir" / "x.png")
