"""Cascades written and read again: the same events, whatever stands in their names."""

import os
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import networkx as nx
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import viralkit as vk
from viralkit.reading.cascades import read_cascades
from viralkit.reading.writing import write_cascades
from viralkit.tables import TableError

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "'=x",
    "\uff1d1",
    "-5",
    "a,b",
    'q"q',
    "é\n",
]


def table(**more: Any) -> pl.DataFrame:
    """Give two cascades with all kinds of columns."""
    return pl.DataFrame(
        {
            "cascade_id": ["m1", "m1", "m1", "m2"],
            "event_id": [str(2**60 + n) for n in range(4)],
            "time": [0.0, 60.5, 90.25, 0.0],
            "user": ["ann", "bob", "cy", None],
            "parent_id": [None, str(2**60), str(2**60 + 1), None],
            "magnitude": [5.0, 0.0, 7.0, 1.0],
            "timestamp": [datetime(2020, 1, 1, 0, 0, n, 125, tzinfo=UTC) for n in range(4)],
            **more,
        },
    )


def again(path: Path) -> pl.DataFrame:
    return read_cascades(path, layout="columns", unit="seconds")[0]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_come_back_as_they_were(tmp_path: Path, form: Any) -> None:
    events = table(text=["x", "", None, "y"] if form == "parquet" else ["x", "z", None, "y"])
    path = write_cascades(events, tmp_path / f"a.{form}", layout=form)
    expected = events if form == "csv" else events.with_columns(pl.col("text").replace("", None))
    assert_frame_equal(again(path), expected, check_column_order=False)
    assert [p.name for p in tmp_path.iterdir()] == [f"a.{form}"]


def test_csv_runs_no_formula_and_comes_back(tmp_path: Path) -> None:
    names = HOSTILE[:-1]
    events = pl.DataFrame(
        {
            "cascade_id": names,
            "event_id": names,
            "time": [0.0] * len(names),
            "user": ["plain", *names[1:]],
            "remark": [*names[:-1], "-1.5"],
        }
    )
    path = write_cascades(events, tmp_path / "a.csv", layout="csv")
    cells = pl.read_csv(path, infer_schema=False)
    first = [cell[0] for row in cells.rows() for cell in row if cell not in (None, "-5", "-1.5")]
    assert not set(first) & set("=+-@\uff1d")
    assert cells["guarded"].to_list()[0] == "cascade_id;event_id;remark"
    assert cells["user"].to_list()[:2] == ["plain", "'+1+1"]
    assert_frame_equal(again(path), events)


@pytest.mark.parametrize("name", ["=x", "guarded", "a;b"])
def test_csv_refuses_names_of_columns_that_are_formulas(tmp_path: Path, name: str) -> None:
    events = table().with_columns(pl.lit("=1").alias(name))
    with pytest.raises(TableError, match="cannot stand in a CSV file: allowed"):
        write_cascades(events, tmp_path / "a.csv", layout="csv")
    assert not list(tmp_path.iterdir())


def test_lines_say_the_same_tree(tmp_path: Path) -> None:
    path = write_cascades(table(), tmp_path / "a.txt", layout="lines")
    first, second = path.read_text().splitlines()
    assert first == "m1\tann\t1577836800.000125\t3\tann:0.0 ann/bob:60.5 ann/bob/cy:90.25"
    assert second == "m2\t-1\t1577836803.000125\t1\t-1:0.0"
    events, quality = read_cascades(path, layout="lines", unit="seconds")
    assert events.select("event_id", "parent_id", "time").rows()[:3] == [
        ("ann", None, 0.0),
        ("bob", "ann", 60.5),
        ("cy", "bob", 90.25),
    ]
    cascades: Any = quality.cascades
    assert cascades["n_reported"].to_list() == [3, 1]
    assert cascades["start"][0] == datetime(2020, 1, 1, microsecond=125, tzinfo=UTC)


def test_lines_of_simulated_cascades_come_back(tmp_path: Path) -> None:
    events = vk.simulate_cascades(0.9, n_cascades=300, seed=3).drop("user")
    path = write_cascades(events, tmp_path / "a.txt", layout="lines")
    back, _ = read_cascades(path, layout="lines", unit="seconds")
    key = ["cascade_id", "event_id"]
    columns = [*key, "parent_id", "time"]
    assert_frame_equal(back.select(columns).sort(key), events.select(columns).sort(key))


@pytest.mark.parametrize("name", ["a b", "a/b", "a:b", "", "a\tb"])
def test_lines_refuse_names_that_divide_them(tmp_path: Path, name: str) -> None:
    events = table(user=["ann", name, "cy", "di"])
    with pytest.raises(TableError, match=r'cannot stand in cascade lines; .*"parquet"'):
        write_cascades(events, tmp_path / "a.txt", layout="lines")


def test_lines_refuse_a_tree_that_would_be_another(tmp_path: Path) -> None:
    events = pl.DataFrame(
        {
            "cascade_id": ["m"] * 4,
            "event_id": ["1", "2", "3", "4"],
            "time": [0.0, 1.0, 2.0, 3.0],
            "user": ["a", "b", "b", "c"],
            "parent_id": [None, "1", "1", "2"],  # c would come back under the later b
        }
    )
    with pytest.raises(TableError, match="cascade 'm': its events cannot be told apart"):
        write_cascades(events, tmp_path / "a.txt", layout="lines")
    assert not list(tmp_path.iterdir())


def test_lines_refuse_circles_and_twins(tmp_path: Path) -> None:
    circle = table(parent_id=[str(2**60 + 2), str(2**60), str(2**60 + 1), None])
    with pytest.raises(TableError, match=r"lead back to it.*repair"):
        write_cascades(circle, tmp_path / "a.txt", layout="lines")
    with pytest.raises(TableError, match=r"stands there twice.*repair"):
        write_cascades(pl.concat([table()] * 2), tmp_path / "a.txt", layout="lines")


def test_orphans_stay_orphans_in_lines(tmp_path: Path) -> None:
    events = table(user=["a", "b", "c", "d"], parent_id=[None, "gone", str(2**60 + 1), None])
    path = write_cascades(events, tmp_path / "a.txt", layout="lines")
    back, _ = read_cascades(path, layout="lines", unit="seconds")
    assert back["parent_id"].to_list() == [None, "gone", "b", None]


def test_time_and_magnitude(tmp_path: Path) -> None:
    path = write_cascades(table(), tmp_path / "a.csv", layout="time_and_magnitude")
    assert path.read_text().splitlines()[:2] == ["cascade_id,time,magnitude", "m1,0.0,5.0"]
    back = again(path)
    assert_frame_equal(back.select("cascade_id", "time", "magnitude"), pl.read_csv(path))
    with pytest.raises(TableError, match=r"no magnitude; .*fill_null\(1\)"):
        write_cascades(table().drop("magnitude"), tmp_path / "b.csv", layout="time_and_magnitude")


def test_graphml_holds_hostile_text_as_data(tmp_path: Path) -> None:
    text = "</data><script>alert('1') & \"2\"]]>\r\n\t\x01é🎉"
    events = table(text=[text, "x", None, "y"], **{'a"<b>': ["p", None, "q", "r"]})
    path = write_cascades(events, tmp_path / "a.graphml", layout="graphml")
    assert "<script" not in path.read_text(encoding="utf-8")
    graph = nx.read_graphml(path)
    nodes = [graph.nodes[f"n{n}"] for n in range(4)]
    assert nodes[0]["text"] == text.replace("\x01", "\ufffd")
    assert [node.get('a"<b>') for node in nodes] == ["p", None, "q", "r"]
    assert [node["event_id"] for node in nodes] == events["event_id"].to_list()
    assert [node["label"] for node in nodes] == ["ann", "bob", "cy", events["event_id"][3]]
    assert nodes[1]["time"] == 60.5 and nodes[1]["timestamp"].startswith("2020-01-01")
    edges = {(graph.nodes[a]["event_id"], graph.nodes[b]["event_id"]) for a, b in graph.edges}
    named = events.filter(pl.col("parent_id").is_not_null())
    assert edges == set(named.select("parent_id", "event_id").rows())
    ET.parse(path)  # well formed


def test_graphml_refuses_ids_with_control_characters(tmp_path: Path) -> None:
    events = table(user=["a\x00", "b", "c", "d"])
    with pytest.raises(TableError, match="holds no control characters"):
        write_cascades(events, tmp_path / "a.graphml", layout="graphml")


def test_excluded_rows(tmp_path: Path) -> None:
    events = table(excluded=[None, None, "odd", None])
    kept = again(write_cascades(events, tmp_path / "a.csv", layout="csv"))
    assert kept["excluded"].to_list() == [None, None, "odd", None]
    lines = write_cascades(events, tmp_path / "a.txt", layout="lines").read_text()
    assert lines.split("\t")[3] == "2"


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"'a\.txt' ends in '\.txt'; allowed .* \.csv"):
        write_cascades(table(), tmp_path / "a.txt", layout="csv")
    with pytest.raises(TableError, match="layout='xml' is not known"):
        write_cascades(table(), tmp_path / "a.xml", layout="xml")  # type: ignore[arg-type]
    with pytest.raises(TableError, match="holds lists"):
        write_cascades(table(tags=[["a"]] * 4), tmp_path / "a.csv", layout="csv")
    with pytest.raises(TableError, match="column 'event_id' not found"):
        write_cascades(table().drop("event_id"), tmp_path / "a.csv", layout="csv")


def test_a_file_that_is_there_survives_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(TableError):
        write_cascades(table(user=["a b"] * 4), path, layout="lines")
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_sample_lines_written_again_say_the_same(tmp_path: Path) -> None:
    folder = os.environ.get("VIRALKIT_SAMPLES")
    if not folder:
        pytest.skip("VIRALKIT_SAMPLES names no folder of sample files")
    source = sorted(Path(folder, "weibo_lines").glob("*[!.]*"))
    source = [path for path in source if path.name != "SOURCE.txt"]
    events, _ = read_cascades(source, layout="lines", unit="seconds")
    path = write_cascades(events, tmp_path / "a.txt", layout="lines")
    back, _ = read_cascades(path, layout="lines", unit="seconds")
    assert_frame_equal(back.drop("timestamp", strict=False), events.drop("timestamp", strict=False))
