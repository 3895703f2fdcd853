"""The picture of one cascade: the tree of who had it from whom."""

import altair as alt
import polars as pl

from viralkit.cascades.measure import cascade_table, times_are_generations
from viralkit.charts.cascades_layout import (
    Axis,
    largest,
    one_cascade,
    span_unit,
    tree,
    used_events,
)
from viralkit.charts.parts import drawn, one_of, plain, rounded, spread, titled
from viralkit.charts.theme import BLUE, BLUE_TEXT, HEIGHT, INK, ORANGE, ORANGE_TEXT, WIDTH
from viralkit.tables import TableError
from viralkit.wording import show

COLOURS = (INK, BLUE, ORANGE)  # of the root, of what came straight from it, of what was passed on
LINK = {"color": "#888888", "strokeWidth": 1, "opacity": 0.45}


def cascade_chart(
    events: pl.DataFrame,
    cascade_id: str | None = None,
    *,
    axis: Axis = "time",
    title: str | None = None,
) -> alt.LayerChart:
    """Who had it from whom: did the root tell them all, or did people pass it on?

    Points are events, lines lead to the event they came from. Blue came straight from the root,
    orange was passed on by others. The height has no meaning; branches are drawn apart.

    Parameters
    ----------
    events : polars.DataFrame
        An events table; rows with a reason in `excluded` are counted, not drawn.
    cascade_id : str, optional
        Which cascade; the largest by default.
    axis : {"time", "generation"}
        Time since the first event, or steps from the root. Where the source told generations and
        no times (see `cascade_table`), it is always the second.
    title : str, optional
        The finding; the question by default.

    Returns
    -------
    altair.LayerChart
        With at most 2,000 marks: in a larger cascade small branches become hollow circles, whose
        area grows with the number of events they stand for; the subtitle counts them.

    Raises
    ------
    TableError
        If the table breaks its rules, the cascade is not there, it is no forest (`repair` it), or
        none of its events names a parent (`infer_parents` may find some).
    ValueError
        If `axis` is not known.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> events = pl.DataFrame({"cascade_id": "clip", "event_id": ["1", "2", "3"],
    ...                        "time": [0.0, 60, 90], "parent_id": [None, "1", "2"]})
    >>> vk.cascade_chart(events).to_dict()["title"]["subtitle"][0]
    '3 events · 2 generations · 50 % straight from the root · structural virality 1.33'
    """
    one_of("axis", axis, ["time", "generation"])
    used, unused = used_events(events)
    if cascade_id is None:
        cascade_id, chosen = _largest(used)
    else:
        chosen = ""
    rows = one_cascade(used, cascade_id)
    measured = cascade_table(rows).row(0, named=True)
    if measured["depth"] is None:
        raise TableError(
            f"cascade {show(cascade_id)}: of {rows.height:,} events none names a parent; allowed: "
            "a cascade whose parents are known. See infer_parents, which finds them by who follows "
            "whom."
        )
    if times_are_generations(rows):
        axis = "generation"
    marks = tree(rows, axis)
    name, told = plain(cascade_id), measures(measured)
    notes = " · ".join(note for note in (chosen, summed_note(marks), unused) if note)
    return titled(
        _layers(marks, axis),
        title or f"Who had {name} from whom?",
        [told if title is None else f"{name}: {told}", notes],
        f"Tree of the cascade {name}: {told}. {notes}".strip(),
    )


def _largest(events: pl.DataFrame) -> tuple[str, str]:
    """Choose the largest cascade, and say of how many."""
    number = events["cascade_id"].n_unique()
    cascade_id = largest(events, 1)["cascade_id"].item()
    return cascade_id, f"the largest of {number:,} cascades" if number > 1 else ""


def measures(measured: dict[str, float]) -> str:
    """Write the measures of a cascade as people read them."""
    size, depth, roots = (int(measured[name]) for name in ("size", "depth", "roots"))
    parts = [_some(size, "event"), _some(depth, "generation")]
    if roots > 1:
        parts.append(f"{roots:,} roots")
    if measured["broadcast_share"] is not None:
        parts.append(f"{100 * measured['broadcast_share']:.0f} % straight from the root")
    if measured["structural_virality"] is not None:
        parts.append(f"structural virality {measured['structural_virality']:.2f}")
    return " · ".join(parts)


def _some(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def summed_note(marks: pl.DataFrame) -> str:
    """Say how many events the hollow circles stand for, if there are any."""
    circles = marks.filter(pl.col("event_id").is_null())
    if circles.is_empty():
        return ""
    events = _some(int(circles["count"].sum()), "event")
    return f"{events} of small branches in {_some(circles.height, 'hollow circle')}"


def point_size(number: int) -> int:
    """Choose the area of points, in square pixels, so that many do not hide one another."""
    return 60 if number <= 60 else 30 if number <= 300 else 12


def _layers(marks: pl.DataFrame, axis: Axis) -> alt.LayerChart:
    unit, seconds = _unit(marks, axis)
    places = {name: pl.col(name) / seconds for name in ("x", "parent_x")}
    step = pl.col("generation").clip(0, 2).alias("step")
    base = alt.Chart(drawn(marks.with_columns(step, **places)))
    x, y = _x(marks["x"] / seconds, unit), _y("y")
    colour = alt.Color(
        "step:O", scale=alt.Scale(domain=[0, 1, 2], range=list(COLOURS)), legend=None
    )
    tips = [
        alt.Tooltip("event_id:N", title="event"),
        alt.Tooltip("x:Q", title=unit),
        alt.Tooltip("generation:Q", title="generation"),
        alt.Tooltip("count:Q", title="events", format=","),
    ]
    linked = base.transform_filter("isValid(datum.parent_x)")
    points = base.transform_filter("isValid(datum.event_id)")
    passed = points.transform_filter("datum.step > 0")
    layers = [
        linked.mark_rule(**LINK).encode(x, y, alt.X2("parent_x"), alt.Y2("parent_y")),
        passed.mark_circle(size=point_size(marks.height), opacity=1).encode(
            x, y, colour, tooltip=tips
        ),
    ]
    if marks["event_id"].null_count():
        circles = _circles(base.transform_filter("!isValid(datum.event_id)"))
        layers.append(circles.encode(x, y, colour, tooltip=tips))
    roots = points.transform_filter("datum.step == 0").mark_circle(
        size=point_size(int((marks["generation"] == 0).sum())), opacity=1
    )
    layers.append(roots.encode(x, y, colour, tooltip=tips))  # last: no other mark hides it
    return alt.layer(*layers, *_names(marks))


def _circles(base: alt.Chart) -> alt.Chart:
    area = alt.Size("count:Q", scale=alt.Scale(domainMin=1, range=[14, 900]), legend=None)
    circles = base.mark_point(fill="white", fillOpacity=0.5, strokeWidth=1.5, opacity=1)
    sized: alt.Chart = circles.encode(area)
    return sized


def _unit(marks: pl.DataFrame, axis: Axis) -> tuple[str, float]:
    """Choose the unit of the axis, and how many of the table's make one."""
    if axis == "generation":
        return "generation", 1
    return span_unit(float(marks["x"].max()) - float(marks["x"].min()))  # type: ignore[arg-type]


def _x(places: pl.Series, unit: str) -> alt.X:
    first, last = float(places.min()), float(places.max())  # type: ignore[arg-type]
    span = last - first or 1.0
    domain = [rounded(first - 0.01 * span), rounded(first + 1.02 * span)]
    scale = alt.Scale(domain=domain, nice=False)
    if unit == "generation":
        steps = [*range(0, round(last) + 1, -(-round(last + 1) // 20))]
        ticks = alt.Axis(values=steps, tickCount=len(steps), format="d")
        return alt.X("x:Q", title="Steps from the root", axis=ticks, scale=scale)
    return alt.X("x:Q", title=f"{unit.capitalize()}s since the first event", scale=scale)


def _y(field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", axis=None, scale=alt.Scale(domain=[1.02, -0.02], nice=False))


def _names(marks: pl.DataFrame) -> list[alt.Chart]:
    """Say in colour, right of the tree, what came straight from the root and what did not."""
    steps = pl.when(pl.col("generation") > 1).then(2).otherwise("generation")
    sums = marks.group_by(step=steps).agg(pl.sum("count"), pl.mean("y"))
    sums = sums.filter(pl.col("step") > 0).sort("step")
    if sums.is_empty():
        return []
    texts = {1: ("straight from the root", BLUE_TEXT), 2: ("passed on", ORANGE_TEXT)}
    heights = spread([HEIGHT * y for y in sums["y"]])
    rows = [
        {"text": f"{count:,} {texts[step][0]}", "colour": texts[step][1], "height": rounded(height)}
        for (step, count, _), height in zip(sums.iter_rows(), heights, strict=True)
    ]
    named = alt.Chart(pl.DataFrame(rows)).mark_text(align="left", dx=10, fontWeight="bold")
    return [
        named.encode(
            x=alt.value(WIDTH),
            y=alt.Y("height:Q", scale=None),
            text="text:N",
            color=alt.Color("colour:N", scale=None),
        )
    ]
