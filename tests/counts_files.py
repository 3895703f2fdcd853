"""What the tests of `read_counts` share."""

from typing import Any

import pytest

from viralkit.reading.counts import read_counts
from viralkit.tables import Quality, TableError

MAP = {"time": "date", "count": "views"}
ADVICE = 'Or pass on_error="drop" (listed in quality.dropped) or "keep" (excludes them).'


def refusal(source: Any, **options: Any) -> str:
    with pytest.raises(TableError) as caught:
        read_counts(source, **{"kind": "cumulative", **options})
    return str(caught.value)


def rows(quality: Quality) -> dict[str, int]:
    """The checks of a quality and their numbers of rows."""
    return dict(zip(quality.table["check"], quality.table["rows"], strict=True))


def notes(quality: Quality) -> dict[str, str | None]:
    return dict(zip(quality.table["check"], quality.table["note"], strict=True))
