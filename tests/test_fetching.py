"""fetch_*: from a local server that serves, cuts, refuses or lies; checked, cached, explained."""

import gzip
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from viralkit import fetching
from viralkit.fetching import GZIP, Published, fetch_higgs, fetch_seismic
from viralkit.tables import TableError, check

RETWEETS = gzip.compress(b"".join(b"%d 1 2\n" % i for i in range(2, 3_000)), mtime=0)
SOCIAL = gzip.compress(b"1 2\n1 3\n3 2", mtime=0)
ACTIVITY = gzip.compress(b"223789 213163 1341100972 RE\n376989 50329 1341101181 RT\n", mtime=0)
INDEX = (
    b'"tweet_id","post_time_day","start_ind","end_ind"\n900719925474099301,0.5,1,2\n7,1.25,3,5\n'
)
EVENTS = b"relative_time_second,number_of_followers\n0,10\n3.5,1e+05\n0,7\n0,0\n9,2"
PAGE = b"<!DOCTYPE html><html>Sign in</html>"
HOLD = {
    "retweets": Published("higgs-retweet_network.edgelist.gz", GZIP, (2_998,), 2_999),
    "social": Published("higgs-social_network.edgelist.gz", GZIP, (3,), 3),
    "activity": Published("higgs-activity_time.txt.gz", GZIP, (2,)),
    "events": Published("data.csv", b"relative_time_second,number_of_followers", (6,)),
    "tweets": Published("index.csv", b"tweet_id,post_time_day,start_ind,end_ind", (3,)),
}
CONTENTS = (RETWEETS, SOCIAL, ACTIVITY, EVENTS, INDEX)


class Server(ThreadingHTTPServer):
    """Serves files; a script says what the next answers do instead."""

    files: dict[str, bytes]
    script: list[str]
    asked: list[tuple[str, str | None]]


class Answer(BaseHTTPRequestHandler):
    """One answer: the file or a part of it, half of it, nothing, or a page."""

    server: Server

    def do_GET(self) -> None:
        """Answer as the script says."""
        name, wanted = self.path.strip("/"), self.headers.get("Range")
        self.server.asked.append((name, wanted))
        way = self.server.script.pop(0) if self.server.script else "serve"
        data = self.server.files[name]
        if way == "absent":
            return self.send_error(404)
        start = int(wanted.split("=")[1].rstrip("-")) if wanted and way != "whole" else 0
        if start >= len(data):
            return self.send_error(416)
        data = PAGE if way == "page" else data[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if way == "cut" else data)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve small files where the published ones would come from."""
    there = Server(("127.0.0.1", 0), Answer)
    names = [published.name for published in HOLD.values()]
    there.files = dict(zip(names, CONTENTS, strict=True))
    there.script, there.asked = [], []
    address = f"http://127.0.0.1:{there.server_address[1]}/"
    for name in ("HIGGS", "SEISMIC"):
        monkeypatch.setattr(fetching, name, address)
    monkeypatch.setattr(fetching, "FILES", HOLD)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)
    thread = threading.Thread(target=there.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield there
    there.shutdown()
    there.server_close()
    thread.join()


def test_a_file_is_fetched_once_and_says_who_influences_whom(
    server: Server, tmp_path: Path
) -> None:
    edges = fetch_higgs("social", folder=tmp_path)
    assert edges.rows() == [("2", "1"), ("3", "1"), ("2", "3")]
    assert fetch_higgs("social", folder=tmp_path).equals(edges)
    assert server.asked == [("higgs-social_network.edgelist.gz", None)]
    assert [path.name for path in tmp_path.iterdir()] == ["higgs-social_network.edgelist.gz"]


def test_retweets_have_weights(server: Server, tmp_path: Path) -> None:
    edges = fetch_higgs(folder=tmp_path)
    assert edges.row(0) == ("1", "2", 2)
    assert len(edges) == 2_998
    assert check(edges, "edges").equals(edges)


def test_activity_has_times_and_kinds(server: Server, tmp_path: Path) -> None:
    edges = fetch_higgs("activity", folder=tmp_path)
    assert edges.rows() == [
        ("213163", "223789", datetime(2012, 7, 1, 0, 2, 52, tzinfo=UTC), "reply"),
        ("50329", "376989", datetime(2012, 7, 1, 0, 6, 21, tzinfo=UTC), "retweet"),
    ]


def test_seismic_events_and_tweets(server: Server, tmp_path: Path) -> None:
    tweets = fetch_seismic("tweets", folder=tmp_path)
    assert tweets.rows() == [("900719925474099301", 2, 0.5), ("7", 3, 1.25)]
    assert server.asked == [("index.csv", None)]
    events = fetch_seismic(folder=tmp_path)
    assert events.with_columns(events["cascade_id"].cast(str)).rows() == [
        ("900719925474099301", "0", 0.0, 10.0),
        ("900719925474099301", "1", 3.5, 100_000.0),
        ("7", "0", 0.0, 7.0),
        ("7", "1", 0.0, 0.0),
        ("7", "2", 9.0, 2.0),
    ]
    assert check(events, "events").equals(events)


def test_a_broken_transfer_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.script = ["cut", "cut"]
    assert len(fetch_higgs(folder=tmp_path)) == 2_998
    starts = [int(asked.split("=")[1][:-1]) for _, asked in server.asked if asked]
    assert len(server.asked) == 3
    assert 0 < starts[0] < starts[1] < len(RETWEETS)


def test_a_server_that_knows_no_parts_starts_over(server: Server, tmp_path: Path) -> None:
    server.script = ["cut", "whole"]
    assert len(fetch_higgs(folder=tmp_path)) == 2_998
    assert len(server.asked) == 2


def test_a_part_from_an_earlier_day_goes_on(server: Server, tmp_path: Path) -> None:
    part = tmp_path / "higgs-retweet_network.edgelist.gz.part"
    part.write_bytes(RETWEETS[:100])
    assert len(fetch_higgs(folder=tmp_path)) == 2_998
    assert server.asked == [("higgs-retweet_network.edgelist.gz", "bytes=100-")]
    assert not part.exists()
    (tmp_path / HOLD["social"].name).with_suffix(".gz.part").write_bytes(SOCIAL + b"more")
    assert len(fetch_higgs("social", folder=tmp_path)) == 3
    assert server.asked[-1] == ("higgs-social_network.edgelist.gz", None)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (["absent"] * 3, "404 Client Error"),
        (["page"] * 3, "it begins with '<!DOCTYPE html>"),
        (["cut"] * 3, "Connection broken"),
    ],
)
def test_what_cannot_be_fetched_is_explained(
    server: Server, tmp_path: Path, script: list[str], said: str
) -> None:
    server.script = script
    with pytest.raises(FileNotFoundError) as caught:
        fetch_higgs(folder=tmp_path)
    message = str(caught.value)
    assert message.startswith(
        f"file 'higgs-retweet_network.edgelist.gz' is not in folder {str(tmp_path)!r}, and could "
        f"not be fetched from {fetching.HIGGS}higgs-retweet_network.edgelist.gz: "
    )
    assert said in message
    assert message.endswith(
        'Call again, or put the file there yourself (another folder: pass folder="…").'
    )
    assert not (tmp_path / "higgs-retweet_network.edgelist.gz").exists()
    assert len(fetch_higgs(folder=tmp_path)) == 2_998


def test_without_a_network(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "HIGGS", "http://127.0.0.1:9/")
    with pytest.raises(FileNotFoundError, match="put the file there yourself"):
        fetch_higgs(folder=tmp_path)
    (tmp_path / "higgs-retweet_network.edgelist.gz").write_bytes(RETWEETS)
    assert len(fetch_higgs(folder=tmp_path)) == 2_998


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PAGE, "it begins with '<!DOCTYPE html>"),
        (SOCIAL[:-9], "it is cut or broken (Compressed file ended"),
        (
            gzip.compress(b"1 2\n1 3\n", mtime=0),
            "it has 2 lines; published: 3. Delete it and call again.",
        ),
        (
            gzip.compress(b"1 2\n1 3\n4 5\n", mtime=0),
            "it has 5 nodes; published: 3. Delete it and call",
        ),
    ],
)
def test_a_wrong_file_in_the_folder_is_refused(
    server: Server, tmp_path: Path, data: bytes, said: str
) -> None:
    (tmp_path / "higgs-social_network.edgelist.gz").write_bytes(data)
    with pytest.raises(TableError) as caught:
        fetch_higgs("social", folder=tmp_path)
    assert "is not the published one: " in str(caught.value)
    assert said in str(caught.value)
    assert server.asked == []


def test_cells_that_are_no_numbers(server: Server, tmp_path: Path) -> None:
    server.files["data.csv"] = EVENTS.replace(b"3.5", b"soon")
    with pytest.raises(TableError, match=r"is not the published one: .*could not parse `soon`"):
        fetch_seismic(folder=tmp_path)


def test_an_index_that_does_not_divide_the_events(server: Server, tmp_path: Path) -> None:
    server.files["index.csv"] = INDEX.replace(b"3,5", b"3,4")
    with pytest.raises(TableError, match="the ranges of the index do not divide its rows"):
        fetch_seismic(folder=tmp_path)


def test_tables_that_there_are() -> None:
    with pytest.raises(TableError, match="table='mentions' is not known; allowed:"):
        fetch_higgs("mentions")  # type: ignore[arg-type]
    with pytest.raises(TableError, match="pass table='events' or table='tweets'"):
        fetch_seismic("x")  # type: ignore[arg-type]


def test_the_figures_are_those_that_were_published() -> None:
    published = fetching.FILES
    assert published["social"].lines == (14_855_842,) and published["social"].nodes == 456_626
    assert published["retweets"].lines == (328_132,) and published["retweets"].nodes == 256_491
    assert published["activity"].lines == (563_069,)
    assert 34_784_489 in published["events"].lines
    assert published["tweets"].lines == (166_076 + 1,)
    assert fetching.HIGGS.startswith("https://") and fetching.SEISMIC.startswith("https://")
