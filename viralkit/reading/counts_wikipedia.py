"""Page views of Wikipedia as counts: answers of the REST interface, and hourly dumps."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from viralkit.reading.counts_found import Found, pick, placed
from viralkit.reading.files import Source, join_sources
from viralkit.reading.json_records import read_records, text_of, texts_in
from viralkit.reading.unpacking import unpack
from viralkit.tables import TableError
from viralkit.wording import show

FIELDS = ("project", "article", "access", "agent", "granularity", "timestamp")
COUNTS = ("views", "devices", "edits")
PERIODS = {"hourly": "1h", "daily": "1d", "monthly": "1mo"}
STAMP = r"^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})$"
DUMP = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})-([0-9]{2})[0-9]{4}(\.gz|\.zst|\.txt)?$")


def open_answers(files: list[Path], names: dict[str, str], stamp: str | None) -> Found:
    """Answers of the page view interface: a JSON document a file, or one a line."""
    source = join_sources([open_answer(path) for path in files])
    frame = source.frame
    present = [name for name in COUNTS if frame[name].count()]
    whole = frame["article"].count() == 0
    own = {"time": "timestamp", "count": present[0] if present else "views"}
    own["item"] = "project" if whole else "article"
    periods = frame["granularity"].drop_nulls().unique().sort().to_list()
    if len(periods) != 1 or periods[0] not in PERIODS:
        raise TableError(
            f"the source holds the granularities {periods}; allowed: one of {list(PERIODS)}. Read "
            "the files of each by themselves."
        )
    names, every = pick(names, own, frame.columns), PERIODS[periods[0]]
    unused = [name for name in (*FIELDS, *COUNTS) if not frame[name].count()]
    unused = [name for name in unused if name not in names.values()]
    source = dataclasses.replace(source, frame=frame.drop(unused))
    return Found(source, names, "incremental", every, stamp or "start")


def open_answer(path: Path) -> Source:
    """One answer as rows."""
    items, lines = [], []
    for line, record, _ in read_records(path):
        found = (record or {}).get("items")
        if not isinstance(found, list):
            said = texts_in(record or {}, "detail") or texts_in(record or {}, "title")
            told = f"; it says {show(said, 120)}" if said else ""
            raise TableError(
                f"file {show(path.name)}, line {line} holds no items{told}; allowed: an answer of "
                "the page view interface. Ask again, or leave the file out."
            )
        items += [item if isinstance(item, dict) else {} for item in found]
        lines += [line] * len(found)
    columns = {
        n: pl.Series([text_of(item.get(n)) for item in items], dtype=pl.String)
        for n in (*FIELDS, *COUNTS)
    }
    frame = pl.DataFrame(columns)
    hourly = pl.col("granularity") == "hourly"
    stamp = pl.col("timestamp")
    day = stamp.str.replace(STAMP, "${1}-${2}-${3}")
    time = pl.when(hourly).then(stamp.str.replace(STAMP, "${1}-${2}-${3}T${4}:00Z")).otherwise(day)
    return placed(frame.with_columns(time.alias("timestamp")), path.name, pl.Series(lines))


def open_dumps(files: list[Path], pages: str | Sequence[str], stamp: str | None) -> Found:
    """Hourly dumps, of which some pages are kept: a file an hour, "project page views bytes"."""
    wanted = [pages] if isinstance(pages, str) else list(pages)
    if wanted == ["item"] or not wanted or any(" " not in str(page) for page in wanted):
        raise TableError(
            f"item={show(pages)} names no pages; allowed: project and page as a dump has them, one "
            'or a list. Pass item="en Main_Page" (en.m is its mobile site).'
        )
    opened = [open_dump(path, wanted) for path in files]
    absent = sum(number for _, number in opened)
    note = ("hours in which a page is not listed", absent, "0 views" if absent else None)
    names = {"time": "hour", "count": "views", "item": "page"}
    source = join_sources([each for each, _ in opened])
    return Found(source, names, "incremental", "1h", stamp, [note])


def open_dump(path: Path, pages: list[str]) -> tuple[Source, int]:
    """The views of some pages in the hour of one dump, and how many it does not list."""
    stamp = DUMP.search(path.name)
    if stamp is None:
        raise TableError(
            f"file {show(path.name)} tells no hour; allowed: the names that dumps have, such as "
            "pageviews-20240131-230000.gz. Give it its name back."
        )
    raw, rows = unpack(path), []
    for page in pages:
        found = list(lines_of(raw, page))
        rows += [(page, views, line) for line, views in found or [(0, "0")]]
    hour = "{}-{}-{}T{}:00Z".format(*stamp.groups())
    schema = {"page": pl.String, "views": pl.String, "line": pl.Int64}
    frame = pl.DataFrame(rows, schema, orient="row").with_columns(hour=pl.lit(hour))
    absent = int((frame["line"] == 0).sum())
    return placed(frame.drop("line"), path.name, frame["line"]), absent


def lines_of(raw: bytes, page: str) -> Iterator[tuple[int, str]]:
    """The lines of a dump that are about a page: their number, and the views they tell."""
    project, title = page.split(" ", 1)
    key = f"{project} {title.replace(' ', '_')} ".encode("utf-8", "replace")
    place = 0 if raw.startswith(key) else raw.find(b"\n" + key) + 1
    while place or raw.startswith(key):
        end = raw.find(b"\n", place)
        cells = raw[place + len(key) : end if end >= 0 else None].split()
        yield (
            raw.count(b"\n", 0, place) + 1,
            (cells[0] if cells else b"").decode("utf-8", "replace"),
        )
        place = raw.find(b"\n" + key, place) + 1
        if not place:
            return
