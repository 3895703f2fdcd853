"""The picture of what a fitted curve misses."""

from typing import Any

import altair as alt
import polars as pl

from viralkit.charts.hawkes import hawkes_residual_chart
from viralkit.charts.parts import (
    MOST_POINTS,
    drawn,
    fitted,
    plain,
    rule,
    time_axis,
    time_domain,
    titled,
)
from viralkit.charts.theme import BLUE


def residual_chart(results: Any, *, title: str | None = None) -> alt.LayerChart:
    """Is there a pattern in what the curve misses?

    Parameters
    ----------
    results : Results
        What a model's `fit()` returned.
    title : str, optional
        The finding; the question by default.

    Returns
    -------
    altair.LayerChart
        Pearson residuals (in standard deviations) against time, with lines at plus and minus two.
        Hawkes: how waits between events are distributed once time is rescaled by the fit, with the
        diagonal of a perfect fit, its 95 % Kolmogorov-Smirnov band and the p-value, which takes
        the parameters as known.

    Raises
    ------
    TypeError
        If it is not a fit, or one without residuals.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> counts = pl.DataFrame({"item": "clip", "time": [0.0, 1, 2, 4], "count": [0, 5, 11, 20],
    ...                        "kind": "cumulative"})
    >>> chart = vk.residual_chart(vk.Linear(counts, unit="period").fit())
    >>> chart.to_dict()["title"]["subtitle"][1]
    '0 of 3 outside ±2'
    """
    model = fitted(results)
    if model.name == "Hawkes":
        return hawkes_residual_chart(results, title)
    if not hasattr(results, "residuals"):
        raise TypeError(
            f"a fit of {model.name} has no residuals to draw; allowed: growth models, Phases and "
            "Hawkes. Look at its fittedvalues and warnings."
        )
    found = results.residuals.select("time", "pearson", zero=0.0)
    rows = found.gather_every(-(-found.height // MOST_POINTS))
    reach = max(3.0, 1.1 * float(rows["pearson"].abs().max()))
    y = alt.Y("pearson:Q", title=None, scale=alt.Scale(domain=[-reach, reach], nice=False))
    x = time_axis(rows["time"].dtype, time_domain(rows), f"{model.unit.capitalize()}s")
    base = alt.Chart(drawn(rows)).encode(x, y)
    lines = alt.Chart(pl.DataFrame({"pearson": [-2.0, 2.0]})).mark_rule(**rule()).encode(y)
    tips = [alt.Tooltip(str(x.shorthand), title="time"), alt.Tooltip("pearson:Q", title="residual")]
    outside = found.filter(pl.col("pearson").abs() > 2).height
    told = f"{outside} of {found.height} outside ±2"
    return titled(
        alt.layer(
            lines,
            base.mark_rule(color=BLUE, opacity=0.5).encode(y2="zero:Q"),
            base.mark_circle(color=BLUE, size=45, opacity=1).encode(tooltip=tips),
        ),
        title or f"What does the {model.name} curve miss in {plain(model.label)}?",
        ["Pearson residuals of the increments, in standard deviations", told],
        f"Chart of residuals of the {model.name} fit to {plain(model.label)}: {told}.",
    )
