"""Lines by generation: what is expected of a crowd, and what cascades came to."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import polars as pl
from scipy import stats

from viralkit.charts.parts import (
    Scale,
    count_axis,
    count_domain,
    drawn,
    end_labels,
    pixels,
    plain,
    rule,
    short,
    titled,
)
from viralkit.charts.theme import GREY, MARKS, TEXTS
from viralkit.tables import TableError

_MOST = 200  # generations
_LEAST = 0.01  # expected people that are drawn on a log scale
_DECADES = 100.0  # counts that span as much are drawn on a log scale
_QUESTION = "How many hear of it in each generation?"


def expected(rows: pl.DataFrame, title: str | None) -> alt.LayerChart:
    """Draw who is told and who knows by generation, or who knows in several scenarios."""
    rows, note = _first(rows.sort("generation"))
    groups = rows["group"].unique(maintain_order=True).to_list()
    several = len(groups) > 1
    picked = [(name, "total") for name in groups] + ([] if several else [(groups[0], "told")])
    names = [plain(name, 22) for name in groups] if several else ["In all", "Newly told"]
    lines = [
        rows.filter(pl.col("group") == group).select(
            time="generation", line=pl.lit(name), count=pl.col(what).cast(pl.Float64)
        )
        for (group, what), name in zip(picked, names, strict=True)
    ]
    what = "Expected people who know it" if several else "Expected people"
    told = f"{what} by generation, {_told(lines, names)}"
    layers = _lines(lines, names, _ends_of_audience(rows), _LEAST)
    return titled(layers, title or _QUESTION, [_joined(what, note)], told)


def measured(rows: pl.DataFrame, title: str | None) -> alt.LayerChart:
    """Draw the mean events of each generation, with its interval over cascades."""
    unknown = rows["generation"].null_count()
    rows, note = _first(rows.drop_nulls("generation"))
    if rows.is_empty():
        raise TableError("no generation is known; allowed: one or more. Infer the parents first.")
    groups = rows["group"].unique(maintain_order=True).to_list()
    lines = [means(rows.filter(pl.col("group") == name)) for name in groups]
    names = [plain(name, 22) for name in groups] if len(groups) > 1 else ["Mean"]
    lines = [line.with_columns(line=pl.lit(n)) for line, n in zip(lines, names, strict=True)]
    cascades = sum(int(line["cascades"][0]) for line in lines)
    what = f"Events per cascade, mean of {cascades:,}; band: 95 % interval"
    gaps = f"{unknown:,} row{'s' * (unknown > 1)} of no known generation" if unknown else ""
    told = f"Mean events per cascade by generation, {_told(lines, names)}"
    return titled(_lines(lines, names), title or _QUESTION, [_joined(what, note, gaps)], told)


def means(rows: pl.DataFrame) -> pl.DataFrame:
    """Mean size of each generation over all cascades, with its 95 % interval.

    A cascade that ended before a generation counts as zero. The interval is symmetric on the log
    scale; of one cascade there is none.
    """
    many = rows["cascade_id"].n_unique()
    size = pl.col("size").cast(pl.Float64)
    found = rows.group_by(time="generation").agg(
        cascades=pl.len(), events=size.sum(), squares=(size**2).sum()
    )
    found = found.sort("time").filter(pl.col("events") > 0)
    mean = found["events"].to_numpy() / many
    lower, upper = mean.copy(), mean.copy()
    if many > 1:
        spread = np.maximum(found["squares"].to_numpy() / many - mean**2, 0.0) / (many - 1)
        reach = np.exp(stats.t(many - 1).ppf(0.975) * np.sqrt(spread) / mean)
        lower, upper = mean / reach, mean * reach
    return found.drop("squares").with_columns(
        count=pl.Series(mean), lower=pl.Series(lower), upper=pl.Series(upper)
    )


def _first(rows: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    kept = rows.filter(pl.col("generation") <= _MOST)
    if kept.height == rows.height:
        return kept, ""
    return kept, f"generations up to {_MOST} of {float(rows['generation'].max()):,.0f}"  # type: ignore[arg-type]


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _told(lines: Sequence[pl.DataFrame], names: Sequence[str]) -> str:
    """Say for screen readers where each line ends."""
    last = max(float(line["time"].max()) for line in lines)  # type: ignore[arg-type]
    parts = [
        f"{name[:1].lower()}{name[1:]}: {short(line['count'][-1])}"
        for name, line in zip(names, lines, strict=True)
    ]
    return f"after generation {last:g}, {'; '.join(parts)}."


def _ends_of_audience(rows: pl.DataFrame) -> list[float]:
    """The sizes of the audiences that end within the plot."""
    if "audience" not in rows.columns:
        return []
    audiences = rows["audience"].drop_nulls().cast(pl.Float64).unique().sort()
    return audiences.filter(audiences.is_finite()).to_list()


def _lines(
    lines: Sequence[pl.DataFrame],
    names: Sequence[str],
    audiences: Sequence[float] = (),
    least: float = 0.0,
) -> alt.LayerChart:
    rows = pl.concat(lines)
    counts = pl.concat([rows["count"], pl.Series(audiences, dtype=pl.Float64)])
    scale, domain = _domain(counts, least)
    last = float(rows["time"].max())  # type: ignore[arg-type]
    axis = alt.Axis(format="d", tickMinStep=1)
    ends = alt.Scale(domain=[0, max(last, 1)], nice=False)
    x, y = alt.X("time:Q", title="Generation", axis=axis, scale=ends), count_axis(domain, scale)
    colour = alt.Color(
        "line:N", scale=alt.Scale(domain=list(names), range=list(MARKS)), legend=None
    )
    base = alt.Chart(drawn(rows.filter(pl.col("count") >= domain[0]))).encode(x, colour)
    tips = [alt.Tooltip("time:Q", title="generation"), alt.Tooltip("count:Q", format=",.4~g")]
    layers = [
        base.mark_line(strokeWidth=2).encode(y),
        base.mark_circle(size=30, opacity=1).encode(y, tooltip=[*tips, "line:N"]),
    ]
    if "lower" in rows.columns:
        low = count_axis(domain, scale, "lower")
        layers = [base.mark_area(opacity=0.18, clip=True).encode(low, alt.Y2("upper")), *layers]
    finals = pl.concat([line.tail(1) for line in lines])
    heights = [pixels(count, domain, scale) for count in finals["count"]]
    texts = [f"{n}: {short(count)}" for n, count in zip(names, finals["count"], strict=True)]
    layers += _rules(audiences, y) if audiences else []
    return alt.layer(*layers, *end_labels(finals["time"], texts, heights, TEXTS[: len(names)], x=x))


def _domain(counts: pl.Series, least: float) -> tuple[Scale, list[float]]:
    """Choose a log scale where counts span two decades."""
    shown = counts.filter((counts > 0) & (counts >= least))
    spans = float(shown.max()) / float(shown.min())  # type: ignore[arg-type]
    scale: Scale = "log" if spans >= _DECADES else "linear"
    return scale, count_domain(shown, scale)


def _rules(audiences: Sequence[float], y: alt.Y) -> list[alt.Chart]:
    """Mark where an audience ends."""
    texts = [f"audience {short(size)}" for size in audiences]
    base = alt.Chart(drawn(pl.DataFrame({"count": list(audiences), "text": texts})))
    text = base.mark_text(align="left", dx=6, dy=-9, color=GREY)
    return [base.mark_rule(**rule()).encode(y), text.encode(y, x=alt.value(0), text="text:N")]
