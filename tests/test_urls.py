"""Addresses as data: hosts and parameters, whatever is in them."""

from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viralkit.urls import decoded, hosts_of, parameters_of


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://www.Example.org/a?b#c", "www.example.org"),
        ("HTTPS://example.org:8080", "example.org"),
        ("//cdn.example.org/x", "cdn.example.org"),
        ("https://google.com@evil.example/", "evil.example"),
        ("https://a:b@c@evil.example/", "evil.example"),
        ("https://evil.example\\@google.com/", "evil.example"),
        ("  \thttp://example.org.", "example.org"),
        ("http://[2001:DB8::1]:80/", "[2001:db8::1]"),
        ("http://münchen.example/?q=ä", "münchen.example"),
        ("javascript:alert('http://x.example')", None),
        ("data:text/html,<script>//a.example</script>", None),
        ("mailto:a@b.example", None),
        ("ftp://example.org/", None),
        ("/relative/path", None),
        ("example.org/path", None),
        ("http://", None),
        ("http:///x", None),
        ("http://exa mple.org/", None),
        ("http://a\x00b.example/", None),
        ("", None),
        (None, None),
    ],
)
def test_hosts(url: str | None, host: str | None) -> None:
    assert hosts_of(pl.Series([url], dtype=pl.String)).to_list() == [host]


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("http://a.example/?utm_source=x", "x"),
        ("http://a.example/?a=1&utm_source=caf%C3%A9+%26+bar&b=2#utm_source=no", "café & bar"),
        ("http://a.example/?UTM_Source=Big", "Big"),
        ("http://a.example/?a=1&amp;utm_source=html", "html"),
        ("http://a.example/?utm_source=first&utm_source=second", "first"),
        ("http://a.example/?utm_source=100%25+%2525", "100% %25"),
        ("http://a.example/?utm_source=%ff%zz", "\ufffd%zz"),
        ("http://a.example/?utm_source=two%0Alines\n", "two\nlines\n"),
        ("/page?utm_source=relative", "relative"),
        ("localhost:8000/?utm_source=port", "port"),
        ("http://a.example/?utm_source=", None),
        ("http://a.example/?utm_source=%20+", None),
        ("http://a.example/?my_utm_source=x&utm_sourcer=y", None),
        ("http://a.example/utm_source=path", None),
        ("http://a.example/#?utm_source=fragment", None),
        ("javascript:alert(1)?utm_source=x", None),
        ("data:text/html,?utm_source=<script>", None),
        (None, None),
    ],
)
def test_parameters(url: str | None, value: str | None) -> None:
    found = parameters_of(pl.Series([url], dtype=pl.String), ["utm_source"])
    assert found["utm_source"].to_list() == [value]


def test_several_parameters_are_columns_of_one_frame() -> None:
    urls = pl.Series(["http://a.example/?b=2&a=1", "x", None])
    found = parameters_of(urls, ["a", "b", "c"])
    assert found.rows() == [("1", "2", None), (None, None, None), (None, None, None)]
    assert decoded(pl.Series([], dtype=pl.String)).to_list() == []


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@settings(max_examples=40)
@given(words.filter(lambda text: text.strip() and "\ufffd" not in text))
def test_what_is_encoded_is_decoded(text: str) -> None:
    for code in (quote, quote_plus):
        url = f"https://a.example/?x=1&utm_term={code(text, safe='')}&y=2"
        assert parse_qs(urlsplit(url).query)["utm_term"] == [text]
        assert parameters_of(pl.Series([url]), ["utm_term"]).item() == text


@given(
    st.lists(st.none() | st.text(max_size=30) | st.text("htp:/\\@?#&=%+utm_source. ", max_size=40))
)
def test_any_text_is_an_address_or_none(texts: list[str | None]) -> None:
    urls = pl.Series(texts, dtype=pl.String)
    hosts, found = hosts_of(urls), parameters_of(urls, ["utm_source"])
    assert len(hosts) == len(found) == len(texts)
    assert not [host for host in hosts if host is not None and (not host or "/" in host)]


def test_addresses_of_100_kilobytes() -> None:
    long = "http://a.example/?utm_source=" + "%41" * 33_000
    urls = pl.Series([long, "http://" + "a" * 100_000, "@" * 100_000, "http://" + "@" * 100_000])
    assert parameters_of(urls, ["utm_source"])["utm_source"][0] == "A" * 33_000
    assert hosts_of(urls).str.len_chars().to_list() == [9, 100_000, None, None]
