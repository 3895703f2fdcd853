"""How far one coordinate of a self-exciting model can move before the fit gets clearly worse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from .hawkes_newton import climb

if TYPE_CHECKING:
    from .hawkes_fit import Fit


class Drop:
    """How far the log-likelihood at a fixed value of a coordinate is below what is allowed."""

    def __init__(self, fit: Fit, index: int, allowed: float) -> None:
        self.fit, self.index, self.allowed = fit, index, allowed
        self.others = [i for i in range(len(fit.place.x)) if i not in fit.held and i != index]
        self.known = {float(fit.place.x[index]): (fit.place.x, -allowed)}

    def __call__(self, value: float) -> float:
        """Fit the others to a value; above zero where that is outside the interval."""
        if value not in self.known:
            near = min(self.known, key=lambda v: abs(v - value))
            x = self.known[near][0].copy()
            x[self.index] = value
            place = climb(self.fit.objective, x, self.others, self.fit.box)
            top = self.fit.place.value.height
            self.known[value] = place.x, top - place.value.height - self.allowed
        return self.known[value][1]


def profile_ends(fit: Fit, index: int, allowed: float, step: float) -> tuple[float, float]:
    """Return the ends of the interval of a coordinate, -inf or inf where it has none."""
    drop = Drop(fit, index, allowed)
    return _end(drop, step, -1), _end(drop, step, 1)


def _end(drop: Drop, step: float, sign: int) -> float:
    """Step out until the fit is too much worse, then find the crossing."""
    box, index = drop.fit.box, drop.index
    limit = float((box.lower if sign < 0 else box.upper)[index])
    inside = float(drop.fit.place.x[index])
    while (limit - inside) * sign > 0:
        outside = inside + sign * min(step, (limit - inside) * sign)
        if drop(outside) > 0:
            return float(optimize.brentq(drop, inside, outside, xtol=1e-7))
        inside, step = outside, 1.6 * step
    return sign * np.inf
