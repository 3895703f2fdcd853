"""Rows that break a rule: raised, dropped or kept."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from counts_files import MAP, notes, refusal, rows
from polars.testing import assert_frame_equal

from viralkit.reading.counts import read_counts
from viralkit.tables import check


def test_the_first_bad_row_is_told_and_how_many_more(write: Any) -> None:
    path = write("date,views\n2008-01-18,1\nx,2\n2008-01-19,y\n2008-01-20,-1\n")
    assert "line 3, column 'date': 'x'" in refusal(path, **MAP)
    assert "2 more rows cannot be used either." in refusal(path, **MAP)


def test_the_first_bad_row_is_the_first_of_the_file(write: Any) -> None:
    path = write("date,views\n2008-01-18,x\ny,1\n2008-01-19,2\n")
    assert "line 2, column 'views': 'x'" in refusal(path, **MAP)
    _, quality = read_counts(path, kind="index", on_error="drop", **MAP)
    assert quality.dropped["line"].to_list() == [2, 3]


BROKEN = (
    'date,views,note\n2008-01-18,1,"two\nlines"\n\n2008-01-19,"1,234",=cmd()\n'
    ",3,\n2008-01-21,-4,\n2008-01-22,5,\n"
)


def test_drop_lists_what_it_drops(write: Any) -> None:
    counts, quality = read_counts(write(BROKEN), kind="cumulative", on_error="drop", **MAP)
    assert counts["count"].to_list() == [1, 5]
    assert quality.dropped.rows() == [
        ("views.csv", 5, "views", "1,234", "is no number"),
        ("views.csv", 6, "date", None, "is missing"),
        ("views.csv", 7, "views", "-4", "is negative"),
    ]
    found = rows(quality)
    assert (found["rows read"], found["rows kept"], found["blank lines"]) == (5, 2, 1)
    assert found["dropped: 'views' is no number"] == 1
    assert notes(quality)["dropped: 'date' is missing"] == "first: 'views.csv', line 6"


def test_keep_excludes_with_the_reason(write: Any) -> None:
    counts, quality = read_counts(write(BROKEN), kind="cumulative", on_error="keep", **MAP)
    assert counts.select("time", "count", "excluded").rows() == [
        (date(2008, 1, 18), 1, None),
        (date(2008, 1, 19), None, "'views.csv', line 5, column 'views': '1,234' is no number"),
        (date(2008, 1, 21), None, "'views.csv', line 7, column 'views': '-4' is negative"),
        (date(2008, 1, 22), 5, None),
        (None, 3, "'views.csv', line 6, column 'date': the value is missing"),
    ]
    assert counts["note"].to_list() == ["two\nlines", "=cmd()", None, None, None]
    assert len(quality.dropped) == 0
    found = rows(quality)
    assert (found["rows kept"], found["excluded rows"]) == (5, 3)
    assert found["excluded: 'views' is negative"] == 1
    assert_frame_equal(check(counts, "counts"), counts)


def test_a_row_with_several_faults_is_one_row(write: Any) -> None:
    path = write("item,time,count,bound\n,x,y,over\nA,1,1,\nA,2,2,\n")
    _, dropped = read_counts(path, kind="cumulative", on_error="drop")
    assert dropped.dropped.rows() == [("views.csv", 2, "time", "x", "is no time")]
    counts, _ = read_counts(path, kind="cumulative", on_error="keep")
    kept = counts.filter(pl.col("excluded").is_not_null())
    assert kept.select("item", "time", "count", "bound").rows() == [(None,) * 4]


def test_rows_of_a_frame_are_counted_from_zero() -> None:
    frame = pl.DataFrame({"time": [1, 2], "count": [1, -2]})
    before = frame.clone()
    assert refusal(frame).startswith("row 1 (counted from 0), column 'count': '-2' is negative")
    counts, _ = read_counts(frame, kind="cumulative", on_error="keep")
    assert counts["count"].to_list() == [1, None]
    _, quality = read_counts(frame, kind="cumulative", on_error="drop")
    assert quality.dropped.row(0) == (None, 1, "count", "-2", "is negative")
    assert_frame_equal(frame, before)


def test_reasons_that_stand_in_the_source_stay(write: Any) -> None:
    path = write("time,count,excluded\n1,,page lost\n2,x,page lost\n3,4,\n")
    counts, quality = read_counts(path, kind="cumulative", on_error="keep")
    assert counts["excluded"].to_list() == ["page lost", "page lost", None]
    assert "excluded: 'count' is missing" not in rows(quality)
    assert "line 3" in refusal(path)


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("bound", "over", "'over' is not allowed; allowed: exact, rounded, at_least, at_most."),
        ("time_lower", "3", "'3' is not at or before time; time_lower stands at or before time."),
        ("time_upper", "1", "'1' is not at or after time; time_upper stands at or after time."),
        ("period_end", "2", "'2' is not after time; period_end stands after time."),
        ("period_end", "x", "'x' is no time"),
        ("kind", "index", "'index' is another kind; you passed kind='cumulative'."),
        ("kind", "viral", "'viral' is not allowed; allowed: incremental, cumulative, index."),
    ],
)
def test_the_other_columns_keep_their_rules(
    write: Any, column: str, cell: str, reason: str
) -> None:
    path = write(f"time,count,{column}\n2,1,{cell}\n")
    assert refusal(path).startswith(f"'views.csv', line 2, column '{column}': {reason}")
    counts, _ = read_counts(path, kind="cumulative", on_error="keep")
    assert counts[column].to_list() == (["cumulative"] if column == "kind" else [None])
