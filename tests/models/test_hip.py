"""HIP: the published video, the recursion term by term, recovery, invariances, refusals."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from viralkit.models.hip import HawkesIntensity, branching_of, kernel_of
from viralkit.models.hip_response import impulse_response, maturity
from viralkit.models.hip_results import HawkesIntensityResults
from viralkit.tables import TableError

SAMPLES = os.environ.get("VIRALKIT_SAMPLES")
PUBLISHED = dict(gamma=917.385494, eta=5042.948836, kappa=6.777116, c=10.557258, theta=1.166210)
PUBLISHED["mu"] = 129.117840
FOLLOWERS = 1.016 / 0.916


def table(values: np.ndarray, first: float = 0.0) -> pl.DataFrame:
    time = first + np.arange(len(values), dtype=float)
    frame = pl.DataFrame({"item": "video", "time": time, "count": values})
    return frame.with_columns(kind=pl.lit("incremental"), period_end=pl.col("time") + 1)


def recursion(given: dict[str, float], shares: np.ndarray) -> np.ndarray:
    """Work out the published sum, term by term."""
    views = np.zeros(len(shares))
    for t, share in enumerate(shares):
        views[t] = (given["gamma"] if t == 0 else given["eta"]) + given["mu"] * share
        for j in range(t):
            distance = t - j + given["c"]
            views[t] += given["kappa"] * FOLLOWERS * views[j] * distance ** -(1 + given["theta"])
    return views


def on_fitting_scale(given: dict[str, float]) -> np.ndarray:
    theta, c = given["theta"], given["c"]
    share = given["kappa"] * FOLLOWERS / (theta * (c + 0.5) ** theta)
    return np.log([given["gamma"], given["eta"], given["mu"], share, c, theta])


TRUTH = dict(gamma=900.0, eta=300.0, kappa=0.5, c=0.8, theta=0.9, mu=25.0)
SHARES = np.random.default_rng(3).poisson(np.random.default_rng(4).gamma(0.3, 60, 90)).astype(float)


def model(noise: float = 0.0, seed: int = 1) -> HawkesIntensity:
    mean = recursion(TRUTH, SHARES)
    rng = np.random.default_rng(seed)
    views = rng.gamma(mean / noise) * noise if noise else mean
    return HawkesIntensity(table(views), table(SHARES), unit="period")


def test_the_recursion_is_the_published_one() -> None:
    assert model().mean(on_fitting_scale(TRUTH)) == pytest.approx(
        recursion(TRUTH, SHARES), rel=1e-12
    )


@pytest.mark.skipif(SAMPLES is None, reason="VIRALKIT_SAMPLES is not set")
def test_the_published_video_is_reproduced() -> None:
    path = Path(str(SAMPLES)) / "hip" / "bUORBT9iFKc_90d.csv"
    data = pl.read_csv(path)
    video = HawkesIntensity(
        table(data["views_observed"].to_numpy()),
        table(data["shares_recovered"].to_numpy()),
        unit="period",
    )
    z = on_fitting_scale(PUBLISHED)
    fitted = data["hip_fitted_published"].to_numpy()
    np.testing.assert_allclose(video.mean(z), fitted, rtol=1.3e-6)
    found = HawkesIntensityResults(video, z, "normal", True)
    assert found.params == pytest.approx(PUBLISHED)
    response = dict(found.response().select("quantity", "estimate").iter_rows())
    steps = impulse_response(np.append(0.0, kernel_of(z[3:], np.arange(1.0, 10_000)))).sum()
    assert steps == pytest.approx(1.640700, abs=5e-7)
    assert steps * PUBLISHED["mu"] == pytest.approx(211.8436, abs=5e-4)
    assert response["endogenous_response"] == pytest.approx(1.64, abs=5e-3)
    best = video.fit(family="normal")
    assert (best.resid**2).sum() < ((fitted - video.count) ** 2).sum()


def test_slopes_agree_with_differences() -> None:
    z, checked = on_fitting_scale(TRUTH), model()
    _, slopes = checked.mean_and_slopes(z)
    for index, step in enumerate(1e-5 * np.eye(6)):
        apart = (checked.mean(z + step) - checked.mean(z - step)) / 2e-5
        np.testing.assert_allclose(slopes[:, index], apart, rtol=1e-5, atol=1e-4)


def test_the_impulse_response_is_the_recursion_of_one_impulse() -> None:
    kernel = np.array([0.0, 0.4, 0.2, 0.1, 0.05])
    response = np.zeros(5)
    response[0] = 1
    for t in range(1, 5):
        response[t] = sum(response[j] * kernel[t - j] for j in range(t))
    assert impulse_response(kernel) == pytest.approx(response)


def test_the_branching_factor_sums_the_kernel() -> None:
    shape = on_fitting_scale(TRUTH | {"theta": 2.5})[3:]
    kernel = kernel_of(shape, np.arange(1.0, 200_000))
    assert branching_of(shape) == pytest.approx(kernel.sum(), rel=1e-9)


def test_maturity_is_when_95_percent_have_come() -> None:
    shape = on_fitting_scale(TRUTH | {"theta": 3.0, "kappa": 5.0})[3:]
    kernel = np.append(0.0, kernel_of(shape, np.arange(1.0, 3000)))
    come = impulse_response(kernel).cumsum() * (1 - branching_of(shape))
    ripe = maturity(shape)
    assert ripe is not None
    assert np.interp(ripe, np.arange(come.size), come) == pytest.approx(0.95, abs=1e-6)
    assert maturity(shape + np.array([3.0, 0, 0])) is None  # feeds itself for ever


@pytest.mark.parametrize("family", ["quasipoisson", "normal"])
def test_parameters_are_found_again_without_noise(family: str) -> None:
    found = model().fit(family=family)
    assert found.params == pytest.approx(TRUTH, rel=1e-4)


def test_parameters_are_found_again_with_noise() -> None:
    found = model(noise=5.0).fit()
    for name, low, high in found.conf_int(alpha=0.001).iter_rows():
        assert low < TRUTH[name] < high
    assert found.scale == pytest.approx(5.0, rel=0.5)


def test_views_in_thousands_change_units_only() -> None:
    once = model(noise=5.0).fit()
    views = once.model.count / 1000
    scaled = HawkesIntensity(table(views), table(SHARES), unit="period").fit()
    for name in ("gamma", "eta", "mu"):
        assert scaled.params[name] == pytest.approx(once.params[name] / 1000, rel=1e-4)
    for name in ("kappa", "c", "theta"):
        assert scaled.params[name] == pytest.approx(once.params[name], rel=1e-4)


def test_without_promotions_less_is_left() -> None:
    found = model(noise=5.0).fit()
    left = found.predict(table(0 * SHARES))
    assert (left["mean"] <= found.predict()["mean"] + 1e-9).all()
    assert found.predict()["mean"].to_numpy() == pytest.approx(found.fittedvalues)
    assert (left["lower"] < left["mean"]).all() and (left["mean"] < left["upper"]).all()


def test_forecast_goes_on_with_the_promotions_to_come() -> None:
    shares = np.append(SHARES, [0.0, 100.0, 0.0])
    found = model(noise=2.0).fit()
    ahead = found.forecast(table(shares))
    assert ahead["time"].to_list() == [90.0, 91.0, 92.0]
    truth = pl.Series(recursion(TRUTH, shares)[90:])
    assert ((ahead["lower"] < truth) & (truth < ahead["upper"])).all()
    assert ahead["mean"][1] > 3 * ahead["mean"][0]
    assert ahead.equals(found.forecast(table(shares)))
    with pytest.raises(TableError, match=r"begin at 91\.0; the data end at 90\.0"):
        found.forecast(table(shares[91:], first=91.0))
    with pytest.raises(TableError, match="no usable row"):
        found.forecast(table(SHARES))


def test_the_kernel_of_a_long_memory_with_a_large_cut_off_does_not_overflow() -> None:
    lags = np.array([1.0, 10.0, 100.0])
    branching, c, theta = 0.6, 1e30, 50.0  # (c + 0.5) ** theta is past the largest number
    expected = branching * theta / c * np.exp(-theta * np.log1p((lags - 0.5) / c))
    assert kernel_of(np.log([branching, c, theta]), lags) == pytest.approx(expected, rel=1e-9)
    share, c, theta = 0.4, 3.0, 1.2
    plain = share * theta * (c + 0.5) ** theta * (lags + c) ** -(1 + theta)
    assert kernel_of(np.log([share, c, theta]), lags) == pytest.approx(plain, rel=1e-12)


def test_what_the_data_cannot_tell_is_said() -> None:
    quiet = HawkesIntensity(table(model(noise=5.0).count), table(0 * SHARES), unit="period").fit()
    assert any("no promotions" in warning for warning in quiet.warnings)
    slow = recursion(TRUTH, SHARES) + 400 * (1 + np.sin(np.arange(90) / 6))
    found = HawkesIntensity(table(slow), table(SHARES), unit="period").fit()
    assert any("neighbouring periods are alike" in warning for warning in found.warnings)


def test_summary_names_the_parameters_and_escapes_the_item() -> None:
    data = table(model().count).with_columns(item=pl.lit("<b>x</b>"))
    found = HawkesIntensity(data, table(SHARES), unit="period").fit(family="normal")
    html = found.summary().as_html()
    assert "<b>x" not in html and "&lt;b&gt;x" in html and "memory exponent" in html
    assert found.aic == pytest.approx(14 - 2 * found.llf)


def changed(**columns: object) -> pl.DataFrame:
    return table(model().count).with_columns(**columns)


REFUSED = [
    (changed(kind=pl.lit("cumulative")), table(SHARES), "allowed: incremental"),
    (changed().filter(pl.col("time") != 5), table(SHARES), r"no period right before 6\.0"),
    (changed().head(13), table(SHARES), "13 periods; six parameters need at least 14"),
    (changed(count=pl.lit(0.0)), table(SHARES), "all counts are zero"),
    (changed().clear(), table(SHARES), "no usable row"),
    (changed(), table(SHARES[:50]), "the promotions lack 40 of 90 periods, first 50"),
    (changed(item=pl.when(pl.col("time") < 5).then(pl.lit("a")).otherwise(pl.lit("b"))),
     table(SHARES), "holds 2 values"),
]  # fmt: skip


@pytest.mark.parametrize(("counts", "promotions", "said"), REFUSED)
def test_what_cannot_be_fitted_is_refused(
    counts: pl.DataFrame, promotions: pl.DataFrame, said: str
) -> None:
    with pytest.raises(TableError, match=said):
        HawkesIntensity(counts, promotions, unit="period")


def test_choices_are_checked() -> None:
    with pytest.raises(ValueError, match="allowed: 'quasipoisson', 'normal'"):
        model().fit(family="poisson")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="does not fit times that are numbers"):
        HawkesIntensity(table(SHARES + 1), table(SHARES), unit="day")
    with pytest.raises(ValueError, match="between 0 and 1"):
        model().fit().conf_int(95)


def test_many_draws_at_once_are_what_they_are_one_by_one() -> None:
    fit = model(noise=30.0).fit()
    draws = fit.place + np.random.default_rng(5).normal(scale=0.1, size=(7, 6))
    together = fit._means(draws, SHARES)
    assert together == pytest.approx(np.array([fit.model.mean(z, SHARES) for z in draws]), rel=1e-9)


def test_a_slow_maturity_is_found_beyond_the_first_thousand_periods() -> None:
    shape = np.log([0.9, 1.0, 0.7])
    kernel = np.append(0.0, kernel_of(shape, np.arange(1.0, 2**14)))
    come = np.cumsum(impulse_response(kernel)) * (1 - branching_of(shape))
    found = maturity(shape)
    assert found is not None and found > 1024
    assert np.interp(found, np.arange(come.size), come) == pytest.approx(0.95)


def test_a_kernel_that_is_hardly_known_is_said_to_be_so() -> None:
    loose = model(noise=500.0).fit()
    assert any("stand in for one another" in note for note in loose.warnings)
    firm = model(noise=0.01).fit()
    assert not any("stand in for one another" in note for note in firm.warnings)
