"""Tiny recordings whose samples can be checked by eye."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wearfm.signals.recording import SECOND, Channel, Events, Recording
from wearfm.signals.spans import Spans


def channel(
    samples: Sequence[float] | np.ndarray,
    *,
    name: str = "PPG",
    modality: str = "ppg",
    rate_hz: float = 10.0,
    start_s: float = 0.0,
    gaps: Sequence[tuple[int, int]] = (),
    scale: float = 1.0,
) -> Channel:
    """A channel that is valid everywhere but in the gaps [start, stop)."""
    values = np.asarray(samples)
    stored = values.astype(np.int16 if values.dtype.kind == "i" else np.float32)
    return Channel(
        name=name,
        modality=modality,
        rate_hz=rate_hz,
        start_ns=round(start_s * SECOND),
        samples=stored,
        valid=Spans.of(gaps).complement(len(stored)),
        scale=scale,
    )


def recording(participant: str, name: str, *channels: Channel, events: Events | None = None, **facts: float | str) -> Recording:
    """A recording on the UTC clock."""
    return Recording(
        participant=participant, name=name, channels=channels, events=events or Events.of(), clock="utc", facts=facts
    )


def ramp(seconds: float, *, rate_hz: float = 10.0, first: int = 0) -> np.ndarray:
    """Whole numbers that count up, one a sample."""
    return np.arange(first, first + round(seconds * rate_hz), dtype=np.int16)
