"""Rows that a reader found, with their faults and places: raise, drop, or keep and say why."""

from collections.abc import Mapping, Sequence

import polars as pl

from viralkit.reading.columns import require_choice
from viralkit.reading.faults import DROPPED, Fault, OnError
from viralkit.rules import rules_of, texts_of
from viralkit.schema import TABLES
from viralkit.tables import TableError, conform
from viralkit.wording import show, show_value

Check = tuple[str, int, str | None]
ON_ERROR = ("raise", "drop", "keep")
FAULT = {"fault_column": pl.String, "fault_value": pl.String, "fault": pl.String}
PLACE = {"file": pl.String, "line": pl.Int64}
NAMES: dict[str, str] = {}


def settle(
    found: pl.DataFrame, table: str, on_error: OnError, names: Mapping[str, str] = NAMES
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that can be used, or may be kept, and those with a fault, which the first raises.

    `names` are the names that columns of the table have in the source, where they differ.
    """
    require_choice("on_error", on_error, ON_ERROR, "Say what to do with bad rows")
    judged = judge(found, table, names)
    if "fault" not in judged.columns:
        return judged.drop(*PLACE, strict=False), blameless(pl.DataFrame())
    bad = judged.filter(pl.col("fault").is_not_null())
    bad = bad.with_columns(pl.col("file").cast(pl.String))
    if on_error == "raise" and len(bad):
        raise TableError(message(bad))
    usable = judged.filter(pl.col("fault").is_null()) if len(bad) else judged
    kept = excuse(judged, table, names) if on_error == "keep" else usable
    return kept.drop([*FAULT, *PLACE], strict=False), bad


def judge(found: pl.DataFrame, table: str, names: Mapping[str, str]) -> pl.DataFrame:
    """The frame with the dtypes of the table, and a fault in each row that breaks a rule.

    Where none does, and none was told before, it has no columns of faults.
    """
    found = conform(found, table)
    for rule in rules_of(found.schema, table):
        found = blame(found, Fault.of_rule(rule, found), found[rule.column], names)
    return found


def blameless(found: pl.DataFrame) -> pl.DataFrame:
    """The frame with the columns of faults and places, null where it has none yet."""
    absent = {n: t for n, t in {**PLACE, **FAULT}.items() if n not in found.columns}
    return found.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items())


def unreserved(names: Sequence[str]) -> list[str]:
    """Names of columns, with a line under those that places and faults need: file_, line_."""
    return [f"{name}_" if name in PLACE or name in FAULT else name for name in names]


def blame(
    found: pl.DataFrame, fault: Fault, cells: pl.Series, names: Mapping[str, str] = NAMES
) -> pl.DataFrame:
    """The frame with a fault told in the rows that have it, unless they have one already."""
    if not len(fault.rows):
        return found
    found = blameless(found)
    rows = fault.rows.filter(found["fault"].gather(fault.rows).is_null())
    text = f"{fault.reason}; {fault.allowed}. {fault.step}"
    return found.with_columns(
        found["fault_column"].scatter(rows, names.get(fault.column, fault.column)),
        found["fault_value"].scatter(rows, texts_of(cells.gather(rows))),
        found["fault"].scatter(rows, text),
    )


def excuse(judged: pl.DataFrame, table: str, names: Mapping[str, str]) -> pl.DataFrame:
    """The frame with unusable cells null and the reason in `excluded`."""
    bad = pl.col("fault").is_not_null()
    told = {name: names.get(name, name) for name in TABLES[table].columns if name in judged.columns}
    old = pl.col("excluded") if "excluded" in judged.columns else pl.lit(None, pl.String)
    why = [tell(*row) for row in judged.filter(bad).select(*PLACE, *FAULT).iter_rows()]
    rows = judged.select(bad.arg_true()).to_series()
    reason = pl.Series("excluded", [None] * len(judged), pl.String).scatter(rows, why)
    return judged.with_columns(
        pl.when(pl.col("fault_column").ne_missing(said)).then(name).alias(name)
        for name, said in told.items()
    ).with_columns(excluded=pl.coalesce(old, reason))


def dropped(bad: pl.DataFrame, on_error: OnError) -> pl.DataFrame:
    """The rows that were left out: file, line, column, value, reason."""
    if on_error != "drop":
        return pl.DataFrame(schema=DROPPED)
    names = {"fault_column": "column", "fault_value": "value"}
    return bad.select(*PLACE, "fault_column", "fault_value", reason=reason()).rename(names)


def reason() -> pl.Expr:
    """What is wrong with a row, without rule and next step."""
    return pl.col("fault").str.splitn("; ", 2).struct[0]


def reasons(bad: pl.DataFrame, on_error: OnError) -> list[Check]:
    """How many rows were dropped or excluded for which reason."""
    verb = "dropped" if on_error == "drop" else "excluded"
    groups = bad.group_by("fault_column", reason().alias("reason"), maintain_order=True)
    counted = groups.agg(pl.len(), pl.first("file"), pl.first("line"))
    return [
        (f"{verb}: {show(column)} {reason}", rows, f"first: {place(file, line)}")
        for column, reason, rows, file, line in counted.iter_rows()
    ]


def place(file: str | None, line: int | None) -> str:
    """Where a row stands, as an error message prints it."""
    if line is None:
        return show(file) if file else "a row"
    return f"{show(file)}, line {line}" if file else f"row {line} (counted from 0)"


def tell(file: str | None, line: int | None, column: str, value: str | None, fault: str) -> str:
    """What is wrong with one row, and where it stands."""
    cell = f"{place(file, line)}, column {show(column)}: {show_value(value)}"
    return f"{cell} {fault.split('; ', 1)[0]}"


def message(bad: pl.DataFrame) -> str:
    """The first row with a fault, and how many more there are."""
    first = bad.select(*PLACE, *FAULT).row(0)
    rule = first[-1].split("; ", 1)[1] if "; " in first[-1] else "such rows cannot be used"
    more = len(bad) - 1
    others = f" {more} more row{'s' * (more > 1)} cannot be used either." * bool(more)
    return (
        f"{tell(*first)}; {rule.rstrip('.')}.{others} "
        'Or pass on_error="drop" (listed in quality.dropped) or "keep" (excludes them).'
    )
