"""Phases of constant growth between dates that the data choose."""

from __future__ import annotations

import copy
from functools import cached_property

import numpy as np
import polars as pl

from ..tables import TableError
from .counted import CountsModel
from .families import FAMILIES
from .phases_results import PhasesResults
from .results import Array, Parameter
from .segments import Stream, chain
from .series import outside, prepare
from .times import When

RATES = ("per_day", "relative")
POINTS = 3  # the least in a phase
MOST = 12  # breaks that are looked for when their number is not given
EXACT = 1e-11  # deviance, as a share of all that was counted, below which a fit is exact


class Phases(CountsModel):
    """When did growth change its pace, and what was the pace between?

    The rate is constant within a phase and jumps at breaks whose number and dates are unknown.
    ``rate="per_day"``: counts per unit of time (per day with ``unit="day"``), so that the
    cumulative count is piecewise linear. ``rate="relative"``: growth of the logarithm of the
    cumulative count per unit of time, so that the cumulative count is piecewise exponential.

    Increments between dates (of the count, or of its logarithm) are independent, with variance in
    proportion to their mean (quasi-Poisson): a law that is the same however finely the dates lie,
    never lets a cumulative count fall, and does not change when counts or time are counted in other
    units. Uncertain dates are taken at ``time``, and bounds are not used. Totals, curve and
    forecast leave out periods that are missing.

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one item; rows whose ``excluded`` is not null are skipped.
    unit : {"day", "week", "year", "period"}
        Unit of time of the rates; "period" for times that are numbers.
    start : date, datetime or float, optional
        The launch. Required unless the first row is a cumulative count of zero.
    rate : {"per_day", "relative"}
        What is constant within a phase.

    Raises
    ------
    TableError
        The table is not a counts table of one item, or holds fewer than six points.
    ValueError
        The unit, the start or the rate is not known or does not fit the times.

    Notes
    -----
    Breaks are found by dynamic programming over the dates of observation (Bai and Perron 2003,
    doi:10.1002/jae.659); each break is then placed inside its gap, where both rates give the
    amount of the gap exactly. Time grows with the square of the points: about a second for 1,500.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> time = [0.0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    >>> total = [0, 9, 21, 30, 41, 49, 80, 119, 161, 199, 240, 281]
    >>> counts = pl.DataFrame({"item": "a", "time": time, "count": total, "kind": "cumulative"})
    >>> fit = vk.Phases(counts, unit="period").fit()
    >>> {name: round(value, 1) for name, value in fit.params.items()}
    {'rate_1': 9.8, 'rate_2': 40.2, 'break_1': 5.3}
    """

    name = "Phases"

    def __init__(
        self,
        counts: pl.DataFrame,
        *,
        unit: str,
        start: When | None = None,
        rate: str = "per_day",
    ) -> None:
        if rate not in RATES:
            raise ValueError(f"rate={rate!r} is not known; allowed: {list(RATES)}. Pass one.")
        relative = rate == "relative"
        self.series, self.start = prepare(counts, unit=unit, start=start, reaches_back=relative)
        self.counts, self.unit, self.rate, self._given_start = counts, unit, rate, start
        self.stream, self.first_count = self._relative() if relative else self._per_unit()
        if self.most < 1:
            raise TableError(
                f"{len(self.stream) + 1} points (the launch included); phases need at least "
                f"{2 * POINTS}: {POINTS} on either side of a break. Add counts, or fit vk.Linear "
                "or vk.Exponential."
            )

    def _per_unit(self) -> tuple[Stream, float]:
        series = self.series
        return Stream(series.begin, series.end, series.increment), series.base

    def _relative(self) -> tuple[Stream, float]:
        """Return the growth of the logarithm between counts above zero, and the first of them."""
        series = self.series
        follow = np.allclose(series.begin, np.append(0.0, series.end[:-1]))
        if not series.cumulative and not follow:
            raise TableError(
                "periods are missing after the start, so cumulative counts are not known; "
                "rate='relative' divides by them. Add the periods, or use rate='per_day'."
            )
        known = series.level > 0
        age, level = series.end[known], series.level[known]
        if level[0] == level[-1]:
            raise TableError(
                f"the cumulative count stays at {level[0]:g}: nothing grows. A model needs growth."
            )
        return Stream(age[:-1], age[1:], np.diff(np.log(level))), float(level[0])

    @property
    def most(self) -> int:
        """The largest number of breaks that leaves three points to each phase."""
        return (len(self.stream) + 1) // POINTS - 1

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:  # type: ignore[override]
        """The parameters of the fit: as many rates and breaks as ``fit()`` finds by default."""
        found: tuple[Parameter, ...] = self.fit().model.parameters
        return found

    def _with(self, breaks: int) -> Phases:
        """Return this model with a known number of breaks."""
        model = copy.copy(self)
        unit = f"per {self.unit}" if self.rate == "relative" else f"count per {self.unit}"
        words = "relative growth" if self.rate == "relative" else "rate"
        rates = [Parameter(f"rate_{i}", f"{words} in phase {i}", unit) for i in _from_1(breaks + 1)]
        since = f"{self.unit}s since start"
        dates = [Parameter(f"break_{i}", f"break {i}", since, False) for i in _from_1(breaks)]
        model.__dict__["parameters"] = (*rates, *dates)
        return model

    @property
    def call(self) -> str:
        """The line of Python that makes this model."""
        rate = "" if self.rate == "per_day" else f", rate={self.rate!r}"
        return self._call(rate)

    def spells(self, params: dict[str, float], begin: Array, end: Array) -> Array:
        """Time from each begin to each end that falls into each phase: (rows, phases).

        Before the first point the first phase goes on. Breaks out of order count as one. Gaps
        between periods are left out.
        """
        breaks = [params[f"break_{i}"] for i in _from_1(_count(params))]
        edges = np.maximum.accumulate([-np.inf, *breaks])
        upper = np.append(edges[1:], np.inf)
        until, since = (np.clip(age[:, None], edges, upper) for age in (end, begin))
        gaps = self.series.gaps
        return outside(until, gaps) - outside(since, gaps) if gaps else until - since

    def _growth(self, params: dict[str, float], begin: Array, end: Array) -> Array:
        """Growth (of the count or its logarithm) between ages."""
        rates = np.array([params[f"rate_{i}"] for i in _from_1(_count(params) + 1)])
        return np.asarray(self.spells(params, begin, end) @ rates)

    def to_count(self, growth: Array) -> Array:
        """Turn growth since the first point into cumulative counts."""
        if self.rate == "per_day":
            return self.first_count + growth
        with np.errstate(over="ignore"):
            return np.asarray(self.first_count * np.exp(growth))

    def curve(self, params: dict[str, float], ages: Array) -> Array:
        """Cumulative counts at ages, at any parameters: pure numpy, for sliders."""
        age = np.asarray(ages, dtype=float)
        first = np.full_like(age, self.stream.begin[0])
        return self.to_count(self._growth(params, first, age))

    def mean(self, params: dict[str, float]) -> Array:
        """Expected growth in each gap, never below a trillionth of all growth."""
        growth = self._growth(params, self.stream.begin, self.stream.end)
        return np.maximum(growth, 1e-12 * float(self.stream.amount.sum()))

    def deviance(self, params: dict[str, float]) -> float:
        """Misfit at any parameters; smallest at the fit with that number of breaks."""
        family = FAMILIES["quasipoisson"]
        return float(np.sum(family.deviance(self.stream.amount, self.mean(params))))

    def fit(self, *, breaks: int | None = None) -> PhasesResults:
        """How many phases are there, when do they change, and how fast is each?

        Parameters
        ----------
        breaks : int, optional
            The number of breaks, if it is known. Default: the number with the smallest modified
            BIC, ``n log(D / (n - 2k - 1)) + 3 k log n`` for k breaks, n gaps and deviance D: the
            penalty of Zhang and Siegmund (2007), doi:10.1111/j.1541-0420.2006.00662.x, without its
            term for uneven phases, and two parameters a break taken off the degrees of freedom.

        Returns
        -------
        PhasesResults

        Raises
        ------
        ValueError
            A number of breaks that does not leave three points to each phase.
        """
        if breaks is not None and (isinstance(breaks, bool) or breaks not in range(self.most + 1)):
            raise ValueError(
                f"breaks={breaks!r} is not possible; {len(self.stream) + 1} points allow 0 to "
                f"{self.most} ({POINTS} points a phase). Pass such a number, or None to let the "
                "data choose."
            )
        found = chain(self.stream, min(self.most, MOST) if breaks is None else breaks)
        chosen = int(np.argmin(self.criterion(found.deviance[:, -1]))) if breaks is None else breaks
        return PhasesResults(self._with(chosen), found, chosen, breaks)

    def criterion(self, deviance: Array) -> Array:
        """Return the modified BIC of 0, 1, 2 … breaks with these deviances; see ``fit``."""
        size, breaks = len(self.stream), np.arange(len(deviance))
        misfit = np.maximum(deviance, EXACT * self.stream.amount.sum())
        scale = misfit / np.maximum(size - 2 * breaks - 1, 1)
        return np.asarray(size * np.log(scale) + 3 * breaks * np.log(size))


def _from_1(count: int) -> range:
    return range(1, count + 1)


def _count(params: dict[str, float]) -> int:
    """How many breaks a set of parameters has."""
    return sum(name.startswith("break_") for name in params)
