"""What was the first row of each user, and what did they do?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel


@kernel
def fold_users(
    user: Any, rank: Any, action: Any, users: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The least rank of each user, the row that has it (-1: none), and how often each of 4 actions.

    Rows whose user is below zero are left out.
    """
    least = np.zeros(users, np.int64)
    first = np.full(users, -1)
    done = np.zeros((4, users), np.int64)
    for row in range(len(user)):
        who = user[row]
        if who >= 0:
            if first[who] < 0 or rank[row] < least[who]:
                least[who], first[who] = rank[row], row
            if action[row] > 0:
                done[action[row], who] += 1
    return least, first, done
