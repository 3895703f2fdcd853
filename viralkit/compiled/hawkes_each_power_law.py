"""The power-law kernel, with or without marks, fitted to each of many cascades, exactly by pairs.

The branching factor has a closed form given the other parameters, so that the search has two or
three dimensions: log theta, log c, and beta.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from viralkit.compiled.compiling import kernel
from viralkit.compiled.exp_log import FAST, fast_exp, fast_log
from viralkit.compiled.newton import newton_step, reach

ROUNDS, CLOSE = 100, 1e-9


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def meet(time: Any, weight: Any, low: int, i: int, c: float, power: float, out: Any) -> None:
    """Σ w·x^-power over earlier events, x = 1 + lag/c; times l = log x, r = 1/x, l², l r, r²."""
    s0 = s1 = s2 = s3 = s4 = s5 = 0.0
    for j in range(low, i):
        x = 1.0 + (time[i] - time[j]) / c
        lag = fast_log(x)
        w, r = weight[0, j - low] * fast_exp(-power * lag), 1.0 / x
        wl, wr = w * lag, w * r
        s0 += w
        s1 += wl
        s2 += wr
        s3 += wl * lag
        s4 += wl * r
        s5 += wr * r
    out[0], out[1], out[2], out[3], out[4], out[5] = s0, s1, s2, s3, s4, s5


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def meet_marked(time: Any, weight: Any, low: int, i: int, c: float, power: float, out: Any) -> None:
    """The sums of `meet`, and 1, l, r with the weights' first derivative, 1 with the second."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = s9 = 0.0
    for j in range(low, i):
        x = 1.0 + (time[i] - time[j]) / c
        lag = fast_log(x)
        g, r = fast_exp(-power * lag), 1.0 / x
        w, w1 = g * weight[0, j - low], g * weight[1, j - low]
        wl, wr = w * lag, w * r
        s0 += w
        s1 += wl
        s2 += wr
        s3 += wl * lag
        s4 += wl * r
        s5 += wr * r
        s6 += w1
        s7 += w1 * lag
        s8 += w1 * r
        s9 += g * weight[2, j - low]
    out[0], out[1], out[2], out[3], out[4], out[5] = s0, s1, s2, s3, s4, s5
    out[6], out[7], out[8], out[9] = s6, s7, s8, s9


@njit(error_model="numpy", nogil=True)
def arrange(m: Any, theta: float, extra: float, d: Any) -> None:
    """Turn sums into a value, d[0, 0], its gradient d[0, 1:], and its Hessian d[1:, 1:]."""
    p = theta + extra
    d[0, 0] = m[0]
    d[0, 1] = extra * m[0] - theta * m[1]
    d[0, 2] = theta * m[0] - p * m[2]
    d[0, 3] = m[6]
    d[1, 1] = extra * extra * m[0] - (2.0 * extra + 1.0) * theta * m[1] + theta * theta * m[3]
    d[1, 2] = extra * d[0, 2] - theta * (theta * m[1] - p * m[4]) + theta * (m[0] - m[2])
    d[2, 2] = theta * theta * m[0] - 2.0 * theta * p * m[2] + p * p * m[5] - p * (m[2] - m[5])
    d[1, 3] = extra * m[6] - theta * m[7]
    d[2, 3] = theta * m[6] - p * m[8]
    d[3, 3] = m[9]


@njit(error_model="numpy", nogil=True)
def expected(time: Any, weight: Any, low: int, high: int, until: float, x: Any, d: Any) -> None:
    """The expected share of events and its derivatives, arranged as by `arrange`."""
    theta, c, m = math.exp(x[0]), math.exp(x[1]), np.zeros(10)
    total = total1 = total2 = 0.0
    for j in range(high - low):
        total += weight[0, j]
        total1 += weight[1, j]
        total2 += weight[2, j]
        if until < np.inf:
            z = 1.0 + (until - time[low + j]) / c
            lag, r = math.log(z), 1.0 / z
            g = math.exp(-theta * lag)
            w, w1 = weight[0, j] * g, weight[1, j] * g
            m[0] += w
            m[1] += w * lag
            m[2] += w * r
            m[3] += w * lag * lag
            m[4] += w * lag * r
            m[5] += w * r * r
            m[6] += w1
            m[7] += w1 * lag
            m[8] += w1 * r
            m[9] += weight[2, j] * g
    arrange(m, theta, 0.0, d)
    for i in range(4):
        for j in range(i, 4):
            d[i, j] = -d[i, j]
    d[0, 0] += total
    d[0, 3] += total1
    d[3, 3] += total2


@njit(error_model="numpy", nogil=True)
def weigh(log_mark: Any, low: int, high: int, given: int, beta: float, weight: Any) -> None:
    """Marks to the power beta over their mean (of modelled events), and derivatives by beta."""
    total = mean = square = 0.0
    for j in range(high - low):
        weight[0, j] = math.exp(beta * log_mark[low + j])
    for j in range(given, high - low):
        total += weight[0, j]
        mean += weight[0, j] * log_mark[low + j]
        square += weight[0, j] * log_mark[low + j] ** 2
    mean /= total
    spread = square / total - mean * mean
    for j in range(high - low):
        off = log_mark[low + j] - mean
        weight[0, j] *= (high - low - given) / total
        weight[1, j] = weight[0, j] * off
        weight[2, j] = weight[0, j] * (off * off - spread)


@njit(error_model="numpy", nogil=True)
def look(
    time: Any, log_mark: Any, low: int, high: int, given: int, until: float, x: Any, work: Any
) -> Any:
    """The log-likelihood at the best branching factor; derivatives go to the first rows of work."""
    weight, sums, d, found = work
    theta, c, marked = math.exp(x[0]), math.exp(x[1]), len(log_mark) > 0
    if marked:
        weigh(log_mark, low, high, given, x[2], weight)
    count, height = high - low - given, 0.0
    found[:] = 0.0
    for i in range(low + given, high):
        if marked:
            meet_marked(time, weight, low, i, c, theta + 1.0, sums)
        else:
            meet(time, weight, low, i, c, theta + 1.0, sums)
        arrange(sums, theta, 1.0, d)
        height += math.log(d[0, 0])
        for a in range(1, 4):
            found[0, a] += d[0, a] / d[0, 0]
            for b in range(a, 4):
                found[a, b] += d[a, b] / d[0, 0] - d[0, a] * d[0, b] / d[0, 0] ** 2
    expected(time, weight, low, high, until, x, d)
    for a in range(1, 4):
        found[0, a] -= count * d[0, a] / d[0, 0]
        for b in range(a, 4):
            found[a, b] -= count * (d[a, b] / d[0, 0] - d[0, a] * d[0, b] / d[0, 0] ** 2)
    return height + count * (x[0] - x[1] + math.log(count / d[0, 0]) - 1.0)


@njit(error_model="numpy", nogil=True)
def start(
    time: Any, log_mark: Any, low: int, high: int, given: int, until: float, x: Any, work: Any
) -> Any:
    """The better of two time scales, at the same exponent."""
    span, best, scale = time[high - 1] - time[low], -np.inf, 0.0
    x[0], x[2] = math.log(0.5), 0.2
    for k in range(2):
        x[1] = math.log(span / (high - low)) + (2.0 * k - 1.0)
        height = look(time, log_mark, low, high, given, until, x, work)
        if height > best:
            best, scale = height, x[1]
    x[1] = scale
    return look(time, log_mark, low, high, given, until, x, work)


@njit(error_model="numpy", nogil=True)
def search(
    time: Any, log_mark: Any, low: int, high: int, given: int, until: float, work: Any, out: Any
) -> None:
    """Newton's method with its steps shortened; one row of the answer."""
    x, trial, step = np.zeros(3), np.zeros(3), np.zeros(3)
    size, span = 3 if len(log_mark) > 0 else 2, time[high - 1] - time[low]
    least = np.array([math.log(0.01), math.log(1e-6 * span / (high - low)), -20.0])
    most = np.array([math.log(50.0), math.log(1e3 * span), 20.0])
    height = start(time, log_mark, low, high, given, until, x, work)
    for _ in range(ROUNDS):
        gain = newton_step(x, work[3], size, least, most, step)
        if gain < CLOSE:
            look(time, log_mark, low, high, given, until, x, work)
            out[14] = 1.0
            for i in range(size):
                out[14] *= least[i] < x[i] < most[i]
            break
        part, found = reach(x, step, size, least, most), -np.inf
        while part > 1e-8:
            for i in range(size):
                trial[i] = min(max(x[i] + part * step[i], least[i]), most[i])
            found = look(time, log_mark, low, high, given, until, trial, work)
            if found > height + 1e-4 * part * gain:
                break
            part *= 0.4
        if not found > height:
            look(time, log_mark, low, high, given, until, x, work)
            break
        x[:], height = trial, found
    keep(x, height, work, out)


@njit(error_model="numpy", nogil=True)
def keep(x: Any, height: float, work: Any, out: Any) -> None:
    """Write one row of the answer."""
    d, found, place = work[2], work[3], 8
    out[3], out[4] = height, d[0, 0]
    for a in range(3):
        out[a], out[5 + a] = x[a], d[0, a + 1] / d[0, 0]
        for b in range(a, 3):
            out[place] = -found[a + 1, b + 1]
            place += 1


@kernel
def hawkes_each_power_law(time: Any, log_mark: Any, offsets: Any, until: Any, given: Any) -> Any:
    """Fit each cascade; no marks where `log_mark` is empty. Fifteen numbers a row.

    log theta, log c, beta; log-likelihood; expected share G; the gradient of log G by the three;
    the upper triangle of the information by the three (branching factor at its best); 1 where the
    search came to rest inside the box.
    """
    out = np.zeros((len(until), 15))
    longest = 0
    for cascade in range(len(until)):
        longest = max(longest, offsets[cascade + 1] - offsets[cascade])
    weight = np.zeros((3, longest))
    weight[0] = 1.0
    work = (weight, np.zeros(10), np.zeros((4, 4)), np.zeros((4, 4)))
    for cascade in range(len(until)):
        low, high, first = offsets[cascade], offsets[cascade + 1], given[cascade]
        if high - low > first and time[high - 1] > time[low]:
            search(time, log_mark, low, high, first, until[cascade], work, out[cascade])
    return out
