"""A JupyterLab and a chromium for the tests of this folder, or the reason why there is none."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = Path(os.environ.get("VIRALKIT_NOTEBOOKS", ROOT / "notebooks"))


def missing() -> str:
    """Name what a browser test needs and this machine lacks."""
    absent = [name for name in ("jupyterlab", "playwright") if not importlib.util.find_spec(name)]
    if absent:
        return f"Python package {absent[0]} is missing"
    from driving import CHROMIUM

    return "" if CHROMIUM.exists() else f"{CHROMIUM} is missing (apt install chromium)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests; skip them with a reason, or fail where a browser is required."""
    reason = missing()
    if reason and os.environ.get("VIRALKIT_BROWSER") == "required":
        raise pytest.UsageError(f"browser tests are required here, but {reason}")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A JupyterLab with clean settings that serves a copy of the notebooks."""
    from driving import jupyterlab

    with jupyterlab(NOTEBOOKS, tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's chromium."""
    from driving import chromium
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        instance = chromium(playwright)
        yield instance
        instance.close()
