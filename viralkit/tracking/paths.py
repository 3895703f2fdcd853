"""From clicks to paths: the channels of a person's sessions, up to each conversion."""

from dataclasses import dataclass

import polars as pl

from viralkit.tables import TableError, check
from viralkit.tracking.labels import label_clicks
from viralkit.tracking.matching import UNKNOWN
from viralkit.wording import show_names

INTERNAL = "internal"  # what label_clicks calls clicks from page to page of the site itself
DIRECT = "direct"  # and those without a tag and a referrer
DAY = 86_400_000_000  # microseconds
CODES = {"channel": pl.String, "code": pl.Int64}
CONVERSION = pl.col("action") == "conversion"


@dataclass(frozen=True)
class Paths:
    """Touches (unit, path, code, age, converted), sorted by path and time, and what they mean.

    `unit` numbers people from 0, `path` the paths; `code` is a channel's place in `channels`. One
    beyond them stands for the one touch of a conversion that no click led to. `age` is in days
    before the conversion. `left_out` counts rows that are excluded or flagged.
    """

    touches: pl.DataFrame
    channels: list[str]
    units: int
    left_out: int

    @property
    def conversions(self) -> int:
        """The number of paths that end in a conversion."""
        return self.touches.filter("converted")["path"].n_unique()


def find_paths(clicks: pl.DataFrame) -> Paths:
    """Which channels led each person up to each conversion, or to none?"""
    clicks = _checked(clicks)
    used = clicks.filter(pl.col("excluded").is_null() & pl.col("flag").is_null())
    if not used.select(CONVERSION.any()).item():
        raise TableError(
            f"no conversion among the {used.height:,} rows in use ({clicks.height:,} in all); "
            "attribution shares conversions out. Name them: action='conversion'."
        )
    known = used.filter(pl.col("user").is_not_null())
    strangers = used.filter(pl.col("user").is_null() & CONVERSION).height
    sessions = _sessions(known)
    touches = pl.concat([_up_to_conversions(sessions), _further(sessions)])
    people = known["user"].n_unique()
    touches = pl.concat([touches, _strangers(people, strangers)])
    return _numbered(touches, people + strangers, clicks.height - used.height)


def _checked(clicks: pl.DataFrame) -> pl.DataFrame:
    """A clicks table with users, actions, channels and sessions."""
    clicks = check(clicks, "clicks")
    if "user" not in clicks.columns or not clicks["user"].count():
        raise TableError(
            f"no user in the table; columns: {show_names(clicks.columns)}. Paths are those of "
            "people: add a column 'user' (a pseudonym will do: vk.pseudonymise)."
        )
    if not {"channel", "session"} <= set(clicks.columns):
        own = clicks.select(name for name in ("channel",) if name in clicks.columns)
        clicks = label_clicks(clicks).with_columns(own.get_columns())
    absent = [name for name in ("action", "flag", "excluded") if name not in clicks.columns]
    clicks = clicks.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)
    return clicks.with_columns(pl.col("channel").cast(pl.String).fill_null(UNKNOWN))


def _sessions(known: pl.DataFrame) -> pl.DataFrame:
    """A row a session: its first click from outside, if there is one, and its conversions.

    A conversion that opens the session is such a click if a tag or referrer tells where it is from;
    a direct one is `otherwise` the channel, where the path has no touch. A click that comes after
    the session's first conversion led to none of them. Of clicks at one time the first channel by
    name counts.
    """
    rows = known.select(
        pl.col("user").rank("dense").cast(pl.UInt32) - 1,
        "session",
        "channel",
        "time",
        conversion=CONVERSION.fill_null(False),
    ).sort("user", "session", "time", "conversion", "channel")
    keys, sign = ["user", "session"], pl.col("conversion")
    opens = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in keys)
    rows = rows.with_columns(opens=opens | (pl.int_range(pl.len()) == 0))
    before = sign.cast(pl.Int32).cum_sum().over(keys) == 0
    led = before | (pl.col("opens") & ~pl.col("channel").is_in([DIRECT, UNKNOWN]))
    outside = led & (pl.col("channel") != INTERNAL)
    first = rows.filter(outside).unique(keys, keep="first", maintain_order=True)
    direct = pl.col("channel").filter(pl.col("opens") & (pl.col("channel") == DIRECT)).first()
    signed = rows.filter(sign).group_by(keys)
    ends = signed.agg(pl.len().alias("conversions"), end=pl.min("time"), otherwise=direct)
    both = first.drop("conversion", "opens").join(
        ends, keys, "full", coalesce=True, nulls_equal=True
    )
    both = both.sort("user", pl.coalesce("time", "end"), maintain_order=True)
    done = pl.col("conversions").is_not_null()
    both = both.with_columns(turn=(done.cum_sum().over("user") - done).cast(pl.Int64))
    return both.with_columns(end=pl.col("end").max().over("user", "turn"))


def _up_to_conversions(sessions: pl.DataFrame) -> pl.DataFrame:
    """The touches of each path: the sessions since the conversion before."""
    age = (pl.col("end") - pl.col("time")).dt.total_microseconds() / DAY
    nothing = pl.col("channel").is_null()
    empty = nothing.all().over("user", "turn") & pl.col("conversions").is_not_null()
    return sessions.filter(~nothing | empty).select(
        "user",
        "turn",
        pl.coalesce("channel", "otherwise"),
        age=age.fill_null(0.0).clip(0.0),
        converted=pl.col("end").is_not_null(),
        further=pl.lit(0, pl.Int64),
    )


def _further(sessions: pl.DataFrame) -> pl.DataFrame:
    """The second and later conversions of a session: each has that session as its path."""
    return (
        sessions.filter(pl.col("conversions") > 1)
        .select(
            "user",
            "turn",
            pl.coalesce("channel", "otherwise"),
            age=pl.lit(0.0),
            converted=pl.lit(True),
            further=pl.int_ranges(1, pl.col("conversions")),
        )
        .explode("further")
    )


def _strangers(first: int, number: int) -> pl.DataFrame:
    """Conversions of nobody in particular: each is a unit of its own, without a touch."""
    units = pl.DataFrame({"user": pl.int_range(first, first + number, eager=True)})
    return units.select(
        pl.col("user").cast(pl.UInt32),
        turn=pl.lit(0, pl.Int64),
        channel=pl.lit(None, pl.String),
        age=pl.lit(0.0),
        converted=pl.lit(True),
        further=pl.lit(0, pl.Int64),
    )


def _numbered(touches: pl.DataFrame, units: int, left_out: int) -> Paths:
    """Number paths and channels; paths lie one after the other, in the order of time."""
    key = ["user", "turn", "further"]
    touches = touches.sort(key, maintain_order=True)
    channels = sorted(touches["channel"].drop_nulls().unique())
    codes = pl.DataFrame({"channel": channels, "code": range(len(channels))}, CODES)
    new = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in key)
    return Paths(
        touches.join(codes, "channel", "left", maintain_order="left").select(
            new.fill_null(False).cum_sum().cast(pl.Int64).alias("path"),
            pl.col("code").fill_null(len(channels)),
            "age",
            "converted",
            unit=pl.col("user").cast(pl.Int64),
        ),
        channels,
        units,
        left_out,
    )
