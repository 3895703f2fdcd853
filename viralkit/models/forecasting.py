"""The frame of a forecast: where counts go on from the last point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from .likelihood import Likelihood
from .results import Array
from .simulate import draw_increments
from .times import When, to_time

if TYPE_CHECKING:
    from .growth_results import GrowthResults


def forecast_ages(
    last: float, end: float, gap: float, gaps: Sequence[tuple[float, float]]
) -> tuple[Array, Array]:
    """Ages of a forecast at the typical spacing and the ends of gaps; which steps are counted."""
    steps = int(np.clip(np.ceil((end - last) / gap), 1, 200))
    edges = [age for pair in gaps for age in pair if last < age < end]
    age = np.unique([*np.linspace(last, end, steps + 1), *edges])
    middle = (age[1:] + age[:-1]) / 2
    missing = [(begin < middle) & (middle < stop) for begin, stop in gaps]
    return age, ~np.any([np.zeros(len(middle), bool), *missing], axis=0)


def forecast_frame(
    results: GrowthResults, until: When | str, alpha: float, gaps: Sequence[tuple[float, float]]
) -> pl.DataFrame:
    """Forecast the cumulative count; see ``GrowthResults.forecast``."""
    model = results.model
    last, end = model.series.span, _end(results, until)
    gap = float(np.median(np.diff(np.append(0.0, model.series.end))))
    age, counted = forecast_ages(last, end, gap, gaps)
    dates, weight = last_date(results)
    paths = np.cumsum(draw_increments(results, age, gap, dates, weight) * counted, axis=1)
    lower, upper = np.quantile(paths, [alpha / 2, 1 - alpha / 2], axis=0)
    level = np.real(model.level(results._fit.x, np.maximum(age[1:, None], dates)))
    mean = (level - np.real(model.level(results._fit.x, dates))) @ weight
    if gaps:
        mean = np.cumsum(np.diff(mean, prepend=0.0) * counted)
    seen = float(model.series.level[-1])
    return pl.DataFrame(
        {
            "time": to_time(age[1:], model.start, model.unit),
            "age": age[1:],
            "mean": seen + mean,
            "lower": seen + lower,
            "upper": seen + upper,
        }
    )


def _end(results: GrowthResults, until: When | str) -> float:
    """Age at the end of a forecast."""
    model = results.model
    alike = isinstance(until, (float, int)) == isinstance(model.start, (float, int))
    end = float(model.age_of([until])[0]) if alike and until else -np.inf
    if not model.series.span < end < np.inf:
        raise ValueError(
            f"until={until!r} is not a time after the last point "
            f"({model.points['time'][-1]}). Pass a later time, or use predict() for the past."
        )
    return end


def last_date(results: GrowthResults) -> tuple[Array, Array]:
    """Possible ages of the last point and their posterior weights; one where it is exact."""
    objective = results._fit.objective
    if not isinstance(objective, Likelihood):
        return np.array([results.model.series.span]), np.ones(1)
    return objective.last_date(results._fit.x)
