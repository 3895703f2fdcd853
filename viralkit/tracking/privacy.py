"""Ids that stay the same inside a study, and tell nobody's name outside it."""

import hmac
from collections.abc import Sequence

import polars as pl

from viralkit.tables import TableError, require_polars
from viralkit.wording import nearest, show, show_names

SHORTEST = 16  # bytes of a key
DIGEST = 16  # bytes of a pseudonym: among a billion people two share one with a chance of 1e-21


def pseudonymise(
    table: pl.DataFrame, columns: str | Sequence[str], key: bytes | str
) -> pl.DataFrame:
    """How to keep apart who is who without keeping who it is? Replace ids by keyed hashes.

    Parameters
    ----------
    table : polars.DataFrame
        Any table.
    columns : str or list of str
        The columns of ids, text or whole numbers; all that hold ids of the same people (user and
        referral; source and target), or links between them break.
    key : bytes or str
        A secret of at least 16 bytes, such as secrets.token_bytes(32), kept apart from the data;
        text is taken as UTF-8.

    Returns
    -------
    polars.DataFrame
        The table with each value of the columns replaced by 32 hexadecimal digits (HMAC-SHA-256 of
        its text, cut to 128 bits). With the same key the same value has the same pseudonym, in
        every column and table: 7 the same as "7". Null stays null.

    Raises
    ------
    TableError
        A column is absent or holds neither text nor whole numbers; or the key is too short.

    Notes
    -----
    What it protects against: that somebody who gets the table but not the key reads ids from it,
    or tries out ids that they know (which undoes a hash without a key).

    What it does not: whoever has the key can try out ids, so that the data are still personal data
    in the law of many countries (in the European Union: Regulation 2016/679, article 4(5)). Delete
    the key when the study ends. And people are known by what they do as well: times, links and
    friends of somebody may fit only one person, whatever the id.

    What is not collected needs no protection. Best leave out from the start: addresses of the
    network (IP), e-mail addresses and telephone numbers, precise places, full urls of referrers
    (they hold search words, names and keys to sessions: the host is enough), free text, and times
    finer than the question asks for. Columns other than those named stay as they are: urls and
    referrers may hold the same ids.

    References
    ----------
    Krawczyk, H., Bellare, M. and Canetti, R. (1997). HMAC: keyed-hashing for message
    authentication. RFC 2104. doi:10.17487/RFC2104

    Examples
    --------
    >>> import polars as pl
    >>> clicks = pl.DataFrame({"user": ["ann", "bob"], "referral": [None, "ann"]})
    >>> coded = pseudonymise(clicks, ["user", "referral"], key=b"sixteen bytes or more")
    >>> coded["user"][0] == coded["referral"][1], len(coded["user"][0])
    (True, 32)
    """
    table = require_polars(table)
    secret = require_key(key)
    names = [columns] if isinstance(columns, str) else list(columns)
    for name in names:
        require_ids(table, name)
    return table.with_columns(coded(table[name], secret) for name in names)


def require_key(key: bytes | str) -> bytes:
    """The key as bytes; refuse a short one. The message does not show it."""
    if not isinstance(key, bytes | str):
        raise TableError(
            f"the key is {type(key).__name__}; allowed: bytes or text. "
            "Pass secrets.token_bytes(32), and keep it."
        )
    secret = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
    if len(secret) < SHORTEST:
        raise TableError(
            f"the key has {len(secret)} bytes; allowed: {SHORTEST} or more, since short ones can "
            "be tried out. Make one with secrets.token_bytes(32), and keep it."
        )
    return secret


def require_ids(table: pl.DataFrame, name: str) -> None:
    """Refuse a column that is absent, or that holds no ids."""
    if name not in table.columns:
        near = nearest(str(name), table.columns)
        raise TableError(
            f"column {show(name)} not found; columns: {show_names(table.columns)}. "
            f"Pass {show(near) if near else 'one of them'}."
        )
    dtype = table.schema[name]
    if dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null) and not dtype.is_integer():
        raise TableError(
            f"column {show(name)} is {dtype}; allowed: ids as text or whole numbers. "
            f"Cast it: pl.col({show(name)}).cast(pl.String)."
        )


def coded(ids: pl.Series, secret: bytes) -> pl.Series:
    """The pseudonyms of ids; each different one is hashed once."""
    texts = ids.cast(pl.String)
    known = texts.drop_nulls().unique()
    codes = [hmac.digest(secret, text.encode(), "sha256")[:DIGEST].hex() for text in known]
    frame = pl.DataFrame({"id": known, "code": pl.Series(codes, dtype=pl.String)})
    found = texts.to_frame("id").join(frame, on="id", how="left", maintain_order="left")
    return found["code"].alias(ids.name)
