"""Links with tags: added once, read back, and nothing else about the address changed."""

from urllib.parse import parse_qsl, urlsplit

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import viralkit as vk
from viralkit.reading.clicks import read_clicks

ALL = {
    "source": "newsletter",
    "medium": "email",
    "campaign": "spring sale",
    "term": "a&b=c",
    "content": "100 % +1",
    "referral": "u/7?#é",
}


def refused(url, tags=None):
    with pytest.raises(vk.TableError) as told:
        vk.tracked_url(url, tags or {"source": "x"})
    message = str(told.value)
    assert message.isprintable() and len(message) < 400
    return message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example", "https://a.example?utm_source=x"),
        ("https://a.example/", "https://a.example/?utm_source=x"),
        ("https://a.example/?", "https://a.example/?utm_source=x"),
        ("https://a.example/?b=1&", "https://a.example/?b=1&utm_source=x"),
        ("https://a.example/?z=1&b=%7e+c&z=2", "https://a.example/?z=1&b=%7e+c&z=2&utm_source=x"),
        ("https://a.example/p#top", "https://a.example/p?utm_source=x#top"),
        ("https://a.example/#/in?app=1", "https://a.example/?utm_source=x#/in?app=1"),
        ("https://a.example/p?#", "https://a.example/p?utm_source=x#"),
        ("HTTPS://A.Example/É?q=ü", "HTTPS://A.Example/É?q=ü&utm_source=x"),
        ("https://bücher.example/", "https://bücher.example/?utm_source=x"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/?utm_source=x"),
        ("http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x?utm_source=x"),
        ("http://localhost:8000/@ann", "http://localhost:8000/@ann?utm_source=x"),
        ("https://a.example/?utm_source=x", "https://a.example/?utm_source=x"),
        ("https://a.example/?UTM_Source=x&b", "https://a.example/?UTM_Source=x&b"),
        ("https://a.example/?my_utm_source=y", "https://a.example/?my_utm_source=y&utm_source=x"),
        ("https://a.example/#utm_source=y", "https://a.example/?utm_source=x#utm_source=y"),
    ],
)
def test_a_tag_is_added_and_nothing_else_changed(url, expected):
    assert vk.tracked_url(url, {"source": "x"}) == expected
    assert vk.tracked_url(expected, {"source": "x"}) == expected


def test_all_tags_stand_in_one_order_and_are_encoded():
    url = vk.tracked_url("https://a.example/", dict(reversed(ALL.items())))
    assert url == (
        "https://a.example/?utm_source=newsletter&utm_medium=email&utm_campaign=spring%20sale"
        "&utm_term=a%26b%3Dc&utm_content=100%20%25%20%2B1&ref=u%2F7%3F%23%C3%A9"
    )
    assert vk.url_tags(url) == ALL
    names = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "ref"]
    assert parse_qsl(urlsplit(url).query) == list(zip(names, ALL.values(), strict=True))


def test_readers_of_logs_see_the_same_tags():
    url = vk.tracked_url("https://a.example/", ALL)
    log = pl.DataFrame({"time": ["2024-05-01T10:00Z"], "url": [url]})
    clicks, _ = read_clicks(log, layout="columns")
    assert clicks.select(list(ALL)).row(0, named=True) == ALL
    own = log.with_columns(referral=pl.lit(None, pl.String))
    assert read_clicks(own, layout="columns")[0]["referral"].to_list() == [ALL["referral"]]
    plain = log.with_columns(url=pl.lit("https://a.example/"))
    assert "referral" not in read_clicks(plain, layout="columns")[0].columns


values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
values = values.filter(str.strip)
tags = st.fixed_dictionaries(
    {}, optional={name: values.filter(lambda v: len(v) < 9) for name in ALL}
)
parts = st.text("abz09-._~!$'()*+,;:=/%é ü日?&#".replace(" ", ""), max_size=25)


@settings(deadline=None)
@given(parts, tags, tags)
def test_what_is_added_is_read_back_and_added_once(rest, first, second):
    url = f"https://a.example/{rest}"
    assume("utm_" not in url and "ref=" not in url)
    once = vk.tracked_url(url, first)
    assert vk.url_tags(once) == first
    assert vk.tracked_url(once, first) == once
    both = {**second, **first}
    twice = vk.tracked_url(once, both)
    assert vk.url_tags(twice) == both
    before, mark, fragment = url.partition("#")
    assert twice.startswith(before) and twice.endswith(mark + fragment)
    assert vk.url_tags(url) == {}


def test_another_value_is_not_overwritten():
    said = refused("https://a.example/?utm_source=caf%C3%A9")
    assert said == (
        "utm_source is 'café' in the address already; allowed: the same value, not 'x'. Take it "
        "out of the address, or leave out 'source'."
    )
    assert "ref is 'menu' in the address already" in refused(
        "https://a.example/?ref=menu", {"referral": "ann"}
    )
    assert refused("https://a.example/?utm_source=&b=1") == (
        "utm_source stands in the address 'https://a.example/?utm_source=&b=1' without a value; "
        "allowed: a value, or no such parameter. Remove it."
    )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript://a.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "mailto:ann@a.example",
        "ftp://a.example/",
        "//a.example/",
        "/page",
        "page?x=1",
        "a.example/page",
        "https:a.example",
        "https:///page",
        "https://",
        "https://?x",
        "",
    ],
)
def test_what_is_no_web_address_is_refused(url):
    assert "is no web address; allowed: http:// or https:// and a host." in refused(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://a.example/\x00", "holds '\\x00'; allowed: no space, control character"),
        ("https://a.example/ b", "holds ' '"),
        ("https://a.example/b\n", "Write it as '%0A', or remove it."),
        (" https://a.example/", "holds ' '"),
        ("java\tscript:alert(1)", "holds '\\t'"),
        ("https://a.example\\@b.example/", "holds '\\\\'"),
        ("https://a.example/\u202egpj", "holds '\\u202e'"),
        ("https://a.example/\ud800", "holds '\\ud800'"),
        ("https://ann:secret@a.example/", "has a user or password before the host"),
        ("https://google.com@evil.example/?q", "has a user or password before the host"),
        ("https://a.example/" + "x" * 100_000, "has 100,018 characters; allowed: 2,000."),
        (None, "url=None is NoneType; allowed: text."),
        (b"https://a.example/", "is bytes; allowed: text."),
    ],
)
def test_what_programs_read_differently_is_refused(url, told):
    assert told in refused(url)


def test_an_at_sign_behind_the_host_is_no_password():
    url = "https://a.example/@ann?to=b@c.example#@"
    assert vk.url_tags(vk.tracked_url(url, {"source": "x"})) == {"source": "x"}
    assert "password" in refused("https://ann@a.example#x")


def test_the_limit_counts_the_tags():
    url = "https://a.example/" + "x" * 1_969
    assert len(vk.tracked_url(url, {"source": "x"})) == 2_000
    assert "has 2,001 characters with its tags; allowed: 2,000." in refused(url + "x")
    assert vk.tracked_url(url + "x", {}) == url + "x"


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"utm_source": "x"}, "tag 'utm_source' is not known; allowed: ['source', 'medium',"),
        ({"utm_source": "x"}, "Pass 'source'."),
        ({"refferal": "x"}, "Pass 'referral'."),
        ({3: "x"}, "tag 3 is not known"),
        ({"source": ""}, "tag 'source' is ''; allowed: text, not blank"),
        ({"source": " \u3000"}, "allowed: text, not blank"),
        ({"source": None}, "tag 'source' is None; allowed: text"),
        ({"referral": 7}, "tag 'referral' is 7; allowed: text"),
        ({"source": "a\x00b"}, "without control characters"),
        ({"source": "a\nb"}, "without control characters"),
        ({"source": "\ud800"}, "without control characters"),
        ([("source", "x")], "allowed: a dict with keys among"),
    ],
)
def test_tags_that_cannot_be_written_are_refused(tags, told):
    assert told in refused("https://a.example/", tags)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)?utm_source=x", "data:,?ref=x", "", "\x00", "x" * 100_000, "?"]
)
def test_hostile_text_has_no_tags(url):
    assert vk.url_tags(url) == {}


def test_text_of_100_kilobytes_is_read():
    assert vk.url_tags("https://a.example/?ref=" + "%41" * 33_000) == {"referral": "A" * 33_000}
    with pytest.raises(vk.TableError, match="url=None is NoneType; allowed: text"):
        vk.url_tags(None)
