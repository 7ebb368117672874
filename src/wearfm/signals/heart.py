"""Heart rate and its variability from beats; no interval ever bridges a gap.

    beats  |  |   |  |      gap      |  |  |       intervals run between neighbouring beats of one valid span
             1  2   3                  4  5        `follows`: F T T F T

Intervals next to ectopic, missed or false beats are found as Lipponen & Tarvainen 2019 (J. Med. Eng. Technol. 43:173)
describe, and left out; they are not replaced. Definitions follow the Task Force 1996 (Circulation 93:1043), SD1 and SD2
Brennan et al. 2001 (IEEE TBME 48:1342).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, percentile_filter
from scipy.signal import lombscargle

from wearfm.signals.spans import Spans
from wearfm.signals.units import modality

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LF_HZ = (0.04, 0.15)  # Task Force 1996, table 2
HF_HZ = (0.15, 0.40)
COVERAGE = 0.8  # least share of a segment that normal intervals must cover; our choice


@dataclass(frozen=True, kw_only=True, eq=False)
class Intervals:
    """Inter-beat intervals in order of time.

    end_s: (K,) time of the beat that ends each, seconds from the channel's start. length_s: (K,). follows: (K,) True where
    the interval begins with the beat that ended the one before. normal: (K,) True where it is not an artefact.
    """

    end_s: Array
    length_s: Array
    follows: Mask
    normal: Mask

    def __len__(self) -> int:
        return len(self.length_s)


@dataclass(frozen=True, kw_only=True)
class Variability:
    """Heart rate variability; NaN where there are too few normal intervals for a figure.

    num_normal: normal intervals. normal_share: of all. mean_nn_ms, sdnn_ms: of normal intervals. rmssd_ms, pnn50: of
    differences between normal neighbours; pnn50 is a share of 1. lf_ms2, hf_ms2: mean power of the five-minute segments.
    sd1_ms, sd2_ms: width and length of the cloud of each interval against the next.
    """

    num_normal: int
    normal_share: float
    mean_nn_ms: float
    sdnn_ms: float
    rmssd_ms: float
    pnn50: float
    lf_ms2: float
    hf_ms2: float
    lf_hf: float
    sd1_ms: float
    sd2_ms: float

    def to_dict(self) -> dict[str, float]:
        """Return name -> value."""
        return {field.name: float(getattr(self, field.name)) for field in fields(self)}


def intervals(beats: NDArray[np.int64] | Array, *, valid: Spans, rate_hz: float) -> Intervals:
    """Return the intervals between neighbouring beats of the same valid span.

    beats: (K,) ascending sample numbers, whole or refined; a beat outside every span belongs to none.
    """
    position = np.asarray(beats, dtype=np.float64)
    span = np.searchsorted(valid.bounds[:, 0], position, side="right") - 1
    edges = np.append(valid.bounds[:, 1], -1)  # the last one serves beats before the first span
    span = np.where(position < edges[span], span, -1)
    joined = (np.diff(span) == 0) & (span[1:] >= 0)
    length_s = np.diff(position)[joined] / rate_hz
    follows = np.concatenate(([False], joined[:-1]))[joined] if len(joined) else np.zeros(0, dtype=bool)
    heart = modality("hr")
    plausible = (length_s >= 60 / heart.high) & (length_s <= 60 / heart.low)
    normal = plausible & ~find_artefacts(length_s, follows)
    return Intervals(end_s=position[1:][joined] / rate_hz, length_s=length_s, follows=follows, normal=normal)


def find_artefacts(length_s: Array, follows: Mask) -> Mask:
    """Return which intervals are next to an ectopic, missed or false beat.

    length_s, follows: (K,) as in `Intervals`. Lipponen & Tarvainen 2019: thresholds of 5.2 quartile deviations over 91 beats;
    ectopic beats lie beyond lines of slope 0.13 and intercept 0.17 in the plane of a change against the changes beside it;
    long and short beats are changes that are soon undone, or intervals 3 thresholds from the median of eleven.
    """
    if len(length_s) < 3:
        return np.zeros(len(length_s), dtype=bool)
    change = np.where(follows, np.diff(length_s, prepend=length_s[0]), 0.0)
    change = change / _threshold(change)
    before, after, later = np.roll(change, 1), np.roll(change, -1), np.roll(change, -2)
    before[0], after[-1:], later[-2:] = 0.0, 0.0, 0.0
    rises, falls = change > 1, change < -1
    ectopic = (rises & (np.maximum(before, after) < -0.13 * change - 0.17)) | (
        falls & (np.minimum(before, after) > -0.13 * change + 0.17)
    )
    deviation = length_s - median_filter(length_s, 11, mode="nearest")
    deviation = np.where(deviation < 0, 2 * deviation, deviation)
    returns = (rises & (np.minimum(after, later) < -1)) | (falls & (np.maximum(after, later) > 1))
    return np.asarray(ectopic | returns | (np.abs(deviation / _threshold(deviation)) > 3), dtype=bool)


def heart_rate(series: Intervals, *, start_s: Array, window_s: float) -> Array:
    """Return the mean heart rate of each window [start, start + window_s), beats a minute; NaN without a normal interval.

    start_s: (N,). An interval belongs to the window in which it ends.
    """
    length_s, end_s = series.length_s[series.normal], series.end_s[series.normal]
    total = np.concatenate(([0.0], np.cumsum(length_s)))
    first, last = (np.searchsorted(end_s, start_s + shift) for shift in (0.0, window_s))
    count = last - first
    seconds = total[last] - total[first]
    return np.where(count > 0, 60 * count / np.where(count > 0, seconds, 1.0), np.nan)


def variability(series: Intervals, *, segment_s: float = 300.0) -> Variability:
    """Return the variability of all normal intervals.

    segment_s: length of the segments whose spectra are averaged; the Task Force's short recording is five minutes.
    """
    normal_ms = 1000 * series.length_s[series.normal]
    pairs = series.follows[1:] & series.normal[1:] & series.normal[:-1]
    step_ms = 1000 * np.diff(series.length_s)[pairs]
    centre_ms = 1000 * (series.length_s[1:] + series.length_s[:-1])[pairs]
    low, high = spectral_power(series, segment_s=segment_s)
    return Variability(
        num_normal=len(normal_ms),
        normal_share=len(normal_ms) / len(series) if len(series) else np.nan,
        mean_nn_ms=float(normal_ms.mean()) if len(normal_ms) else np.nan,
        sdnn_ms=_deviation(normal_ms),
        rmssd_ms=float(np.sqrt(np.mean(step_ms**2))) if len(step_ms) else np.nan,
        pnn50=float(np.mean(np.abs(step_ms) > 50)) if len(step_ms) else np.nan,
        lf_ms2=low,
        hf_ms2=high,
        lf_hf=low / high if high > 0 else np.nan,
        sd1_ms=_deviation(step_ms) / np.sqrt(2),
        sd2_ms=_deviation(centre_ms) / np.sqrt(2),
    )


def spectral_power(series: Intervals, *, segment_s: float) -> tuple[float, float]:
    """Return (LF, HF) in ms^2, the mean over segments of which normal intervals cover at least 80 %; NaN if none does.

    Lomb 1976 and Scargle 1982 (ApJ 263:835, eq. 10): least-squares sines on the uneven series, so nothing is interpolated.
    Power at k / segment_s is the variance of the sine there; a band's power is its sum.
    """
    end_s, length_s = series.end_s[series.normal], series.length_s[series.normal]
    if len(end_s) == 0:
        return np.nan, np.nan
    frequency_hz = np.arange(np.ceil(LF_HZ[0] * segment_s), np.ceil(HF_HZ[1] * segment_s)) / segment_s
    powers = []
    for start in np.arange(end_s[0], end_s[-1], segment_s):
        inside = (end_s >= start) & (end_s < start + segment_s)
        if length_s[inside].sum() >= COVERAGE * segment_s:
            value_ms = 1000 * (length_s[inside] - length_s[inside].mean())
            sines = lombscargle(end_s[inside] - start, value_ms, 2 * np.pi * frequency_hz)
            powers.append(2 * sines / inside.sum())  # N A^2 / 4 -> A^2 / 2
    if not powers:
        return np.nan, np.nan
    mean = np.mean(powers, axis=0)
    low = (frequency_hz >= LF_HZ[0]) & (frequency_hz < LF_HZ[1])
    return float(mean[low].sum()), float(mean[frequency_hz >= HF_HZ[0]].sum())


def _threshold(values: Array) -> Array:
    """Return 5.2 quartile deviations of the 91 values around each, at least 20 ms (our floor: two samples at 100 Hz).

    That is 3.5 standard deviations of a Gaussian: 99.95 % of its values lie within.
    """
    upper, lower = (percentile_filter(values, share, 91, mode="reflect") for share in (75, 25))
    return np.asarray(np.maximum(5.2 * (upper - lower) / 2, 0.02), dtype=np.float64)


def _deviation(values: Array) -> float:
    """Return the sample standard deviation; NaN for fewer than two values."""
    return float(values.std(ddof=1)) if len(values) > 1 else np.nan
