"""Kernels: compiled at the first call, with or without a cache folder, and with a word if slow."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
import pytest

from viralkit.compiled import compiling
from viralkit.compiled.number_keys import number_keys

ROOT = Path(__file__).parents[2]
KERNELS = sorted(path.stem for path in ROOT.glob("viralkit/compiled/*.py") if path.stem[0] != "_")


def doubled(values: np.ndarray) -> np.ndarray:
    return values * 2


def test_a_kernel_is_compiled_at_its_first_call_for_each_dtype() -> None:
    kernel = compiling.kernel(doubled)
    assert not kernel.ready and not kernel.dispatcher.signatures
    assert kernel(np.array([1, 2])).tolist() == [2, 4]
    assert kernel(np.array([1.5])).tolist() == [3.0]
    assert kernel(np.array([2, 2])).tolist() == [4, 4]
    assert len(kernel.dispatcher.signatures) == len(kernel.ready) == 2


def test_nothing_is_compiled_at_import() -> None:
    names = ", ".join(f"viralkit.compiled.{name}" for name in KERNELS)
    code = f"""
import importlib, numba
seen = []
numba.core.compiler.compile_extra = lambda *a, **k: seen.append(a)
for name in {names.split(", ")}:
    importlib.import_module(name)
assert not seen, seen
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_works_where_no_folder_can_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locator(*args: object, **choices: object) -> object:
        if choices.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **choices)

    real = numba.njit
    monkeypatch.setattr(compiling.numba, "njit", no_locator)
    assert compiling.kernel(doubled)(np.array([4])).tolist() == [8]


def test_it_works_where_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = compiling.kernel(doubled)

    def full(signature: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kernel.dispatcher, "compile", full)
    assert kernel(np.array([4])).tolist() == [8]


def test_installed_in_folders_of_somebody_else_it_still_counts(tmp_path: Path) -> None:
    # root may write everywhere, so files stand where numba wants its folders
    package = tmp_path / "viralkit"
    subprocess.run(["cp", "-r", str(ROOT / "viralkit"), str(package)], check=True)
    for folder in [package, *package.rglob("*/")]:
        if folder.is_dir() and folder.name != "__pycache__":
            cache = folder / "__pycache__"
            subprocess.run(["rm", "-rf", str(cache)], check=True)
            cache.write_text("no folder")
    (tmp_path / "home").write_text("no folder")
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home")}
    code = (
        "import numpy as np, viralkit\n"
        "from viralkit.compiled.number_keys import number_keys as kernel\n"
        f"assert viralkit.__file__.startswith({str(tmp_path)!r}), viralkit.__file__\n"
        "print(kernel(np.array([5, 5, 7], np.uint64))[0], kernel.dispatcher.stats.cache_path)"
    )
    environment = {**os.environ, **home, "PYTHONPATH": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["[0", "0", "1]", "None"]


def test_compiling_for_long_is_announced_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling, "PATIENCE", 0.01)
    monkeypatch.setattr(compiling.Kernel, "spent", 0.0)
    monkeypatch.setenv("TQDM_DISABLE", "0")
    kernel = compiling.kernel(doubled)
    compiled = kernel.compile
    monkeypatch.setattr(kernel, "compile", lambda s: (time.sleep(0.2), compiled(s)))
    for values in ([1], [1], [1.0]):
        kernel(np.array(values))
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "viralkit compiles its loops (once: they are kept on disk where possible)."
    ]
    assert said.out == ""


def test_nothing_is_said_where_progress_bars_are_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")
    compiling.say()
    assert capsys.readouterr() == ("", "")


def test_numbers_of_keys_survive_the_growth_of_the_table() -> None:
    rng = np.random.default_rng(1)
    keys = rng.integers(0, 2**63, 5000).astype(np.uint64)[rng.integers(0, 5000, 20_000)]
    numbers, firsts = number_keys(keys)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    assert np.array_equal(firsts, first[order])
    assert np.array_equal(order[numbers], inverse)
