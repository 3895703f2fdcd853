"""Cascades and networks as graphs of other libraries, with the ids that you know."""

import importlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from viralkit.reading.columns import require_choice
from viralkit.tables import TableError, check, require_polars
from viralkit.wording import show, show_names

Library = Literal["networkx", "igraph", "rustworkx", "arrays"]
LIBRARIES = ("networkx", "igraph", "rustworkx", "arrays")


@dataclass(frozen=True, eq=False)
class Graph:
    """The nodes of a graph (`id` and attributes), and its edges by the rows of their nodes."""

    nodes: pl.DataFrame
    source: Any
    target: Any
    edges: pl.DataFrame


def to_graph(table: pl.DataFrame, *, library: Library = "networkx") -> Any:
    """How do I get a cascade or a network into my graph library?

    Parameters
    ----------
    table : polars.DataFrame
        An events table (edges run from parent to child) or an edges table (from source to target,
        the way influence runs). Excluded rows are left out.
    library : {"networkx", "igraph", "rustworkx", "arrays"}
        "networkx": a DiGraph, or a MultiDiGraph where a pair occurs twice. "igraph": a directed
        Graph. "rustworkx": a PyDiGraph. "arrays": a dict of numpy arrays and no library: `id` (the
        names of nodes), `source` and `target` (their numbers), and each further column.

    Returns
    -------
    graph
        Nodes bear your ids: as themselves in networkx, as the attribute `name` in igraph, as the
        item "id" of the dict that is a node's data in rustworkx. The other columns are attributes
        of nodes (events) or of edges (edges tables). A parent that is not in the table is no
        node; it remains in the attribute `parent_id`.

    Raises
    ------
    TableError
        If the table is neither, or if two events share an id (two cascades may: take one).
    ImportError
        If the library is not installed, with the command that installs it.

    Examples
    --------
    >>> import polars as pl
    >>> edges = pl.DataFrame({"source": ["ann", "ann"], "target": ["bob", "cy"]})
    >>> to_graph(edges, library="arrays")["target"].tolist()
    [1, 2]
    """
    require_choice("library", library, LIBRARIES, "Say which library you use")
    graph = graph_of(require_polars(table))
    return {
        "networkx": to_networkx,
        "igraph": to_igraph,
        "rustworkx": to_rustworkx,
        "arrays": to_arrays,
    }[library](graph)


def graph_of(table: pl.DataFrame) -> Graph:
    """The nodes and edges of a table."""
    columns = set(table.columns)
    kind = next((k for k, names in KEYS.items() if names <= columns), None)
    if kind is None:
        raise TableError(
            f"columns {show_names(table.columns)} are those of no graph; allowed: an events table "
            "(cascade_id, event_id, time, parent_id) or an edges table (source, target). Rename "
            "yours: frame.rename({...})."
        )
    table = check(table, kind)
    if "excluded" in table.columns:
        table = table.filter(pl.col("excluded").is_null())
    return events_graph(table) if kind == "events" else edges_graph(table)


KEYS = {"events": {"cascade_id", "event_id", "time"}, "edges": {"source", "target"}}


def events_graph(events: pl.DataFrame) -> Graph:
    """Events as nodes, and edges from their parents."""
    name = pl.col("event_id").cast(pl.String)
    twice = events.filter(name.is_duplicated())
    if len(twice):
        step = "Run events, quality = vk.repair(events) first."
        if not events.select(pl.struct("cascade_id", "event_id").is_duplicated().any()).item():
            step = (
                "Take one cascade (events.filter(cascade_id=...)), or name events by cascade: "
                "pl.concat_str('cascade_id', 'event_id', separator='/'), and parent_id likewise."
            )
        raise TableError(
            f"event {show(str(twice['event_id'][0]))} stands there twice; allowed: ids that are "
            f"unique. {step}"
        )
    taken: dict[str, str] = {n: f"{n}_" for n in ("id", "name") if n in events.columns}
    nodes = events.rename(taken).select(name.alias("id"), pl.exclude("event_id"))
    if "parent_id" not in nodes.columns:
        nodes = nodes.with_columns(parent_id=pl.lit(None, pl.String))
    rows = nodes.select("id", pl.col("parent_id").cast(pl.String)).with_row_index("child")
    parents = rows.select(pl.col("id").alias("parent_id"), pl.col("child").alias("parent"))
    found = rows.join(parents, on="parent_id", maintain_order="left")
    return Graph(nodes, numbers(found["parent"]), numbers(found["child"]), found.select([]))


def edges_graph(edges: pl.DataFrame) -> Graph:
    """Sources and targets as nodes in order of first appearance."""
    ends = edges.select(pl.col("source", "target").cast(pl.String))
    names = pl.concat([ends["source"], ends["target"].rename("source")])
    nodes = pl.DataFrame({"id": names.unique(maintain_order=True)})
    index = nodes.with_row_index("row")
    rows = {
        end: ends.join(index, left_on=end, right_on="id", how="left", maintain_order="left")["row"]
        for end in ends.columns
    }
    rest = edges.select(pl.exclude("source", "target", "excluded"))
    return Graph(nodes, numbers(rows["source"]), numbers(rows["target"]), rest)


def numbers(rows: pl.Series) -> Any:
    """Rows as numpy numbers."""
    return rows.cast(pl.Int64).to_numpy()


def load(library: str) -> Any:
    """The library, or how to install it."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise ImportError(
            f"library={show(library)} is not installed. Run: pip install {library}, or pass "
            'library="arrays".'
        ) from error


def pairs_of(graph: Graph) -> list[tuple[int, int]]:
    """The edges as pairs of node numbers."""
    return list(zip(graph.source.tolist(), graph.target.tolist(), strict=True))


def to_networkx(graph: Graph) -> Any:
    """A DiGraph or MultiDiGraph."""
    networkx = load("networkx")
    pairs = pairs_of(graph)
    made = networkx.MultiDiGraph() if len(set(pairs)) < len(pairs) else networkx.DiGraph()
    names = graph.nodes["id"].to_list()
    made.add_nodes_from((row.pop("id"), row) for row in graph.nodes.to_dicts())
    data = graph.edges.to_dicts() if graph.edges.width else [{}] * len(pairs)
    made.add_edges_from((names[a], names[b], d) for (a, b), d in zip(pairs, data, strict=True))
    return made


def to_igraph(graph: Graph) -> Any:
    """A directed Graph."""
    igraph = load("igraph")
    made = igraph.Graph(n=len(graph.nodes), edges=pairs_of(graph), directed=True)
    for column in graph.nodes.rename({"id": "name"}):
        made.vs[column.name] = column.to_list()
    for column in graph.edges:
        made.es[column.name] = column.to_list()
    return made


def to_rustworkx(graph: Graph) -> Any:
    """A PyDiGraph whose nodes and edges bear dicts."""
    made = load("rustworkx").PyDiGraph()
    made.add_nodes_from(graph.nodes.to_dicts())
    pairs = pairs_of(graph)
    data = graph.edges.to_dicts() if graph.edges.width else [{} for _ in pairs]
    made.add_edges_from([(a, b, d) for (a, b), d in zip(pairs, data, strict=True)])
    return made


def to_arrays(graph: Graph) -> dict[str, Any]:
    """A dict of numpy arrays."""
    columns = [*graph.nodes, *graph.edges]
    arrays = {column.name: np.array(column.to_list(), dtype=object) for column in columns}
    typed = {c.name: c.to_numpy() for c in columns if c.dtype.is_numeric()}
    return {**arrays, **typed, "source": graph.source, "target": graph.target}
