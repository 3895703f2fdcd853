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


def mean_of(counts: Floats, users: int, alpha: float) -> Rate:
    """The mean of a count per user; users without a count of their own have zero."""
    total = float(counts.sum())
    mean, absent = total / users, users - len(counts)
    moments = [float(((counts - mean) ** p).sum()) + absent * mean**p for p in (2, 4)]
    error, reach = sampled(moments[0], moments[1], users, alpha)
    if not error > 1e-6 * mean / users:
        return mean_by_law(total, users, alpha)
    ends = mean * np.exp(-reach / mean), mean * np.exp(reach / mean)
    return Rate(mean, error, float(ends[0]), float(ends[1]), BETWEEN)


def sampled(squares: float, fourths: float, size: int, alpha: float) -> tuple[float, float]:
    """The standard error of a mean, and how far its interval reaches.

    From the sums of squares and of fourth powers of the deviations. Where few deviate much their
    variance is itself uncertain: Student's t has 2n / (kurtosis - 1) degrees of freedom, at most
    n - 1 (Satterthwaite 1946, doi:10.2307/3002019).
    """
    if size < 2 or not squares:
        return 0.0, 0.0
    excess = max(size * fourths / squares**2 - 1, 1e-9)
    freedom = min(2 * size / excess, size - 1.0)
    error = float(np.sqrt(squares / (size - 1) / size))
    return error, float(stats.t(freedom).ppf(1 - alpha / 2)) * error


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
    share, parts = float(part.sum()) / total, users * (part - whole * part.sum() / total) / total
    squares, fourths = float((parts**2).sum()), float((parts**4).sum())
    error, reach = sampled(squares, fourths, users, alpha)
    if not 0 < share < 1 or not error > 1e-6 / users:
        return share_by_law(float(part.sum()), total, alpha)
    odds, times = share / (1 - share), float(np.exp(reach / share / (1 - share)))
    low, high = odds / times, odds * times
    return Rate(share, error, low / (1 + low), high / (1 + high), BETWEEN)


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


def as_frame(rates: dict[str, Rate], users: int) -> pl.DataFrame:
    """Rates of so many users as a tidy table."""
    schema = {"quantity": pl.String, **dict.fromkeys(Rate._fields[:4], pl.Float64)}
    rows = [(name, *rate) for name, rate in rates.items()]
    frame = pl.DataFrame(rows, {**schema, "basis": pl.String}, orient="row")
    return frame.with_columns(users=pl.lit(users, pl.Int64))
