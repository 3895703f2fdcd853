"""The rules that a table's values keep, made from its description."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import reduce
from math import inf
from operator import or_

import polars as pl

from viralkit.schema import TABLES, Column
from viralkit.wording import show, show_value

PERIODS_BELOW = 1e7  # a larger "period" is a Unix time or a date such as 20080118


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule of one column: `broken` is true in the rows that break it."""

    column: str
    broken: pl.Expr
    reason: str
    allowed: str
    step: str = "Correct the value or filter out the row."
    beside: str = ""

    def describe(self, frame: pl.DataFrame) -> str:
        """Which row breaks the rule first, with what value, and how many more do."""
        broken = frame.lazy().select(self.broken).collect().to_series()
        row = int(broken.arg_max() or 0)
        value = show_cell(frame[self.column], row)
        against = f" {self.beside} {show_cell(frame[self.beside], row)}" if self.beside else ""
        more = int(broken.sum()) - 1
        tail = f" {more} more row{'s' * (more > 1)} break{'s' * (more == 1)} this rule." * bool(
            more
        )
        return (
            f"column {show(self.column)}, row {row} (counted from 0): {value} {self.reason}"
            f"{against}; {self.allowed}. {self.step}{tail}"
        )


def show_cell(column: pl.Series, row: int) -> str:
    """One cell as an error message may print it."""
    text = texts_of(column.slice(row, 1)).item()
    return str(text) if text is not None and column.dtype != pl.String else show_value(text)


def texts_of(cells: pl.Series) -> pl.Series:
    """Cells as text (polars panics over dates that Python does not know)."""
    if not isinstance(cells.dtype, pl.Date | pl.Datetime):
        return cells.cast(pl.String)
    zone = isinstance(cells.dtype, pl.Datetime) and cells.dtype.time_zone
    times = cells.dt.convert_time_zone("UTC") if zone else cells
    strange = ~times.is_between(*date_limits(times.dtype))
    texts = cells.set(strange, None).cast(pl.String)
    return texts.set(strange.fill_null(False), "a time before the year 1 or after 9999")


def date_limits(dtype: pl.DataType) -> tuple[date, date]:
    """The first and last time of a dtype that Python and people can read."""
    if dtype == pl.Date:
        return date.min, date.max
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
        return datetime.min, datetime.max
    return datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def rules_of(schema: pl.Schema, table: str) -> list[Rule]:
    """Every rule of the table's columns that the frame has, once its dtypes are right."""
    spec = TABLES[table]
    excusable = "excluded" in schema and "excluded" in spec.columns
    rules = []
    for name, column in spec.columns.items():
        if name in schema:
            rules += column_rules(name, column, schema[name], excusable)
    for name, relation, other in spec.order:
        if name in schema:
            rules.append(order_rule(name, relation, other))
    return rules


def column_rules(name: str, column: Column, dtype: pl.DataType, excusable: bool) -> list[Rule]:
    """The rules that one column has by itself."""
    values = pl.col(name)
    rules = []
    if column.required:
        missing = values.is_null()
        broken = missing & pl.col("excluded").is_null() if excusable else missing
        allowed = f"every row has its {name}, unless 'excluded' says why the row is not used"
        step = f"Fill it, or drop such rows: frame.drop_nulls({show(name)})."
        rules.append(Rule(name, broken, "is missing", allowed, step))
    if column.choices:
        equal = (values == choice for choice in column.choices)  # five times faster than is_in
        broken = ~reduce(or_, equal)
        allowed = f"allowed: {', '.join(column.choices)}"
        rules.append(Rule(name, broken, "is not allowed", allowed, "Correct or rename the column."))
    if not column.blank:
        step = "Replace it by null."
        rules.append(Rule(name, values == "", "is empty text", "null means that it is used", step))
    if column.family == "count":
        rules += count_rules(name, dtype)
    if column.family in ("number", "seconds"):
        rules += number_rules(name, column, dtype)
    return rules + time_rules(name, dtype) * (column.family in ("time", "same", "moment"))


def count_rules(name: str, dtype: pl.DataType) -> list[Rule]:
    """A count is a finite number, zero or more."""
    values = pl.col(name)
    negative = Rule(name, values < 0, "is negative", "a count is zero or more")
    if not dtype.is_float():
        return [negative]
    return [
        Rule(name, ~values.is_finite(), "is not finite", "a count is a finite number"),
        negative,
    ]


def number_rules(name: str, column: Column, dtype: pl.DataType) -> list[Rule]:
    """A number is finite and lies within its limits."""
    values = pl.col(name)
    rules = []
    if dtype.is_float():
        rules.append(Rule(name, ~values.is_finite(), "is not finite", f"a {name} is a number"))
    if column.least > -inf or column.most < inf:
        outside = ~values.is_between(column.least, column.most)
        limits = f"a {name} lies between {column.least:g} and {column.most:g}"
        rules.append(Rule(name, outside, "is out of range", limits))
    return rules


def time_rules(name: str, dtype: pl.DataType) -> list[Rule]:
    """Dates lie in the years 1 to 9999; periods are finite and below ten million."""
    values = pl.col(name)
    if dtype == pl.Float64:
        broken = ~(values.abs() < PERIODS_BELOW)
        step = 'If it is a date, parse it: str.to_date("%Y%m%d"), or pl.from_epoch for Unix times.'
        return [Rule(name, broken, "is no period", "periods lie within ten million", step)]
    broken = ~values.is_between(*date_limits(dtype))
    return [Rule(name, broken, "is no date", "dates lie in the years 1 to 9999")]


def order_rule(name: str, relation: str, other: str) -> Rule:
    """Two columns of times stand in an order."""
    left, right = pl.col(name), pl.col(other)
    holds = {"after": left > right, "at or before": left <= right, "at or after": left >= right}
    reason = f"is not {relation}"
    allowed = f"{name} stands {relation} {other}"
    return Rule(name, ~holds[relation], reason, allowed, beside=other)
