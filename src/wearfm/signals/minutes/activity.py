"""Activity by minutes: counts, steps, and how much of it there is around a minute that may be sleep."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from wearfm.signals.filter import Butterworth, filter_rows
from wearfm.signals.minutes.column import Column, wholly_measured
from wearfm.signals.minutes.grid import Array, Indices, Kind, Mask, by_minute
from wearfm.signals.minutes.motion import WORK_HZ
from wearfm.signals.spans import Spans

COUNT_BAND = Butterworth(low_hz=0.25, high_hz=2.5)  # the band of the ActiGraph family
COUNT_G = 0.01664  # g per count and tenth of a second: the step of the same family's converter
DEAD_G = 0.05  # smaller accelerations are not counted; our choice, above the noise of a wrist at rest

GAIT_BAND = Butterworth(low_hz=1.0, high_hz=3.5)  # steps a second: strolling to running
STEP_G = 0.04  # least height of a step in that band; our choice
STEP_S = (0.28, 1.1)  # shortest and longest time of a step: 3.5 to 0.9 a second
STEADY = 0.35  # largest change of a step's time against the one before it; our choice
BOUT_STEPS = 6  # fewer steps in a row are gestures; our choice

# Cole et al. 1992 (Sleep 15:461), one-minute epochs: weights of the minutes from four before to two after
SLEEP_WEIGHTS = (0.106, 0.054, 0.058, 0.076, 0.230, 0.074, 0.067)
SLEEP_BEFORE = 4
SLEEP_SCALE, SLEEP_MOST = 100.0, 300.0  # counts divided by 100 and at most 300, as is usual with counts of this kind


def counts(axes: Array, valid: Mask, edges: Indices) -> Column:
    """Return activity counts of each minute: the length of the vector of the three axes' counts.

    axes: (3, T) g at WORK_HZ. valid: (T,). edges: (M + 1,). Band-pass 0.25 to 2.5 Hz without shift in time, magnitude,
    dead band of 0.05 g, sum in steps of 16.64 mg at ten a second. In the style of ActiGraph, whose filter, rounding and
    saturation (Neishabouri et al. 2022, Sci. Rep. 12:11958) are others: not its counts.
    """
    moved, there = filter_rows(axes, np.repeat(valid[None], 3, axis=0), by=COUNT_BAND, rate_hz=WORK_HZ)
    size = np.abs(moved)
    weight = 10 / WORK_HZ / COUNT_G
    each = [by_minute(np.where(row >= DEAD_G, row, 0.0) * weight, there[0], edges, rate_hz=WORK_HZ) for row in size]
    total = np.sqrt(sum(minute.values.sum(axis=1) ** 2 for minute in each))
    return wholly_measured(total, each[0].share)


def sleep_index(count: Column) -> Column:
    """Return Cole and Kripke's weighted sum of the counts around each minute; below 1 they would score sleep.

    Cole et al. 1992 (Sleep 15:461). Their actigraph counted zero crossings: with our counts the sum orders minutes by
    stillness, and its threshold is not theirs.
    """
    scaled = np.minimum(count.values / SLEEP_SCALE, SLEEP_MOST)
    total, good = np.zeros(len(scaled)), np.ones(len(scaled), dtype=bool)
    for shift, weight in enumerate(SLEEP_WEIGHTS, start=-SLEEP_BEFORE):
        total += weight * _shifted(scaled, shift)
        good &= _shifted(count.good, shift)
    return Column(values=total, good=good, rule="needs counts of the four minutes before and the two after")


def steps(found: Indices, valid: Mask, edges: Indices) -> Column:
    """Return the steps of each minute. found: (K,) from `step_samples`. valid: (T,) at WORK_HZ. edges: (M + 1,)."""
    taken = np.zeros(len(valid))
    taken[found] = 1.0
    minute = by_minute(taken, valid, edges, rate_hz=WORK_HZ)
    return wholly_measured(minute.values.sum(axis=1), minute.share)


def step_samples(axes: Array, valid: Mask) -> Indices:
    """Return at which samples steps were taken, ascending; the pedometer is ours. axes: (3, T) g with gravity. valid: (T,).

    The length of the acceleration at 1 to 3.5 Hz has one peak a step, at the wrist, hip or ankle, whichever way the device
    is turned. A peak of at least 0.04 g counts if it stands in a row of at least six whose distances are 0.28 to 1.1 s and
    change by at most 35 % from one to the next. Rows end at gaps.
    """
    length = np.sqrt(np.square(axes).sum(axis=0))
    wave, there = filter_rows(length[None], valid[None], by=GAIT_BAND, rate_hz=WORK_HZ)
    peak = find_peaks(wave[0], height=STEP_G, distance=max(1, round(STEP_S[0] * WORK_HZ)))[0]
    span = np.searchsorted(Spans.from_mask(there[0]).bounds[:, 0], peak, side="right")
    return np.asarray(peak[_in_rows(peak / WORK_HZ, span)], dtype=np.int64)


def _in_rows(time_s: Array, span: Indices) -> Mask:
    """Return which peaks stand in a steady row of at least BOUT_STEPS. time_s, span: (K,) when, and in which valid span."""
    if len(time_s) == 0:
        return np.zeros(0, dtype=bool)
    gap_s = np.diff(time_s)
    linked = (gap_s >= STEP_S[0] - 1e-9) & (gap_s <= STEP_S[1]) & (np.diff(span) == 0)
    before = np.concatenate(([np.inf], gap_s[:-1]))
    fresh = ~np.concatenate(([False], linked[:-1]))  # the first distance of a row has none to be compared with
    linked &= fresh | (np.abs(gap_s - before) <= STEADY * before)
    row = np.concatenate(([0], np.cumsum(~linked)))
    return np.asarray(np.bincount(row)[row] >= BOUT_STEPS)


def _shifted(values: NDArray[Kind], by: int) -> NDArray[Kind]:
    """Return what lies `by` places later, (M,); zero or False where there is none."""
    out = np.zeros_like(values)
    if by >= 0:
        out[: max(len(values) - by, 0)] = values[by:]
    else:
        out[-by:] = values[:by]
    return out
