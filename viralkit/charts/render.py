"""How a chart leaves the kit: into a notebook, a picture or a web page."""

import html
import json
import os
import re
import struct
import sys
import time
import zlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from viralkit.charts.display import show_frames
from viralkit.charts.theme import enable_theme
from viralkit.wording import show

# The compiler nearest to the Vega-Lite 5.6.1 that JupyterLab 4.6 bundles.
_COMPILER = "5.8"
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
# The menu beside a chart saves it; it does not lead to a web site.
_ACTIONS = {"export": True, "source": False, "compiled": False, "editor": False}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SLOW = 2.0
_first_picture = True

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:">
<title>{title}</title>
<script>{library}</script>
</head>
<body>
<div id="chart"></div>
<script>
vegaEmbed("#chart", {spec}, {{"renderer": "svg", "mode": "vega-lite", "actions": false}});
</script>
</body>
</html>
"""


def setup() -> None:
    """Which one call makes a notebook's charts and tables look right everywhere?

    Call it in the first cell. It turns on the kit's theme and renderer (a chart becomes Vega-Lite 5
    for JupyterLab plus a PNG for viewers that cannot draw it), and shows polars tables without type
    and shape lines; in a notebook with six significant digits. What `print` writes keeps the digits
    of polars.

    Examples
    --------
    >>> import viralkit as vk
    >>> vk.setup()
    """
    alt.theme.enable("viralkit")
    alt.renderers.enable("viralkit")
    show_frames()


def ensure() -> None:
    """Turn on theme and renderer where `setup()` was forgotten and no other was chosen."""
    enable_theme()
    if alt.renderers.active == "default":
        alt.renderers.enable("viralkit")


def save(chart: Any, path: str | os.PathLike[str]) -> None:
    """How do I keep a chart as a file that works without a network?

    Parameters
    ----------
    chart : altair.Chart, Results or explorer
        What to save; results are saved as their `fit_chart`, explorers as they stand.
    path : str or Path
        Ends in ``.png`` (two pixels a point), ``.svg`` or ``.html`` (one page that holds all it
        needs; text from data cannot run in it).

    Raises
    ------
    ValueError
        If the suffix is another one.
    FileNotFoundError
        If there is no such folder.
    TypeError
        If it is none of these.

    Examples
    --------
    >>> import altair as alt, pathlib, tempfile, viralkit as vk
    >>> chart = alt.Chart(alt.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q")
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "chart.svg"
    >>> vk.save(chart, file)
    >>> file.read_text()[:4]
    '<svg'
    """
    file = Path(path)
    writers = {".png": _png_file, ".svg": _svg_file, ".html": _html_file}
    if file.suffix.lower() not in writers:
        raise ValueError(
            f"suffix {file.suffix!r} is not known; suffixes: {', '.join(writers)}. "
            f"Name the file, for example, {file.stem + '.png'!r}."
        )
    if not file.parent.is_dir():
        raise FileNotFoundError(
            f"folder {str(file.parent)!r} not found; a file is put into a folder that exists. "
            f"Make it: pathlib.Path({str(file.parent)!r}).mkdir(parents=True)."
        )
    file.write_bytes(writers[file.suffix.lower()](_spec(chart)))


def bundle(spec: dict[str, Any], ratio: float = 1.5) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a notebook stores of a chart: Vega-Lite, a picture and a sentence."""
    spec = {
        **_printable(spec),
        "$schema": _SCHEMA,
        "usermeta": {"embedOptions": {"actions": _ACTIONS}},
    }
    picture = _png(spec, ratio)
    width, height = (round(side / ratio) for side in struct.unpack(">II", picture[16:24]))
    data = {
        "application/vnd.vegalite.v5+json": spec,
        "image/png": b64encode(picture).decode(),
        "text/plain": _describe(spec),
    }
    return data, {"image/png": {"width": width, "height": height}}


def _printable(part: Any) -> Any:
    """Replace control characters, which no picture can hold, in all texts of a specification."""
    if isinstance(part, str):
        return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", part)
    if isinstance(part, dict):
        return {_printable(name): _printable(value) for name, value in part.items()}
    return [_printable(value) for value in part] if isinstance(part, list) else part


def _renderer(spec: dict[str, Any], **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return bundle(spec)


alt.renderers.register("viralkit", _renderer)


def _spec(chart: Any) -> dict[str, Any]:
    enable_theme()
    if hasattr(chart, "current_spec"):
        spec = chart.current_spec()
    elif isinstance(chart, alt.TopLevelMixin):
        spec = chart.to_dict()
    elif not hasattr(chart, "predict"):
        raise TypeError(
            f"{show(type(chart).__name__)} is not a chart; allowed: a chart, a fit or an explorer. "
            "Draw it first, for example vk.counts_chart(counts)."
        )
    else:
        from viralkit.charts.fits import fit_chart

        spec = fit_chart(chart).to_dict()
    return {**_printable(spec), "$schema": _SCHEMA}


def _describe(spec: dict[str, Any]) -> str:
    title = spec.get("title") or "Chart"
    text = title.get("text", "Chart") if isinstance(title, dict) else title
    return str(spec.get("description") or text)


def _png(spec: dict[str, Any], ratio: float) -> bytes:
    global _first_picture
    started = time.monotonic()
    picture = _pack(vl_convert.vegalite_to_png(spec, vl_version=_COMPILER, scale=ratio))
    seconds = time.monotonic() - started
    if _first_picture and seconds > _SLOW and _watched():
        print(f"The first picture took {seconds:.0f} s; the next ones do not.", file=sys.stderr)
    _first_picture = False
    return picture


def _pack(picture: bytes) -> bytes:
    """Compress a PNG again, to about a third: vl-convert is in a hurry."""
    chunks, at = [], 8
    while at < len(picture):
        size = int.from_bytes(picture[at : at + 4])
        chunks.append((picture[at + 4 : at + 8], picture[at + 8 : at + 8 + size]))
        at += size + 12
    pixels = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    packed = [(b"IHDR", chunks[0][1]), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
    parts = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in packed
    )
    return picture[:8] + b"".join(parts)


def _watched() -> bool:
    """Tell whether a person waits: notebooks run by a machine must give the same output always."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False)) if kernel else sys.stderr.isatty()


def _png_file(spec: dict[str, Any]) -> bytes:
    return _png(spec, 2)


def _svg_file(spec: dict[str, Any]) -> bytes:
    label = html.escape(_describe(spec))
    svg = vl_convert.vegalite_to_svg(spec, vl_version=_COMPILER)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).encode()


@cache
def library(script: str = "window.vegaEmbed = vegaEmbed;") -> str:
    """Bundle Vega, Vega-Lite and Vega-Embed with a script that uses `vegaEmbed`."""
    return vl_convert.javascript_bundle(script, vl_version=_COMPILER)


def _html_file(spec: dict[str, Any]) -> bytes:
    title = spec.get("title")
    text = title.get("text", "Chart") if isinstance(title, dict) else title or "Chart"
    page = _PAGE.format(
        title=html.escape(str(text)),
        library=library(),
        spec=json.dumps(spec).replace("<", "\\u003c"),
    )
    return page.encode()
