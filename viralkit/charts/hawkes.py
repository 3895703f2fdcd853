"""Pictures of self-exciting fits: expected against seen, intensity, and rescaled waits."""

from typing import Any, Literal

import altair as alt
import numpy as np
import polars as pl
from scipy import stats

from viralkit.charts.bursts import told
from viralkit.charts.cascades_layout import span_unit
from viralkit.charts.parts import (
    MOST_POINTS,
    Scale,
    count_axis,
    count_domain,
    drawn,
    end_labels,
    pixels,
    plain,
    rule,
    short,
    time_axis,
    titled,
)
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, HEIGHT, ORANGE, ORANGE_TEXT

_STEPS = 200
_BINS = 400
_FEW = 400  # events up to which each spike of the intensity is drawn
_CURVE = 2400  # points of such a curve
_REACH = 2.0  # how many times the counts the ends of the band may widen the plot
_UNKNOWN = 1e4  # ratio of the ends of an interval from which nothing is known
_FAR = 20.0  # times the median from which a peak asks for a log scale


def hawkes_chart(
    results: Any, title: str | None, view: Literal["total", "growth"]
) -> alt.LayerChart:
    """Draw the events so far beside those expected, or the intensity above the events."""
    names = results.model.stream.names
    if len(names) > 1:
        raise ValueError(
            f"a fit to {len(names):,} cascades together has no one curve. Draw one of them: "
            "vk.fit_chart(vk.Hawkes(events_of_one).fit(fixed=results.params)); or all: "
            "vk.residual_chart(results)."
        )
    window = _Window(results)
    if view == "total":
        layers, what = _total(results, window)
        question = f"Does a Hawkes model fit {label(results.model)}?"
    else:
        layers, what = _intensity(results, window)
        question = f"How do events of {label(results.model)} excite others?"
    found, number = estimates(results), len(results.model.stream)
    return titled(
        alt.layer(*layers),
        title or question,
        [what, found],
        f"Chart of the Hawkes fit to {label(results.model)}, {view}: {number:,} events. {found}.",
    )


class _Window:
    """The time that is drawn, in the unit that people would use."""

    def __init__(self, results: Any) -> None:
        stream = results.model.stream
        self.until = float(stream.until[0])
        self.end = drawn_end(results)
        self.unit, self.seconds = span_unit(self.end)
        self.time = stream.time[stream.time <= self.end]
        title = f"{self.unit.capitalize()}s since the start"
        self.x = time_axis(pl.Float64(), [0.0, self.end / self.seconds], title)

    @property
    def note(self) -> str:
        """Say that the window goes on beyond the plot."""
        if self.until <= self.end:
            return ""
        ends = "has no end" if self.until == np.inf else f"ends at {self.span(self.until)}"
        return f"; the window {ends}"

    def span(self, seconds: float) -> str:
        """Write a time in the unit of the axis."""
        return f"{short(seconds / self.seconds)} {self.unit}s"

    def rows(self, time: Any, **columns: Any) -> pl.DataFrame:
        """Make rows to draw."""
        return pl.DataFrame({"time": np.asarray(time) / self.seconds, **columns})


def drawn_end(results: Any) -> float:
    """Return where the plot ends: with the window, but not far beyond the last event."""
    stream = results.model.stream
    shape = [results.params[name] for name in results.kernel.names]
    reach = 1.5 * stream.span or float(results.kernel.lag(np.array([0.05]), np.array(shape))[0])
    return min(float(stream.until[0]), reach)


def label(model: Any) -> str:
    """Name the cascade, or say how many there are."""
    names = model.stream.names
    if len(names) > 1:
        return f"{len(names):,} cascades"
    return cascade_name(names[0])


def cascade_name(name: str) -> str:
    """Name the cascade in a title."""
    if name in ("series", "cascade"):
        return f"the {name}"
    text = plain(name)
    return text if text.lower().startswith("cascade") else f"cascade {text}"


def _total(results: Any, window: _Window) -> tuple[list[alt.Chart], str]:
    curve = expected(results, window.end).with_columns(pl.col("time") / window.seconds)
    seen = seen_steps(window.time, window.end)
    seen = seen.with_columns(pl.col("time") / window.seconds)
    domain, cut = _room(pl.concat([seen["count"], curve["mean"]]), curve["upper"])
    shown = curve.with_columns(pl.col("mean", "lower", "upper").clip(0, 10 * domain[1]))
    base = alt.Chart(drawn(shown)).encode(window.x)
    step = alt.Chart(drawn(seen)).mark_line(interpolate="step-after", color=GREY, strokeWidth=1.5)
    ends = [float(curve["mean"][-1]), float(seen["count"][-1])]
    names = [f"expected {short(ends[0])}", f"seen {short(ends[1])}"]
    heights = [pixels(end, domain) for end in ends]
    times = pl.Series([curve["time"][-1], seen["time"][-1]])
    layers = [
        base.mark_area(color=BLUE, opacity=0.18, clip=True).encode(
            count_axis(domain, field="lower"), alt.Y2("upper")
        ),
        step.encode(window.x, count_axis(domain)),
        base.mark_line(color=BLUE, strokeWidth=2.5, clip=True).encode(
            count_axis(domain, field="mean")
        ),
        *end_labels(times, names, heights, [BLUE_TEXT, GREY], x=window.x),
    ]
    what = "Events so far; blue: expected given those before, with its 95 % confidence band"
    return layers, what + cut + window.note


def _room(counts: pl.Series, upper: pl.Series) -> tuple[list[float], str]:
    """Choose the axis: a band may widen it, but only so far; then say that it leaves the plot."""
    top, highest = float(counts.max()), float(upper.max())  # type: ignore[arg-type]
    domain = count_domain(pl.Series([top, min(highest, _REACH * top)]))
    return domain, ", which leaves the plot" if highest > domain[1] else ""


def expected(results: Any, end: float) -> pl.DataFrame:
    """Return the events expected by each time, on a grid that is finer where they come."""
    time = results.model.stream.time
    places = np.quantile(time[time <= end], np.linspace(0, 1, _STEPS))
    grid = np.unique(np.concatenate([np.linspace(0, end, _STEPS), places]))
    grid[0] = 1e-9 * grid[1]  # what stands at time 0 has happened
    found: pl.DataFrame = results.predict(grid)
    return found


def seen_steps(time: Any, end: float) -> pl.DataFrame:
    """Return the number of events so far as steps, at most MOST_POINTS."""
    count = np.arange(1.0, len(time) + 1)
    kept = np.unique(np.linspace(0, max(len(time) - 1, 0), MOST_POINTS).astype(int))[: len(time)]
    times = np.concatenate([[0.0], time[kept], [end]])
    return pl.DataFrame({"time": times, "count": np.r_[0.0, count[kept], len(time)]})


def _intensity(results: Any, window: _Window) -> tuple[list[Any], str]:
    few = len(window.time) <= _FEW
    rows = _spikes(results, window) if few else _ranges(results, window)
    columns = [c for c in ("mean", "upper") if c in rows.columns]
    background = results.params.get("mu", 0.0) * window.seconds
    highest = float(rows[columns[-1]].max())  # type: ignore[arg-type]
    even = results.intensity(np.linspace(0, window.end, _STEPS + 1)[1:])["intensity"]
    middle = float(even.median()) * window.seconds
    scale: Scale = "log" if highest > _FAR * max(middle, background) else "linear"
    least = max(float(rows["mean"].min()), background, highest / 1e5)  # type: ignore[arg-type]
    domain = count_domain(pl.Series([least, highest]), scale)
    low = domain[0] / 10 if scale == "log" else 0.0
    rows = rows.with_columns(pl.all().exclude("time").clip(low))
    base = alt.Chart(drawn(rows)).encode(window.x)
    width = {"strokeWidth": 1.2 if few else 2, "strokeJoin": "round", "clip": True}
    line = base.mark_line(color=BLUE, **width).encode(count_axis(domain, scale, "mean"))
    layers: list[Any] = [line, _rug(window)]
    if not few:
        band = base.mark_area(color=BLUE, opacity=0.25, clip=True)
        layers.insert(0, band.encode(count_axis(domain, scale, "lower"), alt.Y2("upper")))
    ends, names, colours = [float(rows["mean"][-1])], ["intensity"], [BLUE_TEXT]
    if background:
        names, colours, ends = [*names, "background"], [*colours, ORANGE_TEXT], [*ends, background]
        level = alt.Chart(drawn(pl.DataFrame({"mean": [background]})))
        looks = rule() | {"color": ORANGE, "opacity": 1.0, "strokeWidth": 1.5}
        layers.append(level.mark_rule(**looks).encode(count_axis(domain, scale, "mean")))
    heights = [min(pixels(end, domain, scale), float(HEIGHT)) for end in ends]
    times = pl.Series([float(rows["time"][-1])] * len(ends))
    layers += end_labels(times, names, heights, colours, x=window.x)
    logs = " (log scale)" if scale == "log" else ""
    how = "ticks above: events" if few else "its mean and range in 400 steps; ticks above: events"
    what = f"Events per {window.unit} that the fit expects just then{logs}; {how}"
    return layers, what + _some(window) + window.note


def _spikes(results: Any, window: _Window) -> pl.DataFrame:
    """Return the intensity right after each event, on the way down, and right before the next."""
    knots = np.unique(np.concatenate([[0.0], window.time, [window.end]]))
    between = np.r_[1e-6, np.geomspace(0.01, 1.0, min(_CURVE // len(knots), 40))]
    places = knots[:-1, None] + np.diff(knots)[:, None] * between
    found = results.intensity(np.minimum(places.ravel(), window.end))
    return window.rows(found["time"], mean=found["intensity"].to_numpy() * window.seconds)


def _ranges(results: Any, window: _Window) -> pl.DataFrame:
    """Return the mean intensity of even steps, and its lowest and highest value in each."""
    edges = np.linspace(0, window.end, _BINS + 1)
    total = results.predict(np.maximum(edges, 1e-9 * window.end))["mean"].to_numpy()
    knots = np.unique(np.concatenate([edges, window.time]))
    after = knots[:-1] + 1e-6 * np.diff(knots)
    every = results.intensity(np.concatenate([after, knots[1:]]))
    owner = np.clip(np.searchsorted(edges, every["time"], side="left") - 1, 0, _BINS - 1)
    reach = every.group_by(step=pl.Series(owner)).agg(
        lower=pl.col("intensity").min(), upper=pl.col("intensity").max()
    )
    ends = reach.sort("step").select(pl.col("lower", "upper") * window.seconds)
    mean = np.diff(total) / np.diff(edges) * window.seconds
    return window.rows((edges[1:] + edges[:-1]) / 2, mean=mean).hstack(ends)


def _rug(window: _Window) -> alt.Chart:
    """Draw a tick above the plot for each event, at most MOST_POINTS."""
    time = window.time[:: -(-len(window.time) // MOST_POINTS)]
    ticks = alt.Chart(drawn(window.rows(time)))
    chart: alt.Chart = ticks.mark_rule(color=GREY, strokeWidth=1, opacity=0.6).encode(
        window.x, y=alt.value(-12), y2=alt.value(-4)
    )
    return chart


def _some(window: _Window) -> str:
    share = -(-len(window.time) // MOST_POINTS)
    return f", one of {share:,}" if share > 1 else ""


def estimates(results: Any) -> str:
    """Write the branching factor and how long effects last, each with its 95 % interval."""
    factor = told("Branching factor", results.branching_factor, *results.branching_interval())
    half, low, high = results.half_life()
    ran_away = bool(results._fit.limits) and half > 100 * results.model.stream.span
    if ran_away if low is None else high > _UNKNOWN * low:
        return f"{factor} · how long effects last cannot be told"
    unit, seconds = span_unit(2 * half)
    ends = [None if end is None else end / seconds for end in (low, high)]
    text = f"{factor} · half of the effects within {told('', half / seconds, *ends).strip()}"
    return f"{text} {unit}s"


def hawkes_residual_chart(results: Any, title: str | None) -> alt.LayerChart:
    """Draw the distribution of the rescaled waits against the law that they should follow."""
    uniform = np.sort(results.residuals["uniform"].to_numpy())
    number, name = len(uniform), label(results.model)
    if not number:
        raise ValueError(
            "no event after the first: there is no wait to draw. Pass a fit to more events."
        )
    _, chance = results.goodness_of_fit
    reach = float(stats.kstwo.ppf(0.95, number))
    kept = np.unique(np.linspace(0, number - 1, MOST_POINTS).astype(int))
    seen = {"x": np.r_[0.0, uniform[kept], 1.0], "y": np.r_[0.0, (kept + 1) / number, 1.0]}
    law = pl.DataFrame({"x": np.linspace(0, 1, 101)}).with_columns(
        y=pl.col("x"),
        lower=(pl.col("x") - reach).clip(0),
        upper=(pl.col("x") + reach).clip(upper_bound=1),
    )
    span = alt.Scale(domain=[0, 1], nice=False)
    title_x = "Chance of a wait so short under the fit"
    x, y = alt.X("x:Q", title=title_x, scale=span), alt.Y("y:Q", title=None, scale=span)
    base = alt.Chart(drawn(law)).encode(x)
    step = alt.Chart(drawn(pl.DataFrame(seen)))
    value = "below 0.001" if chance < 0.001 else f"{chance:#.2g}"
    found = f"{number:,} waits; Kolmogorov-Smirnov p {value}"
    return titled(
        alt.layer(
            base.mark_area(color=GREY, opacity=0.2).encode(
                alt.Y("lower:Q", title=None, scale=span), alt.Y2("upper")
            ),
            base.mark_line(**rule()).encode(y),
            step.mark_line(interpolate="step-after", color=BLUE, strokeWidth=2).encode(x, y),
        ),
        title or f"Do the waits between events of {name} follow the Hawkes model?",
        [
            "Share of the waits so short; dashes: a perfect fit, with its 95 % band",
            f"{found} (errs on the side of a good fit: estimated from the same events)",
        ],
        f"Chart of rescaled waits of the Hawkes fit to {name}: {found}.",
    )
