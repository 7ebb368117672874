"""The simulator: real-time factor of a full recording, and its two kernels against how they are usually written."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from benchmarks.row import Row, interleave
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.synthetic.bumps import add_bumps
from wearfm.synthetic.cardiogram import WAVES

HOUR = CohortConfig(session_hours=1.0, ppg_wavelengths=4, num_sessions=99)
ECG_S = 60.0


def full_recording() -> Row:
    """One hour of four PPG wavelengths, ECG, three ACC axes, EDA and TEMP with truth, at the default rates."""
    cohort = Cohort(HOUR, 1)
    seconds, _ = interleave(lambda: cohort.record(0, 0), lambda: None)
    factor = 3600 / median(seconds)
    return Row(
        name="simulate an hour, all channels, 4 wavelengths, one core",
        reference="1 000 times real time",
        ours=factor,
        reference_value=1000.0,
        unit="x real time",
        ratio=factor / 1000,
        target=">= 1",
        met=factor >= 1000,
        limit=f"{_noise_floor():.2g}x real time if every sample were one normal deviate",
    )


def bumps() -> Row:
    """Gaussian bumps of an hour of beats at 64 Hz."""
    centre = np.cumsum(np.random.default_rng(0).uniform(0.7, 1.0, 4200))
    line = np.zeros(3600 * 64)
    return _ratio(
        "an hour of pulse waves on a line",
        "a loop over beats with numpy slices",
        lambda: add_bumps(line, rate_hz=64.0, centre_s=centre, width_s=0.05, height=1.0),
        lambda: _loop(line, centre, rate_hz=64.0, width_s=0.05),
        target=5.0,
    )


def cardiogram() -> Row:
    """A minute of ECG with rhythm, motion and truth, against the differential equation of McSharry et al. 2003 alone."""
    cohort = Cohort(CohortConfig(session_hours=ECG_S / 3600, modalities=("ecg",)), 1)
    return _ratio(
        "a minute of ECG at 128 Hz",
        "McSharry 2003 eq. 1, scipy solve_ivp",
        lambda: cohort.record(0, 0),
        _integrate,
        target=10.0,
    )


BENCHMARKS = (full_recording, bumps, cardiogram)


def _ratio(name: str, reference: str, ours: Callable[[], object], theirs: Callable[[], object], *, target: float) -> Row:
    first, second = interleave(ours, theirs)
    ratio = median(second) / median(first)
    return Row(
        name=name,
        reference=reference,
        ours=1000 * median(first),
        reference_value=1000 * median(second),
        unit="ms",
        ratio=ratio,
        target=f">= {target:g}x",
        met=ratio >= target,
    )


def _loop(line: NDArray[np.float64], centre_s: NDArray[np.float64], *, rate_hz: float, width_s: float) -> None:
    times = np.arange(len(line)) / rate_hz
    for centre in centre_s:
        start, stop = max(int((centre - 6 * width_s) * rate_hz), 0), min(int((centre + 6 * width_s) * rate_hz) + 1, len(line))
        line[start:stop] += np.exp(-0.5 * ((times[start:stop] - centre) / width_s) ** 2)


def _integrate() -> NDArray[np.float64]:
    angles = np.array([2 * np.pi * wave.centre_s for wave in WAVES])
    widths = np.array([2 * np.pi * wave.width_s for wave in WAVES])
    heights = np.array([wave.height_mv for wave in WAVES]) / widths**2
    omega = 2 * np.pi * 70 / 60

    def slope(_: float, state: NDArray[np.float64]) -> tuple[float, float, float]:
        x, y, z = state
        alpha = 1 - np.hypot(x, y)
        distance = (np.arctan2(y, x) - angles + np.pi) % (2 * np.pi) - np.pi
        pull = -float(np.sum(omega * heights * distance * np.exp(-0.5 * (distance / widths) ** 2)))
        return alpha * x - omega * y, alpha * y + omega * x, pull - z

    times = np.arange(int(ECG_S * 128)) / 128
    return np.asarray(solve_ivp(slope, (0, ECG_S), (1.0, 0.0, 0.0), t_eval=times, max_step=1 / 128).y[2])


def _noise_floor() -> float:
    samples = sum(HOUR.length(name) * {"ppg": 4, "acc": 3}.get(name, 1) for name in HOUR.modalities)
    generator = np.random.default_rng(0)
    seconds, _ = interleave(lambda: generator.standard_normal(samples), lambda: None)
    return 3600 / median(seconds)
