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
from scipy import special

from .results import Array

LEAST = 2  # whole gaps in a phase: three points, a date on which a break lies counted on both sides
BLOCK = 2_000_000  # cells of a table held in memory at once


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
