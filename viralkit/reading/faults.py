"""What to do with rows that break a rule: raise, drop, or keep and say why."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from viralkit.reading.files import Source
from viralkit.rules import Rule, texts_of
from viralkit.tables import TableError
from viralkit.wording import show, show_value

OnError = Literal["raise", "drop", "keep"]
DROPPED = {
    "file": pl.String,
    "line": pl.Int64,
    "column": pl.String,
    "value": pl.String,
    "reason": pl.String,
}


@dataclass(frozen=True, eq=False)
class Fault:
    """A rule that cells break: the column, the rows, and what to tell about them."""

    column: str
    rows: pl.Series
    reason: str
    allowed: str
    step: str

    @classmethod
    def of_rule(cls, rule: Rule, frame: pl.DataFrame) -> "Fault":
        """The rows that break a rule of the table."""
        rows = frame.select(rule.broken.arg_true()).to_series()
        reason = f"{rule.reason} {rule.beside}".rstrip()
        return cls(rule.column, rows, reason, rule.allowed, rule.step)


@dataclass(frozen=True, eq=False)
class Settler:
    """Settles faults, with the place, names and values that the rows have in their source."""

    source: Source
    raw: pl.DataFrame
    names: dict[str, str]
    faults: list[Fault]

    def settle(self, frame: pl.DataFrame, on_error: OnError) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The frame that can be used, and the rows with a fault: row and columns of `dropped`."""
        bad = self.bad_rows(frame)
        if on_error == "raise" and len(bad):
            raise TableError(self.message(bad))
        if on_error == "keep":
            return self.excuse(frame, bad), bad
        good = ~pl.int_range(pl.len()).is_in(bad["row"].implode())
        return frame.filter(good), bad

    def bad_rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Each row that has a fault, with the first it has."""
        found = [self.describe(i, frame) for i in range(len(self.faults))]
        empty = pl.DataFrame(schema={"row": pl.Int64, "fault": pl.Int32, **DROPPED})
        return (
            pl.concat([empty, *found]).unique("row", keep="first", maintain_order=True).sort("row")
        )

    def describe(self, number: int, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of one fault."""
        fault = self.faults[number]
        rows = fault.rows.cast(pl.Int64)
        found = self.raw if fault.column in self.raw.columns else frame
        return pl.DataFrame({"row": rows}).select(
            "row",
            fault=pl.lit(number, pl.Int32),
            file=self.source.files(rows),
            line=self.source.lines.gather(rows) if len(rows) else pl.lit(0, pl.Int64),
            column=pl.lit(self.names.get(fault.column, fault.column)),
            value=texts_of(found[fault.column].gather(rows)),
            reason=pl.lit(fault.reason),
        )

    def reasons(self, bad: pl.DataFrame, on_error: OnError) -> list[tuple[str, int, str]]:
        """How many rows were dropped or excluded for which reason: lines of a quality table."""
        groups = bad.group_by("column", "reason", maintain_order=True).agg(
            pl.len(), pl.first("row")
        )
        verb = "dropped" if on_error == "drop" else "excluded"
        return [
            (f"{verb}: {show(column)} {reason}", rows, f"first: {self.source.place(row)}")
            for column, reason, rows, row in groups.iter_rows()
        ]

    def message(self, bad: pl.DataFrame) -> str:
        """The first row with a fault, and how many more there are."""
        first = bad.row(0, named=True)
        fault = self.faults[first["fault"]]
        more = len(bad) - 1
        others = f" {more} more row{'s' * (more > 1)} cannot be used either." * bool(more)
        return (
            f"{self.source.place(first['row'])}, column {show(first['column'])}: "
            f"{show_value(first['value'])} {fault.reason}; {fault.allowed}. {fault.step}{others} "
            'Or pass on_error="drop" (listed in quality.dropped) or "keep" (excludes them).'
        )

    def excuse(self, frame: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
        """The frame with unusable cells null and the reason in `excluded`."""
        for fault in self.faults:
            cells = frame[fault.column]
            frame = frame.with_columns(
                cells.scatter(fault.rows, None) if len(fault.rows) else cells
            )
        if "excluded" not in frame.columns:
            frame = frame.with_columns(excluded=pl.lit(None, pl.String))
        why = [
            f"{self.source.place(row)}, column {show(column)}: {show_value(value)} {reason}"
            for row, _, _, _, column, value, reason in bad.iter_rows()
        ]
        reasons = pl.DataFrame({"row": bad["row"], "why": why}, schema_overrides={"why": pl.String})
        rows = pl.DataFrame({"row": pl.int_range(len(frame), eager=True)})
        reasons = rows.join(reasons, on="row", how="left", maintain_order="left")
        return frame.with_columns(excluded=pl.coalesce("excluded", reasons["why"]))
