"""Who carried it: sums against a plain loop, shares, the interval over cascades."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.stats import norm, t
from statsmodels.stats.proportion import proportion_confint

import viralkit as vk
from viralkit.cascades.accounts import clustered_wilson

SCHEMA = {
    "cascade_id": pl.String,
    "event_id": pl.String,
    "parent_id": pl.String,
    "user": pl.String,
    "time": pl.Float64,
}


def events_of(*cascades: list[tuple[int | None, str | None]]) -> pl.DataFrame:
    """Events from the number of the parent and the user, ten seconds apart."""
    rows = [
        (f"c{c}", f"{i}", None if parent is None else f"{parent}", user, 10.0 * i)
        for c, cascade in enumerate(cascades)
        for i, (parent, user) in enumerate(cascade)
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row")


@st.composite
def cascades(draw: st.DrawFn) -> list[tuple[int | None, str | None]]:
    size = draw(st.integers(1, 12))
    users = st.sampled_from(["ann", "bob", "cem", None])
    above = [None, *(draw(st.integers(0, i - 1)) for i in range(1, size))]
    return [(parent, draw(users)) for parent in above]


def below(cascade: list[tuple[int | None, str | None]], user: str) -> set[int]:
    """All events with a post of the user above them."""
    found: set[int] = set()
    for i in range(len(cascade)):
        parent = cascade[i][0]
        if parent is not None and (cascade[parent][1] == user or parent in found):
            found.add(i)
    return found


@settings(max_examples=25)
@given(st.lists(cascades(), min_size=1, max_size=4), st.integers(0, 3))
def test_sums_are_those_of_a_plain_loop(
    forest: list[list[tuple[int | None, str | None]]], seed: int
) -> None:
    events = events_of(*forest).sample(fraction=1, shuffle=True, seed=seed)
    table = vk.account_table(events)
    reshares = sum(len(cascade) - 1 for cascade in forest)
    assert set(table["user"]) == {user for cascade in forest for _, user in cascade if user}
    for row in table.iter_rows(named=True):
        mine = [c for c in forest if any(user == row["user"] for _, user in c)]
        assert row["cascades"] == len(mine)
        assert row["posts"] == sum(user == row["user"] for c in mine for _, user in c)
        direct = sum(p is not None and c[p][1] == row["user"] for c in mine for p, _ in c)
        assert row["direct_reshares"] == direct
        descendants = sum(len(below(c, row["user"])) for c in mine)
        assert row["descendants"] == descendants
        where = sum(len(c) - 1 for c in mine)
        assert row["share_of_all"] == (pytest.approx(descendants / reshares) if reshares else None)
        assert row["share_where_present"] == (pytest.approx(descendants / where) if where else None)
        starts = [10.0 * min(i for i, (_, u) in enumerate(c) if u == row["user"]) for c in mine]
        assert row["first_time"] == min(starts)


def test_the_top_accounts_and_their_share() -> None:
    events = events_of([(None, "ann"), (0, "bob"), (0, "cem"), (0, "dan"), (1, "eve")])
    table = vk.account_table(events)
    assert table["user"].to_list() == ["ann", "bob", "cem", "dan", "eve"]
    assert table["top_percent"].to_list() == [20, 40, 60, 80, 100]
    assert table["share_of_top"].to_list() == [0.75, 1, 1, 1, 1]
    assert table["descendants"].to_list() == [4, 1, 0, 0, 0]


def test_reshares_of_unknown_accounts_count_in_the_totals() -> None:
    events = events_of([(None, None), (0, "bob"), (1, None), (0, None), (2, "bob")])
    (row,) = vk.account_table(events).iter_rows(named=True)
    assert (row["posts"], row["direct_reshares"], row["descendants"]) == (2, 1, 2)
    assert (row["share_of_all"], row["share_of_top"]) == (0.5, 0.25)


def test_a_first_timestamp_where_there_are_timestamps() -> None:
    events = events_of([(None, "ann"), (0, "bob")], [(None, "bob")])
    stamps = pl.Series([3, 2, 9], dtype=pl.Datetime("us", "UTC"))
    table = vk.account_table(events.with_columns(timestamp=stamps))
    expected = dict(zip(["ann", "bob"], stamps[:2], strict=True))
    assert dict(table.select("user", "first_timestamp").iter_rows()) == expected
    assert dict(table.select("user", "first_time").iter_rows()) == {"ann": 0.0, "bob": 0.0}


def test_one_cascade_has_no_interval() -> None:
    events = events_of([(None, "ann"), (0, "bob")], [(None, "cem")])
    table = vk.account_table(events)
    assert table["lower"].is_null().all() and table["upper"].is_null().all()


def test_the_interval_by_hand() -> None:
    # ann got 3 of 3 reshares in one cascade, 1 of 2 in the other: p = 4/5
    first = [(None, "ann"), (0, "x"), (0, "x"), (0, "x")]
    second = [(None, "y"), (0, "ann"), (1, "z")]
    row = vk.account_table(events_of(first, second)).row(
        by_predicate=pl.col("user") == "ann", named=True
    )
    assert row["share_where_present"] == 0.8
    squares = (3 - 0.8 * 3) ** 2 + (1 - 0.8 * 2) ** 2
    many = 5**2 / (3**2 + 2**2)  # cascades of unlike size count for fewer than two
    variance = many / (many - 1) * squares / 5**2
    n = 0.8 * 0.2 / variance * (norm.ppf(0.975) / t.ppf(0.975, many - 1)) ** 2
    expected = proportion_confint(0.8 * n, n, method="wilson")
    assert (row["lower"], row["upper"]) == pytest.approx(expected, rel=1e-12)


def test_without_spread_the_number_of_cascades_is_the_sample() -> None:
    limits = clustered_wilson(
        np.array([0.0]), np.array([500.0]), np.array([7]), np.array([0.0]), 0.05
    )
    expected = proportion_confint(0, 7, method="wilson")
    assert (limits[0][0], limits[1][0]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("size", [3, 49, 98, 103])
def test_equal_shares_have_no_spread_whatever_their_digits(size: int) -> None:
    # one of so many reshares in each of three cascades: 1/49 * 49 is not 1 in floating point
    cascade = [(None, "root"), (0, "ann"), (1, "x"), *[(0, "y")] * (size - 2)]
    table = vk.account_table(events_of(cascade, cascade, cascade))
    row = table.row(by_predicate=pl.col("user") == "ann", named=True)
    expected = proportion_confint(3 / size, 3, method="wilson")
    assert (row["lower"], row["upper"]) == pytest.approx(expected, rel=1e-9)


def test_one_giant_among_small_cascades_leaves_much_open() -> None:
    giant = [(None, "ann"), *[(0, "x")] * 3000]
    small = [(None, "y"), (0, "ann"), (1, "z")]
    table = vk.account_table(events_of(giant, small, small, small))
    row = table.row(by_predicate=pl.col("user") == "ann", named=True)
    assert row["share_where_present"] > 0.99
    assert row["lower"] < 0.05


def test_the_interval_covers_where_sizes_are_unlike() -> None:
    rng = np.random.default_rng(8)
    size = 2 + (3 * rng.pareto(1.2, (4000, 10))).clip(max=5000).astype(int)
    part = rng.binomial(size, rng.beta(1, 3, size.shape))
    whole = size.sum(axis=1).astype(float)
    share = part.sum(axis=1) / whole
    squares = ((part - share[:, None] * size) ** 2).sum(axis=1)
    many = whole**2 / (size.astype(float) ** 2).sum(axis=1)
    lower, upper = clustered_wilson(share, whole, many, squares, 0.05)
    assert ((lower <= 0.25) & (upper >= 0.25)).mean() >= 0.94
    as_many = clustered_wilson(share, whole, np.full(4000, 10.0), squares, 0.05)
    assert ((as_many[0] <= 0.25) & (as_many[1] >= 0.25)).mean() < 0.9  # what it would be


def test_the_interval_covers_the_share_over_many_cascades() -> None:
    # a share that varies from cascade to cascade: reshares are far from independent
    rng = np.random.default_rng(12)
    held, replicates, clusters = 0, 1500, 12
    for _ in range(replicates):
        size = rng.integers(5, 60, clusters)
        part = rng.binomial(size, rng.beta(2, 4, clusters))
        share = part.sum() / size.sum()
        squares = ((part - share * size) ** 2).sum()
        lower, upper = clustered_wilson(
            *map(np.array, ([share], [size.sum() * 1.0], [clusters], [squares])), 0.05
        )
        held += lower[0] <= 1 / 3 <= upper[0]
    assert 0.93 <= held / replicates <= 0.97


def test_rows_come_in_one_order() -> None:
    events = vk.simulate_cascades(0.8, n_cascades=80, seed=3)
    table = vk.account_table(events)
    assert_frame_equal(vk.account_table(events), table)
    assert table["direct_reshares"].is_sorted(descending=True)


def test_no_events_give_no_rows() -> None:
    events = events_of([(None, "ann"), (0, "bob")])
    assert_frame_equal(vk.account_table(events.clear()), vk.account_table(events).clear())


def test_refusals() -> None:
    events = events_of([(None, "ann"), (0, "bob")])
    with pytest.raises(vk.TableError, match="column 'user' not found"):
        vk.account_table(events.drop("user"))
    with pytest.raises(vk.TableError, match="alpha=1; allowed: between 0 and 1"):
        vk.account_table(events, alpha=1)
    with pytest.raises(vk.TableError, match="holds event '0' twice"):
        vk.account_table(events.with_columns(event_id=pl.lit("0")))
