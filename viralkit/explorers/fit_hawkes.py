"""Move the parameters of a self-exciting model: what would such a cascade come to?"""

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import altair as alt
import ipywidgets
import numpy as np
import polars as pl

from viralkit.charts.bursts import told
from viralkit.charts.cascades_layout import UNIT_SIGNS, span_unit
from viralkit.charts.hawkes import drawn_end, label, seen_steps
from viralkit.charts.parts import (
    count_axis,
    count_domain,
    drawn,
    pixels,
    rounded,
    short,
    spread,
    time_axis,
)
from viralkit.charts.theme import BLUE, BLUE_TEXT, GREEN, GREEN_TEXT, GREY, ORANGE, ORANGE_TEXT
from viralkit.explorers.box import HEIGHT, WIDTH, Explorer, State, end_names, live_title
from viralkit.explorers.sliders import ChoiceSlider, NumberSlider
from viralkit.models.hawkes_descendants import descendants, expected_descendants

_STEPS, _CELLS = 240, 5  # steps drawn, and cells of each in which expectations are worked out
_MANY = 2000  # expected events (or three times those seen) at which a cascade is no longer drawn
_DRAWS = list(range(1, 100))


def explore_hawkes(model: Any) -> Explorer:
    """Set up the explorer of a Hawkes model of one cascade or series."""
    names = model.stream.names
    if len(names) > 1:
        raise ValueError(
            f"{len(names):,} cascades were fitted together; one is explored. Pass vk.Hawkes("
            "events_of_one)."
        )
    if model.population is not None:
        raise ValueError(
            "a limited population is not explored: what it leads to has no closed form. Pass "
            "vk.Hawkes(…) without population."
        )
    trial = _Trial(model)
    again = ipywidgets.Button(description="Draw again", tooltip="Another cascade by chance")
    reset = ipywidgets.Button(description="Reset to best fit", tooltip="Back to the best fit")
    ui = Explorer(trial.sliders, trial.chart(), trial.state, {"again": again, "reset": reset})
    again.on_click(lambda _: setattr(ui.draw, "value", ui.draw.value % len(_DRAWS) + 1))
    reset.on_click(lambda _: ui.set_together(trial.start))
    return ui


class _Written(NumberSlider):
    """A slider over decades whose numbers are written by a function."""

    def __init__(
        self, value: float, ends: tuple[float, float], write: Callable[[float], str], name: str
    ) -> None:
        self._write = write
        super().__init__(value, ends, description=name, decades=True)

    def text_of(self, value: float) -> str:
        """Write the number."""
        return self._write(value)


def _duration(seconds: float) -> str:
    unit, length = span_unit(seconds)
    return f"{short(seconds / length)} {UNIT_SIGNS[unit]}"


class _Trial:
    """The settings tried on a model, beside its best fit."""

    def __init__(self, model: Any) -> None:
        self.model, self.best, self.stream = model, model.fit(), model.stream
        self.objective = model.objective()
        self.end, self.half = drawn_end(self.best), self.best.half_life()
        self.unit, self.seconds = span_unit(self.end)
        self.grid = np.linspace(0, self.end, _STEPS + 1)
        self.seen = int(np.searchsorted(self.stream.time, self.end, side="right"))
        self.limit = max(_MANY, 3 * len(self.stream))
        self.sliders = self._sliders()
        self.start = {n: s.value for n, s in self.sliders.items() if n != "draw"}
        self.interval = self.best.branching_interval()
        self.final = [] if model.background else self._final(self.best, self.start)
        self.domain = count_domain(pl.Series([1.6 * self.seen]))

    def _sliders(self) -> dict[str, Any]:
        """Make a slider for each thing to try; best values in the middle of their decades."""
        best, window = self.best, float(self.end)
        n = rounded(best.branching_factor)
        half = rounded(min(max(self.half[0], 1e-6 * window), 10 * window))
        found: dict[str, Any] = {
            "branching_factor": NumberSlider(
                n,
                (0.01, rounded(max(1.5, 1.2 * n))),
                description="branching",
                tooltip="Events set off directly by an event, on average",
            ),
            "memory": _Written(half, (min(half, window / 10) / 10, 10 * half), _duration, "memory"),
        }
        if self.model.kernel == "power_law":
            theta = rounded(min(max(best.params["theta"], 0.02), 20.0))
            found["theta"] = _Written(theta, (theta / 5, theta * 5), short, "fading θ")
        if self.model.background:
            rate = rounded(max(best.params["mu"], 0.01 / window))
            found["mu"] = _Written(rate, (rate / 10, rate * 10), self._rate, "from outside")
        elif self.model.marks:
            first = rounded(float(self.stream.magnitude[0]))
            ends = min(1.0, first), 10 * float(np.max(self.stream.magnitude))
            found["followers"] = _Written(first, ends, short, "followers of first")
        found["draw"] = ChoiceSlider(1, _DRAWS, write=str, description="draw")
        return found

    def _rate(self, value: float) -> str:
        return f"{short(value * self.seconds)} / {UNIT_SIGNS[self.unit]}"

    def params(self, values: dict[str, float]) -> dict[str, float]:
        """Turn the sliders' values into the parameters of the model."""
        given = {"theta": math.log(2) / values["memory"]}
        if "theta" in values:
            given["theta"] = values["theta"]
            given["c"] = values["memory"] / math.expm1(math.log(2) / values["theta"])
        if "beta" in self.best.params:
            given["beta"] = self.best.params["beta"]
        if "mu" in values:
            given["mu"] = values["mu"]
        logs = [v if name == "beta" else math.log(v) for name, v in given.items()]
        place = np.array([math.log(values["branching_factor"]), *logs])
        kappa = math.exp(self.objective.log_kappa(place)[0])
        return {name: rounded(value) for name, value in {"kappa": kappa, **given}.items()}

    def state(self) -> State:
        """Read the sliders; tell what is expected, one cascade by chance, and the code."""
        values = {name: rounded(slider.value) for name, slider in self.sliders.items()}
        seed, fit = int(values.pop("draw")), self._fit(values)
        fitted = fit.predict(np.maximum(self.grid, 1e-9 * self.end))["mean"].to_numpy()
        mean = self._mean(fit, values)
        until = self._until(mean)
        time = self._born(fit, values).simulate(until=until, seed=seed)["time"].to_numpy()
        path = np.searchsorted(time, self.grid, side="right").astype(float)
        path[self.grid > until] = np.inf
        ends = [float(self.seen), float(fitted[-1]), float(mean[-1]), float(len(time))]
        words = ["Seen ", "Fitted ", "Mean ", "Drawn " if until == self.end else "Drawn >"]
        lines, top = {"fitted": fitted, "mean": mean, "path": path}, 10 * self.domain[1]
        finding = self._finding(fit, values)
        params = {
            **{n: [rounded(v) for v in np.clip(line, 0, top)] for n, line in lines.items()},
            "names": [w + short(end) for w, end in zip(words, ends, strict=True)],
            "heights": self._heights(ends),
            "finding": finding,
        }
        table, code = self._table(fit, values, ends[-1]), self._code(values, until, seed)
        return State(table, params, code, finding, ("quantity", "value", "best"))

    def _fit(self, values: dict[str, float]) -> Any:
        """Return the fit with these parameters; the followers of the first event are none."""
        kept = all(values[name] == self.start[name] for name in values if name != "followers")
        return self.best if kept else self.model.fit(fixed=self.params(values))

    def _heights(self, ends: list[float]) -> list[float]:
        heights = [pixels(end, self.domain, height=HEIGHT) for end in ends]
        return [rounded(height) for height in spread(heights, HEIGHT)]

    def _finding(self, fit: Any, values: dict[str, float]) -> str:
        if fit is not self.best:
            return f"Log-likelihood {short(self.best.llf - fit.llf)} below that of the best fit"
        if values != self.start:
            return f"Best fit; the first one has {short(values['followers'])} followers"
        return "Best fit: move a slider, or draw another cascade"

    def _weight(self, fit: Any, values: dict[str, float]) -> float:
        """Return the weight of the given events, relative to a later one's on average."""
        count = int(self.stream.given[0])
        if "followers" not in values:
            return float(count)
        marks = np.append(values["followers"], self.stream.magnitude[1:count])
        beta = fit.params["beta"]
        return float(np.sum(marks**beta)) / math.exp(self.objective.log_mean_mark(beta)[0])

    def _mean(self, fit: Any, values: dict[str, float]) -> Any:
        """Return the number of events expected by each time from the start on."""
        step = self.end / (_STEPS * _CELLS)
        given = self.params(values)
        shape = np.array([given[name] for name in fit.kernel.names])
        alone = expected_descendants(
            fit.kernel, shape, fit.branching_factor, step, cells=_STEPS * _CELLS
        )
        whole = self.stream.given[0] + self._weight(fit, values) * alone
        outside = step * np.cumsum(np.append(0.0, 1 + (alone[1:] + alone[:-1]) / 2))
        return (whole + fit.params.get("mu", 0.0) * outside)[::_CELLS]

    def _until(self, mean: Any) -> float:
        """Return the time at which so many are expected that no more are drawn, or the end."""
        late = np.flatnonzero(mean > self.limit)
        return float(f"{self.grid[late[0]]:.6g}") if len(late) else self.end

    def _born(self, fit: Any, values: dict[str, float]) -> Any:
        """Return the fit to a cascade whose first event has so many followers."""
        if "followers" not in values or values["followers"] == self.start["followers"]:
            return fit
        marks = self.stream.magnitude.copy()
        marks[0] = values["followers"]
        model = copy.copy(self.model)
        model.stream = replace(self.stream, magnitude=marks)
        return model.fit(fixed=self.params(values))

    def _final(self, fit: Any, values: dict[str, float]) -> list[float]:
        """Return the final size of a new cascade (median, 95 % interval), the chance of no end."""
        weight = np.ones(1)
        if self.model.marks:
            later = self.stream.magnitude[self.stream.outcome]
            later = later if len(later) else self.stream.magnitude
            weight = later ** fit.params["beta"]
            weight = weight / np.mean(weight)
        n = fit.branching_factor
        found, never = descendants(n, n * self._weight(fit, values), weight, [0.5, 0.025, 0.975])
        return [*(float(self.stream.given[0]) + size for size in found), never]

    def _table(self, fit: Any, values: dict[str, float], size: float) -> pl.DataFrame:
        unit, seconds = span_unit(2 * self.half[0])
        half = [None if end is None else end / seconds for end in self.half]
        n, sign = self.best.branching_factor, UNIT_SIGNS[unit]
        rows: list[Any] = [
            ("branching factor", fit.branching_factor, n, *self.interval),
            (f"half of effects within, {sign}", fit.half_life()[0] / seconds, *half),
            ("log-likelihood, from best", fit.llf - self.best.llf, 0.0, None, None),
            ("events drawn", size, None, None, None),
        ]
        if not self.model.background:
            names = ["new cascade, median", "… 95 % from", "… to", "chance of no end"]
            both = zip(names, self._final(fit, values), self.final, strict=True)
            rows += [(*row, None, None) for row in both]
        numbers = dict.fromkeys(("value", "best", "lower", "upper"), pl.Float64)
        return pl.DataFrame(rows, schema={"quantity": pl.String, **numbers}, orient="row")

    def _code(self, values: dict[str, float], until: float, seed: int) -> str:
        call, first = self.model.call, values.get("followers")
        if first != self.start.get("followers"):
            mark = f"pl.when(pl.int_range(pl.len()) == 0).then({first}).otherwise('magnitude')"
            call = call.replace("(events", f"(events.with_columns(magnitude={mark})", 1)
        fixed = "" if values == self.start else f"fixed={self.params(values)}"
        return f"{call}.fit({fixed}).simulate(until={until!r}, seed={seed})"

    def chart(self) -> alt.LayerChart:
        """Draw the events seen, what is expected, and one cascade by chance."""
        title = f"{self.unit.capitalize()}s since the start"
        x = time_axis(pl.Float64(), [0.0, rounded(self.end / self.seconds)], title)
        seen = seen_steps(self.stream.time[: self.seen], self.end)
        seen = seen.with_columns(pl.col("time") / self.seconds)
        grid = pl.DataFrame({"i": range(_STEPS + 1), "time": self.grid / self.seconds})
        curves = alt.Chart(drawn(grid))
        for name in ("fitted", "mean", "path"):
            curves = curves.transform_calculate(**{name: f"{name}[datum.i]"})
        looks = {"clip": True, "strokeJoin": "round"}
        many = "series" if self.model.background else "cascades"
        subtitle = [
            f"{label(self.model)[:60]}: events so far",
            "Fitted: expected, given the events before",
            f"Mean: of all such {many} from the start; drawn: one of them",
            told("Best fit: branching factor", self.best.branching_factor, *self.interval),
        ]
        room = alt.Chart(pl.DataFrame({"name": ["Drawn >" + short(99 * self.seen)]})).mark_text(
            align="left", dx=8, fontWeight="bold", opacity=0
        )
        return alt.layer(
            alt.Chart(drawn(seen))
            .mark_line(interpolate="step-after", color=GREY, strokeWidth=1.5, **looks)
            .encode(x, count_axis(self.domain)),
            curves.mark_line(color=GREEN, strokeWidth=1.5, **looks).encode(
                x, count_axis(self.domain, field="fitted")
            ),
            curves.mark_line(color=BLUE, strokeWidth=2.5, **looks).encode(
                x, count_axis(self.domain, field="mean")
            ),
            curves.mark_line(
                interpolate="step-after", color=ORANGE, strokeWidth=1.5, **looks
            ).encode(x, count_axis(self.domain, field="path")),
            room.encode(x=alt.value(WIDTH), y=alt.value(0), text="name:N"),
            end_names([GREY, GREEN_TEXT, BLUE_TEXT, ORANGE_TEXT]),
        ).properties(width=WIDTH, height=HEIGHT, title=live_title(subtitle))
