"""Links that tell by which channel, and through whom, their visitors come; and the reverse."""

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote

import polars as pl

from viralkit.tables import TableError
from viralkit.urls import LONG, TAGS, hosts_of, parameters_of
from viralkit.wording import nearest, show, show_names

WEB = re.compile(r"https?://[^/?#]", re.IGNORECASE)


def tracked_url(url: str, tags: Mapping[str, str]) -> str:
    """Which link tells later by which channel, and through whom, a visitor came?

    Parameters
    ----------
    url : str
        An absolute address, http:// or https://, of at most 2,000 characters with its tags:
        longer ones are cut or refused by some browsers, servers and messengers.
    tags : mapping of str
        Among source, medium, campaign, term and content (written as utm_source, …) and referral
        (written as ref: the id or code of the person who shares the link). Text, not blank.

    Returns
    -------
    str
        The address with the tags that it lacks, behind its own parameters, in the order above.
        All else stays as it is, to the letter: order and encoding of the parameters, fragment,
        international domains (as given: browsers turn them into punycode themselves). With the
        same tags twice it is the same address.

    Raises
    ------
    TableError
        The address has another value of a tag already; or it is no web address (javascript:,
        data:, a relative path), holds a password, or a space, control character or backslash,
        which programs read differently; or a tag is not known or holds no text.

    Notes
    -----
    A tag is public: it stands in the visitor's address bar, in logs, and in what the visitor passes
    on. Put no name, e-mail address or number of a customer into it; `pseudonymise` makes codes.

    Examples
    --------
    >>> url = tracked_url("https://a.org/?page=2#top", {"source": "x", "campaign": "spring sale"})
    >>> url
    'https://a.org/?page=2&utm_source=x&utm_campaign=spring%20sale#top'
    >>> tracked_url(url, {"source": "facebook"})
    Traceback (most recent call last):
    ...
    viralkit.tables.TableError: utm_source is 'x' in the address already; allowed: the same value, \
not 'facebook'. Take it out of the address, or leave out 'source'.
    """
    require_web(url)
    require_tags(tags)
    there = url_tags(url)
    for name, value in tags.items():
        if there.get(name, value) != value:
            raise TableError(
                f"{TAGS[name]} is {show(there[name])} in the address already; allowed: the same "
                f"value, not {show(value)}. Take it out of the address, or leave out {show(name)}."
            )
    added = [name for name in TAGS if name in tags and name not in there]
    return with_query(url, [f"{TAGS[name]}={quote(tags[name], safe='')}" for name in added])


def url_tags(url: str) -> dict[str, str]:
    """Which tags does an address have: source, medium, campaign, term, content, referral?

    Parameters
    ----------
    url : str
        Any text: what is no web address has no tags.

    Returns
    -------
    dict of str
        Those that are there and not blank, decoded; the first counts where one stands twice.
        `read_clicks` reads whole columns in the same way.

    Examples
    --------
    >>> url_tags("https://a.org/?utm_source=caf%C3%A9+bar&ref=u7&utm_medium=")
    {'source': 'café bar', 'referral': 'u7'}
    """
    found = parameters_of(pl.Series([require_text(url)]), list(TAGS.values())).row(0)
    return {name: text for name, text in zip(TAGS, found, strict=True) if text is not None}


def require_text(url: object) -> str:
    """Refuse what is no text."""
    if isinstance(url, str):
        return url
    raise TableError(
        f"url={show(url)} is {type(url).__name__}; allowed: text. Pass an address such as "
        "'https://a.org/'."
    )


def require_web(url: object) -> None:
    """Refuse an address that is none of the web, or that programs read differently."""
    text = require_text(url)
    if len(text) > LONG:
        raise TableError(
            f"url={show(text)} has {len(text):,} characters; allowed: {LONG:,}. Shorten it, or "
            "share a page that leads there."
        )
    odd = next((sign for sign in text if not sign.isprintable() or sign in " \\"), None)
    if odd is not None:
        raise TableError(
            f"url={show(text)} holds {odd!a}; allowed: no space, control character or "
            f"backslash. Write it as {show(quote(odd, safe='', errors='replace'))}, or remove it."
        )
    if not WEB.match(text) or hosts_of(pl.Series([text])).item() is None:
        raise TableError(
            f"url={show(text)} is no web address; allowed: http:// or https:// and a host. "
            "Pass the whole address, such as 'https://a.org/page'."
        )
    if "@" in re.split("[/?#]", text, maxsplit=3)[2]:
        raise TableError(
            f"url={show(text)} has a user or password before the host; allowed: none, since a link "
            "is for others. Remove what stands before '@'."
        )


def require_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that are not known, or hold no text."""
    if not isinstance(tags, Mapping):
        raise TableError(
            f"tags={show(tags)}; allowed: a dict with keys among {list(TAGS)}. "
            "Pass {'source': 'newsletter'}."
        )
    for name, value in tags.items():
        if name not in TAGS:
            near = nearest(str(name).removeprefix("utm_"), list(TAGS)) or "source"
            raise TableError(
                f"tag {show(name)} is not known; allowed: {show_names(list(TAGS))}. "
                f"Pass {show(near)}."
            )
        text = isinstance(value, str) and bool(value.strip())
        if not text or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in value):
            raise TableError(
                f"tag {show(name)} is {show(value)}; allowed: text, not blank, without control "
                "characters. Correct it, or leave the tag out."
            )


def with_query(url: str, added: list[str]) -> str:
    """The address with further parameters at the end of its query."""
    rest, mark, fragment = url.partition("#")
    joint = "" if not added or rest.endswith(("?", "&")) else "&" if "?" in rest else "?"
    long = rest + joint + "&".join(added) + mark + fragment
    if len(long) > LONG:
        raise TableError(
            f"url={show(url)} has {len(long):,} characters with its tags; allowed: {LONG:,}. "
            "Shorten the address or the tags."
        )
    blank = [name for name, *_ in (pair.split("=") for pair in added) if not has(long, name)]
    if blank:
        raise TableError(
            f"{blank[0]} stands in the address {show(url)} without a value; allowed: a value, or "
            "no such parameter. Remove it."
        )
    return long


def has(url: str, parameter: str) -> bool:
    """Whether an address gives a value to a parameter."""
    return parameters_of(pl.Series([url]), [parameter]).item() is not None
