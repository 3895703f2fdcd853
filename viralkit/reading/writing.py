"""Your events table as a file: for this kit, for other tools, for people."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

import polars as pl

from viralkit.reading.cascades import read_cascades
from viralkit.reading.columns import require_choice
from viralkit.reading.graphml import graphml
from viralkit.reading.guarding import guard
from viralkit.tables import TableError, check
from viralkit.wording import show

Form = Literal["lines", "parquet", "csv", "time_and_magnitude", "graphml"]
ENDS = {
    "lines": (),
    "parquet": (".parquet",),
    "csv": (".csv",),
    "time_and_magnitude": (".csv",),
    "graphml": (".graphml",),
}
INSTANT = "%Y-%m-%dT%H:%M:%S%.6fZ"
IN_PATHS = r"[\s/:]"  # what divides users and times in a path
TWINS = "its events cannot be told apart in lines (a user with several events, or a blank name)"


def write_cascades(events: pl.DataFrame, path: str | os.PathLike[str], *, layout: Form) -> Path:
    r"""How do I hand my cascades to another tool, or keep them?

    Parameters
    ----------
    events : polars.DataFrame
        An events table.
    path : path
        Where to write; a file that is there is replaced once the new one is complete.
    layout : {"lines", "parquet", "csv", "time_and_magnitude", "graphml"}
        "parquet": the table as it is (path ends in .parquet). "csv": the same as text (.csv).
        "lines": message, root user, Unix time, number of events and paths ``u1/u2:time``, as
        DeepHawkes and CasFlow read them. "time_and_magnitude": cascade_id, time and magnitude
        (.csv), as evently (R) takes them, split by cascade. "graphml": a tree for each cascade
        with all columns, for Gephi (.graphml).

    Returns
    -------
    pathlib.Path
        The path, for `read_cascades`: with layout "lines" or "columns", and unit="seconds".

    Raises
    ------
    TableError
        If the table cannot be written in that form, with what to do instead.

    Notes
    -----
    Excluded rows stay in "parquet" and "csv", where `excluded` says why; the others leave them out.

    *Formulas.* A spreadsheet runs a cell that begins with = + - or @. In "csv" and
    "time_and_magnitude" such a cell (unless it is a plain number) gets an apostrophe before it,
    and a column `guarded` says in which columns of the row; `read_cascades` takes both off again.
    An empty text comes back as missing, and blanks around ids and texts are lost.

    *Lines* hold users, not events: an event bears its user's name, or its own id where the table
    has no users. A user without name is -1. What was written is read again and compared: cascades
    in which a parent would be another one afterwards are refused.

    *GraphML* holds no control characters: in texts they become U+FFFD, in ids they are refused.

    Examples
    --------
    >>> import polars as pl
    >>> from tempfile import TemporaryDirectory
    >>> from viralkit.reading.cascades import read_cascades
    >>> events = pl.DataFrame({
    ...     "cascade_id": ["m", "m"],
    ...     "event_id": ["a", "b"],
    ...     "time": [0.0, 60.0],
    ...     "parent_id": [None, "a"],
    ... })
    >>> with TemporaryDirectory() as folder:
    ...     path = write_cascades(events, f"{folder}/m.txt", layout="lines")
    ...     print(path.read_text())
    ...     again, quality = read_cascades(path, layout="lines", unit="seconds")
    m	a		2	a:0.0 a/b:60.0
    >>> again.select("event_id", "parent_id").rows()
    [('a', None), ('b', 'a')]
    """
    require_choice("layout", layout, tuple(ENDS), "Say how to write the cascades")
    events = check(events, "events")
    target = Path(path)
    if ENDS[layout] and target.suffix.lower() not in ENDS[layout]:
        raise TableError(
            f"file {show(target.name)} ends in {show(target.suffix)}; allowed beside "
            f"layout={show(layout)}: {ENDS[layout][0]}. Rename it."
        )
    used = events
    if "excluded" in events.columns and layout not in ("parquet", "csv"):
        used = events.filter(pl.col("excluded").is_null())
    write_safely(target, lambda part: WRITERS[layout](used, part))
    return target


def write_safely(target: Path, write: Callable[[Path], None]) -> None:
    """Write beside the target, then put the whole file in its place."""
    end = target.suffix
    with NamedTemporaryFile(dir=target.parent, prefix=".writing_", suffix=end, delete=False) as f:
        part = Path(f.name)
    try:
        write(part)
        part.chmod(0o644)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def write_parquet(events: pl.DataFrame, path: Path) -> None:
    """The table as it is."""
    events.write_parquet(path)


def write_csv(events: pl.DataFrame, path: Path) -> None:
    """The table as text, cells that look like formulas guarded."""
    nested = [name for name, dtype in events.schema.items() if dtype.is_nested()]
    if nested:
        raise TableError(
            f"column {show(nested[0])} holds lists; allowed in CSV: text, numbers and times. "
            'Pass layout="parquet", or drop it.'
        )
    guard(events).write_csv(path, datetime_format=INSTANT)


def write_marked_times(events: pl.DataFrame, path: Path) -> None:
    """Times and magnitudes of each cascade."""
    if "magnitude" not in events.columns or events["magnitude"].null_count():
        raise TableError(
            "some events have no magnitude; allowed: a number for each. Fill it: "
            "events.with_columns(magnitude=pl.lit(1.0)), or pl.col('magnitude').fill_null(1)."
        )
    columns = pl.col("cascade_id"), pl.col("time"), pl.col("magnitude").cast(pl.Float64)
    guard(events.select(columns)).write_csv(path)


def write_lines(events: pl.DataFrame, path: Path) -> None:
    """A line for each cascade, read again to see that it says the same."""
    named = with_names(events)
    ordered = named.with_columns(path=pl.Series(paths_of(named), dtype=pl.String))
    unix = "start" if "timestamp" in events.columns else pl.lit(None, pl.Float64)
    start = pl.col("timestamp").dt.epoch("us") / 1e6 if "timestamp" in events.columns else unix
    cell = pl.format("{}:{}", "path", "time")
    lines = ordered.with_columns(start=start).group_by("cascade_id", maintain_order=True)
    fields = lines.agg(
        pl.col("name").first(),
        pl.col("start").first(),
        pl.len(),
        cell.str.join(" "),
    )
    fields.write_csv(path, include_header=False, separator="\t", quote_style="never")
    require_same(named, path)


def with_names(events: pl.DataFrame) -> pl.DataFrame:
    """The events in order, with the names that they have in paths; refuse what would not fit."""
    name = pl.col("user") if "user" in events.columns else pl.col("event_id")
    parent = pl.col("parent_id") if "parent_id" in events.columns else pl.lit(None, pl.String)
    ids = (pl.col(each).cast(pl.String) for each in ("cascade_id", "event_id"))
    events = events.with_columns(
        *ids,
        name.cast(pl.String).fill_null("-1").alias("name"),
        parent.cast(pl.String).alias("parent_id"),
    )
    wrong = {
        "name": pl.col("name").str.contains(IN_PATHS) | (pl.col("name") == ""),
        "cascade_id": pl.col("cascade_id").str.contains(r"[\t\r\n]|^\s|\s$|^$"),
    }
    for column, broken in wrong.items():
        bad = events.filter(broken)
        if len(bad):
            raise TableError(
                f"{show(bad[column][0])} cannot stand in cascade lines; allowed: names without "
                'blanks, / and :, and messages without tabs. Pass layout="parquet".'
            )
    order = events.select(pl.col("cascade_id").unique(maintain_order=True)).with_row_index("place")
    events = events.join(order, on="cascade_id", how="left", maintain_order="left")
    return events.sort("place", "time", maintain_order=True)


def paths_of(events: pl.DataFrame) -> list[str]:
    """The users from the root to each event, with / between."""
    keys = list(zip(events["cascade_id"], events["event_id"], strict=True))
    names = dict(zip(keys, events["name"], strict=True))
    parents = dict(zip(keys, events["parent_id"], strict=True))
    if len(names) < len(keys):
        raise TableError("an event stands there twice. Run events, quality = vk.repair(events).")
    paths: dict[tuple[str, str], str] = {}
    for key in keys:
        chain = [key]
        while chain:
            last = chain[-1]
            parent = (last[0], parents[last])
            if parent[1] is None:
                paths[last] = names[last]
            elif parent not in names or parent == last:
                paths[last] = f"{parent[1]}/{names[last]}"
            elif parent in paths:
                paths[last] = f"{paths[parent]}/{names[last]}"
            elif len(chain) > len(keys):
                raise TableError(
                    f"cascade {show(last[0])}: the parents of event {show(last[1])} lead back to "
                    "it. Run events, quality = vk.repair(events) first."
                )
            else:
                chain.append(parent)
                continue
            chain.pop()
    return [paths[key] for key in keys]


def require_same(named: pl.DataFrame, path: Path) -> None:
    """Refuse cascades whose tree is another one when the file is read again."""
    again, _ = read_cascades(path, layout="lines", unit="seconds")
    again = again.with_columns(name=pl.col("user").fill_null("-1"))
    before, after = tree(named), tree(again)
    lost = before.join(after, on=before.columns, how="anti", nulls_equal=True)
    if len(lost) or len(before) != len(after):
        where = lost["cascade_id"][0] if len(lost) else named["cascade_id"][0]
        raise TableError(f'cascade {show(where)}: {TWINS}. Pass layout="parquet".')


def tree(events: pl.DataFrame) -> pl.DataFrame:
    """Each event by user and time, and its parent by the same."""
    key = ["cascade_id", "event_id"]
    events = events.with_columns(origin=pl.col("time").first().over("cascade_id"))
    events = events.with_columns((pl.col("time") - pl.col("origin")).round(6))
    parents = events.select(
        "cascade_id",
        pl.col("event_id").alias("parent_id"),
        pl.col("name").alias("parent"),
        pl.col("time").alias("parent_time"),
    ).unique(["cascade_id", "parent_id"])
    found = events.select(*key, "parent_id", "name", "time").join(
        parents, on=["cascade_id", "parent_id"], how="left"
    )
    return found.select("cascade_id", "name", "time", "parent", "parent_time")


def write_graphml(events: pl.DataFrame, path: Path) -> None:
    """A node for each event, an edge from each parent."""
    path.write_text(graphml(events), encoding="utf-8", newline="\n")


WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    "lines": write_lines,
    "parquet": write_parquet,
    "csv": write_csv,
    "time_and_magnitude": write_marked_times,
    "graphml": write_graphml,
}
