"""Web addresses as columns: hosts, and the values of their query, decoded. Nothing is opened."""

from collections.abc import Sequence
from urllib.parse import unquote_plus

import polars as pl

# what browsers strip before an address, and where its host ends (a backslash is a slash to them)
HOST = r"^(?i)[\x00-\x20]*(?:https?:)?[/\\]{2}(?:[^/\\?#]*@)?(\[[0-9a-f:.]+\]|[^/\\?#@:\[\]]+)"
SCHEME = r"^[\x00-\x20]*[a-zA-Z][a-zA-Z0-9+.-]*:"
WEB = r"^(?i)[\x00-\x20]*https?:|^[^/?#:]*:[0-9]+(?:[/?#]|$)"
QUERY = r"(?s)^[^?#]*\?([^#]*)"
# the parameters of an address that say where its visitors come from, and who shared it
TAGS = {name: f"utm_{name}" for name in ("source", "medium", "campaign", "term", "content")}
TAGS["referral"] = "ref"
LONG = 2_000  # longer addresses are cut or refused by some browsers, servers and messengers


def hosts_of(urls: pl.Series) -> pl.Series:
    """Which host an address names, in small letters; null where it is no web address."""
    hosts = urls.str.extract(HOST, 1).str.to_lowercase().str.strip_suffix(".")
    return hosts.set(hosts.str.contains(r"[\x00-\x20]").fill_null(False), None)


def parameters_of(urls: pl.Series, names: Sequence[str]) -> pl.DataFrame:
    """The values that addresses give to names in their query, decoded; null where they give none.

    The first counts where a name stands twice. Schemes other than http (javascript:, data:) have
    no query.
    """
    other = urls.str.contains(SCHEME) & ~urls.str.contains(WEB)
    queries = urls.set(other.fill_null(False), None).str.extract(QUERY, 1)
    return pl.DataFrame(
        decoded(queries.str.extract(rf"(?is)(?:^|[&?;]){name}=([^&]*)", 1)).alias(name)
        for name in names
    )


def decoded(texts: pl.Series) -> pl.Series:
    """Texts with %41 and + as the signs they stand for; bytes that are not UTF-8 as U+FFFD."""
    coded = texts.filter(texts.str.contains("[%+]").fill_null(False)).unique()
    clear = pl.Series([unquote_plus(text) for text in coded], dtype=pl.String)
    values = texts.replace(coded, clear) if len(coded) else texts
    return values.set(values.str.strip_chars().str.len_bytes() == 0, None)
