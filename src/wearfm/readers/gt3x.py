"""ActiGraph GT3X: raw acceleration of both generations of devices, light, wear and pauses.

ActiGraph's raw file: a zip with `info.txt` and either `log.bin` (devices of today) or `activity.bin` (GT3X+ and ActiSleep+
with firmware up to 2.5, as in NHANES 2011 to 2014). Recognised by these members.

| in the file | in the recording |
|---|---|
| ACTIVITY, ACTIVITY2 records, or `activity.bin` | channels `acc x`, `acc y`, `acc z`: `int16` counts, unchanged |
| Acceleration Scale; else the ACCEL_SCALE parameter; else serial NEO, CLE, MRA 341, MOS, TAS 256 counts per g | scale |
| seconds without a record (sleep mode, a lost record) | a gap |
| EVENT 8 and 9 | events `idle`: the device begins and ends a pause of its sleep mode |
| LUX records or `lux.bin` | channel `light`; 1.25 lux a count for NEO, 3.25 for MRA, 1 for others; 65535 is missing |
| CAPSENSE records | events `wear`, labels `worn` and `not worn`, one for each run |
| HEART_RATE records | events `hr` |
| Subject Name, if it is one word with a digit in it | participant; else the name of the file |
| Sex, Age, Height, Mass, Limb | facts, placement |

**Time.** The device stamps every second in the wall clock of the computer that set it, not in UTC, although the stamps look
like Unix time. With a TimeZone in `info.txt`, or a UtcOffset in the metadata of the log, the recording is in UTC and keeps
the offset; without, it is in local time. Metadata that say UsedUtc are believed. The offset is that of the set-up: the clock
of the device does not follow summer time. The samples of a second are spread evenly over it, as the device itself does.

**Pauses.** In sleep mode a device that lies still writes nothing. ActiLife's export fills such seconds with the last sample;
here they are gaps, and the pause is an event. EVENT 8 and 9 are not in the public description: in the genuine file at hand
five of the six pauses lie between such a pair, the sixth begins when a cable is plugged in, and there is no other pair.

**Broken files.** A record whose checksum is wrong is dropped and counted, wherever it lies; no length in the file is
trusted. Zeros between records are ignored. A log that is cut off is read up to there. A wrong checksum of the zip is noted.

**Limits.** Gyroscope, magnetometer and second accelerometer of the GT9X Link (SENSOR_DATA), intervals between beats and
proximity tags are not read; their records are counted in a note. Light below 20 counts is noise by the maker's own word; it
is kept as it is.

Source: ActiGraph, GT3X-File-Format (2015) and NHANES-GT3X-File-Format (2014), github.com/actigraph.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, EventRow, Series, on_grid
from wearfm.readers.base import Bytes, Reader, stem
from wearfm.readers.blocks import Part, arrange
from wearfm.readers.gt3x_info import Info, parse_info, zone_of
from wearfm.readers.gt3x_log import (
    ACTIVITY,
    ACTIVITY2,
    CAPSENSE,
    EVENT,
    HEADER,
    HEART_RATE,
    LUX,
    METADATA,
    PARAMETERS,
    Log,
    count,
    decode,
    find_records,
)
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import check_date
from wearfm.readers.zip_member import Member, member, names
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Recording

_ZIP = b"PK\x03\x04"
_NO_LUX = 65_535
_IDLE_BEGINS, _IDLE_ENDS = 8, 9
_BLOCK_S = 2  # activity.bin has no records: of any rate, two seconds fill whole bytes
_UNREAD = {7: "TAG", 9: "EPOCH", 11: "HEART_RATE_ANT", 14: "HEART_RATE_BLE", 24: "SENSOR_SCHEMA", 25: "SENSOR_DATA"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Contents:
    """What a file holds, of either generation; times on the device's clock.

    kind: of the payloads. payload, size, stamp_s: (B,) where each block of samples lies, its bytes, its time.
    light_s, light: (L,) stamps and readings. lost: samples in damaged records.
    """

    data: Bytes
    kind: int
    payload: NDArray[np.int64]
    size: NDArray[np.int64]
    stamp_s: NDArray[np.int64]
    counts_per_g: float
    light_s: NDArray[np.int64]
    light: NDArray[np.uint16]
    metadata: tuple[bytes, ...] = ()
    events: tuple[EventRow, ...] = ()
    lost: int = 0
    notes: tuple[str, ...] = ()


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of a GT3X file; a very long one in parts."""
    text = member(path, _find(path, "info.txt"))
    info = parse_info(path, bytes(text.data[:65_536]))
    log = _find(path, "log.bin")
    contents = _log(path, info, member(path, log)) if log else _activity(path, info)
    zone = zone_of(info, contents.metadata)
    check_date(path, int(contents.stamp_s[0]) * SECOND)
    time_ns = contents.stamp_s * SECOND + zone.shift_ns
    counts = count(contents.kind, contents.size)
    laid = arrange(path, time_ns, counts, rate_hz=info.rate_hz, slack_s=0.0, is_exact=True)
    notes = (*_damage(text, "info.txt"), *contents.notes, *laid.notes, *zone.notes)
    for number, (part, until_ns) in enumerate(_until(laid.parts)):
        found = Assembly(path=path, notes=list(notes))
        _add_axes(found, info, contents, part, lost=0 if number else contents.lost)
        since_ns = part.start_ns if number else -(2**63)
        _add_light(found, info, contents, zone.shift_ns, since_ns, until_ns)
        moved = [(kind, onset + zone.shift_ns, lasts, label, value) for kind, onset, lasts, label, value in contents.events]
        found.events.extend(row for row in moved if since_ns <= row[1] < until_ns)
        yield found.finish(
            participant=info.participant,
            name=stem(path) if number == 0 else f"{stem(path)} part {number + 1}",
            clock=zone.clock,
            utc_offset_s=zone.utc_offset_s,
            device=info.device,
            source=f"gt3x: {path.name}",
            facts=info.facts,
        )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a zip with the members of a GT3X file."""
    if path.is_dir() or not head.startswith(_ZIP):
        return False
    inside = set(names(path))
    return "info.txt" in inside and bool({"log.bin", "activity.bin"} & inside)


def _find(path: Path, name: str) -> str:
    return name if name in names(path) else ""


def _until(parts: tuple[Part, ...]) -> Iterator[tuple[Part, int]]:
    """Yield each part with the time at which the next one begins."""
    yield from ((part, after.start_ns) for part, after in pairwise(parts))
    yield parts[-1], 2**63 - 1


def _damage(packed: Member, name: str) -> tuple[str, ...]:
    return () if packed.is_intact else (f"{name} is not what its checksum in the zip says",)


def _log(path: Path, info: Info, packed: Member) -> Contents:
    """Return the contents of a log of records."""
    log = find_records(packed.data)
    kind = max((ACTIVITY, ACTIVITY2), key=lambda each: len(log.rows(each)))
    rows = log.rows(kind)
    rows = rows[count(kind, log.size[rows]) > 0]
    if len(rows) == 0:
        raise BadRecording(path, packed.info.header_offset, "log.bin holds no whole record of acceleration")
    light = log.rows(LUX)
    light = light[log.size[light] == 2]
    payloads = {each: tuple(log.payload(row) for row in log.rows(each).tolist()) for each in (METADATA, PARAMETERS)}
    return Contents(
        data=packed.data,
        kind=kind,
        payload=log.start[rows] + HEADER,
        size=log.size[rows],
        stamp_s=log.time_s[rows],
        counts_per_g=info.counts_per_g(payloads[PARAMETERS]),
        light_s=log.time_s[light],
        light=_words(packed.data, log.start[light] + HEADER),
        metadata=payloads[METADATA],
        events=(*_pauses(log), *_wear(log), *_rates(log)),
        lost=log.lost_samples,
        notes=(*_damage(packed, "log.bin"), *_log_notes(log)),
    )


def _activity(path: Path, info: Info) -> Contents:
    """Return the contents of the older files, which have neither records nor stamps."""
    packed = member(path, "activity.bin")
    block = round(_BLOCK_S * info.rate_hz * 36 / 8)
    payload = np.arange(0, len(packed.data), block)
    size = np.minimum(block, len(packed.data) - payload)
    whole = count(ACTIVITY, size) > 0
    if not whole.any():
        raise BadRecording(path, packed.info.header_offset, "activity.bin holds no sample")
    start_s = info.start_ns // SECOND
    lit = member(path, "lux.bin") if _find(path, "lux.bin") else None
    light = np.zeros(0, dtype=np.uint16) if lit is None else lit.data[: len(lit.data) // 2 * 2].view("<u2")
    return Contents(
        data=packed.data,
        kind=ACTIVITY,
        payload=payload[whole],
        size=size[whole],
        stamp_s=start_s + _BLOCK_S * np.arange(np.count_nonzero(whole)),
        counts_per_g=info.counts_per_g(()),
        light_s=start_s + np.arange(len(light)),
        light=light,
        notes=(*_damage(packed, "activity.bin"), *(_damage(lit, "lux.bin") if lit else ())),
    )


def _add_axes(found: Assembly, info: Info, contents: Contents, part: Part, *, lost: int) -> None:
    rows = part.rows
    axes = decode(contents.data, contents.payload[rows], contents.size[rows], contents.kind)
    damaged = (Finding(action="dropped", samples=lost, reason="record with a wrong checksum"),) if lost else ()
    for samples, axis in zip(axes, "xyz", strict=True):
        found.add(
            Series(
                label=f"acc {axis}",
                meaning=Meaning(modality="acc", unit="g", axis=axis, placement=info.placement),
                samples=part.lay(samples),
                rate_hz=part.rate_hz,
                start_ns=part.start_ns,
                scale=1 / contents.counts_per_g,
                present=part.present,
                findings=(*damaged, *part.findings),
            )
        )


def _add_light(found: Assembly, info: Info, contents: Contents, shift_ns: int, since_ns: int, until_ns: int) -> None:
    time_ns = contents.light_s * SECOND + shift_ns
    inside = (time_ns >= since_ns) & (time_ns < until_ns)
    if len(np.unique(time_ns[inside])) < 2:
        if inside.any():
            found.note("readings of light of a single second are left out; they have no rate")
        return
    readings = contents.light[inside]
    found.add(
        on_grid(
            found.grid(time_ns[inside]),
            readings.astype(np.int32),
            label="light",
            meaning=Meaning(modality="light", unit="lux", placement=info.placement),
            scale=info.lux_per_count,
            missing=readings == _NO_LUX,
            missing_reason="65535: no reading of light",
        )
    )


def _words(data: Bytes, at: NDArray[np.int64]) -> NDArray[np.uint16]:
    return np.asarray(data[at] | data[at + 1].astype(np.uint16) << np.uint16(8), dtype=np.uint16)


def _pauses(log: Log) -> Iterator[EventRow]:
    """Yield the pauses of the sleep mode; one that does not end lasts to the last record."""
    begun: int | None = None
    for row in log.rows(EVENT).tolist():
        code = log.payload(row)
        if code == bytes([_IDLE_BEGINS]) and begun is None:
            begun = int(log.time_s[row])
        if code == bytes([_IDLE_ENDS]) and begun is not None:
            yield _idle(begun, int(log.time_s[row]))
            begun = None
    if begun is not None:
        yield _idle(begun, int(log.time_s.max()))


def _idle(begin_s: int, end_s: int) -> EventRow:
    return "idle", begin_s * SECOND, max(end_s - begin_s, 0) * SECOND, "sleep mode", float("nan")


def _wear(log: Log) -> Iterator[EventRow]:
    """Yield one event for each run of minutes worn or not worn; a run lasts to the record that ends it."""
    rows = log.rows(CAPSENSE)
    rows = rows[log.size[rows] == 6]
    if len(rows) == 0:
        return
    worn = log.data[log.start[rows] + HEADER + 4] > 0
    edges = np.concatenate(([0], np.flatnonzero(np.diff(worn)) + 1))
    onsets = log.time_s[rows[edges]]
    ends = np.concatenate((onsets[1:], log.time_s[rows[-1:]]))
    for is_worn, onset, end in zip(worn[edges].tolist(), onsets.tolist(), ends.tolist(), strict=True):
        yield "wear", onset * SECOND, max(end - onset, 0) * SECOND, "worn" if is_worn else "not worn", float(is_worn)


def _rates(log: Log) -> Iterator[EventRow]:
    rows = log.rows(HEART_RATE)
    for row in rows[log.size[rows] == 1].tolist():
        rate = log.payload(row)[0]
        if rate:
            yield "hr", int(log.time_s[row]) * SECOND, SECOND, "", float(rate)


def _log_notes(log: Log) -> Iterator[str]:
    if log.lost_bytes:
        yield f"{log.lost_bytes} bytes of log.bin belong to no record with a right checksum"
    for kind, name in _UNREAD.items():
        records = len(log.rows(kind))
        if records:
            yield f"{records} records {name} are not read"
    pauses = sum(lasts for _, _, lasts, _, _ in _pauses(log)) // SECOND
    if pauses:
        yield f"sleep mode: {pauses} s in which the device wrote no samples"


READER = Reader(
    name="gt3x",
    describes="ActiGraph GT3X: raw acceleration as the device wrote it, of both generations",
    devices=("ActiGraph GT3X+", "wGT3X-BT", "GT9X Link", "ActiSleep+"),
    clock="wall clock of the set-up; UTC with its offset where the file tells the zone, else local",
    suffixes=(".gt3x",),
    recognises=recognises,
    read=read,
)
