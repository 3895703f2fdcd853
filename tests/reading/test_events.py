"""What a layout found, settled: faults, order, time since the root, oddities counted."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from viralkit.reading.events import settle_events
from viralkit.tables import TableError, check

COLUMNS = ["cascade_id", "event_id", "time", "parent_id"]
# b before a; ties; a child before its parent; an orphan; a self edge; a second parent; a double
ROWS: list[tuple[str, str, float, str | None]] = [
    ("b", "1", 100.0, None),
    ("b", "2", 90.0, "1"),
    ("b", "3", 110.0, "2"),
    ("b", "3", 110.0, "2"),
    ("b", "3", 110.0, "1"),
    ("a", "1", 5.0, None),
    ("a", "2", 5.0, "9"),
    ("a", "3", 4.0, "3"),
    ("a", "4", 6.0, "5"),
    ("a", "5", 7.0, "1"),
]


def frame(rows: list[Any] = ROWS, names: list[str] = COLUMNS) -> pl.DataFrame:
    return pl.DataFrame(rows, names, orient="row")


def numbers(quality: Any) -> dict[str, int]:
    return dict(quality.table.select("check", "rows").iter_rows())


def test_every_oddity_is_counted_and_kept() -> None:
    events, quality = settle_events(frame(), on_error="raise")
    assert len(events) == len(ROWS)
    assert numbers(quality) == {
        "rows read": 10,
        "rows kept": 10,
        "unsorted rows": 2,
        "cascades": 2,
        "tied times": 3,
        "negative delays": 2,
        "duplicates": 1,
        "several parents": 1,
        "self edges": 1,
        "orphans": 1,
        "children before their parent": 2,
        "events that name a parent": 8,
        "coverage: parents found": 7,
    }
    notes = dict(quality.table.select("check", "note").iter_rows())
    assert notes["coverage: parents found"] == "87.5% of 8"


def test_cascades_keep_their_order_and_time_counts_from_the_root() -> None:
    events, quality = settle_events(frame(), on_error="raise")
    assert events["cascade_id"].unique(maintain_order=True).to_list() == ["b", "a"]
    assert events.filter(cascade_id="b")["time"].to_list() == [-10, 0, 10, 10, 10]
    assert quality.cascades["cascade_id"].to_list() == ["b", "a"]


def test_without_parents_time_counts_from_the_first_event() -> None:
    events, quality = settle_events(frame().drop("parent_id"), on_error="raise")
    assert events.filter(cascade_id="a")["time"].to_list() == [0, 1, 1, 2, 3]
    notes = dict(quality.table.select("check", "note").iter_rows())
    assert notes["events that name a parent"] == "this source names none"


def test_without_a_root_time_counts_from_the_first_event() -> None:
    events, _ = settle_events(frame([("a", "1", 7.0, "x"), ("a", "2", 3.0, "y")]), on_error="raise")
    assert events["time"].to_list() == [0, 4]


def test_moments_become_seconds_and_the_start_of_the_cascade() -> None:
    moments = [datetime(2020, 1, 1, hour, tzinfo=UTC) for hour in (1, 0, 3)]
    found = frame([("a", "1", None), ("a", "2", "1"), ("a", "3", "1")], [*COLUMNS[:2], "parent_id"])
    events, quality = settle_events(
        found.with_columns(timestamp=pl.Series(moments)), on_error="raise"
    )
    assert events.select("event_id", "time").rows() == [("2", -3600), ("1", 0), ("3", 7200)]
    assert quality.cascades["start"].to_list() == [moments[0]]


def with_faults() -> pl.DataFrame:
    return frame().with_columns(
        pl.Series("time", [None, *frame()["time"][1:]], pl.Float64),
        file=pl.lit("x.txt"),
        line=pl.int_range(2, 12, dtype=pl.Int64),
        magnitude=pl.Series([1.0, -2.0, *[None] * 8]),
        fault_column=pl.Series(["time", *[None] * 9]),
        fault_value=pl.Series(["soon", *[None] * 9]),
        fault=pl.Series(["is no number; allowed: digits. Mend it.", *[None] * 9]),
    )


def test_a_fault_is_raised_with_its_place_rule_and_step() -> None:
    with pytest.raises(TableError) as error:
        settle_events(with_faults(), on_error="raise")
    assert str(error.value).startswith(
        "'x.txt', line 2, column 'time': 'soon' is no number; allowed: digits. Mend it. "
        "1 more row cannot be used either."
    )


def test_dropped_rows_can_be_looked_at() -> None:
    events, quality = settle_events(with_faults(), on_error="drop")
    assert len(events) == 8
    assert quality.dropped.rows() == [
        ("x.txt", 2, "time", "soon", "is no number"),
        ("x.txt", 3, "magnitude", "-2.0", "is negative"),
    ]
    assert numbers(quality)["dropped: 'time' is no number"] == 1
    assert not {"file", "line", "fault"} & set(events.columns)


def test_kept_rows_are_excluded_and_take_no_part() -> None:
    events, quality = settle_events(with_faults(), on_error="keep")
    assert len(check(events, "events")) == 10
    bad = events.filter(pl.col("excluded").is_not_null())
    assert set(bad["excluded"]) == {
        "'x.txt', line 2, column 'time': 'soon' is no number",
        "'x.txt', line 3, column 'magnitude': '-2.0' is negative",
    }
    # the root of b and its first child are excluded, so that three rows of b are orphans
    assert (numbers(quality)["cascades"], numbers(quality)["orphans"]) == (2, 4)


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_are_no_special_case(rows: int) -> None:
    events, quality = settle_events(frame().head(rows), on_error="raise")
    assert (len(events), numbers(quality)["rows read"]) == (rows, rows)
    assert len(quality.cascades) == rows


def test_ids_of_different_dtypes_are_compared_as_text() -> None:
    found = frame().cast({"event_id": pl.Categorical, "cascade_id": pl.Categorical})
    _, quality = settle_events(found, on_error="raise")
    assert numbers(quality)["orphans"] == 1


def test_notes_and_cascades_of_the_layout_come_through() -> None:
    cascades = pl.DataFrame({"cascade_id": ["b", "a"], "label": ["true", "false"]})
    _, quality = settle_events(
        frame(), on_error="raise", notes=[("lines", 3, "as told")], cascades=cascades
    )
    assert ("lines", 3, "as told") in quality.table.rows()
    assert quality.cascades.rows() == cascades.rows()


def test_large_ids_and_extra_columns_pass() -> None:
    big = str(2**60 + 1)
    found = frame([(big, big, 0.0, None)]).with_columns(extra=pl.lit("<b>"), line=pl.lit(1))
    events, _ = settle_events(found, on_error="raise")
    assert events.rows() == [(big, big, 0.0, None, "<b>")]


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(TableError, match=r"on_error='ignore' is not known; allowed"):
        settle_events(frame(), on_error="ignore")  # type: ignore[arg-type]
