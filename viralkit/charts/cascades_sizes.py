"""How large cascades become: the share that reaches each size, on log axes."""

import math
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from viralkit.charts.cascades_layout import used_events
from viralkit.charts.parts import drawn, end_labels, pixels, plain, rounded, short, titled
from viralkit.charts.theme import MARKS, TEXTS
from viralkit.tables import TableError, require_polars
from viralkit.wording import show, show_names

_MOST_GROUPS = 8
_MOST_SIZES = 200  # a group
_Z = 1.959964  # of a 95 % interval


def sizes_chart(
    cascades: pl.DataFrame, by: str | None = None, *, title: str | None = None
) -> alt.LayerChart:
    """How many cascades become how large, and is one group's tail heavier than another's?

    The line is the share of cascades that have at least so many events (the complementary
    cumulative distribution); the band is its 95 % interval (Wilson 1927,
    doi:10.1080/01621459.1927.10502953), at each size by itself.

    Parameters
    ----------
    cascades : polars.DataFrame
        An events table, or what `cascade_table` returns (one row a cascade, with its size).
    by : str, optional
        A column of it that names the group of each cascade, such as "label" or "platform".
    title : str, optional
        The finding; the question by default.

    Returns
    -------
    altair.LayerChart
        Both axes are logarithmic. Of more than eight groups those with most cascades are drawn.

    Raises
    ------
    TableError
        If there is no size, no such column, or no cascade.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> cascades = pl.DataFrame({"cascade_id": ["a", "b", "c"], "size": [1, 1, 20]})
    >>> vk.sizes_chart(cascades).to_dict()["description"]
    'Sizes of 3 cascades on log axes: 33.3 % of at least 10 events, the largest 20.'
    """
    sizes, unused = _sizes(require_polars(cascades), by)
    groups = sizes.group_by("group", maintain_order=True).agg(pl.len(), pl.max("size"))
    groups = groups.sort("len", descending=True, maintain_order=True)
    shown = groups.head(_MOST_GROUPS)
    names = shown["group"].to_list()
    parts = [_shares(sizes.filter(pl.col("group") == name)["size"], name) for name in names]
    some = f"{len(names)} of {groups.height:,} groups, those with most cascades"
    notes = [some if groups.height > len(names) else "", unused]
    told = _told(sizes, names)
    return titled(
        _layers(pl.concat(parts), names),
        title or "How large do cascades become?",
        [_subtitle(shown), " · ".join(note for note in notes if note)],
        f"Sizes of {sizes.height:,} cascades on log axes: {told}.",
    )


def _sizes(table: pl.DataFrame, by: str | None) -> tuple[pl.DataFrame, str]:
    """Read or count the size of each cascade, with the group it is of."""
    if by is not None and by not in table.columns:
        raise TableError(
            f"column {show(by)} not found; columns: {show_names(table.columns)}. "
            "Pass by= one of them, or join it to the table first."
        )
    group = pl.lit("cascades") if by is None else pl.col(by).cast(pl.String)
    group = group.fill_null("(no group)").alias("group")
    if "event_id" in table.columns:
        used, note = used_events(table)
        found = used.group_by("cascade_id", group, maintain_order=True).agg(size=pl.len())
    elif "size" in table.columns:
        found, note = table.select("size", group).filter(pl.col("size") > 0), ""
    else:
        raise TableError(
            f"no size and no event_id; columns: {show_names(table.columns)}. "
            "Pass an events table, or cascade_table(events)."
        )
    if found.is_empty():
        raise TableError("no cascade to draw; allowed: one or more. Look at the filters before.")
    return found, note


def _shares(sizes: pl.Series, name: str) -> pl.DataFrame:
    """Find the share of at least each size, with its interval; thin out where there are many."""
    total = len(sizes)
    counts = sizes.value_counts(name="number").sort("size")
    reach = pl.col("number").cum_sum(reverse=True) / total
    rows = counts.select(pl.lit(name).alias("group"), "size", share=reach)
    if rows.height > _MOST_SIZES:
        places = np.unique(np.geomspace(1, rows.height, _MOST_SIZES).round().astype(int)) - 1
        rows = rows[places.tolist()]
    share, spread = pl.col("share"), _Z**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half = (share * (1 - share) * spread + spread**2 / 4).sqrt() / (1 + spread)
    return rows.with_columns(lower=middle - half, upper=(middle + half).clip(upper_bound=1.0))


def _told(sizes: pl.DataFrame, names: list[str]) -> str:
    """Say for each group, to screen readers, how many cascades are large."""
    parts = []
    for name in names:
        found = sizes.filter(pl.col("group") == name)["size"]
        whose = f"{len(found):,} {plain(name)}, " if len(names) > 1 else ""
        large = short(100 * float((found >= 10).mean()))  # type: ignore[arg-type]
        most = int(found.max())  # type: ignore[arg-type]
        parts.append(f"{whose}{large} % of at least 10 events, the largest {most:,}")
    return "; ".join(parts)


def _subtitle(groups: pl.DataFrame) -> str:
    total = int(groups["len"].sum())
    what = f"{total:,} cascade{'s' * (total != 1)}"
    several = f" in {groups.height} groups" if groups.height > 1 else ""
    return f"{what}{several}; band: 95 % interval at each size"


def _layers(rows: pl.DataFrame, names: list[str]) -> alt.LayerChart:
    most, least = float(rows["size"].max()), float(rows["share"].min())  # type: ignore[arg-type]
    across = [1.0, rounded(max(most * 1.15, 10.0))]
    up = [10.0 ** math.floor(math.log10(least) - 0.05), 1.0]
    x = log_axis("size", across, "Size of the cascade, events")
    shares = log_axis("share", up, "Cascades of at least this size, %")
    y, low = alt.Y(**shares), alt.Y(**{**shares, "shorthand": "lower:Q"})
    colours = [MARKS[i % len(MARKS)] for i in range(len(names))]
    scale = alt.Scale(domain=names, range=colours)
    colour = alt.Color("group:N", scale=scale, legend=None)
    base = alt.Chart(drawn(rows)).encode(alt.X(**x), colour)
    tips = [
        alt.Tooltip("size:Q", title="at least, events", format=","),
        alt.Tooltip("share:Q", title="share of cascades", format=".3~%"),
    ]
    layers = [
        base.mark_area(opacity=0.15, interpolate="step-before", clip=True).encode(
            low, alt.Y2("upper")
        ),
        base.mark_line(strokeWidth=2, interpolate="step-before").encode(y),
        base.mark_circle(size=20, opacity=1).encode(y, tooltip=tips),
    ]
    if len(names) > 1:
        last = rows.group_by("group", maintain_order=True).last()
        heights = [pixels(share, up, "log") for share in last["share"]]
        texts = [TEXTS[i % len(TEXTS)] for i in range(len(names))]
        ends = alt.X(**{**x, "shorthand": "time:Q"})
        layers += end_labels(last["size"], [plain(n, 26) for n in names], heights, texts, x=ends)
    return alt.layer(*layers)


def log_axis(field: str, domain: list[float], title: str) -> dict[str, Any]:
    """Describe a log axis with a tick at each power of ten; shares are written in percent.

    Where it spans less than two decades, 2 and 5 have ticks as well.
    """
    first, last = (math.log10(end) for end in domain)
    step = max(1, math.ceil((last - first) / 8))
    tens = [10.0**power for power in range(round(first), math.floor(last) + 1, step)]
    if last - first < 2:
        tens = [n for power in tens for n in (power, 2 * power, 5 * power) if n <= domain[1]]
    percent = "100 * datum.value" if field == "share" else "datum.value"
    label = f"format({percent}, ',~r')"
    axis = alt.Axis(title=title, values=tens, tickCount=len(tens), labelExpr=label, grid=True)
    scale = alt.Scale(type="log", domain=domain, nice=False)
    return {"shorthand": f"{field}:Q", "axis": axis, "scale": scale}
