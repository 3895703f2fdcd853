"""From referral codes to cascades: who brought whom, and which referrals look wrong."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from viralkit.tables import TableError
from viralkit.tracking.cycles import DAY
from viralkit.tracking.rates import check_level, mean_of
from viralkit.tracking.sign_ups import NOBODY, UNKNOWN, Places, SignUps, read_sign_ups
from viralkit.wording import show, show_names

Flags = NDArray[np.bool_]
REASONS = {  # a row gets the first that holds
    "self-referral": "invited themselves: no link",
    "circle": "inviters lead back to the user: the link of the first to sign up is cut",
    "inviter unknown": "named, but did not sign up: no link",
    "clock runs backwards": "signed up before the inviter",
    "too fast": "less than {fast:g} seconds after the inviter",
    "burst": "{many:g} or more by one code within {span:g} seconds",
}
DATED = {  # where times are dates
    "too fast": "not looked for: times are dates",
    "burst": "{many:g} or more by one code on {days} calendar day(s)",
}
ADDED = ("cascade_id", "event_id", "parent_id", "timestamp", "flag")
TIMES_THE_MEDIAN = 10  # how many times what a code usually brings in all makes a burst


def referral_cascades(
    sign_ups: pl.DataFrame,
    *,
    too_fast_seconds: float = 30.0,
    burst_sign_ups: int = 20,
    burst_seconds: float = 3600.0,
    watched_days: float | None = None,
    alpha: float = 0.05,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Who brought whom, as cascades, which referrals look wrong, and what is K without them?

    Parameters
    ----------
    sign_ups : polars.DataFrame
        user, invited_by (the inviter's user; null: nobody), time (Datetime in UTC, or Date), one
        row a user, in any order; other columns pass through. Rows with a reason in `excluded` are
        left out.
    too_fast_seconds : float
        A referral is flagged that comes sooner than this after the inviter's own sign-up. Where
        times are dates nobody can tell, and none is.
    burst_sign_ups, burst_seconds : int, float
        A burst, as of a leaked code, is this many sign-ups by one code within so many seconds
        (where times are dates: on one day at least), and at least ten times what the median code
        brings in all. A post of somebody with a large audience looks the same: look before you
        exclude.
    watched_days : float, optional
        K counts, of users who signed up so many days before the last sign-up, the referrals of
        their first so many days. By default all users and referrals up to the last sign-up: K is
        then too low by what late users are still to bring.
    alpha : float
        One minus the coverage of K's intervals.

    Returns
    -------
    events : polars.DataFrame
        An events table for `cascade_table`, `Branching`, `explore_cascade` and others, in order of
        time: cascade_id (the user it started with), event_id (the user), parent_id (the inviter;
        null: none, or no link), user, time (seconds since the cascade's first sign-up), timestamp,
        invited_by (as it was given) and flag (null: nothing to note). Suspicious referrals stay in.
    quality : polars.DataFrame
        check, rows, k_factor, lower, upper, std_error, users, note: all sign-ups that name an
        inviter, those of each flag, and those without a flag. `rows` counts sign-ups, `k_factor`
        those referrals that `watched_days` lets in per user, of so many `users`. The last row is K
        without the suspicious ones: `loop_forecast(quality.tail(1), …)` starts from it.

    Raises
    ------
    TableError
        A column is missing or of a wrong type, a user is missing or signs up twice.
    ValueError
        A number is out of its range.

    Notes
    -----
    Flags, of which a row gets the first that holds: "self-referral"; "circle" (inviters lead back
    to the user); "inviter unknown"; "clock runs backwards"; "too fast"; "burst". Links are cut
    only where they cannot be: of self-referrals, unknown inviters, and, of each circle, the link
    of the member who signed up first. K's interval comes from the variance between inviters, as in
    `k_factor`.

    A log of clicks without sign-ups will do where the first visit stands for one: a row a user,
    with the `referral` of the first click, as in the second example.

    Examples
    --------
    >>> from datetime import datetime, timedelta, timezone
    >>> import polars as pl
    >>> start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    >>> users = pl.DataFrame({"user": ["ann", "bob", "eve"], "invited_by": [None, "ann", "eve"],
    ...                       "time": [start, start + timedelta(1), start + timedelta(2)]})
    >>> events, quality = referral_cascades(users)
    >>> events.select("cascade_id", "event_id", "parent_id", "flag").rows()
    [('ann', 'ann', None, None), ('ann', 'bob', 'ann', None),
    ('eve', 'eve', None, 'self-referral')]

    >>> clicks = pl.DataFrame({"user": ["bob", None, "ann", "bob"], "referral": ["ann", "ann", None,
    ...     "cem"], "time": [start + timedelta(d) for d in (1, 2, 0, 3)], "url": "https://a.org/"})
    >>> first = clicks.drop_nulls("user").sort("time", maintain_order=True).unique(
    ...     "user", keep="first", maintain_order=True)
    >>> events, _ = referral_cascades(first.select("user", "time", invited_by="referral"))
    >>> events.select("event_id", "parent_id").rows()
    [('ann', None), ('bob', 'ann')]
    """
    _check_choices(too_fast_seconds, burst_sign_ups, burst_seconds)
    check_level(alpha)
    table = read_sign_ups(sign_ups)
    taken = [name for name in ADDED if name in table.frame.columns]
    if taken:
        raise TableError(
            f"column {show(taken[0])} would be written over; columns: "
            f"{show_names(table.frame.columns)}. Rename it."
        )
    on_circle, cut = find_circles(table)
    delay = table.delay
    many = burst_limit(table, burst_sign_ups)
    named = table.inviter != NOBODY
    flags = {
        "self-referral": table.inviter == np.arange(len(named)),
        "circle": on_circle,
        "inviter unknown": table.inviter == UNKNOWN,
        "clock runs backwards": delay < 0,
        "too fast": (delay < too_fast_seconds) & (not table.dated),
        "burst": find_bursts(table, many, burst_seconds),
    }
    first = first_reason(flags)
    parent = np.where(table.known & ~cut, table.inviter, NOBODY)
    names = pl.Series(list(flags))
    flag = names.gather(pl.Series(np.where(first < 0, 0, first))).set(pl.Series(first < 0), None)
    days = int(burst_seconds // DAY) + 1
    given = {"fast": too_fast_seconds, "many": many, "span": burst_seconds, "days": days}
    reasons = REASONS | (DATED if table.dated else {})
    sets = {"all that name an inviter": (named, "flagged or not")}
    sets |= {n: (first == i, reasons[n].format(**given)) for i, n in enumerate(flags)}
    sets["without a flag"] = (named & (first < 0), "nothing looks wrong")
    quality = _quality(table, sets, watched_days, alpha)
    return as_events(table, parent, flag), quality


def first_reason(flags: dict[str, Flags]) -> Places:
    """The number of the first flag that holds, -1 where none does."""
    first = np.full(len(next(iter(flags.values()))), -1)
    for number, holds in reversed(list(enumerate(flags.values()))):
        first[holds] = number
    return first


def find_circles(table: SignUps) -> tuple[Flags, Flags]:
    """Who is on a circle of inviters, and who of each circle signed up first.

    After as many steps as there are users everybody stands on a circle, or past a root. Steps are
    doubled, and each member keeps the smallest row that it has passed.
    """
    users = len(table.inviter)
    step = np.append(np.where(table.known, table.inviter, users), users)
    smallest = np.arange(users + 1)
    for _ in range(users.bit_length()):
        smallest = np.minimum(smallest, smallest[step])
        step = step[step]
    on_circle = np.zeros(users + 1, np.bool_)
    on_circle[step] = True
    on_circle[users] = False
    first = on_circle & (smallest == np.arange(users + 1))
    return on_circle[:users], first[:users]


def find_roots(parent: Places) -> Places:
    """The row in which each cascade starts, for each row."""
    root = np.where(parent < 0, np.arange(len(parent)), parent)
    while True:
        above = root[root]
        if np.array_equal(above, root):
            return root
        root = above


def burst_limit(table: SignUps, burst_sign_ups: int) -> float:
    """How many sign-ups of one code within the time make a burst."""
    codes = np.bincount(table.inviter[table.known])
    usual = float(np.median(codes[codes > 0])) if codes.any() else 0.0
    return max(float(burst_sign_ups), TIMES_THE_MEDIAN * usual)


def find_bursts(table: SignUps, many: float, span: float) -> Flags:
    """Who came among so many by the same code within so many seconds."""
    rows = np.flatnonzero(table.known)
    rows = rows[np.argsort(table.inviter[rows], kind="stable")]  # by code, then by time
    code, time, ahead = table.inviter[rows], table.seconds[rows], int(np.ceil(many)) - 1
    start = (
        np.flatnonzero(
            (code[: len(code) - ahead] == code[ahead:])
            & (time[ahead:] - time[: len(time) - ahead] <= span)
        )
        if len(rows) > ahead
        else np.empty(0, np.int64)
    )
    change = np.zeros(len(rows) + 1, np.int64)
    np.add.at(change, start, 1)
    np.add.at(change, start + ahead + 1, -1)
    burst = np.zeros(len(table.inviter), np.bool_)
    burst[rows] = np.cumsum(change[:-1]) > 0
    return burst


def as_events(table: SignUps, parent: Places, flag: pl.Series) -> pl.DataFrame:
    """The events table, in order of time."""
    frame, root = table.frame, find_roots(parent)
    user = frame["user"]
    start = np.full(len(root), np.inf)
    np.minimum.at(start, root, table.seconds)
    above = user.gather(pl.Series(np.maximum(parent, 0))).set(pl.Series(parent < 0), None)
    others = [name for name in frame.columns if name not in ("user", "time", "invited_by")]
    return frame.select(
        user.gather(pl.Series(root)).alias("cascade_id"),
        user.alias("event_id"),
        above.alias("parent_id"),
        "user",
        pl.Series("time", table.seconds - start[root]),
        pl.col("time").alias("timestamp"),
        "invited_by",
        flag.alias("flag"),
        *others,
    )


def _quality(
    table: SignUps, sets: dict[str, tuple[Flags, str]], watched: float | None, alpha: float
) -> pl.DataFrame:
    """How many sign-ups of each kind, and what each adds to K."""
    users, counts = watched_pairs(table, watched)
    rows = []
    for name, (holds, note) in sets.items():
        codes = table.frame["invited_by"].filter(pl.Series(holds & counts))
        sizes = codes.value_counts()["count"].cast(pl.Float64).sort().to_numpy()
        rate = mean_of(sizes, users, alpha)
        told = rate.estimate, rate.lower, rate.upper, rate.std_error, users
        rows.append((name, int(holds.sum()), *told, note))
    floats = dict.fromkeys(("k_factor", "lower", "upper", "std_error"), pl.Float64)
    schema = {"check": pl.String, "rows": pl.Int64, **floats, "users": pl.Int64, "note": pl.String}
    return pl.DataFrame(rows, schema, orient="row")


def watched_pairs(table: SignUps, watched: float | None) -> tuple[int, Flags]:
    """How many users count for K, and which referrals of theirs do."""
    if watched is None:
        return len(table.inviter), np.ones(len(table.inviter), np.bool_)
    last = float(table.seconds[-1]) / DAY
    if not 0 < watched <= last:
        raise ValueError(
            f"watched_days={show(watched)}; allowed: above zero, up to {last:.6g}, the days from "
            "the first sign-up to the last. Pass fewer days, or leave it out."
        )
    early = last - table.seconds / DAY >= watched
    inviter = np.maximum(table.inviter, 0)
    within = (table.seconds - table.seconds[inviter]) / DAY <= watched
    return int(early.sum()), (table.inviter >= 0) & early[inviter] & within


def _check_choices(fast: float, many: int, span: float) -> None:
    for name, value in (("too_fast_seconds", fast), ("burst_seconds", span)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name}={show(value)}; allowed: seconds, zero or more. Pass some.")
    if isinstance(many, bool) or not many >= 2 or many != int(many):
        raise ValueError(
            f"burst_sign_ups={show(many)}; allowed: whole numbers from 2. Pass more to flag less."
        )
