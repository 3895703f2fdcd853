"""Draws from a self-exciting model: marks, cascades by generations, a limited population."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .hawkes_kernels import Kernel
from .hawkes_likelihood import Objective
from .results import Array

if TYPE_CHECKING:
    from .hawkes_results import HawkesResults

MOST = 20_000_000  # events of one simulation, all cascades together


@dataclass(frozen=True)
class Law:
    """Parameters by draw: branching factor, kernel, end of the window; and the law of marks."""

    branching: Array
    shape: Array  # a row a parameter of the kernel, a column a draw
    until: Array
    kernel: Kernel
    objective: Objective
    beta: Array
    level: Array  # log of the mean of magnitude^beta

    def marks(self, size: int, rng: np.random.Generator) -> Array:
        """Draw magnitudes: those of modelled events again, or by the power law given."""
        if not self.objective.marked:
            return np.ones(size)
        if self.objective.exponent is not None:
            return np.asarray(rng.random(size) ** (-1 / (self.objective.exponent - 1)))
        return np.asarray(rng.choice(self.objective.likely, size))

    def first_marks(self, size: int, rng: np.random.Generator) -> Array:
        """Draw magnitudes of first events: those of given events again, or as `marks` does."""
        stream = self.objective.stream
        given = ~stream.outcome
        if stream.magnitude is None or self.objective.exponent is not None or not given.any():
            return self.marks(size, rng)
        return np.asarray(rng.choice(stream.magnitude[given], size))

    @cached_property
    def likely_weights(self) -> Array | None:
        """Weights of the observed marks, where all draws have the same; else None."""
        if self.objective.exponent is not None or np.ptp(self.beta) > 0:
            return None
        return self.weight(self.objective.likely, 0)

    def weight(self, magnitude: Array, draw: Any) -> Array:
        """Return how many times the mean number of events each one sets off."""
        if not self.objective.marked:
            return np.ones(len(magnitude))
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.beta[draw] * np.log(magnitude) - self.level[draw]))


@dataclass
class Events:
    """Events of many draws: time, which draw, which magnitude, and the place of the parent."""

    time: Array
    draw: Any
    magnitude: Array
    parent: Any

    def __len__(self) -> int:
        return len(self.time)

    def of(self, draw: int) -> Events:
        """Return the events of one draw."""
        mine = self.draw == draw
        return Events(self.time[mine], self.draw[mine], self.magnitude[mine], self.parent[mine])


def joined(parts: list[Events]) -> Events:
    """Return events one after another."""
    names = ("time", "draw", "magnitude", "parent")
    return Events(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def law_at(results: HawkesResults, places: Array, until: Array) -> Law:
    """Return the law at places of the parameter space, a row a draw."""
    objective = results._fit.objective
    shape = np.exp(places[:, 1 : 1 + objective.shapes]).T
    beta = places[:, 1 + objective.shapes] if objective.marked else np.zeros(len(places))
    with np.errstate(over="ignore"):
        branching = np.exp(places[:, 0])
    level = _levels(objective, beta)
    return Law(branching, shape, until, objective.kernel, objective, beta, level)


def _levels(objective: Objective, beta: Array) -> Array:
    """Return the log of the mean of magnitude^beta for each draw, by a grid where they are many."""
    if not objective.marked:
        return np.zeros(len(beta))
    grid = np.unique(beta)
    grid = grid if len(grid) < 50 else np.linspace(grid[0], grid[-1], 50)
    found = [objective.log_mean_mark(float(b))[0] for b in grid]
    return np.asarray(np.interp(beta, grid, found))


def grow(law: Law, roots: Events, rng: np.random.Generator, most: int = MOST) -> Events:
    """Let events set off others, generation after generation, until the windows end.

    Stops early, with what there is, where more than ``most`` events are there.
    """
    parts, generation, before, total = [roots], roots, 0, len(roots)
    while len(generation) and total < most:
        mean = law.branching[generation.draw] * law.weight(generation.magnitude, generation.draw)
        count = rng.poisson(np.minimum(mean, most))
        source = np.repeat(np.arange(len(generation)), np.minimum(count, most // 10))[: 2 * most]
        draw = generation.draw[source]
        delay = law.kernel.lag(1 - rng.random(len(source)), law.shape[:, draw])
        time = generation.time[source] + delay
        kept = time <= law.until[draw]
        found = Events(
            time[kept], draw[kept], law.marks(int(kept.sum()), rng), source[kept] + before
        )
        before, total = before + len(generation), total + len(found)
        parts.append(found)
        generation = found
    return joined(parts)


def immigrants(law: Law, rate: Array, start: Array, rng: np.random.Generator) -> Events:
    """Draw events from outside, at constant rates, from each start to each end."""
    count = rng.poisson(rate * (law.until - start))
    draw = np.repeat(np.arange(len(count)), count)
    time = start[draw] + rng.random(len(draw)) * (law.until - start)[draw]
    return Events(time, draw, law.marks(len(draw), rng), np.full(len(draw), -1))


def crowded(
    law: Law, roots: Events, crowd: float, taken: int, rng: np.random.Generator, *, most: int = MOST
) -> Events:
    """Grow the events of one draw in a population of which ``taken`` have taken part already."""
    first = zip(roots.time, roots.magnitude, strict=True)
    queue = [(float(time), i, -1, float(mark)) for i, (time, mark) in enumerate(first)]
    heapq.heapify(queue)
    rows: list[tuple[float, float, int]] = []
    ticket = len(queue)
    while queue and len(rows) < most:
        time, _, parent, magnitude = heapq.heappop(queue)
        if rng.random() >= 1 - (taken + len(rows)) / crowd:
            continue
        rows.append((time, magnitude, parent))
        weight = law.weight(np.array([magnitude]), np.zeros(1, int))[0]
        beyond = float(law.kernel.survival(law.until - time, law.shape)[0])
        count = int(rng.poisson(law.branching[0] * weight * (1 - beyond)))
        chance = beyond + (1 - rng.random(count)) * (1 - beyond)  # of delays within the window
        later = np.minimum(time + law.kernel.lag(chance, law.shape[:, :1]), law.until[0])
        for at, mark in zip(later, law.marks(count, rng), strict=True):
            heapq.heappush(queue, (float(at), ticket, len(rows) - 1, float(mark)))
            ticket += 1
    table = np.array(rows).reshape(-1, 3).T
    return Events(table[0], np.zeros(len(rows), int), table[1], table[2].astype(int))


def simulate_cascades(
    results: HawkesResults, n: int, until: float | None, seed: int
) -> pl.DataFrame:
    """Draw cascades from the fit, as an events table."""
    end = float(results.model.stream.until[0]) if until is None else float(until)
    _check_end(results, n, end)
    rng, x = np.random.default_rng(seed), results._fit.place.x
    law = law_at(results, np.tile(x, (n, 1)), np.full(n, end))
    rate = results.params.get("mu", 0.0)
    if rate:
        roots = immigrants(law, np.full(n, rate), np.zeros(n), rng)
    else:
        roots = Events(np.zeros(n), np.arange(n), law.first_marks(n, rng), np.full(n, -1))
    crowd = results._fit.objective.crowd(x)
    events = grow(law, roots, rng) if crowd == np.inf else _each_crowded(law, roots, crowd, rng)
    if len(events) >= MOST:
        raise ValueError(
            f"more than {MOST:,} events: cascades with branching factor "
            f"{results.branching_factor:.3g} explode in this window. Pass an earlier until."
        )
    return _as_table(events, results.model.marks is not None)


def _each_crowded(law: Law, roots: Events, crowd: float, rng: np.random.Generator) -> Events:
    """Grow one draw after another in a limited population."""
    parts, before = [], 0
    for draw in range(len(law.until)):
        found = crowded(law, roots.of(draw), crowd, 0, rng)
        found.parent = np.where(found.parent >= 0, found.parent + before, -1)
        found.draw = found.draw + draw
        parts.append(found)
        before += len(found)
    return joined(parts)


def _check_end(results: HawkesResults, n: int, end: float) -> None:
    if not n >= 1:
        raise ValueError(f"n={n} cascades; allowed: 1 or more. Pass the number to draw.")
    if np.isnan(end) or end <= 0:
        raise ValueError(f"until={end:g} is not a time above zero. Pass the end of the window.")
    endless = results.branching_factor >= 1 and results.model.population is None
    if end == np.inf and (endless or "mu" in results.params):
        raise ValueError(
            f"the window has no end, and with branching factor {results.branching_factor:.3g}"
            f"{' and a background' * ('mu' in results.params)} cascades may not end either. Pass "
            "until in seconds."
        )


def _as_table(events: Events, marked: bool) -> pl.DataFrame:
    """Arrange draws as an events table, by cascade and time."""
    order = np.argsort(events.time)
    small = (
        events.draw.astype(np.uint16) if len(events) and events.draw.max() < 2**16 else events.draw
    )
    order = order[np.argsort(small[order], kind="stable")]  # short integers sort quickest
    draw = events.draw[order]
    first = np.searchsorted(draw, draw, side="left")
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order)) - first  # the place in its own cascade
    parent = events.parent[order]
    frame = pl.DataFrame(
        {
            "cascade_id": pl.Series(draw).cast(pl.String),
            "event_id": pl.Series(number[order]).cast(pl.String),
            "time": events.time[order],
            "parent_id": pl.Series(np.where(parent >= 0, number[parent], -1)),
        }
    )
    named = pl.when(pl.col("parent_id") >= 0).then(pl.col("parent_id").cast(pl.String))
    frame = frame.with_columns(parent_id=named)
    return frame.with_columns(magnitude=events.magnitude[order]) if marked else frame
