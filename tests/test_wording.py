"""How messages show text, name near spellings, and tell how to parse a date."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viralkit.wording import nearest, parse_step, printable, show, show_names, show_value


@given(st.text(), st.integers(10, 80))
def test_text_is_shown_printable_and_short(text: str, width: int) -> None:
    assert show(text, width).isprintable()
    assert len(show(text, width)) <= width
    assert printable(text).isprintable()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", "'a'"),
        ("a'b", '"a\'b"'),
        ("\x1b[0m", "'\\x1b[0m'"),
        ("\u202e", "'\\u202e'"),
        (1.5, "1.5"),
        (None, "None"),
        ("x" * 100, f"'{'x' * 7}…'"),
        (list(range(100)), "[0, 1, 2…"),
    ],
)
def test_values_as_messages_show_them(value: object, shown: str) -> None:
    assert show(value, 60 if len(shown) > 10 or len(repr(value)) < 60 else 10) == shown


def test_missing_cells_and_long_lists() -> None:
    assert show_value(None) == "the value"
    assert show_value("None") == "'None'"
    assert show_names(["a", "b"]) == "['a', 'b']"
    assert show_names(["a", "b", "c"], 2) == "['a', 'b', … 3 in all]"
    assert printable("tab\there") == "tab\\there"
    assert printable("x" * 200) == f"{'x' * 119}…"


@pytest.mark.parametrize(
    ("name", "names", "found"),
    [
        ("time", ["Time", "item"], "Time"),
        ("day", ["date", "views"], "date"),
        ("views", ["likes", "view_count"], "view_count"),
        ("count", ["comment", "zzz"], "comment"),
        ("count", ["zzz"], None),
        ("count", [], None),
    ],
)
def test_the_nearest_spelling(name: str, names: list[str], found: str | None) -> None:
    assert nearest(name, names) == found


@pytest.mark.parametrize(
    ("sample", "parse"),
    [
        ("2008-1-18", 'str.to_date("%Y-%m-%d")'),
        ("2008-01-18 10:30:05.25+01:00", 'str.to_datetime(time_zone="UTC")'),
        ("2008-01-18 10:30 PM", 'str.to_datetime("%Y-%m-%d %I:%M %p", time_zone="UTC")'),
        ("20.03.2026 08:02:09", 'str.to_datetime("%d.%m.%Y %H:%M:%S", time_zone="UTC")'),
        ("20.03.2026, 8:02", 'str.to_datetime("%d.%m.%Y, %H:%M", time_zone="UTC")'),
        ("20 March 2026 08:02", 'str.to_datetime("%d %B %Y %H:%M", time_zone="UTC")'),
        ("2026/03/20T08:02:09.5", 'str.to_datetime("%Y/%m/%dT%H:%M:%S%.f", time_zone="UTC")'),
        (
            "3/20/2026 8:02:09 AM",
            'str.to_datetime("%d/%m/%Y %I:%M:%S %p", time_zone="UTC") '
            '(or "%m/%d/%Y %I:%M:%S %p" if months come first)',
        ),
        ("20080118", 'str.to_date("%Y%m%d")'),
        ("18.01.2008", 'str.to_date("%d.%m.%Y")'),
        ("Jan 18, 2008", 'str.to_date("%b %d, %Y")'),
        ("18 January 2008", 'str.to_date("%d %B %Y")'),
        ("-1.5", "cast(pl.Float64)"),
        ("soon", 'str.to_date("%Y-%m-%d") with the format of your dates'),
    ],
)
def test_how_to_parse_a_text_date(sample: str, parse: str) -> None:
    assert parse_step("day", f" {sample} ") == f"Parse it: pl.col('day').{parse}."


@pytest.mark.parametrize(
    "sample",
    [
        "20.03.2026 08:02:09",
        "20.03.2026, 8:02",
        "20 March 2026 08:02",
        "2026/03/20T08:02:09.5",
        "2026-03-20 08:02 AM",
        "20/3/2026 8:02",
    ],
)
def test_what_is_told_parses_the_date(sample: str) -> None:
    step = parse_step("day", sample).removeprefix("Parse it: ").split(" (or ")[0].removesuffix(".")
    time = pl.DataFrame({"day": [sample]}).select(eval(step, {"pl": pl})).item()
    assert (time.day, time.month, time.hour, time.minute) == (20, 3, 8, 2)
