"""Ids as 64-bit numbers: equal ids get equal ones, and it is known whether the reverse holds."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
CANONICAL = r"0|[1-9][0-9]*"


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


def categories_agree(columns: tuple[pl.Series, ...]) -> bool:
    """Have all columns codes with one meaning?"""
    dtypes = {column.dtype for column in columns if column.dtype != pl.Null}
    return len(dtypes) == 1 and isinstance(dtypes.pop(), pl.Categorical | pl.Enum)


def digits_of(texts: list[pl.Series]) -> list[Keys] | None:
    """The numbers that the texts spell, if all do, in the one way that a number is written."""
    numbers = []
    for text in texts:
        first = text.drop_nulls().head(1)
        if len(first) and not first.str.contains(f"^({CANONICAL})$").all():
            return None
        number = text.cast(pl.UInt64, strict=False)
        if number.null_count() > text.null_count() or has_other_spelling(text):
            return None
        numbers.append(filled(number))
    return numbers


def has_other_spelling(text: pl.Series) -> bool:
    """Does a text that polars reads as a number start with a zero too many, or a plus sign?"""
    padded = text.str.starts_with("0") & (text.str.len_bytes() > 1)
    return bool((padded | text.str.starts_with("+")).any())


def filled(numbers: pl.Series) -> Keys:
    """The numbers as an array, 0 where the id is missing."""
    return numbers.cast(pl.UInt64).fill_null(0).to_numpy()
