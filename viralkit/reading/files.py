"""Files as frames of text: what was read, and on which line each row stands."""

import contextlib
import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from viralkit.reading.unpacking import PACKED, read_utf8, require_file, unreadable
from viralkit.tables import TableError, require_polars
from viralkit.wording import show, show_names

SEPARATORS = {
    kind + packing: separator
    for kind, separator in ((".csv", ","), (".tsv", "\t"))
    for packing in ("", *PACKED)
}
ALLOWED = (*SEPARATORS, ".parquet")


@dataclass(frozen=True, eq=False)
class Source:
    """A frame as it was found, and where its rows stand in the file it came from.

    `cells` is a text file as it was read: the header in the first row, and blank lines. Where
    there are none, `places` may tell file and line of each row, and the `name` of its file.
    """

    frame: pl.DataFrame
    name: str = "counts"
    file: str | None = None
    cells: pl.DataFrame | None = None
    skipped: int = 0
    places: pl.DataFrame | None = None

    @property
    def blank_lines(self) -> int:
        """How many lines of the file hold nothing."""
        read = 0 if self.cells is None else len(self.cells) - 1 - len(self.frame)
        return self.skipped + read

    @cached_property
    def lines(self) -> pl.Series:
        """Where each row starts: lines of a text file from 1, rows of anything else from 0."""
        if self.places is not None:
            return self.places["line"]
        if self.cells is None:
            return pl.int_range(len(self.frame), eager=True)
        breaks = pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True).fill_null(0))
        height = self.cells.select(1 + breaks.cast(pl.Int64)).to_series()
        first = self.skipped + 1 + height.cum_sum() - height
        return first.slice(1).filter(~is_blank(self.cells.slice(1)))

    def files(self, rows: pl.Series) -> pl.Series:
        """The names of the files in which rows stand."""
        if self.places is not None:
            return self.places["file"].gather(rows)
        return pl.Series("file", [self.file], pl.String).new_from_index(0, len(rows))

    def place(self, row: int) -> str:
        """A row's place as an error message prints it."""
        name = self.files(pl.Series([row]))[0]
        file, line = f"{show(name)}, " if name else "", self.lines[row]
        text = self.cells is not None or self.places is not None
        return f"{file}line {line}" if text else f"{file}row {line} (counted from 0)"


def is_blank(cells: pl.DataFrame) -> pl.Series:
    """Which rows hold nothing."""
    return cells.select(pl.all_horizontal(pl.all().is_null())).to_series()


def open_source(source: str | os.PathLike[str] | pl.DataFrame) -> Source:
    """Read a CSV, TSV or Parquet file, or take a polars frame as it is."""
    if not isinstance(source, str | os.PathLike):
        return Source(require_polars(source))
    path = Path(source)
    suffix = "".join(path.suffixes[-2:] if path.suffix.lower() in PACKED else path.suffixes[-1:])
    if suffix.lower() not in ALLOWED:
        raise TableError(
            f"file {show(path.name)} ends in {show(suffix)}; allowed: {', '.join(ALLOWED)}, or a "
            "polars frame. Read it with polars (pl.read_excel, pl.read_json, …) and pass the frame."
        )
    require_file(path)
    if suffix.lower() == ".parquet":
        return Source(read_parquet(path), path.stem, path.name)
    name = path.name.removesuffix(suffix)
    return read_text(read_utf8(path), path, SEPARATORS[suffix.lower()], name)


def join_sources(sources: Sequence[Source]) -> Source:
    """Several files as one source: the columns of all, null where a file has none."""
    if len(sources) == 1:
        return sources[0]
    places = [
        pl.DataFrame({"line": each.lines.cast(pl.Int64)}).with_columns(
            file=pl.lit(each.file, pl.String), name=pl.lit(each.name)
        )
        for each in sources
    ]
    try:
        frame = pl.concat([each.frame for each in sources], how="diagonal")
    except pl.exceptions.PolarsError as error:
        said = show(str(error).split("\n")[0], 120)
        raise TableError(f"the files do not fit together: {said}. Read each by itself.") from error
    blank = sum(each.blank_lines for each in sources)
    return Source(frame, skipped=blank, places=pl.concat(places))


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a Parquet file."""
    try:
        return pl.read_parquet(path.read_bytes())
    except pl.exceptions.PolarsError as error:
        raise unreadable(path, "a Parquet file", error) from error


def read_text(raw: bytes, path: Path, separator: str, name: str, before: int = 0) -> Source:
    """Text as a frame of text, without guessing any type; `before` lines of its file come first."""
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    skipped = before + raw[:start].count(b"\n")
    if start == len(raw):
        raise TableError(f"file {show(path.name)} is empty; a header line and rows are expected.")
    try:
        cells = pl.read_csv(
            raw[start:] if start else raw,
            has_header=False,
            infer_schema=False,
            separator=separator,
        )
    except pl.exceptions.PolarsError as error:
        require_utf8(raw, path)
        with contextlib.suppress(csv.Error):
            require_even_rows(raw, separator, path)
        raise unreadable(path, "text with separators", error) from error
    frame = cells.slice(1).rename(dict(zip(cells.columns, header(cells, path), strict=True)))
    return Source(frame.filter(~is_blank(frame)), name, path.name, cells, skipped)


def header(cells: pl.DataFrame, path: Path) -> list[str]:
    """The column names: the first row, with a position where a name is blank."""
    names = [name or f"column_{i}" for i, name in enumerate(cells.row(0), start=1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(
            f"file {show(path.name)} has several columns named {show_names(twice)}; "
            f"columns: {show_names(names)}. Give each its own name."
        )
    return names


def require_utf8(raw: bytes, path: Path) -> None:
    """Say on which line the first byte stands that is not UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"file {show(path.name)}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8. "
            f"Save the file as UTF-8, or pass pl.read_csv(path, encoding='latin-1', "
            "infer_schema=False)."
        ) from None


def require_even_rows(raw: bytes, separator: str, path: Path) -> None:
    """Say which line has more cells than the header, or else where a quote may stay open."""
    rows = csv.reader(io.StringIO(raw.decode(), newline=""), delimiter=separator)
    names: list[str] = []
    line = start = 1
    for row in rows:
        names, start = names or row, line
        width = len(names)
        if len(row) > width:
            step = f"Put cells that hold {show(separator)} in double quotes."
            if width == 1:
                skip = f"skip_rows={line - 1}, separator={show(separator)}, infer_schema=False"
                step = f"If the header stands there, pass pl.read_csv(path, {skip})."
                other = next((sign for sign in (";", "\t", ",") if sign in names[0]), None)
                read = f"pl.read_csv(path, separator={show(other)}, infer_schema=False)"
                step = f"If {show(other)} divides your file, pass {read}." if other else step
            raise TableError(
                f"file {show(path.name)}, line {line} has {len(row)} cells; the header has "
                f"{width}. {step}"
            )
        line = rows.line_num + 1
    if raw.count(b'"') % 2:
        raise TableError(
            f"file {show(path.name)}: a double quote opens on line {start} or later and is not "
            "closed; quotes come in pairs. Close it, or double those inside a cell."
        )
