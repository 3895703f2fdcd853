"""A Markov chain of channels: how much is lost without one of them, solved exactly."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from viralkit.tracking.paths import Paths

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
MOST = 3  # the highest order


@dataclass(frozen=True)
class Chain:
    """The transitions that paths make, by the last channels before each (the state).

    A state is a number whose digits in base `channels` + 1 are the channels before, the last one
    first; the digit `channels` stands for the start. A `step` is a channel, `channels` for a
    conversion or `channels` + 1 for none. `feature` gives the transition of each step of each path.
    """

    order: int
    channels: int
    states: Integers
    source: Integers
    step: Integers
    feature: Integers

    @cached_property
    def start(self) -> int:
        """The place of the state in which all paths begin."""
        base = self.channels + 1
        return int(np.searchsorted(self.states, base**self.order - 1))

    @cached_property
    def inner(self) -> Integers:
        """The transitions that lead to a channel."""
        return np.flatnonzero(self.step < self.channels)

    @cached_property
    def target(self) -> Integers:
        """The state after each of the inner transitions."""
        base = self.channels + 1
        kept = self.states[self.source[self.inner]] % base ** (self.order - 1)
        return np.asarray(np.searchsorted(self.states, self.step[self.inner] + base * kept))

    @cached_property
    def system(self) -> tuple[Integers, Integers, Integers, Integers]:
        """The equations with each channel removed in turn: transitions, slots, rows and columns.

        One block a channel; a state that contains the channel has lost all its transitions. A slot
        is the place of a transition, and after these of a diagonal element, among the elements of
        a matrix in compressed columns, which has these row numbers and ends of columns.
        """
        digits = self.states[:, None] // (self.channels + 1) ** np.arange(self.order)
        digits %= self.channels + 1
        lacks = (digits[:, :, None] != np.arange(self.channels)).all(axis=1).T
        block, edge = np.nonzero(lacks[:, self.source[self.inner]] & lacks[:, self.target])
        size = len(self.states) * self.channels
        shift, diagonal = block * len(self.states), np.arange(size)
        row = np.append(shift + self.source[self.inner][edge], diagonal)
        column = np.append(shift + self.target[edge], diagonal)
        places, slot = np.unique(column * size + row, return_inverse=True)
        ends = np.searchsorted(places, np.arange(size + 1) * size)
        return self.inner[edge], slot, places % size, ends


def build_chain(paths: Paths, order: int) -> tuple[Chain, Integers]:
    """The chain of this order, and the unit that makes each step; paths need a touch."""
    code = paths.touches["code"].to_numpy().astype(np.int64)
    path, end = _ranks(paths.touches["path"].to_numpy())
    done = paths.touches["converted"].to_numpy()[end]
    channels = len(paths.channels)
    base, last = channels + 1, end + np.arange(len(end)) + 1
    step = np.empty(len(code) + len(end), np.int64)
    step[np.arange(len(code)) + path] = code
    step[last] = np.where(done, channels, channels + 1)
    place = np.arange(len(step)) - np.repeat(np.append(0, last[:-1] + 1), np.diff(last, prepend=-1))
    context = np.zeros(len(step), np.int64)
    for lag in range(order, 0, -1):
        before = np.where(place >= lag, np.roll(step, lag), channels)
        context = context * base + before
    states, source = np.unique(context, return_inverse=True)
    pairs, feature = np.unique(source * (base + 1) + step, return_inverse=True)
    chain = Chain(order, channels, states, pairs // (base + 1), pairs % (base + 1), feature)
    unit = paths.touches["unit"].to_numpy()
    return chain, np.repeat(unit[end], np.diff(last, prepend=-1)).astype(np.int64)


def _ranks(path: Integers) -> tuple[Integers, Integers]:
    """The rank of the path of each touch, and the last touch of each path."""
    new = np.diff(path, prepend=-1) != 0
    return np.cumsum(new) - 1, np.append(np.flatnonzero(new)[1:] - 1, len(path) - 1)


def bic(chain: Chain) -> float:
    """The criterion by which orders are compared; the smallest is the best (Katz 1981)."""
    counts = np.bincount(chain.feature)
    rows = np.bincount(chain.source, counts)
    fit = float(counts @ np.log(counts / rows[chain.source]))
    free = (len(chain.states) - 1) * (chain.channels + 1) + chain.channels - 1
    return free * float(np.log(counts.sum())) - 2 * fit


def removal_effects(chain: Chain, counts: Floats) -> Floats:
    """The share of the probability of a conversion that is lost without each channel.

    Who would step to the channel does not convert. With all channels the chain converts as often
    as the paths did, whatever its order: its expected counts are those that were seen.
    """
    size, blocks = len(chain.states), chain.channels
    rows = np.bincount(chain.source, counts, size)
    share = counts / np.where(rows > 0, rows, 1.0)[chain.source]
    ends = chain.step == chain.channels
    converts = np.bincount(chain.source[ends], share[ends], size)
    edge, slot, row, column_ends = chain.system
    elements = np.bincount(slot, np.append(-share[edge], np.ones(size * blocks)))
    equations = sparse.csc_matrix((elements, row, column_ends))
    reached = splu(equations).solve(np.tile(converts, blocks))
    whole = counts[ends].sum() / rows[chain.start]
    return np.asarray(1 - reached.reshape(blocks, size)[:, chain.start] / whole)
