"""Branching in formulas: offspring, total progeny, extinction, and who passes things on.

Everywhere `mean` is the reproduction number R and `inverse` is 1/k: 0 is the Poisson law of
offspring, 1 the geometric one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import optimize, special

from .results import Array

STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680)
LARGE = 20.0  # from here on Stirling's series is exact to the last digits
DEEP = 1e-6  # a tail below this is summed from its own terms, not as what is left of one
LONGEST = 100_000  # terms of such a tail
MOST = 200_000  # counts of one sender that are added one by one


def stirling(x: Array) -> Array:
    """How much the log of the gamma function exceeds the leading terms of its series."""
    return np.asarray(sum(c / x ** (2 * i + 1) for i, c in enumerate(STIRLING)))


def log_rising(x: Array, steps: Array) -> Array:
    """The log of (1 + 0/x) (1 + 1/x) … (1 + (steps - 1)/x), exact for small and large x."""
    large = np.maximum(x, LARGE)
    end = large + steps
    series = (end - 0.5) * np.log1p(steps / large) - steps + stirling(end) - stirling(large)
    direct = special.gammaln(x + steps) - special.gammaln(x) - steps * np.log(x)
    return np.where(x >= LARGE, series, direct)


def log_offspring(parents: Array, children: Array, mean: float, inverse: float) -> Array:
    """The log of the probability that so many parents have so many children together."""
    ways = special.xlogy(children, parents * mean) - special.gammaln(children + 1.0)
    if inverse < 1e-12:
        return np.asarray(ways - parents * mean)
    grown = np.log1p(inverse * mean)
    rising = log_rising(parents / inverse, children)
    return np.asarray(ways + rising - (children + parents / inverse) * grown)


def log_offspring_at_least(parents: Array, children: Array, mean: float, inverse: float) -> Array:
    """The log of the probability that so many parents have at least so many children."""
    some = np.maximum(children, 1.0)
    if inverse < 1e-9:
        tail = special.gammainc(some, parents * mean)
    else:
        tail = special.betainc(some, parents / inverse, mean * inverse / (1 + mean * inverse))
    return np.where(children > 0, np.log(np.maximum(tail, 1e-300)), 0.0)


def log_progeny(size: Array, roots: Any, mean: float, inverse: float) -> Array:
    """The log of the probability that a cascade from so many roots ends at a size.

    Dwass (1969), The total progeny in a branching process, doi:10.2307/3212112; for Poisson
    offspring the law of Borel and Tanner.
    """
    return np.asarray(np.log(roots / size) + log_offspring(size, size - roots, mean, inverse))


def decay(mean: float, inverse: float) -> float:
    """By which rate the probabilities of sizes fall in the end; zero where R is one."""
    if mean <= 0:
        return np.inf
    if inverse < 1e-9:
        return mean - 1 - float(np.log(mean))
    grown = float(np.log1p(inverse * mean) - np.log1p(inverse))
    return (1 + 1 / inverse) * grown - float(np.log(mean))


def log_progeny_at_least(size: Array, roots: int, mean: float, inverse: float) -> Array:
    """The log of the probability that a cascade reaches a size; endless cascades do."""
    top = int(size.max())
    below = np.exp(log_progeny(np.arange(roots, top + 0.0), roots, mean, inverse))
    place = np.maximum(size - roots, 0).astype(int)
    left = 1 - np.append(0.0, np.cumsum(below))[place]
    if left.min() > DEEP:
        return np.asarray(np.log(left))
    further = top + int(min(40 / max(decay(mean, inverse), 1e-9) + 10, LONGEST))
    terms = log_progeny(np.arange(roots, further + 0.0), roots, mean, inverse)
    endless = 1 - extinction(mean, inverse, roots)
    terms = np.append(terms, np.log(endless) if endless > 0 else -np.inf)
    tails = np.logaddexp.accumulate(terms[::-1])[::-1]
    return np.asarray(np.where(left > DEEP, np.log(np.maximum(left, DEEP)), tails[place]))


def extinction(mean: float, inverse: float, seeds: int = 1) -> float:
    """The probability that what so many seeds start dies out."""
    if mean <= 1 + 1e-12:
        return 1.0
    if np.isinf(mean):
        return 0.0

    def excess(survival: float) -> float:
        return -float(np.expm1(-log_grown(survival))) - survival

    def log_grown(survival: float) -> float:
        grown = mean * survival
        return grown if inverse < 1e-12 else float(np.log1p(inverse * grown)) / inverse

    least = min(2 * (mean - 1) / (mean**2 * (1 + inverse)), 1.0)  # survival is no less
    least *= 1 - 1e-9
    if excess(least) <= 0:
        return float((1 - least) ** seeds)
    return float((1 - optimize.brentq(excess, least, 1.0, xtol=1e-15, rtol=1e-14)) ** seeds)


def over_by(mean: float, inverse: float, generation: int, seeds: int = 1) -> float:
    """The probability that what so many seeds start has nobody in a generation from theirs on."""
    over = 0.0
    for _ in range(generation):
        grown = mean * (1 - over)
        over = float(np.exp(-grown if inverse < 1e-12 else -np.log1p(inverse * grown) / inverse))
    return over**seeds


def lone(mean: float, inverse: float) -> float:
    """The probability that somebody passes nothing on."""
    return float(np.exp(log_offspring(np.ones(1), np.zeros(1), mean, inverse)[0]))


def reach(mean: float, seeds: int = 1) -> float:
    """The expected number of people reached, seeds included."""
    return seeds / (1 - mean) if mean < 1 else np.inf


def past(mean: float, hops: int) -> float:
    """The share of all adoptions that lie more than so many hops from the seeds."""
    return min(mean, 1.0) ** (hops + 1)


def concentration(mean: float, inverse: float) -> tuple[Array, Array]:
    """Senders from the most active on: their share of all, and of all that is passed on.

    Counts are so large beyond `MOST` that only the activity matters, which is gamma-distributed.
    """
    spread = np.sqrt(mean * (1 + inverse * mean))
    most = mean + 50 * spread + 60 * (1 + inverse * mean)
    if most > MOST:
        k = 1 / max(inverse, 1e-6)
        senders = np.append(0.0, np.logspace(-12, 0, 4000))
        return senders, special.gammaincc(k + 1, special.gammainccinv(k, senders))
    count = np.arange(int(most), -1.0, -1.0)
    share = np.exp(log_offspring(np.ones(1), count, mean, inverse))
    return np.append(0.0, np.cumsum(share)), np.append(0.0, np.cumsum(count * share) / mean)


def caused_by_top(mean: float, inverse: float, top: float) -> float:
    """Which share of all that is passed on do the most active so many senders cause?"""
    if mean <= 0:
        return np.nan
    return min(float(np.interp(top, *concentration(mean, inverse))), 1.0)


def senders_of(mean: float, inverse: float, share: float) -> float:
    """Which share of senders, the most active first, causes so much of what is passed on?"""
    if mean <= 0:
        return np.nan
    senders, caused = concentration(mean, inverse)
    rising = np.append(True, np.diff(caused) > 0)
    return float(np.interp(share, caused[rising], senders[rising]))
