"""read_counts with a layout: the files of YouTube, Google and Wikipedia, faults included."""

import csv
import gzip
import json
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from counts_files import notes, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from viralkit.reading.counts import read_counts
from viralkit.reading.counts_layouts import LAYOUTS
from viralkit.tables import TableError, check

EDITION_2017 = (
    "video_id,title,views,likes,thumbnail_link,date\n"
    "XpVt6Z1Gjjo,One,100,5,https://i.ytimg.com/vi/XpVt6Z1Gjjo/default.jpg,30.09\n"
    '24.09xcaeyJTx4Co,"Two, parts",40,4,https://i.ytimg.com/vi/8wNr-NQImFg/default.jpg,30.09\n'
    "XpVt6Z1Gjjo,One,90,5,https://i.ytimg.com/vi/XpVt6Z1Gjjo/default.jpg,1.1\n"
    "8wNr-NQImFg,Two,50,4,https://i.ytimg.com/vi/8wNr-NQImFg/default.jpg,26.0903jeumSTSzc\n"
    "XpVt6Z1Gjjo,One,95,5,https://i.ytimg.com/vi/XpVt6Z1Gjjo/default.jpg,3.10\n"
)
EDITION_2018 = (
    "video_id,trending_date,title,views,description\n"
    'XpVt6Z1Gjjo,17.14.11,"A",100,"two\nlines"\n'
    "8wNr-NQImFg,17.15.11,B,200,\n"
)
EDITION_2020 = (
    "video_id,title,publishedAt,trending_date,view_count,description\n"
    "XpVt6Z1Gjjo,A,2020-08-11T19:20:14Z,2020-08-12T00:00:00Z,7,d\n"
    "8wNr-NQImFg,B,2018-10-31T10:00:03.000Z,18.01.11,8,d\n"
)


def refused(source: Any, layout: str, **options: Any) -> str:
    with pytest.raises(TableError) as caught:
        read_counts(source, layout=layout, **options)  # type: ignore[arg-type]
    return str(caught.value)


def triples(counts: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = counts.select("item", "time", "count").rows()
    return rows


def test_trending_lists_of_2017_are_mended_and_told(write: Any) -> None:
    path = write(EDITION_2017)
    counts, quality = read_counts(path, layout="youtube_trending_2017")
    assert triples(counts) == [
        ("8wNr-NQImFg", date(2017, 9, 26), 50),
        ("8wNr-NQImFg", date(2017, 9, 30), 40),
        ("XpVt6Z1Gjjo", date(2017, 9, 30), 100),
        ("XpVt6Z1Gjjo", date(2017, 10, 1), 90),
        ("XpVt6Z1Gjjo", date(2017, 10, 3), 95),
    ]
    assert counts["kind"].unique().to_list() == ["cumulative"]
    found, told = rows(quality), notes(quality)
    assert found["dates without year"] == 5 and told["dates without year"] == "read as 2017"
    assert found["dates that became floats"] == 1
    assert told["dates that became floats"] == "3.1 is read as 3 October"
    assert found["joined rows"] == 1
    assert found["video ids mended from their links"] == 1
    assert told["video ids mended from their links"] == "first: '24.09xcaeyJTx4Co'"
    assert found["falls of a cumulative count"] == 2
    likes, _ = read_counts(path, layout="youtube_trending_2017", count="likes", item="title")
    assert triples(likes)[0] == ("One", date(2017, 9, 30), 5)
    assert refused(path, "youtube_trending") == (
        "column 'trending_date' holds dates without a year, such as '30.09'; allowed: 17.14.11 "
        "(year, day, month) or 2020-08-12T00:00:00Z. The first edition is of 2017: pass "
        'layout="youtube_trending_2017".'
    )


def test_dates_of_2017_that_no_calendar_has(write: Any) -> None:
    path = write(EDITION_2017.replace("3.10", "3.2") + "abc,t,1,1,,31.09\n")
    counts, quality = read_counts(path, layout="youtube_trending_2017", on_error="drop")
    assert len(counts) == 4
    assert quality.dropped.select("line", "column", "value").rows() == [
        (6, "trending_date", "3.2"),
        (7, "trending_date", "2017-09-31"),
    ]


def test_trending_lists_of_2018_and_the_2020s_together(write: Any) -> None:
    write(EDITION_2018, "a.csv")
    path = write(EDITION_2020, "b.csv")
    counts, quality = read_counts(path.parent, layout="youtube_trending")
    assert triples(counts) == [
        ("8wNr-NQImFg", date(2017, 11, 15), 200),
        ("8wNr-NQImFg", date(2018, 11, 1), 8),
        ("XpVt6Z1Gjjo", date(2017, 11, 14), 100),
        ("XpVt6Z1Gjjo", date(2020, 8, 12), 7),
    ]
    assert counts["description"].to_list() == [None, "d", "two\nlines", "d"]
    assert rows(quality)["falls of a cumulative count"] == 2
    assert "dates without year" not in rows(quality)


@pytest.mark.parametrize(
    ("end", "line", "value"),
    [
        ('abcdefghijk,17.15.11,C,300,"cut\nhere', 5, "cut\\nhere"),
        ("abcdefghijk,17.15.11,C,30", 5, None),
        ("abcdefghijk,17.15", 5, None),
    ],
)
def test_a_file_cut_inside_a_row(write: Any, end: str, line: int, value: str | None) -> None:
    path = write(EDITION_2018 + end, "cut.csv")
    said = refused(path, "youtube_trending")
    assert said.startswith(f"'cut.csv', line {line}, column 'description': ")
    assert "is cut off; a row has all cells of the header, and its quotes are closed." in said
    counts, quality = read_counts(path, layout="youtube_trending", on_error="drop")
    assert len(counts) == 2
    told = quality.dropped.row(0, named=True)
    assert (told["line"], told["reason"]) == (line, "is cut off")
    assert told["value"] == (value and value.encode().decode("unicode_escape"))
    kept, _ = read_counts(path, layout="youtube_trending", on_error="keep")
    assert kept["excluded"].count() == 1 and len(kept) == 3


def video(**insights: Any) -> str:
    about = {"title": "T\ud800", "publishedAt": "2020-01-01T05:00:00.000Z"}
    return json.dumps({"id": "a", "snippet": about, "insights": insights})


def test_insights(write: Any) -> None:
    full = video(startDate="2020-01-01", endDate="2020-01-02", dailyView=[5, 7], dailyShare=[1, 0])
    late = video(startDate="2020-01-03", endDate="2020-01-09", dailyView=[2])
    path = write(
        f"{full}\n{late.replace(chr(34) + 'a' + chr(34), chr(34) + 'b' + chr(34))}\n", "i.json"
    )
    counts, quality = read_counts(path, layout="youtube_insights")
    assert triples(counts) == [
        ("a", date(2020, 1, 1), 5),
        ("a", date(2020, 1, 2), 7),
        ("b", date(2020, 1, 3), 2),
    ]
    assert counts["period_end"].to_list() == [date(2020, 1, i) for i in (2, 3, 4)]
    assert counts["shares"].to_list() == ["1", "0", None]
    assert counts["title"][0] == "T?"
    found = rows(quality)
    assert found["videos that start after their publication"] == 1
    assert found["videos of another length than startDate to endDate"] == 1
    assert found["videos without shares"] == 1
    assert found["videos without watch time"] == 2
    shares, _ = read_counts(path, layout="youtube_insights", count="shares")
    assert triples(shares) == [("a", date(2020, 1, 1), 1), ("a", date(2020, 1, 2), 0)]


def test_broken_insights(write: Any) -> None:
    good = video(startDate="2020-01-01", dailyView=[5, None, "x", -1, 10**30])
    lines = [
        good,
        '{"cut',
        video(dailyView=[1]),
        "[1]",
        video(startDate="2020-13-01", dailyView=[1]),
    ]
    path = write("\n".join(lines), "i.json")
    assert refused(path, "youtube_insights").startswith(
        "'i.json', line 1, column 'views': the value is missing;"
    )
    counts, quality = read_counts(path, layout="youtube_insights", on_error="drop")
    assert triples(counts) == [("a", date(2020, 1, 1), 5)]
    assert quality.dropped.select("line", "reason").rows() == [
        (1, "is missing"),
        (1, "is no number"),
        (1, "is negative"),
        (1, "is too large"),
        (2, "is no JSON object"),
        (3, "tells no days"),
        (4, "is no JSON object"),
        (5, "tells no days"),
    ]


def test_google_trends(write: Any) -> None:
    path = write(
        '\ufeffKategorie: Kunst, Musik\n\nMonat,rick roll: (Deutschland),"law, order: (Weltweit)"\n'
        "2004-01,<1,0\n2004-02,5,100\n"
    )
    counts, quality = read_counts(path, layout="google_trends")
    assert triples(counts) == [
        ("law, order", date(2004, 1, 1), 0),
        ("law, order", date(2004, 2, 1), 100),
        ("rick roll", date(2004, 1, 1), 1),
        ("rick roll", date(2004, 2, 1), 5),
    ]
    assert counts["bound"].to_list() == ["rounded", "rounded", "at_most", "rounded"]
    assert counts["place"].to_list() == ["Weltweit"] * 2 + ["Deutschland"] * 2
    assert counts["kind"].unique().to_list() == ["index"]
    assert rows(quality)["values below 1"] == 1
    assert rows(quality)["rows with a bound"] == 1
    hours = write(
        "Category: All categories\n\nTime,a: (US)\n2024-01-01T05,3\n2024-01-01T06,x\n", "h.csv"
    )
    assert refused(hours, "google_trends").startswith(
        "'h.csv', line 5, column 'value': 'x' is no number;"
    )
    counts, _ = read_counts(hours, layout="google_trends", on_error="drop")
    assert triples(counts) == [("a", datetime(2024, 1, 1, 5, tzinfo=UTC), 3)]
    assert "Export 'Interest over time' as CSV." in refused(
        write("a\n\nb\n", "n.csv"), "google_trends"
    )


def answer(*views: Any, granularity: str = "daily") -> str:
    items = [
        {"project": "en.wikipedia", "article": "Rickrolling", "granularity": granularity,
         "timestamp": f"2026080{i}00", "access": "all-access", "agent": "user", "views": count}
        for i, count in enumerate(views, start=1)
    ]  # fmt: skip
    return json.dumps({"items": items})


def test_wikipedia_answers(write: Any) -> None:
    path = write(answer(40, 42), "w.json")
    counts, _ = read_counts(path, layout="wikipedia")
    assert triples(counts) == [("Rickrolling", date(2026, 8, i), 38 + 2 * i) for i in (1, 2)]
    assert counts["period_end"].to_list() == [date(2026, 8, 2), date(2026, 8, 3)]
    assert {"project", "access", "agent", "granularity"} < set(counts.columns)
    late, _ = read_counts(path, layout="wikipedia", stamp="end")
    assert late["time"].to_list() == [date(2026, 7, 31), date(2026, 8, 1)]
    assert late["period_end"].to_list() == counts["time"].to_list()
    monthly, _ = read_counts(write(answer(1, granularity="monthly"), "m.json"), layout="wikipedia")
    assert monthly["period_end"].to_list() == [date(2026, 9, 1)]
    hourly, _ = read_counts(write(answer(1, granularity="hourly"), "h.json"), layout="wikipedia")
    assert hourly["time"].to_list() == [datetime(2026, 8, 1, tzinfo=UTC)]
    whole = json.dumps({"items": [{"project": "en.wikipedia", "granularity": "daily",
                                   "timestamp": "2026080100", "devices": 7}]})  # fmt: skip
    counts, _ = read_counts(write(whole, "p.json"), layout="wikipedia")
    assert triples(counts) == [("en.wikipedia", date(2026, 8, 1), 7)]


def test_wikipedia_refusals(write: Any) -> None:
    error = write('{"title":"Not found.","detail":"no data for that date"}', "e.json")
    assert refused(error, "wikipedia") == (
        "file 'e.json', line 1 holds no items; it says 'no data for that date'; allowed: an answer "
        "of the page view interface. Ask again, or leave the file out."
    )
    mixed = write(answer(1) + "\n" + answer(1, granularity="hourly"), "x.jsonl")
    assert "holds the granularities ['daily', 'hourly']; allowed: one of" in refused(
        mixed, "wikipedia"
    )


def test_hourly_dumps(write: Any) -> None:
    first = 'en Main_Page 10 0\nen Main_Page_2 3 0\nen.m Main_Page 4 0\nde "Haus" 1 0\n'
    write(gzip.compress(first.encode()), "pageviews-20231231-230000.gz")
    path = write("aa X 1 0\nben Main_Page 9 0\nen Main_Page 12 0", "pageviews-20240101-000001")
    pages = ["en Main Page", "en.m Main_Page", 'de "Haus"']
    counts, quality = read_counts(path.parent, layout="wikipedia_dumps", item=pages, stamp="end")
    eleven, midnight = (
        datetime(2023, 12, 31, 22, tzinfo=UTC),
        datetime(2023, 12, 31, 23, tzinfo=UTC),
    )
    assert triples(counts) == [
        ('de "Haus"', eleven, 1),
        ('de "Haus"', midnight, 0),
        ("en Main Page", eleven, 10),
        ("en Main Page", midnight, 12),
        ("en.m Main_Page", eleven, 4),
        ("en.m Main_Page", midnight, 0),
    ]
    assert rows(quality)["hours in which a page is not listed"] == 2
    assert notes(quality)["hours in which a page is not listed"] == "0 views"
    start, _ = read_counts(path, layout="wikipedia_dumps", item="en Main_Page", stamp="start")
    assert start["time"].to_list() == [datetime(2024, 1, 1, tzinfo=UTC)]
    broken = write("aa X 1 0\nen A many 0\nen A\n", "pageviews-20240101-000001")
    said = refused(broken, "wikipedia_dumps", item="en A", stamp="end")
    assert "'pageviews-20240101-000001', line 2, column 'views': 'many' is no number" in said
    assert refused(path, "wikipedia_dumps", item="en Main_Page").startswith("stamp is not given;")
    assert "names no pages" in refused(path, "wikipedia_dumps", stamp="end")
    assert "tells no hour" in refused(
        write("x", "a.txt"), "wikipedia_dumps", stamp="end", item="en A"
    )


ANALYTICS = """# ----------------------------------------
# Reports snapshot
# Property: a, b
# ----------------------------------------
#
# All Users
# Start date: 20260130
# End date: 20260201
Nth day,Active users
0000,5
0001,7
0002,12

# Start date: 20260130
# End date: 20260201
First user channel,New users
Direct,12
#
# Start date: 20260130
# End date: 20260201
Nth day,New users
0000,3
0002,x
"""
FREE_FORM = """# ----------------------------------------
# Free form 1
# 20260101-20260131
# ----------------------------------------

Date,Session source,Sessions
,,120,Grand total
20260102,google,60
20260102,"news, daily",50
20260101,google,10
"""


def test_several_tables_of_google_analytics(write: Any) -> None:
    path = write(ANALYTICS, "snapshot.csv")
    counts, _ = read_counts(path, layout="ga4", count="Active users")
    days = [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)]
    assert triples(counts) == [
        ("snapshot", day, n) for day, n in zip(days, (5, 7, 12), strict=True)
    ]
    assert counts["period_end"][2] == date(2026, 2, 2)
    assert refused(path, "ga4") == (
        "count is not given; columns beside a time: ['Active users', 'New users']. Say which holds "
        "the counts: pass count='Active users'."
    )
    assert refused(path, "ga4", count="New users").startswith(
        "'snapshot.csv', line 23, column 'New users': 'x' is no number;"
    )
    assert "count='Views' is not found; columns beside a time:" in refused(
        path, "ga4", count="Views"
    )


def test_a_free_form_export_of_google_analytics(write: Any) -> None:
    path = write(FREE_FORM, "free.csv")
    counts, quality = read_counts(path, layout="ga4", count="Sessions", item="Session source")
    assert triples(counts) == [
        ("google", date(2026, 1, 1), 10),
        ("google", date(2026, 1, 2), 60),
        ("news, daily", date(2026, 1, 2), 50),
    ]
    assert rows(quality)["rows without a time"] == 1
    assert "pass item='Session source'" in refused(path, "ga4", count="Sessions")
    hours = write("# x\nDate + hour (YYYYMMDDHH),Views\n2026010123,4\n", "h.csv")
    counts, _ = read_counts(hours, layout="ga4")
    assert triples(counts) == [("h", datetime(2026, 1, 1, 23, tzinfo=UTC), 4)]
    months = write("Year month,Views\n202601,4\n", "m.csv")
    assert read_counts(months, layout="ga4")[0]["period_end"][0] == date(2026, 2, 1)
    assert "has no table with a time; tables: ['Page, Views']" in refused(
        write("Page,Views\n/,1\n", "p.csv"), "ga4"
    )


def test_keywords_that_a_layout_states(write: Any) -> None:
    path = write(EDITION_2018)
    assert refused(path, "youtube_trending", kind="cumulative") == (
        "kind='cumulative' beside layout='youtube_trending', which states that already; allowed: "
        "one of them. Leave it out."
    )
    for stated in ({"every": "1d"}, {"stamp": "end"}):
        assert "which states that already" in refused(path, "youtube_trending", **stated)
    assert refused(path, "tiktok").startswith("layout='tiktok' is not known; allowed: ['columns',")
    assert "pass layout='columns' or" in refused(path, "tiktok")
    assert "reads files, not a DataFrame" in refused(
        read_counts(path, layout="youtube_trending")[0], "ga4"
    )
    assert "allowed: one column" in refused(path, "youtube_trending", item=["a", "b"])


def test_several_files_of_columns(write: Any) -> None:
    write("date,views\n2020-01-01,5\n\n", "a.csv")
    path = write("date,views,note\n2020-01-02,x,hm\n2020-01-03,7,hm\n", "b.csv")
    options: dict[str, Any] = {"kind": "cumulative", "time": "date", "count": "views"}
    counts, quality = read_counts(path.parent, on_error="drop", **options)
    assert triples(counts) == [("a", date(2020, 1, 1), 5), ("b", date(2020, 1, 3), 7)]
    assert quality.dropped.rows() == [("b.csv", 2, "views", "x", "is no number")]
    assert rows(quality)["blank lines"] == 1
    assert notes(quality)["items"] == "no item column: all rows are named after their files"
    with pytest.raises(TableError, match=r"'b\.csv', line 2, column 'views': 'x' is no number"):
        read_counts([path, path.with_name("a.csv")], **options)


def test_a_stamp_at_the_end_of_its_period(write: Any) -> None:
    path = write("time,count\n2020-03-01,5\n")
    counts, _ = read_counts(path, kind="incremental", every="1mo", stamp="end")
    assert counts.select("time", "period_end").row(0) == (date(2020, 2, 1), date(2020, 3, 1))
    numbers, _ = read_counts(write("time,count\n4,5\n"), kind="incremental", every=2, stamp="end")
    assert numbers.select("time", "period_end").row(0) == (2.0, 4.0)
    with pytest.raises(TableError, match="stamp='end', but kind='index'"):
        read_counts(path, kind="index", stamp="end")


def test_the_sample_of_2017(samples: Path) -> None:
    path = samples / "youtube_trending_2017" / "USvideos.csv"
    counts, quality = read_counts(path, layout="youtube_trending_2017")
    with path.open(encoding="utf-8", newline="") as file:
        lists = list(csv.DictReader(file))
    found = rows(quality)
    assert found["rows read"] == found["rows kept"] == len(lists) == 3_999
    assert found["joined rows"] == sum(len(row["date"]) > 5 for row in lists) == 2
    assert found["dates that became floats"] == sum(row["date"].endswith(".1") for row in lists)
    ids = [row["thumbnail_link"].split("/")[4] for row in lists]
    mended = sum(row["video_id"] != true for row, true in zip(lists, ids, strict=True))
    assert found["video ids mended from their links"] == mended == 56
    assert found["items"] == len(set(ids))
    assert counts["count"].sum() == sum(int(row["views"]) for row in lists)
    assert counts["time"].n_unique() == 21


def test_the_samples_of_later_editions(samples: Path) -> None:
    folder = samples / "youtube_trending"
    for name, number, day in (
        ("18.01.11_GB_videos.csv", 77, date(2018, 11, 1)),
        ("USvideos_2020s.csv", 144, date(2017, 11, 14)),
    ):
        counts, quality = read_counts(folder / name, layout="youtube_trending")
        assert len(counts) == rows(quality)["items"] == number
        assert counts["time"].unique().to_list() == [day]
    counts, quality = read_counts(
        folder / "FRvideos_head.csv", layout="youtube_trending", on_error="drop"
    )
    with (folder / "FRvideos_head.csv").open(encoding="utf-8", newline="") as file:
        lists = list(csv.DictReader(file))[:-1]
    assert len(counts) == len(lists) == 719
    assert counts["count"].sum() == sum(int(row["views"]) for row in lists)
    assert quality.dropped.select("line", "reason").rows() == [(721, "is cut off")]


def test_the_sample_of_insights(samples: Path) -> None:
    folder = samples / "youtube_daily"
    counts, quality = read_counts(folder / "teaser.json", layout="youtube_insights")
    assert rows(quality)["videos that start after their publication"] == 2
    assert rows(quality)["videos without shares"] == 2
    assert rows(quality)["videos of another length than startDate to endDate"] == 0
    options: dict[str, Any] = {"kind": "incremental", "time": "date", "count": "views"}
    table, _ = read_counts(folder / "vevo_daily_views.csv", every="1d", **options)
    columns = ["item", "time", "count", "period_end"]
    assert_frame_equal(counts.select(columns), table.select(columns))
    assert len(counts) == 14_582


def test_the_sample_of_google_trends(samples: Path) -> None:
    path = samples / "google_trends" / "multiTimeline_dead_internet_theory.csv"
    counts, _ = read_counts(path, layout="google_trends")
    lines = path.read_text().split("\n")[3:]
    expected = [line.split(",") for line in lines if line]
    assert [[str(day), str(n)] for _, day, n in triples(counts)] == expected
    assert counts["place"].unique().to_list() == ["Worldwide"]
    assert all((b - a).days == 7 for a, b in pairwise(counts["time"].to_list()))


SEEDS = [EDITION_2017, EDITION_2018, EDITION_2020, ANALYTICS, FREE_FORM, answer(1, 2)]
SEEDS += [
    video(startDate="2020-01-01", dailyView=[5, 6]),
    "Category: x\n\nWeek,a: (b)\n2020-01-05,<1\n",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a good file, cut short, with a byte changed, or a part of it twice."""
    data = draw(st.sampled_from(SEEDS)).encode("utf-8", "replace")
    place, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
    way = draw(st.sampled_from(["cut", "byte", "twice"]))
    if way == "cut":
        return data[:place]
    if way == "byte":
        return data[:place] + draw(st.binary(min_size=1, max_size=2)) + data[place + 1 :]
    return data[:end] + data[place:]


@settings(max_examples=40)
@given(damaged() | st.binary(max_size=40), st.sampled_from(LAYOUTS[1:]))
def test_damaged_files_are_read_or_refused(tmp_path_factory: Any, data: bytes, layout: Any) -> None:
    path = tmp_path_factory.mktemp("damaged") / "pageviews-20240101-000000"
    path.write_bytes(data)
    options: dict[str, Any] = {"layout": layout}
    if layout == "wikipedia_dumps":
        options |= {"item": "en A", "stamp": "end"}
    for on_error in ("raise", "drop", "keep"):
        try:
            counts, quality = read_counts(path, on_error=on_error, **options)
        except TableError as error:
            assert str(error).isprintable()
            continue
        assert_frame_equal(check(counts, "counts"), counts)
        assert len(counts) == rows(quality)["rows read"] - len(quality.dropped)
        assert repr(quality) and quality._repr_html_()
