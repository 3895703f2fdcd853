"""What a screen reader hears of an explorer."""

import anywidget
import traitlets

_SCRIPT = """
function render({ model, el }) {
  el.setAttribute("role", "status");
  el.setAttribute("aria-live", "polite");
  const name = () => {
    const box = el.closest(".viralkit-explorer");
    if (!box) return;
    for (const slider of box.querySelectorAll(".widget-slider")) {
      const handle = slider.querySelector(".noUi-handle");
      const label = slider.querySelector(".widget-label");
      const readout = slider.querySelector(".widget-readout");
      if (!handle || !label || !readout) continue;
      handle.setAttribute("aria-label", label.textContent);
      handle.setAttribute("aria-valuetext", readout.textContent);
    }
    const chart = box.querySelector("[role='graphics-document']");
    if (chart) chart.setAttribute("aria-label", model.get("text"));
  };
  const tell = () => { el.textContent = model.get("text"); name(); };
  const start = () => {
    const box = el.closest(".viralkit-explorer");
    if (!box) { setTimeout(start, 100); return; }
    const all = { childList: true, subtree: true, characterData: true };
    new MutationObserver(name).observe(box, all);
    name();
  };
  model.on("change:text", tell);
  tell();
  start();
}
export default { render };
"""

_STYLE = """
.viralkit-live { position: absolute; width: 1px; height: 1px; overflow: hidden;
                 clip-path: inset(50%); white-space: nowrap; }
.viralkit-explorer .widget-readout { min-width: 78px; }
"""


class Live(anywidget.AnyWidget):
    """Says what changed, names the sliders' handles, and keeps the chart's description true."""

    _esm = _SCRIPT
    _css = _STYLE
    text = traitlets.Unicode("").tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.add_class("viralkit-live")
