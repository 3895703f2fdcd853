"""Graphs of other libraries hold the ids, edges and columns of the table they came from."""

import builtins
import importlib
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest

import viralkit as vk
from viralkit.cascades.graphs import to_graph
from viralkit.tables import TableError

EVENTS = pl.DataFrame(
    {
        "cascade_id": ["m"] * 4,
        "event_id": ["1152921504606846977", "b", "c", "<script>"],
        "time": [0.0, 1.0, 2.0, 3.0],
        "user": ["u1", "u2", None, "u4"],
        "parent_id": [None, "1152921504606846977", "b", "gone"],
        "name": ["n1", "n2", "n3", "n4"],
    }
)
PAIRS = {("1152921504606846977", "b"), ("b", "c")}
EDGES = pl.DataFrame(
    {"source": ["a", "a", "b"], "target": ["b", "c", "a"], "weight": [1.0, 2.0, 3.0]}
)


def back(graph: Any, library: str) -> tuple[list[str], list[tuple[str, str]], list[Any]]:
    """Give the nodes, the edges and the weights of a graph by the library's own means."""
    if library == "networkx":
        return list(graph), list(graph.edges), [w for *_, w in graph.edges.data("weight")]
    if library == "igraph":
        names = graph.vs["name"]
        pairs = [(names[e.source], names[e.target]) for e in graph.es]
        return names, pairs, graph.es["weight"] if "weight" in graph.es.attributes() else []
    if library == "rustworkx":
        names = [node["id"] for node in graph.nodes()]
        edges = graph.weighted_edge_list()
        return (
            names,
            [(names[a], names[b]) for a, b, _ in edges],
            [e.get("weight") for *_, e in edges],
        )
    names = graph["id"].tolist()
    pairs = [(names[a], names[b]) for a, b in zip(graph["source"], graph["target"], strict=True)]
    return names, pairs, list(graph.get("weight", []))


LIBRARIES = ("networkx", "igraph", "rustworkx", "arrays")


@pytest.mark.parametrize("library", LIBRARIES)
def test_events_become_nodes_under_their_own_ids(library: Any) -> None:
    graph = to_graph(EVENTS, library=library)
    names, pairs, _ = back(graph, library)
    assert names == EVENTS["event_id"].to_list() and set(pairs) == PAIRS and len(pairs) == 2
    ways: dict[str, Any] = {
        "networkx": lambda: [graph.nodes[n] for n in names],
        "igraph": lambda: [v.attributes() for v in graph.vs],
        "rustworkx": graph.nodes if library == "rustworkx" else None,
        "arrays": lambda: [
            {k: graph[k][i] for k in ("user", "time", "parent_id", "name_")} for i in range(4)
        ],
    }
    attributes = ways[library]()
    assert [a["user"] for a in attributes] == ["u1", "u2", None, "u4"]
    assert [a["time"] for a in attributes] == [0.0, 1.0, 2.0, 3.0]
    assert [a["name_"] for a in attributes] == ["n1", "n2", "n3", "n4"]
    assert attributes[3]["parent_id"] == "gone"


@pytest.mark.parametrize("library", LIBRARIES)
def test_edges_come_back_with_their_weights(library: Any) -> None:
    names, pairs, weights = back(to_graph(EDGES, library=library), library)
    assert sorted(names) == ["a", "b", "c"]
    found = sorted((*pair, weight) for pair, weight in zip(pairs, weights, strict=True))
    assert found == sorted(EDGES.rows())


def test_pairs_that_occur_twice_need_a_multigraph() -> None:
    twice = pl.concat([EDGES, EDGES])
    assert type(to_graph(EDGES)) is nx.DiGraph and type(to_graph(twice)) is nx.MultiDiGraph
    assert to_graph(twice).number_of_edges() == 6
    for library in ("igraph", "rustworkx", "arrays"):
        assert len(back(to_graph(twice, library=library), library)[1]) == 6


def test_depths_in_the_graph_are_those_of_the_cascade_table() -> None:
    events = vk.simulate_cascades(0.9, n_cascades=50, seed=5)
    graph = to_graph(events)
    roots = [node for node, degree in graph.in_degree if degree == 0]
    assert len(roots) == 50 and nx.is_forest(graph)
    deepest = [max(nx.single_source_shortest_path_length(graph, root).values()) for root in roots]
    assert deepest == vk.cascade_table(events)["depth"].to_list()


def test_excluded_rows_and_empty_tables() -> None:
    marked = EVENTS.with_columns(excluded=pl.Series([None, None, None, "odd"]))
    assert len(to_graph(marked)) == 3
    for library in LIBRARIES:
        names, pairs, _ = back(to_graph(EVENTS.clear(), library=library), library)  # type: ignore[arg-type]
        assert not names and not pairs
    assert to_graph(EDGES.clear(), library="arrays")["source"].dtype == np.int64


def test_what_is_no_graph_is_told() -> None:
    with pytest.raises(TableError, match=r"stands there twice; .*vk.repair\(events\) first"):
        to_graph(pl.concat([EVENTS, EVENTS]))
    other = EVENTS.with_columns(cascade_id=pl.lit("another"))
    with pytest.raises(TableError, match=r"stands there twice; .*Take one cascade"):
        to_graph(pl.concat([EVENTS, other]))
    with pytest.raises(TableError, match="are those of no graph; allowed: an events table"):
        to_graph(pl.DataFrame({"a": [1]}))
    with pytest.raises(TableError, match="library='graph-tool' is not known"):
        to_graph(EDGES, library="graph-tool")  # type: ignore[arg-type]


def test_a_library_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Any:
        raise builtins.ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(ImportError, match="pip install igraph, or pass"):
        to_graph(EDGES, library="igraph")
