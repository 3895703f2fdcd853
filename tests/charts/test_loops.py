"""The picture of a referral loop."""

import pytest

import viralkit as vk

BOTH = ("new_users_invite", "everyone_invites_again")


@pytest.fixture(scope="module")
def k():
    return vk.k_factor([3, 0, 5, 2, 0, 8] * 40, [1, 0, 1, 1, 0, 2] * 40)


def layers(chart):
    spec = chart.to_dict()
    return [
        (layer["mark"]["type"], spec["datasets"][layer["data"]["name"]]) for layer in spec["layer"]
    ]


def texts(chart):
    return [row["name"] for mark, rows in layers(chart) if mark == "text" for row in rows]


def test_the_line_is_the_forecast_and_the_band_that_of_k(k):
    loop = vk.loop_forecast(k, 7, until_days=70)
    chart = vk.forecast_chart(loop)
    marks = dict(layers(chart))
    frame = loop.frame()
    line, band = marks["line"], marks["area"]
    assert [row["mean"] for row in line] == pytest.approx(frame["total"].to_list(), rel=1e-5)
    assert [row["lower"] for row in band] == pytest.approx(frame["total_lower"].to_list(), rel=1e-5)
    assert [row["time"] for row in line] == frame["time_days"].to_list()
    assert len(marks["circle"]) == 11
    lower, upper = k["lower"][2], k["upper"][2]
    told = chart.to_dict()["title"]["subtitle"]
    assert told[1] == f"K 0.833 ({lower:.3g} to {upper:.3g}) · cycle 7 days · only new users invite"
    assert "interval from K and chance" in told[0] and "active" not in told[0]


def test_the_ceiling_is_a_rule_with_its_interval(k):
    loop = vk.loop_forecast(k, 7)
    chart = vk.forecast_chart(loop)
    marks = dict(layers(chart))
    assert marks["rule"][0]["count"] == pytest.approx(600)
    assert texts(chart) == ["ceiling 600", "519"]
    lower, upper = loop.derived().filter(quantity="ceiling").row(0)[2:]
    ends = f"Expected ceiling 600 ({lower:.0f} to {upper:,.0f}, from K alone, without chance)"
    assert chart.to_dict()["title"]["subtitle"][2] == ends


@pytest.mark.parametrize(
    "loop",
    [vk.loop_forecast(1.2, 7), vk.loop_forecast(0, 7), vk.loop_forecast(0.99, 7, until_days=14)],
    ids=["none", "where the loop begins", "far above"],
)
def test_no_rule_where_there_is_no_ceiling_in_reach(loop):
    assert "rule" not in dict(layers(vk.forecast_chart(loop)))


def test_both_conventions_side_by_side():
    loops = [vk.loop_forecast(0.8, 7, until_days=28, convention=c) for c in BOTH]
    chart = vk.forecast_chart(loops, title="Which 100 become 336?")
    assert texts(chart) == ["all invite again: 1,050", "ceiling 500", "new users invite: 336"]
    assert chart.to_dict()["title"]["text"] == "Which 100 become 336?"
    assert "all invite again: 1,050" in chart.to_dict()["description"]


def test_lines_are_named_by_what_differs():
    loops = [vk.loop_forecast(0.5, 7, until_days=70, inflow=i) for i in (0, 3)]
    assert set(texts(vk.forecast_chart(loops))) == {"3 a day: 578", "0 a day: 200", "ceiling 200"}


def test_who_has_not_left_is_a_line_of_its_own(k):
    loop = vk.loop_forecast(k, 7, until_days=70, churn=0.02)
    chart = vk.forecast_chart(loop)
    lines = [rows for mark, rows in layers(chart) if mark == "line"]
    frame = loop.frame()
    assert [row["active"] for row in lines[1]] == pytest.approx(frame["active"].to_list(), rel=1e-5)
    active = frame["active"][-1]
    assert texts(chart) == [
        "ceiling 600",
        f"{frame['total'][-1]:.0f} in all",
        f"{active:.0f} active",
    ]
    told = chart.to_dict()["title"]["subtitle"]
    assert "churn 2 % a day" in told[1] and "those still active" in told[0]
    both = vk.forecast_chart([loop, vk.loop_forecast(k, 7, until_days=70)])
    assert len([1 for mark, _ in layers(both) if mark == "line"]) == 2


def test_the_first_and_the_last_mark_are_whole(k):
    spec = vk.forecast_chart(vk.loop_forecast(k, 7)).to_dict()
    marks = [layer["mark"] for layer in spec["layer"] if layer["mark"]["type"] == "circle"]
    assert marks and not any(mark.get("clip") for mark in marks)


def test_many_cycles_are_thinned():
    loop = vk.loop_forecast(0.9, 0.01, until_days=100)
    marks = dict(layers(vk.forecast_chart(loop)))
    assert loop.frame().height == 10_001 and len(marks["line"]) <= 401 and "circle" not in marks


def test_it_is_drawn(tmp_path, k):
    vk.save(vk.forecast_chart(vk.loop_forecast(k, 7, churn=0.01, inflow=2)), tmp_path / "loop.png")
    assert (tmp_path / "loop.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "named", "message"),
    [
        ((30.0,), {}, "until=30.0 with a loop forecast; allowed: None"),
        ((None, "counts"), {}, "actual='counts' with a loop forecast"),
        ((), {"alpha": 0.1}, "its interval goes with that of K"),
    ],
)
def test_what_a_loop_has_by_itself_is_refused(arguments, named, message):
    with pytest.raises(ValueError, match=message):
        vk.forecast_chart(vk.loop_forecast(0.8, 7), *arguments, **named)


def test_other_forecasts_in_the_same_chart_are_refused():
    with pytest.raises(TypeError, match="'str' stands among loop forecasts"):
        vk.forecast_chart([vk.loop_forecast(0.8, 7), "fit"])
