"""A log of clicks from a world in which the effect of each channel is known."""

from collections.abc import Sequence
from math import inf

import numpy as np
import polars as pl

from viralkit.tables import TableError, check, require_polars
from viralkit.tracking.click_rows import write_log
from viralkit.tracking.worlds import draw, live, read_plan
from viralkit.wording import show, show_names

DRAWN_BY = ("chance", "visit", "intent", "invitation")
COLUMNS = {
    "channel": pl.String,
    "source": pl.String,
    "medium": pl.String,
    "drawn_by": pl.String,
    "clicks": pl.Float64,
    "effect": pl.Float64,
    "at_once": pl.Float64,
    "reproduction_number": pl.Float64,
}
MOST = {"effect": 1.0, "at_once": 1.0, "reproduction_number": 0.95}
CHANNELS = (
    ("newsletter", "newsletter", "email", "chance", 0.4, 0.05, 0.8, 0.3),
    ("video", "youtube", "video", "chance", 0.5, 0.04, 0.1, 0.5),
    ("display", "adnet", "banner", "chance", 0.6, 0.005, 0.2, 0.1),
    ("retargeting", "adnet", "retargeting", "visit", 0.5, 0.0, 1.0, 0.1),
    ("brand search", "google", "cpc", "intent", 0.6, 0.0, 1.0, 0.0),
    ("friends", "friend", "referral", "invitation", 1.0, 0.1, 0.9, 0.4),
)


def simulate_clicks(
    people: int = 20_000,
    *,
    channels: pl.DataFrame | None = None,
    baseline: float = 0.03,
    days: float = 30.0,
    off: str | Sequence[str] = (),
    seed: int = 0,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What does a log of clicks look like where we know what each channel causes?

    Parameters
    ----------
    people : int
        How many people could come, friends that they bring not counted.
    channels : polars.DataFrame, optional
        A row a channel, as in the second table returned, which can be edited and passed here:
        channel, source, medium (its tags); drawn_by, clicks (see the notes); effect (the chance
        that a click causes a conversion); at_once (the share of these that come in the session of
        the click; the others come back later); reproduction_number (sign-ups that a sign-up
        brings whose first visit came by this channel; at most .95).
    baseline : float
        The share of the people who convert whatever the channels do.
    days : float
        How long channels work. What they cause, and friends of friends, may come later.
    off : str or sequence of str
        Channels that are switched off. With the same seed people do otherwise what they would
        have done (second pages and programs are drawn anew).
    seed : int
        The same seed gives the same log (with the same release of numpy).

    Returns
    -------
    clicks : polars.DataFrame
        A clicks table, sorted by time: visits, shares, sign-ups and conversions; link previews and
        crawlers, told by their agents only; `referral` is the user who shared the link.
    truth : polars.DataFrame
        The channels with visits (by their links) and incremental: how many of the conversions
        would not have happened with this one channel off, those of friends included. They need
        not add up: two channels may both be needed for one conversion, or either be enough.

    Raises
    ------
    TableError
        The table of channels lacks a column, or a value is out of range.
    ValueError
        A number is out of range, or `off` names no channel.

    Notes
    -----
    Who converts does so once. Clicks are drawn by "chance" (`clicks`: their mean number a person,
    whoever that is), by a "visit" (the chance that one follows each earlier visit of those who
    convert anyway; a fifth of it for others), by "intent" (the share of those coming back to
    convert who come by it, the others come direct), or by "invitation" (all friends who sign up;
    one channel at most). With an effect of zero, the second and the third only meet people who
    are about to convert.

    The truth is counted, not estimated: all random numbers are drawn once, and each channel is
    switched off in turn.

    Examples
    --------
    >>> clicks, truth = simulate_clicks(2_000, seed=1)
    >>> truth.filter(effect=0).select("channel", "incremental").rows()
    [('retargeting', 0), ('brand search', 0)]
    """
    table = _checked(channels)
    _check_numbers(people, baseline, days)
    names = table["channel"].to_list()
    silent = [off] if isinstance(off, str) else list(off)
    unknown = [name for name in silent if name not in names]
    if unknown:
        raise ValueError(f"off={show(unknown[0])} is no channel; allowed: {show_names(names)}.")
    plan, rng = read_plan(table), np.random.default_rng(seed)
    draws = draw(rng, people, plan, baseline, days)
    on = np.array([*(name not in silent for name in names), True])
    world = live(draws, plan, on)
    lost = []
    for code in range(len(names)):
        without = on.copy()
        without[code] = False
        lost.append(world.conversions - live(draws, plan, without).conversions)
    log, visits = write_log(rng, world, draws, table)
    truth = table.with_columns(visits=pl.Series(visits), incremental=pl.Series(lost))
    return check(log, "clicks"), truth


def _checked(channels: pl.DataFrame | None) -> pl.DataFrame:
    """The table of channels with its columns alone, every value in range."""
    if channels is None:
        return pl.DataFrame(CHANNELS, COLUMNS, orient="row")
    table = require_polars(channels)
    absent = [name for name in COLUMNS if name not in table.columns]
    if absent:
        raise TableError(
            f"column {show(absent[0])} not found; columns: {show_names(table.columns)}. "
            "Start from the second table that simulate_clicks() returns."
        )
    table = table.select(pl.col(name).cast(dtype, strict=False) for name, dtype in COLUMNS.items())
    _refuse_values(table)
    shares = table.filter(drawn_by="intent")["clicks"].sum()
    if shares > 1 or (table["drawn_by"] == "invitation").sum() > 1:
        raise TableError(
            f"channels drawn by intent are {show(shares)} of those who come back, and "
            f"{(table['drawn_by'] == 'invitation').sum()} channels are drawn by invitation; "
            "allowed: at most 1 of each. Correct the table."
        )
    return table


def _refuse_values(table: pl.DataFrame) -> None:
    """Refuse the first value that is missing or out of range."""
    chance = pl.col("drawn_by") == "chance"
    rules = [
        *((name, pl.col(name).is_null(), "a value in every row") for name in COLUMNS),
        ("drawn_by", ~pl.col("drawn_by").is_in(DRAWN_BY), f"one of {list(DRAWN_BY)}"),
        ("channel", ~pl.col("channel").is_first_distinct(), "each name once"),
        ("clicks", ~pl.col("clicks").is_between(0, 1000), "from 0 to 1000"),
        ("clicks", ~chance & (pl.col("clicks") > 1), "at most 1 unless drawn by chance"),
        *((n, ~pl.col(n).is_between(0, top), f"from 0 to {top}") for n, top in MOST.items()),
    ]
    for name, bad, allowed in rules:
        rows = table.with_row_index("row").filter(bad)
        if rows.height:
            raise TableError(
                f"column {show(name)}, row {rows['row'][0]} (counted from 0): "
                f"{show(rows[name][0])}; allowed: {allowed}. Correct the row."
            )


def _check_numbers(people: int, baseline: float, days: float) -> None:
    """Refuse numbers that are out of range."""
    whole = isinstance(people, int) and 1 <= people <= 10_000_000
    for name, value, holds, allowed in (
        ("people", people, whole, "a whole number from 1 to 10,000,000"),
        ("baseline", baseline, 0 <= baseline <= 1, "from 0 to 1"),
        ("days", days, 0 < days < inf, "a number above zero"),
    ):
        if not holds:
            raise ValueError(f"{name}={show(value)}; allowed: {allowed}. Pass such a number.")
