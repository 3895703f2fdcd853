"""Files as bytes and as numbered lines of text: packed or not, one or many, any encoding."""

import glob
import gzip
import os
import zlib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import IO, cast

import polars as pl
import zstandard

from viralkit.tables import TableError, require_polars
from viralkit.wording import show, show_names

RATIO_LIMIT = 100  # a file that unpacks to more than this is an attack or a mistake,
RATIO_FREE = 2**24  # unless it is small,
BYTES_LIMIT = 2**33  # and none may be larger than this
PACKED = (".gz", ".zst")
MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def find_files(source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Which files a path, a glob ("trees/*.txt"), a folder or a list of them stands for, sorted.

    A folder stands for all files right inside it whose name does not begin with a dot.
    """
    if not isinstance(source, str | os.PathLike | Sequence):
        require_polars(source)
        raise TableError("a polars frame stands where files are expected; pass a path.")
    if not isinstance(source, str | os.PathLike):
        return [path for one in source for path in find_files(one)]
    path = Path(source)
    if os.path.isdir(path):
        return sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    if not os.path.exists(path) and glob.has_magic(str(source)):
        found = sorted(Path(name) for name in glob.glob(str(source), recursive=True))
        if found:
            return [each for each in found if each.is_file()]
        raise FileNotFoundError(f"no file matches {show(str(source), 120)}. Correct the pattern.")
    require_file(path)
    return [path]


def require_file(path: Path) -> None:
    """Say which files of the folder are spelled like one that is not there."""
    try:
        if path.is_file():
            return
        names = sorted(p.name for p in path.parent.iterdir() if p.is_file())
    except FileNotFoundError:
        raise FileNotFoundError(
            f"folder {show(str(path.parent), 120)} of file {show(path.name)} is not there. "
            "Correct the folder."
        ) from None
    except (OSError, ValueError):
        names = []
    near = get_close_matches(path.name, names, n=3, cutoff=0.7) or names
    raise FileNotFoundError(
        f"file {show(path.name)} not found in folder {show(str(path.parent), 120)}; files there: "
        f"{show_names(near, 5)}. Correct the name or the folder; from the web, download it first."
    )


def unpack(path: Path) -> bytes:
    """The bytes of a file, unpacked if it ends in .gz or .zst, but never a bomb."""
    if path.suffix.lower() not in PACKED:
        return refuse_zip(path, path.read_bytes())
    limit = min(max(path.stat().st_size * RATIO_LIMIT, RATIO_FREE), BYTES_LIMIT)
    form = "a gzip file" if path.suffix.lower() == ".gz" else "a Zstandard file"
    try:
        with open_packed(path) as stream:
            raw = stream.read(limit + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise unreadable(path, form, error) from error
    if len(raw) > limit:
        raise TableError(
            f"file {show(path.name)} unpacks to more than {limit:,} bytes; allowed: "
            f"{RATIO_LIMIT} times its size. If you trust it, unpack it yourself and read that."
        )
    return refuse_zip(path, raw)


def refuse_zip(path: Path, raw: bytes) -> bytes:
    """The bytes, unless they are those of an archive of several files."""
    if raw.startswith(b"PK\x03\x04"):
        raise TableError(
            f"file {show(path.name)} is a zip archive; allowed: text, .gz, .zst. Unpack it, and "
            "pass what is in it."
        )
    return raw


def open_packed(path: Path) -> IO[bytes]:
    """A stream of what a packed file holds."""
    return cast(IO[bytes], (gzip if path.suffix.lower() == ".gz" else zstandard).open(path, "rb"))


def read_utf8(path: Path) -> bytes:
    """The bytes of a text file as UTF-8 without byte-order mark, its lines ended by newlines."""
    raw = unpack(path)
    mark = next((mark for mark in MARKS if raw.startswith(mark)), b"")
    if MARKS.get(mark, "utf-8") != "utf-8":
        raw = raw[len(mark) :].decode(MARKS[mark], "replace").encode()
    elif mark:
        raw = raw[len(mark) :]
    return raw if b"\n" in raw else raw.replace(b"\r", b"\n")


def read_lines(path: Path) -> pl.DataFrame:
    """The lines of a text file that are not blank: `line` (Int64, from 1) and `text`.

    Bytes that are not UTF-8 are replaced by U+FFFD, so that one broken line costs one line.
    """
    text = read_utf8(path).decode("utf-8", "replace")
    lines = pl.Series("text", [text], pl.String).str.split("\n").explode()
    frame = pl.DataFrame({"text": lines.str.strip_suffix("\r")}).with_row_index("line", 1)
    frame = frame.with_columns(pl.col("line").cast(pl.Int64))
    return frame.filter(pl.col("text").str.strip_chars() != "")


def unreadable(path: Path, form: str, error: Exception) -> TableError:
    """What the library below says, in one line."""
    said = show(str(error).split("\n")[0], 120)
    return TableError(f"file {show(path.name)} is not {form}: {said}. Save it again, or mend it.")
