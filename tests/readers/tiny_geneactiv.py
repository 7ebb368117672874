"""A tiny GENEActiv file, written from the maker's manual."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2012, 5, 23, 16, 47, 50, tzinfo=UTC)  # on the wall clock, one hour before UTC
HEADER = {
    "Device Unique Serial Code": "011073",
    "Device Type": "GENEActiv",
    "Device Model": "1.1",
    "Measurement Frequency": "4 Hz",
    "Time Zone": "GMT +01:00",
    "Device Location Code": "left wrist",
    "Subject Code": "TestSubject",
    "Date of Birth": "1900-1-1",
    "Sex": "female",
    "Height": "160",
    "Weight": "0",
    "Subject Notes": "Jane Doe",
    "x gain": "25000",
    "x offset": "500",
    "y gain": "25000",
    "y offset": "0",
    "z gain": "25000",
    "z offset": "-250",
    "Volts": "300",
    "Lux": "900",
    "Number of Pages": "4",
}
Sample = tuple[int, int, int, int, int]  # x, y, z, light, button


def page(number: int, samples: Sequence[Sample], *, at_s: float, rate: str = "4.0", temperature: str = "25.5") -> str:
    """One page."""
    moment = START + timedelta(seconds=at_s)
    digits = "".join(
        f"{x & 0xFFF:03X}{y & 0xFFF:03X}{z & 0xFFF:03X}{light << 2 | button << 1:03X}" for x, y, z, light, button in samples
    )
    return (
        "Recorded Data\r\nDevice Unique Serial Code:011073\r\n"
        f"Sequence Number:{number}\r\nPage Time:{moment:%Y-%m-%d %H:%M:%S}:{moment.microsecond // 1000:03d}\r\nUnassigned:\r\n"
        f"Temperature:{temperature}\r\nBattery voltage:4.1194\r\nDevice Status:Recording\r\n"
        f"Measurement Frequency:{rate}\r\n{digits}\n"
    )


def samples(first: int, *, button: int = 0) -> list[Sample]:
    """Eight samples: x counts up, y is 1 g, z counts down, light counts up."""
    return [(first + k, 250, -first - k, k, button if k == 3 else 0) for k in range(8)]


def pages() -> list[str]:
    """Four pages of 2 s; between the second and the third one is missing."""
    return [page(n, samples(8 * n, button=n == 1), at_s=2.0 * n) for n in (0, 1, 3, 4)]


def header(**changed: str) -> str:
    """The header; a field that is changed to nothing is left out."""
    fields = {**HEADER, **{key.replace("_", " "): value for key, value in changed.items()}}
    lines = "".join(f"{key}:{value}\r\n" for key, value in fields.items() if value)
    return f"Device Identity\r\n{lines}\r\n"


def write_geneactiv(folder: Path) -> Path:
    """A file of four pages."""
    path = folder / "P7.bin"
    path.write_bytes((header() + "".join(pages())).encode())
    return path
