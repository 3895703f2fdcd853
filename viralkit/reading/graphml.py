"""An events table as GraphML: text that Gephi, networkx and igraph read."""

from html import escape

import polars as pl

from viralkit.rules import texts_of
from viralkit.schema import TABLES
from viralkit.tables import TableError
from viralkit.wording import show

# what XML 1.0 cannot hold, not even escaped
FORBIDDEN = r"[^\t\n\r\x{20}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
)
IDS = [name for name, column in TABLES["events"].columns.items() if column.family == "id"]


def graphml(events: pl.DataFrame) -> str:
    """The trees of an events table: a node for each event with all columns, an edge to each child.

    Nodes are called n0, n1, … in the order of the rows; the ids are among their data.
    """
    label = pl.coalesce(pl.col("^user$"), "event_id").cast(pl.String).alias("label")
    nodes = events.with_columns(label)
    keys = [
        f'<key id="d{place}" for="node" attr.name="{clean(name)}" attr.type="{kind(dtype)}"/>\n'
        for place, (name, dtype) in enumerate(nodes.schema.items())
    ]
    columns = [cells_of(nodes[name]) for name in nodes.columns]
    lines = [
        f'<node id="n{row}">{"".join(data(place, c) for place, c in enumerate(cells))}</node>\n'
        for row, cells in enumerate(zip(*columns, strict=True))
    ]
    lines += [f'<edge source="n{a}" target="n{b}"/>\n' for a, b in edges_of(events)]
    start = '<graph edgedefault="directed">\n'
    return "".join([HEAD, *keys, start, *lines, "</graph>\n</graphml>\n"])


def data(place: int, cell: str | None) -> str:
    """One cell of a node; nothing where it is missing."""
    return "" if cell is None else f'<data key="d{place}">{cell}</data>'


def clean(text: str) -> str:
    """Text that XML reads as it is."""
    return escape(pl.Series([text]).str.replace_all(FORBIDDEN, "\ufffd")[0]).replace("\r", "&#13;")


def kind(dtype: pl.DataType) -> str:
    """What GraphML calls a type."""
    if dtype.is_integer():
        return "long"
    return "double" if dtype.is_float() else "boolean" if dtype == pl.Boolean else "string"


def cells_of(column: pl.Series) -> list[str | None]:
    """The cells of a column as text for XML."""
    if column.dtype.is_nested():
        name = show(column.name)
        raise TableError(f"column {name} holds lists; allowed: text, numbers and times. Drop it.")
    texts = texts_of(column)
    if column.name in IDS and texts.str.contains(FORBIDDEN).any():
        bad = texts.filter(texts.str.contains(FORBIDDEN))[0]
        raise TableError(
            f"column {show(column.name)} holds {show(bad)}; GraphML holds no control characters. "
            'Rename the id, or pass layout="parquet".'
        )
    texts = texts.str.replace_all(FORBIDDEN, "\ufffd")
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        texts = texts.str.replace_all(sign, safe, literal=True)
    return texts.str.replace_all("\r", "&#13;", literal=True).to_list()


def edges_of(events: pl.DataFrame) -> list[tuple[int, int]]:
    """The rows of parents and of their children."""
    if "parent_id" not in events.columns:
        return []
    rows = events.select("cascade_id", "event_id", "parent_id").with_row_index("child")
    parents = rows.select("cascade_id", pl.col("event_id").alias("parent_id"), parent="child")
    parents = parents.unique(["cascade_id", "parent_id"], keep="first", maintain_order=True)
    found = rows.join(parents, on=["cascade_id", "parent_id"], maintain_order="left")
    return found.select("parent", "child").rows()
