"""Posts as the APIs of X (Twitter) wrote them: v1.1 and v2."""

from typing import Any

from viralkit.reading.posts_records import Layout, Post, Record, Unusable, members, part, total

# what a v1.1 stream sends beside posts
NOTICES = {"delete", "limit", "scrub_geo", "status_withheld", "user_withheld", "warning"}
NOTICES |= {"disconnect", "friends", "event", "control"}
INSIDE = ("retweeted_status", "quoted_status")
KINDS = {"retweeted": "repost", "replied_to": "reply", "quoted": "quote"}


def open_v1(record: Record) -> list[tuple[Record, Record]]:
    """The posts of a line of API v1.1: a post, a page of a search, or a notice of a stream."""
    if "statuses" in record:
        return [(post, {}) for post in members(record, "statuses")]
    if "id" not in record and "id_str" not in record and NOTICES & record.keys():
        return []
    return [(from_web(record) if "legacy" in record else record, {})]


def from_web(record: Record) -> Record:
    """A post as the site itself sends it (4CAT keeps it so in NDJSON), in the shape of v1.1."""
    whole = part(record, "tweet") or record  # some posts stand one level deeper
    legacy = part(whole, "legacy")
    account = part(part(part(whole, "core"), "user_results"), "result")
    user = {**part(account, "legacy"), "id_str": legacy.get("user_id_str")}
    inside = {
        "retweeted_status": part(part(legacy, "retweeted_status_result"), "result"),
        "quoted_status": part(part(whole, "quoted_status_result"), "result"),
    }
    posts = {n: from_web(one) for n, one in inside.items() if {"legacy", "tweet"} & one.keys()}
    return {**legacy, "id_str": whole.get("rest_id"), "user": user, **posts}


def read_v1(post: Record, _shared: Record) -> list[Post]:
    """The columns of a post of API v1.1, then of those inside it."""
    posts, waiting = [], [post]
    for each in waiting:  # grows: a repost holds its original, which may hold a quoted post
        row, inside = read_v1_one(each, each is not post)
        posts.append(row)
        waiting += inside
    return posts


def read_v1_one(post: Record, embedded: bool) -> tuple[Post, list[Record]]:
    """The columns of one post, and the posts inside it."""
    get = post.get
    user = part(post, "user")
    inside = [part(post, name) for name in INSIDE if get(name)]
    reposted = get("retweeted_status")
    replied = get("in_reply_to_status_id_str") or get("in_reply_to_status_id")
    kind, parent, several = "post", None, 0
    if reposted:
        kind, parent = "repost", own_id(reposted)
    else:
        cited = get("quoted_status_id_str") or get("quoted_status_id")
        cited = cited or (own_id(inside[0]) if inside else None)
        several = int(bool(replied and cited))
        if replied or cited:
            kind, parent = ("reply", replied) if replied else ("quote", cited)
    row = (
        own_id(post),
        parent,
        None,
        user.get("followers_count"),
        get("polarity"),
        total(get("retweet_count"), get("quote_count"), get("reply_count")),
        user.get("id_str") or user.get("id") or user.get("screen_name"),
        get("created_at"),
        kind,
        get("platform"),
        get("language") or get("lang"),
        get("full_text") or whole_text(post) or get("text"),
        several,
        embedded,
    )
    return row, inside


def whole_text(post: Record) -> Any:
    """The text of a post that a stream cut short."""
    return part(post, "extended_tweet").get("full_text") if "extended_tweet" in post else None


def own_id(post: Record) -> Any:
    """The id of a post, as text where the API gives it."""
    return post.get("id_str") or post.get("id")


def open_v2(record: Record) -> list[tuple[Record, Record]]:
    """The posts of a line of API v2: a page, a line of a stream, or a flattened post."""
    if "data" not in record:
        return [] if {"errors", "meta"} & record.keys() and "id" not in record else [(record, {})]
    includes = part(record, "includes")
    users = {one["id"]: one for one in members(includes, "users") if type(one.get("id")) is str}
    posts = [(post, {"users": users}) for post in members(record, "data")]
    inside = {"users": users, "embedded": True}
    return posts + [(post, inside) for post in members(includes, "tweets")]


def read_v2(post: Record, shared: Record) -> list[Post]:
    """The columns of a post of API v2, then of those that flattening put inside it."""
    posts, waiting = [], [post]
    for each in waiting:
        embedded = each is not post or "embedded" in shared
        row, inside = read_v2_one(each, shared.get("users", {}), embedded)
        posts.append(row)
        waiting += inside
    return posts


def read_v2_one(post: Record, users: Record, embedded: bool) -> tuple[Post, list[Record]]:
    """The columns of one post, and the posts inside it."""
    get = post.get
    references = members(post, "referenced_tweets")
    kind, parent = chosen(references)
    counts = part(post, "public_metrics")
    author = part(post, "author") or part(post, "author_user")
    name = get("author_id") or author.get("id")
    author = author or (users.get(name, {}) if isinstance(name, str) else {})
    row = (
        get("id"),
        parent,
        None if kind == "repost" else get("conversation_id"),
        part(author, "public_metrics").get("followers_count"),
        get("polarity"),
        total(counts.get("retweet_count"), counts.get("reply_count"), counts.get("quote_count")),
        name,
        get("created_at"),
        kind,
        get("platform"),
        get("language") or get("lang"),
        part(post, "note_tweet").get("text") or get("full_text") or get("text"),
        int(len(references) > 1),
        embedded,
    )
    return row, [one for one in references if "created_at" in one]


def chosen(references: list[Record]) -> tuple[str, Any]:
    """What a post is, and its parent: what it reposts, else what it replies to, else quotes."""
    if not references:
        return "post", None
    found = {one.get("type"): one.get("id") for one in references if is_known(one)}
    for kind, name in KINDS.items():
        if kind in found:
            return name, found[kind]
    return "post", None


def is_known(reference: Record) -> bool:
    """Refuse a reference that is neither a repost, a reply nor a quote, or names no post."""
    kind, name = reference.get("type"), reference.get("id")
    if isinstance(kind, str) and kind in KINDS and name:
        return True
    allowed = f"allowed: an id and one of the types {list(KINDS)}. Mend the line."
    raise Unusable("referenced_tweets", reference, f"names no post; {allowed}")


X_V1 = Layout("x_v1", open_v1, read_v1, "x", ("id_str", "id"))
X_V2 = Layout("x_v2", open_v2, read_v2, "x")
