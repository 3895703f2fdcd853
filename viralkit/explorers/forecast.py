"""Move today through the past and see what a model would have foreseen."""

from datetime import date, datetime
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from viralkit.charts.fits import axis_from_start, moments
from viralkit.charts.forecasts import joined
from viralkit.charts.parts import (
    count_axis,
    count_domain,
    day,
    drawn,
    pixels,
    plain,
    rounded,
    rule,
    short,
)
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, INK
from viralkit.explorers.box import (
    HEIGHT,
    WIDTH,
    Explorer,
    State,
    end_names,
    literal,
    live_title,
)
from viralkit.explorers.sliders import ChoiceSlider
from viralkit.models.growth import Growth
from viralkit.wording import show

_STEPS = 120
_MOST_DAYS = 100
_FAST = {"bounds": "ignore", "dates": "midpoint"}


def explore_forecast(
    model_class: Any,
    counts: pl.DataFrame,
    *,
    unit: str,
    start: date | datetime | float | None = None,
) -> Explorer:
    """What would the model have foreseen on each day of the past, and did the interval hold?

    Parameters
    ----------
    model_class : class
        A growth model, such as ``vk.Bass``.
    counts : polars.DataFrame
        A counts table of one item.
    unit, start
        As the model takes them.

    Returns
    -------
    Explorer
        ``ui.today`` (a slider over the dates of the counts; up to a hundred of them); ``ui.table``
        (quantity, value: the forecast for the last date, its 95 % prediction interval, what was
        seen, and the share of the later counts inside the interval); ``ui.chart``; ``ui.code``.
        Fits are made when a date is first visited, with dates in the middle of their intervals and
        without bounds, so that the slider stays quick. Where periods are missing, counts and
        forecast both leave them out.

    Raises
    ------
    TypeError
        If it is not the class of a growth model.
    ValueError
        If there are too few points to hold any back.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "clip", "time": [0.0, 1, 2, 3, 4], "kind": "cumulative",
    ...                        "count": [0, 5, 11, 16, 20]})
    >>> ui = vk.explore_forecast(vk.Linear, counts, unit="period")
    >>> ui.today.value = 3.0
    >>> ui.table["value"].round(0).to_list()[0]
    21.0
    """
    if not (isinstance(model_class, type) and issubclass(model_class, Growth)):
        named = getattr(model_class, "__name__", type(model_class).__name__)
        raise TypeError(
            f"{show(named)} is not the class of a growth model, such as vk.Bass or vk.Logistic. "
            "Pass the class: vk.explore_forecast(vk.Bass, counts, unit=…)."
        )
    past = _Past(model_class, counts, unit, start)
    return Explorer({"today": past.today}, past.chart(), past.state)


class _Past:
    """The whole history, cut at the day that the slider shows."""

    def __init__(self, model_class: Any, counts: pl.DataFrame, unit: str, start: Any) -> None:
        self.counts, self.model_class, self.unit = counts, model_class, unit
        self.whole = model_class(counts, unit=unit, start=start)
        self.points = self.whole.points
        least = len(self.whole.parameters) + 2
        days = self.points["time"].to_list()[least - 1 : -1]
        if not days:
            raise ValueError(
                f"{self.points.height} exact points; {self.whole.name} needs {least} to fit and "
                "one to hold back. Add counts, or take a model with fewer parameters."
            )
        days = days[:: -(-len(days) // _MOST_DAYS)]
        self.today = ChoiceSlider(days[len(days) // 3], days, write=day, description="Today")
        self.last = self.points["time"][-1]
        self.ages = np.linspace(0.0, self.whole.series.span, _STEPS)
        self.domain = count_domain(1.4 * self.points["count"].cast(pl.Float64))
        self.forecast = cache(self._forecast)

    def _forecast(self, today: Any) -> tuple[pl.DataFrame | None, str]:
        """Fit what was known and forecast the rest, or say what failed."""
        ends = "period_end" if "period_end" in self.counts.columns else "time"
        known = self.counts.filter(pl.col(ends) <= today)
        try:
            model = self.model_class(known, unit=self.unit, start=self.whole.start)
            return joined(model.fit(**_FAST), self.last, 0.05, self.whole.series.gaps), ""
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as problem:
            return None, f"No fit on this day: {plain(problem, 40)}"

    def state(self) -> State:
        """Read the slider; tell the forecast, whether it held, and the code."""
        today, (forecast, failure) = self.today.value, self.forecast(self.today.value)
        table, seen = self._table(forecast, today), float(self.points["count"][-1])
        end = table["value"][0]
        finding, names, heights = failure, [""], [0.0]
        if end is not None:
            finding = f"{self.whole.name} foresaw {short(end)}; {short(seen)} came"
            names, heights = [short(end)], [pixels(end, self.domain, height=HEIGHT)]
        known = self.points.filter(pl.col("time") <= today).height
        params = {
            **self._curves(forecast),
            "known": known,
            "names": names,
            "heights": [rounded(height) for height in heights],
            "finding": finding,
        }
        return State(
            table, params, self._code(today), f"{day(today)}: {finding}", ("quantity", "value")
        )

    def _curves(self, forecast: pl.DataFrame | None) -> dict[str, Any]:
        """Put the forecast on the grid; `first` is where it begins."""
        names = ("mean", "lower", "upper")
        if forecast is None:
            return {"first": _STEPS, **{name: [0.0] * _STEPS for name in names}}
        first = int(np.searchsorted(self.ages, forecast["age"][0]))
        values = {name: np.interp(self.ages, forecast["age"], forecast[name]) for name in names}
        top = 10 * self.domain[1]
        lists = {n: [rounded(v) for v in np.clip(value, 0, top)] for n, value in values.items()}
        return {"first": first, **lists}

    def _table(self, forecast: pl.DataFrame | None, today: Any) -> pl.DataFrame:
        last = [None] * 3 if forecast is None else forecast.select("mean", "lower", "upper").row(-1)
        later = self.points.filter(pl.col("time") > today)
        share = None
        if forecast is not None:
            low, high = (
                np.interp(later["age"], forecast["age"], forecast[n]) for n in ("lower", "upper")
            )
            share = float(later["count"].is_between(pl.Series(low), pl.Series(high)).mean())
        names = [
            f"forecast for {day(self.last)}",
            "lower 95 %",
            "upper 95 %",
            "seen",
            "share of later counts inside",
        ]
        values = [*last, float(self.points["count"][-1]), share]
        return pl.DataFrame(
            {"quantity": names, "value": values}, schema_overrides={"value": pl.Float64}
        )

    def _code(self, today: Any) -> str:
        """Write the line that gives the forecast, with the gaps that it leaves out."""
        ends = "period_end" if "period_end" in self.counts.columns else "time"
        name, _, rest = self.whole.call.partition("(counts")
        known = f"counts.filter(pl.col({ends!r}) <= {literal(today)})"
        choices = ", ".join(f"{choice}={value!r}" for choice, value in _FAST.items())
        now = float(self.whole.age_of([today])[0])
        gaps = [tuple(map(rounded, gap)) for gap in self.whole.series.gaps if gap[0] >= now]
        until = f"{literal(self.last)}, gaps={gaps}" if gaps else literal(self.last)
        return f"{name}({known}{rest}.fit({choices}).forecast({until})"

    def chart(self) -> alt.LayerChart:
        """Draw what was known, what came, and the forecast from today on."""
        x = axis_from_start(self.whole, self.last)
        grid = pl.DataFrame({"i": range(_STEPS)}).with_columns(moments(self.whole, self.ages))
        forecast = alt.Chart(drawn(grid)).transform_filter("datum.i >= first")
        for name in ("mean", "lower", "upper"):
            forecast = forecast.transform_calculate(**{name: f"{name}[datum.i]"})
        points = pl.DataFrame({"i": range(1, self.points.height + 1)}).hstack(
            self.points.select("time", "count")
        )
        came = alt.Chart(drawn(points))
        today = came.transform_filter("datum.i == known")
        fill = alt.condition("datum.i <= known", alt.value(GREY), alt.value("white"))
        y = count_axis(self.domain)
        subtitle = [
            f"{plain(self.whole.label)}: count so far; band: 95 % prediction interval",
            "Filled points were known on the day, open points came later",
        ]
        return alt.layer(
            today.mark_rule(**rule()).encode(x),
            forecast.mark_area(color=BLUE, opacity=0.18, clip=True).encode(
                x, count_axis(self.domain, field="lower"), alt.Y2("upper")
            ),
            forecast.mark_line(color=BLUE, strokeWidth=2.5, clip=True).encode(
                x, count_axis(self.domain, field="mean")
            ),
            came.mark_point(size=45, stroke=INK, strokeWidth=1, opacity=1).encode(x, y, fill=fill),
            end_names([BLUE_TEXT]),
        ).properties(width=WIDTH, height=HEIGHT, title=live_title(subtitle))
