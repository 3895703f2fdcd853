"""The picture of a forecast: what was known, what was foreseen, what came."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from viralkit.charts.final_sizes import final_size_chart
from viralkit.charts.fits import axis_from_start, curve_layers, moments, observed
from viralkit.charts.loops import loop_chart
from viralkit.charts.parts import (
    count_axis,
    count_domain,
    day,
    drawn,
    end_labels,
    fitted,
    pixels,
    plain,
    point_layers,
    short,
    titled,
)
from viralkit.charts.reach import reach_chart
from viralkit.charts.theme import GREY, INK, MARKS, TEXTS
from viralkit.models.counted import CountsModel
from viralkit.models.curves import Linear
from viralkit.models.times import as_time

_REACH = 1.6  # how many times the counts the plot may be high
_OTHERS: dict[str, Callable[..., alt.LayerChart]] = {  # by class of results; others: counts
    "BranchingResults": reach_chart,
    "HawkesResults": final_size_chart,
    "LoopForecast": loop_chart,
    "SeismicResults": final_size_chart,
}
_SUMMARY = "Look at its summary()."
_INSTEAD = {  # what to do with a model that has no forecast without more data
    "HIP": "It needs the promotions to come: call results.forecast(promotions).",
    "Relaxation": "Draw it with vk.fit_chart(results).",
}


def forecast_chart(
    results: Any,
    until: date | datetime | str | float | None = None,
    actual: pl.DataFrame | None = None,
    *,
    alpha: float = 0.05,
    title: str | None = None,
) -> alt.LayerChart:
    """What was known, what does the model foresee, and what came?

    Parameters
    ----------
    results : Results or sequence of Results
        Fits to the same counts, up to the day of the forecast; or, of one cascade, what `Seismic`
        found at several times, or `Hawkes` fits at successive ends of observation.
    until : date, datetime, ISO text or float
        The last time of the forecast. Final sizes have none: left out.
    actual : polars.DataFrame, optional
        A counts table of the same item; its rows after the last known point are what came. Of a
        cascade: the events of the finished one.
    alpha : float
        One minus the coverage of the prediction interval.
    title : str, optional
        The finding; the question by default.

    Returns
    -------
    altair.LayerChart
        Filled points were known, open points came later; the band is the prediction interval. A
        forecast far above the counts leaves the plot, its end is told in its label. Where periods
        are missing in `actual`, counts and forecast both leave them out, as the subtitle says.
        Of `Seismic`, or of `Hawkes` without `until`: the size so far and the final size foreseen
        (`Hawkes`: its median) by time of forecast; ends far above leave the plot, and the subtitle
        counts those at ∞. Of one `Hawkes` fit with `until`: the events so far and to come.
        Of `Branching`: the probability that a cascade of one starter reaches at least so many
        people, with its interval over R and k, and the share of the cascades seen; `until` is the
        largest number of people, `actual` the sizes of later cascades, both optional.

    Raises
    ------
    TypeError
        If it is no fit, or one of a model that foresees nothing without more data.
    ValueError
        If `until` is not after the last known point, or is missing where it is needed; if final
        sizes are of several cascades, or twice at one time.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "clip", "time": [0.0, 1, 2, 4], "count": [0, 5, 11, 20],
    ...                        "kind": "cumulative"})
    >>> fit = vk.Linear(counts, unit="period").fit()
    >>> vk.forecast_chart(fit, 8.0).to_dict()["title"]["text"]
    'What does the Linear model foresee for clip?'
    """
    fits = list(results) if isinstance(results, Sequence) else [results]
    kind = type(fits[0]).__name__ if fits else ""
    if kind in _OTHERS:
        return _OTHERS[kind](fits, until, actual, alpha=alpha, title=title)
    model = fitted(fits[0] if fits else results)
    if not isinstance(model, CountsModel):
        raise TypeError(
            f"a forecast of {model.name} is not drawn here; allowed: growth models, Phases, "
            f"Branching, Hawkes, Seismic and loops. {_INSTEAD.get(model.name, _SUMMARY)}"
        )
    if until is None:
        raise ValueError(
            f"until=None; a forecast of {model.name} needs its last time, after "
            f"{day(model.points['time'][-1])}. Pass until=."
        )
    known = observed(model)
    came, gaps = (known.clear(), []) if actual is None else later(model, actual)
    curves = [joined(fit, until, alpha, gaps) for fit in fits]
    came = came.filter(pl.col("age") <= curves[0]["age"].max())
    last = as_time(until, model.points["time"][-1], "until")
    x = axis_from_start(model, max([last, *known["time"]]))
    domain = _reach(pl.concat([known["count"], came["count"]]), curves)
    y = count_axis(domain)
    foreseen = [
        layer
        for curve, colour in zip(curves, _cycled(MARKS, len(fits)), strict=True)
        for layer in curve_layers(curve, x, domain, colour)
    ]
    seen = [layer.encode(y, color=alt.value(GREY)) for layer in point_layers(known, x)]
    drawing = [*foreseen, *seen, *_came(came, x, y), _names(fits, curves, domain, x)]
    who = f"{len(fits)} models" if len(fits) > 1 else f"the {model.name} model"
    verb = "did" if came.height else "do" if len(fits) > 1 else "does"
    question = title or f"What {verb} {who} foresee for {plain(model.label)}?"
    latest = day(known["time"].max())
    percent = f"{100 * (1 - alpha):.4g}"
    what = f"Count so far; known until {latest}; band: {percent} % prediction interval"
    found = [
        f"{fit.model.name}: {held(curve, came)}" for fit, curve in zip(fits, curves, strict=True)
    ]
    missed = sum(begin < curves[0]["age"][-1] for begin, _ in gaps)
    note = f"{missed} gap{'s' * (missed > 1)} in what came; counts and forecasts leave them out"
    parts = [what, " · ".join(found) if came.height else "", note if missed else ""]
    lines = [part for part in parts if part]
    return titled(alt.layer(*drawing), question, lines, " ".join([question, *lines]))


def joined(
    results: Any,
    until: date | datetime | str | float,
    alpha: float,
    gaps: Sequence[tuple[float, float]] = (),
) -> pl.DataFrame:
    """Return a forecast that begins at the last known point and leaves gaps out."""
    model = results.model
    frame: pl.DataFrame = results.forecast(until, alpha, gaps=gaps)
    known = float(model.points["count"][-1])
    first = pl.DataFrame(
        {"age": model.series.end[-1:], "mean": known, "lower": known, "upper": known}
    )
    joint = pl.concat([first, frame.drop("time")], how="diagonal_relaxed")
    return joint.with_columns(moments(model, joint["age"]))


def later(model: Any, actual: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[float, float]]]:
    """Return what came after the model's last point, as cumulative counts, and the gaps in it."""
    whole, last = Linear(actual, unit=model.unit, start=model.start), model.series.span
    came = observed(whole).filter(pl.col("age") > last)
    if whole.series.cumulative:
        return came, []
    known = whole.series.end <= last + 1e-9
    total = float(model.points["count"][-1]) - float(whole.series.increment[known].sum())
    ends = np.append(last, whole.series.end[~known])
    pairs = zip(ends.tolist(), whole.series.begin[~known].tolist(), strict=False)
    gaps = [(end, begin) for end, begin in pairs if begin > end + 1e-9]
    return came.with_columns(pl.col("count") + total), gaps


def held(curve: pl.DataFrame, came: pl.DataFrame) -> str:
    """Count how many later points the interval holds."""
    points = came.filter(pl.col("bound") == "exact")
    low, high = (np.interp(points["age"], curve["age"], curve[end]) for end in ("lower", "upper"))
    inside = points.filter(pl.col("count").is_between(pl.Series(low), pl.Series(high))).height
    return f"{inside} of {points.height} later counts inside"


def _reach(counts: pl.Series, curves: Sequence[pl.DataFrame]) -> list[float]:
    seen = float(counts.max())  # type: ignore[arg-type]
    highest = max(float(curve["upper"].max()) for curve in curves)  # type: ignore[arg-type]
    return count_domain(pl.Series([seen, min(highest, _REACH * seen)]))


def _came(came: pl.DataFrame, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    sides = came.filter(pl.col("bound") != "exact")
    exact = alt.Chart(drawn(came.filter(bound="exact").select("time", "count")))
    tips = [alt.Tooltip(str(x.shorthand), title="time"), alt.Tooltip("count:Q", format=",")]
    circles = exact.mark_point(size=45, fill="white", color=INK, strokeWidth=1.5, opacity=1)
    layers = [layer.encode(y, color=alt.value(GREY)) for layer in point_layers(sides, x)]
    return [*layers, circles.encode(x, y, tooltip=tips)] if came.height else []


def _cycled(colours: Sequence[str], number: int) -> list[str]:
    return [colours[i % len(colours)] for i in range(number)]


def _names(
    fits: Sequence[Any], curves: Sequence[pl.DataFrame], domain: Sequence[float], x: alt.X
) -> alt.Chart:
    """Name the forecasts, the highest on top, also where several leave the plot."""
    ends = [float(curve["mean"][-1]) for curve in curves]
    order = sorted(range(len(fits)), key=lambda i: -ends[i])
    texts = [f"{fits[i].model.name} {short(ends[i])}" for i in order]
    heights = [pixels(ends[i], domain) for i in order]
    times = pl.concat([curves[i]["time"].tail(1) for i in order])
    colours = _cycled(TEXTS, len(fits))
    return end_labels(times, texts, heights, [colours[i] for i in order], x=x)[1]
