"""Balance between devices, placements, rates or any other property: every group of windows equally often in an epoch.

    groups = grouped(source, index, "device")        a group a window, by what is known of its recording and channels
    plan   = in_turn(index, groups, lambda part: recipe.plan(part, seed=seed), seed=seed)

A large group of one device would otherwise decide what is learned. Whatever a method's plan draws (pairs, candidates), it
draws inside one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.store.query import Description, describe
from wearfm.windows.index import WindowIndex
from wearfm.windows.plan import Plan
from wearfm.windows.sample import turn
from wearfm.windows.source import Source


@dataclass(frozen=True, eq=False)
class Groups:
    """code: (N,) the group of every window. names: what the windows of a group have in common, by code."""

    code: NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class InTurn:
    """Plans of disjoint parts of an index that take turns, so that each gives as many samples as any other.

    plans: one a group. windows: the rows of the whole index that each plan's rows stand for. An epoch has as many samples
    as all plans together; a small group comes round more than once in it.
    """

    plans: tuple[Plan, ...]
    windows: tuple[NDArray[np.int64], ...]
    seed: int

    @property
    def group_size(self) -> int:
        """Windows per sample."""
        return self.plans[0].group_size

    def __len__(self) -> int:
        return sum(map(len, self.plans))

    def draw(self, epoch: int, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the windows of the samples, (N,) -> (N, group_size)."""
        each = -(-len(self) // len(self.plans))  # samples of a group in an epoch
        which = turn(samples, len(self.plans), self.seed, epoch, 11)
        number = epoch * each + samples // len(self.plans)
        drawn = np.empty((len(samples), self.group_size), dtype=np.int64)
        for group, (plan, windows) in enumerate(zip(self.plans, self.windows, strict=True)):
            own_epoch, own_sample = np.divmod(number, len(plan))
            for round_ in np.unique(own_epoch[which == group]).tolist():
                inside = (which == group) & (own_epoch == round_)
                drawn[inside] = windows[plan.draw(round_, own_sample[inside])]
        return drawn


def grouped(source: Source, index: WindowIndex, column: str) -> Groups:
    """Return the group of every window: one value of a column of `store.query`, or all that its channels have together."""
    table = source.channels()
    described = describe(source.recordings(), table, source.spans())
    described.column(column)
    of_recording = _of_recordings(index, described, table.id.tolist(), column)
    names, code = np.unique(np.array(of_recording, dtype=np.str_), return_inverse=True)
    per_window = code[index.recording]
    there, dense = np.unique(per_window, return_inverse=True)
    return Groups(code=dense.astype(np.int64), names=tuple(names[there].tolist()))


def in_turn(index: WindowIndex, groups: Groups, plan: Callable[[WindowIndex], Plan], *, seed: int) -> Plan:
    """Return the plan in which the groups take turns; BadConfiguration names a group that a method cannot draw from."""
    windows = [np.flatnonzero(groups.code == code) for code in range(len(groups.names))]
    plans = [_plan(plan, index.select(rows), name) for rows, name in zip(windows, groups.names, strict=True)]
    return InTurn(tuple(plans), tuple(windows), seed)


def _plan(plan: Callable[[WindowIndex], Plan], part: WindowIndex, name: str) -> Plan:
    try:
        return plan(part)
    except BadConfiguration as error:
        raise BadConfiguration(f"windows with {name!r} alone: {error}; or leave the balance out") from error


def _of_recordings(index: WindowIndex, described: Description, ids: Sequence[int], column: str) -> list[str]:
    """Return the value of every recording of the index; where its channels differ, all of them."""
    value_of = dict(zip(ids, map(_said, described.column(column)), strict=True))
    found: list[set[str]] = [set() for _ in index.recordings]
    for layout in index.layouts.values():
        for number, channels in enumerate(layout.channel.tolist()):
            found[number].update(value_of[channel] for channel in channels if channel >= 0)
    return [" + ".join(sorted(some)) for some in found]


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
