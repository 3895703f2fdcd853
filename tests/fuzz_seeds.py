"""The readers that `fuzz_readers.py` feeds, with valid files of each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from cascades_files import BIG, GENERATIONS, LINES, NETINF, REPLIES, TIDEH, TREE
from posts_files import repost, skeet, status, tweet, tweet2, uri

import viralkit as vk

Read = Callable[..., Any]


@dataclass(frozen=True)
class Reader:
    """A reader with what it needs, the table it gives, and valid files."""

    name: str
    function: Read
    options: dict[str, Any]
    table: str
    ending: str
    seeds: list[bytes]
    packed: bool = True

    def read(self, path: Path, **more: Any) -> Any:
        """Read a file with the options that it needs, and others."""
        return self.function(path, **{**self.options, **more})


def cascades(layout: str, ending: str, *seeds: str, **options: Any) -> Reader:
    """Give a layout of `read_cascades`."""
    data = [seed.encode() for seed in seeds]
    return Reader(
        f"cascades {layout}",
        vk.read_cascades,
        {"layout": layout, **options},
        "events",
        ending,
        data,
    )


def posts(layout: str, *records: Any) -> Reader:
    """Give a layout of `read_posts`."""
    data = "".join(json.dumps(record) + "\n" for record in records).encode()
    page = json.dumps(list(records)).encode()
    return Reader(
        f"posts {layout}", vk.read_posts, {"layout": layout}, "events", ".jsonl", [data, page]
    )


def counts(layout: str, ending: str, *seeds: str, **options: Any) -> Reader:
    """Give a layout of `read_counts`."""
    data = [seed.encode() for seed in seeds]
    options = {"layout": layout, **options}
    return Reader(f"counts {layout}", vk.read_counts, options, "counts", ending, data)


def index_and_data(path: Path, **options: Any) -> Any:
    """Read a file as the index of some data."""
    index = pl.DataFrame({"start_ind": [1], "end_ind": [2]})
    return vk.read_cascades((index, path), layout="index_and_data", **options)


EVENTS = f"message,id,at,from\nm,{BIG},0,\nm,2,1.5,{BIG}\nn,3,7,\n"
TRENDING = (
    "video_id,trending_date,title,views\n"
    'XpVt6Z1Gjjo,17.14.11,"A",100\n8wNr-NQImFg,17.15.11,"B, b",200\n'
)
TRENDING_2017 = "video_id,title,views,date\nXpVt6Z1Gjjo,One,100,30.09\n8wNr-NQImFg,Two,50,26.09\n"
INSIGHTS = json.dumps(
    {
        "id": "a",
        "insights": {"startDate": "2020-01-01", "endDate": "2020-01-02", "dailyView": [5, 7]},
    }
)
TRENDS = "Category: All\n\nWeek,a: (World)\n2020-01-05,<1\n2020-01-12,7\n"
MOMENTS = "cascade_id,time\na,2020-01-01T10:00:00Z\na,2020-01-02T10:00:00Z\n"
EXPORT = (
    "id,thread_id,author,body,timestamp\n"
    f"{BIG},{BIG},ann,hello #x http://a.example/,2023-01-01 10:00:00\n"
    f"{BIG + 1},{BIG},bob,again,2023-01-01 10:05:00\n"
)
CLICKS = '{"t": 100, "u": "http://a.gov/?utm_source=x", "hc": 50, "r": "direct", "a": "M"}\n'
LOG = f"time,url,user\n2020-01-01T10:00:00Z,http://a.example/?utm_medium=mail,{BIG}\n"
COLUMNS = {"cascade_id": "message", "event_id": "id", "time": "at", "parent_id": "from"}
FEED = [skeet("a", "1", 1), repost("b", "2", 5, uri("a", "1")), repost("c", "3", 9, uri("a", "1"))]

READERS = [
    Reader(
        "counts",
        vk.read_counts,
        {"kind": "cumulative"},
        "counts",
        ".csv",
        [b"time,count,item\n2007-05-22,1,Charlie\n2007-05-29,12,Charlie\n"],
    ),
    counts("youtube_trending", ".csv", TRENDING),
    counts("youtube_trending_2017", ".csv", TRENDING_2017),
    counts("youtube_insights", ".json", INSIGHTS + "\n"),
    counts(
        "google_trends", ".csv", "Category: All\n\nWeek,a: (World)\n2020-01-05,<1\n2020-01-12,7\n"
    ),
    cascades("lines", ".txt", LINES, unit="seconds"),
    cascades("trees", ".txt", TREE, unit="minutes", arrow="parent_to_child"),
    cascades("trees", ".txt", REPLIES, unit="seconds", arrow="child_to_parent"),
    cascades("sequences", ".txt", NETINF, "a,1 b,2\n", "s a 1,b 2,\n", "s a 1 b 2\n", unit="hours"),
    cascades("columns", ".csv", EVENTS, unit="hours", columns=COLUMNS),
    cascades(
        "columns", ".csv", "cascade_id,time\na,2020-01-01T10:00:00Z\na,2020-01-02T10:00:00Z\n"
    ),
    cascades("tideh", ".txt", TIDEH, unit="hours"),
    cascades("generations", ".csv", GENERATIONS),
    Reader(
        "cascades index_and_data",
        index_and_data,
        {},
        "events",
        ".csv",
        [b"relative_time_second,number_of_followers\n0,5\n7,3\n"],
    ),
    posts("x_v1", tweet(1, 0), tweet(2, 5, retweeted_status=tweet(1, 0))),
    posts("x_v2", tweet2(1, 0), tweet2(2, 5)),
    posts("bluesky", *FEED),
    posts("mastodon", status(1, 0), status(2, 5, reblog=status(1, 0))),
    Reader("posts 4cat", vk.read_posts, {"layout": "4cat"}, "events", ".csv", [EXPORT.encode()]),
    Reader(
        "edges",
        vk.read_edges,
        {"direction": "follows"},
        "edges",
        ".txt",
        [b"# c\n1 2\n2\t3\n%d 1\n" % BIG, b"source,target,weight\n1,2,3\n", b"1,2\n"],
    ),
    Reader("clicks", vk.read_clicks, {"layout": "bitly"}, "clicks", ".jsonl", [CLICKS.encode()]),
    Reader("clicks log", vk.read_clicks, {"layout": "columns"}, "clicks", ".csv", [LOG.encode()]),
]
