"""How many events stand under each post, those under an earlier post of the account left out?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel, part


@part
def list_children(parent: Any) -> tuple[Any, Any, Any]:
    """The first child of each place, the next child of the same parent, the number of children."""
    first, following = np.full(len(parent), -1), np.full(len(parent), -1)
    children = np.zeros(len(parent), np.int64)
    for place in range(len(parent) - 1, -1, -1):
        above = parent[place]
        if above >= 0:
            following[place] = first[above]
            first[above] = place
            children[above] += 1
    return first, following, children


@part
def leave(place: int, parent: Any, account: int, open_posts: Any, below: Any, credit: Any) -> None:
    """Settle a place whose children are done."""
    open_posts[account] -= 1
    if open_posts[account] == 0:
        credit[place] = below[place]
    if parent[place] >= 0:
        below[parent[place]] += below[place] + 1


@kernel
def credit_posts(
    parent: Any, user: Any, accounts: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Direct reshares of each place; and events below it, 0 under a post of the same account."""
    first, following, children = list_children(parent)
    below, credit = np.zeros(len(parent), np.int64), np.zeros(len(parent), np.int64)
    open_posts = np.zeros(accounts, np.int64)  # of each account, between the root and here
    for root in range(len(parent)):
        here = root if parent[root] < 0 else -1
        if here >= 0:
            open_posts[user[here]] += 1
        while here >= 0:
            child = first[here]
            if child >= 0:  # go down, once to each child
                first[here] = following[child]
                open_posts[user[child]] += 1
                here = child
            else:
                leave(here, parent, user[here], open_posts, below, credit)
                here = parent[here]
    return children, credit
