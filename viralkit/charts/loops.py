"""The picture of a referral loop: users over time, and where it ends."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import altair as alt
import polars as pl

from viralkit.charts.fits import curve_layers
from viralkit.charts.parts import (
    count_axis,
    count_domain,
    drawn,
    end_labels,
    pixels,
    rule,
    short,
    time_axis,
    titled,
)
from viralkit.charts.theme import GREY, MARKS, ORANGE, ORANGE_TEXT, TEXTS
from viralkit.tracking.loop_results import WHO, LoopForecast
from viralkit.wording import show

REACH = 1.6  # how many times the users the plot may be high
_MOST, _POINTS = 400, 40  # rows of each line; cycles up to which their ends are marked
_SHORT = {"new_users_invite": "new users invite", "everyone_invites_again": "all invite again"}


def loop_chart(
    loops: Sequence[LoopForecast],
    until: object,
    actual: pl.DataFrame | None,
    *,
    alpha: float,
    title: str | None,
) -> alt.LayerChart:
    """How many users will the loops bring, and where do they end? The band is their interval."""
    _refuse_others(loops, until, actual, alpha)
    curves = [_curve(loop) for loop in loops]
    last = max(float(curve["time"][-1]) for curve in curves)
    x = time_axis(pl.Float64(), [0.0, last or 1.0], "Days")
    tops = [tuple(map(float, curve.select("mean", "upper").max().row(0))) for curve in curves]
    ends = [min(upper, REACH * mean) for mean, upper in tops]
    ceilings = _ceilings(loops, max(ends))
    domain = count_domain(pl.Series([*ends, *(height for _, height in ceilings)]))
    colours = [MARKS[i % len(MARKS)] for i in range(len(loops))]
    layers = [
        layer
        for curve, colour in zip(curves, colours, strict=True)
        for layer in [*curve_layers(curve, x, domain, colour), *_cycles(curve, x, domain, colour)]
    ]
    if _leaves(loops):
        layers.append(_active(curves[0], x, domain))
    names, heights, texts = _ends(loops, ceilings, domain)
    labels = end_labels(pl.Series([last] * len(names)), names, heights, texts, x=x)[1]
    question = title or f"How many users will {'the loops' if loops[1:] else 'the loop'} bring?"
    lines = _subtitle(loops)
    told = " · ".join([question, *lines, *names])
    drawing = alt.layer(*layers, *_rules(ceilings, domain), labels)
    return titled(drawing, question, lines, told)


def _refuse_others(loops: Sequence[Any], until: object, actual: object, alpha: float) -> None:
    """Refuse what a loop has by itself, and mixtures with other forecasts."""
    other = [type(loop).__name__ for loop in loops if not isinstance(loop, LoopForecast)]
    if other:
        raise TypeError(
            f"{show(other[0])} stands among loop forecasts; allowed: one kind in a chart. "
            "Draw it in a chart of its own."
        )
    for name, value in (("until", until), ("actual", actual)):
        if value is not None:
            raise ValueError(
                f"{name}={show(value)} with a loop forecast; allowed: None. Its end is told by "
                "loop_forecast(until_days=…), and it foresees no table of counts."
            )
    if alpha != 0.05:
        raise ValueError(
            f"alpha={show(alpha)} with a loop forecast; its interval goes with that of K. "
            "Pass it to k_factor(alpha=…)."
        )


def _curve(loop: LoopForecast) -> pl.DataFrame:
    """Users in all by day, with the interval where K has one."""
    frame = loop.frame()
    frame = frame.gather_every(max(-(-frame.height // _MOST), 1))
    return frame.select(
        pl.col("time_days").alias("time"),
        pl.col("total").alias("mean"),
        pl.coalesce("total_lower", "total").alias("lower"),
        pl.coalesce("total_upper", "total").alias("upper"),
        "active",
    )


def _cycles(curve: pl.DataFrame, x: alt.X, domain: Sequence[float], colour: str) -> list[alt.Chart]:
    """Mark the end of each cycle, where there are few; users are counted there only."""
    if curve.height > _POINTS + 1:
        return []
    tips = [
        alt.Tooltip("time:Q", title="day"),
        alt.Tooltip("mean:Q", title="users in all", format=",.6~g"),
        alt.Tooltip("active:Q", title="active", format=",.6~g"),
    ]
    shown = alt.Chart(drawn(curve.select("time", "mean", "active")))
    marks = shown.mark_circle(size=35, color=colour, opacity=1)
    return [marks.encode(x, count_axis(domain, field="mean"), tooltip=tips)]


def _leaves(loops: Sequence[LoopForecast]) -> bool:
    """Whether the users who have not left are a line of their own."""
    return len(loops) == 1 and loops[0].churn > 0


def _active(curve: pl.DataFrame, x: alt.X, domain: Sequence[float]) -> alt.Chart:
    shown = alt.Chart(drawn(curve.select("time", "active")))
    line: alt.Chart = shown.mark_line(color=ORANGE, strokeWidth=2, clip=True)
    return line.encode(x, count_axis(domain, field="active"))


def _ceilings(loops: Sequence[LoopForecast], top: float) -> list[tuple[str, float]]:
    """The ceilings that lie in reach, above where their loops begin."""
    found = {}
    for loop in loops:
        height = loop.ceiling
        if isfinite(height) and loop.users * 1.001 < height <= REACH * top:
            found[f"ceiling {short(height)}"] = height
    return list(found.items())


def _rules(ceilings: Sequence[tuple[str, float]], domain: Sequence[float]) -> list[alt.Chart]:
    if not ceilings:
        return []
    base = alt.Chart(drawn(pl.DataFrame(ceilings, ["name", "count"], orient="row")))
    return [base.mark_rule(**rule()).encode(count_axis(domain))]


def _ends(
    loops: Sequence[LoopForecast],
    ceilings: Sequence[tuple[str, float]],
    domain: Sequence[float],
) -> tuple[list[str], list[float], list[str]]:
    """What stands at the ends of the lines: how they differ, and the users."""
    ends = [(text, height, GREY) for text, height in ceilings]
    for i, loop in enumerate(loops):
        active, total = loop.frame().select("active", "total").row(-1)
        name = f"{_difference(loop, loops)}: {short(total)}" if loops[1:] else short(total)
        if _leaves(loops):
            name = f"{name} in all"
            ends.append((f"{short(active)} active", active, ORANGE_TEXT))
        ends.append((name, total, TEXTS[i % len(TEXTS)]))
    ends.sort(key=lambda end: -end[1])
    names, values, colours = (list(column) for column in zip(*ends, strict=True))
    return names, [pixels(min(value, domain[1]), domain) for value in values], colours


def _difference(loop: LoopForecast, loops: Sequence[LoopForecast]) -> str:
    """By what this loop differs from the others."""
    words: dict[str, set[Any]] = {
        _SHORT[loop.convention]: {other.convention for other in loops},
        f"K {loop.k.estimate:.3g}": {other.k for other in loops},
        f"{loop.cycle_days:.3g}-day cycle": {other.cycle_days for other in loops},
        f"churn {loop.churn:.3g}": {other.churn for other in loops},
        f"{loop.inflow:.3g} a day": {other.inflow for other in loops},
    }
    return ", ".join(word for word, values in words.items() if len(values) > 1)


def _subtitle(loops: Sequence[LoopForecast]) -> list[str]:
    """What is counted, by which convention, from which K."""
    first = loops[0]
    known = first.k.lower is not None
    band = "; band: interval from K and chance" if known else ""
    active = " and those still active" if _leaves(loops) else ""
    counted = f"Users who ever signed up{active}, counted by cycle{band}"
    if loops[1:]:
        return [counted]
    ends = f" ({first.k.lower:.3g} to {first.k.upper:.3g})" if known else ""
    inflow = f" · inflow {short(first.inflow)} a day" if first.inflow else ""
    churn = f" · churn {100 * first.churn:.3g} % a day" if first.churn else ""
    facts = f"K {first.k.estimate:.3g}{ends} · cycle {first.cycle_days:.3g} days{inflow}{churn}"
    lines = [counted, f"{facts} · {WHO[first.convention].split(',')[0]}"]
    ceiling, lower, upper = first.derived().filter(quantity="ceiling").row(0)[1:]
    if known and isfinite(ceiling):
        lines.append(
            f"Expected ceiling {short(ceiling)} ({short(lower)} to {short(upper)}, from K alone, "
            "without chance)"
        )
    return lines
