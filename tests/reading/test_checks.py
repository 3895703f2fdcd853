"""What the quality of counts says is odd."""

from typing import Any

import polars as pl
import pytest
from counts_files import notes, rows

from viralkit.reading.counts import read_counts


def test_what_is_odd_is_counted(write: Any) -> None:
    path = write(
        "item,time,count,bound\nA,2008-01-01,5,\nA,2008-01-01,6,\nA,2008-01-03,4,exact\n"
        "A,2008-01-04,1,at_least\nA,2008-01-05,3,at_most\nB,2008-01-01,0,rounded\n"
    )
    _, quality = read_counts(path, kind="cumulative")
    assert rows(quality) | {"time span of 'A'": 5, "time span of 'B'": 1} == rows(quality)
    for name, number, note in [
        ("duplicate times", 1, "first: 'A' at 2008-01-01"),
        ("falls of a cumulative count", 1, "first: 'A' at 2008-01-03"),
        ("rows with a bound", 2, "at_least or at_most"),
        ("rows with a zero count", 1, None),
        ("items", 2, None),
        ("unsorted rows", 0, None),
    ]:
        assert (rows(quality)[name], notes(quality)[name]) == (number, note), name
    assert "gaps between periods" not in rows(quality)


def test_a_count_that_stands_still_does_not_fall(write: Any) -> None:
    _, quality = read_counts(write("time,count\n1,5\n2,5\n"), kind="cumulative")
    assert rows(quality)["falls of a cumulative count"] == 0


def test_gaps_and_overlaps_of_periods(write: Any) -> None:
    path = write("item,time,count\nA,1,1\nA,2,1\nA,4,1\nA,4.5,1\nB,1,1\nB,2,1\n")
    _, quality = read_counts(path, kind="incremental", every=1)
    assert notes(quality)["gaps between periods"] == "first: 'A' at 4.0"
    assert notes(quality)["overlapping periods"] == "first: 'A' at 4.5"
    assert (rows(quality)["gaps between periods"], rows(quality)["overlapping periods"]) == (1, 1)
    assert notes(quality)["time span of 'A'"] == "1.0 to 5.5"
    assert "falls of a cumulative count" not in rows(quality)


def test_excluded_rows_do_not_count_as_odd(write: Any) -> None:
    path = write("time,count,excluded\n1,5,\n2,1,misprint\n2,6,\n")
    _, quality = read_counts(path, kind="cumulative")
    assert (rows(quality)["falls of a cumulative count"], rows(quality)["duplicate times"]) == (
        0,
        0,
    )


def test_metrics_are_series_of_their_own(write: Any) -> None:
    path = write("item,metric,time,count\nA,views,1,5\nA,likes,1,4\nA,views,2,6\n")
    counts, quality = read_counts(path, kind="cumulative")
    assert counts["metric"].to_list() == ["likes", "views", "views"]
    assert (rows(quality)["falls of a cumulative count"], rows(quality)["duplicate times"]) == (
        0,
        0,
    )
    assert rows(quality)["time span of 'A', 'views'"] == 2


def test_spans_of_many_items_are_summed_up() -> None:
    frame = pl.DataFrame({"item": [f"{i:03}" for i in range(100)], "time": range(100)})
    _, quality = read_counts(frame.with_columns(count=pl.lit(1)), kind="cumulative")
    assert notes(quality)["time span of 90 more"] == "10.0 to 99.0"
    assert rows(quality)["time span of 90 more"] == 90
    assert len(quality.table) < 30


@pytest.mark.parametrize(
    ("cells", "rows_with", "told"),
    [
        (["978", "1.158", "1.429", "12.300"], 3, True),
        (["0.5", "1.25", "3.125"], 3, False),
        (["1500", "1.158"], 1, False),
        (["978", "1158"], None, False),
        ([978.0, 1.158, 1.429], 2, True),
    ],
)
def test_decimals_are_counted_and_thousands_set_apart_by_dots_suspected(cells, rows_with, told):
    time = [f"2025-02-{day:02}" for day in range(1, len(cells) + 1)]
    frame = pl.DataFrame({"time": time, "count": cells})
    quality = read_counts(frame, kind="incremental", every="1d")[1]
    assert rows(quality).get("counts with decimals") == rows_with
    note = notes(quality).get("counts with decimals")
    assert (note == "three decimals: if the dot sets thousands apart, take it out") is told
