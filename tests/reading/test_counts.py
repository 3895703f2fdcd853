"""read_counts: files and frames in, a counts table and its quality out."""

import io
import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from viralkit.reading.counts import read_counts
from viralkit.tables import Quality, TableError, check

MAP = {"time": "date", "count": "views"}
ADVICE = 'Or pass on_error="drop" (listed in quality.dropped) or "keep" (excludes them).'


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a file and give its path."""

    def write(text: str | bytes, name: str = "views.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def refusal(source: Any, **options: Any) -> str:
    with pytest.raises(TableError) as caught:
        read_counts(source, **{"kind": "cumulative", **options})
    return str(caught.value)


def rows(quality: Quality) -> dict[str, int]:
    """The checks of a quality and their numbers of rows."""
    return dict(zip(quality.table["check"], quality.table["rows"], strict=True))


def notes(quality: Quality) -> dict[str, str | None]:
    return dict(zip(quality.table["check"], quality.table["note"], strict=True))


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


TIMES = [
    ("2008-01-18", date(2008, 1, 18), 0),
    (" 2008-01-18 ", date(2008, 1, 18), 0),
    ("2008-01-18T10:30", datetime(2008, 1, 18, 10, 30, tzinfo=UTC), 1),
    ("2008-01-18 10:30:15.25", datetime(2008, 1, 18, 10, 30, 15, 250000, tzinfo=UTC), 1),
    ("2008-01-18T10:30Z", datetime(2008, 1, 18, 10, 30, tzinfo=UTC), 0),
    ("2008-01-18T10:30:00+02:00", datetime(2008, 1, 18, 8, 30, tzinfo=UTC), 0),
    ("2008-01-18T10:30:00-0530", datetime(2008, 1, 18, 16, 0, tzinfo=UTC), 0),
    ("2008-01-18 10:30+02", datetime(2008, 1, 18, 8, 30, tzinfo=UTC), 0),
    ("2008", 2008.0, 0),
    ("-1.5", -1.5, 0),
    ("+.5e1", 5.0, 0),
]


@pytest.mark.parametrize(("text", "time", "without_zone"), TIMES)
def test_times_that_are_read(write: Any, text: str, time: Any, without_zone: int) -> None:
    counts, quality = read_counts(write(f"time,count\n{text},1\n"), kind="index")
    assert counts["time"].to_list() == [time]
    assert rows(quality)["times without zone"] == without_zone


def test_dates_among_moments_are_midnights(write: Any) -> None:
    path = write("time,count\n2008-01-18,1\n2008-01-18T12:00Z,2\n")
    counts, quality = read_counts(path, kind="cumulative")
    assert counts["time"][0] == datetime(2008, 1, 18, tzinfo=UTC)
    assert (rows(quality)["times without zone"], notes(quality)["times without zone"]) == (
        1,
        "read as UTC",
    )


BAD_TIMES = [
    ("2008-01-18", "7", "'7' is no date, as most times are; a column holds one form of time."),
    ("7", "2008-01-18", "'2008-01-18' is no number, as most times are; a column holds one form"),
    ("2008-01-18", "2008-02-30", "'2008-02-30' is no time; allowed: ISO dates (2007-05-22), "),
    ("2008-01-18", "2008-02-30", "Correct it: no calendar has it."),
    ("2008-01-18", "18.01.2008", "Parse it: pl.col('time').str.to_date(\"%d.%m.%Y\")."),
    ("2008-01-18", "", "the value is missing; every row has its time"),
    ("2008-01-18", "=cmd()", "'=cmd()' is no time"),
    ("2008-01-18T00:00Z", "2008-01-18T25:00Z", "'2008-01-18T25:00Z' is no time"),
    ("7", "20080118", "'20080118' is no period; periods lie within ten million."),
    ("7", "nan", "'nan' is no time"),
    ("7", "1e999", "'1e999' is no period"),
    ("2008-01-18", "0000-01-18", "'0000-01-18' is no date; dates lie in the years 1 to 9999."),
]


@pytest.mark.parametrize(("good", "bad", "message"), BAD_TIMES)
def test_times_that_are_refused(write: Any, good: str, bad: str, message: str) -> None:
    path = write(f"time,count\n{good},1\n{good},2\n{bad},3\n")
    said = refusal(path)
    assert said.startswith("'views.csv', line 4, column 'time': ")
    assert said.endswith(ADVICE)
    assert message in said


WHOLE = [
    ("18/01/2008", 'str.to_date("%d/%m/%Y") (or "%m/%d/%Y" if months come first)'),
    ("1/18/08", 'str.to_date("%d/%m/%y") (or "%m/%d/%y" if months come first)'),
    ("17.14.11", 'str.to_date("%d.%m.%y") (or "%y.%d.%m" if years come first)'),
    ("2008/1/18", 'str.to_date("%Y/%m/%d")'),
    ("2008-1-18", 'str.to_date("%Y-%m-%d")'),
    ("2008-01", 'add("-01").str.to_date("%Y-%m-%d")'),
    ("18 Jan 2008", 'str.to_date("%d %b %Y")'),
    ("January 18, 2008", 'str.to_date("%B %d, %Y")'),
    ("next week", 'str.to_date("%Y-%m-%d") with the format of your dates'),
]


@pytest.mark.parametrize(("text", "parse"), WHOLE)
def test_a_column_in_another_form_is_told_how_to_parse(write: Any, text: str, parse: str) -> None:
    said = refusal(write(f'date,count\n"{text}",1\n"{text}",2\n'), time="date")
    assert said == (
        f"column 'date' holds text such as '{text}'; allowed: ISO dates (2007-05-22), ISO times "
        f"(2007-05-22T14:30Z) or numbers (periods). Parse it: pl.col('date').{parse}. "
        "Then pass the frame (pl.read_csv with infer_schema=False)."
    )


@pytest.mark.parametrize(("text", "parse"), [(t, p.split(" (")[0]) for t, p in WHOLE[:-1]])
def test_the_advice_on_parsing_works(text: str, parse: str) -> None:
    if text in ("1/18/08", "17.14.11"):
        parse = {"1/18/08": 'str.to_date("%m/%d/%y")', "17.14.11": 'str.to_date("%y.%d.%m")'}[text]
    parsed = pl.DataFrame({"time": [text], "count": [1]}).with_columns(
        eval(f"pl.col('time').{parse}", {"pl": pl})
    )
    counts, _ = read_counts(parsed, kind="index")
    expected = {"17.14.11": date(2017, 11, 14), "2008-01": date(2008, 1, 1)}
    assert counts["time"][0] == expected.get(text, date(2008, 1, 18))


COUNTS = [
    ("12", 12),
    (" 12 ", 12),
    ("007", 7),
    ("+3", 3),
    ("1000000000000000000", 10**18),
    ("9223372036854775807", 2**63 - 1),
    ("3.5", 3.5),
    ("3.", 3.0),
    (".5", 0.5),
    ("1e6", 1e6),
    ("0", 0),
]


@pytest.mark.parametrize(("text", "value"), COUNTS)
def test_counts_that_are_read(write: Any, text: str, value: float) -> None:
    counts, quality = read_counts(write(f"time,count\n1,{text}\n"), kind="index")
    assert counts["count"].to_list() == [value]
    assert type(counts["count"][0]) is type(value)
    assert rows(quality)["rows with a zero count"] == (value == 0)


NUMBERS = "is no number; allowed: digits with a decimal point at most (1234 or 1234.5), no "
BAD_COUNTS = [
    ('"1,234"', f"'1,234' {NUMBERS}"),
    ("1 234", f"'1 234' {NUMBERS}"),
    ("1.2M", f"'1.2M' {NUMBERS}"),
    ("1_000", f"'1_000' {NUMBERS}"),
    ("12%", f"'12%' {NUMBERS}"),
    ("nan", f"'nan' {NUMBERS}"),
    ("inf", f"'inf' {NUMBERS}"),
    ("NA", f"'NA' {NUMBERS}"),
    ("True", f"'True' {NUMBERS}"),
    ("=1+1", f"'=1+1' {NUMBERS}"),
    ("١٢", f"'١٢' {NUMBERS}"),
    ("-1", "'-1' is negative; a count is zero or more."),
    ("1e999", "'1e999' is not finite; a count is a finite number."),
    ("9223372036854775808", "'9223372036854775808' is too large; 64 bits hold 9,223,372,036,"),
    ("", "the value is missing; every row has its count"),
    ('""', "the value is missing; every row has its count"),
]


@pytest.mark.parametrize(("text", "message"), BAD_COUNTS)
def test_counts_that_are_refused(write: Any, text: str, message: str) -> None:
    said = refusal(write(f"date,views\n2008-01-18,1\n2008-01-19,{text}\n"), **MAP)
    assert said.startswith(f"'views.csv', line 3, column 'views': {message}")
    assert said.endswith(ADVICE)


def test_the_first_bad_row_is_told_and_how_many_more(write: Any) -> None:
    path = write("date,views\n2008-01-18,1\nx,2\n2008-01-19,y\n2008-01-20,-1\n")
    assert "line 3, column 'date': 'x'" in refusal(path, **MAP)
    assert "2 more rows cannot be used either." in refusal(path, **MAP)


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


def test_periods_beyond_the_calendar_are_refused(write: Any) -> None:
    path = write("time,count\n9999-12-31,1\n")
    said = refusal(path, kind="incremental", every="9999y")
    assert "column 'period_end': 'a time before the year 1 or after 9999' is no date" in said


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
        ({"item": "video"}, "column 'video' not found; columns: ['date', 'views']. Rename it, or "),
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


@pytest.mark.parametrize("separator", [";", "\t"])
def test_another_separator_is_noticed(write: Any, separator: str) -> None:
    said = refusal(write(f"time{separator}count\n1{separator}2\n"))
    assert said.endswith(
        f"If {separator!r} divides your file, pass "
        f"pl.read_csv(path, separator={separator!r}, infer_schema=False)."
    )


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


NAUGHTY = [
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "<script>alert(1)</script>",
    '"quoted"',
    "a,b",
    "two\nlines",
    "carriage\rreturn",
    "\x1b[31m",
    "\x00",
    " blank ",
    "\u202ertl",
    "👩‍👩‍👧",
    "\uff46\uff55\uff4c\uff4c",
    "NULL",
    "nan",
    "1e5",
    "x" * 3000,
    "#comment",
    "'",
    "\\",
    "${HOME}",
    "../../etc",
    "\ufeff",
]


@pytest.mark.parametrize("text", NAUGHTY)
def test_naughty_text_stays_what_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    extra = f"{text}_"
    pl.DataFrame({"item": [text], "time": [1], "count": [1], extra: [text]}).write_csv(path)
    counts, quality = read_counts(path, kind="cumulative")
    assert counts["item"].to_list() == counts[extra].to_list() == [text]
    assert repr(quality).replace("\n", "").isprintable()
    assert "<script" not in quality._repr_html_()


@pytest.mark.parametrize("text", NAUGHTY)
def test_naughty_text_in_columns_and_cells_of_messages(tmp_path: Path, text: str) -> None:
    path, name = tmp_path / "a.csv", f"_{text}"
    pl.DataFrame({name: [text, "1"], "count": ["1", f"{text}x"]}).write_csv(path)
    said = refusal(path, time=name)
    assert said.isprintable()
    assert len(said) < 800
    _, quality = read_counts(path, kind="cumulative", time=name, on_error="drop")
    assert len(quality.dropped) >= 1
    assert repr(quality).replace("\n", "").isprintable()


cells = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda text: text.strip() != ""
)
times = st.one_of(
    st.lists(st.dates(), min_size=1, max_size=5),
    st.lists(st.datetimes(timezones=st.just(UTC)), min_size=1, max_size=5),
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5),
)
numbers = st.one_of(
    st.just(st.integers(0, 2**63 - 1)),
    st.just(st.floats(0, 1e300, allow_subnormal=False)),
)


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Valid counts tables, in the order in which read_counts gives them."""
    time = draw(times)
    number = draw(numbers)

    def column(values: Any) -> list[Any]:
        return draw(st.lists(values, min_size=len(time), max_size=len(time)))

    frame = pl.DataFrame(
        {
            "item": column(cells),
            "time": pl.Series(time, dtype=UTC_TIME if isinstance(time[0], datetime) else None),
            "count": column(number),
            "metric": pl.Series(column(st.none() | cells), dtype=pl.String),
            "kind": ["cumulative"] * len(time),
            "bound": pl.Series(
                column(st.none() | st.sampled_from(["exact", "at_least"])), dtype=pl.String
            ),
            "excluded": pl.Series(column(st.none() | cells), dtype=pl.String),
            "mine": pl.Series(column(st.none() | cells), dtype=pl.String),
        }
    )
    return check(
        frame.sort("item", "metric", "time", nulls_last=True, maintain_order=True), "counts"
    )


UTC_TIME = pl.Datetime("us", "UTC")


@given(tables(), st.sampled_from([".csv", ".tsv", ".parquet"]))
def test_what_is_written_is_read_again(
    tmp_path_factory: Any, frame: pl.DataFrame, end: str
) -> None:
    path = tmp_path_factory.mktemp("round") / f"a{end}"
    if end == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="\t" if end == ".tsv" else ",")
    counts, quality = read_counts(path, kind="cumulative")
    assert_frame_equal(counts, frame, check_exact=True)
    assert rows(quality)["rows kept"] == len(frame)


odd_cells = st.one_of(
    st.sampled_from(
        ["", "2008-01-18", "2008-01-18T10:00", "1", "-1", "1e999", "x", '"', "1,2", "\n"]
    ),
    st.text(max_size=4),
)


@given(
    st.lists(st.lists(odd_cells, min_size=4, max_size=4), max_size=5),
    st.sampled_from(["period_end", "time_lower", "bound", "kind", "excluded", "item", "other"]),
    st.sampled_from(["cumulative", "incremental"]),
)
def test_any_frame_of_text_is_read_or_refused(rows_: Any, name: str, kind: Any) -> None:
    schema = {c: pl.String for c in ("time", "count", name, "mine")}
    frame = pl.DataFrame(rows_, schema, orient="row")
    every = 1.0 if kind == "incremental" and name != "period_end" else None
    for on_error in ("raise", "drop", "keep"):
        try:
            counts, quality = read_counts(frame, kind=kind, every=every, on_error=on_error)
        except TableError as error:
            assert str(error).isprintable()
            continue
        assert_frame_equal(check(counts, "counts"), counts)
        assert len(counts) == len(frame) - len(quality.dropped)
        if on_error != "drop":
            assert len(counts) == len(frame)
        if on_error == "raise":
            assert counts.select(
                "item", "time", "count"
            ).null_count().sum_horizontal().sum() == 0 or (name == "excluded")


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: f"time,count\n{text}".encode())
)
def test_any_bytes_are_read_or_refused(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "a.csv"
    path.write_bytes(data)
    try:
        counts, _ = read_counts(path, kind="cumulative")
    except TableError as error:
        assert str(error).isprintable()
    else:
        assert_frame_equal(check(counts, "counts"), counts)


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
