"""Text from data that would run as a script if it could: nothing runs, nothing breaks.

A positive control shows that the same text does run where it is not kept out.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

import altair as alt
import driving
import polars as pl

import viralkit as vk

PAYLOADS = [
    "</script><script>window.fired = 1</script>",
    '"><img src=x onerror="window.fired = 1">',
    "<svg onload='window.fired = 1'>",
    'a "quoted" name \\ with \' all ` of ${window.fired = 1} them',
    "');window.fired = 1;//",
    "datum.x || (window.fired = 1)",
    "{{window.fired = 1}} {% raw %}",
    "<iframe srcdoc='<script>top.fired = 1</script>'>",
    "[a](javascript:window.fired=1) <a href='javascript:window.fired=1'>b</a>",
    "\u202ereversed\u2028line\x07bell\ttab\nbreak",
    "=1+1 <b onmouseover=window.fired=1>",
    "x" * 300,
]
TABLES = """import polars as pl
import viralkit as vk
from viralkit.tables import Quality
vk.setup()
names = {names!r}
total = [0, 9, 31, 60, 105, 170, 260, 350, 420, 470, 500, 520]
bound = ["exact"] * 9 + ["at_least", "exact", "exact"]
def counts(name):
    return pl.DataFrame({{"item": name, "time": [float(i) for i in range(12)], "count": total,
                         "kind": "cumulative", "unit": name, "metric": name, "bound": bound,
                         "reference": name}})
happenings = pl.DataFrame({{"time": [1.0, 5.0], "label": names[:1] * 2}})
ids = [f"{{name}}{{i}}" for i in range(40) for name in names]
tree = pl.DataFrame({{"cascade_id": names[0], "event_id": ids, "parent_id": [None, *ids[:-1]],
                     "time": [float(i) for i in range(len(ids))], "label": names * 40}})
"""
CELLS = [
    "views = [counts(name).with_columns(unit=pl.lit('views')) for name in names]\n"
    "vk.counts_chart(pl.concat(views))",
    "vk.counts_chart(counts(names[0]), happenings, title=names[0])",
    "fits = [vk.Bass(counts(name), unit='period').fit() for name in names[:4]]\nfits[0].summary()",
    "vk.fit_chart(fits[0])",
    "vk.fit_chart(fits[1], view='growth')",
    "vk.residual_chart(fits[2])",
    "vk.forecast_chart(fits[3], 20.0)",
    "vk.explore_fit(vk.Bass(counts(names[0]), unit='period'))",
    "vk.explore_fit(vk.Bass(counts(names[3]), unit='period'))",
    "vk.explore_forecast(vk.Linear, counts(names[1]), unit='period')",
    "rename = pl.col('item').replace('Cloverfield', names[0])\n"
    "films = [t.with_columns(rename) for t in (vk.load_films(), vk.load_films_weekends(),"
    " vk.load_films_opening_days())]\nlegs = vk.explore_legs(*films)\n"
    "legs.film.value = names[0]\nlegs",
    "vk.cascade_chart(tree, title=names[1])",
    "vk.sizes_chart(tree.with_columns(cascade_id=pl.col('event_id')).head(8), 'label')",
    "log = pl.DataFrame({'time': range(len(names)), 'link_id': names, 'user': ids[:len(names)],"
    " 'source': names, 'referrer': names, 'agent': names, 'url': names})\n"
    "log = log.with_columns(pl.from_epoch('time').dt.replace_time_zone('UTC'))\n"
    "vk.channel_chart(vk.channel_table(vk.label_clicks(log).with_columns(channel='source')"
    ".with_columns(action=pl.lit('conversion'))), title=names[2])",
    "vk.generations_chart(pl.DataFrame({'stage': names[:9], 'count': range(9, 0, -1)}),"
    " title=names[0])",
    "kinds = [vk.power_of(2, 5).with_columns(kind=pl.lit(name)) for name in names[:4]]\n"
    "vk.generations_chart(pl.concat(kinds), 'kind')",
    "vk.explore_cascade(tree)",
    "times = [0.0, 40, 60, 200, 230, 240, 500, 520, 900, 1000, 1010, 2000]\n"
    "burst = pl.DataFrame({'cascade_id': names[0], 'event_id': ids[:12], 'time': times})\n"
    "hawkes = vk.Hawkes(burst, observed_until=2700)\nvk.fit_chart(hawkes.fit())",
    "vk.fit_chart(hawkes.fit(), view='growth')",
    "vk.residual_chart(hawkes.fit())",
    "vk.explore_fit(hawkes)",
    "daily = pl.DataFrame({'item': names[1], 'time': [float(i) for i in range(24)],"
    " 'count': [90, 40, 150, 60, 30, 80] * 4, 'kind': 'incremental'})\n"
    "daily = daily.with_columns(period_end=pl.col('time') + 1)\n"
    "shares = daily.with_columns(pl.col('count') // 10 + pl.int_range(24) % 5)\n"
    "vk.explore_fit(vk.HawkesIntensity(daily, shares, unit='period'))",
    "texts = pl.DataFrame({'file': names, 'line': 1, 'column': names, 'value': names,"
    " 'reason': names})\nQuality(texts.select(check='file', rows='line', note='file'),"
    " texts)",
    "pl.DataFrame({name: [name] for name in names})",
    "pl.DataFrame({'a': names}).lazy()",
    "pl.Series('a', names)",
]
CONTROL = f"from IPython.display import HTML\nHTML({PAYLOADS[1]!r})"


def notebook(cells: list[str]) -> str:
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    body = [{**empty, "id": f"cell{i}", "source": source} for i, source in enumerate(cells)]
    meta = {"kernelspec": kernel}
    return json.dumps({"cells": body, "metadata": meta, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def opened(lab, browser) -> Iterator[tuple]:
    """A notebook full of hostile text in JupyterLab, run; its page and panel."""
    cells = [TABLES.format(names=PAYLOADS), *CELLS]
    (lab.folder / "hostile.ipynb").write_text(notebook(cells))
    page, outside = driving.new_page(browser, lab)
    panel = driving.open_notebook(page, lab, "hostile.ipynb")
    driving.run_all(page)
    assert driving.errors(page) == []
    panel.locator(".viralkit-explorer .vega-embed canvas").nth(6).wait_for(state="attached")
    yield page, panel, outside
    page.close()


def fired(page) -> bool:
    page.wait_for_timeout(500)
    return bool(page.evaluate("() => window.fired"))


def test_nothing_runs_in_jupyterlab(opened) -> None:
    page, _, outside = opened
    assert not fired(page)
    assert outside.seen == []


def test_nothing_breaks_in_jupyterlab(opened) -> None:
    page, panel, _ = opened
    assert driving.errors(page) == []
    drawn = driving.charts_drawn(panel)
    assert all(drawn), f"blank charts at places {[i for i, ok in enumerate(drawn) if not ok]}"
    assert len(drawn) >= driving.charts_expected(page) == 21


def test_sliders_move_and_still_nothing_runs(opened) -> None:
    page, panel, _ = opened
    found = driving.explorers(panel)
    assert len(found) == 7
    for explorer in found:
        before = driving.looks(explorer)
        driving.move(driving.sliders(explorer)[0])
        assert driving.wait_for_change(page, explorer, before) == (True, True)
    assert not fired(page)


def test_tooltips_show_text_and_run_nothing(opened) -> None:
    page, panel, _ = opened
    chart = panel.locator(".jp-OutputArea-output .vega-embed").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    for part in range(20):
        page.mouse.move(box["x"] + 80 + 28 * part, box["y"] + 0.6 * box["height"])
        page.wait_for_timeout(20)
    assert not fired(page)


def test_sliders_and_charts_have_names_for_screen_readers(opened) -> None:
    page, panel, _ = opened
    explorer = driving.explorers(panel)[0]
    before = driving.looks(explorer)
    driving.move(driving.sliders(explorer)[0])
    driving.wait_for_change(page, explorer, before)
    page.wait_for_timeout(2_000)
    slider = explorer.get_by_role("slider", name="innovation p")
    assert slider.get_attribute("aria-valuetext") == explorer.locator("output").first.text_content()
    told = explorer.locator("[role=status][aria-live=polite]").text_content()
    assert told.startswith("The misfit is ")
    assert explorer.locator("[role='graphics-document']").get_attribute("aria-label") == told


def test_the_same_text_does_run_where_nothing_keeps_it_out(lab, browser) -> None:
    (lab.folder / "control.ipynb").write_text(notebook([CONTROL]))
    page, _ = driving.new_page(browser, lab)
    driving.open_notebook(page, lab, "control.ipynb")
    driving.run_all(page)
    assert fired(page)
    page.close()


def charts() -> list[alt.TopLevelMixin]:
    made = []
    for text in PAYLOADS:
        base = {"item": text, "time": [0.0, 1, 2, 3, 4], "count": [0, 5, 9, 14, 18]}
        counts = pl.DataFrame({**base, "kind": "cumulative", "unit": text})
        happenings = pl.DataFrame({"time": [1.0], "label": [text]})
        made.append(vk.counts_chart(counts, happenings))
        made.append(vk.counts_chart(counts, title=text))
        made.append(vk.fit_chart(vk.Linear(counts, unit="period").fit()))
    return made


@pytest.mark.parametrize("suffix", [".html", ".svg"])
def test_saved_files_run_nothing_and_fetch_nothing(suffix, browser, tmp_path) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for i, chart in enumerate(charts()):
        file = tmp_path / f"chart{i}{suffix}"
        vk.save(chart, file)
        page.goto(file.as_uri())
        page.locator("svg.marks").first.wait_for()
        assert page.locator("svg.marks path").count() > 3
        assert not page.evaluate("() => window.fired"), PAYLOADS[i // 3]
    assert [
        address for address in asked if not address.startswith(("file:", "data:", "blob:"))
    ] == []
    page.close()


def test_altairs_own_page_does_run_the_payload(browser, tmp_path: Path) -> None:
    data = pl.DataFrame({"x": [1], "name": [PAYLOADS[0]]})
    chart = alt.Chart(data).mark_point().encode(x="x:Q", y="name:N")
    (tmp_path / "chart.html").write_text(chart.to_html())
    page = browser.new_page()
    page.route(
        "**/*",
        lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort(),
    )
    page.goto((tmp_path / "chart.html").as_uri())
    assert page.evaluate("() => window.fired")
    page.close()
