"""How error messages show text from data, name near spellings, and tell how to parse a date."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

# what a text date looks like, and the polars expression that parses it
DATE_FORMS = (
    (r"\d{4}-\d{1,2}-\d{1,2}", 'str.to_date("%Y-%m-%d")'),
    (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*(?<![Mm])", 'str.to_datetime(time_zone="UTC")'),
    (r"\d{4}/\d{1,2}/\d{1,2}", 'str.to_date("%Y/%m/%d")'),
    (r"\d{8}", 'str.to_date("%Y%m%d")'),
    (r"\d{4}-\d{1,2}", 'add("-01").str.to_date("%Y-%m-%d")'),
    (r"\d{1,2}/\d{1,2}/\d{4}", 'str.to_date("%d/%m/%Y") (or "%m/%d/%Y" if months come first)'),
    (r"\d{1,2}/\d{1,2}/\d{2}", 'str.to_date("%d/%m/%y") (or "%m/%d/%y" if months come first)'),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", 'str.to_date("%d.%m.%Y")'),
    (r"\d{1,2}\.\d{1,2}\.\d{2}", 'str.to_date("%d.%m.%y") (or "%y.%d.%m" if years come first)'),
    (r"\d{1,2} [A-Za-z]{3} \d{4}", 'str.to_date("%d %b %Y")'),
    (r"\d{1,2} [A-Za-z]{4,} \d{4}", 'str.to_date("%d %B %Y")'),
    (r"[A-Za-z]{3} \d{1,2}, \d{4}", 'str.to_date("%b %d, %Y")'),
    (r"[A-Za-z]{4,} \d{1,2}, \d{4}", 'str.to_date("%B %d, %Y")'),
    (r"[+-]?\d+(\.\d*)?", "cast(pl.Float64)"),
)
CLOCK_FORMS = (  # what a time of day behind the date looks like
    (r"\d{1,2}:\d{2}", "%H:%M"),
    (r"\d{1,2}:\d{2}:\d{2}", "%H:%M:%S"),
    (r"\d{1,2}:\d{2}:\d{2}\.\d+", "%H:%M:%S%.f"),
    (r"\d{1,2}:\d{2} ?[AaPp][Mm]", "%I:%M %p"),
    (r"\d{1,2}:\d{2}:\d{2} ?[AaPp][Mm]", "%I:%M:%S %p"),
)


def show(value: object, width: int = 60) -> str:
    """Text or a value as an error message may print it: escaped, in quotes if text, and short."""
    text = repr(value[: width + 1] if isinstance(value, str) else value)
    if len(text) <= width:
        return text
    return f"{text[: width - 2]}…{text[0] if isinstance(value, str) else ''}"


def show_value(text: str | None) -> str:
    """A cell of text as an error message may print it, where a missing one is no text."""
    return "the value" if text is None else show(text)


def printable(text: str, width: int = 120) -> str:
    """Text as it is, but short and without characters that steer a terminal."""
    cut = text if len(text) <= width else f"{text[: width - 1]}…"
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in cut)


def show_names(names: Sequence[str], most: int = 20) -> str:
    """A list of names as an error message may print it."""
    shown = ", ".join(show(name) for name in names[:most])
    return f"[{shown}]" if len(names) <= most else f"[{shown}, … {len(names)} in all]"


def nearest(name: str, names: Sequence[str]) -> str | None:
    """Which of the names is spelled most like this one, if any is."""
    folded = {other.casefold(): other for other in reversed(names)}
    alike = [other for other in folded if other[:3] == name.casefold()[:3]]
    close = get_close_matches(name.casefold(), alike or folded, n=1, cutoff=0.5)
    return folded[close[0]] if close else None


def parse_step(name: str, sample: str, zone: str = "UTC") -> str:
    """How to parse the text times of a column, judged by one of them; `zone` is that of clocks."""
    text = sample.strip()
    forms = [parse for form, parse in DATE_FORMS if re.fullmatch(form, text)]
    forms = forms or parse_clock(text, zone)
    parse = forms[0] if forms else 'str.to_date("%Y-%m-%d") with the format of your dates'
    return f"Parse it: pl.col({show(name)}).{parse}."


def parse_clock(text: str, zone: str) -> list[str]:
    """How to parse a date with a time of day behind it."""
    parts = re.fullmatch(r"(.*\d)(T|,? )(\d{1,2}:.*)", text)
    day, between, clock = parts.groups() if parts else ("", "", "")
    return [
        re.sub(r'"(%[^"]*)"', rf'"\1{between}{told}"', parse)
        .replace("str.to_date(", "str.to_datetime(")
        .replace('")', f'", time_zone="{zone}")', 1)
        for form, parse in DATE_FORMS
        for time, told in CLOCK_FORMS
        if "to_date(" in parse and re.fullmatch(form, day) and re.fullmatch(time, clock)
    ]
