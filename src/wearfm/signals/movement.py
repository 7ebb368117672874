"""Does this window move, is it worth waking a network for, and does it shake as freezing does? Without a model.

    window ── activity, g ── Gate: opens above `on`, closes below `on / ratio` for `hold` windows ── run the network, or sleep
           ╰─ freeze index: power at 3 to 8 Hz over power at 0.5 to 3 Hz, the control for every detector of freezing

The gate is the opportunistic inference of LIFT-PD (Soumma et al. 2024, arXiv:2410.21326); statistic, hysteresis and hold are
ours, the paper gives none. Freeze index: Moore, MacDougall & Ondo 2008 (doi:10.1016/j.jneumeth.2007.08.023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
STEPPING_HZ = (0.5, 3.0)  # Moore et al. 2008, section 2.4
FREEZING_HZ = (3.0, 8.0)
STILL_G2 = 1e-8  # power of a sensor that lies on a table: (0.1 mg)²


def activity(signal: NDArray[np.floating], valid: Bools) -> Array:
    """Return the standard deviation of the length of the acceleration in each window, (N,) g: the cheapest sign of life.

    signal, valid: (N, 3, T). A sample counts if all its axes were measured; NaN for a window with none.
    """
    _check(signal, valid)
    known: Bools = np.all(valid, axis=1)  # (N, C, T) -> (N, T)
    length = _length(signal, known)
    count = known.sum(axis=1)
    mean = length.sum(axis=1) / np.maximum(count, 1)
    square = np.where(known, length - mean[:, None], 0.0) ** 2
    return np.where(count > 0, np.sqrt(square.sum(axis=1) / np.maximum(count, 1)), np.nan)


def band_power(signal: NDArray[np.floating], valid: Bools, *, rate_hz: float, band_hz: tuple[float, float]) -> Array:
    """Return the power of each window inside a band, summed over the axes, (N,) g²; it does not depend on how a sensor hangs.

    signal, valid: (N, C, T). A sine of amplitude a inside the band has a² / 2. Means over valid samples are taken away,
    gaps are 0, and a Hann window keeps gravity's drift out of the band. [low, high) Hz.
    """
    _check(signal, valid)
    frequency_hz = np.fft.rfftfreq(signal.shape[2], 1 / rate_hz)
    inside = (frequency_hz >= band_hz[0]) & (frequency_hz < band_hz[1])
    if not inside.any():
        listed = f"{band_hz[0]:g} to {band_hz[1]:g}"
        raise BadConfiguration(
            f"{listed} Hz: {signal.shape[2]} samples at {rate_hz:g} Hz resolve nothing there; use longer windows"
        )
    values = np.where(valid, signal, 0.0).astype(np.float64)
    mean = values.sum(axis=2, keepdims=True) / np.maximum(valid.sum(axis=2, keepdims=True), 1)
    taper = np.hanning(signal.shape[2] + 1)[:-1]
    amplitude = np.fft.rfft(np.where(valid, values - mean, 0.0) * taper, axis=2)  # (N, C, F)
    power = 2 * np.abs(amplitude[:, :, inside]) ** 2 / (signal.shape[2] * np.sum(taper**2))
    return np.asarray(power.sum(axis=(1, 2)), dtype=np.float64)


def freeze_index(signal: NDArray[np.floating], valid: Bools, *, rate_hz: float) -> Array:
    """Return power at 3 to 8 Hz over power at 0.5 to 3 Hz of each window, (N,); 0 where nothing moves.

    signal, valid: (N, C, T). Large while the legs tremble in place, small while they walk. Moore et al. square both areas
    and look at one axis of a shank; the order of windows is the same without the squares.
    """
    stepping = band_power(signal, valid, rate_hz=rate_hz, band_hz=STEPPING_HZ)
    freezing = band_power(signal, valid, rate_hz=rate_hz, band_hz=FREEZING_HZ)
    moves = stepping + freezing > STILL_G2
    return np.where(moves, freezing / np.where(moves, np.maximum(stepping, STILL_G2), 1.0), 0.0)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Which windows the network is woken for.

    on: activity at which the gate opens, in the statistic's unit. ratio: it closes below on / ratio, so that noise around
    one threshold does not make it flutter. hold: windows in a row that must lie below before it closes.
    """

    on: float
    ratio: float = 1.5
    hold: int = 2

    def __post_init__(self) -> None:
        if not self.on > 0:
            raise BadConfiguration(f"on={self.on:g}: a gate that opens at nothing never closes; give a positive threshold")
        if self.ratio < 1 or self.hold < 1:
            raise BadConfiguration(f"ratio={self.ratio:g}, hold={self.hold}: both must be at least 1")

    def decide(self, moved: Array, recording: NDArray[np.int64]) -> Bools:
        """Return whether the gate is open in each window, (N,); every recording starts closed.

        moved: (N,) activity in the order of time; NaN, nothing measured, counts as still. recording: (N,) codes, in runs.
        """
        first = np.concatenate(([True], recording[1:] != recording[:-1]))
        is_open = np.zeros(len(moved), dtype=bool)
        now, still = False, 0
        for place, (value, starts) in enumerate(zip(moved.tolist(), first.tolist(), strict=True)):
            now, still = (False, 0) if starts else (now, still)
            still = 0 if value >= self.on / self.ratio else still + 1
            now = value >= self.on or (now and still < self.hold)
            is_open[place] = now
        return is_open


def _length(signal: NDArray[np.floating], known: Bools) -> Array:
    """Return the length of the acceleration, (N, C, T) -> (N, T); 0 where not known."""
    values = np.where(known[:, None], signal, 0.0).astype(np.float64)
    return np.asarray(np.sqrt(np.einsum("nct,nct->nt", values, values)), dtype=np.float64)


def _check(signal: NDArray[np.floating], valid: Bools) -> None:
    if signal.ndim != 3 or signal.shape != valid.shape:
        raise BadConfiguration(f"signal {signal.shape} and valid {valid.shape} must both be (N, C, T)")
