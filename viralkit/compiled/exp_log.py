"""Exponential and logarithm as polynomials, so that loops over them run in vector instructions."""

import numpy as np
from numba import njit

FAST = {"contract", "reassoc", "nsz", "arcp"}  # sums may be reordered; nan and infinity are kept
LOG2E, LN2 = 1.4426950408889634, 0.6931471805599453
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
LEAST = -700.0  # exp() of less is taken as exp(-700)
HALF_ROOT = 4604544271217802189  # the bits of sqrt(1/2): mantissas are taken from there up


@njit(inline="always")
def fast_exp(x: float) -> float:
    """exp(x) to a few units in the last place, for x up to 700."""
    x = max(x, LEAST)
    k = np.int64(x * LOG2E + 1024.5) - 1024
    r = (x - np.float64(k) * LN2_HIGH) - np.float64(k) * LN2_LOW
    p = 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 0.0001984126984126984
    p = p * r + 0.001388888888888889
    p = p * r + 0.008333333333333333
    p = p * r + 0.041666666666666664
    p = p * r + 0.16666666666666666
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * np.int64((k + 1023) << 52).view(np.float64)


@njit(inline="always")
def fast_log(x: float) -> float:
    """log(x) to a few units in the last place, for positive normal x."""
    bits = np.float64(x).view(np.int64)
    k = (bits - np.int64(HALF_ROOT)) >> 52
    m = np.int64(bits - (k << 52)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = 1.0 / 19
    p = p * z + 1.0 / 17
    p = p * z + 1.0 / 15
    p = p * z + 1.0 / 13
    p = p * z + 1.0 / 11
    p = p * z + 1.0 / 9
    p = p * z + 1.0 / 7
    p = p * z + 1.0 / 5
    p = p * z + 1.0 / 3
    p = p * z + 1.0
    return 2.0 * s * p + np.float64(k) * LN2
