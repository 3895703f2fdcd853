"""What the layouts of counts hand on: the cells they found, what these mean, what is odd."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from viralkit.reading.checks import Check
from viralkit.reading.columns import absent_column
from viralkit.reading.faults import Fault
from viralkit.reading.files import Source
from viralkit.tables import TableError
from viralkit.wording import show

DEFAULTS = {"time": "time", "count": "count", "item": "item"}


@dataclass(frozen=True, eq=False)
class Found:
    """The cells of a source, the columns meant by time, count and item, kind and period."""

    source: Source
    names: dict[str, str]
    kind: str
    every: str | float | None = None
    stamp: str | None = None
    notes: Sequence[Check] = ()
    faults: list[Fault] = field(default_factory=list)


def pick(names: dict[str, str], own: dict[str, str], columns: Sequence[str]) -> dict[str, str]:
    """Which columns are meant: those that were named, else the layout's own."""
    chosen = {key: own[key] if given == DEFAULTS[key] else given for key, given in names.items()}
    for key, name in chosen.items():
        if name not in columns:
            raise TableError(absent_column(key, name, list(columns)))
    return chosen


def placed(frame: pl.DataFrame, file: str, lines: pl.Series, blank: int = 0) -> Source:
    """Rows of a file that stand on these lines."""
    places = pl.DataFrame({"line": lines.cast(pl.Int64)}).with_columns(file=pl.lit(file))
    return Source(frame, file.split(".")[0], file, None, blank, places)


def first_of(cells: pl.Series, rows: pl.Series) -> str | None:
    """The first of some cells, as a note shows it."""
    return f"first: {show(cells[int(rows[0])])}" if len(rows) else None
