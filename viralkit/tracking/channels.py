"""Which channel a click came by: an editable table of rules, and how they are applied."""

from collections.abc import Callable, Collection, Iterator
from functools import reduce
from operator import and_

import polars as pl

from viralkit.tables import TableError, require_polars
from viralkit.tracking.known_sites import LATER_MEDIUMS, MEDIUMS, NAMES, SITES
from viralkit.urls import TAGS, hosts_of, parameters_of
from viralkit.wording import show, show_names

PATTERNS = ("medium", "source", "campaign", "term", "content", "referrer", "referral", "link_id")
UNKNOWN = "unknown"
OWN = "(own)"  # a page of the site itself
UNREADABLE = "(unreadable)"  # a referrer that names no host
APP = r"^(?i)android-app://([a-z0-9_.]+)"
BARE = r"^(?i)[\x00-\x20]*([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})(?:[:/?#]|$)"
DIRECT = ("direct", "(direct)", "-", "(none)")


def channel_rules() -> pl.DataFrame:
    """Which channel does a medium, a source or a referrer stand for? The rules, to be edited.

    Returns
    -------
    polars.DataFrame
        A row a rule: channel, medium, source, referrer, referral. The first rule whose patterns
        all hold decides. A pattern is null (anything); text (equal, or the value ends with it
        behind a dot: "facebook.com" is also m.facebook.com); text with ".*" at its end (any
        country: "google.*" is also www.google.co.uk); "*" (there is a value); or "" (the table
        has this column, and the row no value in it). Capitals do not matter.

    Notes
    -----
    In this order: media that say the channel (paid, e-mail, offline), sources by name, other
    media, then the referrer: social networks and messengers by name, web mail, search engines,
    pages of the site itself ("internal"), other sites; then a personal code in the link without
    anything else ("shared link": copied, and sent by means that tell nothing); then "direct": no
    tags and no referrer, which also holds typed addresses, bookmarks and applications that hide
    where they come from. What is tagged in a way that no rule knows is "unknown", and so is
    a click in a table that has no column of referrers.

    `referrer` is matched by its host, and "(own)" stands for the host of the clicked url itself.
    Patterns on campaign, term, content and link_id are allowed as well: add the column. Where a
    table of clicks lacks one of the columns, its value is that of the tag in the url (utm_source,
    …, and ref for `referral`).

    Examples
    --------
    A rule of your own goes on top:

    >>> import polars as pl, viralkit as vk
    >>> mine = pl.DataFrame({"channel": ["poster"], "link_id": ["b7"]})
    >>> rules = pl.concat([mine, vk.channel_rules()], how="diagonal")
    >>> clicks = pl.DataFrame({"time": ["2024-05-01 10:00"] * 2, "link_id": ["b7", "a1"],
    ...                        "referrer": [None, "https://m.facebook.com/"]})
    >>> clicks = clicks.with_columns(pl.col("time").str.to_datetime(time_zone="UTC"))
    >>> vk.label_clicks(clicks, rules)["channel"].to_list()
    ['poster', 'facebook']
    """
    rows = [
        *listed("medium", MEDIUMS),
        *listed("source", NAMES),
        *listed("source", SITES),
        *listed("medium", NAMES),
        *listed("medium", LATER_MEDIUMS),
        *listed("referrer", SITES),
        {"channel": "internal", "referrer": OWN},
        {"channel": UNKNOWN, "referrer": UNREADABLE},
        {"channel": "other site", "referrer": "*"},
        {"channel": "shared link", "referral": "*"},
        *({"channel": "direct", "source": name} for name in DIRECT),
        *({"channel": "direct", "medium": name} for name in DIRECT),
        {"channel": "direct", "medium": "", "source": "", "referrer": ""},
        {"channel": UNKNOWN},
    ]
    columns = ("channel", "medium", "source", "referrer", "referral")
    return pl.DataFrame(rows, dict.fromkeys(columns, pl.String)).unique(maintain_order=True)


def listed(column: str, names: dict[str, str]) -> Iterator[dict[str, str]]:
    """One rule for each name in a column."""
    return ({"channel": c, column: name} for c, text in names.items() for name in text.split())


def require_rules(rules: pl.DataFrame | None) -> pl.DataFrame:
    """The rules in small letters, or the kit's; refuse what is no table of rules."""
    if rules is None:
        return channel_rules()
    rules = require_polars(rules)
    allowed = ("channel", *PATTERNS)
    if "channel" not in rules.columns:
        raise TableError(
            f"rules have no column 'channel'; columns: {show_names(rules.columns)}. "
            "Start from vk.channel_rules(), with rows of your own on top."
        )
    strange = [
        name
        for name, dtype in rules.schema.items()
        if name not in allowed or dtype not in (pl.String, pl.Null)
    ]
    if strange:
        raise TableError(
            f"rules have a column {show(strange[0])} of {rules.schema[strange[0]]}; allowed: text "
            f"in {show_names(allowed)}. Rename or drop it."
        )
    if rules["channel"].null_count():
        row = int(rules["channel"].is_null().arg_max() or 0)
        raise TableError(
            f"rules, row {row} (counted from 0): no channel; allowed: a name in every row. "
            'Fill it, or rules.drop_nulls("channel").'
        )
    patterns = pl.exclude("channel").cast(pl.String).str.strip_chars().str.to_lowercase()
    return rules.with_columns(pl.col("channel").cast(pl.String), patterns)


def with_channels(clicks: pl.LazyFrame, rules: pl.DataFrame) -> pl.LazyFrame:
    """The clicks with their channel (an Enum), in the same order."""
    values = values_of(clicks.collect_schema().names(), rules)
    marks = {f"{name}, as rules see it": name for name in values}
    keyed = clicks.drop("channel", strict=False).with_columns(
        values[name].alias(mark) for mark, name in marks.items()
    )
    if not values:
        channel = decided(rules, pl.DataFrame({"": [0]}))
        return keyed.with_columns(channel=pl.lit(channel.item(), pl.Enum(channel)))
    kinds = keyed.select(list(marks)).unique().collect(engine="streaming")
    channel = decided(rules, kinds.rename(marks).cast(pl.String))
    channel = channel.cast(pl.Enum(channel.unique().sort()))
    joined = keyed.join(
        kinds.lazy().with_columns(channel),
        on=list(marks),
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return joined.drop(list(marks))


def values_of(columns: Collection[str], rules: pl.DataFrame) -> dict[str, pl.Expr]:
    """What the rules look at: columns, or the tags of the url where there is no such column."""
    values = {}
    for name in (name for name in PATTERNS if name in rules.columns and rules[name].count()):
        if name in columns:
            value = origin(columns) if name == "referrer" else each(name, tidy)
        elif name in TAGS and "url" in columns:
            value = each("url", lambda urls, tag=TAGS[name]: tidy(parameters_of(urls, [tag])[tag]))
        else:
            continue
        whether = rules[name].drop_nulls().is_in(["", "*"]).all()  # there is one, no more
        values[name] = pl.when(value.is_not_null()).then(pl.lit("*")) if whether else value
    return values


def each(column: str, work: Callable[[pl.Series], pl.Series]) -> pl.Expr:
    """A column worked on, each different value once; few texts are quickest as categories."""

    def worked(values: pl.Series) -> pl.Series:
        different = values.unique().alias("value")
        found = work(different.cast(pl.String)).cast(pl.Categorical).alias("found")
        rows, pairs = values.to_frame("value"), pl.DataFrame([different, found])
        joined = rows.join(pairs, on="value", how="left", nulls_equal=True, maintain_order="left")
        return joined["found"]

    return pl.col(column).map_batches(worked, pl.Categorical, is_elementwise=True)


def tidy(texts: pl.Series) -> pl.Series:
    """Texts in small letters, null where they are blank."""
    texts = texts.str.strip_chars().str.to_lowercase()
    return texts.set(texts.str.len_bytes() == 0, None)


def origin(columns: Collection[str]) -> pl.Expr:
    """The host of the referrer, "(own)" where it is that of the clicked url."""
    site = each("referrer", sites_of)
    if "url" not in columns:
        return site
    page = each("url", lambda urls: hosts_of(urls).str.strip_prefix("www."))
    return pl.when(site == page).then(pl.lit(OWN)).otherwise(site.cast(pl.String))


def sites_of(referrers: pl.Series) -> pl.Series:
    """The hosts of referrers, also of applications and of those without http://."""
    apps, bare = referrers.str.extract(APP, 1), referrers.str.extract(BARE, 1)
    found = hosts_of(referrers).zip_with(hosts_of(referrers).is_not_null(), apps)
    found = found.zip_with(found.is_not_null(), bare).fill_null(UNREADABLE)
    nothing = tidy(referrers).is_in(DIRECT) | tidy(referrers).is_null()
    return found.str.to_lowercase().str.strip_prefix("www.").set(nothing, None)


def decided(rules: pl.DataFrame, kinds: pl.DataFrame) -> pl.Series:
    """The channel of each kind of click: that of the first rule that holds."""
    tests = []
    for patterns in rules.iter_rows(named=True):
        channel = pl.lit(patterns.pop("channel"))
        tests.append(pl.when(holds(patterns, kinds.columns)).then(channel))
    return kinds.with_columns(channel=pl.coalesce(*tests, pl.lit(UNKNOWN)))["channel"]


def holds(patterns: dict[str, str | None], columns: list[str]) -> pl.Expr:
    """Whether all patterns of a rule hold."""
    given = {name: pattern for name, pattern in patterns.items() if pattern is not None}
    if not set(given) <= set(columns):
        return pl.lit(False)
    tests = (matches(pl.col(name), pattern) for name, pattern in given.items())
    return reduce(and_, tests, pl.lit(True))


def matches(value: pl.Expr, pattern: str) -> pl.Expr:
    """Whether a value is there, absent, equal, or below a domain."""
    if pattern in ("", "*"):
        return value.is_not_null() if pattern else value.is_null()
    if pattern.endswith(".*"):
        name = pl.escape_regex(pattern.removesuffix(".*"))
        return value.str.contains(rf"^(?:.*\.)?{name}\.[a-z]{{2,3}}(?:\.[a-z]{{2}})?$")
    return (value == pattern) | value.str.ends_with(f".{pattern}")
