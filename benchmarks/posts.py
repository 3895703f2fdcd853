"""Posts from JSON lines beside parsing the JSON alone, which any reader in Python must do."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import viralkit as vk
from benchmarks.timing import Row

SIZE = 30_000
FIRST_ID = 1_300_000_000_000_000_000
FILLING = "x" * 80  # profiles and pictures make a post of API v1.1 about five kilobytes long


def rows() -> list[Row]:
    return [row("x_v1", full_post), row("bluesky", repost)]


def full_post(number: int) -> dict[str, Any]:
    """A post of API v1.1 with its profile; three in four answer another."""
    profile = {f"profile_{part}": FILLING for part in range(40)}
    post = {
        "created_at": "Sat Jul 19 14:00:00 +0000 2014",
        "id_str": str(FIRST_ID + number),
        "text": FILLING,
        "user": {"id_str": str(number % 999), "followers_count": number, **profile},
        "retweet_count": 3,
        "entities": {"urls": [{"expanded_url": FILLING, "indices": [0, 9]}] * 5},
    }
    first = number - number % 4
    return post if first == number else {**post, "in_reply_to_status_id_str": str(FIRST_ID + first)}


def repost(number: int) -> dict[str, Any]:
    """A repost record of Bluesky, fifty of each post."""
    value = {
        "$type": "app.bsky.feed.repost",
        "subject": {"uri": f"at://did:plc:a/app.bsky.feed.post/{number // 50}", "cid": "b"},
        "createdAt": "2024-01-02T03:04:05.678Z",
    }
    return {"uri": f"at://did:plc:{number}/app.bsky.feed.repost/{number}", "value": value}


def row(layout: Any, make: Callable[[int], dict[str, Any]]) -> Row:
    """The CPU time of a file of posts, and of its JSON alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "posts.jsonl"
        path.write_text("\n".join(json.dumps(make(number)) for number in range(SIZE)))
        size = path.stat().st_size / SIZE
        mine = cpu(lambda: vk.read_posts(path, layout=layout))
        peer = cpu(lambda: [json.loads(line) and None for line in path.open()])
    note = f"CPU; {SIZE / mine / 1e3:.0f} thousand posts a second, {size:,.0f} bytes each"
    return Row(f"read_posts {layout}", f"{SIZE:,} posts", mine, "json.loads alone", peer, note)


def cpu(work: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU time of some runs, in seconds."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)
