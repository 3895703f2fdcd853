"""What kinds of file are opened, and what is said about those that cannot be."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from viralkit.reading import unpacking
from viralkit.reading.files import Source, open_source
from viralkit.tables import TableError

TEXT = b"time,count\n1,2\n3,4\n"
ROWS = [("1", "2"), ("3", "4")]


def opened(path: Path, data: bytes) -> Source:
    path.write_bytes(data)
    return open_source(path)


def refusal(path: Path, data: bytes) -> str:
    with pytest.raises(TableError) as caught:
        opened(path, data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", TEXT),
        ("a.CSV", TEXT),
        ("a.csv", b"\xef\xbb\xbf" + TEXT),
        ("a.csv", TEXT.replace(b"\n", b"\r\n")),
        ("a.csv", TEXT.replace(b"\n", b"\r")),
        ("a.csv", TEXT.removesuffix(b"\n")),
        ("a.csv", b"\n\r\n" + TEXT + b"\n\n"),
        ("a.csv", TEXT.replace(b"1,2", b'"1","2"')),
        ("a.tsv", TEXT.replace(b",", b"\t")),
        ("a.csv.gz", gzip.compress(TEXT, mtime=0)),
        ("a.csv.gz", gzip.compress(TEXT[:11], mtime=0) + gzip.compress(TEXT[11:], mtime=0)),
        ("a.tsv.gz", gzip.compress(TEXT.replace(b",", b"\t"), mtime=0)),
    ],
)
def test_text_files_are_read_as_text(tmp_path: Path, name: str, data: bytes) -> None:
    source = opened(tmp_path / name, data)
    assert source.frame.columns == ["time", "count"]
    assert source.frame.rows() == ROWS
    assert (source.name, source.file) == ("a", name)


def test_names_with_signs_of_patterns_are_plain_names(tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_bytes(b"other\n1\n")
    assert opened(tmp_path / "a[1]*.csv", TEXT).frame.rows() == ROWS
    assert opened(tmp_path / "2007.views.csv", TEXT).name == "2007.views"


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"time": [1], "count": [2]})
    frame.write_parquet(tmp_path / "a.parquet")
    source = open_source(str(tmp_path / "a.parquet"))
    assert source.frame.equals(frame)
    assert source.place(0) == "'a.parquet', row 0 (counted from 0)"


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"a,b\n1,2\n3,4\n", [2, 3]),
        (b"\n\na,b\n\n1,2\n\n\n3,4\n\n", [5, 8]),
        (b'a,b\n"1\n\n",2\n3,4\n', [2, 5]),
        (b'"a\nb",c\n1,2\n3,4\n', [3, 4]),
        (b'a,b\r\n"1\r\n",2\r\n3,4\r\n', [2, 4]),
        (b"a,b\r1,2\r3,4\r", [2, 3]),
        (b'a,b\n"",""\n3,4\n', [2, 3]),
        (b"a,b\n", []),
    ],
)
def test_lines_are_those_of_the_file(tmp_path: Path, data: bytes, lines: list[int]) -> None:
    assert opened(tmp_path / "a.csv", data).lines.to_list() == lines


def test_blank_lines_are_counted(tmp_path: Path) -> None:
    assert opened(tmp_path / "a.csv", b"\n\na,b\n\n1,2\n\n").blank_lines == 4
    assert opened(tmp_path / "a.csv", TEXT).blank_lines == 0


def test_short_rows_are_filled_with_nothing(tmp_path: Path) -> None:
    assert opened(tmp_path / "a.csv", b"a,b\n1\n").frame.rows() == [("1", None)]


def test_blank_headers_get_a_name(tmp_path: Path) -> None:
    assert opened(tmp_path / "a.csv", b"a,,\n1,2,3\n").frame.columns == [
        "a",
        "column_2",
        "column_3",
    ]


PAIRS = "Put cells that hold ',' in double quotes."
REFUSED = [
    ("a.csv", b"", "file 'a.csv' is empty; a header line and rows are expected."),
    ("a.csv", b"\xef\xbb\xbf\r\n\n", "file 'a.csv' is empty; a header line and rows are expected."),
    (
        "a.csv",
        b"a,b\n\n1,2\n1,234,5\n",
        f"file 'a.csv', line 4 has 3 cells; the header has 2. {PAIRS}",
    ),
    (
        "a.csv",
        b'a,b\n"1\n",2\n1,2,3,4\n',
        f"file 'a.csv', line 4 has 4 cells; the header has 2. {PAIRS}",
    ),
    (
        "a.csv",
        b"Made by hand\n\na,b\n1,2\n",
        "file 'a.csv', line 3 has 2 cells; the header has 1. If the header stands there, pass "
        "pl.read_csv(path, skip_rows=2, separator=',', infer_schema=False).",
    ),
    (
        "a.csv",
        b'a,b\n1,2\n3,"4\n5,6\n',
        "file 'a.csv': a double quote opens on line 3 or later and is not closed; quotes come in "
        "pairs. Close it, or double those inside a cell.",
    ),
    (
        "a.csv",
        b"a,b,a,b,c\n",
        "file 'a.csv' has several columns named ['a', 'b']; columns: ['a', 'b', 'a', 'b', 'c']. "
        "Give each its own name.",
    ),
    (
        "a.csv",
        "a,b\n1,2\ncafé,3\n".encode("latin-1"),
        "file 'a.csv', line 3: byte 0xe9 is not UTF-8. Save the file as UTF-8, or pass "
        "pl.read_csv(path, encoding='latin-1', infer_schema=False).",
    ),
    (
        "a.csv.gz",
        TEXT,
        "file 'a.csv.gz' is not a gzip file: \"Not a gzipped file (b'ti')\". "
        "Save it again, or mend it.",
    ),
    (
        "a.csv.gz",
        gzip.compress(TEXT, mtime=0)[:-9],
        "file 'a.csv.gz' is not a gzip file: 'Compressed file ended before the end-of-stream "
        "marker was reached'. Save it again, or mend it.",
    ),
    (
        "a.xlsx",
        b"PK",
        "file 'a.xlsx' ends in '.xlsx'; allowed: .csv, .csv.gz, .csv.zst, .tsv, .tsv.gz, "
        ".tsv.zst, .parquet, or a polars frame. Read it with polars (pl.read_excel, "
        "pl.read_json, …) and pass the frame.",
    ),
    ("a.gz", b"", "file 'a.gz' ends in '.gz'; allowed: .csv, .csv.gz, "),
    ("counts", b"", "file 'counts' ends in ''; allowed: .csv, .csv.gz, "),
    ("a.parquet", b"PAR1", "file 'a.parquet' is not a Parquet file: "),
]


@pytest.mark.parametrize(("name", "data", "message"), REFUSED)
def test_files_that_are_refused(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    assert refusal(tmp_path / name, data).startswith(message)


def test_the_advice_on_encodings_works(tmp_path: Path) -> None:
    for encoding in ("latin-1", "utf-16"):
        path = tmp_path / "a.csv"
        path.write_bytes("a,b\ncafé,2\n".encode(encoding))
        frame = pl.read_csv(path, encoding=encoding, infer_schema=False)
        assert open_source(frame).frame.rows() == [("café", "2")]


@pytest.mark.parametrize("place", ["header", "cell", "quoted"])
def test_bytes_that_are_no_text_are_found_everywhere(tmp_path: Path, place: str) -> None:
    data = {"header": b"a\xff,b\n1,2\n", "cell": b"a,b\n1,\xff\n", "quoted": b'a,b\n1,"\xff"\n'}
    line = 1 if place == "header" else 2
    assert f"line {line}: byte 0xff is not UTF-8" in refusal(tmp_path / "a.csv", data[place])


def test_a_file_that_is_not_there_names_its_likes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("charlie_views.csv", "cloverfield.csv", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError) as caught:
        open_source("charlie_view.csv")
    assert str(caught.value) == (
        "file 'charlie_view.csv' not found in folder '.'; files there: "
        "['charlie_views.csv']. Correct the name or the folder; from the web, download it first."
    )
    with pytest.raises(
        FileNotFoundError, match=r"\['charlie_views.csv', 'cloverfield.csv', 'notes.txt'\]"
    ):
        open_source("zzzzzzzzzzzzzzzz.tsv")


@pytest.mark.parametrize(
    "path",
    [
        "https://example.org/a.csv",
        "no/such/folder/a.csv",
        "a\x00.csv",
        f"{'x' * 5000}.csv",
        "~/a.csv",
    ],
)
def test_paths_that_lead_nowhere(path: str) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        open_source(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(FileNotFoundError):
        open_source(tmp_path / "a.csv")


def test_a_file_made_to_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "RATIO_FREE", 2**16)
    bomb = gzip.compress(b"a,b\n" + b"1,2\n" * 10**6)
    assert 100 * len(bomb) < 4 * 10**6
    said = refusal(tmp_path / "a.csv.gz", bomb)
    assert said.startswith(f"file 'a.csv.gz' unpacks to more than {100 * len(bomb):,} bytes; ")
    assert "100 times its size" in said


def test_a_small_file_may_be_dense(tmp_path: Path) -> None:
    dense = gzip.compress(b"a,b\n" + b"1,2\n" * 10**6)
    assert len(opened(tmp_path / "a.csv.gz", dense).frame) == 10**6


@pytest.mark.parametrize("sign", [";", "\t"])
def test_cells_of_another_separator_with_commas_in_numbers_are_told_apart(tmp_path, sign):
    file = tmp_path / "weekly.csv"
    file.write_text(f"Week{sign}downloads\n03.02.2025{sign}1,158\n")
    with pytest.raises(TableError) as error:
        open_source(file)
    assert f"pass pl.read_csv(path, separator={sign!r}, infer_schema=False)" in str(error.value)
    assert "skip_rows" not in str(error.value)
