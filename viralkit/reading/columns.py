"""The keywords of a reader: choices, and which columns of your file are meant."""

from collections.abc import Mapping, Sequence

import polars as pl

from viralkit.schema import TABLES
from viralkit.tables import TableError
from viralkit.wording import nearest, show, show_names


def require_choice(name: str, value: object, choices: Sequence[str], step: str) -> None:
    """Refuse a keyword that is not one of its choices."""
    if value not in choices:
        given = f"{name} is not given" if value is None else f"{name}={show(value)} is not known"
        choice = " or ".join(f"{name}={show(choice)}" for choice in choices)
        raise TableError(f"{given}; allowed: {show_names(choices)}. {step}: pass {choice}.")


def choose_columns(
    frame: pl.DataFrame, names: dict[str, str], table: str, optional: str
) -> pl.DataFrame:
    """The frame with the chosen columns under the names of the table, and blank cells null."""
    chosen = {given: name for name, given in names.items() if given in frame.columns}
    absent = [n for n in names if names[n] not in chosen and (n, names[n]) != (optional, optional)]
    if absent:
        free = [name for name in frame.columns if name not in chosen]
        raise TableError(absent_column(absent[0], names[absent[0]], frame.columns, free))
    if len(set(names.values())) < len(names):
        shown = ", ".join(f"{name}={show(given)}" for name, given in names.items())
        raise TableError(f"{shown}: one column stands for two; allowed: one each. Name others.")
    taken = [name for name in chosen.values() if name in frame.columns and name not in chosen]
    if taken:
        name = taken[0]
        raise TableError(
            f"columns {show(name)} and {show(names[name])} both stand for {name}; allowed: one. "
            f"Drop or rename the first: frame.drop({show(name)})."
        )
    frame = frame.rename(chosen)
    texts = [n for n in TABLES[table].columns if frame.schema.get(n) == pl.String]
    return frame.with_columns(pl.when(pl.col(n).str.strip_chars() != "").then(n) for n in texts)


def absent_column(
    name: str,
    given: str,
    columns: list[str],
    free: list[str] | None = None,
    *,
    chosen: Mapping[str, str] | None = None,
) -> str:
    """The column that is not there, those that are, and which of the free ones may be meant.

    `chosen` is what stands in columns={"time": "ts"}, of readers that take no time="ts".
    """
    free = columns if free is None else free
    near = nearest(str(given), free) or (free[0] if free else "its name")
    passed = (
        f"{name}={show(near)}" if chosen is None else show_mapping(chosen, columns, {name: near})
    )
    step = f"Rename it, or pass {passed}."
    if name == "item" and not nearest(str(given), free):
        label = f"frame.with_columns(item=pl.lit({show(given)}))"
        step = f"It names a column; to name what is counted, leave it out and add {label} after."
    for separator in (";", "\t", ","):
        if len(columns) == 1 and separator in columns[0]:
            read = f"pl.read_csv(path, separator={show(separator)}, infer_schema=False)"
            step = f"If {show(separator)} divides your file, pass {read}."
    return f"column {show(given)} not found; columns: {show_names(columns)}. {step}"


def show_mapping(
    chosen: Mapping[str, str], columns: Sequence[str], meant: Mapping[str, str]
) -> str:
    """What to write for `columns=`: what is meant, what is found, and a gap for the rest."""
    names = {name: show(given) if given in columns else "…" for name, given in chosen.items()}
    names |= {name: show(near) for name, near in meant.items()}
    return f"columns={{{', '.join(f'{show(name)}: {given}' for name, given in names.items())}}}"
