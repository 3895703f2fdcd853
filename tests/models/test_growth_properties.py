"""Whatever the counts: a fit with its uncertainty, or one clear error."""

from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

import viralkit as vk

START = date(2020, 1, 1)
CURVES = [vk.Bass, vk.Logistic, vk.Gompertz, vk.Exponential, vk.Linear]
counts = st.one_of(
    st.lists(st.integers(0, 10**18), min_size=0, max_size=12),
    st.lists(st.floats(0, 1e18), min_size=0, max_size=12),
    st.lists(st.floats(), max_size=6),
    st.lists(st.sampled_from([0, 0, 0, 1, 5, 10**6]), max_size=12),
)
gaps = st.lists(st.integers(0, 400), min_size=12, max_size=12)


def cumulative(values: list[float], steps: list[int]) -> pl.DataFrame:
    days = np.cumsum(steps)[: len(values)]
    time = [START + timedelta(days=int(day)) for day in days]
    total = np.maximum.accumulate(np.array(values, dtype=float)) if values else []
    return pl.DataFrame(
        {"item": ["x"] * len(values), "time": time, "count": total, "kind": "cumulative"},
        schema={"item": pl.String, "time": pl.Date, "count": pl.Float64, "kind": pl.String},
    )


@settings(max_examples=60)
@given(values=counts, steps=gaps, curve=st.sampled_from(CURVES))
def test_a_fit_is_finite_with_intervals_around_it_or_refused(
    values: list[float], steps: list[int], curve: type
) -> None:
    try:
        fit = curve(cumulative(values, steps), unit="day", start=START).fit()
    except ValueError as refusal:
        assert len(str(refusal)) > 30
        return
    assert np.all(np.isfinite(fit.fittedvalues))
    assert not any(np.isnan(value) for value in fit.params.values())
    for name, estimate, error, lower, upper in fit.frame().iter_rows():
        at_limit = estimate in (0.0, np.inf)
        assert (error is None) == at_limit, (name, estimate, error)
        assert lower <= estimate <= upper
    band = fit.predict()
    assert band["mean"].is_finite().all()
    assert (band["lower"] <= band["mean"]).all()
    assert str(fit.summary())


@settings(max_examples=25)
@given(values=st.lists(st.integers(1, 10**6), min_size=6, max_size=12), steps=gaps)
def test_order_of_rows_and_doubled_rows_do_not_matter(values: list[int], steps: list[int]) -> None:
    table = cumulative(values, [step + 1 for step in steps])
    try:
        plain = vk.Linear(table, unit="day", start=START).fit()
    except ValueError:
        return
    turned = vk.Linear(table.reverse(), unit="day", start=START).fit()
    doubled = vk.Linear(pl.concat([table, table]), unit="day", start=START).fit()
    assert turned.params == plain.params
    assert doubled.params == plain.params
    assert doubled.nobs == plain.nobs
