"""A simulated world written down as a log of clicks."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from viralkit.tracking.links import tracked_url
from viralkit.tracking.worlds import Draws, Floats, Integers, World

START = datetime(2026, 3, 2, tzinfo=UTC)
SITE = "https://shop.example/"
CODE = "REFERRAL"  # where a person's code stands in the template of a link
MINUTE = 1 / 1440  # days
PAGES = 0.4  # the share of visits with a second page
CRAWLERS = 0.05  # clicks of crawlers for each visit
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15) Chrome/138.0.0.0 Mobile Safari/537.36",
)
PREVIEWS = ("WhatsApp/2.25", "facebookexternalhit/1.1", "TelegramBot (like TwitterBot)")
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def write_log(
    rng: np.random.Generator, world: World, draws: Draws, table: pl.DataFrame
) -> tuple[pl.DataFrame, Integers]:
    """The log of a world, and how many visits came by each channel's links."""
    inviter = np.append(np.full(len(draws.wants), -1), draws.parent)
    visits = _visits(world, draws, inviter)
    second = visits.filter(pl.Series(rng.random(visits.height) < PAGES))
    signed, done = np.flatnonzero(world.signed), np.flatnonzero(np.isfinite(world.converts))
    sharer = world.asked
    shares = _rows(sharer, world.first_time[sharer] + 4 * MINUTE, "share", sharer)
    parts = [
        _tagged(visits, table),
        _inside(second.select("person", pl.col("day") + MINUTE, "action"), "more"),
        _inside(_rows(signed, world.first_time[signed] + 2 * MINUTE, "sign_up", inviter[signed])),
        _inside(shares),
        _inside(_rows(done, world.converts[done] + 5 * MINUTE, "conversion"), "thanks"),
        _tagged(_previews(rng, shares, table), table),
        _tagged(_crawlers(rng, visits, table), table),
    ]
    browsers = pl.Series(rng.choice(BROWSERS, len(inviter)), dtype=pl.String)
    log = pl.concat(parts, how="diagonal").sort("day", maintain_order=True)
    browser = browsers.gather(log["person"].fill_null(0))
    seconds = (log["day"] * 86_400).round().cast(pl.Int64) * 1_000_000
    known = log.select(
        (seconds + int(START.timestamp() * 1e6)).cast(pl.Datetime("us", "UTC")).alias("time"),
        "url",
        "source",
        "medium",
        "referrer",
        pl.format("u{}", "person").alias("user"),
        "action",
        pl.format("u{}", "referral"),
        agent=pl.coalesce("agent", browser),
    )
    return known, np.bincount(visits["channel"].to_numpy(), minlength=table.height)[: table.height]


def _rows(
    person: Integers, day: Floats, action: str, referral: Integers | None = None
) -> pl.DataFrame:
    """Rows of the log; a person or a referral below zero is none."""
    codes = np.full(len(person), -1) if referral is None else referral
    frame = pl.DataFrame({"person": person, "day": day, "referral": codes})
    numbers = pl.col("person", "referral").cast(pl.Int64)
    return frame.with_columns(pl.when(numbers >= 0).then(numbers), action=pl.lit(action))


def _visits(world: World, draws: Draws, inviter: Integers) -> pl.DataFrame:
    """The first click of each session: by a link, as a friend, or coming back to convert."""
    friends = np.flatnonzero(world.signed & (inviter >= 0))
    back = np.flatnonzero(world.returns)
    person = np.concatenate([draws.person[world.seen], friends, back])
    day = np.concatenate([draws.time[world.seen], world.first_time[friends], world.converts[back]])
    channel = [draws.channel[world.seen], world.first_channel[friends], world.back[back]]
    codes = np.full(len(person), -1)
    codes[world.seen.sum() :][: len(friends)] = inviter[friends]
    visits = _rows(person, day, "visit", codes)
    return visits.with_columns(channel=pl.Series(np.concatenate(channel)))


def _inside(rows: pl.DataFrame, page: str = "") -> pl.DataFrame:
    """Rows that come from a page of the site itself."""
    return rows.with_columns(url=pl.lit(SITE + page), referrer=pl.lit(SITE))


def _previews(rng: np.random.Generator, shares: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """A messenger or network looks up each link that is shared."""
    invitation = table["drawn_by"].to_list().index("invitation") if shares.height else 0
    return shares.with_columns(
        pl.lit(None, pl.Int64).alias("person"),
        pl.lit("visit").alias("action"),
        agent=pl.Series(rng.choice(PREVIEWS, shares.height), dtype=pl.String),
        channel=pl.lit(invitation, pl.Int64),
    )


def _crawlers(rng: np.random.Generator, visits: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Crawlers follow links of all channels at any time."""
    many = int(rng.poisson(CRAWLERS * visits.height)) if table.height else 0
    nobody, last = np.full(many, -1), visits["day"].max() if visits.height else 1.0
    rows = _rows(nobody, rng.uniform(0, float(last or 1.0), many), "visit")  # type: ignore[arg-type]
    channel = pl.Series(rng.integers(0, max(table.height, 1), many))
    return rows.with_columns(agent=pl.lit(CRAWLER), channel=channel)


def _tagged(rows: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Rows with the link of their channel; the site's own address for direct visits."""
    pairs = table.select("source", "medium").rows()
    schema = dict.fromkeys(("plain", "coded", "source", "medium"), pl.String)
    tags = pl.DataFrame([(*_links(*pair), *pair) for pair in pairs], schema, orient="row")
    tags = tags.with_columns(channel=pl.int_range(pl.len(), dtype=pl.Int64))
    found = rows.join(tags, "channel", "left", maintain_order="left")
    code = pl.format("u{}", "referral")
    coded = pl.col("coded").str.replace(CODE, code, literal=True)
    url = pl.when(pl.col("referral").is_null()).then("plain").otherwise(coded)
    return found.with_columns(url=url.fill_null(SITE)).drop("plain", "coded", "channel")


def _links(source: str, medium: str) -> tuple[str, str]:
    """The link of a channel, and the same with the place of a personal code."""
    tags = {"source": source, "medium": medium}
    return tracked_url(SITE, tags), tracked_url(SITE, {**tags, "referral": CODE})
