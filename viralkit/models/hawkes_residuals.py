"""Intensity, expected counts and rescaled times of a self-exciting fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy import stats

from ..tables import TableError
from .hawkes_likelihood import Objective
from .hawkes_stream import Index, Stream
from .results import Array

if TYPE_CHECKING:
    from .hawkes_results import HawkesResults


def rescaled(results: HawkesResults) -> pl.DataFrame:
    """Return how many events were expected between neighbouring events."""
    stream, x = results.model.stream, results._fit.place.x
    total = results._fit.objective.before_events(x)[0] + _rate(results) * stream.time
    expected = np.diff(total, prepend=0.0)
    expected[stream.offsets[:-1]] = total[stream.offsets[:-1]]
    crowd = results._fit.objective.crowd(x)
    expected = np.maximum(expected, 0.0) * (1 - np.arange(len(stream)) / crowd)
    names = np.repeat(np.array(stream.names, dtype=object), np.diff(stream.offsets))
    columns = {"cascade_id": names, "time": stream.time, "expected": expected}
    frame = pl.DataFrame(columns, schema_overrides={"cascade_id": pl.String})
    return frame.filter(stream.outcome).with_columns(uniform=1 - (-pl.col("expected")).exp())


def _rate(results: HawkesResults) -> float:
    return results.params.get("mu", 0.0)


def _asked(results: HawkesResults, times: Any) -> tuple[Stream, Array, Index]:
    """Insert the times asked for as events without weight, each before what stands at its time."""
    stream = results.model.stream
    if len(stream.names) > 1:
        raise ValueError(
            f"{len(stream.names)} cascades have no common time. Fit one of them with "
            "Hawkes(…).fit(fixed=results.params)."
        )
    asked = np.asarray(times, dtype=float).ravel()
    if not np.all((asked >= 0) & (asked <= stream.until[0])):
        raise TableError(
            f"times run from 0 to the end of the window, {stream.until[0]:g}. Filter them, or use "
            "forecast()."
        )
    place = np.searchsorted(stream.time, asked, side="left")
    return stream, asked, place


def _at(results: HawkesResults, times: Any, survival: bool) -> tuple[Array, Index, Array, Array]:
    """Return times, events before them, rows there, and weights of the events."""
    stream, asked, place = _asked(results, times)
    objective, x = results._fit.objective, results._fit.place.x
    weight = objective.weights(x)
    order = np.argsort(asked, kind="stable")
    merged = np.insert(stream.time, place[order], asked[order])
    columns = np.insert(weight, place[order], 0.0, axis=1)
    offsets = np.array([0, len(merged)])
    whole = Stream(merged, offsets, stream.until, stream.given, None, stream.names)
    rows = objective.kernel.at_events(whole, columns, objective.shape(x), survival=survival)
    found = np.empty((len(rows), len(asked)))
    found[:, order] = rows[:, place[order] + np.arange(len(asked))]
    return asked, place, found, weight


def intensity_at(results: HawkesResults, times: Any) -> pl.DataFrame:
    """Return the intensity just before each time."""
    asked, place, rows, _ = _at(results, times, survival=False)
    value = _rate(results) + results.branching_factor * rows[0]
    crowd = results._fit.objective.crowd(results._fit.place.x)
    return pl.DataFrame({"time": asked, "intensity": value * np.maximum(1 - place / crowd, 0.0)})


def expected_by(results: HawkesResults, times: Any, alpha: float) -> pl.DataFrame:
    """Return the compensator at times, the given events included, with its interval."""
    stream: Stream = results.model.stream
    if times is None:
        times = np.linspace(0.0, min(float(stream.until[0]), 3 * stream.span), 200)
    asked, place, gone, weight = _at(results, times, survival=True)
    objective: Objective = results._fit.objective
    whole = np.zeros_like(gone)
    for row, column in zip((0, objective.width - 1, -1), weight, strict=False):
        whole[row] = np.append(0.0, np.cumsum(column))[place]
    rows = results.branching_factor * (whole - gone)[: objective.width]
    mean = rows[0] + _rate(results) * asked
    slopes = np.vstack([rows, _rate(results) * asked])[: objective.width + objective.background]
    if objective.population:
        mean, slopes = _limited(results, asked, place, mean, slopes)
    free = [i for i in results._fit.free if i < len(slopes)]
    keep = [results._fit.free.index(i) for i in free]
    cut = results.spread[np.ix_(keep, keep)]
    deviation = np.sqrt(np.maximum(np.einsum("it,ij,jt->t", slopes[free], cut, slopes[free]), 0.0))
    relative = np.divide(deviation, mean, out=np.zeros_like(mean), where=mean > 0)
    factor = np.exp(stats.norm.ppf(1 - alpha / 2) * relative)
    given = np.minimum(place, stream.given[0])
    columns = {"time": asked, "mean": given + mean, "lower": given + mean / factor}
    return pl.DataFrame(columns | {"upper": given + mean * factor})


def _limited(
    results: HawkesResults, asked: Array, place: Index, mean: Array, slopes: Array
) -> tuple[Array, Array]:
    """Take the shrinking share of the population into account; N itself as known."""
    objective, x = results._fit.objective, results._fit.place.x
    crowd, stream = objective.crowd(x), results.model.stream
    before = objective.before_events(x)[: objective.width]
    rate = _rate(results) * stream.time
    rows = np.vstack([before, rate])[: len(slopes)]
    past = np.append(0.0, np.cumsum(rows[0] + rate))[place] / crowd
    pasts = np.hstack([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)])[:, place] / crowd
    left = 1 - place / crowd
    return left * mean + past, left * slopes + pasts
