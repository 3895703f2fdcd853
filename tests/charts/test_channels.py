"""Channels side by side: points, intervals, names and figures."""

import re

import polars as pl
import pytest

import viralkit as vk


def table(*channels, visitors=100, rate=0.1, lower=0.05, upper=0.2, **columns):
    """What channel_table returns, in part."""
    base = {"channel": list(channels), "visitors": visitors, "rate": rate}
    spread = {"reproduction_number": 0.3, "reproduction_lower": 0.1, "reproduction_upper": 1.4}
    return pl.DataFrame({**base, "lower": lower, "upper": upper, **spread, **columns})


def credit(model, shares):
    """What attribution_table returns, in part."""
    share = list(shares.values())
    limits = {"lower": [s / 2 for s in share], "upper": [min(1.0, 2 * s) for s in share]}
    base = {"model": model, "channel": list(shares), "credit": [40 * s for s in share]}
    return pl.DataFrame({**base, "share": share, **limits})


def layers(chart):
    """The rows that each kind of mark draws."""
    spec = chart.to_dict()
    return [(e["mark"]["type"], spec["datasets"][e["data"]["name"]]) for e in spec["layer"]]


def points(chart):
    return next(rows for mark, rows in layers(chart) if mark == "circle")


def names(chart):
    return [row["channel"] for row in layers(chart)[-1][1]]


def test_the_highest_is_on_top_with_its_figures():
    chart = vk.channel_chart(table("a", "b", "c", rate=[0.1, 0.3, 0.2], upper=[0.2, 0.4, 0.3]))
    assert names(chart) == ["b", "c", "a"]
    drawn = points(chart)
    assert [row["text"] for row in drawn] == [
        "30.0 % (5.00 to 40.0)",
        "20.0 % (5.00 to 30.0)",
        "10.0 % (5.00 to 20.0)",
    ]
    heights = [row["y"] for row in drawn]
    assert heights == sorted(heights) and len(set(heights)) == 3
    assert [(row["value"], row["lower"], row["upper"]) for row in drawn][1] == (0.2, 0.05, 0.3)


def test_the_table_of_real_clicks(tmp_path):
    log = pl.DataFrame({"time": [0, 1, 2], "link_id": "a", "user": ["u", "v", "w"]})
    log = log.with_columns(
        pl.from_epoch("time").dt.replace_time_zone("UTC"),
        source=pl.Series(["x", "x", "telegram"]),
        action=pl.Series(["visit", "conversion", "visit"]),
        referral=pl.Series([None, "u", "u"]),
    )
    found = vk.channel_table(log)
    chart = vk.channel_chart(found, measure="reproduction_number")
    assert names(chart) == ["x", "telegram"]
    assert points(chart)[0]["value"] == 1
    assert points(chart)[1]["lower"] is None
    for measure in ("rate", "reproduction_number"):
        vk.save(vk.channel_chart(found, measure=measure), tmp_path / "chart.png")
        assert (tmp_path / "chart.png").stat().st_size > 3_000


def test_referrals_that_name_no_user_are_told_and_not_drawn_as_zero():
    log = pl.DataFrame({"time": range(4), "link_id": "a", "user": list("uvwx"), "source": "x"})
    log = log.with_columns(
        pl.from_epoch("time").dt.replace_time_zone("UTC"),
        referral=pl.Series([None, "REF-u", "REF-u", "u"]),
        action=pl.lit("visit"),
    )
    chart = vk.channel_chart(vk.channel_table(log), measure="reproduction_number")
    assert chart.to_dict()["title"]["subtitle"][1] == "referrals that name no user: 2"
    assert "subtitle" in vk.channel_chart(vk.channel_table(log)).to_dict()["title"]
    none = vk.channel_table(log.head(3))
    with pytest.raises(vk.TableError, match="referrals that name no user: all 2 of the table"):
        vk.channel_chart(none, measure="reproduction_number")
    assert "no user" not in str(vk.channel_chart(none).to_dict()["title"])


def test_several_models_stand_under_each_other_in_their_colours():
    both = pl.concat([credit("first", {"a": 0.9, "b": 0.1}), credit("last", {"a": 0.3, "b": 0.7})])
    chart = vk.channel_chart(both)
    assert names(chart) == ["a", "b"]
    drawn = points(chart)
    assert [row["text"].split(" ")[0] for row in drawn] == ["first", "last", "first", "last"]
    assert drawn[0]["mark"] == drawn[2]["mark"] != drawn[1]["mark"] == drawn[3]["mark"]
    assert chart.to_dict()["title"]["text"] == "Which channel gets the credit for the conversions?"
    one = vk.channel_chart(credit("first", {"a": 1.0}))
    assert points(one)[0]["text"] == "100 % (50.0 to 100)"


def test_a_true_value_has_no_interval():
    truth = credit("truth", {"a": 0.5}).with_columns(lower=None, upper=None)
    chart = vk.channel_chart(pl.concat([credit("last", {"a": 0.4}), truth], how="vertical_relaxed"))
    assert [row["text"] for row in points(chart)] == ["last 40.0 % (20.0 to 80.0)", "truth 50.0 %"]


def test_one_new_user_a_visitor_is_marked_where_it_is_in_reach():
    chart = vk.channel_chart(table("a"), measure="reproduction_number")
    assert [mark for mark, _ in layers(chart)] == ["rule", "rule", "circle", "text", "text"]
    assert layers(chart)[0][1] == [{"value": 1.0}]
    small = table("a").with_columns(reproduction_upper=pl.lit(0.9))
    assert len(layers(vk.channel_chart(small, measure="reproduction_number"))) == 4
    assert len(layers(vk.channel_chart(table("a", upper=1.0)))) == 4


def test_what_is_left_out_is_told():
    many = table(
        *[f"c{i:02}" for i in range(24)],
        visitors=[100 + i for i in range(23)] + [0],
        rate=[0.1] * 23 + [None],
        flagged=[50] * 24,
    )
    chart = vk.channel_chart(many)
    assert set(names(chart)) == {f"c{i:02}" for i in range(3, 23)}
    assert chart.to_dict()["title"]["subtitle"][1] == (
        "the 20 largest of 23 channels · 1 channel without a visitor · 1,200 flagged clicks "
        "left out"
    )


def test_tables_by_another_column_and_without_a_name():
    chart = vk.channel_chart(table("spring", None).rename({"channel": "campaign"}))
    assert names(chart) == ["spring", "(none)"]
    assert names(vk.channel_chart(table("", " \n"))) == ["(blank)", "(blank)"]


def test_screen_readers_and_titles():
    spec = vk.channel_chart(table("a"), title="a wins").to_dict()
    assert spec["title"]["text"] == "a wins"
    assert spec["description"] == "Conversions per visitor: a 10.0 % (5.00 to 20.0)."
    axis = spec["layer"][0]["encoding"]["x"]["axis"]
    assert axis["title"] == "Conversions per visitor, %"


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pl.DataFrame({"x": [1]}), r"column 'visitors' not found; columns: \['x'\]"),
        (pl.DataFrame(), "column '' not found"),
        (table("a").clear(), "0 channels with a rate, of 0 models; allowed: one or more"),
        (table("a", rate=None), "0 channels with a rate"),
        (table("a", rate="1"), "column 'rate' is String; allowed: numbers"),
        (pl.concat([credit(f"m{i}", {"a": 1.0}) for i in range(7)]), "of 7 models; allowed"),
    ],
)
def test_what_cannot_be_drawn_is_said(frame, told):
    with pytest.raises(vk.TableError, match=told):
        vk.channel_chart(frame)


def test_refusals_of_choices_and_other_things():
    with pytest.raises(ValueError, match="measure='share' is not known"):
        vk.channel_chart(table("a"), measure="share")
    with pytest.raises(vk.TableError, match="'list' is not a polars DataFrame"):
        vk.channel_chart([])


@pytest.mark.parametrize("rate", [0.0, 1.0, 1e-7, None])
def test_odd_rates_are_drawn(rate, tmp_path):
    frame = table("a", "b", rate=[rate, 0.0], lower=[None, 0.0], upper=[None, 0.0])
    vk.save(vk.channel_chart(frame), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 3_000


@pytest.mark.parametrize(
    "text",
    ["</script><script>window.fired=1</script>", '"><img src=x onerror=alert(1)>', "a'\\\"`${x}"],
)
def test_hostile_channels_and_models_stay_data(text, tmp_path):
    frames = [table(text, "b"), pl.concat([credit(text, {text: 0.5}), credit("b", {text: 0.5})])]
    for frame in frames:
        vk.save(vk.channel_chart(frame, title=text), tmp_path / "chart.svg")
        assert not re.search(r"<script|<img", (tmp_path / "chart.svg").read_text())
