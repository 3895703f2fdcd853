"""Breaks, rates and their intervals: against brute force, optimisers and closed forms."""

from itertools import combinations, product

import numpy as np
import polars as pl
import pytest
from phases_data import cumulative, deviance, noisy_fit, steps
from scipy import optimize, stats

import viralkit as vk
from viralkit.models.phases_intervals import RateProfile, date_quantile, meeting
from viralkit.models.segments import Stream, chain


def refitted(fit: object, break_at: float) -> float:
    """Least deviance at a break date, by a general optimiser over the two rates."""
    begin, end, y = fit.model.stream.begin, fit.model.stream.end, fit.model.stream.amount
    first = np.maximum(np.minimum(end, break_at) - begin, 0)

    def loss(logs: np.ndarray) -> float:
        return deviance(y, first * np.exp(logs[0]) + (end - begin - first) * np.exp(logs[1]))

    start = np.log([fit.params["rate_1"], fit.params["rate_2"]])
    return optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-9}).fun


@pytest.mark.parametrize("rate", ["per_day", "relative"])
def test_exact_data_give_the_breaks_inside_their_gaps(rate: str):
    time = np.array([0, 1, 2.5, 4, 5, 6, 8, 9, 11, 12, 13.5, 15, 16])
    growth = 0.5 * np.minimum(time, 4.6) + 0.1 * np.clip(time - 4.6, 0, 6.1)
    growth = growth + 0.3 * np.maximum(time - 10.7, 0)
    total = np.exp(growth) if rate == "relative" else growth
    fit = vk.Phases(cumulative(time, total), unit="period", start=0.0, rate=rate).fit()
    assert list(fit.params) == ["rate_1", "rate_2", "rate_3", "break_1", "break_2"]
    np.testing.assert_allclose(list(fit.params.values()), [0.5, 0.1, 0.3, 4.6, 10.7], rtol=1e-7)
    np.testing.assert_allclose(fit.fittedvalues, np.diff(total), rtol=1e-6)


@pytest.mark.parametrize("breaks", [1, 2])
def test_the_search_finds_what_trying_everything_finds(breaks: int):
    for seed in range(6):
        edges, total = steps(seed)
        stream = Stream(edges[:12], edges[1:13], np.diff(total)[:12])
        least = tried_all(stream.end - stream.begin, stream.amount, breaks)
        assert chain(stream, breaks).deviance[breaks, -1] == pytest.approx(least, rel=1e-8)


def tried_all(width: np.ndarray, y: np.ndarray, breaks: int) -> float:
    """Try every way of putting breaks on dates or into gaps."""
    found = []
    for cuts, taken in product(
        combinations(range(1, len(y)), breaks), product([0, 1], repeat=breaks)
    ):
        firsts = [0, *(cut + gap for cut, gap in zip(cuts, taken, strict=True))]
        lasts = [*cuts, len(y)]
        if min(np.subtract(lasts, firsts)) < 2:
            continue
        parts = [slice(*pair) for pair in zip(firsts, lasts, strict=True)]
        rates = [y[part].sum() / width[part].sum() for part in parts]
        own = [y[cut] / width[cut] for cut, gap in zip(cuts, taken, strict=True) if gap]
        sides = [sorted(rates[i : i + 2]) for i, gap in enumerate(taken) if gap]
        if all(low < rate < high for rate, (low, high) in zip(own, sides, strict=True)):
            pairs = zip(parts, rates, strict=True)
            found.append(sum(deviance(y[part], rate * width[part]) for part, rate in pairs))
    return min(found)


def test_no_date_and_no_rates_fit_better():
    fit = noisy_fit(breaks=1)
    least = fit.model.deviance(fit.params)
    edges = fit.model.stream.end
    others = [refitted(fit, at) for at in np.linspace(edges[2], edges[-4], 120)]
    assert min(others) >= least - 1e-6
    assert min(others) == pytest.approx(least, rel=0.05)


def test_break_range_ends_where_the_likelihood_ratio_reaches_its_quantile():
    fit = noisy_fit(breaks=1)
    lower, upper = fit.conf_int().filter(parameter="break_1").row(0)[1:]
    limit = fit.scale * date_quantile(0.95, fit.df_resid)
    for end in (lower, upper):
        excess = refitted(fit, end) - fit.model.deviance(fit.params)
        assert excess == pytest.approx(limit, rel=1e-3)
    assert lower < fit.params["break_1"] < upper


@pytest.mark.parametrize("rate", [4.0, 10.0, 25.0])
def test_the_profile_of_a_rate_is_that_of_an_optimiser(rate: float):
    edges, total = steps(7, noise=12.0)
    stream = Stream(edges[:10], edges[1:11], np.diff(total)[:10])
    chains = chain(stream, 1), chain(stream.reversed(), 1)
    found = RateProfile(stream, *chains, 0, 1).deviance(np.array([rate / stream.pace]))[0]
    least = np.inf
    for at in np.unique(np.linspace(stream.end[1:-3], stream.end[2:-2], 30)):
        first = np.clip(at - stream.begin, 0, stream.end - stream.begin)
        rest = stream.end - stream.begin - first

        def loss(log: float, first=first, rest=rest) -> float:
            return deviance(stream.amount, rate * first + np.exp(log) * rest)

        least = min(least, optimize.minimize_scalar(loss, bounds=(-2, 7), method="bounded").fun)
    assert found == pytest.approx(least, rel=5e-3)


def test_two_phases_that_meet_inside_a_gap_have_the_least_deviance():
    rng = np.random.default_rng(5)
    for share in (0.05, 0.3, 0.8):
        width, y = rng.lognormal(0, 1, 7), rng.gamma(1, 10, 7)
        stream = Stream(np.cumsum(width) - width, np.cumsum(width), y)
        first = np.array([*width[:3], share * width[3], 0, 0, 0])

        def loss(logs: np.ndarray, y=y, first=first, width=width) -> float:
            return deviance(y, first * np.exp(logs[0]) + (width - first) * np.exp(logs[1]))

        least = optimize.minimize(loss, [2, 2], method="Nelder-Mead", options={"xatol": 1e-9}).fun
        assert meeting(stream, 0, 3, 7, share) == pytest.approx(least, rel=1e-7)


def test_the_quantile_of_break_dates_is_that_of_two_exponentials_over_a_dispersion():
    rng = np.random.default_rng(0)
    highest = 2 * rng.exponential(size=(400_000, 2)).max(axis=1)
    ratio = highest / (rng.chisquare(20, 400_000) / 20)
    assert np.mean(ratio <= date_quantile(0.95, 20)) == pytest.approx(0.95, abs=0.002)
    assert date_quantile(0.95, 10**6) == pytest.approx(-2 * np.log(1 - np.sqrt(0.95)), rel=1e-4)


def test_without_a_break_the_rate_has_its_closed_form():
    edges, total = steps(4)
    fit = vk.Phases(cumulative(edges, total), unit="period").fit(breaks=0)
    y, width = np.diff(total), np.diff(edges)
    rate = y.sum() / width.sum()
    scale = np.sum((y - rate * width) ** 2 / (rate * width)) / (len(y) - 1)
    assert fit.params == pytest.approx({"rate_1": rate})
    assert fit.bse["rate_1"] == pytest.approx(np.sqrt(scale * rate / width.sum()))
    limit = scale * stats.f(1, len(y) - 1).ppf(0.95)
    for end in fit.conf_int().row(0)[1:]:
        drop = deviance(y, end * width) - deviance(y, rate * width)
        assert drop == pytest.approx(limit, rel=1e-4)


def test_a_rate_interval_refits_the_date():
    fit = noisy_fit(breaks=1)
    lower = fit.conf_int()["lower"][0]
    limit = fit.model.deviance(fit.params) + fit.scale * stats.f(1, fit.df_resid).ppf(0.95)

    def loss(x: np.ndarray, rate: float) -> float:
        return fit.model.deviance({"rate_1": rate, "rate_2": np.exp(x[0]), "break_1": x[1]})

    ends = fit.model.stream.end
    least = min(
        optimize.minimize(loss, [np.log(40), at], (lower,), "Nelder-Mead").fun for at in ends[3:-3]
    )
    assert least == pytest.approx(limit, rel=2e-3)


def test_missing_periods_widen_the_range_of_a_break_to_all_of_them():
    begin = np.array([0, 1, 2, 3, 4, 10, 11, 12, 13, 14.0])
    count = [100, 104, 97, 101, 99, 300, 306, 295, 302, 297]
    table = pl.DataFrame({"item": "a", "time": begin, "period_end": begin + 1, "count": count})
    table = table.with_columns(kind=pl.lit("incremental"))
    fit = vk.Phases(table, unit="period", start=0.0).fit()
    assert len(fit.breaks) == 1
    _, at, lower, upper = fit.breaks.row(0)
    assert lower <= 5 and upper >= 10 and at == 7.5
    with pytest.raises(vk.TableError, match=r"periods are missing.*rate='per_day'"):
        vk.Phases(table, unit="period", start=0.0, rate="relative")


def test_a_wider_level_gives_wider_intervals():
    fit = noisy_fit(breaks=1)
    narrow, wide = fit.conf_int(0.2), fit.conf_int(0.01)
    assert (wide["lower"] < narrow["lower"]).all() and (wide["upper"] > narrow["upper"]).all()


def test_intervals_need_a_level_between_zero_and_one():
    with pytest.raises(ValueError, match=r"alpha=95 is not between 0 and 1"):
        noisy_fit().conf_int(95)
