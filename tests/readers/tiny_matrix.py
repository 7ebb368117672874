"""A tiny Matrix file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

START_S = 1_700_000_000
Triple = tuple[int, int, int]


def packet(
    begin_s: int, end_s: int, acceleration: Sequence[Triple], *, gyroscope: Sequence[Triple] = (),
    temperature: Sequence[tuple[int, int]] = (), heart: Sequence[tuple[int, int]] = (),
) -> bytes:  # fmt: skip
    """One packet with its checksum."""
    counts = (len(acceleration), len(gyroscope), len(temperature), len(heart))
    readings = b"".join(struct.pack("<3h", *each) for each in (*acceleration, *gyroscope))
    readings += b"".join(struct.pack("<2h", *each) for each in temperature) + b"".join(
        struct.pack("<2H", *each) for each in heart
    )
    body = struct.pack("<6I", begin_s, end_s, *counts) + readings
    return b"MDTCPACK" + struct.pack("<I", zlib.crc32(body)) + body


def ramp(first: int, count: int = 8) -> list[Triple]:
    """x counts up, y is 1 g at a range of 8 g, z counts down."""
    return [(first + k, 4096, -first - k) for k in range(count)]


def header(packets: int) -> bytes:
    """Remarks and header: 8 g, 2000 deg/s."""
    return b"\x00" * 512 + struct.pack("<4sIHH", b"MDTC", packets, 8, 2000)


def packets() -> list[bytes]:
    """Three packets of 2 s at 4 Hz, the last one 5 s later, with heart rates in the second."""
    return [
        packet(START_S, START_S + 2, ramp(0)),
        packet(START_S + 2, START_S + 4, ramp(8), heart=[(0, 61), (0, 62)], gyroscope=[(100, 0, -100)] * 2),
        packet(START_S + 9, START_S + 11, ramp(16)),
    ]


def write_matrix(folder: Path) -> Path:
    """A file of three packets."""
    path = folder / "walk.BIN"
    path.write_bytes(header(3) + b"".join(packets()))
    return path
