"""Pictures of fitted models."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import viralkit as vk
from viralkit.charts.fits import estimates
from viralkit.charts.parts import short_estimate

START = date(2008, 1, 1)
HOSTILE = '</script><script>window.fired=1</script> "quoted"'


def bass_counts(n=14, item="clip", **columns):
    age = np.arange(n)
    shape = (1 - np.exp(-0.42 * age)) / (1 + 19 * np.exp(-0.42 * age))
    wobble = 1 + 0.004 * np.cumsum(np.cos(3.0 * age))
    base = {
        "item": item,
        "time": [START + timedelta(int(i)) for i in age],
        "count": np.maximum.accumulate(np.round(1000 * shape * wobble)).astype(int),
        "kind": "cumulative",
    }
    return pl.DataFrame({**base, **columns})


@pytest.fixture(scope="module")
def fit():
    return vk.Bass(bass_counts(), unit="day").fit()


def layers(chart):
    spec = chart.to_dict()
    return [
        (layer["mark"]["type"], spec["datasets"][layer["data"]["name"]], layer)
        for layer in ({"data": spec.get("data"), **layer} for layer in spec["layer"])
    ]


def test_the_curve_and_its_band_are_those_of_predict(fit):
    band, line, points, label = layers(vk.fit_chart(fit))
    assert [band[0], line[0], points[0], label[0]] == ["area", "line", "circle", "text"]
    curve = fit.predict()
    drawn = [row["mean"] for row in line[1]]
    assert drawn == pytest.approx(curve["mean"].to_list(), rel=1e-5)
    assert [row["lower"] for row in band[1]] == pytest.approx(curve["lower"].to_list(), rel=1e-5)
    assert [row["count"] for row in points[1]] == fit.model.points["count"].to_list()
    assert label[1][0]["name"].startswith("Bass fit ")


def test_the_subtitle_tells_each_estimate_with_its_interval(fit):
    spec = vk.fit_chart(fit).to_dict()
    told = " ".join(spec["title"]["subtitle"])
    for name in ("p ", "q ", "m "):
        assert name in told
    assert told.count(" to ") == 3 and told.count("per day") == 2
    assert spec["title"]["text"] == "Does a Bass curve fit clip?"
    assert "Chart of the Bass fit to clip, total: 14 counts from 2008-01-01" in spec["description"]


def test_limits_and_fixed_parameters_are_told_as_such():
    decay = bass_counts(count=(1000 * (1 - np.exp(-0.5 * np.arange(14)))).astype(int))
    told = " ".join(estimates(vk.Bass(decay, unit="day").fit()))
    assert "q 0 (at most " in told
    held = " ".join(estimates(vk.Bass(bass_counts(), unit="day").fit(fixed={"m": 1000.0})))
    assert "m 1,000 (fixed)" in held


def test_growth_is_drawn_per_unit_of_time_between_observations():
    counts = bass_counts().gather([0, 1, 4, 5, 9, 13])
    fit = vk.Bass(counts, unit="day").fit()
    seen, line, _ = layers(vk.fit_chart(fit, view="growth"))
    values = counts["count"].to_list()
    assert seen[1][1]["count"] == pytest.approx((values[2] - values[1]) / 3, rel=1e-5)
    assert seen[1][1]["time"][:10] == "2008-01-02"
    assert seen[1][-1]["time"][:10] == "2008-01-14"
    area = np.trapezoid([row["count"] for row in line[1]], dx=13 / 199)
    assert area == pytest.approx(fit.predict()["mean"][-1], rel=0.01)


def test_curves_that_reach_back_have_no_first_growth():
    fit = vk.Logistic(bass_counts().tail(12), unit="day", start=START).fit()
    seen, *_ = layers(vk.fit_chart(fit, view="growth"))
    assert len(seen[1]) == 12


def test_bounds_and_uncertain_dates_are_drawn():
    counts = bass_counts(bound=["exact"] * 12 + ["at_least", "exact"]).with_columns(
        time_lower=pl.col("time"),
        time_upper=pl.when(pl.int_range(pl.len()) == 6)
        .then(pl.col("time") + timedelta(1))
        .otherwise(pl.col("time")),
    )
    chart = vk.fit_chart(vk.Bass(counts, unit="day").fit())
    kinds = [mark for mark, *_ in layers(chart)]
    assert kinds == ["area", "line", "rule", "point", "circle", "text"]


def test_breaks_of_phases_are_rules_with_ranges():
    rate = [9, 12, 9, 11, 8, 31, 39, 42, 38, 41, 41, 40]
    counts = pl.DataFrame(
        {
            "item": "clip",
            "time": [START + timedelta(i) for i in range(13)],
            "count": np.cumsum([0, *rate]),
            "kind": "cumulative",
        }
    )
    fit = vk.Phases(counts, unit="day").fit(breaks=1)
    chart = vk.fit_chart(fit)
    bar, line, name, *_ = layers(chart)
    assert [bar[0], line[0], name[0]] == ["rule", "rule", "text"]
    row = bar[1][0]
    known = fit.breaks.row(0, named=True)
    assert [row[end][:10] for end in ("lower", "time", "upper")] == [
        str(known[end]) for end in ("lower", "time", "upper")
    ]
    assert chart.to_dict()["title"]["text"] == "Which phases did clip go through?"
    assert "Rates, count per day: " in " ".join(chart.to_dict()["title"]["subtitle"])
    none = vk.fit_chart(vk.Phases(counts, unit="day").fit(breaks=0), view="growth")
    assert [mark for mark, *_ in layers(none)] == ["line", "line", "text"]


def test_residuals_are_those_of_the_fit(fit):
    chart = vk.residual_chart(fit)
    bounds, stems, points = layers(chart)
    assert [row["pearson"] for row in bounds[1]] == [-2, 2]
    assert stems[2]["encoding"]["y2"]["field"] == "zero"
    drawn = [row["pearson"] for row in points[1]]
    assert drawn == pytest.approx(fit.residuals["pearson"].to_list(), rel=1e-5, abs=1e-9)
    outside = sum(abs(value) > 2 for value in drawn)
    assert chart.to_dict()["title"]["subtitle"][1] == f"{outside} of 13 outside ±2"


def test_long_series_are_thinned():
    n = 7_000
    counts = pl.DataFrame(
        {"item": "a", "time": np.arange(n) * 1.0, "count": np.arange(n), "kind": "cumulative"}
    )
    fit = vk.Linear(counts, unit="period").fit()
    for chart in (vk.fit_chart(fit), vk.fit_chart(fit, view="growth"), vk.residual_chart(fit)):
        rows = sum(len(rows) for rows in chart.to_dict()["datasets"].values())
        assert 1_000 < rows <= 5_000


def test_an_unknown_view_is_refused(fit):
    with pytest.raises(ValueError, match=r'view=\'rate\' is not known; pass view="total" or view='):
        vk.fit_chart(fit, view="rate")


def test_hostile_names_stay_data(tmp_path):
    fit = vk.Bass(bass_counts(item=HOSTILE), unit="day").fit()
    for chart in (vk.fit_chart(fit), vk.fit_chart(fit, view="growth"), vk.residual_chart(fit)):
        vk.save(chart, tmp_path / "chart.svg")
        assert "<script" not in (tmp_path / "chart.svg").read_text()
        vk.save(chart, tmp_path / "chart.html")
        assert (tmp_path / "chart.html").read_text().count("</script>") == 2


def test_periods_are_named_on_the_axis():
    counts = pl.DataFrame(
        {"item": "a", "time": [0.0, 1, 2, 4], "count": [0, 5, 11, 20], "kind": "cumulative"}
    )
    chart = vk.fit_chart(vk.Linear(counts, unit="period").fit())
    assert layers(chart)[1][2]["encoding"]["x"]["title"] == "Periods"


@pytest.mark.parametrize(
    "draw", [vk.fit_chart, vk.residual_chart, lambda model: vk.forecast_chart(model, START)]
)
def test_a_model_that_was_not_fitted_is_refused_with_a_next_step(draw):
    with pytest.raises(TypeError, match=r"'Bass' is not a fit; .* Pass vk\.Bass\(.*\.fit\(\)"):
        draw(vk.Bass(bass_counts(), unit="day"))


def weekly(n=12, missing=()):
    weeks = [i for i in range(n) if i not in missing]
    start = [START + timedelta(7 * i) for i in weeks]
    return pl.DataFrame(
        {
            "item": "app",
            "time": start,
            "period_end": [day + timedelta(7) for day in start],
            "count": [100 + 10 * i for i in weeks],
            "kind": "incremental",
        }
    )


@pytest.mark.parametrize("model", [vk.Bass, vk.Linear])
def test_growth_is_open_where_a_period_is_missing(model):
    fit = model(weekly(missing=(5,)), unit="week", start=START).fit()
    seen, line, _ = layers(vk.fit_chart(fit, view="growth"))
    before, after = ([row for row in line[1] if row["run"] == run] for run in (0, 1))
    gap = [str(START + timedelta(7 * i)) for i in (5, 6)]
    assert before[-1]["time"][:10] < gap[0] and gap[1] <= after[0]["time"][:10]
    assert {row["run"] for row in seen[1]} == {0, 1} and len(before) + len(after) == len(line[1])
    assert min(row["count"] for row in line[1]) > 90  # the rate does not fall to zero and back
    assert "run" in line[2]["encoding"]["detail"]["field"]


def test_estimates_keep_three_digits_where_the_last_are_zero():
    assert short_estimate(0.12) == "0.120" and short_estimate(2.0) == "2.00"
    assert short_estimate(0.0000361) == "0.0000361" and short_estimate(176098.2) == "176,098"
    assert short_estimate(0.0) == "0"
