"""Tiny FIT files, written byte by byte from the public description of the format (FIT protocol, header 14 bytes)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

START = 1_000_000_000  # seconds since 1989-12-31, in September 2021
UNIX = START + 631_065_600
_TYPES = {0x00: "B", 0x01: "b", 0x02: "B", 0x84: "H", 0x86: "I"}  # base type -> struct letter
_CRC = (
    0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
    0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
)  # fmt: skip


def crc(content: bytes) -> int:
    """The checksum of the FIT protocol, four bits at a time."""
    value = 0
    for byte in content:
        for nibble in (byte & 0xF, byte >> 4):
            value = (value >> 4) ^ _CRC[value & 0xF] ^ _CRC[nibble]
    return value


Message = tuple[int, Sequence[tuple[int, int, Sequence[int]]]]  # global number; field number, base type, values


def fit(*messages: Message) -> bytes:
    """A file of messages, each after its own definition."""
    body = b""
    for number, fields in messages:
        size = struct.calcsize
        body += struct.pack("<BBBHB", 0x40, 0, 0, number, len(fields))
        body += b"".join(bytes((field, size(_TYPES[kind]) * len(values), kind)) for field, kind, values in fields)
        body += b"\x00" + b"".join(struct.pack(f"<{len(values)}{_TYPES[kind]}", *values) for _, kind, values in fields)
    header = struct.pack("<BBHI4s", 14, 0x20, 2140, len(body), b".FIT")
    whole = header + struct.pack("<H", crc(header)) + body
    return whole + struct.pack("<H", crc(whole))


FILE = (0, [(0, 0x00, [4]), (1, 0x84, [1]), (2, 0x84, [2697])])  # an activity of a Garmin fenix5


def record(second: int, *, hr: int, cadence: int, altitude_m: float = 100.0) -> Message:
    """A record of heart rate (field 3), cadence (4) and altitude (2: 5 steps a metre from -500 m)."""
    altitude = round((altitude_m + 500) * 5)
    return 20, [(253, 0x86, [START + second]), (3, 0x02, [hr]), (4, 0x02, [cadence]), (2, 0x84, [altitude])]


def activity(second: int, *, offset_s: int) -> Message:
    """The end of an activity, with its local time (field 5)."""
    return 34, [(253, 0x86, [START + second]), (5, 0x86, [START + second + offset_s])]


def session(second: int, *, lasts_s: int, sport: int = 1) -> Message:
    """A session: start (field 2), sport (5), elapsed time in ms (7)."""
    return 18, [(253, 0x86, [START + second]), (2, 0x86, [START]), (5, 0x00, [sport]), (7, 0x86, [1000 * lasts_s])]


def write_fit(folder: Path) -> Path:
    """Four records in five seconds (the third second has none), two intervals, a run of 5 s two hours before UTC."""
    path = folder / "run.fit"
    path.write_bytes(
        fit(
            FILE,
            record(0, hr=60, cadence=80),
            (78, [(0, 0x84, [1000, 950, 0xFFFF])]),
            record(1, hr=60, cadence=82),
            record(3, hr=62, cadence=255),
            record(4, hr=63, cadence=84, altitude_m=101.2),
            session(5, lasts_s=5),
            activity(5, offset_s=-7200),
        )
    )
    return path
