"""A tiny CWA file, written from the maker's description."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

START_S = int(datetime(2024, 3, 31, 1, 59, 56, tzinfo=UTC).timestamp())  # on the wall clock of nobody knows where
RATE = 6  # 6.25 Hz: 25 samples last 4 s
Sample = tuple[int, ...]


def date(seconds: int) -> int:
    """A time stamp of 32 bits."""
    t = datetime.fromtimestamp(seconds, UTC)
    return (t.year - 2000) << 26 | t.month << 22 | t.day << 17 | t.hour << 12 | t.minute << 6 | t.second


def pack(samples: Sequence[Sample], exponent: int = 0) -> bytes:
    """Three axes of 10 bits and an exponent in 32 bits each."""
    return b"".join(
        sum((value & 0x3FF) << 10 * k for k, value in enumerate(sample)).__or__(exponent << 30).to_bytes(4, "little")
        for sample in samples
    )


def words(samples: Sequence[Sample]) -> bytes:
    """Axes as int16."""
    return b"".join(struct.pack(f"<{len(sample)}h", *sample) for sample in samples)


def sector(
    number: int, seconds: int, samples: bytes, count: int, *, point: int = 0, fraction: int | None = None, form: int = 0x30,
    light: int = 300, temperature: int = 256, rate: int = RATE, events: int = 0, session: int = 7,
) -> bytes:  # fmt: skip
    """One data sector with its checksum. fraction: of a second, in 2^-15 s."""
    fractional = 123 if fraction is None else 0x8000 | fraction
    head = struct.pack(
        "<2sHHIIIHHBBBBhH", b"AX", 508, fractional, session, number, date(seconds), light, temperature, events, 200, rate, form,
        point, count,
    )  # fmt: skip
    body = (head + samples).ljust(510, b"\x00")
    return body + (-sum(struct.unpack("<255H", body)) & 0xFFFF).to_bytes(2, "little")


def header(annotation: bytes = b"_p=left+wrist&_sc=P7&_n=Jane+Doe", *, hardware: int = 0) -> bytes:
    """The two sectors of the header."""
    fixed = struct.pack("<2sHBHI", b"MD", 1020, hardware, 4321, 7).ljust(64, b"\xff")
    return fixed + annotation.ljust(448, b"\xff") + b"\xff" * 512


def ramp(first: int) -> list[Sample]:
    """25 samples: x counts up, y is 1 g, z counts down."""
    return [(first + k, 256, -first - k) for k in range(25)]


def sectors() -> list[bytes]:
    """Five sectors of 4 s; between the third and the fourth one is missing."""
    numbers = (0, 1, 2, 4, 5)
    return [sector(n, START_S + 4 * n, pack(ramp(25 * n)), 25, events=int(n == 0)) for n in numbers]


def write_cwa(folder: Path) -> Path:
    """An AX3 file of three packed axes."""
    path = folder / "walk.cwa"
    path.write_bytes(header() + b"".join(sectors()))
    return path
