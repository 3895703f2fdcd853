"""What each table of the kit holds, as data: to add a table, describe it here."""

from dataclasses import dataclass
from typing import Literal

Family = Literal["text", "time", "same", "count"]


@dataclass(frozen=True)
class Column:
    """What one column of a table holds.

    `family` is "text" (String), "time" (Date, Datetime in UTC or Float64 periods), "same" (the
    dtype of the time column) or "count" (a finite number, zero or more). An empty `choices`
    allows every text.
    """

    family: Family
    required: bool = False
    choices: tuple[str, ...] = ()
    blank: bool = True


@dataclass(frozen=True)
class Table:
    """The columns of a table, and pairs of columns that stand in an order."""

    columns: dict[str, Column]
    order: tuple[tuple[str, Literal["after", "at or before", "at or after"], str], ...] = ()


TABLES = {
    "counts": Table(
        {
            "item": Column("text", required=True),
            "time": Column("time", required=True),
            "count": Column("count", required=True),
            "metric": Column("text"),
            "unit": Column("text"),
            "kind": Column("text", choices=("incremental", "cumulative", "index")),
            "period_end": Column("same"),
            "bound": Column("text", choices=("exact", "rounded", "at_least", "at_most")),
            "time_lower": Column("same"),
            "time_upper": Column("same"),
            "excluded": Column("text", blank=False),
            "reference": Column("text"),
        },
        order=(
            ("period_end", "after", "time"),
            ("time_lower", "at or before", "time"),
            ("time_upper", "at or after", "time"),
        ),
    ),
    "happenings": Table(
        {
            "time": Column("time", required=True),
            "label": Column("text", required=True),
            "time_lower": Column("same"),
            "time_upper": Column("same"),
            "kind": Column("text"),
            "origin": Column("text"),
            "reference": Column("text"),
        },
        order=(
            ("time_lower", "at or before", "time"),
            ("time_upper", "at or after", "time"),
        ),
    ),
}
