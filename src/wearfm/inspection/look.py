"""What a channel looks like in numbers: range, gaps, and the shares that are clipped, flat and out of range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.signals.quality_record import ChannelQuality
from wearfm.signals.recording import Channel

FLAT_S = 1.0  # a constant stretch of a second and ...
FLAT_SAMPLES = 30  # ... of thirty samples is flat: a slow sensor of few steps may well repeat itself
CLIPPED_SAMPLES = 3  # neighbours at the very end of the range: a crest touches it once, a saturated one stays, and ...
CLIPPED_NEAR = 0.05  # ... leaves more samples at the end than in this share of the range, or the step, before it
_MIDDLE_OF = 2**20  # samples that the median is taken of
_CHUNK = 2**22  # samples looked at together


@dataclass(frozen=True, kw_only=True)
class Look:
    """A channel in numbers. minimum, median, maximum: of the valid samples in the channel's unit, NaN for none.

    samples: in the channel. valid_share: of them. gaps: stretches that are not valid; longest_gap_s: seconds. clipped: share
    of the valid samples in runs of at least `CLIPPED_SAMPLES` at the lowest or highest value, where more samples lie there
    than in the twentieth of the range before it. flat: share in constant runs of at least `FLAT_S` and `FLAT_SAMPLES`.
    implausible: samples that the reader masked as outside the range of their modality.
    """

    samples: int
    valid_share: float
    gaps: int
    longest_gap_s: float
    minimum: float
    median: float
    maximum: float
    clipped: float
    flat: float
    implausible: int


def look(channel: Channel, quality: ChannelQuality | None = None) -> Look:
    """Return the numbers of a channel; quality: its part of the quality record, for what was masked."""
    length = len(channel.samples)
    gaps = channel.valid.complement(length).bounds
    low, high, middle, step = _extent(channel)
    still, ended = _runs(channel, low, high, near=max(CLIPPED_NEAR * (high - low), 1.5 * step))
    valid = max(channel.valid.total, 1)
    return Look(
        samples=length,
        valid_share=channel.valid.total / max(length, 1),
        gaps=len(gaps),
        longest_gap_s=float((gaps[:, 1] - gaps[:, 0]).max(initial=0) / channel.rate_hz),
        **_physical(channel, low, middle, high),
        clipped=ended / valid,
        flat=still / valid,
        implausible=_implausible(quality),
    )


def _extent(channel: Channel) -> tuple[float, float, float, float]:
    """Return lowest, highest and median valid sample, and the smallest step between two, as they are stored; NaN for none."""
    if channel.valid.total == 0:
        return (np.nan,) * 4
    pieces = [channel.samples[start:stop] for start, stop in channel.valid.bounds.tolist()]
    step = channel.valid.total // _MIDDLE_OF + 1
    some = np.concatenate([piece[::step] for piece in pieces])
    smallest = float(np.diff(np.unique(some).astype(np.float64)).min(initial=np.inf))
    low, high = min(piece.min() for piece in pieces), max(piece.max() for piece in pieces)
    return float(low), float(high), float(np.median(some)), smallest if np.isfinite(smallest) else 0.0


def _physical(channel: Channel, low: float, middle: float, high: float) -> dict[str, float]:
    first, last = sorted((low * channel.scale + channel.offset, high * channel.scale + channel.offset))
    return {"minimum": first, "median": middle * channel.scale + channel.offset, "maximum": last}


def _runs(channel: Channel, low: float, high: float, *, near: float) -> tuple[int, int]:
    """Return how many valid samples are flat, and how many are clipped; near: how far the range before an end reaches."""
    least = max(round(FLAT_S * channel.rate_hz), FLAT_SAMPLES)
    still, ended, beside = 0, np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64)
    for piece in _pieces(channel):
        edges = np.concatenate(([0], np.flatnonzero(piece[1:] != piece[:-1]) + 1, [len(piece)]))
        lengths, values = np.diff(edges), piece[edges[:-1]].astype(np.float64)
        still += int(lengths[lengths >= least].sum())
        for side, (end, distance) in enumerate(((low, values - low), (high, high - values))):
            at_the_end = (values == end) & (lengths >= CLIPPED_SAMPLES) & (lengths < least)
            ended[side] += lengths[at_the_end].sum()
            beside[side] += lengths[(distance > 0) & (distance <= near)].sum()
    return still, int(ended[ended > beside].sum()) if low < high else 0


def _pieces(channel: Channel) -> Iterator[NDArray[np.generic]]:
    """Yield the valid samples, at most `_CHUNK` at a time; a run over the edge of a chunk counts as two."""
    for start, stop in channel.valid.bounds.tolist():
        for first in range(start, stop, _CHUNK):
            yield channel.samples[first : min(first + _CHUNK, stop)]


def _implausible(quality: ChannelQuality | None) -> int:
    found = () if quality is None else quality.findings
    return sum(each.samples for each in found if each.action == "masked" and each.reason.startswith("outside"))
