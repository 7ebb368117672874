"""Storage formats of WFDB signal files: packed integers to int16 or int32, without a loop over samples.

    format   bits   layout                                         value for "not measured"
    16, 61    16    little, big endian                             -32768
    24        24    little endian                                  -8388608
    32        32    little endian                                  -2147483648
    80         8    offset by 128                                  -128
    160       16    offset by 32768                                -32768
    212       12    two samples in three bytes                     -2048
    310       10    three samples in two words, low bit unused     -512
    311       10    three samples in one 32-bit word               -512

Moody, WFDB Applications Guide, signal(5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.readers.base import Bytes

Integers = NDArray[np.int16] | NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Packing:
    """How samples lie in a file: `samples` of them in `size` bytes. missing: the value that says "not measured"."""

    samples: int
    size: int
    missing: int
    unpack: Callable[[Bytes], Integers]

    def count(self, num_bytes: int) -> int:
        """Return how many whole samples that many bytes hold; a part of a group holds what its bytes suffice for."""
        groups, rest = divmod(num_bytes, self.size)
        return groups * self.samples + rest * self.samples // self.size

    def read(self, raw: Bytes) -> Integers:
        """Return the samples in the bytes, (count(len(raw)),)."""
        count = self.count(len(raw))
        short = -len(raw) % self.size
        whole = np.concatenate((raw, np.zeros(short, dtype=np.uint8))) if short else raw
        return self.unpack(whole)[:count]


def _sixteen(raw: Bytes) -> Integers:
    return raw.view("<i2").astype(np.int16)


def _sixteen_big(raw: Bytes) -> Integers:
    return raw.view(">i2").astype(np.int16)


def _offset_sixteen(raw: Bytes) -> Integers:
    return (raw.view("<u2") ^ np.uint16(0x8000)).view(np.int16)


def _twenty_four(raw: Bytes) -> Integers:
    padded = np.zeros((len(raw) // 3, 4), dtype=np.uint8)
    padded[:, 1:] = raw.reshape(-1, 3)
    return np.asarray(padded.view("<i4")[:, 0] >> 8, dtype=np.int32)


def _thirty_two(raw: Bytes) -> Integers:
    return raw.view("<i4").astype(np.int32)


def _offset_eight(raw: Bytes) -> Integers:
    return raw.astype(np.int16) - np.int16(128)


def _twelve(raw: Bytes) -> Integers:
    """Byte 1 holds the high nibbles: its low half belongs to byte 0, its high half to byte 2."""
    first, nibbles, second = raw[0::3], raw[1::3], raw[2::3]
    samples = np.empty((len(nibbles), 2), dtype=np.uint16)
    np.left_shift(nibbles, 12, out=samples[:, 0], dtype=np.uint16)
    np.left_shift(nibbles & 0xF0, 8, out=samples[:, 1], dtype=np.uint16)
    samples[:, 0] |= np.left_shift(first, 4, dtype=np.uint16)
    samples[:, 1] |= np.left_shift(second, 4, dtype=np.uint16)
    return samples.view(np.int16).reshape(-1) >> np.int16(4)  # the shift back extends the sign


def _ten_in_words(raw: Bytes) -> Integers:
    """Two words hold a sample each above their low bit; their five high bits together are the third."""
    words = raw.view("<u2").reshape(-1, 2)
    third = (words[:, 0] >> 11) | ((words[:, 1] >> 11) << 5)
    packed = np.stack(((words[:, 0] >> 1) & 0x3FF, (words[:, 1] >> 1) & 0x3FF, third), axis=1)
    return _ten_bits(packed)


def _ten_in_one(raw: Bytes) -> Integers:
    words = raw.view("<u4")[:, None]
    return _ten_bits(((words >> np.array([0, 10, 20], dtype=np.uint32)) & 0x3FF).astype(np.uint16))


def _ten_bits(packed: NDArray[np.uint16]) -> Integers:
    return (packed.astype(np.uint16) << np.uint16(6)).view(np.int16).reshape(-1) >> np.int16(6)


PACKINGS: dict[int, Packing] = {
    16: Packing(samples=1, size=2, missing=-(2**15), unpack=_sixteen),
    24: Packing(samples=1, size=3, missing=-(2**23), unpack=_twenty_four),
    32: Packing(samples=1, size=4, missing=-(2**31), unpack=_thirty_two),
    61: Packing(samples=1, size=2, missing=-(2**15), unpack=_sixteen_big),
    80: Packing(samples=1, size=1, missing=-(2**7), unpack=_offset_eight),
    160: Packing(samples=1, size=2, missing=-(2**15), unpack=_offset_sixteen),
    212: Packing(samples=2, size=3, missing=-(2**11), unpack=_twelve),
    310: Packing(samples=3, size=4, missing=-(2**9), unpack=_ten_in_words),
    311: Packing(samples=3, size=4, missing=-(2**9), unpack=_ten_in_one),
}
