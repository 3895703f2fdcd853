"""A hundred outbreaks at once: what telling so many comes to, and how often it comes to nothing."""

import math
from typing import Any

import altair as alt
import ipywidgets
import numpy as np
import polars as pl

from viralkit.charts.parts import count_axis, pixels, rounded, rule, short, spread
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, ORANGE, ORANGE_TEXT
from viralkit.explorers.box import HEIGHT, WIDTH, Explorer, State, end_names, live_title
from viralkit.explorers.sliders import ChoiceSlider, NumberSlider
from viralkit.models import branching_laws as laws
from viralkit.models.branching_outbreaks import outbreaks
from viralkit.models.branching_power import power_of
from viralkit.models.results import Array

_OUTBREAKS = 100
_MOST_TOLD, _MOST_TIMES = 20, 12
_EVENNESS = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, math.inf)
_AUDIENCES = (100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 8e9, math.inf)
_SEVEN = {
    "people": 7.0,
    "pass_on": 1.0,
    "overlap": 0.0,
    "dispersion": math.inf,
    "audience": math.inf,
    "times": 7.0,
}
_ROOM: Any = {"left": 1, "top": 5, "bottom": 5, "right": 24}  # for longer numbers
_SHOWN = ("quantity", "simulated", "expected")


def explore_branching(*, seed: int = 0) -> Explorer:
    """What does telling so many people come to, and how often does it come to nothing?

    One person tells `people` others. Each of those tells R others on average: people × pass_on ×
    (1 - overlap), who do the same. A hundred such outbreaks are drawn at once.

    Parameters
    ----------
    seed : int
        Of the random outbreaks; "Draw again" takes the next one.

    Returns
    -------
    Explorer
        ``ui.people`` (1 to 20), ``ui.pass_on`` (the share of those told who tell others),
        ``ui.overlap`` (the share of their friends who have heard it already), ``ui.dispersion``
        (k: the smaller, the more a few tell most; ∞ is Poisson), ``ui.audience`` (all people that
        there are; ∞ has no end), ``ui.times`` (generations, 1 to 12); buttons ``ui.power_of_seven``
        (7 people, each passes on, no overlap, no end) and ``ui.draw_again``; ``ui.table``:
        quantity, simulated, std_error (of the hundred), expected; ``ui.chart``; ``ui.code``.

    Notes
    -----
    Expected counts are those of `power_of`. In a small audience they lie above the mean of the
    outbreaks: they leave out that some die early, and that the others run out of people. The
    chances that an outbreak is over are exact where the audience has no end.

    Examples
    --------
    >>> import viralkit as vk
    >>> ui = vk.explore_branching()
    >>> ui.power_of_seven.click()
    >>> dict(ui.table.select("quantity", "expected").rows())["in all"]
    960800.0
    """
    crowd = _Crowd(seed)
    seven = ipywidgets.Button(
        description="Power of seven", tooltip="7 people tell 7 people, 7 times"
    )
    again = ipywidgets.Button(description="Draw again", tooltip="Another hundred outbreaks")
    buttons = {"power_of_seven": seven, "draw_again": again}
    ui = Explorer(crowd.controls, _chart(), crowd.state, buttons)
    seven.on_click(lambda _: ui.set_together(_SEVEN))
    again.on_click(lambda _: ui.set_together(crowd.draw_again()))
    return ui


class _Crowd:
    """The settings, and the outbreaks that they lead to."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.controls = {
            "people": _whole(7, _MOST_TOLD, "People told", "how many each person tells"),
            "pass_on": _share(0.1, "Pass it on", "of those told, the share that tell others"),
            "overlap": _share(0.0, "Overlap", "of those told next, the share that know it already"),
            "dispersion": ChoiceSlider(0.5, _EVENNESS, write=short, description="Evenness k"),
            "audience": ChoiceSlider(math.inf, _AUDIENCES, write=_people, description="Audience"),
            "times": _whole(7, _MOST_TIMES, "Generations", "how many times it is passed on"),
        }

    def draw_again(self) -> dict[str, Any]:
        """Take the next seed; the settings stay."""
        self.seed += 1
        return {}

    def state(self) -> State:
        """Read the controls; simulate, and tell what came of it and what was to be expected."""
        value = {name: control.value for name, control in self.controls.items()}
        people, times = int(value["people"]), int(value["times"])
        mean = people * value["pass_on"] * (1 - value["overlap"])
        inverse = 1 / value["dispersion"]
        audience = None if math.isinf(value["audience"]) else value["audience"]
        shares = {"pass_on": value["pass_on"], "overlap": value["overlap"], "audience": audience}
        expected = power_of(people, times, **shares)
        totals = outbreaks(
            people, times, mean, inverse, audience=audience, number=_OUTBREAKS, seed=self.seed
        )
        over = totals[:, -1] == totals[:, -2]
        table = _table(totals, expected, _in_the_end(mean, inverse, people, times, audience), mean)
        told, last = (short(expected[name][-1]) for name in ("told", "total"))
        finding = f"R {short(mean)}: {over.sum()} of {_OUTBREAKS} over; {last} expected to know"
        if value == _SEVEN:
            finding = f"{told} in the last generation, {last} in all"
        params = {**_lines(totals, expected, over, audience), "finding": finding}
        sentence = f"Generation {times}: {finding}"
        return State(table, params, _code(people, times, shares, mean), sentence, _SHOWN)


def _whole(value: int, most: int, description: str, tooltip: str) -> NumberSlider:
    return NumberSlider(value, (1, most), description=description, tooltip=tooltip, steps=most - 1)


def _share(value: float, description: str, tooltip: str) -> NumberSlider:
    return NumberSlider(value, (0, 1), description=description, tooltip=tooltip, steps=100)


def _people(number: float) -> str:
    return "no end" if math.isinf(number) else short(number)


def _in_the_end(
    mean: float, inverse: float, people: int, times: int, audience: float | None
) -> list[float | None]:
    """Percent over by the last generation, and ever; people in all: if there is no end of them."""
    if audience is not None:
        return [None, None, None]
    over = laws.over_by(mean, inverse, times - 1, people), laws.extinction(mean, inverse, people)
    return [*(100 * share for share in over), 1 + laws.reach(mean, people)]


def _table(
    totals: Array, expected: pl.DataFrame, ends: list[float | None], mean: float
) -> pl.DataFrame:
    told = totals[:, -1] - totals[:, -2]
    simulated = [told, totals[:, -1], 100.0 * (told == 0)]
    means = [float(values.mean()) for values in simulated]
    errors = [float(values.std(ddof=1)) / math.sqrt(_OUTBREAKS) for values in simulated]
    power = [float(expected[name][-1]) for name in ("told", "total")]
    rows = [
        ("R", None, None, mean),
        ("in the last", means[0], errors[0], power[0]),
        ("in all", means[1], errors[1], power[1]),
        ("in all, middle one", float(np.median(totals[:, -1])), None, None),
        ("over by then, %", means[2], errors[2], ends[0]),
        ("over in the end, %", None, None, ends[1]),
        ("in all in the end", None, None, ends[2]),
    ]
    names = ("simulated", "std_error", "expected")
    schema = {"quantity": pl.String, **dict.fromkeys(names, pl.Float64)}
    return pl.DataFrame(rows, schema, orient="row")


def _code(people: int, times: int, shares: dict[str, Any], mean: float) -> str:
    usual = {"pass_on": 1.0, "overlap": 0.0, "audience": None}
    given = [
        f", {name}={value!r}" if value <= 1 else f", {name}={value:_.0f}"
        for name, value in shares.items()
        if value != usual[name]
    ]
    return f"vk.power_of({people}, {times}{''.join(given)})  # R = {short(mean)}"


def _lines(
    totals: Array, expected: pl.DataFrame, over: Any, audience: float | None
) -> dict[str, Any]:
    """List what the chart draws: all outbreaks in one list, the expected totals, the axis."""
    ends = [float(expected["total"][-1]), float(totals.max())]
    top = 1.6 * max(10.0, *ends)
    crowd = audience if audience is not None and audience < 30 * top else None
    domain = [1.0, rounded(max(top, 1.6 * (crowd or 0)))]
    tens = range(0, math.floor(math.log10(domain[1])) + 1, 1 + int(domain[1] > 1e7))
    heights = spread([pixels(end, domain, "log", HEIGHT) for end in ends], HEIGHT)
    return {
        "totals": [rounded(total) for total in totals.ravel()],
        "over": over.astype(int).tolist(),
        "grid": totals.shape[1],
        "expected": [rounded(total) for total in expected["total"]],
        "crowd": crowd,
        "top": domain[1],
        "ticks": [10.0**power for power in tens],
        "names": ["expected", f"most {short(ends[1])}"],  # how many stands in the title
        "heights": [rounded(height) for height in heights],
    }


def _chart() -> alt.LayerChart:
    """Draw each outbreak, those that are over in grey, and the expected total."""
    every = alt.Chart(alt.sequence(0, _OUTBREAKS * (_MOST_TIMES + 1), as_="i"))
    every = every.transform_filter("datum.i < length(totals)").transform_calculate(
        outbreak="floor(datum.i / grid)", generation="datum.i % grid", total="totals[datum.i]"
    )
    last: list[Any] = [0, alt.expr("grid - 1")]
    axis = alt.Axis(format="d", tickMinStep=1)
    x = alt.X(
        "generation:Q", title="Generation", axis=axis, scale=alt.Scale(domain=last, nice=False)
    )
    y = _y("total")
    layers: list[alt.Chart] = []
    for over, colour in ((1, "#8f8f8f"), (0, BLUE)):
        part = every.transform_filter(f"over[datum.outbreak] == {over}")
        line = part.mark_line(color=colour, strokeWidth=1.2, strokeOpacity=0.4)
        layers.append(line.encode(x, y, detail="outbreak:N"))
    mean = alt.Chart(alt.sequence(0, _MOST_TIMES + 1, as_="generation"))
    mean = mean.transform_filter("datum.generation < grid").transform_calculate(
        total="expected[datum.generation]"
    )
    crowd = alt.Chart(pl.DataFrame({"i": [0]})).transform_filter("isValid(crowd)")
    crowd = crowd.transform_calculate(total="crowd")
    named = crowd.mark_text(align="left", dx=6, dy=-9, color=GREY)
    subtitle = [
        "People who know it: a hundred outbreaks, blue while they go on, grey once over",
        "Thick: expected total",
    ]
    return alt.layer(
        *layers,
        mean.mark_line(color=ORANGE, strokeWidth=2.5).encode(x, y),
        crowd.mark_rule(**rule()).encode(y),
        named.encode(y, x=alt.value(0), text=alt.value("all people that there are")),
        end_names([ORANGE_TEXT, BLUE_TEXT]),
    ).properties(width=WIDTH, height=HEIGHT, title=live_title(subtitle), padding=_ROOM)


def _y(field: str) -> alt.Y:
    """Build a log axis whose end follows the outbreaks."""
    domain: list[Any] = [1, alt.expr("top")]
    y = count_axis([1.0, 10.0], "log", field)
    y["axis"]["values"] = alt.ExprRef("ticks")
    y["axis"]["minExtent"] = 44  # the plot stays where it is
    return y.scale(type="log", domain=domain, nice=False)
