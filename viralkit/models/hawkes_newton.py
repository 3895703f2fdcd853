"""The best parameters of a self-exciting model: several starts on a prefix, then Newton in logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import log
from typing import TypeGuard

import numpy as np

from ..compiled.hawkes_climb import hawkes_climb
from .hawkes_likelihood import FULL, Objective, Value
from .results import Array

PREFIX = {"exponential": 4_000, "power_law": 2_000}  # events on which starts are compared
LADDER = 5  # a compiled search climbs on this part of the events first
STEP = 1.5  # the most that a coordinate moves at once: a factor of 4.5 for a positive parameter
CLOSE = 1e-8  # what one more step would add to the log-likelihood when the search ends
ROUGH = 1e-2  # the same, times the relative size of the step, on the first events
ROUNDS = 200
UPPER = np.triu_indices(3)
Function = Callable[[Array], Value]


@dataclass(frozen=True)
class Box:
    """The least and the largest value of each coordinate."""

    lower: Array
    upper: Array


@dataclass(frozen=True)
class Place:
    """Where a search ended: the coordinates, the likelihood there, and whether it settled."""

    x: Array
    value: Value
    settled: bool


def box_of(objective: Objective) -> Box:
    """Return how far each coordinate may run: beyond, the data cannot tell it from the limit."""
    stream = objective.stream
    span, least = stream.span, stream.least_gap
    reach = {
        "branching": (-25.0, 25.0),
        "theta": (np.log(1e-3 / span), np.log(1e3 / least)),
        "beta": (-20.0, 20.0 if objective.exponent is None else objective.exponent - 1 - 1e-9),
        "mu": (np.log(1e-8 / span), np.log(1e3 / least)),
        "N": (0.0, np.log(len(stream)) + FULL),  # not below the events seen
    }
    if objective.shapes == 2:
        reach["theta"] = (np.log(0.01), np.log(50.0))
        reach["c"] = (np.log(1e-4 * least), np.log(1e3 * span))
    lower, upper = zip(*(reach[name] for name in objective.names), strict=True)
    return Box(np.array(lower), np.array(upper))


def climb(function: Function, x: Array, free: list[int], box: Box) -> Place:
    """Maximise by Newton's method with its steps shortened; the other coordinates stay."""
    x = np.clip(x, box.lower, box.upper)
    if _is_compiled(function):
        return _climb_compiled(function, x[None, :], free, box)
    value = function(x)
    for _ in range(ROUNDS):
        active, step = _uphill(x, value, free, box)
        if not active or not np.isfinite(value.height):
            return Place(x, value, bool(np.isfinite(value.height)))
        gain = float(value.slope[active] @ step)
        if gain < CLOSE:
            x = x.copy()
            x[active] = np.clip(x[active] + step, box.lower[active], box.upper[active])
            return Place(x, value, True)
        move = np.zeros(len(x))
        move[active] = step
        found = _along(function, x, value, move * _reach(x, move, box), box)
        if found is None:
            return Place(x, value, gain < 1e-4)
        x, value = found
    return Place(x, value, False)


def _is_compiled(function: Function) -> TypeGuard[Objective]:
    """Whether the search for this likelihood is compiled as a whole."""
    return type(function) is Objective and function.plain and function.kappa is None


def _climb_compiled(
    objective: Objective, starts: Array, free: list[int], box: Box, close: float = CLOSE
) -> Place:
    """Climb from the best starts for an exponential kernel without marks, in one compiled call."""
    stream, size = objective.stream, starts.shape[1]
    lower, upper = starts[0].copy(), starts[0].copy()
    lower[free], upper[free] = box.lower[free], box.upper[free]
    data = (stream.time, stream.offsets, stream.until, stream.given)
    out = hawkes_climb(*data, starts, lower, upper, close)
    bend = np.zeros((3, 3))
    bend[UPPER] = bend.T[UPPER] = out[7:13]
    value = Value(float(out[3]), out[4 : 4 + size], bend[:size, :size])
    return Place(out[:size], value, bool(out[13] > 0))


def _uphill(x: Array, value: Value, free: list[int], box: Box) -> tuple[list[int], Array]:
    """Newton's step in the coordinates that do not lean against the box."""
    out = ((x >= box.upper) & (value.slope >= 0)) | ((x <= box.lower) & (value.slope <= 0))
    active = [i for i in free if not out[i]]
    while active and np.isfinite(value.height):
        step = _step(value, active)
        out[active] = ((x >= box.upper)[active] & (step > 0)) | (
            (x <= box.lower)[active] & (step < 0)
        )
        if not out[active].any():
            return active, step
        active = [i for i in active if not out[i]]
    return active, np.empty(0)


def _reach(x: Array, move: Array, box: Box) -> float:
    """Return which part of a step leads to the first wall of the box, 1 at most."""
    wall = np.where(move > 0, box.upper, box.lower)
    with np.errstate(all="ignore"):
        parts = np.where(move != 0, (wall - x) / move, np.inf)
    return min(1.0, float(np.min(parts)))


def _step(value: Value, active: list[int]) -> Array:
    """Newton's step uphill, whatever the sign of the curvature, cut to a reasonable length."""
    size, axes = np.linalg.eigh(-value.bend[np.ix_(active, active)])
    size = np.maximum(np.abs(size), 1e-12 * np.max(np.abs(size)) + 1e-300)
    step = axes @ (axes.T @ value.slope[active] / size)
    longest = float(np.max(np.abs(step), initial=STEP))
    return np.asarray(step * (STEP / longest))


def _along(
    function: Function, x: Array, value: Value, move: Array, box: Box
) -> tuple[Array, Value] | None:
    """Halve a step until the likelihood rises enough; None where it never does."""
    part = 1.0
    while part > 1e-10:
        trial = np.clip(x + part * move, box.lower, box.upper)
        found = function(trial)
        gain = part * float(value.slope @ move)
        if np.isfinite(found.height) and found.height >= value.height + 1e-4 * gain:
            return trial, found
        part /= 2
    return None


def maximise(objective: Objective, held: dict[int, float], box: Box) -> Place:
    """Find the best coordinates; some are held at a value."""
    free = [i for i in range(len(objective.names)) if i not in held]
    if not free:
        x = objective.complete(np.array([held[i] for i in range(len(objective.names))]))
        return Place(x, objective(x), True)
    return climb(objective, _start(objective, held, box, free), free, box)


def _start(objective: Objective, held: dict[int, float], box: Box, free: list[int]) -> Array:
    """Climb from the two best of many starts on the first events."""
    most = PREFIX["exponential" if objective.shapes == 1 else "power_law"]
    most = max(most, len(objective.stream) // 50)
    whole = objective.population  # what is left of it depends on all events
    small = objective if whole else objective.on(objective.stream.head(min(500, most)))
    starts = np.clip(_candidates(small, held), box.lower, box.upper)
    if _is_compiled(small):
        x = _climb_compiled(small, starts, free, box, ROUGH).x
        return _up_the_ladder(objective, x, free, box)
    x = _best_of(small, [_balanced(small, x, held) for x in starts], free, box)
    part = objective.stream.head(most)
    if 500 < len(part) < len(objective.stream) and not whole:
        x = climb(objective.on(part), x, free, box).x
    return _balanced(objective, np.clip(x, box.lower + 1.0, box.upper - 1.0), held)


def _up_the_ladder(objective: Objective, x: Array, free: list[int], box: Box) -> Array:
    """Climb on some of the events: the last rung is so near that two steps are left to do."""
    first, events = PREFIX["exponential"], len(objective.stream)
    for rung in sorted({first, max(events // LADDER, first)}):
        if rung < events:
            part = objective.on(objective.stream.head(rung))
            x = np.clip(x, box.lower, box.upper)
            x = _climb_compiled(part, x[None, :], free, box, ROUGH).x
    return np.clip(x, box.lower + 1.0, box.upper - 1.0)


def _best_of(small: Objective, starts: list[Array], free: list[int], box: Box) -> Array:
    """Climb from the two best starts."""
    heights = np.nan_to_num([small(x).height for x in starts], nan=-np.inf, neginf=-1e300)
    ends = [climb(small, starts[i], free, box) for i in np.argsort(-heights)[:2]]
    return max(ends, key=lambda place: np.nan_to_num(place.value.height, nan=-np.inf)).x


def _candidates(objective: Objective, held: dict[int, float]) -> Array:
    """Combine time scales from the shortest gap to the whole span."""
    stream, power_law = objective.stream, objective.shapes == 2
    gap = float(np.median(stream.gaps))
    first, last, steps = log(gap / 3), log(max(stream.span / 3, gap)), 3 if power_law else 5
    scales = [first + (last - first) * step / steps for step in range(steps + 1)]
    count = max(stream.outcomes, 1)
    rate = count / max(float(np.sum(stream.time[stream.offsets[1:] - 1])), gap)
    options = {
        "branching": [log(0.4), log(0.8)] if objective.background else [log(0.8)],
        "theta": [log(0.3), log(1.5)] if power_law else [-scale for scale in scales],
        "c": scales,
        "beta": [0.2],
        "mu": [log(rate * 0.4)],
        "N": [log(len(stream))],
    }
    held_names = {objective.names[i]: value for i, value in held.items()}
    lists = [[held_names[n]] if n in held_names else options[n] for n in objective.names]
    return np.array(list(product(*lists)))


def _balanced(objective: Objective, x: Array, held: dict[int, float]) -> Array:
    """Without a background, set n* so that as many events are expected as were seen."""
    if objective.background or objective.population or 0 in held:
        return x
    x = x.copy()
    value = objective(x)
    if np.isfinite(value.slope[0]):  # the slope by log n* is seen less expected
        x[0] += np.log(objective.stream.outcomes / (objective.stream.outcomes - value.slope[0]))
    return x
