"""Cascades as generations: child, parent, tree and generation, without header and without times."""

import polars as pl

from viralkit.reading.layouts import Files, Found, kept, lines_of, mark, number, sound
from viralkit.reading.settling import Check

FIELDS = ("event_id", "parent_id", "cascade_id", "generation", "more")
NO_ROW = (
    "has not four fields",
    "allowed: child, parent, tree and generation (a number), with commas between",
    "Mend the line.",
)
KEPT = ("cascade_id", "event_id", "time", "parent_id", "depth")


def read(source: Files) -> Found:
    """The events of trees whose rows tell a generation instead of a time."""
    lines = lines_of(source)
    cells = pl.col("text").str.splitn(",", len(FIELDS)).struct.rename_fields(FIELDS)
    rows = lines.with_columns(cells.struct.unnest()).with_columns(
        pl.col(FIELDS).str.strip_chars(" \t\r\"'")
    )
    rows = rows.with_columns(depth=number(pl.col("generation")))
    first = pl.col("file") != pl.col("file").shift(1).fill_null("")
    header = first & pl.col("depth").is_null() & pl.col("generation").str.contains("[a-zA-Z]")
    heads = rows.select(header.fill_null(False)).to_series()
    rows = rows.filter(~heads)
    empty = pl.any_horizontal((pl.col(name).fill_null("") == "") for name in FIELDS[:4])
    wrong = empty | pl.col("more").is_not_null() | ~(pl.col("depth") >= 0).fill_null(False)
    rows = mark(rows, wrong, "line", "text", NO_ROW).with_columns(time="depth")
    seeds = seeds_of(sound(rows))
    notes: list[Check] = [
        ("header lines", int(heads.sum()), None),
        ("seeds, which have no row", len(seeds), "added, a generation before their children"),
        ("times that are generations", len(sound(rows)) + len(seeds), "the file has no times"),
    ]
    return Found(pl.concat([kept(seeds, KEPT), kept(rows, KEPT)], how="diagonal"), notes)


def seeds_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Parents without a row of their own: events a generation before their first child."""
    own = rows.select("cascade_id", parent_id="event_id")
    keys = ["cascade_id", "parent_id"]
    seeds = rows.join(own, on=keys, how="anti", maintain_order="left")
    seeds = seeds.group_by(keys, maintain_order=True).agg(
        pl.col("depth").min() - 1, pl.first("file"), pl.first("line")
    )
    return seeds.select(
        "cascade_id",
        event_id="parent_id",
        parent_id=pl.lit(None, pl.String),
        depth=pl.max_horizontal("depth", 0.0),
        time="depth",
        file="file",
        line="line",
    )
