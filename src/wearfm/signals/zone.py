"""The zone of a clock: IANA names, and recordings whose wall clock becomes UTC once somebody says which zone it was.

    file says      2021-10-30 22:00     wall clock of an unknown zone (clock "local")
    user says      Europe/Berlin
    recording      2021-10-30 20:00 UTC, utc_offset_s = 7200

A device is set once and counts on: it shows no 02:30 twice in the night in which the clocks are set back. So the offset of
the start holds for the whole recording, and a note says where the wall clock changed meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wearfm.errors import BadConfiguration
from wearfm.signals.recording import SECOND, Recording

_EPOCH = datetime(1970, 1, 1)


def find_zone(name: str) -> ZoneInfo:
    """Return an IANA zone ("Europe/Berlin"); BadConfiguration if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadConfiguration(
            f"zone {name!r} is not in the IANA data base; write one like 'Europe/Berlin', or install the package tzdata"
        ) from error


def in_zone(recording: Recording, zone: str) -> Recording:
    """Return a recording on the UTC clock whose wall-clock times are those of a zone; others are returned as they are.

    A start that the wall clock showed twice is taken as the first, one that it never showed as if the clock had not yet been
    set forward; both are noted.
    """
    known = find_zone(zone)
    if recording.clock != "local":
        return recording
    start_ns = recording.start_ns if recording.channels else int(recording.events.onset_ns.min(initial=0))
    wall = _EPOCH + timedelta(seconds=start_ns // SECOND)
    offset_s = _offset_s(known, wall)
    shift = -offset_s * SECOND
    notes = (*recording.quality.notes, f"wall clock of {zone}: {offset_s} s ahead of UTC", *_remarks(recording, known, wall))
    return replace(
        recording,
        clock="utc",
        utc_offset_s=offset_s,
        channels=tuple(replace(channel, start_ns=channel.start_ns + shift) for channel in recording.channels),
        events=replace(recording.events, onset_ns=recording.events.onset_ns + shift),
        quality=replace(recording.quality, notes=notes),
    )


def _offset_s(zone: ZoneInfo, wall: datetime, *, fold: int = 0) -> int:
    offset = wall.replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None, "a zone has an offset at any time"
    return int(offset.total_seconds())


def _remarks(recording: Recording, zone: ZoneInfo, wall: datetime) -> list[str]:
    """Return what a reader should know of a start at a change, and of a change on the way."""
    first, second = _offset_s(zone, wall), _offset_s(zone, wall, fold=1)
    found = []
    if first != second:
        there = (wall - timedelta(seconds=first)).replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) == wall
        found.append("the start was shown twice, the first is taken" if there else "the start was never shown")
    end = wall + timedelta(seconds=recording.duration_s)
    if _offset_s(zone, end) != first:
        found.append(f"the clocks changed on the way; the device is taken to have counted on ({zone.key})")
    return found
