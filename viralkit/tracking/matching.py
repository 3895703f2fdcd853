"""How rules of channels are applied: each different value is looked at once, not each click."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from viralkit.urls import TAGS, hosts_of, parameters_of

PATTERNS = ("medium", "source", "campaign", "term", "content", "referrer", "referral", "link_id")
UNKNOWN = "unknown"
OWN = "(own)"  # a page of the site itself
UNREADABLE = "(unreadable)"  # a referrer that names no host
APP = r"^(?i)android-app://([a-z0-9_.]+)"
BARE = r"^(?i)[\x00-\x20]*([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})(?:[:/?#]|$)"
DIRECT = ("direct", "(direct)", "-", "(none)")
MOST_KINDS = 10_000_000  # of a table of numbers, before they are ranked instead

Work = Callable[[pl.Series], pl.Series]
Numbers = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Coded:
    """Values as places among few texts; the texts may hold null."""

    codes: Numbers
    texts: pl.Series

    def mapped(self, texts: pl.Series) -> "Coded":
        """The same with other texts, of which equal ones become one."""
        different = texts.unique(maintain_order=True)
        pairs = pl.DataFrame({"text": different}).with_row_index("code")
        places = texts.to_frame("text").join(
            pairs, on="text", how="left", nulls_equal=True, maintain_order="left"
        )
        return Coded(places["code"].to_numpy()[self.codes], different)


def coded(values: pl.Series, work: Work) -> Coded:
    """A column worked on: by the codes of its categories, or else by joining its texts."""
    different = values.unique()
    if isinstance(values.dtype, pl.Categorical | pl.Enum):
        own = different.to_physical().cast(pl.UInt32)
        missing = int(own.max() or 0) + 1  # type: ignore[arg-type]
        table = np.zeros(missing + 1, np.uint32)
        table[own.fill_null(missing).to_numpy()] = np.arange(len(own))
        codes = table[values.to_physical().cast(pl.UInt32).fill_null(missing).to_numpy()]
    else:
        pairs = different.to_frame("value").with_row_index("code")
        codes = (
            values.to_frame("value")
            .join(pairs, on="value", how="left", nulls_equal=True, maintain_order="left")["code"]
            .to_numpy()
        )
    return Coded(codes, different).mapped(work(different.cast(pl.String)))


class Matcher:
    """The rules, made ready for the columns of a table; it remembers what it has decided."""

    def __init__(self, rules: pl.DataFrame, columns: Collection[str]) -> None:
        given = [name for name in PATTERNS if name in rules.columns and rules[name].count()]
        tagged = "url" in columns
        self.names = [n for n in given if n in columns or (tagged and n in TAGS)]
        self.rules, self.decided = rules, dict[tuple[str | None, ...], str]()
        self.channels = pl.Series([*rules["channel"], UNKNOWN], dtype=pl.String).unique().sort()
        self.patterns = {
            name: [text for text in rules[name].drop_nulls().unique() if text not in ("", "*")]
            for name in self.names
        }
        urls = tagged and ("referrer" in self.names or not set(self.names) <= set(columns))
        self.columns = [n for n in self.names if n in columns] + ["url"] * urls

    def channel(self, clicks: pl.DataFrame) -> pl.Series:
        """The channel of each click."""
        seen = [self.kept(name, self.values(name, clicks)) for name in self.names]
        sizes = [len(values.texts) for values in seen]
        size = int(np.prod(sizes, dtype=float))
        dtype = np.int32 if size < 2**31 else np.int64
        total: Numbers = np.zeros(len(clicks), dtype)
        for values in seen:
            total = total * len(values.texts) + values.codes.astype(dtype)
        kinds = pl.Series(total).unique().to_numpy()
        places = np.unravel_index(kinds, sizes) if len(kinds) else [kinds] * len(sizes)
        rows = pl.DataFrame(
            [v.texts.gather(p).alias(n) for n, v, p in zip(self.names, seen, places, strict=True)]
        )
        found = pl.Series(self.decide(rows), dtype=pl.Enum(self.channels))
        return found.gather(look_up(kinds, total, size))

    def values(self, name: str, clicks: pl.DataFrame) -> Coded:
        """What the rules look at: a column, or the tag of the url where there is no such column."""
        if name in clicks.columns and not self.patterns[name]:
            some = clicks[name].is_not_null() & (clicks[name] != "")
            return Coded(some.cast(pl.UInt8).to_numpy(), pl.Series([None, "*"]))
        if name not in clicks.columns:
            tag = TAGS[name]
            return coded(clicks["url"], lambda urls: tidy(parameters_of(urls, [tag])[tag]))
        if name != "referrer":
            return coded(clicks[name], tidy)
        site = coded(clicks["referrer"], sites_of)
        return with_own(site, coded(clicks["url"], pages_of)) if "url" in clicks.columns else site

    def kept(self, name: str, values: Coded) -> Coded:
        """The values without subdomains that no rule names, and "*" for all else that is there."""
        if not self.patterns[name]:
            return values.mapped(values.texts.set(values.texts.is_not_null(), "*"))
        forms = "|".join(map(form, self.patterns[name]))
        named = values.texts.str.extract(f"(?s)^(?:.*?\\.)??({forms})$", 1)
        return values.mapped(named.set(named.is_null() & values.texts.is_not_null(), "*"))

    def decide(self, kinds: pl.DataFrame) -> list[str]:
        """The channel of each kind of click: that of the first rule that holds."""
        rows = kinds.rows()
        new = [row for row in dict.fromkeys(rows) if row not in self.decided]
        if new:
            frame = pl.DataFrame(new, dict.fromkeys(self.names, pl.String), orient="row")
            self.decided.update(zip(new, first_rule(self.rules, frame), strict=True))
        return [self.decided[row] for row in rows]


def look_up(kinds: Numbers, total: Numbers, size: int) -> pl.Series:
    """The place of each number among the kinds."""
    if size > MOST_KINDS:
        pairs = pl.DataFrame({"kind": kinds}).with_row_index("place")
        rows = pl.DataFrame({"kind": total})
        return rows.join(pairs, on="kind", how="left", maintain_order="left")["place"]
    table = np.zeros(size, np.uint32)
    table[kinds] = np.arange(len(kinds))
    return pl.Series(table[total])


def with_own(site: Coded, page: Coded) -> Coded:
    """The sites with "(own)" where the page is on the same one."""
    places = {text: i for i, text in enumerate(site.texts) if text is not None}
    same = np.array([places.get(text, -1) for text in page.texts], np.int64)[page.codes]
    codes = np.where(site.codes == same, len(site.texts), site.codes)
    texts = pl.concat([site.texts, pl.Series([OWN])])
    return Coded(codes, texts).mapped(texts)


def tidy(texts: pl.Series) -> pl.Series:
    """Texts in small letters, null where they are blank."""
    texts = texts.str.strip_chars().str.to_lowercase()
    return texts.set(texts.str.len_bytes() == 0, None)


def pages_of(urls: pl.Series) -> pl.Series:
    """The hosts of addresses, without www."""
    return hosts_of(urls).str.strip_prefix("www.")


def sites_of(referrers: pl.Series) -> pl.Series:
    """The hosts of referrers, also of applications and of those without http://."""
    found, text = hosts_of(referrers), tidy(referrers)
    for pattern in (APP, BARE):
        found = found.zip_with(found.is_not_null(), referrers.str.extract(pattern, 1))
    found = found.fill_null(UNREADABLE).str.to_lowercase().str.strip_prefix("www.")
    return found.set(text.is_in(DIRECT) | text.is_null(), None)


def first_rule(rules: pl.DataFrame, kinds: pl.DataFrame) -> pl.Series:
    """The channel of the first rule whose patterns all hold."""
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
        return value.str.contains(rf"(?s)^(?:.*\.)?{form(pattern)}$")
    return (value == pattern) | value.str.ends_with(f".{pattern}")


def form(pattern: str) -> str:
    """The regular expression of a pattern, without what may stand before it."""
    if pattern.endswith(".*"):
        return rf"{pl.escape_regex(pattern[:-2])}\.[a-z]{{2,3}}(?:\.[a-z]{{2}})?"
    return pl.escape_regex(pattern)
