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
LEAD = 2.0  # difference of the criterion that counts as positive evidence
SHAPES: dict[str, Any] = {"linear": Linear, "exponential": Exponential, "S-shaped": Logistic}
COLUMNS = ["phase", "points", "answer", "linear", "exponential", "s_shaped"]
Gaps = tuple[Array, Array, Array]  # begin, end and count


def shape_table(phases: list[Gaps]) -> pl.DataFrame:
    """Return the answer for each phase and the criterion of each shape."""
    rows = [(i, len(gaps[0]) + 1, *_shape(gaps)) for i, gaps in enumerate(phases, 1)]
    types = [pl.Int64, pl.Int64, pl.String, pl.Float64, pl.Float64, pl.Float64]
    return pl.DataFrame(rows, schema=dict(zip(COLUMNS, types, strict=True)), orient="row")


def _shape(gaps: Gaps) -> tuple[str, float | None, float | None, float | None]:
    begin, end, count = gaps
    if len(count) + 1 < POINTS or not np.any(count > 0):
        return "cannot be told", None, None, None
    table = pl.DataFrame({"item": "phase", "time": begin, "period_end": end, "count": count})
    table = table.with_columns(kind=pl.lit("incremental"))
    linear, exponential, s_shaped = (_misfit(curve, table) for curve in SHAPES.values())
    left = len(count) - 3
    scale = max(s_shaped, 1e-11 * float(count.sum())) / left
    scores = [0.0]
    for extra, misfit in ((1, exponential), (2, s_shaped)):
        tail = stats.f(extra, left).logsf(max(linear - misfit, 0.0) / extra / scale)
        scores.append(extra * np.log(len(count)) - float(stats.chi2(extra).isf(np.exp(tail))))
    best, second = np.sort(scores)[:2]
    answer = list(SHAPES)[int(np.argmin(scores))] if second - best >= LEAD else "cannot be told"
    return answer, scores[0], scores[1], scores[2]


def _misfit(curve: Any, table: pl.DataFrame) -> float:
    """Deviance of a curve fitted to the gaps of a phase."""
    fit = curve(table, unit="period", start=float(table["time"][0])).fit()
    family = FAMILIES["quasipoisson"]
    return float(np.sum(family.deviance(table["count"].to_numpy(), fit.fittedvalues)))
