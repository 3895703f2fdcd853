"""Rules of channels: which one decides, and how people edit them."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import viralkit as vk

COLUMNS = ("source", "medium", "referrer", "referral", "url", "campaign", "link_id")


def channel(rules=None, **cells):
    """The channel of one click, whose table has all columns of the rules."""
    row = {name: [cells.get(name)] for name in COLUMNS}
    frame = pl.DataFrame(row, dict.fromkeys(COLUMNS, pl.String))
    time = pl.lit(datetime(2024, 5, 1, tzinfo=UTC))
    return vk.label_clicks(frame.with_columns(time=time), rules)["channel"].item()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"source": "facebook", "medium": "cpc"}, "paid"),
        ({"source": "Facebook", "medium": "social"}, "facebook"),
        ({"source": "newsletter7", "medium": "EMAIL"}, "e-mail"),
        ({"source": "spring", "medium": " Social "}, "social"),
        ({"source": "m.facebook.com", "medium": "referral"}, "facebook"),
        ({"source": "blog.example", "medium": "referral"}, "other site"),
        ({"source": "google", "medium": "organic"}, "search"),
        ({"source": "twitterfeed", "medium": "twitter"}, "x"),
        ({"source": "b7", "medium": "qr"}, "offline"),
        ({"medium": "whatsapp"}, "whatsapp"),
        ({"medium": "sms"}, "messenger"),
        ({"source": "spring"}, "unknown"),
        ({"source": "facebook", "referrer": "https://www.reddit.com/"}, "facebook"),
        ({"source": "spring", "referrer": "https://www.reddit.com/"}, "reddit"),
        ({"referrer": "https://t.co/abc"}, "x"),
        ({"referrer": "https://netflix.com"}, "other site"),
        ({"referrer": "https://x.com.evil.example/"}, "other site"),
        ({"referrer": "https://www.google.co.uk/"}, "search"),
        ({"referrer": "https://google.com@evil.example/"}, "other site"),
        ({"referrer": "https://google.evil.example/"}, "other site"),
        ({"referrer": "https://mail.google.com/mail/u/0"}, "e-mail"),
        ({"referrer": "https://news.google.com/"}, "other site"),
        ({"referrer": "https://l.instagram.com/?u=x"}, "instagram"),
        ({"referrer": "https://www.youtube.com/watch"}, "youtube"),
        ({"referrer": "https://vm.tiktok.com/"}, "tiktok"),
        ({"referrer": "https://lnkd.in/x"}, "linkedin"),
        ({"referrer": "https://web.whatsapp.com/"}, "whatsapp"),
        ({"referrer": "https://t.me/s/x"}, "telegram"),
        ({"referrer": "android-app://com.google.android.gm/"}, "e-mail"),
        ({"referrer": "android-app://org.telegram.messenger/"}, "telegram"),
        ({"referrer": "facebook.com"}, "facebook"),
        ({"referrer": "M.FACEBOOK.COM/story"}, "facebook"),
        ({"referrer": "https://www.a.example/x", "url": "https://a.example/y"}, "internal"),
        ({"referrer": "https://(own)/"}, "internal"),
        ({"referrer": "javascript:alert('https://facebook.com')"}, "unknown"),
        ({"referrer": "data:text/html,<script>facebook.com</script>"}, "unknown"),
        ({"referrer": "x" * 100_000}, "unknown"),
        ({"referrer": "https://facebook.com\x00.evil.example"}, "unknown"),
        ({"referral": "ann"}, "shared link"),
        ({"referral": "ann", "source": "direct"}, "shared link"),
        ({"referral": "ann", "source": "telegram"}, "telegram"),
        ({"referrer": "-"}, "direct"),
        ({"referrer": " "}, "direct"),
        ({"source": "direct"}, "direct"),
        ({"source": "(direct)", "medium": "(none)"}, "direct"),
        ({}, "direct"),
        ({"source": "", "medium": ""}, "direct"),
    ],
)
def test_the_channel_of_a_click(cells, expected):
    assert channel(**cells) == expected


def test_a_table_that_records_no_referrers_knows_no_direct_click():
    time = [datetime(2024, 5, 1, tzinfo=UTC)]
    for frame in (
        pl.DataFrame({"time": time, "link_id": "a"}),
        pl.DataFrame(
            {
                "time": time,
                "link_id": "a",
                "source": None,
                "medium": None,
            }
        ),
    ):
        assert vk.label_clicks(frame)["channel"].to_list() == ["unknown"]


def test_tags_of_the_url_count_where_the_table_has_no_column_of_them():
    url = ["https://a.example/?utm_source=telegram&ref=ann", "https://a.example/", None]
    frame = pl.DataFrame({"time": [datetime(2024, 5, 1, tzinfo=UTC)] * 3, "url": url})
    assert vk.label_clicks(frame)["channel"].to_list() == ["telegram", "unknown", "unknown"]


def test_a_rule_on_top_decides_first():
    mine = pl.DataFrame({"channel": ["partner"], "referrer": ["shop.example"]})
    rules = pl.concat([mine, vk.channel_rules()], how="diagonal")
    assert channel(rules, referrer="https://www.shop.example/x") == "partner"
    assert channel(referrer="https://www.shop.example/x") == "other site"
    late = pl.concat([vk.channel_rules(), mine], how="diagonal")
    assert channel(late, referrer="https://www.shop.example/x") == "other site"


def test_all_patterns_of_a_rule_hold():
    mine = pl.DataFrame(
        {"channel": ["spring mail"], "medium": ["email"], "campaign": ["Spring"], "source": [None]}
    )
    rules = pl.concat([mine, vk.channel_rules()], how="diagonal_relaxed")
    assert channel(rules, medium="email", campaign="spring") == "spring mail"
    assert channel(rules, medium="email", campaign="autumn") == "e-mail"
    assert channel(rules, medium="social", campaign="spring") == "social"


def test_posters_by_the_link_that_is_printed_on_them():
    mine = pl.DataFrame({"channel": ["poster"], "link_id": ["B7"]})
    rules = pl.concat([mine, vk.channel_rules()], how="diagonal")
    assert channel(rules, link_id="b7") == "poster"
    assert channel(rules, link_id="b77") == "direct"


def test_single_rules_by_hand():
    rules = pl.DataFrame({"channel": ["a", "b"], "source": ["*", ""]})
    assert channel(rules, source="x") == "a"
    assert channel(rules) == "b"
    named = pl.DataFrame({"channel": ["ann's"], "referral": ["Ann"]})
    assert channel(named, referral="ann") == "ann's"
    assert channel(named, referral="bob") == "unknown"
    country = pl.DataFrame({"channel": ["shop"], "referrer": ["shop.a+b.*"]})
    assert channel(country, referrer="https://shop.a+b.co.uk/") == "shop"
    assert channel(country, referrer="https://shop.aab.de/") == "unknown"
    assert channel(country.clear(), source="x") == "unknown"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (pl.DataFrame({"source": ["x"]}), "rules have no column 'channel'; columns: ['source']."),
        (pl.DataFrame({"channel": ["x"], "host": ["y"]}), "rules have a column 'host' of String;"),
        (pl.DataFrame({"channel": ["x"], "source": [1]}), "a column 'source' of Int64; allowed:"),
        (pl.DataFrame({"channel": [1]}), "rules have a column 'channel' of Int64;"),
        (pl.DataFrame({"channel": ["x", None]}), "rules, row 1 (counted from 0): no channel;"),
        ([], "'list' is not a polars DataFrame"),
    ],
)
def test_what_is_no_table_of_rules_is_refused(rules, message):
    with pytest.raises(vk.TableError) as told:
        channel(rules)
    assert message in str(told.value)


def test_subdomains_of_a_site_are_told_apart_where_a_rule_names_them():
    names = {"a.example": "site", "mail.a.example": "mail", "b.mail.a.example": "deep"}
    long_first = pl.DataFrame({"channel": names.values(), "referrer": names.keys()}).reverse()
    for host, expected in (
        ("a.example", "site"),
        ("x.a.example", "site"),
        ("x.mail.a.example", "mail"),
        ("x.b.mail.a.example", "deep"),
        ("xmail.a.example", "site"),
        ("example", "unknown"),
    ):
        assert channel(long_first, referrer=f"https://{host}/") == expected
    short_first = long_first.reverse()
    assert channel(short_first, referrer="https://x.b.mail.a.example/") == "site"


def test_rules_on_columns_that_the_clicks_lack_do_not_hold():
    time = [datetime(2024, 5, 1, tzinfo=UTC)] * 3
    frame = pl.DataFrame({"time": time, "link_id": "a", "medium": ["x", "y", None]})
    rules = pl.DataFrame({"channel": ["both"], "medium": ["x"], "term": [""]})
    assert vk.label_clicks(frame, rules)["channel"].to_list() == ["unknown"] * 3
    assert vk.label_clicks(frame, rules.drop("term"))["channel"].to_list() == [
        *("both", "unknown", "unknown")
    ]


def test_the_rules_are_a_table_that_makes_sense():
    rules = vk.channel_rules()
    assert rules.columns == ["channel", "medium", "source", "referrer", "referral"]
    assert set(rules.dtypes) == {pl.String}
    assert not rules.is_duplicated().any()
    for name in ("medium", "source", "referrer"):
        texts = rules[name].drop_nulls()
        assert (texts == texts.str.to_lowercase().str.strip_chars()).all()
    assert rules[-1].rows() == [("unknown", None, None, None, None)]


texts = (
    st.none()
    | st.text(max_size=12)
    | st.sampled_from(
        ["facebook", "https://t.co/", "https://a.example/", "javascript:1", "(own)", "*", "email"]
    )
)


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({name: texts for name in COLUMNS}))
def test_any_click_has_a_channel(cells):
    assert channel(**cells) in set(vk.channel_rules()["channel"])
