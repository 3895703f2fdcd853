"""Times come as dates, times of day, ISO texts or numbers; what is none of them is refused."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

import viralkit as vk

START = date(2025, 2, 3)
WEEKS = pl.date_range(START, date(2025, 8, 4), "1w", eager=True)
COUNTS = pl.DataFrame({"item": "app", "time": WEEKS[:-1], "period_end": WEEKS[1:]}).with_columns(
    count=100 + pl.int_range(pl.len()) % 3, kind=pl.lit("incremental")
)
TOTALS = COUNTS.with_columns(pl.col("count").cum_sum(), kind=pl.lit("cumulative"))
TOTALS = TOTALS.drop("period_end")


@pytest.fixture(scope="module")
def fit():
    return vk.Linear(COUNTS, unit="week", start=START).fit()


@pytest.mark.parametrize(
    "start", ["2025-02-03", datetime(2025, 2, 3), np.datetime64("2025-02-03T00", "ns"), START]
)
def test_a_start_may_be_text_or_a_time_of_day(start):
    assert vk.Linear(COUNTS, unit="week", start=start).start == START


def test_a_day_starts_data_with_times_of_day():
    moments = COUNTS.with_columns(pl.col("time", "period_end").cast(pl.Datetime("us", "UTC")))
    for start in ("2025-02-03", START, datetime(2025, 2, 3)):
        assert vk.Linear(moments, unit="week", start=start).start == datetime(
            2025, 2, 3, tzinfo=UTC
        )


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("February", r"start='February' is not a time\. Pass a time such as datetime\.date\(2025"),
        (0.0, r"start=0\.0 does not match times such as datetime\.date"),
        (True, r"start=True is not a time"),
        ([START], r"is not a time"),
    ],
)
def test_what_is_no_time_is_refused_with_an_example(start, message):
    with pytest.raises(ValueError, match=message):
        vk.Linear(COUNTS, unit="week", start=start)


@pytest.mark.parametrize("until", ["2025-10-06", date(2025, 10, 6), datetime(2025, 10, 6)])
def test_forecasts_take_texts_and_dates(fit, until):
    whole = fit.forecast(date(2025, 10, 6))
    assert fit.forecast(until).equals(whole) and whole["time"][-1] == date(2025, 10, 6)
    phases = vk.Phases(COUNTS, unit="week", start=START).fit(breaks=0)
    assert phases.forecast(until)["time"][-1] == date(2025, 10, 6)


@pytest.mark.parametrize(
    "times", ["2025-05-05", ["2025-05-05"], date(2025, 5, 5), pl.Series([date(2025, 5, 5)])]
)
def test_predictions_take_one_time_or_several(fit, times):
    assert fit.predict(times)["age"].to_list() == [13.0]


def test_a_forecast_until_no_time_is_refused(fit):
    with pytest.raises(ValueError, match="'soon' is not a time"):
        fit.forecast("soon")


def test_cutoffs_may_be_texts_and_failures_are_told(fit):
    by_text = vk.compare([fit], cutoffs=["2025-06-02"])
    assert by_text.equals(vk.compare([fit], cutoffs=[date(2025, 6, 2)]))
    early = vk.compare([fit], cutoffs=["2025-02-11", "2025-06-02"])
    assert early["cutoffs"][0] == 1
    assert "not fitted at 1 of 2 cutoffs, first: 1 increments cannot give" in early["note"][0]


@pytest.mark.parametrize("given", ["fit", "model", "name"])
def test_compare_refuses_what_is_no_list_of_fits(fit, given):
    wrong = {"fit": fit, "model": [fit.model], "name": ["Bass"]}[given]
    with pytest.raises(TypeError, match=r"takes a list of fits; .*vk\.compare\(\[vk\.Bass"):
        vk.compare(wrong)


def test_counts_of_periods_read_as_totals_are_sent_back_to_the_reader():
    wrong = COUNTS.drop("period_end").with_columns(kind=pl.lit("cumulative"))
    with pytest.raises(vk.TableError, match=r"8 falls\); .*kind='incremental', every='1d'"):
        vk.Linear(wrong, unit="week", start=START)
    once = TOTALS.with_columns(
        pl.when(pl.int_range(pl.len()) == 9).then(5).otherwise("count").alias("count")
    )
    with pytest.raises(vk.TableError, match=r"\(1 fall\); .*Mark the wrong rows"):
        vk.Linear(once, unit="week", start=START)


def test_what_had_been_counted_at_the_start_is_told():
    fit = vk.Linear(TOTALS, unit="week", start=START).fit()
    assert any("100 had been counted at the start already" in text for text in fit.warnings)
    earlier = vk.Linear(TOTALS, unit="week", start="2025-01-27").fit()
    assert not any("had been counted" in text for text in earlier.warnings)
    with pytest.raises(ValueError, match="before that row: something had been counted by then"):
        vk.Linear(TOTALS, unit="week")
    with pytest.raises(ValueError, match="if the data begin there"):
        vk.Linear(COUNTS, unit="week")


def test_every_curve_tells_its_parameters():
    for curve in (vk.Bass, vk.Exponential, vk.Linear, vk.Logistic, vk.Gompertz):
        assert "Parameters\n" in curve.__doc__ and 'unit : {"day"' in curve.__doc__


def test_logistic_and_bass_are_one_curve_for_counts_of_periods():
    table = COUNTS.with_columns(
        count=50 + 4 * pl.int_range(pl.len()) * (30 - pl.int_range(pl.len()))
    )
    bass, logistic = (m(table, unit="week", start=START).fit() for m in (vk.Bass, vk.Logistic))
    p, q, m = bass.params.values()
    assert logistic.params["r"] == pytest.approx(p + q, rel=1e-4)
    assert logistic.params["m"] == pytest.approx(m * (1 + p / q), rel=1e-4)
