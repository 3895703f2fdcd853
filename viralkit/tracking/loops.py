"""Referral loops: what one user brings, and what comes of it over time."""

from collections.abc import Sequence
from numbers import Real

import numpy as np
import polars as pl

from viralkit.tables import TableError
from viralkit.tracking.loop_growth import Convention, Known, check_loop
from viralkit.tracking.loop_results import LoopForecast
from viralkit.tracking.rates import (
    Floats,
    as_frame,
    check_level,
    mean_by_law,
    mean_of,
    share_by_law,
    share_of,
)
from viralkit.wording import show

Counts = Sequence[float] | pl.Series | Floats


def k_factor(
    invitations: Counts | float,
    acceptances: Counts | float,
    *,
    users: int | None = None,
    alpha: float = 0.05,
) -> pl.DataFrame:
    """How many new users does each user bring, and how sure is that?

    K = invitations per user × share of them accepted = acceptances per user.

    Parameters
    ----------
    invitations, acceptances : sequence of int, or int
        One count a user, zeros included; or the totals of all users, with `users`. An invitation
        is accepted once at most.
    users : int, optional
        How many users sent the totals, those who invited nobody included.
    alpha : float
        One minus the coverage of the intervals.

    Returns
    -------
    polars.DataFrame
        quantity (invitations_per_user, acceptance_rate, k_factor), estimate, std_error, lower,
        upper, basis (what the interval rests on) and users (how many).

    Raises
    ------
    TableError
        A count is negative or not whole, acceptances exceed invitations, lengths differ.
    ValueError
        No users, totals without `users` or the reverse, `alpha` out of range.

    Notes
    -----
    With a count a user the interval comes from the variance between users ("variance between
    users"), which holds overdispersion: a few users often send most of the invitations. It is
    built on the log scale (log odds for the rate) by the delta method, with Student's t, whose
    degrees of freedom are fewer where few users send most (Satterthwaite 1946). Where no user
    differs from another (nobody accepted, for example) it is that of an assumed law. Totals
    tell nothing of the variance: "Poisson law assumed" and "binomial law assumed" give exact
    intervals, too narrow wherever some users invite many. With no acceptance K is 0 and the upper
    end is one-sided; so is the lower end of a rate of 1.

    Users who signed up lately have not had time to invite: K is too low by what is still to come.
    Count users who were watched for equally long.

    Examples
    --------
    >>> k_factor([4, 0, 10, 6], [1, 0, 4, 1]).select("quantity", "estimate").rows()
    [('invitations_per_user', 5.0), ('acceptance_rate', 0.3), ('k_factor', 1.5)]
    >>> k_factor(2000, 800, users=1000).select("estimate", "lower", "basis").row(2)
    (0.8, 0.745..., 'Poisson law assumed')
    """
    check_level(alpha)
    names = ["invitations_per_user", "acceptance_rate", "k_factor"]
    if isinstance(invitations, Real) and isinstance(acceptances, Real):
        sent, taken = _totals(float(invitations), float(acceptances), users)
        assert users is not None
        counts = mean_by_law(sent, users, alpha), mean_by_law(taken, users, alpha)
        rates = [counts[0], share_by_law(taken, sent, alpha), counts[1]]
        return as_frame(dict(zip(names, rates, strict=True)), users)
    each_sent, each_taken = _each(invitations, acceptances, users)
    means = [mean_of(counts, len(counts), alpha) for counts in (each_sent, each_taken)]
    rates = [means[0], share_of(each_taken, each_sent, alpha), means[1]]
    return as_frame(dict(zip(names, rates, strict=True)), len(each_sent))


def loop_forecast(
    k: float | pl.DataFrame,
    cycle_days: float,
    *,
    users: float = 100.0,
    until_days: float | None = None,
    churn: float = 0.0,
    inflow: float = 0.0,
    convention: Convention = "new_users_invite",
) -> LoopForecast:
    """How many users will a referral loop bring, by when, and where does it end?

    Parameters
    ----------
    k : float or polars.DataFrame
        How many users each user brings; or what `k_factor` gives, or one row of the quality that
        `referral_cascades` gives (quality.tail(1)), whose interval, with the variance between
        users, then carries through to every output.
    cycle_days : float
        Days from a user's sign-up to those of the users that they bring.
    users : float
        Users at the start, all of them new.
    until_days : float, optional
        How far to look; ten cycles by default. Users are counted at the end of each whole cycle.
    churn : float
        Share of the active users who leave per day, 0 to 1 (5 % a month: 1 - .95 ** (1 / 30)).
    inflow : float
        Users per day who come without an invitation, such as paid ones; each cycle's are added at
        its end and invite in the next.
    convention : {"new_users_invite", "everyone_invites_again"}
        Who invites: users once, in the cycle after their sign-up (K per user, as `k_factor`
        counts it), or all active users in each cycle anew (K per user and cycle).

    Returns
    -------
    LoopForecast
        `frame()`, `derived()`, `rewards()`, `summary()`, `multiplier`, `ceiling`, `warnings`.

    Raises
    ------
    ValueError
        A number is out of its range, nobody starts, or totals pass 1e300.
    TableError
        The frame has no K, or several.

    Notes
    -----
    Expected numbers, with prediction intervals where K has one: the interval of K and chance (each
    user brings a random number, of the variance that `k_factor` saw, all of them together by a
    gamma law), taken as independent. Chance matters where few users start: their total may pass
    both ends of the ceiling's interval, which is that of what is expected.

    With new users inviting, generation n has users × Kⁿ (plus what the inflow brings), all
    generations together at most users / (1 - K) where K < 1. With everyone inviting again each
    cycle multiplies active users by K + s, where s = (1 - churn) ** cycle_days: without churn
    users × (1 + K)ⁿ, which has no end for any K above zero. Online calculators mix the two up. A
    churn of 1 makes them equal.

    All who are brought come after the same number of days. Where days differ and K > 1, growth is
    faster than with their mean: the early ones bring others meanwhile (Wallinga and Lipsitch 2007).

    References
    ----------
    Harris, T. E. (1963). The theory of branching processes. Springer.
    Wallinga, J. and Lipsitch, M. (2007). How generation intervals shape the relationship between
    growth rates and reproductive numbers. Proc. R. Soc. B 274, 599-604.
    doi:10.1098/rspb.2006.3754

    Examples
    --------
    >>> loop = loop_forecast(0.8, 7, users=100, until_days=28)
    >>> round(loop.frame()["total"][-1], 2), round(loop.ceiling), round(loop.multiplier)
    (336.16, 500, 5)
    >>> again = loop_forecast(0.8, 7, until_days=28, convention="everyone_invites_again")
    >>> round(again.frame()["total"][-1], 2)
    1049.76
    """
    until = 10 * cycle_days if until_days is None else until_days
    check_loop(cycle_days, users, until, churn, inflow, convention)
    return LoopForecast(Known.of(k), cycle_days, users, until, churn, inflow, convention)


def _totals(sent: float, taken: float, users: int | None) -> tuple[float, float]:
    """Totals, checked."""
    if users is None:
        raise ValueError(
            f"invitations={show(sent)} is a total; allowed with users=, or one count a user. Pass "
            "users=, those who invited nobody included."
        )
    if isinstance(users, bool) or not users >= 1 or users != int(users):
        raise ValueError(f"users={show(users)}; allowed: whole numbers from 1. Pass how many.")
    for name, value in (("invitations", sent), ("acceptances", taken)):
        if not (value >= 0 and float(value).is_integer()):
            raise TableError(f"{name}={show(value)}; allowed: whole numbers from 0. Correct it.")
    if taken > sent:
        raise TableError(f"acceptances={show(taken)} {_exceed(sent)}")
    return sent, taken


def _each(sent: object, taken: object, users: int | None) -> tuple[Floats, Floats]:
    """One count a user, checked."""
    if users is not None:
        raise ValueError(
            f"users={show(users)} beside one count a user; allowed with totals. Leave it out."
        )
    counts = [
        _whole(name, values) for name, values in (("invitations", sent), ("acceptances", taken))
    ]
    if len(counts[0]) != len(counts[1]) or not len(counts[0]):
        raise TableError(
            f"{len(counts[0])} counts of invitations and {len(counts[1])} of acceptances; allowed: "
            "one of each a user, at least one user. Pass zeros for users without any."
        )
    over = np.flatnonzero(counts[1] > counts[0])
    if len(over):
        row = int(over[0])
        raise TableError(
            f"user {row} (counted from 0): acceptances {counts[1][row]:g} {_exceed(counts[0][row])}"
        )
    return counts[0], counts[1]


def _exceed(sent: float) -> str:
    return (
        f"exceed invitations {sent:g}; allowed: no more of them. Correct the count. If a link was "
        "posted in public, nobody knows whom it invited: count referred users by "
        "referral_cascades."
    )


def _whole(name: str, values: object) -> Floats:
    """Counts as an array; whole numbers from zero only."""
    column = pl.Series(name, [""])
    if isinstance(values, Sequence | pl.Series | np.ndarray) and np.ndim(values) == 1:
        column = pl.Series(name, values, strict=False)
    if not column.dtype.is_numeric() and len(column):
        raise TableError(
            f"{name}={show(values)}; allowed: one whole number a user. "
            "Pass a list of numbers for both, or totals for both and users=."
        )
    number = column.cast(pl.Float64)
    fine = (number.is_finite() & (number == number.floor()) & (number >= 0)).fill_null(False)
    if not fine.all():
        row = int((~fine).arg_true()[0])
        raise TableError(
            f"{name}, user {row} (counted from 0): {show(column[row])}; allowed: whole numbers "
            "from 0. Correct the value, or leave the user out of both."
        )
    return np.asarray(number.to_numpy())
