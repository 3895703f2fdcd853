"""The table of channels beside a plain loop, and what it says where little is known."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from math import exp, log, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from statsmodels.stats.proportion import proportion_confint

import viralkit as vk
from viralkit.tracking.measure import reproduction

SOURCES = ["facebook", "telegram", "newsletter", "nobody knows", None]
ACTIONS = ["visit", "share", "sign_up", "conversion", None]
COLUMNS = [
    *("channel", "visits", "visitors", "sign_ups", "conversions", "rate", "lower", "upper"),
    *("shares", "reproduction_number", "reproduction_lower", "reproduction_upper"),
    *("unmatched_referrals", "flagged"),
]


def clicks(rows):
    """A clicks table of tuples: second, user, source, action, referral, flag, excluded."""
    texts = ("user", "source", "action", "referral", "flag", "excluded")
    schema = {"time": pl.Int64, **dict.fromkeys(texts, pl.String)}
    frame = pl.DataFrame(rows, schema, orient="row")
    time = pl.from_epoch("time").dt.replace_time_zone("UTC").dt.cast_time_unit("us")
    return frame.with_columns(time, link_id=pl.lit("a"))


def random_clicks(rng, size, users=12):
    """Clicks of a few users, in no order, with times that come again."""
    ids = [f"u{i}" for i in range(users)] + [None]
    pick = lambda values, weights=None: rng.choice(np.array(values, object), size, p=weights)  # noqa: E731
    return clicks(
        list(
            zip(
                rng.integers(0, 30, size).tolist(),
                pick(ids),
                pick(SOURCES),
                pick(ACTIONS),
                pick([*ids, "a stranger", ""]),
                pick([None, "bot"], [0.9, 0.1]),
                pick([None, "a test"], [0.95, 0.05]),
                strict=True,
            )
        )
    )


def by_hand(table):
    """The same figures by a loop over the rows of label_clicks."""
    found = defaultdict(Counter)
    first, did = {}, defaultdict(Counter)
    for row in vk.label_clicks(table).iter_rows(named=True):
        channel, action = row["channel"], row["action"] or "visit"
        found[channel]
        if row["flag"] is not None or row["excluded"] is not None:
            found[channel]["flagged"] += 1
            continue
        found[channel]["visits"] += action == "visit"
        if row["user"] is None:
            found[channel]["shares"] += action == "share"
            continue
        rank = (row["time"], action != "visit", channel)
        name = row["referral"] or None
        if row["user"] not in first or rank < first[row["user"]][0]:
            first[row["user"]] = (rank, {name})
        elif rank == first[row["user"]][0]:
            first[row["user"]][1].add(name)
        did[row["user"]][action] += 1
    brought = Counter()
    for user, ((_, _, channel), names) in first.items():
        who = min(names - {None}, default=None)
        brought[who] += who != user
        found[channel]["unmatched_referrals"] += who is not None and who not in first
    people = defaultdict(list)
    for user, ((_, _, channel), _) in first.items():
        found[channel]["visitors"] += 1
        found[channel]["sign_ups"] += did[user]["sign_up"] > 0
        found[channel]["conversions"] += did[user]["conversion"] > 0
        found[channel]["shares"] += did[user]["share"]
        people[channel].append(brought[user])
    return found, people


def check_by_hand(table, found):
    expected, people = by_hand(table)
    strangers = sum(counts["unmatched_referrals"] for counts in expected.values())
    unknown = strangers and not sum(map(sum, people.values()))
    assert sorted(found["channel"]) == sorted(expected)
    for row in found.iter_rows(named=True):
        counts = expected[row["channel"]]
        for name in (*COLUMNS[1:5], "shares", "unmatched_referrals", "flagged"):
            assert row[name] == counts[name], (row["channel"], name)
        brought = people[row["channel"]]
        if not brought:
            assert row["rate"] is row["lower"] is row["reproduction_number"] is None
            continue
        assert row["rate"] == counts["conversions"] / counts["visitors"]
        if unknown:
            assert [row[name] for name in COLUMNS if "reproduction" in name] == [None] * 3
            continue
        limits = proportion_confint(counts["conversions"], counts["visitors"], method="wilson")
        assert (row["lower"], row["upper"]) == pytest.approx(limits, abs=1e-12)
        assert row["reproduction_number"] == pytest.approx(np.mean(brought))
        assert row["reproduction_lower"] == limits_of(brought)[0]
        assert row["reproduction_upper"] == limits_of(brought)[1]


def limits_of(brought, z=1.959963984540054):
    """The interval of a mean on the log scale, by its definition."""
    size, mean = len(brought), float(np.mean(brought))
    if size < 2:
        return None, None
    if not mean:
        return 0.0, pytest.approx(proportion_confint(0, size, method="wilson")[1])
    error = sqrt(max(float(np.var(brought, ddof=1)), mean) / size) / mean
    return tuple(pytest.approx(exp(log(mean) + sign * z * error)) for sign in (-1, 1))


@pytest.mark.parametrize("seed", range(8))
def test_the_figures_are_those_of_a_loop(seed):
    rng = np.random.default_rng(seed)
    table = random_clicks(rng, int(rng.integers(1, 400)))
    coded = table.with_columns(pl.col("user", "source").cast(pl.Categorical))
    for form in (table, table.lazy(), coded, coded.lazy()):
        check_by_hand(table, vk.channel_table(form))


cells = st.tuples(
    st.integers(0, 4),
    st.sampled_from(["u", "v", "w", None]),
    st.sampled_from(SOURCES),
    st.sampled_from(ACTIONS),
    st.sampled_from(["u", "v", "x", "", None]),
    st.sampled_from([None, None, "bot"]),
    st.sampled_from([None, None, "a test"]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(cells, max_size=12), st.randoms())
def test_ties_and_orders_of_rows(rows, random):
    found = vk.channel_table(clicks(rows))
    check_by_hand(clicks(rows), found)
    random.shuffle(rows)
    assert_frame_equal(vk.channel_table(clicks(rows)), found)


def test_from_parquet_categories_and_labels_it_is_the_same(tmp_path):
    table = random_clicks(np.random.default_rng(5), 900)
    expected = vk.channel_table(table)
    assert expected.columns == COLUMNS
    table.write_parquet(tmp_path / "clicks.parquet", row_group_size=100)
    assert_frame_equal(vk.channel_table(pl.scan_parquet(tmp_path / "clicks.parquet")), expected)
    coded = table.with_columns(
        pl.col("user", "source", "action", "referral").cast(pl.Categorical),
        pl.col("time").dt.cast_time_unit("ms"),
    )
    assert_frame_equal(vk.channel_table(coded), expected)
    assert_frame_equal(vk.channel_table(vk.label_clicks(table)), expected)
    named = vk.label_clicks(table).with_columns(pl.col("channel").cast(pl.Categorical))
    assert_frame_equal(vk.channel_table(named), expected)


def test_users_belong_to_their_first_channel():
    table = clicks(
        [
            (50, "ann", "telegram", "conversion", None, None, None),
            (9, "ann", "facebook", "visit", None, None, None),
            (10, "ann", "newsletter", "visit", None, None, None),
            (11, "ann", None, "share", None, None, None),
            (90, "bob", "newsletter", "visit", "ann", None, None),
            (95, "bob", "facebook", "visit", "cem", None, None),
            (1, "bob", "facebook", "visit", "cem", "bot", None),
        ]
    )
    found = vk.channel_table(table).select("channel", *COLUMNS[1:6], *COLUMNS[8:10])
    assert found.rows() == [
        ("e-mail", 2, 1, 0, 0, 0.0, 0, 0.0),
        ("facebook", 2, 1, 0, 1, 1.0, 1, 1.0),
        ("telegram", 0, 0, 0, 0, None, 0, None),
        ("unknown", 0, 0, 0, 0, None, 0, None),
    ]


def test_circles_and_self_invitations_bring_nobody_twice():
    table = clicks(
        [
            (1, "ann", "telegram", None, "bob", None, None),
            (2, "bob", "telegram", None, "ann", None, None),
            (3, "cem", "telegram", None, "cem", None, None),
            (4, "cem", "telegram", None, "ann", None, None),
        ]
    )
    assert vk.channel_table(table)["reproduction_number"].to_list() == [pytest.approx(2 / 3)]


@pytest.mark.parametrize("form", [pl.DataFrame.lazy, lambda frame: frame])
def test_codes_that_name_no_user_leave_the_reproduction_number_unknown(form):
    rows = [(i, f"C{i}", "telegram", None, "REF-C0" if i else None, None, None) for i in range(9)]
    found = vk.channel_table(form(clicks(rows))).row(0, named=True)
    assert found["visitors"] == 9 and found["unmatched_referrals"] == 8
    assert [found[name] for name in COLUMNS if "reproduction" in name] == [None] * 3
    named = form(clicks(rows).with_columns(pl.col("referral").str.replace("REF-", "")))
    found = vk.channel_table(named).row(0, named=True)
    assert found["reproduction_number"] == 8 / 9 and found["unmatched_referrals"] == 0
    some = form(clicks([*rows, (20, "late", "telegram", None, "C3", None, None)]))
    found = vk.channel_table(some).row(0, named=True)
    assert found["reproduction_number"] == 0.1 and found["unmatched_referrals"] == 8


def test_without_any_referral_nobody_was_brought():
    nobody = clicks([(i, f"u{i}", "telegram", None, None, None, None) for i in range(9)])
    found = vk.channel_table(nobody).row(0, named=True)
    assert found["reproduction_number"] == 0 < found["reproduction_upper"]
    assert found["unmatched_referrals"] == 0


def test_what_the_clicks_do_not_tell_is_null():
    table = random_clicks(np.random.default_rng(1), 60)
    without = {
        "user": ["visitors", "sign_ups", "conversions", "rate", "lower", "reproduction_number"],
        "action": ["sign_ups", "conversions", "rate", "upper", "shares"],
        "referral": [name for name in COLUMNS if "reproduction" in name or "unmatched" in name],
    }
    for column, unknown in without.items():
        found = vk.channel_table(table.drop(column))
        assert found.columns == COLUMNS
        assert not sum(found[name].count() for name in unknown)
        assert found["visits"].null_count() == found["flagged"].null_count() == 0
    strangers = table.with_columns(user=pl.lit(None, pl.String))
    found = vk.channel_table(strangers)
    assert found["visitors"].to_list() == [0] * len(found)
    assert found["rate"].null_count() == len(found)
    nothing = table.with_columns(user=None, source=None, referral=None, action=None)
    assert vk.channel_table(nothing)["visitors"].sum() == 0


def test_by_another_column():
    table = random_clicks(np.random.default_rng(2), 200)
    table = table.with_columns(campaign=pl.col("source").replace("nobody knows", "x"))
    found = vk.channel_table(table, by="campaign")
    assert found.columns == ["campaign", *COLUMNS[1:]]
    assert set(found["campaign"]) == {"facebook", "telegram", "newsletter", "x", None}
    assert found["visitors"].sum() == vk.channel_table(table)["visitors"].sum()
    bots = table.with_columns(agent=pl.lit("curl/8"))
    assert vk.channel_table(bots, by="campaign")["flagged"].sum() == 200


def test_rules_label_anew():
    table = vk.label_clicks(random_clicks(np.random.default_rng(3), 80))
    one = pl.DataFrame({"channel": ["all"]})
    assert vk.channel_table(table, one)["channel"].to_list() == ["all"]


def test_alpha_widens_the_intervals():
    table = random_clicks(np.random.default_rng(4), 300)
    narrow, wide = (vk.channel_table(table, alpha=alpha) for alpha in (0.32, 0.01))
    for low, high in (("lower", "upper"), ("reproduction_lower", "reproduction_upper")):
        assert (wide[high] - wide[low] > narrow[high] - narrow[low]).all()


@pytest.mark.parametrize("dispersion", [0.5, 50.0])
def test_the_interval_of_people_brought_holds_the_truth(dispersion):
    mean, visitors = 0.3, 300
    rng = np.random.default_rng(8)
    drawn = rng.negative_binomial(dispersion, dispersion / (dispersion + mean), (2_000, visitors))
    size = np.full(2_000, float(visitors))
    found = reproduction(drawn.sum(1) * 1.0, (drawn**2).sum(1) * 1.0, size, 0.05)
    held = (found["reproduction_lower"] <= mean) & (mean <= found["reproduction_upper"])
    assert 0.935 < held.mean() < 0.965


@pytest.mark.parametrize("lazy", [False, True])
def test_an_empty_table(lazy):
    table = clicks([])
    found = vk.channel_table(table.lazy() if lazy else table)
    assert found.is_empty() and found.columns == COLUMNS
    assert found.schema["channel"] == pl.String


def test_times_of_ten_thousand_years():
    ends = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
    table = pl.DataFrame({"time": ends[::-1], "link_id": "a", "user": "u", "source": ["x", "qr"]})
    channels = pl.concat([table, *(table.with_columns(source=pl.lit(f"s{i}")) for i in range(40))])
    found = vk.channel_table(channels, by="source")
    assert found.filter(visitors=1)["source"].to_list() == ["qr"]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"time": pl.lit("1 May")}, "column 'time' is String; allowed: Datetime in UTC"),
        ({"time": pl.col("time").dt.convert_time_zone("Asia/Tokyo")}, "Convert it:"),
        ({"time": pl.lit(None, pl.Datetime("us", "UTC"))}, "column 'time': the value is missing"),
        ({"action": pl.lit("buy")}, "column 'action': 'buy' is not allowed; allowed: visit, share"),
        ({"user": pl.lit(7)}, "column 'user' is Int32; allowed: text"),
        ({"excluded": pl.lit("")}, "column 'excluded': '' is empty text"),
    ],
)
def test_clicks_that_break_a_rule_are_refused(change, told, lazy):
    table = random_clicks(np.random.default_rng(6), 9).with_columns(excluded=None)
    table = table.with_columns(**change)
    with pytest.raises(vk.TableError) as error:
        vk.channel_table(table.lazy() if lazy else table)
    assert told in str(error.value)


def test_refusals_of_choices():
    table = random_clicks(np.random.default_rng(6), 9)
    with pytest.raises(vk.TableError, match=r"column 'campain' not found; columns: .*Pass by="):
        vk.channel_table(table, by="campain")
    with pytest.raises(vk.TableError, match=r"column 'time' is Datetime.*allowed: text"):
        vk.channel_table(table, by="time")
    with pytest.raises(vk.TableError, match="alpha=2; allowed: between 0 and 1"):
        vk.channel_table(table, alpha=2)
    with pytest.raises(vk.TableError, match="'list' is not a polars DataFrame"):
        vk.channel_table([])
