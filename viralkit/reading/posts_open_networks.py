"""Posts as Bluesky (AT Protocol) and Mastodon write them."""

from typing import Any

from viralkit.reading.posts_records import Layout, Post, Record, Unusable, members, part, total

FEED = "app.bsky.feed."
PAGES = ("records", "posts", "feed", "repostedBy")


def open_bluesky(record: Record) -> list[tuple[Record, Record]]:
    """The reposts and posts of a line: records, views of posts, commits of a stream, pages."""
    for name in PAGES:
        if name in record and "subject" not in record:
            return [pair for one in members(record, name) for pair in open_bluesky(one)]
    if "post" in record and "subject" not in record:
        return open_item(record)
    if "commit" in record or record.get("kind") in ("identity", "account"):
        return open_commit(record)
    body = part(record, "value") or part(record, "record") or record
    return [(body, record)] if is_feed(body) else []


def open_item(item: Record) -> list[tuple[Record, Record]]:
    """The post of an item of a feed, after the repost that brought it there, if one did."""
    post, reason = part(item, "post"), part(item, "reason")
    posts = open_bluesky(post)
    if "by" not in reason:
        return posts
    subject, created = {"uri": post.get("uri")}, reason.get("indexedAt")
    body = {"$type": FEED + "repost", "subject": subject, "createdAt": created}
    inside = [(one, {**envelope, "embedded": True}) for one, envelope in posts]
    return [(body, {"uri": reason.get("uri"), "author": part(reason, "by")}), *inside]


def open_commit(record: Record) -> list[tuple[Record, Record]]:
    """The record of a commit of the stream (Jetstream), if one was created."""
    commit = part(record, "commit")
    body = part(commit, "record")
    if commit.get("operation") != "create" or not is_feed(body):
        return []
    uri = f"at://{record.get('did')}/{commit.get('collection')}/{commit.get('rkey')}"
    return [(body, {"uri": uri, "did": record.get("did")})]


def is_feed(body: Record) -> bool:
    """Whether a record is a post, a repost, or of no stated type."""
    return body.get("$type") in (None, FEED + "post", FEED + "repost")


def read_bluesky(body: Record, envelope: Record) -> list[Post]:
    """The columns of a repost or a post."""
    subject = part(body, "subject")
    if subject:
        kind, several, language = "repost", 0, None
        thread = subject.get("uri")
        parent = part(body, "via").get("uri") or thread
    elif body.get("$type") == FEED + "repost":
        said = "is missing; allowed: {uri, cid} of the post that was reposted. Mend the line."
        raise Unusable("subject", body.get("subject"), f"subject {said}")
    else:
        kind, parent, thread, several = place_of(body)
        languages = body.get("langs")
        language = languages[0] if isinstance(languages, list) and languages else languages
    uri = envelope.get("uri")
    author = part(envelope, "author")
    row = (
        uri,
        parent,
        thread,
        author.get("followersCount"),
        envelope.get("polarity"),
        total(*(envelope.get(f"{name}Count") for name in ("repost", "reply", "quote"))),
        envelope.get("did") or author.get("did") or authority(uri),
        body.get("createdAt") or body.get("created_at"),
        kind,
        envelope.get("platform"),
        envelope.get("language") or language,
        body.get("text"),
        several,
        envelope.get("embedded") is True,
    )
    return [row]


def place_of(body: Record) -> tuple[str, Any, Any, int]:
    """What a post is, its parent, its thread, and whether it refers to several posts."""
    reply, embed = part(body, "reply"), part(body, "embed")
    quoted = part(embed, "record")
    quoted = part(quoted, "record") or quoted
    cited = quoted.get("uri")
    if not (isinstance(cited, str) and f"/{FEED}post/" in cited):
        cited = None  # feeds and lists are embedded in the same way
    if reply:
        parent, root = part(reply, "parent").get("uri"), part(reply, "root").get("uri")
        return "reply", parent or root, root, int(cited is not None)
    return "quote" if cited else "post", cited, None, 0


def authority(uri: object) -> str | None:
    """The account in an address such as at://did:plc:abc/app.bsky.feed.repost/3k."""
    parts = uri.split("/", 3) if isinstance(uri, str) and uri.startswith("at://") else []
    return parts[2] if len(parts) > 2 else None


def open_mastodon(record: Record) -> list[tuple[Record, Record]]:
    """The statuses of a line: a status, or a page of a search."""
    if "statuses" in record:
        return [(status, {}) for status in members(record, "statuses")]
    return [(record, {})]


def read_mastodon(status: Record, _shared: Record) -> list[Post]:
    """The columns of a status, then of those inside it."""
    posts, waiting = [], [status]
    for each in waiting:
        row, inside = read_status(each, each is not status)
        posts.append(row)
        waiting += inside
    return posts


def read_status(status: Record, embedded: bool) -> tuple[Post, list[Record]]:
    """The columns of one status, and the statuses inside it."""
    get = status.get
    boosted, quote, account = (part(status, name) for name in ("reblog", "quote", "account"))
    quoted = part(quote, "quoted_status")
    replied = get("in_reply_to_id")
    cited = quoted.get("id") or quote.get("quoted_status_id") or get("quote_id")
    kind, parent = ("reply", replied) if replied else ("quote", cited) if cited else ("post", None)
    if boosted:
        kind, parent = "repost", boosted.get("id")
    row = (
        get("id"),
        parent,
        None,
        account.get("followers_count"),
        get("polarity"),
        total(get("reblogs_count"), get("replies_count"), get("quotes_count")),
        account.get("acct") or account.get("username") or account.get("id"),
        get("created_at"),
        kind,
        get("platform"),
        get("language"),
        get("content") or get("text"),
        int(bool(not boosted and replied and cited)),
        embedded,
    )
    return row, [one for one in (boosted, quoted) if one]


BLUESKY = Layout("bluesky", open_bluesky, read_bluesky, "bluesky", ())
MASTODON = Layout("mastodon", open_mastodon, read_mastodon, "mastodon")
