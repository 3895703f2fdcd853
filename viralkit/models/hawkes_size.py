"""What is still to come: final size, and the number of events by a later time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .hawkes_draws import WORK, draw_places
from .hawkes_kernels import Kernel
from .hawkes_simulate import Events, Law, crowded, grow, immigrants, joined, law_at
from .results import Array

if TYPE_CHECKING:
    from .hawkes_results import HawkesResults

DRAWS = 4000
CROWD = 20_000  # events of a draw in a limited population up to which it is always followed
LARGE = 1e12  # events of a generation from which a cascade is called endless


def expected_future(results: HawkesResults, x: Array) -> float:
    """Return a1: how many events those of the window will still set off directly."""
    objective = results._fit.objective
    left = results.model.stream.left
    survival = np.where(np.isfinite(left), objective.kernel.survival(left, objective.shape(x)), 0)
    return float(np.exp(x[0]) * (objective.weights(x)[0] @ survival))


def _futures(results: HawkesResults, places: Array) -> Array:
    """Return a1 for each place; along its gradient where there are too many events."""
    if not results._fit.free:
        return np.full(len(places), expected_future(results, places[0]))
    if len(places) * len(results.model.stream) <= WORK:
        return np.array([expected_future(results, x) for x in places])
    objective, x = results._fit.objective, results._fit.place.x
    rows = objective.kernel.at_end(results.model.stream, objective.weights(x), objective.shape(x))
    rows = rows.sum(axis=1)[: objective.width]
    if not rows[0] > 0:
        return np.zeros(len(places))
    with np.errstate(over="ignore"):
        tilt = np.exp((places - x)[:, : objective.width] @ (rows / rows[0]))
    return np.asarray(results.branching_factor * rows[0] * tilt)


def final_size(results: HawkesResults, alpha: float) -> pl.DataFrame:
    """Return the final size with its prediction interval, in one row."""
    _refuse_endless(results)
    rng, now = np.random.default_rng(0), len(results.model.stream)
    places = draw_places(results, DRAWS, rng)
    future = _futures(results, places)
    law = law_at(results, places, np.full(DRAWS, np.inf))
    first = np.where(future > LARGE, np.inf, rng.poisson(np.minimum(future, LARGE)))
    sizes = now + progeny(law, first, rng)
    endless, (_, high) = float(np.mean(np.isinf(sizes))), results.branching_interval(alpha)
    n, a1 = results.branching_factor, expected_future(results, results._fit.place.x)
    estimate = now + (a1 / (1 - n) if n < 1 else np.inf if a1 > 0 else 0.0)
    loose = (n if high is None else high) >= 1 and a1 > 0
    mean = None if loose or endless else float(np.mean(sizes))
    lower, median, upper = np.quantile(sizes, [alpha / 2, 0.5, 1 - alpha / 2], method="nearest")
    if loose and np.mean(sizes > now) > alpha / 2:
        upper = np.inf
    return pl.DataFrame(
        {
            "observed": [now],
            "at_estimate": [float(estimate)],
            "mean": pl.Series([mean], dtype=pl.Float64),
            "median": [float(median)],
            "lower": [float(lower)],
            "upper": [float(upper)],
            "never_ends": [endless],
        }
    )


def _refuse_endless(results: HawkesResults) -> None:
    if "mu" in results.params:
        raise ValueError(
            "with a background events never end, so there is no final size. Use forecast(until)."
        )
    if "N" in results.params:
        raise ValueError(
            "in a limited population the final size has no closed form. Use forecast(until)."
        )
    if len(results.model.stream.names) > 1:
        raise ValueError(
            "a fit to several cascades has no one final size. Fit one of them with "
            "Hawkes(…).fit(fixed=results.params)."
        )


def progeny(law: Law, first: Array, rng: np.random.Generator) -> Array:
    """Draw all descendants of ``first`` events in each draw, themselves included; ∞ without end."""
    total, alive = first.copy(), np.flatnonzero((first > 0) & np.isfinite(first))
    generation, safe = first[alive], _safe(law.branching)
    for _ in range(100_000):
        if not len(alive):
            break
        mean = law.branching[alive] * _weights(law, generation, alive, rng)
        generation = rng.poisson(np.minimum(mean, 1e15)).astype(float)
        endless = (generation > safe[alive]) | (generation > LARGE)
        total[alive] = np.where(endless, np.inf, total[alive] + generation)
        kept = (generation > 0) & ~endless
        alive, generation = alive[kept], generation[kept]
    return total


def _safe(branching: Array) -> Array:
    """How many events a generation needs so that a supercritical cascade does not die out."""
    above = np.maximum(branching - 1, 1e-300)
    return np.where(branching > 1, 40 / above + 100, np.inf)


def _weights(law: Law, count: Array, draw: Any, rng: np.random.Generator) -> Array:
    """Return the sum of the weights of so many new events: their number, without marks."""
    if not law.objective.marked:
        return count
    most = np.minimum(count, 1000).astype(int)
    owner = np.repeat(np.arange(len(count)), most)
    if law.likely_weights is None:
        weight = law.weight(law.marks(len(owner), rng), draw[owner])
    else:
        weight = rng.choice(law.likely_weights, len(owner))
    return np.asarray(np.bincount(owner, weight, len(count)) * count / most)


def forecast_counts(results: HawkesResults, until: float, alpha: float) -> pl.DataFrame:
    """Return the number of events at times up to ``until``: mean, lower, upper."""
    stream = results.model.stream
    start = float(stream.until[0])
    if len(stream.names) > 1:
        raise ValueError(
            "several cascades have no common future. Fit one of them with "
            "Hawkes(…).fit(fixed=results.params)."
        )
    if not start < until < np.inf:
        raise ValueError(
            f"until={until:g} is not a time after the end of the window ({start:g}). Pass a later "
            "time; final_size() tells what will be in the end."
        )
    time = np.linspace(start, until, 51)[1:]
    paths, mean = simulated_futures(results, time)
    lower, upper = np.quantile(paths, [alpha / 2, 1 - alpha / 2], axis=0, method="nearest")
    if mean is None:
        mean = paths.mean(axis=0)
    counts = {"mean": mean, "lower": lower, "upper": upper}
    return pl.DataFrame({"time": time} | {k: len(stream) + v for k, v in counts.items()})


def simulated_futures(results: HawkesResults, time: Array) -> tuple[Array, Array | None]:
    """Draw the number of events to come by each time; also its mean at the estimates."""
    rng, objective = np.random.default_rng(0), results._fit.objective
    mean = None if objective.population else mean_future(results, time)
    size = objective.crowd(results._fit.place.x) if mean is None else mean[-1]
    size = float(np.nan_to_num(size, nan=1e9, posinf=1e9))
    draws = int(np.clip(WORK / 4 / (1 + size + len(results.model.stream) / 50), 200, 2000))
    places = draw_places(results, draws, rng)
    law = law_at(results, places, np.full(draws, time[-1]))
    roots = _first_generation(results, law, places, rng)
    if mean is None:
        most = int(max(10 * size, CROWD))
        events = _crowds(results, law, places, roots, rng, most=most)
    else:
        events = grow(law, roots, rng, WORK)
    paths = np.zeros((draws, len(time)))
    bins = np.minimum(np.searchsorted(time, events.time), len(time) - 1)
    np.add.at(paths, (events.draw, bins), 1.0)
    paths = np.cumsum(paths, axis=1)
    if mean is None:  # stopped at so many
        paths[paths[:, -1] >= most] = np.inf
    if len(events) >= WORK:  # stopped early: what is largest would have grown on
        paths[paths[:, -1] > 10 * WORK / draws] = np.inf
    return paths, mean


def _first_generation(
    results: HawkesResults, law: Law, places: Array, rng: np.random.Generator
) -> Events:
    """Draw what the events of the window, and the background, will set off directly."""
    stream, objective = results.model.stream, results._fit.objective
    start, parts = float(stream.until[0]), []
    ahead = law.until[0] - stream.time
    for draw, x in enumerate(places):
        shape = objective.shape(x)
        now = objective.kernel.survival(stream.left, shape)
        gone = np.cumsum(objective.weights(x)[0] * (now - objective.kernel.survival(ahead, shape)))
        count = rng.poisson(min(law.branching[draw] * gone[-1], WORK / len(places)))
        which = np.searchsorted(gone, rng.random(count) * gone[-1])
        which = np.minimum(which, len(gone) - 1)
        later = objective.kernel.survival(ahead[which], shape)
        chance = later + (1 - rng.random(count)) * (now[which] - later)
        time = stream.time[which] + objective.kernel.lag(chance, shape)
        time = np.clip(time, start, law.until[0])
        parts.append(Events(time, np.full(count, draw), law.marks(count, rng), np.full(count, -1)))
    if objective.background:
        rate = np.exp(places[:, objective.width])
        parts.append(immigrants(law, rate, np.full(len(places), start), rng))
    return joined(parts)


def _crowds(
    results: HawkesResults,
    law: Law,
    places: Array,
    roots: Events,
    rng: np.random.Generator,
    *,
    most: int,
) -> Events:
    """Grow each draw in its limited population, up to so many events."""
    parts, taken = [], len(results.model.stream)
    for draw, x in enumerate(places):
        one = law_at(results, x[None, :], law.until[draw : draw + 1])
        crowd = results._fit.objective.crowd(x)
        found = crowded(one, roots.of(draw), crowd, taken, rng, most=most)
        found.draw = found.draw + draw
        parts.append(found)
    return joined(parts)


def mean_future(results: HawkesResults, time: Array, cells: int = 400) -> Array:
    """Return the expected number of events to come by each time, at the estimates.

    Solves m(t) = direct(t) + n* ∫ density(s) m(t - s) ds on a grid on which m is linear.
    """
    stream, objective, x = results.model.stream, results._fit.objective, results._fit.place.x
    kernel: Kernel = objective.kernel
    shape, start = objective.shape(x), float(stream.until[0])
    n, weight = results.branching_factor, objective.weights(x)[0]
    step = (time[-1] - start) / cells
    grid = step * np.arange(cells + 1)
    now = kernel.survival(stream.left, shape)
    places = np.arange(0, cells + 1, 1 if len(stream) * cells <= WORK else 8)
    direct = [n * (weight @ (now - kernel.survival(stream.left + g, shape))) for g in grid[places]]
    seen = np.interp(grid, grid[places], direct) + results.params.get("mu", 0.0) * grid
    passed = 1 - kernel.survival(grid, shape)
    area = grid - kernel.survived(grid, shape)
    whole = np.diff(passed)  # the delay lies in the cell
    near = np.diff(area) / step - passed[:-1]  # … weighted by closeness to its earlier edge
    total = np.zeros(cells + 1)
    with np.errstate(over="ignore", invalid="ignore"):
        for j in range(1, cells + 1):
            past, ahead = total[j - 1 :: -1], total[j:0:-1].copy()
            ahead[0] = 0.0
            part = past @ (whole[:j] - near[:j]) + ahead @ near[:j]
            total[j] = (seen[j] + n * part) / (1 - n * near[0])
    return np.asarray(np.interp(time - start, grid, total))
