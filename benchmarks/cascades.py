"""The anatomy of cascades beside a polars join and igraph; parents by follower lists."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

import viralkit as vk
from benchmarks.timing import Row

EVENTS = 10_000_000
FIRST_ID = 1_300_000_000_000_000_000


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds of CPU and of the clock, and peak memory in bytes."""

    cpu: float
    wall: float
    memory: int

    def note(self) -> str:
        load = Path("/proc/loadavg").read_text().split()[0] if Path("/proc").is_dir() else "?"
        return f"wall {self.wall:.2f} s at load {load}, peak {self.memory / 1e9:.1f} GB"


def rows() -> list[Row]:
    return [*table_rows(), *igraph_rows(), *parents_rows()]


def cost(work: Callable[[], object]) -> Cost:
    """The cost of one run; peak memory counts all that the process holds (Linux only)."""
    status = Path("/proc/self/status")
    if status.exists():
        Path("/proc/self/clear_refs").write_text("5")
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    lines = status.read_text().splitlines() if status.exists() else []
    peak = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return Cost(cpu, wall, sum(peak))


def cheapest(work: Callable[[], object], repeats: int = 3) -> Cost:
    return min((cost(work) for _ in range(repeats)), key=lambda found: found.cpu)


def ids(numbers: np.ndarray, kind: str) -> pl.Series:
    """Numbers as ids of posts: digits, or text such as at://did:plc:1300000000000000000."""
    digits = pl.Series(numbers + FIRST_ID).cast(pl.String)
    return digits if kind == "digits" else "at://did:plc:" + digits


def events(cascades: int, kind: str) -> pl.DataFrame:
    """Events in cascades of like size, half of them children of the root; "text" is shuffled."""
    rng = np.random.default_rng(1)
    cascade = np.sort(rng.integers(0, cascades, EVENTS))
    row, first = np.arange(EVENTS), np.searchsorted(cascade, cascade)
    parent = first + (rng.random(EVENTS) * (row - first) * rng.integers(0, 2, EVENTS)).astype(int)
    if kind == "text":
        order = rng.permutation(EVENTS)
        cascade, row, first, parent = cascade[order], row[order], first[order], parent[order]
    form = "digits" if kind == "categories" else kind
    frame = pl.DataFrame(
        {
            "cascade_id": ids(cascade, form),
            "event_id": ids(row, form),
            "parent_id": ids(parent, form).set(pl.Series(row == first), None),
            "time": 10.0 * (row - first),
        }
    )
    named = pl.col("cascade_id", "event_id", "parent_id")
    return frame.with_columns(named.cast(pl.Categorical)) if kind == "categories" else frame


def table_rows() -> list[Row]:
    """From the events frame to the cascade table; polars looks the parents up, no more."""
    vk.cascade_table(vk.simulate_cascades(0.5, n_cascades=10))
    found = []
    for kind in ("digits", "categories", "text"):
        for cascades in (100_000, 1_000_000):
            frame = events(cascades, kind)
            mine = cheapest(lambda frame=frame: vk.cascade_table(frame))
            peer = cost(lambda frame=frame: self_join(frame))
            size = f"10 M events, {cascades:,} cascades"
            name, note = f"pl self-join {pl.__version__}", f"{mine.note()}; join: {peer.note()}"
            order = ", any order" * (kind == "text")
            task = f"cascade_table, {kind}{order}"
            found.append(Row(task, size, mine.cpu, name, peer.cpu, note))
    return found


def self_join(frame: pl.DataFrame) -> pl.DataFrame:
    """The row of each event's parent."""
    above = frame.select("cascade_id", parent_id="event_id").with_row_index("parent_row")
    return frame.join(above, on=["cascade_id", "parent_id"], how="left", maintain_order="left")


def igraph_rows() -> list[Row]:
    """Small cascades, and those at the critical point, some of them large."""
    small = vk.simulate_cascades(0.9, n_cascades=5000, seed=3)
    critical = vk.simulate_cascades(1.0, n_cascades=1000, seed=3)
    return [igraph_row("small", small), igraph_row("critical", critical)]


def igraph_row(name: str, events: pl.DataFrame) -> Row:
    """From the same frame, tree by tree: size, depth, breadth, leaves, mean distance."""
    table = vk.cascade_table(events)
    mine = cheapest(lambda: vk.cascade_table(events))
    task = f"cascade_table, {name} cascades"
    size = f"{len(events):,} events, {len(table):,} cascades, largest {table['size'].max():,}"
    try:
        import igraph
    except ImportError:
        return Row(task, size, mine.cpu, "igraph", None)
    shapes: list[tuple[float, ...]] = []
    theirs = cost(lambda: shapes.extend(by_igraph(events)))
    expected = table["structural_virality"].drop_nulls().to_numpy()
    np.testing.assert_allclose([row[-1] for row in shapes], expected, rtol=1e-9)
    peer = f"igraph {igraph.__version__}"
    return Row(task, size, mine.cpu, peer, theirs.cpu, mine.note())


def by_igraph(events: pl.DataFrame) -> list[tuple[float, ...]]:
    """The shape of each cascade with a reshare."""
    import igraph

    links = events.drop_nulls("parent_id").group_by("cascade_id", maintain_order=True)
    shapes = []
    for parents, children in (
        links.agg("parent_id", "event_id").select("parent_id", "event_id").rows()
    ):
        tree = igraph.Graph.TupleList(zip(parents, children, strict=True), directed=True)
        steps = tree.distances(tree.vs.find(parents[0]), mode="out")[0]
        breadth = np.bincount(np.array(steps, int)).max()
        leaves = tree.outdegree().count(0)
        mean = tree.average_path_length(directed=False)
        shapes.append((tree.vcount(), max(steps), breadth, leaves, mean))
    return shapes


def parents_rows() -> list[Row]:
    """Who among those I follow posted last before me: one million posts, ten million edges."""
    return [parents_row(kind) for kind in ("digits", "text")]


def parents_row(kind: str) -> Row:
    rng = np.random.default_rng(0)
    accounts, posts = 500_000, 1_000_000
    source, target = ((accounts * rng.random(10 * posts) ** 2).astype(int) for _ in range(2))
    user = (accounts * rng.random(posts) ** 2).astype(int)  # who follows many posts often, too
    edges = pl.DataFrame({"source": ids(source, kind), "target": ids(target, kind)})
    cascade = np.sort((200 * rng.random(posts) ** 2).astype(int))
    frame = pl.DataFrame(
        {
            "cascade_id": ids(cascade, kind),
            "event_id": ids(np.arange(posts), kind),
            "user": ids(user, kind),
            "time": 1.0 * np.arange(posts),
        }
    )
    vk.infer_parents(frame.head(9), edges.head(9))
    mine = cheapest(lambda: vk.infer_parents(frame, edges))
    joined: list[pl.DataFrame] = []
    peer = cost(lambda: joined.append(join_parents(frame, edges)))
    if not vk.infer_parents(frame, edges)["parent_id"].equals(joined[0]["parent_id"]):
        raise SystemExit("infer_parents: viralkit and the polars join disagree")
    size, note = "1 M posts, 10 M edges", f"{mine.note()}; join: {peer.note()}"
    return Row(f"infer_parents, {kind}", size, mine.cpu, f"pl {pl.__version__}", peer.cpu, note)


def join_parents(frame: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """The same by joins: the accounts that each poster follows, and their posts in the cascade."""
    posts = frame.lazy().with_row_index("row")
    above = posts.select("cascade_id", source="user", parent_id="event_id", before="row")
    pairs = posts.select("row", "cascade_id", target="user").join(edges.lazy(), on="target")
    pairs = pairs.join(above, on=["cascade_id", "source"]).filter(pl.col("before") < pl.col("row"))
    last = pairs.filter(pl.col("source") != pl.col("target")).group_by("row")
    chosen = last.agg(pl.col("parent_id").sort_by("before").last())
    found = posts.join(chosen, on="row", how="left", maintain_order="left")
    return found.collect(engine="streaming")
