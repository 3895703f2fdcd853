"""How long a referral takes: from the inviter's sign-up to that of the invited."""

from typing import NamedTuple

import numpy as np
import polars as pl

from viralkit.tables import TableError
from viralkit.tracking.rates import Floats, check_level, sampled
from viralkit.tracking.sign_ups import UNKNOWN, Places, SignUps, read_sign_ups
from viralkit.wording import show

DAY = 86_400.0


class Watched(NamedTuple):
    """The delays that are used, each with its inviter's number; `inviters` have at least one."""

    days: Floats
    inviter: Places
    inviters: int


def cycle_time(
    sign_ups: pl.DataFrame, *, watched_days: float | None = None, alpha: float = 0.05
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """How many days pass from a user's sign-up to the sign-ups of those they invited?

    Parameters
    ----------
    sign_ups : polars.DataFrame
        user, invited_by (the inviter's user; null: nobody), time (Datetime in UTC, or Date), one
        row a user, in any order. Rows with a reason in `excluded` are left out.
    watched_days : float, optional
        Only inviters who signed up so many days before the last sign-up count, and only the
        referrals of their first so many days. By default half of the time from the first sign-up
        to the last.
    alpha : float
        One minus the coverage of the intervals.

    Returns
    -------
    cycle : polars.DataFrame
        quantity (median_days, mean_days), estimate, std_error (null for the median), lower, upper,
        referrals, inviters, watched_days.
    quality : polars.DataFrame
        check, rows, note: referrals used, and those that were not and why.

    Raises
    ------
    TableError
        A column is missing or of a wrong type, a user signs up twice, no referral can be used.
    ValueError
        `watched_days` or `alpha` is out of range.

    Notes
    -----
    Of users who came lately only the quick referrals have been seen (right truncation), and in a
    growing service most users came lately: the plain mean is too short. Watching all inviters
    equally long removes that, but tells nothing of referrals that take longer than `watched_days`:
    the numbers are those of referrals within that time. Compare a second, longer `watched_days`.

    Intervals take inviters as independent, not referrals. The mean's is on the log scale (delta
    method), the median's inverts that of the share of delays below it (Woodruff 1952), both with
    the Student's t of `k_factor`. A clock that runs backwards (the invited signed up before the
    inviter) is counted in `quality`, not used; `referral_cascades` flags the rows.

    References
    ----------
    Woodruff, R. S. (1952). Confidence intervals for medians and other position measures. Journal of
    the American Statistical Association 47, 635-646. doi:10.1080/01621459.1952.10483443

    Examples
    --------
    >>> from datetime import datetime, timedelta, timezone
    >>> import polars as pl
    >>> start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    >>> days = [start + timedelta(d) for d in (0, 1, 2, 5, 4, 20)]
    >>> users = pl.DataFrame({"user": list("abcdef"), "time": days,
    ...                       "invited_by": [None, None, "a", "b", "a", None]})
    >>> cycle, quality = cycle_time(users, watched_days=10)
    >>> cycle.select("quantity", "estimate", "referrals").rows()
    [('median_days', 4.0, 3), ('mean_days', 3.33..., 3)]
    """
    check_level(alpha)
    table = read_sign_ups(sign_ups)
    last = float(table.seconds[-1]) / DAY
    within = last / 2 if watched_days is None else watched_days
    if not 0 < within <= last:
        raise ValueError(
            f"watched_days={show(watched_days)}; allowed: above zero, up to {last:.6g}, the days "
            "from the first sign-up to the last. Pass fewer days."
        )
    delay = table.delay / DAY
    came = table.seconds[np.maximum(table.inviter, 0)] / DAY
    early = table.known & (last - came >= within)
    ahead, timely = delay >= 0, delay <= within
    quality = _quality(table, early, ahead, timely, within)
    used = np.flatnonzero(early & ahead & timely)
    inviters, number = np.unique(table.inviter[used], return_inverse=True)
    if len(inviters) < 2:
        raise TableError(
            f"{len(inviters)} inviters with a referral within {within:.6g} days of {last:.6g} that "
            "can be used; at least 2 are needed. Pass another watched_days=, or more sign-ups."
        )
    watched = Watched(delay[used], number, len(inviters))
    rows = [
        ("median_days", *_median(watched, within, alpha)),
        ("mean_days", *_mean(watched, alpha)),
    ]
    names = ["quantity", "estimate", "std_error", "lower", "upper"]
    cycle = pl.DataFrame(rows, names, orient="row").cast({"std_error": pl.Float64})
    counts = {"referrals": len(used), "inviters": len(inviters), "watched_days": float(within)}
    return cycle.with_columns(pl.lit(value).alias(name) for name, value in counts.items()), quality


def _mean(watched: Watched, alpha: float) -> tuple[float, float, float, float]:
    """The mean with its interval on the log scale."""
    mean = float(watched.days.mean())
    error, reach = _by_inviter(watched.days - mean, watched, alpha)
    times = float(np.exp(reach / mean)) if mean else 1.0
    return mean, error, mean / times, mean * times


def _median(watched: Watched, most: float, alpha: float) -> tuple[float, None, float, float]:
    """The median; the ends are where the share of delays below may still be one half."""
    median = float(np.quantile(watched.days, 0.5, method="inverted_cdf"))
    below = watched.days <= median
    _, reach = _by_inviter(below - below.mean(), watched, alpha)
    low, high = 0.5 - reach, 0.5 + reach
    ends = np.quantile(watched.days, np.clip([low, high], 0, 1), method="inverted_cdf")
    return median, None, float(ends[0]) if low > 0 else 0.0, float(ends[1]) if high < 1 else most


def _by_inviter(parts: Floats, watched: Watched, alpha: float) -> tuple[float, float]:
    """The standard error of a mean of parts that sum to zero, and how far its interval reaches."""
    inviters = watched.inviters
    sums = np.bincount(watched.inviter, parts, inviters) * inviters / len(parts)
    return sampled(float((sums**2).sum()), float((sums**4).sum()), inviters, alpha)


def _quality(
    table: SignUps,
    early: np.ndarray,
    ahead: np.ndarray,
    timely: np.ndarray,
    within: float,
) -> pl.DataFrame:
    """Which referrals were used, and which not."""
    known = table.known
    itself = table.inviter == np.arange(len(known))
    backwards = "signed up before the inviter"
    rows = [
        ("sign-ups", len(known), "rows of the table"),
        ("referrals used", early & ahead & timely, f"within {within:.6g} days of the inviter"),
        ("clock runs backwards", known & ~ahead, backwards),
        (
            "inviter watched too briefly",
            known & ahead & ~early,
            "came lately: only quick ones seen",
        ),
        ("after the time watched", early & ahead & ~timely, f"later than {within:.6g} days"),
        ("inviter unknown", table.inviter == UNKNOWN, "named, but did not sign up"),
        ("self-referral", itself, "invited themselves"),
    ]
    counted = [(name, int(np.sum(rows)), note) for name, rows, note in rows]
    return pl.DataFrame(counted, ["check", "rows", "note"], orient="row")
