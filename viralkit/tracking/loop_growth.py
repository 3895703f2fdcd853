"""How a referral loop grows, cycle by cycle."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import inf
from numbers import Real
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from scipy.stats import gamma, norm

from viralkit.tables import TableError, require_polars
from viralkit.tracking.rates import Floats
from viralkit.wording import show, show_names

Convention = Literal["new_users_invite", "everyone_invites_again"]
CONVENTIONS = ("new_users_invite", "everyone_invites_again")
MOST_CYCLES, MOST_USERS = 10_000, 1e300


class Known(NamedTuple):
    """K and its interval; without ends where it was given as a number.

    `variance` is that of what one user brings, `quantile` how many standard errors the interval
    reaches.
    """

    estimate: float
    lower: float | None = None
    upper: float | None = None
    variance: float = 0.0
    quantile: float = 0.0

    @classmethod
    def of(cls, k: float | pl.DataFrame) -> Known:
        """Read K from a number, the frame of `k_factor`, or a row of `referral_cascades`."""
        if isinstance(k, Real) and not isinstance(k, bool):
            if not 0 <= k < inf:
                raise ValueError(f"k={show(k)}; allowed: zero or more. Pass whom a user brings.")
            return cls(float(k))
        row = row_of(require_polars(k))
        estimate, lower, upper = (float(row[name]) for name in ("estimate", "lower", "upper"))
        if not row["std_error"]:
            return cls(estimate, lower, upper)
        reach = float(np.log(upper / estimate)) * estimate / row["std_error"]
        return cls(estimate, lower, upper, row["std_error"] ** 2 * row["users"], reach)


def row_of(frame: pl.DataFrame) -> dict[str, Any]:
    """The row of K: that of `k_factor`, or the only one of what `referral_cascades` found."""
    needed = ["estimate", "std_error", "lower", "upper", "users"]
    if "quantity" in frame.columns:
        frame = frame.filter(pl.col("quantity") == "k_factor")
    elif "k_factor" in frame.columns:
        frame = frame.rename({"k_factor": "estimate"})
    if not set(needed) <= set(frame.columns) or frame.is_empty():
        raise TableError(
            f"no row 'k_factor' with the columns {show_names(needed)} found; columns: "
            f"{show_names(frame.columns)}. Pass what vk.k_factor gives, quality.tail(1) of "
            "vk.referral_cascades, or a number."
        )
    if frame.height > 1:
        raise TableError(
            f"{frame.height} rows of a K; allowed: one. Pass quality.tail(1), which is K without "
            "the suspicious referrals."
        )
    return frame.row(0, named=True)


class Growth(NamedTuple):
    """Users at the end of each cycle."""

    new: Floats
    active: Floats
    total: Floats


def check_loop(
    cycle_days: float,
    users: float,
    until_days: float,
    churn: float,
    inflow: float,
    convention: str,
) -> None:
    """Refuse numbers that describe no loop."""
    if convention not in CONVENTIONS:
        raise ValueError(
            f"convention={show(convention)} is not known; allowed: {show_names(CONVENTIONS)}. "
            "Pass one."
        )
    limits = (
        ("cycle_days", cycle_days, 0 < cycle_days < inf, "days, above zero"),
        ("users", users, 0 <= users < inf, "zero or more"),
        ("until_days", until_days, 0 <= until_days < inf, "days, zero or more"),
        ("churn", churn, 0 <= churn <= 1, "a share per day, 0 to 1"),
        ("inflow", inflow, 0 <= inflow < inf, "users per day, zero or more"),
    )
    for name, value, fine, allowed in limits:
        if not fine:
            raise ValueError(f"{name}={show(value)}; allowed: {allowed}. Pass such a number.")
    if not users and not inflow:
        raise ValueError("users=0 and inflow=0; allowed: one of them zero. Somebody has to start.")
    if until_days > MOST_CYCLES * cycle_days:
        raise ValueError(
            f"until_days={show(until_days)} holds more than {MOST_CYCLES:,} cycles of "
            f"{show(cycle_days)} days; allowed: up to that many. Pass fewer days."
        )


@lru_cache(maxsize=64)  # several figures ask for the same run
def grow(
    k: float, stay: float, users: float, inflow: float, cycles: int, convention: str
) -> Growth:
    """Users cycle by cycle: `stay` is the share still active after one, `inflow` per cycle."""
    new, active = np.empty(cycles + 1), np.empty(cycles + 1)
    new[0] = active[0] = users
    inviters = new if convention == "new_users_invite" else active
    with np.errstate(over="ignore", invalid="ignore"):
        for cycle in range(1, cycles + 1):
            new[cycle] = k * inviters[cycle - 1] + inflow
            active[cycle] = stay * active[cycle - 1] + new[cycle]
        total = np.cumsum(new)
    if not total[-1] < MOST_USERS:
        raise ValueError(
            f"k={show(k)} passes the largest number after {cycles} cycles; allowed: totals below "
            f"{MOST_USERS:g}. Pass fewer days."
        )
    return Growth(new, active, total)


def chance_of(known: Known, stay: float, run: Growth, convention: str) -> Growth:
    """The standard deviations that chance alone gives new, active and all users.

    Each inviter brings more or fewer than K, of this variance, and those bring others in turn:
    what one more user comes to, cycle by cycle, is the loop that one user starts.
    """
    inviters = run.new if convention == "new_users_invite" else run.active
    cycles = len(inviters) - 1
    if not known.variance or not cycles:
        return Growth(*(np.zeros(cycles + 1) for _ in run))
    one = grow(known.estimate, stay, 1.0, 0.0, cycles - 1, convention)
    with np.errstate(over="ignore"):
        spread = (np.convolve(known.variance * inviters[:-1], line**2)[:cycles] for line in one)
        return Growth(*(np.append(0.0, np.sqrt(line)) for line in spread))


def limits_of(runs: Sequence[Growth], chance: Growth, quantile: float) -> tuple[Growth, Growth]:
    """The ends of the prediction intervals of new, active and all users.

    The runs are that of K, that in which nobody brings anybody (which chance does not touch), and
    those at the ends of K's interval. How far K and chance lead away from the mean adds up in
    squares, as they are independent. Users in all can only become more, so that a lower end which
    holds for a cycle holds for all later ones: the highest so far stays.
    """
    tail = float(norm.sf(quantile))
    lower, upper = [], []
    for mean, base, at_low, at_high, spread in zip(*runs, chance, strict=True):
        brought = mean - base
        least, most = by_chance(brought, spread, tail)
        lower.append(np.maximum(mean - np.hypot(mean - at_low, brought - least), base))
        upper.append(mean + np.hypot(at_high - mean, np.maximum(most - brought, 0.0)))
    lower[2], upper[2] = np.maximum.accumulate(lower[2]), np.maximum.accumulate(upper[2])
    return Growth(*lower), Growth(*upper)


def by_chance(mean: Floats, spread: Floats, tail: float) -> tuple[Floats, Floats]:
    """Quantiles of a gamma law of this mean and standard deviation, the lower as a whole number."""
    with np.errstate(all="ignore"):
        shape, scale = (mean / spread) ** 2, spread * (spread / mean)
        least, most = np.floor(scale * gamma.ppf(tail, shape)), scale * gamma.isf(tail, shape)
    least, most = np.nan_to_num(least, nan=0.0), np.nan_to_num(most, nan=inf, posinf=inf)
    return np.where(spread > 0, least, mean), np.where(spread > 0, most, mean)


def factor_of(k: float, stay: float, convention: str) -> float:
    """By what the loop multiplies in each cycle, in the long run."""
    return k if convention == "new_users_invite" else k + stay


def multiplier_of(k: float, stay: float, convention: str) -> float:
    """How many users come in all for one that comes from outside; infinite where growth goes on."""
    factor = factor_of(k, stay, convention)
    if k == 0:
        return 1.0
    if factor >= 1:
        return inf
    return 1 / (1 - k) if convention == "new_users_invite" else (1 - stay) / (1 - factor)


def doubling_of(k: float, stay: float, convention: str, cycle_days: float) -> float:
    """Days to double in the long run; infinite where the loop does not grow by itself."""
    factor = factor_of(k, stay, convention)
    return cycle_days * float(np.log(2) / np.log(factor)) if factor > 1 else inf
