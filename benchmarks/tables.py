"""The check of a table beside pandera, and a reader beside polars' own."""

import tempfile
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

import viralkit as vk
from benchmarks.timing import Row, best


def rows() -> list[Row]:
    return [*check_rows(), read_row(1_000_000)]


def counts(size: int) -> pl.DataFrame:
    """A counts table of 100 items with bounds and uncertain dates."""
    rng = np.random.default_rng(20070522)
    day = pl.Series("time", rng.integers(13_655, 19_000, size), dtype=pl.Int32).cast(pl.Date)
    return pl.DataFrame(
        {
            "item": pl.Series([f"video {i}" for i in range(100)]).gather(
                rng.integers(0, 100, size)
            ),
            "time": day,
            "count": rng.integers(0, 10**9, size),
            "kind": pl.Series(["cumulative"]).new_from_index(0, size),
            "bound": pl.Series(["exact", "rounded"]).gather(rng.integers(0, 2, size)),
            "time_lower": day,
            "time_upper": day.dt.offset_by("1d"),
        }
    )


def check_rows() -> list[Row]:
    """The same rules on the same rows: valid, and with one bad row at the end."""
    frame = counts(10_000_000)
    bad = pl.concat([frame.head(-1), frame.tail(1).with_columns(count=pl.lit(-1, pl.Int64))])
    return [check_row("check counts, valid", frame), check_row("check counts, one bad row", bad)]


def check_row(task: str, frame: pl.DataFrame) -> Row:
    """One frame through both; they must agree on whether it is a counts table."""
    peer, name = pandera_check()
    size, mine = f"{len(frame):,} rows", partial(refuses, vk.check, frame, "counts")
    if peer is None:
        return Row(task, size, best(mine), name, None)
    theirs = partial(refuses, peer, frame)
    if mine() != theirs():
        raise SystemExit(f"{task}: viralkit refuses: {mine()}, {name}: {theirs()}")
    return Row(task, size, best(mine), name, best(theirs))


def refuses(check: Callable[..., object], *arguments: object) -> bool:
    """Does the check refuse the table? Any error counts: each library has its own."""
    try:
        check(*arguments)
    except Exception:
        return True
    return False


def pandera_check() -> tuple[Callable[[pl.DataFrame], object] | None, str]:
    """The rules of a counts table, written for pandera."""
    try:
        import pandera
        import pandera.polars as pa
    except ImportError:
        return None, "pandera"
    dates = pa.Check.in_range(date(1, 1, 1), date(9999, 12, 31))
    schema = pa.DataFrameSchema(
        {
            "item": pa.Column(pl.String),
            "time": pa.Column(pl.Date, dates),
            "count": pa.Column(pl.Int64, pa.Check.ge(0)),
            "kind": pa.Column(pl.String, pa.Check.isin(["incremental", "cumulative", "index"])),
            "bound": pa.Column(
                pl.String,
                pa.Check.isin(["exact", "rounded", "at_least", "at_most"]),
                nullable=True,
            ),
            "time_lower": pa.Column(pl.Date, dates, nullable=True),
            "time_upper": pa.Column(pl.Date, dates, nullable=True),
        },
        checks=[
            pa.Check(lambda data: data.lazyframe.select(pl.col("time_lower") <= pl.col("time"))),
            pa.Check(lambda data: data.lazyframe.select(pl.col("time_upper") >= pl.col("time"))),
        ],
    )
    return schema.validate, f"pandera {pandera.__version__}"


def read_row(size: int) -> Row:
    """A CSV with every cell checked, beside polars' plain read (for information)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.csv"
        counts(size).select("item", "time", "count").write_csv(path)
        mine = best(lambda: vk.read_counts(path, kind="cumulative"), 3)
        peer = best(lambda: pl.read_csv(path, try_parse_dates=True), 3)
    note = "polars parses only; read_counts also checks, sorts and reports"
    return Row("read_counts", f"{size:,} rows", mine, f"pl.read_csv {pl.__version__}", peer, note)
