"""What is odd in a counts table: lines of the quality that `read_counts` reports."""

import polars as pl

from viralkit.wording import show

Check = tuple[str, int, str | None]
SPANS_SHOWN = 10


def unsorted(counts: pl.DataFrame) -> Check:
    """How many rows stand after a later time of the same item?"""
    earlier = pl.col("time") < pl.col("time").shift(1).over(keys_of(counts))
    rows = counts.select(earlier.sum()).item()
    return "unsorted rows", rows, "sorted by item and time" if rows else None


def counts_checks(counts: pl.DataFrame) -> list[Check]:
    """Duplicates, falls, gaps, zeros, bounds and spans of a sorted counts table."""
    has = counts.columns
    used = counts.filter(pl.col("excluded").is_null()) if "excluded" in has else counts
    bounds = pl.col("bound").fill_null("exact").is_in(["at_least", "at_most"])
    points = used.filter(~bounds) if "bound" in has else used
    checks = [
        ("excluded rows", len(counts) - len(used), None),
        ("rows with a bound", len(used) - len(points), "at_least or at_most"),
        ("rows with a zero count", points.select((pl.col("count") == 0).sum()).item(), None),
        *decimals(points),
        *sequence_checks(points),
        *spans(used),
    ]
    return [(name, rows, note if rows else None) for name, rows, note in checks]


def decimals(points: pl.DataFrame) -> list[Check]:
    """How many counts have decimals, if any has? Three each may be thousands set apart by a dot."""
    count = points["count"].drop_nulls()
    broken = count.filter(count % 1 != 0) if count.dtype.is_float() else count.clear()
    if broken.is_empty():
        return []
    third = (broken * 1000).round() % 10 != 0
    exact = ((broken * 1000).round() - broken * 1000).abs() < 1e-6
    thousands = count.max() < 1000 and exact.all() and third.mean() > 0.5  # type: ignore[operator]
    note = "three decimals: if the dot sets thousands apart, take it out" if thousands else None
    return [("counts with decimals", len(broken), note)]


def keys_of(counts: pl.DataFrame) -> list[str]:
    """The columns that tell one series from another."""
    return [name for name in ("item", "metric") if name in counts.columns]


def sequence_checks(points: pl.DataFrame) -> list[Check]:
    """What is odd from one row of a series to its next."""
    time = pl.col("time")
    same = pl.all_horizontal(
        pl.col(key).eq_missing(pl.col(key).shift(1)) for key in keys_of(points)
    )
    odd = {"duplicate times": time == time.shift(1)}
    kind = points["kind"][0] if len(points) else ""
    if kind == "cumulative":
        odd["falls of a cumulative count"] = pl.col("count") < pl.col("count").shift(1)
    if kind == "incremental":
        end = pl.col("period_end").shift(1)
        odd["gaps between periods"] = time > end
        odd["overlapping periods"] = time < end
    return [(name, *first_and_number(points, same & broken)) for name, broken in odd.items()]


def first_and_number(points: pl.DataFrame, odd: pl.Expr) -> tuple[int, str | None]:
    """How many rows are odd, and which is the first."""
    rows = points.select(odd.arg_true()).to_series()
    if not len(rows):
        return 0, None
    item, time = points["item"][int(rows[0])], points["time"][int(rows[0])]
    return len(rows), f"first: {show(item)} at {time}"


def spans(used: pl.DataFrame) -> list[Check]:
    """The first and last time of each series."""
    keys = keys_of(used)
    ends = pl.col("period_end").max() if "period_end" in used.columns else pl.col("time").max()
    found = used.group_by(keys, maintain_order=True).agg(
        pl.len(), first=pl.col("time").min(), last=pl.max_horizontal(pl.col("time").max(), ends)
    )
    lines: list[Check] = []
    for *series, rows, first, last in found.head(SPANS_SHOWN).iter_rows():
        name = ", ".join(show(key, 40) for key in series if key is not None)
        lines.append((f"time span of {name}", rows, f"{first} to {last}"))
    rest = found.slice(SPANS_SHOWN)
    if len(rest):
        note = f"{rest['first'].min()!s} to {rest['last'].max()!s}"
        lines.append((f"time span of {len(rest)} more", int(rest["len"].sum()), note))
    return lines
