"""What a branching model needs of a table: how many parents had how many children, how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ..tables import TableError, require_polars
from ..wording import show, show_names
from .results import Array

COLUMNS = {  # what is counted: its columns
    "sizes": ("size",),
    "generations": ("cascade_id", "generation", "size"),
    "offspring": ("offspring",),
}
LEAST = {"size": 1, "offspring": 0, "generation": 0, "roots": 1, "number": 1}


@dataclass(frozen=True)
class Tally:
    """Value counts: all that a branching process tells about its offspring.

    Attributes
    ----------
    parents, children, roots, number : numpy.ndarray
        So often (`number`) so many parents had so many children; of finished sizes, parents are
        all and children all but the roots.
    late : numpy.ndarray
        True where children, or the size, are at least so many.
    of : str
        "sizes", "generations" or "offspring".
    at_least : int
        Only sizes from here on are in the sample.
    n_excluded : int
        Rows that were left out because `excluded` gives a reason.
    """

    parents: Array
    children: Array
    roots: Array
    number: Array
    late: Any
    of: str
    at_least: int = 1
    n_excluded: int = 0
    total: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", float(self.number.sum()))

    @property
    def is_complete(self) -> bool:
        """Whether every count is final and none was left out of the sample."""
        return not self.late.any() and self.at_least == 1

    @property
    def is_silent(self) -> bool:
        """Whether nobody passed anything on, as far as the sample can show."""
        least = np.maximum(self.at_least - self.roots, 0)
        return bool((self.children <= least).all())


def tally(table: pl.DataFrame, of: str, at_least: int) -> Tally:
    """Check a table and count its values."""
    if of not in COLUMNS:
        raise TableError(f"of={show(of)} is not known; allowed: {show_names(list(COLUMNS))}.")
    whole = isinstance(at_least, int) and not isinstance(at_least, bool)
    if not whole or at_least < 1 or (at_least > 1 and of != "sizes"):
        raise TableError(
            f"at_least={show(at_least)}; allowed: whole numbers from 1, and above 1 only with "
            "of='sizes'. Pass the smallest size that the sample keeps."
        )
    table = require_polars(table)
    _look_for_columns(table, of)
    used = table.filter(pl.col("excluded").is_null()) if "excluded" in table.columns else table
    if used.is_empty():
        raise TableError(f"the table of {of} holds no rows to use. Pass at least one.")
    names = [name for name in LEAST if name in used.columns]
    used = used.with_columns(_whole(used[name]) for name in names)
    rows = {"sizes": _sizes, "generations": _generations, "offspring": _offspring}[of](used)
    return _count(rows, of, at_least, table.height - used.height)


def _look_for_columns(table: pl.DataFrame, of: str) -> None:
    absent = [name for name in COLUMNS[of] if name not in table.columns]
    if absent:
        raise TableError(
            f"column {show(absent[0])} not found; columns: {show_names(table.columns)}. "
            f"of={show(of)} needs {show_names(COLUMNS[of])}: rename yours, or pass another of=…"
        )
    if of != "generations" and "generation" in table.columns:
        raise TableError(
            f"of={show(of)} with a column 'generation'; allowed: one row a count. "
            "Pass of='generations'."
        )


def _whole(column: pl.Series) -> pl.Series:
    """A column of whole numbers, large enough each."""
    least, name = LEAST[column.name], show(column.name)
    if not column.dtype.is_numeric():
        raise TableError(
            f"column {name} holds {column.dtype}; allowed: whole numbers. "
            f"Cast it: pl.col({name}).cast(pl.Int64)."
        )
    number = column.cast(pl.Float64)
    fine = (number.is_finite() & (number == number.floor()) & (number >= least)).fill_null(False)
    if not fine.all():
        row = int((~fine).arg_true()[0])
        raise TableError(
            f"column {name}, row {row} (counted from 0): {show(column[row])}; allowed: whole "
            f"numbers from {least}. Correct the value or filter out the row."
        )
    return number


def _is_late(table: pl.DataFrame) -> pl.Series:
    """Whether a count is only known to be at least so large."""
    if "bound" not in table.columns:
        return pl.repeat(False, table.height, eager=True)
    known = table["bound"].is_in(["exact", "at_least"]).fill_null(False)
    if not known.all():
        value = table["bound"].filter(~known)[0]
        raise TableError(
            f"column 'bound' holds {show(value)}; allowed: 'exact' (finished), 'at_least' (still "
            "growing). Replace it."
        )
    return table["bound"] == "at_least"


def _column(table: pl.DataFrame, name: str) -> pl.Series:
    ones = pl.repeat(1.0, table.height, eager=True)
    return table[name] if name in table.columns else ones


def _frame(table: pl.DataFrame, parents: Any, children: Any, roots: Any, late: Any) -> pl.DataFrame:
    columns = {"parents": parents, "children": children, "roots": roots, "late": late}
    return pl.DataFrame({**columns, "number": _column(table, "number")})


def _sizes(table: pl.DataFrame) -> pl.DataFrame:
    size, roots = table["size"], _column(table, "roots")
    if (roots > size).any():
        row = int((roots > size).arg_true()[0])
        raise TableError(
            f"row {row} (counted from 0): {roots[row]:g} roots in a cascade of {size[row]:g}; "
            "allowed: no more roots than events. Correct the row."
        )
    return _frame(table, size, size - roots, roots, _is_late(table))


def _offspring(table: pl.DataFrame) -> pl.DataFrame:
    one = pl.repeat(1.0, table.height, eager=True)
    return _frame(table, one, table["offspring"], one, _is_late(table))


def _generations(table: pl.DataFrame) -> pl.DataFrame:
    """Each generation and the next; after the last of a finished cascade come no children."""
    table = table.with_columns(late=_is_late(table)).sort("cascade_id", "generation")
    step = pl.col("generation").diff().over("cascade_id")
    wrong = table.filter(step != 1)
    if wrong.height:
        row = wrong.row(0, named=True)
        raise TableError(
            f"cascade {show(row['cascade_id'])}, generation {row['generation']:g} does not follow "
            "the one before; allowed: each generation once, none left out. Correct its rows."
        )
    children = pl.col("size").shift(-1).over("cascade_id").fill_null(0.0)
    table = table.with_columns(
        children=children, next_late=pl.col("late").shift(-1).over("cascade_id").fill_null(False)
    ).filter(~pl.col("late"))
    one = pl.repeat(1.0, table.height, eager=True)
    return _frame(table, table["size"], table["children"], one, table["next_late"])


def _count(rows: pl.DataFrame, of: str, at_least: int, n_excluded: int) -> Tally:
    """Equal rows become one with their number; those that tell nothing are left out."""
    small = rows.filter(pl.col("parents") < at_least, ~pl.col("late"))
    if of == "sizes" and small.height:
        least = float(small["parents"].to_numpy().min())
        raise TableError(
            f"a cascade of size {least:g} in a sample of at_least={at_least}; "
            "allowed: no smaller ones. Filter them out, or lower at_least."
        )
    keys = ["parents", "children", "roots", "late"]
    counted = rows.group_by(keys).agg(pl.col("number").sum()).sort(keys)
    counted = counted.with_columns(pl.col("number").cast(pl.Float64))
    if not counted.height or counted["late"].all():
        raise TableError(
            f"none of the {of} is finished (bound='exact'); allowed: at least one that is, or R "
            "has no upper end. Wait until some have ended."
        )
    arrays = {name: counted[name].to_numpy() for name in [*keys, "number"]}
    return Tally(**arrays, of=of, at_least=at_least, n_excluded=n_excluded)
