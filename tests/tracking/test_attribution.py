"""Attribution: credit by hand, by published examples and by brute force; nothing is lost."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import viralkit as vk
from viralkit.tracking.attribution import MODELS
from viralkit.tracking.markov import bic, build_chain, removal_effects
from viralkit.tracking.paths import find_paths

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY, SOON = timedelta(days=1), timedelta(minutes=5)
NASTY = ["<script>alert(1)</script>", '"; drop table', "a\nb\t\u202e", "=cmd()", "", "x" * 9_000]


def log(*people: str) -> pl.DataFrame:
    """One person a text: a word starts a session a day later, ! converts in it.

    $ converts a day later on a page of the site, without another click; mail$ by a click of mail.
    """
    rows = []
    for number, events in enumerate(people):
        time, session, channel = START, 0, "direct"
        for event in events.split():
            time += SOON if event == "!" else DAY
            session += event != "!"
            channel = channel if event == "!" else event.removesuffix("$") or "internal"
            action = "conversion" if event == "!" or event.endswith("$") else "visit"
            rows.append((time, "https://a.org/", f"u{number}", session, channel, action))
    columns = ["time", "url", "user", "session", "channel", "action"]
    return pl.DataFrame(rows, columns, orient="row")


def column(clicks: pl.DataFrame, model: str, name: str = "credit", **how: object) -> dict:
    table = vk.attribution_table(clicks, model, replicates=100, **how)
    return dict(table.select("channel", name).rows())


# published examples and credit by hand


def test_a_published_example_of_three_journeys() -> None:
    # S. Bryl (2016), analyzecore.com/2016/08/03/attribution-model-r-part-1
    clicks = log("C1 C2 C3 !", "C1", "C2 C3")
    assert column(clicks, "markov", "removal_effect", order=1) == pytest.approx(
        {"C1": 0.5, "C2": 1.0, "C3": 1.0}, abs=1e-12
    )
    assert column(clicks, "markov", order=1) == pytest.approx(
        {"C1": 0.2, "C2": 0.4, "C3": 0.4}, abs=1e-12
    )


def test_a_published_example_of_two_channels() -> None:
    # S. Puzyrov (2019), Markov chain attribution: simple explanation of removal effect
    clicks = log("google !", "google !", "mail !", "google mail !", "google")
    effects = column(clicks, "markov", "removal_effect", order=1)
    assert effects == pytest.approx({"google": 0.75, "mail": 0.5}, abs=1e-12)
    credit = column(clicks, "markov", order=1)
    assert credit == pytest.approx({"google": 2.4, "mail": 1.6}, abs=1e-12)


@pytest.mark.parametrize(
    ("model", "credit"),
    [
        ("first", {"a": 1, "b": 0, "c": 1}),
        ("last", {"a": 0, "b": 1, "c": 1}),
        ("linear", {"a": 1 / 3, "b": 2 / 3, "c": 1}),
        ("time_decay", {"a": 0.25 / 1.75, "b": 1.5 / 1.75, "c": 1}),
    ],
)
def test_credit_by_hand(model: str, credit: dict) -> None:
    how = {"half_life_days": 1.0} if model == "time_decay" else {}
    assert column(log("a b b !", "c !", "b"), model, **how) == pytest.approx(credit, abs=1e-12)


def test_a_half_life_beyond_all_ages_is_linear_and_a_tiny_one_is_the_last_touch() -> None:
    clicks = log("a b c !", "b a !", "c")
    for half_life, model in ((1e9, "linear"), (1e-9, "last")):
        decayed = column(clicks, "time_decay", half_life_days=half_life)
        assert decayed == pytest.approx(column(clicks, model), abs=1e-8)


# paths


def test_a_conversion_is_a_path_since_the_one_before() -> None:
    assert column(log("a ! b !"), "first") == {"a": 1, "b": 1}
    assert column(log("a b ! c d ! e"), "linear") == {
        "a": 0.5,
        "b": 0.5,
        "c": 0.5,
        "d": 0.5,
        "e": 0,
    }


def test_a_second_conversion_in_a_session_has_that_session_as_its_path() -> None:
    assert column(log("a b ! !"), "first") == {"a": 1, "b": 1}
    assert column(log("a b ! !"), "linear") == {"a": 0.5, "b": 1.5}


def test_a_conversion_in_a_session_without_clicks_belongs_to_those_before() -> None:
    assert column(log("a b $"), "last") == {"a": 0, "b": 1}
    assert column(log("a $ $"), "last") == {"a": 1, "unknown": 1}


def test_a_conversion_on_the_landing_click_is_a_touch_of_its_own_channel() -> None:
    assert column(log("mail$", "x$ x$", "mail"), "last") == {"mail": 1, "x": 2}
    assert column(log("a mail$"), "linear") == {"a": 0.5, "mail": 0.5}
    assert column(log("a b$ !"), "linear") == {"a": 0.5, "b": 1.5}
    assert column(log("a b", "a b$"), "markov", "removal_effect", order=1)["b"] == 1
    # an hour later in the session: the visit before it is the touch, and what comes after is none
    clicks = log("a", "b$").with_columns(user=pl.lit("u"), session=pl.lit(1))
    assert column(clicks, "last") == {"a": 1}
    clicks = log("b$ a").with_columns(session=pl.lit(1))
    assert column(clicks, "last") == {"b": 1}


def test_a_direct_conversion_is_a_touch_only_where_there_is_no_other() -> None:
    assert column(log("direct$", "a direct$"), "last") == {"direct": 1, "a": 1}
    assert column(log("direct$ !", "a"), "last") == {"direct": 2, "a": 0}
    assert column(log("unknown$", "a unknown$"), "last") == {"unknown": 1, "a": 1}


def test_of_clicks_at_one_time_the_visit_goes_first() -> None:
    clicks = log("a", "b$").with_columns(time=START, user=pl.lit("u"), session=pl.lit(1))
    for rows in (clicks, clicks.reverse()):
        assert column(rows, "last") == {"a": 1}


def test_an_export_with_a_row_an_order_gives_what_channel_table_gives() -> None:
    sources = ["newsletter", "facebook", "facebook", None]
    orders = log(*["x"] * 4).drop("channel", "session")
    orders = orders.with_columns(
        action=pl.lit("conversion"),
        source=pl.Series(sources),
        referrer=pl.lit(None, pl.String),
    )
    won = vk.channel_table(orders).select("channel", "conversions").rows()
    assert column(orders, "last") == dict(won) == {"e-mail": 1, "facebook": 2, "direct": 1}


def test_a_click_after_the_conversion_of_its_session_led_to_nothing() -> None:
    seconds = [0, 2 * 86_400, 2 * 86_400 + 600]
    rows = {
        "time": [START + timedelta(seconds=second) for second in seconds],
        "url": "https://a.org/",
        "user": "ann",
        "session": [1, 2, 2],
        "channel": ["mail", "internal", "paid"],
        "action": ["visit", "conversion", "visit"],
    }
    for model in MODELS:
        assert column(pl.DataFrame(rows), model) == pytest.approx({"mail": 1.0})


@pytest.mark.parametrize("channels", [["mail", "search"], ["search", "mail"]])
def test_of_clicks_at_one_time_the_first_channel_by_name_counts(channels: list[str]) -> None:
    rows = {
        "time": [START, START, START + SOON],
        "url": "https://a.org/",
        "user": "ann",
        "session": 1,
        "channel": [*channels, "internal"],
        "action": ["visit", "visit", "conversion"],
    }
    assert column(pl.DataFrame(rows), "first") == {"mail": 1.0}


def test_the_first_click_of_a_session_is_its_touch() -> None:
    clicks = log("a", "b !").with_columns(user=pl.lit("u"), session=pl.lit(1))
    assert column(clicks, "last")["a"] == 1


def test_who_comes_back_to_an_open_page_has_no_new_touch() -> None:
    assert column(log("a b internal !", "internal c !"), "last") == {"a": 0, "b": 1, "c": 1}
    assert column(log("internal !", "a"), "last") == {"unknown": 1, "a": 0}


def test_conversions_of_nobody_are_unknown_in_every_model() -> None:
    clicks = log("a !", "a b !", "c", "b !")
    clicks = clicks.with_columns(pl.when(pl.col("user") != "u3").then("user"))
    for model in MODELS:
        credit = column(clicks, model)
        assert credit["unknown"] == 1 and sum(credit.values()) == pytest.approx(3)


def test_a_channel_that_is_called_unknown_stands_in_one_row_with_them() -> None:
    clicks = log("unknown !", "a !").vstack(log("a !").with_columns(user=pl.lit(None, pl.String)))
    for model in MODELS:
        assert column(clicks, model) == pytest.approx({"unknown": 2, "a": 1})


def test_only_unknown_conversions() -> None:
    clicks = log("a", "b !").with_columns(pl.when(pl.col("user") == "u0").then("user"))
    for model in MODELS:
        assert column(clicks, model) == {"unknown": 1, "a": 0}


def test_what_is_flagged_or_excluded_is_left_out_and_counted() -> None:
    clicks = log("a !", "b !", "c !").with_columns(
        flag=pl.when(pl.col("user") == "u1").then(pl.lit("bot")),
        excluded=pl.when(pl.col("user") == "u2").then(pl.lit("test order")),
    )
    table = vk.attribution_table(clicks, "last")
    assert table.select("channel", "credit", "left_out").rows() == [("a", 1, 4)]


def test_clicks_without_channels_are_labelled() -> None:
    clicks = log("a !", "b !").drop("channel", "session")
    tags = {"source": ["newsletter", None, "facebook", None], "medium": ["email"] + [None] * 3}
    labelled = column(clicks.with_columns(**{n: pl.Series(v) for n, v in tags.items()}), "last")
    assert labelled == {"e-mail": 1, "facebook": 1}


def test_channels_of_ones_own_stay_where_sessions_are_counted() -> None:
    assert column(log("a b !").drop("session"), "first") == {"a": 1, "b": 0}


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["u0", "u1", "u2"])])
def test_ids_of_other_dtypes_and_sessions_of_text(dtype: pl.DataType) -> None:
    clicks = log("a b !", "b a ! c", "c !")
    coded = clicks.with_columns(pl.col("user").cast(dtype), pl.col("session").cast(pl.String))
    for model in MODELS:
        assert vk.attribution_table(coded, model).equals(vk.attribution_table(clicks, model))


# nothing is lost

EVENTS = st.lists(st.sampled_from(["a", "b", "c", "!", "$"]), min_size=1, max_size=7)


@settings(max_examples=40, deadline=None)
@given(people=st.lists(EVENTS, min_size=1, max_size=6), model=st.sampled_from(MODELS))
def test_conversions_are_conserved(people: list[list[str]], model: str) -> None:
    clicks = log(*(" ".join(events) for events in people))
    conversions = sum(Counter(events)["!"] + Counter(events)["$"] for events in people)
    if not conversions:
        return
    table = vk.attribution_table(clicks, model, replicates=100)
    assert table["credit"].sum() == pytest.approx(conversions, abs=1e-9)
    assert table["share"].sum() == pytest.approx(1, abs=1e-12)
    between = table.select(pl.col("lower", "upper", "share").is_between(-1e-12, 1 + 1e-12).all())
    assert between.row(0) == (True, True, True)
    assert (table["lower"] <= table["upper"] + 1e-12).all()


@pytest.mark.parametrize("model", MODELS)
def test_neither_names_nor_the_order_of_rows_nor_doubled_people_matter(model: str) -> None:
    clicks = simulated(1, 300)
    one = column(clicks, model, "share")
    swapped = clicks.with_columns(pl.col("channel").replace({"0": "2", "2": "0"}))
    other = column(swapped, model, "share")
    assert [other["2"], other["1"], other["0"]] == pytest.approx([one["0"], one["1"], one["2"]])
    assert column(clicks.sample(fraction=1, shuffle=True, seed=5), model, "share") == pytest.approx(
        one
    )
    twice = pl.concat([clicks, clicks.with_columns(pl.format("{}'", "user"))])
    order = {"order": 1} if model == "markov" else {}
    assert column(twice, model, "share", **order) == pytest.approx(
        column(clicks, model, "share", **order)
    )


# the chain


def simulated(order: int, people: int, seed: int = 0) -> pl.DataFrame:
    """Paths of three channels from a chain of this order, as a log."""
    rng = np.random.default_rng(seed)
    law: dict[tuple, np.ndarray] = {}
    texts = []
    for _ in range(people):
        path = [int(rng.integers(3))]
        while path[-1] < 3 and len(path) < 40:
            last = tuple(path[-order:])
            if last not in law:
                law[last] = np.random.default_rng([7, *last]).dirichlet([1.0, 1.0, 1.0, 1.0, 1.0])
            path.append(int(rng.choice(5, p=law[last])))
        texts.append(" ".join("012!."[step] for step in path if step < 4))
    return log(*texts)


def lost_by_brute_force(clicks: pl.DataFrame, order: int, channel: int) -> float:
    """Count transitions in a dict of tuples and follow the crowd until nobody is left."""
    paths = find_paths(clicks)
    steps: dict[tuple, Counter] = {}
    for _, rows in paths.touches.group_by("path", maintain_order=True):
        codes = [*rows["code"].to_list(), "yes" if rows["converted"][0] else "no"]
        for i, code in enumerate(codes):
            state = tuple(codes[max(0, i - order) : i])
            steps.setdefault(state, Counter())[code] += 1
    total = {}
    for removed in (None, channel):
        crowd, converted = {(): 1.0}, 0.0
        while sum(crowd.values()) > 1e-14:
            moved: Counter = Counter()
            for state, share in crowd.items():
                whole = steps[state].total()
                for code, count in steps[state].items():
                    converted += share * count / whole * (code == "yes")
                    if code not in ("yes", "no", removed):
                        moved[(*state, code)[-order:]] += share * count / whole
            crowd = moved
        total[removed] = converted
    return 1 - total[channel] / total[None]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_removal_effects_against_brute_force(order: int) -> None:
    clicks = simulated(2, 250)
    effects = column(clicks, "markov", "removal_effect", order=order)
    for channel in range(3):
        lost = lost_by_brute_force(clicks, order, channel)
        assert effects[str(channel)] == pytest.approx(lost, abs=1e-10)


def test_at_order_one_a_removal_is_what_passes_through_a_channel() -> None:
    # P(convert by way of c) = P(ever at c) P(convert | at c), by the fundamental matrix
    chain, _ = build_chain(find_paths(simulated(1, 400)), 1)
    counts = np.bincount(chain.feature).astype(float)
    size = len(chain.states)
    whole = np.bincount(chain.source, counts, size)
    moves, ends = np.zeros((size, size)), np.zeros(size)
    moves[chain.source[chain.inner], chain.target] = counts[chain.inner]
    convert = chain.step == chain.channels
    ends[chain.source[convert]] = counts[convert]
    visits = np.linalg.inv(np.eye(size) - moves / whole[:, None])
    reached = visits @ (ends / whole)
    ever = visits[chain.start] / np.diag(visits)
    expected = (ever * reached / reached[chain.start])[np.delete(np.arange(size), chain.start)]
    assert removal_effects(chain, counts) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_chain_converts_as_often_as_the_paths(order: int) -> None:
    paths = find_paths(simulated(2, 300))
    chain, _ = build_chain(paths, order)
    counts = np.bincount(chain.feature).astype(float)
    share = counts / np.bincount(chain.source, counts)[chain.source]
    size, reached = len(chain.states), np.zeros(len(chain.states))
    for _ in range(2_000):
        step = np.bincount(chain.source, share * (chain.step == chain.channels), size)
        inner = share[chain.inner] * reached[chain.target]
        reached = step + np.bincount(chain.source[chain.inner], inner, size)
    seen = paths.touches.unique("path")["converted"].mean()
    assert reached[chain.start] == pytest.approx(seen, abs=1e-10)


def test_repeated_touches_of_a_channel_do_not_matter_at_order_one() -> None:
    short, long = log("a b !", "b", "b a !", "a"), log("a a b b b !", "b b", "b a a !", "a")
    effects = [column(clicks, "markov", "removal_effect", order=1) for clicks in (short, long)]
    assert effects[0] == pytest.approx(effects[1], abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_bic_finds_the_order_of_a_simulated_chain(order: int) -> None:
    table = vk.attribution_table(simulated(order, 4_000, seed=3), "markov", replicates=100)
    assert table["order"].unique().to_list() == [order]


def test_bic_by_hand() -> None:
    # one channel: after it two shares are free (itself, yes, no), at the start none; 4 transitions
    chain, _ = build_chain(find_paths(log("a !", "a")), 1)
    assert bic(chain) == pytest.approx(2 * np.log(4) - 2 * 2 * np.log(0.5))


# intervals


def test_the_interval_of_a_last_touch_share_is_that_of_a_proportion() -> None:
    clicks = log(*(["a !"] * 120 + ["b !"] * 280 + ["b"] * 600))
    table = vk.attribution_table(clicks, "last", replicates=4_000).filter(channel="a")
    half = 1.96 * (0.3 * 0.7 / 400) ** 0.5
    assert table["lower"].item() == pytest.approx(0.3 - half, abs=0.005)
    assert table["upper"].item() == pytest.approx(0.3 + half, abs=0.005)


def test_intervals_agree_with_people_drawn_one_by_one() -> None:
    clicks, rng = simulated(1, 120), np.random.default_rng(4)
    table = vk.attribution_table(clicks, "markov", order=1, replicates=2_000).sort("channel")
    people = clicks.partition_by("user")
    drawn = []
    for _ in range(100):
        chosen = [people[i] for i in rng.integers(0, len(people), len(people))]
        again = pl.concat(p.with_columns(user=pl.lit(str(i))) for i, p in enumerate(chosen))
        chain, _ = build_chain(find_paths(again), 1)
        effects = removal_effects(chain, np.bincount(chain.feature).astype(float))
        drawn.append(effects / effects.sum())
    spread = (table["upper"] - table["lower"]).to_numpy() / 3.92
    assert spread == pytest.approx(np.std(drawn, axis=0), rel=0.25)


def test_a_repeated_converter_widens_the_interval() -> None:
    each = log(*["a !", "b !"] * 60)
    one = log(*["a !"] * 30, " ".join(["a !"] * 30), *["b !"] * 60)
    width = [
        vk.attribution_table(c, "last")
        .filter(channel="a")
        .select(pl.col("upper") - pl.col("lower"))
        for c in (each, one)
    ]
    assert width[1].item() > 1.3 * width[0].item()


def test_no_credit_and_all_credit_have_the_limits_of_clopper_and_pearson() -> None:
    table = vk.attribution_table(log("a b ! !", *["a b !"] * 19, *["a"] * 30), "last").sort(
        "channel"
    )
    limit = 1 - 0.025 ** (1 / 20)
    assert table["upper"].to_list() == pytest.approx([limit, 1.0])
    assert table["lower"].to_list() == pytest.approx([0.0, 1 - limit])


def test_the_same_seed_gives_the_same_table_and_another_does_not() -> None:
    clicks = simulated(1, 100)
    tables = [vk.attribution_table(clicks, "markov", order=1, seed=seed) for seed in (1, 1, 2)]
    assert tables[0].equals(tables[1]) and not tables[0].equals(tables[2])


@pytest.mark.parametrize("model", MODELS)
def test_the_names_of_people_do_not_matter(model: str) -> None:
    clicks = simulated(1, 200)
    coded = vk.pseudonymise(clicks, "user", "sixteen bytes or more")
    table = vk.attribution_table(clicks, model)
    assert vk.attribution_table(coded, model).equals(table) and table["upper"].max() < 1


# refusals


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"model": "shapley"}, "'shapley' is not known; allowed: .*'markov'"),
        ({"model": "markov", "order": 0}, "order=0; allowed: 1, 2, 3"),
        ({"model": "markov", "order": 4}, "order=4"),
        ({"model": "markov", "order": True}, "order=True"),
        ({"model": "markov", "order": 1.5}, "order=1.5"),
        ({"model": "last", "order": 1}, "only 'markov' has one"),
        ({"model": "time_decay", "half_life_days": float("nan")}, "half_life_days=nan"),
        ({"model": "time_decay", "half_life_days": 0.0}, "half_life_days=0"),
        ({"replicates": 20}, "replicates=20 is too few"),
        ({"alpha": 1.0}, "alpha=1.0"),
        ({"alpha": float("nan")}, "alpha=nan"),
    ],
)
def test_choices_out_of_range_are_refused(how: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vk.attribution_table(log("a !"), **how)


@pytest.mark.parametrize(
    ("clicks", "message"),
    [
        (log("a b"), "no conversion among the 2 rows"),
        (log("a !").drop("action"), "no conversion"),
        (log("a !").head(0), "no user"),
        (log("a !").drop("user"), "no user in the table; columns: .*pseudonymise"),
        (log("a !").with_columns(user=pl.lit(None, pl.String)), "no user"),
        (log("a !").with_columns(flag=pl.lit("bot")), "no conversion among the 0 rows in use"),
        (log("a !").drop("time"), "column 'time' not found"),
    ],
)
def test_tables_that_cannot_be_shared_out_are_refused(clicks: pl.DataFrame, message: str) -> None:
    with pytest.raises(vk.TableError, match=message):
        vk.attribution_table(clicks)


@pytest.mark.parametrize("model", MODELS)
def test_hostile_names_of_channels_are_text_like_any_other(model: str) -> None:
    clicks = log(*[f"c{i} d !" for i in range(len(NASTY))])
    names = {f"c{i}": text for i, text in enumerate(NASTY)}
    table = vk.attribution_table(clicks.with_columns(pl.col("channel").replace(names)), model)
    assert set(table["channel"]) == {*NASTY, "d"}
    assert table["credit"].sum() == pytest.approx(len(NASTY))
