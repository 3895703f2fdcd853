"""Your log of clicks as a clicks table."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars as pl

from viralkit.reading.click_feed import read_feed
from viralkit.reading.clock import parse_moments
from viralkit.reading.columns import absent_column, require_choice, show_mapping
from viralkit.reading.faults import OnError
from viralkit.reading.files import join_sources, open_source
from viralkit.reading.parsing import parse_count
from viralkit.reading.settling import Check, blame, dropped, reasons, settle, unreserved
from viralkit.reading.unpacking import find_files
from viralkit.schema import TABLES
from viralkit.tables import Quality, TableError, check
from viralkit.urls import LONG, TAGS, hosts_of, parameters_of
from viralkit.wording import show, show_names

COLUMNS = TABLES["clicks"].columns
DIRECT = ("direct", "(direct)", "-")  # how logs write that a browser named no referrer


def read_clicks(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | pl.DataFrame,
    *,
    layout: Literal["bitly", "columns"] | None = None,
    columns: Mapping[str, str] | None = None,
    clock: str | None = None,
    on_error: OnError = "raise",
) -> tuple[pl.DataFrame, Quality]:
    """Who came when, and from where, as a clicks table?

    Parameters
    ----------
    source : path, glob, folder, list of paths, or polars.DataFrame
        A log of clicks; .gz and .zst are unpacked.
    layout : {"bitly", "columns"}
        Required: "bitly" is the feed of that link shortener, also of 1.usa.gov (a JSON object a
        line); "columns" is any .csv, .tsv or .parquet file, or a frame.
    columns : mapping of str, optional
        For "columns": which of the source's columns are meant, {"time": "ts", "url": "page"}.
        Those that have the names of the table already (time, url, referrer, user, action …) need
        not be named. A time, and a url or link_id, are required.
    clock : str, optional
        For "columns", required where the times do not say it themselves: "unix_seconds",
        "unix_milliseconds", or the zone that times of day belong to ("UTC", "Europe/Berlin").
    on_error : {"raise", "drop", "keep"}
        What to do with a row that breaks a rule: raise at the first; leave it out and list it in
        `quality.dropped`; or keep it and say why in `excluded`.

    Returns
    -------
    clicks : polars.DataFrame
        Sorted by time (UTC). Source, medium, campaign, term and content are those of the log,
        else the utm_ parameters of the url, decoded. Where both say nothing, source is the host
        of the referrer (and medium "referral"), unless that is the url's own, or "direct" where the
        log says that there was none ("direct", "-"). Referral (who shared the link) is that of the
        log, else the parameter `ref` of the url.
    quality : Quality
        Rows read, kept, dropped and why, heartbeats, what is odd about the addresses.

    Raises
    ------
    TableError
        With the place, value, rule and next step.
    FileNotFoundError
        With the files of the folder that are spelled like it.

    Notes
    -----
    Addresses are data, whatever they are: javascript:, data:, 100 kB long or broken ones are
    counted, never opened, and name no host.

    Examples
    --------
    >>> import polars as pl
    >>> log = pl.DataFrame({"ts": [1331923247], "page": ["http://a.org/?utm_source=x%20y"]})
    >>> clicks, quality = read_clicks(
    ...     log, layout="columns", columns={"time": "ts", "url": "page"}, clock="unix_seconds"
    ... )
    >>> clicks.select("time", "source").row(0)[1]
    'x y'
    """
    require_choice("layout", layout, ("bitly", "columns"), "Say what form the log has")
    if layout == "bitly":
        found, notes = open_feed(source, columns, clock)
    else:
        found, notes = open_log(source, columns or {}, clock)
    found = with_sources(found)
    kept, bad = settle(found, "clicks", on_error, columns or {})
    earlier = kept.select((pl.col("time") < pl.col("time").shift(1)).sum()).item()
    first = [name for name in COLUMNS if name in kept.columns]
    clicks = kept.select(*first, pl.exclude(first)).sort(
        "time", nulls_last=True, maintain_order=True
    )
    clicks = check(clicks, "clicks")
    table = [
        ("rows read", len(found), None),
        ("rows kept", len(clicks), None),
        *reasons(bad, on_error),
        *notes,
        ("unsorted rows", earlier or 0, "sorted by time" if earlier else None),
        *click_checks(clicks),
    ]
    schema = {"check": pl.String, "rows": pl.Int64, "note": pl.String}
    return clicks, Quality(pl.DataFrame(table, schema, orient="row"), dropped(bad, on_error))


def open_feed(source: Any, columns: object, clock: object) -> tuple[pl.DataFrame, list[Check]]:
    """The clicks of a feed that says what its columns and times are."""
    for name, value in (("columns", columns), ("clock", clock)):
        if value is not None:
            raise TableError(
                f"{name}={show(value)} beside layout='bitly', which states that already; allowed: "
                "one of them. Leave it out."
            )
    if not isinstance(source, str | os.PathLike | Sequence):
        raise TableError("layout='bitly' reads files of JSON lines, not a frame. Pass a path.")
    return read_feed(find_files(source))


def open_log(
    source: Any, columns: Mapping[str, str], clock: str | None
) -> tuple[pl.DataFrame, list[Check]]:
    """The clicks of a table under the names of the kit, with file, line and fault."""
    if isinstance(source, str | os.PathLike | Sequence):
        opened = join_sources([open_source(path) for path in find_files(source)])
    else:
        opened = open_source(source)
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise TableError(
            f"columns names {show(unknown[0])}; allowed: {list(COLUMNS)}. Rename the key; other "
            "columns pass as they are."
        )
    rows = pl.int_range(len(opened.frame), eager=True)
    frame = named(opened.frame, dict(columns))
    cells, told = frame["time"], columns.get("time", "time")
    read = parse_moments(cells, clock, told)
    frame = frame.with_columns(
        read.values, file=opened.files(rows), line=opened.lines.cast(pl.Int64)
    )
    for fault in read.faults:
        frame = blame(frame, fault, cells, dict(columns))
    if "value" in frame.columns:
        values, cells = parse_count(frame["value"]), frame["value"]
        frame = frame.with_columns(values.values)
        for fault in values.faults:
            frame = blame(frame, fault, cells, dict(columns))
    blank = ("blank lines", opened.blank_lines, "skipped" if opened.blank_lines else None)
    twice = (
        "times that the clock shows twice",
        read.twice,
        "taken as the earlier" * bool(read.twice) or None,
    )
    return frame, [blank, twice]


def named(frame: pl.DataFrame, columns: dict[str, str]) -> pl.DataFrame:
    """The columns of the table under their names, ids as text, and blank cells null."""
    columns = {"time": "time"} | columns
    for name, given in columns.items():
        if given not in frame.columns:
            free = [other for other in frame.columns if other not in columns.values()]
            raise TableError(absent_column(name, given, frame.columns, free, chosen=columns))
    if not {"url", "link_id"} & {*columns, *frame.columns}:
        passed = show_mapping({**columns, "url": ""}, frame.columns, {})
        raise TableError(
            f"none of the columns ['url', 'link_id'] found; columns: {show_names(frame.columns)}. "
            f"Rename one, or pass {passed}."
        )
    frame = frame.rename(dict(zip(frame.columns, unreserved(frame.columns), strict=True)))
    chosen = dict(zip(columns, unreserved(list(columns.values())), strict=True))
    taken = [name for name in chosen if name in frame.columns and name not in chosen.values()]
    frame = frame.rename({name: f"{name}_" for name in taken})
    frame = frame.rename({given: name for name, given in chosen.items()})
    ids = [n for n, column in COLUMNS.items() if column.family == "id" and n in frame.columns]
    frame = frame.with_columns(
        pl.col(n).cast(pl.String) for n in ids if frame[n].dtype.is_integer()
    )
    texts = [name for name in COLUMNS if frame.schema.get(name) == pl.String]
    return frame.with_columns(pl.when(pl.col(n).str.strip_chars() != "").then(n) for n in texts)


def with_sources(found: pl.DataFrame) -> pl.DataFrame:
    """The clicks with their tags and referral: their own, or those of their address."""
    empty = pl.Series([None], dtype=pl.String).new_from_index(0, len(found))
    has = {name: found[name] for name in found.columns}
    said = parameters_of(has.get("url", empty), list(TAGS.values()))
    names = [n for n in TAGS if n != "referral" or n in has or said["ref"].count()]
    own = {name: has.get(name, empty).cast(pl.String) for name in names}
    found = found.with_columns(
        pl.coalesce(own[name], said[TAGS[name]]).alias(name) for name in names
    )
    site, page = hosts_of(has.get("referrer", empty)), hosts_of(has.get("url", empty))
    site = site.set((site == page).fill_null(False), None).str.strip_prefix("www.")
    silent = pl.col("source").is_null() & pl.col("medium").is_null()
    came = pl.lit(has.get("referrer", empty))
    direct = came.str.to_lowercase().is_in(DIRECT).fill_null(False)
    found = found.with_columns(
        source=pl.when(silent & direct)
        .then(pl.lit("direct"))
        .when(silent)
        .then(site)
        .otherwise("source"),
        medium=pl.when(silent & pl.lit(site).is_not_null())
        .then(pl.lit("referral"))
        .otherwise("medium"),
    )
    return found.with_columns(referrer=pl.when(~direct).then(came)) if "referrer" in has else found


def click_checks(clicks: pl.DataFrame) -> list[Check]:
    """Duplicates, and what is odd about addresses and sources."""
    used = clicks.filter(pl.col("excluded").is_null()) if "excluded" in clicks.columns else clicks
    different = used.select(pl.struct(pl.all()).hash().n_unique()).item() if len(used) else 0
    checks: list[Check] = [("duplicates", len(used) - different, "rows alike in every column")]
    if "url" in used.columns:
        urls = used["url"].drop_nulls()
        strange = urls.filter(hosts_of(urls).is_null())
        first = f"first: {show(strange[0])}" if len(strange) else None
        checks += [
            ("addresses without a host", len(strange), first),
            (f"addresses longer than {LONG:,}", int((urls.str.len_chars() > LONG).sum()), None),
        ]
    if "referrer" in used.columns:
        checks.append(("clicks without a referrer", used["referrer"].null_count(), None))
    campaign = used.select((pl.col("campaign").is_not_null()).sum()).item()
    checks += [("clicks without a source", used["source"].null_count(), None)]
    checks += [("clicks of a campaign", campaign, None)]
    return [(name, rows, note if rows else None) for name, rows, note in checks]
