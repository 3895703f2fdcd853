"""The frame of every explorer: controls and result on the left, chart on the right, code below."""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import ipywidgets
import polars as pl

from viralkit.charts.display import cell
from viralkit.charts.parts import short
from viralkit.charts.render import bundle, ensure
from viralkit.explorers.live import LiveChart

WIDTH = 450
HEIGHT = 330
_LEFT = "322px"
_CODE = "margin:0;word-break:normal;overflow-wrap:break-word;white-space:pre-wrap"
AnyChart = alt.LayerChart | alt.VConcatChart


@dataclass
class State:
    """What an explorer shows at one setting: table, chart parameters, code, and a sentence.

    `shown` names the columns of the table that have room beside the chart; `lasting` are chart
    parameters that most moves leave alone.
    """

    table: pl.DataFrame
    params: dict[str, Any]
    code: str
    sentence: str
    shown: tuple[str, ...]
    lasting: dict[str, Any] = field(default_factory=dict)


class Explorer(ipywidgets.VBox):  # type: ignore[misc]
    """Move a control, see the chart, the table and the code change.

    Attributes
    ----------
    table : polars.DataFrame
        The result at the present setting.
    chart : LiveChart
        The live chart: its Vega-Lite `spec`, the `values` of its parameters, and `text`, what is
        told to screen readers.
    code : str
        The line of Python that gives the same.

    Each control is an attribute of its own name.
    """

    table: pl.DataFrame
    code: str

    def __init__(
        self,
        controls: Mapping[str, Any],
        chart: AnyChart,
        state: Callable[[], State],
        buttons: Mapping[str, Any] | None = None,
    ) -> None:
        ensure()
        self._state = state
        self._silent = False
        self._result, self._line = ipywidgets.HTML(), ipywidgets.HTML()
        first = state()
        self.code = first.code
        values = {**first.lasting, **first.params}
        chart.params = [alt.VariableParameter(name=n, value=v) for n, v in values.items()]
        self.chart = LiveChart(chart.to_dict())
        for name, control in {**controls, **(buttons or {})}.items():
            setattr(self, name, control)
        for control in controls.values():
            control.observe(self._changed, "value")
        super().__init__(_arranged(self, list(controls.values()), list((buttons or {}).values())))
        self.add_class("viralkit-explorer")
        self.layout.max_width = "920px"
        self._show()

    def _changed(self, change: Any) -> None:
        if not self._silent:
            self._show()

    def set_together(self, values: Mapping[str, Any]) -> None:
        """Set several controls at once, with one change of chart, table and code."""
        self._silent = True
        try:
            for name, value in values.items():
                getattr(self, name).value = value
        finally:
            self._silent = False
        self._show()

    def _show(self) -> None:
        state = self._state()
        self.table, self.code = state.table, state.code
        self._result.value = table_html(state.table.select(state.shown))
        self._line.value = f'<pre style="{_CODE}">{html.escape(state.code)}</pre>'
        self.chart.show(state.params, state.lasting, state.sentence)

    def current_spec(self) -> dict[str, Any]:
        """Return the chart's Vega-Lite as it stands now, for `save` and for viewers."""
        chart = self.chart
        values = {**chart.lasting, **chart.values}
        params = [{"name": name, "value": value} for name, value in values.items()]
        return {**chart.spec, "params": params, "description": chart.text}

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = bundle(self.current_spec(), 1)
        return {**super()._repr_mimebundle_(**kwargs), **data}, metadata


def literal(time: Any) -> str:
    """Write a time as Python code, with `from datetime import date, datetime` in mind."""
    return repr(time).removeprefix("datetime.").replace("datetime.timezone.utc", "UTC")


def live_title(subtitle: Sequence[str]) -> alt.Title:
    """Build a title that follows the parameter `finding`."""
    return alt.Title(alt.expr("finding"), subtitle=list(subtitle))


def end_names(colours: Sequence[str]) -> alt.Chart:
    """Name lines right of the plot; texts and places are the parameters `names`, `heights`."""
    rows = pl.DataFrame({"i": range(len(colours)), "colour": list(colours)})
    chart: alt.Chart = (
        alt.Chart(rows)
        .transform_calculate(name="names[datum.i]", height="heights[datum.i]")
        .mark_text(align="left", dx=8, fontWeight="bold")
        .encode(
            x=alt.value(WIDTH),
            y=alt.Y("height:Q", scale=None),
            text="name:N",
            color=alt.Color("colour:N", scale=None),
        )
    )
    return chart


def _arranged(ui: Explorer, controls: list[Any], buttons: list[Any]) -> list[Any]:
    for control in controls:
        control.layout.width = "312px"
        if isinstance(control, ipywidgets.Dropdown):
            control.style.description_width = "116px"
    row = [ipywidgets.HBox(buttons)] if buttons else []
    given = re.search(r"\b(counts|events)\b", ui.code)
    same = (
        f"The same in code; {given[1]} is the table that you passed"
        if given
        else "The same in code"
    )
    settings, result, code = (_heading(text) for text in ("Settings", "Result", same))
    left = ipywidgets.VBox([settings, *controls, *row, result, ui._result])
    left.layout = ipywidgets.Layout(width=_LEFT, flex="0 0 auto")
    right = ipywidgets.Box([ui.chart], layout=ipywidgets.Layout(overflow="visible"))
    both = ipywidgets.HBox([left, right], layout=ipywidgets.Layout(flex_flow="row wrap"))
    return [both, code, ui._line]


def _heading(text: str) -> ipywidgets.HTML:
    return ipywidgets.HTML(f'<b style="font-size:14px;color:#222222">{html.escape(text)}</b>')


def table_html(table: pl.DataFrame) -> str:
    """Write the result table as escaped HTML: text left, numbers right."""
    sides = ["right" if dtype.is_numeric() else "left" for dtype in table.dtypes]
    names = (html.escape(name.replace("_", " ")) for name in table.columns)
    rows = ((_number(value) for value in row) for row in table.iter_rows())
    body = "".join(f"<tr>{_cells('td', sides, row)}</tr>" for row in rows)
    looks = "line-height:22px;font-size:13px;color:#222222;border-collapse:collapse"
    return (
        f'<table style="{looks}"><thead><tr style="border-bottom:1px solid #888888">'
        f"{_cells('th', sides, names)}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cells(tag: str, sides: Sequence[str], texts: Iterable[str]) -> str:
    looks = "padding:0 8px 0 0;white-space:nowrap;text-align"
    pairs = zip(sides, texts, strict=True)
    return "".join(f'<{tag} style="{looks}:{side}">{text}</{tag}>' for side, text in pairs)


def _number(value: Any) -> str:
    return short(value) if isinstance(value, float) else cell(value)
