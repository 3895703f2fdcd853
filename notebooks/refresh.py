"""Run notebooks in a clean kernel and write them so that a second run gives the same bytes.

``python notebooks/refresh.py`` runs every ``NN-*.ipynb`` beside this file; names given after it
run only those. A cell that fails stops the work, and its notebook stays as it was.
"""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"}
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
MODEL_ID = re.compile(r"\b[0-9a-f]{32}\b")
WIDGET = "application/vnd.jupyter.widget-view+json"


def refresh(path: Path) -> bool:
    """Run one notebook and write it; say whether its bytes changed."""
    notebook = nbformat.read(path, as_version=4)
    clear(notebook)
    run(notebook, path)
    tidy(notebook)
    nbformat.validate(notebook)
    return write(path, nbformat.writes(notebook))


def clear(notebook: Any) -> None:
    """Take the outputs away; a cell without a name gets one from its place."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for place, cell in enumerate(notebook.cells):
        cell.setdefault("id", f"cell-{place:02d}")
        cell.source = cell.source.rstrip()
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def run(notebook: Any, path: Path) -> None:
    """Execute the cells in this environment's Python, in the notebook's folder."""
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=40"],
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise SystemExit(f"{path.name}: {failed_cell(notebook)} failed.\n{error}") from None


def failed_cell(notebook: Any) -> str:
    """Name the first cell that holds an error, by its place (from 0) and name."""
    for place, cell in enumerate(notebook.cells):
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return f"cell {place} ({cell.id})"
    return "a cell"


def tidy(notebook: Any) -> None:
    """Drop what depends on the machine, the clock or chance."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": sorted(tags)} if tags else {})
        for output in cell.get("outputs", []):
            tidy_output(output)


def tidy_output(output: Any) -> None:
    """Replace memory addresses and widget ids, which are new in each run."""
    if output.output_type == "stream":
        output.text = plain(output.text)
    for kind, value in output.get("data", {}).items():
        if kind == WIDGET:
            value["model_id"] = "0" * 32
        elif isinstance(value, str) and kind.startswith("text/"):
            output.data[kind] = plain(value)


def plain(text: str) -> str:
    """Blot out memory addresses and widget ids."""
    return MODEL_ID.sub("0" * 32, ADDRESS.sub("0x000000000000", text))


def write(path: Path, text: str) -> bool:
    """Put the text in place of the file at once, never half of it."""
    if path.read_text(encoding="utf-8") == text + "\n":
        return False
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".refresh-", suffix=".ipynb")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text + "\n")
        os.chmod(name, path.stat().st_mode)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
    return True


def main(names: list[str]) -> None:
    """Refresh the notebooks named, or all of them."""
    paths = [Path(name).resolve() for name in names] or sorted(HERE.glob("[0-9][0-9]-*.ipynb"))
    missing = [str(path) for path in paths if not path.is_file()]
    if missing or not paths:
        raise SystemExit(f"no such notebook: {', '.join(missing) or f'{HERE}/NN-*.ipynb'}")
    os.environ["TQDM_DISABLE"] = "1"  # a progress bar shows on a slow machine only
    for path in paths:
        print(f"{path.name}: {'written' if refresh(path) else 'unchanged'}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
