"""Branching: samples that contradict the law are told, samples of it hardly ever."""

import numpy as np
import polars as pl
import pytest
from progeny import offspring, sizes
from scipy import stats

import viralkit as vk
from viralkit.models import branching_misfit as misfit

KEPT = pl.DataFrame({"size": [10, 11, 13, 20, 40], "number": [30, 20, 15, 10, 5]})
FEW = pl.DataFrame({"size": [1, 2, 3, 500], "number": [900, 60, 30, 1]})
CONTRADICTED = ("is below", "larger than this law allows", "contradict this law")


def contradictions(fit) -> list[str]:
    return [said for said in fit.warnings if any(words in said for words in CONTRADICTED)]


def test_a_sample_without_small_cascades_is_told() -> None:
    (said,) = contradictions(vk.Branching(KEPT).fit())
    assert said.startswith("No cascade is below 10 among 80, though this law expects 63.5 there")
    assert "Pass at_least=10;" in said
    again = contradictions(vk.Branching(KEPT, at_least=2).fit())
    assert again[0].startswith("No cascade is below 10 among 80")
    kept = vk.Branching(KEPT, at_least=10).fit()
    assert not any("is below" in said for said in kept.warnings)


def test_the_chance_of_no_small_cascade_is_that_of_each_alone() -> None:
    fit = vk.Branching(KEPT).fit(law="poisson")
    below = np.arange(1.0, 10)
    borel = stats.poisson.pmf(below - 1, fit.params["R"] * below) / below
    smallest, chance = misfit.none_so_small(fit._fit)
    assert smallest == 10
    assert chance == pytest.approx(80 * np.log(1 - borel.sum()), rel=1e-9)


def test_many_roots_need_no_small_cascade() -> None:
    table = KEPT.with_columns(roots=pl.lit(10))
    assert misfit.none_so_small(vk.Branching(table).fit()._fit)[1] == 0


def test_one_cascade_far_larger_than_the_rest_is_told() -> None:
    (said,) = contradictions(vk.Branching(FEW).fit())
    assert said.startswith("A cascade of 500 is larger than this law allows (p-value at most")
    assert said.endswith("give odd ones a reason in `excluded`.")
    poisson = contradictions(vk.Branching(FEW).fit(law="poisson"))
    assert poisson[0].endswith("Compare fit(law='negative_binomial').")
    growing = FEW.with_columns(bound=pl.Series(["exact"] * 3 + ["at_least"]))
    assert "A cascade of 500" in contradictions(vk.Branching(growing).fit(law="poisson"))[0]


def test_the_chance_of_the_largest_is_at_most_that_of_any() -> None:
    count = pl.DataFrame({"offspring": [0, 1, 2, 9], "number": [50, 30, 10, 1]})
    fit = vk.Branching(count, of="offspring").fit(law="poisson")
    tail = stats.poisson.sf(8, fit.params["R"])
    assert misfit.as_large(fit._fit) == (9, pytest.approx(91 * tail, rel=1e-9))


def test_two_kinds_of_cascade_are_no_one_law() -> None:
    (said,) = contradictions(vk.Branching(pl.DataFrame({"size": [1, 7], "number": [50, 50]})).fit())
    assert said.startswith("The numbers of sizes contradict this law (χ² test, p-value")


def test_the_test_of_numbers_is_pearsons() -> None:
    count = pl.DataFrame({"offspring": [0, 1, 2, 3, 4], "number": [300, 200, 60, 30, 10]})
    fit = vk.Branching(count, of="offspring").fit(law="poisson")
    law = stats.poisson.pmf([0, 1], fit.params["R"])
    expected = 600 * np.append(law, 1 - law.sum())  # three and more are less than a twelfth
    p = stats.chisquare([300, 200, 100], expected).pvalue
    assert misfit.mass(fit._fit) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize("least", [1, 5])
@pytest.mark.parametrize(("mean", "k"), [(0.3, 0.2), (0.7, 1.0), (0.9, np.inf)])
def test_samples_of_the_law_hardly_ever_contradict_it(mean, k, least) -> None:
    rng, alarms = np.random.default_rng(7), 0
    for _ in range(40):
        size = sizes(rng, 400, mean, k)
        size = size[size >= least]
        fit = vk.Branching(pl.DataFrame({"size": size}), at_least=least).fit(k=k)
        alarms += len(contradictions(fit))
    assert alarms <= 1  # 3 tests at .001, in 40 samples: two alarms come once in 200


def test_people_of_the_law_hardly_ever_contradict_it() -> None:
    rng, alarms = np.random.default_rng(8), 0
    for _ in range(100):
        count = offspring(rng, np.ones(300, int), 1.2, 0.5)
        fit = vk.Branching(pl.DataFrame({"offspring": count}), of="offspring").fit()
        alarms += len(contradictions(fit))
    assert alarms <= 2
