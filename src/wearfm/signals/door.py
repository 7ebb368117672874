"""The reader's door: raw samples become a channel, and everything implausible is masked and counted, once.

Readers call `admit` for every channel; nothing behind it checks ranges again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.signals.quality_record import ChannelQuality, Finding
from wearfm.signals.recording import Channel, Samples
from wearfm.signals.spans import Spans
from wearfm.signals.units import Modality, affine, modality


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A channel and what became of its samples."""

    channel: Channel
    quality: ChannelQuality


def admit(
    samples: NDArray[np.generic],
    *,
    name: str,
    modality_name: str,
    unit: str,
    rate_hz: float,
    start_ns: int,
    placement: str = "",
    axis: str = "",
    scale: float = 1.0,
    offset: float = 0.0,
    present: Spans | None = None,
    findings: tuple[Finding, ...] = (),
) -> Admitted:
    """Return the channel with its valid spans, and its quality record.

    samples: (T,) any numeric type; integers of at most 32 bits keep their bits, the rest becomes float32. Physical value
    in `unit` = scale * sample + offset; the channel is stored in the modality's canonical unit by changing scale and
    offset only. present: spans that were measured at all (None: everywhere); the samples between them count as
    inserted. findings: what the reader itself already dropped, inserted or repaired ("inserted" is counted here).
    NaN, infinite and implausible samples are masked.
    """
    kind = modality(modality_name)
    factor, shift = affine(unit, kind.unit)
    stored = _storable(samples)
    length = len(stored)
    measured = Spans.all(length) if present is None else present.clip(0, length)
    scale, offset = scale * factor, offset * factor + shift
    valid, lost = _sift(stored, measured, kind=kind, scale=scale, offset=offset)
    found = findings + tuple(Finding(action=a, samples=n, reason=r) for a, n, r in lost if n)  # type: ignore[arg-type]
    dropped = sum(f.samples for f in findings if f.action == "dropped")
    channel = Channel(
        name=name,
        modality=modality_name,
        rate_hz=rate_hz,
        start_ns=start_ns,
        samples=stored,
        valid=valid,
        placement=placement,
        axis=axis,
        scale=scale,
        offset=offset,
    )
    quality = ChannelQuality(name=name, source=measured.total + dropped, kept=valid.total, findings=found, unit=unit)
    return Admitted(channel=channel, quality=quality)


def _storable(samples: NDArray[np.generic]) -> Samples:
    """Return the samples in the smallest of int16, int32 and float32 that keeps integers exact."""
    if samples.dtype in (np.int16, np.int32, np.float32):
        return np.ascontiguousarray(samples)
    if samples.dtype.kind in "iu" and samples.dtype.itemsize <= 2 and samples.dtype != np.uint16:
        return samples.astype(np.int16)
    if samples.dtype.kind in "iu" and (len(samples) == 0 or abs(int(samples.max())) < 2**31 > abs(int(samples.min()))):
        return samples.astype(np.int32)
    with np.errstate(over="ignore", invalid="ignore"):
        return samples.astype(np.float32)


def _sift(
    samples: Samples, measured: Spans, *, kind: Modality, scale: float, offset: float
) -> tuple[Spans, tuple[tuple[str, int, str], ...]]:
    """Return the spans of measured, finite, plausible samples, and (action, samples, reason) of the others."""
    gaps = ("inserted", len(samples) - measured.total, "gap: no samples in the source")
    if _is_clean(samples, scale=scale, offset=offset, low=kind.low, high=kind.high):
        return measured, (gaps,)
    finite, plausible = _judge(samples, scale=scale, offset=offset, low=kind.low, high=kind.high)
    inside = measured.mask(len(samples))
    not_finite, implausible = np.count_nonzero(inside & ~finite), np.count_nonzero(inside & finite & ~plausible)
    return Spans.from_mask(inside & finite & plausible), (
        gaps,
        ("masked", int(not_finite), "not a number or infinite"),
        ("masked", int(implausible), f"outside {kind.low:g} to {kind.high:g} {kind.unit}"),
    )


def _is_clean(samples: Samples, *, scale: float, offset: float, low: float, high: float) -> bool:
    """Return whether every sample is plausible, from the two extremes alone: most channels are, and need no masks."""
    if len(samples) == 0:
        return True
    extremes = (float(samples.min()) * scale + offset, float(samples.max()) * scale + offset)
    return all(low <= extreme <= high for extreme in extremes)


def _judge(
    samples: Samples, *, scale: float, offset: float, low: float, high: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (finite, plausible) masks without making a float64 copy of integer samples."""
    if samples.dtype.kind == "i":
        bounds = sorted(((low - offset) / scale, (high - offset) / scale)) if scale else [-np.inf, np.inf]
        return np.ones(len(samples), dtype=bool), (samples >= bounds[0]) & (samples <= bounds[1])
    with np.errstate(invalid="ignore", over="ignore"):
        physical = samples.astype(np.float64) * scale + offset
        finite = np.isfinite(physical)
        return finite, finite & (physical >= low) & (physical <= high)
