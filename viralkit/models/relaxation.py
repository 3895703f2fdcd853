"""Relaxation: did a burst of attention come from outside or from within?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy import optimize, special

from ..tables import TableError
from ..wording import show
from .results import Array, Model, Parameter
from .series import prepare
from .times import When, as_time, to_age, to_time

if TYPE_CHECKING:
    from .relaxation_results import RelaxationResults

FEWEST = 5  # periods on one side of the peak
FINEST = 64  # a longer period is cut into at most so many parts
MEMORY = (0.3, 0.5)  # the exponent θ of people's reaction times, as published: .4 ± .1


@dataclass(frozen=True)
class Side:
    """The periods on one side of the peak, cut into parts of about one unit each."""

    count: Array
    period: Any  # to which period each part belongs
    distance: Array  # log of the distance of each part's middle from the peak
    width: Array  # log of the width of each part

    def mean_and_slopes(self, level: float, exponent: float) -> tuple[Array, Array]:
        """The expected counts, and their slopes with the log of the level and the exponent."""
        parts = self.parts(level, exponent)
        periods = len(self.count)
        mean = np.bincount(self.period, parts, periods)
        fall = np.bincount(self.period, -parts * self.distance, periods)
        return np.asarray(mean), np.column_stack([mean, fall])

    def parts(self, level: float, exponent: float) -> Array:
        """The expected count of each part of a period."""
        line = level - exponent * self.distance + self.width
        return np.asarray(np.exp(np.clip(line, -700, 700)))


@dataclass(frozen=True)
class Fall:
    """A power law on one side: log of the level, exponent, their covariance, and the noise."""

    level: float
    exponent: float
    covariance: Array
    dispersion: float  # φ, the variance divided by that of the family
    overdispersion: float  # α: variance = mean + α mean²
    freedom: int


class Relaxation(Model):
    """Did a burst of attention come from outside or from within, and how fast does it fade?

    The classes of Crane and Sornette (2008): attention falls from its peak as a power law of the
    distance in time. With θ the exponent of people's reaction times (0.4 ± 0.1 as published), the
    exponent is 1 + θ after a push from outside that hardly spreads (exogenous sub-critical), 1 − θ
    after one that spreads (exogenous critical), and 1 − 2θ, before the peak as well as after it,
    where the peak grew by word of mouth (endogenous critical).

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one item: incremental counts, or cumulative ones, whose increments are
        used. Periods may differ in length.
    unit : {"day", "week", "year", "period"}
        The unit of distances from the peak; one period should last about as long.
    peak : date, datetime, ISO text or float, optional
        A time in the period in which the burst peaked; by default the one with the highest rate.
        Distances count from the middle of that period.

    Raises
    ------
    TableError
        Counts are unusable, or fewer than five periods follow the peak.

    References
    ----------
    Crane, Sornette (2008), Robust dynamic classes revealed by measuring the response function of a
    social system, PNAS 105, 15649-15653, doi:10.1073/pnas.0803685105.

    Examples
    --------
    >>> import numpy as np, polars as pl
    >>> days = np.arange(40.0)
    >>> views = np.where(days < 5, 20, 4000 / np.maximum(days - 5, 0.8) ** 0.6).round()
    >>> counts = pl.DataFrame({"item": "video", "time": days, "count": views})
    >>> counts = counts.with_columns(kind=pl.lit("incremental"), period_end=pl.col("time") + 1)
    >>> fit = Relaxation(counts, unit="period").fit()
    >>> round(fit.params["exponent_after"], 2), fit.verdict
    (0.6, 'exogenous critical')
    """

    name = "Relaxation"
    parameters = (
        Parameter("exponent_after", "exponent after the peak", "none", positive=False),
        Parameter("exponent_before", "exponent before the peak", "none", positive=False),
        Parameter("peak_share", "share of the peak period in the whole", "none"),
    )

    def __init__(self, counts: pl.DataFrame, *, unit: str, peak: When | str | None = None) -> None:
        first = counts.sort("time")["time"][0] if counts.height and "time" in counts.columns else 0
        self.series, self.start = prepare(counts, unit=unit, start=first, reaches_back=False)
        self.unit, self.label = unit, self.series.label
        begin, end, count = self.series.begin, self.series.end, self.series.increment
        rate = count / (end - begin)
        self.highest = int(np.argmax(rate)) if peak is None else self._period_of(peak)
        self.peak_age = float(begin[self.highest] + end[self.highest]) / 2
        self.peak = to_time(np.array([self.peak_age]), self.start, unit)[0]
        after = len(count) - self.highest - 1
        if after < FEWEST:
            raise TableError(
                f"{after} periods follow the peak at {self.peak}; at least {FEWEST} are needed to "
                "see it fade. Wait for more, or name another peak: peak=…"
            )

    def _age(self, peak: When | str) -> float:
        """The time of the peak as an age."""
        peak = as_time(peak, self.start, "peak")
        dtype = self.series.points.schema["time"]
        column = pl.Series([peak], dtype=pl.Float64 if dtype == pl.Float64 else None)
        return float(to_age(column.cast(dtype), self.start, self.unit)[0])

    def _period_of(self, peak: When | str) -> int:
        """The period in which the peak lies."""
        age, (begin, end) = self._age(peak), (self.series.begin, self.series.end)
        inside = np.flatnonzero((begin <= age) & (age < end))
        if not inside.size:
            raise ValueError(
                f"peak={show(peak)} lies in no period of the counts, which run from "
                f"{self.series.points['time'][0]} to {self.series.points['time'][-1]}. Pass a "
                "time in one of them."
            )
        return int(inside[0])

    def fit(
        self, *, family: Literal["negative_binomial", "quasipoisson"] = "negative_binomial"
    ) -> RelaxationResults:
        """Fit a power law on each side of the peak.

        Parameters
        ----------
        family : {"negative_binomial", "quasipoisson"}
            Variance mean + α mean² with α by the method of moments (default: relative errors, as
            attention has them), or a multiple of the mean.
        """
        from .relaxation_results import RelaxationResults

        if family not in ("negative_binomial", "quasipoisson"):
            raise ValueError(
                f"family={show(family)} is not known; allowed: 'negative_binomial', 'quasipoisson'."
            )
        after = fit_side(self.side("after"), family)
        before = self.side("before")
        enough = len(before.count) >= FEWEST and before.count.any()
        return RelaxationResults(self, after, fit_side(before, family) if enough else None, family)

    def side(self, which: Literal["after", "before"], shift: float = 0.0) -> Side:
        """The periods whose middle lies on one side of the peak, or of one so much later."""
        begin, end, count = self.series.begin, self.series.end, self.series.increment
        peak = self.peak_age + shift
        away = (begin + end) / 2 - peak
        rows = np.flatnonzero(away > 1e-9 if which == "after" else away < -1e-9)
        near, far = np.abs(begin[rows] - peak), np.abs(end[rows] - peak)
        near, far = np.minimum(near, far), np.maximum(near, far)
        parts = np.clip(np.round(far - near), 1, FINEST).astype(int)
        period = np.repeat(np.arange(len(parts)), parts)
        place = np.arange(len(period)) - np.repeat(np.cumsum(parts) - parts, parts)
        width = (far - near)[period] / parts[period]
        distance = near[period] + (place + 0.5) * width
        return Side(count[rows], period, np.log(distance), np.log(width))


def fit_side(side: Side, family: str) -> Fall:
    """Quasi-likelihood of a power law; the dispersion by the method of moments."""
    if not side.count.any():
        raise TableError("all counts after the peak are zero; nothing fades. Name another peak.")
    freedom = max(len(side.count) - 2, 1)
    start = solve(side, 0.0, np.array([np.log(side.count.max() + 1.0), 0.5]))
    if family == "quasipoisson":
        dispersion = pearson(side, 0.0, start) / freedom
        return fall_of(side, start, 0.0, dispersion, freedom)

    place = start

    def excess(overdispersion: float) -> float:
        nonlocal place
        place = solve(side, overdispersion, place)
        return pearson(side, overdispersion, place) - freedom

    most = 1.0
    while excess(most) > 0 and most < 1e6:
        most *= 4
    found = float(optimize.brentq(excess, 0.0, most, xtol=1e-12)) if excess(0.0) > 0 else 0.0
    return fall_of(side, solve(side, found, place), found, 1.0, freedom)


def solve(side: Side, overdispersion: float, start: Array) -> Array:
    """Solve the estimating equations by scoring, with steps that never overshoot."""
    place = start.copy()
    for _ in range(200):
        mean, slopes = side.mean_and_slopes(*place)
        weighted = slopes / (mean + overdispersion * mean**2)[:, None]
        step = scored(weighted.T @ slopes, weighted.T @ (side.count - mean))
        step *= min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-300))
        place = place + step
        if float(np.abs(step).max()) < 1e-12:
            break
    return place


def scored(information: Array, score: Array) -> Array:
    """The step of scoring; the shortest one where the information is singular."""
    (a, b), (_, d) = information
    determinant = a * d - b * b
    if not determinant > 1e-10 * a * d:
        return np.asarray(np.linalg.lstsq(information, score, rcond=None)[0])
    x, y = score
    return np.asarray(np.array([d * x - b * y, a * y - b * x]) / determinant)


def pearson(side: Side, overdispersion: float, place: Array) -> float:
    """The sum of squared residuals in standard deviations."""
    mean, _ = side.mean_and_slopes(*place)
    return float(((side.count - mean) ** 2 / (mean + overdispersion * mean**2)).sum())


def fall_of(
    side: Side, place: Array, overdispersion: float, dispersion: float, freedom: int
) -> Fall:
    """The fitted power law with the covariance of its level and exponent."""
    mean, slopes = side.mean_and_slopes(*place)
    weighted = slopes / (mean + overdispersion * mean**2)[:, None]
    covariance = dispersion * np.linalg.pinv(weighted.T @ slopes, hermitian=True)
    return Fall(
        float(place[0]),
        float(place[1]),
        np.asarray(covariance),
        dispersion,
        overdispersion,
        freedom,
    )


def bend(side: Side, fall: Fall) -> tuple[float, float]:
    """Is the fall bent on log-log axes? F statistic and p-value of log distance squared and cubed.

    Rao's score test of two more columns in the model of the mean, its scale by Pearson's χ²: the F
    test of added variables.
    """
    mean, slopes = side.mean_and_slopes(fall.level, fall.exponent)
    parts, away = side.parts(fall.level, fall.exponent), side.distance - side.distance.mean()
    added = [np.bincount(side.period, parts * away**power, len(mean)) for power in (2, 3)]
    weight = 1 / np.sqrt(mean + fall.overdispersion * mean**2)
    left = (side.count - mean) * weight
    known, new = slopes * weight[:, None], np.column_stack(added) * weight[:, None]
    new = new - known @ np.linalg.lstsq(known, new, rcond=None)[0]
    total, freedom = float(left @ left), len(mean) - 4
    if total <= 1e-12 * float(mean @ weight):
        return 0.0, 1.0  # nothing is left to explain
    explained = float(left @ (new @ np.linalg.lstsq(new, left, rcond=None)[0]))
    statistic = explained / 2 / max(total - explained, 1e-300) * freedom
    return statistic, float(special.fdtrc(2, freedom, statistic))
