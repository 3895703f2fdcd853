"""The simulated log: the truth is what switching off shows, and closed forms come back."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

import viralkit as vk


def one_channel(**changes: object) -> pl.DataFrame:
    row = {
        "channel": "mail",
        "source": "list",
        "medium": "email",
        "drawn_by": "chance",
        "clicks": 0.8,
        "effect": 0.1,
        "at_once": 1.0,
        "reproduction_number": 0.0,
    }
    return pl.DataFrame([row | changes])


def conversions(clicks: pl.DataFrame) -> int:
    return clicks.filter(action="conversion").height


CLICKS, TRUTH = vk.simulate_clicks(4_000, seed=11)
RULES = pl.concat([TRUTH.select("channel", "source", "medium"), vk.channel_rules()], how="diagonal")
LABELLED = vk.label_clicks(CLICKS, RULES)


# truth


@pytest.mark.parametrize("channel", TRUTH["channel"])
def test_the_truth_is_what_switching_off_shows(channel: str) -> None:
    without, _ = vk.simulate_clicks(4_000, off=channel, seed=11)
    lost = conversions(CLICKS) - conversions(without)
    assert TRUTH.filter(channel=channel)["incremental"].item() == lost


def test_channels_that_harvest_cause_nothing_and_others_do() -> None:
    harvest = pl.col("drawn_by").is_in(["visit", "intent"])
    assert TRUTH.filter(harvest)["incremental"].to_list() == [0, 0]
    assert TRUTH.filter(harvest)["visits"].min() > 50
    assert TRUTH.filter(~harvest)["incremental"].min() > 0


def test_only_the_baseline_is_left_without_channels() -> None:
    names = TRUTH["channel"].to_list()
    bare, truth = vk.simulate_clicks(4_000, off=names, baseline=0.05, seed=3)
    assert conversions(bare) == pytest.approx(200, abs=4 * (200 * 0.95) ** 0.5)
    assert truth.select("visits", "incremental").sum().row(0) == (0, 0)
    assert conversions(vk.simulate_clicks(4_000, off=names, baseline=0.0, seed=3)[0]) == 0


def test_the_effect_is_that_of_the_closed_form() -> None:
    # clicks are Poisson, each converts alone: 1 - exp(-clicks × effect) of the people convert
    clicks, truth = vk.simulate_clicks(30_000, channels=one_channel(), baseline=0.0, seed=5)
    expected = stats.binom(30_000, 1 - np.exp(-0.8 * 0.1))
    assert abs(conversions(clicks) - expected.mean()) < 4 * expected.std()
    assert truth["incremental"].item() == conversions(clicks)


def test_conversions_that_come_anyway_overlap_with_those_that_are_caused() -> None:
    _, truth = vk.simulate_clicks(30_000, channels=one_channel(), baseline=0.4, seed=5)
    expected = stats.binom(30_000, 0.6 * (1 - np.exp(-0.8 * 0.1)))
    assert abs(truth["incremental"].item() - expected.mean()) < 4 * expected.std()


@pytest.mark.parametrize("at_once", [0.0, 0.7, 1.0])
def test_conversions_come_in_the_session_of_the_click_or_later(at_once: float) -> None:
    clicks, _ = vk.simulate_clicks(
        8_000, channels=one_channel(at_once=at_once), baseline=0.0, seed=6
    )
    last = vk.attribution_table(clicks.sort("time"), "last", replicates=100)
    share = last.filter(channel="e-mail")["share"].sum()
    assert share == pytest.approx(at_once, abs=0.08)


def test_the_reproduction_number_comes_back_by_channel_of_the_first_visit() -> None:
    clicks, truth = vk.simulate_clicks(30_000, seed=2)
    rules = pl.concat([truth.select("channel", "source", "medium"), RULES], how="diagonal")
    people = vk.label_clicks(clicks, rules).filter(pl.col("user").is_not_null())
    first = people.group_by("user", maintain_order=True).agg(pl.first("channel"))
    signed = people.filter(action="sign_up").select("user", invited_by="referral")
    brought = signed.group_by("invited_by").len().drop_nulls()
    table = signed.join(first, "user").join(
        brought, left_on="user", right_on="invited_by", how="left"
    )
    found = table.group_by("channel").agg(pl.col("len").fill_null(0).mean(), pl.len().alias("n"))
    both = found.join(truth, "channel").filter(pl.col("n") > 300)
    assert both.height == 4
    error = (both["reproduction_number"] / both["n"]) ** 0.5
    assert ((both["len"] - both["reproduction_number"]).abs() < 4 * error).all()


# the log


def test_it_is_a_clicks_table_in_order_of_time() -> None:
    assert vk.check(CLICKS, "clicks").equals(CLICKS)
    assert CLICKS["time"].is_sorted()
    assert set(CLICKS["action"]) == {"visit", "share", "sign_up", "conversion"}


def test_everybody_converts_and_signs_up_once_at_most() -> None:
    for action in ("conversion", "sign_up"):
        assert CLICKS.filter(action=action)["user"].is_unique().all()


def test_who_was_invited_signs_up_after_the_inviter() -> None:
    signed = CLICKS.filter(action="sign_up")
    both = signed.join(signed, left_on="referral", right_on="user")
    assert both.height == signed["referral"].count() > 100
    assert (both["time"] > both["time_right"]).all()


def test_rules_made_of_the_truth_find_each_visit() -> None:
    visits = LABELLED.filter(pl.col("flag").is_null() & (pl.col("action") == "visit"))
    counts = dict(visits["channel"].value_counts().rows())
    assert {name: counts[name] for name in TRUTH["channel"]} == dict(
        TRUTH.select("channel", "visits").rows()
    )


def test_links_carry_their_tags_and_codes() -> None:
    row = CLICKS.filter(source="friend", action="visit").drop_nulls("user").row(0, named=True)
    tags = {"source": "friend", "medium": "referral", "referral": row["referral"]}
    assert vk.url_tags(row["url"]) == tags


def test_programs_are_found_by_their_agents_alone() -> None:
    flagged = pl.col("flag").is_not_null()
    assert LABELLED.filter(flagged)["user"].count() == 0
    assert LABELLED.filter(~flagged)["user"].null_count() == 0
    assert {"bot", "prefetch"} <= set(LABELLED["flag"])


def test_nobody_clicks_after_the_conversion() -> None:
    end = CLICKS.filter(action="conversion").select("user", end="time")
    late = CLICKS.filter(action="visit").join(end, "user").filter(pl.col("time") > pl.col("end"))
    assert late.is_empty()


def test_a_channel_that_is_off_has_no_click_and_the_others_keep_theirs() -> None:
    truth = vk.simulate_clicks(4_000, off="retargeting", seed=11)[1]
    assert truth.filter(channel="retargeting")["visits"].item() == 0
    chance = pl.col("drawn_by") == "chance"
    assert truth.filter(chance).equals(TRUTH.filter(chance))


@pytest.mark.parametrize(
    "how", [{"off": "friends"}, {"channels": TRUTH.filter(pl.col("drawn_by") != "invitation")}]
)
def test_nobody_shares_where_there_are_no_invitations(how: dict) -> None:
    clicks, _ = vk.simulate_clicks(2_000, seed=11, **how)
    assert set(clicks["action"]) == {"visit", "sign_up", "conversion"}
    assert clicks["referral"].count() == 0


def test_the_same_seed_gives_the_same_log_and_another_does_not() -> None:
    assert vk.simulate_clicks(4_000, seed=11)[0].equals(CLICKS)
    assert not vk.simulate_clicks(4_000, seed=12)[0].equals(CLICKS)


@pytest.mark.parametrize("people", [1, 7])
@pytest.mark.parametrize("channels", [TRUTH, TRUTH.head(0), TRUTH.tail(1)])
def test_small_worlds(people: int, channels: pl.DataFrame) -> None:
    clicks, truth = vk.simulate_clicks(people, channels=channels, baseline=1.0)
    assert conversions(clicks) >= people and truth.height == channels.height


# refusals


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"people": 0}, "people=0"),
        ({"people": 2.5}, "people=2.5"),
        ({"baseline": 1.1}, "baseline=1.1"),
        ({"baseline": float("nan")}, "baseline=nan"),
        ({"days": 0.0}, "days=0"),
        ({"days": float("inf")}, "days=inf"),
        ({"off": "radio"}, "off='radio' is no channel; allowed: .*'newsletter'"),
    ],
)
def test_numbers_out_of_range_are_refused(how: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vk.simulate_clicks(**{"people": 10, **how})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"effect": 1.5}, "column 'effect', row 0 .*: 1.5; allowed: from 0 to 1"),
        ({"effect": float("nan")}, "column 'effect', row 0"),
        ({"clicks": float("inf")}, "column 'clicks', row 0"),
        ({"clicks": None}, "'clicks', row 0 .*: None; allowed: a value"),
        ({"reproduction_number": 1.0}, "from 0 to 0.95"),
        ({"drawn_by": "magic"}, "'magic'; allowed: one of"),
        ({"drawn_by": "visit", "clicks": 1.2}, "at most 1 unless drawn by chance"),
        ({"source": " "}, "tag 'source' is ' '"),
    ],
)
def test_tables_of_channels_out_of_range_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(vk.TableError, match=message):
        vk.simulate_clicks(10, channels=one_channel(**changes))


def test_other_tables_of_channels_are_refused() -> None:
    with pytest.raises(vk.TableError, match="column 'effect' not found"):
        vk.simulate_clicks(10, channels=one_channel().drop("effect"))
    twice = pl.concat([one_channel(drawn_by="intent", channel=c) for c in "ab"])
    with pytest.raises(vk.TableError, match=r"1\.6 of those who come back"):
        vk.simulate_clicks(10, channels=twice)
    with pytest.raises(vk.TableError, match="2 channels are drawn by invitation"):
        vk.simulate_clicks(10, channels=twice.with_columns(drawn_by=pl.lit("invitation")))
    with pytest.raises(vk.TableError, match=r"row 1 .*: 'mail'; allowed: each name once"):
        vk.simulate_clicks(10, channels=pl.concat([one_channel(), one_channel()]))
