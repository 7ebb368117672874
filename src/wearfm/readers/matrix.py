"""Parmay Matrix: acceleration, gyroscope and heart rate from the packets of the device.

Parmay Tech Matrix, `.BIN`, gzipped or not: 512 bytes of remarks, a header, packets with a checksum each. Recognised by "MDTC"
at byte 512.

| in the file | in the recording |
|---|---|
| acceleration of each packet, `int16` | channels `acc x`, `acc y`, `acc z`: unchanged; range of the header / 2^15 g |
| gyroscope of each packet, `int16` | channels `gyro x`, `gyro y`, `gyro z`: range of the header / 2^15 deg/s |
| second number of each heart-rate reading | events `hr`; readings share the span of their packet evenly |

**Time.** A packet gives the seconds at which it begins and ends, and how many samples lie between; the rate is what all
packets show together. They look like Unix time, but the device keeps the wall clock that it was configured with, and the
file does not tell the zone: local time. Samples are counted from packet to packet; where counting and stamps come to differ
by two seconds (a stamp is a whole second), the stamps decide.

**Broken files.** A packet whose checksum (CRC-32 of all that follows it) is wrong is dropped and counted; the search
goes on at the next signature. A number of packets other than the header's is noted.

**Limits.** The unit of the two temperatures and the first number of a heart-rate reading are not public, and the genuine file
has no temperatures: they are left out, with a note. That the gyroscope scales as acceleration does is taken from its
range in the header; no genuine file with one was at hand.

Source: the description of the file in the manual of GGIRread (CRAN, readParmayMatrix, 2025), and the genuine file, whose
checksums, gravity and heart rate bear it out.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, Series
from wearfm.readers.base import Bytes, Reader, load, stem
from wearfm.readers.blocks import Part, arrange
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import check_date
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Recording

_SIGNATURE = b"MDTC"
_HEADER = struct.Struct("<4sIHH")  # signature, packets, range of acceleration in g, of the gyroscope in deg/s
_HEADER_AT = 512
_PACKET = b"MDTCPACK"
_HEAD = struct.Struct("<8sIIIIIII")  # signature, checksum, begin, end, readings of acceleration, gyroscope, temperature, heart
_CHECKED = 12  # bytes before what the checksum covers
_WIDTHS = (6, 6, 4, 4)
_CHUNK = 2**22
_SLACK_S = 2.0
_MOST_HZ = 1000.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Packets:
    """The good packets of a file, (P,) each. start: of the readings in the file. counts: (P, 4) readings of each kind.

    lost: samples that damaged packets claim. damaged: how many there are.
    """

    data: Bytes
    start: NDArray[np.int64]
    begin_s: NDArray[np.int64]
    end_s: NDArray[np.int64]
    counts: NDArray[np.int64]
    lost: tuple[int, int]
    damaged: int

    def rate_hz(self, kind: int) -> float:
        """Return readings per second over all packets that last at least one."""
        lasting = self.end_s > self.begin_s
        seconds = int((self.end_s - self.begin_s)[lasting].sum())
        return float(self.counts[lasting, kind].sum()) / seconds if seconds else 0.0


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of a Matrix file; a very long one in parts."""
    data = load(path)
    _, promised, acc_g, gyro_dps = _HEADER.unpack(bytes(data[_HEADER_AT : _HEADER_AT + _HEADER.size]).ljust(_HEADER.size))
    packets = _packets(data)
    rows = np.flatnonzero(packets.counts[:, 0] > 0)
    rate = packets.rate_hz(0)
    if len(rows) == 0 or not 0 < rate <= _MOST_HZ or not 0 < acc_g <= 32:
        reason = f"no packets with a right checksum, or a rate ({rate:g} Hz) or range ({acc_g} g) that no such device has"
        raise BadRecording(path, _HEADER_AT, reason)
    time_ns, counts = packets.begin_s[rows] * SECOND, packets.counts[rows, 0]
    check_date(path, int(time_ns[0]), offset=int(packets.start[rows[0]]))
    laid = arrange(path, time_ns, counts, rate_hz=rate, slack_s=_SLACK_S, is_exact=True)
    notes = (f"{rate:.6g} samples per second, as its packets show", *laid.notes, *_notes(packets, promised))
    for number, part in enumerate(laid.parts):
        found = Assembly(path=path, notes=list(notes))
        chosen = rows[part.rows]
        _add_axes(found, packets, chosen, part, kind=0, scale=acc_g / 2**15, lost=0 if number else packets.lost[0])
        _add_gyroscope(found, packets, chosen, scale=gyro_dps / 2**15, lost=0 if number else packets.lost[1])
        found.events.extend(_heart_rates(packets, _between(packets, laid.parts, number)))
        yield found.finish(
            participant=stem(path),
            name=stem(path) if number == 0 else f"{stem(path)} part {number + 1}",
            clock="local",
            device="Parmay Matrix",
            source=f"matrix: {path.name}",
        )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether the header's signature stands where it must."""
    return not path.is_dir() and head[_HEADER_AT : _HEADER_AT + 4] == _SIGNATURE


def _packets(data: Bytes) -> Packets:
    rows: list[tuple[int, ...]] = []
    lost, damaged, end = [0, 0], 0, 0
    for at in _signatures(data):
        if at < end:
            continue  # within the readings of a good packet
        head = bytes(data[at : at + _HEAD.size])
        if len(head) < _HEAD.size:
            damaged += 1
            continue
        _, checksum, begin, stop, *counts = _HEAD.unpack(head)
        after = at + _HEAD.size + sum(width * count for width, count in zip(_WIDTHS, counts, strict=True))
        if after <= len(data) and zlib.crc32(np.ascontiguousarray(data[at + _CHECKED : after]).data) == checksum:
            rows.append((at + _HEAD.size, begin, stop, *counts))
            end = after
            continue
        damaged += 1
        room = (len(data) - at) // _WIDTHS[0]
        lost = [lost[0] + min(counts[0], room), lost[1] + min(counts[1], room)]
    table = np.array(rows, dtype=np.int64).reshape(-1, 7)
    return Packets(
        data=data, start=table[:, 0], begin_s=table[:, 1], end_s=table[:, 2], counts=table[:, 3:],
        lost=(lost[0], lost[1]), damaged=damaged,
    )  # fmt: skip


def _signatures(data: Bytes) -> Iterator[int]:
    """Yield where packets may begin."""
    for base in range(0, len(data), _CHUNK):
        chunk = bytes(data[base : base + _CHUNK + len(_PACKET) - 1])
        at = chunk.find(_PACKET)
        while at >= 0:
            yield base + at
            at = chunk.find(_PACKET, at + 1)


def _notes(packets: Packets, promised: int) -> Iterator[str]:
    if packets.damaged:
        yield f"{packets.damaged} packets are damaged"
    if promised != len(packets.start):
        yield f"the header promises {promised} packets; {len(packets.start)} are whole"
    temperatures = int(packets.counts[:, 2].sum())
    if temperatures:
        yield f"{temperatures} readings of temperature are left out; their unit is not known"


def _samples(packets: Packets, rows: NDArray[np.int64], kind: int) -> NDArray[np.int16]:
    """Return the samples of three axes of some packets, (3, N)."""
    before = _WIDTHS[0] * packets.counts[:, 0] if kind else np.zeros(len(packets.start), dtype=np.int64)
    counts = packets.counts[rows, kind]
    samples = np.empty((3, int(counts.sum())), dtype=np.int16)
    end = 0
    for start, count in zip((packets.start + before)[rows].tolist(), counts.tolist(), strict=True):
        raw = np.ascontiguousarray(packets.data[start : start + 6 * count])
        samples[:, end : end + count] = raw.view("<i2").reshape(-1, 3).T
        end += count
    return samples


def _add_axes(
    found: Assembly, packets: Packets, rows: NDArray[np.int64], part: Part, *, kind: int, scale: float, lost: int
) -> None:
    modality, unit = (("acc", "g"), ("gyro", "deg/s"))[kind]
    damaged = (Finding(action="dropped", samples=lost, reason="packet with a wrong checksum"),) if lost else ()
    for samples, axis in zip(_samples(packets, rows, kind), "xyz", strict=True):
        found.add(
            Series(
                label=f"{modality} {axis}",
                meaning=Meaning(modality=modality, unit=unit, axis=axis),
                samples=part.lay(samples),
                rate_hz=part.rate_hz,
                start_ns=part.start_ns,
                scale=scale,
                present=part.present,
                findings=(*damaged, *part.findings),
            )
        )


def _add_gyroscope(found: Assembly, packets: Packets, rows: NDArray[np.int64], *, scale: float, lost: int) -> None:
    """Add the gyroscope on an axis of its own: packets need not hold as many readings of it as of acceleration."""
    turning = rows[packets.counts[rows, 1] > 0]
    rate = packets.rate_hz(1)
    if len(turning) == 0 or not 0 < rate <= _MOST_HZ or scale == 0:
        return
    time_ns, counts = packets.begin_s[turning] * SECOND, packets.counts[turning, 1]
    laid = arrange(found.path, time_ns, counts, rate_hz=rate, slack_s=_SLACK_S, is_exact=True)
    part = laid.parts[0]
    rest = sum(int(other.counts.sum()) for other in laid.parts[1:])
    _add_axes(found, packets, turning[part.rows], part, kind=1, scale=scale, lost=lost + rest)


def _between(packets: Packets, parts: tuple[Part, ...], number: int) -> NDArray[np.int64]:
    """Return the packets that begin within a part."""
    since = parts[number].start_ns if number else -(2**63)
    until = parts[number + 1].start_ns if number + 1 < len(parts) else 2**63 - 1
    begin_ns = packets.begin_s * SECOND
    return np.flatnonzero((begin_ns >= since) & (begin_ns < until))


def _heart_rates(packets: Packets, rows: NDArray[np.int64]) -> Iterator[tuple[str, int, int, str, float]]:
    for row in rows[packets.counts[rows, 3] > 0].tolist():
        count = int(packets.counts[row, 3])
        before = int((packets.counts[row, :3] * _WIDTHS[:3]).sum())
        start = int(packets.start[row]) + before
        rates = np.ascontiguousarray(packets.data[start : start + 4 * count]).view("<u2")[1::2]
        lasts = max(int(packets.end_s[row] - packets.begin_s[row]), 0) * SECOND // count
        begin = int(packets.begin_s[row]) * SECOND
        yield from (("hr", begin + k * lasts, lasts, "", float(rate)) for k, rate in enumerate(rates.tolist()) if rate)


READER = Reader(
    name="matrix",
    describes="Parmay Matrix: acceleration, gyroscope and heart rate",
    devices=("Parmay Tech Matrix",),
    clock="wall clock that the device was configured with, zone unknown: local",
    suffixes=(".BIN", ".bin"),
    recognises=recognises,
    read=read,
)
