"""How polars tables look in a notebook."""

import html
import math
import sys
from typing import Any

import polars as pl

_ROWS = 20
_TEXT = 80


def show_frames() -> None:
    """Show polars tables with six significant digits, without shape and type lines, escaped."""
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


def digits(value: float) -> str:
    """Write a number with six significant digits; thousands are set apart from 10,000 on."""
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "-∞"}.get(value, "NaN")
    if value == 0 or 1e-4 <= abs(value) < 1e15:
        places = 5 - math.floor(math.log10(abs(value))) if value else 0
        comma = "," if abs(value) >= 10_000 else ""
        text = f"{round(value, places):{comma}.{max(places, 0)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.6g}"


def cell(value: Any) -> str:
    """Write one value of a table as escaped HTML."""
    if value is None:
        return '<span style="color:#595959">–</span>'
    if isinstance(value, float):
        return digits(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return html.escape(text if len(text) <= _TEXT else text[: _TEXT - 1] + "…")


def frame_html(frame: pl.DataFrame) -> str:
    """Write a table as escaped HTML: numbers right, text left."""
    sides = [_side(dtype) for dtype in frame.dtypes]
    head = "".join(
        _tag("th", side, html.escape(name)) for side, name in zip(sides, frame.columns, strict=True)
    )
    rows = [
        "<tr>" + "".join(_tag("td", s, cell(v)) for s, v in zip(sides, row, strict=True)) + "</tr>"
        for row in frame.head(_ROWS).iter_rows()
    ]
    more = frame.height - len(rows)
    note = f"<p>{more:,} more row{'s' if more > 1 else ''}</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{note}"


def _side(dtype: pl.DataType) -> str:
    if dtype == pl.String:
        return "text-align:left"
    return f"text-align:{'right' if dtype.is_numeric() else 'left'};white-space:nowrap"


def _tag(name: str, side: str, text: str) -> str:
    return f'<{name} style="{side}">{text}</{name}>'


def _plain(frame: pl.DataFrame, printer: Any, cycle: bool) -> None:
    floats = pl.selectors.float()
    printer.text(str(frame.with_columns(floats.round_sig_figs(6))))
