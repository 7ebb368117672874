"""Heart beats: systolic peaks and onsets of a pulse wave, R peaks of an electrocardiogram.

    pulse   two moving averages: Elgendi et al. 2013 (PLoS ONE 8:e76585)
    ecg     two moving averages: Elgendi, Jonkman & De Boer 2010 (BIOSIGNALS, p. 428); as a second opinion for signal quality,
            rules on the slope: Pan & Tompkins 1985 (IEEE TBME 32:230), Hamilton 2002 (Comput. Cardiol. 29:101)

All take rows (N, T) and give `Beats`, or a channel and give sample numbers. A piece between two gaps is searched by itself.
Long pieces are searched ten minutes at a time with ten seconds of margin, so that memory stays bounded and thresholds follow
the signal; time grows linearly with length.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from wearfm.errors import BadConfiguration
from wearfm.signals.filter import Butterworth
from wearfm.signals.pieces import Float, check_rows, pieces
from wearfm.signals.recording import Channel

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
Detector = Callable[..., tuple[Indices, Indices]]

SHORTEST_S = 2.0  # a shorter piece does not hold two beats at rest
BLOCK_S = 600.0
MARGIN_S = 10.0
LOWEST_RATE_HZ = {"pulse": 16.0, "ecg": 40.0}  # twice the upper edge of what the detectors look at: 8 Hz and 20 Hz


class Beats(NamedTuple):
    """Beats of rows, sorted by row and sample. row, sample: (K,)."""

    row: Indices
    sample: Indices


def pulse_peaks(channel: Channel) -> Indices:
    """Return the sample numbers of the systolic peaks of a PPG or pressure channel, ascending."""
    return find_pulse_peaks(channel.physical()[None], channel.mask()[None], rate_hz=channel.rate_hz).sample


def r_peaks(channel: Channel) -> Indices:
    """Return the sample numbers of the R peaks of an ECG channel of either polarity, ascending."""
    return find_r_peaks(channel.physical()[None], channel.mask()[None], rate_hz=channel.rate_hz).sample


def find_pulse_peaks(signal: NDArray[Float], valid: Mask, *, rate_hz: float) -> Beats:
    """Return the systolic peaks of rows; signal, valid: (N, T). Rates from 16 Hz."""
    return _search(signal, valid, rate_hz=rate_hz, kind="pulse", detector=_pulses)


def find_r_peaks(signal: NDArray[Float], valid: Mask, *, rate_hz: float) -> Beats:
    """Return the R peaks of rows by two moving averages; signal, valid: (N, T). Rates from 40 Hz."""
    return _search(signal, valid, rate_hz=rate_hz, kind="ecg", detector=_complexes_by_averages)


def find_r_peaks_by_rules(signal: NDArray[Float], valid: Mask, *, rate_hz: float) -> Beats:
    """Return the R peaks of rows by Hamilton's rules, a second opinion; signal, valid: (N, T). Rates from 40 Hz."""
    return _search(signal, valid, rate_hz=rate_hz, kind="ecg", detector=_complexes_by_rules)


def pulse_onsets(channel: Channel, peaks: Indices) -> Indices:
    """Return where each pulse begins: the lowest sample between the previous peak and its own, at most 0.6 s back.

    peaks: ascending sample numbers from `pulse_peaks`. The search stays in the peak's own valid span.
    """
    if len(peaks) == 0:
        return peaks
    spans = channel.valid.bounds
    span_start = spans[np.searchsorted(spans[:, 0], peaks, side="right") - 1, 0]
    earliest = peaks - round(0.6 * channel.rate_hz)
    previous = np.concatenate(([span_start[0]], peaks[:-1]))
    first = np.maximum.reduce([span_start, earliest, previous])
    return _highest(-channel.physical(), first, peaks + 1)


def refine(signal: NDArray[np.floating], peaks: Indices) -> Array:
    """Return the peaks between samples: the vertex of the parabola through each peak and its neighbours.

    signal: (T,). peaks: (K,) local extrema. At 64 Hz a pulse peak is otherwise known only to 16 ms. A peak at the edge, or
    one that is no extremum, stays.
    """
    inner = np.clip(peaks, 1, max(1, len(signal) - 2))
    left, middle, right = (signal[inner + step].astype(np.float64) for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    safe = np.where(bend == 0, 1.0, bend)
    shift = np.where(bend == 0, 0.0, 0.5 * (left - right) / safe)
    return np.asarray(peaks + np.where((np.abs(shift) <= 0.5) & (inner == peaks), shift, 0.0), dtype=np.float64)


def _search(signal: NDArray[Float], valid: Mask, *, rate_hz: float, kind: str, detector: Detector) -> Beats:
    check_rows(signal, valid)
    if rate_hz < LOWEST_RATE_HZ[kind]:
        raise BadConfiguration(
            f"{kind} beats cannot be found at {rate_hz:g} Hz; the rate must be >= {LOWEST_RATE_HZ[kind]:g} Hz"
        )
    found: list[tuple[Indices, Indices]] = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    block, margin = round(BLOCK_S * rate_hz), round(MARGIN_S * rate_hz)
    for rows, start, stop in pieces(valid):
        if stop - start < SHORTEST_S * rate_hz:
            continue
        for core in range(start, stop, block):
            first, last = max(start, core - margin), min(stop, core + block + margin)
            row, sample = detector(signal[rows, first:last].astype(np.float64), rate_hz=rate_hz)
            inside = (sample + first >= core) & (sample + first < core + block)
            found.append((rows[row[inside]], sample[inside] + first))
    row, sample = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((sample, row))
    return Beats(row[order], sample[order])


def _pulses(signal: Array, *, rate_hz: float) -> tuple[Indices, Indices]:
    """Elgendi et al. 2013: 0.5 to 8 Hz, squared above zero, event 111 ms, beat 667 ms, offset 2 %."""
    filtered = _band(signal, low_hz=0.5, high_hz=8.0, rate_hz=rate_hz)
    energy = np.clip(filtered, 0, None) ** 2
    row, start, stop = _events(energy, event_s=0.111, beat_s=0.667, offset=0.02, rate_hz=rate_hz)
    flat_row = row * signal.shape[1]
    sample = _highest(filtered.ravel(), flat_row + start, flat_row + stop) - flat_row
    keep = _apart(row, sample, filtered[row, sample], distance=0.3 * rate_hz)
    return row[keep], sample[keep]


def _complexes_by_averages(signal: Array, *, rate_hz: float) -> tuple[Indices, Indices]:
    """Elgendi et al. 2010: 8 to 20 Hz, squared, event 97 ms, beat 611 ms, offset 8 %."""
    filtered = _band(signal, low_hz=8.0, high_hz=20.0, rate_hz=rate_hz)
    row, start, stop = _events(filtered**2, event_s=0.097, beat_s=0.611, offset=0.08, rate_hz=rate_hz)
    sample = _r_samples(signal, filtered, row, (start + stop) // 2, rate_hz=rate_hz)
    keep = _apart(row, sample, np.abs(filtered[row, sample]), distance=0.2 * rate_hz)
    return row[keep], sample[keep]


def _complexes_by_rules(signal: Array, *, rate_hz: float) -> tuple[Indices, Indices]:
    """Pan & Tompkins 1985 for the band (5 to 15 Hz), Hamilton 2002 for the slope averaged over 80 ms and the rules."""
    filtered = _band(signal, low_hz=5.0, high_hz=15.0, rate_hz=rate_hz)
    slope = np.abs(np.gradient(filtered, axis=1))
    energy = uniform_filter1d(slope, _odd(0.08 * rate_hz), axis=1)
    highest = maximum_filter1d(energy, _odd(0.4 * rate_hz), axis=1)  # no larger peak within 200 ms
    row, sample = np.nonzero((energy == highest) & (energy > 0))
    keep = _apart(row, sample, energy[row, sample], distance=0.2 * rate_hz)
    row, sample = row[keep], sample[keep]
    steepest = maximum_filter1d(slope, _odd(0.15 * rate_hz), axis=1)[row, sample]
    heights = energy[row, sample]
    starting = _starting_level(energy, rate_hz=rate_hz)
    chosen: list[Indices] = [np.zeros(0, dtype=np.int64)]
    edges = np.searchsorted(row, np.arange(len(signal) + 1))
    for number, (first, last) in enumerate(pairwise(edges.tolist())):
        piece = slice(first, last)
        beats = _hamilton(sample[piece] / rate_hz, heights[piece], steepest[piece], level=starting[number])
        chosen.append(first + np.array(beats, dtype=np.int64))
    beat = np.concatenate(chosen)
    return row[beat], _r_samples(signal, filtered, row[beat], sample[beat], rate_hz=rate_hz)


def _starting_level(energy: Array, *, rate_hz: float) -> Array:
    """Return (N,) the median of the maxima of the first eight seconds, one by one (Hamilton 2002)."""
    second = min(round(rate_hz), energy.shape[1])
    count = min(8, energy.shape[1] // second)
    return np.asarray(np.median(energy[:, : count * second].reshape(len(energy), count, second).max(axis=2), axis=1))


def _hamilton(time_s: Array, heights: Array, slopes: Array, *, level: float) -> list[int]:
    """Return which candidates of one row are QRS complexes.

    The threshold lies 31 % of the way from the median of the last eight noise peaks to that of the last eight complexes.
    A candidate within 360 ms of a complex and less than half as steep is its T wave. If 1.5 mean intervals pass without
    a complex, the highest candidate above half of the threshold is taken after all.
    """
    beats: list[int] = []
    signal_peaks, noise_peaks, intervals = [level] * 8, [0.0] * 8, [1.0] * 8
    signal_level, noise_level = level, 0.0
    passed: list[int] = []  # candidates since the last complex that were taken for noise
    for index, (moment, height, slope) in enumerate(zip(time_s.tolist(), heights.tolist(), slopes.tolist(), strict=True)):
        threshold = noise_level + 0.3125 * (signal_level - noise_level)
        if beats and passed and moment - time_s[beats[-1]] > 1.5 * sum(intervals) / 8:
            late = max(passed, key=heights.__getitem__)
            if heights[late] > threshold / 2 and time_s[late] - time_s[beats[-1]] >= 0.36:
                _accept(beats, late, time_s, intervals)
                signal_peaks = [*signal_peaks[1:], float(heights[late])]
                passed = [other for other in passed if other > late]
        since = moment - time_s[beats[-1]] if beats else np.inf
        if height > threshold and not (since < 0.36 and slope < 0.5 * slopes[beats[-1]]):
            _accept(beats, index, time_s, intervals)
            signal_peaks, passed = [*signal_peaks[1:], height], []
        else:
            noise_peaks = [*noise_peaks[1:], height]
            passed.append(index)
        signal_level, noise_level = sorted(signal_peaks)[4], sorted(noise_peaks)[4]
    return beats


def _accept(beats: list[int], index: int, time_s: Array, intervals: list[float]) -> None:
    """Add a complex, and its interval to the last eight."""
    if beats:
        intervals.append(float(time_s[index] - time_s[beats[-1]]))
        del intervals[0]
    beats.append(index)


def _r_samples(signal: Array, filtered: Array, row: Indices, centre: Indices, *, rate_hz: float) -> Indices:
    """Return the R peak near each centre: the extremum on the side, up or down, to which the row's complexes point."""
    steps = np.arange(-round(0.1 * rate_hz), round(0.1 * rate_hz) + 1)
    around = np.clip(centre[:, None] + steps, 0, signal.shape[1] - 1)  # (K, 2 * half + 1)
    near = filtered[row[:, None], around]
    lean = np.bincount(row, weights=near.max(axis=1) + near.min(axis=1), minlength=len(signal))
    side = np.where(lean < 0, -1.0, 1.0)[row, None]
    peak = around[np.arange(len(row)), np.argmax(side * near, axis=1)]
    close = np.clip(peak[:, None] + np.arange(-round(0.04 * rate_hz), round(0.04 * rate_hz) + 1), 0, signal.shape[1] - 1)
    return np.asarray(close[np.arange(len(row)), np.argmax(side * signal[row[:, None], close], axis=1)], dtype=np.int64)


def _events(energy: Array, *, event_s: float, beat_s: float, offset: float, rate_hz: float) -> tuple[Indices, Indices, Indices]:
    """Return (row, start, stop) of the stretches where the event average exceeds the beat average, at least an event long.

    The offset is a share of the mean energy; the papers take the mean over their 10 to 60 s recordings, here it is that of
    the ten seconds around, so that one artefact does not silence a day.
    """
    event = uniform_filter1d(energy, _odd(event_s * rate_hz), axis=1)
    beat = uniform_filter1d(energy, _odd(beat_s * rate_hz), axis=1)
    around = uniform_filter1d(energy, min(_odd(10 * rate_hz), _odd(energy.shape[1])), axis=1)
    above = np.pad(event > beat + offset * around, ((0, 0), (1, 1)))
    edges = np.flatnonzero(np.diff(above.ravel().astype(np.int8)))
    start, stop = edges[::2], edges[1::2]
    row = start // above.shape[1]
    long = stop - start >= event_s * rate_hz
    return row[long], (start - row * above.shape[1])[long], (stop - row * above.shape[1])[long]


def _highest(values: Array, starts: Indices, stops: Indices) -> Indices:
    """Return the position of the first maximum of each [start, stop) of a (T,) array; none is empty."""
    lengths = stops - starts
    if len(lengths) == 0:
        return starts
    offsets = np.cumsum(lengths) - lengths
    position = np.arange(lengths.sum()) + np.repeat(starts - offsets, lengths)
    block = np.repeat(np.arange(len(lengths)), lengths)
    inside = values[position]
    hits = np.flatnonzero(inside == np.maximum.reduceat(inside, offsets)[block])
    return np.asarray(position[hits[np.unique(block[hits], return_index=True)[1]]], dtype=np.int64)


def _apart(row: Indices, sample: Indices, height: Array, *, distance: float) -> Mask:
    """Return which peaks stay when every peak that is nearer than `distance` to a higher neighbour in its row goes."""
    keep = np.ones(len(row), dtype=bool)
    near = (np.diff(row) == 0) & (np.diff(sample) < distance)
    keep[:-1] &= ~(near & (height[:-1] < height[1:]))
    keep[1:] &= ~(near & (height[1:] <= height[:-1]))
    return keep


def _band(signal: Array, *, low_hz: float, high_hz: float, rate_hz: float) -> Array:
    """Return the rows between two frequencies, of any length, continued beyond their ends."""
    design = Butterworth(low_hz=low_hz, high_hz=min(high_hz, 0.45 * rate_hz), order=2)
    return design(signal, rate_hz=rate_hz)


def _odd(samples: float) -> int:
    """Return the nearest odd number, at least 1."""
    return max(1, 2 * int(samples / 2) + 1)
