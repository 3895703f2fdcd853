"""What a fit of phases cannot tell, said in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from .fitting import excluded_note
from .series import gaps_note

if TYPE_CHECKING:
    from .phases_results import PhasesResults


def phases_warnings(results: PhasesResults) -> list[str]:
    """List what phases cannot tell and what to do about it."""
    model = results.model
    notes = [*_standing(results._breaks), *_unused(model), *gaps_note(model.series)]
    return notes + excluded_note(model)


def _standing(breaks: int) -> list[str]:
    """Say what holds for every fit of phases."""
    number = f"{breaks or 'no'} break{'' if breaks == 1 else 's'}"
    return [
        f"all intervals are conditional on {number}: doubt about the number is not in them. "
        "Compare results.selection and fit(breaks=…).",
        "forecast() lets the last phase go on; a new break may come, and the interval does not "
        "allow for one. Treat it as a bound on what is known.",
    ]


def _unused(model: Any) -> list[str]:
    """Say what the table holds that phases do not use."""
    points, notes = model.series.points, []
    doubtful = points.filter(pl.col("age_lower") < pl.col("age_upper")).height
    rounded = (points["bound"] == "rounded").sum() if "bound" in points.columns else 0
    if doubtful:
        notes.append(
            f"uncertain dates ({doubtful}) are taken at 'time'; break ranges do not include that "
            "doubt. Move the dates within their intervals to see the change."
        )
    if rounded:
        notes.append(
            f"rounded counts ({rounded}) are taken as exact; beside a short gap, rounding looks "
            "like a burst. Fit without these rows as a check."
        )
    if model.bounds.height:
        notes.append(
            f"bounds (at_least, at_most: {model.bounds.height}) are not used: phases run between "
            "exact points only. Hold them against predict()."
        )
    return notes
