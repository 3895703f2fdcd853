"""Print one table: task, size, viralkit, peer, ratio.

A task is a function without arguments that returns `Row`s; it stands in a file of its own.
"""

import argparse

import polars as pl

from benchmarks import bass, cascades, clicks, hawkes, posts, readers, tables
from benchmarks.timing import Row

TASKS = {
    "bass": bass.rows,
    "cascades": cascades.rows,
    "clicks": clicks.rows,
    "hawkes": hawkes.rows,
    "posts": posts.rows,
    "readers": readers.rows,
    "tables": tables.rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("tasks", nargs="*", metavar="task", help=f"of {', '.join(TASKS)}; all")
    names = parser.parse_args().tasks or list(TASKS)
    unknown = [name for name in names if name not in TASKS]
    if unknown:
        parser.error(f"no task {unknown[0]!r}; tasks: {', '.join(TASKS)}")
    print(table([row for name in names for row in TASKS[name]()]))


def table(rows: list[Row]) -> str:
    """The rows as text; a ratio below 1 means that viralkit is faster."""
    frame = pl.DataFrame([row.cells() for row in rows])
    with pl.Config(
        tbl_rows=-1,
        tbl_width_chars=200,
        fmt_str_lengths=90,
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_formatting="MARKDOWN",
    ):
        return str(frame)


if __name__ == "__main__":
    main()
