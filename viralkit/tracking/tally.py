"""Clicks counted by channel, and people by the channel of their first click."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from viralkit.cascades.keys import number_ids
from viralkit.compiled.fold_users import fold_users
from viralkit.tracking.labels import is_used

ACTIONS = ("sign_up", "conversion", "share")
PEOPLE = ("visitors", "sign_ups", "conversions", "known_shares", "brought", "squares", "unmatched")


def with_rank(clicks: pl.LazyFrame, scan: pl.LazyFrame, places: int) -> pl.LazyFrame:
    """The clicks with their rank: by time, visits first, then by the place of the channel."""
    time = pl.col("time").to_physical()
    first, last = scan.select(time.min(), last=time.max()).collect(engine="streaming").row(0)
    size = 2 * places
    dtype = pl.Int64 if ((last or 0) - (first or 0) + 1) * size < 2**63 else pl.Int128
    late = (~acted(clicks, "visit")).cast(dtype) * places
    return clicks.with_columns(rank=(time - first).cast(dtype) * size + late + pl.col("place"))


def tallied(clicks: pl.LazyFrame, places: int, in_memory: bool) -> pl.DataFrame:
    """The counts of each place, of clicks and of people."""
    if "user" not in clicks.collect_schema():
        return by_click(clicks).collect(engine="streaming")
    if in_memory and clicks.collect_schema()["rank"] == pl.Int64:
        table, people = by_click(clicks).collect(engine="streaming"), folded(clicks.collect())
    else:
        asked = [by_click(clicks), by_user(clicks)]
        table, people = pl.collect_all(asked, engine="streaming")
    people = people.with_columns(place=(pl.col("rank") % places).cast(pl.Int64))
    table = table.join(of_people(with_brought(people, clicks)), on="place", how="left")
    return table.with_columns(pl.col(*PEOPLE).fill_null(0))


def by_click(clicks: pl.LazyFrame) -> pl.LazyFrame:
    """Visits, flagged clicks, and what nobody known passed on, by the channel of the click."""
    columns = clicks.collect_schema().names()
    used = is_used(columns)
    nobody = pl.col("user").is_null() if "user" in columns else pl.lit(True)
    return clicks.group_by("place").agg(
        visits=(used & acted(clicks, "visit")).sum(),
        shares=(used & nobody & acted(clicks, "share")).sum(),
        flagged=(~used).sum(),
    )


def by_user(clicks: pl.LazyFrame) -> pl.LazyFrame:
    """The rank of each user's first click, and what they did."""
    used = clicks.filter(is_used(clicks.collect_schema().names()), pl.col("user").is_not_null())
    return used.group_by("user").agg(
        pl.min("rank"),
        sign_ups=acted(clicks, "sign_up").any(),
        conversions=acted(clicks, "conversion").any(),
        shares=acted(clicks, "share").sum(),
    )


def folded(clicks: pl.DataFrame) -> pl.DataFrame:
    """The same for clicks in memory, in a third of the time."""
    lazy = clicks.lazy()
    actions = [pl.when(acted(lazy, action)).then(i) for i, action in enumerate(ACTIONS, 1)]
    action = pl.coalesce(*actions, 0).cast(pl.UInt8).alias("action")
    rows = clicks.select(action, used=is_used(clicks.columns))
    numbers = numbered(clicks["user"])
    numbers = np.where(rows["used"].to_numpy(), numbers, -1)
    least, first, done = fold_users(
        numbers,
        clicks["rank"].to_numpy(),
        rows["action"].to_numpy(),
        int(numbers.max(initial=-1)) + 1,
    )
    known = first >= 0
    columns = {"user": clicks["user"].gather(first[known]), "rank": least[known]}
    sign_ups, conversions, shares = done[1:, known]
    columns |= {"sign_ups": sign_ups > 0, "conversions": conversions > 0, "shares": shares}
    return pl.DataFrame(columns)


def numbered(ids: pl.Series) -> NDArray[np.integer[Any]]:
    """A number for each id (below zero: missing); categories have one already."""
    if isinstance(ids.dtype, pl.Categorical | pl.Enum):
        return ids.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    return number_ids(ids)[0]


def acted(clicks: pl.LazyFrame, action: str) -> pl.Expr:
    """Whether a click is a visit, which is also what has no action, or another action."""
    if "action" not in clicks.collect_schema():
        return pl.lit(True if action == "visit" else None, pl.Boolean)
    return (pl.col("action") == action).fill_null(action == "visit")


def with_brought(people: pl.DataFrame, clicks: pl.LazyFrame) -> pl.DataFrame:
    """The users with how many others name them on the first click, and whether they name nobody."""
    if "referral" not in clicks.collect_schema():
        return people.with_columns(
            brought=pl.lit(None, pl.Int64), unmatched=pl.lit(None, pl.Boolean)
        )
    used = clicks.filter(is_used(clicks.collect_schema().names()))
    invited = used.filter(pl.col("referral") != "").select("user", "rank", "referral")
    first = invited.join(people.lazy().select("user", "rank"), on=["user", "rank"], how="semi")
    by_whom = first.group_by("user").agg(pl.col("referral").cast(pl.String).min())
    named = by_whom.filter(pl.col("user").cast(pl.String) != pl.col("referral"))
    others = named.rename({"referral": "id"}).collect(engine="streaming")
    brought = others.group_by("id").agg(brought=pl.len().cast(pl.Int64))
    people = people.with_columns(pl.col("user").cast(pl.String).alias("id"))
    strange = others.join(people, on="id", how="anti").select("user", unmatched=pl.lit(True))
    found = people.join(brought, on="id", how="left").join(strange, on="user", how="left")
    return found.with_columns(pl.col("brought").fill_null(0))


def of_people(people: pl.DataFrame) -> pl.DataFrame:
    """The users of each channel together."""
    return people.group_by("place").agg(
        pl.sum("sign_ups", "conversions", "brought", "unmatched"),
        visitors=pl.len(),
        known_shares=pl.sum("shares"),
        squares=pl.col("brought").pow(2).sum(),
    )
