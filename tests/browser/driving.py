"""Drive JupyterLab as a person does: start it, open a notebook, run it, look, move a slider."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Playwright

CHROMIUM = Path(os.environ.get("VIRALKIT_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ANNOUNCEMENTS = "@jupyterlab/apputils-extension:announcements"
OUTPUTS = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
    .filter(cell => cell.cell_type === 'code')
    .map(cell => ({source: cell.source, count: cell.execution_count, outputs: cell.outputs}))"""
BUSY = """() => { const it = window.jupyterapp.shell.currentWidget;
    const kernel = it.sessionContext.session?.kernel;
    return !kernel || kernel.status !== 'idle' || it.sessionContext.pendingInput }"""
WAITING = """() => [...document.querySelectorAll('.jp-InputPrompt')]
    .some(prompt => prompt.innerText.includes('*'))"""
# A chart is drawn when its canvas holds more than one colour, or its svg more than a frame.
CHARTS = """area => [...area.querySelectorAll('.vega-embed')].map(embed => {
    const canvas = embed.querySelector('canvas'), svg = embed.querySelector('svg.marks');
    if (svg) return svg.querySelectorAll('path, text').length > 3;
    if (!canvas || canvas.width < 50 || canvas.height < 50) return false;
    const dots = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const colours = new Set();
    for (let i = 0; i < dots.length && colours.size < 3; i += 4)
        colours.add(dots[i] << 16 | dots[i + 1] << 8 | dots[i + 2]);
    return colours.size > 2 })"""
PREVIEW = """() => window.jupyterapp.commands.execute(
    'docmanager:open', {path: 'README.md', factory: 'Markdown Preview'})"""
PICTURE = """embed => { const canvas = embed.querySelector('canvas');
    return canvas ? canvas.toDataURL() : embed.innerHTML }"""


@dataclass
class Lab:
    """A JupyterLab that runs on this machine, and the folder it serves."""

    url: str
    token: str
    folder: Path

    def address(self, name: str) -> str:
        """Give the address that opens a file."""
        return f"{self.url}/lab/tree/{name}?token={self.token}&reset"


@dataclass
class Outside:
    """The requests of a page that would leave this machine."""

    home: str
    seen: list[str] = field(default_factory=list)

    def note(self, address: str) -> None:
        """Keep an address that is not the Lab's own."""
        local = (self.home, self.home.replace("http", "ws", 1), "data:", "blob:", "about:")
        if not address.startswith(local):
            self.seen.append(address)


def free_port() -> int:
    """Ask the system for a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(home: Path, windowing: str) -> dict[str, str]:
    """Write the settings of a quiet Lab below home; give the environment that uses them."""
    pages = home / "config/labconfig/page_config.json"
    tracker = home / "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    for path, value in (
        (pages, {"disabledExtensions": {ANNOUNCEMENTS: True}}),
        (tracker, {"windowingMode": windowing, "scrollPastEnd": False}),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return os.environ | {name: str(home / folder) for name, folder in folders.items()}


@contextmanager
def jupyterlab(notebooks: Path, home: Path, windowing: str = "contentVisibility") -> Iterator[Lab]:
    """Serve a copy of the notebooks' folder from a fresh JupyterLab; stop it at the end."""
    folder = home / "notebooks"
    shutil.copytree(notebooks, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    lab = Lab(f"http://127.0.0.1:{free_port()}", secrets.token_hex(16), folder)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser"]
    command += ["--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}"]
    command += [f"--ServerApp.port={lab.url.rpartition(':')[2]}", "--ServerApp.port_retries=0"]
    command += [f"--IdentityProvider.token={lab.token}"]
    with open(home / "lab.log", "w") as log:
        server = subprocess.Popen(
            command, env=settings(home, windowing), stdout=log, stderr=log, cwd=folder
        )
        try:
            wait_until_served(lab, server, home / "lab.log")
            yield lab
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_until_served(lab: Lab, server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the Lab answers, at most a minute."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{lab.url}/api/status?token={lab.token}", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
        if server.poll() is not None:
            break
    raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text()[-2000:]}")


def chromium(playwright: Playwright) -> Browser:
    """Start Debian's chromium, without its own calls home."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def new_page(browser: Browser, lab: Lab) -> tuple[Page, Outside]:
    """Open an empty page that notes each request that would leave the machine."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(60_000)
    outside = Outside(lab.url)
    page.on("request", lambda request: outside.note(request.url))
    page.on("websocket", lambda socket: outside.note(socket.url))
    return page, outside


def open_notebook(page: Page, lab: Lab, name: str) -> Locator:
    """Open a notebook by its address; give its panel."""
    page.goto(lab.address(name))
    return notebook_panel(page)


def open_from_index(page: Page, lab: Lab, name: str) -> Locator:
    """Open the index as a reader does, and follow its link to the notebook; give its panel."""
    page.goto(lab.address("README.md"))
    page.locator(".jp-FileEditor").wait_for()
    page.evaluate(PREVIEW)
    page.locator(f".jp-RenderedMarkdown a[href*='{name}']").first.click()
    return notebook_panel(page)


def notebook_panel(page: Page) -> Locator:
    """Wait until the notebook shows and its kernel answers."""
    panel = page.locator(".jp-NotebookPanel:visible").first
    panel.locator(".jp-Cell").first.wait_for()
    accept_kernel(page)
    page.wait_for_function(f"() => !({BUSY})()", timeout=120_000)
    return panel


def accept_kernel(page: Page) -> None:
    """Answer the question which kernel to use, should the Lab ask it."""
    page.wait_for_timeout(300)
    button = page.locator(".jp-Dialog button.jp-mod-accept")
    if button.count():
        button.first.click()


def run_all(page: Page) -> None:
    """Run all cells by the menu, and wait until the last one is done."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    accept_kernel(page)
    page.wait_for_function("() => document.querySelectorAll('.jp-InputPrompt').length > 0")
    for _ in range(2):  # once more: a busy machine may not have begun when first looked at
        page.wait_for_function(f"() => !({WAITING})() && !({BUSY})()", timeout=300_000)
        page.wait_for_timeout(1_000)


def code_cells(page: Page) -> list[dict[str, Any]]:
    """Give each code cell's source, count and outputs, as the Lab holds them."""
    cells: list[dict[str, Any]] = page.evaluate(OUTPUTS)
    return cells


def errors(page: Page) -> list[str]:
    """List what failed: error outputs, and what the Lab could not draw."""
    failed = [
        f"{output['ename']}: {output['evalue']}"
        for cell in code_cells(page)
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]
    failed += page.locator(".vega-error, .jp-RenderedVegaCommon5.jp-mod-error").all_inner_texts()
    return failed + page.get_by_text("Error displaying widget").all_inner_texts()


def charts_drawn(panel: Locator) -> list[bool]:
    """Say of each chart in the panel whether it shows more than an empty frame."""
    drawn: list[bool] = panel.evaluate(CHARTS)
    return drawn


def charts_expected(page: Page) -> int:
    """Count the outputs that carry a chart."""
    kind = "application/vnd.vegalite.v5+json"
    outputs = [output for cell in code_cells(page) for output in cell["outputs"]]
    return sum(kind in output.get("data", {}) for output in outputs)


def explorers(panel: Locator) -> list[Locator]:
    """Give the output of each cell that shows sliders."""
    return panel.locator(".jp-OutputArea-output:has(.viralkit-slider)").all()


def sliders(explorer: Locator) -> list[Locator]:
    """Give an explorer's sliders, which are range inputs."""
    return explorer.locator(".viralkit-slider input").all()


def move(handle: Locator) -> None:
    """Move a slider three steps by the keyboard: to the right, at its end to the left."""
    handle.scroll_into_view_if_needed()
    handle.focus()
    at_end = handle.input_value() == handle.get_attribute("max")
    for _ in range(3):
        handle.press("ArrowLeft" if at_end else "ArrowRight")


def looks(explorer: Locator) -> tuple[list[str], list[str]]:
    """Give the explorer's pictures and the text of its tables, to compare before and after."""
    pictures = [embed.evaluate(PICTURE) for embed in explorer.locator(".vega-embed").all()]
    return pictures, explorer.locator("table").all_inner_texts()


def wait_for_change(
    page: Page, explorer: Locator, before: tuple[list[str], list[str]]
) -> tuple[bool, bool]:
    """Wait, at most ten seconds, until pictures and tables differ; say which of them do."""
    changed = (False, False)
    for _ in range(100):
        pictures, tables = looks(explorer)
        changed = (pictures != before[0], tables != before[1])
        if all(changed):
            break
        page.wait_for_timeout(100)
    return changed
