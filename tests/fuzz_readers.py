"""Feed broken files to every reader for some seconds: python tests/fuzz_readers.py SECONDS.

A file is either read or refused with an error that the reader documents; whatever is read passes
`check`, every row of it is accounted for, a second reading gives the same, and no reading hangs or
takes more memory than ten times the file and a constant. A small corpus comes first: valid files
of every reader, packed, in other encodings, with hostile cells, and as bombs.
"""

import faulthandler
import gzip
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import zstandard
from fuzz_counts_files import choices, tables
from fuzz_seeds import BIG, READERS, Reader
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import viralkit as vk

HANG = 120  # seconds
CONSTANT = 400e6  # bytes: threads, caches and buffers of polars
TIMES = 10
HOSTILE = [
    b"=cmd()|'/C calc'!A0",
    b"<script>alert(1)</script>",
    b"\x00\x1b[31m\x07",
    "\u202e🎉né".encode(),
    b"\xff\xfe\x80",
    b'"',
    b"'",
    b"\\",
    b"\r",
    b"\t\t\t",
    b",,,;;;",
    b"-1",
    b"nan",
    b"1e999",
    b"99999999999999999999",
    b"-9223372036854775808",
    b"9999-12-31T23:59:59Z",
    b"0001-01-01",
    b"null",
    b"{}",
    b"[]",
    b"x" * 1_000_000,
]
Wrap = Callable[[bytes], bytes]
WRAPS: dict[str, Wrap] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}
RECODED: list[Wrap] = [
    lambda data: b"\xef\xbb\xbf" + data,
    lambda data: data.decode("utf-8", "replace").encode("utf-16"),
    lambda data: data.decode("utf-8", "replace").encode("latin-1", "replace"),
    lambda data: data.replace(b"\n", b"\r"),
    lambda data: data.replace(b"\n", b"\r\n"),
    lambda data: data + data.decode("utf-8", "replace").encode("utf-16"),
]


def read(reader: Reader, path: Path, on_error: str, options: dict[str, Any]) -> Any:
    """Read the file, or give None where the reader refuses it with an error it documents."""
    try:
        return reader.read(path, on_error=on_error, **options)
    except (vk.TableError, FileNotFoundError) as error:
        assert str(error).strip()
        return None


def check_file(reader: Reader, path: Path, options: dict[str, Any]) -> str:
    """Read one file in the three ways, and hold the answers against one another."""
    strict, dropped, kept = (read(reader, path, way, options) for way in ("raise", "drop", "keep"))
    for answer in (strict, dropped, kept):
        if answer is not None:
            assert vk.check(answer[0], reader.table).equals(answer[0], null_equal=True)
            assert repr(answer[1]) and answer[1]._repr_html_()
    if strict is not None:
        assert dropped is not None and strict[0].equals(dropped[0])
        assert read(reader, path, "raise", options)[0].equals(strict[0])
        return "read"
    if dropped is not None:
        numbers = dict(zip(*(dropped[1].table[name] for name in ("check", "rows")), strict=True))
        assert numbers["rows read"] >= numbers["rows kept"] == len(dropped[0])
        return "read in part"
    return "refused"


def watched(reader: Reader, path: Path, options: dict[str, Any]) -> str:
    """Check a file under a limit of time and memory; say which reader failed on it."""
    faulthandler.dump_traceback_later(HANG, exit=True)
    before = peak()
    try:
        outcome = check_file(reader, path, options)
    except BaseException:
        print(f"fuzz: {reader.name} failed on {path.read_bytes()[:2000]!r}", file=sys.stderr)
        raise
    finally:
        faulthandler.cancel_dump_traceback_later()
    limit = max(before, STARTED + CONSTANT + TIMES * path.stat().st_size)
    assert peak() <= limit, f"{reader.name}: {peak() / 1e6:.0f} MB for {path.stat().st_size} bytes"
    return outcome


def peak() -> float:
    """The most memory that this process has taken so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def corpus(reader: Reader) -> Iterator[tuple[str, bytes]]:
    """Files that every reader gets: endings to add to its name, and bytes."""
    whole = reader.seeds[0]
    middle = len(whole) // 2
    yield "", b"\n" * 1000
    for data in reader.seeds:
        yield "", data
        yield "", data[: len(data) // 2]
    for ending, wrap in WRAPS.items():
        yield ending, wrap(whole)
        yield ending, wrap(whole)[:-3]
    for recode in RECODED:
        yield "", recode(whole)
    third = READERS.index(reader) % 3  # each reader gets a third, and the long one
    for hostile in (*HOSTILE[third:-1:3], HOSTILE[-1]):
        yield "", whole[:middle] + hostile + whole[middle:]
    for hostile in (b"", HOSTILE[0], HOSTILE[-1]):
        yield "", hostile
    for ending in (".gz", ".zst"):
        yield ending, WRAPS[ending](b"0" * 2**25)


def check_seeds(reader: Reader, folder: Path) -> None:
    """Valid files are read, and ids beyond what floats hold stay what they are."""
    for data in reader.seeds:
        path = folder / f"x{reader.ending}"
        path.write_bytes(data)
        table, _ = reader.read(path, on_error="raise")
        texts = table.select(pl.col(pl.String)).rows()
        if str(BIG).encode() in data and len(texts):
            assert any(str(BIG) in str(cell) for row in texts for cell in row), reader.name


def small_corpus(folder: Path) -> Counter[str]:
    """Every reader on every file of the corpus."""
    seen: Counter[str] = Counter()
    for reader in READERS:
        check_seeds(reader, folder)
        for ending, data in corpus(reader):
            if ending and not reader.packed:
                continue
            path = folder / f"x{reader.ending}{ending}"
            path.write_bytes(data)
            seen[watched(reader, path, {})] += 1
            if len(data) > 2**15 and ending:  # the bombs
                assert read(reader, path, "drop", {}) is None, f"{reader.name} took a bomb"
            path.unlink()
    return seen


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Reader, bytes]:
    """Draw a reader and a file near to one it can read, or anything at all."""
    reader = draw(st.sampled_from(READERS))
    data = draw(st.sampled_from(reader.seeds))
    for _ in range(draw(st.integers(0, 4))):
        data = damage(draw, data)
    return reader, data


def damage(draw: st.DrawFn, data: bytes) -> bytes:
    """Cut, double, change, recode or replace some bytes of a file."""
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(len(data), start + 40)))
    way = draw(st.sampled_from(["cut", "double", "put", "put", "drop", "other", "recode", "any"]))
    if way == "cut":
        return data[:start]
    if way == "double":
        return data[:end] + data[start:end] * draw(st.integers(1, 3)) + data[end:]
    if way == "put":
        short = (
            st.sampled_from(HOSTILE[:-1])
            | st.binary(max_size=3)
            | st.text(max_size=4).map(lambda text: text.encode("utf-8", "surrogatepass"))
        )
        return data[:start] + draw(short) + data[start:]
    if way == "drop":
        return data[:start] + data[end:]
    if way == "other":
        return data[:start] + draw(st.sampled_from(draw(st.sampled_from(READERS)).seeds))
    return draw(st.sampled_from(RECODED))(data) if way == "recode" else draw(st.binary(max_size=60))


def fuzz(seconds: float, folder: Path) -> Counter[str]:
    """Draw files until the time is over; count what became of them."""
    seen: Counter[str] = Counter()
    end, turn = time.monotonic() + seconds, time.time_ns()
    counts = next(reader for reader in READERS if reader.name == "counts")
    limits = settings(
        max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )

    @limits
    @given(damaged())
    def any_reader(drawn: tuple[Reader, bytes]) -> None:
        reader, data = drawn
        path = folder / f"x{reader.ending}"
        path.write_bytes(data)
        seen[watched(reader, path, {})] += 1

    @limits
    @given(tables(), choices)
    def tables_of_counts(data: bytes, options: dict[str, Any]) -> None:
        path = folder / "x.csv"
        path.write_bytes(data)
        seen[watched(counts, path, options)] += 1

    while time.monotonic() < end:
        turn += 1
        seed(turn)(any_reader)()
        seed(turn)(tables_of_counts)()
    return seen


STARTED = peak()

if __name__ == "__main__":
    budget = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    warnings.filterwarnings("error", module="viralkit")
    with tempfile.TemporaryDirectory() as name:
        first = small_corpus(Path(name))
        print(f"fuzz: {first.total()} files of the corpus: {dict(first)}; no failure")
        outcome = fuzz(budget, Path(name))
    print(f"fuzz: {outcome.total()} files in {budget:g} s: {dict(outcome)}; no failure")
    if min(outcome["read"], outcome["refused"]) == 0:
        sys.exit("fuzz: files must be both read and refused, else nothing was tried")
