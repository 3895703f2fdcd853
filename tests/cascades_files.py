"""Small files of cascades in each layout, with the faults that published ones have."""

from pathlib import Path
from typing import Any

import pytest

from viralkit.reading.cascades import read_cascades
from viralkit.tables import Quality, TableError

BIG = 2**60 + 1  # beyond what floats hold

LINES = (
    f"m1\t7\t1464739201\t7\t7:0 7/9:50 7/8:60 7/8/7:70 7/8/9:40 7/9/9:90 7/8/{BIG}:20\n"
    "\n"
    "m2\t-1\t0\t3\t-1:0 -1/5:10 -1/6/5:5\n"
)
TREE = """['ROOT', 'ROOT', '0.0']->['1', '100', '0.0']
['1', '100', '0.0']->['2', '100', '1.5']
['1', '100', '0.0']->['2', '100', '1.5']
['1', '100', '0.0']->['3', '101', '-2.0']
['2', '100', '1.5']->['3', '101', '-2.0']
['3', '101', '-2.0']->['3', '101', '-2.0']
['9', '100', '4.0']->['4', '100', '3.0']
"""
REPLIES = """raiz: ['100','0.0']->['ROOT','0.0']
reply: ['101','48.0']->['100','0.0']
reply: ['102','60.0']->['101','48.0']
"""
TIDEH = "3 0.5\n0 90 \n2 433344 \n2 0 \n5 12 \n"
GENERATIONS = "2,1,1,1\n3,2,1,2\n2,5,7,1\n"
NETINF = f"0,nyt\n1,bbc\n\n5;0,1.5,1,2.5\n6;1,0,0,3,{BIG},4\n"


def read(path: Path, text: str | bytes, layout: Any, **options: Any) -> Any:
    """Write a file and read it."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_cascades(path, layout=layout, **options)


def refusal(source: Any, layout: Any, **options: Any) -> str:
    """What the reader says when it refuses a source."""
    with pytest.raises(TableError) as caught:
        read_cascades(source, layout=layout, **options)
    return str(caught.value)


def numbers(quality: Quality) -> dict[str, int]:
    """The checks of a quality and their numbers of rows."""
    return dict(quality.table.select("check", "rows").iter_rows())


def some(quality: Quality) -> dict[str, int]:
    """The checks that found something, but for those of parents."""
    ignored = ("rows read", "rows kept", "lines", "files", "cascades", "events that name a parent")
    return {
        name: rows
        for name, rows in numbers(quality).items()
        if rows and name not in ignored and not name.startswith("coverage")
    }
