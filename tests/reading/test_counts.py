"""read_counts: files and frames in, a counts table and its quality out."""

import io
import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from counts_files import MAP, notes, refusal, rows
from polars.testing import assert_frame_equal

from viralkit.reading.counts import read_counts


def test_a_csv_becomes_a_counts_table(write: Any) -> None:
    path = write("date,views,source\n2008-01-19,12,b\n2008-01-18,5,a\n")
    counts, quality = read_counts(path, kind="cumulative", **MAP)
    expected = pl.DataFrame(
        {
            "item": ["views", "views"],
            "time": [date(2008, 1, 18), date(2008, 1, 19)],
            "count": [5, 12],
            "kind": ["cumulative", "cumulative"],
            "source": ["a", "b"],
        }
    )
    assert_frame_equal(counts, expected)
    assert rows(quality)["rows read"] == rows(quality)["rows kept"] == 2
    assert notes(quality)["items"] == "no item column: all rows are 'views'"
    assert notes(quality)["time span of 'views'"] == "2008-01-18 to 2008-01-19"
    assert rows(quality)["unsorted rows"] == 1
    assert quality.dropped.columns == ["file", "line", "column", "value", "reason"]
    assert len(quality.dropped) == 0


def test_items_are_sorted_and_extra_columns_follow(write: Any) -> None:
    path = write(
        "b,video,date,views,metric\nx,B,2008-01-18,1,v\ny,A,2008-01-18,2,v\nz,A,2008-01-17,3,v\n"
    )
    counts, _ = read_counts(path, kind="index", item="video", **MAP)
    assert counts.columns == ["item", "time", "count", "metric", "kind", "b"]
    assert counts["b"].to_list() == ["z", "y", "x"]
    assert counts["kind"].unique().to_list() == ["index"]


def test_all_columns_of_the_table_are_typed(write: Any) -> None:
    path = write(
        "item,time,count,bound,time_lower,time_upper,excluded,reference,mine\n"
        "A,2008-01-18,5.5,at_least,2008-01-01,2008-01-31,copy,x;y,007\n"
        "A,2008-01-19,1e3,,,,,,\n"
    )
    counts, quality = read_counts(path, kind="cumulative")
    assert counts.row(0, named=True) == {
        "item": "A",
        "time": date(2008, 1, 18),
        "count": 5.5,
        "kind": "cumulative",
        "bound": "at_least",
        "time_lower": date(2008, 1, 1),
        "time_upper": date(2008, 1, 31),
        "excluded": "copy",
        "reference": "x;y",
        "mine": "007",
    }
    assert counts.row(1)[2:] == (1000.0, "cumulative", *[None] * 6)
    assert rows(quality)["excluded rows"] == 1


@pytest.mark.parametrize(
    ("time", "every", "end"),
    [
        ("2008-01-31", "1d", date(2008, 2, 1)),
        ("2008-01-31", "1w", date(2008, 2, 7)),
        ("2008-01-31", "1mo", date(2008, 2, 29)),
        ("2008-01-31", "1q", date(2008, 4, 30)),
        ("2008-01-31", "2y", date(2010, 1, 31)),
        ("2008-01-31T23:00Z", "2h", datetime(2008, 2, 1, 1, tzinfo=UTC)),
        ("2008-01-31T23:00Z", "1d", datetime(2008, 2, 1, 23, tzinfo=UTC)),
        ("3", 1, 4.0),
        ("3", 0.5, 3.5),
    ],
)
def test_every_makes_the_end_of_the_period(write: Any, time: str, every: Any, end: Any) -> None:
    counts, _ = read_counts(write(f"time,count\n{time},1\n"), kind="incremental", every=every)
    assert counts["period_end"].to_list() == [end]


DAYS = 'allowed: a number and d, w, mo, q or y: "1d", "1w", "1mo", "1y"'


NEEDED = "Incremental counts need the length of their periods: pass every="


@pytest.mark.parametrize(
    ("time", "every", "message"),
    [
        (
            "2008-01-31",
            None,
            f"every is not given; {DAYS}. {NEEDED}\"1w\", or a column 'period_end'.",
        ),
        ("2008-01-31", "6h", f"every='6h' is no period; {DAYS}. {NEEDED}"),
        (
            "2008-01-31T00:00Z",
            None,
            f'every is not given; {DAYS}, also "6h", "30m", "10s". {NEEDED}',
        ),
        ("2008-01-31", 7, f"every=7 is no period; {DAYS}"),
        ("2008-01-31", "0d", f"every='0d' is no period; {DAYS}"),
        ("2008-01-31", "-1d", f"every='-1d' is no period; {DAYS}"),
        ("2008-01-31", "99999y", f"every='99999y' is no period; {DAYS}"),
        ("2008-01-31", "1٢d", "is no period"),
        ("2008-01-31", "weekly", f"every='weekly' is no period; {DAYS}"),
        (
            "3",
            None,
            "every is not given; allowed: a number above zero, as the times are numbers. "
            f"{NEEDED}1, or a column 'period_end'.",
        ),
        ("3", "1d", "every='1d' is no period; allowed: a number above zero"),
        ("3", 0, "every=0 is no period"),
        ("3", -1, "every=-1 is no period"),
        ("3", math.inf, "every=inf is no period"),
        ("3", math.nan, "every=nan is no period"),
        ("3", True, "every=True is no period"),
    ],
)
def test_every_is_never_guessed(write: Any, time: str, every: Any, message: str) -> None:
    said = refusal(write(f"time,count\n{time},1\n"), kind="incremental", every=every)
    assert said.startswith(message) or message == "is no period" in said


def test_every_belongs_to_incremental_counts_without_an_end(write: Any) -> None:
    path = write("time,count,period_end\n1,1,2\n")
    assert refusal(path, every="1d") == (
        "every='1d', but kind='cumulative'; periods belong to incremental counts. Leave it out."
    )
    assert refusal(path, kind="incremental", every=1) == (
        "every=1 beside a column 'period_end'; allowed: one of them. Leave one out."
    )
    assert read_counts(path, kind="incremental")[0]["period_end"].to_list() == [2.0]


def test_an_incremental_count_needs_the_end_of_its_period(write: Any) -> None:
    path = write("time,count,period_end\n1,1,2\n2,1,\n")
    assert refusal(path, kind="incremental").startswith(
        "'views.csv', line 3, column 'period_end': the value is missing; an incremental count has "
        "the end of its period."
    )


def test_an_excluded_count_needs_no_end_of_its_period(write: Any) -> None:
    path = write("time,count,period_end,excluded\n1,1,2,\n2,1,,page lost\n")
    counts, _ = read_counts(path, kind="incremental")
    assert counts["period_end"].to_list() == [2.0, None]


def test_periods_beyond_the_calendar_are_refused(write: Any) -> None:
    path = write("time,count\n9999-12-31,1\n")
    said = refusal(path, kind="incremental", every="9999y")
    assert "column 'period_end': 'a time before the year 1 or after 9999' is no date" in said


def test_a_header_alone_is_an_empty_table(write: Any) -> None:
    counts, quality = read_counts(write("date,views\n"), kind="incremental", every="1d", **MAP)
    assert counts.schema == {
        "item": pl.String,
        "time": pl.Date,
        "count": pl.Int64,
        "kind": pl.String,
        "period_end": pl.Date,
    }
    assert (len(counts), rows(quality)["rows read"]) == (0, 0)


def test_one_row_of_zero(write: Any) -> None:
    counts, quality = read_counts(write("time,count\n0,0\n"), kind="cumulative")
    assert (len(counts), rows(quality)["rows with a zero count"]) == (1, 1)


def test_a_typed_frame_is_read_as_it_is() -> None:
    frame = pl.DataFrame(
        {
            "item": pl.Series(["A", "A"], dtype=pl.Categorical),
            "time": [datetime(2008, 1, 18), datetime(2008, 1, 19)],
            "count": pl.Series([1, 2], dtype=pl.UInt16),
        }
    )
    counts, quality = read_counts(frame, kind="cumulative")
    assert counts["time"][0] == datetime(2008, 1, 18, tzinfo=UTC)
    assert counts.schema["count"] == pl.UInt16
    assert rows(quality)["times without zone"] == 2
    tokyo = frame.with_columns(pl.col("time").dt.replace_time_zone("Asia/Tokyo"))
    counts, quality = read_counts(tokyo, kind="cumulative")
    assert counts["time"][0] == datetime(2008, 1, 17, 15, tzinfo=UTC)
    assert rows(quality)["times without zone"] == 0


def test_a_wrong_dtype_of_a_frame_names_its_own_column() -> None:
    frame = pl.DataFrame({"date": [date(2008, 1, 18)], "views": [True]})
    assert refusal(frame, **MAP) == (
        "column 'count' is Boolean; allowed: integers or floats. Convert it: "
        "pl.col('count').cast(pl.Int64). ('time' is your 'date', 'count' is your 'views'.)"
    )
    assert "column 'item' is Int64" in refusal(
        pl.DataFrame({"item": [1], "time": [1], "count": [1]})
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (pl.LazyFrame({"time": [1], "count": [1]}), "a LazyFrame holds no rows yet; collect it"),
        (3, "'int' is not a polars DataFrame"),
        (None, "'NoneType' is not a polars DataFrame"),
        (pl.DataFrame(), "column 'time' not found; columns: []."),
    ],
)
def test_other_sources_are_refused(source: Any, message: str) -> None:
    assert refusal(source).startswith(message)


def test_large_files_keep_their_lines(write: Any) -> None:
    """polars reads in pieces and in parallel: lines are counted over all of them."""
    lines = [f'2008-01-18,{i},"a\nb"' if i % 7 == 0 else f"2008-01-18,{i},c" for i in range(50_000)]
    lines[40_000] = "2008-01-18,oops,c"
    text = "\n".join(["date,views,note", *lines])
    line = text[: text.index("oops")].count("\n") + 1
    assert f"line {line}, column 'views': 'oops'" in refusal(write(text), **MAP)


def test_published_files(samples: Path) -> None:
    daily = samples / "youtube_daily" / "vevo_daily_views.csv"
    counts, quality = read_counts(daily, kind="incremental", time="date", count="views", every="1d")
    plain = pl.read_csv(daily, try_parse_dates=True)
    assert counts["count"].sum() == plain["views"].sum()
    assert counts.schema["time"] == pl.Date
    assert rows(quality)["items"] == plain["item"].n_unique() == 6
    trends = next((samples / "google_trends").glob("*.csv"))
    assert "line 3 has 2 cells; the header has 1. If the header stands there" in refusal(trends)
    frame = pl.read_csv(trends, skip_rows=2, separator=",", infer_schema=False)
    counts, _ = read_counts(frame, kind="index", time="Week", count=frame.columns[1])
    assert counts["count"].max() == 100


def test_published_files_with_faults(samples: Path) -> None:
    chosen = {"time": "date", "count": "views", "item": "video_id"}
    first = samples / "youtube_trending_2017" / "USvideos.csv"
    _, quality = read_counts(first, kind="cumulative", on_error="drop", **chosen)
    assert rows(quality)["rows read"] == rows(quality)["rows kept"] + len(quality.dropped)
    lines = first.read_text().split("\n")
    line, cell = quality.dropped.filter(pl.col("column") == "date").select("line", "value").row(0)
    assert lines[line - 1].endswith(cell)
    assert rows(quality)["falls of a cumulative count"] > 100
    cut = samples / "youtube_trending" / "FRvideos_head.csv"
    assert "a double quote opens on line" in refusal(cut, **chosen)


def test_text_may_come_from_polars_itself() -> None:
    frame = pl.read_csv(
        io.StringIO("date;views\n2008-01-18;5\n"), separator=";", infer_schema=False
    )
    assert read_counts(frame, kind="index", **MAP)[0]["count"].to_list() == [5]
