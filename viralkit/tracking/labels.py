"""Clicks with their channel, the visits they belong to, and those that no person made."""

from datetime import timedelta
from math import isfinite

import polars as pl

from viralkit.tables import TableError, check
from viralkit.tracking.channels import require_rules, with_channels
from viralkit.tracking.known_sites import BOTS, NO_BOTS, PREFETCHERS
from viralkit.wording import show

MOST_MINUTES = 366 * 24 * 60


def label_clicks(
    clicks: pl.DataFrame, rules: pl.DataFrame | None = None, *, inactivity_minutes: float = 30
) -> pl.DataFrame:
    """By which channel did each click come, in which visit, and was it a person at all?

    Parameters
    ----------
    clicks : polars.DataFrame
        A clicks table (see `check`), in any order; no column beyond the required ones is needed.
    rules : polars.DataFrame, optional
        Which channel is which: `channel_rules()`, edited.
    inactivity_minutes : float
        A session ends where a user does nothing for longer than that.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order, nothing dropped, with
        channel: by the first rule that holds (an old column `channel` is replaced);
        session: the number of the session among those of its user, from 1 in order of time,
        whatever the order of the rows; null where the user is not known and where `flag` or
        `excluded` says that the row is not used;
        flag: as it was, and where it was null "prefetch" (the agent names a program that looks
        links up: previews of messengers and networks, scanners of e-mail) or "bot" (another
        program).

    Raises
    ------
    TableError
        The clicks are no clicks table (times without a zone or in several are refused, for
        example), or the rules are none.

    Notes
    -----
    An agent is what a program says of itself: programs that name a browser are not found, so that
    the flags are a lower bound. Quick repetitions by one agent are not flagged: many people share
    an agent, and an address (of an office, of a mobile network).

    A session is a convention, and 30 minutes are that of web analytics, not a fact. A user id that
    several people share has one stream of sessions.

    Examples
    --------
    >>> import polars as pl
    >>> clicks = pl.DataFrame({"time": [0, 600, 9000], "link_id": "a", "user": "ann",
    ...     "source": ["newsletter", None, "t.co"], "agent": [None, "TelegramBot", None]})
    >>> clicks = clicks.with_columns(pl.from_epoch("time").dt.replace_time_zone("UTC"))
    >>> label_clicks(clicks).select("channel", "session", "flag").rows()
    [('e-mail', 1, None), ('unknown', None, 'prefetch'), ('x', 2, None)]
    """
    clicks = check(clicks, "clicks")
    number = isinstance(inactivity_minutes, int | float) and isfinite(inactivity_minutes)
    if not number or not 0 < inactivity_minutes <= MOST_MINUTES:
        raise TableError(
            f"inactivity_minutes={show(inactivity_minutes)}; allowed: above 0, up to a year. "
            "Pass 30."
        )
    lazy = with_flags(with_channels(clicks.lazy(), require_rules(rules)))
    named = lazy.with_columns(pl.col("channel").cast(pl.String)).collect(engine="in-memory")
    labelled = named.with_columns(sessions(named, timedelta(minutes=inactivity_minutes)))
    return labelled.select(dict.fromkeys([*clicks.columns, "channel", "session", "flag"]).keys())


def with_flags(clicks: pl.LazyFrame) -> pl.LazyFrame:
    """The clicks with a flag at those whose agent is a program."""
    columns = clicks.collect_schema().names()
    own = pl.col("flag") if "flag" in columns else pl.lit(None, pl.String)
    if "agent" not in columns:
        return clicks.with_columns(flag=own)
    agents = clicks.select("agent").unique().collect(engine="streaming")
    name = "flag of the agent"
    found = agents.with_columns(what_is(pl.col("agent")).alias(name)).drop_nulls()
    joined = clicks.join(found.lazy(), on="agent", how="left", maintain_order="left")
    return joined.with_columns(flag=pl.coalesce(own, name)).drop(name)


def what_is(agent: pl.Expr) -> pl.Expr:
    """Which kind of program an agent is, if it is one."""
    text = agent.cast(pl.String).str.to_lowercase().str.replace_all(NO_BOTS, "")
    prefetch = pl.when(text.str.contains(PREFETCHERS)).then(pl.lit("prefetch"))
    return prefetch.when(text.str.contains(BOTS)).then(pl.lit("bot"))


def is_used(columns: list[str]) -> pl.Expr:
    """Whether neither flag nor excluded says that a click is not used."""
    reasons = [name for name in ("flag", "excluded") if name in columns]
    return pl.all_horizontal(pl.lit(True), *(pl.col(name).is_null() for name in reasons))


def sessions(clicks: pl.DataFrame, gap: timedelta) -> pl.Series:
    """The number of each click's session among those of its user."""
    if "user" not in clicks.columns:
        return pl.Series("session", [None], pl.Int64).new_from_index(0, len(clicks))
    rows = clicks.lazy().with_row_index("row").filter(is_used(clicks.columns))
    rows = rows.drop_nulls(["user", "time"]).select("row", "user", "time")
    rows = rows.sort("user", "time", maintain_order=True)
    first = (pl.col("user") != pl.col("user").shift(1)).fill_null(True)
    new = first | (pl.col("time").diff() > gap)
    count = new.cast(pl.Int64).cum_sum()
    before = pl.when(first).then(count - 1).forward_fill()
    found = rows.select("row", session=count - before).collect()
    numbers = pl.Series("session", [None], pl.Int64).new_from_index(0, len(clicks))
    return numbers.scatter(found["row"], found["session"]) if len(found) else numbers
