"""Labels of clicks: sessions by user, programs by agent, and what is left as it was."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import viralkit as vk
from viralkit.reading.clicks import read_clicks

START = datetime(2024, 5, 1, tzinfo=UTC)


def clicks(minutes, **columns):
    """Clicks at so many minutes after the start."""
    time = [None if m is None else START + timedelta(minutes=m) for m in minutes]
    dtypes = {"time": pl.Datetime("us", "UTC")}
    return pl.DataFrame({"time": time, "link_id": "a", **columns}, schema_overrides=dtypes)


def test_sessions_end_after_a_gap():
    table = clicks([0, 10, 40, 70.001, 200], user="ann")
    assert vk.label_clicks(table)["session"].to_list() == [1, 1, 1, 2, 3]
    assert vk.label_clicks(table, inactivity_minutes=29.9)["session"].to_list() == [1, 1, 2, 3, 4]


def test_sessions_do_not_depend_on_the_order_of_rows_nor_on_other_users():
    table = clicks([500, 0, 90, 10, 100, 5], user=["ann", "bob", "ann", "ann", None, "bob"])
    assert vk.label_clicks(table)["session"].to_list() == [3, 1, 2, 1, None, 1]
    assert vk.label_clicks(table)["session"].dtype == pl.Int64


def by_hand(rows, gap):
    """Session numbers, one user after the other, by a loop."""
    found, last, number = {}, {}, {}
    for place in sorted(range(len(rows)), key=lambda i: rows[i][0]):
        minute, user = rows[place]
        if user is None:
            found[place] = None
            continue
        if user not in last or minute - last[user] > gap:
            number[user] = number.get(user, 0) + 1
        last[user] = minute
        found[place] = number[user]
    return [found[i] for i in range(len(rows))]


rows = st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["a", "b", "", None])), max_size=25)


@settings(max_examples=60, deadline=None)
@given(rows, st.integers(1, 90))
def test_sessions_are_those_of_a_loop(rows, gap):
    table = clicks([m for m, _ in rows], user=pl.Series([u for _, u in rows], dtype=pl.String))
    found = vk.label_clicks(table, inactivity_minutes=gap)
    assert found["session"].to_list() == by_hand(rows, gap)


AGENTS = {
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "bot",
    "Mozilla/5.0 AppleWebKit/537.36 (compatible; GPTBot/1.2; +https://openai.com/gptbot)": "bot",
    "python-requests/2.31.0": "bot",
    "curl/8.4.0": "bot",
    "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0.0.0 Safari/537.36": "bot",
    "Mozilla/5.0 (compatible; Baiduspider/2.0)": "bot",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)": "bot",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": "prefetch",
    "WhatsApp/2.23.20.0 A": "prefetch",
    "TelegramBot (like TwitterBot)": "prefetch",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)": "prefetch",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)": "prefetch",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)": (
        "prefetch"
    ),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) Mobile/15E148": None,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1) [FBAN/FBIOS;FBAV/440.0;FBBV/1]": None,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0) Mobile Instagram 300.0.0.0": None,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0) Mobile [Pinterest/iOS]": None,
    "Mozilla/5.0 (Linux; Android 9; CUBOT_NOTE_S Build/O11019) Chrome/70.0 Mobile Safari": None,
    "Mozilla/5.0 (Linux; Android 10; CUBOT X30) Chrome/120.0 Mobile Safari/537.36": None,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0 Safari/537.36 Edg/120.0": None,
    "": None,
    "' OR 1=1 -- <script>": None,
}


@pytest.mark.parametrize(("agent", "flag"), AGENTS.items())
def test_programs_are_known_by_their_agent(agent, flag):
    assert vk.label_clicks(clicks([0], agent=[agent]))["flag"].to_list() == [flag]


def test_flags_that_are_there_are_kept_and_leave_no_session():
    table = clicks(
        [0, 20, 45, 60],
        user="ann",
        agent=["curl/8", "curl/8", "Firefox", None],
        flag=["mine", None, None, ""],
    )
    found = vk.label_clicks(table)
    assert found["flag"].to_list() == ["mine", "bot", None, ""]
    assert found["session"].to_list() == [None, None, 1, None]
    twice = vk.label_clicks(found)
    assert_frame_equal(found, twice)


def test_excluded_rows_stay_and_have_no_session():
    table = clicks([None, 0, 1], user="ann", excluded=["is no time", None, "a test"])
    found = vk.label_clicks(table)
    assert found["session"].to_list() == [None, 1, None]
    assert_frame_equal(found.select(table.columns), table)


def test_columns_of_ones_own_pass_untouched():
    table = clicks([0, 1], channel=["old", "old"], extra=[[1], [2]], source=["x", None])
    found = vk.label_clicks(table)
    assert found["channel"].to_list() == ["x", "unknown"]
    assert found["extra"].to_list() == [[1], [2]]
    assert found.columns == ["time", "link_id", "channel", "extra", "source", "session", "flag"]


def test_an_empty_table_and_one_without_users():
    found = vk.label_clicks(clicks([], user=pl.Series([], dtype=pl.String)))
    assert found.is_empty()
    assert found.schema["channel"] == found.schema["flag"] == pl.String
    assert vk.label_clicks(clicks([0]))["session"].to_list() == [None]
    assert vk.label_clicks(clicks([]))["session"].dtype == pl.Int64


def test_ids_as_categories_give_the_same():
    rng = np.random.default_rng(3)
    users = pl.Series(rng.integers(0, 30, 400)).cast(pl.String)
    table = clicks(rng.integers(0, 900, 400).tolist(), user=users)
    other = table.with_columns(pl.col("user").cast(pl.Categorical))
    same = vk.label_clicks(table)["session"]
    assert vk.label_clicks(other)["session"].to_list() == same.to_list()


def test_refusals():
    table = clicks([0], user="ann")
    for minutes in (0, -1, float("nan"), float("inf"), "30", 1e9):
        with pytest.raises(vk.TableError, match="allowed: above 0, up to a year"):
            vk.label_clicks(table, inactivity_minutes=minutes)
    with pytest.raises(vk.TableError, match="a LazyFrame holds no rows yet"):
        vk.label_clicks(table.lazy())
    for zone in (None, "Europe/Berlin"):
        other = table.with_columns(pl.col("time").dt.replace_time_zone(zone))
        with pytest.raises(vk.TableError, match="column 'time' is Datetime"):
            vk.label_clicks(other)


def test_the_sample_feed(samples):
    table, _ = read_clicks(samples / "clicks_usagov" / "feed.jsonl", layout="bitly")
    found = vk.label_clicks(table)
    channels = dict(found["channel"].value_counts().iter_rows())
    assert sum(channels.values()) == len(table)
    assert channels["direct"] == (table["source"] == "direct").sum()
    named = table.filter(pl.col("referrer").str.contains(r"^https?://(www\.)?facebook\.com"))
    assert channels["facebook"] >= len(named) > 0
