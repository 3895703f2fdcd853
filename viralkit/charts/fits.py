"""Pictures of a fitted model: its curve, its growth, its residuals."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Literal

import altair as alt
import numpy as np
import polars as pl

from viralkit.charts.bursts import hip_chart, relaxation_chart
from viralkit.charts.hawkes import hawkes_chart
from viralkit.charts.parts import (
    MOST_POINTS,
    at,
    count_axis,
    count_domain,
    day,
    drawn,
    end_labels,
    fitted,
    one_of,
    pixels,
    plain,
    point_layers,
    short,
    short_estimate,
    time_axis,
    titled,
    with_doubt,
)
from viralkit.charts.rows import steps
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, HEIGHT, ORANGE, ORANGE_TEXT, WIDTH
from viralkit.models.times import to_time

_LINE = 95  # characters of a subtitle's line
_BURSTS = {"Relaxation": relaxation_chart, "HIP": hip_chart}


def fit_chart(
    results: Any,
    *,
    view: Literal["total", "growth"] = "total",
    title: str | None = None,
) -> alt.LayerChart:
    """Does the fitted curve follow the counts?

    Parameters
    ----------
    results : Results
        What the `fit()` of a growth or phases model, of `Hawkes`, of `Relaxation` or of
        `HawkesIntensity` returned.
    view : {"total", "growth"}
        The counts so far with the curve and its 95 % confidence band; or the counts per unit of
        time between two observations, as steps, with the fitted rate. Hawkes: the events so far
        with those expected given what came before; or the intensity, above ticks for the events.
        A burst has one view.
    title : str, optional
        The finding; the question by default.

    Returns
    -------
    altair.LayerChart
        Bounds are hollow triangles, uncertain dates bars; the breaks of phases are rules, with
        their range of dates as a bar above. The subtitle tells the estimates with their intervals.
        Periods that are missing stand neither in the totals nor in the curve; growth is open there.
        Relaxation: counts per unit by distance from the peak, with the power laws. HIP: the counts,
        what is expected, and what would be left without promotions. Hawkes: with up to 400 events
        the intensity is drawn right after and right before each one; with more, its mean and range
        in 400 steps.

    Raises
    ------
    TypeError
        If it is not a fit, or one that this chart does not draw.
    ValueError
        If the view is not known, if a burst is asked for its growth, or if cascades were fitted
        together, which have no one curve.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "clip", "time": [0.0, 1, 2, 4], "count": [0, 5, 11, 20],
    ...                        "kind": "cumulative"})
    >>> fit = vk.Linear(counts, unit="period").fit()
    >>> vk.fit_chart(fit).to_dict()["title"]["text"]
    'Does a Linear curve fit clip?'
    """
    one_of("view", view, ["total", "growth"])
    model = fitted(results)
    if model.name == "Hawkes":
        return hawkes_chart(results, title, view)
    if model.name in _BURSTS:
        one_of("view", view, ["total"])
        return _BURSTS[model.name](results, title)
    if not hasattr(model, "series"):
        raise TypeError(
            f"a fit of {model.name} is not drawn here; allowed: growth models, Phases, Hawkes, "
            "Relaxation and HawkesIntensity. Draw it with vk.forecast_chart, or look at its "
            "summary()."
        )
    rows = observed(model)
    x = axis_from_start(model, rows["time"].max())
    layers = _total(results, rows, x) if view == "total" else _growth(results, x)
    question = f"Does a {model.name} curve fit {plain(model.label)}?"
    if hasattr(results, "breaks"):
        question = f"Which phases did {plain(model.label)} go through?"
        layers = [*_breaks(results.breaks, x), *layers]
    what = {"total": "Count so far", "growth": f"Count per {model.unit} between observations"}
    band = {"total": "; band: 95 % confidence", "growth": ""}[view]
    band += "; bars: 95 % ranges of the breaks" if hasattr(results, "breaks") else ""
    subtitle = [f"{what[view]}; line: {model.name} fit{band}", *estimates(results)]
    return titled(alt.layer(*layers), title or question, subtitle, _describe(results, view))


def observed(model: Any) -> pl.DataFrame:
    """Return the model's points and bounds as rows to draw, at most two thousand."""
    points = model.points.with_columns(pl.lit("exact").alias("bound"))
    rows = pl.concat([points, model.bounds], how="diagonal_relaxed")
    rows = rows.gather_every(-(-rows.height // MOST_POINTS))
    return with_doubt(rows.with_columns(pl.col("count").cast(pl.Float64)))


def moments(model: Any, ages: Any) -> pl.Series:
    """Turn ages into times that are not rounded to days."""
    start = model.start
    if isinstance(start, date) and not isinstance(start, datetime):
        start = datetime(start.year, start.month, start.day)
    return to_time(np.asarray(ages, float), start, model.unit).alias("time")


def axis_from_start(model: Any, last: Any) -> alt.X:
    """Build the axis of times from the model's start to the last time."""
    dtype = model.points.schema["time"]
    first = min(moments(model, [0.0]).cast(dtype)[0], model.points["time"][0])
    return time_axis(dtype, [first, last], f"{model.unit.capitalize()}s")


def _total(results: Any, rows: pl.DataFrame, x: alt.X) -> list[alt.Chart]:
    model = results.model
    curve = results.predict()
    curve = curve.with_columns(moments(model, curve["age"]))
    highest = pl.concat([rows["count"], curve["mean"]])
    domain = count_domain(
        pl.concat([highest, curve["upper"].clip(0, 1.3 * highest.max())]), "linear"
    )
    y = count_axis(domain)
    last = float(curve["mean"][-1])
    label = f"{model.name} fit {short(last)}"
    height = [pixels(last, domain)]
    return [
        *curve_layers(curve, x, domain, BLUE),
        *(layer.encode(y, color=alt.value(GREY)) for layer in point_layers(rows, x)),
        end_labels(curve["time"].tail(1), [label], height, [BLUE_TEXT], x=x)[1],
    ]


def curve_layers(
    curve: pl.DataFrame, x: alt.X, domain: Sequence[float], colour: str
) -> list[alt.Chart]:
    """Draw a curve with its band, both cut off where the plot ends."""
    top = 10 * domain[1]
    shown = drawn(curve.select("time", pl.col("mean", "lower", "upper").clip(0, top)))
    base = alt.Chart(shown).encode(x)
    band = base.mark_area(color=colour, opacity=0.18, clip=True)
    line = base.mark_line(color=colour, strokeWidth=2.5, clip=True)
    return [
        band.encode(count_axis(domain, field="lower"), alt.Y2("upper")),
        line.encode(count_axis(domain, field="mean")),
    ]


def _growth(results: Any, x: alt.X) -> list[alt.Chart]:
    model = results.model
    rates = _rates(model)
    line = _fitted_rate(results)
    shape: Literal["step", "linear"] = "step" if hasattr(results, "breaks") else "linear"
    domain = count_domain(pl.concat([rates["count"], line["count"]]))
    y = count_axis(domain)
    seen = alt.Chart(drawn(steps(rates).select("time", "count", "run")))
    height = [pixels(float(line["count"][-1]), domain)]
    return [
        seen.mark_line(interpolate="step-after", strokeWidth=1.5, color=GREY).encode(
            x, y, alt.Detail("run:Q")
        ),
        alt.Chart(drawn(line))
        .mark_line(strokeWidth=2.5, color=BLUE, interpolate=shape)
        .encode(x, y, alt.Detail("run:Q")),
        end_labels(line["time"].tail(1), [f"{model.name} fit"], height, [BLUE_TEXT], x=x)[1],
    ]


def _fitted_rate(results: Any) -> pl.DataFrame:
    """Return the growth of the curve per unit of time, in runs that end where a gap begins."""
    age, mean = (results.predict()[name].to_numpy() for name in ("age", "mean"))
    gaps = results.model.series.gaps
    run = np.searchsorted([end for _, end in gaps], age[:-1], side="right")
    outside = np.ones(len(run), bool)
    for begin, end in gaps:
        outside &= (age[1:] <= begin) | (age[:-1] >= end)
    middle = moments(results.model, (age[:-1] + age[1:]) / 2)
    rate = np.diff(mean) / np.diff(age)
    return pl.DataFrame({"time": middle, "count": rate, "run": run}).filter(outside)


def _rates(model: Any) -> pl.DataFrame:
    """Return the count per unit of time of increments, of several at once if there are many."""
    known = np.isfinite(model.series.begin)
    begin, end = model.series.begin[known], model.series.end[known]
    share = -(-len(begin) // MOST_POINTS)
    grouped = (
        pl.DataFrame({"begin": begin, "end": end, "increment": model.series.increment[known]})
        .group_by(pl.int_range(pl.len()) // share, maintain_order=True)
        .agg(
            pl.col("begin").first(),
            pl.col("end").last(),
            count=pl.col("increment").sum() / (pl.col("end") - pl.col("begin")).sum(),
        )
    )
    return grouped.select(
        "count",
        label=pl.lit("seen"),
        time=moments(model, grouped["begin"]),
        period_end=moments(model, grouped["end"]),
    )


def _breaks(breaks: pl.DataFrame, x: alt.X) -> list[alt.Chart]:
    """Draw each break as a rule, its range of dates as a bar above the plot, its number beside."""
    if breaks.is_empty():
        return []
    rows = breaks.select(
        "time",
        "lower",
        "upper",
        name=pl.format("break {}", "break"),
        height=-10.0 - 15 * (pl.len() - pl.col("break")),
        bottom=float(HEIGHT),
    )
    y = alt.Y("height:Q", scale=None, axis=None)
    base = alt.Chart(drawn(rows)).encode(y=y)
    texts = base.mark_text(align="left", dx=8, baseline="middle", color=ORANGE_TEXT)
    return [
        base.mark_rule(color=ORANGE, strokeWidth=7, opacity=0.35).encode(
            at(x, "lower"), alt.X2("upper")
        ),
        base.mark_rule(color=ORANGE, strokeWidth=1.5, strokeDash=[4, 3]).encode(x, y2="bottom:Q"),
        texts.encode(x=alt.value(WIDTH), text="name:N"),
    ]


def estimates(results: Any) -> list[str]:
    """Write each estimate with its interval and unit, in lines short enough for a subtitle."""
    units = {p.name: "" if p.unit == "count" else f" {p.unit}" for p in results.model.parameters}
    if hasattr(results, "phases"):
        rows = results.phases.select("rate", "lower", "upper").rows()
        values = [f"{short_estimate(rate)}{_interval(low, high)}" for rate, low, high in rows]
        return _packed([f"Rates,{units['rate_1']}:", *values])
    rows = results.conf_int().rows()
    return _packed(
        f"{name} {short_estimate(results.params[name])}{_interval(low, high)}{units.get(name, '')}"
        for name, low, high in rows
    )


def _packed(texts: Iterable[str]) -> list[str]:
    lines = [""]
    for text in texts:
        if len(lines[-1]) + len(text) > _LINE:
            lines.append("")
        lines[-1] += f" · {text}" if lines[-1] else text
    return [line.replace(": · ", ": ") for line in lines if line]


def _interval(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return " (fixed)"
    if high is None or high == np.inf:
        return f" (at least {short_estimate(low or 0)})"
    return (
        f" (at most {short_estimate(high)})"
        if not low
        else f" ({short_estimate(low)} to {short_estimate(high)})"
    )


def _describe(results: Any, view: str) -> str:
    model = results.model
    points, found = model.points, " ".join(estimates(results))
    return (
        f"Chart of the {model.name} fit to {plain(model.label)}, {view}: {points.height} counts "
        f"from {day(points['time'][0])} to {day(points['time'][-1])}. {found}."
    )
