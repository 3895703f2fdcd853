"""Pick a cascade and move through time: its tree, size, depth and virality as they grow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt
import ipywidgets
import numpy as np
import polars as pl

from viralkit.cascades.measure import cascade_table
from viralkit.charts.cascades import COLOURS, point_size, summed_note
from viralkit.charts.cascades_layout import (
    UNIT_SIGNS,
    largest,
    one_cascade,
    span_unit,
    tree,
    used_events,
)
from viralkit.charts.parts import plain, rounded, rule, spread
from viralkit.charts.theme import BLUE_TEXT, GREY, INK, ORANGE_TEXT
from viralkit.explorers.box import WIDTH, Explorer, State, end_names, live_title
from viralkit.explorers.sliders import TimeSlider

_TOP, _BOTTOM = 240, 70
_MOST = 200  # cascades to choose from
_GRID, _ROWS = 40, 2_000_000
_LATER = "#d9d9d9"
_TEXTS = (BLUE_TEXT, ORANGE_TEXT)
_MEASURES = {
    "seconds": "seconds",
    "events": "size",
    "generations": "depth",
    "largest generation": "max_breadth",
    "from the root, %": "broadcast_share",
    "structural virality": "structural_virality",
}


def explore_cascade(events: pl.DataFrame) -> Explorer:
    """How did a cascade grow: from one to many, or from one to the next?

    Parameters
    ----------
    events : polars.DataFrame
        An events table; rows with a reason in `excluded` are left out.

    Returns
    -------
    Explorer
        ``ui.cascade`` (the 200 largest, the largest first); ``ui.time`` (seconds since its first
        event; half of the events have come by then at first); ``ui.table``: quantity, now, whole;
        ``ui.chart`` (at most 2,000 marks: see `cascade_chart`); ``ui.code``.

    Raises
    ------
    TableError
        If the table breaks its rules, no event is in use, or the cascade chosen is no forest.

    Notes
    -----
    "Star" is the structural virality 2 - 2/n of n events that all came straight from the root: the
    least that a cascade of that size can have.

    Examples
    --------
    >>> import viralkit as vk
    >>> ui = vk.explore_cascade(vk.simulate_cascades(0.9, n_cascades=50, seed=3))
    >>> ui.time.value = 0.0
    >>> ui.table["now"].to_list()[:3]
    [0.0, 1.0, 0.0]
    """
    growth = _Growth(used_events(events)[0])
    controls = {"cascade": growth.cascade, "time": growth.time}
    return Explorer(controls, _chart(), growth.state)


@dataclass(frozen=True)
class _Tree:
    """One cascade: its events, what it came to, and what its chart needs at any time."""

    name: str
    rows: pl.DataFrame
    whole: dict[str, Any]
    unit: str
    seconds: float
    lasting: dict[str, Any]

    @property
    def ends(self) -> tuple[float, float]:
        """The first and the last time."""
        return float(self.rows["time"][0]), float(self.rows["time"][-1])


class _Growth:
    """All cascades, of which one is shown as it was at a time."""

    def __init__(self, events: pl.DataFrame) -> None:
        self.events = events
        self.tree = cache(self._tree)
        sizes = largest(events, _MOST)
        self.cascade = ipywidgets.Dropdown(
            options=[(f"{plain(name, 24)} ({size:,})", name) for name, size in sizes.rows()],
            description="Cascade",
        )
        self.time = TimeSlider(0.0, (0.0, 1.0), description="Time")
        self.cascade.observe(self._begin, "value")
        self._begin()

    def _tree(self, name: str) -> _Tree:
        rows = one_cascade(self.events, name)
        first, last = float(rows["time"][0]), float(rows["time"][-1])
        unit, seconds = span_unit(last - first)
        whole = cascade_table(rows).row(0, named=True)
        lasting = {**_marks(rows, seconds), **_path(rows, seconds), "unit": f" {UNIT_SIGNS[unit]}"}
        pad = (last - first or 1.0) / 60
        ends = (first - pad, max(last, first + 1.0) + pad)
        lasting["ends"] = [rounded(end / seconds) for end in ends]
        return _Tree(name, rows, whole, unit, seconds, lasting)

    def _begin(self, _: Any = None) -> None:
        """Show another cascade when half of its events have come."""
        tree = self.tree(self.cascade.value)
        self.time.show_span(tree.ends, float(tree.rows["time"][(tree.rows.height - 1) // 2]))

    def state(self) -> State:
        """Read the controls; tell what had come by then, and what came in all."""
        tree, time = self.tree(self.cascade.value), self.time.value
        come = tree.rows.head(tree.rows["time"].search_sorted(time, "right"))
        now = cascade_table(come).row(0, named=True)
        table = _table({**now, "seconds": time}, {**tree.whole, "seconds": tree.ends[1]})
        when = self.time.text_of(time)
        deep = f"{now['depth']} generation{'s' * (now['depth'] != 1)} deep"
        finding = (
            f"{now['size']:,} of {tree.whole['size']:,} events after {when}, "
            f"{deep if now['roots'] else 'no parents known'}"
        )
        params = {
            "now": rounded(time / tree.seconds),
            "virality": rounded(now["structural_virality"] or 0.0),
            **_names(tree, now),
            "finding": finding,
        }
        told = f"{plain(tree.name)}: {finding}; structural virality {params['virality']:.3g}"
        shown = ("quantity", "now", "whole")
        return State(table, params, _code(tree.name, time), told, shown, tree.lasting)


def _table(now: dict[str, Any], whole: dict[str, Any]) -> pl.DataFrame:
    def column(found: dict[str, Any]) -> list[float | None]:
        share = found["broadcast_share"]
        found = {**found, "broadcast_share": None if share is None else 100 * share}
        star = 2 - 2 / found["size"] if found["size"] > 1 else None
        return [*(found[name] for name in _MEASURES.values()), star]

    names = [*_MEASURES, "virality of a star"]
    columns = {"quantity": names, "now": column(now), "whole": column(whole)}
    return pl.DataFrame(columns, schema_overrides={"now": pl.Float64, "whole": pl.Float64})


def _code(name: str, time: float) -> str:
    return (
        f"vk.cascade_table(events.filter(pl.col('cascade_id') == {name!r}, "
        f"pl.col('time') <= {time!r}))"
    )


def _marks(rows: pl.DataFrame, seconds: float) -> dict[str, Any]:
    """List the places and looks of the marks, one list for each quantity."""
    marks = tree(rows, "time")
    most = float(marks["count"].max())  # type: ignore[arg-type]
    area = pl.when(pl.col("event_id").is_null()).then(14 + 600 * pl.col("count") / most)
    found = marks.select(
        x=pl.col("x") / seconds,
        y="y",
        px=pl.col("parent_x") / seconds,
        py="parent_y",
        step=pl.col("generation").clip(0, 2),
        area=area.otherwise(point_size(marks.height)),
        hollow=pl.col("event_id").is_null().cast(pl.Int8),
    )
    found = found.with_columns(pl.selectors.float().round_sig_figs(6))
    lists = {name: found[name].to_list() for name in found.columns}
    return {**lists, "note": summed_note(marks)}


def _path(rows: pl.DataFrame, seconds: float) -> dict[str, Any]:
    """Measure the structural virality at evenly spaced times, beside a star of the same size."""
    steps = min(_GRID, max(4, _ROWS // rows.height))
    times = np.linspace(rows["time"][0], rows["time"][-1], steps + 1)
    ends = rows["time"].search_sorted(pl.Series(times), "right")
    parts = [rows.head(end).with_columns(cascade_id=pl.lit(str(i))) for i, end in enumerate(ends)]
    found = cascade_table(pl.concat(parts))
    lines = {
        "path": found["structural_virality"].fill_null(0.0),
        "star": 2 - 2 / found["size"],
        "times": pl.Series(times / seconds),
    }
    lists = {name: [rounded(v) for v in line] for name, line in lines.items()}
    return {**lists, "top": rounded(1.15 * max(*lists["path"], *lists["star"], 1.0))}


def _names(tree: _Tree, now: dict[str, Any]) -> dict[str, Any]:
    """Say how many came from the root and how many were passed on, beside where they stand."""
    linked = now["size"] - (now["roots"] or now["size"])
    direct = round((now["broadcast_share"] or 0.0) * linked)
    heights = [_TOP * _middle(tree.lasting, step) for step in (1, 2)]
    return {
        "names": [f"{direct:,} direct", f"{linked - direct:,} passed"],
        "heights": [rounded(height) for height in spread(heights, _TOP)],
    }


def _middle(lasting: dict[str, Any], step: int) -> float:
    places = [y for y, s in zip(lasting["y"], lasting["step"], strict=True) if s == step]
    return math.fsum(places) / len(places) if places else 0.5


def _chart() -> alt.VConcatChart:
    """Draw the tree above, the path of its structural virality below."""
    subtitle = [
        "Blue: straight from the root; orange: passed on; grey: still to come",
        "Below: structural virality so far; dashed: a star of the same size",
    ]
    room: Any = {"left": 5, "top": 5, "bottom": 5, "right": 24}  # for longer numbers
    return alt.vconcat(
        _tree_chart(), _path_chart(), title=live_title(subtitle), spacing=8, padding=room
    )


def _x(title: str | None) -> alt.X:
    ends: list[Any] = [alt.expr("ends[0]"), alt.expr("ends[1]")]
    label = "datum.label + unit" if title else "''"
    axis = alt.Axis(labelExpr=label, tickCount=5, title=title)
    return alt.X("x:Q", axis=axis, scale=alt.Scale(domain=ends, nice=False))


def _now() -> alt.Chart:
    return alt.Chart(pl.DataFrame({"i": [0]})).transform_calculate(x="now", y="virality")


def _tree_chart() -> alt.LayerChart:
    """Draw each mark in one of two layers, so that a move touches only those that change sides."""
    base = alt.Chart(alt.sequence(0, 1000, as_="i")).transform_filter("datum.i < length(x)")
    for name in ("x", "y", "px", "py", "step", "area", "hollow"):
        base = base.transform_calculate(**{name: f"{name}[datum.i]"})
    x = _x(None)
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[1.02, -0.02], nice=False))
    layers: list[alt.Chart] = []
    for side, link, palette in (
        ("datum.x > now", "#ececec", (_LATER,) * 3),
        ("datum.x <= now", "#b5b5b5", COLOURS),
    ):
        part = base.transform_filter(side)
        linked = part.transform_filter("isValid(datum.px)").mark_rule(color=link, strokeWidth=1)
        layers = [linked.encode(x, y, alt.X2("px"), alt.Y2("py")), *layers]
        layers.append(_points(part, palette).encode(x, y))
    note = _now().transform_calculate(note="note").mark_text(align="right", color=GREY, fontSize=13)
    note = note.encode(x=alt.value(WIDTH), y=alt.value(_TOP + 18), text="note:N")
    layers += [_now().mark_rule(**rule()).encode(x), note, end_names(_TEXTS)]
    return alt.layer(*layers).properties(width=WIDTH, height=_TOP)


def _points(part: alt.Chart, palette: Sequence[str]) -> alt.Chart:
    """Draw events as dots and summaries as hollow circles."""
    colour = f"[{', '.join(map(repr, palette))}][datum.step]"
    looks = part.transform_calculate(colour=colour).transform_calculate(
        inside="datum.hollow ? 'rgba(255, 255, 255, 0.4)' : datum.colour"
    )
    points: alt.Chart = looks.mark_point(opacity=1, strokeWidth=1).encode(
        size=alt.Size("area:Q", scale=None),
        stroke=alt.Stroke("colour:N", scale=None),
        fill=alt.Fill("inside:N", scale=None),
    )
    return points


def _path_chart() -> alt.LayerChart:
    base = alt.Chart(alt.sequence(0, _GRID + 1, as_="i")).transform_filter(
        "datum.i < length(times)"
    )
    base = base.transform_calculate(x="times[datum.i]", y="path[datum.i]", star="star[datum.i]")
    x = _x("Time since the first event")
    domain: list[Any] = [0, alt.expr("top")]
    y = alt.Y("y:Q", title=None, axis=alt.Axis(tickCount=3), scale=alt.Scale(domain=domain))
    star = base.encode(x, alt.Y("star:Q", title=None))
    come = base.transform_calculate(
        x="min(times[datum.i], now)", y="times[datum.i] <= now ? path[datum.i] : virality"
    )
    return alt.layer(
        star.mark_line(color=GREY, strokeDash=[4, 3], strokeWidth=1.5),
        base.mark_line(color=_LATER, strokeWidth=2).encode(x, y),
        come.mark_line(color=INK, strokeWidth=2).encode(x, y),
        _now().mark_rule(**rule()).encode(x),
        _now().mark_circle(color=INK, size=60, opacity=1).encode(x, y),
    ).properties(width=WIDTH, height=_BOTTOM)
