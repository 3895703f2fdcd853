"""How infectious was a cascade at given times: the estimator of SEISMIC in one pass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel, part

SHORTEST, LONGEST, FEWEST = 300.0, 7200.0, 5  # the window: seconds, seconds, events
CUTOFF, LEVEL, SLOPE = 300.0, 0.0006265725, 0.2314843  # the kernel of reaction times


@part
def reactions(age: float) -> tuple[float, float]:
    """The integral of the kernel up to an age, and that of the kernel times the age."""
    if age <= CUTOFF:
        return LEVEL * age, LEVEL * age * age / 2
    ratio = age / CUTOFF
    decay = ratio**-SLOPE
    mass = LEVEL * CUTOFF * (1 + (1 - decay) / SLOPE)
    return mass, LEVEL * CUTOFF**2 * (0.5 + (ratio * decay - 1) / (1 - SLOPE))


@part
def window(times: Any, seen: int, now: float) -> tuple[int, float]:
    """The first event of the window before now, and the window's length."""
    length = min(max(now / 2, SHORTEST), LONGEST)
    first = int(np.searchsorted(times[:seen], now - length))
    if seen - first < FEWEST:
        first = max(seen - FEWEST, 1) - 1
        length = now - times[first]
    return first, length


@part
def exposure(times: Any, audience: Any, seen: int, now: float, length: float) -> float:
    """The followers who could react inside the window, weighted by its triangle."""
    total = 0.0
    for place in range(seen):
        age = now - times[place]
        mass, moment = reactions(age)
        before, moment_before = reactions(max(age - length, 0.0))
        weighted = (1 - age / length) * (mass - before) + (moment - moment_before) / length
        total += audience[place] * weighted
    return total


@part
def waiting(times: Any, audience: Any, known: int, now: float) -> float:
    """The followers who have yet to react."""
    total = 0.0
    for place in range(known):
        age = now - times[place]
        left = 1 - LEVEL * age
        if age > CUTOFF:
            left = LEVEL * CUTOFF / SLOPE * (age / CUTOFF) ** -SLOPE
        total += audience[place] * left
    return total


@part
def judge(times: Any, audience: Any, now: float, found: Any) -> None:
    """One cascade at one moment: fills the four numbers that `infectiousness` gives."""
    seen, known = int(np.searchsorted(times, now)), int(np.searchsorted(times, now, side="right"))
    found[2] = max(known - 1, 0)
    found[3] = waiting(times, audience, known, now)
    if seen < 2:
        return
    first, length = window(times, seen, now)
    weight, number = 0.0, 0
    for place in range(max(first, 1), seen):
        if times[place] >= now - length:
            weight += 1 - (now - times[place]) / length
            number += 1
    if weight > 0:
        reached = exposure(times, audience, seen, now, length)
        found[0] = weight / reached if reached > 0 else np.inf
        found[1] = number


@kernel
def infectiousness(times: Any, audience: Any, starts: Any, moments: Any) -> NDArray[np.float64]:
    """Estimate each cascade at its moments (a row a cascade, a column a moment).

    Gives, for each: infectiousness, reshares in the window, reshares so far, and followers who
    have yet to react. Cascade i has the events starts[i] to starts[i + 1], sorted by time, the
    original post first.
    """
    cascades, columns = moments.shape
    found = np.zeros((cascades, columns, 4))
    for cascade in range(cascades):
        events = slice(starts[cascade], starts[cascade + 1])
        for column in range(columns):
            now = moments[cascade, column]
            judge(times[events], audience[events], now, found[cascade, column])
    return found
