"""The looks that the browser tests take do fail where they must."""

import pytest

pytest.importorskip("playwright")

import driving

EMBED = '<div class="vega-embed">{}</div>'
CANVAS = EMBED.format('<canvas width="90" height="90"></canvas>')
PAINT = """() => { const pen = document.querySelector('canvas').getContext('2d');
    for (const [i, colour] of ['red', 'green', 'blue'].entries()) {
        pen.fillStyle = colour; pen.fillRect(20 * i, 0, 20, 90) } }"""


@pytest.fixture
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def test_an_empty_canvas_is_no_chart(page) -> None:
    page.set_content(CANVAS)
    assert driving.charts_drawn(page.locator("body")) == [False]


def test_a_painted_canvas_is_a_chart(page) -> None:
    page.set_content(CANVAS)
    page.evaluate(PAINT)
    assert driving.charts_drawn(page.locator("body")) == [True]


def test_a_frame_without_canvas_is_no_chart(page) -> None:
    page.set_content(EMBED.format("") + EMBED.format('<svg class="marks"><path/></svg>'))
    assert driving.charts_drawn(page.locator("body")) == [False, False]


def test_a_request_to_the_outside_is_seen(lab, browser) -> None:
    page, outside = driving.new_page(browser, lab)
    page.set_content('<img src="https://example.org/dot.png"><img src="data:,">')
    page.wait_for_timeout(500)
    assert outside.seen == ["https://example.org/dot.png"]
    page.close()


def test_requests_to_the_lab_are_its_own(lab, browser) -> None:
    page, outside = driving.new_page(browser, lab)
    page.goto(lab.address(""))
    page.locator(".jp-DirListing-item").first.wait_for()
    assert outside.seen == []
    page.close()
