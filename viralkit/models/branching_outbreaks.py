"""Many outbreaks at once: who hears of it by generation, in a crowd that may end."""

from __future__ import annotations

from typing import Any

import numpy as np

from .results import Array


def outbreaks(
    people: int,
    times: int,
    mean: float,
    inverse: float,
    *,
    audience: float | None = None,
    number: int = 100,
    seed: Any = 0,
) -> Array:
    """How many know it by generation, in so many outbreaks?

    One person tells `people` others. Each of them tells a negative binomial number of others, of
    mean `mean` and dispersion 1/`inverse`. Of an audience each telling meets one of the others at
    random; who knows it already does not count again.

    Returns
    -------
    numpy.ndarray
        Totals, the starter included: one row an outbreak, one column a generation from 0 on.

    Notes
    -----
    How many of an audience hear it in a generation has its exact mean; it is drawn as binomial,
    which spreads a little wider than the occupancy law does.
    """
    rng = np.random.default_rng(seed)
    totals = np.ones((number, times + 1))
    told, total = np.ones(number), np.ones(number)
    for generation in range(1, times + 1):
        first = generation == 1
        tellings = np.full(number, float(people)) if first else children(told, mean, inverse, rng)
        told = tellings if audience is None else met(tellings, total, audience, rng)
        total = total + told
        totals[:, generation] = total
    return totals


def children(told: Array, mean: float, inverse: float, rng: np.random.Generator) -> Array:
    """How many others so many people tell together."""
    rate = told * mean
    if inverse > 0:
        rate = rng.gamma(told / inverse, mean * inverse)
    return rng.poisson(rate).astype(float)


def met(tellings: Array, total: Array, audience: float, rng: np.random.Generator) -> Array:
    """How many of an audience hear it for the first time, each telling meeting one at random."""
    left = np.maximum(audience - total, 0.0)
    if audience <= 2:
        return np.minimum(tellings, left)
    expected = -left * np.expm1(tellings * np.log1p(-1 / (audience - 1)))
    most = np.minimum(tellings, left)
    chance = np.divide(expected, most, out=np.zeros_like(most), where=most > 0)
    return rng.binomial(most.astype(np.int64), np.minimum(chance, 1.0)).astype(float)
