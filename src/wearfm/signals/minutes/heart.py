"""The heart by minutes: rate in a minute, variability over the five minutes around it.

    beats      | |  | | |   gap   | | |  |     intervals between neighbouring beats; artefacts are left out (signals.heart)
    rate       |---- minute ----|              intervals that end in the minute
    the rest   |------ 2 min ------|---- minute ----|------ 2 min ------|

Five minutes are the short recording of the Task Force 1996 (Circulation 93:1043).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wearfm.signals.filter import Butterworth, filter_channel
from wearfm.signals.heart import Intervals, find_artefacts, heart_rate, intervals
from wearfm.signals.minutes.column import Column, Columns
from wearfm.signals.minutes.grid import MINUTE_S, Array, Indices, Mask, MinuteGrid
from wearfm.signals.peaks import pulse_peaks, r_peaks, refine
from wearfm.signals.quality import quality
from wearfm.signals.recording import SECOND, Channel, Events
from wearfm.signals.spans import Spans
from wearfm.signals.units import modality

AROUND_MIN = 2  # minutes before and after: windows of five
LEAST_RATE_S = 20.0  # of normal intervals in a minute, for its rate; our choice
LEAST_COVER = 0.5  # share of five minutes that normal intervals must cover; our choice
LEAST_PAIRS = 20  # differences of neighbours, for RMSSD and their entropy; our choice
TRIM = (0.05, 0.95)  # quantiles between which SDNN and RMSSD look
ENTROPY_BIN_MS = 20.0
STEP_REACH_S = 1.1  # an optical beat this near to a step may be the step; the longest time of a step
JUDGED_S = 10.0  # length of the pieces whose quality is judged
_SAME_NS = 10_000_000  # a device's interval that begins this near the end of the one before goes on from it
_ROWS = 1440  # minutes whose windows are laid out at once: a day, 10 MB


@dataclass(frozen=True, kw_only=True, eq=False)
class Pulse:
    """What beats there were. series: intervals, seconds after `origin_ns`. measured: spans of seconds that were looked at."""

    series: Intervals
    origin_ns: int
    measured: Spans

    @property
    def covered_s(self) -> float:
        """Seconds of normal intervals."""
        return float(self.series.length_s[self.series.normal].sum())


def from_channel(channel: Channel) -> Pulse:
    """Return the intervals of an ECG, PPG or pressure channel; those that end where the signal is bad are not normal.

    Bad are the pieces of ten seconds that break a limit of `signals.quality`. The times of pulse peaks are refined between
    samples on the wave at 0.5 to 8 Hz.
    """
    if channel.modality == "ecg":
        beats: Indices | Array = r_peaks(channel)
        wave = channel
    else:
        wave = filter_channel(channel, Butterworth(low_hz=0.5, high_hz=8.0))
        beats = pulse_peaks(channel)
    found = intervals(refine(wave.physical(), np.asarray(beats, dtype=np.int64)), valid=channel.valid, rate_hz=channel.rate_hz)
    good = _good_pieces(channel)
    piece = np.minimum((found.end_s / JUDGED_S).astype(np.int64), len(good) - 1)
    series = Intervals(
        end_s=found.end_s,
        length_s=found.length_s,
        follows=found.follows,
        normal=found.normal & good[piece] if len(good) else found.normal & False,
    )
    return Pulse(series=series, origin_ns=channel.start_ns, measured=_seconds(channel))


def apart_from_steps(pulse: Pulse, step_ns: Indices) -> Pulse:
    """Return an optical pulse without the intervals that end while steps are taken. step_ns: (K,) ascending.

    A swinging arm moves the blood as a beat does: of simulated minutes of running that kept the quality limits 81 % were
    wrong by more than 10/min, most at the rate of the stride; of such minutes on the treadmill of TROIKA (Zhang, Pi & Liu
    2015, IEEE TBME 62:522) 33 %.
    """
    if len(step_ns) == 0:
        return pulse
    step_s = (step_ns - pulse.origin_ns) / SECOND
    after = np.searchsorted(step_s, pulse.series.end_s)
    before = np.maximum(after - 1, 0)
    reach = np.minimum(
        np.abs(step_s[np.minimum(after, len(step_s) - 1)] - pulse.series.end_s), np.abs(step_s[before] - pulse.series.end_s)
    )
    return replace(pulse, series=replace(pulse.series, normal=pulse.series.normal & (reach > STEP_REACH_S)))


def from_events(events: Events, *, stop_ns: int) -> Pulse:
    """Return the intervals that a device found; events of kind "ibi", each over its interval. stop_ns: end of the recording.

    Devices leave out what they do not trust, so all of the time from the first interval counts as measured.
    """
    found = events.of_kind("ibi")
    ends = found.onset_ns + found.duration_ns
    origin = int(found.onset_ns[0])
    length_s = found.duration_ns / SECOND
    follows = np.concatenate(([False], np.abs(found.onset_ns[1:] - ends[:-1]) <= _SAME_NS))
    heart = modality("hr")
    plausible = (length_s >= 60 / heart.high) & (length_s <= 60 / heart.low)
    series = Intervals(
        end_s=(ends - origin) / SECOND,
        length_s=length_s,
        follows=follows,
        normal=plausible & ~find_artefacts(length_s, follows),
    )
    return Pulse(series=series, origin_ns=origin, measured=Spans.all(max(0, -(-(stop_ns - origin) // SECOND))))


def rate(pulse: Pulse, grid: MinuteGrid) -> Column:
    """Return the heart rate of each minute, 1/min: 60 over the mean normal interval that ends in it; needs 20 s of them."""
    starts_s = grid.starts_s(pulse.origin_ns)
    covered_s = _covered(pulse.series, starts_s, MINUTE_S)
    good = covered_s >= LEAST_RATE_S
    per_min = heart_rate(pulse.series, start_s=starts_s, window_s=MINUTE_S)
    return Column(values=np.where(good, per_min, 0.0), good=good, rule="normal intervals cover less than 20 s of the minute")


def rate_at_rest(heart_rate: Column, still: Mask) -> Column:
    """Return the heart rate of the minutes that are still, as the one before them was. still: (M,)."""
    rested = still & np.concatenate(([False], still[:-1]))
    return Column(
        values=heart_rate.values, good=heart_rate.good & rested, rule="no heart rate, or movement in this minute or the last"
    )


def variability(pulse: Pulse, grid: MinuteGrid) -> Columns:
    """Return what intervals say over the five minutes around each minute.

    rr_valid_share: seconds of normal intervals over measured seconds. rr_p20, rr_median, rr_p80 (ms): quantiles of normal
    intervals. sdnn (ms): standard deviation of the normal intervals from their 5th to their 95th percentile; rmssd (ms): of
    neighbours that both lie there, the root mean square difference. rr_entropy, rr_change_entropy (bit): Shannon entropy of
    intervals and of differences in bins of 20 ms.
    """
    starts_s = grid.starts_s(pulse.origin_ns) - AROUND_MIN * MINUTE_S
    window_s = (2 * AROUND_MIN + 1) * MINUTE_S
    measured_s = _measured(pulse.measured, starts_s, window_s)
    covered_s = _covered(pulse.series, starts_s, window_s)
    share = np.minimum(covered_s / np.maximum(measured_s, 1.0), 1.0)
    good = covered_s >= LEAST_COVER * window_s
    values, num_pairs = _by_blocks(pulse.series, starts_s, window_s)
    few = "normal intervals cover less than half of the five minutes"
    paired = good & (num_pairs >= LEAST_PAIRS)
    few_pairs = f"{few}, or fewer than {LEAST_PAIRS} are neighbours"
    return {
        "rr_valid_share": Column(
            values=share, good=measured_s >= LEAST_COVER * window_s, rule="less than half of the five minutes measured"
        ),
        **{name: Column(values=values[name], good=good, rule=few) for name in ("rr_p80", "rr_p20", "rr_median", "sdnn")},
        "rr_entropy": Column(values=values["rr_entropy"], good=good, rule=few),
        **{name: Column(values=values[name], good=paired, rule=few_pairs) for name in ("rmssd", "rr_change_entropy")},
    }


def _good_pieces(channel: Channel) -> Mask:
    """Return which pieces of ten seconds keep all quality limits; pieces that are not valid throughout do not."""
    size = round(JUDGED_S * channel.rate_hz)
    starts = np.round(np.arange(len(channel.samples) / (JUDGED_S * channel.rate_hz)) * JUDGED_S * channel.rate_hz).astype(
        np.int64
    )
    whole = np.flatnonzero((channel.valid.covered(starts, size) == size) & (starts + size <= len(channel.samples)))
    good = np.zeros(len(starts), dtype=bool)
    if len(whole):
        windows = channel.physical()[starts[whole, None] + np.arange(size)]  # (N, size)
        good[whole] = quality(windows, rate_hz=channel.rate_hz, modality="ecg" if channel.modality == "ecg" else "ppg").good
    return good


def _seconds(channel: Channel) -> Spans:
    """Return the whole seconds from the channel's start that are valid throughout."""
    bounds = channel.valid.bounds / channel.rate_hz
    return Spans.of(np.stack((np.ceil(bounds[:, 0]), np.floor(bounds[:, 1])), axis=1).astype(np.int64))


def _measured(seconds: Spans, starts_s: Array, window_s: float) -> Array:
    """Return how many seconds of each window were measured, (M,)."""
    return seconds.covered(np.round(starts_s).astype(np.int64), round(window_s)).astype(np.float64)


def _covered(series: Intervals, starts_s: Array, window_s: float) -> Array:
    """Return the seconds of normal intervals that end in each window, (M,)."""
    end_s, total = series.end_s[series.normal], np.concatenate(([0.0], np.cumsum(series.length_s[series.normal])))
    first, last = (np.searchsorted(end_s, starts_s + shift) for shift in (0.0, window_s))
    return np.asarray(total[last] - total[first], dtype=np.float64)


def _by_blocks(series: Intervals, starts_s: Array, window_s: float) -> tuple[dict[str, Array], Indices]:
    """Return the figures of `_figures` for all windows, a day of them at a time."""
    end_s, value_ms = series.end_s[series.normal], 1000 * series.length_s[series.normal]
    joined = (series.follows & np.concatenate(([False], series.normal[:-1])))[series.normal] if len(series) else series.normal
    parts = []
    for block in range(0, max(len(starts_s), 1), _ROWS):
        starts = starts_s[block : block + _ROWS]
        first, last = np.searchsorted(end_s, starts), np.searchsorted(end_s, starts + window_s)
        place = first[:, None] + np.arange(max(1, int((last - first).max(initial=0))))  # (M, K)
        inside = place < last[:, None]
        place = np.where(inside, place, 0)
        if len(value_ms):
            parts.append(_figures(value_ms[place], inside, joined[place] & inside))
        else:
            parts.append(_figures(np.zeros(place.shape), inside, inside))
    return (
        {name: np.concatenate([values[name] for values, _ in parts]) for name in parts[0][0]},
        np.concatenate([pairs for _, pairs in parts]),
    )


def _figures(value_ms: Array, inside: Mask, joined: Mask) -> tuple[dict[str, Array], Indices]:
    """Return the figures of each row and the number of differences, (M,).

    value_ms: (M, K) intervals. inside: (M, K) those of the row. joined: (M, K) those that follow the one before them.
    """
    ordered = np.sort(np.where(inside, value_ms, np.inf), axis=1)
    count = inside.sum(axis=1)
    low, p20, middle, p80, high = (_quantile(ordered, count, share) for share in (TRIM[0], 0.2, 0.5, 0.8, TRIM[1]))
    typical = inside & (value_ms >= low[:, None]) & (value_ms <= high[:, None])
    change_ms = np.diff(value_ms, axis=1)
    pairs = joined[:, 1:] & inside[:, :-1]
    typical_pairs = pairs & typical[:, 1:] & typical[:, :-1]
    square = np.where(typical_pairs, change_ms, 0.0) ** 2
    figures = {
        "rr_p20": p20,
        "rr_median": middle,
        "rr_p80": p80,
        "sdnn": _deviation(value_ms, typical),
        "rmssd": np.sqrt(square.sum(axis=1) / np.maximum(typical_pairs.sum(axis=1), 1)),
        "rr_entropy": entropy(value_ms, inside),
        "rr_change_entropy": entropy(change_ms, pairs),
    }
    return figures, typical_pairs.sum(axis=1)


def entropy(value_ms: Array, inside: Mask, *, bin_ms: float = ENTROPY_BIN_MS) -> Array:
    """Return the Shannon entropy of each row, bit; 0 for no value. value_ms, inside: (M, K).

    Bins of 20 ms, edges at its multiples, are our choice: a Gaussian of the published SDNN and RMSSD (45 and 34 ms) then
    has 3.2 and 2.8 bit, where 3.3 and 3.0 are published.
    """
    code = np.floor(value_ms / bin_ms).astype(np.int64)
    code -= int(code.min(initial=0))
    num_bins = int(code.max(initial=0)) + 1
    cell = (np.arange(len(code))[:, None] * num_bins + code)[inside]
    share = np.bincount(cell, minlength=len(code) * num_bins).reshape(-1, num_bins) / np.maximum(inside.sum(axis=1), 1)[:, None]
    return np.asarray(-np.sum(share * np.log2(np.where(share > 0, share, 1.0)), axis=1), dtype=np.float64) + 0.0


def _quantile(ordered: Array, count: Indices, share: float) -> Array:
    """Return the quantile of the first `count` of each sorted row, between samples by straight lines; 0 for none."""
    position = share * np.maximum(count - 1, 0)
    below = position.astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    row = np.arange(len(ordered))
    left, right = (np.where(count > 0, ordered[row, at], 0.0) for at in (below, above))
    return np.asarray(left + (right - left) * (position - below), dtype=np.float64)


def _deviation(value_ms: Array, inside: Mask) -> Array:
    """Return the sample standard deviation of each row; 0 for fewer than two values."""
    count = inside.sum(axis=1)
    mean = np.where(inside, value_ms, 0.0).sum(axis=1) / np.maximum(count, 1)
    square = np.where(inside, value_ms - mean[:, None], 0.0) ** 2
    return np.asarray(np.sqrt(square.sum(axis=1) / np.maximum(count - 1, 1)), dtype=np.float64)
