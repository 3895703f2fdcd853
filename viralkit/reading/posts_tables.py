"""Tables of posts as frames of text: CSV and TSV with broken lines, one JSON object a line."""

import json
from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from viralkit.reading.faults import Fault
from viralkit.reading.files import SEPARATORS, Source, header, is_blank, read_parquet
from viralkit.reading.posts_records import cell, records_of, written
from viralkit.reading.settling import FAULT, PLACE, blame, blameless
from viralkit.reading.unpacking import PACKED, read_utf8, unreadable
from viralkit.tables import TableError
from viralkit.wording import show

JSON = tuple(kind + packing for kind in (".ndjson", ".jsonl", ".json") for packing in ("", *PACKED))
WIDE = "stands after the last column", "allowed: one cell a column", "Put a cell in quotes."
NO_OBJECT = "is no JSON object; allowed: {…}, one a line. Mend the line."


def read_table(path: Path) -> pl.DataFrame:
    """One file as texts, with file, line and a fault where a line is broken."""
    suffix = "".join(path.suffixes[-2:] if path.suffix.lower() in PACKED else path.suffixes[-1:])
    if suffix.lower() in JSON:
        return read_objects(path)
    if suffix.lower() == ".parquet":
        return placed(Source(texts_only(read_parquet(path)), file=path.name))
    if suffix.lower() in SEPARATORS:
        return read_cells(path, SEPARATORS[suffix.lower()])
    raise TableError(
        f"file {show(path.name)} ends in {show(suffix)}; allowed: "
        f"{', '.join((*SEPARATORS, *JSON, '.parquet'))}. Export it again as CSV or NDJSON."
    )


def texts_only(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every column as text: floats without fraction as whole numbers."""
    nested = [n for n, dtype in frame.schema.items() if dtype.is_nested() or dtype == pl.Object]
    if nested:
        step = f"Join or drop it: frame.drop({show(nested[0])})."
        raise TableError(f"column {show(nested[0])} holds lists or objects; allowed: text. {step}")
    floats = pl.selectors.float()
    whole = pl.when(floats.is_finite() & (floats == floats.round())).then(
        floats.cast(pl.Int64, strict=False).cast(pl.String)
    )
    frame = frame.with_columns(whole.otherwise(floats.cast(pl.String)))
    return frame.with_columns(pl.all().cast(pl.String))


def placed(source: Source) -> pl.DataFrame:
    """The frame of a source with the place of each row."""
    frame = source.frame.rename(
        dict(zip(source.frame.columns, own_names(source.frame), strict=True))
    )
    lines = pl.Series("line", source.lines, pl.Int64)
    return blameless(frame.with_columns(lines, file=pl.lit(source.file, pl.String)))


def own_names(frame: pl.DataFrame) -> list[str]:
    """The names of columns, with a line under those that places and faults need."""
    return free_names(frame.columns, {*PLACE, *FAULT})


def free_names(names: Sequence[str], taken: Container[str]) -> list[str]:
    """The names, with a line (or more) under those that are taken."""
    free: list[str] = []
    for name in names:
        new = name
        while new in taken or new in free or (new != name and new in names):
            new += "_"
        free.append(new)
    return free


def read_cells(path: Path, separator: str) -> pl.DataFrame:
    """A CSV or TSV file as texts; lines with too many cells have a fault, short ones blanks."""
    raw = read_utf8(path)
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    if start == len(raw):
        raise TableError(f"file {show(path.name)} is empty; a header line and rows are expected.")
    skipped = raw[:start].count(b"\n")
    width = read_csv(raw[start:], separator, path, 1).width
    wider = separator.encode() * width + b"\n" + raw[start:]  # a first row with a cell more
    cells = read_csv(wider, separator, path).slice(1)
    more = cells[:, width]
    cells = cells[:, :width]
    names = header(cells, path)
    rows = cells.slice(1).rename(dict(zip(cells.columns, names, strict=True)))
    full = ~is_blank(rows)
    more = more.slice(1).filter(full)
    frame = placed(Source(rows.filter(full), path.stem, path.name, cells, skipped))
    fault = Fault(frame.columns[width - 1], more.is_not_null().arg_true(), *WIDE)
    return blame(frame, fault, more)


def read_csv(raw: bytes, separator: str, path: Path, rows: int | None = None) -> pl.DataFrame:
    """Cells as texts; bytes that are not UTF-8 are replaced by U+FFFD."""
    try:
        return pl.read_csv(
            raw,
            has_header=False,
            infer_schema=False,
            separator=separator,
            truncate_ragged_lines=True,
            encoding="utf8-lossy",
            n_rows=rows,
        )
    except pl.exceptions.PolarsError as error:
        raise unreadable(path, "text with separators", error) from error


def read_objects(path: Path) -> pl.DataFrame:
    """A file of flat JSON objects as texts; keys that few of them have are left out."""
    rows: list[dict[str, Any]] = []
    places, faults = [], []
    for line, text in records_of(path):
        for found in values_of(text):
            good = isinstance(found, dict)
            rows.append(found if isinstance(found, dict) else {})
            places.append(line)
            faults.append((None, None, None) if good else ("line", cell(text), NO_OBJECT))
    counts = Counter(key for row in rows for key in row)
    often = [key for key, count in counts.items() if 4 * count >= len(rows)]
    columns = {name: [written(row.get(name)) for row in rows] for name in often}
    frame = pl.DataFrame(columns, dict.fromkeys(often, pl.String))
    told = pl.DataFrame(faults, ["fault_column", "fault_value", "fault"], orient="row")
    told = told.cast(pl.String).with_columns(line=pl.Series(places, dtype=pl.Int64))
    frame = frame.rename(dict(zip(frame.columns, own_names(frame), strict=True)))
    return told.with_columns(frame.get_columns(), file=pl.lit(path.name))


def values_of(text: object) -> list[object]:
    """The objects of a line: one, or those of an array; the text itself where it is no JSON."""
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError):
        return [text]
    return found if isinstance(found, list) else [found]
