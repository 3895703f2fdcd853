"""The anatomy of cascades: closed forms, graph libraries, what is refused."""

from fractions import Fraction

import networkx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import viralkit as vk
from viralkit.cascades import links
from viralkit.cascades.keys import Keyed, exact_keys_of, keys_of

LONG = "0" * 100_000


def tree(parents: list[int | None], cascade: str = "c") -> pl.DataFrame:
    """Events 0, 1, ... a minute apart, each with the number of its parent."""
    return pl.DataFrame(
        {
            "cascade_id": [cascade] * len(parents),
            "event_id": [f"e{i}" for i in range(len(parents))],
            "parent_id": [None if p is None else f"e{p}" for p in parents],
            "time": [60.0 * i for i in range(len(parents))],
        },
        schema_overrides={"parent_id": pl.String},
    )


def only(events: pl.DataFrame) -> dict[str, object]:
    """The one row of the cascade table."""
    (row,) = vk.cascade_table(events).iter_rows(named=True)
    return row


@st.composite
def random_trees(draw: st.DrawFn) -> list[int | None]:
    size = draw(st.integers(2, 60))
    return [None, *(draw(st.integers(0, i - 1)) for i in range(1, size))]


@pytest.mark.parametrize("n", [2, 3, 10, 1000])
def test_a_star(n: int) -> None:
    row = only(tree([None, *[0] * (n - 1)]))
    assert row["structural_virality"] == pytest.approx(2 - 2 / n, rel=1e-14)
    assert (row["size"], row["depth"], row["max_breadth"]) == (n, 1, n - 1)
    assert (row["leaves"], row["broadcast_share"], row["roots"]) == (n - 1, 1.0, 1)


@pytest.mark.parametrize("n", [2, 3, 10, 1000])
def test_a_chain(n: int) -> None:
    row = only(tree([None, *range(n - 1)]))
    assert row["structural_virality"] == pytest.approx((n + 1) / 3, rel=1e-13)
    assert (row["depth"], row["max_breadth"], row["leaves"]) == (n - 1, 1, 1)
    assert row["broadcast_share"] == pytest.approx(1 / (n - 1))
    assert (row["duration_seconds"], row["median_response_seconds"]) == (60.0 * (n - 1), 60.0)


def test_a_chain_of_a_million_in_any_order() -> None:
    n = 1_000_000
    numbers = pl.Series(np.arange(n))
    chain = pl.DataFrame({"event_id": numbers, "parent_id": numbers - 1, "time": numbers * 1.0})
    chain = chain.with_columns(pl.col("parent_id").replace(-1, None))
    chain = chain.with_columns(
        pl.col("event_id", "parent_id").cast(pl.String), cascade_id=pl.lit("c")
    )
    for events in (chain, chain.reverse(), chain.sample(fraction=1, shuffle=True, seed=1)):
        row = only(events)
        assert (row["depth"], row["leaves"]) == (n - 1, 1)
        assert row["structural_virality"] == pytest.approx((n + 1) / 3, rel=1e-9)


@settings(max_examples=60)
@given(random_trees())
def test_mean_distance_is_that_of_networkx(parents: list[int | None]) -> None:
    graph = networkx.Graph((i, p) for i, p in enumerate(parents) if p is not None)
    pairs = Fraction(len(parents) * (len(parents) - 1), 2)
    expected = float(Fraction(int(networkx.wiener_index(graph))) / pairs)
    row = only(tree(parents))
    assert row["structural_virality"] == pytest.approx(expected, rel=1e-12)
    steps = networkx.single_source_shortest_path_length(graph, 0)
    widths = np.bincount(list(steps.values()))
    assert row["depth"] == max(steps.values())
    assert row["max_breadth"] == widths.max()
    assert row["broadcast_share"] == pytest.approx(widths[1] / (len(parents) - 1))
    assert row["leaves"] == sum(graph.degree(i) == 1 for i in graph if i != 0)


@settings(max_examples=20)
@given(st.lists(random_trees(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_neither_row_order_nor_names_matter(forests: list[list[int | None]], random) -> None:
    events = pl.concat(tree(parents, f"c{i}") for i, parents in enumerate(forests))
    expected = vk.cascade_table(events)
    order = list(range(len(events)))
    random.shuffle(order)
    shuffled = vk.cascade_table(events[order]).sort("cascade_id")
    assert_frame_equal(shuffled, expected.sort("cascade_id"))
    digits = events.with_columns(
        pl.col("event_id", "parent_id").str.replace("e", "9007199254740993")
    )
    assert_frame_equal(vk.cascade_table(digits), expected)
    names = [*events["event_id"].unique(), "unused"]
    codes = events.with_columns(
        pl.col("event_id", "parent_id").cast(pl.Enum(names)),
        pl.col("cascade_id").cast(pl.Categorical),
    )
    text = vk.cascade_table(codes).with_columns(pl.col("cascade_id").cast(pl.String))
    assert_frame_equal(text, expected)
    mixed = events.with_columns(pl.col("event_id").cast(pl.Categorical))
    assert_frame_equal(vk.cascade_table(mixed), expected)


def test_generations() -> None:
    table = vk.cascade_table(tree([None, 0, 0, 1, 0, 3]), by="generation")
    assert table.rows() == [
        ("c", 0, 1, 0.0, 0.0),
        ("c", 1, 3, 60.0, 120.0),
        ("c", 2, 1, 180.0, 180.0),
        ("c", 3, 1, 300.0, 300.0),
    ]


def test_orphans_are_roots_and_lower_the_coverage() -> None:
    events = tree([None, 0, 1, None, 3]).with_columns(
        parent_id=pl.Series([None, "e0", "e1", "gone", "e3"])
    )
    row = only(events)
    assert (row["roots"], row["coverage"], row["depth"]) == (2, 0.75, 2)
    # pairs that are connected: a chain of three (1, 1, 2 steps) and one of two (1 step)
    assert row["structural_virality"] == pytest.approx(5 / 4)
    assert row["broadcast_share"] == pytest.approx(2 / 3)


def test_a_parent_in_another_cascade_is_not_there() -> None:
    events = pl.concat([tree([None, 0], "a"), tree([None, 0], "b").tail(1)])
    rows = vk.cascade_table(events).select("cascade_id", "roots", "coverage").rows()
    assert rows == [("a", 1, 1.0), ("b", 1, 0.0)]


def test_one_event_has_no_shape() -> None:
    row = only(tree([None]))
    assert (row["size"], row["depth"], row["max_breadth"], row["leaves"]) == (1, 0, 1, 1)
    absent = ("broadcast_share", "structural_virality", "median_response_seconds", "coverage")
    assert [row[name] for name in absent] == [None] * 4


SHAPE = ("depth", "max_breadth", "leaves", "roots")


@pytest.mark.parametrize("events", [tree([None, 0, 0]).drop("parent_id"), tree([None] * 3)])
def test_where_no_parent_is_known_the_shape_is_not(events: pl.DataFrame) -> None:
    row = only(events)
    assert [row[name] for name in (*SHAPE, "structural_virality", "coverage")] == [None] * 6
    assert (row["size"], row["duration_seconds"]) == (3, 120.0)
    assert vk.cascade_table(events, by="generation").rows() == [("c", None, 3, 0.0, 60.0)]


def test_parents_known_in_one_cascade_only() -> None:
    forests = {"a": [None, None], "b": [None, 0, None], "c": [None]}
    events = pl.concat(tree(parents, name) for name, parents in forests.items())
    assert vk.cascade_table(events).select(SHAPE).rows() == [
        (None, None, None, None),
        (1, 2, 2, 2),
        (0, 1, 1, 1),
    ]


def test_times_that_are_generations_are_no_seconds() -> None:
    events = tree([None, 0, 1]).with_columns(depth=pl.Series([0.0, 1, 2]))
    row = only(events.with_columns(time="depth"))
    assert (row["duration_seconds"], row["median_response_seconds"]) == (None, None)
    assert only(events)["duration_seconds"] == 120.0


@pytest.mark.parametrize("by", ["cascade", "generation"])
def test_no_events_give_no_rows(by: str) -> None:
    events = tree([None, 0])
    empty = vk.cascade_table(events.clear(), by=by)  # type: ignore[arg-type]
    assert_frame_equal(empty, vk.cascade_table(events, by=by).clear())  # type: ignore[arg-type]


def test_a_child_before_its_parent_answers_in_negative_time() -> None:
    row = only(tree([None, 0]).with_columns(time=pl.Series([5.0, 2.0])))
    assert (row["median_response_seconds"], row["duration_seconds"]) == (-3.0, 3.0)


def test_excluded_rows_are_left_out() -> None:
    events = tree([None, 0, 0]).with_columns(excluded=pl.Series([None, None, "a copy"]))
    assert only(events)["size"] == 2


def test_the_median_of_an_even_number_of_answers() -> None:
    events = tree([None, 0, 0, 0, 0]).with_columns(time=pl.Series([0.0, 9, 1, 2, 4]))
    assert only(events)["median_response_seconds"] == 3.0


def test_labels_and_reported_sizes_are_added() -> None:
    cascades = pl.DataFrame(
        {"cascade_id": ["x", "c"], "label": ["no", "true"], "n_reported": [1, 9]}
    )
    table = vk.cascade_table(tree([None, 0]), cascades=cascades)
    assert table.select("label", "n_reported").row(0) == ("true", 9)
    with pytest.raises(vk.TableError, match=r"holds 'c' 2 times; .*cascades.unique"):
        twice = cascades.with_columns(cascade_id=pl.lit("c"))
        vk.cascade_table(tree([None]), cascades=twice)


REFUSED = [
    ([None, 0, 0], {"event_id": ["a", "b", "b"]}, r"holds event 'b' twice, in rows 1 and 2"),
    ([None, 0], {"event_id": ["a", "a"]}, "twice, in rows 0 and 1.*repair"),
    ([None, 1], {}, "parents of event 'e1' lead back to it.*repair"),
    ([None, 2, 1], {}, "lead back to it"),
    ([2, 0, 1], {}, "lead back to it"),
]


@pytest.mark.parametrize(("parents", "columns", "words"), REFUSED)
def test_what_is_no_forest_is_refused(
    parents: list[int | None], columns: dict[str, list[str]], words: str
) -> None:
    events = tree(parents).with_columns(pl.Series(k, v) for k, v in columns.items())
    with pytest.raises(vk.TableError, match=words):
        vk.cascade_table(events)


def test_the_same_event_id_in_two_cascades_is_no_twin() -> None:
    events = pl.concat([tree([None, 0], "a"), tree([None, 0], "b")])
    assert vk.cascade_table(events)["size"].to_list() == [2, 2]


BAD_COLUMNS = [
    ("event_id", pl.Series([1, 2]), "column 'event_id' is Int64"),
    ("event_id", pl.Series(["a", None]), "column 'event_id', row 1.*is missing"),
    ("cascade_id", pl.Series([None, "c"]), "column 'cascade_id', row 0.*is missing"),
    ("time", pl.Series([0.0, None]), "column 'time', row 1.*is missing"),
    ("time", pl.Series([0.0, float("nan")]), "is not finite"),
    ("time", pl.Series(["0", "1"]), "column 'time' holds text"),
    ("parent_id", pl.Series([None, 0]), "column 'parent_id' is Int64"),
]


@pytest.mark.parametrize(("name", "values", "words"), BAD_COLUMNS)
def test_columns_that_are_no_events_are_refused(name: str, values: pl.Series, words: str) -> None:
    with pytest.raises(vk.TableError, match=words):
        vk.cascade_table(tree([None, 0]).with_columns(values.alias(name)))


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(vk.TableError, match=r"by='day' is not known; .*'generation'"):
        vk.cascade_table(tree([None]), by="day")  # type: ignore[arg-type]


NAMES = [
    ["7", "07", "+7"],
    ["9007199254740992", "9007199254740993", "9007199254740994"],
    ["18446744073709551615", "18446744073709551616", "0"],
    ["0", "00", "-0"],
    [LONG, LONG + "0", LONG + "1"],
    ["", " ", "\x00"],
    ["é", "e\u0301", "e"],
    ["1", "1.0", "\uff11"],
]


@pytest.mark.parametrize("names", NAMES)
def test_ids_that_look_alike_are_different(names: list[str]) -> None:
    events = tree([None, 0, 1]).with_columns(
        event_id=pl.Series(names), parent_id=pl.Series([None, names[0], names[1]])
    )
    assert (only(events)["depth"], only(events)["coverage"]) == (2, 1.0)
    absent = events.with_columns(parent_id=pl.Series([None, names[0], "7777"]))
    assert only(absent)["coverage"] == 0.5
    cascades = tree([None, None, None]).with_columns(cascade_id=pl.Series(names))
    assert vk.cascade_table(cascades)["cascade_id"].to_list() == names


def with_few_hashes(*columns: pl.Series) -> Keyed:
    """Hashes that are equal for most texts."""
    keyed = keys_of(*columns)
    return Keyed([column % np.uint64(3) for column in keyed.columns], keyed.exact)


def test_texts_with_equal_hashes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    forests = [[None, 0, 1, 1, 0, 4], [None, 0], [None, 0, 1, 2]]
    events = pl.concat(tree(parents, f"c{i}") for i, parents in enumerate(forests))
    events = events.sample(fraction=1, shuffle=True, seed=4)
    expected = vk.cascade_table(events)
    monkeypatch.setattr(links, "keys_of", with_few_hashes)
    assert_frame_equal(vk.cascade_table(events), expected)
    with pytest.raises(vk.TableError, match="holds event 'e1' twice"):
        vk.cascade_table(tree([None, 0, 0]).with_columns(event_id=pl.Series(["e0", "e1", "e1"])))


def test_exact_keys_differ_where_texts_do() -> None:
    left, right = pl.Series(["b", None, "a"]), pl.Series(["c", "a"])
    one, two = exact_keys_of(left, right).columns
    assert one[2] == two[1] and len({*one.tolist(), *two.tolist()}) == 4


@settings(max_examples=20)
@given(st.lists(st.text(max_size=3), min_size=1, max_size=30, unique=True))
def test_any_text_is_an_id(names: list[str]) -> None:
    chain = pl.DataFrame(
        {"event_id": names, "parent_id": [None, *names[:-1]]},
        schema={"event_id": pl.String, "parent_id": pl.String},
    )
    chain = chain.with_columns(cascade_id=pl.lit("c"), time=pl.int_range(pl.len()).cast(pl.Float64))
    assert only(chain)["depth"] == len(names) - 1


def test_the_mean_distance_of_a_broad_sample_is_exact() -> None:
    # a balanced binary tree of 7: by hand 48 steps over 21 pairs
    assert only(tree([None, 0, 0, 1, 1, 2, 2]))["structural_virality"] == pytest.approx(48 / 21)
