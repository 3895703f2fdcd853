"""How polars tables look in a notebook."""

import html
import math
import sys
from typing import Any

import polars as pl

_ROWS = 20
_TEXT = 80
_WHOLE = 4000  # characters of text in a table, up to which none is cut


def show_frames() -> None:
    """Show polars tables without shape and type lines; in a notebook escaped, in six digits."""
    pl.Config.set_tbl_hide_dataframe_shape(True)
    pl.Config.set_tbl_hide_column_data_types(True)
    pl.Config.set_fmt_str_lengths(_TEXT)
    pl.Config.set_tbl_cols(20)
    pl.Config.set_tbl_rows(_ROWS)
    pl.Config.set_tbl_width_chars(120)
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        formatter = shell.display_formatter.formatters["text/html"]
        formatter.for_type(pl.DataFrame, frame_html)
        formatter.for_type(pl.Series, lambda column: frame_html(column.to_frame()))
        formatter.for_type(pl.LazyFrame, lambda frame: f"<pre>{html.escape(frame.explain())}</pre>")
        shell.display_formatter.formatters["text/plain"].for_type(pl.DataFrame, _plain)


def digits(value: float, least: float = 10_000) -> str:
    """Write a number with six significant digits; thousands are set apart from `least` on."""
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "-∞"}.get(value, "NaN")
    if value == 0 or 1e-4 <= abs(value) < 1e15:
        places = 5 - math.floor(math.log10(abs(value))) if value else 0
        comma = "," if abs(value) >= least else ""
        text = f"{round(value, places):{comma}.{max(places, 0)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.6g}"


def cell(value: Any, *, width: int = _TEXT, least: float = 10_000) -> str:
    """Write one value of a table as escaped HTML."""
    if value is None:
        return '<span style="color:#595959">–</span>'
    if isinstance(value, float):
        return digits(value, least)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return html.escape(text if len(text) <= width else text[: width - 1] + "…")


def frame_html(frame: pl.DataFrame) -> str:
    """Write a table as escaped HTML: numbers right, text left, long texts cut in large tables."""
    shown = frame.head(_ROWS)
    sides, width = [_side(dtype) for dtype in frame.dtypes], _width(shown)
    columns = [
        [_tag("td", side, cell(value, width=width, least=least)) for value in column]
        for side, column, least in zip(sides, shown, _least(shown), strict=True)
    ]
    head = "".join(
        _tag("th", side, html.escape(name)) for side, name in zip(sides, frame.columns, strict=True)
    )
    rows = [f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True)]
    more = frame.height - shown.height
    note = f"<p>{more:,} more row{'s' if more > 1 else ''}</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{note}"


def _width(frame: pl.DataFrame) -> int:
    """Choose where texts are cut: not at all, if the table holds a page or two of text."""
    texts = frame.select(pl.col(pl.String).str.len_chars().fill_null(0).sum())
    return _WHOLE if texts.height and sum(texts.row(0)) <= _WHOLE else _TEXT


def _least(frame: pl.DataFrame) -> list[float]:
    """Choose from where on thousands are set apart: alike in a table, but not in whole years."""
    floats = frame.select(pl.selectors.float().fill_nan(None).replace([math.inf, -math.inf], None))
    large = any((column.abs() >= 10_000).any() for column in floats)
    broken = [column.name for column in floats if (column % 1 != 0).any()]
    whole = [column.name for column in floats if (column.abs() >= 10_000).any()]
    return [1000 if large and n in (*broken, *whole) else 10_000 for n in frame.columns]


def _side(dtype: pl.DataType) -> str:
    if dtype == pl.String:
        return "text-align:left"
    return f"text-align:{'right' if dtype.is_numeric() else 'left'};white-space:nowrap"


def _tag(name: str, side: str, text: str) -> str:
    return f'<{name} style="{side}">{text}</{name}>'


def _plain(frame: pl.DataFrame, printer: Any, cycle: bool) -> None:
    floats = pl.selectors.float()
    with pl.Config(fmt_str_lengths=_width(frame.head(_ROWS))):
        printer.text(str(frame.with_columns(floats.round_sig_figs(6))))
