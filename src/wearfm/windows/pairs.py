"""Plans for methods whose sample is several windows: who is positive to whom."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.windows.counter import below
from wearfm.windows.index import ByParticipant, WindowIndex
from wearfm.windows.sample import turn

SECOND = 1_000_000_000


@dataclass(frozen=True, eq=False)
class SameParticipant:
    """Pairs of different windows of one participant, starting at least `apart_s` seconds apart.

    Participants take turns, so that a batch no larger than their number has nobody twice. An epoch has about as many
    windows as the index. Participants without two windows so far apart are left out and counted in `left_out`.
    Windows of recordings without a date cannot be compared in time with those of another recording: they count as
    far apart when they stem from different recordings.
    """

    index: WindowIndex
    seed: int
    apart_s: float
    _table: ByParticipant = field(init=False, repr=False)
    _times: NDArray[np.int64] = field(init=False, repr=False)  # of the table's windows, ascending within a participant
    left_out: int = field(init=False)

    group_size = 2

    def __post_init__(self) -> None:
        table = self.index.by_participant()
        order = self.index.timeline[table.windows]
        reach = order[table.first + table.count - 1] - order[table.first]
        able = (table.count >= 2) & (reach >= self._apart_ns)
        object.__setattr__(self, "left_out", int((~able).sum()))
        object.__setattr__(self, "_table", ByParticipant(table.windows, table.first[able], table.count[able]))
        object.__setattr__(self, "_times", order)
        if able.sum() < 2:
            raise BadConfiguration(
                f"{int(able.sum())} participants have two windows {self.apart_s:g} s apart; participant-level pairs need at"
                " least 2: add recordings, or lower apart_s"
            )

    @property
    def _apart_ns(self) -> int:
        return max(1, round(self.apart_s * SECOND))

    def __len__(self) -> int:
        return max(len(self._table.first), int(self._table.count.sum()) // 2)

    def draw(self, epoch: int, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return both windows of the samples, (N,) -> (N, 2)."""
        table = self._table
        person = turn(samples, len(table.first), self.seed, epoch)
        first, count = table.first[person], table.count[person]
        anchor = self._anchors(first, count, epoch, samples)
        early, late = self._far(anchor, first, count)
        pick = below(early + late, self.seed, epoch, samples, 3)
        partner = np.where(pick < early, first + pick, first + count - late + (pick - early))
        return np.asarray(table.windows[np.stack((anchor, partner), axis=1)], dtype=np.int64)

    def _anchors(
        self, first: NDArray[np.int64], count: NDArray[np.int64], epoch: int, samples: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return anchors that have a partner: one in the middle that has none is replaced by the first window, which has."""
        anchor = first + below(count, self.seed, epoch, samples, 2)
        early, late = self._far(anchor, first, count)
        return np.where(early + late > 0, anchor, first)

    def _far(
        self, anchor: NDArray[np.int64], first: NDArray[np.int64], count: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many windows of the same participant lie far enough before and after each anchor."""
        early = np.empty_like(anchor)
        late = np.empty_like(anchor)
        for row, (at, start, number) in enumerate(zip(anchor, first, count, strict=True)):
            own = self._times[start : start + number]
            early[row] = np.searchsorted(own, self._times[at] - self._apart_ns, side="right")
            late[row] = number - np.searchsorted(own, self._times[at] + self._apart_ns, side="left")
        return early, late
