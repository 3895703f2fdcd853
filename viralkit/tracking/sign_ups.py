"""The table of sign-ups: who came when, and by whose invitation."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from viralkit.cascades.keys import exact_keys_of, keys_of
from viralkit.cascades.links import Groups, collides, find_places
from viralkit.rules import column_rules
from viralkit.schema import Column
from viralkit.tables import UTC_TIME, TableError, require_polars, wanted_dtype, wrong_dtype
from viralkit.wording import nearest, show, show_names

COLUMNS = {
    "user": Column("id", required=True),
    "invited_by": Column("id"),
    "time": Column("moment", required=True),
}
ALSO = {"invited_by": ("referral", "referred_by", "referrer_id", "inviter", "parent_id")}
NOBODY, UNKNOWN = -1, -2
Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SignUps:
    """The rows that are used, in order of time, and for each of them the row of its inviter.

    `inviter` is NOBODY where none is named, UNKNOWN where the one named did not sign up.
    `seconds` runs from the first sign-up; `delay` from the inviter's sign-up (nan: no inviter).
    `dated`: times are dates, and of a day nobody knows who came first.
    """

    frame: pl.DataFrame
    inviter: Places
    seconds: NDArray[np.float64]
    dated: bool

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the inviter is in the table, and another user."""
        return np.asarray((self.inviter >= 0) & (self.inviter != np.arange(len(self.inviter))))

    @property
    def delay(self) -> NDArray[np.float64]:
        """Seconds from the inviter's sign-up to that of the invited."""
        gap = self.seconds - self.seconds[np.maximum(self.inviter, 0)]
        return np.where(self.known, gap, np.nan)


def read_sign_ups(sign_ups: pl.DataFrame) -> SignUps:
    """Check the table, put it in order of time and find every inviter."""
    frame = check_sign_ups(sign_ups)
    if "excluded" in frame.columns:
        frame = frame.filter(pl.col("excluded").is_null())
    if frame.is_empty():
        raise TableError("no sign-ups to use; at least one row is needed. Pass more rows.")
    frame = frame.sort("time", maintain_order=True).rechunk()
    time = frame["time"].to_physical().to_numpy()
    dated = sign_ups.schema["time"] == pl.Date
    return SignUps(frame, find_inviters(frame), (time - time[0]) / 1e6, dated)


def check_sign_ups(sign_ups: pl.DataFrame) -> pl.DataFrame:
    """Refuse what is no table of sign-ups: user, invited_by (null: nobody), time (UTC or Date)."""
    frame = require_polars(sign_ups)
    absent = [name for name in COLUMNS if name not in frame.columns]
    if absent:
        free = [name for name in frame.columns if name not in COLUMNS]
        usual = [name for name in ALSO.get(absent[0], ()) if name in free]
        near = usual[0] if usual else nearest(absent[0], free)
        raise TableError(
            f"column {show(absent[0])} not found; columns: {show_names(frame.columns)}. "
            f"Rename it: frame.rename({{{show(near or 'yours')}: {show(absent[0])}}})."
        )
    if frame.schema["time"] == pl.Date:
        frame = frame.with_columns(
            pl.col("time").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        )
    dtypes = {n: wanted_dtype(c.family, frame.schema[n], UTC_TIME) for n, c in COLUMNS.items()}
    wrong = [wrong_dtype(frame[n], COLUMNS[n].family) for n, dtype in dtypes.items() if not dtype]
    if wrong:
        raise TableError("\n".join(wrong))
    frame = frame.with_columns(
        pl.col("user", "invited_by").cast(pl.String), pl.col("time").cast(UTC_TIME)
    )
    rules = [r for n, c in COLUMNS.items() for r in column_rules(n, c, frame.schema[n], False)]
    broken = frame.select(rule.broken.any().alias(str(i)) for i, rule in enumerate(rules)).row(0)
    problems = [rule for rule, bad in zip(rules, broken, strict=True) if bad]
    if problems:
        raise TableError("\n".join(rule.describe(frame) for rule in problems))
    return frame


def find_inviters(frame: pl.DataFrame) -> Places:
    """The row of each user's inviter; a user who signs up twice is refused."""
    user, inviter = frame["user"], frame["invited_by"]
    named = inviter.is_not_null().to_numpy()
    everybody = Groups(user.head(1), np.array([0, len(user)]), None)
    keyed = keys_of(user, inviter)
    found, twin = find_places(keyed, named, everybody)
    if not keyed.exact and collides(user, inviter, everybody, found, twin):
        found, twin = find_places(exact_keys_of(user, inviter), named, everybody)
    if twin[0] >= 0:
        raise TableError(
            f"user {show(user[int(twin[0])])} signs up twice; allowed: one row a user. Keep the "
            'first: sign_ups.sort("time").unique("user", keep="first", maintain_order=True).'
        )
    return np.asarray(found)
