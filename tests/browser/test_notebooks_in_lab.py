"""Each notebook in a real JupyterLab: opened from the index, run, looked at, its sliders moved."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

import driving

NOTEBOOKS = Path(os.environ.get("VIRALKIT_NOTEBOOKS", Path(__file__).parents[2] / "notebooks"))
NAMES = sorted(path.name for path in NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))


@pytest.fixture(scope="module", params=NAMES)
def opened(request, lab, browser) -> Iterator[tuple]:
    """A notebook opened from the index and run; its page, panel and requests to the outside."""
    page, outside = driving.new_page(browser, lab)
    panel = driving.open_from_index(page, lab, request.param)
    driving.run_all(page)
    yield page, panel, outside
    page.close()


def test_no_cell_fails(opened) -> None:
    page, _, _ = opened
    assert driving.errors(page) == []
    assert all(cell["count"] for cell in driving.code_cells(page) if cell["source"].strip())


def test_every_chart_is_drawn(opened) -> None:
    page, panel, _ = opened
    drawn = driving.charts_drawn(panel)
    assert all(drawn), f"blank charts at places {[i for i, ok in enumerate(drawn) if not ok]}"
    assert len(drawn) >= driving.charts_expected(page) > 0


def test_every_slider_changes_chart_and_table(opened) -> None:
    page, panel, _ = opened
    assert driving.explorers(panel)
    dead = []
    for place, explorer in enumerate(driving.explorers(panel)):
        assert driving.sliders(explorer)
        for number, handle in enumerate(driving.sliders(explorer)):
            before = driving.looks(explorer)
            driving.move(handle)
            chart, table = driving.wait_for_change(page, explorer, before)
            dead += [f"explorer {place}, slider {number}: the chart stays"] * (not chart)
            dead += [f"explorer {place}, slider {number}: the table stays"] * (not table)
    assert not dead
    assert driving.errors(page) == []


def test_nothing_leaves_the_machine(opened) -> None:
    _, _, outside = opened
    assert outside.seen == []
