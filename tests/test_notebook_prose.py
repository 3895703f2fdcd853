"""The rule "every number in prose stands in an output above it" finds what it must."""

from typing import Any

import pytest
from notebook_prose import is_shown, output_numbers, prose_numbers, unshown_numbers


def markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": text}


def code(*outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": "x", "outputs": list(outputs)}


def result(**data: Any) -> dict[str, Any]:
    return {"output_type": "execute_result", "data": data}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("grew by 4.2 % a day", [("4.2", 0.01)]),
        ("reached 1.2 million views", [("1.2", 1e6)]),
        ("between 2–4 million", [("2", 1e6), ("4", 1e6)]),
        ("an interval of 0.12–0.18", [("0.12", 1.0), ("0.18", 1.0)]),
        ("480,000 views, −3.5 fewer", [("480,000", 1.0), ("3.5", 1.0)]),
        ("at 1.5e-3 per day.", [("1.5e-3", 1.0)]),
        ("(0.31) and [0.2, 0.4]", [("0.31", 1.0), ("0.2", 1.0), ("0.4", 1.0)]),
    ],
)
def test_numbers_are_found(text: str, numbers: list[tuple[str, float]]) -> None:
    assert prose_numbers(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "on 22 May 2007, in May 2007, in 2007, in 2007–2009, in the 1990s, 2007-05-22",
        "on January 18, 2008 at 10:30",
        "the code `fit(alpha=0.05)` and “a claim of 5 million”",
        "a 95 % interval, a 7-day mean, PG-13, the 10th, R2, $x_1 + 3$ and [1]",
        "see [the page](https://example.org/2007/123) and https://example.org/45",
        "1. a list\n2. of things",
    ],
)
def test_what_is_not_a_result_is_left_alone(text: str) -> None:
    assert prose_numbers(text) == []


@pytest.mark.parametrize(
    ("written", "unit", "shown", "expected"),
    [
        ("0.31", 1.0, 0.3149, True),
        ("0.31", 1.0, 0.3151, False),
        ("31", 0.01, 0.3149, True),
        ("31", 0.01, 31.4, True),
        ("32", 0.01, 0.3149, False),
        ("1.2", 1e6, 1_234_567, True),
        ("1.3", 1e6, 1_234_567, False),
        ("480,000", 1.0, 479_812, True),
        ("480,000", 1.0, 470_000, False),
        ("27", 1.0, 27, True),
        ("27", 1.0, 28, False),
        ("100", 1.0, 93, False),
        ("1.5e-3", 1.0, 0.001512, True),
        ("1.5e-3", 1.0, 0.0016, False),
    ],
)
def test_rounding_is_that_of_the_prose(
    written: str, unit: float, shown: float, expected: bool
) -> None:
    assert is_shown(written, unit, [shown]) is expected


def test_outputs_show_text_tables_streams_and_charts() -> None:
    chart = {
        "width": 450,
        "title": {"text": "grew 7.5 times"},
        "datasets": {"data-1": [{"views": 12, "time": "2007-05-22"}]},
        "layer": [{"mark": {"type": "line", "size": 99}, "data": {"values": [{"views": 13}]}}],
    }
    table = "<style>td {width: 55px}</style><td>1,234</td>"
    outputs = [
        {"output_type": "stream", "text": ["read 3 rows\n", "of 4"]},
        result(**{"text/plain": "0.25", "text/html": table}),
        result(**{"application/vnd.vegalite.v5+json": chart}),
    ]
    assert output_numbers(outputs) == {3, 4, 0.25, 1234, 7.5, 12, 13, 1}


def test_a_number_must_stand_above_its_sentence() -> None:
    shows = code(result(**{"text/plain": "0.25"}))
    assert unshown_numbers([code(), markdown("It is 0.25."), shows]) == ["cell 1 (title): 0.25"]
    assert unshown_numbers([code(), shows, markdown("It is 0.25.")]) == []


def test_opening_and_finding_may_show_any_output_and_sources_all() -> None:
    shows = code(result(**{"text/plain": "0.25"}))
    opening, finding = markdown("# Is it?\nYes, 0.25."), markdown("## Finding\nIt is 0.25.")
    sources = markdown("## Sources\nTable 17, page 99.")
    assert unshown_numbers([opening, code(), finding, shows, sources]) == []
    assert unshown_numbers([markdown("# Is it?\nYes, 0.26."), shows]) == ["cell 0 (title): 0.26"]
