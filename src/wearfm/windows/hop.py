"""Hops that differ by class, so that a rare class gives as many training windows as a common one.

    dense windows   n n n n n n n n n n f f f n n n n n n n n n     one each `stride_s`, one label each
    hop n = 4       ^       ^       ^             ^       ^         windows that touch, or any other hop
    hop f = 1                           ^ ^ ^                       windows that overlap, 90 % at most

Choosing windows by their labels is only fair where labels may be used: among the participants of the training side. Rows of
anyone else are refused. Overlapping windows are near copies of one another: they balance a loss, they add no information.

Differential hopping windows of LIFT-PD (Soumma et al. 2024, arXiv:2410.21326); the hops are ours, the paper gives none.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, LeakyScheme
from wearfm.windows.index import SECOND, WindowIndex

Rows = NDArray[np.int64]


def hop(
    index: WindowIndex,
    labels: NDArray[np.generic],
    *,
    training: Collection[str],
    common_s: float | None = None,
    cap: float = 0.9,
) -> Rows:
    """Return the rows of a dense index that make the classes as equal in number as overlap can make them, sorted.

    index: windows at one fine stride. labels: (N,) the class of every window. training: the participants whose labels
    may be looked at; LeakyScheme if the index has windows of others. common_s: hop of the most common class; None: its
    windows touch. cap: largest share that two chosen windows of a class have in common. Class c gets the hop
    common_s * D_c / D_most, where D are the durations, but none below (1 - cap) * window_s: a very rare class stays rarer.
    """
    _check_labels(index, labels)
    _refuse_strangers(index, training)
    stride_s = dense_stride(index)
    window_s = index.contract.window_s
    values, count = np.unique(labels, return_counts=True)
    hop_s = solve(count * stride_s, window_s=window_s, common_s=window_s if common_s is None else common_s, cap=cap)
    least = math.ceil((1 - cap) * window_s / stride_s - 1e-9)
    order = np.lexsort((index.timeline, index.recording))
    own = [order[labels[order] == value] for value in values]
    return np.sort(
        np.concatenate([rows[_every(len(rows), step, least=least)] for rows, step in zip(own, hop_s / stride_s, strict=True)])
    )


def solve(duration_s: NDArray[np.float64], *, window_s: float, common_s: float, cap: float) -> NDArray[np.float64]:
    """Return the hop of every class, seconds, at which all give as many windows as the longest does at `common_s`.

    duration_s: (K,) how long each class lasts in all. A hop is never below (1 - cap) * window_s.
    """
    if not 0 <= cap < 1:
        raise BadConfiguration(f"cap={cap:g}: windows that overlap whole never move on; give a share in [0, 1)")
    least_s = (1 - cap) * window_s
    if common_s < least_s - 1e-9:
        raise BadConfiguration(f"common_s={common_s:g}: hops below {least_s:g} s overlap by more than {cap:.0%}; raise it")
    return np.asarray(np.maximum(common_s * duration_s / duration_s.max(), least_s), dtype=np.float64)


def every(index: WindowIndex, *, hop_s: float) -> Rows:
    """Return the rows of a dense index at one hop for all classes, sorted: for validation and test, where labels are not seen.

    The first window of every recording, then the next that starts at least hop_s later.
    """
    if len(index) == 0:
        return np.zeros(0, dtype=np.int64)
    hop_ns = round(hop_s * SECOND)
    order = np.lexsort((index.timeline, index.recording))
    chosen: list[int] = []
    before, due = -1, 0
    for row, recording, start in zip(
        order.tolist(), index.recording[order].tolist(), index.start_ns[order].tolist(), strict=True
    ):
        if recording != before or start >= due:
            chosen.append(row)
            before, due = recording, start + hop_ns
    return np.sort(np.array(chosen, dtype=np.int64))


def dense_stride(index: WindowIndex) -> float:
    """Return the seconds from a window to the next of the same recording, the smallest there is."""
    order = np.lexsort((index.start_ns, index.recording))
    step = np.diff(index.start_ns[order])[np.diff(index.recording[order]) == 0]
    if len(step) == 0:
        raise BadConfiguration("no recording has two windows; build the index with a stride_s of a fraction of the window")
    return float(step.min()) / SECOND


def _every(count: int, step: float, *, least: float) -> Rows:
    """Return every step-th of `count` places, steps of a fraction in turn rounded down and up; no two closer than `least`."""
    step = max(step, least, 1.0)
    return np.asarray(np.floor(np.arange(math.ceil(count / step)) * step + 1e-9), dtype=np.int64)


def _check_labels(index: WindowIndex, labels: NDArray[np.generic]) -> None:
    if len(index) != len(labels) or len(index) == 0:
        raise BadConfiguration(f"{len(labels)} labels for {len(index)} windows; give one label to each of one window or more")


def _refuse_strangers(index: WindowIndex, training: Collection[str]) -> None:
    there = {index.participants[code] for code in np.unique(index.participant).tolist()}
    strangers = sorted(there - set(training))
    if strangers:
        raise LeakyScheme(
            f"participants {strangers[:5]} are not on the training side, and hops that follow the labels would show theirs;"
            " select the training participants first, and give the others one hop with `every`"
        )
