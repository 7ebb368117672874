"""Records of an ActiGraph log.bin: found without trust in any length, and their samples, without a loop over bytes.

    0        1      2             6             8         8 + size
    0x1E     kind   time uint32   size uint16   payload   checksum: ones' complement of the XOR of all before it

    kind   name         payload
    0      ACTIVITY     a second of samples of 12 bits, big-endian, in the order y, x, z
    26     ACTIVITY2    a second of samples of int16, little-endian, in the order x, y, z; one byte: a USB cable, no samples
    3      EVENT        one byte
    4      HEART_RATE   one byte, 1/min
    5      LUX          uint16
    6      METADATA     JSON
    13     CAPSENSE     signal uint16, reference uint16, worn uint8, bursts uint8
    21     PARAMETERS   pairs of 8 bytes: address uint16, identifier uint16, value uint32

ActiGraph, GT3X-File-Format (github.com/actigraph/GT3X-File-Format, 2015). A byte 0x1E is a record if the checksum at the
end that it claims is right; as all of them are tried at once, a damaged record costs itself and no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wearfm.readers.base import Bytes

ACTIVITY, BATTERY, EVENT, HEART_RATE, LUX, METADATA, CAPSENSE, PARAMETERS, ACTIVITY2 = 0, 2, 3, 4, 5, 6, 13, 21, 26
HEADER = 8  # bytes before the payload
_SEPARATOR = 0x1E
_LAST_KIND = 63  # documented ones end at 26; a few more are internal
_REACH = 65_535 + HEADER + 1
_CHUNK = 2**25
_AT_ONCE = 2048  # records decoded together
_EARLIEST_S, _LATEST_S = 946_684_800, 4_102_444_800  # 2000 to 2100
_AROUND_S = 400 * 86_400  # no log is longer than a year


@dataclass(frozen=True, kw_only=True, eq=False)
class Log:
    """Where the records of a log lie: start, kind, time_s, size, (R,) int64 each.

    lost_samples: of activity in records with a wrong checksum. lost_bytes: in no record at all, zeros not counted.
    """

    data: Bytes
    start: NDArray[np.int64]
    kind: NDArray[np.int64]
    time_s: NDArray[np.int64]
    size: NDArray[np.int64]
    lost_samples: int
    lost_bytes: int

    def rows(self, kind: int) -> NDArray[np.int64]:
        """Return which records are of a kind."""
        return np.flatnonzero(self.kind == kind)

    def payload(self, row: int) -> bytes:
        """Return the payload of a record."""
        start = int(self.start[row]) + HEADER
        return bytes(self.data[start : start + int(self.size[row])])


def find_records(data: Bytes) -> Log:
    """Return all records of a log."""
    found = [_candidates(data, base) for base in range(0, max(len(data), 1), _CHUNK)]
    start, stop = (np.concatenate(column) for column in zip(*found, strict=True))
    time_s = _uint32(data, start + 2)
    if len(start):
        near = np.abs(time_s - np.median(time_s)) <= _AROUND_S
        start, stop = start[near], stop[near]
    rows = _apart(start, stop)
    start, stop = start[rows], stop[rows]
    lost_samples, lost_bytes = _lost(data, start, stop)
    return Log(
        data=data,
        start=start,
        kind=data[start + 1].astype(np.int64),
        time_s=_uint32(data, start + 2),
        size=stop - start - HEADER,
        lost_samples=lost_samples,
        lost_bytes=lost_bytes,
    )


def count(kind: int, size: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many samples of three axes payloads of so many bytes hold."""
    return size * 8 // 36 if kind == ACTIVITY else size // 6


def decode(data: Bytes, payload: NDArray[np.int64], size: NDArray[np.int64], kind: int) -> NDArray[np.int16]:
    """Return the samples of activity payloads one after the other, (3, N): x, y, z. payload, size: (R,) where they lie."""
    counts = count(kind, size)
    samples = np.empty((3, int(counts.sum())), dtype=np.int16)
    ends = np.concatenate(([0], np.cumsum(counts)))
    for first, last in _alike(size):
        if counts[first] == 0:
            continue
        raw = np.lib.stride_tricks.sliding_window_view(data, int(size[first]))[payload[first:last]]  # (R, bytes)
        unpack = _twelve_bits if kind == ACTIVITY else _sixteen_bits
        samples[:, ends[first] : ends[last]] = unpack(raw, int(counts[first]))
    return samples


def _candidates(data: Bytes, base: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and last byte of everything that begins in a chunk and could be a record, (K,) each."""
    window = np.asarray(data[base : base + _CHUNK + _REACH])
    start = np.flatnonzero(window[:_CHUNK] == _SEPARATOR)
    start = start[start + HEADER < len(window)]
    stop = start + HEADER + window[start + 6].astype(np.int64) + (window[start + 7].astype(np.int64) << 8)
    whole = stop < len(window)
    start, stop = start[whole], stop[whole]
    parity = np.bitwise_xor.accumulate(window)
    right = (parity[stop] ^ parity[start] ^ window[start]) == 0xFF
    time_s = _uint32(window, start + 2)
    right &= (window[start + 1] <= _LAST_KIND) & (time_s >= _EARLIEST_S) & (time_s < _LATEST_S)
    return start[right] + base, stop[right] + base


def _uint32(data: Bytes, at: NDArray[np.int64]) -> NDArray[np.int64]:
    return sum((data[at + k].astype(np.int64) << (8 * k) for k in range(4)), np.zeros(len(at), dtype=np.int64))


def _apart(start: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which candidates are records: what lies within an earlier record is its payload."""
    rows = []
    end = -1
    for row, (first, last) in enumerate(zip(start.tolist(), stop.tolist(), strict=True)):
        if first > end:
            rows.append(row)
            end = last
    return np.array(rows, dtype=np.int64)


def _lost(data: Bytes, start: NDArray[np.int64], stop: NDArray[np.int64]) -> tuple[int, int]:
    """Return the samples of activity records with a wrong checksum, and the bytes of what is no record."""
    begins = np.concatenate(([0], stop + 1))
    ends = np.concatenate((start, [len(data)]))
    samples = others = 0
    for row in np.flatnonzero(ends > begins).tolist():
        hole = data[begins[row] : ends[row]]
        if not hole.any():
            continue
        for kind, size, is_record in _walk(hole):
            is_activity = is_record and kind in (ACTIVITY, ACTIVITY2) and size > 1
            samples += int(count(kind, np.array(size))) if is_activity else 0
            others += 0 if is_activity else size
    return samples, others


def _walk(hole: Bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield (kind, size of the payload, True) of damaged records that fill a hole, or (0, bytes, False) for the rest."""
    at = 0
    while at < len(hole):
        size = int(hole[at + 6]) | int(hole[at + 7]) << 8 if at + HEADER < len(hole) else len(hole)
        if hole[at] != _SEPARATOR or at + HEADER + size + 1 > len(hole):
            yield 0, len(hole) - at, False
            return
        yield int(hole[at + 1]), size, True
        at += HEADER + size + 1


def _alike(size: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield ranges of neighbouring records of the same size, at most _AT_ONCE each."""
    edges = np.concatenate(([0], np.flatnonzero(np.diff(size)) + 1, [len(size)]))
    for start, stop in pairwise(edges.tolist()):
        for first in range(start, stop, _AT_ONCE):
            yield first, min(first + _AT_ONCE, stop)


def _sixteen_bits(raw: Bytes, num_samples: int) -> NDArray[np.int16]:
    return np.ascontiguousarray(raw[:, : num_samples * 6]).view("<i2").reshape(-1, 3).T


def _twelve_bits(raw: Bytes, num_samples: int) -> NDArray[np.int16]:
    """Three bytes hold two values; in each sample y comes before x."""
    padded = np.zeros((len(raw), -(-raw.shape[1] // 3) * 3), dtype=np.uint8)
    padded[:, : raw.shape[1]] = raw
    triples = padded.reshape(len(raw), -1, 3).astype(np.uint16)
    values = np.empty((*triples.shape[:2], 2), dtype=np.uint16)
    values[..., 0] = triples[..., 0] << 8 | (triples[..., 1] & 0xF0)
    values[..., 1] = triples[..., 1] << 12 | triples[..., 2] << 4
    signed = values.reshape(len(raw), -1)[:, : num_samples * 3].view(np.int16) >> np.int16(4)  # extends the sign
    return signed.reshape(-1, 3).T[[1, 0, 2]]
