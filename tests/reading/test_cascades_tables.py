"""Sequences, columns, index and data, TiDeH, generations; and tables larger than memory."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cascades_files import BIG, GENERATIONS, NETINF, TIDEH, numbers, read, refusal, some

import viralkit as vk
from viralkit.reading.cascades import read_cascades
from viralkit.tables import TableError, check

FORMS = {
    "forest": "a,10 b,20 c,5\n\nd,1\n",
    "pairs": "a 10,b 20,c 5,\n\nd 1\n",
    "flat": "a 10 b 20 c 5\n\nd 1\n",
    "netinf": "a,10,b,20,c,5\n\nd,1\n",
    "loose": " a, 10 , b,\t20,c,5 ,\r\n\r\nd,1",
}


@pytest.mark.parametrize("form", FORMS)
def test_sequences_of_every_form_say_the_same(tmp_path: Path, form: str) -> None:
    events, quality = read(tmp_path / "x.txt", FORMS[form], "sequences", unit="minutes")
    assert check(events, "events").rows() == [
        ("1", "c", 0.0, "c"),
        ("1", "a", 300.0, "a"),
        ("1", "b", 900.0, "b"),
        ("3", "d", 0.0, "d"),
    ]
    assert some(quality) == {"unsorted rows": 1, "cascades of one event": 1}


@pytest.mark.parametrize("text", ["s a 10,b 20,", "s a 10 b 20", "s,a,10,b,20"])
def test_a_seed_without_a_time_gets_that_of_the_next(tmp_path: Path, text: str) -> None:
    events, quality = read(tmp_path / "x.txt", text, "sequences", unit="seconds")
    assert events.select("user", "time").rows() == [("s", 0.0), ("a", 0.0), ("b", 10.0)]
    assert some(quality) == {"seeds without a time": 1, "tied times": 1}


def test_a_list_of_nodes_names_the_users(tmp_path: Path) -> None:
    events, quality = read(tmp_path / "x.txt", NETINF, "sequences", unit="hours")
    assert events.select("cascade_id", "event_id", "time", "user").rows() == [
        ("5", "0", 0.0, "nyt"),
        ("5", "1", 3600.0, "bbc"),
        ("6", "1", 0.0, "bbc"),
        ("6", "0", 10800.0, "nyt"),
        ("6", str(BIG), 14400.0, str(BIG)),
    ]
    assert numbers(quality)["nodes in the list of names"] == 2
    assert numbers(quality)["events of users without a name"] == 1


def test_users_who_come_back_get_a_number(tmp_path: Path) -> None:
    events, _ = read(tmp_path / "x.txt", "a,1 b,2 a,3", "sequences", unit="hours")
    assert events.select("event_id", "user").rows() == [("a", "a"), ("b", "b"), ("a,2", "a")]


def test_unix_times_give_moments(tmp_path: Path) -> None:
    text = "a,1287654321 b,1287654399"
    events, quality = read(tmp_path / "x.txt", text, "sequences", unit="unix_seconds")
    assert events["time"].to_list() == [0, 78]
    assert quality.cascades["start"].to_list() == [datetime(2010, 10, 21, 9, 45, 21, tzinfo=UTC)]


def test_pairs_that_cannot_be_read(tmp_path: Path) -> None:
    text = "a,1 b c,nan ,4\nhello\n"
    events, quality = read(tmp_path / "x.txt", text, "sequences", unit="hours", on_error="drop")
    assert events["user"].to_list() == ["a"]
    assert quality.dropped.select("line", "value", "reason").rows() == [
        (1, "b", "has no number for a time"),
        (1, "c nan 4", "has no number for a time"),
        (2, "hello", "has no number for a time"),
    ]


def test_cascades_of_one_event_are_counted_and_refused_where_nearly_all_are(
    tmp_path: Path,
) -> None:
    path, edge, pair = tmp_path / "edges.txt", "7 12\n", "7,0 12,5\n"
    _, quality = read(path, edge * 95 + pair * 5, "sequences", unit="seconds")
    assert some(quality)["cascades of one event"] == 95
    _, quality = read(path, edge * 99, "sequences", unit="seconds")
    assert some(quality)["cascades of one event"] == 99
    path.write_text(edge * 96 + pair * 4)
    said = refusal(path, "sequences", unit="seconds")
    assert said.startswith("96 of 100 lines hold one event (the first: '7 12'); allowed")
    assert all(name in said for name in ("'columns'", "'generations'", "read_edges"))


def test_cascades_of_several_files_are_told_apart(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.txt").write_text("a,1 b,2\n")
    events, _ = read_cascades(tmp_path, layout="sequences", unit="days")
    assert events["cascade_id"].unique(maintain_order=True).to_list() == ["test:1", "train:1"]


FRAME = pl.DataFrame(
    {
        "message": ["b", "b", "a", None, "a"],
        "id": [BIG, 2, 3, 4, 5],
        "when": ["10", "5", "7", "8", "soon"],
        "from": [None, str(BIG), None, "3", "3"],
        "fans": ["1", "-2", "3", "4", ""],
        "line": ["=cmd()", "<b>", "x" * 2000, "\x00", "\u202e"],
    }
)
COLUMNS = {
    "cascade_id": "message",
    "event_id": "id",
    "time": "when",
    "parent_id": "from",
    "magnitude": "fans",
}
BAD = [
    (1, "fans", "-2", "is negative"),
    (3, "message", None, "is missing"),
    (4, "when", "soon", "is no number"),
]


def read_frame(source: Any, on_error: Any = "drop", **options: Any) -> Any:
    return read_cascades(
        source, layout="columns", unit="hours", columns=COLUMNS, on_error=on_error, **options
    )


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "frame"])
def test_columns_of_any_table(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    writers = {"csv": FRAME.write_csv, "parquet": FRAME.write_parquet}
    if ending == "tsv":
        FRAME.write_csv(path, separator="\t")
    elif ending in writers:
        writers[ending](path)
    events, quality = read_frame(FRAME if ending == "frame" else path)
    assert check(events, "events").rows() == [
        ("b", str(BIG), 0.0, None, 1.0, "=cmd()"),
        ("a", "3", 0.0, None, 3.0, "x" * 2000),
    ]
    assert events.columns[-1] == "line_"  # the name of a place in the quality
    first = 2 if ending in ("csv", "tsv") else 0
    where = [(line + first, *rest) for line, *rest in BAD]
    found = quality.dropped.select("line", "column", "value", "reason").rows()
    assert [(a, b, str(c).removesuffix(".0") if c else c, d) for a, b, c, d in found] == where


def test_a_table_larger_than_memory_is_read_lazily(tmp_path: Path) -> None:
    events, quality = read_frame(FRAME.lazy())
    assert isinstance(events, pl.LazyFrame)
    assert events.collect().equals(read_frame(FRAME)[0])
    assert quality.dropped.select("line", "column", "value", "reason").rows() == BAD
    found = numbers(quality)
    assert (found["rows read"], found["rows kept"], found["cascades"]) == (5, 2, 2)
    assert found["dropped: 'message' is missing"] == 1
    events.sink_parquet(tmp_path / "x.parquet")
    assert pl.read_parquet(tmp_path / "x.parquet").equals(events.collect())
    kept, _ = read_frame(FRAME.lazy(), "keep")
    excluded = check(kept.collect(), "events")["excluded"].to_list()
    assert excluded == [None, "fans is negative", None, "message is missing", "when is no number"]
    with pytest.raises(TableError, match="column 'fans': '-2' is negative"):
        read_frame(FRAME.lazy(), "raise")


def test_a_stream_counts_what_it_can() -> None:
    frame = pl.DataFrame(
        {
            "cascade_id": ["m", "m", "m", "n"],
            "time": [5.0, 2.0, 9.0, 1.0],
            "parent_id": [None, "0", "2", "3"],
        }
    )
    events, quality = read_cascades(frame.lazy(), layout="columns", unit="seconds")
    assert events.collect().rows() == [
        ("m", "0", 0.0, None),
        ("m", "1", -3.0, "0"),
        ("m", "2", 4.0, "2"),
        ("n", "3", 0.0, "3"),
    ]
    found = numbers(quality)
    assert found["cascades with negative delays"] == 1
    assert (found["self edges"], found["events that name a parent"]) == (2, 3)
    assert quality.cascades["cascade_id"].to_list() == ["m", "n"]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "times",
    [
        ["2020-01-01T10:00:00+01:00", "2020-01-01 12:00"],
        [datetime(2020, 1, 1, 9), datetime(2020, 1, 1, 12)],
        [datetime(2020, 1, 1, 9, tzinfo=UTC), datetime(2020, 1, 1, 12, tzinfo=UTC)],
    ],
)
def test_times_of_day_become_seconds(times: list[Any], lazy: bool) -> None:
    frame = pl.DataFrame({"cascade_id": ["a", "a"], "event_id": ["x", "y"], "time": times})
    events, quality = read_cascades(frame.lazy() if lazy else frame, layout="columns")
    assert events.lazy().collect()["time"].to_list() == [0, 3 * 3600]
    assert quality.cascades["start"].to_list() == [datetime(2020, 1, 1, 9, tzinfo=UTC)]
    if not lazy and str(times[1])[-5:] == "12:00":
        assert numbers(quality)["times without zone"] == 1


@pytest.mark.parametrize("lazy", [False, True])
def test_unix_milliseconds(lazy: bool) -> None:
    frame = pl.DataFrame({"cascade_id": ["a", "a"], "event_id": ["x", "y"], "t": [1000, 3500]})
    events, quality = read_cascades(
        frame.lazy() if lazy else frame,
        layout="columns",
        unit="unix_milliseconds",
        columns={"time": "t"},
    )
    assert events.lazy().collect()["time"].to_list() == [0, 2.5]
    assert quality.cascades["start"].to_list() == [datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)]


def test_one_cascade_without_ids(tmp_path: Path) -> None:
    text = "relative_time_second,number_of_followers\n0,5\n7,0\n7,2\n"
    columns = {"time": "relative_time_second", "magnitude": "number_of_followers"}
    events, quality = read(tmp_path / "t.csv", text, "columns", unit="seconds", columns=columns)
    assert events.rows() == [("t", "0", 0.0, 5.0), ("t", "1", 7.0, 0.0), ("t", "2", 7.0, 2.0)]
    assert numbers(quality)["rows without a column of cascades"] == 3


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, r"column 'time' not found; columns: \['cascade_id', 'posted'\]. Pass columns="),
        ({"columns": {"time": "nix"}}, "column 'nix' not found"),
        ({"columns": {"tim": "posted"}}, "columns names 'tim', which no events table has"),
        ({"columns": {"time": "posted"}}, "unit is not given; allowed"),
        ({"columns": {"time": "posted", "user": "posted"}}, "stand for one another twice"),
    ],
)
def test_maps_that_do_not_fit_are_refused(lazy: bool, options: Any, words: str) -> None:
    frame = pl.DataFrame({"cascade_id": ["a"], "posted": [1]})
    with pytest.raises(TableError, match=words):
        read_cascades(frame.lazy() if lazy else frame, layout="columns", **options)


@pytest.mark.parametrize("lazy", [False, True])
def test_only_a_near_name_is_suggested(lazy: bool) -> None:
    def said(*names: str) -> str:
        frame = pl.DataFrame({name: ["a"] for name in names})
        return refusal(frame.lazy() if lazy else frame, "columns")

    assert said("cascade_id", "message", "tweet", "posted_at") == (
        "column 'time' not found; columns: ['cascade_id', 'message', 'tweet', 'posted_at']. "
        "Pass columns={'time': ...} with the one of them that holds it."
    )
    assert said("cascade_id", "message", "times").endswith("Pass columns={'time': 'times'}.")


@pytest.mark.parametrize("lazy", [False, True])
def test_other_misfits_are_refused(lazy: bool) -> None:
    def source(**data: Any) -> Any:
        frame = pl.DataFrame(data)
        return frame.lazy() if lazy else frame

    times = [datetime(2020, 1, 1)]
    said = refusal(source(cascade_id=["a"], time=times), "columns", unit="days")
    assert "holds dates or times, which need none. Leave unit out." in said
    assert "is List(Int64); allowed: numbers" in refusal(
        source(cascade_id=["a"], time=[[1]]), "columns", unit="days"
    )
    assert "column 'event_id' is Float64; allowed: text" in refusal(
        source(cascade_id=["a"], event_id=[1.5], time=[1]), "columns", unit="days"
    )
    assert "form of text files" in refusal(source(a=[1]), "lines", unit="days")


INDEX = pl.DataFrame({"tweet_id": [BIG, 7, 8, 9, 6], "start_ind": [1, 3, 5, 4, 2]}).with_columns(
    end_ind=pl.Series([2, 3, 9, 6, 1])
)
DATA = pl.DataFrame(
    {
        "relative_time_second": ["0", "9", "0", "0", "1", "x"],
        "number_of_followers": [1, 2, 3, 4, 5, 6],
    }
)


def test_an_index_tells_which_rows_belong_together() -> None:
    events, quality = read_cascades((INDEX, DATA), layout="index_and_data", on_error="drop")
    assert check(events, "events").rows() == [
        (str(BIG), "0", 0.0, 1.0),
        (str(BIG), "1", 9.0, 2.0),
        ("7", "0", 0.0, 3.0),
        ("9", "0", 0.0, 4.0),
        ("9", "1", 1.0, 5.0),
    ]
    assert quality.dropped.select("line", "value", "reason").rows() == [
        (5, "x", "is no number"),
        (2, "5 to 9", "is no range of rows"),
        (4, "2 to 1", "is no range of rows"),
    ]
    assert numbers(quality)["data rows in no range"] == 0


def test_ranges_do_not_overlap() -> None:
    index = pl.DataFrame({"start_ind": [1, 2], "end_ind": [2, 4]})
    assert "'2 to 4' begins inside another range; a row belongs to one cascade" in refusal(
        (index, DATA), "index_and_data"
    )


@pytest.mark.parametrize("source", ["a.csv", ("a.csv",), 7])
def test_an_index_comes_with_data(source: Any) -> None:
    assert 'Pass source=("index.csv", "data.csv").' in refusal(source, "index_and_data")


def test_an_index_has_its_columns() -> None:
    assert "column 'start_ind' not found; columns:" in refusal((DATA, DATA), "index_and_data")


def test_tideh(tmp_path: Path) -> None:
    events, quality = read(tmp_path / "RT1.txt", TIDEH, "tideh", unit="hours")
    assert check(events, "events").rows() == [
        ("RT1", "0", 0.0, 90.0),
        ("RT1", "1", 7200.0, 433344.0),
        ("RT1", "2", 7200.0, 0.0),
        ("RT1", "3", 18000.0, 12.0),
    ]
    assert some(quality) == {"headers with another number than rows": 1, "tied times": 1}
    assert quality.cascades.rows() == [("RT1", 3.0, 0.5)]


def test_tideh_lines_that_cannot_be_read(tmp_path: Path) -> None:
    text = "x y\n1 2\n1\n1 2 3\na 2\n1 b\n1 -4\n"
    events, quality = read(tmp_path / "a.txt", text, "tideh", unit="hours", on_error="drop")
    assert (len(events), numbers(quality)["headers that cannot be read"]) == (1, 1)
    assert quality.dropped.select("line", "column", "reason").rows() == [
        (3, "line", "is no event"),
        (4, "line", "is no event"),
        (5, "time", "is no number"),
        (6, "followers", "is no number"),
        (7, "magnitude", "is negative"),
    ]


def test_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "RT.txt").write_text("1 0\n0 5\n")
    events, _ = read_cascades(str(tmp_path / "*" / "RT.txt"), layout="tideh", unit="hours")
    assert events["cascade_id"].to_list() == ["a/RT", "b/RT"]


def test_generations_stand_for_times(tmp_path: Path) -> None:
    events, quality = read(tmp_path / "a.csv", GENERATIONS, "generations")
    assert check(events, "events").rows() == [
        ("1", "1", 0.0, None, 0.0),
        ("1", "2", 1.0, "1", 1.0),
        ("1", "3", 2.0, "2", 2.0),
        ("7", "5", 0.0, None, 0.0),
        ("7", "2", 1.0, "5", 1.0),
    ]
    assert some(quality) == {"seeds, which have no row": 2, "times that are generations": 5}


def test_generations_are_never_called_seconds(tmp_path: Path) -> None:
    text = "2,1,1,1\n3,2,1,2\n9,8,7,1\n6,5,7,4\n"  # 5, a second root of 7, is of generation 3
    events, _ = read(tmp_path / "a.csv", text, "generations")
    table = vk.cascade_table(events)
    assert table["depth"].to_list() == [2, 1]
    assert table.select("duration_seconds", "median_response_seconds").rows() == [(None, None)] * 2
    by_generation = vk.cascade_table(events, by="generation")
    assert by_generation.select("first_time", "median_time").null_count().row(0) == (5, 5)
    axis = vk.cascade_chart(events, "1").to_dict()["layer"][0]["encoding"]["x"]
    assert axis["title"] == "Steps from the root"


def test_generations_may_have_a_header_and_faults(tmp_path: Path) -> None:
    text = f"child,parent,tree,generation\n{GENERATIONS}1,2,3\n1,,3,4\n1,2,3,-1\n1,2,3,x\n"
    _, quality = read(tmp_path / "a.csv", text, "generations", on_error="drop")
    assert (numbers(quality)["header lines"], numbers(quality)["rows kept"]) == (1, 5)
    assert quality.dropped["line"].to_list() == [5, 6, 7, 8]
    assert quality.dropped["reason"].unique().to_list() == ["has not four fields"]
