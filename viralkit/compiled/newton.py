"""Steps of Newton's method in up to three dimensions, within a box, as parts of kernels.

`found` holds the gradient in `found[0, 1:]` and the upper triangle of the Hessian in
`found[1:, 1:]`.
"""

import math
from typing import Any

import numpy as np
from numba import njit

STEP = 1.5  # the most that a coordinate moves at once


@njit(error_model="numpy", nogil=True)
def solve(found: Any, size: int, ridge: float, step: Any) -> bool:
    """Solve (-Hessian + ridge) step = gradient by Cholesky; False where it is not positive."""
    root = np.zeros((3, 3))
    for i in range(size):
        for j in range(i + 1):
            rest = -found[j + 1, i + 1] + (ridge if i == j else 0.0)
            for k in range(j):
                rest -= root[i, k] * root[j, k]
            if i == j:
                if rest <= 1e-12:
                    return False
                root[i, i] = math.sqrt(rest)
            else:
                root[i, j] = rest / root[j, j]
    for i in range(size):
        step[i] = found[0, i + 1]
        for k in range(i):
            step[i] -= root[i, k] * step[k]
        step[i] /= root[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            step[i] -= root[k, i] * step[k]
        step[i] /= root[i, i]
    return True


@njit(error_model="numpy", nogil=True)
def hold(x: Any, found: Any, size: int, least: Any, most: Any, step: Any) -> bool:
    """Take out of the next step what would leave the box; whether there was any such thing."""
    held = False
    for i in range(size):
        if (x[i] >= most[i] and step[i] > 0.0) or (x[i] <= least[i] and step[i] < 0.0):
            held = True
            found[0, i + 1] = 0.0
            for j in range(1, 4):
                found[min(i + 1, j), max(i + 1, j)] = 0.0
            found[i + 1, i + 1] = -1.0
    return held


@njit(error_model="numpy", nogil=True)
def newton_step(x: Any, found: Any, size: int, least: Any, most: Any, step: Any) -> float:
    """A step uphill of bounded length, within the box, and what it should gain."""
    for i in range(size):
        step[i] = found[0, i + 1]
    hold(x, found, size, least, most, step)
    again = True
    while again:
        ridge = 0.0
        while not solve(found, size, ridge, step):
            ridge = max(4.0 * ridge, 1e-3 * (1.0 + abs(found[1, 1])))
        again = hold(x, found, size, least, most, step)
    part, gain = 1.0, 0.0
    for i in range(size):
        part = min(part, STEP / max(abs(step[i]), 1e-300))
    for i in range(size):
        step[i] *= part
        gain += step[i] * found[0, i + 1]
    return gain


@njit(error_model="numpy", nogil=True)
def reach(x: Any, step: Any, size: int, least: Any, most: Any) -> float:
    """Which part of a step leads to the first wall of the box, 1 at most."""
    part = 1.0
    for i in range(size):
        if step[i] != 0.0:
            wall = most[i] if step[i] > 0.0 else least[i]
            part = min(part, (wall - x[i]) / step[i])
    return part
