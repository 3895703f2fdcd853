"""The check of tables: what passes, what is refused, and in which words."""

import sys
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import column, dataframes

from viralkit.schema import TABLES
from viralkit.tables import Quality, TableError, check

DAY, NEXT = date(2008, 1, 18), date(2008, 1, 19)
HOSTILE = [
    "",
    " ",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[31mred\x1b[0m",
    "\x00\x07\r\n\t",
    "a,b;c\td",
    "\u202eright to left",
    "\u200b\ufeff",
    "👩‍👩‍👧 Ω≈ç√∫",
    "${jndi:ldap://x}",
    "%s %n {0} {{}}",
    "' OR 1=1 --",
    "x" * 5000,
    "time",
    "__proto__",
]


def counts(**columns: object) -> pl.DataFrame:
    """A valid table of two rows, with some columns replaced (None: left out)."""
    base: dict[str, object] = {"item": ["A", "B"], "time": [DAY, NEXT], "count": [1, 2], **columns}
    return pl.DataFrame({k: v for k, v in base.items() if v is not None}, strict=False)


def refusal(frame: object, table: str = "counts") -> str:
    with pytest.raises(TableError) as caught:
        check(frame, table)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_valid_frame_passes_unchanged() -> None:
    frame = counts(
        metric=["views", None],
        kind=["cumulative", "index"],
        bound=["exact", None],
        time_lower=[DAY, None],
        time_upper=[DAY, NEXT],
        period_end=[NEXT, None],
        excluded=[None, "a copy"],
        mine=[[1], [2]],
    )
    assert_frame_equal(check(frame, "counts"), frame)


def test_happenings_pass() -> None:
    frame = pl.DataFrame({"time": [DAY], "label": ["first shown"], "origin": ["official"]})
    assert_frame_equal(check(frame, "happenings"), frame)
    assert refusal(frame.drop("label"), "happenings") == (
        "column 'label' not found; columns: ['time', 'origin']. "
        "Rename it: frame.rename({'yours': 'label'})."
    )


CASTS = [
    ("time", pl.Series([1, 2], dtype=pl.Int64), pl.Float64()),
    ("time", pl.Series([1, 2], dtype=pl.UInt8), pl.Float64()),
    ("time", pl.Series([1.5, 2], dtype=pl.Float32), pl.Float64()),
    ("count", pl.Series([1, 2], dtype=pl.UInt8), pl.UInt8()),
    ("count", pl.Series([10**18, 2], dtype=pl.Int64), pl.Int64()),
    ("count", pl.Series([1.5, 2], dtype=pl.Float32), pl.Float64()),
    ("count", pl.Series(["1.5", "2"]).cast(pl.Decimal(10, 2)), pl.Float64()),
    ("item", pl.Series(["A", "B"], dtype=pl.Categorical), pl.String()),
    ("item", pl.Series(["A", "B"], dtype=pl.Enum(["A", "B"])), pl.String()),
    ("period_end", pl.Series([None, None]), pl.Date()),
    ("metric", pl.Series([None, None]), pl.String()),
]


@pytest.mark.parametrize(("name", "values", "dtype"), CASTS)
def test_dtypes_are_normalised(name: str, values: pl.Series, dtype: pl.DataType) -> None:
    assert check(counts(**{name: values}), "counts").schema[name] == dtype


@pytest.mark.parametrize("time_unit", ["ms", "us", "ns"])
def test_any_time_unit_passes(time_unit: str) -> None:
    times = pl.Series([datetime(2008, 1, 18, 12), datetime(2008, 1, 19)], dtype=pl.Datetime)
    times = times.dt.replace_time_zone("UTC").dt.cast_time_unit(time_unit)  # type: ignore[arg-type]
    checked = check(counts(time=times), "counts")
    assert checked.schema["time"] == pl.Datetime("us", "UTC")
    assert checked["time"][0] == datetime(2008, 1, 18, 12, tzinfo=UTC)


def test_empty_frames_pass_if_their_dtypes_are_right() -> None:
    empty = counts().clear()
    assert_frame_equal(check(empty, "counts"), empty)
    assert refusal(pl.DataFrame({"item": [], "time": [], "count": []})) == (
        "column 'time' is Null; allowed: Date, Datetime in UTC, or Float64 periods. "
        "Cast it: pl.col('time').cast(pl.Date)."
    )


TIMES = "allowed: Date, Datetime in UTC, or Float64 periods."
DTYPES = [
    (
        {"item": [17, 18]},
        "column 'item' is Int64; allowed: text (ids are text as well). "
        "Cast it: pl.col('item').cast(pl.String).",
    ),
    (
        {"count": ["1,234", "x"]},
        "column 'count' holds text such as '1,234'; allowed: integers or floats. "
        "Convert it: pl.col('count').cast(pl.Int64).",
    ),
    (
        {"count": [True, False]},
        "column 'count' is Boolean; allowed: integers or floats. "
        "Convert it: pl.col('count').cast(pl.Int64).",
    ),
    (
        {"time": ["2008/01/18", None]},
        f"column 'time' holds text such as '2008/01/18'; {TIMES} "
        "Parse it: pl.col('time').str.to_date(\"%Y/%m/%d\").",
    ),
    (
        {"time": [datetime(2008, 1, 18), None]},
        f"column 'time' is Datetime(time_unit='us', time_zone=None); {TIMES} "
        "Say which zone: pl.col('time').dt.replace_time_zone(\"UTC\").",
    ),
    (
        {"time": pl.Series([datetime(2008, 1, 18)] * 2).dt.replace_time_zone("Asia/Tokyo")},
        f"column 'time' is Datetime(time_unit='us', time_zone='Asia/Tokyo'); {TIMES} "
        "Convert it: pl.col('time').dt.convert_time_zone(\"UTC\").",
    ),
    (
        {"time_lower": [1, 2]},
        "column 'time_lower' is Int64; allowed: the dtype of the column 'time'. "
        "Cast one of the two.",
    ),
]


@pytest.mark.parametrize(("columns", "message"), DTYPES)
def test_a_wrong_dtype_is_refused_with_the_conversion(
    columns: dict[str, object], message: str
) -> None:
    assert refusal(counts(**columns)) == message


def test_the_conversions_in_messages_work() -> None:
    frame = counts(time=["2008/01/18", "2008/01/19"])
    parsed = frame.with_columns(pl.col("time").str.to_date("%Y/%m/%d"))
    assert check(parsed, "counts")["time"].to_list() == [DAY, NEXT]


FILTER = "Correct the value or filter out the row."
EXCUSE = "unless 'excluded' says why the row is not used."
VALUES = [
    (
        {"count": [1, -5]},
        "column 'count', row 1 (counted from 0): -5 is negative; "
        f"a count is zero or more. {FILTER}",
    ),
    (
        {"count": [float("nan"), float("inf")]},
        "column 'count', row 0 (counted from 0): NaN is not finite; "
        f"a count is a finite number. {FILTER} 1 more row breaks this rule.",
    ),
    (
        {"count": [None, 1]},
        "column 'count', row 0 (counted from 0): the value is missing; every row has its count, "
        f"{EXCUSE} Fill it, or drop such rows: frame.drop_nulls('count').",
    ),
    (
        {"item": [None, None]},
        "column 'item', row 0 (counted from 0): the value is missing; every row has its item, "
        f"{EXCUSE} Fill it, or drop such rows: frame.drop_nulls('item'). "
        "1 more row breaks this rule.",
    ),
    (
        {"time": [20080118, 1]},
        "column 'time', row 0 (counted from 0): 20080118.0 is no period; periods lie within ten "
        'million. If it is a date, parse it: str.to_date("%Y%m%d"), or pl.from_epoch for Unix '
        "times.",
    ),
    (
        {"time": [1.0, float("-inf")]},
        "column 'time', row 1 (counted from 0): -inf is no period; periods lie within ten "
        'million. If it is a date, parse it: str.to_date("%Y%m%d"), or pl.from_epoch for Unix '
        "times.",
    ),
    (
        {"time": pl.Series([10**9, 5]).cast(pl.Date)},
        "column 'time', row 0 (counted from 0): a time before the year 1 or after 9999 is no date; "
        f"dates lie in the years 1 to 9999. {FILTER}",
    ),
    (
        {"bound": [None, "over"]},
        "column 'bound', row 1 (counted from 0): 'over' is not allowed; allowed: exact, rounded, "
        "at_least, at_most. Correct or rename the column.",
    ),
    (
        {"kind": ["total", "total"]},
        "column 'kind', row 0 (counted from 0): 'total' is not allowed; allowed: incremental, "
        "cumulative, index. Correct or rename the column. 1 more row breaks this rule.",
    ),
    (
        {"excluded": [None, ""]},
        "column 'excluded', row 1 (counted from 0): '' is empty text; null means that it is used. "
        "Replace it by null.",
    ),
    (
        {"period_end": [DAY, None]},
        "column 'period_end', row 0 (counted from 0): 2008-01-18 is not after time 2008-01-18; "
        f"period_end stands after time. {FILTER}",
    ),
    (
        {"time_lower": [NEXT, None]},
        "column 'time_lower', row 0 (counted from 0): 2008-01-19 is not at or before time "
        f"2008-01-18; time_lower stands at or before time. {FILTER}",
    ),
    (
        {"time_upper": [None, DAY]},
        "column 'time_upper', row 1 (counted from 0): 2008-01-18 is not at or after time "
        f"2008-01-19; time_upper stands at or after time. {FILTER}",
    ),
]


@pytest.mark.parametrize(("columns", "message"), VALUES)
def test_a_broken_rule_is_told_exactly(columns: dict[str, object], message: str) -> None:
    assert refusal(counts(**columns)) == message


def test_how_many_more_rows_break_a_rule() -> None:
    frame = pl.concat([counts(), *[counts(count=[-1, -2])] * 3])
    assert "row 2 (counted from 0): -1 is negative" in refusal(frame)
    assert refusal(frame).endswith("5 more rows break this rule.")


def test_every_broken_rule_has_its_line() -> None:
    lines = refusal(counts(count=[-1, 1], bound=["x", "y"], time=[None, DAY])).split("\n")
    assert [line.split(",")[0] for line in lines] == [
        "column 'time'",
        "column 'count'",
        "column 'bound'",
    ]


def test_a_value_may_be_missing_where_excluded_says_why() -> None:
    frame = counts(count=[None, 2], excluded=["page lost", None])
    assert_frame_equal(check(frame, "counts"), frame)
    assert "row 1" in refusal(counts(count=[None, None], excluded=["page lost", None]))
    assert "is negative" in refusal(counts(count=[-1, 2], excluded=["page lost", None]))


def test_times_that_no_calendar_holds_are_refused() -> None:
    far = pl.Series([9 * 10**18, 5]).cast(pl.Datetime("ms", "UTC"))
    assert "beyond the year 9999" in refusal(counts(time=far))


@pytest.mark.parametrize(
    ("columns", "near"),
    [
        (["item", "Time", "count"], "Time"),
        (["item", "tme", "count"], "tme"),
        (["item", "date", "count"], "date"),
        (["item", "zzz", "count"], "yours"),
    ],
)
def test_an_absent_column_names_the_nearest_spelling(columns: list[str], near: str) -> None:
    assert refusal(counts().rename(dict(zip(["item", "time", "count"], columns, strict=True)))) == (
        f"column 'time' not found; columns: {columns}. "
        f"Rename it: frame.rename({{'{near}': 'time'}}), "
        "or read the frame: vk.read_counts(frame, …)."
    )


def test_a_frame_that_was_not_read_is_sent_to_the_reader() -> None:
    raw = pl.DataFrame({"Week": [DAY], "downloads": [3]})
    first, *others = refusal(raw).splitlines()
    assert first == (
        "column 'item' not found; columns: ['Week', 'downloads']. Name what is counted: "
        "frame.with_columns(item=pl.lit('my app')), or read the frame: vk.read_counts(frame, …)."
    )
    assert len(others) == 2 and all("vk.read_counts(frame, …)" in line for line in others)


def test_absent_columns_of_a_wide_frame_are_not_all_listed() -> None:
    wide = pl.DataFrame({f"column with the number {i}": [1] for i in range(500)})
    assert len(refusal(wide)) < 3000
    assert "… 500 in all]" in refusal(wide)


class FakePandas:
    pass


FakePandas.__module__, FakePandas.__qualname__, FakePandas.__name__ = (
    "pandas.core.frame",
    "DataFrame",
    "DataFrame",
)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (FakePandas(), "a pandas DataFrame is not a polars frame; use pl.from_pandas(df)."),
        (counts().lazy(), "a LazyFrame holds no rows yet; collect it: frame.collect()."),
        (None, "'NoneType' is not a polars DataFrame; make one with pl.DataFrame(data)."),
        (
            (counts(), "quality"),
            "a reader gives two things, the table and its quality; a table is asked for here. "
            "Take them apart: counts, quality = vk.read_counts(…).",
        ),
        ((1, 2), "'tuple' is not a polars DataFrame; make one with pl.DataFrame(data)."),
        ("my.csv", "'my.csv' is not a table; read it first: vk.read_counts(…)."),
        (Path("my.csv"), "'my.csv' is not a table; read it first: vk.read_counts(…)."),
        ({"a": [1]}, "'dict' is not a polars DataFrame; make one with pl.DataFrame(data)."),
        (
            counts()["item"],
            "'polars.series.series.Series' is not a polars DataFrame; "
            "make one with pl.DataFrame(data).",
        ),
    ],
)
def test_other_types_get_one_sentence(value: object, message: str) -> None:
    assert refusal(value) == message


def test_pandas_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    refusal(FakePandas())
    assert "pandas" not in sys.modules


@pytest.mark.parametrize("table", ["count", None, [], "Counts"])
def test_an_unknown_table_is_refused(table: str) -> None:
    assert "tables: ['counts', 'happenings', 'events'," in refusal(counts(), table)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_passes_and_never_breaks_a_message(text: str) -> None:
    frame = counts(item=[text, text], reference=[text, None])
    assert_frame_equal(check(frame, "counts"), frame)
    for broken in (counts(bound=[text, None]), counts(time=[text, text]), counts(time=None)):
        message = refusal(broken.with_columns(pl.lit(1).alias(f"{text}.")))
        assert message.isprintable()
        assert len(message) < 500


def test_extra_columns_pass_whatever_their_name() -> None:
    frame = counts().with_columns(pl.lit(1).alias(f"{text}.") for text in HOSTILE)
    assert_frame_equal(check(frame, "counts"), frame)


KNOWN = [*TABLES["counts"].columns, *TABLES["happenings"].columns, "other"]


@given(
    st.lists(st.sampled_from(KNOWN), min_size=1, max_size=6, unique=True).flatmap(
        lambda names: dataframes([column(name) for name in names], max_size=4, allow_null=True)
    ),
    st.sampled_from(list(TABLES)),
)
def test_any_frame_passes_or_is_refused_in_words(frame: pl.DataFrame, table: str) -> None:
    try:
        checked = check(frame, table)
    except TableError as error:
        assert str(error).replace("\n", "").isprintable()
    else:
        assert_frame_equal(check(checked, table), checked)


@st.composite
def plausible(draw: st.DrawFn) -> pl.DataFrame:
    """Frames that hold the required columns, so that the rules of values are reached."""
    rows = draw(st.integers(0, 4))
    times = st.one_of(
        st.just(st.dates()),
        st.just(st.floats()),
        st.just(st.integers(-(2**31), 2**31 - 1)),
        st.just(st.datetimes(timezones=st.just(UTC))),
    )
    moment = draw(times)

    def cells(values: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(st.none() | values, min_size=rows, max_size=rows))

    columns = {
        "item": pl.Series(cells(st.text(max_size=3)), dtype=pl.String),
        "time": pl.Series(cells(moment), strict=False),
        "count": pl.Series(cells(st.integers(-5, 2**63 - 1) | st.floats()), strict=False),
        "period_end": pl.Series(cells(moment), strict=False),
        "bound": pl.Series(cells(st.sampled_from(["exact", "x"])), dtype=pl.String),
        "excluded": pl.Series(cells(st.text(max_size=1)), dtype=pl.String),
    }
    return pl.DataFrame(columns)


@given(plausible())
def test_what_passes_keeps_every_rule(frame: pl.DataFrame) -> None:
    try:
        checked = check(frame, "counts")
    except TableError as error:
        assert str(error).replace("\n", "").isprintable()
        return
    used = checked.filter(pl.col("excluded").is_null())
    assert not used.select(pl.col("item", "time", "count").has_nulls()).row(0).count(True)
    values = checked["count"].drop_nulls().to_list()
    assert all(0 <= value < float("inf") for value in values)
    ends = checked.drop_nulls(["time", "period_end"])
    assert (ends["period_end"] > ends["time"]).all()
    assert set(checked["bound"].drop_nulls()) <= {"exact"}
    assert "" not in checked["excluded"].to_list()


class Tags(HTMLParser):
    """Collects the tags and the text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert all(name == "style" and ":" in str(value) for name, value in attrs)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def quality(text: str, rows: int = 1) -> Quality:
    return Quality(
        pl.DataFrame({"check": ["rows read", text], "rows": [1234567, 0], "note": [None, text]}),
        pl.DataFrame(
            {
                "file": [text] * rows,
                "line": list(range(2, rows + 2)),
                "column": [text] * rows,
                "value": [None, *[text] * (rows - 1)],
                "reason": ["is no number"] * rows,
            },
            schema_overrides={"value": pl.String},
        ),
    )


def test_quality_reads_well() -> None:
    lines = repr(quality("views", 12)).split("\n")
    assert lines[1].split() == ["rows", "read", "1,234,567"]
    assert lines[3] == "  'views', line 2, column 'views': the value is no number"
    assert lines[4] == "  'views', line 3, column 'views': 'views' is no number"
    assert lines[-1] == "  … 12 dropped rows in all: see .dropped"
    assert len(lines) == 14


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_quality_as_html_and_text_runs_nothing(text: str) -> None:
    html = Tags(quality(text, 2)._repr_html_())
    assert html.tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "p", "b"}
    assert repr(quality(text, 2)).replace("\n", "").isprintable()


def test_quality_as_html_holds_the_cells() -> None:
    assert "<b>&" in Tags(quality("<b>&")._repr_html_()).text
    many = Tags(quality("views", 12)._repr_html_()).text
    assert many.count("is no number") == 10
    assert many[-1] == "… 12 dropped rows in all: see .dropped"


def test_quality_as_html_says_what_was_read_and_what_was_dropped() -> None:
    found = quality("views", 2)._repr_html_()
    assert Tags(found).text[0] == "What was read" and "1,234,567" in Tags(found).text
    assert "Rows that cannot be used" in Tags(found).text
    assert '<tr style="color:#595959"><td style="text-align:left">views</td>' in found
    clean = Quality(
        quality("views").table, quality("views").dropped.clear(), pl.DataFrame({"a": "b"})
    )
    assert Tags(clean._repr_html_()).text[-1] == "Cascades: 1, see .cascades"
    assert "cannot be used" not in clean._repr_html_()


def test_quality_as_html_escapes_column_names() -> None:
    frame = pl.DataFrame({"<script>": ["a"]})
    assert "<script>" not in Quality(frame, frame)._repr_html_()


@pytest.mark.parametrize("text", HOSTILE)
def test_polars_still_escapes_its_own_html(text: str) -> None:
    """Tables are shown by polars itself: its escaping of cells and column names is relied upon."""
    html = pl.DataFrame({f"{text}<i>": [f"{text}<b>"]})._repr_html_()
    assert "<script>" not in html
    assert "<img" not in html
    assert "<i>" not in html
    assert "<b>" not in html


EVENT = {"cascade_id": ["a", "a"], "event_id": ["1", "2"], "time": [0, 5]}
CLICK = {"time": [datetime(2011, 7, 1, tzinfo=UTC)], "url": ["u"]}
TABLES_OF_CASCADES = [
    (EVENT | {"event_id": [1, 2]}, "events", "column 'event_id' is Int64; allowed: text (ids"),
    (EVENT | {"time": [datetime(2011, 7, 1)] * 2}, "events", "allowed: seconds since the first"),
    (EVENT | {"time": [0, float("nan")]}, "events", "row 1 (counted from 0): NaN is not finite"),
    (EVENT | {"polarity": [1.0, -1.5]}, "events", "-1.5 is out of range; a polarity lies between"),
    (EVENT | {"magnitude": [1, -2]}, "events", "-2 is negative"),
    (EVENT | {"cascade_id": ["a", None]}, "events", "is missing; every row has its cascade_id"),
    ({"time": CLICK["time"]}, "clicks", "none of the columns ['url', 'link_id'] found"),
    (CLICK | {"time": [1.3e9]}, "clicks", "pl.from_epoch('time')"),
    (CLICK | {"time": [date(2011, 7, 1)]}, "clicks", 'cast(pl.Datetime("us", "UTC"))'),
    (CLICK | {"action": ["buy"]}, "clicks", "allowed: visit, share, sign_up, conversion"),
    ({"source": ["a"], "to": ["b"]}, "edges", "column 'target' not found"),
    ({"cascade_id": ["a"], "observed_until": [-1.0]}, "cascades", "lies between 0 and inf"),
]


@pytest.mark.parametrize(("data", "table", "said"), TABLES_OF_CASCADES)
def test_the_rules_of_cascades_edges_and_clicks(
    data: dict[str, list[object]], table: str, said: str
) -> None:
    assert said in refusal(pl.DataFrame(data, strict=False), table)


def test_ids_stay_as_they_came_and_seconds_become_floats() -> None:
    frame = pl.DataFrame(EVENT).with_columns(pl.col("event_id").cast(pl.Categorical))
    events = check(frame, "events")
    assert events.schema["event_id"] == pl.Categorical
    assert events.schema["time"] == pl.Float64
    assert check(pl.DataFrame(CLICK), "clicks").schema["time"] == pl.Datetime("us", "UTC")
    assert check(pl.DataFrame({"source": ["a"], "target": ["b"]}), "edges").height == 1
