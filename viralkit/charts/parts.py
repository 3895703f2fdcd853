"""Pieces that several charts share: clean text, axes, titles, labels at the ends of lines."""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

import altair as alt
import polars as pl

from viralkit.charts.render import ensure
from viralkit.charts.theme import HEIGHT, INK, WIDTH
from viralkit.wording import show

Scale = Literal["linear", "log"]
MAX_LABEL = 48
MOST_POINTS = 2000
_FORESEEN = ("SeismicResults", "LoopForecast")  # results that only `forecast_chart` draws
_POWERS = ((1e12, " T"), (1e9, " bn"), (1e6, " M"))


def one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a choice that is not known."""
    if value not in allowed:
        choices = " or ".join(f'{name}="{choice}"' for choice in allowed)
        raise ValueError(f"{name}={show(value)} is not known; pass {choices}.")


def fitted(results: Any) -> Any:
    """Refuse what is not a fit, such as the model itself; return its model."""
    name = type(results).__name__
    if name in _FORESEEN:
        raise TypeError(
            f"{show(name)} has no fitted curve to draw; it is a forecast. Pass it to "
            "vk.forecast_chart."
        )
    if not hasattr(results, "predict"):
        raise TypeError(
            f"{show(name)} is not a fit; allowed: what a model's fit() returns. "
            "Pass vk.Bass(counts, unit=…).fit(), for example."
        )
    return results.model


def plain(text: object, width: int = MAX_LABEL) -> str:
    """Clean text from data for a title: one line, printable, short."""
    line = "".join(c if c.isprintable() else " " for c in str(text))
    line = " ".join(line.split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def short(value: float) -> str:
    """Write a number in a few characters: 823,543 or 421 M or 0.0000517."""
    if value == math.inf:
        return "∞"
    for power, suffix in _POWERS:
        if power <= abs(value) < 1e15:
            return f"{value / power:.3g}{suffix}"
    if 1e-6 <= abs(value) < 1e-3:
        return f"{value:.{2 - math.floor(math.log10(abs(value)))}f}"
    return f"{value:,.0f}" if 100 <= abs(value) < 1e15 else f"{value:.3g}"


def short_estimate(value: float) -> str:
    """Write an estimate as `short` does, with three digits also where the last ones are zero."""
    return f"{value:#.3g}" if 1e-3 <= abs(value) < 100 else short(value)


def day(time: object) -> str:
    """Write a time as people do: 2010-04-30, or the period."""
    if isinstance(time, datetime):
        return f"{time:%Y-%m-%d %H:%M}"
    return time.isoformat() if isinstance(time, date) else f"{time:.6g}"


def drawn(frame: pl.DataFrame) -> pl.DataFrame:
    """Prepare a frame for Vega-Lite: UTC shown as such, floats to six significant digits."""
    zoned = [n for n, t in frame.schema.items() if isinstance(t, pl.Datetime) and t.time_zone]
    return frame.with_columns(
        *(pl.col(n).dt.replace_time_zone(None) for n in zoned),
        pl.selectors.float().round_sig_figs(6),
    )


def time_axis(dtype: pl.DataType, domain: Sequence[Any], title: str) -> alt.X:
    """Build the axis of times: dates, or ages and periods with the unit in their title."""
    if dtype.is_temporal():
        ends = [alt.DateTime(**_parts(end)) for end in domain]
        years = str(domain[0].year) if domain[0].year == domain[1].year else None
        utc = "Time (UTC)" if isinstance(dtype, pl.Datetime) else years
        axis = _dates((domain[1] - domain[0]).days, years is None)
        return alt.X("time:T", title=utc, axis=axis, scale=alt.Scale(domain=ends, nice=False))
    scale = alt.Scale(domain=list(domain), nice=False)
    return alt.X("time:Q", title=title, scale=scale)


def _dates(days: int, years: bool) -> alt.Axis:
    """Label dates alike: days or months, with the year at the first one and where it changes."""
    if days < 5 or days > 3 * 366:
        return alt.Axis()
    form, new = ("%-d %b", "'%j') < '008'") if days < 200 else ("%b", "'%m') == '01'")
    new = "'%j') < '003'" if days < 22 else new
    plain = f"timeFormat(datum.value, '{form}')"
    if not years:
        return alt.Axis(labelExpr=plain)
    first = f"datum.index == 0 || timeFormat(datum.value, {new}"
    return alt.Axis(labelExpr=f"{first} ? timeFormat(datum.value, '{form} %Y') : {plain}")


def at(x: alt.X, field: str) -> alt.X:
    """Return the same axis for another field."""
    copy = x.copy()
    copy.shorthand = str(x.shorthand).replace("time:", f"{field}:")
    return copy


def time_domain(rows: pl.DataFrame) -> list[Any]:
    """Find the first and last time of the rows, their intervals and periods included."""
    names = ["time", "time_lower", "time_upper", "period_end"]
    times = [rows[name] for name in names if name in rows.columns]
    first: Any = min(time.min() for time in times if time.count())  # type: ignore[type-var]
    last: Any = max(time.max() for time in times if time.count())  # type: ignore[type-var]
    if first < last:
        return [first, last]
    if not rows["time"].dtype.is_temporal():
        return [first, last + 1.0]
    return [first - timedelta(1), last] if last.year == 9999 else [first, last + timedelta(1)]


def _parts(time: Any) -> dict[str, Any]:
    day = {"year": time.year, "month": time.month, "date": time.day}
    clock = {"hours": time.hour, "minutes": time.minute} if isinstance(time, datetime) else {}
    return day | clock


def rounded(value: float) -> float:
    """Keep six significant digits, which do not depend on the machine."""
    return float(f"{value:.6g}")


def count_domain(counts: pl.Series, scale: Scale = "linear") -> list[float]:
    """Choose the range of the counts' axis, a little wider than the data."""
    top = float(counts.max() or 1)  # type: ignore[arg-type]
    if scale == "linear":
        return [0, rounded(top * 1.06)]
    least = float(counts.filter(counts > 0).min() or 1)  # type: ignore[arg-type]
    return [10 ** math.floor(math.log10(least)), rounded(top * 1.6)]


def count_axis(domain: Sequence[float], scale: Scale = "linear", field: str = "count") -> alt.Y:
    """Build the axis of counts: short numbers in one unit, tens on a log scale."""
    if scale == "log":
        first, last = (math.log10(end) for end in domain)
        step = max(1, math.ceil((last - first) / 8))
        tens = [10.0**power for power in range(round(first), math.floor(last) + 1, step)]
        axis = alt.Axis(title=None, values=tens, labelExpr=_label())
        return alt.Y(
            f"{field}:Q", axis=axis, scale=alt.Scale(type="log", domain=list(domain), nice=False)
        )
    axis = alt.Axis(title=None, labelExpr=_label(domain[1] / 2))
    return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(domain=list(domain), nice=False))


def _label(size: float | None = None) -> str:
    """Write the axis labels' expression: all in the unit that suits `size`, or each in its own."""
    value, result = "datum.value", "format(datum.value, ',~g')"
    if size is None or not 1e-4 < size < 1e15:
        result = "format(datum.value, datum.value < 1e15 && datum.value >= 1e-4 ? ',~r' : '~e')"
    for power, suffix in reversed(_POWERS):
        scaled = f"format({value} / {power:g}, ',~r') + '{suffix}'"
        if size is None:
            result = f"{value} >= {power:g} && {value} < 1e15 ? {scaled} : {result}"
        elif power <= size < 1e15:
            result = f"{value} == 0 ? '0' : {scaled}"
    return result


def pixels(
    value: float, domain: Sequence[float], scale: Scale = "linear", height: float = HEIGHT
) -> float:
    """Find how far below the plot's top a count is drawn."""
    low, high, at = domain[0], domain[1], value
    if scale == "log":
        low, high, at = math.log10(low), math.log10(high), math.log10(max(value, low))
    return height * (1 - (min(at, high) - low) / (high - low))


def spread(heights: Sequence[float], bottom: float = HEIGHT, gap: float = 16) -> list[float]:
    """Move labels apart so that none overprints another, near their lines and beside the plot."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed = [heights[i] for i in order]
    for _ in range(200):
        for i in range(1, len(placed)):
            lack = gap - (placed[i] - placed[i - 1])
            if lack > 1e-6:
                placed[i - 1] -= lack / 2
                placed[i] += lack / 2
        over = max(placed[-1] - bottom, 0.0)
        placed = [height - over for height in placed]
    return [placed[order.index(i)] for i in range(len(heights))]


def end_labels(
    times: pl.Series,
    names: Sequence[str],
    heights: Sequence[float],
    colours: Sequence[str],
    *,
    x: alt.X,
) -> list[alt.Chart]:
    """Name each line right of the plot, with a thin leader from where it ends."""
    rows = pl.DataFrame(
        {"time": times, "name": names, "end": heights, "height": spread(heights), "colour": colours}
    )
    base = alt.Chart(drawn(rows)).encode(
        y=alt.Y("height:Q", scale=None), color=alt.Color("colour:N", scale=None)
    )
    texts = base.mark_text(align="left", dx=8, fontWeight="bold")
    leaders = base.mark_rule(strokeWidth=1, opacity=0.5, strokeDash=[2, 2])
    return [
        leaders.encode(x, alt.Y("end:Q", scale=None), x2=alt.value(WIDTH + 5), y2="height:Q"),
        texts.encode(text="name:N", x=alt.value(WIDTH)),
    ]


def with_doubt(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the interval of each time as `lower` and `upper`."""
    names = {"lower": "time_lower", "upper": "time_upper"}
    given = {n: pl.col(c) if c in rows.columns else pl.lit(None) for n, c in names.items()}
    return rows.with_columns(**{n: column.fill_null(pl.col("time")) for n, column in given.items()})


def point_layers(rows: pl.DataFrame, x: alt.X, size: float = 45) -> list[alt.Chart]:
    """Draw points, bounds as hollow triangles, and doubt about a time as a bar."""
    side = pl.col("bound").is_in(["at_least", "at_most"])
    tips = [
        alt.Tooltip(str(x.shorthand), title="time"),
        alt.Tooltip("count:Q", title="count", format=","),
        alt.Tooltip("bound:N", title="bound"),
    ]
    shape = alt.Shape(
        "bound:N",
        scale=alt.Scale(domain=["at_least", "at_most"], range=["triangle-up", "triangle-down"]),
        legend=None,
    )
    doubt, sides, exact = (
        alt.Chart(drawn(rows.filter(keep)))
        for keep in (pl.col("lower") < pl.col("upper"), side, ~side)
    )
    layers = [
        doubt.mark_rule(strokeWidth=1.5, opacity=0.6).encode(at(x, "lower"), alt.X2("upper")),
        sides.mark_point(size=size * 1.4, fill="white", strokeWidth=1.5, opacity=1).encode(
            x, shape, tooltip=tips
        ),
        exact.mark_circle(size=size, opacity=1).encode(x, tooltip=tips),
    ]
    return [layer for layer in layers if not layer.data.is_empty()]


def titled(
    chart: alt.LayerChart, title: str, subtitle: Sequence[str], description: str
) -> alt.LayerChart:
    """Give a chart its title (the finding or question), subtitle, size and description."""
    ensure()
    heading = alt.Title(title, subtitle=[line for line in subtitle if line])
    return chart.properties(width=WIDTH, height=HEIGHT, title=heading, description=description)


def rule() -> dict[str, Any]:
    """Build a dashed grey rule's looks."""
    return {"color": INK, "opacity": 0.45, "strokeDash": [4, 3], "strokeWidth": 1}
