"""What people do in a world with some channels, and in the same world without one of them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Clicks = tuple[Integers, Integers, Floats]  # person, channel, days
SIGNS_UP = 0.5  # the share of first visitors who sign up
LOOKS = 2.0  # mean number of direct visits before a conversion that comes anyway
WEEK = 7.0
DELAY = 3.0  # mean days until people come back
RARE = 0.2  # how often others click on what follows visitors, beside those who convert anyway


@dataclass(frozen=True)
class Plan:
    """The table of channels as arrays; the code after the last channel stands for direct visits."""

    drawn_by: list[str]
    clicks: Floats
    effect: Floats
    at_once: Floats
    brings: Floats

    @property
    def direct(self) -> int:
        """The code of direct visits."""
        return len(self.drawn_by)

    def codes(self, drawn_by: str) -> list[int]:
        """The channels that are drawn by this."""
        return [code for code, name in enumerate(self.drawn_by) if name == drawn_by]


@dataclass(frozen=True)
class Draws:
    """All that chance decides, drawn once, so that worlds differ by their channels alone.

    Times are days. The first people come first, then their possible friends by generations.
    """

    wants: Floats  # when one of the first people converts anyway; infinite: never
    signs: Floats  # a number a person: signs up or not
    back: Floats  # a number a person: the channel by which they come back
    person: Integers  # of each possible click of the first people, as all that follows
    channel: Integers
    time: Floats
    luck: Floats
    delay: Floats
    after: Integers  # the click that this one follows, or -1
    parent: Integers  # of each possible friend, as all that follows
    mark: Floats
    gap: Floats
    friend_luck: Floats
    friend_delay: Floats


@dataclass(frozen=True)
class World:
    """What happened: which clicks, who came first when and how, who converted when.

    `asked` lists those who shared their link, once for each friend who got it.
    """

    seen: Flags
    first_time: Floats
    first_channel: Integers
    signed: Flags
    converts: Floats
    returns: Flags
    back: Integers
    asked: Integers

    @property
    def conversions(self) -> int:
        """The number of conversions."""
        return int(np.isfinite(self.converts).sum())


def read_plan(channels: pl.DataFrame) -> Plan:
    """The table of channels as arrays, with a row for direct visits."""
    columns = ("clicks", "effect", "at_once", "reproduction_number")
    numbers = (np.append(channels[name].to_numpy(), 0.0) for name in columns)
    return Plan(channels["drawn_by"].to_list(), *numbers)


def draw(rng: np.random.Generator, people: int, plan: Plan, baseline: float, days: float) -> Draws:
    """Draw whatever chance decides."""
    wants = np.where(rng.random(people) < baseline, rng.uniform(0, days, people), np.inf)
    chosen = [(code, plan.clicks[code]) for code in plan.codes("chance")]
    parts = [_by_chance(rng, people, code, mean, days) for code, mean in chosen]
    base = _joined([*parts, _looks(rng, wants, plan.direct)])
    following = [
        _following(rng, base, wants, code, plan.clicks[code]) for code in plan.codes("visit")
    ]
    person, channel, time = _joined([base, *(part for part, _ in following)])
    after = np.concatenate([np.full(len(base[0]), -1), *(clicks for _, clicks in following)])
    luck = rng.random(len(person))
    delay = _delays(rng, plan.at_once[channel])
    invitation = [*plan.codes("invitation"), plan.direct][0]
    invites = float(plan.brings.max()) if invitation < plan.direct else 0.0
    parent = _friends(rng, people, invites)
    everybody, friends = people + len(parent), len(parent)
    return Draws(
        wants,
        rng.random(everybody),
        rng.random(everybody),
        person,
        channel,
        time,
        luck,
        delay,
        after,
        parent,
        rng.random(friends),
        rng.exponential(1.0, friends),
        rng.random(friends),
        _delays(rng, np.full(friends, plan.at_once[invitation])),
    )


def _by_chance(
    rng: np.random.Generator, people: int, code: int, mean: float, days: float
) -> Clicks:
    """Clicks that anybody makes at any time."""
    person = np.repeat(np.arange(people), rng.poisson(mean, people))
    return person, np.full(len(person), code), rng.uniform(0, days, len(person))


def _looks(rng: np.random.Generator, wants: Floats, direct: int) -> Clicks:
    """Direct visits in the week before a conversion that comes anyway."""
    sure = np.flatnonzero(np.isfinite(wants))
    person = np.repeat(sure, rng.poisson(LOOKS, len(sure)))
    time = wants[person] - rng.uniform(0, WEEK, len(person))
    person, time = person[time > 0], time[time > 0]
    return person, np.full(len(person), direct), time


def _following(
    rng: np.random.Generator, base: Clicks, wants: Floats, code: int, chance: float
) -> tuple[Clicks, Integers]:
    """Clicks that follow a visit, and those visits; who converts anyway makes more of them."""
    likes = np.where(np.isfinite(wants[base[0]]), chance, chance * RARE)
    visits = np.flatnonzero(rng.random(len(likes)) < likes)
    later = base[2][visits] + rng.exponential(DELAY, len(visits))
    return (base[0][visits], np.full(len(visits), code), later), visits


def _joined(parts: list[Clicks]) -> Clicks:
    """Clicks of several kinds as one."""
    person, channel, time = (np.concatenate(part) for part in zip(*parts, strict=True))
    return person, channel, time


def _delays(rng: np.random.Generator, at_once: Floats) -> Floats:
    """Days from a click to the conversion that it causes; zero: in the same session."""
    later = rng.exponential(DELAY, len(at_once))
    return np.where(rng.random(len(at_once)) < at_once, 0.0, later)


def _friends(rng: np.random.Generator, people: int, mean: float) -> Integers:
    """The parent of each possible friend, generation by generation."""
    before, generation, parents = 0, people, [np.zeros(0, np.int64)]
    while generation:
        numbers = rng.poisson(mean, generation)
        parents.append(np.repeat(np.arange(before, before + generation), numbers))
        before, generation = before + generation, len(parents[-1])
    return np.concatenate(parents)


def live(draws: Draws, plan: Plan, on: Flags) -> World:
    """What happens where these channels are on (the last flag is that of direct visits)."""
    person, channel, time = draws.person, draws.channel, draws.time
    seen = on[channel]
    seen = seen & ((draws.after < 0) | seen[draws.after])
    caused = np.where(seen & (draws.luck < plan.effect[channel]), time + draws.delay, np.inf)
    converts = draws.wants.copy()
    np.minimum.at(converts, person, caused)
    seen &= time <= converts[person]
    returns = np.isfinite(converts)
    returns[person[seen & (draws.delay == 0) & (caused == converts[person])]] = False
    back = _back(draws.back, plan, on)
    first_time = np.where(returns, converts, np.inf)
    first_channel = np.where(returns, back[: len(converts)], -1)
    order = np.flatnonzero(seen)[np.argsort(-time[seen], kind="stable")]
    first_channel[person[order]], first_time[person[order]] = channel[order], time[order]
    signed = np.isfinite(first_time) & (draws.signs[: len(converts)] < SIGNS_UP)
    nobody = np.zeros(0, np.int64)
    first = World(seen, first_time, first_channel, signed, converts, returns, back, nobody)
    return _with_friends(first, draws, plan, on)


def _back(luck: Floats, plan: Plan, on: Flags) -> Integers:
    """By which channel each person comes back: one that intent draws, if it is on, or direct."""
    codes = np.array([*plan.codes("intent"), plan.direct])
    ends = np.cumsum(plan.clicks[codes[:-1]])
    chosen = codes[np.searchsorted(ends, luck, side="right")]
    return np.where(on[chosen], chosen, plan.direct)


def _with_friends(world: World, draws: Draws, plan: Plan, on: Flags) -> World:
    """The friends who come by invitation, generation by generation."""
    people, friends = len(world.converts), len(draws.parent)
    code = [*plan.codes("invitation"), -1][0]
    time = np.append(world.first_time, np.full(friends, np.inf))
    signed = np.append(world.signed, np.full(friends, False))
    channel = np.append(world.first_channel, np.full(friends, code))
    chance = plan.brings / max(float(plan.brings.max()), 1e-300)
    begin, end = 0, people
    while code >= 0 and on[code] and begin < friends:
        stop = int(np.searchsorted(draws.parent, end))
        parent, rows = draws.parent[begin:stop], np.arange(people + begin, people + stop)
        signed[rows] = signed[parent] & (draws.mark[begin:stop] < chance[channel[parent]])
        time[rows] = np.where(signed[rows], time[parent] + draws.gap[begin:stop], np.inf)
        begin, end = stop, people + stop
    moved = signed[people:] & (draws.friend_luck < plan.effect[code])
    converts = np.where(moved, time[people:] + draws.friend_delay, np.inf)
    return World(
        world.seen,
        time,
        channel,
        signed,
        np.append(world.converts, converts),
        np.append(world.returns, moved & (draws.friend_delay > 0)),
        world.back,
        draws.parent[signed[draws.parent] & (code >= 0 and on[code])],
    )
