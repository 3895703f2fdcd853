"""SEISMIC: the published estimator to its last digit, its invariances and its refusals."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.integrate import quad

from viralkit.models.seismic import Seismic
from viralkit.tables import TableError

SAMPLES = os.environ.get("VIRALKIT_SAMPLES")
LEVEL, SLOPE = 0.0006265725, 0.2314843


def cascade(times: list[float], followers: list[float], name: str = "a") -> pl.DataFrame:
    events = [f"{name}{i}" for i in range(len(times))]
    columns = {"cascade_id": name, "event_id": events, "time": times, "magnitude": followers}
    return pl.DataFrame(columns, schema_overrides={"time": pl.Float64})


def random_cascade(seed: int, name: str = "a", size: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    times = np.append(0, np.sort(rng.exponential(4000, size - 1)))
    return cascade(times.tolist(), rng.integers(0, 5000, size).tolist(), name)


def kernel(age: float) -> float:
    return LEVEL if age <= 300 else LEVEL * (age / 300) ** -(1 + SLOPE)


def by_hand(events: pl.DataFrame, now: float) -> tuple[float, float]:
    """Work out infectiousness and final size from the definition, by numerical integration."""
    times, followers = events["time"].to_numpy(), events["magnitude"].to_numpy()
    length = min(max(now / 2, 300), 7200)
    exposed = 0.0
    for time, number in zip(times, followers, strict=True):
        start = max(now - length, time)
        corner = [time + 300] if start < time + 300 < now else None
        exposed += (
            number
            * quad(
                lambda u, time=time: (1 - (now - u) / length) * kernel(u - time),
                start,
                now,
                points=corner,
                epsabs=1e-13,
            )[0]
        )
    recent = times[1:][times[1:] >= now - length]
    ratio = float((1 - (now - recent) / length).sum() / exposed)
    tails = [1 - quad(kernel, 0, now - t, points=[min(300, now - t)])[0] for t in times]
    size = len(times) + ratio * float(followers @ np.array(tails)) / (1 - 100 * ratio)
    return ratio, size if ratio < 0.01 else np.inf


@pytest.mark.skipif(SAMPLES is None, reason="VIRALKIT_SAMPLES is not set")
def test_the_published_example_is_reproduced() -> None:
    folder = Path(str(SAMPLES)) / "seismic"
    events = pl.read_csv(folder / "tweet.csv").select(
        cascade_id=pl.lit("tweet"),
        event_id=pl.int_range(pl.len()).cast(pl.String),
        time="relative_time_second",
        magnitude="number_of_followers",
    )
    said = pl.read_csv(folder / "expected_example.csv", infer_schema=False).select(
        pl.all().str.strip_chars().str.replace("Inf", "inf").cast(pl.Float64)
    )
    assert said.height == 361
    found = Seismic(events).fit(said["p.time"].to_numpy()).frame(alpha=0.1)
    ours = found.select(
        "infectiousness",
        "infectiousness_lower",
        "infectiousness_upper",
        pl.col("final_size") - 1,
        (pl.col("size") - 1).cast(pl.Float64),
    ).to_numpy()[1:]
    theirs = said.select("infectiousness", "p.low", "p.up", "pred", "current").to_numpy()[1:]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert found["infectiousness"][0] is None  # nothing has been reshared yet


@pytest.mark.parametrize("now", [800.0, 3000.0, 9000.0])
def test_estimates_agree_with_numerical_integration(now: float) -> None:
    events = random_cascade(3).filter(pl.col("time") < now)
    events = events.with_columns(pl.col("magnitude") / 0.3)
    ratio, size = by_hand(events, now)
    found = Seismic(events).fit([now]).frame()
    assert found["infectiousness"][0] == pytest.approx(ratio, rel=1e-9)
    # the published tail is rounded: constants of seven digits do not sum to one exactly
    assert found["final_size"][0] == pytest.approx(size, rel=2e-5)


def test_a_window_holds_at_least_five_events() -> None:
    events = cascade([0, 10, 20, 30, 40, 50, 60], [1000] * 7)
    found = Seismic(events).fit([100000.0]).frame()
    length = 100000.0 - 10  # back to the event before the last five, whose own weight is nothing
    exposed = sum(
        1000
        * quad(
            lambda u, t=t: (1 - (1e5 - u) / length) * kernel(u - t),
            max(t, 10),
            1e5,
            points=[t + 300],
            limit=500,
            epsabs=1e-14,
        )[0]
        for t in (0, 10, 20, 30, 40, 50, 60)
    )
    weight = sum(1 - (1e5 - t) / length for t in (20, 30, 40, 50, 60))
    assert found["infectiousness"][0] == pytest.approx(weight / exposed, rel=1e-6)


def test_each_cascade_is_judged_by_itself() -> None:
    one, two = random_cascade(1, "one"), random_cascade(2, "two", 25)
    moments = [500.0, 4000.0, 30000.0]
    both = Seismic(pl.concat([one, two]).sample(fraction=1, shuffle=True, seed=4))
    found = both.fit(moments).frame()
    for name, alone in (("one", one), ("two", two)):
        assert_frame_equal(
            found.filter(cascade_id=name), Seismic(alone).fit(moments).frame(), rel_tol=1e-13
        )


def test_ids_and_order_of_rows_do_not_matter() -> None:
    events = random_cascade(5)
    turned = events.reverse().with_columns(event_id=pl.lit("z") + pl.col("event_id"))
    assert_frame_equal(Seismic(events).fit([5000]).frame(), Seismic(turned).fit([5000]).frame())


def test_infectiousness_halves_when_followers_double() -> None:
    events = random_cascade(6)
    double = events.with_columns(pl.col("magnitude") * 2)
    once = Seismic(events).fit([9000]).frame()["infectiousness"][0]
    assert Seismic(double).fit([9000]).frame()["infectiousness"][0] == pytest.approx(once / 2)


def test_a_cascade_without_end_has_infinite_size_and_a_warning() -> None:
    events = cascade([0, 10, 20, 30, 40, 50], [10] * 6)
    results = Seismic(events).fit([60])
    assert results.frame().select("final_size", "final_size_upper").row(0) == (np.inf, np.inf)
    assert "final size ∞" in results.warnings[0] and "1 of 1" in results.warnings[0]
    assert "judge again later" in repr(results)


def test_before_any_reshare_nothing_is_claimed() -> None:
    frame = Seismic(cascade([0], [50])).fit([1000]).frame()
    assert frame["size"][0] == 1
    columns = [n for n in frame.columns if n.startswith(("infectiousness", "final"))]
    assert frame.select(columns).row(0) == (None,) * 6


def test_the_default_moment_is_the_end_of_the_watch() -> None:
    events = random_cascade(7)
    last = events["time"][-1]
    assert Seismic(events).fit().frame()["time"].to_list() == [last]
    watched = Seismic(events, observed_until=1e5)
    assert watched.fit().frame()["time"].to_list() == [1e5]


def test_excluded_events_are_not_used() -> None:
    events = random_cascade(8)
    more = cascade([100.0], [1e6], "b").with_columns(cascade_id=pl.lit("a"))
    marked = pl.concat([events.cast({"magnitude": pl.Float64}), more]).with_columns(
        excluded=pl.Series([None] * events.height + ["a robot"])
    )
    assert_frame_equal(Seismic(marked).fit([5e3]).frame(), Seismic(events).fit([5e3]).frame())


def test_reshares_before_anybody_was_reached_have_no_end() -> None:
    events = cascade([0.0, 10.0, 400.0, 900.0], [0.0, 0.0, 0.0, 50.0])
    row = Seismic(events).fit([800.0]).frame().row(0, named=True)
    assert row["infectiousness"] == row["final_size"] == np.inf


REFUSED = [
    (lambda e: e.drop("magnitude"), {}, "'magnitude' is missing or has gaps"),
    (lambda e: e.with_columns(magnitude=pl.lit(None, pl.Int64)), {}, "fit Hawkes, which can do"),
    (lambda e: e.with_columns(pl.col("time") - 1), {}, "vk.repair"),
    (lambda e: e.clear(), {}, "no events"),
    (lambda e: e.with_columns(magnitude=pl.lit(0)), {}, "have 0 followers, yet"),
    (lambda e: e, {"observed_until": 10.0}, "observed_until=10.0 is before the last event"),
    (lambda e: e, {"observed_until": float("nan")}, "observed_until=nan is before"),
]


@pytest.mark.parametrize(("change", "choices", "said"), REFUSED)
def test_what_cannot_be_judged_is_refused(change, choices, said) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TableError, match=said):
        Seismic(change(random_cascade(9)), **choices)


@pytest.mark.parametrize("times", [[-1.0], [np.nan], [np.inf], [], [[1.0, 2.0]], [2e5]])
def test_moments_that_were_not_watched_are_refused(times: list[float]) -> None:
    with pytest.raises(TableError, match="allowed: finite seconds from 0 to 100000, at least one"):
        Seismic(random_cascade(9), observed_until=1e5).fit(times)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0, float("nan")])
def test_alpha_is_a_share(alpha: float) -> None:
    with pytest.raises(TableError, match="between 0 and 1"):
        Seismic(random_cascade(9)).fit().frame(alpha)
