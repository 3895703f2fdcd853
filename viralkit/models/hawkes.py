"""Self-exciting models: each event makes further events likelier for a while."""

from __future__ import annotations

from typing import Any

import polars as pl

from ..tables import TableError
from .hawkes_choices import check_choices, checked_population, describe, written
from .hawkes_fit import fit_hawkes
from .hawkes_groups import check_minimum, each
from .hawkes_kernels import KERNELS
from .hawkes_likelihood import Objective
from .hawkes_results import HawkesResults
from .hawkes_selection import Selected
from .hawkes_stream import Stream, Window, read_stream
from .results import Array, Model


class Hawkes(Model):
    """Does it happen by itself, how long does attention last, and how big will it get?

    Each event causes others. The rate of events at time t is
    ``kappa · theta · Σ magnitude^beta · exp(-theta (t - t_i))`` over the events before t with an
    exponential kernel, ``kappa · Σ magnitude^beta · (t - t_i + c)^-(1 + theta)`` with a power law
    (not normalised), plus ``mu`` with a background, all times ``(N - N_t) / N`` in a population of
    N. Without a background the first event (and what stands at its time) is given; with one, events
    at time 0 are.

    Parameters
    ----------
    events : polars.DataFrame or sequence of float
        An events table of one cascade (rows whose ``excluded`` is not null are skipped), or the
        times of a series in seconds, in order.
    kernel : {"exponential", "power_law"}
        How attention fades.
    marks : {None, "magnitude"}
        Whether an event counts by its ``magnitude`` (followers, above zero) to the power beta.
    background : {None, "constant"}
        Whether events also come from outside, at a constant rate from time 0 on.
    population : {None, "estimated"} or float
        The number of people N, each of whom takes part at most once; None: without limit.
    observed_until : float or polars.DataFrame, optional
        When observation ended (it began at 0 with a background, else at the first event): a number,
        ``numpy.inf`` if at the end of the cascade, or a cascades table. None: at the last event.

    Raises
    ------
    TableError
        Not an events table of one cascade; times out of order, negative or not finite; a magnitude
        that is not above zero; a window that ends before the last event.
    ValueError
        A choice that is not known.

    Notes
    -----
    Hawkes (1971), doi:10.1093/biomet/58.1.83; with marks and a finite population Rizoiu et al.
    (2018), doi:10.1145/3178876.3186108. Time grows with the events, also under a power law, whose
    kernel is summed as exponentials for more than 256 events (log-likelihood within 1e-9).
    A cascade picked because it had grown shows too high a branching factor (of those with 20 events
    and more in a window, the intervals of 48 % held a true 0.7): pool all that were seen.

    Examples
    --------
    >>> import viralkit as vk
    >>> times = [0.0, 0.4, 0.5, 1.1, 1.3, 2.2, 2.4, 4.0]
    >>> fit = vk.Hawkes(times, observed_until=10.0).fit()
    >>> round(fit.branching_factor, 3)
    0.875
    """

    name = "Hawkes"
    until: Window = None  # as given

    def __init__(
        self,
        events: Any,
        *,
        kernel: str = "exponential",
        marks: str | None = None,
        background: str | None = None,
        population: str | float | None = None,
        observed_until: Window = None,
    ) -> None:
        check_choices(kernel=kernel, marks=marks, background=background)
        stream = read_stream(events, marks=marks, background=background, until=observed_until)
        if len(stream.names) > 1:
            raise TableError(
                f"{len(stream.names)} cascades; this model is for one. Filter by cascade_id, or "
                "use Hawkes.fit_each(events) or Hawkes.fit_together(events)."
            )
        self._set(stream, kernel, marks, background, checked_population(population, len(stream)))
        self.stated, self.until = observed_until is not None, observed_until

    def _set(
        self,
        stream: Stream,
        kernel: str,
        marks: str | None,
        background: str | None,
        population: str | float | None = None,
    ) -> None:
        self.stream, self.kernel, self.marks, self.background = stream, kernel, marks, background
        self.population, self.stated, self.minimum_size = population, True, 1
        names = ["kappa", *KERNELS[kernel].names]
        names += ["beta"] * (marks is not None) + ["mu"] * (background is not None)
        names += ["N"] * (population is not None)
        self.parameters = tuple(describe(name, kernel) for name in names)

    def objective(
        self,
        *,
        exponent: float | None = None,
        kappa: float | None = None,
        pool: Array | None = None,
    ) -> Objective:
        """Return the log-likelihood by coordinates."""
        kind = Objective if self.minimum_size == 1 else Selected
        found = kind(
            self.stream,
            self.kernel,
            background=self.background is not None,
            population=self.population is not None,
            exponent=exponent,
            kappa=kappa,
            pool=pool,
        )
        if isinstance(found, Selected):
            found.minimum_size = self.minimum_size
        return found

    def loglike(self, params: dict[str, float]) -> float:
        """How likely are the events under these parameters? The log-likelihood.

        Parameters
        ----------
        params : dict
            Every parameter of the model by its name.

        Raises
        ------
        ValueError
            A parameter is missing, unknown or out of range.
        """
        missing = [p.name for p in self.parameters if p.name not in params]
        if missing and missing != ["N"]:
            raise ValueError(
                f"parameters {missing} are missing; a likelihood needs all of "
                f"{[p.name for p in self.parameters]}. Add them."
            )
        return float(self.fit(fixed=params).llf or 0.0)

    def fit(
        self,
        *,
        fixed: dict[str, float] | HawkesResults | None = None,
        magnitude_exponent: float | None = None,
    ) -> HawkesResults:
        """Which parameters describe the events best, and how sure is that?

        Parameters
        ----------
        fixed : dict, optional
            Parameters held at given values, by name; all of them to see what given values imply.
            Or another fit, such as that of finished cascades by ``fit_together``: its parameters
            are held (their doubt is left out), and later events have magnitudes like its events.
        magnitude_exponent : float, optional
            The mean of magnitude^beta, which turns kappa into the branching factor, is taken over
            the modelled events, not the given ones, which are often large. With a number a it is
            that of a power law from 1 up with density in proportion to magnitude^-a:
            (a - 1) / (a - 1 - beta). 2.016 was found for followers (Mishra, Rizoiu and Xie 2016,
            doi:10.1145/2983323.2983812).

        Returns
        -------
        HawkesResults

        Raises
        ------
        ValueError
            Nothing to fit: fewer than two events, or all at one time; a fixed parameter that is
            unknown or out of range.
        """
        return fit_hawkes(self, {} if fixed is None else fixed, magnitude_exponent)

    @staticmethod
    def fit_each(
        events: pl.DataFrame,
        *,
        kernel: str = "exponential",
        marks: str | None = None,
        observed_until: Window = None,
    ) -> pl.DataFrame:
        """Which parameters describe each cascade of a table by itself?

        Parameters
        ----------
        events : polars.DataFrame
            An events table of any number of cascades.
        kernel, marks, observed_until
            As for ``Hawkes``; marks need ``kernel="power_law"``.

        Returns
        -------
        polars.DataFrame
            A row a cascade: cascade_id, size, branching_factor with the ends of its 95 % interval
            (lower, upper; symmetric on the log scale), each parameter with its standard error,
            final_size (expected at the estimates; infinite where the branching factor is 1 or
            more), llf, warning. Null where nothing happened after the first event.

        Raises
        ------
        TableError, ValueError
            As for ``Hawkes``.

        Notes
        -----
        Given the other parameters, kappa has a closed form, so that an exponential kernel leaves a
        search in one dimension. A power law is summed exactly by pairs of events.

        Examples
        --------
        >>> import numpy as np, viralkit as vk
        >>> one = vk.Hawkes([0.0], observed_until=np.inf).fit(fixed={"kappa": 0.9, "theta": 0.1})
        >>> fits = vk.Hawkes.fit_each(one.simulate(500, seed=1), observed_until=np.inf)
        >>> fits.filter(fits["size"] > 50)["theta"].median().__round__(1)
        0.1
        """
        check_choices(kernel=kernel, marks=marks)
        stream = read_stream(events, marks=marks, background=None, until=observed_until)
        return each(stream, kernel)

    @staticmethod
    def fit_together(
        events: pl.DataFrame,
        *,
        kernel: str = "exponential",
        marks: str | None = None,
        background: str | None = None,
        observed_until: Window = None,
        minimum_size: int = 1,
    ) -> HawkesResults:
        """Which parameters, the same for all, describe a group of cascades?

        As one estimates for a publisher or a topic: cascades that are too small to tell anything
        alone are pooled.

        Parameters
        ----------
        events : polars.DataFrame
            An events table of any number of cascades.
        kernel, marks, background, observed_until
            As for ``Hawkes``.
        minimum_size : int
            Only cascades with at least so many events at the end of their window were kept. The
            likelihood is then that of cascades of such size: without this the branching factor
            comes out too high, the more so the larger the size (near 1 whatever the truth).

        Returns
        -------
        HawkesResults

        Raises
        ------
        TableError, ValueError
            As for ``Hawkes``; a cascade smaller than ``minimum_size``.

        Notes
        -----
        The chance of growing to ``minimum_size`` is exact for cascades watched to their end without
        marks (the law of Borel and Tanner); within a window it is computed from the generating
        function to about a thousandth; with marks it takes those of the kept cascades for those of
        all: the branching factor is then too high (a warning says so).

        Examples
        --------
        >>> import numpy as np, polars as pl, viralkit as vk
        >>> one = vk.Hawkes([0.0], observed_until=np.inf).fit(fixed={"kappa": 0.7, "theta": 0.1})
        >>> cascades = one.simulate(4000, seed=1)
        >>> kept = cascades.filter(pl.len().over("cascade_id") >= 10)
        >>> naive = vk.Hawkes.fit_together(kept, observed_until=np.inf)
        >>> fair = vk.Hawkes.fit_together(kept, observed_until=np.inf, minimum_size=10)
        >>> round(naive.branching_factor, 2), round(fair.branching_factor, 2)
        (0.94, 0.69)
        """
        check_choices(kernel=kernel, marks=marks, background=background)
        stream = read_stream(events, marks=marks, background=background, until=observed_until)
        check_minimum(stream, minimum_size, background)
        model = Hawkes.__new__(Hawkes)
        model._set(stream, kernel, marks, background)
        model.stated, model.minimum_size = observed_until is not None, int(minimum_size)
        return model.fit()

    @property
    def call(self) -> str:
        """The model as Python, for tables named ``events`` and ``cascades``."""
        chosen: dict[str, Any] = {"marks": self.marks, "background": self.background}
        chosen["population"] = self.population
        text = "".join(f", {k}={v!r}" for k, v in chosen.items() if v is not None)
        until = "" if self.until is None else f", observed_until={written(self.until)}"
        return f"vk.Hawkes(events, kernel={self.kernel!r}{text}{until})"
