"""Dated happenings above a plot: rules with labels that never overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from viralkit.charts.parts import at, drawn, plain, rule, with_doubt
from viralkit.charts.theme import GREY, HEIGHT, WIDTH

_LEVELS = 5
_LEVEL_HEIGHT = 17
_LETTER = 6.2  # pixels, a little wide for the 12 px font
_ROOM = WIDTH + 120
_MOST = 500


@dataclass
class _Place:
    """Where a label stands: its rule, the span of its text, and its level (None: no room)."""

    rule: float
    left: float
    right: float
    level: int | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Where rule and text together begin and end."""
        return min(self.left, self.rule), max(self.right, self.rule)

    def meets(self, other: "_Place", level: int) -> bool:
        """Tell whether at this level the labels touch, or the rule of one meets the other."""
        if other.level is None:
            return False
        if level == other.level:
            return self.ends[0] < other.ends[1] and other.ends[0] < self.ends[1]
        low, high = (self, other) if level < other.level else (other, self)
        return low.left - 2 < high.rule < low.right + 2


def place(happenings: pl.DataFrame, domain: Sequence[Any]) -> tuple[pl.DataFrame, str]:
    """Find a place for each label: rows with text, level and side, and what was left out."""
    inside = happenings.filter(pl.col("time").is_between(*domain)).sort("time").tail(_MOST)
    first, last = pl.Series(domain).cast(inside["time"].dtype).to_physical().cast(pl.Float64)
    rules = (inside["time"].to_physical() - first) / (last - first) * WIDTH
    texts = [plain(text) for text in inside["label"]]
    places = [_beside(at, text) for at, text in zip(rules, texts, strict=True)]
    _settle(places)
    placed = inside.with_columns(
        pl.Series("text", texts, pl.String),
        pl.Series("level", [p.level for p in places], pl.Int64),
        pl.Series("side", ["left" if p.right < p.rule else "right" for p in places], pl.String),
    )
    return placed, _note(happenings.height, inside.height, placed["level"].count())


def _beside(rule: float, text: str) -> _Place:
    width = 8 + _LETTER * len(text)
    if rule + width > _ROOM:
        return _Place(rule, rule - width, rule - 2)
    return _Place(rule, rule + 2, rule + width)


def _settle(places: list[_Place]) -> None:
    """Stack labels left of their rules from the first on, those on the right from the last."""
    lefts = [p for p in places if p.right < p.rule]
    rights = [p for p in places if p.right > p.rule]
    for label in [*lefts, *reversed(rights)]:
        free = (n for n in range(_LEVELS) if not any(label.meets(p, n) for p in places))
        label.level = next(free, None)


def _note(given: int, inside: int, named: int) -> str:
    if named == given:
        return ""
    outside = f", {given - inside} outside the period" if given > inside else ""
    stubs = " (short lines: the others)" if named < inside else ""
    return f"{named} of {given} happenings named{stubs}{outside}"


def happenings_layers(placed: pl.DataFrame, x: alt.X, domain: Sequence[Any]) -> list[alt.Chart]:
    """Draw the placed happenings: a rule each, its name on top, doubt about its date as a bar."""
    height = -8.0 - _LEVEL_HEIGHT * pl.col("level")
    rows = with_doubt(placed).select(
        "time",
        "text",
        "side",
        pl.col("lower", "upper").clip(*domain),
        named=pl.col("level").is_not_null(),
        top=height.fill_null(0.0),
        bottom=pl.when(height.is_not_null()).then(float(HEIGHT)).otherwise(8.0),
        happening=pl.Series([plain(label, 200) for label in placed["label"]], dtype=pl.String),
    )
    named = rows.filter("named").drop("named")
    texts = [_texts(named.filter(side=side), x, side) for side in ("left", "right")]
    doubt = named.filter(pl.col("lower") < pl.col("upper")).with_columns(pl.col("top") + 7)
    bars = alt.Chart(drawn(doubt)).mark_rule(color=GREY, opacity=0.6)
    bars = bars.encode(at(x, "lower"), _height("top"), x2="upper")
    rules = alt.Chart(drawn(rows.select("time", "top", "bottom", "happening")))
    tip = alt.Tooltip("happening:N", title="happening")
    rules = rules.mark_rule(**rule()).encode(x, _height("top"), y2="bottom", tooltip=tip)
    return [rules, *(layer for layer in [*texts, bars] if not layer.data.is_empty())]


def _height(field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", scale=None, axis=None)


def _texts(rows: pl.DataFrame, x: alt.X, side: str) -> alt.Chart:
    looks = {"left": {"align": "right", "dx": -4}, "right": {"align": "left", "dx": 4}}[side]
    text = alt.Chart(drawn(rows.select("time", "top", "text")))
    text = text.mark_text(baseline="middle", fontSize=12, color=GREY, **looks)
    chart: alt.Chart = text.encode(x, _height("top"), text="text:N")
    return chart
