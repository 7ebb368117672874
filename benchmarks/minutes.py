"""From raw to minutes: a day of wrist signals at once, against the loop over minutes that one writes with numpy and scipy.

E4-like rates: PPG 64 Hz, ACC 32 Hz, EDA and TEMP 4 Hz. CPU seconds, one interleaved run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, find_peaks, sosfiltfilt
from scipy.stats import kurtosis

from benchmarks.row import Row, interleave
from wearfm.signals.minutes import minutes
from wearfm.signals.recording import Recording
from wearfm.synthetic import Cohort, CohortConfig

HOURS = 24
Array = NDArray[np.float64]


def whole_day() -> list[Row]:
    """All features of a day of simulated wrist signals; the loop does less: no artefacts, no quality, no gaps."""
    everything = _day()
    moving = replace(everything, channels=tuple(c for c in everything.channels if c.modality == "acc"))
    return [
        _row("minutes of a day, PPG + ACC + EDA + TEMP", everything, _loop_over_everything),
        _row("minutes of a day, ACC", moving, _loop_over_motion),
    ]


def _row(name: str, recording: Recording, loop: Callable[[Recording], object]) -> Row:
    ours, theirs = interleave(lambda: minutes(recording), lambda: loop(recording), repeats=3)
    speed, other = HOURS / median(ours), HOURS / median(theirs)
    return Row(
        name=name, reference="a loop over minutes in numpy and scipy, without masks, artefacts or quality", ours=speed,
        reference_value=other, unit="raw hours/s", ratio=speed / other, target=">= 1x, a day in seconds",
        met=speed >= other and median(ours) < 10, limit="two zero-phase filters a sample and axis, and one a beat detector",
        note=f"{median(ours):.2f} s CPU a day",
    )  # fmt: skip


def _day() -> Recording:
    """The day of a strap that never slips: the loop knows no gaps."""
    config = CohortConfig(
        num_participants=1, num_sessions=1, session_hours=HOURS, modalities=("ppg", "acc", "eda", "temp"), missingness=0.0
    )
    return Cohort(config, seed=2).record(0, 0)


def _loop_over_everything(recording: Recording) -> list[list[float]]:
    ppg, eda, temp = (recording.channel(name) for name in ("ppg_green", "eda", "temp"))
    found = _loop_over_motion(recording)
    pulse, conductance, degrees = ppg.physical(), eda.physical(), temp.physical()
    for number, row in enumerate(found):
        around = pulse[max(0, number - 2) * 3840 : (number + 3) * 3840]
        row += _heart(pulse[number * 3840 : (number + 1) * 3840], 64.0) + _heart(around, 64.0)
        for skin in (conductance, degrees):
            minute = skin[number * 240 : (number + 1) * 240]
            row += [float(np.median(minute)), float(np.polyfit(np.arange(240) / 240, minute, 1)[0])]
    return found


def _loop_over_motion(recording: Recording) -> list[list[float]]:
    axes = np.stack([recording.channel(f"acc_{axis}").physical() for axis in "xyz"])
    return [_motion(axes[:, start : start + 1920], 32.0) for start in range(0, axes.shape[1], 1920)]


def _heart(signal: Array, rate_hz: float) -> list[float]:
    band = sosfiltfilt(butter(2, [0.5, 8.0], btype="bandpass", fs=rate_hz, output="sos"), signal)
    interval = np.diff(find_peaks(band, distance=round(0.3 * rate_hz))[0]) * 1000 / rate_hz
    if len(interval) < 3:
        return [0.0] * 7
    share, changes = (np.histogram(x, bins=np.arange(-3000, 3001, 20))[0] for x in (interval, np.diff(interval)))
    entropies = [float(-np.sum(p * np.log2(p))) for p in (h[h > 0] / h.sum() for h in (share, changes))]
    return [*np.quantile(interval, [0.2, 0.5, 0.8]), interval.std(), np.sqrt(np.mean(np.diff(interval) ** 2)), *entropies]


def _motion(axes: Array, rate_hz: float) -> list[float]:
    length = np.sqrt(np.square(axes).sum(axis=0))
    fast = sosfiltfilt(butter(2, 0.25, btype="highpass", fs=rate_hz, output="sos"), axes)
    gait = sosfiltfilt(butter(2, [1.0, 3.5], btype="bandpass", fs=rate_hz, output="sos"), length)
    counted = np.abs(sosfiltfilt(butter(2, [0.25, 2.5], btype="bandpass", fs=rate_hz, output="sos"), axes))
    variance, vectors = np.linalg.eigh(np.cov(fast))
    principal = vectors[:, 2] @ fast
    jerk = np.diff(principal)
    crossing = np.diff(np.flatnonzero(np.diff(principal > 0))) / rate_hz
    return [
        float(np.log(np.square(fast).sum(axis=0).mean())), float(np.log(variance[2] / variance[0])),
        float(np.log(variance[2] / variance.sum())), float(np.sum(jerk[1:] * jerk[:-1]) / np.sum(jerk**2)),
        float(crossing.mean()), float(crossing.std()), float(kurtosis(np.sqrt(np.square(fast).sum(axis=0)))),
        float(axes.mean()), float(np.maximum(length - 1, 0).mean()), float(len(find_peaks(gait, height=0.04)[0])),
        float(counted[counted > 0.05].sum()),
    ]  # fmt: skip


BENCHMARKS: tuple[Callable[[], list[Row]], ...] = (whole_day,)
