"""Posts of the two APIs of X: shapes, parents, originals inside others, ids, broken lines."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from posts_files import BIG, numbers, read, refers, tweet, tweet2, write_lines

from viralkit.reading.posts import read_posts
from viralkit.tables import TableError


def name(number: int) -> str:
    return str(BIG + number)


def links(events: Any) -> list[tuple[Any, ...]]:
    return sorted(events.select("cascade_id", "event_id", "parent_id", "kind", "time").rows())


def test_v1_reposts_replies_and_quotes_form_one_cascade(tmp_path: Path) -> None:
    first = tweet(1, 0, retweet_count=7, quote_count=1)
    posts = [
        first,
        tweet(2, 1, retweeted_status=first),
        tweet(3, 2, in_reply_to_status_id_str=name(1)),
        tweet(4, 3, in_reply_to_status_id=BIG + 3),
        tweet(5, 5, quoted_status_id_str=name(4), quoted_status=tweet(4, 3)),
        tweet(6, 9),
    ]
    events, quality = read(tmp_path, "x_v1", posts)
    one = name(1)
    assert links(events) == [
        (one, name(1), None, "post", 0.0),
        (one, name(2), name(1), "repost", 60.0),
        (one, name(3), name(1), "reply", 120.0),
        (one, name(4), name(3), "reply", 180.0),
        (one, name(5), name(4), "quote", 300.0),
        (name(6), name(6), None, "post", 0.0),
    ]
    assert events.row(1, named=True)["magnitude"] == 20
    assert events["user"][0] == "u1" and events["language"][0] == "en"
    assert events["timestamp"][0] == datetime(2014, 7, 19, 14, 0, tzinfo=UTC)
    assert set(events["platform"]) == {"x"} and "polarity" not in events.columns
    assert quality.cascades.rows() == [
        (one, datetime(2014, 7, 19, 14, 0, tzinfo=UTC), 9.0),
        (name(6), datetime(2014, 7, 19, 14, 9, tzinfo=UTC), 1.0),
    ]
    seen = numbers(quality)
    assert seen["reposts"] == seen["reposts that name the original as parent"] == 1
    assert seen["replies"] == 2 and seen["quotes"] == 1
    assert seen["posts in the source"] == seen["rows read"] == 6


def test_v1_original_inside_its_reposts_is_a_row_once(tmp_path: Path) -> None:
    original = tweet(1, 0, full_text="the whole text", quoted_status=tweet(9, 0))
    posts = [tweet(n, n, retweeted_status=original) for n in (2, 3)]
    events, quality = read(tmp_path, "x_v1", posts)
    assert sorted(events["event_id"]) == [name(1), name(2), name(3), name(9)]
    assert set(events["cascade_id"]) == {name(9)}
    assert numbers(quality)["originals found inside other posts"] == 2
    texts = dict(events.select("event_id", "text").rows())
    assert texts[name(1)] == "the whole text"


def test_v1_original_that_is_not_there_still_is_the_root(tmp_path: Path) -> None:
    posts = [tweet(n, n, in_reply_to_status_id_str=name(1)) for n in (7, 4)]
    events, quality = read(tmp_path, "x_v1", posts)
    assert links(events) == [
        (name(1), name(1), None, "absent", 0.0),
        (name(1), name(4), name(1), "reply", 0.0),
        (name(1), name(7), name(1), "reply", 180.0),
    ]
    assert events.filter(kind="absent")["timestamp"].to_list() == [None]
    assert numbers(quality)["originals not in the source"] == 1
    assert quality.cascades.rows() == [(name(1), None, None)]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"full_text": "long"}, "long"),
        ({"extended_tweet": {"full_text": "longer"}, "truncated": True}, "longer"),
        ({}, "post 1"),
    ],
)
def test_v1_text_is_the_whole_one(tmp_path: Path, more: Any, text: str) -> None:
    events, _ = read(tmp_path, "x_v1", [tweet(1, 0, **more)])
    assert events["text"].to_list() == [text]


def test_v1_pages_arrays_and_notices(tmp_path: Path) -> None:
    records = [
        {"statuses": [tweet(1, 0), tweet(2, 0)], "search_metadata": {}},
        {"delete": {"status": {"id": 5}}},
        {"limit": {"track": 12}},
        [tweet(3, 0), tweet(4, 0)],
    ]
    events, quality = read(tmp_path, "x_v1", records)
    assert sorted(events["event_id"]) == [name(n) for n in (1, 2, 3, 4)]
    assert numbers(quality)["records without a post"] == 2


def test_ids_beyond_two_to_the_53_survive_as_numbers_too(tmp_path: Path) -> None:
    post = tweet(1, 0)
    del post["id_str"]
    events, _ = read(tmp_path, "x_v1", [post])
    assert events["event_id"].to_list() == ["1152921504606846977"]


def test_an_id_that_went_through_a_float_is_refused(tmp_path: Path) -> None:
    post = tweet(1, 0, id_str=None, id=1.2345e18)
    with pytest.raises(TableError, match=r"line 1, column 'event_id': '1\.2345e\+18' is no id"):
        read(tmp_path, "x_v1", [post])
    events, quality = read(tmp_path, "x_v1", [post, tweet(2, 0)], on_error="drop")
    assert len(events) == 1 and quality.dropped["line"].to_list() == [1]


def test_time_is_that_of_the_post_not_of_its_id(tmp_path: Path) -> None:
    held = (1405778400 * 1000 - 1288834974657) << 22  # 2014-07-19T14:00:00Z
    same, other = str(held + 5), str(held + (3000 << 22))
    posts = [tweet(1, 0, id_str=same), tweet(2, 0, id_str=other)]
    events, quality = read(tmp_path, "x_v1", posts)
    assert numbers(quality)["ids that hold another time"] == 1
    assert events["timestamp"].n_unique() == 1


V2_PAGE = {
    "data": [
        tweet2(2, 1, referenced_tweets=[refers("retweeted", 1)]),
        tweet2(3, 2, referenced_tweets=[refers("quoted", 8), refers("replied_to", 1)]),
        tweet2(4, 3, referenced_tweets=[refers("quoted", 2)]),
    ],
    "includes": {
        "users": [{"id": "u1", "public_metrics": {"followers_count": 99}}, {"id": "u2"}],
        "tweets": [
            tweet2(1, 0, public_metrics={"retweet_count": 3, "reply_count": 2, "quote_count": 1})
        ],
    },
    "meta": {"result_count": 3},
}
V2_ROWS = [
    (name(1), name(1), None, "post", 0.0),
    (name(1), name(2), name(1), "repost", 60.0),
    (name(1), name(3), name(1), "reply", 120.0),
    (name(1), name(4), name(2), "quote", 180.0),
]


def flattened(page: Any) -> list[Any]:
    """Put what the page includes inside its posts, as flattening tools do."""
    inside = {one["id"]: one for one in page["includes"]["tweets"]}
    users = {one["id"]: one for one in page["includes"]["users"]}
    posts = []
    for post in page["data"]:
        references = [
            {**inside.get(r["id"], {}), **r, "author": users["u1"]} if r["id"] in inside else r
            for r in post["referenced_tweets"]
        ]
        posts.append({**post, "referenced_tweets": references})
    return posts


def streamed(page: Any) -> list[Any]:
    """Give a line a post, each with all that is included."""
    return [
        {"data": post, "includes": page["includes"], "matching_rules": [{"id": "1"}]}
        for post in page["data"]
    ]


@pytest.mark.parametrize("shape", [lambda p: [p], flattened, streamed, lambda p: p["data"]])
def test_v2_shapes_say_the_same(tmp_path: Path, shape: Any) -> None:
    records = shape(V2_PAGE)
    events, quality = read(tmp_path, "x_v2", records)
    seen = numbers(quality)
    if records == V2_PAGE["data"]:  # the original is not there
        assert [r[:3] for r in links(events)] == [r[:3] for r in V2_ROWS]
        assert seen["originals not in the source"] == 1
        return
    assert links(events) == V2_ROWS
    assert events.filter(event_id=name(1))["magnitude"].to_list() == [99]
    assert quality.cascades["n_reported"].to_list() == [7]
    assert seen["posts that refer to several others"] == 1
    assert seen["originals found inside other posts"] == 1


def test_v2_page_of_several_lines_is_one_record(tmp_path: Path) -> None:
    path = tmp_path / "page.json"
    path.write_text("\n\n" + json.dumps(V2_PAGE, indent=2))
    events, _ = read_posts(path, layout="x_v2")
    assert links(events) == V2_ROWS


def test_v2_conversation_stands_in_for_a_parent_that_is_not_there(tmp_path: Path) -> None:
    posts = [
        tweet2(1, 0),
        tweet2(3, 9, conversation_id=name(1), referenced_tweets=[refers("replied_to", 2)]),
    ]
    events, quality = read(tmp_path, "x_v2", posts)
    assert links(events) == [
        (name(1), name(1), None, "post", 0.0),
        (name(1), name(3), name(2), "reply", 540.0),
    ]
    seen = numbers(quality)
    assert seen["orphans"] == 1 and seen["originals not in the source"] == 0


def test_v2_reference_of_an_unknown_type_is_told(tmp_path: Path) -> None:
    post = tweet2(1, 0, referenced_tweets=[{"type": "liked", "id": "5"}])
    with pytest.raises(TableError, match=r"referenced_tweets.*names no post; allowed: an id"):
        read(tmp_path, "x_v2", [post])


def test_v2_empty_page_is_a_notice(tmp_path: Path) -> None:
    records = [{"meta": {"result_count": 0}}, {"errors": [{"title": "gone"}]}, tweet2(1, 0)]
    events, quality = read(tmp_path, "x_v2", records)
    assert len(events) == 1 and numbers(quality)["records without a post"] == 2


def test_parents_that_lead_in_a_circle_are_one_cascade(tmp_path: Path) -> None:
    posts = [tweet2(n, n, referenced_tweets=[refers("replied_to", m)]) for n, m in ((1, 2), (2, 1))]
    events, quality = read(tmp_path, "x_v2", posts)
    assert set(events["cascade_id"]) == {name(1)}
    assert numbers(quality)["parents that lead in a circle"] == 1


BROKEN = [
    '{"id": "1", "created_at"',
    "[1, 2",
    '"text"',
    "17",
    json.dumps({"text": "no id", "created_at": "Sat Jul 19 14:00:00 +0000 2014"}),
    json.dumps(tweet(5, 0, created_at="yesterday")),
    json.dumps(tweet(6, 0, created_at=None)),
    json.dumps(tweet(7, 0, user="someone")),
    json.dumps(tweet(8, 0, retweeted_status=[1])),
    json.dumps(tweet(9, 0, user={"followers_count": "many"})),
    json.dumps(tweet(10, 0, polarity=1.5)),
    json.dumps(tweet(11, 0, polarity="good")),
    '{"id": "3", "a": ' + "[" * 100_000 + "}",
]


def test_broken_lines_are_counted_and_told(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "posts.jsonl", [tweet(1, 0), *BROKEN, "", tweet(2, 1)])
    events, quality = read_posts(path, layout="x_v1", on_error="drop")
    assert sorted(events["event_id"]) == [name(1), name(2)]
    assert quality.dropped["line"].to_list() == list(range(2, 2 + len(BROKEN)))
    seen = numbers(quality)
    assert seen["rows read"] - seen["rows kept"] == len(BROKEN)
    assert max(len(value or "") for value in quality.dropped["value"]) <= 201
    kept, told = read_posts(path, layout="x_v1", on_error="keep")
    assert len(kept) == 2 + len(BROKEN) and kept["excluded"].count() == len(BROKEN)
    assert told.dropped.is_empty()


@pytest.mark.parametrize("line", BROKEN)
def test_each_broken_line_is_an_error_with_a_next_step(tmp_path: Path, line: str) -> None:
    with pytest.raises(
        TableError, match=r"'posts.jsonl', line 2, column .*; (allowed|each|a )"
    ) as e:
        read(tmp_path, "x_v1", [tweet(1, 0), line])
    assert 'Or pass on_error="drop"' in str(e.value) and str(e.value).isprintable()


def test_polarity_platform_and_language_of_yours_are_carried_through(tmp_path: Path) -> None:
    mine = {"polarity": -0.5, "platform": "x (old)", "language": "fy"}
    events, _ = read(tmp_path, "x_v1", [tweet(1, 0, **mine), tweet(2, 0)])
    assert events.select(*mine).rows() == [(-0.5, "x (old)", "fy"), (None, "x", "en")]


def test_a_post_collected_twice_is_counted_not_dropped(tmp_path: Path) -> None:
    events, quality = read(tmp_path, "x_v1", [tweet(1, 0), tweet(1, 0)])
    assert len(events) == 2 and numbers(quality)["duplicates"] == 1


def samples() -> Path:
    folder = os.environ.get("VIRALKIT_SAMPLES")
    if not folder:
        pytest.skip("VIRALKIT_SAMPLES names no folder of sample files")
    return Path(folder)


def test_sample_of_api_v1_counted_by_another_route() -> None:
    path = samples() / "posts_v1" / "tweets.jsonl"
    events, quality = read_posts(path, layout="x_v1")
    posts = [json.loads(line) for line in path.read_text().splitlines()]
    ids = [post["id_str"] for post in posts]
    inside = [p["retweeted_status"]["id_str"] for p in posts if p.get("retweeted_status")]
    replies = [p["in_reply_to_status_id_str"] for p in posts if p["in_reply_to_status_id_str"]]
    found = set(inside) - set(ids)
    absent = set(replies) - set(ids) - set(inside)
    seen = numbers(quality)
    assert seen["posts in the source"] == len(posts) == 150
    assert seen["reposts"] == len(inside) == 12
    assert seen["replies"] == len(replies) == 3
    assert seen["originals found inside other posts"] == len(found) == 1
    assert seen["originals not in the source"] == len(absent) == 2
    assert seen["rows kept"] == len(events) == 150 + len(found) + len(absent)
    assert seen["cascades"] == len(events) - len(inside) - len(replies) == 138
    assert seen["ids that hold another time"] == 151
    assert int(max(ids, key=len)) > 2**53 and set(ids) <= set(events["event_id"])
    stars = events.filter(kind="repost")
    assert stars["parent_id"].to_list() == stars["cascade_id"].to_list()


def test_a_post_that_answers_itself_is_a_root(tmp_path: Path) -> None:
    events, quality = read(
        tmp_path, "x_v2", [tweet2(1, 0, referenced_tweets=[refers("replied_to", 1)])]
    )
    assert events["cascade_id"].to_list() == [name(1)]
    seen = numbers(quality)
    assert seen["self edges"] == 1 and seen["parents that lead in a circle"] == 0


def web(number: int, **more: Any) -> dict[str, Any]:
    """Give a post as the site itself sends it."""
    legacy = {key: value for key, value in tweet(number, number).items() if key != "user"}
    account = {"legacy": {"screen_name": f"user{number}", "followers_count": 10 * number}}
    outer = {key: more.pop(key) for key in ("quoted_status_result",) if key in more}
    return {
        "rest_id": name(number),
        "core": {"user_results": {"result": account}},
        "legacy": {**legacy, "user_id_str": f"u{number}", **more},
        **outer,
    }


def test_posts_as_the_site_sends_them(tmp_path: Path) -> None:
    first = web(1)
    records = [
        first,
        web(2, retweeted_status_result={"result": first}),
        web(3, in_reply_to_status_id_str=name(1)),
        web(4, quoted_status_result={"result": {"tweet": web(5)}}),
        web(6, quoted_status_result={"result": {"tombstone": {}}}),
    ]
    events, quality = read(tmp_path, "x_v1", records)
    assert links(events) == [
        (name(1), name(1), None, "post", 0.0),
        (name(1), name(2), name(1), "repost", 60.0),
        (name(1), name(3), name(1), "reply", 120.0),
        (name(5), name(4), name(5), "quote", -60.0),
        (name(5), name(5), None, "post", 0.0),
        (name(6), name(6), None, "post", 0.0),
    ]
    assert events.filter(event_id=name(2)).select("user", "magnitude").rows() == [("u2", 20.0)]
    assert numbers(quality)["negative delays"] == 1
