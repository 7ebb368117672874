"""Minute data that a device reports ready-made: taken as they are, or brought from finer epochs to minutes.

once a minute           unchanged
30 s, 10 s, 1 s ...     totals are summed, and only minutes with every epoch are valid; everything else is averaged
slower                  refused: a minute cannot be told from a longer sum or mean
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wearfm.errors import BadConfiguration
from wearfm.signals.minutes.column import LEAST_SHARE
from wearfm.signals.minutes.features import MINUTE_FEATURES, MINUTE_HZ
from wearfm.signals.minutes.grid import MINUTE_NS, Mask, MinuteGrid, by_minute
from wearfm.signals.quality_record import ChannelQuality, Finding
from wearfm.signals.recording import SECOND, Channel, Samples
from wearfm.signals.spans import Spans
from wearfm.signals.units import modality

RAW_TOO = ("eda", "temp")  # minute features that sensors also give as a signal: faster than a minute, they are derived


@dataclass(frozen=True, kw_only=True)
class Minutely:
    """A channel once a minute, and what became of its minutes."""

    channel: Channel
    quality: ChannelQuality


def is_ready(channel: Channel) -> bool:
    """Return whether a channel is once a minute already."""
    return channel.modality in MINUTE_FEATURES and abs(channel.rate_hz / MINUTE_HZ - 1) < 1e-6


def is_epochs(channel: Channel) -> bool:
    """Return whether a channel holds a minute feature at another rate than once a minute."""
    return channel.modality in MINUTE_FEATURES and not is_ready(channel) and channel.modality not in RAW_TOO


def to_minutes(channel: Channel) -> Minutely:
    """Return epochs brought to whole minutes; BadConfiguration if that cannot be done exactly.

    Totals keep their whole numbers (int32) and need epochs that divide a minute and begin with it.
    """
    if channel.rate_hz < MINUTE_HZ:
        raise BadConfiguration(
            f"channel {channel.name!r} has one value in {1 / channel.rate_hz:g} s; minutes cannot be told from longer epochs:"
            f" give {channel.modality} once a minute or faster"
        )
    grid = MinuteGrid.over(channel.start_ns, channel.stop_ns)
    return _summed(channel, grid) if modality(channel.modality).is_total else _averaged(channel, grid)


def _summed(channel: Channel, grid: MinuteGrid) -> Minutely:
    per_minute = round(60 * channel.rate_hz)
    lead_ns = channel.start_ns - grid.first_ns
    before = round(lead_ns * channel.rate_hz / SECOND)
    drift_ns = abs(lead_ns - before * MINUTE_NS / per_minute)
    if abs(60 * channel.rate_hz - per_minute) > 1e-6 or drift_ns > 1_000_000:
        raise BadConfiguration(
            f"channel {channel.name!r}: epochs of {1 / channel.rate_hz:g} s that begin {lead_ns / SECOND % 60:g} s"
            " after a whole minute do not make up whole minutes; sum them where they were recorded"
        )
    edges = np.arange(grid.count + 1) * per_minute - before
    minute = by_minute(channel.samples.astype(np.float64), channel.mask(), edges, rate_hz=channel.rate_hz)
    good = np.asarray(minute.valid.all(axis=1))
    total = np.where(good, minute.values.sum(axis=1), 0.0)
    whole = channel.samples.dtype.kind == "i" and total.max(initial=0) < 2**31
    samples: Samples = total.astype(np.int32) if whole else total.astype(np.float32)
    shifted = replace(channel, offset=channel.offset * per_minute)
    return _made(shifted, samples, good, grid, rule="an epoch of the minute is missing")


def _averaged(channel: Channel, grid: MinuteGrid) -> Minutely:
    edges = grid.edges(channel.start_ns, rate_hz=channel.rate_hz)
    minute = by_minute(channel.physical(), channel.mask(), edges, rate_hz=channel.rate_hz)
    good = minute.share >= LEAST_SHARE
    mean = np.where(good, minute.mean(), 0.0).astype(np.float32)
    plain = replace(channel, scale=1.0, offset=0.0)
    return _made(plain, mean, good, grid, rule="less than half of the minute measured")


def _made(channel: Channel, samples: Samples, good: Mask, grid: MinuteGrid, *, rule: str) -> Minutely:
    made = replace(channel, rate_hz=MINUTE_HZ, start_ns=grid.first_ns, samples=samples, valid=Spans.from_mask(good))
    lost = grid.count - made.valid.total
    findings = (Finding(action="masked", samples=lost, reason=rule),) if lost else ()
    quality = ChannelQuality(name=channel.name, source=grid.count, kept=made.valid.total, findings=findings)
    return Minutely(channel=made, quality=quality)
