"""Plans for methods whose loss is about pairs: who is positive to whom.

    SameParticipant   two windows of one person at different times       -> 2 rows a sample
    Candidates        an anchor and other windows of its person around it -> 1 + K rows a sample
    Simultaneous      one window in which two modalities were measured    -> 1 row a sample, the pair is inside it

A plan sees the index of one side of a split and nothing else, so that no pair ever crosses it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.windows.counter import below, permute
from wearfm.windows.index import ByParticipant, WindowIndex
from wearfm.windows.motion import MOTION
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


@dataclass(frozen=True, eq=False)
class Candidates:
    """Anchors with `count` different other windows of the same participant that start within `within_s` seconds of them.

    Every anchor comes once an epoch. Windows with too few others around them are no anchors and are counted in `left_out`.
    Windows of different recordings without a date are far apart, whatever their times. RelCon (arXiv:2411.18822) draws 20
    from the same hour.
    """

    index: WindowIndex
    seed: int
    count: int
    within_s: float
    left_out: int = field(init=False)
    _windows: NDArray[np.int64] = field(init=False, repr=False)  # all, by participant and time
    _anchors: NDArray[np.int64] = field(init=False, repr=False)  # places in `_windows`
    _first: NDArray[np.int64] = field(init=False, repr=False)  # of what is around each place in `_windows`
    _stop: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        table = self.index.by_participant()
        times = self.index.timeline[table.windows]
        reach = round(self.within_s * SECOND)
        around = np.empty((2, len(times)), dtype=np.int64)
        for first, number in zip(table.first.tolist(), table.count.tolist(), strict=True):
            own = times[first : first + number]
            around[0, first : first + number] = first + np.searchsorted(own, own - reach, side="left")
            around[1, first : first + number] = first + np.searchsorted(own, own + reach, side="right")
        able = np.flatnonzero(around[1] - around[0] > self.count)
        if len(able) == 0:
            raise BadConfiguration(
                f"no window has {self.count} others of its participant within {self.within_s:g} s; lower the number or cut more"
            )
        object.__setattr__(self, "left_out", len(times) - len(able))
        object.__setattr__(self, "_windows", table.windows)
        object.__setattr__(self, "_anchors", able)
        object.__setattr__(self, "_first", around[0])
        object.__setattr__(self, "_stop", around[1])

    @property
    def group_size(self) -> int:
        """An anchor and its candidates."""
        return 1 + self.count

    def __len__(self) -> int:
        return len(self._anchors)

    def draw(self, epoch: int, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the anchor and its candidates of each sample, (N,) -> (N, 1 + count)."""
        anchors = self._anchors[permute(samples, len(self._anchors), self.seed, epoch)]
        places = np.empty((len(samples), 1 + self.count), dtype=np.int64)
        for row, (sample, anchor) in enumerate(zip(samples.tolist(), anchors.tolist(), strict=True)):
            first, others = int(self._first[anchor]), int(self._stop[anchor] - self._first[anchor]) - 1
            chosen = first + permute(np.arange(self.count, dtype=np.int64), others, self.seed, epoch, sample, 1)
            places[row] = [anchor, *(chosen + (chosen >= anchor)).tolist()]  # the anchor itself is stepped over
        return self._windows[places]


@dataclass(frozen=True, eq=False)
class Simultaneous:
    """Windows in which several modalities were measured at the same time: each is its own pair.

    The input contract asks for the modalities, cuts them at the same moment and resamples them to one grid of time, so
    that they agree to half a sample. Every window comes once an epoch, in rounds over the participants: a batch holds as
    many people as it can, and as few windows of each. still_g: windows that move more are left out and counted in
    `left_out` (the index must know how much they move: `windows.motion`); None takes all.
    """

    index: WindowIndex
    seed: int
    still_g: float | None = None
    left_out: int = field(init=False)
    _table: ByParticipant = field(init=False, repr=False)  # of the kept windows, people with most of them first
    _upto: NDArray[np.int64] = field(init=False, repr=False)  # samples before each round and, last, all of them

    group_size = 1

    def __post_init__(self) -> None:
        kept = np.arange(len(self.index), dtype=np.int64)
        if self.still_g is not None:
            if MOTION not in self.index.targets:
                raise BadConfiguration(
                    f"still_g={self.still_g:g}, but the index does not know how much its windows move; give it"
                    " index.with_targets(motion=measure_motion(...)), or set still_g=None"
                )
            kept = np.flatnonzero(self.index.targets[MOTION] <= self.still_g)
        if len(kept) < 2:
            raise BadConfiguration(
                f"{len(kept)} of {len(self.index)} windows move at most {self.still_g} g; pairs need others to differ from:"
                " raise still_g, or set it to None"
            )
        table = self.index.select(kept).by_participant()
        order = np.argsort(-table.count, kind="stable")
        count = table.count[order]
        people = np.searchsorted(-count, -np.arange(count[0]), side="left")  # who still has a window, in every round
        object.__setattr__(self, "left_out", len(self.index) - len(kept))
        object.__setattr__(self, "_table", ByParticipant(kept[table.windows], table.first[order], count))
        object.__setattr__(self, "_upto", np.concatenate(([0], np.cumsum(people))))

    def __len__(self) -> int:
        return int(self._upto[-1])

    def draw(self, epoch: int, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the windows of the samples, (N,) -> (N, 1)."""
        rounds = np.searchsorted(self._upto, samples, side="right") - 1
        place, table = samples - self._upto[rounds], self._table
        windows = np.empty(len(samples), dtype=np.int64)
        for number in np.unique(rounds).tolist():
            inside = np.flatnonzero(rounds == number)
            people = int(self._upto[number + 1] - self._upto[number])
            for row, person in zip(inside, permute(place[inside], people, self.seed, epoch, number), strict=True):
                nth = permute(np.array([number]), int(table.count[person]), self.seed, epoch, int(person), 1)
                windows[row] = table.windows[table.first[person] + nth[0]]
        return windows[:, None]
