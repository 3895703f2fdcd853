"""Records of Bluesky and statuses of Mastodon."""

from pathlib import Path
from typing import Any

import pytest
from posts_files import BIG, numbers, read, repost, skeet, status, uri

from viralkit.tables import TableError

POST = uri("ann", "p1")


def links(events: Any) -> list[tuple[Any, ...]]:
    return sorted(events.select("cascade_id", "event_id", "parent_id", "kind", "time").rows())


def jetstream(record: dict[str, Any]) -> dict[str, Any]:
    """Give a record as the stream sends it."""
    _, _, did, collection, key = record["uri"].split("/")
    commit = {"operation": "create", "collection": collection, "rkey": key}
    return {"did": did, "kind": "commit", "commit": {**commit, "record": record["value"]}}


def view(record: dict[str, Any]) -> dict[str, Any]:
    """Give a post as a view of the app shows it."""
    did = record["uri"].split("/")[2]
    return {"uri": record["uri"], "author": {"did": did}, "record": record["value"]}


RECORDS = [
    skeet("ann", "p1", 0),
    repost("bob", "r1", 1, POST),
    repost("cy", "r2", 2, POST, via=uri("bob", "r1", "repost")),
    repost("di", "r3", 4, POST, via=uri("eve", "r9", "repost")),
]
ROWS = [
    (POST, uri("ann", "p1"), None, "post", 0.0),
    (POST, uri("bob", "r1", "repost"), POST, "repost", 60.0),
    (POST, uri("cy", "r2", "repost"), uri("bob", "r1", "repost"), "repost", 120.0),
    (POST, uri("di", "r3", "repost"), uri("eve", "r9", "repost"), "repost", 240.0),
]


@pytest.mark.parametrize(
    "shape",
    [
        lambda records: records,
        lambda records: [{"records": records, "cursor": "x"}],
        lambda records: [jetstream(one) for one in records],
        lambda records: [view(one) for one in records],
    ],
)
def test_reposts_stand_under_via_or_subject(tmp_path: Path, shape: Any) -> None:
    events, quality = read(tmp_path, "bluesky", shape(RECORDS))
    assert links(events) == ROWS
    assert sorted(events["user"]) == ["did:plc:ann", "did:plc:bob", "did:plc:cy", "did:plc:di"]
    seen = numbers(quality)
    assert seen["reposts"] == 3 and seen["reposts that name the original as parent"] == 1
    assert seen["orphans"] == 1 and seen["originals not in the source"] == 0
    assert events["language"][0] == "pt"


def test_subject_that_is_not_there_is_the_root(tmp_path: Path) -> None:
    events, quality = read(tmp_path, "bluesky", RECORDS[1:])
    assert next(row[:4] for row in links(events)) == (POST, POST, None, "absent")
    assert numbers(quality)["originals not in the source"] == 1
    assert set(events["cascade_id"]) == {POST}


def test_records_alone_get_their_place_for_an_id(tmp_path: Path) -> None:
    records = [one["value"] for one in RECORDS[1:3]]
    events, _ = read(tmp_path, "bluesky", [records[0], [records[1], records[0]]])
    assert sorted(events["event_id"]) == [POST, "posts.jsonl:1", "posts.jsonl:2", "posts.jsonl:2/2"]


def test_replies_quotes_and_records_of_another_kind(tmp_path: Path) -> None:
    reply = {"root": {"uri": POST}, "parent": {"uri": uri("bob", "p2")}}
    quote = {"record": {"uri": POST, "cid": "b"}}
    media = {"record": {"record": {"uri": POST, "cid": "b"}}, "media": {}}
    feed = {"record": {"uri": "at://did:plc:x/app.bsky.feed.generator/y", "cid": "b"}}
    like = {"uri": uri("x", "l", "like"), "value": {"$type": "app.bsky.feed.like", "subject": {}}}
    records = [
        skeet("ann", "p1", 0),
        skeet("cy", "p3", 2, reply=reply, embed=quote),
        skeet("di", "p4", 3, embed=quote),
        skeet("ed", "p5", 4, embed=media),
        skeet("flo", "p6", 5, embed=feed),
        like,
        {"did": "did:plc:x", "kind": "identity"},
        {**jetstream(RECORDS[1]), "commit": {"operation": "delete", "rkey": "r1"}},
    ]
    events, quality = read(tmp_path, "bluesky", records)
    assert links(events)[:-1] == [
        (POST, POST, None, "post", 0.0),
        (POST, uri("cy", "p3"), uri("bob", "p2"), "reply", 120.0),
        (POST, uri("di", "p4"), POST, "quote", 180.0),
        (POST, uri("ed", "p5"), POST, "quote", 240.0),
    ]
    assert events["kind"][-1] == "post"
    seen = numbers(quality)
    assert seen["records without a post"] == 3
    assert seen["posts that refer to several others"] == 1


def item(reason: Any, key: str = "p1") -> dict[str, Any]:
    """Give a post as the feed of an account shows it."""
    return {"post": view(skeet("ann", key, 0)), **({"reason": reason} if reason else {})}


BY = {
    "$type": "app.bsky.feed.defs#reasonRepost",
    "by": {"did": "did:plc:bob", "handle": "bob.example"},
    "indexedAt": "2024-01-02T03:01:00.000Z",
}


def test_feed_of_an_account_keeps_its_reposts(tmp_path: Path) -> None:
    named = {**BY, "uri": uri("bob", "r2", "repost"), "indexedAt": "2024-01-02T03:02:00.000Z"}
    pin = {"$type": "app.bsky.feed.defs#reasonPin"}
    feed = [item(BY), item(named), item(pin, "p2"), item(None, "p3")]
    events, quality = read(tmp_path, "bluesky", [{"feed": feed, "cursor": "x"}])
    assert links(events) == [
        (POST, POST, None, "post", 0.0),
        (POST, uri("bob", "r2", "repost"), POST, "repost", 120.0),
        (POST, "posts.jsonl:1", POST, "repost", 60.0),
        (uri("ann", "p2"), uri("ann", "p2"), None, "post", 0.0),
        (uri("ann", "p3"), uri("ann", "p3"), None, "post", 0.0),
    ]
    reposts = events.filter(kind="repost")
    assert reposts["user"].to_list() == ["did:plc:bob"] * 2
    seen = numbers(quality)
    assert seen["posts in the source"] == 4 and seen["reposts"] == 2
    assert seen["originals found inside other posts"] == 1


def test_repost_without_subject_is_told(tmp_path: Path) -> None:
    record = repost("bob", "r1", 1, POST)
    del record["value"]["subject"]
    with pytest.raises(TableError, match=r"line 1, column 'subject'.*is missing; allowed"):
        read(tmp_path, "bluesky", [record])


def test_mastodon_boosts_replies_and_quotes(tmp_path: Path) -> None:
    first = status(1, 0, reblogs_count=4, replies_count=2)
    records = [
        status(2, 1, reblog=first),
        status(3, 2, in_reply_to_id=str(BIG + 1)),
        {"statuses": [status(4, 3, quote={"state": "accepted", "quoted_status": first})]},
        status(5, 4, quote={"state": "accepted", "quoted_status_id": str(BIG + 9)}),
    ]
    events, quality = read(tmp_path, "mastodon", records)
    one, nine = str(BIG + 1), str(BIG + 9)
    assert links(events) == [
        (one, one, None, "post", 0.0),
        (one, str(BIG + 2), one, "repost", 60.0),
        (one, str(BIG + 3), one, "reply", 120.0),
        (one, str(BIG + 4), one, "quote", 180.0),
        (nine, str(BIG + 5), nine, "quote", 0.0),
        (nine, nine, None, "absent", 0.0),
    ]
    assert events["user"][0] == "user1@example.social" and events["language"][0] == "nl"
    assert events["text"][0] == "<p>post 1</p>"
    assert str(events["timestamp"][0]) == "2023-02-03 04:00:05.678000+00:00"
    assert quality.cascades["n_reported"].to_list() == [7, None]
    assert numbers(quality)["reposts that name the original as parent"] == 1
