"""Cascades as they come about when everybody reshares independently of the others."""

from math import inf

import numpy as np
import polars as pl
from numpy.typing import NDArray

from viralkit.wording import show

Integers = NDArray[np.int64]


def simulate_cascades(
    reproduction_number: float,
    dispersion: float = inf,
    *,
    n_cascades: int = 1000,
    broadcast: float | None = None,
    largest: int = 10_000,
    mean_delay: float = 3600.0,
    seed: int = 0,
) -> pl.DataFrame:
    """What do cascades look like where each share leads to so many further ones?

    A branching process: every event has a random number of reshares, independent of all others.

    Parameters
    ----------
    reproduction_number : float
        Mean number of direct reshares of an event, zero or more.
    dispersion : float
        The k of the negative binomial number of reshares (variance R + R²/k): small where few
        events get most reshares, 1 for the geometric, infinite (default) for the Poisson.
    n_cascades : int
        How many cascades.
    broadcast : float, optional
        Mean number of direct reshares of the root, where it differs (a root with an audience).
    largest : int
        A cascade stops at this many events, as those with R of one or more may never end. Events
        beyond it in the order of generations are left out: sizes equal to it are censored.
    mean_delay : float
        Mean seconds from an event to a reshare of it (exponential).
    seed : int
        The same seed gives the same events (with the same release of numpy).

    Returns
    -------
    polars.DataFrame
        An events table: cascade_id, event_id (unique over all cascades), parent_id, user, time;
        sorted by cascade and time. Users are drawn with equal chance from as many accounts as
        there are events: an account may come up again, in the same cascade too.

    Raises
    ------
    ValueError
        A number is outside its range.

    Notes
    -----
    With Poisson reshares and R < 1 sizes follow the Borel law: mean 1 / (1 - R), variance
    R / (1 - R)³. In general the variance is that of the reshares over (1 - R)³.

    References
    ----------
    Harris, T. E. (1963). The theory of branching processes. Springer.
    Lloyd-Smith, J. O. et al. (2005). Superspreading and the effect of individual variation on
    disease emergence. Nature 438, 355-359. doi:10.1038/nature04153

    Examples
    --------
    >>> import viralkit as vk
    >>> events = vk.simulate_cascades(0.5, n_cascades=1000, seed=7)
    >>> sizes = vk.cascade_table(events)["size"]
    >>> len(sizes), round(sizes.mean())
    (1000, 2)
    """
    require(reproduction_number >= 0, "reproduction_number", reproduction_number, "zero or more")
    require(dispersion > 0, "dispersion", dispersion, "a number above zero, or infinite")
    require(n_cascades >= 0, "n_cascades", n_cascades, "zero or more")
    require(largest >= 1, "largest", largest, "one or more")
    require(mean_delay > 0, "mean_delay", mean_delay, "seconds, above zero")
    first = reproduction_number if broadcast is None else broadcast
    require(first >= 0, "broadcast", first, "zero or more")
    rng = np.random.default_rng(seed)
    means = (float(first), float(reproduction_number))
    cascade, parent = draw_trees(rng, means, dispersion, n_cascades, largest)
    time = draw_times(rng, parent, mean_delay)
    user = rng.integers(0, max(len(parent), 1), len(parent))
    return as_events(cascade, parent, time, user)


def require(holds: bool, name: str, value: object, allowed: str) -> None:
    """Refuse a number that is out of range (NaN is)."""
    if not holds or (value == inf and name != "dispersion"):
        raise ValueError(f"{name}={show(value)}; allowed: {allowed}. Pass such a number.")


def draw_trees(
    rng: np.random.Generator, means: tuple[float, float], k: float, n_cascades: int, largest: int
) -> tuple[Integers, Integers]:
    """The cascade of each event and its parent's number (-1: a root), generation by generation."""
    cascade = np.arange(n_cascades)
    size = np.ones(n_cascades, np.int64)
    cascades, parents = [cascade], [np.full(n_cascades, -1)]
    mean, before = means[0], 0
    while len(cascade):
        children = draw_offspring(rng, mean, k, len(cascade))
        number = np.repeat(np.arange(before, before + len(cascade)), children)
        before, mean = before + len(cascade), means[1]
        cascade = np.repeat(cascade, children)
        fits = rank_in_group(cascade, n_cascades) < (largest - size)[cascade]
        cascade, number = cascade[fits], number[fits]
        size += np.bincount(cascade, minlength=n_cascades)
        cascades.append(cascade)
        parents.append(number)
    return np.concatenate(cascades), np.concatenate(parents)


def draw_offspring(rng: np.random.Generator, mean: float, k: float, size: int) -> Integers:
    """Numbers of direct reshares."""
    poisson = k == inf
    drawn = rng.poisson(mean, size) if poisson else rng.negative_binomial(k, k / (k + mean), size)
    return np.asarray(drawn, dtype=np.int64)


def rank_in_group(group: Integers, groups: int) -> Integers:
    """The position of each element among those of its group; groups come sorted."""
    ends = np.cumsum(np.bincount(group, minlength=groups))
    starts = np.concatenate([[0], ends[:-1]])
    return np.asarray(np.arange(len(group)) - starts[group])


def draw_times(
    rng: np.random.Generator, parent: Integers, mean_delay: float
) -> NDArray[np.float64]:
    """Seconds since the root: delays added up along the way, one generation after the other."""
    time = rng.exponential(mean_delay, len(parent))
    roots = int(np.searchsorted(parent, 0))
    time[:roots] = 0.0
    begin = roots
    while begin < len(parent):
        end = int(np.searchsorted(parent, begin))
        time[begin:end] += time[parent[begin:end]]
        begin = end
    return time


def as_events(
    cascade: Integers, parent: Integers, time: NDArray[np.float64], user: Integers
) -> pl.DataFrame:
    """The events table, sorted by cascade and time, with ids in that order."""
    order = np.lexsort((parent >= 0, time, cascade))
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    above = parent[order]
    parents = pl.Series(np.where(above < 0, 0, number[above]))
    frame = pl.DataFrame(
        {
            "cascade": cascade[order],
            "event": np.arange(len(order)),
            "parent": parents.set(pl.Series(above < 0), None),
            "user": user[order],
            "time": time[order],
        }
    )
    return frame.select(
        cascade_id=pl.format("c{}", "cascade"),
        event_id=pl.col("event").cast(pl.String),
        parent_id=pl.col("parent").cast(pl.String),
        user=pl.format("u{}", "user"),
        time="time",
    )
