"""read_clicks: feeds and logs, where clicks came from, hostile addresses."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from counts_files import notes, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from viralkit.reading.clicks import read_clicks
from viralkit.tables import TableError, check

PLACE = {"c": "US", "gr": "MA", "cy": "Danvers", "ll": [42.5, -70.9]}
CLICK = {"t": 100, "u": "http://a.gov/?utm_source=x", "h": "wf", "r": "direct", "a": "Mozilla"}
CLICK |= {"hc": 50, "nk": 1} | PLACE
FEED = [
    json.dumps(CLICK),
    json.dumps({"_heartbeat_": 105}),
    json.dumps({"t": 99, "u": "http://b.gov/", "r": "http://www.t.example/p", "h": "g"}),
    json.dumps({"t": 101, "u": "http://b.gov/", "r": "http://b.gov/x", "c": ""}),
]
HOSTILE = [
    "javascript:alert(document.cookie)",
    "data:text/html,<script>alert(1)</script>",
    "http://" + "a" * 100_000 + ".example/",
    "http://a.example/\x00\x1b[31m",
    "=HYPERLINK(1)",
    "http://[::1",
    "%%%",
    "\u202egro.elpmaxe",
]
TIMES: dict[str, Any] = {"layout": "columns"}
LOG: dict[str, Any] = {"layout": "columns", "clock": "unix_seconds"}


def refused(source: Any, **options: Any) -> str:
    with pytest.raises(TableError) as caught:
        read_clicks(source, **options)
    return str(caught.value)


def log(*times: Any, **columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"time": times, **columns}, strict=False).with_columns(
        url=pl.lit("http://a.example/")
    )


def test_a_feed(write: Any) -> None:
    path = write(gzip.compress("\n".join([*FEED, ""]).encode()), "feed.jsonl.gz")
    clicks, quality = read_clicks(path, layout="bitly")
    assert clicks["time"].dt.epoch("s").to_list() == [99, 100, 101]
    assert clicks.select("source", "medium", "referrer").rows() == [
        ("t.example", "referral", "http://www.t.example/p"),
        ("x", None, None),
        (None, None, "http://b.gov/x"),
    ]
    row = clicks.row(1, named=True)
    assert (row["link_id"], row["agent"], row["action"]) == ("wf", "Mozilla", "visit")
    assert (row["country"], row["city"], row["latitude"]) == ("US", "Danvers", 42.5)
    assert row["link_created"] == datetime(1970, 1, 1, 0, 0, 50, tzinfo=UTC)
    assert rows(quality) == {
        "rows read": 3,
        "rows kept": 3,
        "heartbeats": 1,
        "clicks without a place": 2,
        "clicks without a city": 2,
        "unsorted rows": 1,
        "duplicates": 0,
        "addresses without a host": 0,
        "addresses longer than 2,000": 0,
        "clicks without a referrer": 1,
        "clicks without a source": 1,
        "clicks of a campaign": 0,
    }


def test_broken_lines_of_a_feed(write: Any) -> None:
    lines = [FEED[0], '{"cut', '{"u": "http://a.gov"}', '{"t": "soon"}', '{"t": 1e300}', "[]", "7"]
    path = write("\n".join(lines), "f.json")
    said = refused(path, layout="bitly")
    assert said.startswith("'f.json', line 2, column 'line': '{\"cut' is no JSON object; a line is")
    clicks, quality = read_clicks(path, layout="bitly", on_error="drop")
    assert len(clicks) == 1
    assert quality.dropped.select("line", "column", "value", "reason").rows() == [
        (2, "line", '{"cut', "is no JSON object"),
        (3, "time", None, "is missing"),
        (4, "t", "soon", "is no time"),
        (5, "t", "1e+300", "is no time"),
        (6, "line", "[]", "is no JSON object"),
        (7, "line", "7", "is no JSON object"),
    ]
    kept, _ = read_clicks(path, layout="bitly", on_error="keep")
    assert len(kept) == 7 and kept["excluded"].count() == 6


def test_a_log_with_names_of_its_own(write: Any) -> None:
    path = write(
        "when,page,came,visitor,source,worth,url\n"
        "2024-03-01T12:00+01:00,/x?utm_source=a&utm_medium=m&utm_campaign=c%21,-,007,,5,mine\n"
        "2024-03-01T10:30Z,/x?utm_source=a,https://t.example,8,own,x,mine\n",
        "log.csv",
    )
    columns = {
        "time": "when",
        "url": "page",
        "referrer": "came",
        "user": "visitor",
        "value": "worth",
    }
    options: dict[str, Any] = {"layout": "columns", "columns": columns}
    assert "line 3, column 'worth': 'x' is no number;" in refused(path, **options)
    clicks, _ = read_clicks(path, on_error="keep", **options)
    assert clicks.select("time", "source", "medium", "campaign", "user", "value").rows() == [
        (datetime(2024, 3, 1, 10, 30, tzinfo=UTC), "own", None, None, "8", None),
        (datetime(2024, 3, 1, 11, tzinfo=UTC), "a", "m", "c!", "007", 5),
    ]
    assert clicks["url_"].to_list() == ["mine", "mine"]
    assert clicks["referrer"].to_list() == ["https://t.example", None]


def test_who_shared_is_read_from_the_address_where_the_log_does_not_say() -> None:
    urls = ["https://a.example/?ref=ann", "https://a.example/?ref=ann", "https://a.example/"]
    frame = pl.DataFrame({"time": [1.0] * 3, "url": urls, "referral": ["bob", "", None]})
    clicks, _ = read_clicks(frame, **LOG)
    assert clicks["referral"].to_list() == ["bob", "ann", None]
    bare, _ = read_clicks(frame.drop("referral"), **LOG)
    assert bare["referral"].to_list() == ["ann", "ann", None]
    none, _ = read_clicks(frame.tail(1).drop("referral"), **LOG)
    assert "referral" not in none.columns


def test_sources_where_the_log_says_nothing() -> None:
    came = [
        "https://www.t.example/a",
        "https://a.example/in",
        "-",
        None,
        "(direct)",
        "https://u.example",
    ]
    url = ["https://a.example/"] * 5 + ["https://a.example/?utm_medium=mail"]
    frame = pl.DataFrame({"time": [1.0] * 6, "url": url, "referrer": came})
    clicks, _ = read_clicks(frame, layout="columns", clock="unix_seconds")
    assert clicks.select("source", "medium").rows() == [
        ("t.example", "referral"),
        (None, None),
        ("direct", None),
        (None, None),
        ("direct", None),
        (None, "mail"),
    ]


@pytest.mark.parametrize(
    ("time", "clock", "expected"),
    [
        (86_400, "unix_seconds", datetime(1970, 1, 2, tzinfo=UTC)),
        ("86400.5", "unix_seconds", datetime(1970, 1, 2, 0, 0, 0, 500_000, tzinfo=UTC)),
        (86_400_000, "unix_milliseconds", datetime(1970, 1, 2, tzinfo=UTC)),
        ("2024-07-01 12:00", "Europe/Berlin", datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ("2024-07-01", "UTC", datetime(2024, 7, 1, tzinfo=UTC)),
        ("2024-07-01T12:00:00-05:00", None, datetime(2024, 7, 1, 17, tzinfo=UTC)),
        ("2024-07-01T12:00:00Z", "Asia/Tokyo", datetime(2024, 7, 1, 12, tzinfo=UTC)),
        (datetime(2024, 7, 1, 12), "America/New_York", datetime(2024, 7, 1, 16, tzinfo=UTC)),
        (datetime(2024, 7, 1, 12, tzinfo=UTC), None, datetime(2024, 7, 1, 12, tzinfo=UTC)),
    ],
)
def test_clocks(time: Any, clock: str | None, expected: datetime) -> None:
    clicks, _ = read_clicks(log(time), layout="columns", clock=clock)
    assert clicks["time"].to_list() == [expected]


def test_a_clock_is_required_and_must_fit() -> None:
    assert refused(log(5), layout="columns") == (
        "column 'time' holds numbers such as [5], and clock is not given; allowed: "
        '"unix_seconds", "unix_milliseconds", or a zone such as "UTC" or "Europe/Berlin". Pass '
        "clock='unix_seconds'."
    )
    said = refused(log("2024-01-01 10:00"), layout="columns")
    assert said.startswith("column 'time' holds times without a zone, and clock is not given;")
    assert said.endswith("Pass clock='UTC'.")
    assert "clock='unix_seconds' does not fit" in refused(
        log("2024-01-01"), layout="columns", clock="unix_seconds"
    )
    assert "clock='Mars/Base' is no zone" in refused(
        log("2024-01-01"), layout="columns", clock="Mars/Base"
    )
    assert "clock='UTC' does not fit" in refused(log(5), layout="columns", clock="UTC")


def test_hours_that_clocks_show_twice_or_never() -> None:
    frame = log("2024-10-27 02:30", "2024-03-31 02:30", "yesterday")
    clicks, quality = read_clicks(frame, layout="columns", clock="Europe/Berlin", on_error="drop")
    assert clicks["time"].to_list() == [datetime(2024, 10, 27, 0, 30, tzinfo=UTC)]
    assert rows(quality)["times that the clock shows twice"] == 1
    assert notes(quality)["times that the clock shows twice"] == "taken as the earlier"
    assert quality.dropped.select("line", "value", "reason").rows() == [
        (1, "2024-03-31 02:30", "is no time"),
        (2, "yesterday", "is no time"),
    ]


def test_hostile_addresses_are_data(write: Any) -> None:
    frame = pl.DataFrame({"time": [0] * len(HOSTILE), "url": HOSTILE, "referrer": HOSTILE[::-1]})
    clicks, quality = read_clicks(frame, layout="columns", clock="unix_seconds")
    assert clicks["url"].to_list() == HOSTILE
    assert rows(quality)["addresses without a host"] == 6
    assert rows(quality)["addresses longer than 2,000"] == 1
    assert (
        notes(quality)["addresses without a host"] == "first: 'javascript:alert(document.cookie)'"
    )
    assert repr(quality).replace("\n", "").isprintable()
    assert "<script" not in quality._repr_html_()


def test_refusals_tell_the_next_step(write: Any) -> None:
    path = write(FEED[0], "f.json")
    assert refused(path) == (
        "layout is not given; allowed: ['bitly', 'columns']. Say what form the log has: pass "
        "layout='bitly' or layout='columns'."
    )
    assert "which states that already" in refused(path, layout="bitly", clock="UTC")
    assert "Pass a path." in refused(log(1), layout="bitly")
    assert "holds no line" in refused(write("\n", "e.json"), layout="bitly")
    assert refused(log(1), layout="columns", columns={"time": "when"}).startswith(
        "column 'when' not found; columns: ['time', 'url']."
    )
    assert refused(log(1), layout="columns", columns={"page": "url"}).startswith(
        "columns names 'page'; allowed: ['time', 'url',"
    )
    only = pl.DataFrame({"time": [1], "page": ["x"]})
    assert "none of the columns ['url', 'link_id'] found" in refused(
        only, layout="columns", clock="unix_seconds"
    )
    said = refused(only.rename({"time": "ts"}), layout="columns", clock="UTC")
    assert said.endswith("Rename it, or pass columns={'time': 'ts'}.")
    said = refused(only, layout="columns", columns={"time": "time", "url": "pag"}, clock="UTC")
    assert said.endswith("Rename it, or pass columns={'time': 'time', 'url': 'page'}.")
    said = refused(only, layout="columns", clock="UTC")
    assert said.endswith(
        "columns: ['time', 'page']. Rename one, or pass columns={'time': 'time', 'url': …}."
    )
    named = pl.DataFrame({"ts": ["20.03.2026 08:02:09"], "url": ["x"]})
    said = refused(named, layout="columns", columns={"time": "ts"}, clock="Europe/Berlin")
    assert 'str.to_datetime("%d.%m.%Y %H:%M:%S", time_zone="Europe/Berlin"). Then pass' in said
    assert "Parse it: pl.col('ts')." in said
    assert "column 'action', " not in refused(path, layout="columns")


def test_several_logs_and_ids_above_53_bits(write: Any) -> None:
    write("time,link_id,user\n2024-01-02T00:00Z,b,9007199254740993\n", "a.csv")
    path = write("time,link_id,note\n2024-01-01T00:00Z,a,hm\n", "b.csv")
    clicks, quality = read_clicks(str(path.parent / "*.csv"), layout="columns")
    assert clicks.select("link_id", "user", "note").rows() == [
        ("a", None, "hm"),
        ("b", "9007199254740993", None),
    ]
    assert "addresses without a host" not in rows(quality)
    frame = pl.DataFrame({"time": [0], "link_id": [2**60 + 1]})
    clicks, _ = read_clicks(frame, layout="columns", clock="unix_seconds")
    assert clicks["link_id"].to_list() == [str(2**60 + 1)]


def test_the_sample_feed(samples: Path) -> None:
    path = samples / "clicks_usagov" / "feed.jsonl"
    clicks, quality = read_clicks(path, layout="bitly")
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    feed = [record for record in records if "t" in record]
    found = rows(quality)
    assert found["rows read"] == found["rows kept"] == len(feed) == 1_455
    assert found["heartbeats"] == len(records) - len(feed) == 45
    late = sum(b["t"] < a["t"] for a, b in pairwise(feed))
    assert found["unsorted rows"] == late == 168
    assert found["clicks without a city"] == sum("cy" not in click for click in feed) == 252
    assert found["duplicates"] == len(feed) - len({json.dumps(click) for click in feed}) == 10
    sources: Counter[str | None] = Counter()
    for click in feed:
        query = parse_qs(urlsplit(click["u"]).query)
        site, page = urlsplit(click["r"]).hostname, urlsplit(click["u"]).hostname
        if "utm_source" in query:
            sources[query["utm_source"][0]] += 1
        elif click["r"] == "direct":
            sources["direct"] += 1
        else:
            sources[None if site == page else str(site).removeprefix("www.")] += 1
    assert dict(clicks["source"].value_counts().iter_rows()) == dict(sources)
    assert clicks["time"].dt.epoch("s").sum() == sum(click["t"] for click in feed)
    assert "Airport+2012" in clicks["campaign"].to_list()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("turcll"), inner),
    max_leaves=4,
)
cut = st.sampled_from(FEED).map(lambda text: text[:30])
feeds = st.lists(
    st.sampled_from(FEED) | cut | st.text(max_size=9) | values.map(json.dumps), max_size=5
)


@settings(max_examples=40)
@given(
    feeds.map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))
    | st.binary(max_size=40)
)
def test_any_feed_is_read_or_refused(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.mktemp("feed") / "feed.csv"
    path.write_bytes(data)
    for options in ({"layout": "bitly"}, {"layout": "columns", "clock": "unix_seconds"}):
        for on_error in ("raise", "drop", "keep"):
            try:
                clicks, quality = read_clicks(path, on_error=on_error, **options)  # type: ignore[arg-type]
            except TableError as error:
                assert str(error).isprintable()
                continue
            assert_frame_equal(check(clicks, "clicks"), clicks)
            assert len(clicks) == rows(quality)["rows read"] - len(quality.dropped)
