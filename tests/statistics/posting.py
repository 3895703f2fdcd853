"""Accounts that share things at the hours when people are awake, and groups that act as one."""

import numpy as np
import polars as pl

START = 1_588_291_200  # 2020-05-01
RHYTHM = np.exp(2.5 * np.cos((np.arange(24) - 20) / 24 * 2 * np.pi))
RHYTHM /= RHYTHM.sum()  # the busiest hour has 150 times the shares of the quietest


def moments(rng: np.random.Generator, days: int, size: int) -> np.ndarray:
    """Seconds with the rhythm of the day, more of them towards the end of each hour."""
    hours = rng.integers(0, days, size) * 24 + rng.choice(24, size, p=RHYTHM)
    return 3600 * (hours + np.sqrt(rng.random(size)))


def independent(
    rng: np.random.Generator, *, accounts: int, things: int, each: int, days: int
) -> pl.DataFrame:
    """Every account shares things of its own choice, at times of its own."""
    many = np.minimum((each * rng.lognormal(0, 0.7, accounts)).astype(int) + 1, things)
    thing = np.concatenate([rng.choice(things, size, replace=False) for size in many])
    user = np.repeat(np.arange(accounts), many)
    return pl.DataFrame({"thing": thing, "user": user, "second": moments(rng, days, len(user))})


def in_sittings(
    rng: np.random.Generator, *, accounts: int, things: int, each: int, days: int
) -> pl.DataFrame:
    """Each account shares, in four hours a day, some of that hour's things within a minute."""
    hours = [
        24 * day + rng.choice(15, 4, replace=False) for _ in range(accounts) for day in range(days)
    ]
    hour = np.concatenate(hours)
    thing = [things * h + rng.choice(things, each, replace=False) for h in hour]
    start = np.repeat(3600 * hour + 3540 * rng.random(len(hour)), each)
    user = np.repeat(np.arange(accounts), 4 * days * each)
    second = start + 60 * rng.random(len(start))
    return pl.DataFrame({"thing": np.concatenate(thing), "user": user, "second": second})


def planted(rng: np.random.Generator, shares: pl.DataFrame, group: int, size: int) -> pl.DataFrame:
    """The first accounts also share some things within four seconds of each other."""
    things = rng.choice(int(shares["thing"].max()) + 1, size, replace=False)
    days = int(shares["second"].max() // 86_400) + 1
    second = np.tile(moments(rng, days, size), group) + 4 * rng.random(group * size)
    user = np.repeat(np.arange(group), size)
    together = pl.DataFrame({"thing": np.tile(things, group), "user": user, "second": second})
    return pl.concat([together, shares]).unique(["thing", "user"], keep="first")


def as_events(shares: pl.DataFrame) -> pl.DataFrame:
    """An events table of them."""
    clock = (pl.col("second") * 1e6 + START * 1e6).cast(pl.Int64).cast(pl.Datetime("us"))
    return shares.select(
        cascade_id=pl.format("link {}", "thing"),
        event_id=pl.int_range(pl.len()).cast(pl.String),
        user=pl.format("account {}", "user"),
        time="second",
        timestamp=clock.dt.replace_time_zone("UTC"),
    )
