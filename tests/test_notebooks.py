"""Every notebook as committed: executed, tidy, short, in the template. No kernel runs here."""

import ast
import importlib.util
import json
import re
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from notebook_prose import CHART, joined, unshown_numbers

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"
SECTIONS = ["Question", "Data", "Picture", "Model", "Check", "Explore", "Finding", "Sources"]
NOT_IN_CODE = {
    r"^\s*[%!]": "shell commands and magics",
    r"\bpip\b": "pip",
    r"\bfetch_|\burllib\b|\brequests\b|https?://": "downloads",
    r"\binteract(ive)?\(": "interact: build on an explore_ function",
    r"^\s*with out": "with out: display()",
    r"display_id": "display_id updates",
    r";\s*$": "a trailing semicolon, which hides the output from strict comparison",
    r"NBVAL_": "an nbval marker",
}

Notebook = dict[str, Any]


def load_refresh() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refresh", FOLDER / "refresh.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=PATHS, ids=[path.name for path in PATHS])
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def notebook(path: Path) -> Notebook:
    content: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return content


def code_cells(notebook: Notebook) -> list[Notebook]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell: Notebook) -> str:
    return joined(cell["source"])


def mimetypes(cell: Notebook) -> set[str]:
    return {kind for output in cell["outputs"] for kind in output.get("data", {})}


def shows_something(cell: Notebook) -> bool:
    """Tell whether the cell's last line is a value that a reader is meant to see."""
    last = ast.parse(source(cell)).body[-1]
    if not isinstance(last, ast.Expr):
        return False
    if isinstance(last.value, ast.Call):
        return bool(re.search(r"(_chart|frame|summary)$|^explore_", called(last.value.func)))
    return True


def called(function: ast.expr) -> str:
    return getattr(function, "attr", "") or getattr(function, "id", "")


def test_there_are_notebooks() -> None:
    assert PATHS


def test_the_name_is_a_number_and_full_words(path: Path) -> None:
    assert re.fullmatch(r"\d\d-[a-z]+(-[a-z0-9]+)+\.ipynb", path.name)


def test_the_index_and_the_folder_agree() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(([^)/]+\.ipynb)\)", index)) == {path.name for path in PATHS}


def test_it_is_a_valid_notebook(notebook: Notebook) -> None:
    nbformat.validate(notebook)
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)


def test_it_was_executed_from_top_to_bottom(notebook: Notebook) -> None:
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run python notebooks/refresh.py"


def test_no_output_is_stripped(notebook: Notebook) -> None:
    empty = [source(c) for c in code_cells(notebook) if shows_something(c) and not c["outputs"]]
    assert not empty, "run python notebooks/refresh.py"
    assert sum(bool(cell["outputs"]) for cell in code_cells(notebook)) >= 3


def test_no_cell_failed_or_warned(notebook: Notebook) -> None:
    outputs = [output for cell in code_cells(notebook) for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output["text"] for output in outputs if output.get("name") == "stderr"]


def test_it_is_written_by_refresh(path: Path, notebook: Notebook) -> None:
    refresh = load_refresh()
    assert notebook["metadata"] == {
        "kernelspec": refresh.KERNEL,
        "language_info": refresh.LANGUAGE,
    }
    assert all(set(cell["metadata"]) <= {"tags"} for cell in notebook["cells"])
    tidied = nbformat.read(path, as_version=4)
    refresh.tidy(tidied)
    assert tidied == nbformat.read(path, as_version=4), "run python notebooks/refresh.py"


def test_code_is_short(notebook: Notebook) -> None:
    cells = code_cells(notebook)
    assert len(cells) <= 15
    assert not [source(cell) for cell in cells if len(source(cell).splitlines()) > 12]
    assert not [source(cell) for cell in cells if not source(cell).strip()]


def test_no_function_is_longer_than_five_lines(notebook: Notebook) -> None:
    trees = [ast.parse(source(cell)) for cell in code_cells(notebook)]
    functions = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    assert not [f.name for f in functions if (f.end_lineno or 0) - f.lineno >= 5]


@pytest.mark.parametrize("pattern", NOT_IN_CODE, ids=list(NOT_IN_CODE.values()))
def test_code_has_none_of(pattern: str, notebook: Notebook) -> None:
    lines = [line for cell in code_cells(notebook) for line in source(cell).splitlines()]
    assert not [line for line in lines if re.search(pattern, line)]


def test_the_title_is_a_question_and_the_first_cell_answers_it(notebook: Notebook) -> None:
    first = notebook["cells"][0]
    assert first["cell_type"] == "markdown"
    title, _, answer = source(first).strip().partition("\n")
    assert re.fullmatch(r"# .+\?", title)
    assert len(re.findall(r"\d+(?:[.,]\d+)*", answer)) >= 3, "a number and its interval"


def test_the_sections_are_those_of_the_template(notebook: Notebook) -> None:
    texts = [source(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert re.findall(r"^## +(.+?)\s*$", "\n".join(texts), re.MULTILINE) == SECTIONS


def test_half_of_it_is_prose(notebook: Notebook) -> None:
    prose = sum(len(source(c).split()) for c in notebook["cells"] if c["cell_type"] == "markdown")
    assert prose >= sum(len(source(cell).split()) for cell in code_cells(notebook))


def test_a_static_chart_stands_before_each_explorer(notebook: Notebook) -> None:
    cells = code_cells(notebook)
    places = [place for place, cell in enumerate(cells) if WIDGET in mimetypes(cell)]
    assert places, "no explorer"
    for place in places:
        before = mimetypes(cells[place - 1])
        assert CHART in before and WIDGET not in before, f"code cell {place + 1}: no chart before"


def test_a_cell_after_each_explorer_moves_it_and_shows_its_table(notebook: Notebook) -> None:
    for cell, after in pairwise(code_cells(notebook)):
        if WIDGET in mimetypes(cell):
            assert ".value = " in source(after) and ".table" in source(after), source(after)
            assert after["outputs"]
    assert WIDGET not in mimetypes(code_cells(notebook)[-1])


def test_charts_are_small_and_carry_a_picture(notebook: Notebook) -> None:
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            data = output.get("data", {})
            if CHART in data or WIDGET in data:
                assert {CHART, "image/png", "text/plain"} <= set(data), source(cell)
                tables = data[CHART].get("datasets", {}).values()
                assert sum(len(rows) for rows in tables) <= 5_000, source(cell)
            assert "application/javascript" not in data and "<script" not in joined(
                data.get("text/html", "")
            )


def test_every_number_in_prose_stands_in_an_output(path: Path, notebook: Notebook) -> None:
    missing = unshown_numbers(notebook["cells"])
    assert not missing, (
        f"{path.name}: these numbers stand in no output above them:\n  "
        + "\n  ".join(missing)
        + "\nShow them, round as the output does, or put a quoted claim into “quotes”"
        " (tests/notebook_prose.py tells the rule)."
    )
