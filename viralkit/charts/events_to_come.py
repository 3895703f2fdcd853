"""The events of one cascade that are still to come, as a Hawkes fit foresees them."""

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from viralkit.charts.cascades_layout import one_cascade, span_unit, used_events
from viralkit.charts.fits import curve_layers
from viralkit.charts.hawkes import cascade_name, seen_steps
from viralkit.charts.parts import (
    count_axis,
    count_domain,
    drawn,
    end_labels,
    pixels,
    rounded,
    short,
    titled,
)
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, INK
from viralkit.tables import TableError

_REACH = 3.0  # how many times counts and forecast the interval may widen the plot


def events_to_come(
    fit: Any, until: float, actual: pl.DataFrame | None, alpha: float, title: str | None
) -> alt.LayerChart:
    """How many events will there have been by each time up to `until`?"""
    stream = fit.model.stream
    now, end = len(stream), float(stream.until[0])
    start = pl.DataFrame(
        {"time": end, "mean": float(now), "lower": float(now), "upper": float(now)}
    )
    curve = pl.concat([start, fit.forecast(until, alpha)])
    known, came = _steps(stream.time, 0, (0.0, end)), None
    if actual is not None:
        times = finished(stream.names[0], actual)["time"].sort()
        later = times.filter((times > end) & (times <= until))
        came = _steps(later.to_numpy(), now, (end, float(until)))
    percent = f"{100 * (1 - alpha):.4g} % prediction interval"
    unit, seconds = span_unit(float(until))
    known_until = f"{short(end / seconds)} {unit}{'s' * (end != seconds)}"
    lines = [f"Events so far; known until {known_until}; band: {percent}"]
    lines += [] if came is None else [_last(curve, now + len(later))]
    x = since_start(until / seconds, "", unit)
    layers = _paths(curve, known, came, seconds, x)
    verb = "does" if came is None else "did"
    question = f"How many events {verb} a Hawkes model foresee for {cascade_name(stream.names[0])}?"
    return titled(alt.layer(*layers), title or question, lines, " ".join([question, *lines]))


def finished(name: str, actual: pl.DataFrame) -> pl.DataFrame:
    """Return the events of the finished cascade, in order."""
    used, _ = used_events(actual)
    if name != "series":
        return one_cascade(used, name)
    names = used["cascade_id"].cast(pl.String).unique(maintain_order=True)
    if len(names) > 1:
        raise TableError(
            f"actual holds {len(names):,} cascades, and the fit is of plain times. Filter it by "
            "cascade_id."
        )
    return one_cascade(used, names[0])


def since_start(end: float, what: str, unit: str) -> alt.X:
    """Build a linear axis of times since the start."""
    title = f"{what}{unit}s since the start"
    scale = alt.Scale(domain=[0.0, rounded(end or 1.0)], nice=False)
    return alt.X("time:Q", title=title[0].upper() + title[1:], scale=scale)


def _steps(time: Any, before: int, span: tuple[float, float]) -> pl.DataFrame:
    """Return the number of events so far as steps within a span."""
    steps = seen_steps(time, span[1])
    return steps.with_columns(pl.col("time").clip(span[0]), pl.col("count") + before)


def _last(curve: pl.DataFrame, count: int) -> str:
    """Say whether the last count lies in the interval."""
    low, high = (float(curve[end][-1]) for end in ("lower", "upper"))
    place = "inside" if low <= count <= high else "outside"
    return f"{count:,} events came, {place} the interval at the end ({short(low)} to {short(high)})"


def _paths(
    curve: pl.DataFrame, known: pl.DataFrame, came: pl.DataFrame | None, seconds: float, x: alt.X
) -> list[alt.Chart]:
    """Draw what was known, what is foreseen and what came, up to a reach."""
    told = [("foreseen", curve, "mean", BLUE_TEXT), ("came", came, "count", INK)]
    ends = {name: (float(f[c][-1]), colour) for name, f, c, colour in told if f is not None}
    top = max([*(end for end, _ in ends.values() if end < np.inf), float(known["count"][-1])])
    highest = min(float(curve["upper"].max()), _REACH * top)  # type: ignore[arg-type]
    domain = count_domain(pl.Series([top, highest]))
    shown = curve.with_columns(pl.col("time") / seconds)
    layers = [*curve_layers(shown, x, domain, BLUE)]
    for steps, colour in ((known, GREY), (came, INK)):
        if steps is not None:
            path = alt.Chart(drawn(steps.with_columns(pl.col("time") / seconds)))
            path = path.mark_line(interpolate="step-after", color=colour, strokeWidth=1.5)
            layers.append(path.encode(x, count_axis(domain)))
    names = [f"{name} {short(end)}" for name, (end, _) in ends.items()]
    heights = [pixels(end, domain) for end, _ in ends.values()]
    last = pl.concat([shown["time"].tail(1)] * len(ends))
    colours = [colour for _, colour in ends.values()]
    return [*layers, end_labels(last, names, heights, colours, x=x)[1]]
