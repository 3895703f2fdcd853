"""The power of seven: what telling so many people, so many times over, comes to."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..wording import show


def power_of(
    people: float = 7,
    times: int = 7,
    *,
    pass_on: float = 1.0,
    audience: float | None = None,
    overlap: float = 0.0,
) -> pl.DataFrame:
    """How many hear of it when each tells so many people, who do the same, so many times over?

    One person starts and tells `people`; each of them passes it on with probability `pass_on`.
    The counts are expected values.

    Parameters
    ----------
    people : float
        How many people each person tells.
    times : int
        How many generations tell.
    pass_on : float
        The share of those who are told that tell others, 0 to 1.
    audience : float, optional
        The people that there are, the starter included; who is told is drawn from them at random,
        so that some hear it twice. By default there is no end of people.
    overlap : float
        The share of the people told after the first generation who are friends in common and have
        heard it already, 0 to 1.

    Returns
    -------
    polars.DataFrame
        generation (0: the starter), tellings (how often it is told), told (people who hear it for
        the first time), total (all who know it by then), reproduction_number (told divided by
        told in the generation before; null for the starter), audience (null where it has no end).

    Raises
    ------
    ValueError
        A number is out of its range.

    Examples
    --------
    >>> power_of(7, 7).select("generation", "told", "total").row(-1)
    (7, 823543.0, 960800.0)
    >>> power_of(7, 7, pass_on=0.1)["total"].round(1)[-1]
    22.4
    """
    _check(people, times, pass_on, audience, overlap)
    rows: list[tuple[int, float, float, float, float | None]] = [(0, 0.0, 1.0, 1.0, None)]
    for generation in range(1, times + 1):
        _, _, before, total, _ = rows[-1]
        tellings = people * before * (1.0 if generation == 1 else pass_on)
        fresh = tellings * (1.0 if generation == 1 else 1 - overlap)
        told = fresh if audience is None else _first_time(fresh, audience, total)
        ratio = told / before if before else None
        rows.append((generation, tellings, told, total + told, ratio))
    names = ["tellings", "told", "total", "reproduction_number"]
    schema = {"generation": pl.Int64, **dict.fromkeys(names, pl.Float64)}
    table = pl.DataFrame(rows, schema, orient="row")
    return table.with_columns(audience=pl.lit(audience, pl.Float64))


def _first_time(tellings: float, audience: float, total: float) -> float:
    """How many of the rest of an audience hear it, when each telling meets one at random."""
    if audience - total <= 0:
        return 0.0
    if tellings == 0 or audience <= 2:
        return audience - total if tellings else 0.0
    met = -np.expm1(tellings * np.log1p(-1 / (audience - 1)))  # exact where few are met
    return float((audience - total) * met)


def _check(
    people: float, times: int, pass_on: float, audience: float | None, overlap: float
) -> None:
    if not 0 <= people < np.inf:
        raise ValueError(f"people={show(people)}; allowed: zero or more. Pass whom each tells.")
    if isinstance(times, bool) or not isinstance(times, int) or not 0 <= times <= 10_000:
        raise ValueError(
            f"times={show(times)}; allowed: whole numbers from 0 to 10,000. Pass the generations."
        )
    for name, value in (("pass_on", pass_on), ("overlap", overlap)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name}={show(value)}; allowed: 0 to 1. Pass a share, not percent.")
    if audience is not None and not 1 <= audience < np.inf:
        raise ValueError(
            f"audience={show(audience)}; allowed: at least 1, the starter. Leave it out if it has "
            "no end."
        )
    if audience is None and people > 1 and times * np.log10(people) > 300:
        raise ValueError(
            f"people={show(people)}, times={show(times)} pass the largest number; allowed: totals "
            "below 1e300. Pass fewer times, or an audience."
        )
