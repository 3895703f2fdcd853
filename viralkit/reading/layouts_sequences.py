"""Cascades as sequences: who took part, and when, without who came from whom; a cascade a line."""

import polars as pl

from viralkit.reading.layouts import (
    UNITS,
    Files,
    Found,
    batches,
    clock,
    kept,
    lines_of,
    mark,
    number,
    number_events,
    require_unit,
    sound,
)
from viralkit.reading.settling import Check
from viralkit.tables import TableError
from viralkit.wording import show

NO_PAIR = (
    "is no user with a time",
    "allowed: pairs such as 12,3600 or 12 3600",
    "Mend the pair.",
)
NO_TIME = (
    "has no number for a time",
    "allowed: a time after each user but a seed",
    "Mend the pair.",
)
KEPT = ("cascade_id", "event_id", "time", "user", "timestamp")
NODE = "^[^,; ]+,[^,;]*$"
ENOUGH, NEARLY_ALL = 100, 0.95  # lines from which on, and share of one event at which, we refuse


def read(source: Files, unit: str | None) -> Found:
    """The events of cascades that are sequences of users and times."""
    require_unit(unit, UNITS)
    lines, nodes = without_nodes(lines_of(source))
    lines = as_pairs(lines)
    events = pl.concat([split_pairs(part) for part in batches(lines, "body")])
    require_several(events, lines)
    first = pl.col("number").filter(~pl.col("seed")).min().over("row")
    time = pl.when(pl.col("seed")).then(first).otherwise("number")
    events = events.with_columns(number=time)
    events = mark(events, pl.col("user").fill_null("") == "", "pair", "pair", NO_PAIR)
    events = mark(events, pl.col("number").is_null(), "pair", "pair", NO_TIME)
    events = number_events(events, "row", ",").with_columns(clock(pl.col("number"), str(unit)))
    seeds = int(sound(events)["seed"].sum())
    notes = [
        ("lines", len(lines), None),
        ("cascades of one event", singles(sound(events)), None),
        ("seeds without a time", seeds, "given that of the first event after them"),
        ("events of a user who has one already", int((events["again"] > 1).sum()), "ids user,2 …"),
    ]
    return with_names(kept(events, KEPT), nodes, notes)


def singles(events: pl.DataFrame) -> int:
    """How many lines hold one event."""
    return int((events.group_by("row").len()["len"] == 1).sum())


def require_several(events: pl.DataFrame, lines: pl.DataFrame) -> None:
    """Refuse files whose lines are hardly ever sequences, but edges or something else."""
    alone = singles(events)
    if len(lines) >= ENOUGH and alone > NEARLY_ALL * len(lines):
        raise TableError(
            f"{alone:,} of {len(lines):,} lines hold one event (the first: "
            f"{show(lines['text'][0], 60)}); allowed in layout='sequences': at most "
            f"{NEARLY_ALL:.0%} of {ENOUGH} lines or more, since a line is a whole cascade. Look "
            "at the file: one event a row is layout='columns', rows of child, parent, tree and "
            "generation are layout='generations', and edges of a network are for read_edges."
        )


def without_nodes(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines without the list of nodes (id,name) that NetInf puts first, and that list.

    A blank line ends it: before it stands nothing else, after it a line of several pairs.
    """
    text = pl.col("text").str
    same = pl.col("file") == pl.col("file").shift(1)
    gaps = lines.select((same & (pl.col("line") > pl.col("line").shift(1) + 1)).arg_true())
    end = int(gaps.item(0, 0)) if len(gaps) else 0
    nodes = lines.slice(0, end)
    named = nodes.select(text.contains(NODE).all()).item()
    several = text.contains(";", literal=True) | (text.count_matches(",", literal=True) > 2)
    if not end or not named or not lines.slice(end, 1).select(several).item():
        return lines, lines.clear()
    return lines.slice(end), nodes


def as_pairs(lines: pl.DataFrame) -> pl.DataFrame:
    """Each line with its id and its `body` in one form: "seed,user time,user time", seed or not."""
    plain = pl.col("text").str.replace_all(r"[ \t\r]+", " ").str.replace_all(" ?, ?", ",")
    parts = plain.str.strip_chars(" ,").str.splitn(";", 2).struct
    owned = parts[1].is_not_null()
    many = lines["file"].n_unique() > 1
    place = pl.format("{}:{}", "stem", "line") if many else pl.col("line").cast(pl.String)
    lines = lines.with_columns(
        cascade_id=pl.when(owned).then(parts[0].str.strip_chars()).otherwise(place),
        body=pl.when(owned).then(parts[1]).otherwise(parts[0]).str.strip_chars(" ,"),
    )
    body = pl.col("body").str
    mixed = body.contains(",", literal=True) & body.contains(" ", literal=True)
    swapped = mixed & body.extract("^([^ ]*)").str.contains(",", literal=True)
    lines = lines.with_columns(
        pl.when(swapped).then(body.replace_many([" ", ","], [",", " "])).otherwise("body")
    )
    head = pl.when(mixed).then(body.extract("^([^,]*)")).otherwise("body")
    seeded = ~swapped & (head.str.count_matches("[ ,]") % 2 == 0)
    lines = lines.with_columns(mixed=mixed, swapped=swapped, seeded=seeded)
    rest = pl.when("seeded").then(body.replace("^[^ ,]+[ ,]?", "")).otherwise("body")
    paired = rest.str.replace_all("([^ ,]+)[ ,]([^ ,]+)[ ,]?", "${1} ${2},").str.strip_chars(",")
    rest = pl.when("mixed").then(rest).otherwise(paired)
    seed = pl.when("seeded").then(body.extract("^([^ ,]*)") + ",").otherwise(pl.lit(""))
    return lines.with_columns(body=(seed + rest).str.strip_chars(","))


def split_pairs(lines: pl.DataFrame) -> pl.DataFrame:
    """One row for each pair: user and number, or the user alone where a seed has no time."""
    columns = ["row", "cascade_id", "file", "line", "seeded"]
    events = lines.select(*columns, pair=pl.col("body").str.split(",")).explode("pair")
    parts = pl.col("pair").str.splitn(" ", 2).struct
    first = (pl.col("row") != pl.col("row").shift(1)).fill_null(True)
    return events.with_columns(
        user=parts[0], number=number(parts[1]), seed=pl.col("seeded") & first
    ).drop("seeded")


def with_names(events: pl.DataFrame, nodes: pl.DataFrame, notes: list[Check]) -> Found:
    """The events under the names that a list of nodes gives the users; their ids stay theirs."""
    if not len(nodes):
        return Found(events, notes)
    parts = pl.col("text").str.strip_chars().str.splitn(",", 2).struct
    names = nodes.select(user=parts[0].str.strip_chars(), name=parts[1].str.strip_chars())
    names = names.unique("user", keep="first")
    events = events.join(names, on="user", how="left", maintain_order="left")
    unnamed = sound(events)["name"].null_count()
    events = events.with_columns(user=pl.coalesce("name", "user")).drop("name")
    more = [
        ("nodes in the list of names", len(nodes), "users bear their names; event ids, their ids"),
        ("events of users without a name", unnamed, None),
    ]
    return Found(events, [*notes, *more])
