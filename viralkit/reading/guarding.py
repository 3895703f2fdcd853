"""Cells of CSV files that a spreadsheet would run as a formula: guarded, and read as they were."""

import polars as pl

from viralkit.tables import TableError
from viralkit.wording import show

GUARDED = "guarded"
FORMULA = r"^\s*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|^[\t\r\n]"
PLAIN = r"^[+-]?[0-9]+(\.[0-9]+)?$"  # numbers run nothing


def guard(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with an apostrophe before each cell that looks like a formula.

    Where there is any, a column `guarded` names the columns of such cells, row by row.
    """
    for name in frame.columns:
        if name == GUARDED or ";" in name or pl.Series([name]).str.contains(FORMULA)[0]:
            raise TableError(
                f"column {show(name)} cannot stand in a CSV file: allowed: names that are not "
                f"{show(GUARDED)}, begin with none of = + - @ and hold no semicolon. Rename it."
            )
    texts = [n for n, t in frame.schema.items() if t in (pl.String, pl.Categorical, pl.Enum)]
    frame = frame.with_columns(pl.col(name).cast(pl.String) for name in texts)
    risky = {n: pl.col(n).str.contains(FORMULA) & ~pl.col(n).str.contains(PLAIN) for n in texts}
    found = [name for name in texts if frame.select(risky[name].any()).item()]
    if not found:
        return frame
    named = [pl.when(risky[name]).then(pl.lit(name)) for name in found]
    cells = [pl.when(risky[n]).then("'" + pl.col(n)).otherwise(n).alias(n) for n in found]
    told = pl.concat_str(named, separator=";", ignore_nulls=True)
    told = told.replace("", None).alias(GUARDED)
    return frame.with_columns(*cells, told)


def unguard(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as it was before it was guarded."""
    if frame.schema.get(GUARDED) != pl.String:
        return frame
    listed = ";" + pl.col(GUARDED) + ";"
    texts = [n for n, dtype in frame.schema.items() if dtype == pl.String and n != GUARDED]
    was = {name: listed.str.contains(f";{name};", literal=True) for name in texts}
    return frame.with_columns(
        pl.when(was[name]).then(pl.col(name).str.strip_prefix("'")).otherwise(name).alias(name)
        for name in texts
    ).drop(GUARDED)
