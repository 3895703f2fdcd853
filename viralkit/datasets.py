"""The data sets that ship with the kit: one loader a table, and what every column means.

Types, units, descriptions, licences and sources come from `data/<dataset>/datapackage.json`, the
only metadata. Loaders return every row; models and charts leave out rows whose `excluded` is not
null and say how many.
"""

import json
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

import polars as pl

_DTYPES: dict[str, type[pl.DataType]] = {
    "string": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "date": pl.Date,
    "boolean": pl.Boolean,
}
_PARTS = ("columns", "sources", "about")


def datasets() -> pl.DataFrame:
    """Which data sets ship with the kit?

    Returns
    -------
    polars.DataFrame
        One row a table: dataset, table, loader, rows, title.

    Examples
    --------
    >>> datasets().filter(pl.col("dataset") == "charlie")["loader"].to_list()
    ['load_charlie_views', 'load_charlie_happenings']
    """
    rows = [
        (dataset, name, f"load_{name}", _load(dataset, name).height, resource["title"])
        for dataset in _names()
        for name, resource in _resources(dataset).items()
    ]
    return pl.DataFrame(rows, ["dataset", "table", "loader", "rows", "title"], orient="row")


def describe(
    dataset: str, *, part: Literal["columns", "sources", "about"] = "columns"
) -> pl.DataFrame:
    """What does each column of a data set mean, where is it from, and what is it good for?

    Parameters
    ----------
    dataset : str
        A data set of `datasets()`, such as "charlie".
    part : {"columns", "sources", "about"}
        Every column; every source that `reference` names; or how the data were collected, what is
        missing and odd, and the licence.

    Returns
    -------
    polars.DataFrame
        columns: table, column, type, unit, description; sources: name, title, path (null without
        an address); about: property, text.

    Raises
    ------
    ValueError
        If the data set or the part is not known; the message names the known ones.

    Examples
    --------
    >>> describe("charlie").row(3)[:4]
    ('charlie_views', 'count', 'integer', 'see column unit')
    >>> describe("charlie", part="about")["property"].to_list()
    ['title', 'description', 'licence', 'charlie_views', 'charlie_happenings']
    """
    _require("data set", dataset, _names(), "datasets() lists them.")
    _require("part", part, _PARTS, 'Pass part="columns".')
    if part == "columns":
        return _columns(dataset)
    if part == "sources":
        keys = ("name", "title", "path")
        rows = [[source.get(key) for key in keys] for source in _package(dataset)["sources"]]
        return pl.DataFrame(rows, dict.fromkeys(keys, pl.String), orient="row")
    package, tables = _package(dataset), _resources(dataset).items()
    licences = [f"{x['name']}: {x['title']} ({x['path']})" for x in package["licenses"]]
    about = {"title": package["title"], "description": package["description"]}
    about |= {"licence": "; ".join(licences)} | {name: x["description"] for name, x in tables}
    return pl.DataFrame({"property": list(about), "text": list(about.values())})


def load_charlie_views() -> pl.DataFrame:
    """How many views had "Charlie Bit My Finger", and on which day?

    A counts table: cumulative views 2007-2022 with bounds, date intervals and `origin`. Everything
    before March 2009 rests on secondary sources; `excluded` holds the doubtful and undated rows.

    >>> load_charlie_views().filter(pl.col("excluded").is_null()).height
    63
    """
    return _load("charlie", "charlie_views")


def load_charlie_happenings() -> pl.DataFrame:
    """What happened to "Charlie Bit My Finger", and when?

    A happenings table, 2007-2024: television, press, ranks, the sale as NFT. Ranks follow views.

    >>> load_charlie_happenings()["label"][0]
    'Uploaded to YouTube'
    """
    return _load("charlie", "charlie_happenings")


def load_viral_videos_views() -> pl.DataFrame:
    """How fast did other viral videos and campaigns grow?

    A counts table of 18 items, 2004-2023, told apart by `item` and `metric`: fit within one pair
    only. `production` is amateur or professional; the Ice Bucket Challenge is in US dollars.

    >>> load_viral_videos_views()["item"].n_unique()
    18
    """
    return _load("viral_videos", "viral_videos_views")


def load_viral_videos_engagement() -> pl.DataFrame:
    """How many likes, comments, shares and donors did viral videos draw?

    A counts table of single figures: too few to fit, good for ratios to views of the same day.

    >>> load_viral_videos_engagement().height
    18
    """
    return _load("viral_videos", "viral_videos_engagement")


def load_referral_products_users() -> pl.DataFrame:
    """How many users had Hotmail, Skype, Dropbox, ICQ, Gmail and PayPal?

    A counts table, 1996-2016. Users, registered and active users are told apart by `metric`.
    Hotmail's sources contradict one another: a lesson, not a fit.

    >>> load_referral_products_users()["excluded"].drop_nulls().unique().sort().to_list()
    ['conflict', 'duplicate', 'scope', 'undated']
    """
    return _load("referral_products", "referral_products_users")


def load_referral_products_figures() -> pl.DataFrame:
    """What did referral do for Hotmail and Dropbox, as blogs and books tell it?

    Undated figures (`value`, or words in `value_text`) that quote one another: low trust.

    >>> load_referral_products_figures()["value_text"].drop_nulls().to_list()
    ['couple of hundred']
    """
    return _load("referral_products", "referral_products_figures")


def load_cloverfield_daily() -> pl.DataFrame:
    """What did "Cloverfield" take on each of its 84 days in US cinemas?

    A counts table in US dollars with theaters and rank. Weekends follow from the days; those of
    18 January and 15 February 2008 have a holiday Monday.

    >>> load_cloverfield_daily()["count"].sum()
    80048433
    """
    return _load("cloverfield", "cloverfield_daily")


def load_cloverfield_happenings() -> pl.DataFrame:
    """What did the campaign for "Cloverfield" do, and what did fans and press do?

    A happenings table, 2007-2008. `dated` says whether time is the day of the event or the report.

    >>> load_cloverfield_happenings()["origin"].unique().sort().to_list()
    ['data', 'fan', 'official', 'press']
    """
    return _load("cloverfield", "cloverfield_happenings")


def load_cloverfield_attention() -> pl.DataFrame:
    """How much attention did "Cloverfield" draw, as far as anybody measured?

    Scattered figures (`value`, or words in `value_text`): no daily series of buzz exists.

    >>> load_cloverfield_attention().height
    36
    """
    return _load("cloverfield", "cloverfield_attention")


def load_films() -> pl.DataFrame:
    """What did 27 films cost, how were they reviewed, and what did they take in all?

    One row a film; `item` joins it to the weekends and days. Not a sample; review scores were read
    in different years. Amounts are US dollars of the day.

    >>> load_films().height
    27
    """
    return _load("films", "films")


def load_films_weekends() -> pl.DataFrame:
    """What did each of 27 films take on each weekend?

    A counts table of three-day weekends in US dollars with theaters and the total so far. Two films
    lack most early weekends; the return of "Get Out" to cinemas is excluded.

    >>> load_films_weekends().height
    398
    """
    return _load("films", "films_weekends")


def load_films_opening_days() -> pl.DataFrame:
    """What did 25 films take on each of their first ten days in wide release?

    A counts table in US dollars. Fridays include midnight shows, from about 2012 also Thursday
    previews: compare the change from Friday to Saturday within years only.

    >>> load_films_opening_days().group_by("item").len()["len"].unique().to_list()
    [10]
    """
    return _load("films", "films_opening_days")


def load_films_legs() -> pl.DataFrame:
    """How long do films last in cinemas, by reviews and period?

    Our own aggregate of 1,327 wide US openings of 2000-2014 in twelve cells: quartiles of total
    over opening weekend, median changes in percent. No multiplier is known before 2005.

    >>> load_films_legs()["films"].sum()
    1327
    """
    return _load("films", "films_legs")


def load_literature_effects() -> pl.DataFrame:
    """How large were the effects of viral marketing that studies have published?

    61 figures by topic, study and metric; `evidence` says how far each is from its study: quote
    accordingly. Without standard errors, which the pages read do not give.

    >>> load_literature_effects()["evidence"].unique().sort().to_list()
    ['abstract', 'author', 'press', 'secondary']
    """
    return _load("literature", "literature_effects")


def _data_home() -> Path:
    here = Path(__file__).parent
    homes = here / "_data", here.parent / "data"
    return homes[0] if homes[0].is_dir() else homes[1]


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in _data_home().glob("*/datapackage.json")))


@cache
def _package(dataset: str) -> dict[str, Any]:
    text = (_data_home() / dataset / "datapackage.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _resources(dataset: str) -> dict[str, dict[str, Any]]:
    return {resource["name"]: resource for resource in _package(dataset)["resources"]}


def _load(dataset: str, table: str) -> pl.DataFrame:
    resource = _resources(dataset)[table]
    dtypes = {field["name"]: _DTYPES[field["type"]] for field in resource["schema"]["fields"]}
    return pl.read_csv(_data_home() / dataset / resource["path"], schema_overrides=dtypes)


def _columns(dataset: str) -> pl.DataFrame:
    keys = ("name", "type", "unit", "description")
    rows = [
        [table, *map(field.get, keys)]
        for table, resource in _resources(dataset).items()
        for field in resource["schema"]["fields"]
    ]
    schema = dict.fromkeys(("table", "column", *keys[1:]), pl.String)
    return pl.DataFrame(rows, schema, orient="row")


def _require(what: str, value: object, allowed: tuple[str, ...], step: str) -> None:
    if value in allowed:
        return
    near = get_close_matches(str(value), allowed, n=1, cutoff=0.4)
    nearest = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{what} {value!r} not found; {what}s: {list(allowed)}.{nearest} {step}")
