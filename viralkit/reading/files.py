"""Files as frames of text: what was read, and on which line each row stands."""

import contextlib
import csv
import gzip
import io
import os
import zlib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import polars as pl

from viralkit.tables import TableError, require_polars
from viralkit.wording import show, show_names

SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
ALLOWED = (*SEPARATORS, ".parquet")
RATIO_LIMIT = 100  # a file that unpacks to more than this is an attack or a mistake,
RATIO_FREE = 2**24  # unless it is small,
BYTES_LIMIT = 2**33  # and none may be larger than this


@dataclass(frozen=True, eq=False)
class Source:
    """A frame as it was found, and where its rows stand in the file it came from.

    `cells` is a text file as it was read: the header in the first row, and blank lines.
    """

    frame: pl.DataFrame
    name: str = "counts"
    file: str | None = None
    cells: pl.DataFrame | None = None
    skipped: int = 0

    @property
    def blank_lines(self) -> int:
        """How many lines of the file hold nothing."""
        read = 0 if self.cells is None else len(self.cells) - 1 - len(self.frame)
        return self.skipped + read

    @cached_property
    def lines(self) -> pl.Series:
        """Where each row starts: lines of a text file from 1, rows of anything else from 0."""
        if self.cells is None:
            return pl.int_range(len(self.frame), eager=True)
        breaks = pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True).fill_null(0))
        height = self.cells.select(1 + breaks.cast(pl.Int64)).to_series()
        first = self.skipped + 1 + height.cum_sum() - height
        return first.slice(1).filter(~is_blank(self.cells.slice(1)))

    def place(self, row: int) -> str:
        """A row's place as an error message prints it."""
        file = f"{show(self.file)}, " if self.file else ""
        line = self.lines[row]
        return f"{file}row {line} (counted from 0)" if self.cells is None else f"{file}line {line}"


def is_blank(cells: pl.DataFrame) -> pl.Series:
    """Which rows hold nothing."""
    return cells.select(pl.all_horizontal(pl.all().is_null())).to_series()


def open_source(source: str | os.PathLike[str] | pl.DataFrame) -> Source:
    """Read a CSV, TSV or Parquet file, or take a polars frame as it is."""
    if not isinstance(source, str | os.PathLike):
        return Source(require_polars(source))
    path = Path(source)
    suffix = "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else path.suffixes[-1:])
    if suffix.lower() not in ALLOWED:
        raise TableError(
            f"file {show(path.name)} ends in {show(suffix)}; allowed: {', '.join(ALLOWED)}, or a "
            "polars frame. Read it with polars (pl.read_excel, pl.read_json, …) and pass the frame."
        )
    require_file(path)
    if suffix.lower() == ".parquet":
        return Source(read_parquet(path), path.stem, path.name)
    return read_text(path, SEPARATORS[suffix.lower()], path.name.removesuffix(suffix))


def require_file(path: Path) -> None:
    """Say which files of the folder are spelled like one that is not there."""
    try:
        if path.is_file():
            return
        names = sorted(p.name for p in path.parent.iterdir() if p.name.lower().endswith(ALLOWED))
    except (OSError, ValueError):
        names = []
    near = get_close_matches(path.name, names, n=3, cutoff=0.7) or names
    raise FileNotFoundError(
        f"file {show(path.name)} not found in folder {show(str(path.parent), 120)}; files there: "
        f"{show_names(near, 5)}. Correct the name or the folder; from the web, download it first."
    )


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a Parquet file."""
    try:
        return pl.read_parquet(path.read_bytes())
    except pl.exceptions.PolarsError as error:
        raise unreadable(path, "a Parquet file", error) from error


def read_text(path: Path, separator: str, name: str) -> Source:
    """Read a text file as text, without guessing any type."""
    raw = unpack(path) if path.suffix.lower() == ".gz" else path.read_bytes()
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    raw = raw if b"\n" in raw else raw.replace(b"\r", b"\n")
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    skipped = raw[:start].count(b"\n")
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


def unpack(path: Path) -> bytes:
    """Unpack a gzip file, but not one that is made to fill the memory."""
    limit = min(max(path.stat().st_size * RATIO_LIMIT, RATIO_FREE), BYTES_LIMIT)
    try:
        with gzip.open(path) as stream:
            raw = stream.read(limit + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise unreadable(path, "a gzip file", error) from error
    if len(raw) > limit:
        raise TableError(
            f"file {show(path.name)} unpacks to more than {limit:,} bytes; allowed: "
            f"{RATIO_LIMIT} times its size. If you trust it, unpack it yourself and read the CSV."
        )
    return raw


def require_utf8(raw: bytes, path: Path) -> None:
    """Say on which line the first byte stands that is not UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
        raise TableError(
            f"file {show(path.name)}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8. "
            f"Save the file as UTF-8, or pass pl.read_csv(path, encoding={show(encoding)}, "
            "infer_schema=False)."
        ) from None


def require_even_rows(raw: bytes, separator: str, path: Path) -> None:
    """Say which line has more cells than the header, or else where a quote may stay open."""
    rows = csv.reader(io.StringIO(raw.decode(), newline=""), delimiter=separator)
    width, line, start = 0, 1, 1
    for row in rows:
        width, start = width or len(row), line
        if len(row) > width:
            step = f"Put cells that hold {show(separator)} in double quotes."
            if width == 1:
                skip = f"skip_rows={line - 1}, separator={show(separator)}, infer_schema=False"
                step = f"If the header stands there, pass pl.read_csv(path, {skip})."
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


def unreadable(path: Path, form: str, error: Exception) -> TableError:
    """What the library below says, in one line."""
    said = show(str(error).split("\n")[0], 120)
    return TableError(f"file {show(path.name)} is not {form}: {said}. Save it again, or mend it.")
