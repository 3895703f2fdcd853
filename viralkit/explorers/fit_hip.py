"""Move the parameters of HIP, and switch promotions off to see what is left."""

from collections.abc import Callable
from typing import Any

import altair as alt
import ipywidgets
import numpy as np
import polars as pl
from scipy import optimize, special

from viralkit.charts.bursts import told
from viralkit.charts.parts import (
    MOST_POINTS,
    count_axis,
    count_domain,
    drawn,
    pixels,
    plain,
    rounded,
    short,
    spread,
    time_axis,
)
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREY, ORANGE, ORANGE_TEXT
from viralkit.explorers.box import HEIGHT, WIDTH, Explorer, State, end_names, live_title
from viralkit.explorers.sliders import NumberSlider
from viralkit.models.hip import branching_of, kappa_of, residuals
from viralkit.models.hip_response import endless

_LONGEST = 1e6  # periods of memory
_THETAS = (-4.0, 3.0)  # logs of the memory exponent


def explore_hip(model: Any) -> Explorer:
    """Set up the explorer of HIP."""
    trial = _Trial(model)
    reset = ipywidgets.Button(description="Reset to best fit", tooltip="Back to the best fit")
    ui = Explorer(trial.sliders, trial.chart(), trial.state, {"reset": reset})
    reset.on_click(lambda _: ui.set_together(trial.start))
    return ui


class _Trial:
    """The settings tried on a model, beside its best fit."""

    def __init__(self, model: Any) -> None:
        self.model, self.best = model, model.fit()
        self.z = model.place(self.best.params)
        self.curve = model.mean(self.z)
        self.none = np.zeros(model.count.size)
        self.least = self._deviance(self.curve)
        self.response = {name: ends for name, *ends in self.best.response().rows()}
        self.half = self._known(lambda z: half_of(z[3:]))
        self.sliders = self._sliders()
        self.start = {name: slider.value for name, slider in self.sliders.items()}
        self.totals = [self._known(lambda z: model.mean(z).sum())]
        self.totals.append(self._known(lambda z: self._left(z).sum()))
        self.domain = count_domain(1.2 * pl.Series([*model.count, *self.curve]))

    def _left(self, z: Any) -> Any:
        return self.model.mean(z, self.none)

    def _deviance(self, mean: Any) -> float:
        return float((residuals(mean, self.model.count, "quasipoisson")[0] ** 2).sum())

    def _known(self, quantity: Callable[[Any], float]) -> tuple[float, float, float]:
        """Return what the best fit makes of a quantity, with its 95 % interval."""
        reach, value = self.best.reach(0.05), float(quantity(self.z))
        with np.errstate(over="ignore"):
            factor = float(np.exp(reach * self.best.log_error(quantity)))
        return value, value / factor, value * factor

    def _sliders(self) -> dict[str, NumberSlider]:
        n, mu = rounded(branching_of(self.z[3:])), rounded(self.best.params["mu"])
        half = rounded(self.half[0])
        most = 10 * float(self.model.count.sum() / max(self.model.promotions.sum(), 1.0))
        unit = self.model.unit
        return {
            "branching_factor": NumberSlider(
                n,
                (0.0, rounded(max(1.2, 1.2 * n))),
                description="branching",
                tooltip="Further counts that a count leads to",
            ),
            "memory": NumberSlider(
                half,
                (half / 10, half * 10),
                description="memory",
                tooltip="Half of what a count leads to comes so soon",
                decades=True,
                suffix=f" {unit}s",
            ),
            "mu": NumberSlider(
                mu,
                (mu / 10, mu * 10) if mu > 0 else (0.0, most),
                description="per promotion",
                tooltip="Counts per promotion at once (μ)",
                decades=mu > 0,
            ),
            "promotions": NumberSlider(
                100.0, (0.0, 100.0), steps=100, description="promotions kept", suffix=" %"
            ),
        }

    def params(self, values: dict[str, float]) -> dict[str, float]:
        """Turn the sliders' values into the parameters of the model."""
        if all(values[name] == self.start[name] for name in ("branching_factor", "memory", "mu")):
            return dict(self.best.params)
        shape = self.z[3:]
        if values["memory"] != self.start["memory"]:
            shape = with_half(values["memory"], shape)
        kappa = kappa_of(shape) * values["branching_factor"] / branching_of(shape)
        moved = {"kappa": kappa, "theta": float(np.exp(shape[2])), "mu": values["mu"]}
        return {name: rounded(moved.get(name, v)) for name, v in self.best.params.items()}

    def state(self) -> State:
        """Read the sliders; tell the curve, what is left, and the code."""
        values = {name: rounded(slider.value) for name, slider in self.sliders.items()}
        params, kept = self.params(values), values["promotions"] / 100
        z = self.model.place(params)
        whole, left = self.model.mean(z), self._left(z)
        curve = left + kept * (whole - left)  # linear in the promotions
        misfit = self._deviance(whole) / self.least if self.least > 0 else 1.0
        finding = self._finding(params, misfit, values["promotions"], curve.sum() / whole.sum())
        chart = {
            "curve": [rounded(v) for v in np.clip(self._shown(curve), 0, 10 * self.domain[1])],
            "names": ["Best fit", "Yours"],
            "heights": self._heights(float(curve[-1])),
            "finding": finding,
        }
        table = self._table(z, [curve.sum(), left.sum()], misfit)
        shown = ("quantity", "value", "best")
        return State(table, chart, self._code(params, kept), finding, shown)

    def _shown(self, curve: Any) -> Any:
        return curve[:: -(-curve.size // MOST_POINTS)]

    def _heights(self, last: float) -> list[float]:
        ends = [pixels(end, self.domain, height=HEIGHT) for end in (float(self.curve[-1]), last)]
        return [rounded(height) for height in spread(ends, HEIGHT)]

    def _finding(self, params: dict[str, float], misfit: float, kept: float, left: float) -> str:
        moved = params != self.best.params
        if not moved and kept == 100:
            return "Best fit: switch promotions off to see what is left"
        if kept == 100:
            ratio = f"{misfit:.2f}" if misfit < 100 else short(misfit)
            return f"The misfit is {ratio} times that of the best fit"
        what = "without promotions" if kept == 0 else f"with {short(kept)} % of promotions"
        return f"{100 * left:.0f} % is left {what}"

    def _table(self, z: Any, totals: list[float], misfit: float) -> pl.DataFrame:
        n, mu = branching_of(z[3:]), float(np.exp(z[2]))
        (all_, *all_ends), (none, *none_ends) = self.totals
        rows: list[Any] = [
            ("counts in all", totals[0], all_, *all_ends),
            ("… without promotions", totals[1], none, *none_ends),
            ("branching factor", n, *self.response["branching_factor"]),
            ("endogenous response", endless(1.0, n), *self.response["endogenous_response"]),
            (f"half of effects, {self.model.unit}s", half_of(z[3:]), *self.half),
            ("counts per promotion", endless(mu, n), *self.response["viral_potential"]),
            ("misfit, times the best", misfit, 1.0, None, None),
        ]
        numbers = dict.fromkeys(("value", "best", "lower", "upper"), pl.Float64)
        return pl.DataFrame(rows, schema={"quantity": pl.String, **numbers}, orient="row")

    def _code(self, params: dict[str, float], kept: float) -> str:
        driven = f"promotions.with_columns(pl.col('count') * {rounded(kept)})" if kept < 1 else ""
        if params == self.best.params:
            return f"{self.model.call}.fit().predict({driven})"
        return f"{self.model.call}.curve({params}{', ' * bool(driven)}{driven})"

    def chart(self) -> alt.LayerChart:
        """Draw the counts, the best fit, and the curve tried."""
        points = self.model.points.with_columns(best=pl.Series(self.curve))
        points = points.gather_every(-(-points.height // MOST_POINTS))
        times = points["time"]
        x = time_axis(times.dtype, [times[0], times[-1]], f"{self.model.unit.capitalize()}s")
        rows = points.select("time", "count", "best").with_columns(i=pl.int_range(pl.len()))
        base = alt.Chart(drawn(rows)).transform_calculate(curve="curve[datum.i]").encode(x)
        best = base.mark_line(color=BLUE, strokeWidth=4, opacity=0.6, clip=True, strokeJoin="round")
        mine = base.mark_line(color=ORANGE, strokeWidth=2, clip=True, strokeJoin="round")
        subtitle = [
            f"{plain(self.model.label)}: counts per {self.model.unit}",
            "Grey: seen; misfit: deviance with all promotions",
            told("Best fit without promotions: counts in all", *self.totals[1]),
            told("Branching factor", *self.response["branching_factor"]),
        ]
        return alt.layer(
            base.mark_circle(size=40, opacity=0.7, color=GREY).encode(count_axis(self.domain)),
            best.encode(count_axis(self.domain, field="best")),
            mine.encode(count_axis(self.domain, field="curve")),
            end_names([BLUE_TEXT, ORANGE_TEXT]),
        ).properties(width=WIDTH, height=HEIGHT, title=live_title(subtitle))


def half_of(shape: Any) -> float:
    """Return the periods within which half of what a count leads to has come."""
    _, c, theta = np.exp(shape)
    whole = special.zeta(1 + theta, 1 + c)

    def lack(periods: float) -> float:
        return float(special.zeta(1 + theta, 1 + c + periods) / whole) - 0.5

    return float(optimize.brentq(lack, 0.0, _LONGEST)) if lack(_LONGEST) < 0 else _LONGEST


def with_half(periods: float, shape: Any) -> Any:
    """Return the kernel with the same c that has such a memory; as near as theta can bring it."""

    def lack(log_theta: float) -> float:
        return half_of([0.0, shape[1], log_theta]) - periods

    low, high = _THETAS
    found = low if lack(low) < 0 else high if lack(high) > 0 else optimize.brentq(lack, low, high)
    return np.array([shape[0], shape[1], found])
