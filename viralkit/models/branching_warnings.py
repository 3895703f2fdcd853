"""What a branching fit cannot tell, what contradicts it, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import branching_misfit as misfit
from .branching import aic
from .branching_likelihood import CEILING
from .results import number

if TYPE_CHECKING:
    from .branching_results import BranchingResults

SURE = 0.001  # p-value below which the sample contradicts the law
FEW, FAR = 30, 10.0  # so few brought, and an upper end so many times R: hardly bounded


def warnings(results: BranchingResults) -> list[str]:
    """What the data cannot tell or contradict, each with the next step."""
    said, fit = [], results.fits[0]
    if results.is_band:
        low, high = results.laws["R"].min(), results.laws["R"].max()
        said.append(
            f"k cannot be told from a truncated sample: over k from {fit.k:g} to ∞, "
            f"R runs from {number(low, 3)} to {number(high, 3)}. "  # type: ignore[arg-type]
            "R is shown at k = 1, its interval over all k. See band(), or pass k=…"
        )
    if len(results.fits) > 1 and not results.is_band:
        close = [f.law for f in results.fits[1:] if aic(f) - aic(fit) < 2]
        if close:
            said.append(
                f"AIC hardly prefers {results.law} to {' or '.join(close)}; intervals leave this "
                "choice out and may be too narrow. Compare fit(law='negative_binomial')."
            )
    if fit.is_free and fit.u == 0:
        said.append("k is at its limit ∞ (Poisson): its interval is one-sided.")
    if fit.is_free and fit.u >= CEILING:
        said.append("k is at its limit 0: too few people brought any. Pass k=…")
    if results.params["R"] == 0:
        said.append("Nobody passed anything on: R is at its limit 0, its interval one-sided.")
    return [*said, *_unbounded(results), *_contradicted(results)]


def _unbounded(results: BranchingResults) -> list[str]:
    """Where so few were brought that an uneven law hardly bounds R from above."""
    data, mean = results.model.data, results.params["R"]
    brought = float((data.number * data.children).sum())
    if results.is_band or not mean or brought >= FEW or not results.fits[0].is_free:
        return []
    high = results.conf_int()["upper"][0]
    if high < FAR * mean:
        return []
    return [
        f"R is hardly bounded from above ({number(mean, 3)}, up to {number(high, 3)}): of only "
        f"{brought:,.0f} who were brought k cannot be told. Its standard error says too little. "
        "Take more, or pass k=…"
    ]


def _contradicted(results: BranchingResults) -> list[str]:
    """Where the sample contradicts the law; of a band, where it contradicts every k."""
    data = results.model.data
    fits = results.fits if results.is_band else results.fits[:1]
    if data.of == "sizes":
        smallest, none = max((misfit.none_so_small(f) for f in fits), key=lambda found: found[1])
        if none < np.log(SURE):
            total = float(data.number[data.parents >= smallest].sum())
            hoped = number(-total * np.expm1(none / total), 3)
            return [
                f"No cascade is below {smallest} among {total:,.0f}, though this law expects "
                f"{hoped} there: were small ones dropped? Pass at_least={smallest}; else R and k "
                "mislead."
            ]
    largest, unlikely = max((misfit.as_large(f) for f in fits), key=lambda found: found[1])
    what = "cascade" if data.of == "sizes" else "number brought"
    said = []
    if unlikely < SURE:
        said.append(
            f"A {what} of {largest:,} is larger than this law allows (p-value at most "
            f"{number(unlikely, 2)}). {_next(results)}"
        )
    counts = max(misfit.mass(f) for f in fits)
    if counts < SURE:
        said.append(
            f"The numbers of {data.of} contradict this law (χ² test, p-value {number(counts, 2)}): "
            f"intervals and forecasts mislead. {_next(results)}"
        )
    return said


def _next(results: BranchingResults) -> str:
    """What to do where the law does not hold."""
    whole = results.model.data.at_least == 1
    if whole and len(results.fits) == 1 and results.law != "negative_binomial":
        return "Compare fit(law='negative_binomial')."
    return "Fit unlike cascades apart, or give odd ones a reason in `excluded`."
