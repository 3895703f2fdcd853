"""Does the wheel hold the whole kit, and does it work where there is no checkout?

``python tests/check_wheel.py`` builds a wheel and an sdist, a wheel from that sdist, compares the
two, installs one into a new environment, and from ``/`` loads every data set, fits a model and
calls a compiled loop.
"""

import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PIP = ["-m", "pip", "--disable-pip-version-check", "-qq"]
USE = """
import math, pathlib, viralkit as vk, polars as pl
home = pathlib.Path(vk.__file__).parent
assert "site-packages" in str(home), f"not the installed wheel: {home}"
listed = vk.datasets()
assert listed.height > 0
for name, rows in listed.select("loader", "rows").iter_rows():
    assert getattr(vk, name)().height == rows > 0, name
for dataset in listed["dataset"].unique():
    assert vk.describe(dataset).height > 0, dataset
sales = [5, 9, 16, 27, 44, 66, 88, 99, 92, 71, 47, 28, 15]
frame = pl.DataFrame({"item": "sets", "time": [float(t) for t in range(14)], "count": [0, *sales]})
frame = frame.with_columns(pl.col("count").cum_sum(), kind=pl.lit("cumulative"))
results = vk.Bass(vk.check(frame, "counts"), unit="period").fit()
assert 0 < results.params["p"] < results.params["q"] < 2, results.params
assert all(math.isfinite(value) for value in results.bse.values())
events = vk.simulate_cascades(0.0, n_cascades=1, broadcast=50.0)
star = vk.cascade_table(events).row(0, named=True)
assert math.isclose(star["structural_virality"], 2 - 2 / star["size"]), star
print(f"{listed.height} tables loaded, Bass fitted:", results.params, "cascade measured:", star)
"""


def python(executable: Path | str, *arguments: str, cwd: Path | str = ROOT) -> str:
    """Run Python with these arguments and give what it printed; stop where it fails."""
    done = subprocess.run(
        [str(executable), *arguments], cwd=cwd, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def build(source: Path, target: Path, kind: str) -> Path:
    """Build one wheel or sdist of a source folder; give its path."""
    python(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target), cwd=source)
    (found,) = target.iterdir()
    return found


def contents(wheel: Path) -> dict[str, bytes]:
    """Read every file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def unpacked(sdist: Path, target: Path) -> Path:
    """Unpack an sdist; give the folder with its pyproject.toml."""
    with tarfile.open(sdist) as archive:
        archive.extractall(target, filter="data")
    (folder,) = target.iterdir()
    return folder


def expected_files() -> set[str]:
    """List the files that a wheel must carry, by the names they have in it."""
    kit = {p.relative_to(ROOT).as_posix() for p in ROOT.glob("viralkit/**/*.py*") if p.is_file()}
    data = {f"viralkit/_data/{p.relative_to(ROOT / 'data').as_posix()}" for p in data_files()}
    return {name for name in kit if "__pycache__" not in name} | data | {"viralkit/py.typed"}


def data_files() -> list[Path]:
    """List the files of the data folder."""
    return [path for path in ROOT.glob("data/**/*") if path.is_file()]


def install_and_use(wheel: Path, home: Path) -> str:
    """Install the wheel into a new environment with the locked dependencies; use it from /."""
    venv.create(home, with_pip=True)
    executable = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    locked = ["--require-hashes", "--no-deps", "-r", str(ROOT / "requirements.lock")]
    python(executable, *PIP, "install", *locked)
    python(executable, *PIP, "install", "--no-deps", str(wheel))
    return python(executable, "-I", "-c", USE, cwd="/")


def main() -> None:
    """Build, compare, install, use."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        wheel, sdist = build(ROOT, work / "wheel", "wheel"), build(ROOT, work / "sdist", "sdist")
        second = build(unpacked(sdist, work / "source"), work / "second", "wheel")
        assert contents(wheel) == contents(second), "the sdist builds another wheel"
        kit = {name for name in contents(wheel) if ".dist-info/" not in name}
        assert kit == expected_files(), sorted(kit ^ expected_files())
        print(f"wheel: {len(kit)} files, {wheel.stat().st_size / 1024:.0f} kB, same from the sdist")
        print(install_and_use(wheel, work / "environment"), end="")


if __name__ == "__main__":
    main()
