"""Colours, sizes and fonts of every chart."""

from typing import Any

import altair as alt

WIDTH = 620
HEIGHT = 320
MAX_ROWS = 5000

BLUE, ORANGE, GREEN, PINK = MARKS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
BLUE_TEXT, ORANGE_TEXT, GREEN_TEXT, PINK_TEXT = TEXTS = ("#0072B2", "#B34700", "#007A59", "#A8487F")
INK, GREY = "#222222", "#595959"
FONT = "Arial, Helvetica, sans-serif"


def _axis() -> dict[str, Any]:
    return {
        "labelFont": FONT,
        "labelFontSize": 13,
        "labelColor": GREY,
        "titleFont": FONT,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "titleColor": INK,
        "titlePadding": 8,
        "domainColor": "#888888",
        "tickColor": "#888888",
        "gridColor": "#e3e3e3",
        "labelSeparation": 10,
    }


def _title() -> dict[str, Any]:
    return {
        "anchor": "start",
        "font": FONT,
        "fontSize": 18,
        "fontWeight": "bold",
        "color": INK,
        "subtitleFont": FONT,
        "subtitleFontSize": 14,
        "subtitleColor": GREY,
        "subtitlePadding": 6,
        "subtitleLineHeight": 18,
        "offset": 14,
    }


def config() -> dict[str, Any]:
    """Return the Vega-Lite config shared by all charts."""
    return {
        "background": "white",
        "font": FONT,
        "view": {"stroke": None, "continuousWidth": WIDTH, "continuousHeight": HEIGHT},
        "title": _title(),
        "axis": _axis(),
        "axisX": {"grid": False, "tickCount": 6},
        "axisY": {"domain": False, "ticks": False, "tickCount": 5, "labelPadding": 6},
        "text": {"font": FONT, "fontSize": 13, "color": INK},
        "range": {"category": list(MARKS)},
    }


def enable_theme() -> None:
    """Make these colours the default of every chart, unless another theme was chosen."""
    if alt.theme.active == "default":
        alt.theme.enable("viralkit")


@alt.theme.register("viralkit", enable=False)
def _theme() -> alt.theme.ThemeConfig:
    return {"config": config()}  # type: ignore[typeddict-item]
