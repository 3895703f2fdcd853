"""The table in which a file of studies records what it measured."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl


def record(fresh: pl.DataFrame, study: str, studies: Iterable[str], out: Path) -> None:
    """Put the rows of a study in the place of its old ones, in the order of the studies."""
    old = pl.read_csv(out).filter(pl.col("study") != study) if out.exists() else fresh.head(0)
    order = {name: place for place, name in enumerate(studies)}
    rank = pl.col("study").replace_strict(order, default=99)
    pl.concat([old, fresh]).sort(rank, maintain_order=True).write_csv(out)
