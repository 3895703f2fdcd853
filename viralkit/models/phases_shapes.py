"""Which shape growth has inside one phase."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from .curves import Exponential, Linear, Logistic
from .families import FAMILIES
from .results import Array

POINTS = 5  # the least that can tell shapes apart
POSITIVE = 2.0  # twice the log Bayes factor that counts as positive evidence
SHAPES: dict[str, Any] = {"linear": Linear, "exponential": Exponential, "S-shaped": Logistic}
PAIRS = {  # each holds the simpler shape as a limit
    "exponential_over_linear": ("exponential", "linear"),
    "s_shaped_over_linear": ("S-shaped", "linear"),
    "s_shaped_over_exponential": ("S-shaped", "exponential"),
}
Gaps = tuple[Array, Array, Array]  # begin, end and count


def shape_table(phases: list[Gaps]) -> pl.DataFrame:
    """Return the answer for each phase and the evidence in each comparison."""
    rows = [(i, len(gaps[0]) + 1, *_shape(gaps)) for i, gaps in enumerate(phases, 1)]
    head = {"phase": pl.Int64, "points": pl.Int64, "answer": pl.String}
    return pl.DataFrame(rows, schema=head | dict.fromkeys(PAIRS, pl.Float64), orient="row")


def _shape(gaps: Gaps) -> list[str | float | None]:
    begin, end, count = gaps
    if len(count) + 1 < POINTS or not np.any(count > 0):
        return ["cannot be told", *[None] * len(PAIRS)]
    table = pl.DataFrame({"item": "phase", "time": begin, "period_end": end, "count": count})
    table = table.with_columns(kind=pl.lit("incremental"))
    misfit = {name: _misfit(curve, table) for name, curve in SHAPES.items()}
    evidence = {pair: _evidence(*names, misfit, count) for pair, names in PAIRS.items()}
    return [_answer(evidence), *evidence.values()]


def _misfit(curve: Any, table: pl.DataFrame) -> float:
    """Deviance of a curve fitted to the gaps of a phase."""
    fit = curve(table, unit="period", start=float(table["time"][0])).fit()
    family = FAMILIES["quasipoisson"]
    return float(np.sum(family.deviance(table["count"].to_numpy(), fit.fittedvalues)))


def _evidence(rich: str, plain: str, misfit: dict[str, float], count: Array) -> float:
    """Twice the log Bayes factor of the richer shape, by BIC.

    The likelihood ratio is the chi-squared that is as surprising as the F statistic.
    """
    size, order = len(count), list(SHAPES)
    extra = order.index(rich) - order.index(plain)
    left = size - order.index(rich) - 1
    scale = max(misfit[rich], 1e-11 * float(count.sum())) / left
    ratio = max(misfit[plain] - misfit[rich], 0.0) / extra / scale
    surprise = max(float(stats.f(extra, left).sf(ratio)), 1e-300)
    return float(stats.chi2(extra).isf(surprise) - extra * np.log(size))


def _answer(evidence: dict[str, float]) -> str:
    """Return the shape with positive evidence against both others."""
    led: dict[str, int] = dict.fromkeys(SHAPES, 0)
    for pair, value in evidence.items():
        if abs(value) >= POSITIVE:
            led[PAIRS[pair][int(value < 0)]] += 1
    return next((shape for shape, count in led.items() if count == 2), "cannot be told")
