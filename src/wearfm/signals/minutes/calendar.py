"""From UTC to the wall clock of the wearer, minute by minute, over changes between summer and winter time.

    UTC          00:00  00:30  01:00  01:30            last Sunday of March in Berlin
    wall clock   01:00  01:30  03:00  03:30            02:00 to 03:00 never was: a gap of 60 minutes

    UTC          00:00  00:30  01:00  01:30  02:00     last Sunday of October
    wall clock   02:00  02:30  02:00  02:30  03:00     02:00 to 03:00 was twice: the first is kept, the second dropped

Nothing is ever moved silently: both are findings of the quality record. Models that place minutes by the time of day need
this; `Recording.utc_offset_s` alone holds for recordings within which the clocks do not change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.signals.minutes.grid import MINUTE_NS, Indices, Mask
from wearfm.signals.quality_record import ChannelQuality, Finding, Quality
from wearfm.signals.recording import Channel, Events, Recording
from wearfm.signals.spans import Spans
from wearfm.signals.zone import find_zone

SKIPPED = "the clock was set forward: this hour never was"
REPEATED = "the clock was set back: this hour was twice, the first is kept"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MIN = 1440


@dataclass(frozen=True, kw_only=True, eq=False)
class WallClock:
    """How far the wall clock is ahead of UTC: offset_ns[k] from change_ns[k] on. change_ns: (K,) UTC, ascending."""

    zone: str
    change_ns: NDArray[np.int64]
    offset_ns: NDArray[np.int64]

    @classmethod
    def of(cls, zone: str, *, start_ns: int, stop_ns: int) -> WallClock:
        """Return the clock of an IANA zone ("Europe/Berlin") over [start, stop) of UTC; BadConfiguration if there is none."""
        known = find_zone(zone)
        first, last = start_ns // MINUTE_NS, max(-(-stop_ns // MINUTE_NS), start_ns // MINUTE_NS + 1)
        days = [*range(first, last, _DAY_MIN), last]
        changes = [first]
        for start, stop in pairwise(days):
            if _offset(known, start) != _offset(known, stop):
                changes.append(_change(known, start, stop))
        return cls(
            zone=zone,
            change_ns=np.array(changes, dtype=np.int64) * MINUTE_NS,
            offset_ns=np.array([_offset(known, minute) for minute in changes], dtype=np.int64) * MINUTE_NS,
        )

    def local(self, utc_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what the clock on the wall shows, (N,); the same time twice where it was set back."""
        which = np.maximum(np.searchsorted(self.change_ns, utc_ns, side="right") - 1, 0)
        return np.asarray(utc_ns + self.offset_ns[which], dtype=np.int64)

    def forward(self, utc_ns: NDArray[np.int64]) -> tuple[NDArray[np.int64], Mask]:
        """Return a clock that waits instead of going back, (N,), and where it goes.

        In the second run of a repeated hour it waits at the hour's end, so that order is kept.
        """
        shown = self.local(utc_ns)
        reached = np.maximum.accumulate(self.change_ns[1:] + self.offset_ns[:-1])  # when the clock was set, before it was
        passed = np.searchsorted(self.change_ns[1:], utc_ns, side="right")
        least = np.where(passed > 0, reached[np.maximum(passed - 1, 0)], shown) if len(reached) else shown
        return np.maximum(shown, least), shown >= least


def on_wall_clock(recording: Recording, *, zone: str) -> Recording:
    """Return a minute recording in UTC on the wall clock of a zone ("local"), events too.

    BadConfiguration if the recording is not in UTC or holds anything but minutes. Events keep their start and end on the
    clock that waits (`WallClock.forward`); those that lie in the dropped hour altogether are left out and counted.
    """
    if recording.clock != "utc":
        raise BadConfiguration(
            f"recording {recording.name!r} is on a {recording.clock!r} clock; only UTC can be moved to a zone"
        )
    clock = WallClock.of(zone, **_extent(recording))
    moved = [_moved(channel, clock) for channel in recording.channels]
    events, lost = _events(recording.events, clock)
    notes = [f"moved from UTC to the wall clock of {zone}"]
    if lost:
        notes.append(f"{lost} events left out: {REPEATED}")
    return replace(
        recording,
        clock="local",
        utc_offset_s=None,
        channels=tuple(channel for channel, _ in moved),
        events=events,
        quality=Quality(channels=tuple(entry for _, entry in moved), notes=(*recording.quality.notes, *notes)),
    )


def _extent(recording: Recording) -> dict[str, int]:
    """Return when the first of a recording's minutes and events starts, and when the last ends."""
    events = recording.events
    starts = [*(channel.start_ns for channel in recording.channels), *events.onset_ns[:1].tolist()]
    stops = [*(channel.stop_ns for channel in recording.channels), *(events.onset_ns + events.duration_ns).tolist()]
    return {"start_ns": min(starts, default=0), "stop_ns": max(stops, default=0)}


def _moved(channel: Channel, clock: WallClock) -> tuple[Channel, ChannelQuality]:
    """Return a minute channel on the wall clock, and what became of its minutes."""
    if abs(channel.rate_hz / MINUTE_HZ - 1) > 1e-6:
        raise BadConfiguration(
            f"channel {channel.name!r} has {channel.rate_hz:g} Hz; a wall clock takes minutes: apply `minutes` first"
        )
    utc_ns = channel.start_ns + MINUTE_NS * np.arange(len(channel.samples), dtype=np.int64)
    local_ns, keep = clock.forward(utc_ns)
    start_ns = int(local_ns[0]) if len(local_ns) else channel.start_ns
    position: Indices = (local_ns[keep] - start_ns) // MINUTE_NS
    length = int(position.max(initial=-1)) + 1
    samples, valid = np.zeros(length, dtype=channel.samples.dtype), np.zeros(length, dtype=bool)
    samples[position], valid[position] = channel.samples[keep], channel.mask()[keep]
    kept, dropped, inserted = int(valid.sum()), int(np.count_nonzero(~keep)), length - int(keep.sum())
    masked = len(utc_ns) - dropped - kept
    found = (("dropped", dropped, REPEATED), ("inserted", inserted, SKIPPED), ("masked", masked, "not valid on the UTC clock"))
    findings = tuple(Finding(action=action, samples=n, reason=why) for action, n, why in found if n)  # type: ignore[arg-type]
    entry = ChannelQuality(name=channel.name, source=len(utc_ns), kept=kept, findings=findings)
    return replace(channel, start_ns=start_ns, samples=samples, valid=Spans.from_mask(valid)), entry


def _events(events: Events, clock: WallClock) -> tuple[Events, int]:
    """Return the events on the wall clock, and how many lie in a dropped hour altogether."""
    if len(events) == 0:
        return events, 0
    onset_ns, begins = clock.forward(events.onset_ns)
    stop_ns, _ = clock.forward(events.onset_ns + events.duration_ns)
    moved = replace(events, onset_ns=onset_ns, duration_ns=stop_ns - onset_ns)
    there = begins | (stop_ns > onset_ns)
    return moved.select(there), int(np.count_nonzero(~there))


def _offset(zone: ZoneInfo, minute: int) -> int:
    """Return wall clock minus UTC, minutes, at a UTC minute since 1970."""
    shift = (_EPOCH + timedelta(minutes=minute)).astimezone(zone).utcoffset()
    assert shift is not None, "a zone has an offset at any time"
    if shift % timedelta(minutes=1):
        raise BadConfiguration(f"zone {zone.key!r} was {shift} ahead of UTC then; only offsets of whole minutes are known here")
    return shift // timedelta(minutes=1)


def _change(zone: ZoneInfo, start: int, stop: int) -> int:
    """Return the first minute in (start, stop] whose offset is not that of `start`; a day holds one change at most."""
    before = _offset(zone, start)
    while stop - start > 1:
        middle = (start + stop) // 2
        start, stop = (middle, stop) if _offset(zone, middle) == before else (start, middle)
    return stop
