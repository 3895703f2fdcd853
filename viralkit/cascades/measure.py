"""How large, deep and broad is each cascade, and did it spread from one or from many?"""

from typing import Literal

import numpy as np
import polars as pl

from viralkit.cascades.links import Forest, grow_forest, used_rows
from viralkit.compiled.measure_shapes import measure_shapes
from viralkit.compiled.measure_times import measure_times
from viralkit.tables import TableError, check
from viralkit.wording import show

By = Literal["cascade", "generation"]


def cascade_table(
    events: pl.DataFrame, *, by: By = "cascade", cascades: pl.DataFrame | None = None
) -> pl.DataFrame:
    """How large, deep and broad is each cascade, and is it one broadcast or many small shares?

    Parameters
    ----------
    events : polars.DataFrame
        An events table (see `check`), in any row order; rows with a reason in `excluded` are left
        out. Ids need to be unique inside their cascade only.
    by : {"cascade", "generation"}
        One row a cascade, or one row a generation (0: the roots) of each cascade.
    cascades : polars.DataFrame, optional
        A cascades table; its `label` and `n_reported` are added by `cascade_id`.

    Returns
    -------
    polars.DataFrame
        Cascades in order of first appearance. By cascade: cascade_id; size (events); depth
        (generations after the root); max_breadth (events in the largest generation); leaves
        (events that nobody reshared); broadcast_share (share of the reshares that stand directly
        under a root; null without a reshare); structural_virality (mean distance in steps over
        all pairs of events that are connected; null without such a pair); duration_seconds (last
        time less first); median_response_seconds (from parent to child; null without a reshare);
        roots (events without a parent in the cascade, orphans included); coverage (share of the
        events that name a parent whose parent is there; null where none names one).
        By generation: cascade_id, generation, size, first_time and median_time (seconds).
        Where parents are not known at all (several events, of which none names a parent), depth,
        max_breadth, leaves, roots and generation are null: `infer_parents` may find some. Where
        `time` holds generations (in every cascade it is `depth` and a constant, as layout
        "generations" of `read_cascades` gives it), all that counts seconds is null.

    Raises
    ------
    TableError
        An event id comes twice in a cascade (so an event has several parents), or parents lead in
        a circle: the message names both and `repair`.

    Notes
    -----
    The structural virality of a star of n events is 2 - 2/n, that of a chain (n + 1) / 3. It grows
    with size: compare it between cascades of equal size only. An event earlier than its parent is
    allowed here; readers count such events, `repair` mends them. The work is linear in the number
    of events.

    References
    ----------
    Goel, S., Anderson, A., Hofman, J. and Watts, D. J. (2016). The structural virality of online
    diffusion. Management Science 62(1), 180-196. doi:10.1287/mnsc.2015.2158

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> events = pl.DataFrame({"cascade_id": "video", "event_id": ["a", "b", "c", "d"],
    ...                        "parent_id": [None, "a", "a", "a"], "time": [0.0, 10, 20, 60]})
    >>> vk.cascade_table(events).row(0, named=True)
    {'cascade_id': 'video', 'size': 4, 'depth': 1, 'max_breadth': 3, 'leaves': 3,
    'broadcast_share': 1.0, 'structural_virality': 1.5, 'duration_seconds': 60.0,
    'median_response_seconds': 20.0, 'roots': 1, 'coverage': 1.0}
    """
    if by not in ("cascade", "generation"):
        raise TableError(f"by={show(by)} is not known; allowed: 'cascade', 'generation'. Pass one.")
    events = used_rows(events)
    forest = grow_forest(events)
    table = by_cascade(events, forest) if by == "cascade" else by_generation(events, forest)
    return table if cascades is None else with_labels(table, cascades)


def by_cascade(events: pl.DataFrame, forest: Forest) -> pl.DataFrame:
    """One row a cascade."""
    groups = forest.groups
    counts, mean = np.zeros((5, 0), np.int64), np.zeros(0)
    duration, median = mean, mean
    timed = not times_are_generations(events)
    if len(groups.names):
        time = groups.placed(events["time"].to_numpy())
        counts, mean = measure_shapes(forest.parent, forest.depth, groups.starts)
        duration, median = measure_times(forest.parent, time, groups.starts)
    size = pl.Series(np.diff(groups.starts))
    depth, breadth, leaves, roots, direct = (pl.Series(values) for values in counts)
    orphans = pl.Series(sums(forest.orphan, groups.starts))
    linked = size - roots
    known = (linked + orphans > 0) | (size == 1)
    table = pl.DataFrame(
        {
            "cascade_id": groups.names,
            "size": size,
            "depth": depth,
            "max_breadth": breadth,
            "leaves": leaves,
            "broadcast_share": share(direct, linked),
            "structural_virality": pl.Series(mean).fill_nan(None),
            "duration_seconds": duration,
            "median_response_seconds": pl.Series(median).fill_nan(None),
            "roots": roots,
            "coverage": share(linked, linked + orphans),
        }
    )
    shape = pl.when(known).then(pl.col("depth", "max_breadth", "leaves", "roots"))
    seconds = pl.when(timed).then(pl.col("duration_seconds", "median_response_seconds"))
    return table.with_columns(shape, seconds)


def times_are_generations(events: pl.DataFrame) -> bool:
    """Whether `time` is `depth` and a constant in each cascade: the source told no times."""
    if "depth" not in events.columns or events["depth"].n_unique() < 2:
        return False
    gaps = events.select("cascade_id", gap=pl.col("time") - pl.col("depth"))
    return gaps.n_unique() == gaps["cascade_id"].n_unique()


def sums(flags: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """How many flags are set in each group."""
    total = np.concatenate([[0], np.cumsum(flags)])
    return np.diff(total[starts])


def share(part: pl.Series, whole: pl.Series) -> pl.Series:
    """Part of a whole; null where the whole is nothing."""
    return (part / whole).fill_nan(None)


def by_generation(events: pl.DataFrame, forest: Forest) -> pl.DataFrame:
    """One row a generation of each cascade."""
    groups = forest.groups
    rows = pl.DataFrame(
        {
            "number": groups.numbers(),
            "generation": forest.depth,
            "time": groups.placed(events["time"].to_numpy()),
        }
    )
    found = rows.group_by("number", "generation").agg(
        size=pl.len().cast(pl.Int64),
        first_time=pl.min("time"),
        median_time=pl.median("time"),
    )
    found = found.sort("number", "generation")
    name = groups.names.gather(found["number"]).alias("cascade_id")
    named = pl.Series(sums((forest.parent >= 0) | forest.orphan, groups.starts))
    known = (named.gather(found["number"]) > 0) | (found["size"] == 1)
    return found.select(
        name,
        pl.when(known).then("generation").alias("generation"),
        "size",
        pl.when(not times_are_generations(events)).then(pl.col("first_time", "median_time")),
    )


def with_labels(table: pl.DataFrame, cascades: pl.DataFrame) -> pl.DataFrame:
    """The table with the columns that a cascades table knows of each cascade."""
    cascades = check(cascades, "cascades")
    known = [name for name in ("label", "n_reported") if name in cascades.columns]
    twice = cascades.filter(pl.col("cascade_id").is_duplicated())
    if len(twice):
        raise TableError(
            f"cascades holds {show(twice['cascade_id'][0])} {len(twice)} times; allowed: one row a "
            'cascade. Drop the others: cascades.unique("cascade_id").'
        )
    text = pl.col("cascade_id").cast(pl.String)
    right = cascades.select(*known, key=text)
    joined = table.with_columns(key=text).join(right, on="key", how="left", maintain_order="left")
    return joined.drop("key")
