"""Branching: published values, laws that sum to one, recovery, invariance."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from progeny import offspring, sizes
from scipy import optimize, special, stats

import viralkit as vk
from viralkit.models import branching_laws as laws

INDEX = pl.DataFrame({"offspring": [2, 17, 5, 1, 8, 2, 14]})
CASES = (1, 2, 1, 4, 4, 1, 3, 3, 1, 1, 4, 9, 9, 1, 2, 1, 1, 1, 4, 3, 3, 4, 2, 5)
CASES = (*CASES, 1, 2, 2, 1, 9, 1, 3, 1, 2, 1, 1, 2)
OTHERS = pl.DataFrame({"offspring": [*CASES, *[0] * (145 - len(CASES))]})
FREE = {"law": "negative_binomial"}


def of_offspring(table: pl.DataFrame):
    return vk.Branching(table, of="offspring").fit(**FREE)


# fits of the R package superspreading (README); its optimiser stops at about 1e-4
@pytest.mark.parametrize(
    ("table", "mean", "k"), [(INDEX, 7.000771, 1.596646), (OTHERS, 0.6619608, 0.193749)]
)
def test_published_fits(table: pl.DataFrame, mean: float, k: float) -> None:
    fit, count = of_offspring(table), table["offspring"].to_numpy()
    assert fit.params["R"] == pytest.approx(count.mean(), rel=1e-12)
    assert fit.params["R"] == pytest.approx(mean, rel=2e-4)
    assert fit.params["k"] == pytest.approx(k, rel=2e-5)
    ours = [stats.nbinom.logpmf(count, n, n / (n + m)).sum() for m, n in [fit.params.values()]]
    assert fit.llf == pytest.approx(ours[0], abs=1e-9)
    assert fit.llf >= stats.nbinom.logpmf(count, k, k / (k + mean)).sum()


@pytest.mark.parametrize("table", [INDEX, OTHERS])
def test_k_is_the_root_of_the_score(table: pl.DataFrame) -> None:
    fit, count = of_offspring(table), table["offspring"].to_numpy()

    def score(k: float) -> float:
        rising = special.digamma(count + k) - special.digamma(k)
        return float((rising + np.log(k / (k + count.mean()))).sum())

    assert fit.params["k"] == pytest.approx(optimize.brentq(score, 0.01, 50, xtol=1e-13), rel=1e-8)


def test_standard_errors_are_those_of_the_information() -> None:
    fit, count = of_offspring(OTHERS), OTHERS["offspring"].to_numpy()
    mean, k = fit.params.values()
    assert fit.bse["R"] == pytest.approx(np.sqrt(mean * (1 + mean / k) / 145), rel=1e-6)
    info = special.polygamma(1, k) - special.polygamma(1, count + k)
    info = (info - 1 / k + 2 / (k + mean) - (k + count) / (k + mean) ** 2).sum()
    assert fit.bse["k"] == pytest.approx(1 / np.sqrt(info), rel=1e-6)


def test_a_profile_interval_ends_where_the_deviance_is_that_of_chi_square() -> None:
    fit, count = of_offspring(OTHERS), OTHERS["offspring"].to_numpy()

    def best(mean: float) -> float:
        found = optimize.minimize_scalar(
            lambda v: -stats.nbinom.logpmf(count, v, v / (v + mean)).sum(), bounds=(0.01, 5)
        )
        return -found.fun

    for end in fit.conf_int().row(0)[1:]:
        assert 2 * (fit.llf - best(end)) == pytest.approx(3.841459, abs=1e-4)
    mean = count.mean()
    for end in fit.conf_int().row(1)[1:]:
        at = stats.nbinom.logpmf(count, end, end / (end + mean)).sum()
        assert 2 * (fit.llf - at) == pytest.approx(3.841459, abs=1e-5)


# superspreading, probability_epidemic and probability_extinct; it takes infinite k for 1e5
@pytest.mark.parametrize(
    ("mean", "k", "seeds", "take_off"),
    [
        (7.000771, 1.596646, 3, 0.9995741),
        (1.5, 0.5, 1, 0.2324081),
        (1.5, 0.5, 1, 1 - 0.7675919),
        (1.5, 1e5, 1, 0.5828074),
    ],
)
def test_published_chances_of_taking_off(mean, k, seeds, take_off) -> None:
    assert 1 - laws.extinction(mean, 1 / k, seeds) == pytest.approx(take_off, abs=5.1e-8)


def test_extinction_of_poisson_and_geometric_offspring_in_closed_form() -> None:
    mean = 1.5
    lambert = -special.lambertw(-mean * np.exp(-mean)).real / mean
    assert laws.extinction(mean, 0.0) == pytest.approx(lambert, rel=1e-12)
    assert laws.extinction(mean, 1.0, 4) == pytest.approx((1 / mean) ** 4, rel=1e-12)
    assert laws.extinction(1.0, 2.0) == laws.extinction(0.3, 0.0) == 1
    assert laws.extinction(1 + 1e-6, 1.0) == pytest.approx(1 / (1 + 1e-6), rel=1e-12)


@pytest.mark.parametrize(
    ("mean", "k", "share"), [(2, 0.5, 0.264), (1, 0.1, 0.0869), (3, 0.3, 0.21)]
)
def test_published_shares_of_senders_that_cause_four_fifths(mean, k, share) -> None:
    digits = len(str(share)) - 2
    assert laws.senders_of(mean, 1 / k, 0.8) == pytest.approx(share, abs=0.51 * 10**-digits)
    assert laws.caused_by_top(mean, 1 / k, laws.senders_of(mean, 1 / k, 0.8)) == pytest.approx(0.8)


def test_shares_of_senders_run_on_where_counts_are_too_many_to_add() -> None:
    below, above = (laws.caused_by_top(mean, 2.0, 0.1) for mean in (1500.0, 1700.0))
    assert above == pytest.approx(below, rel=1e-3)
    few, many = (laws.senders_of(mean, 2.0, 0.8) for mean in (1500.0, 1e12))
    assert many == pytest.approx(few, rel=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    mean=st.floats(0.05, 2.5),
    inverse=st.one_of(st.just(0.0), st.floats(1e-15, 5)),
    roots=st.integers(1, 4),
)
def test_the_law_of_sizes_sums_to_the_chance_of_extinction(mean, inverse, roots) -> None:
    if abs(mean - 1) < 0.12:
        mean += 0.3
    law = np.exp(laws.log_progeny(np.arange(roots, 30_000.0), roots, mean, inverse))
    assert law.sum() == pytest.approx(laws.extinction(mean, inverse, roots), abs=1e-9)


def test_poisson_sizes_are_borel_and_geometric_ones_are_catalan() -> None:
    size = np.arange(1.0, 12)
    borel = np.exp(-0.6 * size) * (0.6 * size) ** (size - 1) / special.factorial(size)
    assert np.exp(laws.log_progeny(size, 1, 0.6, 0.0)) == pytest.approx(borel, rel=1e-12)
    p = 1 / 1.6
    catalan = special.binom(2 * size - 2, size - 1) / size * p**size * (1 - p) ** (size - 1)
    assert np.exp(laws.log_progeny(size, 1, 0.6, 1.0)) == pytest.approx(catalan, rel=1e-12)


@pytest.mark.parametrize("inverse", [1e-14, 1e-9, 1e-6, 1e-3, 0.05, 0.5, 3.0, 200.0])
def test_offspring_are_negative_binomial(inverse) -> None:
    children, k = np.arange(12.0), 1 / inverse
    ours = laws.log_offspring(np.full(12, 3.0), children, 0.8, inverse)
    if inverse < 1e-8:
        expected = stats.poisson.logpmf(children, 2.4)
    else:
        expected = stats.nbinom.logpmf(children, 3 * k, 1 / (1 + 0.8 * inverse))
    assert ours == pytest.approx(expected, rel=1e-6)
    exact = sum(np.log1p(inverse * np.arange(11) / 3))  # the product, term by term
    rising = laws.log_rising(np.array([3 / inverse]), np.array([11.0]))[0]
    assert rising == pytest.approx(exact, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("mean", "inverse"), [(0.3, 2.0), (0.7, 0.0), (1.4, 1.0)])
def test_tails_are_what_the_law_leaves(mean, inverse) -> None:
    law = np.exp(laws.log_progeny(np.arange(2, 20_000.0), 2, mean, inverse))
    endless = 1 - laws.extinction(mean, inverse, 2)
    size = np.array([2.0, 3, 10, 60, 200])
    tail = [law[int(n) - 2 :].sum() + endless for n in size]
    ours = laws.log_progeny_at_least(size, 2, mean, inverse)
    assert ours == pytest.approx(np.log(tail), rel=1e-9, abs=1e-12)


def test_a_tail_beyond_the_smallest_number_is_still_known() -> None:
    deep = laws.log_progeny_at_least(np.array([3000.0]), 1, 0.1, 0.0)[0]
    first = laws.log_progeny(np.array([3000.0]), 1, 0.1, 0.0)[0]
    assert deep < -3000
    assert first < deep < first + 1


@pytest.mark.parametrize("k", [0.4, 1.0, np.inf])
def test_simulated_sizes_give_back_what_made_them(k) -> None:
    size = sizes(np.random.default_rng(3), 6000, 0.7, k)
    fit = vk.Branching(pl.DataFrame({"size": size})).fit()
    law = {0.4: "negative_binomial", 1.0: "geometric", np.inf: "poisson"}[k]
    assert fit.law == law
    assert fit.params["R"] == pytest.approx(1 - 6000 / size.sum(), rel=1e-12)
    assert fit.params["R"] == pytest.approx(0.7, abs=0.05)
    if law == "negative_binomial":
        assert fit.params["k"] == pytest.approx(0.4, rel=0.2)


def test_watching_too_short_biases_only_those_who_ignore_it() -> None:
    rng = np.random.default_rng(4)
    size, seen = sizes(rng, 3000, 0.8, 0.5), rng.integers(2, 15, 3000)
    bound = np.where(size >= seen, "at_least", "exact")
    table = pl.DataFrame({"size": np.minimum(size, seen), "bound": bound})
    fit = vk.Branching(table).fit(**FREE)
    low, high = fit.conf_int().row(0)[1:]
    assert low < 0.8 < high
    assert fit.params["k"] == pytest.approx(0.5, rel=0.25)
    ignored = vk.Branching(table.drop("bound")).fit(**FREE)
    assert ignored.conf_int().row(0)[2] < 0.75


def test_a_truncated_sample_needs_k_and_then_gives_r() -> None:
    size = sizes(np.random.default_rng(5), 20_000, 0.6, 0.5)
    model = vk.Branching(pl.DataFrame({"size": size[size >= 5]}), at_least=5)
    fit = model.fit(k=0.5)
    low, high = fit.conf_int().row(0)[1:]
    assert low < 0.6 < high and fit.bse["k"] is None and fit.params["k"] == 0.5
    band = model.fit()
    assert band.law == "a band over k" and np.isnan(band.params["k"]) and band.llf is None
    assert any("k cannot be told" in said for said in band.warnings)
    rows = band.band()
    assert rows["R"].is_sorted() and rows["k"].to_list() == [0.1, 0.2, 0.5, 1, 2, 5, np.inf]
    assert band.conf_int().row(0)[1:] == (rows["lower"].min(), rows["upper"].max())
    given_half = rows.filter(pl.col("k") == 0.5)["R"].item()
    assert given_half == pytest.approx(fit.params["R"], rel=1e-9)
    assert band.params["R"] == rows.filter(pl.col("k") == 1)["R"].item()


def test_still_growing_counts_of_people_and_generations() -> None:
    rng = np.random.default_rng(6)
    count = offspring(rng, np.ones(4000, int), 1.2, 0.7)
    bound = np.where(count >= 3, "at_least", "exact")
    table = pl.DataFrame({"offspring": np.minimum(count, 3), "bound": bound})
    fit = vk.Branching(table, of="offspring").fit(**FREE)
    low, high = fit.conf_int().row(0)[1:]
    assert low < 1.2 < high
    poisson = vk.Branching(table, of="offspring").fit(law="poisson")
    tail = stats.poisson.logsf(2, poisson.params["R"]) * (count >= 3).sum()
    law = stats.poisson.logpmf(count[count < 3], poisson.params["R"]).sum()
    assert poisson.llf == pytest.approx(tail + law, rel=1e-9)
