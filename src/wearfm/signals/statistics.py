"""Sixteen hand-made statistics per channel: the control that a learned embedding must beat.

The statistical baseline of NormWear (Luo et al. 2024, arXiv:2412.09758): nine moments and quantiles of the samples, seven
of the spectrum, each compressed by sign(x) log(1 + |x|). On many tasks it comes within a point of a foundation model, so every
report shows it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration

STATISTICS: tuple[str, ...] = (
    "mean", "std", "max", "min", "skew", "kurtosis", "q25", "q50", "q75",
    "spectral_centroid", "spectral_spread", "mean_frequency", "peak_frequency",
    "spectral_q25", "spectral_median", "spectral_q75",
)  # fmt: skip

Array = NDArray[np.float64]
FLAT = 1e-12  # a spread below this share of the largest value is rounding, not signal


def statistics(signal: NDArray[np.floating], valid: NDArray[np.bool_], *, rate_hz: float) -> Array:
    """Return the sixteen statistics of each row in the order of `STATISTICS`, (N, 16), compressed; never NaN.

    signal: (N, T). valid: (N, T). Only valid samples count: for the spectrum, the others take the mean's place. A row that is
    constant or has no valid sample is 0 throughout. Standard deviation, skewness m3 / s^3 and excess kurtosis m4 / s^4 - 3 are
    the population's. The spectrum is the power of the Fourier transform after the mean is taken away, frequencies in Hz.
    Centroid and spread weigh frequencies by amplitude, the mean frequency by power.
    """
    if signal.ndim != 2 or signal.shape != valid.shape:
        raise BadConfiguration(f"signal {signal.shape} and valid {valid.shape} must both be (N, T)")
    values = np.where(valid, signal, 0.0).astype(np.float64)
    counts = valid.sum(axis=1)
    mean = values.sum(axis=1) / np.maximum(counts, 1)
    centred = np.where(valid, values - mean[:, None], 0.0)  # (N, T)
    varies = np.abs(centred).max(axis=1, initial=0.0) > FLAT * np.abs(values).max(axis=1, initial=0.0)
    rows = np.flatnonzero(varies)
    out = np.zeros((len(signal), len(STATISTICS)))
    if len(rows):
        time = _amplitudes(values[rows], centred[rows], valid[rows], mean=mean[rows], counts=counts[rows])
        out[rows] = np.stack([*time, *_spectrum(centred[rows], rate_hz=rate_hz)], axis=1)
    return np.sign(out) * np.log1p(np.abs(out))


def _amplitudes(
    values: Array, centred: Array, valid: NDArray[np.bool_], *, mean: Array, counts: NDArray[np.int64]
) -> Iterable[Array]:
    """Return the nine statistics of the samples, (N,) each."""
    scale = np.abs(centred).max(axis=1)
    scaled = centred / scale[:, None]  # so that fourth powers stay in range
    square = scaled * scaled
    second, third, fourth = (np.einsum("nt,nt->n", square, other) / counts for other in (np.ones_like(square), scaled, square))
    ordered = np.sort(np.where(valid, values, np.inf), axis=1)
    quantiles = [_quantile(ordered, counts, share) for share in (0.25, 0.5, 0.75)]
    largest = np.where(valid, values, -np.inf).max(axis=1)
    deviation = scale * np.sqrt(second)
    return mean, deviation, largest, ordered[:, 0], third / second**1.5, fourth / second**2 - 3, *quantiles


def _quantile(ordered: Array, counts: NDArray[np.int64], share: float) -> Array:
    """Return the quantile of the first `counts` of each sorted row, between samples by straight lines."""
    position = share * (counts - 1)
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, counts - 1)
    row = np.arange(len(ordered))
    left, right = ordered[row, below], ordered[row, above]
    return np.asarray(left + (right - left) * (position - below), dtype=np.float64)


def _spectrum(centred: Array, *, rate_hz: float) -> Iterable[Array]:
    """Return the seven statistics of the spectrum, (N,) each, Hz."""
    amplitude = np.abs(np.fft.rfft(centred / np.abs(centred).max(axis=1, keepdims=True), axis=1))  # (N, F)
    amplitude[:, 0] = 0.0
    frequency_hz = np.fft.rfftfreq(centred.shape[1], 1 / rate_hz)
    power = amplitude**2
    centroid = amplitude @ frequency_hz / amplitude.sum(axis=1)
    distance = (frequency_hz[None] - centroid[:, None]) ** 2
    spread = np.sqrt(np.sum(distance * amplitude, axis=1) / amplitude.sum(axis=1))
    share = np.cumsum(power, axis=1) / power.sum(axis=1, keepdims=True)
    quantiles = [frequency_hz[np.argmax(share >= part, axis=1)] for part in (0.25, 0.5, 0.75)]
    mean_frequency = power @ frequency_hz / power.sum(axis=1)
    return centroid, spread, mean_frequency, frequency_hz[np.argmax(power, axis=1)], *quantiles
