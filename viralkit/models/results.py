"""The base of every model and of every fit: names, intervals, a summary that is safe to show."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model, as tables and sliders show it.

    Attributes
    ----------
    name : str
        Its symbol in the literature, such as ``q``.
    label : str
        What it means in words, such as ``imitation q``.
    unit : str
        ``per day``, ``count``, ``days since start`` …; the fit reads `scaling` from it.
    positive : bool
        Fitted on the log scale, so that it and its interval stay above zero.
    """

    name: str
    label: str
    unit: str
    positive: bool = True

    @property
    def scaling(self) -> str:
        """How it changes with the unit of time: "rate" (``per day``), "time" (``days``) or "none".

        The starts of a fit are divided by the observed span, multiplied by it, or taken as given.
        """
        if self.unit.startswith("per "):
            return "rate"
        return "time" if self.unit.startswith(("day", "week", "year", "period")) else "none"

    def per_span(self, span: float) -> float:
        """How large the parameter is where it is one in units of the observed span."""
        return {"rate": 1.0 / span, "time": span, "none": 1.0}[self.scaling]


def number(value: float | None, digits: int = 6) -> str:
    """Write a number in a few significant digits, whole from 1,000; nothing known is a dash."""
    if value is None or np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e15 else f"{value:.{digits}g}"


def check_alpha(alpha: float) -> None:
    """Refuse what is not one minus the coverage of an interval."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha} is not between 0 and 1. Pass .05 for 95 %.")


class Summary:
    """A fit as text and as escaped HTML: no clock, no address, the same bytes each time."""

    def __init__(
        self, title: str, facts: list[tuple[str, str]], rows: list[list[str]], notes: list[str]
    ) -> None:
        self.title, self.facts, self.rows, self.notes = title, facts, rows, notes

    def _tables(self, clean: Any) -> list[Any]:
        from statsmodels.iolib.table import SimpleTable

        head = ["", "estimate", "std error", "t", "P>|t|", "lower", "upper"]
        facts = [[clean(name), clean(value)] for name, value in self.facts]
        rows = [[clean(cell) for cell in row[1:]] for row in self.rows]
        names = [clean(row[0]) for row in self.rows]
        return [
            SimpleTable(facts, title=clean(self.title), txt_fmt={"data_aligns": "lr"}),
            SimpleTable(rows, headers=head[1:], stubs=names),
        ]

    def as_text(self) -> str:
        """Return the summary as plain text."""
        text = "\n".join(str(table) for table in self._tables(_plain))
        return "\n".join([text, *(f"[{i}] {_plain(n)}" for i, n in enumerate(self.notes, 1))])

    def as_html(self) -> str:
        """Return the summary as HTML in which all text is escaped."""
        tables = "".join(table.as_html() for table in self._tables(_escaped))
        notes = "".join(f"<li>{_escaped(note)}</li>" for note in self.notes)
        return f"<div>{tables}<ol>{notes}</ol></div>"

    __repr__ = as_text
    _repr_html_ = as_html


def _plain(text: str) -> str:
    """Keep control characters of data out of a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _escaped(text: str) -> str:
    return html.escape(_plain(text)).replace("%", "&#37;")


class Model:
    """What every model has: a name, parameters, and ``fit()``."""

    name: str
    parameters: tuple[Parameter, ...]

    def __repr__(self) -> str:
        return f"<{self.name}: {', '.join(p.name for p in self.parameters)}; call .fit()>"


class Results:
    """What every fit has, under the names of statsmodels.

    Attributes
    ----------
    params, bse, tvalues, pvalues : dict
        By parameter name; None where a value does not exist (fixed, or at a boundary).
    nobs, df_model, df_resid : int
        Observations modelled, free parameters, and their difference.
    scale : float
        Dispersion: how many times the variance exceeds that of the family.
    llf, aic, bic : float or None
        None where no likelihood exists.
    converged : bool
        Whether the search ended at a best fit; if not, `warnings` says so.
    warnings : list of str
        What the data cannot tell, each with what to do about it.
    """

    model: Model
    params: dict[str, float]
    bse: dict[str, float | None]
    nobs: int
    df_model: int
    df_resid: int
    scale: float
    llf: float | None = None
    aic: float | None = None
    bic: float | None = None
    converged: bool = True
    warnings: list[str]
    facts: list[tuple[str, str]]
    about_intervals: str = ""

    @property
    def tvalues(self) -> dict[str, float | None]:
        """Estimate divided by its standard error."""
        errors = self.bse.items()
        return {name: self.params[name] / se if se else None for name, se in errors}

    @property
    def pvalues(self) -> dict[str, float | None]:
        """Two-sided p-value of the hypothesis that the parameter is zero.

        It compares the estimate with its standard error (Wald). Intervals of positive parameters
        are built on the log scale and never hold zero, so that the two need not agree; whether such
        a parameter may be zero is told by ``conf_int(method="profile")``.
        """
        t = self.tvalues.items()
        return {k: None if v is None else float(2 * self._law.sf(abs(v))) for k, v in t}

    @property
    def _law(self) -> Any:
        """The law of a standardised estimate: Student's t, as a guard with few observations."""
        return stats.t(max(self.df_resid, 1))

    def conf_int(self, alpha: float = 0.05) -> pl.DataFrame:
        """Where does each parameter lie? A frame: parameter, lower, upper."""
        raise NotImplementedError

    def cov_params(self) -> Array:
        """Return the covariance of the estimates, in the order of ``params``."""
        raise NotImplementedError

    def frame(self, alpha: float = 0.05) -> pl.DataFrame:
        """Return the fit as a tidy table: parameter, estimate, std_error, lower, upper."""
        estimates = pl.DataFrame(
            {
                "parameter": list(self.params),
                "estimate": list(self.params.values()),
                "std_error": list(self.bse.values()),
            },
            schema={"parameter": pl.String, "estimate": pl.Float64, "std_error": pl.Float64},
        )
        return estimates.join(self.conf_int(alpha), on="parameter", maintain_order="left")

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the fit in words and numbers, with its warnings.

        Parameters
        ----------
        alpha : float
            One minus the coverage of the intervals shown.
        """
        rows = []
        for name, estimate, error, lower, upper in self.frame(alpha).iter_rows():
            t, p = self.tvalues[name], self.pvalues[name]
            small = "<0.001" if p is not None and p < 0.001 else number(p, 3)
            middle = [number(error, 3), number(t, 3), small]
            rows.append([name, number(estimate), *middle, number(lower), number(upper)])
        units = "; ".join(
            f"{p.name}: {p.label}" + (f", {p.unit}" if p.unit != "none" else "")
            for p in self.model.parameters
        )
        level = f"Intervals: {100 * (1 - alpha):g} %. {self.about_intervals}".rstrip()
        return Summary(self.model.name, self.facts, rows, [units, level, *self.warnings])

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={number(value)}" for name, value in self.params.items())
        return f"<{self.model.name} fit: {shown}; see .summary()>"
