"""Files, metadata, loaders and README agree, in both directions; the rows are what they claim."""

import csv
import json
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import viralkit as vk
from viralkit import tables
from viralkit.datasets import _data_home

HOME = Path(__file__).parent.parent / "data"
PACKAGES = {
    path.parent.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(HOME.glob("*/datapackage.json"))
}
RESOURCES = {
    resource["name"]: (dataset, resource)
    for dataset, package in PACKAGES.items()
    for resource in package["resources"]
}
POLARS_TYPES = {
    "string": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "date": pl.Date,
    "boolean": pl.Boolean,
}
each_package = pytest.mark.parametrize("dataset", PACKAGES)
each_table = pytest.mark.parametrize("table", RESOURCES)


def load(table: str) -> pl.DataFrame:
    return getattr(vk, f"load_{table}")()


def fields(table: str) -> dict[str, dict]:
    return {field["name"]: field for field in RESOURCES[table][1]["schema"]["fields"]}


def raw(table: str) -> list[list[str]]:
    dataset, resource = RESOURCES[table]
    with (HOME / dataset / resource["path"]).open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def has(part: dict, of: str, **wanted: object) -> None:
    """Say what must stand in a part of a datapackage.json, and where."""
    for key, value in wanted.items():
        rule = f"{of}: {key!r} must be {value!r}; copy data/literature/datapackage.json"
        assert part.get(key) == value, rule


def references(dataset: str) -> set[str]:
    names = [name for name, (home, _) in RESOURCES.items() if home == dataset]
    return set().union(*(load(name)["reference"].str.split(";").explode() for name in names))


# -- what is there, in both directions ---------------------------------------------------------


def test_home_is_the_checkout() -> None:
    assert _data_home() == HOME


def test_every_folder_is_a_package_and_holds_only_it_and_its_csv() -> None:
    for folder in (path for path in HOME.iterdir() if path.is_dir()):
        assert folder.name in PACKAGES
        paths = {resource["path"] for resource in PACKAGES[folder.name]["resources"]}
        assert {path.name for path in folder.iterdir()} == paths | {"datapackage.json"}


def test_every_resource_has_a_loader_and_the_reverse() -> None:
    loaders = {name for name in vk.__all__ if name.startswith("load_")}
    assert loaders == {f"load_{name}" for name in RESOURCES}
    defined = {name for name in dir(sys.modules["viralkit.datasets"]) if name.startswith("load_")}
    assert defined == loaders


def test_datasets_lists_every_table_with_its_rows() -> None:
    listed = vk.datasets()
    assert listed.columns == ["dataset", "table", "loader", "rows", "title"]
    assert listed["table"].to_list() == list(RESOURCES)
    for row in listed.iter_rows(named=True):
        assert row["dataset"] == RESOURCES[row["table"]][0]
        assert row["rows"] == len(raw(row["table"])) - 1
        assert getattr(vk, row["loader"])().height == row["rows"]


def test_readme_lists_every_table_with_its_rows() -> None:
    text = (HOME / "README.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"(\w+) \((\d+)\)", text))
    assert found == {name: str(len(raw(name)) - 1) for name in RESOURCES}
    assert set(re.findall(r"\((\w+)/datapackage\.json\)", text)) == set(PACKAGES)


# -- metadata ----------------------------------------------------------------------------------


@each_package
def test_package_says_what_it_is(dataset: str) -> None:
    package, title, told = PACKAGES[dataset], "longer than 20 characters", "longer than 300"
    has(package, "package", name=dataset, profile="tabular-data-package")
    assert len(package.get("title", "")) > 20, f"title of {dataset}: {title}"
    about = package.get("description", "")
    assert len(about) > 300, f"description of {dataset}: {told}; how collected, missing, odd"
    for word in ("Missing: ", "Odd: "):
        assert word in about, f"description of {dataset}: a sentence that begins with {word!r}"
    licences = [licence["name"] for licence in package.get("licenses", [])]
    assert licences == ["CC0-1.0"], f"licenses of {dataset}: CC0-1.0 for the compilation"
    for resource in package["resources"]:
        name = resource["name"]
        assert name.startswith(dataset), f"{name}: its name begins with {dataset!r}"
        has(resource, name, path=f"{name}.csv")
        has(resource["schema"], f"schema of {name}", missingValues=[""])
        assert resource["schema"].get("primaryKey"), f"schema of {name}: primaryKey"
        assert resource.get("title"), f"{name}: a title"
        assert resource.get("description", "").endswith("."), f"{name}: a description in sentences"


@each_package
def test_sources_are_defined_once_and_all_used(dataset: str) -> None:
    sources = PACKAGES[dataset]["sources"]
    names = [source["name"] for source in sources]
    paths = [source["path"] for source in sources if "path" in source]
    assert names == sorted(set(names)) and len(paths) == len(set(paths))
    assert references(dataset) == set(names)
    for source in sources:
        assert re.fullmatch(r"[a-z0-9-]+", source["name"]) and len(source["title"]) > 5
        assert re.fullmatch(r"https?://[^\s;]+", source.get("path", "https://none"))


@each_table
def test_every_field_is_described_and_numbers_have_a_unit(table: str) -> None:
    for name, field in fields(table).items():
        assert field["type"] in POLARS_TYPES, name
        assert len(field["description"]) > 5 and field["description"][-1] in ".;", name
        assert ("unit" in field) == (field["type"] in {"integer", "number"}), name
        if field.get("unit") == "see column unit":
            assert "unit" in fields(table), name


# -- rows --------------------------------------------------------------------------------------


@each_table
def test_header_is_the_schema_in_order(table: str) -> None:
    assert raw(table)[0] == list(fields(table)) == load(table).columns


@each_table
def test_values_have_the_types_of_the_schema(table: str) -> None:
    frame = load(table)
    types = {name: POLARS_TYPES[field["type"]] for name, field in fields(table).items()}
    assert dict(frame.schema) == types
    empty = [sum(row[i] == "" for row in raw(table)[1:]) for i in range(len(types))]
    assert list(frame.null_count().row(0)) == empty  # nothing became null while parsing


@each_table
def test_primary_key_is_unique_and_orders_the_rows(table: str) -> None:
    key = RESOURCES[table][1]["schema"]["primaryKey"]
    frame = load(table).select(key)
    assert frame.is_unique().all() and not any(frame.null_count().row(0))
    assert_frame_equal(frame, frame.sort(key))


@each_table
def test_constraints_hold(table: str) -> None:
    frame = load(table)
    for name, field in fields(table).items():
        rules, values = field.get("constraints", {}), frame[name].drop_nulls()
        assert not rules.get("required") or len(values) == len(frame), name
        assert set(values) <= set(rules["enum"]) if "enum" in rules else True, name
        assert "minimum" not in rules or (values >= rules["minimum"]).all(), name
        assert "maximum" not in rules or (values <= rules["maximum"]).all(), name
        assert values.len() > 0, f"{name} is empty"


@each_table
def test_cells_are_tidy(table: str) -> None:
    kinds = [field["type"] for field in fields(table).values()]
    for row in raw(table)[1:]:
        for cell, kind in zip(row, kinds, strict=True):
            assert cell == cell.strip() and "\n" not in cell
            assert kind != "string" or not cell.startswith(("=", "+", "-", "@")), cell


@each_table
def test_days_lie_in_their_interval(table: str) -> None:
    frame = load(table)
    if "time_lower" in frame.columns:
        lower, time, upper = frame["time_lower"], frame["time"], frame["time_upper"]
        assert ((lower <= time) & (time <= upper)).drop_nulls().all()
        assert (lower.is_null() == upper.is_null()).all() and (lower < upper).drop_nulls().all()
    if "period_end" in frame.columns:
        assert (frame["period_end"] > frame["time"]).all()


def test_counts_and_happenings_are_the_kits_tables() -> None:
    for kind, columns in (("counts", {"item", "count"}), ("happenings", {"label"})):
        found = [table for table in RESOURCES if columns <= set(fields(table))]
        for table in found:
            assert_frame_equal(tables.check(load(table), kind), load(table))
        told = [t for t in RESOURCES if f"{kind} table" in getattr(vk, f"load_{t}").__doc__]
        assert found == told != [], f"say in the docstring of each loader: A {kind} table"


def test_each_call_is_a_fresh_frame() -> None:
    first = vk.load_films_legs()
    first.insert_column(0, pl.lit("changed").alias("mine"))
    assert "mine" not in vk.load_films_legs().columns


# -- what the data are known to say ------------------------------------------------------------


def test_charlie_has_29_points_on_27_days() -> None:
    views = vk.load_charlie_views()
    used = views.filter(pl.col("excluded").is_null())
    points = used.filter(pl.col("bound").is_in(["exact", "rounded"]), pl.col("count") > 0)
    assert points.height == 29 and points["time"].n_unique() == 27
    assert points["origin"].value_counts().sort("origin").rows() == [
        ("primary", 20),
        ("secondary", 9),
    ]
    early = points.filter(pl.col("time") < date(2009, 3, 1))
    assert early["origin"].unique().to_list() == ["secondary"]
    zero = used.filter(pl.col("count") == 0)
    assert zero["time"].to_list() == [date(2007, 5, 22)] and zero["precision"].item() == "upload"


def test_charlie_keeps_undated_pages_with_their_bracket() -> None:
    undated = vk.load_charlie_views().filter(pl.col("excluded") == "undated")
    assert undated.height == 12 and undated["time_lower"].null_count() == 0
    middle = undated["time_lower"] + (undated["time_upper"] - undated["time_lower"]) / 2
    assert ((middle - undated["time"]).abs() < timedelta(days=1)).all()


def test_viral_videos_have_21_series() -> None:
    views = vk.load_viral_videos_views()
    assert views.select("item", "metric").n_unique() == 21
    assert views.filter(pl.col("item") == "Gangnam Style").height == 29
    known = set(views["item"]) | {"Charlie Bit My Finger"}
    assert set(vk.load_viral_videos_engagement()["item"]) <= known


def test_no_total_falls_between_exact_counts() -> None:
    videos = [vk.load_charlie_views(), vk.load_viral_videos_views()]
    for frame in videos:
        exact = frame.filter(pl.col("excluded").is_null(), pl.col("bound") == "exact")
        steps = exact.select(pl.col("count").diff().over("item", "metric")).to_series()
        assert steps.drop_nulls().min() > 0


def test_hotmail_contradictions_are_excluded() -> None:
    users = vk.load_referral_products_users().filter(pl.col("excluded").is_null())
    step = users.sort("time").select(pl.col("count").diff().over("item", "metric")).to_series()
    assert step.drop_nulls().min() >= 0


def test_cloverfield_days_and_weeks_sum_to_the_total() -> None:
    daily, films = vk.load_cloverfield_daily(), vk.load_films()
    total = films.filter(pl.col("item") == "Cloverfield")["domestic_total_usd"].item()
    assert daily.height == 84 and daily["count"].sum() == total == 80_048_433
    assert daily["time"].diff().drop_nulls().unique().to_list() == [timedelta(days=1)]
    weeks = daily.group_by_dynamic("time", every="1w", offset="4d").agg(pl.col("count").sum())
    assert weeks.height == 12 and weeks["count"].sum() == total
    assert weeks["time"].dt.weekday().unique().to_list() == [5]
    assert weeks["count"].to_list()[:3] == [51_593_976, 15_479_651, 6_210_816]
    assert daily["count"].head(4).sum() == 46_146_546  # with the holiday Monday


def test_weekends_follow_from_days() -> None:
    days = pl.concat(
        [
            vk.load_films_opening_days().filter(pl.col("item") != "Cloverfield"),
            vk.load_cloverfield_daily().select(vk.load_films_opening_days().columns),
        ]
    )
    friday = pl.col("time") - pl.duration(days=pl.col("time").dt.weekday() - 5)
    sums = days.filter(pl.col("time").dt.weekday() >= 5).group_by("item", time=friday)
    sums = sums.agg(pl.col("count").sum().alias("days"), pl.len().alias("n"))
    both = vk.load_films_weekends().join(sums.filter(pl.col("n") == 3), on=["item", "time"])
    assert both.height == 48 + 12
    assert (both["count"] == both["days"]).all()


def test_weekends_stay_below_totals() -> None:
    weekends, films = vk.load_films_weekends(), vk.load_films()
    assert weekends["item"].n_unique() == films.height == 27
    assert weekends["time"].dt.weekday().unique().to_list() == [5]
    last = weekends.group_by("item").agg(pl.col("count").sum(), pl.col("cumulative_usd").max())
    both = films.join(last, on="item")
    assert (both["count"] < both["domestic_total_usd"]).all()
    assert (both["cumulative_usd"] <= both["domestic_total_usd"]).drop_nulls().all()


def test_opening_days_start_with_the_wide_release() -> None:
    days = vk.load_films_opening_days().group_by("item").agg(pl.col("time").min(), n=pl.len())
    both = days.join(vk.load_films(), on="item")
    assert both.height == 25 and (both["time"] == both["wide_release"]).all()
    assert (both["n"] == 10).all()


def test_legs_and_literature_are_whole() -> None:
    legs = vk.load_films_legs()
    assert legs["films"].sum() == 1327 and legs.height == 12
    ordered = legs.drop_nulls()
    assert (ordered["multiplier_p25"] < ordered["multiplier_median"]).all()
    assert (ordered["multiplier_median"] < ordered["multiplier_p75"]).all()
    assert vk.load_literature_effects().height == 61


# -- describe and errors -----------------------------------------------------------------------


@each_package
def test_describe_gives_columns_sources_and_the_rest(dataset: str) -> None:
    columns = vk.describe(dataset)
    own = [name for name, (home, _) in RESOURCES.items() if home == dataset]
    expected = [(table, column) for table in own for column in fields(table)]
    assert columns.select("table", "column").rows() == expected
    assert columns["description"].null_count() == 0
    assert set(vk.describe(dataset, part="sources")["name"]) == references(dataset)
    about = dict(vk.describe(dataset, part="about").rows())
    assert about["licence"].startswith("CC0-1.0") and list(about)[3:] == own


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: vk.describe("charly"), ["'charly'", "'viral_videos'", "mean 'charlie'"]),
        (lambda: vk.describe(""), ["''", "'films'", "datasets()"]),
        (lambda: vk.describe(None), ["None", "'literature'", "datasets()"]),
        (lambda: vk.describe("charlie", part="source"), ["'source'", "'about'", "mean 'sources'"]),
    ],
)
def test_unknown_names_say_what_is_known(call, words: list[str]) -> None:
    with pytest.raises(ValueError) as error:
        call()
    for word in words:
        assert word in str(error.value)


def test_datasets_is_the_function_after_its_module_was_imported() -> None:
    code = (
        "import viralkit as vk; vk.load_films_legs(); import viralkit.datasets, sys; "
        "print(vk.datasets().height, 'pandas' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(len(RESOURCES)), "False"]
