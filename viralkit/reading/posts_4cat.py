"""Posts as 4CAT exports them: one preset for its tables of some fifteen platforms."""

from collections.abc import Sequence

import polars as pl

from viralkit.reading.columns import absent_column
from viralkit.reading.files import Source
from viralkit.reading.layouts import Files, number
from viralkit.reading.posts_platforms import NOTICES, references, resolve
from viralkit.reading.posts_tables import free_names, placed, read_table, texts_only
from viralkit.reading.settling import FAULT, PLACE, Check
from viralkit.reading.unpacking import find_files
from viralkit.schema import TABLES
from viralkit.tables import TableError
from viralkit.wording import show

# by which columns the export of a platform is known
SIGNS = {
    "telegram": ("author_forwarded_from_name", "reply_to"),
    "bluesky": ("replied_to_post", "quoted_post"),
    "x": ("is_retweet", "retweeted_user"),
    "reddit": ("subreddit", "parent"),
    "vk": ("in_reply_to_comment_id", "thread_id"),
    "tiktok": ("tiktok_url",),
    "tumblr": ("blog_uuid", "notes"),
    "threads": ("link_thumbnail_url", "reposts"),
    "truth_social": ("account_verified", "reblogs_count"),
    "gab": ("reaction_count", "reposts_count"),
    "instagram": ("num_likes", "num_comments"),
}
# in which columns a part of a post may stand, the best first
PARTS = {
    "id": ("id",),
    "user": ("author", "author_username", "account_username", "author_screen_name", "author_id"),
    "created": ("unix_timestamp", "timestamp", "created_at"),
    "magnitude": ("author_followers", "account_followers", "account_followers_count"),
    "platform": ("platform",),
    "language": ("language", "language_guess", "languages"),
    "polarity": ("polarity",),
    "text": ("body",),
    "thread": ("thread_id",),
    "reply": ("reply_to", "parent", "parent_id", "in_reply_to_comment_id", "in_reply_to_id"),
    "chat": ("chat", "thread_id"),
    "forwarded": ("unix_timestamp_forwarded_from", "timestamp_forwarded_from"),
    "forward_user": ("author_forwarded_from_username",),
    "forward_name": ("author_forwarded_from_id", "author_forwarded_from_name"),
    "replied": ("replied_to_post",),
    "quoted": ("quoted_post",),
    "link": ("link",),
    "retweet": ("is_retweet",),
    "retweeted": ("retweeted_user",),
    "links": ("links", "urls", "link_url", "link_attached"),
    "hashtags": ("hashtags", "tags"),
    "reposts": ("retweet_count", "repost_count", "reblogs_count", "reposts_count", "reposts"),
    "quotes": ("quote_count", "quotes"),
    "replies": ("reply_count", "replies_count", "replies"),
}
PASSED = ("user", "created", "magnitude", "language", "polarity", "text")
BECOME = ("id", "body", "author", "timestamp", "unix_timestamp", "platform", "language", "polarity")
INNER = ("created", "thread", "several", "embedded", "reported", "shared_links", "shared_tags")
RESERVED = {*TABLES["events"].columns, *FAULT, *PLACE, *INNER, "origin", "place", "match"}
RESERVED |= {"export", "notice", "own_key", "parent_key", "spare"}
BLANK = ("", "N/A", "None", "null")


def read_4cat(source: Files | pl.DataFrame) -> tuple[pl.DataFrame, list[Check]]:
    """The posts of exports, in the columns that threads are made of, and what was noticed."""
    if isinstance(source, pl.DataFrame):
        frames = [placed(Source(texts_only(source)))]
    else:
        frames = [read_table(path) for path in find_files(source)]
    if not frames:
        raise FileNotFoundError(f"no file in {show(str(source), 120)}. Name a file or a folder.")
    posts = resolve(pl.concat([read_export(frame) for frame in frames], how="diagonal"))
    exports = posts["export"].unique()
    checks: list[Check] = [
        (name, int((posts["notice"] == name).sum()), None)
        for platform, names in NOTICES.items()
        for name in names
        if platform in exports
    ]
    return posts.drop("export", "notice"), checks


def read_export(frame: pl.DataFrame) -> pl.DataFrame:
    """One export in the columns of posts; what else it has passes through."""
    named = [name for name in frame.columns if name not in (*FAULT, *PLACE)]
    export = next((name for name, signs in SIGNS.items() if set(signs) <= set(named)), None)
    require_columns(named)
    parts = frame.select(first_of(names, named).alias(name) for name, names in PARTS.items())
    counts = [number(pl.col(name)) for name in ("reposts", "quotes", "replies")]
    posts = parts.select(
        *PASSED,
        *references(export),
        pl.coalesce("platform", pl.lit(export, pl.String)).alias("platform"),
        listed("links", r",\s*(https?://)", "\n$1").alias("shared_links"),
        listed("hashtags", r"\s*[,;]\s*", "\n").alias("shared_tags"),
        pl.when(pl.any_horizontal(c.is_not_null() for c in counts))
        .then(pl.sum_horizontal(counts))
        .alias("reported"),
        export=pl.lit(export, pl.String),
        several=pl.lit(0, pl.Int64),
        embedded=pl.lit(False),
    )
    rest = [name for name in named if name not in BECOME]
    free = free_names(rest, RESERVED)
    passed = [pl.col(name).alias(new) for name, new in zip(rest, free, strict=True)]
    return posts.hstack(frame.select(*PLACE, *FAULT, *passed))


def first_of(names: Sequence[str], columns: Sequence[str]) -> pl.Expr:
    """The first of some columns that holds anything."""
    cells = [pl.col(name).str.strip_chars() for name in names if name in columns]
    return pl.coalesce(
        *(pl.when(~each.is_in(BLANK)).then(each) for each in cells), pl.lit(None, pl.String)
    )


def listed(name: str, pattern: str, split: str) -> pl.Expr:
    """A cell that holds several links or hashtags, as a list."""
    return pl.col(name).str.replace_all(pattern, split).str.split("\n")


def require_columns(columns: Sequence[str]) -> None:
    """Refuse a table without ids or times."""
    for name, allowed in (("id", PARTS["id"]), ("timestamp", PARTS["created"])):
        if not set(allowed) & set(columns):
            said = absent_column(name, name, list(columns)).split(" Rename")[0]
            raise TableError(
                f"{said} Some NDJSON of 4CAT is what the platform sent: take its CSV, or pass "
                'layout="x_v1" (X), "x_v2" (X by API) or "bluesky".'
            )
