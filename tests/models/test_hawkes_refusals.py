"""What self-exciting models refuse, and what they answer with a warning."""

import warnings

import numpy as np
import polars as pl
import pytest

import viralkit as vk
from viralkit.tables import TableError


def table(**columns) -> pl.DataFrame:
    size = len(columns["time"])
    base = {"cascade_id": ["a"] * size, "event_id": [str(i) for i in range(size)]}
    return pl.DataFrame(base | columns)


@pytest.mark.parametrize(
    ("events", "choices", "message"),
    [
        ([], {}, "no events"),
        (table(time=pl.Series([], dtype=pl.Float64)), {}, "no events"),
        ([0.0, 2.0, 1.0], {}, "1 comes after 2"),
        ([-1.0, 2.0], {}, "negative"),
        (table(time=[-1.0, 2.0]), {}, "repair"),
        ([0.0, np.nan], {}, "nan at position 1"),
        ([0.0, np.inf], {}, "inf at position 1"),
        (table(time=[0.0, None]), {}, "time"),
        ([[0.0, 1.0]], {}, "2 dimensions"),
        ("times", {}, "sequence of times"),
        ([0.0, 1.0], {"marks": "magnitude"}, "carry no marks"),
        (table(time=[0.0, 1.0]), {"marks": "magnitude"}, "'magnitude' not found"),
        (table(time=[0.0, 1.0], magnitude=[3.0, 0.0]), {"marks": "magnitude"}, "magnitude 0 is"),
        (table(time=[0.0, 1.0], magnitude=[3.0, None]), {"marks": "magnitude"}, "magnitude nan"),
        (table(time=[0.0, 1.0], magnitude=[3.0, -2.0]), {"marks": "magnitude"}, "-2"),
        ([0.0, 1.0, 5.0], {"observed_until": 4.0}, "lies before the last event"),
        ([0.0, 1.0], {"observed_until": float("nan")}, "is nan"),
        ([0.0, 1.0], {"observed_until": "later"}, "not a number of seconds"),
        ([0.0, 1.0], {"background": "constant", "observed_until": np.inf}, "finite time"),
        ([0.0, 1.0], {"observed_until": pl.DataFrame({"cascade_id": ["a"]})}, "as a number"),
        (table(time=[0.0, 1.0], cascade_id=["a", "b"]), {}, "fit_each"),
        (None, {}, "0 dimensions"),
        (pl.DataFrame({"item": "a", "time": [0.0], "count": [3.0]}), {}, "HawkesIntensity"),
    ],
)
def test_refused_at_once(events, choices: dict, message: str) -> None:
    with pytest.raises(TableError, match=message):
        vk.Hawkes(events, **choices)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"kernel": "gamma"}, "kernel='gamma' is not known; allowed"),
        ({"marks": "user"}, "marks='user'"),
        ({"background": "sine"}, "background='sine'"),
        ({"population": 1}, "at least the 2 events"),
        ({"population": "all"}, "'estimated'"),
        ({"population": True}, "population=True"),
    ],
)
def test_refused_choices(choices: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vk.Hawkes([0.0, 1.0], **choices)


def test_one_event_and_one_time_leave_nothing_to_fit() -> None:
    with pytest.raises(ValueError, match="1 event: nothing happened"):
        vk.Hawkes([3.0]).fit()
    with pytest.raises(ValueError, match="all 3 events are at one time"):
        vk.Hawkes([3.0, 3.0, 3.0]).fit()
    with pytest.raises(ValueError, match="all 3 events are at one time"):
        vk.Hawkes([3.0, 3.0, 3.0], background="constant", observed_until=9.0).fit()


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"alpha": 1.0}, "not a parameter; parameters"),
        ({"theta": -1.0}, "theta=-1 is out of range"),
        ({"theta": 0.0}, "theta=0 is out of range"),
        ({"kappa": np.inf}, "kappa=inf"),
        ({"kappa": np.nan}, "kappa=nan"),
        ({"N": 2.0}, "N=2 is out of range"),
    ],
)
def test_held_values_out_of_range(fixed: dict, message: str) -> None:
    model = vk.Hawkes([0.0, 1.0, 1.5], population="estimated", observed_until=4.0)
    with pytest.raises(ValueError, match=message):
        model.fit(fixed=fixed)


def test_the_likelihood_needs_every_parameter() -> None:
    with pytest.raises(ValueError, match=r"parameters \['theta'\] are missing"):
        vk.Hawkes([0.0, 1.0]).loglike({"kappa": 0.5})


def test_the_exponent_of_magnitudes_is_for_marks() -> None:
    with pytest.raises(ValueError, match=r"magnitude_exponent=2\.016 is not allowed"):
        vk.Hawkes([0.0, 1.0]).fit(magnitude_exponent=2.016)
    marked = vk.Hawkes(table(time=[0.0, 1.0], magnitude=[2.0, 3.0]), marks="magnitude")
    with pytest.raises(ValueError, match=r"magnitude_exponent=0\.5"):
        marked.fit(magnitude_exponent=0.5)


def test_rows_that_are_excluded_are_skipped() -> None:
    events = table(time=[0.0, 1.0, 1.2, 3.0], excluded=[None, None, "twice", None])
    with_all = vk.Hawkes(events, observed_until=4.0)
    assert len(with_all.stream) == 3


def test_the_window_of_a_cascades_table() -> None:
    events = table(time=[0.0, 1.0, 1.2])
    cascades = pl.DataFrame({"cascade_id": ["b", "a"], "observed_until": [9.0, 5.0]})
    assert vk.Hawkes(events, observed_until=cascades).stream.until[0] == 5.0
    with pytest.raises(TableError, match="cascade 'a' is not in"):
        vk.Hawkes(events, observed_until=cascades.head(1))
    with pytest.raises(TableError, match="'observed_until' not found"):
        vk.Hawkes(events, observed_until=cascades.drop("observed_until"))


def test_without_a_window_the_fit_says_so() -> None:
    fit = vk.Hawkes(np.cumsum(np.random.default_rng(0).exponential(1, 50))).fit()
    assert any("observed_until is not known" in note for note in fit.warnings)


def test_a_window_that_starts_late_is_noticed() -> None:
    times = np.cumsum(np.random.default_rng(2).exponential(1.0, 60))
    late = vk.Hawkes(times + 1e4, background="constant", observed_until=1.01e4).fit()
    assert any("subtract the time at which it began" in note for note in late.warnings)
    right = vk.Hawkes(times, background="constant", observed_until=100.0).fit()
    assert not any("subtract" in note for note in right.warnings)


def test_extreme_magnitudes_leak_no_warning_of_numpy() -> None:
    times, marks = [0.0, 0.4, 0.5, 1.1, 1.3, 2.2, 2.4, 4.0], [1e300] + 7 * [1.0]
    events = table(time=times, magnitude=marks)
    model = vk.Hawkes(events, kernel="power_law", marks="magnitude", observed_until=10.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = model.fit().final_size().row(0, named=True)
    assert not any(isinstance(value, float) and np.isnan(value) for value in row.values())


def test_rounded_clocks_are_noticed() -> None:
    rng = np.random.default_rng(1)
    t = np.sort(np.round(rng.exponential(20.0, 200)))
    fit = vk.Hawkes(t - t[0], observed_until=300.0).fit()
    assert any("rounded clock" in note for note in fit.warnings)
    fine = vk.Hawkes(np.sort(rng.exponential(20.0, 200)), observed_until=300.0).fit()
    assert not any("rounded clock" in note for note in fine.warnings)


def test_effects_at_once_run_to_the_limit() -> None:
    t = np.repeat(np.arange(1.0, 60.0), 3)
    fit = vk.Hawkes(t, background="constant", observed_until=60.0).fit()
    assert fit.params["theta"] == np.inf or fit.params["theta"] > 100
    assert any("rounded" in note for note in fit.warnings)
    assert "nan" not in fit.summary().as_text()


def test_a_memory_beyond_the_window_is_noticed() -> None:
    t = np.cumsum(1 / np.arange(1.0, 60.0))
    fit = vk.Hawkes(t, observed_until=float(t[-1])).fit()
    assert any(
        "zero: events kept their full effect" in n or "extrapolation" in n for n in fit.warnings
    )
    assert "nan" not in fit.summary().as_text()
    assert np.isfinite(fit.llf)


def test_steady_events_show_no_self_excitation() -> None:
    t = np.arange(1.0, 100.0)
    fit = vk.Hawkes(t, background="constant", observed_until=100.0).fit()
    assert any("zero is not ruled out" in note for note in fit.warnings)
    assert "nan" not in fit.summary().as_text()


def test_few_events_are_said_to_be_few() -> None:
    fit = vk.Hawkes([0.0, 1.0, 1.5], observed_until=9.0).fit()
    assert any("too few" in note for note in fit.warnings)
    assert "nan" not in fit.summary().as_text()
    two = vk.Hawkes([0.0, 1.0], observed_until=9.0, kernel="power_law").fit()
    assert "nan" not in two.summary().as_text()


def test_what_has_no_end_has_no_final_size() -> None:
    t = np.cumsum(np.random.default_rng(0).exponential(1, 60))
    fit = vk.Hawkes(t, background="constant").fit(fixed={"theta": 1.0, "kappa": 0.5})
    with pytest.raises(ValueError, match="no final size"):
        fit.final_size()
    with pytest.raises(ValueError, match="not a time after the end"):
        fit.forecast(1.0)
    with pytest.raises(ValueError, match="run from 0 to the end"):
        fit.intensity([-1.0])
    with pytest.raises(ValueError, match="alpha=2"):
        fit.forecast(100.0, alpha=2)
    with pytest.raises(ValueError, match="n=0"):
        fit.simulate(0)
    with pytest.raises(ValueError, match="until=-1"):
        fit.simulate(1, until=-1.0)


def test_hostile_names_are_shown_escaped() -> None:
    events = table(time=[0.0, 2.0, 1.0], cascade_id=["\x1b[31m<script>"] * 3)
    with pytest.raises(TableError) as caught:
        vk.Hawkes(events)
    assert "\x1b" not in str(caught.value)
    good = events.with_columns(time=pl.Series([0.0, 1.0, 2.0]))
    shown = vk.Hawkes(good, observed_until=9.0).fit().summary()
    assert "<script>" not in shown.as_html() and "\x1b" not in shown.as_text()
