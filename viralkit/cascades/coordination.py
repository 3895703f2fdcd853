"""Which accounts share the same things together, more often than chance?"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from viralkit.cascades.keys import number_ids
from viralkit.cascades.links import used_rows
from viralkit.compiled.chance_of_coincidences import chance_of_coincidences
from viralkit.compiled.close_pairs import close_pairs
from viralkit.compiled.count_close import count_close
from viralkit.tables import TableError
from viralkit.wording import show, show_names

Null = Literal["hours", "things_and_hours", "sittings"]
HOUR = 3600 * 10**6  # microseconds
MOST_PAIRS = 200_000_000
SCHEMA = {
    "user_a": pl.String,
    "user_b": pl.String,
    "shared": pl.Int64,
    "observed": pl.Int64,
    "expected": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
    "group": pl.Int64,
}


def coordinated(
    events: pl.DataFrame,
    *,
    within: float,
    at_least: int,
    null: Null = "hours",
    false_discovery_rate: float = 0.05,
) -> pl.DataFrame:
    """Which accounts share the same things within seconds of each other, more often than chance?

    Parameters
    ----------
    events : polars.DataFrame
        An events table with `user` and `timestamp`; what is shared is the cascade. One share of a
        thing by an account counts: from the first hour with any, drawn by lot if there are more.
        `parent_id` is not used: a fast reshare of the other's post is a coincidence too.
    within : float
        Seconds, at most 3600: two shares so close count as a coincidence.
    at_least : int
        So many things have to coincide before a pair is listed; two or more are wise.
    null : {"hours", "things_and_hours", "sittings"}
        What chance is: the times of all shares in an hour (UTC) are shuffled, so that the rhythm
        of the day stays; or those of each thing in an hour, so that the burst of each thing stays
        too. The second blames nobody for being quick with news, but is blind to a group whose
        things nobody else shares; it can do without `timestamp` (hours since the first event).
        Both take what an account shares in an hour as independent of each other: where many share
        a handful in one sitting, two sittings that happen to meet look like coordination. Pass
        "sittings" then: times are shuffled as in "hours", but hours with a coincidence are counted
        (observed, expected, `at_least`), not things. It is blind to a group that acts in one hour.
    false_discovery_rate : float
        Among the pairs that get a group, at most this share is expected to be there by chance.

    Returns
    -------
    polars.DataFrame
        A row a pair with at least so many coincidences, the least likely first: user_a and user_b
        (sorted by name); shared (things that both shared in the same or neighbouring hours);
        observed and expected coincidences; p_value; q_value (Benjamini and Hochberg); group (pairs
        with q_value at most `false_discovery_rate` are joined, 1 is the largest; else null).

    Raises
    ------
    TableError
        A column is missing, a number is out of range, or too many shares stand too close.

    Notes
    -----
    The p value is exact or too large under the null: the chances of coincidences add up as a
    Poisson binomial law, made wider where an hour has few shares (drawn without replacement).
    q values reckon with all pairs that could have had so many coincidences, listed or not, or
    rather with an upper bound of their number: never with the listed ones alone.

    A small q value says that two accounts are not independent of each other. It does not say why:
    a common source, a scheduler that posts on the full hour, one owner and one fan club are alike.

    References
    ----------
    Amarasingham, A., Harrison, M. T., Hatsopoulos, N. G. and Geman, S. (2012). Conditional
    modeling and the jitter method of spike resampling. Journal of Neurophysiology 107, 517-531.
    doi:10.1152/jn.00633.2011 (times shuffled inside windows).
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the
    Royal Statistical Society B 57, 289-300. doi:10.1111/j.2517-6161.1995.tb02031.x
    Pacheco, D. et al. (2021). Uncovering coordinated networks on social media: methods and case
    studies. ICWSM 15, 455-466. doi:10.1609/icwsm.v15i1.18075

    Examples
    --------
    >>> from datetime import UTC, datetime, timedelta
    >>> import polars as pl, viralkit as vk
    >>> start = datetime(2020, 5, 1, tzinfo=UTC)
    >>> rows = [(f"link {day}", user, start + timedelta(days=day, seconds=second))
    ...         for day in range(9) for user, second in
    ...         [("ann", 7), ("bob", 9), ("cem", 600 * day % 3500), ("dan", 700 * day % 3400)]]
    >>> events = pl.DataFrame(rows, ["cascade_id", "user", "timestamp"], orient="row")
    >>> events = events.with_columns(event_id=pl.int_range(36).cast(pl.String), time=pl.lit(0.0))
    >>> pairs = vk.coordinated(events, within=10, at_least=3)
    >>> pairs.select("user_a", "user_b", "observed", "group").rows()
    [('ann', 'bob', 9, 1)]
    """
    refuse_choices(within, at_least, null, false_discovery_rate)
    shares, names = first_shares(events, null)
    if shares.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    span = round(within * 1e6)
    strata = count_strata(shares, span)
    pairs = coincidences(shares, span, null).filter(pl.col("observed") >= at_least)
    pairs = with_chance(pairs, shares, strata, null)
    pairs = with_discoveries(pairs, most_hypotheses(shares, at_least), false_discovery_rate)
    return pairs.select(
        names.gather(pairs["a"]).alias("user_a"),
        names.gather(pairs["b"]).alias("user_b"),
        *list(SCHEMA)[2:],
    )


def refuse_choices(within: float, at_least: int, null: str, rate: float) -> None:
    """Refuse numbers out of range and an unknown null."""
    if not 0 <= within <= 3600:
        raise TableError(f"within={show(within)}; allowed: seconds from 0 to 3600. Pass 60.")
    if not at_least >= 1:
        raise TableError(f"at_least={show(at_least)}; allowed: one thing or more. Pass 3.")
    if null not in get_args(Null):
        raise TableError(f"null={show(null)}; allowed: {get_args(Null)}. Pass one of them.")
    if not 0 < rate < 1:
        raise TableError(f"false_discovery_rate={show(rate)}; allowed: in (0, 1). Pass 0.05.")


def first_shares(events: pl.DataFrame, null: Null) -> tuple[pl.DataFrame, pl.Series]:
    """The first share of each thing by each account: numbers of both, time, hour, stratum."""
    events = used_rows(events)
    steps = {"user": "Who shared has to be known: add it, or rename yours."}
    if null != "things_and_hours":
        steps["timestamp"] = 'Add it, or pass null="things_and_hours", which can do without.'
    for name in steps:
        if name not in events.columns:
            raise TableError(
                f"column {show(name)} not found; columns: {show_names(events.columns)}. "
                f"{steps[name]}"
            )
    clock = pl.col("timestamp").cast(pl.Int64)
    if "timestamp" not in events.columns:
        clock = (pl.col("time") * 1e6).round().cast(pl.Int64)
    events = events.with_columns(clock=clock).filter(
        pl.col("user").is_not_null() & pl.col("clock").is_not_null()
    )
    thing, _ = numbered_by_name(events["cascade_id"])
    user, names = numbered_by_name(events["user"])
    rows = pl.DataFrame({"thing": thing, "user": user, "time": events["clock"]})
    rows = rows.with_columns(hour=pl.col("time") // HOUR).sort("thing", "user", "time")
    # the first of several in an hour would stand early in it, more often than chance has it
    rows = rows.with_columns(lot=np.random.default_rng(0).random(len(rows)))
    shares = rows.sort("thing", "user", "hour", "lot").unique(
        ["thing", "user"], keep="first", maintain_order=True
    )
    return with_strata(shares.drop("lot"), null), names


def numbered_by_name(ids: pl.Series) -> tuple[NDArray[np.int64], pl.Series]:
    """The number of each id in the order of the sorted names, and these names."""
    numbers, firsts = number_ids(ids)
    names = ids.gather(firsts).cast(pl.String)
    order = names.arg_sort().to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place[numbers], names.gather(order)


def with_strata(shares: pl.DataFrame, null: Null) -> pl.DataFrame:
    """The number of the stratum; the next hour of a block has the next number, an empty one too."""
    block = pl.col("thing") if null == "things_and_hours" else pl.lit(0)
    shares = shares.with_columns(block=block).sort("block", "time", "user", "thing")
    step = pl.col("hour").diff().clip(upper_bound=2)
    step = pl.when(pl.col("block").diff() != 0).then(2).otherwise(step).fill_null(0)
    return shares.with_columns(stratum=step.cum_sum())


@dataclass(frozen=True, eq=False)
class Strata:
    """How many posts each stratum has, and pairs of them that are close: inside, with the next."""

    posts: NDArray[np.int64]
    inside: NDArray[np.int64]
    across: NDArray[np.int64]


def count_strata(shares: pl.DataFrame, span: int) -> Strata:
    """Count posts and close pairs of each stratum; shares stand by block and time."""
    block, stratum, time = (shares[name].to_numpy() for name in ("block", "stratum", "time"))
    inside, across = count_close(block, stratum, time, span)
    return Strata(np.bincount(stratum), inside, across)


def coincidences(shares: pl.DataFrame, span: int, null: Null) -> pl.DataFrame:
    """How many things each pair of accounts shared within the span, or in how many hours."""
    rows = shares.sort("thing", "time", "user")
    thing, time, user = (rows[name].to_numpy() for name in ("thing", "time", "user"))
    inside, _ = count_close(thing, thing, time, span)
    size = int(inside.sum())
    if size > MOST_PAIRS:
        raise TableError(
            f"{size:,} pairs of shares stand so close; at most {MOST_PAIRS:,} are looked at. Lower "
            "within, or leave out things that everybody shares."
        )
    a, b, early = close_pairs(thing, time, user, span, size)
    pairs = pl.DataFrame({"a": a, "b": b, "hour": rows["hour"].gather(early)})
    many = pl.n_unique("hour") if null == "sittings" else pl.len()
    return pairs.group_by("a", "b").agg(observed=many.cast(pl.Int64))


def with_chance(
    pairs: pl.DataFrame, shares: pl.DataFrame, strata: Strata, null: Null
) -> pl.DataFrame:
    """What the null expects of each pair, and how likely it makes what was observed."""
    pairs = pairs.sort("a", "b").with_columns(pair=pl.int_range(pl.len()))
    one = shares.select("thing", "hour", "stratum", a="user")
    two = shares.select("thing", "hour", "stratum", b="user")
    things = pairs.lazy().select("pair", "a", "b").join(one.lazy(), on="a")
    things = things.join(two.lazy(), on=["b", "thing"])
    things = things.filter((pl.col("hour") - pl.col("hour_right")).abs() <= 1)
    early = pl.min_horizontal("stratum", "stratum_right").alias("early")
    late = pl.max_horizontal("stratum", "stratum_right").alias("late")
    met = things.select("pair", early, late).sort("pair", "early", "late").collect()
    shared = np.bincount(met["pair"].to_numpy(), minlength=len(pairs))
    expected, tail = chance_of_coincidences(
        np.concatenate([[0], np.cumsum(shared)]),
        met["early"].to_numpy(),
        met["late"].to_numpy(),
        met["early"].to_numpy() if null == "sittings" else np.arange(len(met)),
        pairs["observed"].to_numpy(),
        strata.posts,
        strata.inside,
        strata.across,
    )
    return pairs.with_columns(
        shared=pl.Series(shared), expected=pl.Series(expected), p_value=pl.Series(tail)
    )


def most_hypotheses(shares: pl.DataFrame, at_least: int) -> int:
    """An upper bound on the pairs that could coincide so often, whatever the seconds are.

    Either both accounts shared so many things; or, each such pair taking up `at_least` of the
    meetings of two accounts at a thing in one or two neighbouring hours, there are only so many.
    """
    busy = shares.group_by("user").len().filter(pl.col("len") >= at_least).height
    hours = shares.group_by("thing", "hour").agg(n=pl.len().cast(pl.Int64)).sort("thing", "hour")
    same_thing = pl.col("thing") == pl.col("thing").shift()
    next_hour = same_thing & (pl.col("hour").diff() == 1)
    meetings = pl.col("n") * (pl.col("n") - 1) // 2
    meetings = meetings + pl.when(next_hour).then(pl.col("n") * pl.col("n").shift()).otherwise(0)
    total = int(hours.select(meetings.sum()).item())
    return min(busy * (busy - 1) // 2, total // at_least)


def with_discoveries(pairs: pl.DataFrame, hypotheses: int, rate: float) -> pl.DataFrame:
    """The q values of all pairs, and the groups that those below the rate form."""
    pairs = pairs.sort("p_value", "observed", "a", "b", descending=[False, True, False, False])
    rank = np.arange(1, len(pairs) + 1)
    ratio = pairs["p_value"].to_numpy() * hypotheses / rank
    q_value = np.minimum(np.minimum.accumulate(ratio[::-1])[::-1], 1.0)
    pairs = pairs.with_columns(q_value=pl.Series(q_value, dtype=pl.Float64))
    return pairs.with_columns(group=groups_of(pairs, q_value <= rate))


def groups_of(pairs: pl.DataFrame, found: NDArray[np.bool_]) -> pl.Series:
    """The connected parts that the found pairs form, numbered from the one with most pairs."""
    group = np.zeros(len(pairs), np.int64)
    a, b = pairs["a"].to_numpy()[found], pairs["b"].to_numpy()[found]
    if len(a):
        size = int(max(a.max(), b.max())) + 1
        links = coo_array((np.ones(len(a)), (a, b)), shape=(size, size))
        part = connected_components(links, directed=False)[1][a]
        many = np.bincount(part)
        rank = np.argsort(np.argsort(-many, kind="stable"), kind="stable")
        group[found] = rank[part] + 1
    return pl.Series(group).replace(0, None)
