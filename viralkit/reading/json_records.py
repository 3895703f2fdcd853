"""JSON files as records: an object a line, one document, or a list of objects."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from viralkit.reading.unpacking import read_lines, read_utf8

Record = dict[str, Any]
SHOWN = 200  # how much of a line that is no record is kept for the report


def read_records(path: Path) -> Iterator[tuple[int, Record | None, str]]:
    """Each record of a file with its line; a line that holds none comes as None with its text."""
    lines = read_lines(path)
    if len(lines) and load(lines["text"][0]) is None:
        document = load(read_utf8(path).decode("utf-8", "replace"))
        records = document if isinstance(document, list) else [document]
        if document is not None and all(isinstance(record, dict) for record in records):
            yield from ((1, record, "") for record in records)
            return
    for line, text in lines.iter_rows():
        value = load(text)
        for record in value if isinstance(value, list) and value else [value]:
            yield line, record if isinstance(record, dict) else None, text[:SHOWN]


def load(text: str) -> Any:
    """What a JSON text says; None if it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def text_of(value: object) -> str | None:
    """A value as the text of a cell; whatever is no value of one cell stays JSON."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode("utf-8")


def texts_in(record: Record, *names: str) -> str | None:
    """The text that stands in a record under names, one inside the other."""
    value: object = record
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return text_of(value)
