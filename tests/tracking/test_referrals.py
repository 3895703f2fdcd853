"""Referral codes to cascades: links, flags, and K with and without the suspicious."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import viralkit as vk

START = datetime(2026, 1, 1, tzinfo=UTC)


def sign_ups(rows, **columns):
    users = [{"user": u, "invited_by": i, "time": START + timedelta(seconds=s)} for u, i, s in rows]
    schema = {"user": pl.String, "invited_by": pl.String, "time": pl.Datetime("us", "UTC")}
    return pl.DataFrame(users, schema).with_columns(**columns)


def of(events, name):
    return dict(events.select("event_id", name).iter_rows())


def counted(quality):
    return dict(quality.select("check", "rows").iter_rows())


ORDINARY = [("ann", None, 0), ("bob", "ann", 100), ("cat", "bob", 300), ("dan", None, 50)]


def test_sign_ups_become_cascades():
    events, quality = vk.referral_cascades(sign_ups(ORDINARY))
    vk.check(events, "events")
    assert of(events, "cascade_id") == {"ann": "ann", "bob": "ann", "cat": "ann", "dan": "dan"}
    assert of(events, "parent_id") == {"ann": None, "bob": "ann", "cat": "bob", "dan": None}
    assert of(events, "time") == {"ann": 0, "bob": 100, "cat": 300, "dan": 0}
    assert of(events, "timestamp")["cat"] == START + timedelta(seconds=300)
    assert events["flag"].null_count() == 4
    assert counted(quality)["all that name an inviter"] == 2
    assert counted(quality)["without a flag"] == 2


def test_the_rest_of_the_kit_works_on_them():
    events, quality = vk.referral_cascades(sign_ups(ORDINARY))
    table = vk.cascade_table(events)
    assert table["size"].to_list() == [3, 1] and table["depth"].to_list() == [2, 0]
    fit = vk.Branching(table).fit(law="poisson")
    assert fit.params["R"] == pytest.approx(quality["k_factor"][0])
    assert vk.explore_cascade(events).table.height > 0
    children = events.group_by("parent_id").len().drop_nulls()["len"]
    offspring = [*children, *[0] * (events.height - len(children))]
    k = vk.k_factor(offspring, offspring).row(2, named=True)
    assert [k[n] for n in ("estimate", "lower", "upper")] == pytest.approx(quality.row(0)[2:5])


def test_the_order_of_rows_does_not_matter():
    table = sign_ups(ORDINARY)
    for seed in range(3):
        shuffled = vk.referral_cascades(table.sample(fraction=1, shuffle=True, seed=seed))
        for one, other in zip(vk.referral_cascades(table), shuffled, strict=True):
            assert_frame_equal(one, other)


def test_a_simulated_world_comes_back():
    truth = vk.simulate_cascades(0.6, 0.5, n_cascades=300, seed=5)
    start = pl.lit(START).dt.cast_time_unit("us")
    table = truth.select(
        user="event_id",
        invited_by=pl.when(pl.col("parent_id").is_not_null()).then("parent_id"),
        time=start + pl.duration(microseconds=pl.col("time") * 1e6),
    )
    events, quality = vk.referral_cascades(table, too_fast_seconds=0)
    names = ["size", "depth", "structural_virality", "roots"]
    one, other = (vk.cascade_table(e).select(names).sort(names) for e in (truth, events))
    assert_frame_equal(one, other)
    referred = truth["parent_id"].is_not_null().sum()
    assert quality["k_factor"][0] == pytest.approx(referred / truth.height)


def test_the_interval_of_k_is_that_of_k_factor():
    truth = vk.simulate_cascades(0.8, 0.3, n_cascades=100, largest=500, seed=2)
    time = START + pl.duration(microseconds=pl.col("time") * 1e6)
    table = truth.select(user="event_id", invited_by="parent_id", time=time)
    quality = vk.referral_cascades(table)[1].row(0)
    children = truth.group_by("parent_id").len().drop_nulls()["len"].to_list()
    each = children + [0] * (truth.height - len(children))
    k = vk.k_factor(each, each).row(2, named=True)
    assert quality[2:5] == pytest.approx((k["estimate"], k["lower"], k["upper"]))


def test_self_referral_and_unknown_inviters_start_their_own_cascade():
    table = sign_ups([*ORDINARY, ("eve", "eve", 500), ("fay", "nobody", 600), ("gus", "", 700)])
    events, quality = vk.referral_cascades(table)
    flag = of(events, "flag")
    assert flag["eve"] == "self-referral"
    assert flag["fay"] == flag["gus"] == "inviter unknown"
    for name in ("eve", "fay", "gus"):
        assert of(events, "parent_id")[name] is None and of(events, "cascade_id")[name] == name
    assert of(events, "invited_by")["fay"] == "nobody"
    assert counted(quality)["all that name an inviter"] == 5
    assert counted(quality)["without a flag"] == 2


def test_circles_are_told_and_cut_where_they_began():
    circle = [("a", "c", 0), ("b", "a", 100), ("c", "b", 200), ("d", "c", 300), ("e", None, 400)]
    other = [("p", "q", 50), ("q", "p", 450)]
    events, quality = vk.referral_cascades(sign_ups([*circle, *other]))
    flag, parent = of(events, "flag"), of(events, "parent_id")
    assert {n for n, f in flag.items() if f == "circle"} == {"a", "b", "c", "p", "q"}
    assert flag["d"] is None
    assert (parent["a"], parent["b"], parent["c"], parent["d"]) == (None, "a", "b", "c")
    assert (parent["p"], parent["q"]) == (None, "p")
    assert set(of(events, "cascade_id").values()) == {"a", "p", "e"}
    assert vk.cascade_table(events)["depth"].to_list() == [3, 1, 0]
    assert counted(quality)["circle"] == 5 and counted(quality)["without a flag"] == 1


def test_a_circle_at_one_moment_is_cut_once():
    rows = [(f"u{i}", f"u{(i + 1) % 7}", 0) for i in range(7)]
    events, _ = vk.referral_cascades(sign_ups(rows))
    assert events["parent_id"].null_count() == 1
    assert vk.cascade_table(events)["size"].to_list() == [7]


def test_a_clock_that_runs_backwards_and_one_that_is_too_fast():
    table = sign_ups(
        [("ann", None, 100), ("bob", "ann", 40), ("cat", "ann", 105), ("dan", "ann", 140)]
    )
    events, _ = vk.referral_cascades(table, too_fast_seconds=10)
    assert of(events, "flag") == {
        "ann": None,
        "bob": "clock runs backwards",
        "cat": "too fast",
        "dan": None,
    }
    assert of(events, "parent_id")["bob"] == "ann"
    assert of(events, "time") == {"bob": 0, "ann": 60, "cat": 65, "dan": 100}
    assert vk.cascade_table(events)["size"].item() == 4
    exact, _ = vk.referral_cascades(table, too_fast_seconds=5)
    assert of(exact, "flag")["cat"] is None, "five seconds are not sooner than five"
    none, _ = vk.referral_cascades(table, too_fast_seconds=0)
    assert of(none, "flag")["cat"] is None


def leak(many, apart, usual=1):
    """One code with many sign-ups, so many seconds apart, among codes with a few."""
    rows = [("leak", None, 0), *((f"code{i}", None, i) for i in range(30))]
    rows += [(f"s{i}", "leak", 90_000 + apart * i) for i in range(many)]
    rows += [
        (f"f{i}-{j}", f"code{i}", 5_000 + 100_000 * j) for i in range(30) for j in range(usual)
    ]
    return sign_ups(rows)


def test_a_leaked_code_is_a_burst():
    events, quality = vk.referral_cascades(leak(40, 60))
    flagged = events.filter(flag="burst")
    assert flagged.height == 40 and set(flagged["invited_by"]) == {"leak"}
    table = quality.rows_by_key("check", named=True, unique=True)
    everything, clean = table["all that name an inviter"], table["without a flag"]
    assert everything["k_factor"] == pytest.approx(70 / 101)
    assert clean["k_factor"] == pytest.approx(30 / 101)
    parts = quality.slice(1)["k_factor"].sum()
    assert parts == pytest.approx(everything["k_factor"]), "a row counts once"


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (leak(19, 60), {}),
        (leak(40, 3600), {}),
        (leak(40, 60, usual=5), {}),
        (leak(40, 60), {"burst_sign_ups": 41}),
        (leak(40, 60), {"burst_seconds": 100}),
    ],
    ids=["too few", "too slow", "others bring as many", "larger asked for", "quicker asked for"],
)
def test_what_is_no_burst(table, named):
    events, quality = vk.referral_cascades(table, **named)
    assert "burst" not in events["flag"].to_list() and counted(quality)["burst"] == 0


def test_only_the_burst_of_a_code_is_flagged():
    rows = [
        ("hub", None, 0),
        ("one", None, 0),
        ("two", None, 0),
        ("x", "one", 99),
        ("y", "two", 99),
    ]
    rows += [(f"early{i}", "hub", 10_000 * (i + 1)) for i in range(5)]
    rows += [(f"now{i}", "hub", 400_000 + i) for i in range(25)]
    events, _ = vk.referral_cascades(sign_ups(rows))
    assert set(events.filter(flag="burst")["event_id"]) == {f"now{i}" for i in range(25)}


def test_watching_users_equally_long_frees_k_from_growth():
    rng = np.random.default_rng(1)
    day, rows = 86_400, [(f"s{i}", None, float(t)) for i, t in enumerate(rng.uniform(0, 1, 60))]
    for parent in range(9000):
        if parent < len(rows):
            name, _, came = rows[parent]
            gaps = rng.exponential(4 * day, rng.poisson(1.3))
            new = [came + gap for gap in gaps if came + gap < 40 * day]
            rows += [(f"{name}.{i}", name, when) for i, when in enumerate(new)]
    table = sign_ups(rows)
    naive = vk.referral_cascades(table)[1].row(0, named=True)
    watched = vk.referral_cascades(table, watched_days=20)[1].row(0, named=True)
    truth = 1.3 * (1 - np.exp(-5))
    assert watched["lower"] < truth < watched["upper"]
    assert naive["upper"] < truth


def test_other_columns_pass_through_and_excluded_rows_do_not():
    table = sign_ups(ORDINARY, plan=pl.lit("free"), excluded=pl.Series([None, None, "test", None]))
    events, _ = vk.referral_cascades(table)
    assert events["plan"].to_list() == ["free"] * 3 and "cat" not in events["event_id"].to_list()


def test_ids_may_be_numbers_in_text_and_categories():
    table = sign_ups([("1", None, 0), ("12", "1", 100), ("01", "12", 200)])
    events, _ = vk.referral_cascades(table)
    assert of(events, "cascade_id") == {"1": "1", "12": "1", "01": "1"}
    categories = table.with_columns(pl.col("user", "invited_by").cast(pl.Categorical))
    assert_frame_equal(vk.referral_cascades(categories)[0], events)


def test_dates_are_enough_and_the_same_day_is_not_too_fast():
    table = leak(25, 60).vstack(sign_ups([("x", "code1", 5), ("y", "code2", 86_500)]))
    exact, found = vk.referral_cascades(table)
    assert counted(found)["too fast"] == 1
    dated, quality = vk.referral_cascades(table.with_columns(pl.col("time").dt.date()))
    vk.check(dated, "events")
    assert_frame_equal(
        exact.select("event_id", "parent_id").sort("event_id"),
        dated.select("event_id", "parent_id").sort("event_id"),
    )
    assert counted(quality)["too fast"] == 0 and counted(quality)["burst"] == 25
    notes = dict(quality.select("check", "note").iter_rows())
    assert notes["too fast"] == "not looked for: times are dates"
    assert notes["burst"] == "20 or more by one code on 1 calendar day(s)"
    assert dated["timestamp"].dtype == pl.Datetime("us", "UTC")
    late = sign_ups([("a", None, 90_000), ("b", "a", 0)]).with_columns(pl.col("time").dt.date())
    assert vk.referral_cascades(late)[0]["flag"].to_list() == ["clock runs backwards", None]


def test_cycle_times_of_dates_are_whole_days():
    rows = [("a", None, 0), ("b", None, 0), ("c", "a", 3e5), ("d", "b", 4e5), ("e", None, 3e6)]
    table = sign_ups(rows).with_columns(pl.col("time").dt.date())
    cycle, _ = vk.cycle_time(table)
    assert cycle["estimate"].to_list() == [3.0, 3.5]


def test_one_row_is_enough():
    for inviter in (None, "x", "a"):
        events, _ = vk.referral_cascades(sign_ups([("a", inviter, 0)]))
        assert vk.cascade_table(events)["size"].item() == 1


TWICE = sign_ups([("a", None, 0), ("a", None, 5)])


@pytest.mark.parametrize(
    ("table", "named", "message"),
    [
        (TWICE, {}, "user 'a' signs up twice; allowed: one row a user"),
        (TWICE.head(0), {}, "no sign-ups to use"),
        (TWICE.drop("user").rename({"invited_by": "inviter"}), {}, "column 'user' not found"),
        (TWICE.rename({"invited_by": "invited"}), {}, r"frame.rename\({'invited': 'invited_by'}"),
        (
            TWICE.rename({"invited_by": "referral"}).with_columns(converted=1),
            {},
            r"frame.rename\({'referral': 'invited_by'}",
        ),
        (TWICE.with_columns(user=None), {}, "column 'user', row 0 .* is missing"),
        (TWICE.with_columns(user=pl.lit(5)), {}, "ids are text"),
        (TWICE.with_columns(time=pl.lit("2026-01-01")), {}, "Parse it"),
        (TWICE.with_columns(pl.col("time").dt.replace_time_zone(None)), {}, "Say which zone"),
        (
            TWICE.with_columns(pl.col("time").dt.convert_time_zone("Europe/Paris")),
            {},
            "convert_time_zone",
        ),
        (TWICE.with_columns(time=None), {}, "column 'time', row 0"),
        (sign_ups(ORDINARY, flag=pl.lit("bot")), {}, "column 'flag' would be written over"),
        (TWICE, {"too_fast_seconds": -1}, "too_fast_seconds=-1; allowed: seconds"),
        (TWICE, {"burst_seconds": float("nan")}, "burst_seconds=nan"),
        (TWICE, {"burst_sign_ups": 1}, "burst_sign_ups=1; allowed: whole numbers from 2"),
        (TWICE, {"alpha": 5}, "alpha=5"),
        (sign_ups(ORDINARY), {"watched_days": 9}, "watched_days=9; allowed: above zero"),
        ("file.csv", {}, "is not a table"),
    ],
)
def test_odd_tables_are_refused(table, named, message):
    with pytest.raises(ValueError, match=message):
        vk.referral_cascades(table, **named)


def test_a_long_chain_and_a_hostile_name():
    users = ["<script>alert(1)</script>", *(f"u{i}" for i in range(3000))]
    rows = [(u, None if i == 0 else users[i - 1], 60 * i) for i, u in enumerate(users)]
    events, _ = vk.referral_cascades(sign_ups(rows))
    assert vk.cascade_table(events)["depth"].item() == 3000
    assert set(events["cascade_id"]) == {users[0]}
