"""Keywords and column maps."""

from typing import Any

import polars as pl
import pytest
from counts_files import MAP, refusal

from viralkit.reading.counts import read_counts
from viralkit.tables import TableError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"kind": None},
            "kind is not given; allowed: ['incremental', 'cumulative', 'index']. Say what a row "
            "counts: pass kind='incremental' or kind='cumulative' or kind='index'.",
        ),
        ({"kind": "total"}, "kind='total' is not known; allowed: ['incremental', "),
        ({"on_error": "ignore"}, "on_error='ignore' is not known; allowed: ['raise', 'drop', "),
        (
            {"time": "day"},
            "column 'day' not found; columns: ['date', 'views']. Rename it, or pass time='date'.",
        ),
        (
            {"count": "Views"},
            "column 'Views' not found; columns: ['date', 'views']. Rename it, or pass "
            "count='views'.",
        ),
        ({"item": "video"}, "column 'video' not found; columns: ['date', 'views']. It names a "),
        ({"item": None}, "column None not found; columns: ['date', 'views']."),
        ({"item": "date"}, "time='date', count='views', item='date': one column stands for two"),
    ],
)
def test_keywords_that_do_not_fit(write: Any, options: dict[str, Any], message: str) -> None:
    path = write("date,views\n2008-01-18,1\n")
    assert refusal(path, **{**MAP, **options}).startswith(message)


def test_kind_is_asked_for_in_words_of_the_kit(write: Any) -> None:
    with pytest.raises(TableError, match="kind is not given"):
        read_counts(write("time,count\n1,1\n"))


def test_a_column_that_stands_twice_for_the_same(write: Any) -> None:
    assert refusal(write("time,date,views\n1,2008-01-18,1\n"), **MAP) == (
        "columns 'time' and 'date' both stand for time; allowed: one. "
        "Drop or rename the first: frame.drop('time')."
    )


def test_columns_may_swap_names(write: Any) -> None:
    counts, _ = read_counts(write("count,time\n7,5\n"), kind="index", time="count", count="time")
    assert counts.select("time", "count").row(0) == (7.0, 5)


def test_cells_of_spaces_are_blank(write: Any) -> None:
    counts, _ = read_counts(write("time,count,bound,mine\n1,1,  ,  \n"), kind="cumulative")
    assert counts.select("bound", "mine").row(0) == (None, "  ")
    assert "column 'count': the value is missing" in refusal(write("time,count\n1,  \n"))


@pytest.mark.parametrize("separator", [";", "\t"])
def test_another_separator_is_noticed(write: Any, separator: str) -> None:
    said = refusal(write(f"time{separator}count\n1{separator}2\n"))
    assert said.endswith(
        f"If {separator!r} divides your file, pass "
        f"pl.read_csv(path, separator={separator!r}, infer_schema=False)."
    )


def test_only_columns_without_a_part_are_offered_and_a_name_is_no_column():
    frame = pl.DataFrame({"Week": ["2025-02-03"], "downloads": ["7"]})
    with pytest.raises(TableError, match=r"pass count='downloads'"):
        read_counts(frame, kind="cumulative", time="Week")
    with pytest.raises(TableError, match=r"frame\.with_columns\(item=pl\.lit\('my app'\)\) after"):
        read_counts(frame, kind="cumulative", time="Week", count="downloads", item="my app")
