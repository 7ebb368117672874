"""Waves with known beats: a pulse of two bumps and an electrocardiogram of five."""

from __future__ import annotations

import numpy as np

# (centre in s after the beat, width in s, height); shapes after McSharry et al. 2003, IEEE TBME 50:289
PULSE = ((0.0, 0.07, 1.0), (0.28, 0.09, 0.35))
ECG = ((-0.18, 0.025, 0.12), (-0.03, 0.010, -0.12), (0.0, 0.011, 1.0), (0.03, 0.010, -0.20), (0.27, 0.045, 0.25))


def beat_times(seconds: float, *, mean_s: float = 0.8, swing_s: float = 0.05) -> np.ndarray:
    """Beats whose intervals swing at 0.1 Hz."""
    times, now = [], 0.5
    while now < seconds - 0.5:
        times.append(now)
        now += mean_s + swing_s * np.sin(2 * np.pi * 0.1 * now)
    return np.array(times)


def wave(times_s: np.ndarray, bumps: tuple[tuple[float, float, float], ...], *, seconds: float, rate_hz: float) -> np.ndarray:
    """The sum of the bumps of all beats, (T,)."""
    clock = np.arange(round(seconds * rate_hz)) / rate_hz
    total = np.zeros(len(clock))
    for time in times_s:
        for centre, width, height in bumps:
            total += height * np.exp(-0.5 * ((clock - time - centre) / width) ** 2)
    return total
