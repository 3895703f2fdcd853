"""What each table of the kit holds, as data: to add a table, describe it here."""

from dataclasses import dataclass
from math import inf
from typing import Literal

Family = Literal["text", "id", "time", "same", "moment", "seconds", "count", "number"]


@dataclass(frozen=True)
class Column:
    """What one column of a table holds.

    `family` is "text" (String), "id" (String, Categorical or Enum), "time" (Date, Datetime in UTC
    or Float64 periods), "same" (the dtype of the time column), "moment" (Datetime in UTC),
    "seconds" (a finite Float64), "count" (a finite number, zero or more) or "number" (finite,
    from `least` to `most`). An empty `choices` allows every text.
    """

    family: Family
    required: bool = False
    choices: tuple[str, ...] = ()
    blank: bool = True
    least: float = -inf
    most: float = inf


@dataclass(frozen=True)
class Table:
    """The columns of a table, pairs of them that stand in an order, and sets that need one."""

    columns: dict[str, Column]
    order: tuple[tuple[str, Literal["after", "at or before", "at or after"], str], ...] = ()
    either: tuple[str, ...] = ()


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
    "events": Table(
        {
            "cascade_id": Column("id", required=True),
            "event_id": Column("id", required=True),
            "time": Column("seconds", required=True),
            "user": Column("id"),
            "parent_id": Column("id"),
            "magnitude": Column("count"),
            "timestamp": Column("moment"),
            "kind": Column("text"),
            "platform": Column("text"),
            "language": Column("text"),
            "polarity": Column("number", least=-1, most=1),
            "depth": Column("count"),
            "text": Column("text"),
            "excluded": Column("text", blank=False),
        },
    ),
    "cascades": Table(
        {
            "cascade_id": Column("id", required=True),
            "start": Column("moment"),
            "label": Column("text"),
            "n_reported": Column("count"),
            "observed_until": Column("number", least=0),
        },
    ),
    "edges": Table(
        {
            "source": Column("id", required=True),
            "target": Column("id", required=True),
            "weight": Column("count"),
            "time": Column("time"),
            "excluded": Column("text", blank=False),
        },
    ),
    "clicks": Table(
        {
            "time": Column("moment", required=True),
            "url": Column("text"),
            "link_id": Column("id"),
            "source": Column("text"),
            "medium": Column("text"),
            "campaign": Column("text"),
            "term": Column("text"),
            "content": Column("text"),
            "referrer": Column("text"),
            "user": Column("id"),
            "action": Column("text", choices=("visit", "share", "sign_up", "conversion")),
            "value": Column("number"),
            "referral": Column("text"),
            "agent": Column("text"),
            "flag": Column("text"),
            "excluded": Column("text", blank=False),
        },
        either=("url", "link_id"),
    ),
}
