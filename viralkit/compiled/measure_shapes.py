"""What shape has each cascade: size, depth, breadth, leaves, roots, mean distance?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel, part


@part
def order_by_depth(depth: Any, first: int, end: int, order: Any, width: Any) -> int:
    """Sort the places of a cascade by depth (counting); the number of generations."""
    generations = 0
    for place in range(first, end):
        generations = max(generations, depth[place] + 1)
    width[: generations + 1] = 0
    for place in range(first, end):
        width[depth[place] + 1] += 1
    for generation in range(generations):
        width[generation + 1] += width[generation]
    for place in range(first, end):
        order[width[depth[place]]] = place
        width[depth[place]] += 1
    return generations


@part
def sum_distances(parent: Any, first: int, size: int, order: Any, below: Any, tree: Any) -> Any:
    """Sum of distances over pairs of a tree, and the number of pairs, leaves and roots.

    Cutting the edge above an event with b events below it (itself included) parts b (t - b) pairs
    of its tree of t events: the sum over edges is the sum of distances.
    """
    below[:size] = 1
    leaves = 0
    for k in range(size - 1, -1, -1):
        place = order[k]
        leaves += below[place - first] == 1
        if parent[place] >= 0:
            below[parent[place] - first] += below[place - first]
    distances, pairs, roots = 0.0, 0.0, 0
    for k in range(size):
        own = order[k] - first
        if parent[order[k]] < 0:
            tree[own] = below[own]
            pairs += 0.5 * below[own] * (below[own] - 1.0)
            roots += 1
        else:
            tree[own] = tree[parent[order[k]] - first]
            distances += float(below[own]) * (tree[own] - below[own])
    return distances, pairs, leaves, roots


@kernel
def measure_shapes(
    parent: Any, depth: Any, starts: Any
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Depth, largest breadth, leaves, roots, children of roots; and the mean distance of pairs."""
    cascades = len(starts) - 1
    counts = np.zeros((5, cascades), np.int64)
    mean = np.full(cascades, np.nan)
    largest = np.max(np.diff(starts))
    order, width = np.empty(largest, np.int64), np.empty(largest + 1, np.int64)
    below, tree = np.empty(largest, np.int64), np.empty(largest, np.int64)
    for cascade in range(cascades):
        first, end = starts[cascade], starts[cascade + 1]
        generations = order_by_depth(depth, first, end, order, width)
        counts[0, cascade] = generations - 1
        before = 0
        for generation in range(generations):
            counts[1, cascade] = max(counts[1, cascade], width[generation] - before)
            before = width[generation]
        result = sum_distances(parent, first, end - first, order, below, tree)
        counts[2, cascade], counts[3, cascade] = result[2], result[3]
        if generations > 1:
            counts[4, cascade] = width[1] - width[0]
            mean[cascade] = result[0] / result[1]
    return counts, mean
