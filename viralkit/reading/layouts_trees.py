"""Cascades as trees: a file each, one edge a line, as Twitter15 and Twitter16 publish them."""

import os
from pathlib import Path

import polars as pl

from viralkit.reading.columns import require_choice
from viralkit.reading.events import mark_of
from viralkit.reading.layouts import (
    NO_NUMBER,
    Files,
    Found,
    batches,
    kept,
    lines_of,
    mark,
    number,
    require_unit,
    sound,
)
from viralkit.reading.settling import Check
from viralkit.reading.unpacking import find_files, read_lines
from viralkit.tables import TableError
from viralkit.wording import show

ARROWS = ("parent_to_child", "child_to_parent")
FOLDERS = ("tree", "trees")
LABELS = "label.txt"
NO_EDGE = (
    "is no edge",
    "allowed: ['user','post','delay']->['user','post','delay'], or without users",
    "Mend the line.",
)
LATE_ROOT = (
    "has ROOT as the child",
    "allowed: ROOT as the parent of the first post",
    "Mend the line.",
)
KEPT = ("cascade_id", "event_id", "time", "user", "parent_id")


def read(source: Files, unit: str | None, arrow: str | None) -> Found:
    """The events of reshare trees: one for each edge, the child's."""
    factor = require_unit(unit)
    require_choice("arrow", arrow, ARROWS, "Say which way the edges of the file point")
    files, labels = tree_files(source)
    lines = lines_of(files)
    parts = [split_edges(part, str(arrow)) for part in batches(lines, "text")]
    edges = pl.concat(parts, how="diagonal")
    require_arrow(edges, str(arrow))
    events = edges.rename({"stem": "cascade_id", "child": "event_id"}).with_columns(
        time=number(pl.col("delay")) * factor,
        parent_id=pl.when(pl.col("parent") != "ROOT").then("parent"),
    )
    events = mark(events, pl.col("time").is_null(), "delay", "delay", NO_NUMBER)
    added = only_parents(events, factor)
    notes = tree_notes(events, added)
    frame = pl.concat([kept(added, KEPT), kept(events, KEPT)], how="diagonal")
    if not frame["user"].count():
        frame = frame.drop("user")
    cascades = sound(frame).select(pl.col("cascade_id").unique(maintain_order=True))
    if labels is not None:
        cascades, more = with_labels(cascades, labels)
        notes += more
    return Found(frame, notes, cascades)


def tree_files(source: Files) -> tuple[list[Path], Path | None]:
    """The files of trees, and the file of labels, if the source is a folder that holds one."""
    if not isinstance(source, str | os.PathLike) or not os.path.isdir(source):
        return find_files(source), None
    folder = Path(source)
    inside = [folder / name for name in FOLDERS if (folder / name).is_dir()]
    files = [path for path in find_files(inside or folder) if path.name != LABELS]
    return files, folder / LABELS if (folder / LABELS).is_file() else None


def split_edges(lines: pl.DataFrame, arrow: str) -> pl.DataFrame:
    """Each line as parent, child, the user and delay of the child, and the parent's, as text."""
    sides = pl.col("text").str.splitn("->", 2).struct
    ends = ("p", "c") if arrow == "parent_to_child" else ("c", "p")
    edges = lines
    for end, side in zip(ends, (sides[0], sides[1]), strict=True):
        # what stands before the bracket is a word such as "reply: "
        cells = side.str.splitn("[", 2).struct[1].str.strip_chars(" []'\"\t\r")
        cells = cells.str.splitn(",", 4)
        names = [f"{end}{i}" for i in range(4)]
        edges = edges.with_columns(cells.struct.rename_fields(names).struct.unnest())
    long = pl.col("c2").is_not_null()
    wrong = pl.col("c1").is_null() | pl.col("c3").is_not_null() | pl.col("p3").is_not_null()
    wrong |= pl.col("p1").is_null() | (long != pl.col("p2").is_not_null())
    clean = [pl.col(end + str(i)).str.strip_chars(" '\"") for end in "pc" for i in range(3)]
    edges = edges.with_columns(clean)
    wrong |= (pl.col("c0") == "") | (long & (pl.col("c1") == ""))
    edges = mark(edges, wrong, "line", "text", NO_EDGE)
    edges = edges.select(
        pl.exclude("^[pc][0-3]$"),
        parent=pl.when(pl.col("p0") == "ROOT").then(pl.lit("ROOT")).otherwise(node("p")),
        child=pl.when(pl.col("c0") == "ROOT").then(pl.lit("ROOT")).otherwise(node("c")),
        user=pl.when(long).then("c0"),
        delay=pl.when(long).then("c2").otherwise("c1"),
        giver=pl.when(long).then("p0"),
        given=pl.when(long).then("p2").otherwise("p1"),
    )
    return mark(edges, pl.col("child") == "ROOT", "line", "text", LATE_ROOT).drop("text", "row")


def node(end: str) -> pl.Expr:
    """The id of a node: user/post, or the post where no user stands."""
    first, second = pl.col(f"{end}0"), pl.col(f"{end}1")
    return pl.when(pl.col(f"{end}2").is_not_null()).then(first + "/" + second).otherwise(first)


def require_arrow(edges: pl.DataFrame, arrow: str) -> None:
    """Refuse a direction under which ROOT is always the child, never the parent."""
    children = edges.select((pl.col("child") == "ROOT").arg_true()).to_series()
    if len(children) and not (edges["parent"] == "ROOT").any():
        other = next(each for each in ARROWS if each != arrow)
        file, line = edges.select("file", "line").row(int(children[0]))
        raise TableError(
            f"arrow={show(arrow)} makes ROOT a child ({show(file)}, line {line}); it is the "
            f"parent of the first post. Pass arrow={show(other)}."
        )


def only_parents(events: pl.DataFrame, factor: float) -> pl.DataFrame:
    """Nodes that are parents without a line of their own, as events that name no parent."""
    good = sound(events)
    named = good.filter(pl.col("parent_id").is_not_null())
    keys = ["cascade_id", "parent_id"]
    own = good.select(mark_of("cascade_id", "event_id")).to_series()
    there = named.select(mark_of(*keys).is_in(own.implode())).to_series()
    return (
        named.filter(~there)
        .unique(keys, keep="first", maintain_order=True)
        .with_columns(
            event_id="parent_id",
            user="giver",
            time=number(pl.col("given")) * factor,
            parent_id=pl.lit(None, pl.String),
        )
    )


def tree_notes(events: pl.DataFrame, added: pl.DataFrame) -> list[Check]:
    """What is odd about the files."""
    root = pl.col("parent") == "ROOT"
    trees = sound(events).group_by("file", "cascade_id").agg(roots=root.sum(), first=root.first())
    return [
        ("files", len(trees), None),
        ("trees without a line for the root", int((trees["roots"] == 0).sum()), None),
        ("trees with several lines for roots", int((trees["roots"] > 1).sum()), None),
        ("trees whose first line is not the root", int((~trees["first"]).sum()), None),
        ("parents without a line of their own", len(added), "added, without a parent"),
    ]


def with_labels(cascades: pl.DataFrame, path: Path) -> tuple[pl.DataFrame, list[Check]]:
    """The cascades with their labels, from lines such as "false:656955120626880512"."""
    text = pl.col("text").str.strip_chars()
    labels = read_lines(path).select(
        label=text.str.extract("^(.*):"), cascade_id=text.str.extract(":([^:]*)$")
    )
    known = labels.drop_nulls().unique("cascade_id", keep="first")
    labelled = cascades.join(known, on="cascade_id", how="left", maintain_order="left")
    found = labelled["label"].count()
    return labelled, [
        ("labels", len(labels), None),
        ("labels that cannot be read or stand twice", len(labels) - len(known), None),
        ("labels without a tree", len(known) - found, None),
        ("trees without a label", len(labelled) - found, None),
    ]
