"""Slow and coloured noise, and the first-order lag: the raw material of every simulated channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfftfreq
from scipy.signal import lfilter

Line = NDArray[np.float64]


def lag(line: Line, *, rate_hz: float, time_s: float) -> Line:
    """Return a (T, ...) line as a first-order system with that time constant follows it, settled at the first value."""
    keep = np.exp(-1 / (rate_hz * time_s))
    settled = line[:1] * keep
    return np.asarray(lfilter([1 - keep], [1, -keep], line, axis=0, zi=settled)[0], dtype=np.float64)


def wander(generator: np.random.Generator, length: int, *, rate_hz: float, time_s: float) -> Line:
    """Return a stationary line of unit variance and that correlation time, (T,), smooth within an eighth of it.

    An Ornstein-Uhlenbeck process through a lag of time_s / 8, whose loss of variance, 1 / (1 + 1/8), is made up for.
    """
    keep = np.exp(-1 / (rate_hz * time_s))
    shocks = generator.standard_normal(length)
    start = generator.standard_normal(1)
    rough = lfilter([np.sqrt(1 - keep**2)], [1, -keep], shocks, zi=start * keep)[0]
    return np.asarray(np.sqrt(1 + 1 / 8) * lag(rough, rate_hz=rate_hz, time_s=time_s / 8))


def band(generator: np.random.Generator, length: int, *, rate_hz: float, centre_hz: float, width_hz: float) -> Line:
    """Return Gaussian noise of unit variance whose power spectrum is a Gaussian around `centre_hz`, (T,)."""
    size = next_fast_len(length, real=True)
    power = np.exp(-0.5 * ((rfftfreq(size, 1 / rate_hz) - centre_hz) / width_hz) ** 2)
    return _of_spectrum(generator, power, size)[:length]


def pink(generator: np.random.Generator, length: int, *, rate_hz: float, low_hz: float, high_hz: float) -> Line:
    """Return noise of unit variance with power 1/f from `low_hz` to `high_hz` and none elsewhere, (T,)."""
    size = next_fast_len(max(length, int(2 * rate_hz / low_hz)), real=True)
    frequency = rfftfreq(size, 1 / rate_hz)
    inside = (frequency >= low_hz) & (frequency <= high_hz)
    power = np.where(inside, 1 / np.maximum(frequency, low_hz), 0.0)
    return _of_spectrum(generator, power, size)[:length]


def _of_spectrum(generator: np.random.Generator, power: Line, size: int) -> Line:
    """Return a line whose expected power spectrum is `power`, scaled to unit variance; power: (size // 2 + 1,)."""
    random = generator.standard_normal((2, len(power)))
    spectrum = (random[0] + 1j * random[1]) * np.sqrt(power * size / (4 * power.sum() / size))
    return np.asarray(irfft(spectrum, n=size), dtype=np.float64)
