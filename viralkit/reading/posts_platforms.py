"""Whom posts in an export of 4CAT answer, quote or repost: each platform has its own way."""

import hashlib

import polars as pl

NOTICES = {
    "telegram": ("forwards from nobody named", "forwards whose original is not in the source"),
    "bluesky": ("quotes of posts that are gone",),
    "x": ("reposts whose original is not in the source", "replies whose parent is not named"),
}
GONE = ("DELETED", "REMOVED BY AUTHOR", "VIEWER BLOCKED BY AUTHOR")
YES = ("yes", "true", "True", "1")
NO_THREADS = ("tumblr",)  # its thread_id is a key that each post has for itself
WHOLE = r"^[0-9]+$"
BSKY = r"^https://bsky\.app/profile/(did:[^/]+)/post/([^/?#]+)$"
RETWEET = r"^RT @[^:\s]+:?\s*"
NOTHING = pl.lit(None, pl.String)


def references(export: str | None) -> list[pl.Expr]:
    """The columns of a post that say who it is and where it belongs.

    event_id, parent_id, thread, kind, notice; own_key and parent_key, by which a parent is found
    that is not named by its id, and spare, its id if it is not found.
    """
    own = {"telegram": telegram, "bluesky": bluesky, "x": x}
    columns = own[export]() if export in own else other(export in NO_THREADS)
    given = {"notice": NOTHING, "own_key": NOTHING, "parent_key": NOTHING, "spare": NOTHING}
    return [column.alias(name) for name, column in {**given, **columns}.items()]


def telegram() -> dict[str, pl.Expr]:
    """Replies by number inside a chat; forwards by the name and the second of the original."""
    chat, name, reply = pl.col("chat"), pl.col("id"), pl.col("reply")
    forwarded = pl.col("forwarded").is_not_null()
    source = pl.coalesce("forward_user", "forward_name")
    nobody = forwarded & source.is_null()
    key = pl.when(forwarded).then(source.str.to_lowercase() + "@" + pl.col("forwarded"))
    return {
        "event_id": in_chat(name, chat),
        "parent_id": pl.when(~(forwarded & source.is_not_null())).then(in_chat(reply, chat)),
        "thread": NOTHING,
        "kind": pl.when(forwarded)
        .then(pl.lit("repost"))
        .when(reply.is_not_null())
        .then(pl.lit("reply"))
        .otherwise(pl.lit("post")),
        "notice": pl.when(nobody).then(pl.lit(NOTICES["telegram"][0])),
        "own_key": pl.when(~forwarded).then(chat.str.to_lowercase() + "@" + pl.col("created")),
        "parent_key": key,
        "spare": key,
    }


def in_chat(name: pl.Expr, chat: pl.Expr) -> pl.Expr:
    """The number of a message with its chat, as newer exports write it: durov-12."""
    return (
        pl.when(name.str.contains(WHOLE)).then(pl.coalesce(chat + "-" + name, name)).otherwise(name)
    )


def bluesky() -> dict[str, pl.Expr]:
    """Replies and quotes by links to posts; ids are addresses (at://did:plc:abc/…)."""
    quoted = pl.when(~pl.col("quoted").is_in(GONE)).then(pl.col("quoted"))
    parent = pl.coalesce("replied", quoted)
    return {
        "event_id": pl.col("id"),
        "parent_id": NOTHING,
        "thread": pl.col("thread"),
        "kind": pl.when(pl.col("replied").is_not_null())
        .then(pl.lit("reply"))
        .when(pl.col("quoted").is_not_null())
        .then(pl.lit("quote"))
        .otherwise(pl.lit("post")),
        "notice": pl.when(pl.col("quoted").is_in(GONE)).then(pl.lit(NOTICES["bluesky"][0])),
        "own_key": pl.col("link"),
        "parent_key": parent,
        "spare": parent.str.replace(BSKY, "at://$1/app.bsky.feed.post/$2"),
    }


def x() -> dict[str, pl.Expr]:
    """Replies by thread alone; reposts by the author and the text of the original."""
    retweet = pl.col("retweet").is_in(YES).fill_null(False)
    author, text = pl.col("user").str.to_lowercase(), pl.col("text")
    of = pl.col("retweeted").str.to_lowercase()
    thread = pl.when(~retweet).then(pl.col("thread"))
    reply = thread.is_not_null() & (thread != pl.col("id"))
    return {
        "event_id": pl.col("id"),
        "parent_id": NOTHING,
        "thread": thread,
        "kind": pl.when(retweet)
        .then(pl.lit("repost"))
        .when(reply)
        .then(pl.lit("reply"))
        .otherwise(pl.lit("post")),
        "notice": pl.when(reply).then(pl.lit(NOTICES["x"][1])),
        "own_key": pl.when(~retweet).then(author + "\n" + text),
        "parent_key": pl.when(retweet).then(of + "\n" + text.str.replace(RETWEET, "")),
    }


def other(without_threads: bool) -> dict[str, pl.Expr]:
    """Replies by the id of the parent, where it is named, and by thread."""
    name = pl.col("id")
    parent = pl.col("reply").str.replace(r"^t[1-6]_", "")
    parent = pl.when(parent != name).then(parent)
    thread = NOTHING if without_threads else pl.col("thread")
    reply = parent.is_not_null() | (thread != name).fill_null(False)
    return {
        "event_id": name,
        "parent_id": parent,
        "thread": thread,
        "kind": pl.when(reply).then(pl.lit("reply")).otherwise(pl.lit("post")),
    }


def resolve(posts: pl.DataFrame) -> pl.DataFrame:
    """The posts with the parents that are found by a key; others get the spare name."""
    keys = posts.filter(pl.col("own_key").is_not_null()).unique("own_key", keep="first")
    keys = keys.select(pl.col("own_key").alias("parent_key"), pl.col("event_id").alias("match"))
    posts = posts.join(keys, on="parent_key", how="left", maintain_order="left")
    lost = pl.col("parent_key").is_not_null() & pl.col("match").is_null()
    repost = lost & (pl.col("kind") == "repost")
    told = {e: names for e, names in NOTICES.items() if e in ("telegram", "x")}
    notice = {"telegram": told["telegram"][1], "x": told["x"][0]}
    said = pl.col("export").replace_strict(notice, default=None, return_dtype=pl.String)
    posts = posts.with_columns(pl.when(repost).then(said).otherwise("notice").alias("notice"))
    unknown = posts.filter(lost, pl.col("spare").is_null())["parent_key"].unique()
    made = {key: made_name(key) for key in unknown}
    spare = pl.col("parent_key").replace_strict(made, default=None, return_dtype=pl.String)
    parent = pl.coalesce("parent_id", "match", pl.when(lost).then(pl.coalesce("spare", spare)))
    return posts.with_columns(parent_id=parent).drop("own_key", "parent_key", "spare", "match")


def made_name(key: str) -> str:
    """A name for an original that is known by author and text alone."""
    author = key.split("\n", 1)[0]
    return f"RT @{author} {hashlib.sha256(key.encode()).hexdigest()[:12]}"
