"""Curves that a user adds by the README: they reach their optimum, or say that they did not."""

import numpy as np
import polars as pl
import pytest
from scipy import optimize

import viralkit as vk
from viralkit.models.growth import Growth
from viralkit.models.results import Parameter

AGE = np.arange(40.0)
RNG = np.random.default_rng(7)


class Weibull(Growth):
    """A share 1 - exp(-(t / scale)^k) of the ceiling is reached."""

    @staticmethod
    def describe(unit):
        return (
            Parameter("k", "shape k", ""),
            Parameter("scale", "scale", f"{unit}s"),
            Parameter("m", "ceiling m", "count"),
        )

    @staticmethod
    def shape(age, k, scale):
        return 1.0 - np.exp(-((age / scale) ** k))

    @staticmethod
    def starts():
        return [np.geomspace(0.3, 6, 12), np.geomspace(0.1, 5, 12)]


class Misnamed(Weibull):
    """The same, with a unit that says that its scale is a rate."""

    @staticmethod
    def describe(unit):
        k, _, m = Weibull.describe(unit)
        return k, Parameter("scale", "scale", f"per {unit}"), m


def counts(step=1.0, missing=()):
    rise = 180_000 * np.diff(Weibull.shape(np.arange(41.0), 1.95, 29.0))
    rise = np.round(rise * RNG.normal(1, 0.05, 40))
    table = {"item": "app", "time": step * AGE, "period_end": step * (AGE + 1), "count": rise}
    frame = pl.DataFrame({**table, "kind": "incremental"})
    return frame.filter(~pl.int_range(pl.len()).is_in(list(missing)))


TABLE = counts()


def independent_optimum():
    """Minimise the Poisson deviance by Nelder and Mead, which share nothing with the kit."""
    seen = TABLE["count"].to_numpy()

    def deviance(logs):
        k, scale, m = np.exp(logs)
        mean = m * np.diff(1 - np.exp(-((np.arange(41.0) / scale) ** k)))
        mean = np.maximum(mean, 1e-9)
        return 2 * np.sum(seen * np.log(seen / mean) - seen + mean)

    options = {"xatol": 1e-10, "fatol": 1e-10, "maxiter": 20_000, "maxfev": 20_000}
    found = optimize.minimize(
        deviance, np.log([1.5, 25, 2e5]), method="Nelder-Mead", options=options
    )
    return np.exp(found.x), found.fun


def test_a_curve_with_a_shape_and_a_time_reaches_the_optimum():
    params, deviance = independent_optimum()
    model = Weibull(TABLE, unit="period", start=0.0)
    fit = model.fit()
    assert list(fit.params.values()) == pytest.approx(params, rel=1e-5)
    assert model.deviance(fit.params) == pytest.approx(deviance, rel=1e-9)
    assert fit.converged and not any("not converged" in text for text in fit.warnings)


@pytest.mark.parametrize("step", [0.01, 7.0, 365.25])
def test_the_unit_of_time_does_not_matter(step):
    table = TABLE.with_columns(pl.col("time", "period_end") * step)
    fit = Weibull(table, unit="period", start=0.0).fit()
    here = Weibull(TABLE, unit="period", start=0.0).fit()
    assert fit.params["scale"] == pytest.approx(step * here.params["scale"], rel=1e-7)
    assert fit.params["k"] == pytest.approx(here.params["k"], rel=1e-7)
    assert fit.conf_int()["upper"][0] == pytest.approx(here.conf_int()["upper"][0], rel=1e-6)


def test_a_search_that_stops_early_says_so():
    model = Misnamed(TABLE, unit="period", start=0.0)
    fit = model.fit()
    assert model.deviance(fit.params) > 3 * independent_optimum()[1]
    assert not fit.converged
    assert "not converged: the misfit still falls along scale" in fit.warnings[0]
    assert "not converged" in str(fit.summary())


def test_a_parameter_is_held_where_no_search_would_go():
    best = Weibull(TABLE, unit="period", start=0.0).fit()
    held = Misnamed(TABLE, unit="period", start=0.0).fit(fixed={"scale": best.params["scale"]})
    assert held.params == pytest.approx(best.params, rel=1e-6) and held.converged


@pytest.mark.parametrize("curve", [vk.Bass, vk.Logistic, vk.Gompertz, vk.Linear, vk.Exponential])
@pytest.mark.parametrize("family", ["quasipoisson", "normal", "negative_binomial"])
def test_the_curves_of_the_kit_converge(curve, family):
    assert curve(TABLE, unit="period", start=0.0).fit(family=family).converged


def test_scaling_is_read_from_the_unit():
    units = {"per day": "rate", "days since start": "time", "weeks": "time", "": "none"}
    assert {unit: Parameter("a", "a", unit).scaling for unit in units} == units
