"""What refresh.py writes is the same each time, and strict comparison sees a changed number."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
STRICT = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", str(NOTEBOOKS / "nbval.cfg")]
CELLS = ["import ipywidgets\nipywidgets.IntSlider(7)", "object()", "print(1 / 4)"]


def write(path: Path, *cells: str) -> Path:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    nbformat.write(notebook, path)
    return path


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=NOTEBOOKS.parent)


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write(tmp_path_factory.mktemp("refresh") / "01-a-toy.ipynb", *CELLS)
    assert run(NOTEBOOKS / "refresh.py", path).returncode == 0
    return path


def test_a_second_run_gives_the_same_bytes(refreshed: Path) -> None:
    before = refreshed.read_bytes()
    assert "unchanged" in run(NOTEBOOKS / "refresh.py", refreshed).stdout
    assert refreshed.read_bytes() == before
    assert list(refreshed.parent.iterdir()) == [refreshed]


def test_nothing_of_the_run_or_the_machine_is_stored(refreshed: Path) -> None:
    notebook = json.loads(refreshed.read_text("utf-8"))
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert "version" not in notebook["metadata"]["language_info"]
    assert all(cell["metadata"] == {} for cell in notebook["cells"])
    assert notebook["cells"][1]["outputs"][0]["data"]["text/plain"] == [
        "<object at 0x000000000000>"
    ]


def test_a_failing_cell_is_named_and_the_file_stays(tmp_path: Path) -> None:
    path = write(tmp_path / "01-broken.ipynb", "1 + 1", "1 / 0")
    before = path.read_bytes()
    done = run(NOTEBOOKS / "refresh.py", path)
    assert done.returncode != 0
    for part in ("01-broken.ipynb", "cell 1", "ZeroDivisionError"):
        assert part in done.stderr
    assert path.read_bytes() == before


def test_a_notebook_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run(NOTEBOOKS / "refresh.py", tmp_path / "99-none.ipynb")
    assert done.returncode != 0 and "99-none.ipynb" in done.stderr


def test_strict_comparison_sees_another_digit_and_nothing_else(
    refreshed: Path, tmp_path: Path
) -> None:
    other = tmp_path / "02-other.ipynb"
    other.write_text(refreshed.read_text("utf-8").replace('"0.25\\n"', '"0.26\\n"'), "utf-8")
    done = run("-m", "pytest", *STRICT, refreshed, other)
    assert "1 failed, 5 passed" in done.stdout, done.stdout
    assert "0.26" in done.stdout
