"""The layouts of counts: which reader opens a source, and which keywords it leaves open."""

import os
from collections.abc import Sequence
from typing import Literal, get_args

from viralkit.reading.columns import require_choice
from viralkit.reading.counts_analytics import open_analytics
from viralkit.reading.counts_found import DEFAULTS, Found
from viralkit.reading.counts_trends import open_trends
from viralkit.reading.counts_wikipedia import open_answers, open_dumps
from viralkit.reading.counts_youtube import open_insights, open_trending
from viralkit.reading.unpacking import find_files
from viralkit.tables import TableError
from viralkit.wording import show

Layout = Literal[
    "columns",
    "youtube_trending",
    "youtube_trending_2017",
    "youtube_insights",
    "google_trends",
    "wikipedia",
    "wikipedia_dumps",
    "ga4",
]
LAYOUTS = get_args(Layout)
Names = dict[str, str | Sequence[str]]


def open_layout(layout: str, source: object, names: Names, stamp: str | None) -> Found:
    """The cells that the files of a layout hold."""
    if not isinstance(source, str | os.PathLike | Sequence):
        raise TableError(
            f"layout={show(layout)} reads files, not a {type(source).__name__}; allowed: paths. "
            "Pass the path, or read your frame as it is: leave layout out."
        )
    files = find_files(source)
    if not files:
        raise TableError("source names no file; allowed: at least one. Pass a path.")
    if layout == "wikipedia_dumps":
        step = "A dump's name tells an hour: say whether it begins or ends there"
        require_choice("stamp", stamp, ("start", "end"), step)
        return open_dumps(files, names["item"], stamp)
    one = {name: given for name, given in names.items() if isinstance(given, str)}
    if len(one) < len(names):
        raise TableError(f"item={show(names['item'])}; allowed: one column. Pass its name.")
    if layout == "wikipedia":
        return open_answers(files, one, stamp)
    if layout == "youtube_insights":
        return open_insights(files, one)
    if layout == "google_trends":
        return open_trends(files, one)
    if layout == "ga4":
        return open_analytics(files, one)
    return open_trending(files, one, 2017 if layout == "youtube_trending_2017" else None)


def refuse_stated(layout: str, stated: dict[str, object]) -> None:
    """Refuse a keyword that says what the layout says already."""
    for name, value in stated.items():
        if value is not None and (name != "stamp" or not layout.startswith("wikipedia")):
            raise TableError(
                f"{name}={show(value)} beside layout={show(layout)}, which states that already; "
                "allowed: one of them. Leave it out."
            )


__all__ = ["DEFAULTS", "LAYOUTS", "Layout", "open_layout", "refuse_stated"]
