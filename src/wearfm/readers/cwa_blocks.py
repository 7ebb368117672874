"""Sectors of an Axivity CWA file: which ones hold data, when they were written, and their samples, all at once.

    offset  size  field
    0       2     "AX"
    2       2     508, the bytes that follow
    4       2     top bit set: fraction of a second of the time stamp, in 2^-15 s
    6       4     session
    10      4     sequence number
    14      4     time stamp: 6 bits of year after 2000, 4 of month, 5 of day, 5 of hour, 6 of minute, 6 of second
    18      2     3 bits of acceleration scale n: 2^(8 + n) per g; 3 of gyroscope range n: 8000 / 2^n deg/s; 10 of light
    20      2     10 bits of temperature
    22, 23  1, 1  events: bit 0 for a resumed recording; battery
    24      1     low 4 bits n: 3200 / 2^(15 - n) Hz; top 2 bits n: 16 / 2^n g
    25      1     number of axes (high 4 bits) and packing (low 4: 0 three 10-bit values and an exponent, 2 int16)
    26      2     index of the sample at which the whole second of the time stamp fell
    28      2     number of samples
    30      480   samples
    510     2     what makes the sum of all words of the sector 0

Open Movement, AX3 Technical Documentation (Docs/ax3/ax3-technical.md, github.com/openmovementproject/openmovement); of the AX6
the scale bits at 18, which gravity and the header of the genuine file confirm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.readers.base import Bytes
from wearfm.signals.recording import SECOND

SECTOR = 512
PACKED, WORDS = 0, 2
_SAMPLES = slice(30, 510)
_AT_ONCE = 8192  # sectors decoded together


@dataclass(frozen=True, kw_only=True, eq=False)
class Sectors:
    """Good data sectors of a file. bytes: (N, 512) all sectors; rows: (S,) the good ones; everything else is (S,).

    layout: what must be the same in all sectors of a recording. point_ns, point: time of the clock, and the sample, of the
    sector at which it was read. lost: (L,) claimed samples of data sectors that are damaged. strange: sectors of no kind.
    """

    bytes: Bytes
    rows: NDArray[np.int64]
    layout: NDArray[np.int64]
    counts: NDArray[np.int64]
    point_ns: NDArray[np.int64]
    point: NDArray[np.int64]
    follows: NDArray[np.bool_]
    light: NDArray[np.int16]
    temperature: NDArray[np.int16]
    lost: NDArray[np.int64]
    strange: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the samples of a recording are. gyro_range: in deg/s. num_axes: 3, or 6 with the gyroscope first."""

    rate_hz: float
    num_axes: int
    packing: int
    counts_per_g: float
    gyro_range: float

    @property
    def capacity(self) -> int:
        """Samples in a full sector."""
        return 480 // (4 if self.packing == PACKED else 2 * self.num_axes)


def layout(code: int) -> Layout:
    """Return the layout that a code of `Sectors.layout` stands for."""
    rate, axes, scales = code & 0xFF, code >> 8 & 0xFF, code >> 16 & 0x3F
    packing = axes & 0x0F
    return Layout(
        rate_hz=3200 / (1 << (15 - (rate & 0x0F))),
        num_axes=axes >> 4,
        packing=packing,
        counts_per_g=256.0 if packing == PACKED else 256.0 * (1 << (scales >> 3)),
        gyro_range=8000 / (1 << (scales & 7)),
    )


def parse(data: Bytes) -> Sectors:
    """Return the data sectors of a file."""
    sectors = data[: len(data) // SECTOR * SECTOR].reshape(-1, SECTOR)
    is_data = (sectors[:, 0] == ord("A")) & (sectors[:, 1] == ord("X"))
    is_header = (sectors[:, 0] == ord("M")) & (sectors[:, 1] == ord("D"))
    is_header[1:] |= is_header[:-1]  # the header is two sectors long
    known = np.flatnonzero(is_data)
    heads = np.asarray(sectors[known, :30])
    counts, code = _word(heads, 28), _code(heads)
    seconds, has_time = _seconds(heads)
    good = _sums_to_zero(sectors, known) & (_word(heads, 2) == SECTOR - 4) & has_time & (counts > 0)
    good &= np.isin(heads[:, 25], (0x30, 0x32, 0x62)) & (counts <= _capacity(heads))
    fraction = _word(heads, 4)
    fraction = np.where(fraction & 0x8000, fraction & 0x7FFF, 0)
    point = _word(heads, 26).astype(np.int16) + (fraction * _rate(heads)).astype(np.int64) // 2**15
    follows = _follows(heads, good)
    lost = np.minimum(counts, _capacity(heads))[~good]
    return Sectors(
        bytes=sectors,
        rows=known[good],
        layout=code[good],
        counts=counts[good],
        point_ns=(seconds * SECOND + fraction * SECOND // 2**15)[good],
        point=point[good],
        follows=follows,
        light=(_word(heads, 18) & 0x3FF)[good].astype(np.int16),
        temperature=(_word(heads, 20) & 0x3FF)[good].astype(np.int16),
        lost=lost,
        strange=int(np.count_nonzero(~is_data & ~is_header & ~_is_blank(sectors))),
    )


def decode(sectors: Sectors, chosen: NDArray[np.int64], form: Layout) -> NDArray[np.int16]:
    """Return the samples of some of the good sectors one after the other, (axes, N)."""
    counts = sectors.counts[chosen]
    samples = np.empty((form.num_axes, int(counts.sum())), dtype=np.int16)
    end = 0
    for first in range(0, len(chosen), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        raw = np.ascontiguousarray(sectors.bytes[sectors.rows[chosen[some]], _SAMPLES])
        axes = _packed(raw) if form.packing == PACKED else _words(raw, form)  # (axes, S, capacity)
        is_filled = np.arange(form.capacity) < counts[some][:, None]
        kept = axes.reshape(form.num_axes, -1) if is_filled.all() else axes[:, is_filled]
        samples[:, end : end + kept.shape[1]] = kept
        end += kept.shape[1]
    return samples


def first_sample_ns(sectors: Sectors, rate_hz: float) -> NDArray[np.int64]:
    """Return when the first sample of each sector was taken, (S,): the clock was read at another one, `point`.

    The way from there is gone at the rate at which sectors that follow each other really ran, if it is near the nominal.
    """
    lasts = np.diff(sectors.point_ns)
    steps = sectors.counts[:-1] + np.diff(sectors.point)
    near = sectors.follows[1:] & (np.abs(lasts * (rate_hz / SECOND) - steps) <= 0.1 * sectors.counts[:-1])
    total_ns = int(lasts[near].sum())
    rate = int(steps[near].sum()) * SECOND / total_ns if total_ns > 0 else rate_hz
    return np.asarray(sectors.point_ns - np.rint(sectors.point * (SECOND / rate)).astype(np.int64))


def _word(heads: Bytes, at: int) -> NDArray[np.int64]:
    return heads[:, at].astype(np.int64) | heads[:, at + 1].astype(np.int64) << 8


def _double(heads: Bytes, at: int) -> NDArray[np.int64]:
    return _word(heads, at) | _word(heads, at + 2) << 16


def _code(heads: Bytes) -> NDArray[np.int64]:
    """Return rate and range, axes and packing, and the scales of int16 samples as one number."""
    scales = np.where(heads[:, 25] & 0x0F == PACKED, 0, _word(heads, 18) >> 10)
    return heads[:, 24].astype(np.int64) | heads[:, 25].astype(np.int64) << 8 | scales << 16


def _rate(heads: Bytes) -> NDArray[np.float64]:
    return 3200 / 2.0 ** (15 - (heads[:, 24] & 0x0F).astype(np.float64))


def _capacity(heads: Bytes) -> NDArray[np.int64]:
    axes, packing = heads[:, 25] >> 4, heads[:, 25] & 0x0F
    return np.where(packing == PACKED, 120, 240 // np.maximum(axes, 1)).astype(np.int64)


def _seconds(heads: Bytes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return seconds since 1970 of the time stamps, and which of them are dates."""
    stamp = _double(heads, 14)
    month, day, hour = stamp >> 22 & 15, stamp >> 17 & 31, stamp >> 12 & 31
    minute, second = stamp >> 6 & 63, stamp & 63
    is_date = (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    months = ((stamp >> 26) + 30) * 12 + month - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second, is_date


def _sums_to_zero(sectors: Bytes, known: NDArray[np.int64]) -> NDArray[np.bool_]:
    sums = [
        np.ascontiguousarray(sectors[known[first : first + _AT_ONCE]]).view("<u2").sum(axis=1, dtype=np.uint16)
        for first in range(0, len(known), _AT_ONCE)
    ]
    return np.concatenate(sums) == 0 if sums else np.zeros(0, dtype=bool)


def _follows(heads: Bytes, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which good sectors go on where the good one before them ended."""
    sequence, session = _double(heads, 10)[good], _double(heads, 6)[good]
    is_resumed = heads[good, 22] & 1 > 0
    follows = np.zeros(len(sequence), dtype=bool)
    follows[1:] = (np.diff(sequence) == 1) & (np.diff(session) == 0) & ~is_resumed[1:]
    return follows


def _is_blank(sectors: Bytes) -> NDArray[np.bool_]:
    """Return which sectors were never written: all bytes are the same, 0 or 255. Only the ends are looked at."""
    ends = sectors[:, (0, 1, 2, 3, 508, 509, 510, 511)]
    return np.asarray((ends == 0).all(axis=1) | (ends == 0xFF).all(axis=1), dtype=bool)


def _packed(raw: Bytes) -> NDArray[np.int16]:
    """Return x, y, z of 10 bits each, times 2 to the power of the two highest bits: (3, S, 120)."""
    words = raw.view("<u4")
    exponent = (words >> 30).astype(np.int16)
    axes = [(words >> shift << 6).astype(np.uint16).view(np.int16) >> np.int16(6) << exponent for shift in (0, 10, 20)]
    return np.stack(axes)


def _words(raw: Bytes, form: Layout) -> NDArray[np.int16]:
    values = raw.view("<i2")[:, : form.capacity * form.num_axes]
    return np.asarray(values.reshape(len(raw), form.capacity, form.num_axes).transpose(2, 0, 1))
