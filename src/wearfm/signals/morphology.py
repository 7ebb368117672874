"""The shape of a pulse in three numbers, and which way up it is.

    sVRI   stress-induced vascular response index: mean light after the systolic peak over mean light before it
    IPA    inflection point area ratio: area before the dicrotic notch over area after it
    SQI    skewness as a signal quality index (Elgendi 2016, Bioengineering 3:21)

each as `window_*`, as PaPaGei computes it (Pillai et al. 2025, arXiv:2410.20542; [code] is
github.com/Nokia-Bell-Labs/papagei-foundation-model at 0c537da, morphology.py), and as `beat_*`, ours: the median over the
whole beats of the window. The published sVRI splits all 10 s at the one highest sample, and the published IPA is that of the
first beat around the window's mean: both say mainly where the window was cut. Moved by a fraction of a beat, a window of the
same pulse gets another number. The median over beats stays.

Windows are rows (N, T); all indices are (N,) float64, NaN where the window has no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import argrelmin

from wearfm.signals.indices import moment_ratio
from wearfm.signals.peaks import find_pulse_peaks

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Float = np.floating

BEND_S = 0.04  # distance over which the bend of a falling pulse is measured: half the period of the filter's upper edge
LATEST_NOTCH = 0.7  # of the beat: behind it rises the next one


def window_svri(windows: NDArray[Float]) -> Array:
    """Return mean(x[m:]) / mean(x[:m]), x scaled to [0, 1], m its highest sample [code]; NaN where m = 0 or x is constant."""
    values = np.asarray(windows, dtype=np.float64)
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    scaled = (values - low) / np.where(high > low, high - low, np.nan)
    peak = values.argmax(axis=1)
    before = np.arange(values.shape[1]) < peak[:, None]
    sum_before = np.where(before, scaled, 0.0).sum(axis=1)
    mean_after = np.where(before, 0.0, scaled).sum(axis=1) / (values.shape[1] - peak)
    return _over(mean_after * peak, sum_before)


def window_sqi(windows: NDArray[Float]) -> Array:
    """Return the mean of the skewness of both halves of each window [code]; 0 for a constant half."""
    values = np.asarray(windows, dtype=np.float64)
    half = values.shape[1] // 2
    return (moment_ratio(values[:, :half], power=3) + moment_ratio(values[:, half : 2 * half], power=3)) / 2


def window_ipa(windows: NDArray[Float], *, rate_hz: float) -> Array:
    """Return area before the notch / area behind it of each window's first beat, around the window's own zero [code].

    windows: standardised, as in training. A beat lies between the first two minima of order rate_hz // 5; its notch is its
    first inner minimum. 0 where there is none: the original's answer to every index error.
    """
    return np.array([_first_beat(np.asarray(row, dtype=np.float64), order=int(rate_hz // 5)) for row in windows])


def _first_beat(window: Array, *, order: int) -> float:
    minima = argrelmin(window, order=order)[0]
    if len(minima) < 2:
        return 0.0
    beat = window[minima[0] : minima[1]]
    inner = argrelmin(beat)[0]
    if len(inner) == 0:
        return 0.0
    behind = np.trapezoid(beat[inner[0] :])
    return float(np.trapezoid(beat[: inner[0]]) / behind) if behind else 0.0


def beat_svri(windows: NDArray[Float], valid: Mask, *, rate_hz: float) -> Array:
    """Return the median over beats of mean(x[m:]) / mean(x[:m]), x the beat scaled to [0, 1], m its highest sample."""
    return _median_over_beats(windows, valid, lambda beat: float(window_svri(beat[None])[0]), rate_hz=rate_hz)


def beat_sqi(windows: NDArray[Float], valid: Mask, *, rate_hz: float) -> Array:
    """Return the median over beats of their skewness."""
    return _median_over_beats(windows, valid, lambda beat: float(moment_ratio(beat[None], power=3)[0]), rate_hz=rate_hz)


def beat_ipa(windows: NDArray[Float], valid: Mask, *, rate_hz: float) -> Array:
    """Return the median over beats of area before the notch / area behind it, both above the beat's lowest sample.

    The notch is where the falling pulse bends upwards most sharply (Elgendi 2012, Curr. Cardiol. Rev. 8:14, calls it e), so
    that a pulse whose notch is only a shoulder has one too.
    """
    reach = max(1, round(BEND_S * rate_hz))
    return _median_over_beats(windows, valid, lambda beat: _areas(beat, reach=reach), rate_hz=rate_hz)


def _areas(beat: Array, *, reach: int) -> float:
    above = beat - beat.min()
    first, last = int(above.argmax()) + reach, round(LATEST_NOTCH * len(above))
    if first >= last or last + reach > len(above):
        return np.nan
    bend = above[first + reach : last + reach] - 2 * above[first:last] + above[first - reach : last - reach]
    notch = first + int(bend.argmax())
    return float(_over(np.array(np.trapezoid(above[: notch + 1])), np.array(np.trapezoid(above[notch:]))))


def beats(windows: NDArray[Float], valid: Mask, *, rate_hz: float) -> Iterator[tuple[int, Array]]:
    """Yield (row, samples) of every whole beat: from the lowest sample between two systolic peaks to the next such.

    windows, valid: (N, T). A beat across a gap is none; neither is what lies before the first foot or behind the last.
    """
    found = find_pulse_peaks(np.asarray(windows, dtype=np.float64), valid, rate_hz=rate_hz)
    for row in np.unique(found.row).tolist():
        window, peaks = np.asarray(windows[row], dtype=np.float64), found.sample[found.row == row]
        feet = [a + int(window[a:b].argmin()) for a, b in pairwise(peaks.tolist())]
        for start, stop in pairwise(feet):
            if stop - start > 2 and valid[row, start : stop + 1].all():
                yield row, window[start : stop + 1]


def _median_over_beats(windows: NDArray[Float], valid: Mask, index: Callable[[Array], float], *, rate_hz: float) -> Array:
    values: list[list[float]] = [[] for _ in windows]
    for row, beat in beats(windows, valid, rate_hz=rate_hz):
        values[row].append(index(beat))
    known = [np.array([value for value in row if np.isfinite(value)]) for row in values]
    return np.array([np.median(row) if len(row) else np.nan for row in known])


def equal_bins(values: Array, *, low: float, high: float, count: int, clip: bool = True) -> NDArray[np.int64]:
    """Return in which of `count` equal bins from low to high each value lies, 0 to count - 1; -1 for NaN.

    clip: what lies outside belongs to the bin at that end, ours; False: what is not below `high` gets a class `count` of
    its own, as the largest value of a data set may in [code].
    """
    place = np.floor(np.nan_to_num((values - low) * count / (high - low) if high > low else values * 0.0))
    bins = np.clip(place, 0, count - 1 if clip else count).astype(np.int64)
    return np.where(np.isnan(values), -1, bins)


def rise_skewness(windows: NDArray[Float], valid: Mask) -> Array:
    """Return the skewness of the steps from sample to sample of each row: positive for a pulse that stands upright.

    A pulse rises fast and falls slowly, so that its steps have a long tail upwards; upside down they have it downwards. Needs
    no beat, no scale and no level. windows, valid: (N, T); 0 for a row that does not move. Band-pass noisy signals first.
    """
    both = valid[:, 1:] & valid[:, :-1]
    steps = np.where(both, np.diff(np.where(valid, windows, 0.0).astype(np.float64), axis=1), 0.0)
    count = np.maximum(both.sum(axis=1, keepdims=True), 1)
    centred = np.where(both, steps - steps.sum(axis=1, keepdims=True) / count, 0.0)
    second = (centred**2).sum(axis=1) / count[:, 0]
    third = (centred**3).sum(axis=1) / count[:, 0]
    return np.where(second > 0, third / np.where(second > 0, second, 1.0) ** 1.5, 0.0)


def polarity(windows: NDArray[Float], valid: Mask) -> tuple[int, float]:
    """Return which way up the pulse of a recording is, 1 or -1, and the share of its windows that say so.

    windows, valid: (N, T), of one sensor in one position. The sign is that of the median of `rise_skewness`. A share near one
    half means that nobody can tell.
    """
    skewness = rise_skewness(windows, valid)
    told = skewness[skewness != 0]
    if len(told) == 0:
        return 1, 0.0
    sign = -1 if np.median(told) < 0 else 1
    return sign, float(np.mean(np.sign(told) == sign))


def _over(numerator: Array, denominator: Array) -> Array:
    """Return the quotient, NaN where the denominator is not positive."""
    return np.asarray(numerator / np.where(denominator > 0, denominator, np.nan))
