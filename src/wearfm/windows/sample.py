"""Plans for methods whose sample is one window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.windows.counter import below, permute
from wearfm.windows.index import WindowIndex


@dataclass(frozen=True)
class Shuffled:
    """Every window once an epoch, in an order of its own each epoch. count: number of windows."""

    count: int
    seed: int

    group_size = 1

    def __len__(self) -> int:
        return self.count

    def draw(self, epoch: int, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the windows of the samples, (N,) -> (N, 1)."""
        return permute(samples, self.count, self.seed, epoch)[:, None]


@dataclass(frozen=True, eq=False)
class Balanced:
    """Every participant equally often an epoch, whatever the number of their windows.

    An epoch has as many samples as the index has windows; rounds over all participants, each in an order of its own.
    """

    index: WindowIndex
    seed: int

    group_size = 1

    def __len__(self) -> int:
        return len(self.index)

    def draw(self, epoch: int, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the windows of the samples, (N,) -> (N, 1)."""
        table = self.index.by_participant()
        person = turn(samples, len(table.first), self.seed, epoch)
        chosen = table.first[person] + below(table.count[person], self.seed, epoch, samples, 1)
        return np.asarray(table.windows[chosen][:, None], dtype=np.int64)


def turn(samples: NDArray[np.int64], people: int, *keys: int) -> NDArray[np.int64]:
    """Return whose turn each sample is: rounds in which everybody comes once, each round in an order of its own."""
    rounds, place = np.divmod(samples, people)
    person = np.empty_like(samples)
    for number in np.unique(rounds):
        inside = rounds == number
        person[inside] = permute(place[inside], people, *keys, int(number))
    return person
