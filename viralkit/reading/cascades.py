"""Your file of cascades as an events table, whichever way it was published."""

from collections.abc import Mapping, Sequence
from typing import Literal, cast, overload

import polars as pl

from viralkit.reading import (
    layouts_columns,
    layouts_followers,
    layouts_generations,
    layouts_lines,
    layouts_sequences,
    layouts_trees,
)
from viralkit.reading.columns import require_choice
from viralkit.reading.events import settle_events
from viralkit.reading.faults import OnError
from viralkit.reading.layouts import Arrow, Files, Found, Path_, Unit, refuse
from viralkit.reading.layouts_stream import stream
from viralkit.reading.settling import ON_ERROR
from viralkit.tables import Quality, TableError
from viralkit.wording import show

Layout = Literal["lines", "trees", "sequences", "columns", "index_and_data", "tideh", "generations"]
LAYOUTS = ("lines", "trees", "sequences", "columns", "index_and_data", "tideh", "generations")
Table = Path_ | pl.DataFrame


@overload
def read_cascades(
    source: Files | pl.DataFrame | Sequence[Table],
    *,
    layout: Layout,
    unit: Unit | None = None,
    arrow: Arrow | None = None,
    columns: Mapping[str, str] | None = None,
    on_error: OnError = "raise",
) -> tuple[pl.DataFrame, Quality]: ...
@overload
def read_cascades(
    source: pl.LazyFrame,
    *,
    layout: Layout,
    unit: Unit | None = None,
    arrow: Arrow | None = None,
    columns: Mapping[str, str] | None = None,
    on_error: OnError = "raise",
) -> tuple[pl.LazyFrame, Quality]: ...
def read_cascades(
    source: Files | pl.DataFrame | pl.LazyFrame | Sequence[Table],
    *,
    layout: Layout,
    unit: Unit | None = None,
    arrow: Arrow | None = None,
    columns: Mapping[str, str] | None = None,
    on_error: OnError = "raise",
) -> tuple[pl.DataFrame | pl.LazyFrame, Quality]:
    r"""Who reshared from whom, and when, in the file of cascades that I have?

    Parameters
    ----------
    source : path, glob, folder, list of them, polars.DataFrame, polars.LazyFrame or pair
        Text files may end in .gz or .zst. Frames are for layout "columns", and for the parts of
        "index_and_data", which takes a pair: (index, data). A table larger than memory is read by
        "columns" as ``pl.scan_csv(path, infer_schema=False)`` or ``pl.scan_parquet(path)``.
    layout : str
        How the file is built:

        - "lines" (DeepHawkes, CasFlow): message, root user, Unix time, number of events, and paths
          ``u1/u2/…/un:time``, with tabs between the five and blanks between the paths. Needs unit.
        - "trees" (Twitter15, Twitter16 and look-alikes): a file for each tree, an edge a line,
          ``['user','post','delay']->['user','post','delay']``, or without users. Needs unit and
          arrow. A folder with `tree/` and `label.txt` inside gives labels too.
        - "sequences": users and times without parents, a cascade a line: ``u,t u,t`` (FOREST),
          ``seed u t,u t,`` (MS-HGAT), ``seed u t u t`` (Inf-VAE), ``id;u,t,u,t`` after a list of
          nodes and a blank line (NetInf, InfoPath). Needs unit. Of 100 lines or more, at most
          95 % may hold a single event.
        - "columns": one event a row in CSV, TSV, Parquet or a frame. Numbers as times need unit.
        - "index_and_data" (SEISMIC): start_ind, end_ind (from 1, the last included) and
          relative_time_second, number_of_followers.
        - "tideh": a file for each cascade: number of events and start in days, then a line of
          time and followers for each. Needs unit (seconds and hours both occur).
        - "generations": child, parent, tree, generation without header and times.
    unit : {"seconds", "minutes", "hours", "days", "unix_seconds", "unix_milliseconds"}
        What the times of the file count; never guessed. The last two are for "sequences" and
        "columns", and give the column `timestamp` too.
    arrow : {"parent_to_child", "child_to_parent"}
        Which way the edges of "trees" point; never guessed.
    columns : dict of str to str, optional
        For "columns": names in an events table, and which columns of yours they are, such as
        ``{"cascade_id": "message", "time": "posted_at"}``. Those of the same name need none.
    on_error : {"raise", "drop", "keep"}
        What to do with a row that cannot be read: raise at the first; leave it out and list it in
        `quality.dropped`; or keep it with the reason in `excluded`.

    Returns
    -------
    events : polars.DataFrame
        An events table (see `check`), by cascade in order of first appearance, then by `time`:
        seconds since the root. A LazyFrame where the source is one: write it with
        ``events.sink_parquet(path)``, in little memory; its rows stay in the order of the file.
    quality : Quality
        Rows read, kept, left out and why; ties, unsorted rows, duplicates, several parents, self
        edges, orphans, children before their parent, negative delays, and coverage: the share of
        named parents that are there. `quality.cascades` has start, label and n_reported, where
        the layout knows them. Nothing odd is mended here: see `repair`.

    Raises
    ------
    TableError
        With the place, the value, what is allowed and the next step.
    FileNotFoundError
        With the files of the folder that are spelled like it.

    Notes
    -----
    *Ids.* Ids are text, as in the file. A cascade is named by its message ("lines", "columns"), its
    file ("trees", "tideh"), or the number of its line ("sequences"). Where users act several times
    in one cascade ("lines", "sequences"), the first event of a user bears the user's name, later
    ones a number as well (``42/2``, or ``42,2`` in sequences). In "trees" an event is a user and a
    post (``user/post``), since reshares carry the id of the first post.

    *Parents in "lines".* The event of ``a/b/c:9`` is c's, and comes from b: from the latest
    earlier event with the path ``a/b``, else the latest earlier event of b, else the first later
    one; if b has no event, the parent is named b and is an orphan. The user ``-1`` is nobody: the
    author of the root was not recorded, and `user` is null.

    *Times.* A seed without time gets that of the first event after it. "generations" have no
    times: `time` holds the generation (0 for the seed, which is added), as does `depth`.

    Examples
    --------
    >>> import polars as pl
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "cascades.txt")
    ...     _ = path.write_text("m1\t7\t1464739201\t3\t7:0 7/8:60 7/8/9:90\n")
    ...     events, quality = read_cascades(path, layout="lines", unit="seconds")
    >>> events.select("event_id", "time", "parent_id").rows()
    [('7', 0.0, None), ('8', 60.0, '7'), ('9', 90.0, '8')]
    >>> quality.cascades.select("cascade_id", "n_reported").rows()
    [('m1', 3.0)]
    """
    require_choice("layout", layout, LAYOUTS, "Say how the file is built")
    require_choice("on_error", on_error, ON_ERROR, "Say what to do with bad rows")
    for name, value, users in (("arrow", arrow, ["trees"]), ("columns", columns, ["columns"])):
        if layout not in users:
            refuse(value, name, layout)
    if isinstance(source, pl.LazyFrame):
        require_frames(source, layout)
        return stream(source, unit, columns or {}, on_error)
    found = find(source, layout, unit, arrow, columns)
    return settle_events(
        found.events,
        on_error=on_error,
        notes=found.notes,
        cascades=found.cascades,
        names=columns or {},
    )


def find(
    source: object,
    layout: str,
    unit: str | None,
    arrow: str | None,
    columns: Mapping[str, str] | None,
) -> Found:
    """What a layout finds in a source."""
    if layout == "index_and_data":
        return layouts_followers.read_index_and_data(source, unit)
    if isinstance(source, pl.DataFrame):
        require_frames(source, layout)
        return layouts_columns.read(source, unit, columns)
    files = cast(Files, source)
    if layout == "columns":
        return layouts_columns.read(files, unit, columns)
    if layout == "lines":
        return layouts_lines.read(files, unit)
    if layout == "trees":
        return layouts_trees.read(files, unit, arrow)
    if layout == "sequences":
        return layouts_sequences.read(files, unit)
    if layout == "tideh":
        return layouts_followers.read_tideh(files, unit)
    refuse(unit, "unit", layout)
    return layouts_generations.read(files)


def require_frames(source: object, layout: str) -> None:
    """Refuse a frame where the layout is one of text files."""
    if layout != "columns":
        kind = type(source).__name__
        raise TableError(
            f"a {kind} beside layout={show(layout)}, which is a form of text files. Pass a path, "
            'or layout="columns".'
        )
