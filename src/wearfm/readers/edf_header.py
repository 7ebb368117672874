"""The header of EDF, EDF+, BDF and BDF+: fixed fields of ASCII text, every one checked, with its byte offset.

Kemp et al. 1992 (EDF), Kemp & Olivan 2003 (EDF+); BDF is BioSemi's 24-bit variant with the same layout.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Literal

from wearfm.errors import BadRecording
from wearfm.readers.base import Bytes
from wearfm.signals.recording import SECOND, Fact

FIXED = 256  # bytes before the signals, and bytes for each signal
_EDF, _BDF = b"0       ", b"\xffBIOSEMI"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_PIVOT = 85  # EDF+ 2.1.3.3: two-digit years 85 to 99 are 1985 to 1999, 00 to 84 are 2000 to 2084
_COLUMNS = (
    ("label", 16), ("transducer", 80), ("unit", 8), ("physical_min", 8), ("physical_max", 8),
    ("digital_min", 8), ("digital_max", 8), ("prefilter", 80), ("samples", 8), ("reserved", 32),
)  # fmt: skip

Kind = Literal["", "C", "D"]


@dataclass(frozen=True, kw_only=True)
class SignalHeader:
    """One signal of the header. samples: per data record. scale, offset: physical = scale * digital + offset."""

    label: str
    transducer: str
    unit: str
    scale: float
    offset: float
    digital_min: int
    digital_max: int
    samples: int
    is_annotation: bool
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the header says.

    width: bytes per sample, 2 (EDF) or 3 (BDF). kind: "" plain, "C" continuous, "D" discontinuous. start_ns: local
    time of the file's start as if it were UTC, None if no date is given. num_records: -1 if not known. record_s: exact.
    """

    width: int
    kind: Kind
    patient: str
    recording: str
    start_ns: int | None
    num_bytes: int
    num_records: int
    record_s: Fraction
    signals: tuple[SignalHeader, ...]
    notes: tuple[str, ...] = ()

    @property
    def record_bytes(self) -> int:
        """Bytes of one data record."""
        return self.width * sum(signal.samples for signal in self.signals)


def is_edf(head: bytes) -> bool:
    """Return whether a file that begins so is EDF or BDF: its version, then text where the numbers of the header lie."""
    return head[:8] in (_EDF, _BDF) and len(head) >= FIXED and all(byte < 127 for byte in head[168:FIXED])


def parse_header(path: Path, data: Bytes) -> Header:
    """Return the header; BadRecording names the first field that is wrong."""
    if len(data) < FIXED:
        raise BadRecording(path, len(data), f"{len(data)} bytes; an EDF header has at least {FIXED}")
    fixed = _Fields(path, bytes(data[:FIXED]))
    num_signals = fixed.whole(252, 4, "number of signals", low=1, high=9999)
    num_bytes = fixed.whole(184, 8, "size of the header", low=0, high=10**8)
    if num_bytes != FIXED * (num_signals + 1):
        reason = f"header of {num_bytes} bytes; {num_signals} signals need {FIXED * (num_signals + 1)}"
        raise BadRecording(path, 184, reason)
    if len(data) < num_bytes:
        raise BadRecording(path, len(data), f"the file ends inside its header of {num_bytes} bytes")
    is_bdf = fixed.raw[:8] == _BDF
    kind = _kind(fixed.text(192, 44))
    signals = _Fields(path, bytes(data[:num_bytes]))
    recording = fixed.text(88, 80)
    start_ns, notes = _start(fixed.text(168, 8), fixed.text(176, 8), recording if kind else "")
    return Header(
        width=3 if is_bdf else 2,
        kind=kind,
        patient=fixed.text(8, 80),
        recording=recording,
        start_ns=start_ns,
        num_bytes=num_bytes,
        num_records=fixed.whole(236, 8, "number of data records", low=-1, high=99_999_999),
        record_s=fixed.number(244, 8, "duration of a data record", low=0),
        signals=tuple(_signal(signals, row, num_signals, is_plus=bool(kind)) for row in range(num_signals)),
        notes=notes,
    )


def patient_code(header: Header) -> str | None:
    """Return the code of the patient, None if it is left out. EDF+ keeps it first of four words; plain EDF is free text."""
    words = header.patient.split()
    if not words or (len(words) > 1 and not _is_plus_patient(words)):
        return None
    return words[0] if words[0] != "X" else None


def patient_facts(header: Header) -> dict[str, Fact]:
    """Return sex and age where an EDF+ patient field gives them; the name is not read."""
    words = header.patient.split()
    facts: dict[str, Fact] = {}
    if not _is_plus_patient(words):
        return facts
    if words[1] in ("F", "M"):
        facts["sex"] = words[1]
    born = _named_date(words[2]) if len(words) > 2 else None
    if born and header.start_ns is not None:
        years = (datetime.fromtimestamp(header.start_ns // SECOND, UTC).date() - born).days / 365.25
        if 0 <= years < 130:
            facts["age_years"] = round(years, 2)
    return facts


def device(header: Header) -> str:
    """Return the equipment that EDF+ names as the fifth word of the recording field, "" if it does not."""
    words = header.recording.split()
    return words[4].replace("_", " ") if header.kind and len(words) > 4 and words[4] != "X" else ""


class _Fields:
    """Fixed-width text fields of a header, read with their offset."""

    def __init__(self, path: Path, raw: bytes) -> None:
        self.path, self.raw = path, raw

    def text(self, offset: int, width: int) -> str:
        return self.raw[offset : offset + width].decode("latin-1").replace("\x00", " ").strip()

    def number(self, offset: int, width: int, what: str, *, low: float | None = None) -> Fraction:
        text = self.text(offset, width)
        if not _NUMBER.fullmatch(text):
            raise BadRecording(self.path, offset, f"{what} is {text!r}; it must be a number")
        value = Fraction(text)
        if low is not None and value < low:
            raise BadRecording(self.path, offset, f"{what} is {text}; it must be at least {low:g}")
        return value

    def whole(self, offset: int, width: int, what: str, *, low: int, high: int) -> int:
        value = self.number(offset, width, what)
        if value.denominator != 1 or not low <= value <= high:
            text = self.text(offset, width)
            raise BadRecording(self.path, offset, f"{what} is {text}; it must be a whole number from {low} to {high}")
        return int(value)


def _kind(reserved: str) -> Kind:
    plus = re.match(r"[EB]DF\+([CD])", reserved)
    return "" if plus is None else "C" if plus[1] == "C" else "D"


def _signal(fields: _Fields, row: int, count: int, *, is_plus: bool) -> SignalHeader:
    places: dict[str, tuple[int, int]] = {}
    offset = FIXED
    for name, width in _COLUMNS:
        places[name] = (offset + row * width, width)
        offset += count * width
    label = fields.text(*places["label"])
    is_annotation = is_plus and label in ("EDF Annotations", "BDF Annotations")
    samples = fields.whole(*places["samples"], f"samples per record of {label!r}", low=0, high=99_999_999)
    if is_annotation:
        scale, offset_value, digital, note = 1.0, 0.0, (0, 0), ""
    else:
        scale, offset_value, digital, note = _calibration(fields, places, label)
    return SignalHeader(
        label=label,
        transducer=fields.text(*places["transducer"]),
        unit=fields.text(*places["unit"]),
        scale=scale,
        offset=offset_value,
        digital_min=digital[0],
        digital_max=digital[1],
        samples=samples,
        is_annotation=is_annotation,
        note=note,
    )


def _calibration(fields: _Fields, places: dict[str, tuple[int, int]], label: str) -> tuple[float, float, tuple[int, int], str]:
    """Return scale, offset, digital range, and a note if the header gives no usable calibration."""
    low, high = (fields.whole(*places[f"digital_{end}"], f"digital {end}imum of {label!r}", low=-(2**23), high=2**23)
                 for end in ("min", "max"))  # fmt: skip
    bottom, top = (fields.number(*places[f"physical_{end}"], f"physical {end}imum of {label!r}") for end in ("min", "max"))
    if high == low or top == bottom:
        return 1.0, 0.0, (low, high), "no calibration (physical or digital minimum equals maximum); digital values kept"
    scale = (top - bottom) / (high - low)
    return float(scale), float(bottom - low * scale), (min(low, high), max(low, high)), ""


def _start(day: str, clock: str, recording: str) -> tuple[int | None, tuple[str, ...]]:
    """Return the start as nanoseconds of local time, and a note where the header gives no usable date."""
    digits = re.fullmatch(r"(\d\d)\D(\d\d)\D(\d\d|yy)", day, re.ASCII)
    times = re.fullmatch(r"(\d\d)\D(\d\d)\D(\d\d)", clock, re.ASCII)
    if not digits or not times:
        return None, (f"start {day!r} {clock!r} is not a date and a time; times are relative",)
    words = recording.split()
    named = _named_date(words[1]) if len(words) > 1 and words[0] == "Startdate" else None
    year = 0 if digits[3] == "yy" else int(digits[3])
    year += 1900 if year >= _PIVOT else 2000
    if named and digits[3] == "yy":
        year = named.year
    try:
        hour, minute, second = (int(part) for part in times.groups())
        start = datetime(year, int(digits[2]), int(digits[1]), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None, (f"start {day!r} {clock!r} does not exist in the calendar; times are relative",)
    differs = named is not None and named != start.date()
    notes = (f"start date {day!r} contradicts {words[1]!r} in the recording field; {day!r} kept",) if differs else ()
    return int(start.timestamp()) * SECOND, notes


def _named_date(text: str) -> date | None:
    """Return the date written as 02-AUG-1951, None if it is not one."""
    parts = re.fullmatch(r"(\d\d)-([A-Za-z]{3})-(\d{4})", text, re.ASCII)
    if not parts or parts[2].upper() not in _MONTHS:
        return None
    try:
        return date(int(parts[3]), _MONTHS.index(parts[2].upper()) + 1, int(parts[1]))
    except ValueError:
        return None


def _is_plus_patient(words: list[str]) -> bool:
    return len(words) >= 2 and words[1] in ("F", "M", "X")
