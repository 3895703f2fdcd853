"""What a self-exciting model can be told, and how its parameters are described."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..wording import show
from .hawkes_kernels import KERNELS
from .results import Parameter

CHOICES: dict[str, tuple[str | None, ...]] = {
    "kernel": tuple(KERNELS),
    "marks": (None, "magnitude"),
    "background": (None, "constant"),
}


def check_choices(**chosen: str | None) -> None:
    """Refuse a choice that is not known."""
    for name, value in chosen.items():
        if value not in CHOICES[name]:
            raise ValueError(
                f"{name}={show(value)} is not known; allowed: {list(CHOICES[name])}. Pass one."
            )


def checked_population(population: str | float | None, events: int) -> str | float | None:
    """Refuse a population smaller than the events; an infinite one is none."""
    if population is None or population == "estimated":
        return population
    number = isinstance(population, (int, float, np.number)) and not isinstance(population, bool)
    if not number or not float(population) >= events:
        raise ValueError(
            f"population={show(population)} is not allowed; allowed: None, 'estimated', or a "
            f"number of at least the {events} events. Pass one."
        )
    return None if np.isinf(population) else float(population)


def describe(name: str, kernel: str) -> Parameter:
    """Return a parameter as tables and sliders show it."""
    power_law = kernel == "power_law"
    texts = {
        "kappa": ("events set off κ", "seconds^theta" if power_law else "events per event"),
        "theta": ("fading θ", "exponent" if power_law else "per second"),
        "c": ("delay of fading c", "seconds"),
        "beta": ("influence of magnitude β", "exponent"),
        "mu": ("background rate μ", "per second"),
        "N": ("population N", "people"),
    }
    return Parameter(name, *texts[name], positive=name != "beta")


def written(until: float | pl.DataFrame) -> str:
    """Return the end of observation as Python."""
    if isinstance(until, pl.DataFrame):
        return "cascades"
    return repr(float(until)) if until < np.inf else "float('inf')"
