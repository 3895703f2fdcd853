"""R as a product: contacts, how many of them are told, how many of those act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from scipy import special

from ..tables import TableError, require_polars
from ..wording import show, show_names
from .results import Array

COLUMNS = ("contacts", "passed_on", "acted")
FACTORS = ("contacts", "passability", "remarkability", "R")
ENOUGH = 10  # people that an interval should rest on
_NOBODY = ("nobody has contacts", "nobody told anybody", "nobody acted", "nobody acted")
_SHARES = np.array([False, True, True, False])


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
        Intervals from standard errors with Student's t, or the same with the t replaced by what
        people drawn anew give (bootstrap-t): slower, and in the same simulated studies it covers
        92 % to 95 %. Both treat people, not contacts, as independent.
    replicates, seed : int
        Of the bootstrap.
    alpha : float
        One minus the coverage of the intervals.

    Returns
    -------
    polars.DataFrame
        factor (contacts, passability, remarkability, R), estimate, std_error, lower, upper,
        needed (what the factor would have to be for an R of one, all else equal; null where that
        is a share above one) and note: why an interval is one-sided (nobody acted), missing
        (everybody is the same) or rough (it rests on fewer than ten people: those with contacts,
        those who told, or those whose telling led to action).

    Raises
    ------
    TableError
        Counts that are no whole numbers, more told than contacts, more acted than told, or
        nobody has contacts.

    Notes
    -----
    One percent more of any factor is one percent more of R, so the elasticities, one each, do not
    say which factor to work on: `needed` tells which of them can do it alone. Where nobody acted,
    R of n people is at most -log(alpha)/n if those who act come one by one; more if in groups.

    Contacts and R are taken on the scale of logarithms, shares on that of logits. Few people cause
    most of the action, so their variance is itself uncertain: the degrees of freedom are
    2n/(kurtosis - 1), at most n - 1, as the variance of a variance asks for (Satterthwaite, 1946,
    doi:10.2307/3002019). Ninety-five percent intervals then hold the truth in 93 % to 97 % of
    2,000 simulated studies with about ten people behind a factor and more; with n - 1 it is down
    to 91 % (tests/statistics/factors_coverage.csv). The bootstrap-t: Efron and Tibshirani (1993),
    An Introduction to the Bootstrap, chapter 12.

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
    counts = checked(people, alpha)
    found = measured(counts)
    if interval == "delta":
        lower, upper = found.interval(alpha)
    else:
        lower, upper = _bootstrap(counts, found, replicates, seed, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = found.estimate / found.estimate[3]
    possible = [n if i in (0, 3) or n <= 1 else None for i, n in enumerate(needed.tolist())]
    columns = {"estimate": found.estimate, "std_error": found.estimate * found.error}
    columns |= {"lower": lower, "upper": upper}
    return finite({"factor": FACTORS, **columns, "needed": possible, "note": found.notes()})


@dataclass(frozen=True)
class Measured:
    """The factors of one version, and how well they are known."""

    people: int
    estimate: Array
    variance: Array  # of one person's part in the logarithm of each factor
    freedom: Array  # degrees of freedom of these variances
    behind: Array  # how many people each factor rests on

    @property
    def error(self) -> Array:
        """The standard errors of the logarithms; nan where everybody is the same."""
        return np.sqrt(np.where(self.variance > 0, self.variance, np.nan) / self.people)

    def interval(self, alpha: float) -> tuple[Array, Array]:
        """The lower and upper ends."""
        reach = special.stdtrit(self.freedom, 1 - alpha / 2) * self.error
        return self.bounded(moved(self.estimate, -reach), moved(self.estimate, reach), alpha)

    def bounded(self, lower: Array, upper: Array, alpha: float) -> tuple[Array, Array]:
        """The ends, and those of a factor that was not seen once: one-sided, by a Poisson law."""
        contacts, passability = self.estimate[:2]
        each = np.array([1.0, contacts, contacts * passability, 1.0])  # behind one that may be
        with np.errstate(divide="ignore"):
            most = -np.log(alpha) / self.people / each
        unseen = self.estimate == 0
        return np.where(unseen, 0.0, lower), np.where(unseen, most, upper)

    def notes(self) -> list[str | None]:
        """Why an interval is missing or rough."""
        found = zip(_NOBODY, self.variance > 0, self.behind.tolist(), strict=True)
        return [_note(*row) for row in found]


def _note(nobody: str, varies: bool, behind: int) -> str | None:
    if not behind:
        return f"{nobody}: one-sided, as if a Poisson law held"
    if not varies:
        return "the same for everybody: no interval"
    if behind < ENOUGH:
        return f"rests on {behind} of the people: rough below {ENOUGH}"
    return None


def measured(counts: Array) -> Measured:
    """Contacts, passability, remarkability and R, with what their errors are made of."""
    parts, many = _parts(counts), len(counts)
    squares = (parts**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        kurtosis = many * (parts**4).sum(axis=0) / squares**2
        freedom = np.fmin(2 * many / (kurtosis - 1), many - 1.0)
    behind = (counts > 0).sum(axis=0)[[0, 1, 2, 2]]
    return Measured(many, _factors(counts), squares / (many - 1), freedom, behind)


def moved(estimate: Array, step: Array) -> Array:
    """Move factors by steps of their logarithms, and shares alike but so that they stay shares."""
    place, rest = _places(estimate)
    at = place + step / rest
    with np.errstate(over="ignore"):
        return np.where(_SHARES, special.expit(at), np.exp(at))


def _places(estimate: Array) -> tuple[Array, Array]:
    """The logarithm, or logit of a share; and how much narrower its scale is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(_SHARES, 1 - estimate, 1.0)
        return np.log(estimate / rest), rest


def finite(columns: dict[str, Any]) -> pl.DataFrame:
    """The table of the factors, null where a number is missing or without end."""
    types = {"needed": pl.Float64, "people_needed": pl.Int64, "note": pl.String}
    table = pl.DataFrame(columns, schema_overrides={n: types[n] for n in types if n in columns})
    floats = pl.selectors.float()
    return table.with_columns(pl.when(floats.is_finite()).then(floats))


def _factors(counts: Array) -> Array:
    contacts, passed, acted = counts.mean(axis=0)
    with np.errstate(invalid="ignore"):
        return np.array([contacts, passed / contacts, acted / passed, acted])


def _parts(counts: Array) -> Array:
    """What each person adds to the logarithm of each factor."""
    with np.errstate(invalid="ignore"):
        contacts, passed, acted = (counts / counts.mean(axis=0)).T
    return np.stack([contacts - 1, passed - contacts, acted - passed, acted - 1], axis=1)


def _bootstrap(
    counts: Array, found: Measured, replicates: int, seed: int, alpha: float
) -> tuple[Array, Array]:
    """Ends from the studentised factors of people drawn anew."""
    if replicates < 100:
        raise ValueError(f"replicates={replicates} is too few for percentiles; pass at least 100.")
    rng, many = np.random.default_rng(seed), len(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = (counts[rng.integers(0, many, many)] for _ in range(replicates))
        draws = np.array([_student(sample, found) for sample in drawn])
    first = np.quantile(draws, alpha / 2, axis=0, method="lower")
    last = np.quantile(draws, 1 - alpha / 2, axis=0, method="higher")
    lower, upper = (moved(found.estimate, -end * found.error) for end in (last, first))
    return found.bounded(lower, upper, alpha)


def _student(counts: Array, truth: Measured) -> Array:
    """How many standard errors a draw lies from the sample; minus infinity if nobody acted."""
    drawn = measured(counts)
    (place, rest), (centre, _) = _places(drawn.estimate), _places(truth.estimate)
    apart = np.asarray((place - centre) * rest / drawn.error)
    return np.where(np.isnan(apart), -np.inf, apart)


def checked(people: pl.DataFrame, alpha: float) -> Array:
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
    if not counts.any():
        raise TableError("nobody has contacts: there is nothing to decompose. Pass other people.")
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
