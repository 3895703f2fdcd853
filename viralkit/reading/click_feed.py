"""The feed of a link shortener: a JSON object a line, a click or a heartbeat."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from viralkit.reading.clock import parse_moments
from viralkit.reading.faults import Fault
from viralkit.reading.json_records import Record, read_records, text_of
from viralkit.reading.settling import Check, blame
from viralkit.tables import TableError

FIELDS = {
    "t": "time",
    "u": "url",
    "h": "link_id",
    "r": "referrer",
    "a": "agent",
    "g": "global_id",
    "l": "login",
    "hh": "short_host",
    "kw": "keyword",
    "nk": "known_user",
    "c": "country",
    "gr": "region",
    "cy": "city",
    "tz": "time_zone",
    "al": "languages",
    "hc": "link_created",
}
HEARTBEAT = "_heartbeat_"
GEO = ("country", "region", "city")


def read_feed(files: Sequence[Path]) -> tuple[pl.DataFrame, list[Check]]:
    """The clicks of a feed with file, line and fault, and what else its lines say."""
    records: list[Record] = []
    places: list[tuple[str, int, str]] = []
    broken, heartbeats = [], 0
    for path in files:
        for line, record, text in read_records(path):
            if record is not None and HEARTBEAT in record:
                heartbeats += 1
                continue
            if record is None:
                broken.append(len(records))
            records.append(record or {})
            places.append((path.name, line, text))
    if not records and not heartbeats:
        raise TableError("the source holds no line; allowed: a JSON object a line. Check it.")
    found = clicks_of(records, places, broken)
    nowhere = found.select(pl.all_horizontal(pl.col(GEO).is_null()).sum()).item()
    return found, [
        ("heartbeats", heartbeats, "lines without a click, skipped" if heartbeats else None),
        ("clicks without a place", nowhere, "no country, region or city" if nowhere else None),
        ("clicks without a city", int(found["city"].null_count()), None),
    ]


def clicks_of(
    records: list[Record], places: list[tuple[str, int, str]], broken: list[int]
) -> pl.DataFrame:
    """Records as rows of the clicks table."""
    frame = pl.DataFrame(
        {
            name: pl.Series([text_of(record.get(key)) for record in records], dtype=pl.String)
            for key, name in FIELDS.items()
        }
    ).with_columns(pl.when(pl.all().str.strip_chars() != "").then(pl.all()).name.keep())
    schema = {"file": pl.String, "line": pl.Int64, "text": pl.String}
    frame = frame.hstack(pl.DataFrame(places, schema, orient="row"))
    cells, texts = frame["time"], frame["text"]
    read = parse_moments(cells, "unix_seconds", "t")
    created = parse_moments(frame["link_created"], "unix_seconds", "hc").values
    frame = frame.drop("text").with_columns(
        read.values,
        created.alias("link_created"),
        pl.Series("latitude", [place_of(record, 0) for record in records], pl.Float64),
        pl.Series("longitude", [place_of(record, 1) for record in records], pl.Float64),
        action=pl.lit("visit"),
    )
    allowed, step = "a line is a JSON object, a click or a heartbeat", "Mend or leave out the line."
    fault = Fault("line", pl.Series(broken, dtype=pl.UInt32), "is no JSON object", allowed, step)
    frame = blame(frame, fault, texts)
    for fault in read.faults:
        frame = blame(frame, fault, cells, {"time": "t"})
    return frame


def place_of(record: Record, number: int) -> float | None:
    """One of the two coordinates of a click."""
    pair: Any = record.get("ll")
    value = pair[number] if isinstance(pair, list) and len(pair) == 2 else None
    return float(value) if isinstance(value, int | float) and abs(value) <= 180 else None
