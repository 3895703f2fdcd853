"""Parents that the feed does not name: each rule against a plain loop."""

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import viralkit as vk
from viralkit.cascades import parents as module
from viralkit.cascades.keys import Keyed, keys_of

USERS = ["ann", "bob", "cem", "dan", "eve"]


def posts(*rows: tuple[str, str, float]) -> pl.DataFrame:
    """Events 0, 1, ... from cascade, user and time."""
    frame = pl.DataFrame(rows, ["cascade_id", "user", "time"], orient="row")
    return frame.with_columns(event_id=pl.int_range(pl.len()).cast(pl.String))


def edges(*pairs: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(pairs, {"source": pl.String, "target": pl.String}, orient="row")


def by_hand(
    events: pl.DataFrame, follows: set[tuple[str, str]], rule: str
) -> list[set[str | None]]:
    """All parents that the rule allows for each event."""
    rows = events.rows(named=True)
    allowed: list[set[str | None]] = []
    for me in rows:
        before = [
            (post["time"], place)
            for place, post in enumerate(rows)
            if post["cascade_id"] == me["cascade_id"]
            and post["time"] < me["time"]
            and post["user"] != me["user"]
            and (post["user"], me["user"]) in follows
        ]
        if rule == "uniform":
            last = {rows[place]["user"]: (time, place) for time, place in sorted(before)}
            chosen = {place for _, place in last.values()}
        else:
            chosen = {(max if rule == "most_recent" else min)(before)[1]} if before else set()
        allowed.append({rows[place]["event_id"] for place in chosen} or {None})
    return allowed


EVENTS = st.lists(
    st.tuples(st.sampled_from("xy"), st.sampled_from(USERS), st.integers(0, 6).map(float)),
    min_size=1,
    max_size=14,
)
EDGES = st.lists(st.tuples(st.sampled_from([*USERS, "far"]), st.sampled_from(USERS)), max_size=20)


@pytest.mark.parametrize("rule", ["most_recent", "first", "uniform"])
@settings(max_examples=25)
@given(EVENTS, EDGES)
def test_parents_are_those_of_a_plain_loop(
    rule: str, rows: list[tuple[str, str, float]], pairs: list[tuple[str, str]]
) -> None:
    events = posts(*rows)
    found = vk.infer_parents(events, edges(*pairs), rule=rule, seed=1)  # type: ignore[arg-type]
    assert_frame_equal(found.drop("parent_id"), events)
    for parent, allowed in zip(found["parent_id"], by_hand(events, set(pairs), rule), strict=True):
        assert parent in allowed
    if rule != "uniform":
        assert not vk.cascade_table(found).is_empty()


def test_uniform_draws_each_account_equally_often() -> None:
    n = 3000
    rows = [
        (f"c{i}", user, t)
        for i in range(n)
        for t, user in enumerate(["ann", "bob", "ann", "cem", "dan"])
    ]
    events = posts(*rows).with_columns(pl.col("time").cast(pl.Float64))
    follows = edges(("ann", "dan"), ("bob", "dan"), ("bob", "dan"), ("cem", "dan"))
    found = vk.infer_parents(events, follows, rule="uniform", seed=8)
    parent = found["parent_id"].gather_every(5, 4).cast(pl.Int64) % 5
    counts = dict(parent.value_counts().iter_rows())
    assert set(counts) == {1, 2, 3}  # bob, the later post of ann, cem
    assert all(abs(count - n / 3) < 4 * (n * 2 / 9) ** 0.5 for count in counts.values())
    again = vk.infer_parents(events, follows, rule="uniform", seed=8)
    assert_frame_equal(found, again)


def test_most_recent_and_first_differ() -> None:
    events = posts(("c", "ann", 0), ("c", "bob", 1), ("c", "ann", 2), ("c", "cem", 3))
    follows = edges(("ann", "cem"), ("bob", "cem"))
    assert vk.infer_parents(events, follows)["parent_id"].to_list() == [None, None, None, "2"]
    first = vk.infer_parents(events, follows, rule="first")
    assert first["parent_id"].to_list() == [None, None, None, "0"]


def test_row_order_and_kinds_of_ids_do_not_matter() -> None:
    chance = random.Random(3)
    users = [str(10**18 + i) for i in range(30)]
    rows = [(f"c{chance.randrange(4)}", chance.choice(users), float(t)) for t in range(200)]
    events = posts(*rows)
    follows = edges(*[(chance.choice(users), chance.choice(users)) for _ in range(200)])
    expected = vk.infer_parents(events, follows)
    assert expected["parent_id"].null_count() < 150
    shuffled = events.sample(fraction=1, shuffle=True, seed=1)
    found = vk.infer_parents(shuffled, follows)
    assert_frame_equal(found.sort(pl.col("event_id").cast(pl.Int64)), expected)
    codes = events.with_columns(pl.col("user").cast(pl.Categorical))
    assert vk.infer_parents(codes, follows)["parent_id"].equals(expected["parent_id"])
    named = follows.with_columns(pl.all().cast(pl.Categorical))
    assert vk.infer_parents(codes, named)["parent_id"].equals(expected["parent_id"])


def with_few_hashes(*columns: pl.Series) -> Keyed:
    """Hashes that are equal for most texts."""
    keyed = keys_of(*columns)
    return Keyed([column % 3 for column in keyed.columns], keyed.exact)


def test_texts_with_equal_hashes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    events = posts(("c", "ann", 0), ("c", "bob", 1), ("c", "cem", 2), ("c", "dan", 3))
    follows = edges(("bob", "dan"), ("ann", "bob"), ("far", "cem"))
    expected = vk.infer_parents(events, follows)
    assert expected["parent_id"].to_list() == [None, "0", None, "1"]
    monkeypatch.setattr(module, "keys_of", with_few_hashes)
    assert_frame_equal(vk.infer_parents(events, follows), expected)


def test_unknown_accounts_and_excluded_rows_neither_have_nor_are_parents() -> None:
    events = posts(("c", "ann", 0), ("c", "bob", 1), ("c", "cem", 2), ("c", "dan", 3))
    events = events.with_columns(
        user=pl.Series(["ann", "bob", None, "dan"]), excluded=pl.Series([None, "bad", None, None])
    )
    follows = edges(("ann", "bob"), ("bob", "dan"), ("ann", "dan"))
    found = vk.infer_parents(events, follows)
    assert found["parent_id"].to_list() == [None, None, None, "0"]


def test_given_parents_are_replaced() -> None:
    events = posts(("c", "ann", 0), ("c", "bob", 1)).with_columns(parent_id=pl.lit("9"))
    assert vk.infer_parents(events, edges())["parent_id"].to_list() == [None, None]


def test_no_events() -> None:
    found = vk.infer_parents(posts(("c", "ann", 0)).clear(), edges(("ann", "bob")))
    assert found.is_empty() and found.schema["parent_id"] == pl.String


REFUSED = [
    ({"rule": "last"}, "rule='last' is not known; allowed: 'most_recent', 'first', 'uniform'"),
    ({"rule": "uniform"}, "seed is None; .*Pass seed=0"),
]


@pytest.mark.parametrize(("choices", "words"), REFUSED)
def test_bad_choices_are_refused(choices: dict[str, str], words: str) -> None:
    with pytest.raises(vk.TableError, match=words):
        vk.infer_parents(posts(("c", "ann", 0)), edges(), **choices)  # type: ignore[arg-type]


def test_events_need_users() -> None:
    with pytest.raises(vk.TableError, match=r"column 'user' not found; columns: \['cascade_id'"):
        vk.infer_parents(posts(("c", "ann", 0)).drop("user"), edges())
    with pytest.raises(vk.TableError, match="column 'source' not found"):
        vk.infer_parents(posts(("c", "ann", 0)), edges().drop("source"))
