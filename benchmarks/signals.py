"""Whole channels against the loop over windows that a user of scipy writes."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, filtfilt, resample_poly
from scipy.stats import kurtosis, skew

from benchmarks.row import Row, interleave
from wearfm.signals.filter import Butterworth, filter_channel
from wearfm.signals.peaks import pulse_peaks
from wearfm.signals.recording import Channel
from wearfm.signals.resample import rational, resample_channel, resample_rows
from wearfm.signals.spans import Spans
from wearfm.signals.statistics import statistics

RATE_HZ, TARGET_HZ = 125.0, 65.0
WINDOW = 1250  # 10 s
HOURS = 2


def filter_and_resample() -> Row:
    """Band-pass 0.5 to 8 Hz and 125 to 65 Hz: two calls a channel, or a design, a filter and a resampling a window.

    On whole channels the order is free, and half of the samples are cheaper to filter.
    """
    channel = _channel(HOURS)
    band = Butterworth(low_hz=0.5, high_hz=8.0, order=2)

    def per_window() -> list[NDArray[np.float64]]:
        out = []
        for window in channel.physical().reshape(-1, WINDOW):
            numerator, denominator = butter(2, [0.5, 8.0], btype="bandpass", fs=RATE_HZ)
            out.append(resample_poly(filtfilt(numerator, denominator, window), 13, 25))
        return out

    return _row(
        "band-pass + resample, 2 h of PPG",
        lambda: filter_channel(resample_channel(channel, TARGET_HZ), band),
        per_window,
        reference="scipy butter + filtfilt + resample_poly per 10 s window",
        target=">= 35x NeuroKit per window, itself 2x this reference",
        least=17.5,
        limit="sosfiltfilt alone on the whole channel: 14 ns a sample",
    )


def resample_batch() -> Row:
    """A batch as the loader resamples it: 256 rows of 10 s, float32."""
    signal = np.random.default_rng(0).normal(size=(256, WINDOW)).astype(np.float32)
    valid = np.ones(signal.shape, dtype=bool)
    up, down = rational(RATE_HZ, TARGET_HZ)
    return _row(
        "resample a batch of 256 windows, 125 to 65 Hz",
        lambda: resample_rows(signal, valid, up=up, down=down),
        lambda: [resample_poly(row, up, down) for row in signal],
        reference="scipy resample_poly per window, float32",
        target=">= 5x",
        least=5.0,
        limit="one float64 matrix product: 80 MFLOP",
    )


def sixteen_statistics() -> Row:
    """The sixteen statistics of 1 000 windows, or a loop over windows."""
    signal = np.random.default_rng(1).normal(size=(1000, WINDOW))
    valid = np.ones(signal.shape, dtype=bool)

    def per_window() -> list[list[float]]:
        return [_statistics_of(window) for window in signal]

    return _row(
        "16 statistics of 1 000 windows",
        lambda: statistics(signal, valid, rate_hz=RATE_HZ),
        per_window,
        reference="numpy and scipy.stats per window",
        target=">= 5x",
        least=5.0,
        limit="one sort and one Fourier transform a window",
    )


def beats() -> Row:
    """Pulse peaks of a long channel; the reference is real time."""
    channel = _channel(24)
    times, _ = interleave(lambda: pulse_peaks(channel), lambda: None, repeats=3)
    ours = median(times)
    return Row(
        name="pulse peaks, 24 h of PPG", reference="real time", ours=ours, reference_value=24 * 3600.0, unit="s",
        ratio=24 * 3600.0 / ours, target="48 h in seconds", limit="a band-pass and three moving averages a sample",
    )  # fmt: skip


BENCHMARKS: tuple[Callable[[], Row], ...] = (filter_and_resample, resample_batch, sixteen_statistics, beats)


def _row(
    name: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    reference: str,
    target: str,
    least: float,
    limit: str,
) -> Row:
    first, second = (median(times) for times in interleave(ours, theirs))
    return Row(
        name=name, reference=reference, ours=first, reference_value=second, unit="s CPU",
        ratio=second / first, target=target, met=second / first >= least, limit=limit,
    )  # fmt: skip


def _channel(hours: int) -> Channel:
    """A pulse at 75 a minute with noise, 12-bit."""
    clock = np.arange(round(hours * 3600 * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * 1.25 * clock
    pulse = np.sin(phase) + 0.4 * np.sin(2 * phase + 0.5) + 0.05 * np.random.default_rng(0).normal(size=len(clock))
    samples = (600 * pulse).astype(np.int16)
    return Channel(name="ppg", modality="ppg", rate_hz=RATE_HZ, start_ns=0, samples=samples, valid=Spans.all(len(samples)))


def _statistics_of(window: NDArray[np.float64]) -> list[float]:
    amplitude = np.abs(np.fft.rfft(window - window.mean()))
    frequency_hz = np.fft.rfftfreq(len(window), 1 / RATE_HZ)
    power = amplitude**2
    share = np.cumsum(power) / power.sum()
    centroid = np.sum(frequency_hz * amplitude) / amplitude.sum()
    spread = np.sqrt(np.sum((frequency_hz - centroid) ** 2 * amplitude) / amplitude.sum())
    moments = [window.mean(), window.std(), window.max(), window.min(), skew(window), kurtosis(window)]
    quantiles = [*np.quantile(window, [0.25, 0.5, 0.75])]
    spectral = [centroid, spread, np.sum(frequency_hz * power) / power.sum(), frequency_hz[np.argmax(power)]]
    return [*moments, *quantiles, *spectral, *(frequency_hz[np.searchsorted(share, part)] for part in (0.25, 0.5, 0.75))]
