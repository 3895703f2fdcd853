"""Exports of Google Analytics 4 as counts: several tables in a file, lines that begin with #."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from viralkit.reading.columns import absent_column
from viralkit.reading.counts_found import Found, placed
from viralkit.reading.files import join_sources, read_text
from viralkit.reading.parsing import NUMBER
from viralkit.reading.unpacking import read_utf8
from viralkit.tables import TableError
from viralkit.wording import show, show_names

YEAR_MONTH = r"^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])"
STAMPS = {
    YEAR_MONTH + r"([0-3][0-9])$": ("${1}-${2}-${3}", "1d"),
    YEAR_MONTH + r"([0-3][0-9])([0-2][0-9])$": ("${1}-${2}-${3}T${4}:00", "1h"),
    YEAR_MONTH + "$": ("${1}-${2}-01", "1mo"),
}
NTH_DAY = "nth day"
STARTS = re.compile(r"^#.*?((?:19|20)[0-9]{6})\s*$")


@dataclass(frozen=True, eq=False)
class Section:
    """A table of an export: its line, text, header, first rows, and the date that starts it."""

    line: int
    text: bytes
    cells: list[str]
    rows: list[list[str]]
    start: str | None

    def time(self, name: str) -> str | None:
        """Which column holds times: the one of this name, else the first that looks so."""
        if name != "time":
            return name if name in self.cells else None
        for column in range(len(self.cells)):
            cells = [row[column] for row in self.rows if column < len(row) and row[column].strip()]
            nth = self.cells[column].lower() == NTH_DAY and self.start is not None
            if nth or (cells and any(re.match(form, cells[0].strip()) for form in STAMPS)):
                return self.cells[column]
        return None


def open_analytics(files: list[Path], names: dict[str, str]) -> Found:
    """What Google Analytics 4 exports: the table with a time and the count that is asked for."""
    opened = [open_export(path, names) for path in files]
    periods = {found.every for found, _ in opened}
    asked = {tuple(found.names.values()) for found, _ in opened}
    if len(periods) > 1 or len(asked) > 1:
        raise TableError(
            f"the files differ: periods {sorted(map(str, periods))}, columns {sorted(asked)}; "
            "allowed: one of each. Read each file by itself."
        )
    totals = sum(number for _, number in opened)
    note = ("rows without a time", totals, "totals, left out" if totals else None)
    source = join_sources([found.source for found, _ in opened])
    names, every = opened[0][0].names, opened[0][0].every
    return Found(source, names, "incremental", every, notes=[note])


def open_export(path: Path, names: dict[str, str]) -> tuple[Found, int]:
    """What one export holds, and how many of its rows have no time, since they are totals."""
    sections = sections_of(read_utf8(path))
    dated = [section for section in sections if section.time(names["time"])]
    if not dated:
        heads = show_names([", ".join(section.cells) for section in sections])
        raise TableError(
            f"file {show(path.name)} has no table with a time; tables: {heads}. Export a report "
            'with the dimension Date or "Nth day", or name the column: time="Date".'
        )
    section = wanted(dated, names)
    time = section.time(names["time"]) or ""
    text, totals = without_totals(section, time)
    source = read_text(text, path, ",", path.stem, section.line - 1)
    if time not in source.frame.columns:
        raise TableError(absent_column("time", time, source.frame.columns))
    times, every = times_of(source.frame[time].str.strip_chars(), section.start)
    frame = source.frame.with_columns(times.alias(time))
    other = next((cell for cell in section.cells if cell != time), "count")
    count = other if names["count"] == "count" else names["count"]
    named = {"time": time, "count": count, "item": item_of(frame, {time, count}, names["item"])}
    return Found(placed(frame, path.name, source.lines), named, "incremental", every), totals


def without_totals(section: Section, time: str) -> tuple[bytes, int]:
    """The text of a table with blank lines where rows of totals stood, and how many these were."""
    column, lines = section.cells.index(time), section.text.split(b"\n")
    totals = [i for i, row in enumerate(section.rows, 1) if not "".join(row[column : column + 1])]
    totals = [i for i in totals if b"".join(lines[i].split())]
    return b"\n".join(b"" if i in totals else line for i, line in enumerate(lines)), len(totals)


def sections_of(raw: bytes) -> list[Section]:
    """The tables of an export: they end at a blank line, or one that begins with #."""
    sections, start, head, told = [], None, None, True
    lines = raw.split(b"\n")
    for i, line in enumerate([*lines, b""]):
        text = line.decode("utf-8", "replace").strip()
        if head is not None and (not text or text.startswith("#")):
            sections.append(section_of(lines[head:i], head + 1, start))
            head, told = None, True
        dates = STARTS.match(text)
        if dates and told:
            start, told = dates[1], False
        if text and not text.startswith("#") and head is None:
            head = i
    return sections


def section_of(lines: list[bytes], line: int, start: str | None) -> Section:
    """One table, with the cells of its header and of its first rows."""
    texts = [each.decode("utf-8", "replace") for each in lines[:4]]
    try:
        cells, *rows = list(csv.reader(texts)) or [[]]
    except csv.Error:
        cells, rows = [], []
    names = [cell or f"column_{i}" for i, cell in enumerate(cells, start=1)]
    return Section(line, b"\n".join(lines), names, rows, start)


def wanted(dated: list[Section], names: dict[str, str]) -> Section:
    """The table that has the count which is asked for, or the only one that has one."""
    if names["count"] == "count":
        if len(dated) == 1 and len(dated[0].cells) == 2:
            return dated[0]
        said = "count is not given"
    else:
        said = f"count={show(names['count'])} is not found"
        for section in dated:
            if names["count"] in section.cells:
                return section
    columns = {cell for s in dated for cell in s.cells if cell != s.time(names["time"])}
    raise TableError(
        f"{said}; columns beside a time: {show_names(sorted(columns))}. Say which holds the "
        f"counts: pass count={show(sorted(columns)[0])}."
    )


def times_of(cells: pl.Series, start: str | None) -> tuple[pl.Series, str]:
    """Stamps as ISO times, and how long a period they begin; days counted from the start."""
    for form, (iso, every) in STAMPS.items():
        if cells.str.contains(form).any():
            return cells.str.replace(form, iso), every
    first = pl.Series([start], dtype=pl.String).str.to_date("%Y%m%d", strict=False)
    number = cells.str.extract("^([0-9]{1,6})$").cast(pl.Int64)
    days = pl.select(pl.lit(first[0], pl.Date) + pl.lit(number) * pl.duration(days=1)).to_series()
    return days.cast(pl.String).zip_with(days.is_not_null(), cells), "1d"


def item_of(frame: pl.DataFrame, known: set[str], given: str) -> str:
    """Which column says what was counted; required where rows are divided by one."""
    rest = [name for name in frame.columns if name not in known]
    divided = [n for n in rest if not frame[n].drop_nulls().str.contains(NUMBER).all()]
    if given == "item" and divided:
        raise TableError(
            f"item is not given; the rows are divided by {show_names(divided)}. Say which names "
            f"what was counted: pass item={show(divided[0])}."
        )
    return given
