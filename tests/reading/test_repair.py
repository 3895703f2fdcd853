"""Events become a forest: each step by itself, and all of them on whatever Hypothesis draws."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import viralkit as vk
from viralkit.reading.repair import STEPS, repair
from viralkit.tables import TableError

Row = tuple[str, float, str | None]


def events_of(*rows: Row, cascade: str = "m") -> pl.DataFrame:
    schema = {"event_id": pl.String, "time": pl.Float64, "parent_id": pl.String}
    return pl.DataFrame(rows, schema, orient="row").select(pl.lit(cascade).alias("cascade_id"), "*")


def take(frame: pl.DataFrame, *steps: Any) -> tuple[list[Row], dict[str, int], list[Any]]:
    mended, quality = repair(frame, steps or STEPS)
    counts: dict[str, int] = {}
    for name, rows in quality.table.select("check", "rows").iter_rows():
        assert name not in counts  # each label stands once
        counts[name.removeprefix("mended: ")] = rows
    return mended.select("event_id", "time", "parent_id").rows(), counts, quality.dropped.rows()


A, B = ("a", 0.0, None), ("b", 5.0, "a")


def test_of_duplicates_the_first_stays() -> None:
    rows, counts, dropped = take(events_of(A, B, ("b", 7.0, "a"), ("b", 8.0, "x")), "duplicates")
    assert rows == [A, B, ("b", 8.0, "x")]
    assert counts["duplicates"] == 1
    assert dropped == [(None, 2, "event_id", "b", "stands twice")]


def test_self_edges_go_or_become_roots() -> None:
    rows, counts, dropped = take(
        events_of(A, B, ("b", 6.0, "b"), ("c", 7.0, "c"), ("c", 8.0, "c")), "self_edges"
    )
    assert rows == [A, B, ("c", 7.0, None)]
    assert (counts["self edges"], counts["self edges of events without another"]) == (2, 1)
    assert [row[1] for row in dropped] == [2, 4]


def test_of_several_parents_the_last_before_stays() -> None:
    late, early = ("c", 6.0, "b"), ("c", 6.0, "a")
    rows, counts, _ = take(events_of(A, B, early, late, ("c", 6.0, "d"), ("d", 9.0, "a")), STEPS[2])
    assert rows == [A, B, late, ("d", 9.0, "a")]
    assert counts["several parents"] == 2


def test_a_root_stays_a_root() -> None:
    rows, _, _ = take(events_of(A, B, ("a", 6.0, "b")), "several_parents")
    assert rows == [A, B]


def test_where_no_parent_is_earlier_the_first_row_stays() -> None:
    rows, _, _ = take(events_of(A, ("c", -1.0, "b"), ("c", -1.0, "a"), B), "several_parents")
    assert rows == [("c", -1.0, "b"), A, B]


def test_orphans_become_roots() -> None:
    frame = pl.concat([events_of(A, ("c", 1.0, "x")), events_of(("x", 0.0, None), cascade="n")])
    rows, counts, _ = take(frame, "orphans")
    assert rows == [A, ("c", 1.0, None), ("x", 0.0, None)]
    assert counts["orphans"] == 1


def test_negative_delays_are_put_at_the_start() -> None:
    rows, counts, _ = take(events_of(A, ("b", -3.0, "a")), "negative_delays")
    assert sorted(rows) == [A, ("b", 0.0, "a")]
    assert counts["negative delays"] == 1


def test_children_wait_for_their_parents_and_stand_after_them() -> None:
    frame = events_of(A, ("d", 1.0, "c"), ("c", 2.0, "b"), ("b", 9.0, "a"), ("e", 10.0, "d"))
    rows, counts, _ = take(frame, "children_before_parents")
    assert rows == [A, ("b", 9.0, "a"), ("c", 9.0, "b"), ("d", 9.0, "c"), ("e", 10.0, "d")]
    assert (counts["children before their parent"], counts["circles"]) == (2, 0)


def test_circles_open_at_their_earliest_event() -> None:
    frame = events_of(("a", 2.0, "c"), ("b", 1.0, "a"), ("c", 3.0, "b"), ("d", 0.0, "c"))
    rows, counts, _ = take(frame, "children_before_parents")
    assert rows == [("b", 1.0, None), ("c", 3.0, "b"), ("d", 3.0, "c"), ("a", 3.0, "c")]
    assert (counts["circles"], counts["children before their parent"]) == (1, 2)


def test_what_was_mended_and_what_is_left_bear_labels_of_their_own() -> None:
    frame = events_of(A, B, ("b", 6.0, "b"), ("c", 7.0, "a"), ("c", 8.0, "b"))
    _, quality = repair(frame, ["self_edges"])
    table = quality.table.select("check", "rows")
    counts = dict(table.iter_rows())
    assert len(counts) == len(table)
    assert (counts["mended: self edges"], counts["left: self edges"]) == (1, 0)
    assert counts["left: several parents"] == 1
    assert "mended: several parents" not in counts


def test_a_sound_forest_is_left_alone() -> None:
    events = vk.simulate_cascades(0.9, n_cascades=50, seed=1)
    mended, quality = repair(events)
    assert mended.equals(events)
    assert len(quality.dropped) == 0


def test_steps_are_taken_in_the_documented_order() -> None:
    frame = events_of(A, B, B, ("c", 1.0, "b"), ("c", 1.0, "a"), ("d", -1.0, "x"), ("e", 2.0, "e"))
    forward, back = repair(frame), repair(frame, tuple(reversed(STEPS)))
    assert forward[0].equals(back[0])
    assert take(frame)[0] == [("d", 0.0, None), A, ("c", 1.0, "a"), ("e", 2.0, None), B]


def test_excluded_rows_are_kept_and_not_looked_at() -> None:
    frame = events_of(A, B, ("b", 6.0, "x")).with_columns(excluded=pl.Series([None, None, "bad"]))
    mended, quality = repair(frame)
    assert mended.rows() == frame.rows()
    assert len(quality.dropped) == 0


def test_events_without_parents_are_mended_too() -> None:
    mended, _ = repair(events_of(A, A, B).drop("parent_id"))
    assert mended.columns == ["cascade_id", "event_id", "time"]
    assert len(mended) == 2


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(TableError, match=r"step='magic' is not known; allowed"):
        repair(events_of(A), ["magic"])  # type: ignore[list-item]


def test_categorical_ids_stay_categorical() -> None:
    frame = events_of(A, B, B).with_columns(pl.col("event_id", "parent_id").cast(pl.Categorical))
    mended, _ = repair(frame)
    assert mended.schema["parent_id"] == pl.Categorical
    assert len(mended) == 2


names = st.sampled_from("abcdef")
rows = st.tuples(names, st.integers(-5, 9).map(float), st.none() | names)


@settings(max_examples=40)
@given(st.lists(rows, min_size=1, max_size=12), st.lists(rows, max_size=6))
def test_after_all_steps_the_events_are_a_forest(first: list[Row], second: list[Row]) -> None:
    frame = pl.concat([events_of(*first), events_of(*second, cascade="n")])
    mended, quality = repair(frame)
    assert len(mended) + len(quality.dropped) == len(frame)
    ids = mended.select("cascade_id", "event_id")
    assert ids.rows() == ids.unique(maintain_order=True).rows()
    assert ids.n_unique() == frame.select("cascade_id", "event_id").n_unique()
    seen: dict[tuple[str, str], float] = {}
    for cascade, event, time, parent in mended.select(
        "cascade_id", "event_id", "time", "parent_id"
    ).rows():
        assert parent is None or seen[cascade, parent] <= time  # parents stand before children
        seen[cascade, event] = time
        assert time >= 0
    assert vk.cascade_table(mended)["size"].sum() == len(mended)
    again, nothing = repair(mended)
    assert again.equals(mended) and len(nothing.dropped) == 0
