"""The chart of an explorer: it follows, and tells screen readers what it shows."""

from functools import cache
from typing import Any

import anywidget
import traitlets

from viralkit.charts.render import library

# Values go one way, from Python to the chart, so that nothing old comes back. Canvas, because the
# clip paths of several SVG charts on a page share their names and cut one another off.
_SCRIPT = """
async function render({ model, el }) {
  const frame = document.createElement("div"), status = document.createElement("div");
  status.className = "viralkit-live";
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");
  el.replaceChildren(frame, status);
  const options = { actions: false, renderer: "canvas", mode: "vega-lite" };
  const { view } = await vegaEmbed(frame, structuredClone(model.get("spec")), options);
  let lasting;
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) view.signal(name, value);
  };
  const show = async () => {
    if (lasting !== model.get("lasting")) {
      set(lasting = model.get("lasting"));
      view.resize();
    }
    set(model.get("values"));
    status.textContent = model.get("text");
    frame.setAttribute("aria-label", model.get("text"));
    await view.runAsync();
  };
  model.on("change:values change:lasting", show);
  await show();
  return () => { model.off("change:values change:lasting", show); view.finalize(); };
}

export default { render };
"""

_STYLE = """
.viralkit-live { position: absolute; width: 1px; height: 1px; overflow: hidden;
                 clip-path: inset(50%); white-space: nowrap; }
"""


class LiveChart(anywidget.AnyWidget):
    """A chart whose parameters follow Python, in one message a change, without a network.

    It also tells each change to screen readers. `lasting` holds parameters that few changes touch,
    such as the places of many marks: they are sent only when they differ.
    """

    _css = _STYLE
    spec = traitlets.Dict().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    lasting = traitlets.Dict().tag(sync=True)
    text = traitlets.Unicode("").tag(sync=True)

    def __init__(self, spec: dict[str, Any]) -> None:
        type(self)._esm = _script()
        super().__init__(spec=spec)

    def show(self, values: dict[str, Any], lasting: dict[str, Any], text: str) -> None:
        """Set all parameters and the sentence told, in one message."""
        with self.hold_sync():
            self.text = text
            self.lasting = lasting
            self.values = values


@cache
def _script() -> str:
    return library(_SCRIPT)
