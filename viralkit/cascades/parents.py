"""From whom did each account have it, where the feed does not say?"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from viralkit.cascades.keys import exact_keys_of, is_same, keys_of
from viralkit.cascades.links import Groups, group_by_cascade, used_rows
from viralkit.compiled.choose_parents import RULES, choose_parents
from viralkit.compiled.list_sources import list_sources
from viralkit.compiled.match_keys import match_keys
from viralkit.compiled.number_keys import number_keys
from viralkit.tables import TableError, check
from viralkit.wording import show, show_names

Rule = Literal["most_recent", "first", "uniform"]
Numbers = NDArray[np.int32]


def infer_parents(
    events: pl.DataFrame,
    edges: pl.DataFrame,
    *,
    rule: Rule = "most_recent",
    seed: int | None = None,
) -> pl.DataFrame:
    """From whom did each account have it: who among those it follows posted before?

    Parameters
    ----------
    events : polars.DataFrame
        An events table with a column `user`, in any row order. Feeds that call every reshare a
        child of the root (as that of X does) need this; what `parent_id` holds is replaced.
    edges : polars.DataFrame
        An edges table: `source` influences `target` (the target follows the source). Weights and
        times are not used; loops and repeated edges change nothing.
    rule : {"most_recent", "first", "uniform"}
        Which of the followed accounts' earlier posts in the cascade: the latest, the earliest, or
        the latest of an account drawn with equal chances.
    seed : int, optional
        Needed for "uniform": the same seed draws the same parents.

    Returns
    -------
    polars.DataFrame
        The events in the order they came, with `parent_id`: null where nobody that the account
        follows has posted before, or the account is not known. `cascade_table(...)["roots"]`
        counts such events; it is null in a cascade where no event has a parent.

    Raises
    ------
    TableError
        There is no column `user`, the rule is not known, or the seed is missing.

    Notes
    -----
    Before means at an earlier `time` of the same cascade: posts of one moment do not explain each
    other. Of several latest (or earliest) posts at one moment the one in the last (first) row
    counts. Each rule is a guess; the true parent may be an account outside the edges.

    References
    ----------
    Goel, S., Anderson, A., Hofman, J. and Watts, D. J. (2016). The structural virality of online
    diffusion. Management Science 62(1), 180-196. doi:10.1287/mnsc.2015.2158 (most recent).

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> events = pl.DataFrame({"cascade_id": "video", "event_id": ["1", "2", "3"],
    ...                        "user": ["ann", "bob", "cem"], "time": [0.0, 60.0, 90.0]})
    >>> edges = pl.DataFrame({"source": ["ann", "ann", "bob"], "target": ["bob", "cem", "cem"]})
    >>> vk.infer_parents(events, edges)["parent_id"].to_list()
    [None, '1', '2']
    >>> vk.infer_parents(events, edges, rule="first")["parent_id"].to_list()
    [None, '1', '1']
    """
    refuse_choices(events, rule, seed)
    edges = check(edges, "edges")
    if "excluded" in edges.columns:
        edges = edges.filter(pl.col("excluded").is_null())
    rows = used_rows(check(events, "events").with_row_index("row"))
    parent = parent_rows(rows, edges, rule, seed)
    row, above = rows["row"].to_numpy(), np.zeros(len(events), np.uint32)
    found = np.flatnonzero(parent >= 0)
    above[row[found]] = row[parent[found]] + 1
    ids = pl.concat([events["event_id"].clear().extend_constant(None, 1), events["event_id"]])
    return events.with_columns(ids.gather(above).alias("parent_id"))


def refuse_choices(events: pl.DataFrame, rule: str, seed: int | None) -> None:
    """Refuse an unknown rule, a missing seed, events without users."""
    if rule not in get_args(Rule):
        allowed = ", ".join(show(name) for name in get_args(Rule))
        raise TableError(f"rule={show(rule)} is not known; allowed: {allowed}. Pass one of them.")
    if rule == "uniform" and seed is None:
        raise TableError(
            "rule='uniform' draws parents, but seed is None; allowed: a whole number, so that the "
            "same parents come again. Pass seed=0."
        )
    if isinstance(events, pl.DataFrame) and "user" not in events.columns:
        raise TableError(
            f"column 'user' not found; columns: {show_names(events.columns)}. It says who posted: "
            "rename yours, frame.rename({...: 'user'})."
        )


def parent_rows(
    events: pl.DataFrame, edges: pl.DataFrame, rule: Rule, seed: int | None
) -> NDArray[np.int64]:
    """The row of each row's parent, -1 without."""
    if events.is_empty():
        return np.empty(0, np.int64)
    user, source, target, accounts = number_accounts(events["user"], edges)
    groups = group_by_cascade(events["cascade_id"])
    time = events["time"].to_numpy()
    order = by_time(groups, time)
    draw = np.random.default_rng(seed).random(len(time) if rule == "uniform" else 1)
    draw = draw if rule == "uniform" else np.broadcast_to(draw, len(time)).copy()
    listed, lists = list_sources(source, target, accounts)
    found = choose_parents(
        user[order], time[order], groups.starts, listed, lists, RULES[rule], draw
    )
    parent = np.empty(len(found), np.int64)
    parent[order] = np.where(found >= 0, order[found], -1)
    return parent


def by_time(groups: Groups, time: NDArray[np.float64]) -> NDArray[np.int64]:
    """The rows by cascade, and by time inside each; in the order they came at the same time."""
    placed = groups.placed(time)
    number = groups.numbers()
    order = np.arange(len(time)) if groups.order is None else groups.order
    falls = (placed[1:] < placed[:-1]) & (number[1:] == number[:-1])
    return order[np.lexsort((placed, number))] if falls.any() else order


def number_accounts(user: pl.Series, edges: pl.DataFrame) -> tuple[Numbers, Numbers, Numbers, int]:
    """The numbers of users and of both ends of the edges (-1: never posts), and how many post."""
    columns = user, edges["source"], edges["target"]
    keyed = keys_of(*columns)
    found = match_accounts(user, keyed.columns)
    if not keyed.exact and not all(map(is_same, columns, found[:3], [user.gather(found[3])] * 3)):
        found = match_accounts(user, exact_keys_of(*columns).columns)
    return found[0], found[1], found[2], len(found[3])


def match_accounts(user: pl.Series, keys: list[Any]) -> tuple[Any, Any, Any, Any]:
    """Number the users; find the ends of the edges among them; the row where each posts first."""
    known = np.flatnonzero(user.is_not_null().to_numpy())
    _, firsts = number_keys(keys[0][known])
    accounts = keys[0][known[firsts]]
    with ThreadPoolExecutor(2) as pool:  # the long columns side by side
        numbers = list(pool.map(match_keys, [accounts] * len(keys), keys))
    numbers[0][user.is_null().to_numpy()] = -1
    return numbers[0], numbers[1], numbers[2], known[firsts]
