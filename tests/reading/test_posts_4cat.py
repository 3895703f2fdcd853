"""Tables that 4CAT exports: each platform names parents its own way, or not at all."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from posts_files import BIG, numbers

from viralkit.reading.counts import read_counts
from viralkit.reading.posts import read_posts
from viralkit.tables import TableError, check


def write(folder: Path, rows: list[dict[str, Any]], name: str = "export.csv") -> Path:
    """Write rows as an export: CSV, or a JSON object a line."""
    path = folder / name
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if name.endswith("json"):
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        table = {key: [str(row.get(key, "")) for row in rows] for key in columns}
        pl.DataFrame(table).write_csv(path, quote_style="always")
    return path


def links(events: Any) -> list[tuple[Any, ...]]:
    return sorted(events.select("cascade_id", "event_id", "parent_id", "kind", "time").rows())


def x(number: int, second: int, **more: Any) -> dict[str, Any]:
    return {
        "id": str(BIG + number),
        "thread_id": str(BIG + number),
        "timestamp": f"2024-01-01 00:00:{second:02d}",
        "unix_timestamp": 1_704_067_200 + second,
        "author": f"User{number}",
        "body": f"hello {number}",
        "language_guess": "en",
        "retweet_count": 1,
        "quote_count": 2,
        "is_retweet": "no",
        "retweeted_user": "",
        **more,
    }


def retweet(number: int, second: int, user: str, text: str) -> dict[str, Any]:
    more = {"is_retweet": "yes", "retweeted_user": user, "body": f"RT @{user}: {text}"}
    return x(number, second, **more)


def name(number: int) -> str:
    return str(BIG + number)


@pytest.mark.parametrize("file", ["export.csv", "export.ndjson"])
def test_x_reposts_are_matched_by_author_and_text(tmp_path: Path, file: str) -> None:
    posts = [
        x(1, 0),
        retweet(2, 10, "user1", "hello 1"),
        retweet(3, 20, "ghost", "boo"),
        retweet(4, 25, "ghost", "boo"),
        x(5, 30, thread_id=name(1)),
        x(6, 40, thread_id=name(77)),
    ]
    events, quality = read_posts(write(tmp_path, posts, file), layout="4cat")
    ghost = events.filter(event_id=name(3))["cascade_id"][0]
    assert ghost.startswith("RT @ghost ") and len(ghost) == 22
    assert links(events) == [
        (name(1), name(1), None, "post", 0.0),
        (name(1), name(2), name(1), "repost", 10.0),
        (name(1), name(5), None, "reply", 30.0),
        (name(77), name(6), None, "reply", 0.0),
        (name(77), name(77), None, "absent", 0.0),
        (ghost, name(3), ghost, "repost", 0.0),
        (ghost, name(4), ghost, "repost", 5.0),
        (ghost, ghost, None, "absent", 0.0),
    ]
    seen = numbers(quality)
    assert seen["reposts whose original is not in the source"] == 2
    assert seen["replies whose parent is not named"] == 2
    assert seen["originals not in the source"] == 2
    assert set(events["platform"]) == {"x"} and events["user"][0] == "User1"
    cascades: Any = quality.cascades
    assert cascades["n_reported"].to_list() == [4, None, None]
    assert events["language"][0] == "en"


def message(chat: str, number: int, second: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{chat}-{number}",
        "thread_id": chat,
        "chat": chat,
        "author": f"a{number}",
        "body": "text",
        "reply_to": "",
        "timestamp": "2024-01-01 01:00:00",  # the clock of the server, an hour off
        "unix_timestamp": 1_704_067_200 + second,
        "author_forwarded_from_name": "",
        "author_forwarded_from_username": "",
        "unix_timestamp_forwarded_from": "",
        "link_attached": "",
        **more,
    }


def test_telegram_replies_and_forwards(tmp_path: Path) -> None:
    sent = {"unix_timestamp_forwarded_from": 1_704_067_203}
    posts = [
        message("Durov", 1, 0),
        message("Durov", 2, 3),
        message("Durov", 3, 9, reply_to="1"),
        message("other", 1, 20, author_forwarded_from_username="durov", **sent),
        message("other", 2, 21, author_forwarded_from_name="Lost Channel", **sent),
        message("other", 3, 22, **sent),
        message("other", 4, 23, reply_to="1"),
    ]
    events, quality = read_posts(write(tmp_path, posts), layout="4cat")
    lost = "lost channel@1704067203"
    assert links(events) == [
        ("Durov-1", "Durov-1", None, "post", 0.0),
        ("Durov-1", "Durov-3", "Durov-1", "reply", 9.0),
        ("Durov-2", "Durov-2", None, "post", 0.0),
        ("Durov-2", "other-1", "Durov-2", "repost", 17.0),
        ("Durov-2", "other-4", "other-1", "reply", 20.0),
        (lost, lost, None, "absent", 0.0),
        (lost, "other-2", lost, "repost", 0.0),
        ("other-3", "other-3", None, "repost", 0.0),
    ]
    seen = numbers(quality)
    assert seen["forwards from nobody named"] == 1
    assert seen["forwards whose original is not in the source"] == 1
    assert str(events["timestamp"][0]) == "2024-01-01 00:00:00+00:00"


def test_telegram_numbers_of_older_exports_belong_to_their_chat(tmp_path: Path) -> None:
    posts = [message(c, 1, 0, id="1") for c in "ab"] + [message("b", 2, 5, id="2", reply_to="1")]
    events, _ = read_posts(write(tmp_path, posts), layout="4cat")
    assert [row[:3] for row in links(events)] == [
        ("a-1", "a-1", None),
        ("b-1", "b-1", None),
        ("b-1", "b-2", "b-1"),
    ]


def bluesky(key: str, second: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"at://did:plc:{key}/app.bsky.feed.post/{key}",
        "thread_id": f"at://did:plc:{key}/app.bsky.feed.post/{key}",
        "author": f"{key}.example",
        "body": "text",
        "link": f"https://bsky.app/profile/{key}.example/post/{key}",
        "quoted_post": "",
        "replied_to_post": "",
        "timestamp": 1_704_067_200.5 + second,
        "languages": "en",
        **more,
    }


def test_bluesky_replies_and_quotes_by_link(tmp_path: Path) -> None:
    root = bluesky("a", 0)
    at = "at://did:plc:zz/app.bsky.feed.post/z"
    posts = [
        root,
        bluesky("b", 1, replied_to_post=root["link"], thread_id=root["id"]),
        bluesky("c", 2, quoted_post="https://bsky.app/profile/b.example/post/b"),
        bluesky("d", 3, quoted_post="https://bsky.app/profile/did:plc:zz/post/z"),
        bluesky("e", 4, quoted_post="DELETED"),
    ]
    events, quality = read_posts(write(tmp_path, posts), layout="4cat")
    ids = {p["id"][-1]: p["id"] for p in posts}
    assert links(events) == [
        (ids["a"], ids["a"], None, "post", 0.0),
        (ids["a"], ids["b"], ids["a"], "reply", 1.0),
        (ids["a"], ids["c"], ids["b"], "quote", 2.0),
        (ids["e"], ids["e"], None, "quote", 0.0),
        (at, ids["d"], at, "quote", 0.0),
        (at, at, None, "absent", 0.0),
    ]
    assert numbers(quality)["quotes of posts that are gone"] == 1


def test_reddit_comments_and_a_thread_that_is_not_there() -> None:
    posts = pl.DataFrame(
        {
            "id": ["s1", "c1", "c2", "c9"],
            "thread_id": ["s1", "s1", "s1", "s7"],
            "parent": ["", "t3_s1", "t1_c1", "t1_c8"],
            "subreddit": ["aww"] * 4,
            "author": ["a", "b", "c", "d"],
            "body": ["x"] * 4,
            "timestamp": [1_600_000_000, 1_600_000_060, 1_600_000_090, 1_600_000_100],
        }
    )
    events, quality = read_posts(posts, layout="4cat")
    assert links(events) == [
        ("s1", "c1", "s1", "reply", 60.0),
        ("s1", "c2", "c1", "reply", 90.0),
        ("s1", "s1", None, "post", 0.0),
        ("s7", "c9", "c8", "reply", 0.0),
        ("s7", "s7", None, "absent", 0.0),
    ]
    assert events["subreddit"].to_list()[:4] == ["aww"] * 4
    assert set(events["platform"]) == {"reddit"}
    assert numbers(quality)["orphans"] == 1


def tiktok(number: int, second: int, **more: Any) -> dict[str, Any]:
    return {
        "id": name(number),
        "thread_id": name(number),
        "author": f"u{number}",
        "author_followers": 100 * number,
        "body": "text",
        "timestamp": 1_704_067_200 + second,
        "tiktok_url": f"https://tiktok.com/@u/video/{number}",
        "hashtags": "",
        **more,
    }


def test_platforms_without_parents_become_groups_and_counts(tmp_path: Path) -> None:
    posts = [
        tiktok(1, 0, hashtags="Dance,cats"),
        tiktok(2, 60, hashtags="#dance", body="see https://a.example/x, wow"),
        tiktok(3, 86_400, hashtags="", body="go https://a.example/x."),
        tiktok(4, 7),
    ]
    events, quality = read_posts(write(tmp_path, posts), layout="4cat")
    groups = events.group_by("cascade_id", maintain_order=True).agg("event_id", "time").rows()
    assert groups == [
        ("#dance", [name(1), name(2)], [0.0, 60.0]),
        ("#cats", [name(1)], [0.0]),
        ("https://a.example/x", [name(2), name(3)], [0.0, 86_340.0]),
        (name(4), [name(4)], [0.0]),
    ]
    assert events["magnitude"][0] == 100 and events.filter(kind="absent").is_empty()
    seen = dict(zip(quality.table["check"], quality.table["note"], strict=True))
    assert "no parents" in seen["groups that share a link or hashtag"]
    assert numbers(quality)["groups that share a link or hashtag"] == 3
    assert numbers(quality)["posts that share no link or hashtag"] == 1
    days = events.group_by("cascade_id", pl.col("timestamp").dt.date().alias("day")).len()
    options: Any = {"kind": "incremental", "every": "1d", "item": "cascade_id"}
    counts, _ = read_counts(days, time="day", count="len", **options)
    assert counts.filter(item="https://a.example/x")["count"].to_list() == [1, 1]


def test_links_of_a_column_and_of_several(tmp_path: Path) -> None:
    cell = "https://a.example/?q=1,2,https://b.example"
    posts = [tiktok(1, 0, links=cell), tiktok(2, 0, links="https://b.example")]
    events, _ = read_posts(write(tmp_path, posts), layout="4cat")
    assert sorted(set(events["cascade_id"])) == ["https://a.example/?q=1,2", "https://b.example"]


def test_columns_pass_through_under_their_name_or_with_a_line(tmp_path: Path) -> None:
    more = {"kind": "video", "time": "noon", "line": "a", "likes": "5", "depth": "x"}
    events, _ = read_posts(write(tmp_path, [tiktok(1, 0, **more)]), layout="4cat")
    taken = events.select("kind_", "time_", "line_", "likes", "depth_").row(0)
    assert taken == ("video", "noon", "a", "5", "x") and events["kind"][0] == "post"
    assert check(events, "events").equals(events)


def test_polarity_and_platform_of_yours(tmp_path: Path) -> None:
    posts = [
        tiktok(1, 0, polarity="0.25", platform="mine"),
        tiktok(2, 0, polarity="N/A", platform=""),
    ]
    events, _ = read_posts(write(tmp_path, posts), layout="4cat")
    assert events.select("polarity", "platform").rows() == [(0.25, "mine"), (None, "tiktok")]


def test_broken_lines_of_a_table(tmp_path: Path) -> None:
    good = '"1","2024-01-01T00:00:00","a, b","0.5"\n'
    bad = [
        "2,2024-01-01T00:00:00,x,0.5,more,cells\n",
        "3,yesterday,x,\n",
        ",2024-01-01T00:00:00,x,\n",
        "5,2024-01-01T00:00:00,x,good\n",
        "6,2024-01-01T00:00:00,x,7\n",
        "7\n",
    ]
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"\xef\xbb\xbf\n" + ("id,timestamp,body,polarity\n" + good + "".join(bad)).encode()
    )
    events, quality = read_posts(path, layout="4cat", on_error="drop")
    assert events["event_id"].to_list() == ["1"] and events["text"].to_list() == ["a, b"]
    assert quality.dropped.select("line", "column", "value").rows() == [
        (4, "polarity", "more"),
        (5, "timestamp", "yesterday"),
        (6, "id", None),
        (7, "polarity", "good"),
        (8, "polarity", "7.0"),
        (9, "timestamp", None),
    ]
    kept, _ = read_posts(path, layout="4cat", on_error="keep")
    assert kept["excluded"].count() == 6 and len(kept) == 7
    with pytest.raises(TableError, match=r"'a.csv', line 4, .*'more' stands after the last column"):
        read_posts(path, layout="4cat")


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_empty_table_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(TableError, match="is empty"):
        read_posts(path, layout="4cat")


def test_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,timestamp,body\n")
    events, quality = read_posts(path, layout="4cat")
    assert events.is_empty() and numbers(quality)["rows read"] == 0


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(end.join(["id,timestamp,body", "1,2024-01-01,né 🎉", ""]).encode(encoding))
    events, _ = read_posts(path, layout="4cat")
    assert events["text"].to_list() == ["né 🎉"]


def test_bytes_of_another_encoding_cost_their_letter_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"id,timestamp,body\n1,2024-01-01,n\xe9\n2,2024-01-01,ok\n"))
    events, _ = read_posts(path, layout="4cat")
    assert events["text"].to_list() == ["n\ufffd", "ok"]


def test_several_files_are_one_source(tmp_path: Path) -> None:
    write(tmp_path, [x(1, 0)], "a.csv")
    write(tmp_path, [retweet(2, 10, "User1", "hello 1")], "b.ndjson")
    for source in (tmp_path, str(tmp_path / "*"), [tmp_path / "a.csv", tmp_path / "b.ndjson"]):
        events, _ = read_posts(source, layout="4cat")
        assert events["cascade_id"].to_list() == [name(1)] * 2


def test_json_of_the_platform_itself_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text('{"rest_id": "1", "legacy": {"created_at": "x"}}')
    with pytest.raises(TableError, match=r"column 'id' not found; .* take its CSV, or pass"):
        read_posts(path, layout="4cat")


def test_what_is_no_source_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("x")
    with pytest.raises(TableError, match=r"'\.xlsx'; allowed: \.csv"):
        read_posts(tmp_path / "a.xlsx", layout="4cat")
    with pytest.raises(FileNotFoundError):
        read_posts(tmp_path / "b.csv", layout="4cat")
    with pytest.raises(TableError, match='layout="4cat" for a table'):
        read_posts(pl.DataFrame({"id": ["1"]}), layout="x_v1")
    with pytest.raises(TableError, match="layout='rss' is not known; allowed"):
        read_posts(tmp_path, layout="rss")  # type: ignore[arg-type]
    with pytest.raises(TableError, match="lists or objects"):
        read_posts(pl.DataFrame({"id": [["1"]]}), layout="4cat")
