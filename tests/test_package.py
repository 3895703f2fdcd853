"""The package as a whole: light to import, documented, one list of names, nothing private in it."""

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import viralkit
from viralkit.cascades.graphs import LIBRARIES

ROOT = Path(__file__).resolve().parents[1]
STUB = ast.parse((ROOT / "viralkit/__init__.pyi").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NAMES = [
    alias.asname or alias.name
    for node in STUB.body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
]
PUBLIC = [name for name in NAMES if not name.startswith("_")]
HEAVY = {"altair", "ipywidgets", "numba", "numpy", "pandas", "polars", "scipy", "statsmodels"}
REGISTRIES = (
    "pypi" + r"\.org",
    "pythonhosted" + r"\.org",
    r"registry\.npm" + "js",
    r"conda\.anaconda",
)
PRIVATE = re.compile(
    "|".join([*REGISTRIES, "/" + "home/[a-z]", "/" + "root/", "/" + "Users/[a-zA-Z]"])
)


def fresh(code: str) -> str:
    """Run code in a new Python, from a folder without the package, and give what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    return done.stdout


def tracked() -> list[Path]:
    """List the files of the repository, or skip where git or the repository is absent."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_import_alone_loads_nothing_heavy() -> None:
    loaded = fresh("import sys, json, viralkit; print(json.dumps(sorted(sys.modules)))")
    assert HEAVY.isdisjoint(json.loads(loaded))


def test_looking_at_the_names_loads_nothing_heavy() -> None:
    look = "dir(viralkit); viralkit.__version__"
    loaded = fresh(f"import sys, json, viralkit; {look}; print(json.dumps(sorted(sys.modules)))")
    assert HEAVY.isdisjoint(json.loads(loaded))


def test_there_are_names_and_at_most_ninety() -> None:
    assert 0 < len(PUBLIC) <= 90


def test_no_name_is_listed_twice() -> None:
    assert sorted(NAMES) == sorted(set(NAMES))


def test_the_stub_is_the_list_that_users_see() -> None:
    assert sorted(viralkit.__all__) == sorted(NAMES)
    assert set(NAMES) <= set(dir(viralkit))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        viralkit.no_such_name  # noqa: B018


@pytest.mark.parametrize("name", PUBLIC)
def test_a_name_has_a_first_line_that_tells_what_it_does(name: str) -> None:
    thing = getattr(viralkit, name)
    lines = (inspect.getdoc(thing) or "").splitlines()
    assert lines and len(lines[0]) >= 15, (
        f"viralkit.{name} has no docstring that says what it is for"
    )
    assert len(lines) == 1 or not lines[1], f"viralkit.{name}: a blank line follows the first line"


def choices(thing: object) -> list[inspect.Parameter]:
    """List what a function, or a class that is no error, is called with."""
    if not callable(thing) or (inspect.isclass(thing) and issubclass(thing, Exception)):
        return []
    return list(inspect.signature(thing).parameters.values())


@pytest.mark.parametrize("name", PUBLIC)
def test_a_function_has_few_choices_and_they_are_named(name: str) -> None:
    # A column's name, as time="time", is data rather than a choice; so is another table.
    parameters = choices(getattr(viralkit, name))
    by_place = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    named = [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.default != p.name]
    assert not [p for p in parameters if p.kind is p.VAR_KEYWORD], f"viralkit.{name}: **keywords"
    late = [p for p in by_place[2:] if "DataFrame" not in str(p.annotation)]
    assert all(p.default is p.empty for p in late), f"viralkit.{name}: name its choices"
    assert len(named) <= 5, f"viralkit.{name} has {len(named)} choices; five are the most"


def test_the_repository_names_no_private_path_and_no_registry() -> None:
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match}" for match in PRIVATE.findall(text)]
    assert not found


def test_the_lock_pins_every_requirement_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"^(?=\w)", lock, flags=re.MULTILINE)[1:]
    assert len(blocks) > 50
    assert [
        b for b in blocks if not re.match(r"[\w.-]+==\S+ (; .* )?\\\n    --hash=sha256:", b)
    ] == []
    assert "://" not in lock and "index-url http" not in lock


def names_of(requirements: list[str]) -> set[str]:
    """Give the names of the packages that requirements ask for."""
    return {re.split(r"[^\w.-]", line)[0].lower() for line in requirements}


def test_the_lock_holds_what_the_project_asks_for() -> None:
    extras = PROJECT["optional-dependencies"]
    names = names_of([*PROJECT["dependencies"], *extras["lab"], *extras["test"]])
    lock = set(re.findall(r"^[\w.-]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names <= lock


def test_the_dependencies_are_those_that_the_code_uses() -> None:
    modules = {"lazy-loader": "lazy_loader", "vl-convert-python": "vl_convert"}
    asked = {modules.get(name, name) for name in names_of(PROJECT["dependencies"])}
    assert imported() == asked


def test_graph_libraries_are_optional() -> None:
    # they are imported by name, when a graph is asked for
    libraries = set(LIBRARIES) - {"arrays"}
    assert libraries <= names_of(PROJECT["optional-dependencies"]["test"])
    assert libraries.isdisjoint(names_of(PROJECT["dependencies"]))
    loaded = fresh("import sys, json, viralkit.cascades.graphs; print(json.dumps([*sys.modules]))")
    assert libraries.isdisjoint(json.loads(loaded))


def imported() -> set[str]:
    """Give the packages from elsewhere that the kit's files import."""
    trees = [ast.parse(path.read_text("utf-8")) for path in ROOT.glob("viralkit/**/*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = [alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    names += [n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module and not n.level]
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"viralkit"}
