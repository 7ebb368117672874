"""Raw recordings whose minutes are known: a heart at 72, a walk at 1.8 steps a second, a still hour."""

from __future__ import annotations

import numpy as np

from wearfm.signals.recording import SECOND, Channel, Events, Recording
from wearfm.signals.spans import Spans

NOON_S = 1_700_049_600  # 2023-11-15 12:00 UTC


def raw(
    samples: np.ndarray,
    *,
    name: str,
    modality: str,
    rate_hz: float,
    start_s: float = NOON_S,
    axis: str = "",
    placement: str = "wrist",
    gaps: tuple[tuple[float, float], ...] = (),
) -> Channel:
    """A channel in physical units; gaps in seconds after its start, filled with what nobody may look at."""
    spans = Spans.of([(round(a * rate_hz), round(b * rate_hz)) for a, b in gaps])
    stored = samples.astype(np.float32)
    stored[spans.mask(len(stored))] = 1e6
    return Channel(
        name=name,
        modality=modality,
        rate_hz=rate_hz,
        start_ns=round(start_s * SECOND),
        samples=stored,
        valid=spans.complement(len(stored)),
        axis=axis,
        placement=placement,
    )


def recording(*channels: Channel, events: Events | None = None, **more: object) -> Recording:
    settings = {"participant": "p", "name": "day", "clock": "utc", "utc_offset_s": 3600, "facts": {"age_years": 40.0}} | more
    return Recording(channels=channels, events=events or Events.of(), **settings)  # type: ignore[arg-type]


def seconds(minutes: float, rate_hz: float) -> np.ndarray:
    return np.arange(round(60 * minutes * rate_hz)) / rate_hz


def pulse(minutes: float, *, per_min: float = 72.0, rate_hz: float = 64.0, **more: object) -> Channel:
    """A sine with a second harmonic and a little noise."""
    phase = 2 * np.pi * per_min / 60 * seconds(minutes, rate_hz)
    noise = 0.01 * np.random.default_rng(0).normal(size=len(phase))
    return raw(np.sin(phase) + 0.3 * np.sin(2 * phase + 0.5) + noise, name="BVP", modality="ppg", rate_hz=rate_hz, **more)


def acceleration(axes: np.ndarray, *, rate_hz: float, **more: object) -> tuple[Channel, ...]:
    """Three channels of (3, T) g."""
    return tuple(
        raw(row, name=f"ACC {axis}", modality="acc", rate_hz=rate_hz, axis=axis, **more)
        for axis, row in zip("xyz", axes, strict=True)
    )


def walk(minutes: float, *, steps_hz: float = 1.8, rate_hz: float = 32.0, noise_g: float = 0.004) -> np.ndarray:
    """(3, T) g at the wrist: gravity along z, steps up and down on it, arms swinging at half of their rate."""
    time = seconds(minutes, rate_hz)
    angle = 2 * np.pi * steps_hz * time
    up = 1 + 0.22 * (np.sin(angle) + 0.4 * np.sin(2 * angle + 1))
    return np.stack((0.16 * np.sin(angle / 2), np.zeros_like(time), up)) + stillness(
        minutes, rate_hz=rate_hz, noise_g=noise_g, down_g=0
    )


def stillness(minutes: float, *, rate_hz: float = 32.0, noise_g: float = 0.004, down_g: float = 1.0) -> np.ndarray:
    """(3, T) g: gravity along z and the noise of the part."""
    noise = noise_g * np.random.default_rng(1).normal(size=(3, round(60 * minutes * rate_hz)))
    return noise + np.array([[0.0], [0.0], [down_g]])


def intervals(lengths_s: list[float] | np.ndarray, *, start_s: float = NOON_S, leave_out: slice = slice(0, 0)) -> Events:
    """Inter-beat intervals as a device reports them, one after the other; some left out."""
    ends = start_s + np.cumsum(lengths_s)
    rows = [
        ("ibi", round((end - length) * SECOND), round(length * SECOND), "", float(length))
        for end, length in zip(ends, lengths_s, strict=True)
    ]
    del rows[leave_out]
    return Events.of(rows)
