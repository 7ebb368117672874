"""Totals of irregular intervals (steps, metres, kilocalories) as a minute channel: nothing lost, nothing invented.

    records    |----- 30 -----|        |10|         a total each, from a start to an end
    minutes    |   |   |   |   |   |   |   |
    channel      4   8   8   8   2   -   10          each interval's total in proportion to the time in each minute

Minutes that no interval touches are not valid. Time that two intervals of one source both cover counts once: the later
interval keeps the share of its total that lies beyond, and what falls away is added up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.readers.assembly import Series
from wearfm.readers.labels import Meaning
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans

MINUTE_S = 60
MINUTE_HZ = 1 / 60
LONGEST_S = 25 * 3600  # the longest day of a year; a total over more says nothing of minutes


@dataclass(frozen=True, kw_only=True, eq=False)
class Totals:
    """Intervals and their totals: start_s, stop_s (N,) int64 seconds since 1970, value (N,) float64."""

    start_s: NDArray[np.int64]
    stop_s: NDArray[np.int64]
    value: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Minutes:
    """Totals by minute: value (T,) from start_s on. touched: where an interval was.

    overlapping: intervals that were clipped. lost: what fell away with that.
    """

    start_s: int
    value: NDArray[np.float64]
    touched: Spans
    overlapping: int
    lost: float


def spread(totals: Totals) -> Minutes:
    """Return the totals by minute of UTC. The intervals, in any order, are at least one."""
    order = np.lexsort((-totals.stop_s, totals.start_s))
    start, stop, value = totals.start_s[order], totals.stop_s[order], totals.value[order]
    lasts = stop > start
    begun, share = _beyond(start[lasts], stop[lasts])
    kept = value[lasts] * share
    first, last = int(start.min()) // MINUTE_S, -(-int(np.maximum(stop, start + 1).max()) // MINUTE_S)
    edges = np.arange(first, last + 1, dtype=np.int64) * MINUTE_S
    minutes = _by_minute(edges, begun, np.maximum(begun, stop[lasts]), kept)
    np.add.at(minutes, start[~lasts] // MINUTE_S - first, value[~lasts])
    return Minutes(
        start_s=first * MINUTE_S,
        value=minutes,
        touched=Spans.of(np.stack((start // MINUTE_S, -(-np.maximum(stop, start + 1) // MINUTE_S)), axis=1) - first),
        overlapping=int(np.count_nonzero(share < 1)),
        lost=float(value[lasts].sum() - kept.sum()),
    )


def minute_series(minutes: Minutes, *, modality: str, unit: str, placement: str = "") -> Series:
    """Return the minutes as a series named after its modality; totals that fall out whole stay integers."""
    whole = np.array_equal(minutes.value, np.rint(minutes.value)) and abs(minutes.value).max() < 2**31
    return Series(
        label=modality,
        meaning=Meaning(modality=modality, unit=unit, placement=placement),
        samples=minutes.value.astype(np.int32 if whole else np.float32),
        rate_hz=MINUTE_HZ,
        start_ns=minutes.start_s * SECOND,
        present=minutes.touched,
    )


def stamped_minutes(minute: NDArray[np.int64], values: NDArray[np.float64], *, name: str, meaning: Meaning) -> Series:
    """Return values that stand at their own minutes as a series; minute: (N,) minutes since 1970, in any order.

    Of values of the same minute the first is kept, the others are dropped and counted. Whole numbers stay integers.
    """
    order = np.argsort(minute, kind="stable")
    at, ordered = minute[order], values[order]
    keep = np.concatenate(([True], np.diff(at) > 0))
    place = at[keep] - at[0]
    whole = bool((ordered == np.rint(ordered)).all() and abs(ordered).max() < 2**15)
    samples = np.zeros(int(place[-1]) + 1, dtype=np.int16 if whole else np.float32)
    samples[place] = ordered[keep]
    twice = int(np.count_nonzero(~keep))
    return Series(
        label=name,
        meaning=meaning,
        samples=samples,
        rate_hz=MINUTE_HZ,
        start_ns=int(at[0]) * MINUTE_S * SECOND,
        present=Spans.of(np.stack((place, place + 1), axis=1)),
        findings=(Finding(action="dropped", samples=twice, reason="the same minute again"),) if twice else (),
    )


def _beyond(start: NDArray[np.int64], stop: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where each interval, in order of start, leaves the earlier ones behind, and the share of it beyond."""
    if len(start) == 0:
        return start, np.zeros(0)
    reach = np.concatenate((start[:1], np.maximum.accumulate(stop)[:-1]))
    begun = np.minimum(np.maximum(start, reach), stop)
    return begun, (stop - begun) / (stop - start)


def _by_minute(
    edges: NDArray[np.int64], start: NDArray[np.int64], stop: NDArray[np.int64], value: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what disjoint intervals, (N,) in order, add up to between edges, (T + 1,) -> (T,), from their running sum."""
    left = stop > start
    if not left.any():
        return np.zeros(len(edges) - 1)
    at = np.stack((start[left], stop[left]), axis=1).ravel()
    after = np.cumsum(value[left])
    total = np.stack((np.concatenate(([0.0], after[:-1])), after), axis=1).ravel()
    return np.diff(np.interp(edges, at, total, left=0.0, right=float(after[-1])))
