"""Sliders that keep the exact value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viralkit.explorers.sliders import ChoiceSlider, NumberSlider


def decades(value=0.00131):
    return NumberSlider(value, (0.0001, 0.01), description="q", decades=True)


def test_a_value_set_in_python_stays_exact_between_two_steps():
    slider = decades()
    slider.value = 0.00133
    assert slider.value == 0.00133
    assert slider.position == pytest.approx(112.385, abs=1e-3)
    assert slider.text == "0.00133"


def test_a_step_in_the_browser_sets_the_value_of_that_step():
    slider = decades()
    slider.set_state({"position": 100.0})
    assert slider.value == 0.001
    slider.set_state({"position": 150.0})
    assert slider.value == pytest.approx(10**-2.5, rel=1e-5)


def test_what_the_browser_tells_beside_the_position_changes_nothing():
    slider = decades()
    slider.set_state({"tooltip": "per day"})
    assert slider.value == 0.00131


def test_python_tells_the_browser_no_position_that_it_just_sent(monkeypatch):
    slider, sent = decades(), []
    monkeypatch.setattr(
        NumberSlider, "_send", lambda self, message, **_: sent.append(sorted(message["state"]))
    )
    slider.set_state({"position": 117.0})
    assert not [names for names in sent if "position" in names and "text" in names]
    assert ["text"] in sent


def test_numbers_end_at_the_ends_until_these_are_widened():
    slider = NumberSlider(0.0, (0.0, 1.0), description="q")
    slider.value = 3
    assert (slider.value, slider.position) == (1.0, 200)
    slider.widen(4.0)
    slider.value = 3
    assert (slider.value, slider.position) == (3.0, 150)


@given(st.floats(1e-6, 1e12), st.integers(0, 200))
def test_positions_and_values_agree(middle, place):
    slider = NumberSlider(middle, (middle / 10, middle * 10), description="m", decades=True)
    assert slider.position_of(slider.value_at(place)) == pytest.approx(place, abs=1e-3)


def test_choices_stand_at_whole_steps():
    slider = ChoiceSlider("b", ["a", "b", "c"], write=str.upper, description="Letter")
    assert (slider.position, slider.steps, slider.text) == (1, 2, "B")
    slider.set_state({"position": 2.0})
    assert slider.value == "c"
    with pytest.raises(ValueError, match=r"'x' is none of the 3 values from A to C. Take one of"):
        slider.value = "x"
