"""How the benchmarks take time."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the printed table: seconds of viralkit and of its peer."""

    task: str
    size: str
    viralkit: float
    peer_name: str
    peer: float | None
    note: str = ""

    def cells(self) -> dict[str, str]:
        peer = "not installed" if self.peer is None else seconds(self.peer)
        ratio = "" if self.peer is None else f"{self.viralkit / self.peer:.2f}"
        return {
            "task": self.task,
            "size": self.size,
            "viralkit": seconds(self.viralkit),
            "peer": f"{self.peer_name}: {peer}",
            "ratio": ratio,
            "note": self.note,
        }


def seconds(value: float) -> str:
    """A time in the unit that people read."""
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def best(work: Callable[[], object], repeats: int = 5) -> float:
    """The shortest of several times, in seconds: the one that other programs disturbed least."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)
