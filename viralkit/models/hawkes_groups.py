"""Self-exciting models of many cascades: each by itself, or all with the same parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from ..compiled.hawkes_each_exponential import hawkes_each_exponential
from ..compiled.hawkes_each_power_law import hawkes_each_power_law
from ..tables import TableError
from ..wording import show
from .hawkes_stream import Index, Stream
from .results import Array

NAMES = {"exponential": ("theta",), "power_law": ("theta", "c")}


def each(stream: Stream, kernel: str, alpha: float = 0.05) -> pl.DataFrame:
    """Fit every cascade by itself; a row a cascade."""
    if kernel == "exponential" and stream.magnitude is None:
        found = hawkes_each_exponential(stream.time, stream.offsets, stream.until, stream.given)
        free = [0]
    elif kernel == "power_law":
        log_mark = np.empty(0) if stream.magnitude is None else np.log(stream.magnitude)
        found = hawkes_each_power_law(
            stream.time, log_mark, stream.offsets, stream.until, stream.given
        )
        free = [0, 1] if stream.magnitude is None else [0, 1, 2]
    else:
        raise ValueError(
            "marks='magnitude' with kernel='exponential' is not fitted cascade by cascade. Use "
            "kernel='power_law', marks=None, or Hawkes(…).fit() for one cascade."
        )
    return _table(stream, found, free, kernel, alpha)


def _table(
    stream: Stream, found: Array, free: list[int], kernel: str, alpha: float
) -> pl.DataFrame:
    """Name the numbers of the compiled pass, and add errors, final size and a warning."""
    size = np.diff(stream.offsets)
    count = (size - stream.given).astype(float)
    with np.errstate(all="ignore"):
        n = count / found[:, 4]
        spread, tilt = _spread(found, free), found[:, 5:8][:, free]
        error = np.sqrt(1 / count + np.einsum("ci,cij,cj->c", tilt, spread, tilt))
        whole = np.hypot(error, _error_of_mean_mark(stream, found))
        factor = np.exp(stats.norm.ppf(1 - alpha / 2) * whole)
        log_kappa, slope = _log_kappa(stream, found, free, kernel)
        slope = slope - tilt
        kappa = n * np.exp(log_kappa)
        loose = np.sqrt(1 / count + np.einsum("ci,cij,cj->c", slope, spread, slope))
        rest = _total_weight(stream, found) - found[:, 4]
        final = np.where(n < 1, size + n * rest / (1 - n), np.where(rest > 0, np.inf, size))
        upper = n * factor
    columns = {"branching_factor": n, "lower": n / factor, "upper": upper}
    columns |= {"kappa": kappa, "kappa_std_error": kappa * loose}
    for place, i in enumerate(free):
        name = "beta" if i == 2 else NAMES[kernel][i]
        value = found[:, i] if name == "beta" else np.exp(found[:, i])
        scale = 1.0 if name == "beta" else value
        with np.errstate(invalid="ignore"):
            error = np.sqrt(spread[:, place, place]) * scale
        columns |= {name: value, f"{name}_std_error": error}
    columns |= {"final_size": final, "llf": found[:, 3]}
    warning = _warnings(count, upper, found[:, 14] > 0, spread, len(free))
    empty = count == 0
    named = {k: pl.Series(np.where(empty, np.nan, v)).fill_nan(None) for k, v in columns.items()}
    head = {"cascade_id": pl.Series(stream.names, dtype=pl.String), "size": size}
    return pl.DataFrame(head | named | {"warning": pl.Series(warning, dtype=pl.String)})


def _spread(found: Array, free: list[int]) -> Array:
    """Return the covariance of the kernel's parameters on their fitting scale; nan without one."""
    whole = np.zeros((len(found), 3, 3))
    for place, (i, j) in enumerate([(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]):
        whole[:, i, j] = whole[:, j, i] = found[:, 8 + place]
    information = whole[:, free][:, :, free]
    least = np.min(np.linalg.eigvalsh(information), axis=1)
    good = least > 1e-8
    spread = np.full_like(information, np.nan)
    spread[good] = np.linalg.inv(information[good])
    return spread


def _log_kappa(stream: Stream, found: Array, free: list[int], kernel: str) -> tuple[Array, Array]:
    """Return log kappa less log n*, and its gradient by the kernel's parameters."""
    level, slope = np.zeros(len(found)), np.zeros((len(found), len(free)))
    if kernel == "power_law":
        theta = np.exp(found[:, 0])
        level = found[:, 0] + theta * found[:, 1]
        slope[:, 0], slope[:, 1] = 1 + theta * found[:, 1], theta
    if stream.magnitude is not None:
        power, starts = _powers(stream, found), stream.offsets[:-1]
        log_mark, power = np.log(stream.magnitude), power * stream.outcome
        total = np.add.reduceat(power, starts)
        level = level - np.log(total / (np.diff(stream.offsets) - stream.given))
        slope[:, 2] = -np.add.reduceat(power * log_mark, starts) / total
    return level, slope


def _powers(stream: Stream, found: Array) -> Array:
    """Return marks to the power beta; ones without marks."""
    if stream.magnitude is None:
        return np.ones(len(stream))
    beta = np.repeat(found[:, 2], np.diff(stream.offsets))
    return np.asarray(stream.magnitude**beta)


def _error_of_mean_mark(stream: Stream, found: Array) -> Array:
    """Return the standard error of the log of the mean of the marks to the power beta."""
    power, starts = _powers(stream, found) * stream.outcome, stream.offsets[:-1]
    total, squares = (np.add.reduceat(power**k, starts) for k in (1, 2))
    return np.asarray(np.sqrt(squares / total**2 - 1 / (np.diff(stream.offsets) - stream.given)))


def _total_weight(stream: Stream, found: Array) -> Array:
    """Return the sum of marks to the power beta over their mean among the modelled events."""
    power, starts = _powers(stream, found), stream.offsets[:-1]
    mean = np.add.reduceat(power * stream.outcome, starts) / (
        np.diff(stream.offsets) - stream.given
    )
    return np.asarray(np.add.reduceat(power, starts) / mean)


def _warnings(
    count: Array, upper: Array, settled: Any, spread: Array, free: int
) -> list[str | None]:
    """Say in a few words what each cascade cannot tell."""
    lost = np.isnan(spread[:, 0, 0])
    found: list[str | None] = []
    for i in range(len(count)):
        if count[i] == 0:
            found.append("nothing happened after the first time: nothing to fit")
        elif not settled[i] or lost[i]:
            found.append("a parameter ran to a limit: no error is known")
        elif count[i] < 10 * (free + 1):
            found.append("too few events: intervals are rough")
        elif upper[i] >= 1:
            found.append("a branching factor of 1 or more is not ruled out")
        else:
            found.append(None)
    return found


def check_minimum(stream: Stream, minimum_size: int, background: str | None) -> None:
    """Refuse a least size that is no number of events, or that some cascades do not have."""
    whole = isinstance(minimum_size, (int, np.integer)) and not isinstance(minimum_size, bool)
    if not whole or minimum_size < 1:
        raise ValueError(
            f"minimum_size={show(minimum_size)} is not a number of events; allowed: 1 (all were "
            "kept) or more. Pass the size from which cascades were kept."
        )
    sizes: Index = np.diff(stream.offsets)
    if minimum_size > int(np.min(sizes)):
        small = stream.names[int(np.argmin(sizes))]
        raise TableError(
            f"cascade {show(small)} has {int(np.min(sizes))} events, fewer than minimum_size="
            f"{minimum_size}. Filter it out, or pass the size from which cascades were kept."
        )
    if minimum_size > 1 and background:
        raise ValueError(
            "minimum_size with a background: a series is not chosen by its size. Pass "
            "minimum_size=1, or background=None."
        )
