"""Movement by minutes: how strong, in how many directions, how regular.

    acceleration (3, T) ── 20 Hz ── above 0.25 Hz ──> dynamic (M, L, 3) ── principal axis of each minute ──> (M, L)

Posture is in the mean of the axes; all else looks at the dynamic part, at one rate, so that no figure depends on the rate at
which a device samples. The published names (LSM, arXiv:2410.13638) come without formulas; the definitions are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wearfm.signals.filter import Butterworth, filter_rows
from wearfm.signals.minutes.column import LEAST_SHARE, Column, Columns, half_measured
from wearfm.signals.minutes.grid import MINUTE_S, Array, ByMinute, Indices, Mask, by_minute

WORK_HZ = 20.0  # everyday movement ends below 10 Hz
GRAVITY_HZ = 0.25  # slower is posture
STILL_G = 0.05  # root mean square below which a minute is without movement: a fidget is 0.1 g; our choice
_FLOOR_G2 = 1e-12  # below any sensor's noise; keeps logarithms finite
_FLOOR_SHARE = 1e-13  # of the largest variance: below it the smallest is rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """Dynamic acceleration by minute. axes: (M, L, 3) g, 0 where not valid. valid: (M, L). share: (M,) measured."""

    axes: Array
    valid: Mask
    share: Array

    @property
    def energy_g2(self) -> Array:
        """(M,) mean over samples of the squared length of the acceleration."""
        return np.asarray(np.square(self.axes).sum(axis=(1, 2)) / np.maximum(self.valid.sum(axis=1), 1), dtype=np.float64)

    @property
    def still(self) -> Mask:
        """(M,) minutes measured without movement."""
        return np.asarray((np.sqrt(self.energy_g2) < STILL_G) & (self.share >= LEAST_SHARE))


def dynamic(axes: Array, valid: Mask, edges: Indices) -> Motion:
    """Return the acceleration above 0.25 Hz by minute. axes: (3, T) g at WORK_HZ. valid: (T,). edges: (M + 1,)."""
    fast, there = filter_rows(axes, np.repeat(valid[None], 3, axis=0), by=Butterworth(low_hz=GRAVITY_HZ), rate_hz=WORK_HZ)
    each = [by_minute(row, there[0], edges, rate_hz=WORK_HZ) for row in fast]
    return Motion(axes=np.stack([minute.values for minute in each], axis=2), valid=each[0].valid, share=each[0].share)


def directions(motion: Motion) -> tuple[Columns, Array]:
    """Return energy and its directions, and the acceleration along each minute's principal axis, (M, L).

    acc_log_energy: ln of the mean square, ln g2. acc_covariance: ln of the condition number of the covariance of the axes.
    acc_log_energy_ratio: ln of the principal axis' share of the energy, from -ln 3 (all directions alike) to 0 (one).
    """
    count = np.maximum(motion.valid.sum(axis=1), 1)
    mean = motion.axes.sum(axis=1) / count[:, None]
    centred = np.where(motion.valid[..., None], motion.axes - mean[:, None], 0.0)
    covariance = np.einsum("mli,mlj->mij", centred, centred) / count[:, None, None]
    variance, axes = np.linalg.eigh(covariance)  # ascending
    largest = np.maximum(variance[:, 2], _FLOOR_G2)
    smallest = np.maximum(variance[:, 0], np.maximum(_FLOOR_SHARE * largest, _FLOOR_G2))
    ratio = np.minimum((variance[:, 2] + _FLOOR_G2) / (variance.sum(axis=1) + 3 * _FLOOR_G2), 1.0)
    columns = {
        "acc_log_energy": half_measured(np.log(motion.energy_g2 + _FLOOR_G2), motion.share),
        "acc_covariance": half_measured(np.log(largest / smallest), motion.share),
        "acc_log_energy_ratio": half_measured(np.log(ratio), motion.share),
    }
    moves = variance[:, 2] > _FLOOR_G2
    return columns, np.einsum("mli,mi->ml", centred, axes[:, :, 2] * moves[:, None])


def rhythm(principal: Array, motion: Motion) -> Columns:
    """Return how regular the acceleration along the principal axis is. principal: (M, L) from `directions`.

    acc_jerk: autocorrelation of its changes at a lag of 50 ms, from -1 (noise, tremor) to 1 (slow movement); 0 without
    any. acc_zero_crossing_mean, _std: of the time between two crossings of zero, s; a minute with fewer than two
    crossings has 60 and 0.
    """
    change = np.diff(principal, axis=1)
    stepped = motion.valid[:, 1:] & motion.valid[:, :-1]
    change = np.where(stepped, change, 0.0)
    power = np.square(change).sum(axis=1)
    product = (change[:, 1:] * change[:, :-1]).sum(axis=1)
    mean, deviation = crossings(principal, motion.valid)
    return {
        "acc_jerk": half_measured(product / np.where(power > 0, power, 1.0), motion.share),
        "acc_zero_crossing_mean": half_measured(mean, motion.share),
        "acc_zero_crossing_std": half_measured(deviation, motion.share),
    }


def crossings(signal: Array, valid: Mask) -> tuple[Array, Array]:
    """Return mean and standard deviation of the times between zero crossings of rows at WORK_HZ, s; (M, L) -> (M,), (M,).

    Crossings lie between samples, by straight lines; a time across a gap does not count.
    """
    above = signal > 0
    row, at = np.nonzero((above[:, 1:] != above[:, :-1]) & valid[:, 1:] & valid[:, :-1])
    left, right = np.abs(signal[row, at]), np.abs(signal[row, at + 1])
    moment = at + left / np.maximum(left + right, np.finfo(float).tiny)
    lost = np.cumsum(~valid, axis=1)[row, at]
    together = (np.diff(row) == 0) & (np.diff(lost) == 0)
    length_s, row = np.diff(moment)[together] / WORK_HZ, row[1:][together]
    num_rows = len(signal)
    count = np.bincount(row, minlength=num_rows)
    some = np.maximum(count, 1)
    mean = np.bincount(row, weights=length_s, minlength=num_rows) / some
    square = np.bincount(row, weights=(length_s - mean[row]) ** 2, minlength=num_rows) / some
    return np.where(count > 0, mean, MINUTE_S), np.sqrt(square)


def peakedness(motion: Motion) -> Column:
    """Return the excess kurtosis of the length of the dynamic acceleration in each minute; 0 without movement."""
    length = np.sqrt(np.square(motion.axes).sum(axis=2))
    count = np.maximum(motion.valid.sum(axis=1), 1)
    centred = np.where(motion.valid, length - (length.sum(axis=1) / count)[:, None], 0.0)
    second, fourth = (np.sum(centred**power, axis=1) / count for power in (2, 4))
    moves = second > _FLOOR_G2
    return half_measured(np.where(moves, fourth / np.where(moves, second, 1.0) ** 2 - 3, 0.0), motion.share)


def level(x: ByMinute, y: ByMinute, z: ByMinute) -> Columns:
    """Return what needs the device's own samples, g.

    acc_axis_mean: mean of the three axes: posture. enmo: mean of max(|a| - 1 g, 0) (van Hees et al. 2013, PLoS ONE
    8:e61691), of samples as they are, not calibrated again.
    """
    length = np.sqrt(x.values**2 + y.values**2 + z.values**2)
    beyond = ByMinute(values=np.where(x.valid, np.maximum(length - 1, 0.0), 0.0), valid=x.valid, expected=x.expected)
    return {
        "acc_axis_mean": half_measured((x.mean() + y.mean() + z.mean()) / 3, x.share),
        "enmo": half_measured(beyond.mean(), x.share),
    }
