"""Tiny GT3X files of both generations, written from the maker's description."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

START_S = 1_500_000_000  # 2017-07-14 02:40:00
INFO = {
    "Serial Number": "MOS2A00000001",
    "Device Type": "wGT3XBT",
    "Sample Rate": "4",
    "Start Date": str(621_355_968_000_000_000 + START_S * 10_000_000),
    "TimeZone": "02:00:00",
    "Acceleration Scale": "256.0",
    "Sex": "Female",
    "Height": "170",
    "Mass": "60,5",
    "Age": "0",
    "DateOfBirth": "621355968000000000",
    "Limb": "Wrist",
    "Subject Name": "P7",
}
# Four samples of x, y, z a second.
SECONDS = (
    ((0, 256, -1), (1, 256, -2), (2, 256, -3), (3, 256, -4)),
    ((10, 20, 30), (11, 21, 31), (12, 22, 32), (13, 23, 33)),
    ((-256, 0, 2047), (-2048, 0, 2046), (5, 0, 0), (6, 0, 0)),
)


def record(kind: int, time_s: int, payload: bytes) -> bytes:
    """One record of a log, with its checksum."""
    body = bytes([0x1E, kind]) + time_s.to_bytes(4, "little") + len(payload).to_bytes(2, "little") + payload
    parity = 0
    for byte in body:
        parity ^= byte
    return body + bytes([parity ^ 0xFF])


def words(samples: Sequence[Sequence[int]]) -> bytes:
    """ACTIVITY2: int16 x, y, z."""
    return b"".join(value.to_bytes(2, "little", signed=True) for sample in samples for value in sample)


def nibbles(samples: Sequence[Sequence[int]]) -> bytes:
    """ACTIVITY: 12 bits each of y, x, z, high bits first."""
    digits = "".join(f"{value & 0xFFF:03x}" for x, y, z in samples for value in (y, x, z))
    return bytes.fromhex(digits + "0" * (len(digits) % 2))


def log(*, kind: int = 26) -> list[bytes]:
    """Three seconds of samples with two missing between the first and the second, and the device's reason for them."""
    pack = words if kind == 26 else nibbles
    times = (START_S, START_S + 3, START_S + 4)
    activity = [record(kind, time, pack(second)) for time, second in zip(times, SECONDS, strict=True)]
    return [
        record(6, START_S - 5, b'{"MetadataType":"Bio","SubjectName":"P7"}'),
        record(5, START_S, (100).to_bytes(2, "little")),
        activity[0],
        record(13, START_S, bytes([1, 0, 1, 0, 1, 9])),
        record(3, START_S + 1, bytes([8])),
        record(5, START_S + 1, (65_535).to_bytes(2, "little")),
        record(3, START_S + 3, bytes([9])),
        activity[1],
        record(4, START_S + 3, bytes([61])),
        b"\x00\x00",
        activity[2],
        record(13, START_S + 4, bytes([1, 0, 1, 0, 0, 9])),
        record(26, START_S + 5, b"\x00"),
    ]


def info(fields: Mapping[str, str]) -> str:
    """The text of info.txt."""
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items())


def packed(path: Path, members: Mapping[str, bytes | str], *, deflated: bool = False) -> Path:
    """A zip of members with fixed dates."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED)
    return path


def write_gt3x(folder: Path) -> Path:
    """A file of today: log.bin in a zip without compression."""
    return packed(folder / "P7.gt3x", {"log.bin": b"".join(log()), "info.txt": info(INFO)})


def write_nhanes(folder: Path) -> Path:
    """A file of the first generation: samples without stamps, light once a second."""
    fields = {**INFO, "Serial Number": "NEO1C00000001", "Sample Rate": "4"}
    for absent in ("TimeZone", "Acceleration Scale", "Limb"):
        del fields[absent]
    activity = nibbles([sample for second in SECONDS for sample in second])
    light = b"".join(value.to_bytes(2, "little") for value in (0, 1100, 65_535))
    return packed(folder / "P7.gt3x", {"activity.bin": activity, "info.txt": info(fields), "lux.bin": light}, deflated=True)
