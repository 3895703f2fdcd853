"""Whatever may stand in a file of posts: read or refused in words, and every row accounted for."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from posts_files import (
    numbers,
    refers,
    repost,
    skeet,
    status,
    tweet,
    tweet2,
    uri,
    write_lines,
)

from viralkit.reading.posts import read_posts
from viralkit.tables import TableError, check

LAYOUTS = ("x_v1", "x_v2", "bluesky", "mastodon", "4cat")
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\x00\x1b[31m",
    "\ud800",
    "\u202e",
    "👩‍👩‍👧",
    "\ufeff",
    "x" * 1_000_000,
    "NaN",
]
ROW = {"id": "1", "thread_id": "1", "timestamp": "1600000000", "author": "a", "body": "b"}
WHOLE = {
    "x_v1": [tweet(1, 0), tweet(2, 1, retweeted_status=tweet(1, 0), extended_tweet={})],
    "x_v2": [tweet2(1, 0), {"data": [tweet2(2, 1, referenced_tweets=[refers("quoted", 1)])]}],
    "bluesky": [skeet("a", "1", 0), repost("b", "2", 1, uri("a", "1"), via="at://x/y/z")],
    "mastodon": [status(1, 0), status(2, 1, reblog=status(1, 0), quote={"state": "x"})],
    "4cat": [ROW, {**ROW, "id": "2", "parent": "1", "is_retweet": "no", "retweeted_user": "a"}],
}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
scalars |= st.sampled_from([*HOSTILE[:-2], "", "1", 10**400, 1.5e308])
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def paths(record: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a record."""
    inside = record.items() if isinstance(record, dict) else enumerate(record)
    found = [here] if here else []
    for key, value in inside:
        deeper = isinstance(value, dict | list)
        found += paths(value, (*here, key)) if deeper else [(*here, key)]
    return found


@st.composite
def damaged(draw: st.DrawFn, layout: str) -> list[Any]:
    """Draw records of a layout with some values missing or replaced by anything."""
    records = json.loads(json.dumps(WHOLE[layout]))
    for place in draw(st.lists(st.sampled_from(paths(records)), max_size=3)):
        holder = records
        try:
            for key in place[:-1]:
                holder = holder[key]
            if draw(st.booleans()):
                del holder[place[-1]]
            else:
                holder[place[-1]] = draw(junk)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier damage took the place away
    return list(records) + draw(st.lists(junk, max_size=2))


def hold(path: Path, layout: Any) -> None:
    """Read a file in the three ways, and hold the answers against one another."""
    answers: dict[str, Any] = {}
    ways: tuple[Any, ...] = ("raise", "drop", "keep")
    for way in ways:
        try:
            answers[way] = read_posts(path, layout=layout, on_error=way)
        except TableError as error:
            assert str(error).isprintable() or "\n" in str(error)
    for events, quality in answers.values():
        assert check(events, "events").equals(events, null_equal=True)
        assert repr(quality) and "<script" not in quality._repr_html_()
        assert check(quality.cascades, "cascades") is not None
        assert set(events["cascade_id"].drop_nulls()) >= set(quality.cascades["cascade_id"])
    if layout != "4cat":
        assert {"drop", "keep"} <= set(answers)
    if "drop" in answers:
        events, quality = answers["drop"]
        seen = numbers(quality)
        assert seen["rows read"] == seen["rows kept"] + len(quality.dropped)
        assert ("raise" in answers) == quality.dropped.is_empty()
        assert answers["keep"][0].height == seen["rows read"]
        roots = events.filter(pl.col("event_id") == pl.col("cascade_id"))
        assert set(roots["kind"]) <= {"post", "repost", "reply", "quote", "absent"}


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_records_are_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, layout: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("posts")
    path = folder / "posts.ndjson"
    hold(write_lines(path, [json.dumps(one) for one in data.draw(damaged(layout))]), layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=st.binary(max_size=60), name=st.sampled_from(["a.ndjson", "a.csv", "a.json.gz"]))
def test_any_bytes(
    tmp_path_factory: pytest.TempPathFactory, layout: str, raw: bytes, name: str
) -> None:
    path = tmp_path_factory.mktemp("posts") / name
    path.write_bytes(raw)
    if name.endswith("gz"):
        with pytest.raises(TableError, match="is not a gzip file"):
            read_posts(path, layout=layout)  # type: ignore[arg-type]
        return
    try:
        hold(path, layout)
    except FileNotFoundError:
        raise AssertionError from None


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_what_it_is(tmp_path: Path, layout: Any, text: str) -> None:
    name = text.strip("\x00 ") + "1"
    key = {"x_v1": "id_str", "x_v2": "id", "mastodon": "id", "4cat": "id"}
    body = {"x_v1": "text", "x_v2": "text", "mastodon": "content", "4cat": "body"}
    record = json.loads(json.dumps(WHOLE[layout][0]))
    for thread in ("conversation_id", "thread_id"):
        record.pop(thread, None)
    if layout == "bluesky":
        record["uri"], record["value"]["text"] = name, text
    else:
        record[key[layout]], record[body[layout]] = name, text
    events, quality = read_posts(
        write_lines(tmp_path / "posts.ndjson", [record]), layout=layout, on_error="drop"
    )
    shown = name.encode("utf-8", "replace").decode()
    assert events["event_id"].to_list() == [shown.strip() if layout == "4cat" else shown]
    if layout != "4cat":
        assert events["text"].to_list() == [text.encode("utf-8", "replace").decode()]
    assert repr(quality).replace("\n", "").isprintable()


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "4cat"])
def test_empty_files_give_an_empty_table(tmp_path: Path, layout: Any) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b"\xef\xbb\xbf\n\n")
    events, quality = read_posts(path, layout=layout)
    seen = numbers(quality)
    assert events.is_empty() and seen["rows read"] == 0 and seen["empty files"] == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "posts.jsonl"
    lines = [json.dumps({**tweet(n, n), "text": "né 🎉"}, ensure_ascii=False) for n in (1, 2)]
    path.write_bytes((end.join(lines) + end).encode(encoding))
    events, _ = read_posts(path, layout="x_v1")
    assert events["text"].to_list() == ["né 🎉"] * 2


def test_a_line_in_another_encoding_costs_its_letters_only(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_bytes(json.dumps(tweet(1, 0)).encode().replace(b"post 1", b"n\xe9"))
    assert read_posts(path, layout="x_v1")[0]["text"].to_list() == ["n\ufffd"]


@pytest.mark.parametrize("depth", [200, 500, 900, 960, 990, 5000])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_deep_nesting_costs_its_line_at_most(tmp_path: Path, layout: Any, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    web = '{"legacy": {}, "quoted_status_result": {"result": ' * (depth // 3)
    lines = [f'{{"id": "1", "text": {deep}, "body": {deep}}}', web + "1" + "}}" * (depth // 3)]
    lines += [f'{{"id": {deep}, "subject": {{"uri": {deep}}}}}', json.dumps(WHOLE[layout][0])]
    events, _ = read_posts(
        write_lines(tmp_path / "a.ndjson", lines), layout=layout, on_error="drop"
    )
    assert len(events) >= 1
