"""Feed `read_counts` broken files for some seconds: python tests/fuzz_counts.py SECONDS.

A file is either read or refused with an error that the reader documents; whatever is read passes
`check`, every row of it is accounted for, and a second reading gives the same.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import viralkit as vk

TIMES = ["2007-05-22", "2008-02-29", "2007-5-2", "22.05.2007", "2007-05-22T10:30:00Z", "0", "7.5"]
TIMES += ["9999-12-31", "0001-01-01", "2007-13-01", "20070522", "1179792000", "1e300", "yesterday"]
COUNTS = [
    "0",
    "1",
    "12",
    "3.5",
    "1,234",
    "-1",
    "1e6",
    "1e999",
    "nan",
    "inf",
    "99999999999999999999",
]
HOSTILE = [
    "",
    " ",
    '"',
    "'",
    "\\",
    "\x00",
    "=cmd()",
    "<script>",
    "né",
    "🎉",
    "\u202e",
    "null",
    "NA",
]
BOUNDS = ["exact", "rounded", "at_least", "at_most", "about"]
COLUMNS = ["time", "count", "item", "metric", "unit", "bound", "time_lower", "time_upper"]
COLUMNS += ["period_end", "excluded", "reference", "kind", "Time", "views", "", "time "]

cells = st.one_of(st.sampled_from(TIMES + COUNTS + HOSTILE + BOUNDS), st.text(max_size=12))
likely = {
    "time": st.sampled_from(TIMES[:2]) | cells,
    "count": st.sampled_from(COUNTS[:4]) | cells,
    "item": st.sampled_from(["Charlie", "Numa Numa"]) | cells,
}
choices = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["cumulative", "incremental", "index"]),
        "every": st.sampled_from([None, "1d", "1w", "1mo", 1.0]),
    }
)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Draw a file: in half of the cases a tame one, in the others anything near it, damaged."""
    tame = draw(st.booleans())
    names = ["bound", "metric", "reference"] if tame else COLUMNS
    header = draw(st.sampled_from([["time", "count"], ["item", "time", "count"]]))
    header = header + draw(st.lists(st.sampled_from(names), max_size=3, unique=tame))
    cell = next_tame if tame else lambda name: likely.get(name, cells)
    rows = [header, *draw(st.lists(st.tuples(*map(cell, header)), max_size=6))]
    comma, end = (",", "\n") if tame else draw(st.sampled_from([(",", "\r\n"), (";", "\n")]))
    text = end.join(comma.join(line) for line in rows)
    data = text.encode("utf-8", "surrogatepass")
    return data if tame else damage(draw, data)


def next_tame(name: str) -> st.SearchStrategy[str]:
    """Give cells that a column of this name may well hold."""
    if name in {"time", "time_lower", "time_upper", "period_end"}:
        return st.dates().map(str)
    if name == "count":
        return st.integers(0, 10**9).map(str)
    return st.sampled_from(BOUNDS[:4] if name == "bound" else ["Charlie", "Numa Numa"])


def damage(draw: st.DrawFn, data: bytes) -> bytes:
    """Cut the bytes short, change one, or put a mark before them; mostly leave them."""
    way = draw(st.sampled_from(["none", "none", "none", "cut", "byte", "mark"]))
    place = draw(st.integers(0, max(len(data) - 1, 0)))
    if way == "cut":
        return data[:place]
    if way == "byte":
        return data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :]
    return b"\xef\xbb\xbf" + data if way == "mark" else data


def read(path: Path, on_error: str, options: dict[str, Any]) -> tuple[Any, Any] | None:
    """Read the file, or give None where the reader refuses it with an error it documents."""
    try:
        return vk.read_counts(path, on_error=on_error, **options)
    except vk.TableError as error:
        assert str(error).strip()
        return None


def check_file(path: Path, options: dict[str, Any]) -> str:
    """Read one file in the three ways, and hold the answers against one another."""
    strict, dropped, kept = (read(path, way, options) for way in ("raise", "drop", "keep"))
    for answer in (strict, dropped, kept):
        if answer is not None:
            assert vk.check(answer[0], "counts").equals(answer[0], null_equal=True)
            assert repr(answer[1]) and answer[1]._repr_html_()
    if strict is not None:
        assert dropped is not None and strict[0].equals(dropped[0])
        assert read(path, "raise", options)[0].equals(strict[0])  # type: ignore[index]
        return "read"
    if dropped is not None:
        numbers = dict(zip(*(dropped[1].table[name] for name in ("check", "rows")), strict=True))
        assert numbers["rows read"] >= numbers["rows kept"] == len(dropped[0])
        return "read in part"
    return "refused"


def fuzz(seconds: float) -> Counter[str]:
    """Draw files until the time is over; count what became of them."""
    seen: Counter[str] = Counter()
    end, turn = time.monotonic() + seconds, time.time_ns()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.csv"

        @settings(max_examples=100, deadline=None, database=None, suppress_health_check=HealthCheck)
        @given(tables(), choices)
        def one(data: bytes, options: dict[str, Any]) -> None:
            path.write_bytes(data)
            seen[check_file(path, options)] += 1

        while time.monotonic() < end:
            turn += 1
            seed(turn)(one)()
    return seen


if __name__ == "__main__":
    budget = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    outcome = fuzz(budget)
    print(f"fuzz: {outcome.total()} files in {budget:g} s: {dict(outcome)}; no failure")
    if min(outcome["read"], outcome["refused"]) == 0:
        sys.exit("fuzz: files must be both read and refused, else nothing was tried")
