"""Did word of mouth give a film legs? Its later weekends beside those of films of its time."""

from dataclasses import dataclass
from typing import Any

import altair as alt
import ipywidgets
import polars as pl

from viralkit.charts.parts import pixels, rounded, spread
from viralkit.charts.theme import BLUE, BLUE_TEXT, INK, ORANGE, ORANGE_TEXT
from viralkit.datasets import load_films_legs, load_films_opening_days, load_films_weekends
from viralkit.explorers.box import WIDTH, Explorer, State, end_names, live_title
from viralkit.explorers.sliders import NumberSlider
from viralkit.tables import TableError, require_polars
from viralkit.wording import show_names

_WEEKENDS = 8
_TOP, _BOTTOM = 230, 70
_DOMAIN = [0.0, 110.0]  # percent of the opening weekend
_REACH = [1.0, 7.0]  # openings
_MOST_KEPT = 0.9
_SHOWN = ("quantity", "film", "what_if", "median")
_COLUMNS = (
    "item",
    "wide_release",
    "rotten_tomatoes",
    "before_wide_usd",
    "domestic_total_usd",
)
_QUANTITIES = (
    "opening, % of total",
    "Fri to Sat, %",
    "2nd weekend, %",
    "total, openings",
)


def explore_legs(
    films: pl.DataFrame,
    weekends: pl.DataFrame | None = None,
    opening_days: pl.DataFrame | None = None,
) -> Explorer:
    """Did a film open and fall like others of its time and reviews, and what if it had held better?

    Parameters
    ----------
    films : polars.DataFrame
        ``load_films()`` or rows of it: item, wide_release, rotten_tomatoes, before_wide_usd,
        domestic_total_usd.
    weekends, opening_days : polars.DataFrame, optional
        Counts tables of the same items; those that ship with the kit by default.

    Returns
    -------
    Explorer
        ``ui.film`` (in the order of the table); ``ui.second_weekend`` (percentage points by which
        its change is moved); ``ui.table``: quantity, film, what_if, and of the wide openings of the
        same years and review band (``load_films_legs()``) lower_quartile, median, upper_quartile,
        null where there is no such cell; ``ui.chart``; ``ui.code``.

    Raises
    ------
    TableError
        If a column of `films` is missing.
    ValueError
        If no film has a wide release, two weekends and seven opening days.

    Notes
    -----
    What if: each weekend loses the same share as the second one did, and the weekdays keep the part
    of the first week that they had. "Median" carries the median change of the second weekend on in
    the same way. The film's real weekends stand beside it: theaters, holidays
    and rivals moved them too.

    Examples
    --------
    >>> import viralkit as vk
    >>> ui = vk.explore_legs(vk.load_films())
    >>> ui.film.value = "Cloverfield"
    >>> ui.table["film"].round(1).to_list()
    [50.0, -19.2, -68.3, 2.0]
    """
    films = require_polars(films)
    missing = [name for name in _COLUMNS if name not in films.columns]
    if missing:
        raise TableError(
            f"columns {show_names(missing)} not found; columns: {show_names(films.columns)}. Pass "
            "vk.load_films(), or a table of films with its columns."
        )
    weekends = load_films_weekends() if weekends is None else weekends
    opening_days = load_films_opening_days() if opening_days is None else opening_days
    found = [_measure(row, weekends, opening_days) for row in films.iter_rows(named=True)]
    measured = {film.name: film for film in found if film}
    if not measured:
        raise ValueError(
            f"none of {films.height} films has a wide release, two weekends and seven opening "
            "days. Pass weekends= and opening_days= of the same items."
        )
    return _Legs(measured).explorer()


@dataclass(frozen=True)
class _Film:
    """A film from its wide release on: weekends, total and first week as parts of the opening."""

    name: str
    weekends: list[float]
    total: float
    week: float
    friday_to_saturday: float
    cell: dict[str, Any]

    @property
    def second(self) -> float:
        """Change of the second weekend in percent."""
        return 100 * (self.weekends[1] - 1)


def _measure(film: dict[str, Any], weekends: pl.DataFrame, days: pl.DataFrame) -> _Film | None:
    if film["wide_release"] is None or film["domestic_total_usd"] is None:
        return None
    since = (pl.col("item") == film["item"]) & (pl.col("time") >= film["wide_release"])
    grosses, daily = (t.filter(since).sort("time")["count"].to_list() for t in (weekends, days))
    if len(grosses) < 2 or len(daily) < 7:
        return None
    opening = grosses[0]
    return _Film(
        film["item"],
        [gross / opening for gross in grosses[:_WEEKENDS]],
        (film["domestic_total_usd"] - (film["before_wide_usd"] or 0)) / opening,
        sum(daily[:7]) / opening,
        100 * (daily[1] / daily[0] - 1),
        _cell(film["wide_release"].year, film["rotten_tomatoes"]),
    )


def _cell(year: int, rating: int | None) -> dict[str, Any]:
    """Find the openings of the same years and review band."""
    for row in load_films_legs().iter_rows(named=True):
        (first, last), (low, high) = (
            map(int, row[name].split("-")) for name in ("period", "rotten_tomatoes_band")
        )
        if rating is not None and first <= year <= last and low <= rating <= high:
            return row
    return {}


class _Legs:
    """A film, and what it would have made had its second weekend fallen otherwise."""

    def __init__(self, films: dict[str, _Film]) -> None:
        self.films = films
        names = sorted(films)
        self.film = ipywidgets.Dropdown(
            options=names,
            value="Cloverfield" if "Cloverfield" in films else names[0],
            description="Film",
        )
        self.second = NumberSlider(
            0.0,
            (-30, 50),
            steps=80,
            description="2nd weekend ±",
            tooltip="percentage points",
            suffix=" points",
        )

    def explorer(self) -> Explorer:
        """Put controls, chart and state together."""
        controls = {"film": self.film, "second_weekend": self.second}
        return Explorer(controls, self._chart(), self.state)

    def state(self) -> State:
        """Read the controls; tell the film, its cell, and what would have been."""
        film = self.films[self.film.value]
        share = rounded(film.weekends[1] + self.second.value / 100)
        kept = max(share, 0.0) if share < _MOST_KEPT else None
        total = None if kept is None else rounded(film.week / (1 - kept))
        finding = _finding(film, kept, total)
        ends = (film.total, total or _REACH[1])
        params = {
            **_curves(film, kept),
            "cell": [film.cell.get(f"multiplier_{part}") for part in ("p25", "median", "p75")],
            "totals": [rounded(min(end, _REACH[1])) for end in ends],
            "texts": [f"it made {film.total:.2f}", f"what if {total:.2f}" if total else ""],
            "finding": finding,
        }
        code = f"week = {rounded(film.week)}  # gross of its first week, in opening weekends\n"
        code += f"kept = {kept}  # share of a weekend's gross that the next one makes\n"
        code += "week / (1 - kept)  # total, in opening weekends"
        code = code if total else "# no decline that could go on: its second weekend held or rose"
        return State(_table(film, kept, total), params, code, f"{film.name}: {finding}", _SHOWN)

    def _chart(self) -> alt.VConcatChart:
        """Draw the weekends above, the total within its cell below."""
        subtitle = [
            "Weekend gross, % of the opening weekend",
            "Median: second weekend of openings like it, carried on",
        ]
        return alt.vconcat(
            _weekends_chart(), _total_chart(), title=live_title(subtitle), spacing=12
        )


def _finding(film: _Film, kept: float | None, total: float | None) -> str:
    made = f"it made {film.total:.2f}"
    if kept is None:
        return f"No decline to carry on: {made} openings"
    return f"Losing {100 * (1 - kept):.0f} % a week makes {total:.2f} openings; {made}"


def _curves(film: _Film, kept: float | None) -> dict[str, Any]:
    median = film.cell.get("second_weekend_change_pct_median")
    curves = {
        "real": [rounded(100 * gross) for gross in film.weekends],
        "what": _decay(kept),
        "typical": _decay(None if median is None else 1 + median / 100),
    }
    texts = zip(("It was", "What if", "Median"), curves.values(), strict=True)
    ends = [curve[-1] if curve else 0.0 for curve in curves.values()]
    heights = spread([pixels(end, _DOMAIN, height=_TOP) for end in ends], _TOP)
    return {
        **curves,
        "names": [text if curve else "" for text, curve in texts],
        "heights": [rounded(height) for height in heights],
    }


def _decay(kept: float | None) -> list[float]:
    """Return the weekends in percent of the first, if each keeps the same share of the last."""
    return [] if kept is None else [rounded(100 * kept**k) for k in range(_WEEKENDS)]


def _table(film: _Film, kept: float | None, total: float | None) -> pl.DataFrame:
    cell = film.cell
    low, middle, high = (cell.get(f"multiplier_{part}") for part in ("p25", "median", "p75"))
    shares = [100 / value if value else None for value in (high, middle, low)]
    days = cell.get("friday_to_saturday_change_pct_median")
    second = cell.get("second_weekend_change_pct_median")
    what_if: list[float | None] = [None] * 4
    if kept is not None and total is not None:
        what_if = [100 / total, None, 100 * (kept - 1), total]
    columns = {
        "quantity": list(_QUANTITIES),
        "film": [100 / film.total, film.friday_to_saturday, film.second, film.total],
        "what_if": what_if,
        "lower_quartile": [shares[0], None, None, low],
        "median": [shares[1], days, second, middle],
        "upper_quartile": [shares[2], None, None, high],
    }
    floats = {name: pl.Float64 for name in columns if name != "quantity"}
    return pl.DataFrame(columns, schema_overrides=floats)


def _weekends_chart() -> alt.LayerChart:
    weeks = alt.Chart(pl.DataFrame({"i": range(_WEEKENDS), "weekend": range(1, _WEEKENDS + 1)}))
    ends = alt.Scale(domain=[0.8, _WEEKENDS + 0.2], nice=False)
    x = alt.X("weekend:Q", title="Weekend", axis=alt.Axis(tickCount=_WEEKENDS), scale=ends)
    y = alt.Y("percent:Q", title=None, scale=alt.Scale(domain=_DOMAIN, nice=False))
    layers = []
    looks = (("what", ORANGE, [1, 0]), ("typical", BLUE, [5, 4]), ("real", INK, [1, 0]))
    for name, colour, dash in looks:
        curve = weeks.transform_calculate(percent=f"{name}[datum.i]").encode(x, y)
        curve = curve.transform_filter("isValid(datum.percent)")
        line = {"color": colour, "strokeWidth": 2.5, "strokeDash": dash, "clip": True}
        layers.append(curve.mark_line(**line))
    inside = curve.transform_filter(f"datum.percent <= {_DOMAIN[1]}")
    layers.append(inside.mark_circle(color=INK, size=45, opacity=1))
    names = end_names([INK, ORANGE_TEXT, BLUE_TEXT])
    return alt.layer(*layers, names).properties(width=WIDTH, height=_TOP)


def _total_chart() -> alt.LayerChart:
    rows = {"i": [0, 1], "height": [12.0, 58.0], "colour": [INK, ORANGE_TEXT]}
    places = alt.Scale(domain=_REACH, nice=False)
    title = "Total, in openings; band: quartiles, line: median"
    x = alt.X("openings:Q", title=title, scale=places)
    one = alt.Chart(pl.DataFrame(rows)).encode(y=alt.Y("height:Q", scale=None))
    band = one.transform_filter("datum.i == 0 && isValid(cell[1])")
    band = band.transform_calculate(openings="cell[0]", upper="cell[2]", middle="cell[1]")
    marks = one.transform_calculate(openings="totals[datum.i]", text="texts[datum.i]")
    marks = marks.transform_filter("datum.text != ''")
    colour = alt.Color("colour:N", scale=None)
    return alt.layer(
        band.mark_rect(color=BLUE, opacity=0.18).encode(
            x, alt.X2("upper"), y=alt.value(25), y2=alt.value(45)
        ),
        band.mark_rule(color=BLUE, strokeWidth=2).encode(
            alt.X("middle:Q", title=title, scale=places), y=alt.value(25), y2=alt.value(45)
        ),
        marks.mark_circle(size=70, opacity=1).encode(x, color=colour),
        marks.mark_text(align="left", dx=9, fontWeight="bold").encode(x, colour, text="text:N"),
    ).properties(width=WIDTH, height=_BOTTOM)
