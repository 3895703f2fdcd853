"""Which posts belong together: cascades out of parents, threads, or shared links and hashtags."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from viralkit.reading.settling import Check

LINKS = r"https?://[^\s<>\"]+"
TAGS = r"#[\p{L}\p{N}_]+"
STAR = "their trees are stars: the source names the original, not who passed it on (infer_parents)"


@dataclass(frozen=True, eq=False)
class Threads:
    """Posts with their cascade, absent originals among them, and what was noticed."""

    posts: pl.DataFrame
    notes: list[Check]


def without_copies(posts: pl.DataFrame) -> pl.DataFrame:
    """The posts without those inside others that stand there by themselves, or twice."""
    inside = pl.col("embedded")
    own = posts.filter(~inside)["event_id"]
    copy = pl.col("event_id").is_in(own.implode()) | ~pl.col("event_id").is_first_distinct()
    embedded = posts.filter(inside)
    kept = embedded.filter(~embedded.select(copy).to_series().fill_null(False))
    return pl.concat([posts.filter(~inside), kept])


def thread(posts: pl.DataFrame) -> Threads:
    """Give each post its cascade: everything that leads to one original by parents or threads."""
    copied = without_copies(posts)
    names, codes = numbered(copied)
    up = leads_to(codes, len(names))
    own = codes["event_id"]
    linked = (own >= 0) & (up >= 0)
    edges = np.ones(int(linked.sum()), np.int8), (own[linked], up[linked])
    count, groups = connected_components(coo_array(edges, shape=(len(names),) * 2), directed=False)
    roots, circles = roots_of(groups, own[linked], count)
    cascade = np.where(own >= 0, roots[groups[own]], -1) if len(names) else own
    threaded = copied.with_columns(cascade_id=named(names, cascade))
    absent = absent_roots(threaded)
    found = int(copied["embedded"].sum())
    notes: list[Check] = [
        ("posts in the source", len(posts) - int(posts["embedded"].sum()), None),
        ("originals found inside other posts", found, "added" if found else None),
        ("originals not in the source", len(absent), ABSENT if len(absent) else None),
        ("parents that lead in a circle", circles, "repair mends them" if circles else None),
    ]
    return Threads(pl.concat([threaded, absent], how="diagonal_relaxed"), notes)


ABSENT = "added as roots, at the time of the first post that leads to them"


def numbered(posts: pl.DataFrame) -> tuple[pl.Series, dict[str, NDArray[np.int64]]]:
    """All ids that are named, in order of first appearance, and their numbers (-1: none)."""
    columns = ("event_id", "parent_id", "thread")
    named = pl.concat([posts[name].rename("id") for name in columns])
    names = named.drop_nulls().unique(maintain_order=True)
    index = names.to_frame().with_row_index("code")
    codes = named.to_frame().join(index, on="id", how="left", maintain_order="left")["code"]
    table = codes.cast(pl.Int64).fill_null(-1).to_numpy().reshape(3, -1)
    return names, dict(zip(columns, table, strict=True))


def leads_to(codes: dict[str, NDArray[np.int64]], count: int) -> NDArray[np.int64]:
    """The post that each leads to: its parent, if that is there, else its thread, else nobody."""
    own, parent, root = codes["event_id"], codes["parent_id"], codes["thread"]
    there = np.zeros(count + 1, bool)
    there[own] = True
    there[-1] = False
    parent, root = np.where(parent == own, -1, parent), np.where(root == own, -1, root)
    return np.where((root >= 0) & ~there[parent], root, parent)


def roots_of(
    groups: NDArray[np.int32], leading: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], int]:
    """The first id of each group that leads nowhere, and how many groups have none."""
    size = len(groups)
    ends = np.ones(size, bool)
    ends[leading] = False
    roots, first = np.full(count, size), np.full(count, size)
    np.minimum.at(roots, groups[ends], np.arange(size)[ends])
    np.minimum.at(first, groups, np.arange(size))
    return np.where(roots < size, roots, first), int((roots == size).sum())


def named(names: pl.Series, codes: NDArray[np.int64]) -> pl.Series:
    """Numbers as the ids that they stand for; null where there is none."""
    return names.gather(pl.Series(codes, dtype=pl.Int64).replace(-1, None))


def absent_roots(threaded: pl.DataFrame) -> pl.DataFrame:
    """A row for each original that is named but not there."""
    usable = pl.col("fault").is_null()
    there = threaded.filter(usable)["event_id"]
    named = threaded.filter(usable, ~pl.col("cascade_id").is_in(there.implode()))
    return named.group_by("cascade_id", maintain_order=True).agg(
        pl.col("cascade_id").first().alias("event_id"),
        pl.col("time").min(),
        pl.col("platform").first(),
        kind=pl.lit("absent"),
    )


def gather(posts: pl.DataFrame) -> Threads:
    """Give each post of a source without parents the links and hashtags that it shares."""
    tags = listed("shared_tags", TAGS).list.eval("#" + pl.element().str.strip_prefix("#"))
    links = listed("shared_links", LINKS).list.eval(pl.element().str.strip_chars_end(".,;:!?)'"))
    shares = pl.concat_list(links, tags.list.eval(pl.element().str.to_lowercase()))
    shares = shares.list.filter(pl.element().str.len_chars() > 1).list.unique(maintain_order=True)
    shared = posts.select(cascade_id=shares).to_series()
    alone = shared.list.len() == 0
    own = pl.concat_list("event_id").alias("own")
    spread = posts.with_columns(shared).with_columns(
        pl.when(alone).then(own).otherwise("cascade_id").alias("cascade_id")
    )
    spread = spread.explode("cascade_id")
    groups, single = shared.filter(~alone).explode().n_unique(), int(alone.sum())
    notes: list[Check] = [
        ("posts in the source", len(posts), None),
        ("groups that share a link or hashtag", groups, NO_PARENTS),
        ("posts that share no link or hashtag", single, "a cascade each" if single else None),
        ("posts in several groups", len(spread) - len(posts), "further rows of the same posts"),
    ]
    return Threads(spread, notes)


NO_PARENTS = "this source names no parents: groups and counts, no trees"


def listed(column: str, pattern: str) -> pl.Expr:
    """The links or hashtags of a column; where it is not there, those of the text."""
    return pl.coalesce(pl.col(column), pl.col("text").str.extract_all(pattern)).fill_null([])


def kind_notes(posts: pl.DataFrame) -> list[Check]:
    """How many posts are reposts, replies and quotes, and what their trees cannot show."""
    count = {kind: int((posts["kind"] == kind).sum()) for kind in ("repost", "reply", "quote")}
    original = pl.coalesce("thread", "parent_id")
    star = (pl.col("kind") == "repost") & (pl.col("parent_id") == original)
    stars = int(posts.select(star.sum()).item() or 0)
    several = int((posts["several"] > 0).sum())
    chosen = "the repost counts first, then the reply, then the quote"
    return [
        ("reposts", count["repost"], None),
        ("reposts that name the original as parent", stars, STAR if stars else None),
        ("replies", count["reply"], None),
        ("quotes", count["quote"], None),
        ("posts that refer to several others", several, chosen if several else None),
    ]
