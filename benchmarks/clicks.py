"""Clicks to the table of channels beside pandas, in memory and from Parquet."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

import viralkit as vk
from benchmarks.cascades import Cost, cheapest, cost
from benchmarks.timing import Row, seconds

CLICKS, USERS = 20_000_000, 2_000_000
SOURCES = ["newsletter", "facebook", "telegram", "t.co", "google", "shop", "reddit", None]
MEDIUMS = ["email", "social", "referral", "cpc", "qr", None]
SITES = [f"site{i}.example" for i in range(2_000)] + ["facebook.com", "t.me", "google.com"]
ACTIONS = ["visit", "share", "sign_up", "conversion"]
SCAN = """
import json, polars as pl, viralkit as vk
from benchmarks.cascades import cost
vk.channel_table(pl.scan_parquet({path!r}).head(1000))
found = cost(lambda: vk.channel_table(pl.scan_parquet({path!r})))
print(json.dumps([found.cpu, found.wall, found.memory]))
"""


def rows() -> list[Row]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "clicks.parquet")
        for kind in ("categories", "text"):
            table = clicks(kind)
            table.write_parquet(path)
            found += memory_rows(table, kind)
            del table
            scan = scanned(path)
            size = f"{CLICKS:,} clicks, {USERS:,} users"
            megabytes = Path(path).stat().st_size / 1e6
            note = f"{scan.note()} of a process of its own; file {megabytes:,.0f} MB"
            task = f"channel_table, {kind}, from Parquet"
            found.append(Row(task, size, scan.cpu, "in memory", found[-1].viralkit, note))
    return [*found, pseudonyms()]


def clicks(kind: str) -> pl.DataFrame:
    """Clicks in order of time; ids, sources and actions as categories or as text."""
    rng = np.random.default_rng(1)
    user = (USERS * rng.random(CLICKS) ** 1.5).astype(np.int64)  # some click often

    def pick(names: list[str | None], share: list[float] | None = None) -> pl.Series:
        places = rng.choice(len(names), CLICKS, p=share).astype(np.uint32)
        return pl.Series(names, dtype=pl.String).gather(pl.Series(places))

    shared = pl.Series(rng.integers(0, USERS, CLICKS)).cast(pl.String)
    frame = pl.DataFrame(
        {
            "time": pl.Series(np.sort(rng.integers(0, 10**14, CLICKS))).cast(pl.Datetime("us")),
            "link_id": pick(["a", "b", "c"]),
            "source": pick(SOURCES),
            "medium": pick(MEDIUMS),
            "referrer": pick(SITES),
            "user": pl.Series(user).cast(pl.String),
            "action": pick(ACTIONS, [0.9, 0.05, 0.02, 0.03]),
            "referral": shared.set(pl.Series(rng.random(CLICKS) > 0.1), None),
        }
    ).with_columns(pl.col("time").dt.replace_time_zone("UTC"))
    texts = pl.selectors.string()
    return frame.with_columns(texts.cast(pl.Categorical)) if kind == "categories" else frame


def memory_rows(table: pl.DataFrame, kind: str) -> list[Row]:
    """From the raw columns, and with channels given, which is what pandas starts from."""
    size = f"{CLICKS:,} clicks, {USERS:,} users"
    vk.channel_table(table.head(1000))
    raw = cheapest(lambda: vk.channel_table(table), 2)
    named = table.select("time", "link_id", "user", "action", "referral", channel="source")
    given = cheapest(lambda: vk.channel_table(named), 2)
    frame = pd.DataFrame(
        {name: named[name].to_numpy() for name in ("time",)}
        | {name: categories(named[name]) for name in ("user", "action", "channel")}
    )
    answer: list[pd.DataFrame] = []
    peer = cost(lambda: answer.append(by_pandas(frame)))
    agree(vk.channel_table(named), answer[0])
    name = f"pandas {pd.__version__}"
    told = f"pandas: wall {peer.wall:.2f} s"
    return [
        Row(f"channel_table, {kind}", size, given.cpu, name, peer.cpu, f"{given.note()}; {told}"),
        Row(f"channel_table, {kind}, rules too", size, raw.cpu, name, peer.cpu, raw.note()),
    ]


def categories(column: pl.Series) -> pd.Categorical:
    """The same column for pandas, which is quickest on categories."""
    coded = column.cast(pl.Categorical)
    codes = coded.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    names, places = np.unique(codes, return_inverse=True)
    texts = coded.gather(np.unique(codes, return_index=True)[1]).cast(pl.String).to_list()
    shift = int(names[0] == -1)
    return pd.Categorical.from_codes(places - shift, texts[shift:])


def by_pandas(frame: pd.DataFrame) -> pd.DataFrame:
    """Visits, visitors by first touch, and those who converted; no intervals, nobody brought."""
    visits = frame["channel"][frame["action"] == "visit"].value_counts()
    first = frame.sort_values("time", kind="stable").drop_duplicates("user")
    first = first.set_index("user")["channel"]
    wins = frame["user"][frame["action"] == "conversion"].unique()
    converted = pd.Series(first.index.isin(wins), index=first.index)
    people = converted.groupby(first, observed=True).agg(["size", "sum"])
    return people.join(visits.rename("visits"))


def agree(mine: pl.DataFrame, theirs: pd.DataFrame) -> None:
    """Stop where the two differ by more than first touches at one time."""
    mine = mine.drop_nulls("channel")
    for ours, name in (("visits", "visits"), ("visitors", "size"), ("conversions", "sum")):
        other = theirs.loc[mine["channel"].to_list(), name].to_numpy()
        if not np.allclose(mine[ours], other, rtol=1e-4):
            raise SystemExit(f"channel_table: viralkit and pandas disagree about {ours}")


def scanned(path: str) -> Cost:
    """What a scan of the file costs in a process that holds nothing else."""
    code = [sys.executable, "-c", SCAN.format(path=path)]
    done = subprocess.run(code, check=True, capture_output=True, text=True)
    return Cost(*json.loads(done.stdout))


def pseudonyms() -> Row:
    """A million different ids; the least that Python must do is to hash each of them."""
    import hashlib

    table = pl.DataFrame({"user": range(10**6)})
    texts = [str(i).encode() for i in range(10**6)]
    mine = cheapest(lambda: vk.pseudonymise(table, "user", b"0" * 32))
    peer = cost(lambda: [hashlib.sha256(text).hexdigest() for text in texts])
    note = f"{mine.note()}; {seconds(mine.cpu / 10**6)} an id"
    return Row("pseudonymise", "1 M ids", mine.cpu, "hashlib.sha256, no key", peer.cpu, note)
