"""Files of counts as Hypothesis draws them for `fuzz_readers.py`: tame ones, and damaged ones."""

from hypothesis import strategies as st

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
