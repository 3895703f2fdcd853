"""Files as bytes and lines: packed, in any encoding, one or many, and never a bomb."""

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest
import zstandard

from viralkit.reading import unpacking
from viralkit.reading.unpacking import find_files, read_lines, read_utf8, unpack
from viralkit.tables import TableError

TEXT = "a\tb\n\nné\r\n1\t2"
PACKERS = {".gz": gzip.compress, ".zst": zstandard.compress}


@pytest.mark.parametrize("ending", PACKERS)
def test_packed_files_are_unpacked(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"lines.txt{ending}"
    path.write_bytes(PACKERS[ending](TEXT.encode()))
    assert unpack(path) == TEXT.encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lines_keep_their_numbers_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(TEXT.encode(encoding))
    assert read_lines(path).rows() == [(1, "a\tb"), (3, "né"), (4, "1\t2")]


def test_bare_carriage_returns_end_lines(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(b"a\rb\rc")
    assert read_lines(path)["text"].to_list() == ["a", "b", "c"]


def test_bytes_that_are_no_text_cost_their_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(b"a\n\xff\xfa\nb")
    assert read_lines(path)["text"].to_list() == ["a", "\ufffd\ufffd", "b"]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_bytes(b"")
    assert read_lines(tmp_path / "lines.txt").shape == (0, 2)
    assert read_utf8(tmp_path / "lines.txt") == b""


@pytest.mark.parametrize("ending", PACKERS)
def test_bombs_are_refused(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "RATIO_FREE", 2**16)
    path = tmp_path / f"bomb.txt{ending}"
    path.write_bytes(PACKERS[ending](bytes(2**22)))
    limit = f"{100 * path.stat().st_size:,}"
    with pytest.raises(TableError, match=f"unpacks to more than ({limit}|65,536) bytes; allowed"):
        unpack(path)


@pytest.mark.parametrize("ending", PACKERS)
def test_cut_files_are_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"cut.txt{ending}"
    path.write_bytes(b"no archive")
    with pytest.raises(TableError, match=r"is not a .* file: .* Save it again, or mend it\."):
        unpack(path)


def test_files_are_found_by_path_glob_folder_and_list(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", ".hidden", "c.csv"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder").mkdir()
    everything = [tmp_path / name for name in ("a.txt", "b.txt", "c.csv")]
    assert find_files(tmp_path) == everything
    assert find_files(tmp_path / "*.txt") == everything[:2]
    assert find_files([tmp_path / "c.csv", str(tmp_path / "a.txt")]) == [
        everything[2],
        everything[0],
    ]


def test_a_zip_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.txt", "w") as archive:
        archive.writestr("a.txt", "a b")
    with pytest.raises(TableError, match=r"'w.txt' is a zip archive; .* Unpack it"):
        read_lines(tmp_path / "w.txt")


def test_frames_where_files_are_expected_get_one_sentence() -> None:
    fake = type("DataFrame", (), {"__module__": "pandas.core.frame"})()
    with pytest.raises(TableError, match=r"use pl\.from_pandas\(df\)"):
        find_files(fake)
    with pytest.raises(TableError, match="a polars frame stands where files are expected"):
        find_files(pl.DataFrame())  # type: ignore[arg-type]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"folder '.*gone' of file 'a.txt' is not there"):
        find_files(tmp_path / "gone" / "a.txt")


@pytest.mark.parametrize("name", ["a\x00.txt", "x" * 5000, "*.nothing", ""])
def test_a_path_that_leads_nowhere_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"not found in folder|no file matches"):
        find_files(f"{tmp_path}/{name}" if name else tmp_path / "gone.txt")
