"""Cascade lines and trees: parents, repeated users, roots, labels, and what is wrong in a file."""

import gzip
from pathlib import Path

import pytest
import zstandard
from cascades_files import BIG, LINES, REPLIES, TREE, numbers, read, refusal, some

from viralkit.reading import layouts
from viralkit.reading.cascades import read_cascades
from viralkit.tables import TableError, check

UNIT = {"unit": "seconds"}
DOWN = {"unit": "minutes", "arrow": "parent_to_child"}
UP = {"unit": "seconds", "arrow": "child_to_parent"}


def test_parents_come_from_paths_and_users_may_repeat(tmp_path: Path) -> None:
    events, _ = read(tmp_path / "a.txt", LINES, "lines", **UNIT)
    assert check(events, "events").filter(cascade_id="m1").drop("cascade_id").rows() == [
        ("7", 0.0, "7", None),
        (str(BIG), 20.0, str(BIG), "8"),  # 8 comes later: the first later event with the path 7/8
        ("9", 40.0, "9", "8"),
        ("9/2", 50.0, "9", "7"),
        ("8", 60.0, "8", "7"),
        ("7/2", 70.0, "7", "8"),
        ("9/3", 90.0, "9", "9/2"),  # 7/9 and not 7/8/9, which is as near
    ]


def test_what_is_odd_about_lines_is_counted(tmp_path: Path) -> None:
    events, quality = read(tmp_path / "a.txt", LINES, "lines", **UNIT)
    assert some(quality) == {
        "roots without a user (-1)": 1,
        "events of a user who has one already": 4,
        "self reshares": 1,
        "unsorted rows": 3,
        "orphans": 1,
        "children before their parent": 2,
    }
    assert events.filter(event_id="-1")["user"].to_list() == [None]
    assert events.filter(parent_id="6")["event_id"].to_list() == ["5"]
    assert quality.cascades.select("cascade_id", "n_reported").rows() == [("m1", 7), ("m2", 3)]
    starts = quality.cascades["start"].dt.to_string("%Y-%m-%d %H:%M:%S").to_list()
    assert starts == ["2016-06-01 00:00:01", "1970-01-01 00:00:00"]


def test_days_are_days(tmp_path: Path) -> None:
    events, _ = read(tmp_path / "a.txt", "m\ta\t0\t2\ta:0 a/b:1.5\n", "lines", unit="days")
    assert events["time"].to_list() == [0, 129_600]


def test_a_later_parent_is_listed_after_its_child(tmp_path: Path) -> None:
    text = "m\ta\t0\t3\ta:0 a/b/c:9 a/b:5\n"
    events, quality = read(tmp_path / "a.txt", text, "lines", **UNIT)
    assert events["parent_id"].to_list() == [None, "a", "b"]
    assert some(quality) == {"events listed before their parent": 1, "unsorted rows": 1}


def test_users_who_reshare_themselves_come_from_their_event_before(tmp_path: Path) -> None:
    text = "m\ta\t0\t4\ta:0 a/z:1 q/z/z:5 q/y/y:7\n"
    events, quality = read(tmp_path / "a.txt", text, "lines", **UNIT)
    assert events["parent_id"].to_list() == [None, "a", "z", "y"]
    assert some(quality)["self edges"] == 1  # y has no other event: repair makes it a root


def test_lines_that_contradict_themselves_are_counted(tmp_path: Path) -> None:
    text = "m\tz\tsoon\t9\ta:0 a/b:1\nm\ta\t0\tmany\ta:0 \n"
    _, quality = read(tmp_path / "a.txt", text, "lines", **UNIT)
    assert some(quality) == {
        "lines that report another number of events": 1,
        "lines whose number cannot be read": 1,
        "lines whose first path is not the root": 1,
        "lines without a Unix time of publication": 1,
        "lines of a message that has one already": 1,
        "unsorted rows": 1,
        "tied times": 1,
        "duplicates": 1,
    }
    assert quality.cascades.rows() == [("m", None, 9.0)]


BROKEN = "m\ta\t0\t4\ta:0 ab a/:3 a/b:x a/c:inf a/d:4\nno line\nn\ta\t0\t1\n"


def test_broken_paths_and_lines_can_be_looked_at(tmp_path: Path) -> None:
    events, quality = read(tmp_path / "a.txt", BROKEN, "lines", **UNIT, on_error="drop")
    assert events["event_id"].to_list() == ["a", "d"]
    assert quality.dropped.select("line", "column", "value", "reason").rows() == [
        (1, "path", "ab", "is no path"),
        (1, "path", "a/:3", "is no path"),
        (1, "time", "x", "is no number"),
        (1, "time", "inf", "is no number"),
        (2, "line", "no line", "has not five fields"),
        (3, "line", "n\ta\t0\t1", "has not five fields"),
    ]
    assert quality.dropped["file"].unique().to_list() == ["a.txt"]
    assert numbers(quality)["rows read"] == 8
    kept, _ = read(tmp_path / "a.txt", BROKEN, "lines", **UNIT, on_error="keep")
    assert (len(kept), kept["excluded"].count()) == (8, 6)


def test_the_first_fault_is_raised_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(BROKEN)
    assert refusal(path, "lines", **UNIT).startswith(
        "'a.txt', line 1, column 'path': 'ab' is no path; allowed: users with / between, a colon "
        "and a time (1/850430:481). Mend the path. 5 more rows"
    )


@pytest.mark.parametrize("layout", ["lines", "trees", "sequences", "tideh"])
def test_a_unit_is_never_guessed(tmp_path: Path, layout: str) -> None:
    said = refusal(tmp_path, layout)
    assert said.startswith("unit is not given; allowed: ['seconds', 'minutes', 'hours', 'days'")
    assert "pass unit='seconds'" in said


def test_neither_is_an_arrow(tmp_path: Path) -> None:
    assert refusal(tmp_path, "trees", unit="days") == (
        "arrow is not given; allowed: ['parent_to_child', 'child_to_parent']. Say which way the "
        "edges of the file point: pass arrow='parent_to_child' or arrow='child_to_parent'."
    )


@pytest.mark.parametrize(
    ("layout", "options"),
    [
        ("lines", {"arrow": "parent_to_child"}),
        ("tideh", {"columns": {"time": "t"}}),
        ("generations", {"unit": "days"}),
        ("index_and_data", {"unit": "days"}),
    ],
)
def test_what_a_layout_does_not_need_is_refused(layout: str, options: dict[str, object]) -> None:
    assert "Leave it out." in refusal("a.txt", layout, **options)


def test_an_unknown_layout_is_refused() -> None:
    assert "layout='csv' is not known; allowed: ['lines'" in refusal("a.txt", "csv")


def test_trees(tmp_path: Path) -> None:
    events, quality = read(tmp_path / "100.txt", TREE, "trees", **DOWN)
    assert check(events, "events").drop("cascade_id", "user").rows() == [
        ("3/101", -120.0, "1/100"),
        ("3/101", -120.0, "2/100"),
        ("3/101", -120.0, "3/101"),
        ("1/100", 0.0, None),
        ("2/100", 90.0, "1/100"),
        ("2/100", 90.0, "1/100"),
        ("4/100", 180.0, "9/100"),
        ("9/100", 240.0, None),  # has no line of its own
    ]
    assert some(quality) == {
        "parents without a line of their own": 1,
        "unsorted rows": 2,
        "tied times": 3,
        "negative delays": 3,
        "duplicates": 1,
        "several parents": 2,
        "self edges": 1,
        "children before their parent": 3,
    }


def test_replies_without_users_point_the_other_way(tmp_path: Path) -> None:
    events, quality = read(tmp_path / "a.txt", REPLIES, "trees", **UP)
    assert events.drop("cascade_id").rows() == [
        ("100", 0.0, None),
        ("101", 48.0, "100"),
        ("102", 60.0, "101"),
    ]
    assert some(quality) == {}


@pytest.mark.parametrize(("text", "wrong", "right"), [(TREE, UP, DOWN), (REPLIES, DOWN, UP)])
def test_a_wrong_arrow_makes_root_a_child(
    tmp_path: Path, text: str, wrong: dict[str, str], right: dict[str, str]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    for on_error in ("raise", "drop"):
        said = refusal(path, "trees", **wrong, on_error=on_error)
        assert f"Pass arrow={right['arrow']!r}." in said


def test_the_root_need_not_be_first_nor_have_a_line(tmp_path: Path) -> None:
    lines = TREE.splitlines()[:3]
    _, quality = read(tmp_path / "a.txt", "\n".join(lines[::-1]), "trees", **DOWN)
    assert some(quality)["trees whose first line is not the root"] == 1
    events, quality = read(tmp_path / "a.txt", "\n".join(lines[1:2]), "trees", **DOWN)
    assert events.select("event_id", "time").rows() == [("1/100", 0.0), ("2/100", 90.0)]
    assert some(quality)["trees without a line for the root"] == 1


def test_labels_stand_beside_the_trees(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "100.txt").write_text(TREE)
    (folder / "200.txt").write_text(TREE)
    (tmp_path / "label.txt").write_text("false:100\nnon-rumor:300\nfalse:100\nnothing\n")
    _, quality = read_cascades(tmp_path, layout="trees", **DOWN)
    assert quality.cascades.rows() == [("100", "false"), ("200", None)]
    found = some(quality)
    assert (found["labels"], found["labels without a tree"], found["trees without a label"]) == (
        4,
        1,
        1,
    )
    assert found["labels that cannot be read or stand twice"] == 2
    _, same = read_cascades(folder, layout="trees", **DOWN)
    assert same.cascades.columns == ["cascade_id"]


TREES = """['1','1','0']->['2','1','x']
['1','1','0']->['2','1']
['1','1']->['3','5']
1->2
['ROOT','ROOT','0']->['1','1','0']
['1','1','0']->['','1','3']
['2','1','0']->['ROOT','ROOT','3']
['1','1','0'] -> ["4", '1', '3.5']
['1','1','0']->[__import__('os').system('true'),'1','3']
"""


def test_edges_that_cannot_be_read(tmp_path: Path) -> None:
    events, quality = read(tmp_path / "a.txt", TREES, "trees", **DOWN, on_error="drop")
    assert quality.dropped.select("line", "column", "reason").rows() == [
        (1, "delay", "is no number"),
        (2, "line", "is no edge"),
        (4, "line", "is no edge"),
        (6, "line", "is no edge"),
        (7, "line", "has ROOT as the child"),
    ]
    # text is never evaluated: the user of the last line bears a strange name
    found = events["event_id"].to_list()
    assert found == ["1/1", "1", "__import__('os').system('true')/1", "4/1", "3"]


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
@pytest.mark.parametrize("size", [2**23, 1])
def test_many_files_packed_or_not_in_small_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, size: int
) -> None:
    monkeypatch.setattr(layouts, "BATCH", size)
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[ending]
    for name in ("a", "b"):
        text = LINES.replace("m1", f"{name}1").replace("m2", f"{name}2")
        (tmp_path / f"{name}.txt{ending}").write_bytes(pack(text.encode()))
    events, quality = read_cascades(str(tmp_path / f"*.txt{ending}"), layout="lines", **UNIT)
    assert quality.cascades["cascade_id"].to_list() == ["a1", "a2", "b1", "b2"]
    assert len(events) == 20
    one, _ = read_cascades([tmp_path / f"b.txt{ending}"], layout="lines", **UNIT)
    assert events.tail(10).equals(one)


def test_an_empty_folder_and_a_missing_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file in"):
        read_cascades(tmp_path, layout="lines", **UNIT)
    with pytest.raises(FileNotFoundError, match=r"'nix.txt' not found"):
        read_cascades(tmp_path / "nix.txt", layout="lines", **UNIT)


@pytest.mark.parametrize("layout", ["lines", "trees", "sequences", "tideh", "generations"])
def test_an_empty_file_gives_an_empty_table(tmp_path: Path, layout: str) -> None:
    options = {"lines": UNIT, "trees": DOWN, "sequences": UNIT, "tideh": UNIT, "generations": {}}
    events, quality = read(tmp_path / "a.txt", "", layout, **options[layout])
    assert len(check(events, "events")) == numbers(quality)["rows read"] == 0


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"0" * 2**25))
    with pytest.raises(TableError, match="unpacks to more than"):
        read_cascades(path, layout="lines", **UNIT)
