"""Cascades as lines: message, root user, publication, number, and a path for each event."""

import polars as pl

from viralkit.reading.layouts import (
    NO_NUMBER,
    Files,
    Found,
    batches,
    kept,
    lines_of,
    mark,
    moment,
    number,
    number_events,
    require_unit,
    sound,
    unsound,
)
from viralkit.reading.settling import Check

FIELDS = ("cascade_id", "root", "start", "n_reported", "paths", "more")
NO_LINE = (
    "has not five fields",
    "allowed: message, root, time, number and paths, with tabs between",
    "Mend the line.",
)
NO_PATH = (
    "is no path",
    "allowed: users with / between, a colon and a time (1/850430:481)",
    "Mend the path.",
)
PATHS = pl.col("paths").str.strip_chars(" \r").str.split(" ")
EVENT_NOTES = {
    "events of a user who has one already": "ids user/2, user/3 …",
    "self reshares": None,
    "events listed before their parent": None,
}
KEPT = ("cascade_id", "event_id", "time", "user", "parent_id")


def read(source: Files, unit: str | None) -> Found:
    """The events of cascade lines, each with the event that its path says it came from."""
    factor = require_unit(unit)
    lines = split_lines(lines_of(source))
    parts = [read_part(part, factor) for part in batches(lines, "text")]
    noted = pl.concat(notes for _, notes in parts).sum().row(0, named=True)
    notes = [*line_notes(lines), *((name, n, EVENT_NOTES[name]) for name, n in noted.items())]
    return Found(
        pl.concat((events for events, _ in parts), how="diagonal"), notes, cascades_of(lines)
    )


def read_part(lines: pl.DataFrame, factor: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The events of some lines, and how many of them are odd."""
    paths = split_paths(lines, factor)
    events = sound(paths).sort("row", "time", maintain_order=True)
    events = with_parents(number_events(events.with_row_index("at"), "row", "/"))
    odd = (pl.col("again") > 1, pl.col("giver") == pl.col("user"), pl.col("listed_later"))
    noted = events.select(e.sum().alias(n) for n, e in zip(EVENT_NOTES, odd, strict=True))
    events = events.with_columns(user=pl.when(pl.col("user") != "-1").then("user"))
    both = pl.concat([events, unsound(paths)], how="diagonal").sort("order")
    return kept(both, KEPT), noted


def split_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """The five fields of each line, or what is wrong with it."""
    parts = pl.col("text").str.splitn("\t", len(FIELDS)).struct.rename_fields(FIELDS)
    lines = lines.with_columns(parts.struct.unnest())
    wrong = pl.col("paths").is_null() | pl.col("more").is_not_null()
    lines = mark(lines, wrong, "line", "text", NO_LINE)
    return lines.with_columns(paths=pl.when(~wrong).then("paths")).drop("more")


def split_paths(lines: pl.DataFrame, factor: float) -> pl.DataFrame:
    """One row for each path: its user, the path that it continues, and its time in seconds."""
    events = (
        kept(lines, ["row", "cascade_id", "paths"])
        .with_columns(PATHS)
        .explode("paths")
        .with_row_index("order")
    )
    events = events.with_columns(clock=pl.col("paths").str.split(":").list.last())
    events = events.with_columns(names=pl.col("paths").str.strip_suffix(":" + pl.col("clock")))
    events = events.with_columns(user=last(pl.col("names")))
    before = pl.col("names").str.strip_suffix("/" + pl.col("user"))
    events = events.with_columns(
        time=number(pl.col("clock")) * factor,
        before=pl.when(before != pl.col("names")).then(before),
    )
    no_path = (pl.col("names") == pl.col("paths")) | (pl.col("user").fill_null("") == "")
    events = mark(events, no_path, "path", "paths", NO_PATH)
    events = mark(events, pl.col("time").is_null(), "time", "clock", NO_NUMBER)
    return events.drop("paths", "clock")


def last(path: pl.Expr) -> pl.Expr:
    """The last user of a path."""
    return path.str.split("/").list.last()


def with_parents(events: pl.DataFrame) -> pl.DataFrame:
    """The events with the id of the event that each came from.

    It is the latest earlier event with the path that this one continues; else the latest earlier
    event of the user before it; else the first later one of either; else that user's name.
    """
    giver = last(pl.col("before"))
    events = events.with_columns(giver=giver)
    left = events.filter(pl.col("before").is_not_null()).select("at", "row", "before", "giver")
    found = [left.select("at", parent="at").clear()]
    for look in (earlier, later):
        for key, named in (("names", "before"), ("user", "giver")):
            if not len(left):
                break
            left = look(left, events.select("row", "at", pl.col(key).alias(named)), named)
            found.append(left.filter(pl.col("parent").is_not_null()).select("at", "parent"))
            left = left.filter(pl.col("parent").is_null()).drop("parent")
    events = events.join(pl.concat(found), on="at", how="left", maintain_order="left")
    return events.with_columns(
        parent_id=pl.coalesce(pl.col("event_id").gather("parent"), "giver"),
        listed_later=pl.col("order").gather("parent") > pl.col("order"),
    )


def earlier(left: pl.DataFrame, keyed: pl.DataFrame, named: str) -> pl.DataFrame:
    """Each child with the number of the latest event before it that has the key it names."""
    return left.join_asof(
        keyed.with_columns(parent="at"),
        on="at",
        by=["row", named],
        allow_exact_matches=False,
        check_sortedness=False,
    )


def later(left: pl.DataFrame, keyed: pl.DataFrame, named: str) -> pl.DataFrame:
    """Each child with the number of the first event that has the key it names: itself, or later."""
    first = keyed.group_by("row", named).agg(parent=pl.col("at").min())
    return left.join(first, on=["row", named], how="left", maintain_order="left")


def line_notes(lines: pl.DataFrame) -> list[Check]:
    """What is odd about the lines."""
    lines = sound(lines)
    reported = number(pl.col("n_reported"))
    listed = pl.col("paths").str.strip_chars(" \r").str.count_matches(" ", literal=True) + 1
    first = pl.col("paths").str.extract("^ *([^ ]*):[^ :]*")
    odd = lines.select(
        (reported != listed).sum().alias("other"),
        reported.is_null().sum().alias("unread"),
        (first != pl.col("root")).sum().alias("root"),
        moment(number(pl.col("start"))).is_null().sum().alias("start"),
        (pl.col("root") == "-1").sum().alias("unknown"),
        (pl.len() - pl.col("cascade_id").n_unique()).cast(pl.Int64).alias("again"),
    ).row(0, named=True)
    return [
        ("lines", len(lines), None),
        ("lines that report another number of events", odd["other"], "the root counts"),
        ("lines whose number cannot be read", odd["unread"], None),
        ("lines whose first path is not the root", odd["root"], None),
        ("lines without a Unix time of publication", odd["start"], None),
        ("roots without a user (-1)", odd["unknown"], "their user is null"),
        ("lines of a message that has one already", odd["again"], "one cascade holds them"),
    ]


def cascades_of(lines: pl.DataFrame) -> pl.DataFrame:
    """The cascades table: when each began, and how many events its line reports."""
    reported = number(pl.col("n_reported"))
    return (
        sound(lines)
        .select(
            "cascade_id",
            start=moment(number(pl.col("start"))),
            n_reported=pl.when(reported >= 0).then(reported),
        )
        .unique("cascade_id", keep="first", maintain_order=True)
    )
