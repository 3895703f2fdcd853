"""Ids as numbers: exact where they can be, checked where they are hashes."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from viralkit.cascades import keys
from viralkit.cascades.keys import Keyed, exact_keys_of, keys_of, number_ids
from viralkit.compiled.match_keys import match_keys


def test_digits_are_read_as_numbers() -> None:
    keyed = keys_of(pl.Series(["9007199254740993", None]), pl.Series(["18446744073709551615", "0"]))
    assert keyed.exact
    assert [column.tolist() for column in keyed.columns] == [[2**53 + 1, 0], [2**64 - 1, 0]]


def test_one_other_spelling_makes_all_hashes() -> None:
    for other in ("07", "+7", "7 ", "x", "18446744073709551616", "018446744073709551615", ""):
        keyed = keys_of(pl.Series(["7"]), pl.Series([other]))
        assert not keyed.exact
        assert keyed.columns[0][0] != keyed.columns[1][0]


def test_codes_are_used_where_they_mean_the_same() -> None:
    one = pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"]))
    other = pl.Series(["b", "a"], dtype=pl.Enum(["b", "a", "c"]))
    same = keys_of(one, one.reverse())
    assert same.exact and same.columns[0].tolist() == [1, 0] == same.columns[1][::-1].tolist()
    mixed = keys_of(one, other)
    assert not mixed.exact
    assert mixed.columns[0].tolist() == mixed.columns[1][::-1].tolist()
    assert keys_of(one, pl.Series([None, None])).exact


@given(
    st.lists(st.one_of(st.none(), st.text(max_size=2), st.integers(0, 30).map(str)), max_size=20)
)
def test_equal_ids_have_equal_numbers_and_others_do_not(names: list[str | None]) -> None:
    ids = pl.Series(names, dtype=pl.String)
    numbers, firsts = number_ids(ids)
    first: dict[str, int] = {}
    for name in names:
        if name is not None:
            first.setdefault(name, len(first))
    assert numbers.tolist() == [-1 if name is None else first[name] for name in names]
    assert ids.gather(firsts).to_list() == list(first)


def test_ids_with_equal_hashes_are_numbered_apart(monkeypatch) -> None:
    def few(*columns: pl.Series) -> Keyed:
        return Keyed([column % np.uint64(2) for column in keys_of(*columns).columns], False)

    ids = pl.Series(["a", "b", None, "c", "a"])
    monkeypatch.setattr(keys, "keys_of", few)
    assert number_ids(ids)[0].tolist() == [0, 1, -1, 2, 0]


def test_no_ids() -> None:
    assert exact_keys_of(pl.Series([], dtype=pl.String)).columns[0].tolist() == []
    assert number_ids(pl.Series([], dtype=pl.String))[0].tolist() == []


def test_keys_are_found_among_known_ones_near_and_far() -> None:
    rng = np.random.default_rng(1)
    for step in (1, 3, 10**12):  # close together: by place; else by a table
        known = (rng.permutation(500) * step + 10**6).astype(np.uint64)
        others = np.array([0, 10**6 - 1, 2**64 - 1, 10**6 + 500 * step], np.uint64)
        asked = np.concatenate([known[::-1], others])
        assert match_keys(known, asked).tolist() == [*range(499, -1, -1), -1, -1, -1, -1]
    assert match_keys(known[:0], others).tolist() == [-1] * 4
