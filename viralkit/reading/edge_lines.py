"""Text with an edge a line as cells: fast where every line is even, one by one where not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from viralkit.reading.faults import Fault
from viralkit.reading.settling import blame, unreserved
from viralkit.reading.unpacking import read_lines, read_utf8
from viralkit.tables import TableError
from viralkit.wording import show, show_names

Columns = Sequence[str] | Mapping[str, str]
PAIR = ("source", "target")
SKIPPED = re.compile(rb"\s*[#%]|\s*$")
COMMENT = r"^\s*[#%]"
ODD = {" ": (b"\t", b"\r"), "\t": (b" ", b"\r"), ",": (b" ", b"\t", b"\r")}


@dataclass(frozen=True)
class Head:
    """What the first edge of a file tells: where it stands, its separator, what its cells hold."""

    start: int
    line: int
    comments: int
    separator: str
    names: list[str]
    header: bool


def read_edge_lines(path: Path, columns: Columns | None) -> tuple[pl.DataFrame, int]:
    """The cells of a file with their lines, and how many lines are comments."""
    raw = read_utf8(path)
    head = look(raw, columns, path.name)
    cells = even_cells(raw, head)
    if cells is not None:
        first = head.line + head.header
        place = pl.int_range(first, first + pl.len(), dtype=pl.Int64)
        return cells.with_columns(line=place), head.comments
    lines = read_lines(path)
    edges = lines.filter(~pl.col("text").str.contains(COMMENT))
    return split_cells(edges.slice(int(head.header)), head), len(lines) - len(edges)


def look(raw: bytes, columns: Columns | None, file: str) -> Head:
    """Find the first line that is no comment, and what it tells."""
    start, line, comments = 0, 1, 0
    end = raw.find(b"\n")
    while start < len(raw) and SKIPPED.match(raw, start, end if end >= 0 else len(raw)):
        comments += bool(raw[start : end if end >= 0 else None].strip())
        start, line = (end + 1 if end >= 0 else len(raw)), line + 1
        end = raw.find(b"\n", start)
    text = raw[start : end if end >= 0 else None].decode("utf-8", "replace").strip()
    if not text:
        raise TableError(
            f"file {show(file)} holds no edge; allowed: two ids a line. Pass another file."
        )
    separator = next((sign for sign in "\t," if sign in text), " ")
    cells = [cell.strip() for cell in text.split(separator if separator != " " else None)]
    header = isinstance(columns, Mapping) or (columns is None and set(PAIR) <= set(cells))
    names = cells if header else list(columns or PAIR)
    if len(set(names)) < len(names) or len(names) != len(cells):
        raise TableError(
            f"file {show(file)}, line {line} has {len(cells)} cells; columns name "
            f'{show_names(names)}. Say what each holds: columns=("source", "target", "weight").'
        )
    return Head(start, line, comments, separator, unreserved(names), header)


def even_cells(raw: bytes, head: Head) -> pl.DataFrame | None:
    """The cells of a file of which every line is like the first; None if any is not."""
    body = raw[head.start :] if head.start else raw
    if any(sign in body for sign in (b"\n#", b"\n%", "\ufffd".encode(), *ODD[head.separator])):
        return None
    try:
        cells = pl.read_csv(
            body,
            has_header=False,
            skip_rows=int(head.header),
            infer_schema=False,
            separator=head.separator,
            quote_char=None,
        )
    except pl.exceptions.PolarsError:
        return None
    if len(cells.columns) != len(head.names) or any(cells.null_count().row(0)):
        return None
    return cells.rename(dict(zip(cells.columns, head.names, strict=True)))


def split_cells(lines: pl.DataFrame, head: Head) -> pl.DataFrame:
    """Lines as cells, blank ones null, with a fault in each line that is not like the first."""
    separator, names = head.separator, head.names
    text = lines["text"].str.strip_chars(" \r" if separator == "\t" else None)
    if separator == " ":
        text = text.str.replace_all(r"\s+", " ")
    cells = text.str.splitn(separator, len(names) + 1).struct.unnest()
    more = cells.to_series(len(names)).is_not_null()
    few = cells.to_series(len(names) - 1).is_null()
    frame = cells.select(
        cells.to_series(i).str.strip_chars().replace("", None).alias(name)
        for i, name in enumerate(names)
    ).with_columns(lines["line"])
    allowed = f"allowed: {len(names)} cells a line, for {show_names(names)}"
    broken = text.str.contains("\ufffd", literal=True)
    faults = {"has too many cells": more, "has too few cells": few, "is not UTF-8": broken}
    for reason, rows in faults.items():
        fault = Fault("line", rows.arg_true(), reason, allowed, "Mend the line.")
        frame = blame(frame, fault, text)
    return frame
