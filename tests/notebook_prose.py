"""Find the numbers of a notebook's prose that no output shows.

A number in prose must stand in an output above it, rounded as the prose rounds it. Not looked at:
`code`, “quotes”, "quotes", $formulas$, links, dates, years, times of day, [1] references, list
numbers, hyphenated words (7-day, PG-13), names with digits (R2, 10th), the level of an interval
(95 % interval), and the section Sources. Cells before the first code cell and in the section
Finding may show any output of the notebook; a number with "million" or "%" may stand there as the
full number, in millions, in percent or as a share.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

Cell = dict[str, Any]

CHART = "application/vnd.vegalite.v5+json"
MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
INTERVAL = "confidence|prediction|interval|band|limit|range|bound"
DAY = r"\d{1,2}(?:[–-]\d{1,2})?"
NOT_A_RESULT = re.compile(
    "|".join(
        [
            r"```.*?```",
            r"`[^`]*`",
            r"“[^”]*”",
            r'"[^"\n]*"',
            r"\$[^$]*\$",
            r"<!--.*?-->",
            r"\]\([^)]*\)",
            r"https?://\S+",
            r"\[\d+\]",
            r"^\s*\d+\.\s",
            r"\d{4}-\d{2}(?:-\d{2})?",
            rf"\b{DAY} {MONTH}(?: \d{{4}})?\b",
            rf"\b{MONTH} {DAY}(?:, \d{{4}})?\b",
            r"\b(?:1[89]|20)\d\d(?:[–-](?:\d{2}|\d{4}))?s?\b(?![,.]\d)",
            r"\b\d{1,2}:\d{2}\b",
            rf"\b(?:50|80|90|95|99) ?%(?= (?:{INTERVAL}))",
            r"\b[A-Za-z]\w*-\d+\b",
            r"\b\d[\d.,]*-[A-Za-z]+",
        ]
    ),
    re.DOTALL | re.MULTILINE,
)
UNITS = {"thousand": 1e3, "k": 1e3, "million": 1e6, "M": 1e6, "billion": 1e9, "bn": 1e9, "%": 0.01}
DIGITS = r"\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?"
NUMBER = re.compile(
    rf"(?<![\w.])({DIGITS})(?=[\s\u00a0\u202f]?(thousand|million|billion|bn|k|M|%)?(?![\w]))"
)
RANGE = re.compile(rf"({DIGITS})[–-](?={DIGITS}[\s\u00a0\u202f]?(thousand|million|billion|bn|%))")
IN_OUTPUT = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?")
DATE_IN_OUTPUT = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?")


def prose_numbers(text: str) -> list[tuple[str, float]]:
    """List the numbers of a text as they are written, each with the size of its unit."""
    text = NOT_A_RESULT.sub(" … ", text)
    text = RANGE.sub(lambda match: f"{match[1]} {match[2]} – ", text)
    return [(match[1], UNITS.get(match[2] or "", 1.0)) for match in NUMBER.finditer(text)]


def value_and_tolerance(written: str) -> tuple[float, float]:
    """Give a written number and half a unit of its last significant digit."""
    plain = written.replace(",", "")
    mantissa, _, exponent = plain.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    zeros = 0 if decimals else min(len(whole) - len(whole.rstrip("0")), max(len(whole) - 2, 0))
    return float(plain), 0.5 * 10.0 ** (zeros - len(decimals) + int(exponent or 0)) * (1 + 1e-9)


def is_shown(written: str, unit: float, shown: Iterable[float]) -> bool:
    """Tell whether a number stands among the shown ones, in its unit, in ones, or as a share."""
    value, tolerance = value_and_tolerance(written)
    return any(
        abs(number / scale - value) <= tolerance for number in shown for scale in {1.0, unit}
    )


def output_numbers(outputs: list[dict[str, Any]]) -> set[float]:
    """Collect the numbers that outputs show: as text, in tables, in charts' data and titles."""
    texts = [text for output in outputs for text in output_texts(output)]
    found = (IN_OUTPUT.findall(DATE_IN_OUTPUT.sub(" ", text)) for text in texts)
    return {float(number.replace(",", "")) for numbers in found for number in numbers}


def output_texts(output: dict[str, Any]) -> Iterator[str]:
    """Give the texts that a reader sees in an output."""
    data = output.get("data", {})
    yield joined(output.get("text", ""))
    yield joined(data.get("text/plain", ""))
    table = re.sub(r"<style.*?</style>", " ", joined(data.get("text/html", "")), flags=re.DOTALL)
    yield html.unescape(re.sub(r"<[^>]*>", " ", table))
    if CHART in data:
        yield from chart_texts(data[CHART])


def chart_texts(spec: Any, key: str = "") -> Iterator[str]:
    """Give the data, titles and labels of a Vega-Lite chart."""
    if key in {"datasets", "values", "title", "subtitle", "text", "description"}:
        yield json.dumps(spec, ensure_ascii=False)
    elif isinstance(spec, dict):
        for name, value in spec.items():
            yield from chart_texts(value, name)
    elif isinstance(spec, list):
        for value in spec:
            yield from chart_texts(value, key)


def joined(text: str | list[str]) -> str:
    """Join the lines of a notebook's text."""
    return text if isinstance(text, str) else "".join(text)


def sections(cells: list[Cell]) -> list[str]:
    """Give the section (its second-level heading) that each cell stands in or opens."""
    named, current = [], ""
    for cell in cells:
        heading = re.search(r"^## +(.+?)\s*$", joined(cell["source"]), re.MULTILINE)
        if cell["cell_type"] == "markdown" and heading:
            current = heading[1]
        named.append(current)
    return named


def unshown_numbers(cells: list[Cell]) -> list[str]:
    """List each number in prose that stands in no output where it may."""
    every = output_numbers([output for cell in cells for output in cell.get("outputs", [])])
    above: set[float] = set()
    missing, opening = [], True
    for place, (cell, section) in enumerate(zip(cells, sections(cells), strict=True)):
        if cell["cell_type"] == "code":
            opening = False
            above |= output_numbers(cell["outputs"])
        elif section != "Sources":
            allowed = every if opening or section == "Finding" else above
            missing += [
                f"cell {place} ({section or 'title'}): {written}"
                for written, unit in prose_numbers(joined(cell["source"]))
                if not is_shown(written, unit, allowed)
            ]
    return missing
