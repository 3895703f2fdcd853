"""Which channel a click came by: an editable table of rules, and how they are applied."""

from collections.abc import Iterator

import polars as pl

from viralkit.tables import TableError, require_polars
from viralkit.tracking.known_sites import LATER_MEDIUMS, MEDIUMS, NAMES, SITES
from viralkit.tracking.matching import (
    DIRECT,
    OWN,
    PATTERNS,
    UNKNOWN,
    UNREADABLE,
    Matcher,
    first_rule,
)
from viralkit.wording import show, show_names


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
    matcher = Matcher(rules, clicks.collect_schema().names())
    dtype = pl.Enum(matcher.channels)
    if not matcher.columns:
        only = first_rule(rules, pl.DataFrame({"": [0]})).item()
        return clicks.with_columns(channel=pl.lit(only, dtype))
    channel = pl.struct(matcher.columns).map_batches(
        lambda batch: matcher.channel(batch.struct.unnest()), dtype, is_elementwise=True
    )
    return clicks.with_columns(channel=channel)
