"""Naughty text, and whatever Hypothesis thinks of: read, or refused in words."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from counts_files import refusal, rows
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from viralkit.reading.counts import read_counts
from viralkit.tables import TableError, check

NAUGHTY = [
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "<script>alert(1)</script>",
    '"quoted"',
    "a,b",
    "two\nlines",
    "carriage\rreturn",
    "\x1b[31m",
    "\x00",
    " blank ",
    "\u202ertl",
    "👩‍👩‍👧",
    "\uff46\uff55\uff4c\uff4c",
    "NULL",
    "nan",
    "1e5",
    "x" * 3000,
    "#comment",
    "'",
    "\\",
    "${HOME}",
    "../../etc",
    "\ufeff",
]


@pytest.mark.parametrize("text", NAUGHTY)
def test_naughty_text_stays_what_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    extra = f"{text}_"
    pl.DataFrame({"item": [text], "time": [1], "count": [1], extra: [text]}).write_csv(path)
    counts, quality = read_counts(path, kind="cumulative")
    assert counts["item"].to_list() == counts[extra].to_list() == [text]
    assert repr(quality).replace("\n", "").isprintable()
    assert "<script" not in quality._repr_html_()


@pytest.mark.parametrize("text", NAUGHTY)
def test_naughty_text_in_columns_and_cells_of_messages(tmp_path: Path, text: str) -> None:
    path, name = tmp_path / "a.csv", f"_{text}"
    pl.DataFrame({name: [text, "1"], "count": ["1", f"{text}x"]}).write_csv(path)
    said = refusal(path, time=name)
    assert said.isprintable()
    assert len(said) < 800
    _, quality = read_counts(path, kind="cumulative", time=name, on_error="drop")
    assert len(quality.dropped) >= 1
    assert repr(quality).replace("\n", "").isprintable()


cells = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda text: text.strip() != ""
)


times = st.one_of(
    st.lists(st.dates(), min_size=1, max_size=5),
    st.lists(st.datetimes(timezones=st.just(UTC)), min_size=1, max_size=5),
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5),
)


numbers = st.one_of(
    st.just(st.integers(0, 2**63 - 1)),
    st.just(st.floats(0, 1e300, allow_subnormal=False)),
)


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Valid counts tables, in the order in which read_counts gives them."""
    time = draw(times)
    number = draw(numbers)

    def column(values: Any) -> list[Any]:
        return draw(st.lists(values, min_size=len(time), max_size=len(time)))

    frame = pl.DataFrame(
        {
            "item": column(cells),
            "time": pl.Series(time, dtype=UTC_TIME if isinstance(time[0], datetime) else None),
            "count": column(number),
            "metric": pl.Series(column(st.none() | cells), dtype=pl.String),
            "kind": ["cumulative"] * len(time),
            "bound": pl.Series(
                column(st.none() | st.sampled_from(["exact", "at_least"])), dtype=pl.String
            ),
            "excluded": pl.Series(column(st.none() | cells), dtype=pl.String),
            "mine": pl.Series(column(st.none() | cells), dtype=pl.String),
        }
    )
    return check(
        frame.sort("item", "metric", "time", nulls_last=True, maintain_order=True), "counts"
    )


UTC_TIME = pl.Datetime("us", "UTC")


@given(tables(), st.sampled_from([".csv", ".tsv", ".parquet"]))
def test_what_is_written_is_read_again(
    tmp_path_factory: Any, frame: pl.DataFrame, end: str
) -> None:
    path = tmp_path_factory.mktemp("round") / f"a{end}"
    if end == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="\t" if end == ".tsv" else ",")
    counts, quality = read_counts(path, kind="cumulative")
    assert_frame_equal(counts, frame, check_exact=True)
    assert rows(quality)["rows kept"] == len(frame)


odd_cells = st.one_of(
    st.sampled_from(
        ["", "2008-01-18", "2008-01-18T10:00", "1", "-1", "1e999", "x", '"', "1,2", "\n"]
    ),
    st.text(max_size=4),
)


@given(
    st.lists(st.lists(odd_cells, min_size=4, max_size=4), max_size=5),
    st.sampled_from(["period_end", "time_lower", "bound", "kind", "excluded", "item", "other"]),
    st.sampled_from(["cumulative", "incremental"]),
)
def test_any_frame_of_text_is_read_or_refused(rows_: Any, name: str, kind: Any) -> None:
    schema = {c: pl.String for c in ("time", "count", name, "mine")}
    frame = pl.DataFrame(rows_, schema, orient="row")
    every = 1.0 if kind == "incremental" and name != "period_end" else None
    for on_error in ("raise", "drop", "keep"):
        try:
            counts, quality = read_counts(frame, kind=kind, every=every, on_error=on_error)
        except TableError as error:
            assert str(error).isprintable()
            continue
        assert_frame_equal(check(counts, "counts"), counts)
        assert len(counts) == len(frame) - len(quality.dropped)
        if on_error != "drop":
            assert len(counts) == len(frame)
        if on_error == "raise":
            assert counts.select(
                "item", "time", "count"
            ).null_count().sum_horizontal().sum() == 0 or (name == "excluded")


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: f"time,count\n{text}".encode())
)
def test_any_bytes_are_read_or_refused(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "a.csv"
    path.write_bytes(data)
    try:
        counts, _ = read_counts(path, kind="cumulative")
    except TableError as error:
        assert str(error).isprintable()
    else:
        assert_frame_equal(check(counts, "counts"), counts)
