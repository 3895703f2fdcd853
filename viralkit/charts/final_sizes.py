"""Forecasts of one cascade: its final size by the time of forecast, and its events to come."""

import json
from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from viralkit.charts.cascades_layout import span_unit
from viralkit.charts.events_to_come import events_to_come, finished, since_start
from viralkit.charts.hawkes import cascade_name
from viralkit.charts.parts import (
    Scale,
    count_axis,
    count_domain,
    drawn,
    end_labels,
    pixels,
    rounded,
    rule,
    short,
    titled,
)
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, INK
from viralkit.wording import show

_FAR = 20.0  # ratio of the largest to the smallest value from which an axis is logarithmic
_REACH = 3.0  # how many times sizes and forecasts the ends of intervals may widen the plot
_MOST = 1000  # times of forecast that are drawn
_TICKS = {"s": (1, 3, 10, 30), "min": (1, 3, 10, 30), "h": (1, 3, 6), "d": (1, 3, 7, 30, 90)}
_LENGTHS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def final_size_chart(
    fits: Sequence[Any],
    until: Any,
    actual: pl.DataFrame | None,
    *,
    alpha: float,
    title: str | None,
) -> alt.LayerChart:
    """How big will the cascade get, as judged at each time of forecast?"""
    odd = [type(fit).__name__ for fit in fits if type(fit) is not type(fits[0])]
    if odd:
        raise TypeError(
            f"{type(fits[0]).__name__} and {show(odd[0])} in one chart; allowed: fits of one "
            "model. Draw a chart for each."
        )
    if until is not None:
        return events_to_come(_only(fits, until), until, actual, alpha, title)
    name, rows = _estimates(fits, alpha)
    truth = None if actual is None else finished(name, actual).height
    rows, x = _on_axis(rows)
    few = rows.gather_every(-(-rows.height // _MOST))
    model, kind = _names(fits[0])
    question = f"How big will {cascade_name(name)} get, says {model}?"
    if truth is not None:
        question = f"How big did {model} say that {cascade_name(name)} would get?"
    mark = "band" if rows["forecast"].count() > 1 else "bar"
    what = f"Events; blue: final size foreseen by then; {mark}: {100 * (1 - alpha):.4g} % {kind}"
    lines = [what, *_notes(rows, truth)]
    words = " ".join([question, *lines])
    return titled(alt.layer(*_layers(few, truth, x)), title or question, lines, words)


def _only(fits: Sequence[Any], until: Any) -> Any:
    """Return the one Hawkes fit whose events to come are drawn."""
    if len(fits) == 1 and hasattr(fits[0], "forecast"):
        return fits[0]
    raise ValueError(
        f"until={show(until)}; a final size has no last time, and events to come are drawn of one "
        "Hawkes fit. Leave until out, or pass one such fit."
    )


def _names(fit: Any) -> tuple[str, str]:
    """Name the model, and what its intervals are."""
    if hasattr(fit, "estimates"):
        return "SEISMIC", "interval as published"
    return "a Hawkes model", "prediction interval"


def _estimates(fits: Sequence[Any], alpha: float) -> tuple[str, pl.DataFrame]:
    """Return the cascade's name and, at each time: size so far, forecast, lower, upper."""
    parts = [_seismic(f, alpha) if hasattr(f, "estimates") else _hawkes(f, alpha) for f in fits]
    found = pl.concat(parts).sort("time", maintain_order=True)
    names = found["cascade_id"].unique(maintain_order=True)
    if len(names) > 1:
        raise ValueError(
            f"forecasts of {len(names):,} cascades; this chart draws one. Filter the events by "
            "cascade_id before the fit."
        )
    wrong = found.filter(pl.col("time").is_duplicated() | pl.col("time").is_infinite())
    if wrong.height:
        raise ValueError(
            f"time of forecast {short(wrong['time'][0])}; allowed: finite times, each once. Fit "
            "the events up to each of several times, with observed_until= that time."
        )
    return names[0], found.drop("cascade_id")


def _seismic(results: Any, alpha: float) -> pl.DataFrame:
    return results.frame(alpha).select(  # type: ignore[no-any-return]
        pl.col("cascade_id").cast(pl.String),
        "time",
        pl.col("size").cast(pl.Float64),
        forecast="final_size",
        lower="final_size_lower",
        upper="final_size_upper",
    )


def _hawkes(results: Any, alpha: float) -> pl.DataFrame:
    stream, found = results.model.stream, results.final_size(alpha)
    return found.select(  # type: ignore[no-any-return]
        cascade_id=pl.lit(stream.names[0]),
        time=pl.lit(float(stream.until[0])),
        size=pl.col("observed").cast(pl.Float64),
        forecast="median",
        lower="lower",
        upper="upper",
    )


def _on_axis(rows: pl.DataFrame) -> tuple[pl.DataFrame, alt.X]:
    """Build the axis of times of forecast: logarithmic, in seconds, where they lie far apart."""
    low, high = float(rows["time"][0]), float(rows["time"][-1])
    if not 0 < _FAR * low < high:
        unit, seconds = span_unit(high)
        end = high / seconds * (1.25 if rows.height == 1 else 1.0)
        x = since_start(end, "Time of forecast, ", unit)
        return rows.with_columns(pl.col("time") / seconds), x
    ticks = {n * _LENGTHS[unit]: f"{n} {unit}" for unit, many in _TICKS.items() for n in many}
    axis = alt.Axis(values=list(ticks), labelExpr=f"({json.dumps(ticks)})[datum.value]")
    scale = alt.Scale(type="log", domain=[rounded(low), rounded(high)], nice=False)
    return rows, alt.X("time:Q", title="Time of forecast since the start", axis=axis, scale=scale)


def _range(rows: pl.DataFrame, truth: int | None) -> tuple[list[float], Scale]:
    """Choose the axis of sizes: ends of intervals may widen it, but only so far."""
    points = pl.concat(
        [rows["size"], rows["forecast"].drop_nulls(), pl.Series([float(truth or 1)])]
    )
    points = points.filter(points.is_finite())
    top = float(points.max())  # type: ignore[arg-type]
    ends = rows["upper"].drop_nulls().clip(0, _REACH * top)
    seen = pl.concat([points, ends])
    low = float(rows["size"].min())  # type: ignore[arg-type]
    scale: Scale = "log" if float(seen.max()) > _FAR * low else "linear"  # type: ignore[arg-type]
    return count_domain(seen, scale), scale


def _notes(rows: pl.DataFrame, truth: int | None) -> list[str]:
    """Say how many hold the truth, what leaves the plot, and when there was no forecast."""
    known = rows.drop_nulls("forecast")
    some = f"of {known.height} forecast{'s' * (known.height != 1)}"
    inside = known.filter(pl.lit(truth).is_between("lower", "upper")).height
    held = (
        f"{inside} {some} hold{'s' * (1 in (inside, known.height))} the {truth or 0:,} in the end"
    )
    open_ends, endless = (known[n].is_infinite().sum() for n in ("upper", "forecast"))
    lost = rows.height - known.height
    beyond = f"{open_ends} {some} without an upper end (∞)" if open_ends else ""
    beyond += f", {endless} foreseen to have no end" if endless else ""
    none = f"no forecast yet at {lost} time{'s' * (lost != 1)}" if lost else ""
    return [held if truth else "", " · ".join(note for note in (beyond, none) if note)]


def _layers(rows: pl.DataFrame, truth: int | None, x: alt.X) -> list[alt.Chart]:
    (domain, scale), known = _range(rows, truth), rows.drop_nulls("forecast")
    cut = known.with_columns(pl.col("forecast", "lower", "upper").clip(0, 10 * domain[1]))
    base = alt.Chart(drawn(cut)).encode(x)
    seen = alt.Chart(drawn(rows.select("time", "size"))).encode(x)
    sizes, forecasts, lower = (
        count_axis(domain, scale, field) for field in ("size", "forecast", "lower")
    )
    looks: dict[str, Any] = {"color": BLUE, "opacity": 0.18, "clip": True}
    wide = base.mark_area(**looks) if known.height > 1 else base.mark_rule(strokeWidth=9, **looks)
    dots = alt.Chart(drawn(cut.filter(pl.col("forecast") <= domain[1]))).encode(x)
    tips = [alt.Tooltip(f"{name}:Q", format=",.4~g") for name in ("time", "size", "forecast")]
    return [
        wide.encode(lower, alt.Y2("upper")),
        base.mark_line(color=BLUE, strokeWidth=2.5, clip=True).encode(forecasts),
        dots.mark_circle(color=BLUE, size=45, opacity=1).encode(forecasts, tooltip=tips),
        seen.mark_line(color=GREY, strokeWidth=1.5).encode(sizes),
        seen.mark_circle(color=GREY, size=30, opacity=1).encode(sizes, tooltip=tips[:2]),
        *_rule(truth, domain, scale),
        _labels(rows, truth, x, (domain, scale)),
    ]


def _rule(truth: int | None, domain: list[float], scale: Scale) -> list[alt.Chart]:
    if truth is None:
        return []
    row = alt.Chart(pl.DataFrame({"size": [float(truth)]}))
    return [row.mark_rule(**rule()).encode(count_axis(domain, scale, "size"))]


def _labels(
    rows: pl.DataFrame, truth: int | None, x: alt.X, y: tuple[list[float], Scale]
) -> alt.Chart:
    """Name the lines where they end."""
    last = rows.row(-1, named=True)
    told = [("foreseen", last["forecast"], BLUE_TEXT), ("came by then", last["size"], GREY)]
    told = [row for row in [*told, ("in the end", truth, INK)] if row[1] is not None]
    names = [f"{name} {short(value)}" for name, value, _ in told]
    heights = [pixels(value, *y) for _, value, _ in told]
    ends = pl.Series([last["time"]] * len(told))
    return end_labels(ends, names, heights, [colour for *_, colour in told], x=x)[1]
