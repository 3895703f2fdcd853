"""People who tell others, simulated: uneven contacts, uneven zeal; no code of the kit."""

import numpy as np
import polars as pl


def chances(rng: np.random.Generator, many: int, mean: float, alike: float) -> np.ndarray:
    """Each person's own chance: beta-distributed, by a ratio of gammas; `alike` in 0 to 1."""
    if alike == 0:
        return np.full(many, mean)
    total = (1 - alike) / alike
    yes, no = (rng.gamma(total * share, size=many) for share in (mean, 1 - mean))
    return np.where(yes + no > 0, yes / np.maximum(yes + no, 1e-300), rng.random(many) < mean)


def people(
    rng: np.random.Generator, many: int, factors: tuple[float, float, float], u: float
) -> pl.DataFrame:
    """People as `plan_variants` imagines them."""
    contacts, passability, remarkability = factors
    zeal = rng.gamma(1 / u, u, many) if u else np.ones(many)
    has = rng.poisson(contacts * zeal)
    told = rng.binomial(has, chances(rng, many, passability, u))
    acted = rng.binomial(told, chances(rng, many, remarkability, u))
    return pl.DataFrame({"contacts": has, "passed_on": told, "acted": acted})


def most_are_silent(
    rng: np.random.Generator, many: int, factors: tuple[float, float, float], u: float
) -> pl.DataFrame:
    """Another law: contacts are log-normal, and the share `u` of people never tells anybody."""
    contacts, passability, remarkability = factors
    has = rng.poisson(contacts * rng.lognormal(-0.32, 0.8, many))
    told = rng.binomial(has, np.where(rng.random(many) < u, 0.0, passability / (1 - u)))
    return pl.DataFrame(
        {"contacts": has, "passed_on": told, "acted": rng.binomial(told, remarkability)}
    )
