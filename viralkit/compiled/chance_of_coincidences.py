"""How likely are so many close posts of two accounts, were the times of each stratum shuffled?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viralkit.compiled.compiling import kernel, part


@part
def uses(early: Any, late: Any, begin: int, k: int, stratum: int) -> int:
    """How many posts of the pair in a stratum are dealt with before thing k."""
    count = 0
    for past in range(k - 1, begin - 1, -1):
        if early[past] < stratum - 1:
            break
        count += (early[past] == stratum) + (late[past] == stratum)
    return count


@part
def chance(early: int, late: int, used: Any, posts: Any, inside: Any, across: Any) -> Any:
    """At most so likely is it that the two posts on a thing come to stand close."""
    first = posts[early] - used[0]
    if early == late:
        return min(1.0, 2.0 * inside[early] / max(first * (first - 1.0), 1.0))
    second = posts[late] - used[1]
    return min(1.0, across[early] / max(float(first) * second, 1.0))


@part
def add_trial(law: Any, need: int, success: float) -> None:
    """Bring one more independent trial into the law of the number of successes."""
    law[need] += law[need - 1] * success
    for count in range(need - 1, 0, -1):
        law[count] += success * (law[count - 1] - law[count])
    law[0] *= 1.0 - success


@kernel
def chance_of_coincidences(
    starts: Any,
    early: Any,
    late: Any,
    trial: Any,
    observed: Any,
    posts: Any,
    inside: Any,
    across: Any,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Expected number of close things of each pair, and the chance of the observed one or more.

    Each pair has a list of things with the strata of its two posts, sorted by the earlier one.
    Shuffling draws times without replacement: given the times of the things before, the chance of
    the next is at most that of the close pairs of times over the pairs that are left. The tail of
    a sum of independent draws with these chances is therefore never too small. Neighbours with the
    same number in `trial` are one draw, which succeeds if any of them does: at most so likely as
    the sum of their chances, whatever they have to do with each other.
    """
    pairs = len(starts) - 1
    expected, tail = np.zeros(pairs), np.zeros(pairs)
    used = np.zeros(2, np.int64)
    for pair in range(pairs):
        need = observed[pair]
        law = np.zeros(need + 1)  # of the number of close things; the last: so many or more
        law[0] = 1.0
        mean, success = 0.0, 0.0
        for k in range(starts[pair], starts[pair + 1]):
            if k > starts[pair] and trial[k] != trial[k - 1]:
                expected[pair] += min(mean, 1.0)
                add_trial(law, need, min(success, 1.0))
                mean, success = 0.0, 0.0
            mean += chance(early[k], late[k], np.zeros(2, np.int64), posts, inside, across)
            used[0] = uses(early, late, starts[pair], k, early[k])
            used[1] = uses(early, late, starts[pair], k, late[k])
            success += chance(early[k], late[k], used, posts, inside, across)
        expected[pair] += min(mean, 1.0)
        add_trial(law, need, min(success, 1.0))
        tail[pair] = min(law[need], 1.0)
    return expected, tail
