"""Sliders that keep the exact value they were given, and that have names for screen readers.

The sliders of ipywidgets send back what they can show, up to half a step beside the value that was
set, and once when they appear: with "Run All" that undoes what a later cell has set.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets

from viralkit.charts.cascades_layout import UNIT_SIGNS, span_unit
from viralkit.charts.parts import short
from viralkit.wording import show

_SCRIPT = """
let made = 0;
function render({ model, el }) {
  const label = document.createElement("label"), input = document.createElement("input");
  const output = document.createElement("output");
  el.classList.add("viralkit-slider");
  el.replaceChildren(label, input, output);
  Object.assign(input, { type: "range", min: 0, step: 1, id: `viralkit-slider-${made++}` });
  label.htmlFor = input.id;
  const show = () => {
    label.textContent = model.get("description");
    el.title = model.get("tooltip");
    input.max = model.get("steps");
    input.value = model.get("position");
    output.textContent = model.get("text");
    input.setAttribute("aria-valuetext", model.get("text"));
  };
  input.addEventListener("input", () => {
    model.set("position", Number(input.value));
    model.save_changes();
  });
  // JupyterLab would prevent what these keys do to a slider.
  input.addEventListener("keydown", (event) => {
    if (/^(Arrow|Page|Home|End)/.test(event.key)) event.stopPropagation();
  });
  for (const name of ["position", "text", "steps"]) model.on(`change:${name}`, show);
  show();
}
export default { render };
"""

_STYLE = """
.viralkit-slider { display: grid; grid-template-columns: 116px 1fr 80px; align-items: center;
                   column-gap: 8px; line-height: 28px; font-size: 13px; color: #222222; }
.viralkit-slider label { text-align: right; }
.viralkit-slider input { min-width: 0; accent-color: #0072B2; }
.viralkit-slider output { font-variant-numeric: tabular-nums; }
"""


class Slider(anywidget.AnyWidget):
    """A slider of whole steps over any values; subclasses say which value stands where."""

    _esm = _SCRIPT
    _css = _STYLE
    description = traitlets.Unicode().tag(sync=True)
    tooltip = traitlets.Unicode().tag(sync=True)
    steps = traitlets.Int(1).tag(sync=True)
    position = traitlets.Float(0).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    value = traitlets.Any()

    @traitlets.observe("value")
    def _follow(self, _: Any = None) -> None:
        position = self.position_of(self.value)
        with self.hold_sync():
            if abs(position - self.position) > 0.01:
                self.position = position
            self.text = self.text_of(self.value)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take the position that a person has chosen in the browser."""
        super().set_state(sync_data)
        if "position" in sync_data:
            self.value = self.value_at(self.position)

    def value_at(self, position: float) -> Any:
        """Return the value at a position."""
        raise NotImplementedError

    def position_of(self, value: Any) -> float:
        """Return the position of a value, between two steps if it lies there."""
        raise NotImplementedError

    def text_of(self, value: Any) -> str:
        """Write a value as the slider shows it."""
        return short(value)


class NumberSlider(Slider):
    """A slider of numbers, evenly or over decades; a value beyond its ends is set to the end."""

    def __init__(
        self,
        value: float,
        ends: tuple[float, float],
        *,
        description: str,
        tooltip: str = "",
        steps: int = 200,
        decades: bool = False,
        suffix: str = "",
    ) -> None:
        self.decades, self._suffix = decades, suffix
        self.min, self.max = ends
        super().__init__(steps=steps, description=description, tooltip=tooltip)
        self.value = value

    @traitlets.validate("value")
    def _inside(self, proposal: Any) -> float:
        return float(min(max(proposal["value"], self.min), self.max))

    def text_of(self, value: float) -> str:
        """Write the number with its unit, if that is given."""
        return f"{short(value)}{self._suffix}"

    def widen(self, value: float) -> None:
        """Move the ends so that a value lies between them."""
        self.min, self.max = min(self.min, value), max(self.max, value)
        self._follow()

    def _scale(self, value: float) -> float:
        return math.log10(value) if self.decades else value

    def value_at(self, position: float) -> float:
        """Return the number at a position, in six significant digits."""
        low, high = self._scale(self.min), self._scale(self.max)
        place = low + (high - low) * position / self.steps
        return float(f"{10**place if self.decades else place:.6g}")

    def position_of(self, value: float) -> float:
        """Return the position of a number."""
        low, high = self._scale(self.min), self._scale(self.max)
        return self.steps * (self._scale(value) - low) / (high - low)


class TimeSlider(NumberSlider):
    """A slider of seconds, written in the unit that people would use."""

    def show_span(self, ends: tuple[float, float], value: float) -> None:
        """Move to another span of time."""
        self.min, self.max = ends[0], max(ends[1], ends[0] + 1.0)
        self.value = value
        self._follow()

    def text_of(self, value: float) -> str:
        """Write the time in the unit of the whole span."""
        unit, seconds = span_unit(self.max - self.min)
        return f"{short(value / seconds)} {UNIT_SIGNS[unit]}"


class ChoiceSlider(Slider):
    """A slider over a list of values."""

    def __init__(
        self, value: Any, options: Sequence[Any], *, write: Callable[[Any], str], description: str
    ) -> None:
        self.options, self._write = list(options), write
        super().__init__(steps=len(self.options) - 1, description=description)
        self.value = value

    @traitlets.validate("value")
    def _known(self, proposal: Any) -> Any:
        if proposal["value"] not in self.options:
            first, last = self._write(self.options[0]), self._write(self.options[-1])
            raise ValueError(
                f"{show(proposal['value'])} is none of the {len(self.options)} values from {first} "
                f"to {last}. Take one of .options."
            )
        return proposal["value"]

    def value_at(self, position: float) -> Any:
        """Return the option at a position."""
        return self.options[round(position)]

    def position_of(self, value: Any) -> float:
        """Return the place of an option."""
        return float(self.options.index(value))

    def text_of(self, value: Any) -> str:
        """Write an option as the slider shows it."""
        return self._write(value)
