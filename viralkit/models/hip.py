"""HIP: daily views driven by daily promotions and by the views themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy import optimize, signal, special

from ..tables import TableError
from ..wording import show
from .results import Array, Model, Parameter
from .series import check_unit, one_series

if TYPE_CHECKING:
    from .hip_results import HawkesIntensityResults

PROMOTIONS = ("gamma", "eta", "mu")  # the response is linear in these
STARTS = [(b, c, t) for b in (0.2, 0.6, 0.95) for c in (0.5, 5.0, 30.0) for t in (0.3, 1.0, 3.0)]
POLISHED = 4  # of the starts
SMALLEST, LARGEST = -30.0, 5.0  # logs of a share of the largest count, and of a kernel parameter
LEAST_PERIODS = 14
ALPHA, BETA = 2.016, 0.1  # published law of followers, and how influence grows with them
FOLLOWERS = (ALPHA - 1) / (ALPHA - BETA - 1)


class HawkesIntensity(Model):
    """How much of the attention is driven from outside, and how much feeds itself?

    The Hawkes intensity process of Rizoiu et al. (2017): x[0] = γ + μ s[0], and then
    x[t] = η + μ s[t] + C Σ x[j] (t − j + c)^−(1+θ) over all earlier periods j, where x are the
    expected views, s the promotions (shares, mentions) and C = κ (α − 1)/(α − β − 1) with the
    published α = 2.016, β = 0.1.

    Parameters
    ----------
    counts : polars.DataFrame
        A counts table of one item: incremental counts, period after period without a gap.
    promotions : polars.DataFrame
        A counts table with the promotions in the same periods (later ones are not used to fit).
    unit : {"day", "week", "year", "period"}
        How long a period is: the unit of c and of the maturity.

    Raises
    ------
    TableError
        Counts are not incremental, have a gap, are fewer than 14, or lack their promotions.

    References
    ----------
    Rizoiu, Xie, Sanner, Cebrian, Yu, Van Hentenryck (2017), Expecting to be HIP: Hawkes intensity
    processes for social media popularity, WWW, doi:10.1145/3038912.3052650.

    Examples
    --------
    >>> import numpy as np, polars as pl
    >>> shares = np.array([30, 80, 20, 0, 0, 10, 0, 0, 40, 0, 0, 0, 5, 0, 0, 0, 0, 60, 0, 0.0])
    >>> views = np.zeros(20)
    >>> for t in range(20):
    ...     memory = sum(views[j] * 0.4 * (t - j + 1.0) ** -2 for j in range(t))
    ...     views[t] = 50 + 12 * shares[t] + memory
    >>> table = pl.DataFrame({"item": "a", "time": np.arange(20.0), "count": views})
    >>> table = table.with_columns(kind=pl.lit("incremental"), period_end=pl.col("time") + 1)
    >>> driven = table.with_columns(count=pl.Series(shares))
    >>> fit = HawkesIntensity(table, driven, unit="period").fit()
    >>> round(fit.params["mu"], 3), round(fit.params["theta"], 2)
    (12.0, 1.0)

    What would be left without any promotion:

    >>> left = fit.predict(driven.with_columns(count=pl.lit(0.0)))
    >>> round(left["mean"].sum()), round(table["count"].sum())
    (1245, 4963)
    """

    name = "HIP"
    parameters = (
        Parameter("gamma", "initial attention γ", "counts in the first period"),
        Parameter("eta", "constant attention η", "counts per period"),
        Parameter("kappa", "self-excitation κ", "scale of the kernel"),
        Parameter("c", "cut-off c", "periods"),
        Parameter("theta", "memory exponent θ", "none"),
        Parameter("mu", "sensitivity to promotions μ", "counts per promotion"),
    )

    def __init__(self, counts: pl.DataFrame, promotions: pl.DataFrame, *, unit: str) -> None:
        used = regular(counts, "counts")
        check_unit(used, unit)
        self.unit, self.label = unit, str(used["item"][0])
        self.points = used.select("time", "period_end", pl.col("count").cast(pl.Float64))
        self.count = self.points["count"].to_numpy()
        self.promotions = aligned(used, regular(promotions, "promotions"))
        if self.count.size < LEAST_PERIODS:
            raise TableError(
                f"{self.count.size} periods; six parameters need at least {LEAST_PERIODS}. Wait "
                "for more, or count shorter periods."
            )
        if not self.count.max() > 0:
            raise TableError("all counts are zero; there is nothing to explain. Check the filter.")

    def fit(
        self, *, family: Literal["quasipoisson", "normal"] = "quasipoisson"
    ) -> HawkesIntensityResults:
        """Fit from many starts.

        Parameters
        ----------
        family : {"quasipoisson", "normal"}
            Whether the variance of a count grows with its mean, or is constant ("normal": least
            squares, as published).
        """
        from .hip_results import HawkesIntensityResults

        if family not in ("quasipoisson", "normal"):
            raise ValueError(
                f"family={show(family)} is not known; allowed: 'quasipoisson', 'normal'."
            )
        starts = sorted((self._start(*place, family) for place in STARTS), key=lambda s: s[0])
        found = [self._polish(z, family, 1e-8) for _, z in starts[:POLISHED]]
        best = self._polish(min(found, key=lambda result: float(result.cost)).x, family, 1e-15)
        return HawkesIntensityResults(self, np.asarray(best.x), family, bool(best.success))

    def curve(self, params: dict[str, float], promotions: pl.DataFrame | None = None) -> Array:
        """What is expected in each period at given parameters?

        Parameters
        ----------
        params : dict
            Every parameter by its name.
        promotions : polars.DataFrame, optional
            A counts table of promotions in the periods of the data; by default those there were.

        Returns
        -------
        numpy.ndarray
            A count a period.
        """
        if promotions is None:
            return self.mean(self.place(params))
        return self.mean(
            self.place(params), aligned(self.points, regular(promotions, "promotions"))
        )

    def place(self, params: dict[str, float]) -> Array:
        """The published parameters on the fitting scale."""
        lost = [p.name for p in self.parameters if p.name not in params]
        if lost:
            raise ValueError(
                f"parameters {lost} are missing; a curve needs all of "
                f"{[p.name for p in self.parameters]}. Add them."
            )
        gamma, eta, kappa, c, theta, mu = (params[p.name] for p in self.parameters)
        share = kappa * FOLLOWERS / (theta * (c + 0.5) ** theta)
        return np.log(np.maximum([gamma, eta, mu, share, c, theta], 1e-300))

    @property
    def call(self) -> str:
        """The model as Python, for tables named ``counts`` and ``promotions``."""
        return f"vk.HawkesIntensity(counts, promotions, unit={self.unit!r})"

    def _start(self, branching: float, c: float, theta: float, family: str) -> tuple[float, Array]:
        """The misfit of the best non-negative γ, η, μ beside a kernel, and all as logs."""
        kernel = np.log([branching, c, theta])
        columns = responses(kernel, self.drivers(self.promotions))
        weight = np.ones(self.count.size)
        if family == "quasipoisson":
            weight = 1 / np.sqrt(np.maximum(self.count, 0.01 * self.count.mean()))
        found, misfit = optimize.nnls(columns * weight[:, None], self.count * weight)
        floor = 1e-6 * self.count.max()
        return float(misfit), np.concatenate([np.log(np.maximum(found, floor)), kernel])

    def _polish(self, z: Array, family: str, precision: float) -> Any:
        """Least squares of the deviance residuals, from one start."""
        top = np.log(self.count.max())
        low, high = limits(top)
        return optimize.least_squares(
            lambda z: residuals(self.mean(z), self.count, family)[0],
            np.clip(z, low + 1e-9, high - 1e-9),
            jac=lambda z: self._slopes(z, family),
            bounds=(low, high),
            x_scale="jac",
            xtol=precision,
            ftol=precision,
            gtol=precision,
            max_nfev=300,
        )

    def _slopes(self, z: Array, family: str) -> Array:
        mean, slopes = self.mean_and_slopes(z)
        return np.asarray(residuals(mean, self.count, family)[1][:, None] * slopes)

    def drivers(self, promotions: Array) -> Array:
        """What γ, η and μ multiply, a column each."""
        columns = np.ones((promotions.size, 3))
        columns[1:, 0], columns[0, 1], columns[:, 2] = 0.0, 0.0, promotions
        return columns

    def mean(self, z: Array, promotions: Array | None = None) -> Array:
        """The expected counts at parameters on the fitting scale (logs)."""
        given = self.promotions if promotions is None else promotions
        return np.asarray(responses(z[3:], self.drivers(given) @ np.exp(z[:3])[:, None])[:, 0])

    def mean_and_slopes(self, z: Array) -> tuple[Array, Array]:
        """The expected counts, and how they change with each parameter on the fitting scale."""
        driven = self.drivers(self.promotions) * np.exp(z[:3])
        parts = responses(z[3:], driven)
        mean = parts.sum(axis=1)
        lags, (c, theta) = np.arange(1.0, mean.size), np.exp(z[4:])
        kernel = kernel_of(z[3:], lags)
        by_c = theta * c / (c + 0.5) - (1 + theta) * c / (lags + c)
        by_theta = 1 + theta * np.log((c + 0.5) / (lags + c))
        moved = np.zeros((mean.size, 3))
        for column, change in enumerate((1.0, by_c, by_theta)):
            moved[1:, column] = np.convolve(kernel * change, mean)[: lags.size]
        return mean, np.hstack([parts, responses(z[3:], moved)])


def limits(top: float) -> tuple[Array, Array]:
    """How far the fitting scale reaches: γ, η, μ relative to the largest count; the kernel's."""
    low = np.array([top + SMALLEST] * 3 + [-15.0, -9.0, -5.0])
    high = np.array([top + LARGEST] * 3 + [1.5, 7.0, 3.0])
    return low, high


def kernel_of(shape: Array, lags: Array) -> Array:
    """The kernel at lags: about exp(shape[0]) in all, so that shape hardly depends on c and θ."""
    _, c, theta = np.exp(shape)
    fading = theta * np.log((c + 0.5) / (lags + c)) - np.log(lags + c)  # logs: no power overflows
    return np.asarray(np.exp(shape[0] + shape[2] + fading))


def responses(shape: Array, driven: Array) -> Array:
    """What becomes of drivers (columns) once attention feeds on itself."""
    memory = kernel_of(shape, np.arange(1.0, driven.shape[0]))
    return np.asarray(signal.lfilter([1.0], np.append(1.0, -memory), driven, axis=0))


def kappa_of(shape: Array) -> float:
    """The published κ."""
    _, c, theta = np.exp(shape)
    return float(kernel_of(shape, np.array([1.0]))[0] * (1 + c) ** (1 + theta) / FOLLOWERS)


def branching_of(shape: Array) -> float:
    """How many further counts one count leads to, over all time."""
    _, c, theta = np.exp(shape)
    return float(kappa_of(shape) * FOLLOWERS * special.zeta(1 + theta, 1 + c))


def residuals(mean: Array, count: Array, family: str) -> tuple[Array, Array]:
    """Residuals whose squares sum to the deviance, and their slopes with the mean."""
    if family == "normal":
        return count - mean, -np.ones(mean.size)
    mean = np.maximum(mean, 1e-300)
    excess = count / mean - 1
    deviance = 2 * mean * (special.xlogy(1 + excess, 1 + excess) - excess)
    root = np.sign(excess) * np.sqrt(np.maximum(deviance, 0.0))
    small = np.abs(excess) < 1e-5  # where the quotient would lose its digits
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.where(small, -1 / np.sqrt(mean), -excess / root)
    return np.where(small, excess * np.sqrt(mean), root), slopes


def regular(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """One item's incremental counts in the order of time, period after period."""
    used = one_series(table).sort("time")
    if not used.height:
        raise TableError(f"the table of {name} has no usable row. Check its filter and 'excluded'.")
    kinds = used["kind"].unique().to_list() if "kind" in used.columns else []
    if kinds != ["incremental"] or "period_end" not in used.columns:
        raise TableError(
            f"the {name} are {show(kinds)}; allowed: incremental, with a period_end. Read them "
            "with read_counts(…, kind='incremental', every='1d')."
        )
    gaps = used.filter(pl.col("time") != pl.col("period_end").shift(1, fill_value=used["time"][0]))
    if gaps.height:
        raise TableError(
            f"the {name} have no period right before {gaps['time'][0]}; every period is needed. "
            "Fill what is missing (zero, if nothing came), or start after the gap."
        )
    return used


def aligned(counts: pl.DataFrame, promotions: pl.DataFrame) -> Array:
    """The promotions in the periods of the counts."""
    found = counts.select("time").join(
        promotions.select("time", promoted=pl.col("count").cast(pl.Float64)), on="time", how="left"
    )
    lost = found.filter(pl.col("promoted").is_null())
    if lost.height:
        raise TableError(
            f"the promotions lack {lost.height} of {counts.height} periods, first "
            f"{lost['time'][0]}; every period of the counts needs its own. Add them."
        )
    return found["promoted"].to_numpy()
