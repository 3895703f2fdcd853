"""Where breaks and rates may lie: likelihood ratios with everything else refitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, special, stats

from .results import Array
from .segments import LEAST, Chain, Stream, chain

if TYPE_CHECKING:
    from .phases_results import PhasesResults

INSIDE = (np.arange(8) + 0.5) / 8  # where in a gap the profile of a date is looked at
RATES = np.geomspace(1e-4, 1e4, 401)  # where the profile of a rate is looked at, times an anchor


def intervals(results: PhasesResults, alpha: float) -> list[tuple[float, float]]:
    """Return the interval of each rate, then of each break's date."""
    stream, breaks, freedom = results.model.stream, results._breaks, results.df_resid
    chains = results._found, chain(stream.reversed(), breaks)
    least = float(results._found.deviance[breaks, -1])
    excess = results.scale * float(stats.f(1, freedom).ppf(1 - alpha))
    found = []
    for i in range(breaks + 1):
        anchor = results.params[f"rate_{i + 1}"] or excess / (2 * results._length[i])
        profile = RateProfile(stream, *chains, i, breaks)
        low, high = profile.interval(anchor / stream.pace, least + excess)
        found.append((stream.pace * low, stream.pace * high))
    excess = results.scale * date_quantile(1 - alpha, freedom)
    for i in range(breaks):
        dates = DateProfile(stream, *chains, i, breaks)
        found.append(dates.interval(results.params[f"break_{i + 1}"], least, excess))
    return found


class DateProfile:
    """The least deviance at every date of one break, the rates and the other breaks refitted.

    ``before`` and ``after`` are the chains of the stream and of the reversed stream; the break is
    number ``index`` (from 0) of ``breaks``. ``date`` and ``deviance`` hold the profile on a grid.
    """

    def __init__(
        self, stream: Stream, before: Chain, after: Chain, index: int, breaks: int
    ) -> None:
        self.stream, size, rest = stream, len(stream), breaks - 1 - index
        self.left, self.left_first = before.deviance[index], before.first[index]
        self.right, self.right_last = after.deviance[rest][::-1], size - after.first[rest][::-1]
        dates, gaps = np.arange(1, size), np.repeat(np.arange(1, size - 1), len(INSIDE))
        share = np.tile(INSIDE, size - 2)
        on_date = self.left[dates] + self.right[dates]
        date = [stream.end[dates - 1], stream.begin[dates], self._date(gaps, share)]
        order = np.argsort(np.concatenate(date), kind="stable")
        self.date = np.concatenate(date)[order]
        self.deviance = np.concatenate([on_date, on_date, self.inside(gaps, share)])[order]

    def _date(self, gap: Any, share: Any) -> Any:
        begin, end = self.stream.begin[gap], self.stream.end[gap]
        return begin + share * (end - begin)

    def inside(self, gap: Any, share: Any) -> Any:
        """Least deviance with the break inside a gap, a share of its length after its begin.

        The phases that meet there reach to where they reach in the best solutions that end before
        or after the gap.
        """
        ends, begins = np.array([gap, gap + 1]), np.array([gap + 1, gap])
        first, last = self.left_first[ends], self.right_last[begins]
        begun = _without(self.left[ends], self.stream.deviance(first, ends)[0])
        ended = _without(self.right[begins], self.stream.deviance(begins, last)[0])
        both = meeting(self.stream, first[:, None], gap, last[None, :], share)
        return np.min(begun[:, None] + ended[None, :] + both, axis=(0, 1))

    def interval(self, best: float, least: float, excess: float) -> tuple[float, float]:
        """First and last date whose deviance is at most ``excess`` above the least."""
        order = np.argsort(np.append(self.date, best), kind="stable")
        date = np.append(self.date, best)[order]
        above = np.append(self.deviance, least)[order] - least - excess
        inside = np.flatnonzero(above <= 0)
        low, high = int(inside[0]), int(inside[-1])
        return (
            self._crossing(date[low], date[max(low - 1, 0)], least + excess),
            self._crossing(date[high], date[min(high + 1, len(date) - 1)], least + excess),
        )

    def _crossing(self, inside: float, outside: float, limit: float) -> float:
        """Find where the set ends between a date outside and one inside it, both in one gap."""
        gap = int(np.searchsorted(self.stream.end, (inside + outside) / 2))
        begin, width = self.stream.begin[gap], self.stream.end[gap] - self.stream.begin[gap]
        for _ in range(4 if inside != outside else 0):
            way = np.linspace(outside, inside, 33)
            found = self.inside(np.full(31, gap), (way[1:-1] - begin) / width) <= limit
            reached = 1 + int(np.argmax(np.append(found, True)))
            outside, inside = way[reached - 1], way[reached]
        return float(inside)


class RateProfile:
    """The least deviance at every rate of one phase, the dates and the other rates refitted.

    ``before`` and ``after`` are as for a date; the phase is number ``index`` (from 0) of
    ``breaks + 1``.
    """

    def __init__(
        self, stream: Stream, before: Chain, after: Chain, index: int, breaks: int
    ) -> None:
        self.stream = stream
        self.before, self.after = _beside(before, index), _beside(after, breaks - index)

    def deviance(self, rates: Array) -> Array:
        """Least deviance at each rate (in units of the rate over all gaps)."""
        stream = self.stream
        logs = np.log(rates)[:, None]
        amount, width, best = stream.sums
        inside = 2.0 * (best - amount * (logs + 1.0) + rates[:, None] * width)
        own = stream.amount / stream.width
        begun = _at_best(self.before, own, rates) - inside
        ended = _at_best(self.after, own[::-1], rates)[:, ::-1] + inside
        begun = np.minimum.accumulate(begun, axis=1)
        return np.asarray(np.min(begun[:, :-LEAST] + ended[:, LEAST:], axis=1))

    def interval(self, anchor: float, limit: float) -> tuple[float, float]:
        """Least and greatest rate, near a positive one, whose deviance is at most ``limit``."""
        rates = anchor * RATES
        inside = np.flatnonzero(self.deviance(rates) <= limit)
        low, high = (int(inside[0]), int(inside[-1])) if len(inside) else (200, 200)
        lower = self._crossing(rates[low], rates[low - 1], limit) if low else 0.0
        upper = self._crossing(rates[high], rates[high + 1], limit) if high < 400 else np.inf
        return lower, upper

    def _crossing(self, inside: float, outside: float, limit: float) -> float:
        """Find where the interval ends between a rate outside and one inside it."""
        for _ in range(4):
            way = np.geomspace(outside, inside, 33)
            reached = 1 + int(np.argmax(np.append(self.deviance(way[1:-1]) <= limit, True)))
            outside, inside = way[reached - 1], way[reached]
        return float(inside)


def _beside(chain: Chain, breaks: int) -> tuple[Array, Array] | None:
    """Return deviance and last rate of all beginnings beside a phase; None at an end."""
    return (chain.deviance[breaks - 1], chain.rate[breaks - 1]) if breaks else None


def _at_best(beside: tuple[Array, Array] | None, own: Array, rates: Array) -> Array:
    """Deviance of what lies before each first gap of a phase, for each rate of that phase.

    The break lies on the date, or inside the gap before if the gap's own rate lies between.
    """
    if beside is None:
        only = np.full((len(rates), len(own) + 1), np.inf)
        only[:, 0] = 0.0
        return only
    deviance, last = beside
    on_date = np.tile(deviance, (len(rates), 1))
    between = (own - last[:-1]) * (rates[:, None] - own) > 0
    inside = np.where(between, deviance[:-1], np.inf)
    on_date[:, 1:] = np.minimum(on_date[:, 1:], inside)
    return on_date


def _without(total: Array, part: Array) -> Array:
    """Take a part off a deviance; infinite stays infinite."""
    apart = np.full(np.shape(total), np.inf)
    np.subtract(total, part, out=apart, where=np.isfinite(total))
    return apart


def meeting(stream: Stream, first: Any, gap: Any, last: Any, share: Any) -> Any:
    """Deviance of the gaps first … last - 1 when the rate changes inside one of them.

    The amount of that gap comes from its two parts as their means do; the part that comes from the
    first solves a quadratic equation.
    """
    amount, width, best = stream.sums
    y, y1, y2 = stream.amount[gap], amount[gap] - amount[first], amount[last] - amount[gap + 1]
    a, b = share * stream.width[gap], (1.0 - share) * stream.width[gap]
    long1, long2 = width[gap] - width[first] + a, width[last] - width[gap + 1] + b
    u, v = a / long1, b / long2
    square, linear, constant = y * (u - v), u * y1 + v * y2 + y * (v - u), -u * y1
    root = np.sqrt(np.maximum(linear**2 - 4 * square * constant, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(
            linear >= 0, -2 * constant / (linear + root), (root - linear) / (2 * square)
        )
    part = np.clip(np.nan_to_num(part), 0.0, 1.0)
    rate1, rate2 = (y1 + part * y) / long1, (y2 + (1 - part) * y) / long2
    fitted = special.xlogy(y1, rate1) + special.xlogy(y2, rate2)
    fitted = fitted + special.xlogy(y, (a * rate1 + b * rate2) / stream.width[gap])
    whole = (gap - first >= LEAST) & (last - gap - 1 >= LEAST)
    return np.where(whole, np.maximum(2.0 * (best[last] - best[first] - fitted), 0.0), np.inf)


def date_quantile(level: float, freedom: int) -> float:
    """Quantile of twice the log-likelihood ratio of a break date, over an estimated dispersion.

    With a known dispersion P(x) = (1 - exp(-x / 2))², the law of the highest point of a two-sided
    random walk with drift (Eo and Morley 2015); here averaged over the error of the dispersion.
    """

    def excess(x: float) -> float:
        one, two = (float((1 + i * x / freedom) ** (-freedom / 2)) for i in (1, 2))
        return float(1.0 - 2.0 * one + two - level)

    high = 8.0
    while excess(high) < 0:
        high *= 2
    return float(optimize.brentq(excess, 0.0, high))
