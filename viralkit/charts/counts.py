"""The picture of counts over time, before any model."""

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import polars as pl

from viralkit.charts.happenings import happenings_layers, place
from viralkit.charts.parts import (
    Scale,
    count_axis,
    count_domain,
    day,
    drawn,
    end_labels,
    one_of,
    pixels,
    plain,
    point_layers,
    short,
    time_axis,
    time_domain,
    titled,
    with_doubt,
)
from viralkit.charts.rows import aged, keep_largest, steps, thin, usable
from viralkit.charts.theme import MARKS, TEXTS
from viralkit.tables import check

_SIDES = ["at_least", "at_most"]
_MANY = 300


def counts_chart(
    counts: pl.DataFrame,
    happenings: pl.DataFrame | None = None,
    *,
    scale: Scale = "linear",
    time: Literal["date", "age"] = "date",
    title: str | None = None,
) -> alt.LayerChart:
    """How did the counts grow, how sure is each, and what happened meanwhile?

    Points are counts; triangles are bounds (up: at least, down: at most); a horizontal bar is a
    date known only to an interval. Counts per period, and an index with `period_end`, are drawn as
    steps, open where a period is missing. Several items become lines with their names at the end.
    Rows with a reason in `excluded` are counted, not drawn.

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one unit and one kind.
    happenings : polars.DataFrame, optional
        Dated things, drawn as rules; as many are named as there is room for.
    scale : {"linear", "log"}
        Of the counts; zeros have no place on a log scale and are counted in the subtitle.
    time : {"date", "age"}
        Calendar time, or the time since each item's first row.
    title : str, optional
        The finding; the question by default.

    Returns
    -------
    altair.LayerChart
        With at most 5,000 rows: longer tables are thinned, which the subtitle says.

    Raises
    ------
    TableError
        If a table breaks its rules, no row is left, or units or kinds are mixed.
    ValueError
        If a choice is not known, or happenings meet the ages of several items.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": ["clip"] * 3, "time": [0.0, 1, 2], "count": [0, 10, 40]})
    >>> vk.counts_chart(counts).to_dict()["title"]["text"]
    'How did clip grow?'
    """
    one_of("scale", scale, ["linear", "log"])
    one_of("time", time, ["date", "age"])
    rows, notes = usable(counts, scale)
    rows, largest = keep_largest(rows)
    rows, thinned = thin(rows)
    events = None if happenings is None else check(happenings, "happenings")
    rows, events, axis_title = aged(rows, events, time)
    ends = time_domain(rows)
    x = time_axis(rows["time"].dtype, ends, axis_title)
    layers = counts_layers(rows, x, count_domain(rows["count"], scale), scale)
    named = ""
    if events is not None:
        placed, named = place(events, ends)
        layers = [*happenings_layers(placed, x, ends), *layers]
    notes = [note for note in [*notes, largest, thinned, named] if note]
    return titled(
        alt.layer(*layers),
        title or _question(rows),
        [_what(rows, told=title is None), " · ".join(notes)],
        _describe(rows, ends),
    )


def counts_layers(
    rows: pl.DataFrame, x: alt.X, domain: Sequence[float], scale: Scale
) -> list[alt.Chart]:
    """Draw rows of counts: lines or steps, points with their doubt, and names of several items."""
    last = rows.group_by("label", maintain_order=True).last()
    last = last.sort("count", descending=True, maintain_order=True)
    names = last["label"].to_list()
    colours = [MARKS[i % len(MARKS)] for i in range(len(names))]
    colour = alt.Color("label:N", scale=alt.Scale(domain=names, range=colours), legend=None)
    y = count_axis(domain, scale)
    layers = [layer.encode(x, y, colour) for layer in _lines(rows)]
    layers += [layer.encode(y, colour) for layer in _points(rows, x)]
    if len(names) > 1:
        heights = [pixels(value, domain, scale) for value in last["count"]]
        texts = [TEXTS[i % len(TEXTS)] for i in range(len(names))]
        layers += end_labels(last["time"], [plain(n, 28) for n in names], heights, texts, x=x)
    return layers


def _stepped(rows: pl.DataFrame) -> bool:
    return rows["kind"][0] in ("incremental", "index") and "period_end" in rows.columns


def _lines(rows: pl.DataFrame) -> list[alt.Chart]:
    exact = rows.filter(~pl.col("bound").is_in(_SIDES))
    several = exact["label"].n_unique() > 1
    periods = _stepped(rows) or rows["kind"][0] == "incremental"
    if exact.height <= _MANY and not several and not periods:
        return []
    data = steps(exact) if _stepped(rows) else exact.with_columns(run=pl.lit(0))
    shape: Literal["step-after", "linear"] = "step-after" if _stepped(rows) else "linear"
    chart = alt.Chart(drawn(data.select("label", "time", "count", "run")))
    return [chart.mark_line(strokeWidth=2, interpolate=shape).encode(detail="run:Q")]


def _points(rows: pl.DataFrame, x: alt.X) -> list[alt.Chart]:
    side = pl.col("bound").is_in(_SIDES)
    crowded = rows.height > _MANY or _stepped(rows)
    shown = with_doubt(rows.filter(side) if crowded else rows)
    shown = shown.select("label", "time", "count", "bound", "lower", "upper")
    size = 45 if rows["label"].n_unique() == 1 else 18
    return point_layers(shown, x, size)


def _question(rows: pl.DataFrame) -> str:
    if rows["label"].n_unique() > 1:
        return "How did the counts grow?"
    verb = "do over time" if rows["kind"][0] == "incremental" else "grow"
    return f"How did {plain(rows['label'][0])} {verb}?"


def _what(rows: pl.DataFrame, told: bool) -> str:
    given = rows["unit"].drop_nulls().first()
    unit = plain(given or "count", 24)
    kinds = {
        "incremental": f"{unit} {_per(rows)}",
        "index": unit if given else "index",
        "cumulative": f"{unit} so far",
    }
    text = kinds[rows["kind"][0] or "cumulative"]
    single = rows["label"].n_unique() == 1
    text = (
        f"{plain(rows['label'][0])}: {text}" if single and not told else text[:1].upper() + text[1:]
    )
    bounds = rows["bound"].unique().to_list()
    signs = {"at_least": "triangle up: at least", "at_most": "triangle down: at most"}
    keys = [sign for bound, sign in signs.items() if bound in bounds]
    doubt = with_doubt(rows)
    keys += ["bar: date uncertain"] if (doubt["lower"] < doubt["upper"]).any() else []
    return " · ".join([text, *keys])


def _per(rows: pl.DataFrame) -> str:
    if "period_end" not in rows.columns or not rows["time"].dtype.is_temporal():
        return "per period"
    days = (rows["period_end"] - rows["time"]).dt.total_days().unique().to_list()
    return (
        {1: "per day", 7: "per week"}.get(days[0], "per period") if len(days) == 1 else "per period"
    )


def _describe(rows: pl.DataFrame, ends: Sequence[Any]) -> str:
    names = rows["label"].unique(maintain_order=True).to_list()
    last = rows.group_by("label", maintain_order=True).last()
    values = [
        f"{plain(name)} {short(value)}" for name, value in last.select("label", "count").rows()
    ]
    return (
        f"Chart of {rows.height:,} counts of {len(names)} item{'s' * (len(names) > 1)} "
        f"from {day(ends[0])} to {day(ends[1])}. Last counts: {', '.join(values)}."
    )
