"""Coordination: the chances against all shuffles of small tables, groups, level, refusals."""

from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from posting import as_events, independent, planted
from scipy.stats import false_discovery_control

import viralkit as vk
from viralkit.cascades import coordination

START = datetime(2020, 5, 1, tzinfo=UTC)
Share = tuple[str, str, float]  # thing, account, seconds


def events_of(shares: list[Share]) -> pl.DataFrame:
    frame = pl.DataFrame(shares, ["cascade_id", "user", "time"], orient="row")
    frame = frame.with_columns(pl.col("time").cast(pl.Float64))
    stamps = [START + timedelta(seconds=float(second)) for second in frame["time"]]
    return frame.with_columns(
        event_id=pl.int_range(pl.len()).cast(pl.String),
        timestamp=pl.Series(stamps, dtype=pl.Datetime("us", "UTC")),
    )


def coincidences(shares: list[Share], a: str, b: str, within: float) -> int:
    return sum(
        one[0] == two[0] and abs(one[2] - two[2]) <= within
        for one in shares
        for two in shares
        if (one[1], two[1]) == (a, b)
    )


def by_all_shuffles(shares: list[Share], a: str, b: str, within: float) -> tuple[float, float]:
    """Mean number of coincidences, and the chance of the observed one, over all shuffles."""
    hours: dict[float, list[int]] = {}
    for row, share in enumerate(shares):
        hours.setdefault(share[2] // 3600, []).append(row)
    observed, counts = coincidences(shares, a, b, within), []
    for orders in product(*(permutations(rows) for rows in hours.values())):
        shuffled = list(shares)
        for rows, order in zip(hours.values(), orders, strict=True):
            for row, other in zip(rows, order, strict=True):
                shuffled[row] = (*shares[row][:2], shares[other][2])
        counts.append(coincidences(shuffled, a, b, within))
    return float(np.mean(counts)), float(np.mean(np.array(counts) >= observed))


def test_the_chance_is_exact_where_each_hour_has_one_thing_of_the_pair() -> None:
    shares = [("x", "ann", 10), ("x", "bob", 15), ("w", "cem", 900), ("w", "dan", 2000)]
    shares += [("y", "ann", 3700), ("y", "bob", 3702), ("w", "eve", 3704), ("v", "cem", 7100)]
    (row,) = vk.coordinated(events_of(shares), within=5, at_least=2).iter_rows(named=True)
    mean, tail = by_all_shuffles(shares, "ann", "bob", 5)
    assert (row["user_a"], row["user_b"], row["shared"], row["observed"]) == ("ann", "bob", 2, 2)
    assert row["expected"] == pytest.approx(mean, rel=1e-12) == pytest.approx(1 / 6 + 3 / 6)
    assert row["p_value"] == pytest.approx(tail, rel=1e-12)


HOURLY = st.lists(
    st.tuples(st.sampled_from("xyz"), st.sampled_from(["ann", "bob", "cem"]), st.integers(0, 39)),
    min_size=2,
    max_size=5,
    unique_by=lambda share: share[:2],
)


@settings(max_examples=40)
@given(HOURLY)
def test_the_chance_is_never_below_that_of_all_shuffles(shares: list[Share]) -> None:
    # twenty seconds to either side of a full hour: shares of neighbouring hours may be close
    near = [(thing, user, 3580.0 + second) for thing, user, second in shares]
    for row in vk.coordinated(events_of(near), within=4, at_least=1).iter_rows(named=True):
        pair = row["user_a"], row["user_b"]
        mean, tail = by_all_shuffles(near, *pair, 4)
        assert row["observed"] == coincidences(near, *pair, 4)
        assert row["expected"] == pytest.approx(mean, abs=1e-12)
        assert row["p_value"] >= tail - 1e-12


def test_the_hour_has_no_border_for_the_pair() -> None:
    shares = [("x", "ann", 3599), ("x", "bob", 3601), ("y", "cem", 100), ("y", "dan", 7000)]
    (row,) = vk.coordinated(events_of(shares), within=2, at_least=1).iter_rows(named=True)
    assert row["observed"] == 1
    assert row["p_value"] == 1 / 4  # the pair has one of two times in each hour


def test_shuffling_each_thing_sees_nothing_in_what_only_two_shared() -> None:
    shares = [
        (f"x{i}", user, 9000 * i + s) for i in range(6) for user, s in [("ann", 0), ("bob", 1)]
    ]
    shares += [
        (f"y{i}", user, 9000 * i + 700 * s)
        for i in range(6)
        for s, user in enumerate(["cem", "dan"], 1)
    ]
    rows = vk.coordinated(events_of(shares), within=2, at_least=3)
    assert rows["p_value"][0] == pytest.approx(comb(4, 2) ** -6) and rows["group"][0] == 1
    # needs no clock: hours count from the first event
    relative = events_of(shares).drop("timestamp")
    strict = vk.coordinated(relative, within=2, at_least=3, null="things_and_hours")
    assert strict.select("observed", "expected", "p_value", "group").row(0) == (6, 6.0, 1.0, None)


def test_shuffling_each_thing_finds_those_who_are_closer_than_the_others() -> None:
    rng = np.random.default_rng(2)
    crowd = [
        (f"x{i}", f"u{k}", 9000 * i + rng.uniform(0, 3500)) for i in range(12) for k in range(15)
    ]
    pair = [
        (f"x{i}", user, 9000 * i + 1000 + s)
        for i in range(12)
        for user, s in [("ann", 0), ("bob", 1)]
    ]
    rows = vk.coordinated(events_of(crowd + pair), within=5, at_least=3, null="things_and_hours")
    assert rows.select("user_a", "user_b", "observed", "group").rows() == [("ann", "bob", 12, 1)]


def in_sittings(rng: np.random.Generator, accounts: int, days: int) -> list[Share]:
    """Each account sits down in some hours, by itself, and shares eight of twelve new things."""
    shares = []
    for k, day in product(range(accounts), range(days)):
        for hour in rng.choice(15, 4, replace=False) + 24 * day:
            start = 3600 * hour + 3540 * rng.random()
            for thing in rng.choice(12, 8, replace=False):
                shares.append((f"{hour} {thing}", f"account {k}", start + 60 * rng.random()))
    return shares


def test_who_shares_in_sittings_is_not_blamed_where_hours_are_counted() -> None:
    shares = in_sittings(np.random.default_rng(1), 40, 6)
    blamed = {
        null: vk.coordinated(events_of(shares), within=60, at_least=2, null=null)["group"].count()
        for null in ("hours", "things_and_hours", "sittings")
    }
    assert blamed["hours"] > 0
    assert blamed["things_and_hours"] > 0
    assert blamed["sittings"] == 0


def test_a_group_that_meets_in_many_hours_is_found_among_sittings() -> None:
    rng = np.random.default_rng(1)
    shares = in_sittings(rng, 30, 5)
    starts = 86_400 * rng.integers(0, 5, 12) + 3600 * rng.permutation(15)[:12] + 1000
    for k, start in enumerate(starts):
        shares += [(f"planted {k}", name, start + 4 * rng.random()) for name in ("ann", "bob")]
    pairs = vk.coordinated(events_of(shares), within=60, at_least=2, null="sittings")
    found = pairs.filter(pl.col("group").is_not_null())
    assert found.select("user_a", "user_b", "observed").rows() == [("ann", "bob", 12)]


def test_hours_with_a_coincidence_are_counted_and_their_chance_is_never_too_small() -> None:
    shares = [("x", "ann", 10), ("x", "bob", 15), ("w", "cem", 900), ("y", "ann", 2000)]
    shares += [("y", "bob", 2004), ("z", "ann", 3700), ("z", "bob", 3702), ("w", "dan", 5000)]
    shares += [("w", "eve", 7000)]
    choices = {"within": 5, "at_least": 1}
    (row,) = vk.coordinated(events_of(shares), **choices, null="sittings").iter_rows(named=True)
    # 2 of 10 pairs of times are close in the first hour, where two things meet: no more than
    # 2/10 + 2/(3 * 2); 1 of 6 in the second
    assert (row["shared"], row["observed"]) == (3, 2)
    assert row["expected"] == pytest.approx(2 / 10 + 2 / 10 + 1 / 6, rel=1e-12)
    assert row["p_value"] == pytest.approx((2 / 10 + 2 / 3) / 6, rel=1e-12)
    (things,) = vk.coordinated(events_of(shares), **choices).iter_rows(named=True)
    assert things["observed"] == 3


def test_groups_are_the_connected_parts_the_largest_first() -> None:
    rng = np.random.default_rng(7)
    shares = independent(rng, accounts=40, things=200, each=20, days=4)
    shares = shares.with_columns(pl.col("user") + 100, pl.col("thing") + 100)
    two = [(i, k, 9000 * i + 5 + k) for i in range(10) for k in (0, 1)]
    three = [(20 + i, 10 + k, 8000 * i + 50 + k) for i in range(10) for k in (0, 1, 2)]
    rings = pl.DataFrame(two + three, shares.schema, orient="row", strict=False)
    pairs = vk.coordinated(as_events(pl.concat([shares, rings])), within=10, at_least=3)
    found = pairs.filter(pl.col("group").is_not_null())
    names = {
        group: {*rows["user_a"], *rows["user_b"]} for (group,), rows in found.group_by("group")
    }
    assert names == {
        1: {f"account {k}" for k in (10, 11, 12)},
        2: {"account 0", "account 1"},
    }


def test_q_values_are_those_of_scipy_among_all_hypotheses() -> None:
    shares = planted(
        np.random.default_rng(3),
        independent(np.random.default_rng(1), accounts=60, things=90, each=40, days=2),
        3,
        8,
    )
    pairs = vk.coordinated(as_events(shares), within=120, at_least=2)
    assert len(pairs) > 10
    counted, _ = coordination.first_shares(as_events(shares), "hours")
    hypotheses = coordination.most_hypotheses(counted, 2)
    assert len(pairs) < hypotheses <= comb(60, 2)
    padded = np.append(pairs["p_value"].to_numpy(), np.ones(hypotheses - len(pairs)))
    expected = false_discovery_control(padded)[: len(pairs)]
    np.testing.assert_allclose(pairs["q_value"].to_numpy(), expected, rtol=1e-12)
    assert (pairs["q_value"] <= 0.05).equals(pairs["group"].is_not_null())


def test_the_bound_of_hypotheses_counts_meetings() -> None:
    # x: three accounts in one hour (3 meetings); y: two in neighbouring hours (1); z: far apart
    shares = [("x", user, s) for s, user in enumerate(["ann", "bob", "cem"])]
    shares += [("y", "ann", 3000), ("y", "bob", 4000), ("z", "ann", 0), ("z", "bob", 9000)]
    counted, _ = coordination.first_shares(events_of(shares), "hours")
    assert coordination.most_hypotheses(counted, 1) == 3  # of three accounts
    assert coordination.most_hypotheses(counted, 2) == 1
    assert coordination.most_hypotheses(counted, 4) == 0


def test_row_order_and_repeated_shares_do_not_matter() -> None:
    shares = planted(
        np.random.default_rng(3),
        independent(np.random.default_rng(1), accounts=30, things=60, each=30, days=2),
        3,
        8,
    )
    events = as_events(shares)
    expected = vk.coordinated(events, within=60, at_least=2)
    assert_frame_equal(vk.coordinated(events.reverse(), within=60, at_least=2), expected)
    later = events.with_columns(
        pl.col("timestamp") + pl.duration(hours=3), event_id=pl.lit("again")
    )
    again = vk.coordinated(pl.concat([events, later]), within=60, at_least=2)
    assert_frame_equal(again, expected)


def test_one_of_several_shares_in_an_hour_is_drawn() -> None:
    # the first of thirty would nearly always stand in the first minutes
    shares = [
        (f"x{i}", user, 3600 * i + 119 * k)
        for i in range(40)
        for user in ("ann", "bob")
        for k in range(30)
    ]
    counted, _ = coordination.first_shares(events_of(shares), "hours")
    assert len(counted) == 80
    within_hour = counted["time"].to_numpy() / 1e6 % 3600
    assert abs(within_hour.mean() - 1725) < 4 * 1030 / 80**0.5


def test_few_replicates_with_a_false_discovery_and_many_without_the_rhythm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = {"accounts": 12, "things": 600, "each": 300, "days": 1}
    tables = [as_events(independent(np.random.default_rng(s), **world)) for s in range(40)]

    def share_blamed() -> float:
        found = [
            vk.coordinated(t, within=300, at_least=2)["group"].is_not_null().any() for t in tables
        ]
        return float(np.mean(found))

    assert share_blamed() <= 0.15  # 0.05 and three standard errors
    from test_coordination_level import evenly

    monkeypatch.setattr(coordination, "HOUR", 24 * coordination.HOUR)
    monkeypatch.setattr(coordination, "count_strata", evenly)
    assert share_blamed() > 0.8


def test_nobody_is_blamed_where_there_is_nothing() -> None:
    events = events_of([("x", "ann", 0.0), ("y", "bob", 1.0)])
    table = vk.coordinated(events, within=5, at_least=1)
    assert table.is_empty() and dict(table.schema) == coordination.SCHEMA
    unknown = events.with_columns(user=pl.lit(None, pl.String))
    for none in (events.clear(), unknown):
        assert_frame_equal(vk.coordinated(none, within=5, at_least=1), table)


def test_too_many_close_shares_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordination, "MOST_PAIRS", 44)
    events = events_of([("x", f"u{k}", k) for k in range(10)])
    with pytest.raises(vk.TableError, match="45 pairs of shares stand so close; at most 44"):
        vk.coordinated(events, within=60, at_least=1)


REFUSED = [
    ({"within": -1}, "within=-1; allowed: seconds from 0 to 3600"),
    ({"within": 3601}, "within=3601"),
    ({"within": float("nan")}, "within=nan"),
    ({"at_least": 0}, "at_least=0; allowed: one thing or more"),
    ({"null": "days"}, "null='days'; allowed: .*'things_and_hours'"),
    ({"false_discovery_rate": 0}, "false_discovery_rate=0; allowed"),
]


@pytest.mark.parametrize(("choices", "words"), REFUSED)
def test_bad_choices_are_refused(choices: dict[str, float], words: str) -> None:
    events = events_of([("x", "ann", 0.0)])
    with pytest.raises(vk.TableError, match=words):
        vk.coordinated(events, **{"within": 5, "at_least": 1, **choices})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["user", "timestamp"])
def test_columns_that_are_needed(name: str) -> None:
    events = events_of([("x", "ann", 0.0)]).drop(name)
    with pytest.raises(vk.TableError, match=f"column '{name}' not found; columns: "):
        vk.coordinated(events, within=5, at_least=1)
