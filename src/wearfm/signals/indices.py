"""Signal-quality indices: one number per window, (N, T) -> (N,), all windows at once.

What the numbers should be is another question: see `wearfm.signals.quality`. No index is NaN: a constant window has skewness,
kurtosis, entropy and ratios of 0.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wearfm.signals.peaks import Beats

Array = NDArray[np.float64]
PHASES = 64  # points on which beats of different lengths are compared


def moment_ratio(signal: Array, *, power: Literal[3, 4]) -> Array:
    """Return m_power / m_2^(power/2): skewness for 3, kurtosis (3 for a Gaussian) for 4."""
    centred = signal - signal.mean(axis=1, keepdims=True)
    scaled = centred / np.maximum(np.abs(centred).max(axis=1, keepdims=True), np.finfo(float).tiny)
    square = scaled * scaled
    moment = np.mean(square * (scaled if power == 3 else square), axis=1)
    return ratio(moment, np.mean(square, axis=1) ** (power / 2))


def entropy(signal: Array, *, bins: int = 16) -> Array:
    """Return the Shannon entropy of the values in equal bins between minimum and maximum, divided by its maximum log(bins)."""
    low, high = signal.min(axis=1, keepdims=True), signal.max(axis=1, keepdims=True)
    place = np.minimum((bins * ratio(signal - low, high - low)).astype(np.int64), bins - 1)
    rows = np.arange(len(signal))[:, None] * bins
    share = np.bincount((rows + place).ravel(), minlength=len(signal) * bins).reshape(-1, bins) / signal.shape[1]
    return np.asarray(-np.sum(share * np.log(np.where(share > 0, share, 1.0)), axis=1) / np.log(bins), dtype=np.float64)


def perfusion(signal: Array) -> Array:
    """Return 100 (max - min) / |mean|, per cent: pulsatile over static light, for signals that still have their DC part."""
    return ratio(100 * np.ptp(signal, axis=1), np.abs(signal.mean(axis=1)))


def zero_crossings(signal: Array, *, rate_hz: float) -> Array:
    """Return how often a second the signal crosses its mean."""
    above = signal > signal.mean(axis=1, keepdims=True)
    return np.asarray(np.count_nonzero(above[:, 1:] != above[:, :-1], axis=1) * rate_hz / signal.shape[1], dtype=np.float64)


def longest_flat_s(signal: Array, *, rate_hz: float) -> Array:
    """Return the length of the longest run of equal samples, seconds; 0 if no two neighbours are equal."""
    equal = np.pad(signal[:, 1:] == signal[:, :-1], ((0, 0), (1, 1)))
    edges = np.flatnonzero(np.diff(equal.ravel().astype(np.int8)))
    longest = np.zeros(len(signal))
    np.maximum.at(longest, edges[::2] // equal.shape[1], edges[1::2] - edges[::2] + 1)
    return longest / rate_hz


def clipped(signal: Array) -> Array:
    """Return the share of samples at the window's maximum or minimum between two others that are there too."""
    at_end = (signal == signal.max(axis=1, keepdims=True)) | (signal == signal.min(axis=1, keepdims=True))
    return np.asarray(np.mean(at_end[:, 1:-1] & at_end[:, :-2] & at_end[:, 2:], axis=1), dtype=np.float64)


def steepest(signal: Array, *, rate_hz: float, lag_s: float) -> Array:
    """Return the largest slope over a lag, units a second."""
    lag = max(1, round(lag_s * rate_hz))
    change = np.abs(signal[:, lag:] - signal[:, :-lag]).max(axis=1, initial=0.0)
    return np.asarray(change * rate_hz / lag, dtype=np.float64)


def band_power(signal: Array, bands_hz: tuple[tuple[float, float], ...], *, rate_hz: float) -> tuple[Array, ...]:
    """Return the power in each band [low, high), from a Hann-windowed periodogram without the mean; (N,) each."""
    centred = signal - signal.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(centred * np.hanning(signal.shape[1]), axis=1)) ** 2
    frequency_hz = np.fft.rfftfreq(signal.shape[1], 1 / rate_hz)
    return tuple(power[:, (frequency_hz >= low) & (frequency_hz < high)].sum(axis=1) for low, high in bands_hz)


def agreement(first: Beats, second: Beats, *, num_windows: int, tolerance: float) -> Array:
    """Return for each window the beats both found over the beats either found (bSQI, Li et al. 2008); 0 for no beats.

    tolerance: largest distance of a pair, samples.
    """
    hits = np.zeros(num_windows)
    if len(first.row) and len(second.row):
        stride = 2 * (max(first.sample.max(), second.sample.max()) + int(tolerance) + 1)
        ours, theirs = first.row * stride + first.sample, second.row * stride + second.sample
        after = np.searchsorted(theirs, ours)
        gap = np.minimum(
            np.abs(theirs[np.minimum(after, len(theirs) - 1)] - ours), np.abs(theirs[np.maximum(after - 1, 0)] - ours)
        )
        hits = np.bincount(first.row[gap <= tolerance], minlength=num_windows).astype(np.float64)
    either = sum(np.bincount(beats.row, minlength=num_windows) for beats in (first, second)) - hits
    return ratio(hits, either)


def beat_spacing(beats: Beats, *, num_windows: int, rate_hz: float) -> tuple[Array, Array, Array]:
    """Return (beats a minute, longest interval in seconds, longest over shortest interval); 0 for fewer than two beats."""
    joined = np.diff(beats.row) == 0
    row, gap_s = beats.row[1:][joined], np.diff(beats.sample)[joined] / rate_hz
    longest, shortest = np.zeros(num_windows), np.full(num_windows, np.inf)
    np.maximum.at(longest, row, gap_s)
    np.minimum.at(shortest, row, gap_s)
    count = np.bincount(row, minlength=num_windows)
    mean_s = ratio(np.bincount(row, weights=gap_s, minlength=num_windows), count)
    return ratio(np.full(num_windows, 60.0), mean_s), longest, ratio(longest, np.where(count > 0, shortest, 0.0))


def template_correlation(signal: Array, beats: Beats) -> Array:
    """Return the mean correlation of a window's beats with their average; 0 for fewer than three whole beats.

    Beats reach half a median interval to each side and are read at 64 points (after Orphanidou et al. 2015).
    """
    num_windows, length = signal.shape
    half = _median_interval(beats, num_windows=num_windows)[beats.row] / 2
    whole = (half > 0) & (beats.sample - half >= 0) & (beats.sample + half <= length - 1)
    row = beats.row[whole]
    position = beats.sample[whole, None] + half[whole, None] * np.linspace(-1.0, 1.0, PHASES)  # (K, phase)
    below = np.minimum(position.astype(np.int64), length - 2)
    left, right = signal[row[:, None], below], signal[row[:, None], below + 1]
    shapes = left + (right - left) * (position - below)
    shapes -= shapes.mean(axis=1, keepdims=True)
    template = np.zeros((num_windows, PHASES))
    np.add.at(template, row, shapes)
    product = np.sum(shapes * template[row], axis=1)
    norm = np.sqrt(np.sum(shapes**2, axis=1) * np.sum(template[row] ** 2, axis=1))
    count = np.bincount(row, minlength=num_windows)
    mean = ratio(np.bincount(row, weights=ratio(product, norm), minlength=num_windows), count)
    return np.where(count >= 3, mean, 0.0)


def ratio(above: NDArray[np.number], below: NDArray[np.number]) -> Array:
    """Return above / below, and 0 where below is 0."""
    return np.asarray(np.where(below != 0, above / np.where(below != 0, below, 1), 0.0), dtype=np.float64)


def _median_interval(beats: Beats, *, num_windows: int) -> Array:
    """Return the median distance of neighbouring beats in samples; 0 for fewer than two beats."""
    joined = np.diff(beats.row) == 0
    row, gap = beats.row[1:][joined], np.diff(beats.sample)[joined]
    order = np.lexsort((gap, row))
    edges = np.searchsorted(row[order], np.arange(num_windows + 1))
    count = np.diff(edges)
    has = count > 0
    median = np.zeros(num_windows)
    median[has] = gap[order][(edges[:-1] + (count - 1) // 2)[has]]
    return median
