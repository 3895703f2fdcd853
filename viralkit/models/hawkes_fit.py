"""The fit of a self-exciting model: what is held, where the search ended, what ran to a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..wording import show
from .hawkes_likelihood import Objective
from .hawkes_newton import Box, Place, box_of, maximise

if TYPE_CHECKING:
    from .hawkes import Hawkes
    from .hawkes_results import HawkesResults


@dataclass(frozen=True)
class Fit:
    """Coordinates of the best fit, those held, and those that ran to the edge of the box."""

    model: Any
    objective: Objective
    place: Place
    box: Box
    held: dict[int, float]
    fixed: dict[str, float]
    exponent: float | None

    @property
    def limits(self) -> dict[int, float]:
        """Coordinates that ran to a limit: where their parameter goes."""
        x, found = self.place.x, {}
        for i, name in enumerate(self.objective.names):
            if i not in self.held and x[i] >= self.box.upper[i] - 1e-9:
                ends = name == "beta" and self.exponent is not None
                found[i] = float(self.box.upper[i]) if ends else np.inf
            elif i not in self.held and x[i] <= self.box.lower[i] + 1e-9:
                least = {"beta": -np.inf, "N": float(len(self.model.stream))}
                found[i] = least.get(name, 0.0)
        return found

    @property
    def free(self) -> list[int]:
        """Coordinates that were estimated and did not run to a limit."""
        limits = self.limits
        return [i for i in range(len(self.place.x)) if i not in self.held and i not in limits]


def fit_hawkes(
    model: Hawkes, fixed: dict[str, float] | HawkesResults, exponent: float | None
) -> HawkesResults:
    """Fit a model; some parameters may be held, or all as another fit has them."""
    from .hawkes_results import HawkesResults

    pool = None
    if isinstance(fixed, HawkesResults):
        _check_like(model, fixed.model)
        source = fixed._fit.objective
        fixed, pool = dict(fixed.params), source.likely if source.marked else None
        exponent = source.exponent if exponent is None else exponent
    if isinstance(model.population, float):
        fixed = {"N": model.population, **fixed}
    _check_fixed(model, fixed)
    _check_exponent(model, exponent, fixed)
    _check_events(model, fixed)
    objective = model.objective(exponent=exponent, kappa=fixed.get("kappa"), pool=pool)
    if pool is not None:
        objective.known_mean = source.known_mean
    held = {
        objective.names.index(n): _inside(model, n, v) for n, v in fixed.items() if n != "kappa"
    }
    if "kappa" in fixed:
        held[0] = 0.0  # follows from the others
    if len(held) == len(objective.names):
        box = Box(np.full(len(held), -np.inf), np.full(len(held), np.inf))
    else:
        box = box_of(objective)
    place = maximise(objective, held, box)
    if not np.isfinite(place.value.height):
        raise ValueError(
            "the log-likelihood is not finite at any start. Check the times for a wrong unit, or "
            "hold a parameter: fit(fixed={'theta': …})."
        )
    place = Place(objective.complete(place.x), place.value, place.settled)
    return HawkesResults(Fit(model, objective, place, box, held, fixed, exponent))


def _inside(model: Hawkes, name: str, value: float) -> float:
    """Return a parameter's coordinate."""
    if name == "beta":
        return value
    return float(np.log(value - len(model.stream) + 1 if name == "N" else value))


def _check_like(model: Hawkes, other: Hawkes) -> None:
    """Refuse to take over the parameters of another kind of model."""
    mine, its = (
        {k: getattr(m, k) for k in ("kernel", "marks", "background")} for m in (model, other)
    )
    if mine != its:
        raise ValueError(
            f"fixed is a fit with {its}, this model has {mine}; allowed: a fit of the same kind. "
            "Make both with the same choices, or pass fixed={name: value}."
        )


def _check_fixed(model: Hawkes, fixed: dict[str, float]) -> None:
    names = [p.name for p in model.parameters]
    for name, value in fixed.items():
        if name not in names:
            raise ValueError(f"fixed={show(name)} is not a parameter; parameters: {names}.")
        least = len(model.stream) if name == "N" else 0.0
        if not np.isfinite(value) or (name != "beta" and not value > 0) or value < least > 0:
            raise ValueError(
                f"fixed {name}={value:g} is out of range; allowed: above {least:g}, and finite. "
                "Pass another value, or leave it free."
            )


def _check_exponent(model: Hawkes, exponent: float | None, fixed: dict[str, float]) -> None:
    if exponent is None:
        return
    least = 1 + max(fixed.get("beta", 0.0), 0.0)
    if model.marks is None or not exponent > least:
        raise ValueError(
            f"magnitude_exponent={exponent:g} is not allowed; it is a number above {least:g}, for "
            "a model with marks='magnitude'. Pass 2.016 for followers, or None."
        )


def _check_events(model: Hawkes, fixed: dict[str, float]) -> None:
    """Refuse what nothing can be learnt from."""
    stream = model.stream
    if len(fixed) == len(model.parameters):
        return
    if not stream.outcomes:
        what = "1 event" if len(stream) == 1 else f"all {len(stream)} events are at one time"
        raise ValueError(
            f"{what}: nothing happened after the first, so there is nothing to fit. Add events "
            "(at least two, at different times), or hold all parameters with fit(fixed={…})."
        )
    if stream.least_gap == np.inf:
        raise ValueError(
            f"all {len(stream)} events are at one time: no delay was seen. Add events, or times "
            "on a finer clock."
        )
