"""Which of several fits forecasts best?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from tqdm import tqdm

from ..tables import TableError
from .times import When, as_time

SCHEMA = {
    "model": pl.String,
    "family": pl.String,
    "k": pl.Int64,
    "cutoffs": pl.Int64,
    "mean_absolute_error": pl.Float64,
    "coverage": pl.Float64,
    "mean_width": pl.Float64,
    "aic": pl.Float64,
    "bic": pl.Float64,
    "note": pl.String,
}


def compare(
    results: Sequence[Any], *, cutoffs: Sequence[When] | None = None, alpha: float = 0.05
) -> pl.DataFrame:
    """Which of several fits would have forecast best, had one stopped earlier?

    At each cutoff every model is fitted again to what was known then, and forecasts the next exact
    point (rolling origin).

    Parameters
    ----------
    results : sequence of results
        Fits to the same item.
    cutoffs : sequence of dates or numbers, optional
        Default: each exact point in the second half, the last left out.
    alpha : float
        One minus the nominal coverage of the forecasts.

    Returns
    -------
    polars.DataFrame
        A row a fit: model, family, k (free parameters), cutoffs (that could be fitted),
        mean_absolute_error and mean_width (counts), coverage (share of forecasts that held), aic,
        bic (null unless family, method, rows and bounds agree), note.

    Raises
    ------
    TypeError
        It is not a list of fits.
    TableError
        The fits are of different items, or a cutoff leaves nothing to forecast.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "a", "time": [float(t) for t in range(9)],
    ...                        "count": [0, 4, 11, 14, 21, 24, 31, 36, 39], "kind": "cumulative"})
    >>> fits = [curve(counts, unit="period", start=0.0).fit()
    ...         for curve in (vk.Linear, vk.Exponential)]
    >>> vk.compare(fits)["model"].to_list()
    ['Linear', 'Exponential']
    """
    if not isinstance(results, Sequence) or not all(hasattr(fit, "refit") for fit in results):
        raise TypeError(
            "compare() takes a list of fits; a fit is what a model's fit() returns. Pass "
            "vk.compare([vk.Bass(counts, unit=…).fit(), vk.Logistic(counts, unit=…).fit()])."
        )
    labels = sorted({fit.model.label for fit in results})
    if len(labels) != 1:
        raise TableError(f"compare() got fits of {labels}; it takes one item. Pass fits of one.")
    points = results[0].model.points
    given = points["time"][points.height // 2 : -1] if cutoffs is None else cutoffs
    stops = [as_time(stop, points["time"][0], "cutoff") for stop in given]
    note = _disagreement(results)
    rounds = tqdm([(fit, stops) for fit in results], desc="compare", delay=20, leave=False)
    rows = [_row(fit, stops, alpha, note) for fit, stops in rounds]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _disagreement(results: Sequence[Any]) -> str | None:
    """Say why AIC and BIC cannot be compared, if they cannot."""
    if any(fit.aic is None for fit in results):
        return "no AIC or BIC: a fit has no likelihood"
    keys = {_rows_of(fit) for fit in results}
    return "no AIC or BIC: family, method, rows or bounds differ" if len(keys) > 1 else None


def _rows_of(fit: Any) -> tuple[Any, ...]:
    """What two fits must share for their likelihoods to be compared."""
    series = fit.model.series
    rows = (np.maximum(series.begin, 0.0).tobytes(), series.end.tobytes())
    return str({**fit.choices, "fixed": None}), *rows, series.increment.tobytes()


def _row(fit: Any, stops: list[When], alpha: float, note: str | None) -> tuple[Any, ...]:
    found = [_at_cutoff(fit, stop, alpha) for stop in stops]
    failures = [row for row in found if isinstance(row, str)]
    held = np.array([row for row in found if not isinstance(row, str)]).reshape(-1, 3)
    error, inside, width = held.mean(axis=0) if len(held) else (None, None, None)
    aic, bic = (fit.aic, fit.bic) if note is None else (None, None)
    family = fit.choices.get("family")
    if failures:
        told = f"not fitted at {len(failures)} of {len(stops)} cutoffs, first: {failures[0]}"
        note = f"{note}; {told}" if note else told
    return fit.model.name, family, fit.df_model, len(held), error, inside, width, aic, bic, note


def _at_cutoff(fit: Any, stop: When, alpha: float) -> tuple[float, float, float] | str:
    """Error, success and width of one forecast, or why the model cannot be fitted."""
    later = fit.model.points.filter(pl.col("time") > stop)
    if later.is_empty():
        raise TableError(f"cutoff {stop} leaves no point to forecast. Pass an earlier one.")
    try:
        counts = fit.model.counts
        known = "time" if fit.model.series.cumulative else "period_end"
        early = fit.refit(counts.filter(pl.col(known) <= stop))
    except ValueError as problem:
        return str(problem)
    time, seen = later.select("time", "count").row(0)
    ahead = early.forecast(time, alpha, gaps=fit.model.series.gaps)
    mean, lower, upper = ahead.select("mean", "lower", "upper").row(-1)
    return abs(mean - seen), float(lower <= seen <= upper), upper - lower
