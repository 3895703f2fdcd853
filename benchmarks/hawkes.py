"""Self-exciting models beside the packages of PyPI and beside scipy: CPU seconds, one run."""

import contextlib
import importlib
import io
import time
import warnings
from collections.abc import Callable

import numpy as np
import polars as pl
from scipy.optimize import minimize

import viralkit as vk
from benchmarks.timing import Row
from viralkit.models import hawkes_kernels, hawkes_simulate
from viralkit.models.hawkes_likelihood import Objective
from viralkit.models.hawkes_stream import read_stream

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SMALL = 10_000  # events up to which the slow peers are asked
TRUTH = {"kappa": 0.6, "theta": 2.0, "mu": 0.5}
Fit = Callable[[np.ndarray, float], float]  # gives the log-likelihood that was reached


def cpu(work: Callable[[], object], repeats: int = 5) -> float:
    """The least CPU time of several runs, in seconds; the first one is not counted."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def held(params: dict[str, float], until: float, **choices: str):
    model = vk.Hawkes([0.0], observed_until=until, **choices)
    return model.fit(fixed=params)


def series(size: int) -> tuple[np.ndarray, float]:
    until = size * (1 - TRUTH["kappa"]) / TRUTH["mu"]
    fit = held(TRUTH, until, background="constant")
    return fit.simulate(1, until=until, seed=3)["time"].to_numpy(), until


def ours(times: np.ndarray, until: float) -> float:
    return vk.Hawkes(times, background="constant", observed_until=until).fit().llf


def hawkes_rs(times: np.ndarray, until: float) -> float:
    fit = importlib.import_module("hawkes.univariate").fit(times, until)
    return -fit.negative_log_likelihood


def hawkes(times: np.ndarray, until: float) -> float:
    model = importlib.import_module("Hawkes").estimator()
    model.set_kernel("exp").set_baseline("const").fit(times, [0, until])
    return float(model.L)


def hawkesbook(times: np.ndarray, until: float) -> float:
    module = importlib.import_module("hawkesbook")
    return module.exp_log_likelihood(times, until, module.exp_mle_with_grad(times, until))


def hawkespylib(times: np.ndarray, until: float) -> float:
    model = importlib.import_module("HawkesPyLib.inference").ExpHawkesProcessInference()
    model.estimate(times, until)
    return float(model.logL)


def intensify(times: np.ndarray, until: float) -> float:
    module = importlib.import_module("intensify")
    model = module.UnivariateHawkes(mu=0.5, kernel=module.ExponentialKernel(0.3, 1.0))
    return float(model.fit(times, T=until).log_likelihood)


def scipy_numpy(times: np.ndarray, until: float) -> float:
    def loss(x: np.ndarray) -> float:
        mu, n, theta = np.exp(x)
        decay, a = np.exp(-theta * np.diff(times)), np.zeros(len(times))
        for i in range(1, len(times)):
            a[i] = decay[i - 1] * (1 + a[i - 1])
        rest = n * np.sum(1 - np.exp(-theta * (until - times)))
        return mu * until + rest - np.sum(np.log(mu + n * theta * a))

    return -minimize(loss, np.log([0.5, 0.5, 1.0]), method="L-BFGS-B").fun


QUICK = {"hawkes-rs": hawkes_rs, "Hawkes": hawkes}
SLOW = {
    "hawkesbook": hawkesbook,
    "HawkesPyLib": hawkespylib,
    "intensify": intensify,
    "scipy, numpy objective": scipy_numpy,
}


def quiet(peer: Fit, times: np.ndarray, until: float) -> float:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return peer(times.copy(), until)  # some refuse what is read-only


def likelihoods(size: int) -> list[Row]:
    """Maximum likelihood with an exponential kernel and a background."""
    times, until = series(size)
    best = ours(times, until)
    mine, rows = cpu(lambda: ours(times, until), 9), []
    for name, peer in (QUICK | SLOW if size <= SMALL else QUICK).items():
        taken, note = None, ""
        with contextlib.suppress(ImportError):
            note = f"log-likelihood {quiet(peer, times, until) - best:+.1e} beside ours"
            taken = cpu(lambda peer=peer: quiet(peer, times, until), 1 if size > 1e5 else 2)
        rows.append(
            Row("Hawkes, exponential MLE", f"{len(times):,} events", mine, name, taken, note)
        )
    return rows


def power_law(size: int = 100_000) -> Row:
    """Log-likelihood, gradient and Hessian under a power law, beside all pairs."""
    times = np.sort(np.random.default_rng(0).uniform(0, size, size))
    stream = read_stream(times, marks=None, background="constant", until=float(size))
    objective, x = Objective(stream, "power_law", background=True), np.log([0.6, 0.4, 10.0, 0.4])
    value = objective(x).height
    mine, few = cpu(lambda: objective(x)), hawkes_kernels.FEW
    hawkes_kernels.FEW = 10**9
    pairs = cpu(lambda: objective(x), 1)
    exact = objective.on(stream.head(10_000))(x).height
    hawkes_kernels.FEW = few
    streamed = objective.on(stream.head(10_000))(x).height
    note = f"relative difference {abs(streamed / exact - 1):.0e} at 10,000 events; here {value:.6g}"
    return Row("Hawkes, power-law likelihood", f"{size:,} events", mine, "all pairs", pairs, note)


def many(kernel: str, marks: str | None) -> Row:
    """A thousand cascades of 50 to 500 events, each fitted by itself; beside one by one."""
    params = {"kappa": 0.93, "theta": 0.01}
    if kernel == "power_law":
        params = {"kappa": 0.93 * 0.6 * 30**0.6, "theta": 0.6, "c": 30.0}
    fit, parts, count, seed = held(params, 1e6, kernel=kernel), [], 0, 0
    while count < 1000:
        draws = fit.simulate(20_000, seed=seed)
        size = pl.len().over("cascade_id")
        name = pl.format("{}-{}", pl.lit(seed), "cascade_id")
        parts.append(draws.filter(size >= 50, size <= 500).with_columns(cascade_id=name))
        count, seed = count + parts[-1]["cascade_id"].n_unique(), seed + 1
    events = pl.concat(parts)
    names = events["cascade_id"].unique(maintain_order=True).head(1000)
    marked = (np.random.default_rng(1).random(len(events)) ** (-1 / 1.016)).tolist()
    events = events.with_columns(magnitude=pl.Series(marked))
    events = events.filter(pl.col("cascade_id").is_in(names.implode()))
    choices = {"kernel": kernel, "marks": marks, "observed_until": 1e6}
    vk.Hawkes.fit_each(events, **choices)
    mine = cpu(lambda: vk.Hawkes.fit_each(events, **choices), 3)
    few = events.filter(pl.col("cascade_id").is_in(names.head(20).implode()))
    singles = few.partition_by("cascade_id")
    one = 50 * cpu(lambda: [vk.Hawkes(e, **choices).fit().llf for e in singles], 1)
    label = f"Hawkes.fit_each, {kernel.replace('_', ' ')}{', marks' * (marks is not None)}"
    return Row(label, f"1,000 cascades, {len(events):,} events", mine, "one by one", one)


def simulation(size: int = 1_000_000) -> list[Row]:
    """The same draws as sorted times, which is what the peer gives, and as a table with parents."""
    until = size * (1 - TRUTH["kappa"]) / TRUTH["mu"]
    fit, peer = held(TRUTH, until, background="constant"), None
    law = hawkes_simulate.law_at(fit, fit._fit.place.x[None, :], np.array([until]))

    def draw() -> np.ndarray:
        rng = np.random.default_rng(0)
        roots = hawkes_simulate.immigrants(law, np.array([TRUTH["mu"]]), np.zeros(1), rng)
        return np.sort(hawkes_simulate.grow(law, roots, rng).time)

    times, whole = cpu(draw, 3), cpu(lambda: fit.simulate(1, until=until), 3)
    with contextlib.suppress(ImportError):
        module = importlib.import_module("hawkes.univariate")
        params = module.Parameters(0.5, 0.6, 2.0)
        peer = cpu(lambda: module.simulate(params, until, 1), 3)
    label, events = "Hawkes, simulation", f"{size:,} events"
    return [
        Row(label, events, times, "hawkes-rs", peer, "sorted times"),
        Row(label, events, whole, "hawkes-rs", peer, "ours: a table with ids and parents"),
    ]


def rows() -> list[Row]:
    """Time each peer on the same series."""
    found = [row for size in SIZES for row in likelihoods(size)]
    found += [power_law(), many("exponential", None), many("power_law", "magnitude")]
    return [*found, *simulation()]
