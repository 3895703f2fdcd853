"""Readers of cascades beside plain Python that does the same work: parents, order, time."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import viralkit as vk
from benchmarks.timing import Row

SIZE = 1_000_000
COLUMNS = ["cascade_id", "event_id", "time", "parent_id"]
Events = list[tuple[str, str, float, str | None]]


def rows() -> list[Row]:
    return [
        read_row("lines", partial(write_lines, of=50), lines_by_hand, unit="seconds"),
        read_row(
            "trees",
            partial(write_trees, of=50_000),
            trees_by_hand,
            unit="seconds",
            arrow="parent_to_child",
        ),
    ]


def read_row(
    layout: Any, write: Callable[[Path], None], peer: Callable[[Path], Events], **options: Any
) -> Row:
    """A million events through both, which must agree on every one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        write(path)
        read = partial(vk.read_cascades, path, layout=layout, **options)
        events, _ = read()
        if not events.select(COLUMNS).sort(COLUMNS).equals(frame(peer(path)).sort(COLUMNS)):
            raise SystemExit(f"read_cascades, {layout}: the readers disagree")
        mine, theirs = least_cpu(read), least_cpu(lambda: frame(peer(path)))
    note = f"CPU time: {SIZE / mine / 1e3:.0f} thousand events a second; the peer checks nothing"
    return Row(f"read_cascades {layout}", f"{SIZE:,} events", mine, "plain Python", theirs, note)


def frame(events: Events) -> pl.DataFrame:
    """The events of a loop as a table."""
    return pl.DataFrame(events, COLUMNS, orient="row")


def least_cpu(work: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU time, of all threads, that a piece of work takes, in seconds."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def parents(rng: np.random.Generator, size: int) -> list[int]:
    """For each event an earlier one, most often an early one."""
    return (rng.random(size) * np.arange(size) * 0.3).astype(int).tolist()


def write_lines(folder: Path, of: int) -> None:
    """Cascade lines of so many events each, of different users."""
    rng = np.random.default_rng(16)
    with (folder / "cascades.txt").open("w") as out:
        for cascade in range(SIZE // of):
            users = (10**6 + cascade + 7919 * rng.permutation(of)).astype(str).tolist()
            times = np.sort(rng.integers(1, 10**6, of)).tolist()
            paths = [users[0]]
            for user, parent in zip(users[1:], parents(rng, of)[1:], strict=True):
                paths.append(f"{paths[parent]}/{user}")
            times[0] = 0
            cells = " ".join(f"{path}:{time}" for path, time in zip(paths, times, strict=True))
            out.write(f"{cascade}\t{users[0]}\t1464739201\t{of}\t{cells}\n")


def write_trees(folder: Path, of: int) -> None:
    """Trees of so many edges each, a file for each tree."""
    rng = np.random.default_rng(15)
    for tree in range(SIZE // of):
        post = str(10**17 + tree)
        users = (10**6 + tree + 7919 * rng.permutation(of)).astype(str).tolist()
        times = (np.sort(rng.integers(0, 10**8, of)) / 100).round(2)
        nodes = [f"['{u}', '{post}', '{t}']" for u, t in zip(users, times - times[0], strict=True)]
        above = parents(rng, of)
        edges = [f"{nodes[above[i]]}->{nodes[i]}" for i in range(1, of)]
        first = f"['ROOT', 'ROOT', '0.0']->{nodes[0]}"
        (folder / f"{post}.txt").write_text("\n".join([first, *edges]) + "\n")


def lines_by_hand(folder: Path) -> Events:
    """The events of cascade lines, by a loop: as read_cascades defines them, users once each."""
    events: Events = []
    for line in (folder / "cascades.txt").open():
        message, _, _, _, cells = line.rstrip("\n").split("\t")
        rows = []
        for cell in cells.split(" "):
            path, time = cell.rsplit(":", 1)
            users = path.split("/")
            rows.append((message, users[-1], float(time), users[-2] if users[1:] else None))
        rows.sort(key=lambda row: row[2])
        known = {row[1] for row in rows}
        events += [row for row in rows if row[3] is None or row[3] in known]
    return events


def trees_by_hand(folder: Path) -> Events:
    """The events of trees, by a loop."""
    events: Events = []
    for path in sorted(folder.iterdir()):
        rows, start = [], 0.0
        for line in path.open():
            left, right = line.rstrip("\n").split("->")
            user, post, time = right[2:-2].split("', '")
            giver, source, _ = left[2:-2].split("', '")
            parent = None if giver == "ROOT" else f"{giver}/{source}"
            start = float(time) if parent is None else start
            rows.append((path.stem, f"{user}/{post}", float(time), parent))
        rows.sort(key=lambda row: row[2])
        events += [(tree, event, time - start, parent) for tree, event, time, parent in rows]
    return events
