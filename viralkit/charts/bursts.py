"""Pictures of fitted bursts: how attention falls from its peak, and what promotions bring."""

from typing import Any

import altair as alt
import numpy as np
import polars as pl
from scipy import stats

from viralkit.charts.parts import (
    MOST_POINTS,
    count_axis,
    count_domain,
    day,
    drawn,
    end_labels,
    pixels,
    plain,
    rounded,
    short_estimate,
    time_axis,
    titled,
)
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, ORANGE, ORANGE_TEXT

_STEPS = 60


def relaxation_chart(results: Any, title: str | None) -> alt.LayerChart:
    """Draw the counts per unit before and after the peak beside their power laws, log by log."""
    model = results.model
    sides = {
        "after": (results.after, BLUE, BLUE_TEXT),
        "before": (results.before, ORANGE, ORANGE_TEXT),
    }
    rows = pl.concat([_around(model, side) for side in sides])
    seen = rows.filter(pl.col("count") > 0)
    laws = {n: _law(seen.filter(side=n), fall) for n, (fall, *_) in sides.items() if fall}
    domain = count_domain(
        pl.concat([seen["count"], *(law["mean"] for law in laws.values())]), "log"
    )
    x = _distances(seen["time"], model.unit)
    layers: list[alt.Chart | alt.LayerChart] = []
    for name, (_, colour, _) in sides.items():
        points = seen.filter(side=name)
        layers += _curve(laws[name], x, domain, colour, "log") if name in laws else []
        layers += [_points(points, x, count_axis(domain, "log"), colour)] if points.height else []
    ends = [(law.tail(1), f"{n} the peak", sides[n][2]) for n, law in laws.items()]
    layers.append(_names(ends, domain, x, "log"))
    both = "; blue: after, orange: before" if seen["side"].n_unique() > 1 else ""
    return titled(
        alt.layer(*layers),
        title or f"Did the burst of {plain(model.label)} come from outside or from within?",
        [
            f"Counts per {model.unit} by distance from the peak, both on log scales{both}",
            f"Lines: power laws, with 95 % confidence bands{_zeros(rows.height - seen.height)}",
            f"Class: {results.verdict} · {_exponents(results)}",
        ],
        f"Chart of the burst of {plain(model.label)}, peak at {day(model.peak)}: class "
        f"{results.verdict}; {_exponents(results)}.",
    )


def hip_chart(results: Any, title: str | None) -> alt.LayerChart:
    """Draw the counts, what is expected of them, and what would be left without promotions."""
    model = results.model
    points = model.points.gather_every(-(-model.points.height // MOST_POINTS))
    none = model.points.with_columns(pl.lit(0.0).alias("count"), item=pl.lit(model.label))
    none = none.with_columns(kind=pl.lit("incremental"))
    curves = [results.predict(), results.predict(none)]
    curves = [curve.gather_every(-(-curve.height // (MOST_POINTS // 2))) for curve in curves]
    highest = pl.concat([points["count"], curves[0]["mean"]])
    domain = count_domain(highest)
    times = points["time"]
    x = time_axis(times.dtype, [times[0], times[-1]], f"{model.unit.capitalize()}s")
    looks = [(BLUE, BLUE_TEXT, "expected"), (ORANGE, ORANGE_TEXT, "without promotions")]
    layers: list[alt.Chart] = []
    for curve, (colour, _, _) in zip(curves, looks, strict=True):
        layers += _curve(curve, x, domain, colour, "linear")
    layers.append(_points(points, x, count_axis(domain), GREY))  # above the lines, which hide them
    ends = [(c.tail(1), name, text) for c, (_, text, name) in zip(curves, looks, strict=True)]
    told = _response(results)
    return titled(
        alt.layer(*layers, _names(ends, domain, x, "linear")),
        title or f"What would be left of {plain(model.label)} without promotions?",
        [f"Counts per {model.unit}; points: seen; bands: 95 % confidence", told],
        f"Chart of the {model.name} fit to {plain(model.label)}: {points.height} counts, what is "
        f"expected, and what would be left without promotions. {told}.",
    )


def _around(model: Any, side: str) -> pl.DataFrame:
    """Return the counts per unit on one side of the peak by the distance of their middle."""
    begin, end, count = model.series.begin, model.series.end, model.series.increment
    away = ((begin + end) / 2 - model.peak_age) * (1 if side == "after" else -1)
    rows = pl.DataFrame({"time": away, "count": count / (end - begin), "side": side})
    rows = rows.filter(pl.col("time") > 1e-9).sort("time")
    return rows.gather_every(-(-rows.height // (MOST_POINTS // 2)) or 1)


def _law(seen: pl.DataFrame, fall: Any) -> pl.DataFrame:
    """Return a fitted power law with its confidence band over the distances that were seen."""
    away = seen["time"].to_numpy()
    time = np.geomspace(away.min(), away.max(), _STEPS)
    slopes = np.column_stack([np.ones(_STEPS), -np.log(time)])
    line = slopes @ np.array([fall.level, fall.exponent])
    error = np.sqrt(np.einsum("ij,jk,ik->i", slopes, fall.covariance, slopes))
    reach = float(stats.t(fall.freedom).ppf(0.975)) * error
    ends = {"lower": np.exp(line - reach), "upper": np.exp(line + reach)}
    return pl.DataFrame({"time": time, "mean": np.exp(line), **ends})


def _distances(time: pl.Series, unit: str) -> alt.X:
    """Build the log axis of distances from the peak."""
    away = time.to_numpy()
    domain = [rounded(float(away.min()) / 1.2), rounded(float(away.max()) * 1.1)]
    scale = alt.Scale(type="log", domain=domain, nice=False)
    axis = alt.Axis(format="~g", tickCount=6, labelOverlap=True)
    return alt.X("time:Q", title=f"Distance from the peak, {unit}s", scale=scale, axis=axis)


def _points(rows: pl.DataFrame, x: alt.X, y: alt.Y, colour: str) -> alt.Chart:
    kind = "distance" if "side" in rows.columns else "time"
    tips = [alt.Tooltip(str(x.shorthand), title=kind)]
    tips.append(alt.Tooltip("count:Q", title="count", format=",.4~g"))
    marks = alt.Chart(drawn(rows.select("time", "count"))).mark_circle(
        size=40, opacity=0.7, color=colour
    )
    chart: alt.Chart = marks.encode(x, y, tooltip=tips)
    return chart


def _curve(
    curve: pl.DataFrame, x: alt.X, domain: list[float], colour: str, scale: Any
) -> list[alt.Chart]:
    """Draw a line with its band, cut off where the plot ends."""
    least = domain[0] / 10
    shown = curve.select("time", pl.col("mean", "lower", "upper").clip(least, 10 * domain[1]))
    base = alt.Chart(drawn(shown)).encode(x)
    lower, middle = (count_axis(domain, scale, field) for field in ("lower", "mean"))
    return [
        base.mark_area(color=colour, opacity=0.18, clip=True).encode(lower, alt.Y2("upper")),
        base.mark_line(color=colour, strokeWidth=2.5, strokeJoin="round", clip=True).encode(middle),
    ]


def _names(ends: list[Any], domain: list[float], x: alt.X, scale: Any) -> alt.LayerChart:
    """Name each curve right of the plot, at the height of its end."""
    heights = [pixels(float(row["mean"][0]), domain, scale) for row, *_ in ends]
    times = pl.concat([row["time"] for row, *_ in ends])
    names, colours = [name for _, name, _ in ends], [colour for *_, colour in ends]
    return alt.layer(*end_labels(times, names, heights, colours, x=x))


def _zeros(number: int) -> str:
    return f"; {number:,} zero{'s' * (number != 1)} not drawn" if number else ""


def _exponents(results: Any) -> str:
    words = {"exponent_after": "exponent after", "exponent_before": "before"}
    rows = results.conf_int().filter(pl.col("parameter").is_in(list(words))).rows()
    return ", ".join(told(words[n], results.params[n], low, high) for n, low, high in rows)


def _response(results: Any) -> str:
    words = {
        "branching_factor": "Branching factor",
        "viral_potential": "counts in all per promotion",
    }
    rows = results.response().filter(pl.col("quantity").is_in(list(words))).rows()
    return " · ".join(told(words[name], *row) for name, *row in rows)


def told(name: str, value: float, low: float | None, high: float | None) -> str:
    """Write an estimate with its interval, or say that there is none."""
    if low is None or high is None:
        return f"{name} {short_estimate(value)} (interval not known)"
    return f"{name} {short_estimate(value)} ({short_estimate(low)} to {short_estimate(high)})"
