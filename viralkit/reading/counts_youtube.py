"""Lists of trending videos in three editions, and daily insights of videos, as counts."""

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from viralkit.reading.checks import Check
from viralkit.reading.counts_found import Found, first_of, pick, placed
from viralkit.reading.faults import Fault
from viralkit.reading.files import Source, join_sources, read_text
from viralkit.reading.json_records import Record, read_records, text_of, texts_in
from viralkit.reading.unpacking import read_utf8
from viralkit.tables import TableError
from viralkit.wording import show

EDITIONS = {
    "publishedAt": "publish_time",
    "channelTitle": "channel_title",
    "categoryId": "category_id",
    "view_count": "views",
    "comment_total": "comment_count",
    "date": "trending_date",
}
TRENDING = {"time": "trending_date", "count": "views", "item": "video_id"}
INSIGHTS = {"time": "date", "count": "views", "item": "video_id"}
ODD = (
    "that start after their publication",
    "of another length than startDate to endDate",
    "without shares",
    "without watch time",
)
ABSENT = ("shares", "watch_minutes")
NEEDED = "a line is a JSON object with id and insights: startDate and dailyView"
SERIES = {"dailyView": "views", "dailyShare": "shares", "dailyWatch": "watch_minutes"}
ID = r"[A-Za-z0-9_-]{11}"
DAY = rf"^([0-9]{{1,2}})\.([0-9]{{2}}|1)({ID})?$"  # 24.09, or 3.1 where a float lost October's zero
YEAR_DAY = r"^([0-9]{2})\.([0-9]{2})\.([0-9]{2})$"  # 17.14.11: year, day, month
MIDNIGHT = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00(?:\.0+)?Z$"


def open_trending(files: list[Path], names: dict[str, str], year: int | None) -> Found:
    """Trending lists: which videos were on them on a day, with the views until then."""
    opened = [open_list(path) for path in files]
    source = join_sources([each for each, _ in opened])
    ends = pl.Series([len(each.frame) for each, _ in opened]).cum_sum() - 1
    cut = ends.filter(pl.Series([is_cut for _, is_cut in opened]))
    names = pick(names, TRENDING, source.frame.columns)
    frame, dates = mend_dates(source.frame, names["time"], year)
    frame, ids = mend_ids(frame, names["item"])
    meant = {given: name for name, given in names.items()}
    last = meant.get(frame.columns[-1], frame.columns[-1])
    allowed = "a row has all cells of the header, and its quotes are closed"
    fault = Fault(last, cut, "is cut off", allowed, "Get the whole file.")
    source = dataclasses.replace(source, frame=frame)
    notes = [*dates, *ids]
    return Found(source, names, "cumulative", notes=notes, faults=[fault] * bool(len(cut)))


def open_list(path: Path) -> tuple[Source, bool]:
    """One trending list under the names of the edition of 2018, and whether its end is cut off."""
    raw, name = read_utf8(path), path.name.split(".csv")[0]
    try:
        source, cut = read_text(raw, path, ",", name), False
    except TableError:
        if raw.count(b'"') % 2 == 0:
            raise
        source, cut = read_text(raw + b'"', path, ",", name), True
    there = source.frame.columns
    chosen = {old: new for old, new in EDITIONS.items() if old in there and new not in there}
    blanks = [cell is None for row in source.frame.tail(1).rows() for cell in row[::-1]]
    short = bool(blanks) and blanks[0] and (blanks[1:2] == [True] or not raw.endswith(b","))
    cut = cut or (short and not raw.endswith(b"\n"))
    return dataclasses.replace(source, frame=source.frame.rename(chosen)), cut


def mend_dates(
    frame: pl.DataFrame, name: str, year: int | None
) -> tuple[pl.DataFrame, list[Check]]:
    """The frame with ISO dates, and how many had no year, had lost a zero, or an id joined on."""
    cells = frame[name].cast(pl.String).str.strip_chars()
    without_year = cells.str.contains(DAY).fill_null(False)
    if year is None and without_year.sum() * 2 > cells.count():
        first = cells.filter(without_year)[0]
        raise TableError(
            f"column {show(name)} holds dates without a year, such as {show(first)}; allowed: "
            "17.14.11 (year, day, month) or 2020-08-12T00:00:00Z. The first edition is of 2017: "
            'pass layout="youtube_trending_2017".'
        )
    iso = cells.str.replace(YEAR_DAY, "20${1}-${3}-${2}").str.replace(MIDNIGHT, "${1}")
    day, month = (cells.str.extract(DAY, i) for i in (1, 2))
    month = month.str.pad_end(2, "0")
    mended = pl.select(pl.format("{}-{}-{}", pl.lit(year), month, day.str.zfill(2))).to_series()
    joined = cells.str.extract(DAY, 3).is_not_null()
    floats = (cells.str.extract(DAY, 2) == "1").fill_null(False)
    notes: list[Check] = [
        ("dates without year", int(without_year.sum()), f"read as {year}"),
        ("dates that became floats", int(floats.sum()), "3.1 is read as 3 October"),
        ("joined rows", int(joined.sum()), "date kept; the row that followed is not in the file"),
    ]
    notes = [(check, rows, note if rows else None) for check, rows, note in notes]
    iso = iso.zip_with(~without_year, mended) if len(iso) else iso
    return frame.with_columns(iso.alias(name)), notes if year else []


def mend_ids(frame: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Check]]:
    """The frame with the ids that the links to thumbnails hold, where a video's own is broken."""
    if name != "video_id" or "thumbnail_link" not in frame.columns:
        return frame, []
    linked = frame["thumbnail_link"].str.extract(rf"/vi/({ID})/")
    broken = ~frame[name].str.contains(rf"^{ID}$").fill_null(False)
    rows = (broken & linked.is_not_null()).arg_true()
    mended = frame[name].scatter(rows, linked.gather(rows)) if len(rows) else frame[name]
    note = first_of(frame[name], rows)
    return frame.with_columns(mended), [("video ids mended from their links", len(rows), note)]


@dataclasses.dataclass(frozen=True, eq=False)
class Video:
    """The days of one video, what is odd about them, and why they cannot be used, if so."""

    days: pl.DataFrame
    odd: dict[str, bool]
    fault: str = ""


def open_insights(files: list[Path], names: dict[str, str]) -> Found:
    """Daily insights of videos, a JSON object a line: views, shares and watch time of each day."""
    sources, videos = [], []
    for path in files:
        for line, record, text in read_records(path):
            video = insights_of(record, text)
            if names["count"] in ABSENT and video.odd and not video.days[names["count"]].count():
                video = dataclasses.replace(video, days=video.days.clear())
            lines = pl.Series([line]).new_from_index(0, len(video.days))
            sources.append(placed(video.days, path.name, lines))
            videos.append(video)
    if not sources:
        raise TableError("the source holds no record; allowed: a JSON object a line. Check it.")
    source = join_sources(sources)
    names = pick(names, INSIGHTS, source.frame.columns)
    starts = pl.Series([0, *(len(video.days) for video in videos)]).cum_sum()
    faults = [
        Fault("time", starts.slice(i, 1), video.fault, NEEDED, "Mend or leave out the line.")
        for i, video in enumerate(videos)
        if video.fault
    ]
    odd = pl.DataFrame([video.odd for video in videos], schema=dict.fromkeys(ODD, pl.Boolean))
    notes = [
        (f"videos {name}", rows or 0, None) for name, rows in odd.sum().row(0, named=True).items()
    ]
    return Found(source, names, "incremental", "1d", notes=notes, faults=faults)


def insights_of(record: Record | None, text: str) -> Video:
    """The days that one record tells of; one row where it tells of none."""
    known = record or {}
    insights = known.get("insights")
    views = insights.get("dailyView") if isinstance(insights, dict) else None
    start, end = (day_of(texts_in(known, "insights", name)) for name in ("startDate", "endDate"))
    about = {
        "video_id": texts_in(known, "id"),
        "title": texts_in(known, "snippet", "title"),
        "published_at": texts_in(known, "snippet", "publishedAt"),
    }
    if not isinstance(insights, dict) or not isinstance(views, list) or not views or not start:
        fault = "is no JSON object" if record is None else "tells no days"
        return Video(days_of({"date": [text[:60] or about["video_id"]]}, about), {}, fault)
    days = pl.date_range(start, start + pl.duration(days=len(views) - 1), eager=True)
    series = {name: series_of(insights.get(old), len(views)) for old, name in SERIES.items()}
    published = day_of((about["published_at"] or "")[:10]) or start
    length = len(views) if end is None else (end - start).days + 1
    found = [start > published, length != len(views), *(series[n] is None for n in ABSENT)]
    odd = dict(zip(ODD, found, strict=True))
    return Video(days_of({"date": days.cast(pl.String)} | series, about), odd)


def day_of(text: str | None) -> date | None:
    """The date that a text says, if it says one."""
    found: date | None = pl.Series([text], dtype=pl.String).str.to_date("%Y-%m-%d", strict=False)[0]
    return found


def series_of(values: Any, days: int) -> pl.Series | None:
    """The values of so many days as texts; None where the record has not one for each."""
    if not isinstance(values, list) or len(values) != days:
        return None
    return pl.Series([text_of(value) for value in values], dtype=pl.String)


def days_of(series: dict[str, Any], about: dict[str, str | None]) -> pl.DataFrame:
    """A row for each day, with what is told of the video."""
    frame = pl.DataFrame({"date": series["date"]}, schema={"date": pl.String})
    values = (pl.lit(series.get(name), pl.String).alias(name) for name in SERIES.values())
    return frame.with_columns(
        *(pl.lit(text, pl.String).alias(name) for name, text in about.items()), *values
    )
