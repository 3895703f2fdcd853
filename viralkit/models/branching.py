"""Branching: how many others does each person bring, and how unevenly?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from ..tables import TableError
from ..wording import show, show_names
from .branching_counts import tally
from .branching_likelihood import Fit, Likelihood, fit_law
from .results import Model, Parameter

if TYPE_CHECKING:
    from .branching_results import BranchingResults

Law = Literal["aic", "poisson", "geometric", "negative_binomial"]
LAWS: dict[str, float | None] = {  # log(1 + 1/k) of each, None where it is fitted
    "poisson": 0.0,
    "geometric": float(np.log(2.0)),
    "negative_binomial": None,
}
BAND = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, np.inf)  # k where a truncated sample cannot tell it


class Branching(Model):
    """How many others does each person bring, how unevenly, and will it die out?

    A branching process: everybody passes a thing on to a random number of others, of mean R (the
    reproduction number) and of variance R (1 + R/k). Small k: a few bring many. R below one means
    that every cascade ends.

    Parameters
    ----------
    data : polars.DataFrame
        One row a count; a column `number`, where present, says how many times it was seen.
        "sizes": size (all events of a cascade, roots included), optionally roots (1 where absent),
        as `cascade_table` gives them. "generations": cascade_id, generation, size, as
        `cascade_table(by="generation")` gives them. "offspring": offspring (how many each person
        brought, zeros included). A column `bound` says "exact" (final) or "at_least" (it may still
        grow). Rows with a reason in `excluded` are left out.
    of : {"sizes", "generations", "offspring"}
        What is counted.
    at_least : int
        The smallest size that the sample keeps, where smaller cascades were left out.

    Raises
    ------
    TableError
        No rows, a count that is not whole or too small, generations with gaps, nothing finished.

    Notes
    -----
    Fitted by maximum likelihood. The law of sizes is that of the total progeny; of finished sizes
    R is 1 - roots/people whatever k is. A cascade that still grows counts with the probability of
    at least its size, a truncated sample given that it was kept. Truncated samples tell hardly
    anything of k: pass it to `fit`, or R comes as a band over k. A still growing or truncated
    sample costs time in proportion to its largest `at_least`. The law is checked: `warnings` tells
    where no cascade is small though the law expects some, where one is larger than it allows, and
    where the numbers of each size contradict it (χ²), each at a p-value below .001 taken so that
    fewer false alarms come.

    References
    ----------
    Dwass (1969), The total progeny in a branching process and a related random walk, Journal of
    Applied Probability 6, 682-686, doi:10.2307/3212112.
    Lloyd-Smith, Schreiber, Kopp, Getz (2005), Superspreading and the effect of individual
    variation on disease emergence, Nature 438, 355-359, doi:10.1038/nature04153.

    Examples
    --------
    >>> import polars as pl
    >>> sizes = pl.DataFrame({"size": [1, 2, 3, 6, 25], "number": [150, 20, 12, 12, 6]})
    >>> fit = Branching(sizes).fit()
    >>> round(fit.params["R"], 3), fit.law
    (0.554, 'negative_binomial')
    """

    name = "Branching"
    parameters = (
        Parameter("R", "reproduction number", "people brought per person"),
        Parameter("k", "dispersion: the smaller, the more uneven; ∞ is Poisson", "none"),
    )

    def __init__(
        self,
        data: pl.DataFrame,
        *,
        of: Literal["sizes", "generations", "offspring"] = "sizes",
        at_least: int = 1,
    ) -> None:
        self.data = tally(data, of, at_least)

    def fit(self, *, law: Law = "aic", k: float | None = None) -> BranchingResults:
        """Fit R, and k unless the law or you give it.

        Parameters
        ----------
        law : {"aic", "poisson", "geometric", "negative_binomial"}
            The law of offspring; "aic" takes the best of the three. Intervals take the law as
            given.
        k : float, optional
            The dispersion of a negative binomial law, where it is known from elsewhere: the one
            parameter that can be held, so there is no ``fixed=`` as growth models have it.

        Raises
        ------
        ValueError
            The law is not known, or k is not positive.
        TableError
            Nobody passed anything on and neither k nor a law with one is given.
        """
        from .branching_results import BranchingResults

        if law != "aic" and law not in LAWS:
            raise ValueError(
                f"law={show(law)} is not known; allowed: {show_names(['aic', *LAWS])}. Pass one."
            )
        likelihood, given = Likelihood(self.data), _given(law, k)
        if given is None and self.data.is_silent:
            raise TableError(
                "nobody in the sample passed anything on: R is estimated as 0 and k cannot be "
                "told. Pass k=…, or law='poisson', to learn how large R may be."
            )
        if given is not None:
            name = law if k is None else "k given"
            return BranchingResults(self, [_refuse_endless(fit_law(likelihood, name, given))])
        if self.data.at_least > 1:
            band = [fit_law(likelihood, f"k = {one:g}", np.log1p(1 / one)) for one in BAND]
            return BranchingResults(self, [_refuse_endless(fit) for fit in band], is_band=True)
        names = list(LAWS) if law == "aic" else [law]
        fits = [_refuse_endless(fit_law(likelihood, name, LAWS[name])) for name in names]
        return BranchingResults(self, sorted(fits, key=aic))


def aic(fit: Fit) -> float:
    """Twice the number of free parameters less twice the log-likelihood."""
    return 2.0 * (1 + fit.is_free) - 2 * fit.llf


def _given(law: str, k: float | None) -> float | None:
    """Which log(1 + 1/k) the law or k gives; None where it is to be fitted."""
    if k is None:
        return LAWS.get(law)
    if isinstance(k, bool) or not k > 0 or 1 / k > 1e6:
        raise ValueError(f"k={show(k)}; allowed: from 1e-6 to infinity. Pass k=1 for geometric.")
    if law not in ("aic", "negative_binomial"):
        raise ValueError(f"k={show(k)} with law={show(law)}; allowed: one of them. Leave one out.")
    return float(np.log1p(1 / k))


def _refuse_endless(fit: Fit) -> Fit:
    """Refuse a sample that does not bound R from above."""
    if fit.x > fit.likelihood.top - 1:
        raise TableError(
            "the sample does not bound R from above: too few counts are final. Wait until more "
            "have ended."
        )
    return fit
