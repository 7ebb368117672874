"""The text header of an ActiGraph file: `info.txt`, one `key: value` a line, and the few PARAMETERS records that matter.

ActiGraph, GT3X-File-Format and NHANES-GT3X-File-Format (github.com/actigraph, 2014 and 2015).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wearfm.errors import BadRecording
from wearfm.readers.assembly import printable
from wearfm.readers.base import stem
from wearfm.readers.stamps import offset_s
from wearfm.readers.subject import code, facts_of, number, place
from wearfm.signals.recording import SECOND, Clock, Fact

_SCALES = {"NEO": 341.0, "CLE": 341.0, "MRA": 341.0, "MOS": 256.0, "TAS": 256.0}  # counts per g, by serial number
_LUX = {"NEO": 1.25, "MRA": 3.25}  # lux per count: the cases differ in colour
_TICKS_1970 = 621_355_968_000_000_000  # .NET ticks of 100 ns since the year 1
_FASTEST_HZ = 1000.0
_ACCEL_SCALE = (0, 55)  # address, identifier


@dataclass(frozen=True, kw_only=True)
class Info:
    """What `info.txt` says: key in lower case -> value."""

    path: Path
    fields: Mapping[str, str]

    @property
    def rate_hz(self) -> float:
        """Samples per second."""
        rate = number(self.fields.get("sample rate", ""))
        if rate is None or not 1 <= rate <= _FASTEST_HZ:
            given = self.fields.get("sample rate", "")[:40]
            raise BadRecording(
                self.path, 0, f"info.txt: Sample Rate {given!r}; it must be a number of Hz from 1 to {_FASTEST_HZ:g}"
            )
        return rate

    @property
    def start_ns(self) -> int:
        """Start Date in nanoseconds since 1970 on the clock of the device."""
        text = self.fields.get("start date", "")
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise BadRecording(self.path, 0, f"info.txt: Start Date {text[:40]!r} is not in ticks of 100 ns since the year 1")
        return (int(text) - _TICKS_1970) * 100

    @property
    def utc_offset_s(self) -> int | None:
        """Local time minus UTC, None if the file does not say."""
        return offset_s(self.fields.get("timezone", ""))

    @property
    def participant(self) -> str:
        """The subject field if it is a code, else the name of the file."""
        return code(self.fields.get("subject name", "")) or stem(self.path)

    @property
    def device(self) -> str:
        """Maker and model."""
        return f"ActiGraph {printable(self.fields.get('device type', ''))}".strip()

    @property
    def placement(self) -> str:
        """Body site, "" if the file does not say."""
        return place(self.fields.get("limb", ""))

    @property
    def facts(self) -> dict[str, Fact]:
        """Sex, age, height and mass as far as they were entered."""
        return facts_of(self.fields, sex="sex", age_years="age", height_cm="height", weight_kg="mass")

    @property
    def lux_per_count(self) -> float:
        """Scale of the light sensor; 1 where the maker gives none."""
        return _LUX.get(self._serial, 1.0)

    def counts_per_g(self, parameters: Iterable[bytes]) -> float:
        """Return the scale of acceleration: of the header, else of a PARAMETERS record, else by the serial number."""
        given = number(self.fields.get("acceleration scale", ""))
        logged = (_parameter(payload, *_ACCEL_SCALE) for payload in parameters)
        for scale in (given, *logged, _SCALES.get(self._serial)):
            if scale is not None and 1 <= scale <= 1e5:
                return scale
        serial = self.fields.get("serial number", "")[:40]
        raise BadRecording(
            self.path, 0, f"info.txt has no Acceleration Scale, and serial number {serial!r} is of no known model; add the line"
        )

    @property
    def _serial(self) -> str:
        return self.fields.get("serial number", "")[:3].upper()


def parse_info(path: Path, text: bytes) -> Info:
    """Return the fields of `info.txt`."""
    rows = (line.partition(":") for line in text.decode("utf-8-sig", errors="replace").splitlines())
    return Info(path=path, fields={key.strip().lower(): value.strip() for key, colon, value in rows if colon})


def logged_zone(metadata: Iterable[bytes]) -> tuple[bool, int | None]:
    """Return whether the stamps of a log are UTC, and the offset that its metadata give."""
    entries = [entry for payload in metadata if isinstance(entry := _json(payload), dict)]
    is_utc = any(entry.get("MetadataType") == "LocalTimeLog" and entry.get("UsedUtc") is True for entry in entries)
    kinds = ("SubjectTimeLog", "LocalTimeLog")
    texts = [str(entry.get("UtcOffset", "")) for kind in kinds for entry in entries if entry.get("MetadataType") == kind]
    return is_utc, next((offset for text in texts if (offset := offset_s(text)) is not None), None)


@dataclass(frozen=True, kw_only=True)
class Zone:
    """What the stamps of a file are. shift_ns: what makes them times of `clock`. utc_offset_s: local time minus UTC."""

    clock: Clock
    shift_ns: int = 0
    utc_offset_s: int | None = None
    notes: tuple[str, ...] = ()


def zone_of(info: Info, metadata: Iterable[bytes]) -> Zone:
    """Return what the stamps are: wall clock, which becomes UTC where the file tells its offset, or UTC if the log says so."""
    is_utc, logged = logged_zone(metadata)
    told = info.utc_offset_s
    if is_utc:
        offset = told if logged is None else logged
        return Zone(clock="utc", utc_offset_s=offset, notes=("the log says that its stamps are UTC",))
    offset = logged if told is None else told
    if offset is None:
        return Zone(clock="local")
    return Zone(clock="utc", shift_ns=-offset * SECOND, utc_offset_s=offset)


def _json(payload: bytes) -> object:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


def _parameter(payload: bytes, address: int, identifier: int) -> float | None:
    """Return a parameter in ActiGraph's float: three bytes of fraction, in units of 2^-23, and one of exponent of 2."""
    key = address.to_bytes(2, "little") + identifier.to_bytes(2, "little")
    for at in range(0, len(payload) - 7, 8):
        if payload[at : at + 4] == key:
            fraction = int.from_bytes(payload[at + 4 : at + 7], "little", signed=True)
            exponent = int.from_bytes(payload[at + 7 : at + 8], "little", signed=True)
            return float(fraction) * 2.0 ** (exponent - 23)
    return None
