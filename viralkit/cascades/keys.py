"""Ids as 64-bit numbers: equal ids get equal ones, and it is known whether the reverse holds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from viralkit.compiled.number_keys import number_keys

Keys = NDArray[np.uint64]
Numbers = NDArray[np.integer[Any]]
DIGITS = r"^[0-9]+$"
LEAST = np.array([0, 0, *(10**size for size in range(1, 20))], np.uint64)  # of so many digits


@dataclass(frozen=True, eq=False)
class Keyed:
    """Columns of ids as numbers; `exact`: different ids have different numbers for sure."""

    columns: list[Keys]
    exact: bool


def keys_of(*columns: pl.Series) -> Keyed:
    """Number ids by their codes, by the digits they are made of, or else by a hash of the text."""
    if categories_agree(columns):
        return Keyed([filled(column.to_physical()) for column in columns], True)
    texts = [column.cast(pl.String) for column in columns]
    numbers = digits_of(texts)
    if numbers is not None:
        return Keyed(numbers, True)
    return Keyed([filled(text.hash()) for text in texts], False)


def exact_keys_of(*columns: pl.Series) -> Keyed:
    """Number ids by their place among all ids: slow, for texts whose hashes are equal."""
    texts = pl.concat([column.cast(pl.String).alias("id") for column in columns])
    ranks = texts.rank("dense").fill_null(0)
    sizes = np.cumsum([len(column) for column in columns])
    return Keyed(np.split(filled(ranks), sizes[:-1]), True)


def number_ids(ids: pl.Series) -> tuple[Numbers, Numbers]:
    """The number of each id in order of first appearance (-1: missing), and where it is first."""
    keyed, known = keys_of(ids), np.flatnonzero(ids.is_not_null().to_numpy())
    numbers, firsts = number_keys(keyed.columns[0][known])
    if not keyed.exact and not is_same(ids.gather(known), numbers, ids.gather(known[firsts])):
        numbers, firsts = number_keys(exact_keys_of(ids).columns[0][known])
    placed = np.full(len(ids), -1)
    placed[known] = numbers
    return placed, known[firsts]


def is_same(ids: pl.Series, number: Numbers, names: pl.Series) -> bool:
    """Has each id that got a number the text of that number, or only the same hash?"""
    known = np.flatnonzero(number >= 0)
    return bool((ids.gather(known) == names.gather(number[known])).all())


def categories_agree(columns: tuple[pl.Series, ...]) -> bool:
    """Have all columns codes with one meaning?"""
    dtypes = {column.dtype for column in columns if column.dtype != pl.Null}
    return len(dtypes) == 1 and isinstance(dtypes.pop(), pl.Categorical | pl.Enum)


def digits_of(texts: list[pl.Series]) -> list[Keys] | None:
    """The numbers that the texts spell, if all do, in the one way that a number is written."""
    numbers = []
    for text in texts:
        example = text.slice(int(text.is_not_null().arg_max() or 0), 1)
        if not example.str.contains(DIGITS).all():
            return None
        number = text.cast(pl.UInt64, strict=False)
        if number.null_count() > text.null_count():
            return None
        numbers.append(filled(number))
        length = text.str.len_bytes().fill_null(0).to_numpy()
        padded = length.max(initial=0) >= len(LEAST) or (numbers[-1] < LEAST[length]).any()
        if padded:  # "007" and "+7" are not "7"
            return None
    return numbers


def filled(numbers: pl.Series) -> Keys:
    """The numbers as an array, 0 where the id is missing."""
    return numbers.cast(pl.UInt64).fill_null(0).to_numpy()
