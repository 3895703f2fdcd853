"""What HIP says drives the attention: feedback, what a promotion is worth, how long it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from .hip import branching_of, kernel_of
from .results import Array

if TYPE_CHECKING:
    from .hip_results import HawkesIntensityResults

LONGEST = 2**14  # periods until which a maturity is looked for
SHORT = 2**10  # periods that suffice for most


def response(fit: HawkesIntensityResults, alpha: float) -> pl.DataFrame:
    """Return estimates and intervals of what drives the attention, a row a quantity."""
    reach, shape = fit.reach(alpha), fit.place[3:]
    branching = branching_of(shape)
    factor = np.exp(reach * fit.log_error(lambda z: branching_of(z[3:])))
    ends = [branching, branching / factor, branching * factor]
    rows: list[tuple[str | float | None, ...]] = [("branching_factor", *ends)]
    rows.append(("endogenous_response", *(endless(1.0, b) for b in ends)))
    mu = fit.conf_int(alpha).filter(parameter="mu").select("lower", "upper").row(0)
    rows.append(("exogenous_sensitivity", fit.params["mu"], *mu))
    rows.append(("viral_potential", *_potential(fit, reach, ends)))
    ripe = maturity(shape)
    if ripe is None:
        rows.append(("maturity", None, None, None))
    else:
        factor = np.exp(reach * fit.log_error(lambda z: maturity(z[3:]) or np.nan))
        rows.append(("maturity", ripe, ripe / factor, ripe * factor))
    schema = dict.fromkeys(("estimate", "lower", "upper"), pl.Float64)
    return pl.DataFrame(rows, {"quantity": pl.String, **schema}, orient="row")


def _potential(
    fit: HawkesIntensityResults, reach: float, ends: list[float]
) -> tuple[float | None, float | None, float | None]:
    """Counts in all per promotion, with its interval."""
    value = endless(fit.params["mu"], ends[0])
    if not fit.is_known("mu") or value == np.inf:
        return value, None, None

    def potential(z: Array) -> float:
        return float(np.exp(z[2])) / (1 - branching_of(z[3:]))

    factor = np.exp(reach * fit.log_error(potential))
    return value, value / factor, np.inf if ends[2] >= 1 else value * factor


def endless(value: float, branching: float) -> float:
    """What something becomes in all, if each count leads to so many further ones."""
    return value / (1 - branching) if branching < 1 else float("inf")


def maturity(shape: Array) -> float | None:
    """How many periods until 95 % of the response to an impulse has come?"""
    branching = branching_of(shape)
    if branching >= 1:
        return None
    for periods in (SHORT, LONGEST):
        kernel = np.append(0.0, kernel_of(shape, np.arange(1.0, periods)))
        come = np.cumsum(impulse_response(kernel)) * (1 - branching)
        if come[-1] >= 0.95:
            return float(np.interp(0.95, come, np.arange(come.size)))
    return None


def impulse_response(kernel: Array) -> Array:
    """One divided by (one minus the kernel), as power series: twice as many terms a round."""
    terms, found = 1, np.ones(1)
    while terms < kernel.size:
        terms *= 2
        size = 4 * terms
        denominator = -kernel[:terms]
        denominator = np.append(1.0 + denominator[0], denominator[1:])
        known = np.fft.rfft(found, size)
        product = np.fft.irfft(known * (2 - known * np.fft.rfft(denominator, size)), size)
        found = product[:terms]
    return found[: kernel.size]
