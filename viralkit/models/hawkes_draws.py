"""Draws of the parameters of a self-exciting fit, near or far from a normal law."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .hawkes_newton import Box, Place, climb
from .results import Array

if TYPE_CHECKING:
    from .hawkes_fit import Fit
    from .hawkes_results import HawkesResults

WORK = 20_000_000  # draws times events up to which each draw is worked out by itself
TRIED = 500  # draws along a profile, from which those that are likely are drawn again
STEP = 0.4  # the most between neighbours on a profile
DEEP = 8.0  # how far the log-likelihood falls to either end of a profile: 4 standard errors
WIDE = 2.0  # the largest standard error of what follows the profile


def draw_places(results: HawkesResults, draws: int, rng: np.random.Generator) -> Array:
    """Draw coordinates from the normal law of the estimates, or along profiles.

    Where the likelihood is not normal, that law reaches too far. Without marks it does so to both
    sides, and intervals get wide. But magnitudes are raised to beta, so that a beta drawn too far
    from what fits makes futures of any size: there the likelihood is followed.
    """
    fit = results._fit
    places, free = np.tile(fit.place.x, (draws, 1)), fit.free
    if not free:
        return places
    size, axes = np.linalg.eigh(results.spread)
    root = axes * np.sqrt(np.maximum(size, 0.0))
    emptied = any(0 < limit < np.inf for limit in fit.limits.values())  # nobody left of N
    if not (fit.objective.marked or emptied) or (not emptied and is_normal(fit, root)):
        places[:, free] += rng.standard_normal((draws, len(free))) @ root.T
        places[:, free] = np.clip(places[:, free], fit.box.lower[free], fit.box.upper[free])
    else:
        places = _along_profiles(results, draws, rng)
    return np.array([fit.objective.complete(x) for x in places]) if 0 in fit.held else places


def is_normal(fit: Fit, root: Array) -> bool:
    """Whether the log-likelihood falls by 2, give or take a factor of 2, at two standard errors."""
    free = fit.free
    for step in [*2 * root.T, *-2 * root.T]:
        x = fit.place.x.copy()
        x[free] += step
        inside = np.all((x >= fit.box.lower)[free] & (x <= fit.box.upper)[free])
        if not inside or not 1 <= fit.place.value.height - fit.objective(x).height <= 4:
            return False
    return True


def _along_profiles(results: HawkesResults, draws: int, rng: np.random.Generator) -> Array:
    """Draw an equal share of the coordinates by the likelihood profile of each but beta.

    What is left of the likelihood's doubt about beta follows from that about the branching factor.
    """
    fit, error = results._fit, np.sqrt(np.diag(results.spread))
    beta = 1 + fit.objective.shapes if fit.objective.marked else -1
    chosen = [i for i in fit.free if i != beta] or fit.free
    parts = []
    for index in chosen:
        step = float(min(STEP, error[fit.free.index(index)] / 4))
        weigh = draws * len(results.model.stream) <= WORK
        found, chance = _along_profile(fit, index, step, rng, weigh=weigh)
        share = -(-draws // len(chosen))
        parts.append(found[rng.choice(len(found), share, p=chance / chance.sum())])
    return np.asarray(rng.permutation(np.concatenate(parts))[:draws])


def _along_profile(
    fit: Fit, index: int, step: float, rng: np.random.Generator, *, weigh: bool
) -> tuple[Array, Array]:
    """Draw one coordinate by its profile, and the others around what fits to it; with chances.

    The signed root of twice the fall of the log-likelihood is a standard normal draw, so that the
    draws agree with the profile's interval. The others are drawn by a normal law about the best
    for it, and kept the less often, the less likely they are than that law has it.
    """
    others = [i for i in range(len(fit.place.x)) if i not in fit.held and i != index]
    box = _sensible(fit)
    path, signed = _path(fit, index, others, step, box)
    at = np.interp(rng.standard_normal(TRIED), signed, np.arange(len(path)))
    noise = rng.standard_normal((len(at), len(others)))
    known = np.array([[*place.x, place.value.height] for place in path]).T
    *rows, top = (np.interp(at, np.arange(len(path)), row) for row in known)
    places = np.array(rows).T
    roots = np.array([_narrow(place, others) for place in path])
    places[:, others] += np.einsum("dij,dj->di", roots[np.rint(at).astype(int)], noise)
    inside = np.clip(places[:, others], box.lower[others], box.upper[others])
    out = np.any(inside != places[:, others], axis=1).tolist()
    if all(out) or not weigh:
        places[:, others] = inside
        return places, np.ones(len(at))
    height = [-np.inf if o else fit.objective(x).height for x, o in zip(places, out, strict=True)]
    excess = np.nan_to_num(height - top + (noise**2).sum(axis=1) / 2, nan=-700.0, neginf=-700.0)
    return places, np.exp(np.minimum(excess, 0.0))


def _sensible(fit: Fit) -> Box:
    """Return the box, in which larger accounts do not count less unless the best fit has it so."""
    lower = fit.box.lower.copy()
    if "beta" in fit.objective.names:
        place = fit.objective.names.index("beta")
        lower[place] = 0.0 if fit.place.x[place] >= 0 else lower[place]
    return Box(lower, fit.box.upper)


def _path(
    fit: Fit, index: int, others: list[int], step: float, box: Box
) -> tuple[list[Place], Array]:
    """Fit the others to values of one coordinate, in order; also the signed roots of the falls."""
    sides, falls = [], []
    for sign, limit in ((-1, box.lower[index]), (1, box.upper[index])):
        side, fall = [fit.place], [0.0]
        while side[-1].x[index] != limit and fall[-1] < DEEP:
            x = side[-1].x.copy()
            x[index] += sign * min(step, abs(limit - x[index]))
            side.append(climb(fit.objective, x, others, box))
            fall.append(max(fit.place.value.height - side[-1].value.height, fall[-1]))
        sides.append(side)
        falls.append(sign * np.sqrt(2 * np.array(fall)))
    return sides[0][:0:-1] + sides[1], np.concatenate([falls[0][:0:-1], falls[1]])


def _narrow(place: Place, others: list[int]) -> Array:
    """Return the root of the covariance of the others, no wider than makes sense."""
    size, axes = np.linalg.eigh(-place.value.bend[np.ix_(others, others)])
    return np.asarray(axes / np.sqrt(np.maximum(size, WIDE**-2)))
