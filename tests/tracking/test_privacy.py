"""Pseudonyms: stable with one key, different with another, and nothing else changed."""

import hashlib
import hmac

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import viralkit as vk

KEY = b"0123456789abcdef"


def test_the_pseudonym_is_an_hmac_of_the_text():
    # test case 1 of RFC 4231
    expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    found = vk.pseudonymise(pl.DataFrame({"user": ["Hi There"]}), "user", b"\x0b" * 20)
    assert found.item() == expected[:32]


def test_the_same_value_has_the_same_pseudonym_everywhere():
    clicks = pl.DataFrame({"user": ["ann", "bob", None, "ann"], "referral": ["bob", None, "x", ""]})
    edges = pl.DataFrame({"source": ["bob"], "target": ["ann"], "weight": [3.0]})
    a = vk.pseudonymise(clicks, ["user", "referral"], KEY)
    b = vk.pseudonymise(edges, ["source", "target"], KEY.decode())
    assert a["user"][0] == a["user"][3] == b["target"][0]
    assert a["user"][1] == a["referral"][0] == b["source"][0]
    assert a["user"].null_count() == a["referral"].null_count() == 1
    assert a["user"].n_unique() == 3
    assert b["weight"].to_list() == [3.0]
    assert a.schema == {"user": pl.String, "referral": pl.String}
    other = vk.pseudonymise(clicks, "user", KEY + b"x")
    assert not set(other["user"].drop_nulls()) & set(a["user"].drop_nulls())
    assert other["referral"].to_list() == clicks["referral"].to_list()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.text(max_size=6), max_size=20), st.binary(min_size=16, max_size=80))
def test_different_texts_have_different_pseudonyms(texts, key):
    found = vk.pseudonymise(pl.DataFrame({"id": pl.Series(texts, dtype=pl.String)}), ["id"], key)
    for text, code in zip(texts, found["id"], strict=True):
        if text is None:
            assert code is None
        else:
            assert code == hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt8, pl.Categorical, pl.Enum(["7", "8"])])
def test_numbers_and_categories_are_taken_as_text(dtype):
    texts = pl.DataFrame({"id": ["7", "8", None, "7"]})
    given_ = texts.with_columns(pl.col("id").cast(dtype))
    assert_frame_equal(vk.pseudonymise(given_, "id", KEY), vk.pseudonymise(texts, "id", KEY))


def test_empty_columns():
    empty = pl.DataFrame({"id": []}, {"id": pl.Null})
    assert vk.pseudonymise(empty, "id", KEY).schema == {"id": pl.String}
    nulls = pl.DataFrame({"id": [None, None], "n": [1, 2]})
    assert vk.pseudonymise(nulls, "id", KEY).rows() == [(None, 1), (None, 2)]
    assert_frame_equal(vk.pseudonymise(nulls, [], KEY), nulls)


def test_a_row_counts_the_same_before_and_after():
    ids = [f"u{i % 40}" for i in range(200)]
    clicks = pl.DataFrame(
        {
            "time": range(200),
            "link_id": "a",
            "user": ids,
            "referral": [ids[i * 7 % 200] if i % 3 else None for i in range(200)],
            "source": ["x", "telegram"] * 100,
        }
    ).with_columns(pl.from_epoch("time").dt.replace_time_zone("UTC"))
    coded = vk.pseudonymise(clicks, ["user", "referral"], KEY)
    assert_frame_equal(vk.channel_table(coded), vk.channel_table(clicks))


@pytest.mark.parametrize(
    ("columns", "key", "told"),
    [
        ("user", b"short", "the key has 5 bytes; allowed: 16 or more"),
        ("user", "", "the key has 0 bytes"),
        ("user", "é" * 7, "the key has 14 bytes"),
        ("user", None, "the key is NoneType; allowed: bytes or text"),
        ("user", 12345678901234567890, "the key is int; allowed"),
        ("usr", KEY, "column 'usr' not found; columns: ['user', 'value', 'time']. Pass 'user'."),
        (["user", "x"], KEY, "column 'x' not found"),
        ("value", KEY, "column 'value' is Float64; allowed: ids as text or whole numbers."),
        ("time", KEY, "Cast it: pl.col('time').cast(pl.String)."),
    ],
)
def test_refusals(columns, key, told):
    table = pl.DataFrame({"user": ["a"], "value": [1.5], "time": [0]})
    table = table.with_columns(pl.from_epoch("time"))
    with pytest.raises(vk.TableError) as error:
        vk.pseudonymise(table, columns, key)
    assert told in str(error.value)


def test_ids_in_the_links_of_a_column_that_stays_are_refused_without_showing_them():
    urls = ["https://a.org/?utm_source=x&ref=ann%20b#top", "https://a.org/?REF=7", None, "ref=7"]
    clicks = pl.DataFrame({"user": ["ann b", "bob", "cem", "7"], "url": urls, "n": [1, 2, 3, 4]})
    for kind in (pl.String, pl.Categorical):
        with pytest.raises(vk.TableError) as error:
            vk.pseudonymise(clicks.with_columns(pl.col("url").cast(kind)), "user", KEY)
        said = str(error.value)
        assert said.startswith("column 'url' still holds ids in the parameter ref of 2 addresses;")
        assert "ann" not in said
    step = said.split("before: ")[1].removesuffix(", or drop the column.")
    blank = clicks.with_columns(eval(step, {"pl": pl}))
    assert blank["url"][0] == "https://a.org/?utm_source=x&ref=#top"
    assert vk.pseudonymise(blank, "user", KEY)["url"].to_list() == blank["url"].to_list()
    others = clicks.with_columns(user=pl.col("user") + "!")
    assert vk.pseudonymise(others, "user", KEY)["url"].to_list() == urls
    assert vk.pseudonymise(clicks.drop("url"), "user", KEY).columns == ["user", "n"]


def test_the_message_does_not_tell_the_key():
    with pytest.raises(vk.TableError) as error:
        vk.pseudonymise(pl.DataFrame({"user": ["a"]}), "user", "s3cret")
    assert "s3cret" not in str(error.value)
