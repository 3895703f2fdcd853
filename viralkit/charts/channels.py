"""Channels side by side: a point and its interval each."""

from dataclasses import dataclass
from typing import Literal

import altair as alt
import polars as pl

from viralkit.charts.parts import drawn, one_of, plain, rounded, rule, short_estimate, titled
from viralkit.charts.theme import GREY, INK, MARKS, TEXTS
from viralkit.tables import TableError, require_polars
from viralkit.wording import show, show_names

Measure = Literal["rate", "reproduction_number"]
_MOST = 20  # channels
_MOST_MODELS = 6
_STEP, _LINE, _WIDTH = 30, 18, 330  # pixels: a channel, each further model of it, the plot


@dataclass(frozen=True)
class _Kind:
    """What one kind of table shows: its columns, and the words for it."""

    value: str
    lower: str
    upper: str
    percent: bool
    title: str
    axis: str


_KINDS = {
    "rate": _Kind(
        *("rate", "lower", "upper", True),
        title="Which channel's visitors convert?",
        axis="Conversions per visitor, %",
    ),
    "reproduction_number": _Kind(
        *("reproduction_number", "reproduction_lower", "reproduction_upper", False),
        title="Which channel's visitors bring others?",
        axis="New users brought per visitor",
    ),
    "share": _Kind(
        *("share", "lower", "upper", True),
        title="Which channel gets the credit for the conversions?",
        axis="Share of the conversions, %",
    ),
}


def channel_chart(
    table: pl.DataFrame, *, measure: Measure = "rate", title: str | None = None
) -> alt.LayerChart:
    """Which channel is better, and by more than chance?

    Parameters
    ----------
    table : polars.DataFrame
        What `channel_table` or `attribution_table` returns; also the tables of several models of
        attribution, one below the other, as pl.concat gives them.
    measure : {"rate", "reproduction_number"}
        Of a channel table: conversions per visitor, or new users brought per visitor.
    title : str, optional
        The finding; the question by default.

    Returns
    -------
    altair.LayerChart
        A point a channel (and model) with its interval, the highest on top, and the figures beside
        it. Of more than twenty channels those with most visitors, or credit, are drawn; channels
        without a visitor have no rate and are not.

    Raises
    ------
    TableError
        The columns are those of no such table, or there is nothing to draw: no channel with a
        visitor, or no referral that names a user.

    Notes
    -----
    Intervals of two channels that overlap a little do not show that the channels are alike.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"channel": ["e-mail", "x"], "visitors": [200, 100],
    ...     "rate": [0.1, 0.02], "lower": [0.066, 0.006], "upper": [0.149, 0.07]})
    >>> channel_chart(table).to_dict()["description"]
    'Conversions per visitor: e-mail 10.0 % (6.60 to 14.9); x 2.00 % (0.600 to 7.00).'
    """
    one_of("measure", measure, ("rate", "reproduction_number"))
    table = require_polars(table)
    kind = _KINDS["share" if "credit" in table.columns else measure]
    rows, notes = _rows(table, kind)
    lines = [_line(row, kind, rows["model"].n_unique() > 1) for row in rows.iter_rows(named=True)]
    rows = _placed(rows.with_columns(text=pl.Series(lines, dtype=pl.String)))
    told = "; ".join(
        f"{plain(name, 26)} {line}" for name, line in zip(rows["channel"], lines, strict=True)
    )
    what = kind.axis.removesuffix(", %")
    subtitle = [f"{what}; line: interval of the table", " · ".join(notes)]
    chart = titled(_layers(rows, kind), title or kind.title, subtitle, f"{what}: {told}.")
    return chart.properties(width=_WIDTH, height=float(rows["y"][-1]) + _STEP / 2)


def _rows(table: pl.DataFrame, kind: _Kind) -> tuple[pl.DataFrame, list[str]]:
    """Find the channels to draw, best first, with value and interval; and what is left out."""
    name = "channel" if "channel" in table.columns else table.columns[0] if table.width else ""
    weight = "credit" if "credit" in table.columns else "visitors"
    needed = [name, weight, kind.value, kind.lower, kind.upper]
    _refuse_odd(table, needed)
    rows = table.select(
        pl.col(name).cast(pl.String).fill_null("(none)").alias("channel"),
        (pl.col("model") if "model" in table.columns else pl.lit(""))
        .cast(pl.String)
        .alias("model"),
        pl.col(weight).cast(pl.Float64).alias("weight"),
        *(
            pl.col(given).cast(pl.Float64).fill_nan(None).alias(wanted)
            for given, wanted in zip(needed[2:], ("value", "lower", "upper"), strict=True)
        ),
    )
    rows = rows.with_columns(pl.col("model").fill_null("(no model)"))
    known = rows.filter(pl.col("value").is_finite())
    channels = known.group_by("channel", maintain_order=True).agg(
        pl.sum("weight"), pl.mean("value")
    )
    if channels.is_empty() and _unmatched(table, kind):
        raise TableError(
            f"referrals that name no user: all {_unmatched(table, kind):,} of the table, so that "
            "nobody knows who brought whom. Write the codes as the ids of users, and make the "
            "channel_table anew."
        )
    if channels.is_empty() or known["model"].n_unique() > _MOST_MODELS:
        raise TableError(
            f"{len(channels)} channels with a {kind.value}, of {known['model'].n_unique()} models; "
            f"allowed: one or more, of at most {_MOST_MODELS} models. Look at the filters before."
        )
    shown = channels.sort("weight", descending=True, maintain_order=True).head(_MOST)
    order = shown.sort("value", descending=True, maintain_order=True).select("channel")
    models = known.select("model").unique(maintain_order=True).with_row_index("colour")
    found = order.with_row_index("place").join(
        known.join(models, on="model"), on="channel", how="left", maintain_order="left"
    )
    return found.sort("place", "colour"), _notes(table, rows, channels, kind)


def _unmatched(table: pl.DataFrame, kind: _Kind) -> int:
    """How many referrals count for no channel, where people brought are drawn."""
    there = kind.value == "reproduction_number" and "unmatched_referrals" in table.columns
    return int(table["unmatched_referrals"].sum()) if there else 0


def _notes(
    table: pl.DataFrame, rows: pl.DataFrame, channels: pl.DataFrame, kind: _Kind
) -> list[str]:
    """Tell what is not in the picture."""
    without = rows["channel"].n_unique() - channels.height
    notes = []
    if channels.height > _MOST:
        notes.append(f"the {_MOST} largest of {channels.height} channels")
    if without:
        notes.append(f"{without} channel{'s' * (without > 1)} without a visitor")
    if _unmatched(table, kind):
        notes.append(f"referrals that name no user: {_unmatched(table, kind):,}")
    if "flagged" in table.columns and table["flagged"].sum():
        notes.append(f"{table['flagged'].sum():,} flagged clicks left out")
    return notes


def _refuse_odd(table: pl.DataFrame, needed: list[str]) -> None:
    """Refuse a table without the columns, or with text where numbers are needed."""
    absent = [name for name in needed if name not in table.columns]
    if absent:
        raise TableError(
            f"column {show(absent[0])} not found; columns: {show_names(table.columns)}. "
            "Pass what channel_table(clicks) or attribution_table(clicks) returns."
        )
    for name in needed[1:]:
        if not table.schema[name].is_numeric() and table.schema[name] != pl.Null:
            raise TableError(
                f"column {show(name)} is {table.schema[name]}; allowed: numbers. "
                f"Cast it: pl.col({show(name)}).cast(pl.Float64)."
            )


def _line(row: dict[str, object], kind: _Kind, several: bool) -> str:
    """Write the figures of a row: 6.20 % (5.10 to 7.40)."""
    scale = 100 if kind.percent else 1
    value, *ends = (
        None if row[n] is None else short_estimate(scale * float(row[n]))  # type: ignore[arg-type]
        for n in ("value", "lower", "upper")
    )
    interval = f" ({ends[0]} to {ends[1]})" if None not in ends else ""
    model = f"{plain(row['model'], 16)} " if several else ""
    return f"{model}{value}{' %' * kind.percent}{interval}"


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """Add how far below the plot's top each row stands, and the middle of its channel."""
    further = (pl.col("place") == pl.col("place").shift(1)).fill_null(False)
    step = pl.when(further).then(_LINE).otherwise(_STEP)
    rows = rows.with_columns(y=step.cum_sum() - _STEP / 2)
    colours = rows["colour"].to_list()
    marks, inks = (*MARKS, INK, GREY), (*TEXTS, INK, GREY)
    return rows.with_columns(
        mark=pl.Series([marks[i] for i in colours]), ink=pl.Series([inks[i] for i in colours])
    )


def _layers(rows: pl.DataFrame, kind: _Kind) -> alt.LayerChart:
    """Draw lines, points, the names left of the plot, the figures right of it."""
    most = max(float(rows[n].max() or 0) for n in ("value", "upper"))  # type: ignore[arg-type]
    scale = alt.Scale(domain=[0, rounded(1.03 * most) or 1], nice=False, clamp=True)
    label = "format(100 * datum.value, ',~r')" if kind.percent else "format(datum.value, ',~r')"
    axis = alt.Axis(title=kind.axis, labelExpr=label, grid=True, tickCount=5)
    x = alt.X("value:Q", axis=axis, scale=scale)
    y = alt.Y("y:Q", scale=None, axis=None)
    names = rows.group_by("place", maintain_order=True).agg(pl.first("channel"), pl.mean("y"))
    names = names.with_columns(
        pl.Series("channel", [plain(name, 26) or "(blank)" for name in names["channel"]])
    )
    base = alt.Chart(drawn(rows.drop("channel", "model", "weight"))).encode(y)
    colour = alt.Color("mark:N", scale=None)
    layers = [
        base.transform_filter("isValid(datum.lower) && isValid(datum.upper)")
        .mark_rule(strokeWidth=2, opacity=0.6)
        .encode(alt.X("lower:Q", axis=axis, scale=scale), alt.X2("upper"), colour),
        base.mark_circle(size=70, opacity=1).encode(x, colour, tooltip=[alt.Tooltip("text:N")]),
        base.mark_text(align="left").encode(
            x=alt.value(_WIDTH + 12), text="text:N", color=alt.Color("ink:N", scale=None)
        ),
        alt.Chart(names).mark_text(align="right").encode(y, x=alt.value(-10), text="channel:N"),
    ]
    if not kind.percent and most >= 1:
        one = alt.Chart(pl.DataFrame({"value": [1.0]})).mark_rule(**rule()).encode(x)
        layers = [one, *layers]
    return alt.layer(*layers)
