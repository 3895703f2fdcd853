"""Say how two versions of a message differ; see how many people it takes to tell."""

from typing import Any

import altair as alt
import ipywidgets
import numpy as np
import polars as pl
from scipy import optimize

from viralkit.charts.parts import drawn, pixels, rounded, rule, short, spread
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, INK, ORANGE, ORANGE_TEXT
from viralkit.explorers.box import HEIGHT, WIDTH, Explorer, State, end_names, live_title
from viralkit.explorers.sliders import NumberSlider
from viralkit.models.branching_factors import FACTORS, decompose
from viralkit.models.variants import chance_to_tell, expected_variance, plan_variants
from viralkit.tables import TableError

_FEWEST, _MOST, _STEPS = 10, 100_000, 81
_GRID = np.geomspace(_FEWEST, _MOST, _STEPS)
_PERCENT = [0.0, 112.0]  # with room for a line of text
_UNEVEN = 0.9


def explore_variants(pilot: pl.DataFrame | None = None) -> Explorer:
    """How many people does it take until you can tell two messages apart?

    Parameters
    ----------
    pilot : polars.DataFrame, optional
        People who got version a, as `decompose` takes them. The sliders begin with its factors,
        and with the unevenness that gives the variance of its R.

    Returns
    -------
    Explorer
        ``ui.contacts``, ``ui.passability``, ``ui.remarkability`` (of version a), ``ui.differs``
        (the factor in which b differs), ``ui.lift`` (b over a in this factor; a share never passes
        one), ``ui.unevenness`` and ``ui.people`` (in each version; both as `plan_variants` has
        them); ``ui.table``: what `plan_variants` gives, with the interval to expect; ``ui.chart``:
        the power against the number of people, for the factor and for R; ``ui.code``. A value
        beyond the ends of its slider is set to the end: a lift of 20 becomes 2.

    Raises
    ------
    TableError
        If nobody acted in the pilot, or its table breaks the rules of `decompose`.

    Examples
    --------
    >>> import viralkit as vk
    >>> ui = vk.explore_variants()
    >>> ui.lift.value = 1.5
    >>> ui.table.select("factor", "people_needed").rows()[1::2]
    [('passability', 51), ('R', 473)]
    """
    start = [20.0, 0.3, 0.1, 0.2] if pilot is None else _of_pilot(pilot)
    plan = _Plan(*start)
    return Explorer(plan.controls, _chart(), plan.state)


def _of_pilot(pilot: pl.DataFrame) -> list[float]:
    """The factors of a pilot, and the unevenness that gives the variance of its R."""
    found = decompose(pilot)
    if found["std_error"][3] is None:
        what = "everybody is the same" if found["estimate"][3] else "nobody acted"
        raise TableError(
            f"{what} in the pilot; allowed: one in which people act unevenly. Pass a larger pilot, "
            "or none and set the sliders."
        )
    people = pilot.height if "excluded" not in pilot.columns else pilot["excluded"].null_count()
    factors = found["estimate"].to_numpy()
    seen = people * (found["std_error"][3] / factors[3]) ** 2

    def above(u: float) -> float:
        return float(expected_variance(factors, u)[3] - seen)

    ends = (0.0, _UNEVEN)
    u = next((u for u, side in zip(ends, (1, -1), strict=True) if side * above(u) >= 0), None)
    return [*factors[:3].tolist(), optimize.brentq(above, *ends) if u is None else u]


class _Plan:
    """The settings of the two versions."""

    def __init__(
        self, contacts: float, passability: float, remarkability: float, unevenness: float
    ) -> None:
        def slider(value: float, low: float, high: float, name: str, tip: str) -> NumberSlider:
            scale = {"decades": low > 0, "description": name, "tooltip": tip}
            ends = (min(low, value), max(high, value))
            return NumberSlider(rounded(value), ends, **scale)  # type: ignore[arg-type]

        differs = ipywidgets.Dropdown(options=list(FACTORS[1:3]), description="B differs in")
        self.controls: dict[str, Any] = {
            "contacts": slider(contacts, 1, 1000, "contacts", "whom each person could tell"),
            "passability": slider(passability, 0.001, 1, "passability A", "share who are told"),
            "remarkability": slider(remarkability, 0.001, 1, "remarkability A", "share who act"),
            "differs": differs,
            "lift": slider(1.2, 0.5, 2, "lift, B over A", "1.2 is 20 % more"),
            "unevenness": slider(unevenness, 0, _UNEVEN, "unevenness", "0: all people alike"),
            "people": slider(500, _FEWEST, _MOST, "people each", "people in each version"),
        }

    def state(self) -> State:
        """Read the controls; tell how often the versions are told apart."""
        value = {name: control.value for name, control in self.controls.items()}
        a = {name: rounded(value[name]) for name in FACTORS[:3]}
        changed, people, u = value["differs"], round(value["people"]), rounded(value["unevenness"])
        b = a | {changed: rounded(min(a[changed] * value["lift"], 1))}
        table = plan_variants(a, b, people=people, unevenness=u)
        rows = [FACTORS.index(changed), 3]
        power = [100 * table["power"][row] if table["power"][row] else 0.0 for row in rows]
        curves = _curves(table, u)[:, rows]
        heights = spread([pixels(end, _PERCENT, height=HEIGHT) for end in curves[-1]], HEIGHT)
        finding = f"{people:,} people each: R is told apart in {power[1]:.0f} % of tests"
        params = {
            "first": [rounded(v) for v in curves[:, 0]],
            "second": [rounded(v) for v in curves[:, 1]],
            "people": people,
            "power": [rounded(p) for p in power],
            "names": [changed, "R"],
            "heights": [rounded(height) for height in heights],
            "note": _interval(table),
            "finding": finding,
        }
        code = f"vk.plan_variants({a}, {b}, people={people}, unevenness={u})"
        told = f"{finding}, {changed} in {power[0]:.0f} %; {params['note']}"
        return State(table, params, code, told, ("factor", "ratio", "power", "people_needed"))


def _curves(table: pl.DataFrame, unevenness: float) -> Any:
    """The power in percent on the grid of people, a column a factor."""
    one, two = (table[name].to_numpy() for name in ("a", "b"))
    variance = expected_variance(one, unevenness) + expected_variance(two, unevenness)
    gap = np.log(two / one)
    return np.nan_to_num(100 * chance_to_tell(gap, variance, _GRID[:, None], 0.05))


def _interval(table: pl.DataFrame) -> str:
    row = table.row(3, named=True)
    low, high = short(row["ratio_lower"]), row["ratio_upper"]
    top = "∞" if high is None else short(high)
    ends = f"{short(row['ratio'])} times (expect {low} to {top})"
    return f"R of A {short(row['a'])}, of B {short(row['b'])}: {ends}"


def _chart() -> alt.LayerChart:
    """Draw the power against the number of people, the present number and the 80 % rule."""
    domain = alt.Scale(type="log", domain=[_FEWEST, _MOST], nice=False)
    ticks = alt.Axis(values=[10.0**k for k in range(1, 6)], format=",~r")
    x = alt.X("people:Q", title="People in each version", scale=domain, axis=ticks)
    percents = alt.Axis(values=list(range(0, 101, 20)), tickCount=6)
    y = alt.Y("power:Q", title=None, axis=percents, scale=alt.Scale(domain=_PERCENT, nice=False))
    grid = alt.Chart(drawn(pl.DataFrame({"i": range(_STEPS), "people": _GRID})))
    now = alt.Chart(pl.DataFrame({"i": [0, 1], "colour": [BLUE, ORANGE]})).transform_calculate(
        people="people", power="power[datum.i]", note="note"
    )
    curves = [
        grid.transform_calculate(power=f"{name}[datum.i]")
        .mark_line(color=colour, strokeWidth=2.5)
        .encode(x, y)
        for name, colour in (("second", ORANGE), ("first", BLUE))
    ]
    top = pixels(100, _PERCENT, height=HEIGHT)
    wanted = alt.Chart(pl.DataFrame({"power": [80.0]}))
    one = now.transform_filter("datum.i == 0")
    note = one.mark_text(align="left", color=GREY, fontSize=13)
    subtitle = [
        "Power: percent of tests at the 5 % level that find the difference",
        "between versions A and B, by the number of people who get each",
    ]
    return alt.layer(
        wanted.mark_rule(**rule()).encode(y),
        one.mark_rule(**rule()).encode(x, y=alt.value(HEIGHT), y2=alt.value(top)),
        *curves,
        now.mark_circle(size=90, opacity=1, stroke=INK, strokeWidth=1).encode(
            x, y, color=alt.Color("colour:N", scale=None)
        ),
        note.encode(x=alt.value(6), y=alt.value(12), text="note:N"),
        end_names([BLUE_TEXT, ORANGE_TEXT]),
    ).properties(width=WIDTH, height=HEIGHT, title=live_title(subtitle))
