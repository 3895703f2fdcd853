"""Branching: what tables it takes, what follows from a fit, what it refuses, the power of seven."""

import numpy as np
import polars as pl
import pytest
from progeny import sizes

import viralkit as vk

SIZES = pl.DataFrame({"size": [1] * 70 + [2] * 15 + [3] * 8 + [5] * 5 + [12] * 2})
FREE = {"law": "negative_binomial"}


@pytest.fixture(scope="module")
def fit():
    return vk.Branching(SIZES).fit(**FREE)


def test_order_and_counting_change_nothing(fit) -> None:
    shuffled = vk.Branching(SIZES.sample(fraction=1.0, shuffle=True, seed=1)).fit(**FREE)
    counted = vk.Branching(SIZES.group_by("size").agg(number=pl.len())).fit(**FREE)
    split = pl.concat([SIZES[:37].with_columns(number=1), SIZES[37:].with_columns(number=1)])
    for other in (shuffled, counted, vk.Branching(split).fit(**FREE)):
        assert other.params == fit.params and other.llf == fit.llf and other.nobs == 100


def test_twice_the_sample_narrows_the_interval_by_the_root_of_two(fit) -> None:
    twice = vk.Branching(pl.concat([SIZES, SIZES])).fit(**FREE)
    assert twice.params == pytest.approx(fit.params, rel=1e-8)
    assert fit.bse["k"] / twice.bse["k"] == pytest.approx(np.sqrt(2), rel=1e-6)


def test_the_parts_of_a_sample_weigh_like_the_people_in_them() -> None:
    halves = [SIZES[:85], SIZES[85:]]
    rates = [vk.Branching(part).fit(law="geometric").params["R"] for part in halves]
    people = [part["size"].sum() for part in halves]
    whole = vk.Branching(SIZES).fit(law="geometric").params["R"]
    assert whole == pytest.approx(np.average(rates, weights=people), rel=1e-12)


def test_sizes_generations_and_people_of_the_same_trees_agree_on_r() -> None:
    parents = {"a": None, "b": "a", "c": "a", "d": "b", "e": "d"}
    one = {"event_id": list(parents), "parent_id": list(parents.values())}
    first = pl.DataFrame({"cascade_id": "1", **one, "time": [0.0, 1, 2, 3, 4]})
    second = pl.DataFrame({"cascade_id": "2", "event_id": ["x"], "parent_id": None, "time": [0.0]})
    events = pl.concat([first, second.cast(first.schema)])
    by_size = vk.Branching(vk.cascade_table(events)).fit(law="geometric")
    by_generation = vk.Branching(vk.cascade_table(events, by="generation"), of="generations")
    by_generation = by_generation.fit(law="geometric")
    people = pl.DataFrame({"offspring": [2, 1, 0, 1, 0, 0]})
    by_person = vk.Branching(people, of="offspring").fit(law="geometric")
    for other in (by_size, by_generation, by_person):
        assert other.params["R"] == pytest.approx(4 / 6)
        assert other.bse["R"] == pytest.approx(by_person.bse["R"], rel=1e-6)
    assert (by_size.nobs, by_generation.nobs, by_person.nobs) == (2, 5, 6)


def test_a_generation_that_still_grows_is_not_taken_for_the_last() -> None:
    table = pl.DataFrame({"cascade_id": "a", "generation": [0, 1, 2], "size": [4, 6, 3]})
    ended = vk.Branching(table, of="generations").fit(law="poisson")
    assert ended.params["R"] == pytest.approx(9 / 13)
    growing = table.with_columns(bound=pl.Series(["exact", "exact", "at_least"]))
    fit = vk.Branching(growing, of="generations").fit(law="poisson")
    assert fit.params["R"] > 9 / 10  # six people brought at least three, and may bring more


def test_several_roots_are_no_offspring() -> None:
    table = pl.DataFrame({"size": [5, 3], "roots": [2, 3]})
    assert vk.Branching(table).fit(law="poisson").params["R"] == pytest.approx(3 / 8)


def test_excluded_rows_are_left_out_and_counted(fit) -> None:
    odd = pl.DataFrame({"size": [99], "excluded": ["a test"]})
    table = pl.concat(
        [SIZES.with_columns(excluded=pl.lit(None, pl.String)), odd.cast({"size": pl.Int64})]
    )
    other = vk.Branching(table).fit(**FREE)
    assert other.params == fit.params
    assert ("Rows excluded", "1") in other.facts


def test_what_follows_from_r_and_k(fit) -> None:
    mean, k = fit.params.values()
    rows = {row[0]: row[1:] for row in fit.derived(seeds=3, hops=2).iter_rows()}
    low, high = fit.conf_int().row(0)[1:]
    assert rows["extinction"][0] == 1 and rows["take_off"][0] == 0
    assert rows["reach"] == pytest.approx([3 / (1 - r) for r in (mean, low, high)])
    assert rows["multiplier"] == pytest.approx([1 / (1 - r) for r in (mean, low, high)])
    assert rows["past_hops"] == pytest.approx([r**3 for r in (mean, low, high)])
    assert rows["lone_share"][0] == pytest.approx((1 + mean / k) ** -k)
    for estimate, lower, upper in rows.values():
        assert lower <= estimate <= upper
    assert rows["lone_share"][2] - rows["lone_share"][1] > 0.05


def test_the_interval_of_a_derived_quantity_is_its_profile(fit) -> None:
    """Fixing the share of lone posts at the end of its interval costs a deviance of 3.84."""
    from scipy import optimize

    from viralkit.models.branching_laws import lone

    likelihood = fit._fit.likelihood
    derived = fit.derived().filter(pl.col("quantity") == "lone_share").row(0)

    def best(share: float) -> float:
        def height(u: float) -> float:
            a = np.expm1(u)
            x = optimize.brentq(lambda x: lone(np.exp(x), a) - share, -6, 12)
            return -likelihood(x, u)

        return -optimize.minimize_scalar(height, bounds=(0.0, 3.0), method="bounded").fun

    for end in derived[2:]:
        assert 2 * (fit.llf - best(end)) == pytest.approx(3.8415, abs=0.02)


def test_infinite_reach_is_shown_as_such() -> None:
    table = pl.DataFrame({"offspring": [0, 1, 2, 3, 9]})
    fit = vk.Branching(table, of="offspring").fit(law="poisson")
    reach = fit.derived().filter(pl.col("quantity") == "reach").row(0)
    assert reach[1:] == (np.inf, np.inf, np.inf)
    assert "∞" in fit.summary().as_text()


def test_predicted_sizes_are_a_law_with_an_interval(fit) -> None:
    law = fit.predict(until=400)
    assert law["mean"].sum() == pytest.approx(1, abs=1e-6)
    assert law.filter(
        (pl.col("lower") > pl.col("mean")) | (pl.col("upper") < pl.col("mean"))
    ).is_empty()
    lone = fit.derived().filter(pl.col("quantity") == "lone_share").row(0)[1:]
    assert law.row(0)[1:] == pytest.approx(lone)
    people = fit.predict(of="offspring", until=300)
    assert (people["value"] * people["mean"]).sum() == pytest.approx(fit.params["R"], rel=1e-4)
    assert fit.predict(seeds=3, until=9)["value"].to_list() == [3, 4, 5, 6, 7, 8, 9]


def test_poisson_at_the_limit_has_a_one_sided_interval() -> None:
    fit = vk.Branching(pl.DataFrame({"offspring": [1, 1, 2, 1, 0, 1, 2, 1]}), of="offspring")
    fit = fit.fit(**FREE)
    assert fit.params["k"] == np.inf and fit.bse["k"] is None
    lower, upper = fit.conf_int().row(1)[1:]
    assert lower > 0 and upper == np.inf
    assert any("one-sided" in said for said in fit.warnings)
    assert fit.conf_int(0.2).row(1)[1] > lower


def test_laws_are_compared_and_a_close_call_is_said() -> None:
    fit = vk.Branching(SIZES).fit()
    assert fit.laws["law"].sort().to_list() == ["geometric", "negative_binomial", "poisson"]
    assert fit.laws["aic"].is_sorted() and fit.aic == fit.laws["aic"][0]
    near = vk.Branching(pl.DataFrame({"size": sizes(np.random.default_rng(1), 60, 0.5, 1.0)}))
    assert any("AIC hardly prefers" in said for said in near.fit().warnings)


def test_nobody_passes_anything_on() -> None:
    alone = pl.DataFrame({"size": [1], "number": [50]})
    with pytest.raises(vk.TableError, match=r"R is estimated as 0.*Pass k="):
        vk.Branching(alone).fit()
    fit = vk.Branching(alone).fit(law="poisson")
    assert fit.params["R"] == 0 and fit.bse["R"] is None and fit.llf == pytest.approx(0, abs=1e-8)
    upper = -np.log(0.05) / 50  # where fifty that bring nobody have a probability of 5 %
    assert fit.conf_int().row(0) == ("R", 0.0, pytest.approx(upper, rel=1e-5))
    assert fit.derived()["estimate"][2] == 1
    assert "one-sided" in fit.summary().as_text()


def test_a_truncated_sample_of_the_smallest_size_only_bounds_r_from_above() -> None:
    model = vk.Branching(pl.DataFrame({"size": [5], "number": [40]}), at_least=5)
    fit = model.fit(k=1.0)
    lower, upper = fit.conf_int().row(0)[1:]
    assert (fit.params["R"], fit.bse["R"], lower) == (0, None, 0) and 0 < upper < 0.05
    with pytest.raises(vk.TableError, match="Pass k="):
        model.fit()


@pytest.mark.parametrize(
    ("columns", "how", "words"),
    [
        ({"size": []}, {}, "no rows"),
        ({"size": [0]}, {}, "whole numbers from 1"),
        ({"size": [-3]}, {}, "whole numbers from 1"),
        ({"size": [2.5]}, {}, "whole numbers from 1"),
        ({"size": [None, 2]}, {}, "row 0"),
        ({"size": [float("nan"), 2.0]}, {}, "row 0"),
        ({"size": [float("inf")]}, {}, "inf"),
        ({"size": ["3"]}, {}, "Cast it"),
        ({"sizes": [3]}, {}, "'size' not found"),
        ({"size": [3], "number": [0]}, {}, "'number'"),
        ({"size": [3], "roots": [4]}, {}, "4 roots"),
        ({"size": [3], "bound": ["rounded"]}, {}, "'rounded'"),
        ({"size": [3], "bound": [None]}, {}, "'bound'"),
        ({"size": [3], "bound": ["at_least"]}, {}, "finished"),
        ({"size": [3, 9]}, {"at_least": 4}, "lower at_least"),
        ({"size": [3]}, {"at_least": 0}, "at_least=0"),
        ({"size": [3]}, {"of": "people"}, "'people'"),
        ({"size": [3], "generation": [0]}, {}, "of='generations'"),
        ({"offspring": [-1]}, {"of": "offspring"}, "whole numbers from 0"),
        ({"offspring": [1]}, {"of": "offspring", "at_least": 2}, "at_least=2"),
        (
            {"cascade_id": ["a", "a"], "generation": [0, 2], "size": [1, 1]},
            {"of": "generations"},
            "does not follow",
        ),
        (
            {"cascade_id": ["a", "a"], "generation": [1, 1], "size": [1, 1]},
            {"of": "generations"},
            "does not follow",
        ),
    ],
)
def test_bad_tables_are_refused(columns, how, words) -> None:
    with pytest.raises(vk.TableError, match=words):
        vk.Branching(pl.DataFrame(columns), **how).fit()


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"law": "normal"}, "'normal'"),
        ({"k": 0.0}, "k=0.0"),
        ({"k": -1.0}, "k=-1.0"),
        ({"k": float("nan")}, "k=nan"),
        ({"k": 2.0, "law": "poisson"}, "one of them"),
    ],
)
def test_bad_choices_are_refused(choices, words) -> None:
    with pytest.raises(ValueError, match=words):
        vk.Branching(SIZES).fit(**choices)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"seeds": 0}, "seeds=0"),
        ({"hops": -1}, "hops=-1"),
        ({"top": 20}, "top=20"),
        ({"share": 0.0}, "share=0.0"),
        ({"alpha": 1.0}, "alpha=1.0"),
    ],
)
def test_bad_questions_are_refused(fit, choices, words) -> None:
    with pytest.raises(ValueError, match=words):
        fit.derived(**choices)


def test_a_sample_that_leaves_r_open_is_refused() -> None:
    table = {"offspring": [0, 5], "number": [1, 10**6], "bound": ["exact", "at_least"]}
    model = vk.Branching(pl.DataFrame(table), of="offspring")
    with pytest.raises(vk.TableError, match="does not bound R"):
        model.fit(**FREE)
    assert model.fit(law="geometric").params["R"] == pytest.approx(5e6, rel=1e-3)


def test_seven_people_tell_seven_people_seven_times() -> None:
    table = vk.power_of(people=7, times=7, pass_on=1.0)
    assert table["told"].to_list() == [7.0**g for g in range(8)]
    assert table["told"][-1] == 823_543 and table["total"][-1] == 960_800
    assert vk.power_of().equals(table)


def test_whoever_does_not_pass_it_on_ends_the_series() -> None:
    table = vk.power_of(7, 40, pass_on=1 / 14)
    assert table["reproduction_number"][2:].to_list() == pytest.approx([0.5] * 39)
    assert table["total"][-1] == pytest.approx(1 + 7 / (1 - 0.5))
    assert vk.power_of(7, 3, pass_on=0.0)["told"].to_list() == [1, 7, 0, 0]
    assert vk.power_of(7, 0)["total"].to_list() == [1]


def test_an_audience_is_never_passed_and_friends_in_common_slow_it_down() -> None:
    crowd = vk.power_of(7, 30, audience=10_000.0)
    assert crowd["total"].max() <= 10_000 and crowd["total"][-1] > 9_990
    wide = vk.power_of(7, 7, audience=1e13)["told"].to_list()
    assert wide == pytest.approx([7.0**g for g in range(8)], rel=1e-6)
    endless = vk.power_of(7, 7, audience=1e300)["told"].to_list()
    assert endless == pytest.approx([7.0**g for g in range(8)], rel=1e-12)
    overlap = vk.power_of(7, 7, overlap=0.5)["told"]
    assert overlap[-1] == pytest.approx(7 * 3.5**6)
    assert vk.power_of(7, 3, audience=1.0)["total"][-1] == 1
    assert vk.power_of(7, 3, audience=2.0)["total"][-1] == 2
    assert crowd["audience"].unique().item() == 10_000
    assert vk.power_of()["audience"].null_count() == 8


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"people": -1}, "people=-1"),
        ({"times": 2.5}, "times=2.5"),
        ({"pass_on": 70}, "pass_on=70"),
        ({"overlap": -0.1}, "overlap=-0.1"),
        ({"audience": 0}, "audience=0"),
        ({"audience": np.inf}, "audience=inf.*Leave it out"),
        ({"people": 7, "times": 9000}, "largest number"),
    ],
)
def test_impossible_powers_are_refused(choices, words) -> None:
    with pytest.raises(ValueError, match=words):
        vk.power_of(**choices)


def test_what_is_shared_out_is_null_where_nothing_was_passed_on() -> None:
    rows = vk.Branching(pl.DataFrame({"size": [1] * 30})).fit(law="poisson").derived()
    shared = rows.filter(pl.col("quantity").is_in(["caused_by_top", "senders_of_share"]))
    assert shared.select("estimate", "lower", "upper").rows() == [(None, None, None)] * 2
    assert rows.filter(quantity="reach")["estimate"].item() == 1.0


@pytest.mark.parametrize(("sizes", "is_said"), [([1] * 100 + [5], True), ([1, 2] * 100, False)])
def test_an_r_without_an_upper_end_is_told(sizes: list[int], is_said: bool) -> None:
    fit = vk.Branching(pl.DataFrame({"size": sizes})).fit(law="negative_binomial")
    assert any("hardly bounded" in warning for warning in fit.warnings) is is_said
