"""Move the parameters of a model and see how well its curve still fits."""

import inspect
import math
from typing import Any

import altair as alt
import ipywidgets
import numpy as np
import polars as pl

from viralkit.charts.fits import axis_from_start, moments, observed
from viralkit.charts.parts import (
    count_axis,
    count_domain,
    drawn,
    pixels,
    plain,
    point_layers,
    rounded,
    short,
    spread,
)
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, ORANGE, ORANGE_TEXT
from viralkit.explorers.box import HEIGHT, WIDTH, Explorer, State, end_names, live_title
from viralkit.explorers.fit_hawkes import explore_hawkes
from viralkit.explorers.fit_hip import explore_hip
from viralkit.explorers.sliders import NumberSlider
from viralkit.models.counted import CountsModel
from viralkit.models.results import Parameter
from viralkit.wording import show

_STEPS = 160
_OTHERS = {"Hawkes": explore_hawkes, "HIP": explore_hip}
_INSTEAD = {
    "Branching": "Use vk.explore_branching(), or draw vk.forecast_chart(model.fit()).",
    "Relaxation": "Draw vk.fit_chart(model.fit()).",
    "SEISMIC": "Draw vk.forecast_chart(model.fit()).",
}


def explore_fit(model: Any) -> Explorer:
    """What does each parameter do, and how much worse does the curve fit without its best value?

    Parameters
    ----------
    model : Model
        An unfitted model, such as ``vk.Bass(counts, unit="day")``. It is fitted once.

    Returns
    -------
    Explorer
        A slider for each parameter, by its name (``ui.q``); ``ui.table`` (parameter, unit, value,
        best, std_error; the last row is the misfit: the deviance, as a ratio to that of the best
        fit); ``ui.chart``; ``ui.code``. "Fit the rest" refits the parameters that were not moved;
        "Reset" goes back to the best fit (``ui.fit_rest.click()``, ``ui.reset.click()``). A value
        beyond the ends of its slider is set to the end. Periods that are missing stand neither in
        the counts nor in the curve.

        For `Hawkes`: ``ui.branching_factor``, ``ui.memory`` (seconds within which half of an
        event's effects come), ``ui.theta`` (power law), ``ui.mu`` (with a background) or
        ``ui.followers`` (with marks: the magnitude of the first event), and ``ui.draw``: which of
        99 cascades drawn by chance ("Draw again": ``ui.again.click()``). Beside the events stand
        those expected given what came before (fitted), the mean of all such cascades from the
        start, and one of them (drawn). ``ui.table``: quantity, value, best, lower,
        upper (of the best, 95 %), with the law of the final size of a cascade that begins anew.

        For `HawkesIntensity`: ``ui.branching_factor``, ``ui.memory`` (periods), ``ui.mu`` (counts
        per promotion at once) and ``ui.promotions`` (per cent that are kept; 0 switches them off).

    Raises
    ------
    TypeError
        If it is not a model, or one without a curve (`Branching`, `Relaxation`, `Seismic`).
    ValueError
        A Hawkes model of several cascades, or in a limited population.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "clip", "time": [0.0, 1, 2, 4], "count": [0, 5, 11, 20],
    ...                        "kind": "cumulative"})
    >>> ui = vk.explore_fit(vk.Linear(counts, unit="period"))
    >>> ui.rate.value = 6.0
    >>> ui.code
    "vk.Linear(counts, unit='period').fit(fixed={'rate': 6.0})"
    """
    if not hasattr(model, "fit") or isinstance(model, type):
        name = model.__name__ if isinstance(model, type) else type(model).__name__
        raise TypeError(
            f"{show(name)} is not a model; allowed: an unfitted model with its counts. "
            'Pass vk.Bass(counts, unit="day"), or results.model.'
        )
    if model.name in _OTHERS:
        return _OTHERS[model.name](model)
    if not isinstance(model, CountsModel):
        raise TypeError(
            f"a model of {model.name} has no curve to move; allowed: growth models, Phases, Hawkes "
            f"and HawkesIntensity. {_INSTEAD.get(model.name, 'Look at model.fit().')}"
        )
    trial = _Trial(model)
    rest = ipywidgets.Button(description="Fit the rest", tooltip="Refit what was not moved")
    rest.disabled = not trial.refits
    reset = ipywidgets.Button(description="Reset to best fit", tooltip="Back to the best fit")
    ui = Explorer(trial.sliders, trial.chart(), trial.state, {"fit_rest": rest, "reset": reset})
    rest.on_click(lambda _: ui.set_together(trial.fit_rest()))
    reset.on_click(lambda _: ui.set_together(trial.reset()))
    return ui


class _Trial:
    """The settings tried on a model, beside its best fit."""

    def __init__(self, model: Any) -> None:
        self.model, self.best = model, model.fit()
        self.refits = "fixed" in inspect.signature(model.fit).parameters
        self.shown = self._finite()
        self.limits = {name: (low, high) for name, low, high in self.best.conf_int().rows()}
        self.sliders = {p.name: self._slider(p) for p in model.parameters}
        self.start = {name: slider.value for name, slider in self.sliders.items()}
        self.last, self.held, self.refitted = dict(self.start), set[str](), False
        self.ages = np.linspace(0.0, model.series.span, _STEPS)
        self.curve = model.curve(self.start, self.ages)
        self.least = model.deviance(self.start)
        counts = pl.concat([observed(model)["count"], pl.Series([self.curve[-1]])])
        self.domain = count_domain(1.2 * counts)

    def _finite(self) -> dict[str, float]:
        """Return the best values; a ceiling without limit is held at a hundred times the counts."""
        far = 100 * float(self.model.points["count"].max())
        endless = {n: far for n, value in self.best.params.items() if value == math.inf}
        best = self.model.fit(fixed=endless) if endless else self.best
        found: dict[str, float] = best.params
        return found

    def _slider(self, parameter: Parameter) -> NumberSlider:
        """Make the slider of one parameter: best value in the middle, decades if it is positive."""
        best, span = rounded(self.shown[parameter.name]), self.model.series.span
        decades, ends = False, (best - span / 2, best + span / 2)
        if parameter.positive and best > 0:
            decades, ends = True, (best / 10, best * 10)
        elif best == 0:
            ends = (0.0, 10 * (self.limits[parameter.name][1] or 1 / span))
        return NumberSlider(
            best, ends, description=parameter.label, tooltip=parameter.unit, decades=decades
        )

    def fit_rest(self) -> dict[str, float]:
        """Refit what was not moved, and return the sliders' new values."""
        fixed = {name: self.last[name] for name in self.held}
        if len(fixed) < len(self.sliders):
            found = self.model.fit(fixed=fixed).params if fixed else self.start
            new = {n: self._reach(n, found[n]) for n in self.sliders}
            self.last, self.refitted = {**new, **fixed}, True
        return self.last

    def _reach(self, name: str, value: float) -> float:
        """Widen a slider so that it can show a value; the least stands for zero among decades."""
        slider = self.sliders[name]
        place = rounded(max(value, slider.min / 1000) if slider.decades else value)
        slider.widen(place)
        return place

    def reset(self) -> dict[str, float]:
        """Return the best fit's values."""
        self.last, self.held, self.refitted = dict(self.start), set(), False
        return self.last

    def state(self) -> State:
        """Read the sliders; tell the curve, the misfit and the code."""
        values = {name: rounded(slider.value) for name, slider in self.sliders.items()}
        moved = {name for name, value in values.items() if value != self.last[name]}
        if moved:
            self.last, self.held, self.refitted = values, self.held | moved, False
        curve = self.model.curve(values, self.ages)
        misfit = self.model.deviance(values) / self.least if self.least > 0 else 1.0
        finding = self._finding(misfit)
        params = {
            "curve": [rounded(v) for v in np.clip(curve, 0, 10 * self.domain[1])],
            "names": ["Best fit", f"Yours {short(curve[-1])}"],
            "heights": self._heights(float(curve[-1])),
            "finding": finding,
        }
        shown = ("parameter", "value", "best", "std_error")
        return State(self._table(values, misfit), params, self._code(values), finding, shown)

    def _finding(self, misfit: float) -> str:
        if not self.held:
            return "Best fit: move a slider to see it worsen"
        ratio = f"{misfit:.2f}" if misfit < 100 else short(misfit)
        return f"The misfit is {ratio} times that of the best fit"

    def _heights(self, last: float) -> list[float]:
        ends = [pixels(end, self.domain, height=HEIGHT) for end in (float(self.curve[-1]), last)]
        return [rounded(height) for height in spread(ends, HEIGHT)]

    def _table(self, values: dict[str, float], misfit: float) -> pl.DataFrame:
        rows = [
            (p.label, p.unit, values[p.name], self.best.params[p.name], self.best.bse[p.name])
            for p in self.model.parameters
        ]
        rows.append(("misfit", "times the best", misfit, 1.0, None))
        columns: dict[str, Any] = {"parameter": pl.String, "unit": pl.String, "value": pl.Float64}
        columns |= {"best": pl.Float64, "std_error": pl.Float64}
        return pl.DataFrame(rows, schema=columns, orient="row")

    def _code(self, values: dict[str, float]) -> str:
        if not self.held:
            return f"{self.model.call}.fit()"
        if not self.refits:
            return f"{self.model.call}.deviance({values})"
        fixed = {n: v for n, v in values.items() if n in self.held or not self.refitted}
        return f"{self.model.call}.fit(fixed={fixed})"

    def chart(self) -> alt.LayerChart:
        """Draw counts, the best curve, and the curve tried."""
        rows = observed(self.model)
        x = axis_from_start(self.model, rows["time"].max())
        y, grid = count_axis(self.domain), {"i": range(_STEPS), "best": self.curve}
        times = pl.DataFrame(grid).with_columns(moments(self.model, self.ages))
        curves = alt.Chart(drawn(times)).transform_calculate(curve="curve[datum.i]")
        thick = {"strokeWidth": 2.5, "clip": True}
        subtitle = [
            f"{plain(self.model.label)}: count so far",
            f"Grey: counts; triangles: at least, at most. Rates are per {self.model.unit}",
            "Misfit: how far the curve's growth between dates lies from theirs (deviance)",
        ]
        return alt.layer(
            *(layer.encode(y, color=alt.value(GREY)) for layer in point_layers(rows, x)),
            curves.mark_line(color=BLUE, **thick).encode(x, count_axis(self.domain, field="best")),
            curves.mark_line(color=ORANGE, **thick).encode(
                x, count_axis(self.domain, field="curve")
            ),
            end_names([BLUE_TEXT, ORANGE_TEXT]),
        ).properties(width=WIDTH, height=HEIGHT, title=live_title(subtitle))
