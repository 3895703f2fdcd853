"""Your file of who follows, or influences, whom as an edges table."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from viralkit.reading.columns import absent_column, require_choice
from viralkit.reading.edge_lines import PAIR, Columns, read_edge_lines
from viralkit.reading.faults import OnError
from viralkit.reading.files import read_parquet
from viralkit.reading.parsing import parse_count, parse_time, time_form
from viralkit.reading.settling import (
    FAULT,
    PLACE,
    Check,
    blame,
    dropped,
    reasons,
    settle,
    unreserved,
)
from viralkit.reading.unpacking import find_files
from viralkit.schema import TABLES
from viralkit.tables import Quality, TableError, check, require_polars
from viralkit.wording import show

Direction = Literal["follows", "influences"]


def read_edges(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | pl.DataFrame,
    *,
    direction: Direction | None = None,
    columns: Columns | None = None,
    on_error: OnError = "raise",
) -> tuple[pl.DataFrame, Quality]:
    """Who influences whom, as an edges table that cascades and spread models take?

    Parameters
    ----------
    source : path, glob, folder, list of paths, or polars.DataFrame
        Text with an edge a line, its cells divided by tabs, commas or blanks (.gz and .zst are
        unpacked), .parquet, or a frame. Lines that begin with # or % are comments.
    direction : {"follows", "influences"}
        Required: what the first id of a line does to the second. A follower list ("1 2": account 1
        follows account 2) is "follows": there, influence runs from the second to the first.
    columns : sequence or mapping of str, optional
        A sequence says what the cells of a line without header hold: ("source", "target",
        "weight"), also "time", or any name for further cells. A mapping names the columns of a
        header line or frame: {"source": "follower", "target": "followed", "weight": "n"}. In both,
        source is the first id and target the second, as `direction` means them. By default a
        file has two cells a line, or a header line (a frame: columns) with source and target.
    on_error : {"raise", "drop", "keep"}
        What to do with a line that has no two ids, or a weight that is no number: raise at the
        first; leave it out and list it in `quality.dropped`; or keep it and say why in `excluded`.

    Returns
    -------
    edges : polars.DataFrame
        In the order of the file: source, target (text; source influences target), and weight,
        time and further columns where there are any.
    quality : Quality
        Rows read, kept, dropped and why, comments, nodes, self edges, duplicates.

    Raises
    ------
    TableError
        With the place, value, rule and next step.
    FileNotFoundError
        With the files of the folder that are spelled like it.

    Notes
    -----
    Columns of yours that are called file, line, fault, fault_column or fault_value get an
    underscore behind their name.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"who": ["ann", "bob"], "whom": ["bob", "cat"]})
    >>> edges, quality = read_edges(
    ...     frame, direction="follows", columns={"source": "who", "target": "whom"}
    ... )
    >>> edges.rows()
    [('bob', 'ann'), ('cat', 'bob')]
    """
    step = "Say what the first id of a line does to the second"
    require_choice("direction", direction, ("follows", "influences"), step)
    require_columns(columns)
    found, comments = open_edges(source, columns)
    names = dict(columns) if isinstance(columns, Mapping) else {}
    if direction == "follows":
        found = found.rename({"source": "target", "target": "source"})
        names |= {"source": names["target"], "target": names["source"]} if names else {}
    found, without_zone = parse_cells(found, names)
    kept, bad = settle(found, "edges", on_error, names)
    first = [name for name in TABLES["edges"].columns if name in kept.columns]
    edges = check(kept.select(*first, pl.exclude(first)), "edges")
    table = [
        ("rows read", len(found), None),
        ("rows kept", len(edges), None),
        *reasons(bad, on_error),
        ("comments", comments, "lines that begin with # or %, skipped" if comments else None),
        ("times without zone", without_zone, "read as UTC" if without_zone else None),
        *edge_checks(edges),
    ]
    schema = {"check": pl.String, "rows": pl.Int64, "note": pl.String}
    return edges, Quality(pl.DataFrame(table, schema, orient="row"), dropped(bad, on_error))


def require_columns(columns: Columns | None) -> None:
    """Refuse names that do not say which cells are source and target, once each."""
    if columns is None:
        return
    given = list(columns) if not isinstance(columns, str) else [columns]
    if set(PAIR) <= set(given) and len(set(given)) == len(given):
        return
    raise TableError(
        f"columns={show(columns)} does not name source and target once each; allowed: what the "
        'cells of a line hold, as ("source", "target", "weight"), or which columns of the header '
        'are meant: {"source": "follower", "target": "followed"}. Pass one of these.'
    )


def open_edges(source: Any, columns: Columns | None) -> tuple[pl.DataFrame, int]:
    """The cells under the names of the table, with file, line and fault; and how many comments."""
    if not isinstance(source, str | os.PathLike | Sequence):
        return open_frame(require_polars(source), columns), 0
    parts = [open_file(path, columns) for path in find_files(source)]
    if not parts:
        raise TableError("source names no file; allowed: files of edges. Pass at least one.")
    return pl.concat([frame for frame, _ in parts], how="diagonal"), sum(n for _, n in parts)


def open_frame(frame: pl.DataFrame, columns: Columns | None) -> pl.DataFrame:
    """The edges of a frame, with ids as text."""
    frame = frame.rename(dict(zip(frame.columns, unreserved(frame.columns), strict=True)))
    if isinstance(columns, Sequence):
        columns = dict(zip(columns, frame.columns, strict=False))
    frame = named(frame, columns).with_row_index("line")
    whole = [name for name in PAIR if frame.schema[name].is_integer()]
    return frame.with_columns(pl.col(whole).cast(pl.String), pl.col("line").cast(pl.Int64))


def open_file(path: Path, columns: Columns | None) -> tuple[pl.DataFrame, int]:
    """The edges of one file."""
    file = pl.lit(path.name).cast(pl.Categorical)
    if path.suffix.lower() == ".parquet":
        return open_frame(read_parquet(path), columns).with_columns(file=file), 0
    frame, comments = read_edge_lines(path, columns)
    mapped = isinstance(columns, Mapping)
    return named(frame, columns if mapped else None).with_columns(file=file), comments


def named(frame: pl.DataFrame, columns: Columns | None) -> pl.DataFrame:
    """The frame with the columns of the table under their names."""
    chosen = dict(columns) if isinstance(columns, Mapping) else {name: name for name in PAIR}
    chosen = dict(zip(chosen, unreserved(list(chosen.values())), strict=True))
    absent = [name for name, given in chosen.items() if given not in frame.columns]
    if absent:
        there = [name for name in frame.columns if name not in (*PLACE, *FAULT)]
        raise TableError(absent_column(absent[0], chosen[absent[0]], there, chosen=chosen))
    taken = [name for name in chosen if name in frame.columns and name not in chosen.values()]
    frame = frame.rename({name: f"{name}_" for name in taken})
    return frame.rename({given: name for name, given in chosen.items()})


def parse_cells(found: pl.DataFrame, names: dict[str, str]) -> tuple[pl.DataFrame, int]:
    """The weights and times of edges with their real types, and how many times name no zone."""
    without_zone = 0
    for name in ("weight", "time"):
        if name in found.columns:
            cells, told = found[name], names.get(name, name)
            form = time_form(cells, told) if name == "time" else "number"
            read = parse_time(cells, form, told) if name == "time" else parse_count(cells, told)
            found = found.with_columns(read.values)
            without_zone += read.without_zone
            for fault in read.faults:
                found = blame(found, fault, cells, names)
    return found, without_zone


def edge_checks(edges: pl.DataFrame) -> list[Check]:
    """Nodes, self edges and duplicates (by 64-bit hashes, which are right but once in 10**5)."""
    used = edges.filter(pl.col("excluded").is_null()) if "excluded" in edges.columns else edges
    pairs = used.select(pl.struct(PAIR).hash().n_unique()).item() if len(used) else 0
    nodes = pl.concat([used[name].hash() for name in PAIR]).n_unique()
    return [
        ("nodes", nodes, None),
        ("self edges", int((used["source"] == used["target"]).sum()), None),
        ("duplicates", len(used) - pairs, None),
    ]
