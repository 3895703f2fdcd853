"""Events as self-exciting models take them: times, windows and marks of one cascade or several."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from ..tables import TableError, check
from ..wording import show
from .results import Array

Index = np.ndarray[Any, np.dtype[np.int64]]
Window = float | pl.DataFrame | None  # when observation ended: for all, by cascade, or unknown


@dataclass(frozen=True)
class Stream:
    """Events of one or more cascades, one after another, in seconds since the start of each.

    Cascade i owns the rows ``offsets[i]`` to ``offsets[i + 1]`` and was watched until
    ``until[i]``. Its first ``given[i]`` events, those at time 0, are given and not modelled.
    """

    time: Array
    offsets: Index
    until: Array
    given: Index
    magnitude: Array | None
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time)

    @cached_property
    def outcome(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which events are modelled: those after the events at time 0."""
        place = np.arange(len(self)) - np.repeat(self.offsets[:-1], np.diff(self.offsets))
        return np.asarray(place >= np.repeat(self.given, np.diff(self.offsets)))

    @cached_property
    def outcomes(self) -> int:
        """How many events are modelled."""
        return len(self) - int(np.sum(self.given))

    @cached_property
    def left(self) -> Array:
        """The time from each event to the end of its cascade's window."""
        return np.asarray(np.repeat(self.until, np.diff(self.offsets)) - self.time)

    @cached_property
    def gaps(self) -> Array:
        """The times between neighbouring events of a cascade that are not zero."""
        gap = np.diff(self.time)
        gap[self.offsets[1:-1] - 1] = 0.0
        return np.asarray(gap[gap > 0])

    @cached_property
    def least_gap(self) -> float:
        """The shortest time between neighbouring events of a cascade that is not zero, or ∞."""
        gap = np.diff(self.time)
        gap[self.offsets[1:-1] - 1] = np.inf
        least = float(np.min(gap, initial=np.inf))
        return least if least > 0 else float(np.min(gap, where=gap > 0, initial=np.inf))

    @cached_property
    def span(self) -> float:
        """The longest time from the start of a cascade to its last event."""
        return float(np.max(self.time[self.offsets[1:] - 1]))

    @cached_property
    def tied(self) -> int:
        """How many modelled events stand at the same time as the event before them."""
        gap = np.diff(self.time, prepend=-1.0)
        gap[self.offsets[:-1]] = 1.0
        return int(np.sum((gap == 0) & self.outcome))

    def head(self, most: int) -> Stream:
        """The first events; a window that is cut ends at the last of them."""
        if len(self) <= most:
            return self
        last = int(np.searchsorted(self.offsets, most, side="left"))
        until, given = self.until[:last].copy(), self.given[:last]
        offsets = np.append(self.offsets[:last], most)
        if most < self.offsets[last]:
            until[-1] = self.time[most - 1]
        given = np.minimum(given, np.diff(offsets))
        marks = None if self.magnitude is None else self.magnitude[:most]
        return Stream(self.time[:most], offsets, until, given, marks, self.names[:last])


def read_stream(events: Any, *, marks: str | None, background: str | None, until: Window) -> Stream:
    """Take an events table, or the times of one series; say what is wrong with them."""
    if isinstance(events, pl.DataFrame):
        return _from_table(events, marks, background, until)
    if marks is not None:
        raise TableError(
            "plain times carry no marks. Pass an events table with a column 'magnitude'."
        )
    if isinstance(until, pl.DataFrame):
        raise TableError("plain times have no cascade_id. Pass observed_until as a number.")
    try:
        time = np.asarray(events, dtype=float)
    except (TypeError, ValueError):
        kind = show(type(events).__name__)
        raise TableError(
            f"events is {kind}; allowed: an events table, or a sequence of times in seconds. "
            "Make an array of numbers: np.asarray(times, dtype=float)."
        ) from None
    if time.ndim != 1:
        raise TableError(
            f"times have {time.ndim} dimensions; a series has one. Pass a list of times, or "
            "times.ravel()."
        )
    if not np.isfinite(time).all():
        lost = np.flatnonzero(~np.isfinite(time))
        raise TableError(
            f"time {time[lost[0]]} at position {lost[0]} is not a finite number; {len(lost)} in "
            "all. Filter them out: times[np.isfinite(times)]."
        )
    return _settled(time, np.array([0, len(time)]), None, ("series",), background, until)


def _from_table(
    events: pl.DataFrame, marks: str | None, background: str | None, until: Window
) -> Stream:
    if "count" in events.columns and "cascade_id" not in events.columns:
        raise TableError(
            f"this is a table of counts: {events.columns}. A self-exciting model takes the time of "
            "each event. For counts use HawkesIntensity(counts, promotions) or Relaxation(counts)."
        )
    frame = check(events, "events")
    if "excluded" in frame.columns:
        frame = frame.filter(pl.col("excluded").is_null())
    by_row = frame.select("cascade_id").with_row_index("row")
    first = by_row.select(pl.col("row").min().over("cascade_id"))["row"]  # of its cascade
    frame = frame[np.argsort(first.to_numpy(), kind="stable")]
    sizes = frame.group_by("cascade_id", maintain_order=True).len()
    names = tuple(map(str, sizes["cascade_id"].cast(pl.String)))
    offsets = np.append(0, np.cumsum(sizes["len"].to_numpy())).astype(np.int64)
    magnitude = _magnitude(frame) if marks == "magnitude" else None
    return _settled(frame["time"].to_numpy(), offsets, magnitude, names, background, until)


def _magnitude(frame: pl.DataFrame) -> Array:
    if "magnitude" not in frame.columns:
        raise TableError(
            "column 'magnitude' not found; marks='magnitude' weighs events by it. Add it, or pass "
            "marks=None."
        )
    values = frame["magnitude"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    bad = np.flatnonzero(~((values > 0) & np.isfinite(values)))
    if len(bad):
        raise TableError(
            f"magnitude {values[bad[0]]:g} is not above zero ({len(bad)} in all are not); a mark "
            "is raised to a power. Add 1: events.with_columns(pl.col('magnitude') + 1), and fill "
            "what is missing."
        )
    return np.asarray(values)


def _settled(
    time: Array,
    offsets: Index,
    magnitude: Array | None,
    names: tuple[str, ...],
    background: str | None,
    until: Window,
) -> Stream:
    """Check the order of the times, start each cascade at 0, and find its window."""
    if not len(time):
        raise TableError("no events; a self-exciting model needs at least two. Check your filter.")
    _refuse_disorder(time, offsets, names)
    start = np.zeros(len(names)) if background else time[offsets[:-1]]
    time = time - (np.repeat(start, np.diff(offsets)) if np.any(start) else 0.0)
    last = time[offsets[1:] - 1]
    end = _windows(until, names, last + start) - start
    early = np.flatnonzero(end < last)
    if len(early):
        which, at = early[0], start[early[0]]
        raise TableError(
            f"observed_until={end[which] + at:g} lies before the last event of cascade "
            f"{show(names[which])}, at {last[which] + at:g}. Filter out later events, or pass the "
            "time at which observation ended."
        )
    if background and not np.all((end > 0) & np.isfinite(end)):
        raise TableError(
            f"observed_until={end[~np.isfinite(end) | (end <= 0)][0]:g}; with a background the "
            "window is a finite time above zero. Pass the time at which observation ended."
        )
    given = np.add.reduceat((time == 0).astype(np.int64), offsets[:-1])
    return Stream(time, offsets, end, given, magnitude, names)


def _refuse_disorder(time: Array, offsets: Index, names: tuple[str, ...]) -> None:
    gap = np.diff(time)
    gap[offsets[1:-1] - 1] = 0.0
    if np.min(gap, initial=0.0) < 0:
        back = np.flatnonzero(gap < 0)
        which = int(np.searchsorted(offsets, back[0], side="right")) - 1
        raise TableError(
            f"times are not in order: {time[back[0] + 1]:g} comes after {time[back[0]]:g} in "
            f"cascade {show(names[which])}. Sort them: events.sort('cascade_id', 'time'), or "
            "np.sort(times)."
        )
    if (time[offsets[:-1]] < 0).any():  # the first of each cascade, as they are in order
        below = np.flatnonzero(time < 0)
        raise TableError(
            f"time {time[below[0]]:g} is negative; times are seconds since the start. Mend the "
            "table with repair(), or subtract the time at which observation began."
        )


def _windows(until: Window, names: tuple[str, ...], last: Array) -> Array:
    """The end of each cascade's window, on the clock of the table; unknown: its last event."""
    if until is None:
        return last
    if isinstance(until, pl.DataFrame):
        return _from_cascades(until, names, last)
    if isinstance(until, bool) or not isinstance(until, (int, float, np.number)):
        raise TableError(
            f"observed_until={show(until)} is not a number of seconds, nor a cascades table. Pass "
            "one of them, or np.inf where cascades were watched to their end."
        )
    if np.isnan(until):
        raise TableError("observed_until is nan; pass a number of seconds, or None if unknown.")
    return np.full(len(names), float(until))


def _from_cascades(cascades: pl.DataFrame, names: tuple[str, ...], last: Array) -> Array:
    table = check(cascades, "cascades")
    if "observed_until" not in table.columns:
        raise TableError(
            "column 'observed_until' not found in the cascades table. Add it (seconds since the "
            "first event), or pass a number."
        )
    ends = dict(zip(table["cascade_id"].cast(pl.String), table["observed_until"], strict=True))
    missing = [name for name in names if name not in ends]
    if missing:
        raise TableError(
            f"cascade {show(missing[0])} is not in the cascades table; {len(missing)} are not. Add "
            "them, or filter the events."
        )
    found = [ends[name] for name in names]
    return np.array(
        [end if value is None else value for value, end in zip(found, last, strict=True)]
    )
