"""Filters that shift nothing in time: run on whole channels, forwards and backwards, one valid piece at a time.

    Butterworth(low_hz=0.5, high_hz=8.0, order=2)      band-pass; leave one corner None for a high- or low-pass
    Chebyshev2(low_hz=0.5, high_hz=12.0, order=4)      flat pass band, stop band of a chosen depth
    Notch(at_hz=50.0)                                  mains hum
    MovingAverage(window_s=1.0)   Gaussian(sigma_s=0.5)   Detrend(degree=1)

Everything is computed in float64. A recursive filter runs twice, so its gain is squared: a Butterworth corner lies at
-6 dB, not at -3 dB (Gustafsson 1996, IEEE Trans. Signal Process. 44(4):988). A filter settles when its slowest pole has died
down to 1 %. Each end of a piece is continued by point reflection for two such times; a piece not longer than one is masked.
`shortfall` counts those samples. Filter whole channels and cut windows afterwards: windows are too short for slow corners.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, cheby2, iirnotch, oaconvolve, sos2zpk, sosfiltfilt, tf2sos

from wearfm.errors import BadConfiguration
from wearfm.signals.pieces import Float, check_rows, extend, pieces
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import Channel
from wearfm.signals.spans import Spans

Array = NDArray[np.float64]
SETTLED = 0.01  # a transient of 1 % of its start is below the noise of the sensors read here


class Filter(ABC):
    """A filter with corners in Hz or lengths in seconds; it meets a sampling rate only when it is applied."""

    def shortest(self, rate_hz: float) -> int:
        """Return the number of samples that a piece must have."""
        assert rate_hz > 0
        return 1

    @abstractmethod
    def __call__(self, signal: Array, *, rate_hz: float) -> Array:
        """Return the filtered rows; signal: (N, T) valid throughout, T >= `shortest`."""


class _Recursive(Filter):
    """A filter of second-order sections, run forwards and backwards."""

    @abstractmethod
    def sections(self, rate_hz: float) -> Array:
        """Return the (S, 6) second-order sections at a sampling rate."""

    def settling(self, rate_hz: float) -> int:
        """Return after how many samples the slowest pole has decayed to 1 %."""
        radius = float(np.abs(sos2zpk(self.sections(rate_hz))[1]).max())
        return int(np.ceil(np.log(SETTLED) / np.log(radius))) if radius > 0 else 1

    def shortest(self, rate_hz: float) -> int:
        """Return one sample more than the settling time."""
        return self.settling(rate_hz) + 1

    def __call__(self, signal: Array, *, rate_hz: float) -> Array:
        beyond = 2 * self.settling(rate_hz)
        extended = extend(signal, before=beyond, after=beyond)
        filtered = sosfiltfilt(self.sections(rate_hz), extended, axis=1, padtype=None)
        return np.asarray(filtered[:, beyond : beyond + signal.shape[1]], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Butterworth(_Recursive):
    """The flattest pass band of its order (Butterworth 1930, Experimental Wireless 7:536).

    low_hz, high_hz: corners, None for none. order: of the low-pass prototype; a band-pass has twice as many poles.
    """

    low_hz: float | None = None
    high_hz: float | None = None
    order: int = 2

    def sections(self, rate_hz: float) -> Array:
        """Return the sections at a sampling rate; BadConfiguration if a corner does not fit it."""
        corners, kind = _band(self.low_hz, self.high_hz, rate_hz=rate_hz)
        return np.asarray(butter(self.order, corners, btype=kind, fs=rate_hz, output="sos"), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Chebyshev2(_Recursive):
    """A flat pass band and a stop band of even ripple; recommended for PPG by Liang et al. 2018 (Sci. Data 5:180076).

    low_hz, high_hz: edges of the stop band, None for none. attenuation_db: of one run; two runs double it.
    """

    low_hz: float | None = None
    high_hz: float | None = None
    order: int = 4
    attenuation_db: float = 20.0

    def sections(self, rate_hz: float) -> Array:
        """Return the sections at a sampling rate; BadConfiguration if a corner does not fit it."""
        corners, kind = _band(self.low_hz, self.high_hz, rate_hz=rate_hz)
        design = cheby2(self.order, self.attenuation_db, corners, btype=kind, fs=rate_hz, output="sos")
        return np.asarray(design, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Notch(_Recursive):
    """Removes one frequency (Orfanidis 1996, Introduction to Signal Processing, section 11.3).

    at_hz: the frequency. sharpness: at_hz divided by the width of the notch at -3 dB.
    """

    at_hz: float
    sharpness: float = 30.0  # 50 Hz: a notch of 1.7 Hz

    def sections(self, rate_hz: float) -> Array:
        """Return the section at a sampling rate; BadConfiguration if the frequency does not fit it."""
        _band(self.at_hz, None, rate_hz=rate_hz)
        return np.asarray(tf2sos(*iirnotch(self.at_hz, self.sharpness, fs=rate_hz)), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class MovingAverage(Filter):
    """The mean over a centred window, rounded up to an odd number of samples; a straight line stays that line."""

    window_s: float

    def __call__(self, signal: Array, *, rate_hz: float) -> Array:
        """Return the running means."""
        half = _samples(self.window_s, rate_hz=rate_hz) // 2
        average = uniform_filter1d(extend(signal, before=half, after=half), 2 * half + 1, axis=1)
        return np.asarray(average[:, half : half + signal.shape[1]], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Gaussian(Filter):
    """The mean under a bell of standard deviation sigma_s, cut at 4 sigma; a straight line stays that line."""

    sigma_s: float

    def __call__(self, signal: Array, *, rate_hz: float) -> Array:
        """Return the weighted running means."""
        half = _samples(4 * self.sigma_s, rate_hz=rate_hz)
        bell = np.exp(-0.5 * (np.arange(-half, half + 1) / (self.sigma_s * rate_hz)) ** 2)
        smooth = oaconvolve(extend(signal, before=half, after=half), (bell / bell.sum())[None], mode="valid", axes=1)
        return np.asarray(smooth, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Detrend(Filter):
    """Takes away each piece's own least-squares polynomial; degree 0 its mean, degree 1 its line."""

    degree: int = 1

    def shortest(self, rate_hz: float) -> int:
        """Return the number of coefficients of the polynomial."""
        assert rate_hz > 0
        return self.degree + 1

    def __call__(self, signal: Array, *, rate_hz: float) -> Array:
        """Return what the polynomial leaves."""
        assert rate_hz > 0
        position = np.linspace(-1.0, 1.0, signal.shape[1])
        basis = np.linalg.qr(np.polynomial.legendre.legvander(position, self.degree))[0]  # (T, degree + 1)
        return np.asarray(signal - (signal @ basis) @ basis.T, dtype=np.float64)


def filter_rows(
    signal: NDArray[Float], valid: NDArray[np.bool_], *, by: Filter, rate_hz: float
) -> tuple[NDArray[Float], NDArray[np.bool_]]:
    """Return the filtered rows and what of them is valid; what is not valid is 0.

    signal: (N, T) float32 or float64. valid: (N, T). Pieces shorter than the filter needs lose their validity.
    """
    check_rows(signal, valid)
    shortest = by.shortest(rate_hz)
    out, out_valid = np.zeros_like(signal), np.zeros_like(valid)
    for piece in pieces(valid):
        rows, start, stop = piece
        if stop - start >= shortest:
            out[rows, start:stop] = by(piece.cut(signal), rate_hz=rate_hz)
            out_valid[rows, start:stop] = True
    return out, out_valid


def filter_channel(channel: Channel, *filters: Filter) -> Channel:
    """Return the channel filtered by each in turn: float32 in the channel's unit, same rate and start, gaps kept.

    Valid spans too short for a filter are no longer valid; `shortfall` says beforehand how many samples that costs.
    """
    rows, valid = channel.physical()[None], channel.mask()[None]
    for each in filters:
        rows, valid = filter_rows(rows, valid, by=each, rate_hz=channel.rate_hz)
    return replace(channel, samples=rows[0].astype(np.float32), valid=Spans.from_mask(valid[0]), scale=1.0, offset=0.0)


def shortfall(valid: Spans, *filters: Filter, rate_hz: float) -> tuple[Finding, ...]:
    """Return what filtering costs: one finding with the samples in spans shorter than the slowest filter needs, or none."""
    shortest = max((each.shortest(rate_hz) for each in filters), default=0)
    lengths = valid.bounds[:, 1] - valid.bounds[:, 0]
    lost = int(lengths[lengths < shortest].sum())
    if not lost:
        return ()
    return (
        Finding(action="masked", samples=lost, reason=f"valid for less than {shortest / rate_hz:.3g} s, too short to filter"),
    )


def _band(low_hz: float | None, high_hz: float | None, *, rate_hz: float) -> tuple[float | list[float], str]:
    """Return scipy's (corners, kind), or raise BadConfiguration."""
    corners = [corner for corner in (low_hz, high_hz) if corner is not None]
    if not corners:
        raise BadConfiguration("a filter without corners passes everything; give low_hz, high_hz or both")
    if not all(0 < corner < rate_hz / 2 for corner in corners) or sorted(set(corners)) != corners:
        text = " to ".join(f"{corner:g}" for corner in corners)
        raise BadConfiguration(f"corners of {text} Hz must rise between 0 and {rate_hz / 2:g} Hz, half of the sampling rate")
    if len(corners) == 2:
        return corners, "bandpass"
    return corners[0], "lowpass" if low_hz is None else "highpass"


def _samples(seconds: float, *, rate_hz: float) -> int:
    if not seconds > 0:
        raise BadConfiguration(f"a smoothing length of {seconds:g} s must be positive")
    return max(1, round(seconds * rate_hz))
