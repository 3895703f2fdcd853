"""Move K, cycle time, churn and inflow: what a referral loop comes to, and where it ends."""

from math import isfinite, isinf
from typing import Any

import altair as alt
import ipywidgets
import polars as pl

from viralkit.charts.loops import REACH
from viralkit.charts.parts import count_axis, count_domain, pixels, rounded, rule, short, spread
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, ORANGE, ORANGE_TEXT
from viralkit.explorers.box import HEIGHT, WIDTH, Explorer, State, end_names, live_title
from viralkit.explorers.sliders import NumberSlider
from viralkit.tracking.loop_results import LoopForecast
from viralkit.tracking.loops import loop_forecast

_MONTH = 30
_MOST_CYCLES = 500
_CONVENTIONS = (
    ("new users, once", "new_users_invite"),
    ("all users, again", "everyone_invites_again"),
)
_QUANTITIES = {
    "users_in_all": "users in all",
    "users_active": "still active",
    "users_referred": "referred",
    "multiplier": "in all per paid user",
    "ceiling": "ceiling",
    "growth_per_cycle": "growth per cycle",
    "days_to_double": "days to double",
}


def explore_loop(
    k: float | pl.DataFrame = 0.8,
    *,
    cycle_days: float = 7.0,
    users: float = 100.0,
    until_days: float = 180.0,
) -> Explorer:
    """What does a referral loop come to, and what do churn and a paid inflow make of it?

    Parameters
    ----------
    k : float or polars.DataFrame
        How many users each user brings, or what `k_factor` gives: its interval is shown as long
        as the slider stands at its estimate.
    cycle_days : float
        Days from a user's sign-up to those of the users that they bring.
    users : float
        Users at the start.
    until_days : float
        How far to look.

    Returns
    -------
    Explorer
        ``ui.k``, ``ui.cycle_days``, ``ui.churn`` (percent of the active users who leave in 30
        days), ``ui.inflow`` (paid users per day), ``ui.convention`` ("new_users_invite" or
        "everyone_invites_again"); ``ui.table``: quantity, estimate, lower, upper; ``ui.chart``;
        ``ui.code``.

    Raises
    ------
    ValueError
        A number is out of its range, or there are more than 500 cycles until the end.

    Examples
    --------
    >>> import viralkit as vk
    >>> ui = vk.explore_loop(0.8, until_days=28)
    >>> round(ui.table["estimate"][0], 2)
    336.16
    >>> ui.convention.value = "everyone_invites_again"
    >>> round(ui.table["estimate"][0], 2)
    1049.76
    """
    if not users > 0:
        raise ValueError(f"users={users}; allowed: above zero. Pass how many users start.")
    first = loop_forecast(k, cycle_days, users=users, until_days=until_days)
    if first.cycles > _MOST_CYCLES or not first.cycles:
        raise ValueError(
            f"until_days={until_days} holds {first.cycles} cycles of {cycle_days} days; allowed: 1 "
            f"to {_MOST_CYCLES}. Pass other days."
        )
    what_if = _WhatIf(k, first)
    return Explorer(what_if.controls, _chart(until_days), what_if.state)


class _WhatIf:
    """The settings, and the loop that they describe."""

    def __init__(self, k: float | pl.DataFrame, first: LoopForecast) -> None:
        self.given, self.known = k, first.k
        self.users, self.until = first.users, first.until_days
        shortest = self.until / _MOST_CYCLES
        days = (min(max(shortest, 1.0), first.cycle_days), max(60.0, first.cycle_days))
        brought = (0.0, max(2.0, 1.5 * first.k.estimate))
        self.k = NumberSlider(first.k.estimate, brought, description="K", tooltip="users per user")
        self.cycle = NumberSlider(
            first.cycle_days, days, description="Cycle", decades=True, suffix=" days"
        )
        self.churn = NumberSlider(
            0.0, (0.0, 90.0), description="Churn", suffix=" %", tooltip="who leave in 30 days"
        )
        self.inflow = NumberSlider(
            0.0, (0.0, self.users / 10), description="Paid inflow", suffix=" a day"
        )
        self.convention = ipywidgets.Dropdown(options=_CONVENTIONS, description="Who invites")
        self.controls = {
            "k": self.k,
            "cycle_days": self.cycle,
            "churn": self.churn,
            "inflow": self.inflow,
            "convention": self.convention,
        }

    def state(self) -> State:
        """Read the controls; foresee the loop, and tell what it comes to."""
        is_given = self.k.value == self.known.estimate
        k: Any = self.given if is_given else self.k.value
        choices: dict[str, Any] = {
            "users": self.users,
            "until_days": self.until,
            "churn": rounded(1 - (1 - self.churn.value / 100) ** (1 / _MONTH)),
            "inflow": self.inflow.value,
            "convention": self.convention.value,
        }
        loop = loop_forecast(k, self.cycle.value, **choices)
        frame, table = loop.frame(), _table(loop)
        finding = _finding(loop, float(frame["total"][-1]))
        is_frame = isinstance(k, pl.DataFrame)
        named = ", ".join(f"{name}={value!r}" for name, value in choices.items())
        head, brings = ("# k: the table that you passed\n", "k") if is_frame else ("", repr(k))
        code = f"{head}vk.loop_forecast({brings}, {self.cycle.value!r}, {named}).derived()"
        shown = ("quantity", "estimate", *(("lower", "upper") if loop.k.lower is not None else ()))
        return State(table, {**_lines(loop, frame), "finding": finding}, code, finding, shown)


def _table(loop: LoopForecast) -> pl.DataFrame:
    derived = loop.derived()
    order = {name: place for place, name in enumerate(_QUANTITIES)}
    kept = derived.filter(pl.col("quantity").is_in(list(order)))
    kept = kept.sort(pl.col("quantity").replace_strict(order))
    return kept.with_columns(pl.col("quantity").replace_strict(_QUANTITIES))


def _finding(loop: LoopForecast, total: float) -> str:
    """The title: the users at the end, and what the loop is on its way to."""
    day = f"by day {short(loop.cycles * loop.cycle_days)}"
    lower, upper = loop.derived().filter(quantity="users_in_all").row(0)[2:]
    if lower is not None:
        return f"{short(total)} users {day} ({short(lower)} to {short(upper)})"
    ends = f"{short(total)} users {day}"
    days = loop.derived().filter(quantity="days_to_double")["estimate"].item()
    if isfinite(days):
        return f"{ends}, doubling every {short(days)} days"
    if isfinite(loop.ceiling):
        return f"{ends}; never more than {short(loop.ceiling)}"
    if isinf(loop.multiplier):
        return f"{ends}, and no end to it"
    return f"{ends}; each paid user counts as {short(loop.multiplier)}"


def _lines(loop: LoopForecast, frame: pl.DataFrame) -> dict[str, Any]:
    """The chart's parameters: users by day, the band of K, the ceiling, the labels."""
    total, active = frame["total"], frame["active"]
    end = float(total[-1])
    band = {"lower": frame["total_lower"], "upper": frame["total_upper"]}
    known = loop.k.lower is not None
    high = min(float(band["upper"][-1]), REACH * end) if known else end
    near = loop.ceiling if loop.users * 1.001 < loop.ceiling <= REACH * end else 0.0
    domain = count_domain(pl.Series([high, near]))
    lists = {"total": total, "active": active} | (band if known else {})
    cut = {n: [rounded(v) for v in line.clip(0, 10 * domain[1])] for n, line in lists.items()}
    ends = [end, float(active[-1])]
    apart = ends[1] < 0.999 * ends[0]
    heights = [pixels(value, domain, height=HEIGHT) for value in ends]
    return {
        "days": [rounded(day) for day in frame["time_days"]],
        **{"lower": [], "upper": [], **cut},
        "top": domain[1],
        "ceiling": rounded(near),
        "limit": f"ceiling {short(near)}" if near else "",
        "names": [short(ends[0]), short(ends[1]) if apart else ""],
        "heights": [rounded(h) for h in (spread(heights, HEIGHT) if apart else heights)],
    }


def _chart(until: float) -> alt.LayerChart:
    """Draw users in all and active users by day; the axis of users follows."""
    rows = alt.Chart(alt.sequence(0, _MOST_CYCLES + 1, as_="i"))
    rows = rows.transform_filter("datum.i < length(days)").transform_calculate(day="days[datum.i]")
    for name in ("total", "active", "lower", "upper"):
        rows = rows.transform_calculate(**{name: f"{name}[datum.i]"})
    x = alt.X("day:Q", title="Days", scale=alt.Scale(domain=[0, until], nice=False))
    one = alt.Chart(pl.DataFrame({"i": [0]})).transform_filter("ceiling > 0")
    one = one.transform_calculate(height="ceiling", limit="limit")
    note = one.mark_text(align="left", dx=6, dy=-8, color=GREY, fontSize=13)
    return alt.layer(
        rows.mark_area(color=BLUE, opacity=0.18, clip=True)
        .transform_filter("length(upper) > 0")
        .encode(x, _users("lower"), alt.Y2("upper")),
        one.mark_rule(**rule()).encode(_users("height")),
        note.encode(_users("height"), x=alt.value(0), text="limit:N"),
        rows.mark_line(color=ORANGE, strokeWidth=2, clip=True).encode(x, _users("active")),
        rows.mark_line(color=BLUE, strokeWidth=2.5, clip=True).encode(x, _users("total")),
        end_names([BLUE_TEXT, ORANGE_TEXT]),
    ).properties(
        width=WIDTH,
        height=HEIGHT,
        padding={"left": 5, "top": 5, "bottom": 5, "right": 30},  # for longer numbers
        title=live_title(["Users in all (blue) and still active (orange); band: interval"]),
    )


def _users(field: str) -> alt.Y:
    """The axis of users, whose top is a parameter."""
    each = count_axis([1, 10], "log")["axis"]["labelExpr"]
    axis = alt.Axis(
        title=None, tickCount=5, minExtent=50, labelExpr=f"datum.value == 0 ? '0' : {each}"
    )
    domain: list[Any] = [0, alt.expr("top")]
    return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(domain=domain, nice=False))
