"""Published estimates of the Bass model, each to its printed digits."""

import numpy as np
import polars as pl
import pytest
from scipy import optimize

import viralkit as vk

SERIES = {
    # US, 1949-1961, thousand units a year (Steffens and Murthy 1992)
    "room_air_conditioners": [
        *(96, 195, 238, 380, 1045, 1230, 1267, 1828, 1586, 1673, 1800, 1580, 1500),
    ],
    "clothes_dryers": [106, 319, 492, 635, 737, 890, 1397, 1523, 1294, 1240, 1425, 1260, 1236],
    # systems of the first generation, read as sales (Liu, thesis)
    "ibm_mainframes": [
        *(190, 560, 1000, 1680, 2542, 2640, 2350, 1820, 1170, 750, 455, 303, 203, 170, 49, 29),
        *(14, 6, 4, 4, 3),
    ],
    # survey based, steps of three years
    "atm_cards": [10740, 11557, 14059, 14829],
    # a textbook exercise, million units
    "class_example": [0.517, 1.169, 1.604, 2.044, 2.286],
}
# (series, method): p, q, m as printed, then their standard errors where printed
PUBLISHED = {
    ("ibm_mainframes", "ols"): ("0.0391", "0.5565", "15799"),
    ("ibm_mainframes", "increments"): (
        *("0.0152", "0.6579", "15682"),
        *("0.00116", "0.018", "292"),
    ),
    ("ibm_mainframes", "conditional"): (
        *("0.0164", "0.627", "15858"),
        *("0.00139", "0.0174", "58"),
    ),
    ("ibm_mainframes", "cumulative"): (
        *("0.0152", "0.6339", "15861"),
        *("0.000882", "0.0136", "44"),
    ),
    ("atm_cards", "ols"): ("0.0505", "0.2088", "208603"),
    ("atm_cards", "increments"): ("0.0415", "0.198", "235270", "0.0705", "0.1826", "419715"),
    ("atm_cards", "conditional"): ("0.0448", "0.2068", "216732", "0.063", "0.1716", "322111"),
    ("atm_cards", "cumulative"): ("0.0364", "0.1883", "267980", "0.0634", "0.1487", "483138"),
    ("class_example", "ols"): ("0.0626032", "0.73766359", "10.5036768"),
    ("clothes_dryers", "increments"): ("0.0136", "0.3267", "16497"),
    ("room_air_conditioners", "increments"): ("0.0094", "0.3748", "18713"),
}


def counts(name: str) -> pl.DataFrame:
    sales = SERIES[name]
    time = [float(i) for i in range(len(sales))]
    end = [t + 1 for t in time]
    columns = {"item": name, "time": time, "period_end": end, "count": sales}
    return pl.DataFrame(columns).with_columns(kind=pl.lit("incremental"))


@pytest.mark.parametrize(("series", "method"), PUBLISHED)
def test_published_estimates_are_reproduced_to_their_printed_digits(series: str, method: str):
    fit = vk.Bass(counts(series), unit="period", start=0.0).fit(family="normal", method=method)
    found = [*fit.params.values(), *fit.bse.values()]
    for printed, value in zip(PUBLISHED[series, method], found, strict=False):
        half_a_digit = 0.5 * 10.0 ** -len(printed.partition(".")[2])
        assert abs(value - float(printed)) <= half_a_digit * 1.001, (printed, value)


@pytest.mark.parametrize(
    ("series", "published"),
    [
        # Steffens and Murthy print K in millions, a, and b per million: q = b K
        ("room_air_conditioners", (0.0094, 0.02 * 18.72, 18720)),
        ("clothes_dryers", (0.0136, 0.0198 * 16.49, 16490)),
    ],
)
def test_steffens_and_murthy_print_the_same_within_their_rounding(series: str, published: tuple):
    fit = vk.Bass(counts(series), unit="period", start=0.0).fit(family="normal")
    assert list(fit.params.values()) == pytest.approx(published, rel=5e-3)


@pytest.mark.parametrize("series", [name for name in SERIES if name != "class_example"])
def test_least_squares_agrees_with_scipy(series: str):
    fit = vk.Bass(counts(series), unit="period", start=0.0).fit(family="normal")
    sales = np.array(SERIES[series], dtype=float)
    edges = np.arange(len(sales) + 1.0)

    def sold(_, p, q, m):
        decay = np.exp(-(p + q) * edges)
        return np.diff(m * (1 - decay) / (1 + q / p * decay))

    start = [value * 1.05 for value in fit.params.values()]
    best, cov = optimize.curve_fit(
        sold, edges[1:], sales, p0=start, x_scale=start, method="trf", ftol=1e-15, xtol=1e-15
    )
    assert list(fit.params.values()) == pytest.approx(best, rel=1e-5)
    assert list(fit.bse.values()) == pytest.approx(np.sqrt(np.diag(cov)), rel=1e-4)
    assert np.sum(fit.resid**2) <= np.sum((sold(None, *best) - sales) ** 2) * (1 + 1e-10)


def test_before_the_peak_the_ceiling_is_said_to_be_unknown():
    fit = vk.Bass(counts("room_air_conditioners").head(5), unit="period", start=0.0).fit()
    assert fit.params["m"] == np.inf
    assert fit.bse["m"] is None
    assert fit.pvalues["m"] is None
    lower, upper = fit.conf_int().filter(pl.col("parameter") == "m").select("lower", "upper").row(0)
    assert 1954 < lower < 18713
    assert upper == np.inf
    assert any("cannot identify the ceiling m" in text for text in fit.warnings)
    assert "fit(fixed={'m': …})" in str(fit.summary())
    held = vk.Bass(counts("room_air_conditioners").head(5), unit="period", start=0.0).fit(
        fixed={"m": 18713.0}
    )
    assert held.params["m"] == 18713.0
    assert held.params["q"] == pytest.approx(0.6, abs=0.15)
    assert not any("cannot identify the ceiling" in text for text in held.warnings)


def test_a_ceiling_that_could_be_without_limit_is_warned_of():
    early = vk.Bass(counts("room_air_conditioners").head(9), unit="period", start=0.0).fit()
    upper = early.conf_int(method="profile")["upper"][2]
    assert np.isfinite(early.params["m"])
    said = any("without limit" in text or "cannot identify" in text for text in early.warnings)
    assert said == np.isinf(upper)
    whole = vk.Bass(counts("room_air_conditioners"), unit="period", start=0.0).fit()
    assert whole.warnings == []
    cards = vk.Bass(counts("atm_cards"), unit="period", start=0.0).fit()
    assert np.isinf(cards.conf_int(method="profile")["upper"][2])
    assert any("ceiling m" in text for text in cards.warnings)
