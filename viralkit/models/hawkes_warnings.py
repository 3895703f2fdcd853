"""What a self-exciting fit cannot tell, said in sentences, and the head of its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from .results import number

if TYPE_CHECKING:
    from .hawkes_results import HawkesResults

FEW = 10  # events for each parameter below which intervals are rough
TIES = 0.02  # share of events tied with the one before from which a clock is called rounded
LATE = 0.5  # share of the window without any event from which its start is doubted
WIDE = 2.0  # length of the interval of beta from which it is not known: all that makes sense
FACTOR = 1e4  # ratio of the ends of another parameter's interval from which it is not known
WAY_OUT = {  # what else can be done about a parameter that is not known
    "beta": "leave the marks out",
    "theta": "watch longer",
    "c": "take the exponential kernel",
    "mu": "watch longer",
    "N": "leave the population out",
}
POOR = 0.01  # p-value of the rescaled times below which the model is called wrong


def hawkes_warnings(results: HawkesResults) -> list[str]:
    """List what the data cannot identify and what to do about it."""
    if not results._fit.free and results._fit.fixed:
        return []
    notes = _search(results) + _limits(results) + _unknown(results) + _boundary(results)
    return notes + _memory(results) + _data(results) + _selection(results) + _fit(results)


def _search(results: HawkesResults) -> list[str]:
    if results.settled:
        return []
    return [
        "the search did not come to rest: estimates and errors are provisional. Hold a parameter "
        "that you know, such as fit(fixed={'theta': …}), or try the other kernel."
    ]


def _limits(results: HawkesResults) -> list[str]:
    """Say which parameter ran away, and what that means."""
    return [
        _limit(results._fit.objective.names[i], value, results.model.kernel)
        for i, value in results._fit.limits.items()
    ]


def _limit(name: str, value: float, kernel: str) -> str:
    if name == "N" and value < np.inf:
        return (
            f"N runs to {number(value)}, the events seen: as far as they tell, nobody is left. "
            "They may have stopped for another reason: watch longer, or compare with "
            "population=None."
        )
    if name == "N":
        return (
            "N runs to infinity: no sign that people ran out. Leave the population out "
            "(population=None)."
        )
    if name == "mu":
        return "mu runs to zero: no event had to come from outside. Pass background=None."
    if name == "beta":
        return (
            f"beta runs to {number(value, 3)}: the data set no limit on that side. Hold it with "
            "fit(fixed={'beta': …}), pool cascades with Hawkes.fit_together, or leave the marks "
            "out."
        )
    if name == "branching":
        toward = "infinity" if value else "zero"
        return (
            f"the branching factor runs to {toward}: the data set no limit on that side. Watch "
            "longer, or pool cascades with Hawkes.fit_together."
        )
    if kernel == "exponential" and value == 0:
        return (
            "theta runs to zero: events kept their full effect to the end of the window, so "
            "neither their reach nor the branching factor is known. Watch longer."
        )
    if kernel == "exponential":
        return (
            "theta runs to infinity: effects follow at once, as with times rounded by a clock. Use "
            "finer times, or spread ties over the clock's tick."
        )
    toward = "infinity" if np.isinf(value) or (name == "theta" and value > 1) else "zero"
    advice = (
        "The exponential kernel fits as well: use it."
        if toward == "infinity"
        else ("Use finer times or a longer window, or hold it: fit(fixed={…}).")
    )
    return f"{name} runs to {toward}: the data set no limit on that side. {advice}"


def _unknown(results: HawkesResults) -> list[str]:
    """Say which parameters have so large a standard error that they are not identified."""
    rows = results.conf_int().filter(pl.col("parameter").is_in(list(results._fit.objective.names)))
    ends = {name: (low, high) for name, low, high in rows.rows() if results.bse[name] is not None}
    return [
        f"{name} cannot be told from these events (95 %: {number(low, 3)} to {number(high, 3)}): "
        f"hold it with fit(fixed={{'{name}': …}}), pool cascades with Hawkes.fit_together, or "
        f"{WAY_OUT[name]}."
        for name, (low, high) in ends.items()
        if (high - low > WIDE if name == "beta" else high > FACTOR * low)
    ]


def _boundary(results: HawkesResults) -> list[str]:
    """Say that growth without end, or no self-excitation at all, is not ruled out."""
    n, (low, high) = results.branching_factor, results.branching_interval()
    notes = []
    if "mu" in results.params and not (low or 0.0) > 1e-6:
        notes.append(
            "a branching factor of zero is not ruled out: a constant background explains the "
            "events as well. Watch longer, or say that self-excitation was not found."
        )
    if "N" in results.params or not max(n, high or n) >= 1:
        return notes
    what = f"the branching factor is {number(n, 3)}, not below 1"
    if n < 1:
        what = f"a branching factor of 1 or more is not ruled out (95 %, up to {number(high, 3)})"
    ends = (
        "the number of events may grow without limit"
        if "mu" in results.params
        else ("the final size has no upper end and no mean")
    )
    return [*notes, f"{what}: {ends}. Watch longer, or use forecast(until)."]


def _memory(results: HawkesResults) -> list[str]:
    """Say that effects last longer than was watched."""
    stream, x = results.model.stream, results._fit.place.x
    window = float(np.max(np.where(np.isfinite(stream.until), stream.until, stream.span)))
    late = float(results.kernel.survival(np.array([window]), results._fit.objective.shape(x))[0])
    if late < 0.5:
        return []
    return [
        f"{100 * late:.0f} % of effects would come later than the window is long "
        f"({number(window)} s): the branching factor rests on an extrapolation. Watch longer."
    ]


def _data(results: HawkesResults) -> list[str]:
    """Say that events are few or tied, or that the end of the window is a guess."""
    stream, notes = results.model.stream, []
    if results.nobs < FEW * results.df_model:
        notes.append(
            f"{results.nobs} events after the start for {results.df_model} parameters: too few, so "
            "intervals are rough. Pool cascades with Hawkes.fit_together(events)."
        )
    if stream.tied > TIES * results.nobs:
        notes.append(
            f"{100 * stream.tied / results.nobs:.0f} % of the events share their time with the one "
            "before, as by a rounded clock, which makes effects look quicker and stronger. Spread "
            "them over the clock's tick: time + uniform(0, tick), then sort."
        )
    if "mu" in results.params and stream.time[0] > LATE * stream.until[0]:
        notes.append(
            f"the first event comes after {100 * stream.time[0] / stream.until[0]:.0f} % of the "
            "window, which begins at 0. If observation began later, the background rate is too "
            "low: subtract the time at which it began from the times and from observed_until."
        )
    if not results.model.stated and "mu" not in results.params:
        notes.append(
            "observed_until is not known, so the window ends at the last event: that nothing "
            "happened afterwards is not used. Pass it (numpy.inf: watched to the end)."
        )
    return notes


def _selection(results: HawkesResults) -> list[str]:
    """Say what choosing cascades by size does."""
    sizes, corrected = np.diff(results.model.stream.offsets), results.model.minimum_size > 1
    if corrected and "beta" in results.params:
        return [
            "kept cascades have larger magnitudes than all have, and minimum_size takes theirs for "
            "those of all: the branching factor comes out too high, and its interval misses it "
            "(at a true 0.6 it was 0.65 to 0.73). Fit with marks=None, or keep all cascades."
        ]
    if len(sizes) < 2 or corrected or "mu" in results.params:
        return []
    if np.min(sizes) < 5:
        return []
    return [
        f"each of the {len(sizes)} cascades has at least {int(np.min(sizes))} events. If smaller "
        "ones were left out, the branching factor is too high and its interval wrong: pass "
        f"minimum_size={int(np.min(sizes))}, or the size from which cascades were kept."
    ]


def _fit(results: HawkesResults) -> list[str]:
    statistic, chance = results.goodness_of_fit
    stream, selected = results.model.stream, results.model.minimum_size > 1
    if chance >= POOR or selected or stream.tied > TIES * results.nobs:
        return []  # neither chosen cascades nor rounded times follow that law
    return [
        f"the rescaled times do not follow their law (Kolmogorov-Smirnov {statistic:.3f}, "
        f"p = {number(chance, 2)}): the model misses something. Try the other kernel, a "
        "background or marks; do not trust the intervals."
    ]


def facts(results: HawkesResults) -> list[tuple[str, str]]:
    """Return the head of the summary."""
    model, stream = results.model, results.model.stream
    low, high = results.branching_interval()
    statistic, chance = results.goodness_of_fit
    shown = ", ".join(number(v) for v in (results.llf, results.aic, results.bic))
    names = stream.names[0] if len(stream.names) == 1 else f"{len(stream.names)} cascades"
    window = number(float(np.max(stream.until)))
    rows = [
        ("Events", f"{names}: {len(stream):,}, of which {results.nobs:,} modelled"),
        ("Kernel", model.kernel.replace("_", " ")),
        ("Window", f"{window} s{'' if model.stated else ' (to the last event)'}"),
        (
            "Branching factor",
            f"{number(results.branching_factor)} ({number(low)} to {number(high)})",
        ),
        ("Log-likelihood, AIC, BIC", shown),
        ("Kolmogorov-Smirnov", f"{statistic:.4f}, p = {number(chance, 3)}"),
    ]
    if len(stream.names) == 1 and not {"mu", "N"} & set(results.params):
        size = results.final_size().row(0, named=True)
        ends = f"{number(size['lower'])} to {number(size['upper'])}"
        mean = "no mean" if size["mean"] is None else f"mean {number(size['mean'])}"
        text = f"median {number(size['median'])} ({ends}), {mean}"
        rows.append(("Final size", f"{text}; never ends: {number(size['never_ends'], 3)}"))
    return rows
