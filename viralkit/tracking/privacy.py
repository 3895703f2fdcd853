"""Ids that stay the same inside a study, and tell nobody's name outside it."""

import hmac
from collections.abc import Sequence

import polars as pl

from viralkit.tables import TableError, require_polars
from viralkit.urls import TAGS, parameters_of
from viralkit.wording import nearest, show, show_names

SHORTEST = 16  # bytes of a key
TEXTS = (pl.String, pl.Categorical, pl.Enum)
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
        A column is absent or holds neither text nor whole numbers; the key is too short; or a
        column of addresses still holds one of the ids as who shared the link (its parameter ref).

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
    referrers may hold the same ids. Only the parameter ref of addresses is looked at, and refused.

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
    refuse_shared_ids(table, names)
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
    if dtype not in (*TEXTS, pl.Null) and not dtype.is_integer():
        raise TableError(
            f"column {show(name)} is {dtype}; allowed: ids as text or whole numbers. "
            f"Cast it: pl.col({show(name)}).cast(pl.String)."
        )


def refuse_shared_ids(table: pl.DataFrame, names: list[str]) -> None:
    """Refuse addresses whose parameter ref is one of the ids. The message does not show any."""
    empty = pl.Series("id", [], pl.String).to_frame()
    ids = pl.concat([empty, *(texts_of(table[name]) for name in names)])
    others = [table[n] for n, dtype in table.schema.items() if n not in names and dtype in TEXTS]
    for column in others:
        addresses = column.cast(pl.String).drop_nulls()
        addresses = addresses.filter(addresses.str.contains("(?i)ref="))
        shared = parameters_of(addresses, [TAGS["referral"]]).to_series()
        left = int(shared.is_in(ids.to_series().implode()).sum())
        if left:
            raise TableError(
                f"column {show(column.name)} still holds ids in the parameter ref of {left:,} "
                "addresses; allowed: none of those that are replaced. Blank it before: pl.col("
                f'{show(column.name)}).str.replace_all(r"(?i)([?&;])ref=[^&#]*", "${{1}}ref="), '
                "or drop the column."
            )


def texts_of(ids: pl.Series) -> pl.DataFrame:
    """The different ids as text."""
    return ids.drop_nulls().cast(pl.String).unique().to_frame("id")


def coded(ids: pl.Series, secret: bytes) -> pl.Series:
    """The pseudonyms of ids; each different one is hashed once."""
    texts = ids.cast(pl.String)
    known = texts_of(ids)["id"]
    codes = [hmac.digest(secret, text.encode(), "sha256")[:DIGEST].hex() for text in known]
    frame = pl.DataFrame({"id": known, "code": pl.Series(codes, dtype=pl.String)})
    found = texts.to_frame("id").join(frame, on="id", how="left", maintain_order="left")
    return found["code"].alias(ids.name)
