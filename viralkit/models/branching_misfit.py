"""Does a branching law hold for the sample? What it says of the smallest, the largest, the mass."""

from __future__ import annotations

import numpy as np
from scipy import special

from .branching_laws import log_offspring, log_offspring_at_least, log_progeny
from .branching_likelihood import Fit, tails
from .results import Array

FEWEST = 10  # counts that a cell of the χ² test expects, at the least
CELLS = 12  # of the χ² test, at most
LONGEST = 10_000  # children up to which sizes are told apart


def none_so_small(fit: Fit) -> tuple[int, float]:
    """The smallest final size, and the log-probability that no cascade of the sample is smaller.

    The law is fitted to the same cascades, which makes this larger, not smaller.
    """
    data = fit.likelihood.data
    least = float(data.parents[~data.late].min())
    rows = data.parents >= least
    size, roots = np.full(int(rows.sum()), least), data.roots[rows]
    terms = tails(size, roots, fit.mean, fit.inverse)
    kept = tails(np.full(size.size, float(data.at_least)), roots, fit.mean, fit.inverse)
    return int(least), float(data.number[rows] @ (terms - kept))


def as_large(fit: Fit) -> tuple[int, float]:
    """The count that surprises most by being large, and a bound on the p-value of the largest.

    Every row has the probability of a count like its own or larger; the least of these, times the
    number of rows (Bonferroni), bounds the p-value. Of sizes the count is the size, else children.
    """
    data = fit.likelihood.data
    if data.of == "sizes":
        terms = tails(data.parents, data.roots, fit.mean, fit.inverse)
        least = np.full(data.roots.size, float(data.at_least))
        terms = terms - tails(least, data.roots, fit.mean, fit.inverse)
    else:
        terms = log_offspring_at_least(data.parents, data.children, fit.mean, fit.inverse)
    row, shown = int(np.argmin(terms)), data.parents if data.of == "sizes" else data.children
    return int(shown[row]), float(min(np.exp(np.log(data.total) + terms[row]), 1.0))


def mass(fit: Fit) -> float:
    """Are there as many counts of each size as the law expects? The p-value of Pearson's χ².

    Neighbouring sizes make cells of at least ten expected counts. One degree of freedom less than
    cells: R and k are fitted to the counts, not to the cells, so that the truth lies between this
    and two less (Chernoff and Lehmann 1954, doi:10.1214/aoms/1177728726), and this refuses fewer.
    One where counts still grow, are told by parents of unlike number, or are too few.
    """
    data = fit.likelihood.data
    if data.late.any() or data.of == "generations":
        return 1.0
    last = int(min(data.children.max(), LONGEST)) + 1  # this one and beyond are one
    seen = np.bincount(np.minimum(data.children, last).astype(int), data.number, last + 1)
    expected = _expected(fit, last)
    starts = _cells(expected)
    seen, expected = np.add.reduceat(seen, starts), np.add.reduceat(expected, starts)
    chi2 = float(((seen - expected) ** 2 / expected).sum())
    return float(special.chdtrc(len(starts) - 1, chi2)) if len(starts) > 1 else 1.0


def _expected(fit: Fit, last: int) -> Array:
    """How many counts the law expects to have 0, 1, 2 … children, and so many or more."""
    data, children = fit.likelihood.data, np.arange(float(last))
    found = np.zeros(last + 1)
    for roots in np.unique(data.roots):
        if data.of == "sizes":
            law = np.exp(log_progeny(children + roots, roots, fit.mean, fit.inverse))
            kept = children + roots >= data.at_least
            law = np.where(kept, law, 0.0) / (1 - law[~kept].sum())
        else:
            law = np.exp(log_offspring(np.ones(last), children, fit.mean, fit.inverse))
        often = float(data.number[data.roots == roots].sum())
        found += often * np.append(law, max(1 - law.sum(), 0.0))
    return found


def _cells(expected: Array) -> list[int]:
    """Where cells of neighbours begin, each of which expects enough."""
    enough, starts, held = max(FEWEST, float(expected.sum()) / CELLS), [0], 0.0
    for place, one in enumerate(expected):
        if held >= enough:
            starts.append(place)
            held = 0.0
        held += float(one)
    return starts[:-1] if held < enough and len(starts) > 1 else starts
