"""Which earlier post of an account that influences me made me post?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel, part

MOST_RECENT, FIRST, UNIFORM = 0, 1, 2
RULES = {"most_recent": MOST_RECENT, "first": FIRST, "uniform": UNIFORM}


@part
def choose(listed: Any, post: Any, begin: int, rule: int, draw: float, seen: Any, me: int) -> Any:
    """The chosen place among the posts of the listed accounts in this cascade, or -1."""
    best, count = -1, 0
    for k in range(len(listed)):
        place = post[listed[k]]
        if place < begin or (rule == UNIFORM and seen[listed[k]] == me):
            continue
        if best < 0 or (rule == MOST_RECENT and place > best) or (rule == FIRST and place < best):
            best = place
        if rule == UNIFORM:
            seen[listed[k]] = me
            count += 1
    if rule != UNIFORM or count == 0:
        return best
    left = min(int(draw * count), count - 1)
    for k in range(len(listed)):
        place = post[listed[k]]
        if place >= begin and seen[listed[k]] == me:
            seen[listed[k]] = -1
            if left == 0:
                return place
            left -= 1
    return -1


@part
def note_post(post: Any, account: int, place: int, begin: int, rule: int) -> None:
    """Remember the account's post: its last one, or its first in the cascade."""
    if account >= 0 and (rule != FIRST or post[account] < begin):
        post[account] = place


@kernel
def choose_parents(
    user: Any, time: Any, starts: Any, listed: Any, lists: Any, rule: int, draw: Any
) -> NDArray[np.int64]:
    """The place of each event's parent, -1 without; places by cascade and time, users numbered."""
    parent = np.full(len(user), -1)
    post = np.full(len(lists) - 1, -1)
    seen = np.full(len(lists) - 1, -1)
    for cascade in range(len(starts) - 1):
        begin, end = starts[cascade], starts[cascade + 1]
        noted = begin
        for place in range(begin, end):
            while time[noted] < time[place]:  # posts of the same moment are not before each other
                note_post(post, user[noted], noted, begin, rule)
                noted += 1
            me = user[place]
            if me >= 0:
                sources = listed[lists[me] : lists[me + 1]]
                parent[place] = choose(sources, post, begin, rule, draw[place], seen, place)
    return parent
