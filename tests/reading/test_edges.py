"""read_edges: who follows whom, from text of every shape, as who influences whom."""

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from counts_files import notes, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from viralkit.reading.edges import read_edges
from viralkit.tables import TableError, check

WEIGHTED = ("source", "target", "weight")
PAIRS = [("2", "1"), ("3", "1"), ("4", "2")]


def refused(source: Any, **options: Any) -> str:
    with pytest.raises(TableError) as caught:
        read_edges(source, **{"direction": "follows", **options})
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "1 2\n1 3\n2 4\n",
        "1\t2\n1\t3\n2\t4",
        "1,2\r\n1,3\r\n2,4\r\n",
        "# a comment\n%another\n1 2\n1  3\n\n 2\t4 \n",
        "1 2\n% x\n1 3\n2 4\n",
        "1 2\n1 3\n#x y\n2 4\n",
        "1, 2\n1,3 \n # within\n2 ,4\n",
        "\n\n1\t2\n1\t3 \n2\t4\n",
        "source,target\n1,2\n1,3\n2,4\n",
        "1 2\r1 3\r2 4",
        "\ufeff1 2\n1 3\n2 4\n",
    ],
)
def test_every_shape_of_the_same_edges(write: Any, text: str) -> None:
    followed, _ = read_edges(write(text, "a.txt"), direction="follows")
    assert followed.rows() == PAIRS
    influence, _ = read_edges(write(text, "a.txt"), direction="influences")
    assert influence.select("target", "source").rows() == PAIRS
    assert influence.columns == ["source", "target"]


def test_weights_times_and_further_cells(write: Any) -> None:
    path = write("7 8 3 2012-07-01T00:00:01Z RT\n8 9 2.5 2012-07-01T00:00:02Z MT\n", "a.edgelist")
    names = [*WEIGHTED, "time", "kind"]
    edges, quality = read_edges(path, direction="influences", columns=names)
    assert edges.columns == names
    assert edges["weight"].to_list() == [3.0, 2.5]
    assert edges["time"][1].isoformat() == "2012-07-01T00:00:02+00:00"
    assert edges["kind"].to_list() == ["RT", "MT"]
    assert rows(quality) == {
        "rows read": 2,
        "rows kept": 2,
        "comments": 0,
        "times without zone": 0,
        "nodes": 3,
        "self edges": 0,
        "duplicates": 0,
    }


def test_a_header_or_a_frame_with_names_of_its_own(write: Any) -> None:
    columns = {"source": "who", "target": "whom", "weight": "n"}
    path = write("n,who,whom,since\n5,ann,bob,x\n", "a.csv")
    edges, _ = read_edges(path, direction="follows", columns=columns)
    assert edges.rows() == [("bob", "ann", 5, "x")]
    assert edges.columns == [*WEIGHTED, "since"]
    frame = pl.DataFrame({"who": [2**60 + 1], "whom": [2], "n": [5], "line": ["kept"]})
    edges, _ = read_edges(frame, direction="influences", columns=columns)
    assert edges.rows() == [(str(2**60 + 1), "2", 5, "kept")]
    assert edges.columns == [*WEIGHTED, "line_"]
    parquet = path.with_suffix(".parquet")
    frame.write_parquet(parquet)
    again, _ = read_edges([parquet], direction="influences", columns=columns)
    assert_frame_equal(again, edges)


def test_packed_files_and_several(write: Any) -> None:
    one = write(gzip.compress(b"1 2\n"), "a.txt.gz")
    write("# two comments\n% here\n3 4\n", "b.txt")
    edges, quality = read_edges(one.parent, direction="influences")
    assert edges.rows() == [("1", "2"), ("3", "4")]
    assert rows(quality)["comments"] == 2
    assert notes(quality)["comments"] == "lines that begin with # or %, skipped"
    glob, _ = read_edges(str(one.parent / "*.txt*"), direction="influences")
    assert_frame_equal(glob, edges)


def test_oddities_are_counted_and_kept(write: Any) -> None:
    path = write("a b\na b\nb a\nc c\n", "a.txt")
    edges, quality = read_edges(path, direction="influences")
    assert len(edges) == 4
    found = rows(quality)
    assert (found["nodes"], found["self edges"], found["duplicates"]) == (3, 1, 1)


def test_large_ids_stay_what_they_are(write: Any) -> None:
    path = write("9007199254740993,00123456789012345678901\n", "a.csv")
    edges, _ = read_edges(path, direction="influences")
    assert edges.rows() == [("9007199254740993", "00123456789012345678901")]


def test_the_direction_is_required(write: Any) -> None:
    path = write("1 2\n", "a.txt")
    assert refused(path, direction=None) == (
        "direction is not given; allowed: ['follows', 'influences']. Say what the first id of a "
        "line does to the second: pass direction='follows' or direction='influences'."
    )
    assert refused(path, direction="up").startswith("direction='up' is not known; allowed:")


def test_broken_lines(write: Any) -> None:
    path = write(b"# c\n1 2 5\n3 4\n5 6 7 8\n\xff 6 7\n8 9 x\n1 3 -1\n2 3 4\n", "a.txt")
    options: dict[str, Any] = {"direction": "follows", "columns": WEIGHTED}
    with pytest.raises(TableError) as caught:
        read_edges(path, **options)
    assert str(caught.value) == (
        "'a.txt', line 3, column 'line': '3 4' has too few cells; allowed: 3 cells a line, for "
        "['source', 'target', 'weight']. Mend the line. 4 more rows cannot be used either. Or pass "
        'on_error="drop" (listed in quality.dropped) or "keep" (excludes them).'
    )
    edges, quality = read_edges(path, on_error="drop", **options)
    assert edges.rows() == [("2", "1", 5), ("3", "2", 4)]
    assert quality.dropped.rows() == [
        ("a.txt", 3, "line", "3 4", "has too few cells"),
        ("a.txt", 4, "line", "5 6 7 8", "has too many cells"),
        ("a.txt", 5, "line", "\ufffd 6 7", "is not UTF-8"),
        ("a.txt", 6, "weight", "x", "is no number"),
        ("a.txt", 7, "weight", "-1", "is negative"),
    ]
    kept, quality = read_edges(path, on_error="keep", **options)
    assert len(kept) == 7 and len(quality.dropped) == 0
    assert rows(quality)["nodes"] == 3
    assert kept["excluded"][4] == "'a.txt', line 6, column 'weight': 'x' is no number"
    assert kept["weight"].to_list() == [5, None, 7, 7, None, None, 4]


def test_a_blank_id_is_missing_under_the_name_it_has(write: Any) -> None:
    path = write("who,whom\n,bob\nann,bob\n", "a.csv")
    columns = {"source": "who", "target": "whom"}
    said = refused(path, columns=columns)
    assert said.startswith("'a.csv', line 2, column 'who': the value is missing;")
    edges, quality = read_edges(path, direction="follows", columns=columns, on_error="drop")
    assert edges.rows() == [("bob", "ann")]
    assert quality.dropped.rows() == [("a.csv", 2, "who", None, "is missing")]


def test_refusals_tell_the_next_step(write: Any) -> None:
    path = write("1 2 3\n", "a.txt")
    assert refused(path) == (
        "file 'a.txt', line 1 has 3 cells; columns name ['source', 'target']. Say what each "
        'holds: columns=("source", "target", "weight").'
    )
    assert refused(path, columns=("source", "weight", "x")).startswith(
        "columns=('source', 'weight', 'x') does not name source and target once each; allowed:"
    )
    assert "Pass one of these." in refused(path, columns="source")
    assert refused(write("# only\n\n", "b.txt")) == (
        "file 'b.txt' holds no edge; allowed: two ids a line. Pass another file."
    )
    assert refused([]) == "source names no file; allowed: files of edges. Pass at least one."
    columns = {"source": "whos", "target": "whom"}
    assert refused(write("who,whom\n1,2\n", "c.csv"), columns=columns) == (
        "column 'whos' not found; columns: ['who', 'whom']. Rename it, or pass "
        "columns={'source': 'who', 'target': 'whom'}."
    )
    assert "ids are text" in refused(pl.DataFrame({"source": [1.5], "target": ["a"]}))
    with pytest.raises(FileNotFoundError, match="Correct the name"):
        read_edges(path.with_name("none.txt"), direction="follows")


def test_the_higgs_heads(samples: Path) -> None:
    social = samples / "higgs_head" / "higgs-social_network.head.edgelist"
    edges, quality = read_edges(social, direction="follows")
    assert edges.rows() == [(str(i), "1") for i in range(2, 7)]
    assert rows(quality)["nodes"] == 6
    retweets = samples / "higgs_head" / "higgs-retweet_network.head.edgelist"
    edges, _ = read_edges(retweets, direction="follows", columns=WEIGHTED)
    assert edges.row(0) == ("105232", "298960", 1)
    assert edges["weight"].sum() == 5


def test_the_graph_of_stackexchange(samples: Path) -> None:
    path = samples / "stackexchange_android" / "edges.txt"
    pairs = [tuple(line.split(",")) for line in path.read_text().split()]
    edges, quality = read_edges(path, direction="influences")
    assert edges.rows() == pairs
    found = rows(quality)
    assert found["rows kept"] == 48_573  # wc -l
    assert found["nodes"] == len({user for pair in pairs for user in pair}) == 9_940
    assert found["duplicates"] == len(pairs) - len(set(pairs)) == 0
    assert found["self edges"] == 0


ids = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5)


@settings(max_examples=40)
@given(st.lists(st.tuples(ids, ids), min_size=1, max_size=6), st.sampled_from([" ", "\t", ","]))
def test_even_and_uneven_files_read_alike(
    tmp_path_factory: Any, pairs: list[tuple[str, str]], separator: str
) -> None:
    even = tmp_path_factory.mktemp("edges") / "a.txt"
    uneven = even.with_name("b.txt")
    lines = [separator.join(pair) for pair in pairs]
    even.write_text("\n".join(lines), "utf-8")
    uneven.write_text("\n".join([*lines, "# the end\n"]), "utf-8")
    one, first = read_edges(even, direction="influences", columns=("source", "target"))
    two, second = read_edges(uneven, direction="influences", columns=("source", "target"))
    assert one.rows() == pairs
    assert_frame_equal(one, two)
    assert rows(second) == {**rows(first), "comments": 1}


@settings(max_examples=40)
@given(st.binary(max_size=50) | st.text("12ab \t,#%\n\"'x-.", max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "a.txt"
    path.write_bytes(data)
    for columns in (None, WEIGHTED, {"source": "1", "target": "2"}):
        for on_error in ("raise", "drop", "keep"):
            try:
                edges, quality = read_edges(
                    path, direction="follows", columns=columns, on_error=on_error
                )
            except TableError as error:
                assert str(error).isprintable()
                continue
            assert_frame_equal(check(edges, "edges"), edges)
            assert len(edges) == rows(quality)["rows read"] - len(quality.dropped)
