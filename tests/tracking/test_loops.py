"""K with its interval, cycle time, and what a referral loop comes to."""

from datetime import UTC, datetime, timedelta
from math import exp, inf, log

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

import viralkit as vk

START = datetime(2026, 1, 1, tzinfo=UTC)
AGAIN = "everyone_invites_again"


def row(frame, quantity):
    return frame.filter(quantity=quantity).row(0, named=True)


def people(n=300, seed=0):
    rng = np.random.default_rng(seed)
    sent = rng.negative_binomial(0.5, 0.5 / 3.5, n)
    return sent, rng.binomial(sent, 0.3)


def sign_ups(rows):
    users = [{"user": u, "invited_by": i, "time": START + timedelta(days=d)} for u, i, d in rows]
    schema = {"user": pl.String, "invited_by": pl.String, "time": pl.Datetime("us", "UTC")}
    return pl.DataFrame(users, schema)


# K


def test_k_is_the_product_of_its_factors():
    found = vk.k_factor(*people())
    sent, rate, k = found["estimate"]
    assert k == pytest.approx(sent * rate, rel=1e-12)
    assert set(found["basis"]) == {"variance between users"}
    assert (found["lower"] < found["estimate"]).all() and (found["upper"] > found["estimate"]).all()


def test_the_interval_is_that_of_the_delta_method_on_the_log_scale():
    sent, taken = people()
    found = row(vk.k_factor(sent, taken, alpha=0.1), "k_factor")
    error = taken.std(ddof=1) / np.sqrt(len(taken))
    freedom = 2 * len(taken) / (stats.kurtosis(taken, fisher=False) - 1)
    assert freedom < len(taken) - 1
    reach = stats.t(freedom).ppf(0.95) * error / taken.mean()
    assert found["std_error"] == pytest.approx(error, rel=1e-12)
    assert found["lower"] == pytest.approx(taken.mean() * exp(-reach), rel=1e-12)
    assert found["upper"] == pytest.approx(taken.mean() * exp(reach), rel=1e-12)


def test_the_error_of_the_rate_agrees_with_people_drawn_anew():
    sent, taken = people(2000, 3)
    rng = np.random.default_rng(1)
    draws = [rng.integers(0, 2000, 2000) for _ in range(800)]
    rates = [taken[d].sum() / sent[d].sum() for d in draws]
    found = row(vk.k_factor(sent, taken), "acceptance_rate")
    assert found["std_error"] == pytest.approx(np.std(rates), rel=0.1)


def test_it_agrees_with_decompose():
    sent, taken = people()
    table = pl.DataFrame({"contacts": sent, "passed_on": sent, "acted": taken})
    r = vk.decompose(table).filter(factor="R").row(0, named=True)
    found = row(vk.k_factor(sent, taken), "k_factor")
    for name in ("estimate", "std_error", "lower", "upper"):
        assert found[name] == pytest.approx(r[name], rel=1e-10)


def test_the_order_of_users_does_not_matter():
    sent, taken = people()
    assert_frame_equal(vk.k_factor(sent, taken), vk.k_factor(sent[::-1], pl.Series(taken[::-1])))


def test_totals_give_the_exact_interval_of_a_law_and_say_so():
    found = vk.k_factor(2000, 800, users=1000)
    assert found["basis"].to_list() == [
        "Poisson law assumed",
        "binomial law assumed",
        "Poisson law assumed",
    ]
    k, rate = row(found, "k_factor"), row(found, "acceptance_rate")
    assert stats.poisson(1000 * k["lower"]).sf(799) == pytest.approx(0.025)
    assert stats.poisson(1000 * k["upper"]).cdf(800) == pytest.approx(0.025)
    wanted = stats.binomtest(800, 2000).proportion_ci(method="exact")
    assert (rate["lower"], rate["upper"]) == pytest.approx((wanted.low, wanted.high))


def test_totals_hide_what_users_differ_by():
    sent, taken = people(1000)
    each = row(vk.k_factor(sent, taken), "k_factor")
    total = row(vk.k_factor(int(sent.sum()), int(taken.sum()), users=1000), "k_factor")
    assert total["estimate"] == pytest.approx(each["estimate"])
    assert each["upper"] - each["lower"] > 1.4 * (total["upper"] - total["lower"])


@pytest.mark.parametrize("counts", [([3, 0, 2], [0, 0, 0], None), (5, 0, 3)])
def test_no_acceptance_is_zero_with_an_upper_end(counts):
    found = vk.k_factor(*counts[:2], users=counts[2])
    k, rate = row(found, "k_factor"), row(found, "acceptance_rate")
    assert (k["estimate"], k["lower"], k["std_error"]) == (0, 0, None)
    assert k["upper"] == pytest.approx(-log(0.05) / 3)
    assert rate["upper"] == pytest.approx(1 - 0.05 ** (1 / 5))


def test_all_accepted_is_one_with_a_lower_end():
    rate = row(vk.k_factor([3, 1, 2], [3, 1, 2]), "acceptance_rate")
    assert (rate["estimate"], rate["upper"], rate["std_error"]) == (1, 1, None)
    assert rate["lower"] == pytest.approx(0.05 ** (1 / 6))


def test_without_invitations_the_rate_is_not_known():
    rate = row(vk.k_factor([0, 0], [0, 0]), "acceptance_rate")
    assert (rate["estimate"], rate["lower"], rate["upper"]) == (None, 0, 1)


def test_users_who_do_not_differ_get_the_interval_of_a_law():
    found = vk.k_factor([2] * 9, [1] * 9)
    assert set(found["basis"]) == {"Poisson law assumed", "binomial law assumed"}
    assert_frame_equal(found, vk.k_factor(18, 9, users=9))


@pytest.mark.parametrize(
    ("invitations", "acceptances", "users", "message"),
    [
        ([1, 2], [1, 3], None, r"user 1 \(counted from 0\): acceptances 3 exceed invitations 2"),
        (5, 6, 3, r"acceptances=6\.0 exceed invitations 5"),
        ([1, -2], [1, 0], None, "invitations, user 1.*-2; allowed: whole numbers"),
        ([1, 2], [1, 0.5], None, "acceptances, user 1.*0.5"),
        ([1, None], [1, 0], None, "invitations"),
        (["a"], [1], None, "allowed: one whole number a user"),
        ([], [], None, "0 counts of invitations"),
        ([1, 2], [1], None, "2 counts of invitations and 1 of acceptances"),
        (5, 3, None, "is a total; allowed with users="),
        ([5], [3], 1, "beside one count a user"),
        (5, 3, 0, "users=0; allowed: whole numbers from 1"),
        (5.5, 3, 2, "invitations=5.5"),
        (5, [3], None, "invitations=5; allowed: one whole number a user"),
        ([[1, 2]], [[1, 1]], None, "allowed: one whole number a user"),
    ],
)
def test_odd_counts_are_refused(invitations, acceptances, users, message):
    with pytest.raises(ValueError, match=message):
        vk.k_factor(invitations, acceptances, users=users)


def test_a_level_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"alpha=95; allowed: between 0 and 1"):
        vk.k_factor([1, 2], [0, 1], alpha=95)


# cycle time


def grown(n=3000, delay=5.0, days=60.0, seed=0):
    """A growing service whose delays are known: exponential, cut off at the last day."""
    rng = np.random.default_rng(seed)
    came = list(rng.uniform(0, days, 40))
    by: list[int | None] = [None] * 40
    for parent in range(n):
        if parent >= len(came):
            break
        for gap in rng.exponential(delay, rng.poisson(1.2)):
            if came[parent] + gap < days:
                came.append(came[parent] + gap)
                by.append(parent)
    rows = [
        (f"u{i}", None if b is None else f"u{b}", c)
        for i, b, c in zip(range(len(by)), by, came, strict=True)
    ]
    return sign_ups(rows)


def test_watching_all_equally_long_takes_the_bias_of_growth_away():
    table = grown()
    cycle, _ = vk.cycle_time(table, watched_days=30)
    mean, median = row(cycle, "mean_days"), row(cycle, "median_days")
    law = stats.expon(scale=5)
    truth = law.expect(lambda x: x, ub=30, conditional=True)
    assert mean["lower"] < truth < mean["upper"]
    assert median["lower"] < law.ppf(law.cdf(30) / 2) < median["upper"]
    when = dict(table.select("user", "time").iter_rows())
    pairs = table.drop_nulls()
    plain = np.mean([(t - when[b]).total_seconds() for _, b, t in pairs.iter_rows()]) / 86400
    assert plain < mean["lower"], "the plain mean is too short"


def test_what_is_not_used_is_counted():
    rows = [("a", None, 0), ("b", "a", 1), ("c", "a", 30), ("d", "d", 2), ("e", "x", 3)]
    rows += [("f", "g", 4), ("g", "a", 6), ("h", "g", 9), ("i", None, 38), ("j", "i", 40)]
    cycle, quality = vk.cycle_time(sign_ups(rows), watched_days=20)
    counted = dict(quality.select("check", "rows").iter_rows())
    assert counted == {
        "sign-ups": 10,
        "referrals used": 3,
        "clock runs backwards": 1,
        "inviter watched too briefly": 1,
        "after the time watched": 1,
        "inviter unknown": 1,
        "self-referral": 1,
    }
    assert row(cycle, "mean_days")["estimate"] == pytest.approx((1 + 6 + 3) / 3)
    assert row(cycle, "median_days")["estimate"] == pytest.approx(3)
    assert set(cycle["inviters"]) == {2}


def test_referrals_by_one_inviter_are_not_independent():
    rng = np.random.default_rng(2)
    rows = [(f"i{j}", None, 0.0) for j in range(40)]
    for j, habit in enumerate(rng.uniform(1, 20, 40)):
        rows += [(f"i{j}-{n}", f"i{j}", habit + 0.01 * n) for n in range(10)]
    rows.append(("last", None, 50.0))
    cycle, _ = vk.cycle_time(sign_ups(rows), watched_days=40)
    days = np.repeat(0, 0)
    by_inviter = [[d for u, i, d in rows if i == f"i{j}"] for j in range(40)]
    days = np.array(by_inviter).mean(axis=1)
    assert row(cycle, "mean_days")["std_error"] == pytest.approx(days.std(ddof=1) / 40**0.5)


@pytest.mark.parametrize("watched", [0, -1, 99, float("nan")])
def test_times_that_nobody_was_watched_for_are_refused(watched):
    with pytest.raises(ValueError, match="allowed: above zero, up to 60"):
        vk.cycle_time(sign_ups([("a", None, 0), ("b", "a", 60)]), watched_days=watched)


def test_without_referrals_there_is_no_cycle():
    with pytest.raises(vk.TableError, match="0 inviters with a referral within 30 days of 60"):
        vk.cycle_time(sign_ups([("a", None, 0), ("b", None, 60)]))


# the forecast


def test_the_calculators_numbers():
    loop = vk.loop_forecast(0.8, 7, users=100, until_days=28)
    assert loop.frame()["new"].to_list() == pytest.approx([100, 80, 64, 51.2, 40.96], rel=1e-12)
    assert loop.frame()["total"][-1] == pytest.approx(336.16, rel=1e-12)
    assert loop.ceiling == pytest.approx(500) and loop.multiplier == pytest.approx(5)
    again = vk.loop_forecast(0.8, 7, users=100, until_days=28, convention=AGAIN)
    assert again.frame()["total"][-1] == pytest.approx(100 * 1.8**4, rel=1e-12)
    assert round(again.frame()["total"][-1]) == 1050
    assert again.ceiling == inf == again.multiplier


@pytest.mark.parametrize("convention", ["new_users_invite", AGAIN])
def test_the_unit_of_time_does_not_matter(convention):
    how = {"users": 100, "convention": convention}
    days = vk.loop_forecast(0.8, 7, until_days=70, churn=0.02, inflow=3, **how)
    hourly = 1 - 0.98 ** (1 / 24)
    hours = vk.loop_forecast(0.8, 7 * 24, until_days=70 * 24, churn=hourly, inflow=3 / 24, **how)
    names = ["cycle", "new", "active", "total"]
    assert_frame_equal(days.frame()[names], hours.frame()[names])


def test_nobody_brings_anybody():
    loop = vk.loop_forecast(0, 7, users=100, inflow=2)
    assert loop.frame()["total"].to_list() == pytest.approx([100 + 14 * n for n in range(11)])
    assert loop.multiplier == 1
    again = vk.loop_forecast(0, 7, users=100, convention=AGAIN)
    assert set(again.frame()["total"]) == {100} and again.ceiling == 100


def test_replacing_oneself_is_a_straight_line():
    loop = vk.loop_forecast(1, 5, users=10)
    assert loop.frame()["total"].to_list() == pytest.approx([10 * (n + 1) for n in range(11)])
    assert loop.ceiling == inf


def test_when_everybody_leaves_after_a_cycle_the_conventions_agree():
    new = vk.loop_forecast(0.7, 7, churn=1.0, inflow=1)
    again = vk.loop_forecast(0.7, 7, churn=1.0, inflow=1, convention=AGAIN)
    assert_frame_equal(new.frame(), again.frame())
    assert new.multiplier == pytest.approx(again.multiplier)


@pytest.mark.parametrize(("convention", "churn"), [("new_users_invite", 0.1), (AGAIN, 0.2)])
def test_multiplier_and_ceiling_are_what_the_loop_comes_to(convention, churn):
    loop = vk.loop_forecast(0.6, 7, until_days=7000, churn=churn, convention=convention)
    assert loop.frame()["total"][-1] == pytest.approx(loop.ceiling, rel=1e-9)
    paid = vk.loop_forecast(
        0.6, 7, users=0, until_days=7000, churn=churn, inflow=1, convention=convention
    )
    gained = paid.frame()["total"].diff()[-1]
    assert gained == pytest.approx(7 * paid.multiplier, rel=1e-9)
    assert paid.ceiling == inf


def test_chance_repeats_the_expected_numbers():
    """Cascades of the kit's own simulator, counted by generation."""
    events = vk.simulate_cascades(0.8, n_cascades=20_000, seed=4)
    by = vk.cascade_table(events, by="generation").group_by("generation").agg(pl.sum("size"))
    loop = vk.loop_forecast(0.8, 1, users=20_000, until_days=4).frame()
    seen = by.sort("generation")["size"].head(5).to_list()
    assert loop["new"].to_list() == pytest.approx(seen, rel=0.05)


def test_the_interval_of_k_carries_through():
    k = vk.k_factor(*people())
    ends = row(k, "k_factor")
    loop = vk.loop_forecast(k, 7, users=1e9, until_days=28)
    last = loop.frame().row(-1, named=True)
    for end in ("lower", "upper"):
        wanted = vk.loop_forecast(ends[end], 7, users=1e9, until_days=28)
        assert last[f"total_{end}"] == pytest.approx(wanted.frame()["total"][-1], rel=1e-6)
        assert row(loop.derived(), "ceiling")[end] == pytest.approx(wanted.ceiling)
    derived = loop.derived()
    assert derived["lower"].null_count() == derived["upper"].null_count() == 0
    assert (derived["lower"] <= derived["estimate"]).all()
    assert (derived["estimate"] <= derived["upper"]).all()


@pytest.mark.parametrize("convention", ["new_users_invite", AGAIN])
def test_chance_is_that_of_users_who_bring_random_numbers(convention):
    """Two thousand loops of 40 users, drawn user by user; K is known almost exactly."""
    rng, users, stay = np.random.default_rng(3), 40, 0.6
    sent = rng.negative_binomial(0.5, 0.5 / 1.1, 400_000)
    loop = vk.loop_forecast(
        vk.k_factor(sent, sent), 1, users=users, until_days=4, churn=1 - stay, convention=convention
    )
    ends = []
    for _ in range(2000):
        new = active = total = users
        for _ in range(4):
            inviters = new if convention == "new_users_invite" else active
            new = int(rng.negative_binomial(0.5 * inviters, 0.5 / 1.1)) if inviters else 0
            active, total = stay * active + new, total + new
            active = active if convention == "new_users_invite" else round(active)
        ends.append((new, active, total))
    last = loop.frame().row(-1, named=True)
    for name, drawn in zip(("new", "active", "total"), np.array(ends).T, strict=True):
        assert last[name] == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 2000**0.5)
        assert (drawn < last[f"{name}_lower"]).mean() < 0.038
        assert 0.012 < (drawn > last[f"{name}_upper"]).mean() < 0.04


def heavy(users=663):
    """What a user brings where a few bring most."""
    return ([0] * 400 + [1] * 200 + [3] * 60 + [15] * 3)[:users]


@pytest.mark.parametrize("convention", ["new_users_invite", AGAIN])
@pytest.mark.parametrize("users", [0, 1, 8, 100])
def test_the_ends_of_users_in_all_never_fall(convention, users):
    k = vk.k_factor(heavy(), heavy())
    how = {"users": users, "inflow": 0.3, "churn": 0.03, "convention": convention}
    frame = vk.loop_forecast(k, 21, until_days=840, **how).frame()
    for end in ("lower", "upper"):
        assert (frame[f"total_{end}"].diff().drop_nulls() >= 0).all()
    uninvited = users + 0.3 * frame["time_days"]
    assert (frame["total_lower"] >= uninvited - 1e-9).all()
    assert frame["total_lower"].is_between(uninvited - 1e-9, frame["total"]).all()


def test_an_end_that_held_once_holds_later():
    frame = vk.loop_forecast(vk.k_factor(heavy(), heavy()), 21, until_days=420).frame()
    assert frame["total_lower"][-1] == frame["total_lower"].max() > 160
    alone = vk.loop_forecast(vk.k_factor(heavy(), heavy()), 21, until_days=63).frame()
    assert_frame_equal(frame.head(4), alone)


def test_a_single_user_may_bring_nobody():
    """A tenth of single users brings nobody: the lower end must leave room for that."""
    sent = [0, 1, 2, 3] * 200
    frame = vk.loop_forecast(vk.k_factor(sent, sent), 7, users=1, until_days=70).frame()
    assert set(frame["total_lower"]) == {1.0} and set(frame["new_lower"][1:]) == {0.0}


def test_the_ceiling_says_that_its_interval_is_that_of_k_alone():
    text = vk.loop_forecast(vk.k_factor(heavy(), heavy()), 21, until_days=420).summary()
    assert "Expected ceiling (interval from that of K alone, without chance): 278.6 (" in text
    assert "alone" not in vk.loop_forecast(0.5, 21).summary()


def test_huge_numbers_have_an_interval_without_end():
    k = vk.k_factor([3, 1, 0, 2], [3, 1, 0, 2])
    last = vk.loop_forecast(k, 1, until_days=280).frame().row(-1, named=True)
    assert last["total"] > 1e40 and last["total_lower"] > 100 and last["total_upper"] > 1e80


def test_a_bare_number_has_no_interval_and_that_is_said():
    loop = vk.loop_forecast(0.8, 7)
    assert loop.frame()["total_lower"].null_count() == 11
    assert loop.derived()["upper"].null_count() == loop.derived().height
    assert any("without an interval" in text for text in loop.warnings)
    assert "[1] K was given without an interval" in loop.summary()


def test_warnings_name_what_is_not_known():
    wide = vk.k_factor(20, 18, users=18)
    assert any("holds 1" in text for text in vk.loop_forecast(wide, 7).warnings)
    assert any("a market does not" in text for text in vk.loop_forecast(1.2, 7).warnings)
    again = vk.loop_forecast(0.2, 7, churn=0.5, convention=AGAIN)
    assert any("per user and cycle" in text for text in again.warnings)
    sure = vk.k_factor([1, 1, 1, 0] * 100, [1, 0, 0, 0] * 100)
    assert vk.loop_forecast(sure, 7).warnings == []
    assert "only new users invite" in vk.loop_forecast(sure, 7).summary()


def test_doubling():
    loop = vk.loop_forecast(1.5, 6, users=1, until_days=600)
    days = row(loop.derived(), "days_to_double")["estimate"]
    new = loop.frame()["new"]
    assert new[50] / new[0] == pytest.approx(2 ** (300 / days), rel=1e-9)
    assert row(vk.loop_forecast(1, 6).derived(), "days_to_double")["estimate"] == inf


def test_only_whole_cycles_count():
    assert vk.loop_forecast(0.5, 7, until_days=27.9).cycles == 3
    assert vk.loop_forecast(0.5, 0.1, until_days=0.3).cycles == 3
    assert vk.loop_forecast(0.5, 7, until_days=0).frame().height == 1
    early = vk.loop_forecast(0.5, 21, until_days=180)
    told = "whole cycles of 21 days are counted: the last one ends on day 168 of 180."
    assert told in early.warnings[0] and told in early.summary()
    for cycle, days in ((21, 168), (0.1, 0.3), (0.7, 4.9)):
        assert not any("whole" in w for w in vk.loop_forecast(0.5, cycle, until_days=days).warnings)


@pytest.mark.parametrize(
    ("arguments", "named", "message"),
    [
        ((-0.1, 7), {}, "k=-0.1; allowed: zero or more"),
        ((float("nan"), 7), {}, "k=nan"),
        ((0.8, 0), {}, "cycle_days=0; allowed: days, above zero"),
        ((0.8, 7), {"users": -1}, "users=-1"),
        ((0.8, 7), {"users": 0}, "Somebody has to start"),
        ((0.8, 7), {"churn": 5}, "churn=5; allowed: a share per day"),
        ((0.8, 7), {"inflow": inf}, "inflow=inf"),
        ((0.8, 7), {"until_days": -1}, "until_days=-1"),
        ((0.8, 0.001), {"until_days": 100}, "more than 10,000 cycles"),
        ((0.8, 7), {"convention": "all"}, "convention='all' is not known; allowed: .'new_users"),
        ((5.0, 7), {"until_days": 7000}, "passes the largest number after 1000 cycles"),
    ],
)
def test_loops_that_are_none_are_refused(arguments, named, message):
    with pytest.raises(ValueError, match=message):
        vk.loop_forecast(*arguments, **named).frame()


def test_a_frame_that_is_not_of_k_factor_is_refused():
    with pytest.raises(vk.TableError, match="no row 'k_factor'"):
        vk.loop_forecast(pl.DataFrame({"quantity": ["R"], "estimate": [1.0]}), 7)
    with pytest.raises(vk.TableError, match="is not a table"):
        vk.loop_forecast("0.8", 7)
    found = vk.referral_cascades(sign_ups([("a", None, 0), ("b", "a", 1), ("c", "a", 2)]))[1]
    with pytest.raises(vk.TableError, match=r"8 rows of a K; allowed: one. Pass quality.tail\(1\)"):
        vk.loop_forecast(found, 7)
    with pytest.raises(vk.TableError, match=r"no row 'k_factor' with the columns"):
        vk.loop_forecast(found.tail(1).drop("users"), 7)


def test_k_of_a_table_of_sign_ups_is_that_of_counts_a_user():
    brought = [5, 0, 3, 1, 0, 0, 2, 0]
    rows = [(f"i{i}", None, i / 10) for i in range(len(brought))]
    rows += [(f"{i}-{j}", f"i{i}", 3 + j) for i, many in enumerate(brought) for j in range(many)]
    quality = vk.referral_cascades(sign_ups(rows))[1]
    each = brought + [0] * sum(brought)
    by_code = vk.loop_forecast(quality.tail(1), 14, until_days=140)
    by_count = vk.loop_forecast(vk.k_factor(each, each), 14, until_days=140)
    assert by_code.k == pytest.approx(by_count.k) and by_code.k.variance > 0
    assert_frame_equal(by_code.frame(), by_count.frame())


# rewards


def test_the_published_reward_pays_sixty_percent():
    published = vk.load_literature_effects().filter(topic="referral rewards")
    value = dict(published.select("metric", "value").iter_rows())
    table = vk.loop_forecast(0.2, 30, users=1000).rewards(
        value["referral reward"], value["difference in customer lifetime value"]
    )
    found = row(table, "return_on_reward")["estimate"]
    assert 100 * found == pytest.approx(value["return on the reward over six years"])
    assert row(table, "break_even_reward")["estimate"] == 40
    assert row(table, "cost_per_additional_customer")["estimate"] == inf


def test_rewards_carry_the_interval_of_k():
    loop = vk.loop_forecast(vk.k_factor(*people()), 7, users=100)
    table = loop.rewards(25, 40)
    derived = loop.derived()
    for end in ("estimate", "lower", "upper"):
        referred = row(derived, "users_referred")[end]
        assert row(table, "referred_customers")[end] == pytest.approx(referred)
        assert row(table, "reward_paid")[end] == pytest.approx(25 * referred)
        assert row(table, "net_gain")[end] == pytest.approx(15 * referred)
    losing = row(loop.rewards(50, 40), "net_gain")
    assert losing["lower"] < losing["estimate"] < losing["upper"] < 0


def test_customers_won_count_with_their_whole_value():
    table = vk.loop_forecast(0.2, 30).rewards(25, 40, value=100, would_come_anyway=0.75)
    assert row(table, "break_even_reward")["estimate"] == 65
    assert row(table, "cost_per_additional_customer")["estimate"] == 100
    assert row(table, "return_on_reward")["estimate"] == pytest.approx(1.6)


def test_referred_customers_do_not_count_those_who_came_uninvited():
    loop = vk.loop_forecast(0.5, 10, users=100, until_days=20, inflow=4)
    assert row(loop.derived(), "users_referred")["estimate"] == pytest.approx(50 + 25 + 20)


@pytest.mark.parametrize(
    ("arguments", "named", "message"),
    [
        ((-1, 40), {}, "reward=-1"),
        ((25, float("nan")), {}, "extra_value=nan"),
        ((25, 40), {"would_come_anyway": 2}, "allowed: a share, 0 to 1"),
        ((25, 40), {"would_come_anyway": 0.5}, "without value="),
    ],
)
def test_odd_rewards_are_refused(arguments, named, message):
    with pytest.raises(ValueError, match=message):
        vk.loop_forecast(0.5, 10).rewards(*arguments, **named)
