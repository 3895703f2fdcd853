"""Means of counts and shares of them, with intervals that let users differ."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from viralkit.wording import show

Floats = NDArray[np.float64]
BETWEEN = "variance between users"
POISSON, BINOMIAL = "Poisson law assumed", "binomial law assumed"


class Rate(NamedTuple):
    """An estimate with its interval, and what the interval rests on."""

    estimate: float | None
    std_error: float | None
    lower: float
    upper: float
    basis: str


def check_level(alpha: float) -> None:
    """Refuse what is not one minus the coverage of an interval."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={show(alpha)}; allowed: between 0 and 1. Pass .05 for 95 %.")


def mean_of(total: float, squares: float, users: int, alpha: float) -> Rate:
    """The mean of a count per user, from the sums of the counts and of their squares."""
    variance = (squares - total**2 / users) / max(users - 1, 1)
    if users < 2 or variance <= 1e-12 * squares:
        return mean_by_law(total, users, alpha)
    mean, error = total / users, float(np.sqrt(variance / users))
    reach = _quantile(users, alpha) * error / mean
    return Rate(mean, error, mean * np.exp(-reach), mean * np.exp(reach), BETWEEN)


def mean_by_law(total: float, users: int, alpha: float) -> Rate:
    """The mean of a count per user where only the total is known: exact for a Poisson law."""
    tail = alpha / 2 if total else alpha
    lower = float(stats.chi2.ppf(tail, 2 * total)) / 2 / users if total else 0.0
    upper = float(stats.chi2.ppf(1 - tail, 2 * total + 2)) / 2 / users
    error = float(np.sqrt(total)) / users if total else None
    return Rate(total / users, error, lower, upper, POISSON)


def share_of(part: Floats, whole: Floats, alpha: float) -> Rate:
    """The share of one count in another; users differ in it, and in how much they count."""
    total, users = float(whole.sum()), len(whole)
    if not total or users < 2:
        return share_by_law(float(part.sum()), total, alpha)
    share = float(part.sum()) / total
    variance = float(((part - share * whole) ** 2).sum()) * users / (users - 1) / total**2
    if variance <= 1e-12 or not 0 < share < 1:
        return share_by_law(float(part.sum()), total, alpha)
    odds, error = share / (1 - share), float(np.sqrt(variance))
    reach = np.exp(_quantile(users, alpha) * error / share / (1 - share))
    ends = odds / reach, odds * reach
    return Rate(share, error, ends[0] / (1 + ends[0]), ends[1] / (1 + ends[1]), BETWEEN)


def share_by_law(part: float, whole: float, alpha: float) -> Rate:
    """The share of a total: exact for independent cases, one-sided where it is none or all."""
    if not whole:
        return Rate(None, None, 0.0, 1.0, "nothing to take a share of")
    share = part / whole
    tail = alpha if share in (0.0, 1.0) else alpha / 2
    lower = float(stats.beta.ppf(tail, part, whole - part + 1)) if part else 0.0
    upper = float(stats.beta.ppf(1 - tail, part + 1, whole - part)) if share < 1 else 1.0
    error = float(np.sqrt(share * (1 - share) / whole)) if 0 < share < 1 else None
    return Rate(share, error, lower, upper, BINOMIAL)


def as_frame(rates: dict[str, Rate]) -> pl.DataFrame:
    """Rates as a tidy table."""
    schema = {"quantity": pl.String, **dict.fromkeys(Rate._fields[:4], pl.Float64)}
    rows = [(name, *rate) for name, rate in rates.items()]
    return pl.DataFrame(rows, {**schema, "basis": pl.String}, orient="row")


def _quantile(users: int, alpha: float) -> float:
    return float(stats.t(users - 1).ppf(1 - alpha / 2))
