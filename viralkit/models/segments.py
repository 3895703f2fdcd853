"""Where does a stream change its rate? Dynamic programming over dates and over the gaps between.

A stream is a row of amounts, each counted over a gap of time. Within a phase the rate is constant
and an amount has variance in proportion to its mean (quasi-Poisson). A break lies on a date between
two gaps, or inside a gap. Inside a gap the best date is known in closed form: rates follow from the
whole gaps on either side, and the date is where both rates together give the amount of the gap
exactly, provided that its own rate lies between them. So no grid is needed: the search is over
phases made of whole gaps, each break between them taking one gap or none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import optimize, special

from .results import Array

LEAST = 2  # whole gaps in a phase: three points, a date on which a break lies counted on both sides
BLOCK = 2_000_000  # cells of a table held in memory at once
INSIDE = (np.arange(8) + 0.5) / 8  # where in a gap the profile is looked at


@dataclass(frozen=True)
class Stream:
    """Amounts counted over gaps of time that follow one another; gap i is begin[i] … end[i]."""

    begin: Array
    end: Array
    amount: Array

    def __len__(self) -> int:
        return len(self.amount)

    @cached_property
    def pace(self) -> float:
        """The rate over all gaps."""
        return float(self.amount.sum() / (self.end - self.begin).sum())

    @cached_property
    def width(self) -> Array:
        """Length of each gap, in units in which the rate over all gaps is one."""
        return (self.end - self.begin) * self.pace

    @cached_property
    def sums(self) -> tuple[Array, Array, Array]:
        """Amount, width and saturated log-likelihood before each gap, added up."""
        parts = (self.amount, self.width, special.xlogy(self.amount, self.amount / self.width))
        amount, width, best = (np.concatenate([[0.0], np.cumsum(part)]) for part in parts)
        return amount, width, best

    def reversed(self) -> Stream:
        """Return the stream as it would be if time ran backwards."""
        return Stream(-self.end[::-1], -self.begin[::-1], self.amount[::-1])

    def deviance(self, first: Any, last: Any) -> Any:
        """Deviance of one phase over the gaps first … last - 1, and its rate."""
        amount, width, best = (total[last] - total[first] for total in self.sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = amount / width
            misfit = 2.0 * (best - special.xlogy(amount, rate))
        return np.where(last - first >= LEAST, np.maximum(misfit, 0.0), np.inf), rate


@dataclass(frozen=True)
class Chain:
    """The least deviance of every beginning of a stream, with every number of breaks.

    Row k holds k breaks, column b the gaps before b. ``first`` is where the last phase of that
    solution begins, ``taken`` whether the break before it took a gap, ``rate`` the rate of it.
    """

    deviance: Array
    first: Any
    taken: Any
    rate: Array

    def phases(self, breaks: int, last: int) -> list[tuple[int, int]]:
        """Return the phases of the best solution as pairs (first gap, one after the last)."""
        found = []
        for k in range(breaks, -1, -1):
            first = int(self.first[k, last])
            found.append((first, last))
            last = first - int(self.taken[k, last])
        return found[::-1]


def chain(stream: Stream, most: int) -> Chain:
    """Find the best phases of every beginning of the stream, for 0 … ``most`` breaks."""
    size = len(stream) + 1
    deviance, rate = np.full((2, most + 1, size), np.nan)
    first, taken = np.zeros((most + 1, size), int), np.zeros((most + 1, size), bool)
    deviance[0], rate[0] = stream.deviance(np.zeros(size, int), np.arange(size))
    for columns in np.array_split(np.arange(size), size * size // BLOCK + 1):
        step = _Step(stream, columns)
        for k in range(1, most + 1):
            found = step.add_break(deviance[k - 1], rate[k - 1])
            for table, values in zip((deviance, first, taken, rate), found, strict=True):
                table[k, columns] = values
    return Chain(deviance, first, taken, rate)


class _Step:
    """One more phase, for some of its last gaps and all of its first gaps."""

    def __init__(self, stream: Stream, columns: Any) -> None:
        self.firsts = np.arange(int(columns[-1]) + 1)
        self.misfit, self.rate = stream.deviance(self.firsts[:, None], columns[None, :])
        own = stream.amount / stream.width
        self.own = np.concatenate([[np.nan], own])[: len(self.firsts), None]  # of the gap before
        self.above = self.rate > self.own
        self.below = self.rate < self.own

    def add_break(self, before: Array, rate: Array) -> tuple[Array, Any, Any, Array]:
        """Add a phase after the best solutions with one break less."""
        count = len(self.firsts)
        on_date = before[:count, None] + self.misfit
        left = np.concatenate([[np.nan], rate])[:count, None]
        between = (self.above & (left < self.own)) | (self.below & (left > self.own))
        inside = np.concatenate([[np.inf], before])[:count, None] + self.misfit
        inside = np.where(between, inside, np.inf)
        total = np.minimum(on_date, inside)
        best, column = np.argmin(total, axis=0), np.arange(total.shape[1])
        taken = inside[best, column] < on_date[best, column]
        return total[best, column], best, taken, self.rate[best, column]


def break_dates(stream: Stream, phases: list[tuple[int, int]]) -> Array:
    """Return the best date of the break between each two phases."""
    dates = []
    for (first, last), (later, end) in pairwise(phases):
        if last == later:
            dates.append((stream.end[last - 1] + stream.begin[last]) / 2)
            continue
        left, right = (float(stream.deviance(*pair)[1]) for pair in ((first, last), (later, end)))
        own = stream.amount[last] / stream.width[last]
        share = (own - right) / (left - right)
        dates.append(stream.begin[last] + share * (stream.end[last] - stream.begin[last]))
    return np.array(dates)


class Profile:
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
        total = np.full(np.shape(gap), np.inf)
        for left in (gap, gap + 1):
            first = self.left_first[left]
            begun = _without(self.left[left], self.stream.deviance(first, left)[0])
            for right in (gap + 1, gap):
                last = self.right_last[right]
                ended = _without(self.right[right], self.stream.deviance(right, last)[0])
                both = meeting(self.stream, first, gap, last, share)
                total = np.minimum(total, begun + ended + both)
        return total

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

    With a known dispersion the law is P(x) = (1 - exp(-x / 2))², the highest point of a two-sided
    random walk with drift (Bhattacharya and Brockwell 1976, doi:10.1007/BF00533310); here it is
    averaged over a dispersion with chi-squared error.
    """

    def excess(x: float) -> float:
        one, two = (float((1 + i * x / freedom) ** (-freedom / 2)) for i in (1, 2))
        return float(1.0 - 2.0 * one + two - level)

    high = 8.0
    while excess(high) < 0:
        high *= 2
    return float(optimize.brentq(excess, 0.0, high))
