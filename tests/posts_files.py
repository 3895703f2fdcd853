"""Posts in the shapes that platforms write, for the tests of `read_posts`."""

import json
from pathlib import Path
from typing import Any

from viralkit.reading.posts import read_posts

BIG = 2**60  # ids beyond what floats hold


def numbers(quality: Any) -> dict[str, int]:
    """The lines of a quality table as a dict."""
    return dict(zip(quality.table["check"], quality.table["rows"], strict=True))


def write_lines(path: Path, records: list[Any]) -> Path:
    """Write records one a line; texts as they are."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return path


def read(path: Path, layout: Any, records: list[Any], **options: Any) -> Any:
    """Write records and read them."""
    return read_posts(write_lines(path / "posts.jsonl", records), layout=layout, **options)


def tweet(number: int, minute: int, **more: Any) -> dict[str, Any]:
    """Give a post of API v1.1."""
    return {
        "created_at": f"Sat Jul 19 14:{minute:02d}:00 +0000 2014",
        "id": BIG + number,
        "id_str": str(BIG + number),
        "text": f"post {number}",
        "user": {"id": number, "id_str": f"u{number}", "followers_count": 10 * number},
        "retweet_count": 0,
        "lang": "en",
        **more,
    }


def tweet2(number: int, minute: int, **more: Any) -> dict[str, Any]:
    """Give a post of API v2."""
    return {
        "id": str(BIG + number),
        "author_id": f"u{number}",
        "created_at": f"2022-05-01T10:{minute:02d}:00.000Z",
        "conversation_id": str(BIG + number),
        "text": f"post {number}",
        "lang": "de",
        **more,
    }


def refers(kind: str, number: int) -> dict[str, Any]:
    """Give a reference of API v2."""
    return {"type": kind, "id": str(BIG + number)}


def status(number: int, minute: int, **more: Any) -> dict[str, Any]:
    """Give a status of Mastodon."""
    return {
        "id": str(BIG + number),
        "created_at": f"2023-02-03T04:{minute:02d}:05.678Z",
        "in_reply_to_id": None,
        "reblog": None,
        "account": {"id": str(number), "acct": f"user{number}@example.social"},
        "content": f"<p>post {number}</p>",
        "language": "nl",
        "reblogs_count": 0,
        **more,
    }


def uri(user: str, key: str, kind: str = "post") -> str:
    """Give an address of the AT Protocol."""
    return f"at://did:plc:{user}/app.bsky.feed.{kind}/{key}"


def skeet(user: str, key: str, minute: int, **more: Any) -> dict[str, Any]:
    """Give a post record of Bluesky as listRecords gives it."""
    value = {
        "$type": "app.bsky.feed.post",
        "text": f"post {key}",
        "createdAt": f"2024-01-02T03:{minute:02d}:00.000Z",
        "langs": ["pt", "en"],
        **more,
    }
    return {"uri": uri(user, key), "cid": "bafy", "value": value}


def repost(
    user: str, key: str, minute: int, subject: str, via: str | None = None
) -> dict[str, Any]:
    """Give a repost record of Bluesky as listRecords gives it."""
    value: dict[str, Any] = {
        "$type": "app.bsky.feed.repost",
        "subject": {"uri": subject, "cid": "bafy"},
        "createdAt": f"2024-01-02T03:{minute:02d}:00.000Z",
    }
    if via:
        value["via"] = {"uri": via, "cid": "bafy"}
    return {"uri": uri(user, key, "repost"), "cid": "bafy", "value": value}
