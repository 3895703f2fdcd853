"""Growth curves: exponential, linear, logistic, Gompertz.

Each is a class of three things: its parameters, its shape and where to start the search.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .growth import Growth
from .results import Array, Parameter


class Exponential(Growth):
    """Does it grow by the same factor in each unit of time?

    ``Y(t) = level · exp(r t)``; the count doubles every ``ln 2 / r``. Increments between dates are
    modelled, the first from the infinite past.

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one item; rows whose ``excluded`` is not null are skipped.
    unit : {"day", "week", "year", "period"}
        Unit of time of the rates; "period" for times that are numbers.
    start : date, datetime, ISO text or float, optional
        The launch. Required unless the first row is a cumulative count of zero.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "a", "time": [0.0, 1, 2, 3], "count": [1, 3, 9, 27],
    ...                        "kind": "cumulative"})
    >>> fit = vk.Exponential(counts, unit="period", start=0.0).fit()
    >>> round(fit.params["r"], 4)
    1.0986
    """

    reaches_back = True

    @staticmethod
    def describe(unit: str) -> tuple[Parameter, ...]:
        """Return the parameters."""
        return (
            Parameter("r", "growth rate r", f"per {unit}"),
            Parameter("level", "count at the start", "count"),
        )

    @staticmethod
    def shape(age: Any, r: Any) -> Any:
        """Return exp(r t)."""
        return np.exp(r * age)

    @staticmethod
    def starts() -> list[Array]:
        """Return rates per span."""
        return [np.geomspace(0.01, 200.0, 40)]


class Linear(Growth):
    """Does it grow by the same amount in each unit of time?

    ``Y(t) = rate · t``: no word of mouth, a constant stream.

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one item; rows whose ``excluded`` is not null are skipped.
    unit : {"day", "week", "year", "period"}
        Unit of time of the rates; "period" for times that are numbers.
    start : date, datetime, ISO text or float, optional
        The launch. Required unless the first row is a cumulative count of zero.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "a", "time": [0.0, 1, 2, 4], "count": [0, 5, 10, 20],
    ...                        "kind": "cumulative"})
    >>> round(vk.Linear(counts, unit="period").fit().params["rate"], 4)
    5.0
    """

    @staticmethod
    def describe(unit: str) -> tuple[Parameter, ...]:
        """Return the parameter."""
        return (Parameter("rate", "rate", f"count per {unit}"),)

    @staticmethod
    def shape(age: Any) -> Any:
        """Return t."""
        return np.asarray(age)


class Logistic(Growth):
    """Is it an S-curve with equal halves?

    ``Y(t) = m / (1 + exp(-r (t - midpoint)))``: word of mouth alone, from the infinite past. With
    ``r = p + q`` its increments are those of the Bass model: counted by period from the start on,
    without the time before, the two are one curve with two names for its ceiling.

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one item; rows whose ``excluded`` is not null are skipped.
    unit : {"day", "week", "year", "period"}
        Unit of time of the rates; "period" for times that are numbers.
    start : date, datetime, ISO text or float, optional
        The launch. Required unless the first row is a cumulative count of zero.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "a", "time": [0.0, 1, 2, 3, 4, 5],
    ...                        "count": [2, 12, 50, 88, 98, 100], "kind": "cumulative"})
    >>> round(vk.Logistic(counts, unit="period", start=0.0).fit().params["midpoint"], 2)
    2.0
    """

    reaches_back = True
    size_is_ceiling = True
    beside_open_ceiling = {"midpoint": np.inf}  # noqa: RUF012

    @staticmethod
    def describe(unit: str) -> tuple[Parameter, ...]:
        """Return the parameters."""
        return (
            Parameter("r", "growth rate r", f"per {unit}"),
            Parameter("midpoint", "midpoint", f"{unit}s since start", positive=False),
            Parameter("m", "ceiling m", "count"),
        )

    @staticmethod
    def shape(age: Any, r: Any, midpoint: Any) -> Any:
        """Return 1 / (1 + exp(-r (t - midpoint)))."""
        late = r * (age - midpoint)
        return 1.0 / (1.0 + np.exp(-np.where(np.real(late) > -700, late, -700)))

    @staticmethod
    def starts() -> list[Array]:
        """Return rates and midpoints."""
        return [np.geomspace(0.5, 200.0, 14), np.linspace(-0.5, 2.0, 21)]

    def peak(self, params: dict[str, float]) -> float | None:
        """Age at which growth is fastest: the midpoint."""
        return params["midpoint"]


class Gompertz(Logistic):
    """Is it an S-curve with a quick rise and a long tail?

    ``Y(t) = m exp(-exp(-r (t - midpoint)))``; growth is fastest at ``midpoint``, at m / e.
    Growth that has not slowed down is refused: as m → ∞ the curve turns into an exponential so
    slowly that any fit would depend on how far the ceiling was looked for.

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one item; rows whose ``excluded`` is not null are skipped.
    unit : {"day", "week", "year", "period"}
        Unit of time of the rates; "period" for times that are numbers.
    start : date, datetime, ISO text or float, optional
        The launch. Required unless the first row is a cumulative count of zero.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "a", "time": [0.0, 1, 2, 3, 4, 5, 6, 7],
    ...                        "count": [1, 12, 37, 66, 85, 94, 98, 99], "kind": "cumulative"})
    >>> round(vk.Gompertz(counts, unit="period", start=0.0).fit().params["m"])
    101
    """

    has_open_limit = False

    @staticmethod
    def shape(age: Any, r: Any, midpoint: Any) -> Any:
        """Return exp(-exp(-r (t - midpoint)))."""
        late = r * (age - midpoint)
        return np.exp(-np.exp(-np.where(np.real(late) > -700, late, -700)))
