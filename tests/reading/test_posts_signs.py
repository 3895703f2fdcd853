"""Files that are read as the layout of another platform: refused, and the right one named."""

from pathlib import Path
from typing import Any

import pytest
from posts_files import BIG, numbers, read, repost, skeet, status, tweet, tweet2, uri, write_lines

from viralkit.reading.posts import read_posts
from viralkit.tables import TableError

STREAM = {"did": "did:plc:x", "kind": "account", "account": {"active": True}}
SHAPES: dict[str, list[list[Any]]] = {
    "x_v1": [
        [tweet(1, 0), tweet(2, 1, retweeted_status=tweet(1, 0))],
        [{"statuses": [tweet(1, 0)], "search_metadata": {}}],
        [{"rest_id": "1", "legacy": {"created_at": "Sat Jul 19 14:00:00 +0000 2014"}}],
    ],
    "x_v2": [
        [tweet2(1, 0), tweet2(2, 1)],
        [{"data": [tweet2(1, 0)], "includes": {}, "meta": {}}],
        [{"data": tweet2(1, 0), "matching_rules": []}],
    ],
    "bluesky": [
        [skeet("a", "1", 0), repost("b", "2", 1, uri("a", "1"))],
        [skeet("a", "1", 0)["value"]],
        [{"feed": [{"post": {"uri": uri("a", "1"), "record": {}}}]}],
        [{"uri": uri("a", "1"), "text": "t", "created_at": "2024-01-01"}],
    ],
    "mastodon": [[status(1, 0), status(2, 1)], [{"accounts": [], "statuses": [status(1, 0)]}]],
}
WRONG = [
    (fits, shape, layout)
    for fits, shapes in SHAPES.items()
    for shape in range(len(shapes))
    for layout in SHAPES
    if layout != fits
]


@pytest.mark.parametrize("way", ["raise", "drop"])
@pytest.mark.parametrize(("fits", "shape", "layout"), WRONG)
def test_another_layout_is_refused_and_the_one_that_fits_is_named(
    tmp_path: Path, fits: str, shape: int, layout: str, way: str
) -> None:
    with pytest.raises(TableError) as error:
        read(tmp_path, layout, SHAPES[fits][shape], on_error=way)
    said = str(error.value)
    assert said.startswith(f"layout='{layout}' does not fit file 'posts.jsonl': ")
    assert said.endswith(f"Pass layout='{fits}'.") and "allowed: " in said


def test_numbers_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"0 of 3 records look like it, 2 like 'mastodon'"):
        read(tmp_path, "x_v2", [status(1, 0), status(2, 0), {"meta": {}}])


def test_records_in_an_array_count_each(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"0 of 4 records look like it, 4 like 'x_v1'"):
        read(tmp_path, "mastodon", [[tweet(n, 0) for n in range(4)]])


def test_flat_rows_of_4cat_are_known(tmp_path: Path) -> None:
    row = {"id": "1", "thread_id": "1", "timestamp": "1600000000", "body": "b"}
    with pytest.raises(TableError, match=r"Pass layout='4cat'\."):
        read(tmp_path, "mastodon", [row, row])


def test_a_wrong_file_of_a_folder_is_named(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [tweet(1, 0)])
    write_lines(tmp_path / "b.jsonl", [status(1, 0)])
    with pytest.raises(TableError, match=r"file 'b\.jsonl'.*Pass layout='mastodon'\."):
        read_posts(tmp_path, layout="x_v1")


def test_few_strangers_and_posts_without_signs_are_read(tmp_path: Path) -> None:
    events, _ = read(tmp_path, "x_v1", [tweet(1, 0), *[status(n, n) for n in range(2, 11)]])
    assert len(events) == 10
    with pytest.raises(TableError, match=r"1 of 11 records look like it, 10 like 'mastodon'"):
        read(tmp_path, "x_v1", [tweet(1, 0), *[status(n, n) for n in range(2, 12)]])
    bare = {"id": str(BIG), "text": "t", "created_at": "2022-05-01T10:00:00.000Z"}
    for layout in ("x_v1", "x_v2", "mastodon"):
        assert len(read(tmp_path, layout, [bare])[0]) == 1


def test_account_notices_of_a_stream_are_bluesky(tmp_path: Path) -> None:
    events, quality = read(tmp_path, "bluesky", [STREAM, STREAM])
    assert events.is_empty() and numbers(quality)["records without a post"] == 2


@pytest.mark.parametrize("name", ["id", "created_at"])
def test_what_is_missing_hints_at_the_layout(tmp_path: Path, name: str) -> None:
    post = tweet2(1, 0)
    del post[name]
    with pytest.raises(TableError, match=r"is missing; .* If most are like it, pass .* layout="):
        read(tmp_path, "x_v2", [post])
