"""The band of a pulse wave, and the windows cut from it: what PaPaGei does to a photoplethysmogram before a network sees it.

    PulseBand()      0.5 to 12 Hz and 50 ms of smoothing; a `Filter`, so `filter_channel(channel, PulseBand())` keeps gaps
    derivatives      velocity, acceleration and jerk of the filtered pulse
    cut_windows      10 s windows, standardised, at 125 Hz
    flat_share       how much of a raw signal stands still

Pillai et al. 2025 (arXiv:2410.20542), github.com/Nokia-Bell-Labs/papagei-foundation-model at 0c537da ([code]), whose filter is
that of pyPPG (Goda et al. 2024, Physiol. Meas. 45:045001). The released weights were trained behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import cheby2, filtfilt, resample_poly, sosfiltfilt

from wearfm.errors import BadConfiguration
from wearfm.signals.filter import Filter
from wearfm.signals.resample import rational

Array = NDArray[np.float64]
DERIVATIVE_SMOOTHING_S = 0.01  # [code] pyPPG
DERIVATIVE_SMOOTHED_FROM_HZ = 150.0  # [code] pyPPG


@dataclass(frozen=True, kw_only=True)
class PulseBand(Filter):
    """A Chebyshev II band-pass and a moving average, each forwards and backwards, so that nothing moves in time.

    low_hz, high_hz: edges of the stop band. attenuation_db: of one run. smoothing_s: length of the average; rates below
    smoothed_from_hz get none. in_sections: second-order sections, which stay accurate where the lower edge is a tiny share of
    the rate; False: numerator and denominator as polynomials, as published. At 125 Hz the two agree; at 500 Hz the rounding of
    one coefficient in its last place moves the published form by a hundredth of the pulse, from one machine to the next.
    """

    low_hz: float = 0.5  # [code]
    high_hz: float = 12.0  # [code]
    order: int = 4  # [code]
    attenuation_db: float = 20.0  # [code]
    smoothing_s: float = 0.05  # [code]
    smoothed_from_hz: float = 75.0  # [code]
    in_sections: bool = True  # ours

    def shortest(self, rate_hz: float) -> int:
        """Return one sample more than the filters reflect at an end: three times their length."""
        return 1 + 3 * max(2 * self.order + 1, _samples(self.smoothing_s, rate_hz) if rate_hz >= self.smoothed_from_hz else 1)

    def __call__(self, signal: Array, *, rate_hz: float) -> Array:
        """Return the filtered rows; signal: (N, T)."""
        edges = (self.low_hz, self.high_hz)
        if not 0 < self.low_hz < self.high_hz < rate_hz / 2:
            raise BadConfiguration(
                f"a band of {edges[0]:g} to {edges[1]:g} Hz does not fit a rate of {rate_hz:g} Hz; lower high_hz"
            )
        design = {"btype": "bandpass", "fs": rate_hz}
        if self.in_sections:
            band = sosfiltfilt(cheby2(self.order, self.attenuation_db, edges, output="sos", **design), signal, axis=1)
        else:
            band = filtfilt(*cheby2(self.order, self.attenuation_db, edges, **design), signal, axis=1)
        return _smooth(band, self.smoothing_s, rate_hz) if rate_hz >= self.smoothed_from_hz else np.ascontiguousarray(band)


def derivatives(pulse: Array, *, rate_hz: float) -> tuple[Array, Array, Array]:
    """Return velocity, acceleration and jerk of filtered rows (N, T), per sample to the power of 1, 2, 3.

    From 150 Hz each one is smoothed by a moving average of 10 ms before the next is taken [code].
    """
    found = [pulse]
    for _ in range(3):
        slope = np.gradient(found[-1], axis=1)
        is_smoothed = rate_hz >= DERIVATIVE_SMOOTHED_FROM_HZ
        found.append(_smooth(slope, DERIVATIVE_SMOOTHING_S, rate_hz) if is_smoothed else slope)
    return found[1], found[2], found[3]


def cut_windows(
    pulse: Array, *, rate_hz: float, window_s: float = 10.0, target_hz: float = 125.0, drop_last_full: bool = False
) -> NDArray[np.float32]:
    """Return the windows of a filtered pulse (T,), one after the other, standardised and resampled, (S, window_s * target_hz).

    What is left at the end is dropped. drop_last_full: so is the last window if nothing is left behind it, as published
    (40 s give 3 windows); ours keeps it. First standardised, then resampled [code]; scipy's polyphase filter.
    """
    length = round(window_s * rate_hz)
    count = (len(pulse) - 1) // length if drop_last_full else len(pulse) // length
    windows = standardise_windows(pulse[: count * length].reshape(count, length))
    up, down = rational(rate_hz, target_hz)
    return np.asarray(windows if up == down else resample_poly(windows, up, down, axis=1), dtype=np.float32)


def standardise_windows(windows: Array) -> NDArray[np.float32]:
    """Return windows (N, T) minus their mean over their population standard deviation + 1e-7 [code]."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    return np.asarray(centred / (windows.std(axis=1, keepdims=True) + 1e-7), dtype=np.float32)


def flat_share(signal: Array, *, rate_hz: float, shortest_s: float, change: float = 0.01) -> Array:
    """Return the share of each row (N, T) in runs of at least shortest_s where neighbours differ by at most `change`.

    Of the raw signal, in its unit. [code] leaves out what is flat for more than 0.25.
    """
    is_still = np.abs(np.diff(signal, axis=1)) <= change
    least = max(1, _samples(shortest_s, rate_hz))
    share = np.zeros(len(signal))
    for row, still in enumerate(is_still):
        edges = np.flatnonzero(np.diff(np.pad(still, 1).astype(np.int8)))
        runs = edges[1::2] - edges[::2] + 1  # samples, one more than steps
        share[row] = runs[runs >= least].sum() / signal.shape[1]
    return share


def _smooth(signal: Array, seconds: float, rate_hz: float) -> Array:
    """Return the rows under a moving average run forwards and backwards: a triangle."""
    length = _samples(seconds, rate_hz)
    return np.ascontiguousarray(filtfilt(np.full(length, 1 / length), 1.0, signal, axis=1))


def _samples(seconds: float, rate_hz: float) -> int:
    return max(1, round(seconds * rate_hz))
