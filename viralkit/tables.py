"""The tables of the kit: a check that says what is wrong, and the quality that readers report.

A table is a long polars frame with fixed column names; `schema.py` describes each.
"""

from dataclasses import dataclass
from html import escape
from os import PathLike

import polars as pl

from viralkit.rules import rules_of
from viralkit.schema import TABLES, Family
from viralkit.wording import nearest, parse_step, printable, show, show_names, show_value

UTC_TIME = pl.Datetime("us", "UTC")


class TableError(ValueError):
    """A table is not what it should be; the message names value, rule and next step."""


def check(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """Is this frame a counts table (or another) of the kit, and if not, what is wrong?

    Parameters
    ----------
    frame : polars.DataFrame
        The frame; an empty one passes if its columns and dtypes are right.
    table : {"counts", "happenings", "events", "cascades", "edges", "clicks"}
        The table that it should be.

    Returns
    -------
    polars.DataFrame
        The frame with the same rows, order and extra columns. Times are Date, Datetime("us", "UTC")
        or Float64 (integer periods are cast); counts are integers as they came, or Float64;
        Categorical and Enum text is String, ids stay as they came (never numbers); optional
        columns of dtype Null get their real dtype.

    Raises
    ------
    TableError
        With one line per broken rule: column, row (the position, counted from 0), value, rule,
        next step, and how many more rows break it.

    Notes
    -----
    A required value may be null in one case: where the table's `excluded` column says why the row
    is not used. Dates lie in the years 1 to 9999, periods within ten million (a larger number is a
    Unix time or a date such as 20080118 that has not been parsed).

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"item": ["Charlie"], "time": [1], "count": [-5]})
    >>> check(frame, "counts")
    Traceback (most recent call last):
    ...
    viralkit.tables.TableError: column 'count', row 0 (counted from 0): -5 is negative; a count is \
zero or more. Correct the value or filter out the row.
    """
    if table not in list(TABLES):
        raise TableError(f"table {show(table)} is not known; tables: {list(TABLES)}.")
    frame = conform(require_polars(frame), table)
    rules = rules_of(frame.schema, table)
    broken = frame.lazy().select(rule.broken.any().alias(str(i)) for i, rule in enumerate(rules))
    problems = [r for r, bad in zip(rules, broken.collect().row(0), strict=True) if bad]
    if problems:
        raise TableError("\n".join(rule.describe(frame) for rule in problems))
    return frame


def require_polars(frame: object) -> pl.DataFrame:
    """Refuse what is not a polars DataFrame, in one sentence that says how to get one."""
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        raise TableError("a LazyFrame holds no rows yet; collect it: frame.collect().")
    kind = type(frame)
    if kind.__module__.split(".")[0] == "pandas":
        raise TableError(f"a pandas {kind.__name__} is not a polars frame; use pl.from_pandas(df).")
    if isinstance(frame, tuple) and any(isinstance(part, pl.DataFrame) for part in frame):
        raise TableError(
            "a reader gives two things, the table and its quality; a table is asked for here. "
            "Take them apart: counts, quality = vk.read_counts(…)."
        )
    if isinstance(frame, (str, PathLike)):
        raise TableError(f"{show(str(frame))} is not a table; read it first: vk.read_counts(…).")
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    raise TableError(f"{show(name)} is not a polars DataFrame; make one with pl.DataFrame(data).")


def conform(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """Which columns are absent or of a wrong type? Cast the others to the table's dtypes."""
    columns = TABLES[table].columns
    absent = [name for name, column in columns.items() if column.required]
    absent = [name for name in absent if name not in frame.columns]
    if absent:
        raise TableError("\n".join(absent_column(name, frame.columns, table) for name in absent))
    present = {name: column for name, column in columns.items() if name in frame.columns}
    either = TABLES[table].either
    if either and not set(either) & set(frame.columns):
        raise TableError(
            f"none of the columns {show_names(either)} found; columns: "
            f"{show_names(frame.columns)}. Rename one: frame.rename({{...: {show(either[0])}}})."
        )
    time = time_dtype(frame.schema.get("time", pl.Null()))
    wanted = {n: wanted_dtype(c.family, frame.schema[n], time) for n, c in present.items()}
    wrong = [
        wrong_dtype(frame[name], present[name].family) for name, to in wanted.items() if not to
    ]
    if wrong:
        raise TableError("\n".join(wrong))
    casts = {n: to for n, to in wanted.items() if to and to != frame.schema[n]}
    cast = frame.with_columns(pl.col(n).cast(to, strict=False) for n, to in casts.items())
    lost = [n for n in casts if cast[n].null_count() > frame[n].null_count()]
    if lost:
        raise TableError(f"column {show(lost[0])} holds times beyond the year 9999; correct them.")
    return cast


def time_dtype(dtype: pl.DataType) -> pl.DataType | None:
    """Which dtype a time column gets: Date, Datetime in UTC, Float64 periods, or None: refused."""
    if dtype == pl.Date or dtype.is_integer() or dtype.is_float():
        return pl.Date() if dtype == pl.Date else pl.Float64()
    return UTC_TIME if isinstance(dtype, pl.Datetime) and dtype.time_zone == "UTC" else None


def wanted_dtype(
    family: Family, dtype: pl.DataType, time: pl.DataType | None
) -> pl.DataType | None:
    """Which dtype a column of this family gets, or None if its present one is refused."""
    if family in ("text", "id"):
        text = dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)
        as_it_came = family == "id" and dtype != pl.Null
        return (dtype if as_it_came else pl.String()) if text else None
    if family in ("count", "number", "seconds"):
        if dtype.is_integer() and family == "count":
            return dtype
        return pl.Float64() if dtype.is_numeric() or dtype == pl.Null else None
    if family == "moment":
        return UTC_TIME if dtype == pl.Null or time_dtype(dtype) == UTC_TIME else None
    if family == "same" and dtype == pl.Null:
        return time
    found = time_dtype(dtype)
    return found if found == time else None


def wrong_dtype(column: pl.Series, family: Family) -> str:
    """What the column holds, what is allowed, and how to convert it."""
    name, dtype = show(column.name), column.dtype
    if family in ("text", "id"):
        step = f"Cast it: pl.col({name}).cast(pl.String)."
        return f"column {name} is {dtype}; allowed: text (ids are text as well). {step}"
    allowed = "Date, Datetime in UTC, or Float64 periods"
    if family == "moment":
        allowed = "Datetime in UTC"
    if family == "seconds":
        allowed = "seconds since the first event of the cascade, as a number"
        step = f"Dates stand in 'timestamp': subtract the first, .dt.total_seconds() of {name}."
    elif family in ("count", "number"):
        allowed, step = "integers or floats", f"Convert it: pl.col({name}).cast(pl.Int64)."
    elif family == "moment" and dtype.is_numeric():
        step = f'Parse Unix times: pl.from_epoch({name}).dt.replace_time_zone("UTC").'
    elif isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
        step = f'Say which zone: pl.col({name}).dt.replace_time_zone("UTC").'
    elif isinstance(dtype, pl.Datetime) and dtype.time_zone != "UTC":
        step = f'Convert it: pl.col({name}).dt.convert_time_zone("UTC").'
    elif dtype == pl.String:
        step = parse_step(column.name, next(iter(column.drop_nulls()), ""))
    elif family == "same":
        allowed, step = "the dtype of the column 'time'", "Cast one of the two."
    else:
        dates = 'pl.Datetime("us", "UTC")' if family == "moment" else "pl.Date"
        step = f"Cast it: pl.col({name}).cast({dates})."
    texts = column.drop_nulls().head(1).to_list() if dtype == pl.String else []
    found = f"holds text such as {show(texts[0])}" if texts else f"is {dtype}"
    return f"column {name} {found}; allowed: {allowed}. {step}"


def absent_column(name: str, names: list[str], table: str) -> str:
    """The required column that is not there, those that are, and which one may be meant."""
    free = [other for other in names if other not in TABLES[table].columns]
    near = nearest(name, free)
    step = f"Rename it: frame.rename({{{show(near or 'yours')}: {show(name)}}})."
    if near is None and name == "item":
        step = "Name what is counted: frame.with_columns(item=pl.lit('my app'))."
    if table == "counts":
        step = f"{step.removesuffix('.')}, or read the frame: vk.read_counts(frame, …)."
    return f"column {show(name)} not found; columns: {show_names(names)}. {step}"


@dataclass(frozen=True, eq=False)
class Quality:
    """What a reader found: `table` (check, rows, note) and the rows it could not use, `dropped`.

    `dropped` has the columns file, line, column, value and reason. `line` counts the lines of a
    text file from 1 (the header included), and the rows of anything else from 0. `cascades` is
    the table of cascades (start, label, n_reported, observed_until), where a file holds any.
    """

    table: pl.DataFrame
    dropped: pl.DataFrame
    cascades: pl.DataFrame | None = None

    def __repr__(self) -> str:
        """The checks, one a line, and the first ten dropped rows."""
        lines = ["Quality"]
        for name, rows, note in self.table.iter_rows():
            lines.append(f"  {printable(name):<44} {rows:>12,}  {printable(note or '')}".rstrip())
        for file, line, column, value, reason in self.dropped.head(10).iter_rows():
            where = f"{show(file)}, line {line}" if file else f"row {line}"
            lines.append(f"  {where}, column {show(column)}: {show_value(value)} {reason}")
        return "\n".join([*lines, *self._more("  {}")])

    def _repr_html_(self) -> str:
        """The same as two tables, every cell escaped; checks that found nothing are grey."""
        parts = ["<p><b>What was read</b></p>", _html(self.table)]
        if len(self.dropped):
            parts += ["<p><b>Rows that cannot be used</b></p>", _html(self.dropped.head(10))]
        if self.cascades is not None:
            parts.append(f"<p>Cascades: {len(self.cascades):,}, see .cascades</p>")
        return f"<div>{''.join(parts + self._more('<p>{}</p>'))}</div>"

    def _more(self, form: str) -> list[str]:
        """A last line where not all dropped rows are shown."""
        more = f"… {len(self.dropped)} dropped rows in all: see .dropped"
        return [form.format(more)] if len(self.dropped) > 10 else []


def _html(frame: pl.DataFrame) -> str:
    sides = ["right" if dtype.is_numeric() else "left" for dtype in frame.dtypes]
    head = "".join(_cell("th", side, name) for side, name in zip(sides, frame.columns, strict=True))
    rows = (
        f'<tr style="color:{"#595959" if 0 in row else "#222222"}">'
        + "".join(_cell("td", side, value) for side, value in zip(sides, row, strict=True))
        + "</tr>"
        for row in frame.iter_rows()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cell(tag: str, side: str, value: str | int | None) -> str:
    text = f"{value:,}" if isinstance(value, int) else printable(value or "")
    return f'<{tag} style="text-align:{side}">{escape(text)}</{tag}>'
