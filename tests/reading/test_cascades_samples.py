"""Cascades as others publish them; every number is counted again here, in plain Python."""

import itertools
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import viralkit as vk


def numbers(quality: Any) -> dict[str, int]:
    return dict(quality.table.select("check", "rows").iter_rows())


def expect(quality: Any, **counted: int) -> None:
    found = numbers(quality)
    known = {name.replace("_", " "): value for name, value in counted.items()}
    assert {name: found.get(name) for name in known} == known


def paths_of(line: str) -> list[tuple[str, float]]:
    return [
        (path, float(time))
        for path, time in (each.rsplit(":", 1) for each in line.split("\t")[4].split(" "))
    ]


def test_weibo_lines(samples: Path) -> None:
    source = samples / "weibo_lines" / "dataset.txt"
    events, quality = vk.read_cascades(source, layout="lines", unit="seconds")
    lines = source.read_text().splitlines()
    seen: Counter[str] = Counter()
    for line in lines:
        paths = paths_of(line)
        times = [time for _, time in paths]
        users = [path.split("/")[-1] for path, _ in paths]
        givers = [path.split("/")[-2] if "/" in path else None for path, _ in paths]
        seen["events"] += len(paths)
        seen["again"] += len(users) - len(set(users))
        seen["self"] += sum(a == b for a, b in zip(users, givers, strict=True))
        seen["unsorted"] += sum(b < a for a, b in itertools.pairwise(times))
        seen["lines"] += times != sorted(times)
        seen["ties"] += len(times) - len(set(times))
        seen["other"] += int(line.split("\t")[3]) != len(paths)
        seen["named"] += sum(giver is not None for giver in givers)
    assert (seen["events"], seen["lines"], seen["again"]) == (7147, 20, 51)  # awk says so too
    expect(
        quality,
        rows_read=7147,
        rows_kept=7147,
        lines=30,
        cascades=30,
        self_reshares=seen["self"],
        unsorted_rows=seen["unsorted"],
        tied_times=seen["ties"],
        lines_that_report_another_number_of_events=seen["other"],
        events_of_a_user_who_has_one_already=51,
        events_that_name_a_parent=seen["named"],
        orphans=0,
        duplicates=0,
    )
    notes = dict(quality.table.select("check", "note").iter_rows())
    assert notes["unsorted rows"] == "in 20 cascades"
    assert quality.cascades["n_reported"].sum() == 7147
    assert parents_in(events) == parents_by_hand(lines)
    assert str(quality.cascades["start"][0]) == "2016-06-01 00:00:01+00:00"


def parents_in(events: pl.DataFrame) -> set[tuple[Any, ...]]:
    parents = events.select("cascade_id", parent_id="event_id", parent_user="user")
    named = events.filter(pl.col("parent_id").is_not_null())
    both = named.join(parents, on=["cascade_id", "parent_id"], how="left")
    return set(both.select("cascade_id", "user", "time", "parent_user", "parent_id").iter_rows())


def parents_by_hand(lines: list[str]) -> set[tuple[Any, ...]]:
    """Do what the docstring of read_cascades says, event by event."""
    found = set()
    for line in lines:
        message = line.split("\t")[0]
        order = sorted(paths_of(line), key=lambda each: each[1])
        users = [path.split("/")[-1] for path, _ in order]
        count: Counter[str] = Counter()
        ids = []
        for user in users:
            count[user] += 1
            ids.append(user if count[user] == 1 else f"{user}/{count[user]}")
        for place, (path, time) in enumerate(order):
            if "/" not in path:
                continue
            before, giver = path.rsplit("/", 1)[0], path.split("/")[-2]
            same = [i for i, (other, _) in enumerate(order) if other == before]
            own = [i for i, user in enumerate(users) if user == giver]
            tries = [[i for i in each if i < place][-1:] for each in (same, own)] + [same, own]
            parent = next(each[0] for each in tries if each)
            found.add((message, users[place], time, giver, ids[parent]))
    return found


def test_twitter16_trees(samples: Path) -> None:
    folder = samples / "twitter16_trees"
    events, quality = vk.read_cascades(
        folder, layout="trees", unit="minutes", arrow="parent_to_child"
    )
    pattern = re.compile(r"\['(.+?)', '(.+?)', '(.+?)'\]->\['(.+?)', '(.+?)', '(.+?)'\]")
    seen: Counter[str] = Counter()
    for path in (folder / "tree").iterdir():
        parents, times = defaultdict(list), defaultdict(list)
        last, root, row_of = None, 0.0, []
        for line in path.read_text().splitlines():
            match = pattern.fullmatch(line)
            assert match
            u, t, _, v, w, delay = match.groups()
            parents[v, w].append((u, t))
            times[v, w].append(float(delay))
            row_of.append(((u, t), (v, w), float(delay)))
            root = float(delay) if u == "ROOT" else root
            seen["unsorted"] += last is not None and float(delay) < last
            last = float(delay)
        seen["rows"] += len(row_of)
        seen["nodes"] += len(parents)
        seen["edges"] += sum(len(set(each)) for each in parents.values())
        seen["negative"] += sum(delay < root for _, _, delay in row_of)
        seen["ties"] += len(row_of) - len({delay for _, _, delay in row_of})
        named = [row for row in row_of if row[0][0] != "ROOT"]
        seen["named"] += len(named)
        seen["self"] += sum(parent == child for parent, child, _ in named)
        seen["orphans"] += sum(parent not in parents for parent, _, _ in named)
        seen["early"] += sum(delay < min(times[p]) for p, c, delay in named if p != c)
    assert seen["rows"] == 22411  # cat tree/* | wc -l
    expect(
        quality,
        rows_read=22411,
        files=58,
        cascades=58,
        labels=818,
        labels_without_a_tree=760,
        trees_without_a_label=0,
        unsorted_rows=seen["unsorted"],
        negative_delays=seen["negative"],
        tied_times=seen["ties"],
        duplicates=seen["rows"] - seen["edges"],
        several_parents=seen["edges"] - seen["nodes"],
        self_edges=seen["self"],
        orphans=seen["orphans"],
        children_before_their_parent=seen["early"],
        events_that_name_a_parent=seen["named"],
    )
    told = dict(reversed(line.split(":")) for line in (folder / "label.txt").read_text().split())
    assert set(quality.cascades.iter_rows()) == {
        (path.stem, told[path.stem]) for path in (folder / "tree").iterdir()
    }
    mended, counted = vk.repair(events)
    assert len(mended) == seen["nodes"]
    assert vk.cascade_table(mended)["size"].sum() == seen["nodes"]
    assert (
        numbers(counted)["left: orphans"],
        vk.cascade_table(mended)["roots"].unique().to_list(),
    ) == (
        0,
        [1],
    )


def test_chile_trees(samples: Path) -> None:
    folder = samples / "chile_trees"
    events, quality = vk.read_cascades(
        folder, layout="trees", unit="seconds", arrow="child_to_parent"
    )
    rows = [
        re.findall(r"\['(.+?)','(.+?)'\]", line)
        for path in (folder / "trees").iterdir()
        for line in path.read_text().splitlines()
    ]
    assert len(rows) == 20419
    expect(quality, rows_read=20419, files=25, cascades=25, orphans=0, duplicates=0)
    parents = dict(events.select("event_id", "parent_id").iter_rows())
    assert all(parents[c] == (None if p == "ROOT" else p) for (c, _), (p, _) in rows)
    times = dict(events.select("event_id", "time").iter_rows())
    assert all(times[c] == float(delay) for (c, delay), _ in rows)


def test_branching_trees(samples: Path) -> None:
    source = samples / "branching_trees" / "trees.csv"
    events, quality = vk.read_cascades(source, layout="generations")
    rows = [line.split(",") for line in source.read_text().split()]
    children = {(tree, child) for child, _, tree, _ in rows}
    seeds = {(tree, parent) for _, parent, tree, _ in rows} - children
    trees = {tree for _, _, tree, _ in rows}
    assert (len(rows), len(trees), len(seeds)) == (20000, 1173, 1173)
    found = numbers(quality)
    assert (found["rows read"], found["cascades"], found["orphans"]) == (21173, 1173, 0)
    assert found["seeds, which have no row"] == 1173
    depth = {(c, e): d for c, e, d in events.select("cascade_id", "event_id", "depth").iter_rows()}
    assert all(depth[tree, child] == float(generation) for child, _, tree, generation in rows)
    assert {seed for seed in seeds if depth[seed] == 0} == seeds
    assert events["time"].to_list() == events["depth"].to_list()


@pytest.mark.parametrize(
    ("name", "unit", "factor"), [("training", "seconds", 1), ("example", "hours", 3600)]
)
def test_tideh(samples: Path, name: str, unit: Any, factor: int) -> None:
    folder = samples / "tideh" / name
    events, quality = vk.read_cascades(folder, layout="tideh", unit=unit)
    files = {path.stem: path.read_text().splitlines() for path in folder.iterdir()}
    rows = sum(len(lines) - 1 for lines in files.values())
    other = sum(int(lines[0].split()[0]) != len(lines) - 1 for lines in files.values())
    found = numbers(quality)
    assert (found["rows read"], found["files"]) == (rows, len(files))
    assert found["headers with another number than rows"] == other == (8 if factor == 1 else 0)
    told = {(stem, float(lines[0].split()[0])) for stem, lines in files.items()}
    assert set(quality.cascades.select("cascade_id", "n_reported").iter_rows()) == told
    for stem, lines in files.items():
        times = sorted(float(line.split()[0]) for line in lines[1:])
        mine = events.filter(cascade_id=stem)
        assert mine["time"].to_list() == pytest.approx([(t - times[0]) * factor for t in times])
        assert mine["magnitude"].sum() == sum(float(line.split()[1]) for line in lines[1:])


def test_seismic(samples: Path) -> None:
    source = samples / "seismic" / "tweet.csv"
    events, quality = vk.read_cascades(
        source,
        layout="columns",
        unit="seconds",
        columns={"time": "relative_time_second", "magnitude": "number_of_followers"},
    )
    rows = [tuple(map(float, line.split(","))) for line in source.read_text().split()[1:]]
    assert (len(rows), rows) == (15563, events.select("time", "magnitude").rows())
    zero = events.filter(magnitude=0)
    assert len(zero) == sum(followers == 0 for _, followers in rows)
    expect(quality, rows_read=15563, cascades=1, tied_times=15563 - len({t for t, _ in rows}))


def test_seismic_index(samples: Path, tmp_path: Path) -> None:
    index = samples / "seismic_index" / "index.csv"
    ranges = [tuple(map(int, line.split(","))) for line in index.read_text().split()[1:]]
    size = ranges[-1][1]
    data = tmp_path / "data.csv"
    lines = [f"{row},{row % 7}" for row in range(1, size + 1)]
    data.write_text("\n".join(["relative_time_second,number_of_followers", *lines]))
    events, quality = vk.read_cascades((index, data), layout="index_and_data")
    assert (len(ranges), size) == (199, 42027)  # wc -l, tail -1
    found = numbers(quality)
    assert (found["rows read"], found["ranges in the index"]) == (42027, 199)
    assert found["data rows in no range"] == 0
    first, last = ranges[98]
    mine = events.filter(cascade_id="99")
    assert mine["time"].to_list() == [row - first for row in range(first, last + 1)]
    assert mine["magnitude"].to_list() == [row % 7 for row in range(first, last + 1)]
    with pytest.raises(FileNotFoundError, match=r"nix.csv"):
        vk.read_cascades((index, tmp_path / "nix.csv"), layout="index_and_data")


def test_stackexchange_sequences(samples: Path) -> None:
    source = samples / "stackexchange_android" / "cascades.txt"
    events, quality = vk.read_cascades(source, layout="sequences", unit="seconds")
    lines = source.read_text().splitlines()
    assert all(line.endswith(",") for line in lines)
    pairs = [[pair.split(" ") for pair in line.rstrip(",").split(",")] for line in lines]
    size = sum(len(line) for line in pairs)
    assert (len(lines), size) == (679, 28343)
    expect(quality, rows_read=size + 679, cascades=679, seeds_without_a_time=679, lines=679)
    for number in (1, 300, 679):
        seed, user, start = pairs[number - 1][0]
        mine = events.filter(cascade_id=str(number))
        assert mine["user"].to_list()[:2] == [seed, user]
        assert mine["time"].to_list()[2:] == [
            float(time) - float(start) for _, time in pairs[number - 1][1:]
        ]
    assert "parent_id" not in events.columns
