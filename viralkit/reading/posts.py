"""Raw posts as cascades: who reposted, quoted or replied to whom."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import polars as pl

from viralkit.reading.columns import require_choice
from viralkit.reading.events import settle_events
from viralkit.reading.faults import Fault, OnError
from viralkit.reading.layouts import Path_, moment, number
from viralkit.reading.parsing import TIMES, ZONE, matches, times_of
from viralkit.reading.posts_4cat import INNER, read_4cat
from viralkit.reading.posts_open_networks import BLUESKY, MASTODON
from viralkit.reading.posts_records import read_records
from viralkit.reading.posts_x import X_V1, X_V2
from viralkit.reading.settling import ON_ERROR, Check, blame
from viralkit.reading.threads import Threads, gather, kind_notes, thread
from viralkit.tables import Quality, TableError
from viralkit.wording import show

PostLayout = Literal["4cat", "x_v1", "x_v2", "bluesky", "mastodon"]
LAYOUTS = {"x_v1": X_V1, "x_v2": X_V2, "bluesky": BLUESKY, "mastodon": MASTODON}
TIME_NAMES = {"4cat": "timestamp", "bluesky": "createdAt"}
EPOCH = 1_288_834_974_657  # the Unix time, in milliseconds, from which the ids of X count
FIRST_TIMED = 30_000_000_000  # ids of X below were counted, not timed
SAME = 2_000  # by how many milliseconds the time in an id may differ from that of its post
V1_TIME = r"^[A-Za-z]{3} ([A-Za-z]{3} [0-9]{2} [0-9:]{8} [+-][0-9]{4} [0-9]{4})$"
NUMBERS = "allowed: digits with a decimal point at most"
MEND = "Mend the post or leave it out. If most are like it, pass the layout= that fits."


def read_posts(
    source: Path_ | Sequence[Path_] | pl.DataFrame,
    *,
    layout: PostLayout,
    on_error: OnError = "raise",
) -> tuple[pl.DataFrame, Quality]:
    """Which cascades do the posts that I collected form?

    Parameters
    ----------
    source : path, list of paths or polars.DataFrame
        Files (also packed as .gz or .zst), a pattern such as "posts/*.jsonl", or a folder. A
        frame is taken with layout "4cat" alone.
    layout : {"4cat", "x_v1", "x_v2", "bluesky", "mastodon"}
        "4cat": tables that 4CAT exports (CSV, TSV, Parquet, or flat objects in NDJSON), of any of
        its platforms. The others hold a JSON record a line, an array, or a page of several lines:
        "x_v1": posts of API v1.1 of X (Twitter), pages of a search, streams, and posts as the
        site sends them (4CAT keeps these in NDJSON); "x_v2": posts of
        API v2 as pages, flattened (twarc) or streamed; "bluesky": repost and post records as
        `listRecords` gives them, the stream (Jetstream), views of posts, or records alone;
        "mastodon": statuses and boosts.
    on_error : {"raise", "drop", "keep"}
        What to do with a broken line or post: raise at the first; leave it out and list it in
        `quality.dropped`; or keep it with the reason in `excluded`.

    Returns
    -------
    events : polars.DataFrame
        An events table: a row a post. `timestamp` is the time that the post states (never the
        one in its id), `kind` is "post", "repost", "quote", "reply" or "absent", `magnitude` the
        followers of the author, `user` the account (X: its id), `text` as it was written, which
        may be HTML. `platform`, `language` and `polarity` (-1 to 1) are those of your file, if it
        has them (keys of a record, columns of a table). Columns of a table that have no meaning
        here pass through as text; a name that is taken gets a line under it (`kind_`).
    quality : Quality
        What was read, dropped and odd; `quality.cascades` has the start of each cascade and
        `n_reported`: one and the reposts, quotes and replies that its root says it has.

    Raises
    ------
    TableError
        With file, line, what is wrong and the next step. Also, whatever `on_error` says, where
        the records of a file look like another layout, which it names.
    FileNotFoundError
        With the files of the folder that are spelled like it.

    Notes
    -----
    **How a cascade is formed.** A post leads to the one that it reposts, else to the one that it
    replies to, else to the one that it quotes: that is its `parent_id`. From there the chain is
    followed to a post that leads nowhere: the root, whose id is the cascade's. If a parent is not
    in the source, the chain goes on at the root of the thread, where the record names that (X v2
    `conversation_id`, Bluesky `root`, 4CAT `thread_id`); the parent remains named and counts as an
    orphan. If the root is not in the source, it still is the root: a row of kind "absent" without
    timestamp stands for it, at the time of the first post that leads to it, since it was there by
    then. Posts that stand inside others (an original inside its repost) are rows as well, once. A
    post that nobody answered is a cascade of one.

    **What trees show.** X and Mastodon name the original as the parent of a repost, not the
    account through which it came: such trees are stars whatever happened (`infer_parents` with a
    follower graph does better). Bluesky may name that account (`via`). 4CAT names no id for
    reposts on X (they are matched by author and text) and forwards on Telegram (matched by channel
    and second).

    **Sources without parents.** Where a table names no parent and no thread (Instagram, TikTok),
    posts that share a link or hashtag form a cascade of that name; a post with several of them has
    a row in each, one with none is alone. To count per day:
    `events.group_by("cascade_id", pl.col("timestamp").dt.date()).len()`, then `read_counts`.

    Examples
    --------
    >>> import polars as pl
    >>> posts = pl.DataFrame({
    ...     "id": ["a1", "a2", "a3"],
    ...     "thread_id": ["a1", "a1", "a1"],
    ...     "parent": [None, "t3_a1", "t1_a2"],
    ...     "author": ["ann", "bob", "cy"],
    ...     "body": ["look", "wow", "yes"],
    ...     "timestamp": ["1179792000", "1179792060", "1179792090"],
    ... })
    >>> events, quality = read_posts(posts, layout="4cat")
    >>> events.select("cascade_id", "event_id", "parent_id", "time").rows()[2]
    ('a1', 'a3', 'a2', 90.0)
    """
    require_choice("layout", layout, ("4cat", *LAYOUTS), "Say which form your posts have")
    require_choice("on_error", on_error, ON_ERROR, "Say what to do with bad rows")
    posts, notes = find_posts(source, layout)
    posts, without_zone = timed(posts, TIME_NAMES.get(layout, "created_at"))
    posts = numbered(named(posts))
    threads = assemble(posts)
    notes += [*threads.notes, *kind_notes(posts), without_zone]
    if layout in ("x_v1", "x_v2"):
        notes.append(strange_ids(threads.posts))
    events = threads.posts.drop(INNER, strict=False)
    if events["polarity"].null_count() == len(events):
        events = events.drop("polarity")
    events, quality = settle_events(events, on_error=on_error, notes=notes)
    return events, replace(quality, cascades=reported(quality, threads))


def find_posts(
    source: Path_ | Sequence[Path_] | pl.DataFrame, layout: PostLayout
) -> tuple[pl.DataFrame, list[Check]]:
    """The posts of a source, and what its layout noticed."""
    if layout == "4cat":
        return read_4cat(source)
    if isinstance(source, pl.DataFrame):
        raise TableError(
            f"a frame beside layout={show(layout)}; allowed: files of JSON records. Pass their "
            'path, or layout="4cat" for a table of posts.'
        )
    return read_records(source, LAYOUTS[layout])


def timed(posts: pl.DataFrame, name: str) -> tuple[pl.DataFrame, Check]:
    """The posts with their times, faults where there is none, and how many name no zone."""
    cells = posts["created"].str.strip_chars()
    old = cells.set(~matches(cells, V1_TIME), None).str.replace(V1_TIME, "$1")
    old = old.str.to_datetime("%b %d %H:%M:%S %z %Y", strict=False, time_unit="us", time_zone="UTC")
    iso = times_of(cells, "datetime")
    unix = moment(number(pl.col("created"))) if name == "timestamp" else pl.lit(None)
    posts = posts.with_columns(timestamp=pl.coalesce(old, iso, unix))
    posts = posts.with_columns(time=pl.col("timestamp").dt.epoch("us") / 1e6)
    bare = int((iso.is_not_null() & ~matches(cells, ZONE)).sum())
    lost = posts["timestamp"].is_null()
    absent, wrong = (lost & cells.is_null()).arg_true(), (lost & cells.is_not_null()).arg_true()
    for rows, said in ((absent, "is missing"), (wrong, "is no time")):
        posts = blame(posts, Fault(name, rows, said, f"allowed: {TIMES}", MEND), cells)
    return posts, ("times without zone", bare, "read as UTC" if bare else None)


def named(posts: pl.DataFrame) -> pl.DataFrame:
    """The posts with a fault where one has no id; reposts of Bluesky get their place for one."""
    nameless = pl.col("event_id").is_null() & pl.col("fault").is_null()
    place = pl.format("{}:{}", "file", "line")
    again = pl.int_range(1, pl.len() + 1).over("file", "line")
    place = pl.when(again == 1).then(place).otherwise(pl.format("{}/{}", place, again))
    free = nameless & (pl.col("platform") == "bluesky") & pl.col("kind").eq("repost")
    posts = posts.with_columns(pl.when(free).then(place).otherwise("event_id").alias("event_id"))
    rows = posts.select(nameless.arg_true()).to_series()
    fault = Fault("id", rows, "is missing", "each post has an id", MEND)
    return blame(posts, fault, posts["event_id"])


def numbered(posts: pl.DataFrame) -> pl.DataFrame:
    """The posts with polarity and followers as numbers, and a fault where text is none."""
    for name in ("polarity", "magnitude"):
        cells = posts[name]
        if cells.dtype == pl.String:
            posts = posts.with_columns(number(pl.col(name)).alias(name))
            rows = (cells.is_not_null() & posts[name].is_null()).arg_true()
            posts = blame(posts, Fault(name, rows, "is no number", NUMBERS, "Mend it."), cells)
    return posts


def assemble(posts: pl.DataFrame) -> Threads:
    """Cascades by parents and threads; by shared links and hashtags where there are none."""
    apart = (pl.col("thread") != pl.col("event_id")).fill_null(False)
    leads = pl.col("parent_id").is_not_null() | apart
    if "shared_links" not in posts.columns or posts.select(leads.any()).item():
        return thread(posts)
    return gather(posts)


def strange_ids(posts: pl.DataFrame) -> Check:
    """How many ids of X hold another time than their post states (who shortened dates, or ids?)."""
    ids = pl.col("event_id").cast(pl.Int64, strict=False)
    held = ids // 2**22 + EPOCH
    other = (held - pl.col("timestamp").dt.epoch("ms")).abs() > SAME
    rows = int(posts.select((other & (ids >= FIRST_TIMED)).sum()).item() or 0)
    return "ids that hold another time", rows, "the time that the post states is used" * bool(rows)


def reported(quality: Quality, threads: Threads) -> pl.DataFrame | None:
    """The table of cascades, with the sizes that roots report of themselves."""
    roots = threads.posts.filter(
        pl.col("event_id") == pl.col("cascade_id"), pl.col("reported").is_not_null()
    )
    sizes = roots.group_by("cascade_id").agg(n_reported=pl.col("reported").max() + 1)
    absent = threads.posts.filter(pl.col("kind") == "absent")["cascade_id"]
    if quality.cascades is None:
        return None
    known = ~pl.col("cascade_id").is_in(absent.implode())
    cascades = quality.cascades.with_columns(start=pl.when(known).then("start"))
    return cascades.join(sizes, on="cascade_id", how="left", maintain_order="left")
