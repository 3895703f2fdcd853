"""How far cascades reach: the probability of at least so many people, and the cascades seen."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from viralkit.charts.cascades_sizes import log_axis
from viralkit.charts.parts import drawn, end_labels, pixels, rounded, short, short_estimate, titled
from viralkit.charts.theme import INK, MARKS, TEXTS
from viralkit.models.branching_counts import Tally, tally
from viralkit.wording import show

_FAR = 1000  # people, drawn at least where the probability has not fallen below `_LOW`
_MOST = 20_000  # people, unless more are asked for
_END = 1_000_000
_POINTS = 160  # of a line
_LOW, _LEAST = 1e-4, 1e-6  # probabilities: where a line may end, the smallest drawn
_LAWS = {"poisson": "Poisson", "geometric": "geometric"}  # laws that hold k
_SURVIVAL = {"size": pl.Float64, "share": pl.Float64, "cascades": pl.Float64}


def reach_chart(
    fits: Sequence[Any],
    until: Any,
    actual: pl.DataFrame | None,
    *,
    alpha: float,
    title: str | None,
) -> alt.LayerChart:
    """How likely does a cascade that one person starts reach at least so many people?"""
    data = fits[0].model.data
    known = survival(data) if data.of == "sizes" else pl.DataFrame(schema=_SURVIVAL)
    came = None if actual is None else survival(tally(actual, "sizes", data.at_least))
    seen = {"filled": known, "open": known.clear() if came is None else came}
    most = max([0.0, *(float(p["size"][-1]) for p in seen.values() if p.height)])
    last = _checked(until) if until is not None else int(min(max(1.2 * most, _FAR), _MOST))
    curves = [fit.predict(of="reach", until=last, alpha=alpha) for fit in fits]
    scale = float(curves[0]["mean"][min(data.at_least, last) - 1])  # where a cut sample begins
    seen = {n: p.with_columns(pl.col("share") * scale) for n, p in seen.items()}
    if until is None:
        near = pl.col("value") <= most
        curves = [c.filter(near | (pl.col("mean") >= _LOW)) for c in curves]
    shown = [c.filter(pl.col("mean") >= _LEAST) for c in curves]
    names = _names(fits, shown)
    lines = [_thin(c, name) for c, name in zip(shown, names, strict=True)]
    points = {name: p.filter(pl.col("size") <= last) for name, p in seen.items()}
    least = data.at_least
    cut = f"smaller than {least:,} were not kept: points begin on the line" if least > 1 else ""
    notes = [_levels(fits[0], alpha) if len(fits) == 1 else "", cut]
    told = [f"{_levels(fit, alpha)}: {_told(c)}" for fit, c in zip(fits, curves, strict=True)]
    return titled(
        _layers(lines, points),
        title or "How many people does a cascade reach?",
        [_subtitle(seen, points, alpha), "; ".join(note for note in notes if note)],
        f"Probability that a cascade reaches at least so many people. {'; '.join(told)}.",
    )


def survival(data: Tally) -> pl.DataFrame:
    """Share of the cascades with one root that reach each size, with their number.

    A cascade that still grows counts up to the size that it has (Kaplan and Meier 1958,
    doi:10.1080/01621459.1958.10501452).
    """
    one = data.roots == 1
    size, number, late = data.parents[one], data.number[one], data.late[one]
    sizes = np.unique(size[~late])
    ended = np.array([number[(size == s) & ~late].sum() for s in sizes])
    there = np.array([number[np.where(late, size > s, size >= s)].sum() for s in sizes])
    share = np.append(1.0, np.cumprod(1 - ended / there))[: len(sizes)]
    columns = {"size": sizes, "share": share, "cascades": np.full(len(sizes), number.sum())}
    return pl.DataFrame(columns, _SURVIVAL)


def _checked(until: Any) -> int:
    if isinstance(until, bool) or not isinstance(until, int) or not 2 <= until <= _END:
        raise ValueError(
            f"until={show(until)}; allowed: whole numbers from 2 to {_END:,}, the most people to "
            "draw. Leave it out for what the cascades seen suggest."
        )
    return until


def _thin(curve: pl.DataFrame, name: str) -> pl.DataFrame:
    """Name a line, and keep as many of its points as a line needs."""
    names = {"value": "size", "mean": "share"}
    rows = _few(curve).rename(names).with_columns(line=pl.lit(name))
    return rows.with_columns(pl.col("size").cast(pl.Float64))


def _names(fits: Sequence[Any], curves: Sequence[pl.DataFrame]) -> list[str]:
    """Name each line: by its end if it is alone, else by its law."""
    if len(fits) > 1:
        laws = [fit.law.replace("_", " ") for fit in fits]
        alike = len(set(laws)) < len(laws)
        return [f"{i}: {law}" if alike else law for i, law in enumerate(laws, 1)]
    value, share = curves[0].select("value", "mean").row(-1)
    return [f"{short_estimate(100 * share)} % reach {short(value)}"]


def _levels(fit: Any, alpha: float) -> str:
    """Write R and k with their intervals."""
    parts = []
    for name, estimate, _, low, high in fit.frame(alpha).iter_rows():
        ends = f" ({short_estimate(low)} to {short_estimate(high)})" if low is not None else ""
        why = _LAWS.get(fit.law, "given")
        ends = f" ({why})" if low is None and not math.isnan(estimate) else ends
        known = "not known" if math.isnan(estimate) else short_estimate(estimate)
        parts.append(f"{name} {known}{ends}")
    return ", ".join(parts)


def _told(curve: pl.DataFrame) -> str:
    """Say for screen readers how likely 10, 100 and more people are."""
    tens = curve.filter(pl.col("value").is_in([10, 100, 1000, 10_000, 100_000, 1_000_000]))
    parts = []
    for value, *shares in tens.iter_rows():
        mean, lower, upper = (short_estimate(100 * share) for share in shares)
        parts.append(f"{value:,} with {mean} % ({lower} to {upper})")
    return ", ".join(parts) or "hardly any reach 10"


def _subtitle(seen: dict[str, pl.DataFrame], points: dict[str, pl.DataFrame], alpha: float) -> str:
    words = {"filled": "cascades seen", "open": "that came later"}
    parts = [f"Band: {100 * (1 - alpha):.4g} % interval over R and k"]
    for name, rows in seen.items():
        beyond = rows.height - points[name].height
        if rows.height:
            out = f", {beyond:,} size{'s' * (beyond > 1)} outside" if beyond else ""
            parts.append(f"{name} points: {rows['cascades'][0]:,.0f} {words[name]}{out}")
    return "; ".join(parts)


def _layers(lines: Sequence[pl.DataFrame], points: dict[str, pl.DataFrame]) -> alt.LayerChart:
    rows = pl.concat(lines)
    shares = pl.concat([rows["share"], *(p["share"] for p in points.values())])
    sizes = pl.concat([rows["size"], *(p["size"] for p in points.values())])
    up = [10.0 ** math.floor(math.log10(max(float(shares.min()), _LEAST)) - 0.05), 1.0]  # type: ignore[arg-type]
    across = [1.0, rounded(max(float(sizes.max()), 10.0))]  # type: ignore[arg-type]
    x = log_axis("size", across, "People reached, the starter included, at least")
    shares_axis = log_axis("share", up, "Probability, %")
    y, low = alt.Y(**shares_axis), alt.Y(**{**shares_axis, "shorthand": "lower:Q"})
    names = [line["line"][0] for line in lines]
    colours = alt.Scale(domain=names, range=[MARKS[i % 4] for i in range(len(names))])
    base = alt.Chart(drawn(rows)).encode(
        alt.X(**x), alt.Color("line:N", scale=colours, legend=None)
    )
    layers = [
        base.mark_area(opacity=0.18, clip=True).encode(low, alt.Y2("upper")),
        base.mark_line(strokeWidth=2.5).encode(y),
    ]
    fills = {"filled": INK, "open": "white"}
    for name, part in points.items():
        mark = {"size": 28, "stroke": INK, "strokeWidth": 1.2, "fill": fills[name], "opacity": 1}
        chart = alt.Chart(drawn(_few(part))).mark_point(**mark)
        tips = [alt.Tooltip("size:Q", format=","), alt.Tooltip("share:Q", format=".3~%")]
        layers += [chart.encode(alt.X(**x), y, tooltip=tips)] if part.height else []
    ends = pl.concat([line.tail(1) for line in lines])
    heights = [pixels(share, up, "log") for share in ends["share"]]
    texts = [TEXTS[i % 4] for i in range(len(names))]
    last = alt.X(**{**x, "shorthand": "time:Q"})
    return alt.layer(*layers, *end_labels(ends["size"], names, heights, texts, x=last))


def _few(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep rows that are evenly spread on a log axis."""
    if rows.height <= _POINTS:
        return rows
    places = np.unique(np.geomspace(1, rows.height, _POINTS).round().astype(int)) - 1
    kept: pl.DataFrame = rows[places.tolist()]
    return kept
