"""Which shape growth has inside one phase."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from .growth import Exponential, Linear, Logistic
from .results import Array

POINTS = 5  # the least that can tell shapes apart
LEAD = 2.0  # difference of the criterion that counts as positive evidence
NAMES = ["phase", "points", "answer", "linear", "exponential", "s_shaped"]
SHAPES: dict[str, Any] = {"linear": Linear, "exponential": Exponential, "S-shaped": Logistic}


Gaps = tuple[Array, Array, Array]  # begin, end and count


def shape_table(phases: list[Gaps]) -> pl.DataFrame:
    """Return the answer for each phase and the criterion of each shape."""
    rows = [(i, len(gaps[0]) + 1, *shape_of(gaps)) for i, gaps in enumerate(phases, 1)]
    types = [pl.Int64, pl.Int64, pl.String, pl.Float64, pl.Float64, pl.Float64]
    return pl.DataFrame(rows, schema=dict(zip(NAMES, types, strict=True)), orient="row")


def shape_of(gaps: Gaps) -> tuple[str, float | None, float | None, float | None]:
    """Return the answer and the criterion of each shape, for the gaps of one phase."""
    begin, end, count = gaps
    if len(count) + 1 < POINTS or not np.any(count > 0):
        return "cannot be told", None, None, None
    table = pl.DataFrame({"item": "phase", "time": begin, "period_end": end, "count": count})
    table = table.with_columns(kind=pl.lit("incremental"))
    scores = [_score(shape, table, float(begin[0])) for shape in SHAPES.values()]
    best, second = np.sort(scores)[:2]
    answer = list(SHAPES)[int(np.argmin(scores))] if second - best >= LEAD else "cannot be told"
    return answer, scores[0], scores[1], scores[2]


def _score(shape: Any, table: pl.DataFrame, start: float) -> float:
    """Criterion of one shape: deviance over its degrees of freedom, and a price a parameter."""
    fit = shape(table, unit="period", start=start).fit()
    size, count = len(fit.fittedvalues), len(fit.model.parameters)
    values = fit.model.mean(fit._fit.x)
    misfit = float(np.sum(fit._fit.objective.family.deviance(table["count"].to_numpy(), values)))
    misfit = max(misfit, 1e-11 * float(table["count"].sum()))
    return float(size * np.log(misfit / (size - count)) + count * np.log(size))
