"""R as a product: contacts, how many of them are told, how many of those act."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
from scipy import stats

from ..tables import TableError, require_polars
from ..wording import show, show_names
from .results import Array

COLUMNS = ("contacts", "passed_on", "acted")
FACTORS = ("contacts", "passability", "remarkability", "R")


def decompose(
    people: pl.DataFrame,
    *,
    interval: Literal["delta", "bootstrap"] = "delta",
    replicates: int = 999,
    seed: int = 0,
    alpha: float = 0.05,
) -> pl.DataFrame:
    """Which factor of R is weak: contacts, whether it is passed on, or whether people act?

    R = contacts × passability × remarkability: how many people each person could tell, the share
    of them who are told, and the share of those told who act (and so are the next to tell).

    Parameters
    ----------
    people : polars.DataFrame
        One row a person who acted: contacts (whom they could tell), passed_on (how many of these
        they told), acted (how many of those acted in turn). Rows with a reason in `excluded` are
        left out.
    interval : {"delta", "bootstrap"}
        Intervals from standard errors of the logarithms with Student's t, or percentiles over
        people drawn anew. Both treat people, not contacts, as independent.
    replicates, seed : int
        Of the bootstrap.
    alpha : float
        One minus the coverage of the intervals.

    Returns
    -------
    polars.DataFrame
        factor (contacts, passability, remarkability, R), estimate, std_error, lower, upper, and
        needed: what the factor would have to be for an R of one, all else equal; null where that
        is a share above one. The elasticity of R is one for each factor, so that `needed` tells
        which of them can do it alone.

    Raises
    ------
    TableError
        Counts that are no whole numbers, more told than contacts, more acted than told, or
        nobody acted.

    Examples
    --------
    >>> import polars as pl
    >>> people = pl.DataFrame({"contacts": [10, 20, 30, 40], "passed_on": [5, 0, 10, 5],
    ...                        "acted": [1, 0, 1, 1]})
    >>> decompose(people).select("factor", "estimate", "needed").rows()
    [('contacts', 25.0, 33.33...), ('passability', 0.2, 0.266...),
    ('remarkability', 0.15, 0.19...), ('R', 0.75, 1.0)]
    """
    if interval not in ("delta", "bootstrap"):
        raise ValueError(
            f"interval={show(interval)} is not known; allowed: 'delta', 'bootstrap'. Pass one."
        )
    counts = _counts(people, alpha)
    estimate, error = factors(counts), np.sqrt(variances(counts) / len(counts))
    if interval == "delta":
        reach = float(stats.t(len(counts) - 1).ppf(1 - alpha / 2)) * error
        lower, upper = estimate * np.exp(-reach), estimate * np.exp(reach)
    else:
        lower, upper = _percentiles(counts, replicates, seed, alpha)
    upper[1:3] = np.minimum(upper[1:3], 1.0)
    needed = estimate / estimate[3]
    columns = {"estimate": estimate, "std_error": estimate * error, "lower": lower, "upper": upper}
    possible = [n if i in (0, 3) or n <= 1 else None for i, n in enumerate(needed.tolist())]
    return pl.DataFrame({"factor": FACTORS, **columns, "needed": possible})


def compare_variants(
    a: pl.DataFrame, b: pl.DataFrame, *, power: float = 0.8, alpha: float = 0.05
) -> pl.DataFrame:
    """Does version b of a message spread better than version a, and by which factor of R?

    Parameters
    ----------
    a, b : polars.DataFrame
        People who got either version, as `decompose` takes them; drawn at random, each in one.
    power : float
        The chance of telling the versions apart, for `people_needed`.
    alpha : float
        One minus the coverage of the intervals; the level of the test.

    Returns
    -------
    polars.DataFrame
        factor (contacts, passability, remarkability, R), a, b, ratio (b over a; 1.2 is 20 %
        more), lower, upper, p_value (of equal factors), people_needed (in each version, to tell
        a ratio as large as this one from 1 with this power; null where the ratio is 1).

    Raises
    ------
    TableError
        As for `decompose`.

    Examples
    --------
    >>> import polars as pl
    >>> a = pl.DataFrame({"contacts": [9, 11] * 50, "passed_on": [3, 2] * 50,
    ...                   "acted": [0, 1] * 50})
    >>> b = a.with_columns(acted=pl.Series([1, 1] * 50))
    >>> compare_variants(a, b)["ratio"].to_list()
    [1.0, 1.0, 2.0, 2.0]
    """
    if not 0 < power < 1:
        raise ValueError(f"power={show(power)}; allowed: between 0 and 1. Pass .8 for 80 %.")
    tables = [_counts(table, alpha) for table in (a, b)]
    first, second = (factors(counts) for counts in tables)
    spreads = [variances(counts) for counts in tables]
    error = np.sqrt(sum(s / len(c) for s, c in zip(spreads, tables, strict=True)))
    gap, normal = np.log(second / first), stats.norm()
    reach = float(normal.ppf(1 - alpha / 2)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * normal.sf(np.abs(gap) / error)
        both = float(normal.ppf(1 - alpha / 2) + normal.ppf(power)) ** 2
        needed = np.ceil(both * (spreads[0] + spreads[1]) / gap**2)
    table = {"factor": FACTORS, "a": first, "b": second, "ratio": np.exp(gap)}
    table |= {"lower": np.exp(gap - reach), "upper": np.exp(gap + reach)}
    people = [int(n) if np.isfinite(n) else None for n in needed]
    p_values = [None if np.isnan(p) else float(p) for p in p_value]
    return pl.DataFrame({**table, "p_value": p_values, "people_needed": people})


def factors(counts: Array) -> Array:
    """Contacts, passability, remarkability and R."""
    contacts, passed, acted = counts.mean(axis=0)
    return np.array([contacts, passed / contacts, acted / passed, acted])


def variances(counts: Array) -> Array:
    """The variance of one person's part in the log of each factor."""
    part = counts / counts.mean(axis=0)
    contacts, passed, acted = part.T
    parts = np.array([contacts - 1, passed - contacts, acted - passed, acted - 1])
    return np.asarray((parts**2).sum(axis=1) / (len(counts) - 1))


def _percentiles(counts: Array, replicates: int, seed: int, alpha: float) -> tuple[Array, Array]:
    """Percentiles of the factors over people drawn anew."""
    if replicates < 100:
        raise ValueError(f"replicates={replicates} is too few for percentiles; pass at least 100.")
    rng, many = np.random.default_rng(seed), len(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = [factors(counts[rng.integers(0, many, many)]) for _ in range(replicates)]
    lower, upper = np.nanquantile(np.array(draws), [alpha / 2, 1 - alpha / 2], axis=0)
    return lower, upper


def _counts(people: pl.DataFrame, alpha: float) -> Array:
    """The three counts of each person, checked."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={show(alpha)}; allowed: between 0 and 1. Pass .05 for 95 %.")
    people = require_polars(people)
    absent = [name for name in COLUMNS if name not in people.columns]
    if absent:
        raise TableError(
            f"column {show(absent[0])} not found; columns: {show_names(people.columns)}. "
            f"{show_names(COLUMNS)} are needed: rename yours."
        )
    if "excluded" in people.columns:
        people = people.filter(pl.col("excluded").is_null())
    if people.height < 2:
        raise TableError(f"{people.height} people to use; at least 2 are needed. Pass more.")
    for name in COLUMNS:
        _refuse_odd(people[name])
    counts = people.select(pl.col(COLUMNS).cast(pl.Float64)).to_numpy()
    for more, less in (("contacts", "passed_on"), ("passed_on", "acted")):
        wrong = (people[less] > people[more]).arg_true()
        if len(wrong):
            row = int(wrong[0])
            raise TableError(
                f"row {row} (counted from 0): {less} {people[less][row]} exceeds {more} "
                f"{people[more][row]}; allowed: no more of them. Correct the row."
            )
    if not counts[:, 2].any():
        raise TableError(
            "nobody acted: R is 0 in this sample, and its factors have no intervals. For how "
            "large R may be: Branching(of='offspring') of the column 'acted', fit(law='poisson')."
        )
    return np.asarray(counts)


def _refuse_odd(column: pl.Series) -> None:
    """Refuse a column that does not hold whole numbers from zero on."""
    name = show(column.name)
    if not column.dtype.is_numeric():
        raise TableError(
            f"column {name} holds {column.dtype}; allowed: whole numbers. "
            f"Cast it: pl.col({name}).cast(pl.Int64)."
        )
    number = column.cast(pl.Float64)
    fine = (number.is_finite() & (number == number.floor()) & (number >= 0)).fill_null(False)
    if not fine.all():
        row = int((~fine).arg_true()[0])
        raise TableError(
            f"column {name}, row {row} (counted from 0): {show(column[row])}; allowed: whole "
            "numbers from 0. Correct the value or filter out the row."
        )
