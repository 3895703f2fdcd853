"""Funnels: how many are left from stage to stage."""

from typing import Any

import altair as alt
import numpy as np
import polars as pl
from statsmodels.stats.proportion import proportion_confint

from viralkit.charts.parts import drawn, plain, rounded, titled
from viralkit.charts.theme import INK, MARKS, TEXTS
from viralkit.tables import TableError
from viralkit.wording import show

_MOST = 10  # stages
_BAR, _STEP, _GAP = 16, 42, 14  # pixels: a bar, from bar to bar, more between stages


def funnel(rows: pl.DataFrame, title: str | None) -> alt.LayerChart:
    """Draw each stage as a bar, with its share of the stage before.

    Bars of one group are numbers, of several they are shares of the first stage of each.
    """
    rows = rows.with_columns(pl.col("stage").cast(pl.String).fill_null("(no name)"))
    parts = [shares(part) for part in rows.partition_by("group", maintain_order=True)]
    bars = pl.concat(parts)
    stages = bars["stage"].unique(maintain_order=True).to_list()
    groups = bars["group"].unique(maintain_order=True).to_list()
    if not 2 <= len(stages) <= _MOST:
        raise TableError(f"{len(stages)} stages; allowed: 2 to {_MOST}. Keep those that matter.")
    lines = [_line(row, len(groups) > 1) for row in bars.iter_rows(named=True)]
    block = _STEP * len(groups) + _GAP
    of = [groups.index(group) for group in bars["group"]]
    tops = [block * stages.index(s) + _STEP * i for s, i in zip(bars["stage"], of, strict=True)]
    inks = [TEXTS[i] if len(groups) > 1 else INK for i in of]
    columns = {"text": lines, "top": tops, "mark": [MARKS[i] for i in of], "ink": inks}
    bars = bars.hstack(pl.DataFrame(columns))
    subtitle = "Number left; %: of the stage before, with Wilson's 95 % interval"
    if len(groups) > 1:  # of unlike size: bars compare shares, not numbers
        first = pl.col("count").first().over("group")
        bars = bars.with_columns(pl.col("count", "before") / pl.when(first > 0).then(first))
        subtitle = f"Bars: share of the first stage. {subtitle}"
    chart = titled(_layers(bars), title or "How many are left?", [subtitle], "; ".join(lines))
    return chart.properties(height=block * len(stages) - _GAP)


def shares(stages: pl.DataFrame) -> pl.DataFrame:
    """Share of the stage before, with Wilson's 95 % interval; null for the first stage."""
    before = stages["count"].cast(pl.Float64).shift(1)
    count = stages["count"].cast(pl.Float64)
    more = (count > before).fill_null(False)
    if more.any():
        row = int(more.arg_true()[0])
        raise TableError(
            f"stage {show(stages['stage'][row])} counts {count[row]:,.0f}, the one before "
            f"{before[row]:,.0f}; allowed: no more than the one before. Put the stages in order, "
            "or begin with this one."
        )
    base = before.fill_null(0.0).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = proportion_confint(count.to_numpy(), base, method="wilson")
    interval = {n: pl.Series(end) for n, end in zip(("lower", "upper"), ends, strict=True)}
    found = stages.select("stage", "group", count=count, share=count / before, **interval)
    some = pl.Series(base) > 0
    return found.with_columns(pl.when(some).then(pl.col("share", "lower", "upper")), before=before)


def _line(row: dict[str, object], several: bool) -> str:
    """Write a stage: its name, its number, its share."""
    name = plain(row["stage"], 32)
    whose = f"{plain(row['group'], 22)}, {name}" if several else name
    if row["share"] is None:
        return f"{whose}: {row['count']:,.0f}"
    share, lower, upper = (f"{100 * row[n]:.1f}" for n in ("share", "lower", "upper"))  # type: ignore[operator]
    return f"{whose}: {row['count']:,.0f}, {share} % ({lower} to {upper})"


def _layers(bars: pl.DataFrame) -> alt.LayerChart:
    """Draw the bars under their texts, and the intervals as whiskers."""
    most = rounded(1.02 * float(bars["count"].max() or 1))  # type: ignore[arg-type]
    scale = alt.Scale(domain=[0, most], nice=False)
    rows = bars.with_columns(
        pl.col("lower", "upper") * pl.col("before"),
        middle=pl.col("top") + 20 + _BAR / 2,
        bottom=pl.col("top") + 20 + _BAR,
        bar=pl.col("top") + 20,
    )
    base = alt.Chart(drawn(rows.drop("before")))
    x = alt.X("count:Q", axis=None, scale=scale)
    place: dict[str, Any] = {"scale": None, "axis": None}
    bar = base.mark_rect().encode(
        x,
        alt.Y("bar:Q", **place),
        alt.Y2("bottom"),
        x2=alt.datum(0),
        color=alt.Color("mark:N", scale=None),
    )
    whisker = base.transform_filter("isValid(datum.lower)").mark_rule(color=INK, strokeWidth=1.5)
    text = base.mark_text(align="left", baseline="top", fontSize=14).encode(
        x=alt.value(0),
        y=alt.Y("top:Q", **place),
        text="text:N",
        color=alt.Color("ink:N", scale=None),
    )
    low = alt.X("lower:Q", axis=None, scale=scale)
    return alt.layer(bar, whisker.encode(low, alt.Y("middle:Q", **place), alt.X2("upper")), text)
