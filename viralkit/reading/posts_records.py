"""Posts out of JSON: lines, pages and arrays of records, and the columns that they fill."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import polars as pl

from viralkit.reading.layouts import Files
from viralkit.reading.posts_signs import Looks
from viralkit.reading.settling import FAULT, Check
from viralkit.reading.unpacking import find_files, read_utf8

Record = dict[str, Any]
Post = tuple[Any, ...]
IDS = ("event_id", "parent_id", "thread")
NUMBERS = ("magnitude", "polarity", "reported")
TEXTS = ("user", "created", "kind", "platform", "language", "text")
FLAGS = ("several", "embedded")
NOTICE = "notices of a stream, empty pages, records of another kind"
COLUMNS = (*IDS, *NUMBERS, *TEXTS, *FLAGS)
DEEP = "[[[…]]]"
SHOWN = 200  # how much of a cell that cannot be used is kept for the report


class Unusable(ValueError):
    """A part of a record that is not what the layout says: column, value and what is wrong."""

    def __init__(self, column: str, value: object, fault: str) -> None:
        super().__init__(column)
        self.column, self.value, self.fault = column, value, fault


@dataclass(frozen=True, eq=False)
class Layout:
    """How a source writes posts, under the `name` that users give.

    `open_page` gives the posts of a record with what they share, `read_post` the columns of a
    post, then those of the posts inside it; `id_names` are where a post's own id stands.
    """

    name: str
    open_page: Callable[[Record], list[tuple[Record, Record]]]
    read_post: Callable[[Record, Record], list[Post]]
    platform: str
    id_names: tuple[str, ...] = ("id",)


@dataclass(eq=False)
class Collector:
    """The posts that records hold, with their places and faults, and records that hold none."""

    layout: Layout
    posts: list[Post] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    notices: int = 0
    looks: Looks = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count what the records look like."""
        self.looks = Looks(self.layout.name)

    def read(self, lines: Iterator[tuple[int, object]]) -> None:
        """Collect the posts of records, or of the texts of lines."""
        for line, record in lines:
            try:
                record = json.loads(record) if isinstance(record, str) else record
            except (ValueError, RecursionError) as error:
                said = f"is no JSON ({str(error).split(':')[0]}); allowed: a JSON object a line."
                self.refuse(line, Unusable("line", record, f"{said} Mend the line."))
                continue
            for one in record if isinstance(record, list) else [record]:
                self.open(line, one)

    def open(self, line: int, record: object) -> None:
        """Collect the posts of one record."""
        try:
            if not isinstance(record, dict):
                raise Unusable("line", record, "is no JSON object; allowed: {…}. Mend the line.")
            self.looks.see(record)
            pages = self.layout.open_page(record)
        except Unusable as error:
            return self.refuse(line, error)
        except RecursionError:
            said = "is nested too deep; allowed: some hundred levels. Mend the line."
            return self.refuse(line, Unusable("line", DEEP, said))
        self.notices += not pages
        for post, shared in pages:
            try:
                found = self.layout.read_post(post, shared)
            except Unusable as error:
                ids = [post.get(name) for name in self.layout.id_names if isinstance(post, dict)]
                self.refuse(line, error, next((one for one in ids if type(one) is str), None))
            else:
                self.posts += found
                self.lines += [line] * len(found)

    def refuse(self, line: int, error: Unusable, name: str | None = None) -> None:
        """Note a post that cannot be used."""
        self.faults[len(self.posts)] = error.column, cell(error.value), error.fault
        self.posts.append((name, *[None] * (len(COLUMNS) - 3), 0, False))
        self.lines.append(line)

    def frame(self, file: str) -> pl.DataFrame:
        """The posts as a frame."""
        cells = list(zip(*self.posts, strict=True)) or [()] * len(COLUMNS)
        values = dict(zip(COLUMNS, cells, strict=True))
        columns = [self.texts(name, values[name]) for name in (*IDS, *TEXTS)]
        columns += [self.numbers(name, values[name]) for name in NUMBERS]
        columns += [
            pl.Series("several", values["several"], pl.Int64),
            pl.Series("embedded", values["embedded"], pl.Boolean),
        ]
        told = [self.faults.get(row, (None, None, None)) for row in range(len(self.posts))]
        faults = pl.DataFrame(told, FAULT, orient="row")
        lines = pl.Series("line", self.lines, pl.Int64)
        return pl.DataFrame([*columns, lines, *faults.get_columns()]).with_columns(
            file=pl.lit(file), platform=pl.coalesce("platform", pl.lit(self.layout.platform))
        )

    def texts(self, name: str, values: Sequence[Any]) -> pl.Series:
        """A column of texts: fast where all are, one by one where some are not."""
        try:
            column = pl.Series(name, only(values, str), pl.String)
        except ValueError:
            keep = self.name_of if name in IDS else lambda _row, _name, value: written(value)
            mended = [keep(row, name, value) for row, value in enumerate(values)]
            column = pl.Series(name, mended, pl.String)
        return column.replace("", None) if name in IDS else column

    def name_of(self, row: int, name: str, value: Any) -> str | None:
        """An id as text; note a fault where it is none."""
        if value is None or isinstance(value, str):
            return written(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return written(value)
        lost = " (its last digits are lost)" if isinstance(value, float) else ""
        said = f"is no id{lost}; allowed: text or whole numbers. Fetch it again as text."
        self.faults.setdefault(row, (name, cell(value), said))
        return None

    def numbers(self, name: str, values: Sequence[Any]) -> pl.Series:
        """A column of numbers, with a fault noted where one is none."""
        try:
            return pl.Series(name, only(values, int, float), pl.Float64)
        except (TypeError, ValueError, OverflowError):
            mended = [self.number_of(row, name, value) for row, value in enumerate(values)]
            return pl.Series(name, mended, pl.Float64)

    def number_of(self, row: int, name: str, value: Any) -> float | None:
        """A number; note a fault where it is none."""
        if value is None or value == "":
            return None
        try:
            number = float("x" if isinstance(value, bool) else value)
            if isfinite(number):
                return number
        except (TypeError, ValueError, OverflowError):
            pass
        said = "is no number; allowed: digits with a decimal point at most. Mend the cell."
        self.faults.setdefault(row, (name, cell(value), said))
        return None


def only(values: Sequence[Any], *kinds: type) -> Sequence[Any]:
    """The values, if they are of these types alone (deep lists hang polars)."""
    if set(map(type, values)) <= {*kinds, type(None)}:
        return values
    raise ValueError("values of other types")


def written(value: Any) -> str | None:
    """A value as text that polars can hold: what is no text, as JSON."""
    if value is None:
        return None
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
    except RecursionError:
        text = DEEP
    return text.encode("utf-8", "replace").decode()


def cell(value: object) -> str:
    """The beginning of a value, for the report."""
    text = written(value if not isinstance(value, str) else value[: SHOWN + 1]) or ""
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def part(record: Record, name: str) -> Record:
    """An object inside a record: empty where it is not there, refused where it is none."""
    value = record.get(name)
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise Unusable(name, value, "is no object; allowed: {…} or null. Mend the line.")


def members(record: Record, name: str) -> list[Record]:
    """The objects of a list inside a record: a single one is a list of one."""
    value = record.get(name)
    found = [value] if isinstance(value, dict) else value or []
    if isinstance(found, list) and all(isinstance(one, dict) for one in found):
        return found
    raise Unusable(name, value, "is no list of objects; allowed: [{…}, …]. Mend the line.")


def total(*numbers: Any) -> float | None:
    """The sum of the numbers that are there, if any is."""
    known = [n for n in numbers if type(n) is int and n >= 0]
    return float(min(sum(known), 2**53)) if known else None


def read_records(source: Files, layout: Layout) -> tuple[pl.DataFrame, list[Check]]:
    """The posts of all files, how many records hold none, and how many files no record."""
    frames, notices, blank = [], 0, 0
    for path in find_files(source):
        collector = Collector(layout)
        collector.read(records_of(path))
        collector.looks.require(path.name)
        frames.append(collector.frame(path.name))
        notices += collector.notices
        blank += not (collector.posts or collector.looks.records)
    empty = Collector(layout).frame("")
    checks: list[Check] = [("records without a post", notices, NOTICE if notices else None)]
    if blank:
        checks.append(("empty files", blank, "they hold no record"))
    return pl.concat([empty, *frames]), checks


def records_of(path: Path) -> Iterator[tuple[int, object]]:
    """The lines of a file; a file that is one JSON value over several lines is one record."""
    raw = read_utf8(path)
    lines = [(n, line) for n, line in enumerate(raw.split(b"\n"), 1) if line.strip()]
    if len(lines) > 1 and not is_json(lines[0][1]) and is_json(raw):
        return iter([(lines[0][0], raw.decode("utf-8", "replace"))])
    return ((n, line.decode("utf-8", "replace")) for n, line in lines)


def is_json(raw: bytes) -> bool:
    """Whether some bytes are one JSON value."""
    try:
        json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return True
