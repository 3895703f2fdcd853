"""Which cells are read as times and counts, and what is said of the others."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from counts_files import ADVICE, MAP, notes, refusal, rows

from viralkit.reading.counts import read_counts
from viralkit.tables import TableError

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


@pytest.mark.parametrize(
    ("cell", "sign"), [("1,158", ","), ("12.345.678", "."), ("1 158", " "), ("-1'158", "'")]
)
def test_separators_of_thousands_come_with_the_expression_that_takes_them_out(cell, sign):
    frame = pl.DataFrame({"time": ["2025-02-03", "2025-02-04"], "views": [cell, "7"]})
    with pytest.raises(TableError) as error:
        read_counts(frame, kind="cumulative", count="views")
    step = str(error.value).split("pass the frame: ")[1].split(". 1 more")[0]
    expression = step[: step.index("(pl.Int64)") + len("(pl.Int64)")]
    mended = frame.with_columns(eval(expression, {"pl": pl}))
    assert mended["views"][0] == int(cell.replace(sign, "")) and repr(sign) in expression


def test_other_words_among_counts_are_to_be_mended():
    frame = pl.DataFrame({"time": ["2025-02-03"], "count": ["12,34"]})
    with pytest.raises(TableError, match=r"Mend the cell\."):
        read_counts(frame, kind="cumulative")
