"""Research data that others publish: fetched once, checked against its published figures, kept."""

import gzip
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import polars as pl

from viralkit.reading.columns import require_choice
from viralkit.reading.edges import read_edges
from viralkit.tables import TableError, check
from viralkit.wording import show

HIGGS = "https://snap.stanford.edu/data/"
SEISMIC = "https://snap.stanford.edu/seismic/"
GZIP = b"\x1f\x8b"
TRIES = 3
CHUNK = 2**20
MARKS = ("relative_time_second", "number_of_followers")
KINDS = {"RT": "retweet", "MT": "mention", "RE": "reply"}


@dataclass(frozen=True)
class Published:
    """A file as its publisher describes it: how it begins, its lines, its nodes.

    There are no published checksums: these figures are what a file is checked against.
    """

    name: str
    begins: bytes
    lines: tuple[int, ...]
    nodes: int = 0


FILES = {
    "social": Published("higgs-social_network.edgelist.gz", GZIP, (14_855_842,), 456_626),
    "retweets": Published("higgs-retweet_network.edgelist.gz", GZIP, (328_132,), 256_491),
    "activity": Published("higgs-activity_time.txt.gz", GZIP, (563_069,)),
    # whether the header is one of the 34,784,489 lines its page does not say
    "events": Published(
        "data.csv", b"relative_time_second,number_of_followers", (34_784_489, 34_784_490)
    ),
    "tweets": Published("index.csv", b"tweet_id,post_time_day,start_ind,end_ind", (166_077,)),
}


def fetch_higgs(
    table: Literal["retweets", "social", "activity"] = "retweets",
    *,
    folder: str | os.PathLike[str] | None = None,
) -> pl.DataFrame:
    """Who followed, retweeted and answered whom when the Higgs boson was found (Twitter, 2012)?

    Parameters
    ----------
    table : {"retweets", "social", "activity"}
        "retweets": 328,132 edges between 256,491 users, weight is how often; "social": who follows
        whom, 14,855,842 edges between 456,626 users (about 200 MB unpacked); "activity": 563,069
        retweets, mentions and replies with their time.
    folder : path, optional
        Where the file is, or is put: by default the cache folder of the user. A file that is
        there already is not fetched again.

    Returns
    -------
    polars.DataFrame
        An edges table: source influences target. The files name who acts first (A retweets B);
        here source is B, who is followed, retweeted, mentioned or answered. "activity" has time
        (UTC) and kind (retweet, mention, reply) as well.

    Raises
    ------
    FileNotFoundError
        If the file cannot be fetched: it says which file to put where.
    TableError
        If the file in the folder is not the one that was published.

    Notes
    -----
    Published by M. De Domenico, A. Lima, P. Mougel and M. Musolesi (2013), The anatomy of a
    scientific rumor, doi:10.1038/srep02980, at https://snap.stanford.edu/data/higgs-twitter.html.
    Its page gives rows and nodes, and no checksums: rows and nodes are checked.

    Examples
    --------
    >>> edges = fetch_higgs("social")  # doctest: +SKIP
    >>> edges.columns  # doctest: +SKIP
    ['source', 'target']
    """
    require_choice("table", table, ("retweets", "social", "activity"), "Say which one")
    published = FILES[table]
    path = fetch(published, HIGGS, folder)
    if table == "activity":
        return check(activity_of(path), "edges")
    columns = ("source", "target", "weight")[: 3 if table == "retweets" else 2]
    edges, quality = read_edges(path, direction="follows", columns=columns)
    nodes = quality.table.filter(pl.col("check") == "nodes")["rows"].item()
    if nodes != published.nodes:
        raise wrong_file(path, f"it has {nodes:,} nodes; published: {published.nodes:,}")
    return edges


def activity_of(path: Path) -> pl.DataFrame:
    """The retweets, mentions and replies of a file as edges with a time."""
    names = {"target": pl.String, "source": pl.String, "time": pl.Int64, "kind": pl.String}
    with gzip.open(path) as stream:
        frame = parsed(path, stream.read(), separator=" ", has_header=False, schema=names)
    time = pl.from_epoch("time").dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    kind = pl.col("kind").replace_strict(KINDS, default=None)
    return frame.select("source", "target", time, kind)


def fetch_seismic(
    table: Literal["events", "tweets"] = "events",
    *,
    folder: str | os.PathLike[str] | None = None,
) -> pl.DataFrame:
    """How were 166,076 tweets retweeted, and how many followers had who did (Twitter, 2011)?

    Parameters
    ----------
    table : {"events", "tweets"}
        "events": 34.8 million tweets and retweets (285 MB); "tweets": the 166,076 tweets.
    folder : path, optional
        Where the files are, or are put: by default the cache folder of the user. Files that are
        there already are not fetched again.

    Returns
    -------
    polars.DataFrame
        "events" is an events table: cascade_id, event_id (the first is "0", the tweet itself),
        time (seconds since the tweet), magnitude (followers). "tweets" is a cascades table with
        n_reported (events of the cascade) and post_time_day (days since the collection began).

    Raises
    ------
    FileNotFoundError
        If a file cannot be fetched: it says which file to put where.
    TableError
        If a file in the folder is not the one that was published.

    Notes
    -----
    English tweets without hashtags that were retweeted 50 times or more, 7 October to 7 November
    2011: Q. Zhao and others (2015), SEISMIC, doi:10.1145/2783258.2783401, at
    https://snap.stanford.edu/seismic/. Its page gives numbers of lines, and no checksums: lines are
    checked, and that the ranges of the index divide the events.

    Examples
    --------
    >>> tweets = fetch_seismic("tweets")  # doctest: +SKIP
    >>> len(tweets)  # doctest: +SKIP
    166076
    """
    require_choice("table", table, ("events", "tweets"), "Say which one")
    path = fetch(FILES["tweets"], SEISMIC, folder)
    numbers = {"start_ind": pl.Int64, "end_ind": pl.Int64, "post_time_day": pl.Float64}
    index = parsed(path, path, schema_overrides=numbers | {"tweet_id": pl.String})
    number = pl.col("end_ind") - pl.col("start_ind") + 1
    tweets = index.select("post_time_day", cascade_id="tweet_id", n_reported=number)
    if table == "tweets":
        return check(tweets.select("cascade_id", "n_reported", "post_time_day"), "cascades")
    data = fetch(FILES["events"], SEISMIC, folder)
    events = parsed(data, data, schema_overrides=dict.fromkeys(MARKS, pl.Float64))
    starts = index["end_ind"].shift(1, fill_value=0) + 1
    if not starts.equals(index["start_ind"]) or number_of(tweets) != len(events):
        raise wrong_file(data, "the ranges of the index do not divide its rows")
    ids = tweets["cascade_id"].cast(pl.Categorical)
    row = pl.int_range(len(tweets), eager=True).repeat_by(tweets["n_reported"]).explode()
    first = starts.gather(row) - 1
    return check(
        pl.DataFrame({"cascade_id": ids.gather(row)}).with_columns(
            event_id=(pl.int_range(pl.len()) - pl.lit(first)).cast(pl.String),
            time=events[MARKS[0]],
            magnitude=events[MARKS[1]],
        ),
        "events",
    )


def number_of(tweets: pl.DataFrame) -> int:
    """How many events all cascades have."""
    return int(tweets["n_reported"].sum())


def fetch(published: Published, address: str, folder: str | os.PathLike[str] | None) -> Path:
    """The path of a published file, fetched if it is not in the folder, and checked."""
    import pooch

    home = Path(pooch.os_cache("viralkit") if folder is None else folder)
    path = home / published.name
    if path.is_file():
        try:
            verify(path, published)
        except ValueError as error:
            raise wrong_file(path, str(error)) from error
        return path
    getter = pooch.create(
        path=home, base_url=address, registry={path.name: None}, retry_if_failed=TRIES - 1
    )
    try:
        getter.fetch(path.name, downloader=partial(download, published=published))
    except (OSError, ValueError) as error:
        said = show(str(error).split("\n")[0], 160)
        raise FileNotFoundError(
            f"file {show(path.name)} is not in folder {show(str(home), 160)}, and could not be "
            f"fetched from {address}{path.name}: {said}. Call again, or put the file there "
            'yourself (another folder: pass folder="…").'
        ) from error
    return path


def parsed(path: Path, source: Path | bytes, **options: Any) -> pl.DataFrame:
    """The cells of a file that has been verified."""
    try:
        return pl.read_csv(source, **options)
    except pl.exceptions.PolarsError as error:
        raise wrong_file(path, show(str(error).split("\n")[0], 120)) from error


def wrong_file(path: Path, what: str) -> TableError:
    """A file in the folder is not the published one."""
    return TableError(
        f"file {show(path.name)} in folder {show(str(path.parent), 160)} is not the published one: "
        f"{what}. Delete it and call again."
    )


def download(url: str, output: str, pooch_: Any, *, published: Published) -> None:
    """Get a file with a progress bar, going on where a broken transfer stopped, and check it."""
    import pooch

    part = Path(output).parent / f"{published.name}.part"
    with part.open("ab") as file:
        begun = file.tell()
        headers = {"Accept-Encoding": "identity"}
        if begun:
            headers["Range"] = f"bytes={begun}-"
        get = pooch.HTTPDownloader(
            progressbar=True, headers=headers, hooks={"response": start_over(file)}
        )
        get(url, file, pooch_)
    try:
        verify(part, published)
    except ValueError:
        part.unlink()
        raise
    os.replace(part, output)


def start_over(file: Any) -> Callable[..., None]:
    """A hook that empties a part where the server sends the whole, or knows no such part."""

    def hook(response: Any, *_: Any, **__: Any) -> None:
        if response.status_code in (200, 416):
            file.truncate(0)

    return hook


def verify(path: Path, published: Published) -> None:
    """Refuse a file that begins otherwise than the published one, is cut, or has other lines."""
    packed = published.begins == GZIP
    with path.open("rb") as file:
        head = file.read(60)
    if not head.replace(b'"', b"").startswith(published.begins):
        raise ValueError(f"it begins with {show(head.decode('utf-8', 'replace'))}")
    lines, last = 0, b""
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                lines, last = lines + chunk.count(b"\n"), chunk
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"it is cut or broken ({error})") from error
    lines += bool(last) and not last.endswith(b"\n")
    if lines not in published.lines:
        raise ValueError(f"it has {lines:,} lines; published: {published.lines[0]:,}")
