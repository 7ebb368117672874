"""ECG of an Apple Watch: the CSV that the Health app writes for each recording of 30 s, in any of its languages.

ECG of an Apple Watch: single lead (finger to wrist, lead I), 512 Hz, microvolts, in `electrocardiograms/` of an export from
the Health app. The lines at the top are written in the language of the phone; they are told apart by their values, not by
their labels. Facts of the format: the Health app's exports from iOS 12 on, English and German.

| in the file | in the recording |
|---|---|
| a date with an offset from UTC | the start, UTC, with its offset |
| a number followed by hertz | the rate |
| a number in each line after the header | channel `ecg`, mV; written whole numbers stay integers |
| classification | event `annotation` over the whole recording, in English; in another language there is none, and a note |
| name, date of birth, symptoms | not read |

Classifications: `sinus rhythm`, `atrial fibrillation`, `high heart rate`, `low heart rate`, `inconclusive`, `poor recording`.

**Time.** The file's date is the start, to the second, with local time minus UTC. The clock is the phone's.

**Broken files.** Lines that are no number are masked and counted. A file without a date, a rate or samples is refused.

**Limits.** The participant is the folder in which the export lies, as all exports have files of the same names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, Series, nanoseconds
from wearfm.readers.base import Reader, encoding, load
from wearfm.readers.columns import numbers
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import date_ns
from wearfm.readers.subject import owner
from wearfm.signals.recording import Clock, Recording

FASTEST_HZ = 2048.0
_HEADER_LINES = 24
_DATE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})")
_RATE = re.compile(r"[,;]\s*\"?(\d{2,4}(?:[.,]\d{1,6})?)\s*(?:hertz|hz|герц|赫兹|赫茲|ヘルツ|헤르츠)\"?\s*$", re.IGNORECASE)
_WATCH = re.compile(r"Watch\d{1,2},\d{1,2}")
_UNIT = re.compile(r"[,;]\s*\"?([µμu]V|mV)\"?\s*$")
_SAMPLE = re.compile(r"\"?-?\d{1,9}(?:[.,]\d{1,9})?(?:[eE]-?\d)?\"?")
_CLASSES = {  # English, German
    "sinus rhythm": ("sinus rhythm", "sinusrhythmus"),
    "atrial fibrillation": ("atrial fibrillation", "vorhofflimmern"),
    "high heart rate": ("high heart rate", "hohe herzfrequenz"),
    "low heart rate": ("low heart rate", "niedrige herzfrequenz"),
    "inconclusive": ("inconclusive", "nicht eindeutig", "uneindeutig", "ergebnislos"),
    "poor recording": ("poor recording", "schlechte aufzeichnung"),
}
_CLASS_OF = {word: name for name, words in _CLASSES.items() for word in words}


@dataclass(frozen=True, kw_only=True)
class Header:
    """The lines at the top. classification: in English, "" if it is not known. data: the byte at which samples begin."""

    start_ns: int
    offset_s: int
    rate_hz: float
    unit: str
    classification: str
    device: str
    data: int


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of an ECG file."""
    yield recording(path, load(path).tobytes(), name=path.stem, participant=owner(path))


def recording(path: Path, content: bytes, *, name: str, participant: str) -> Recording:
    """Return the recording in the content of an ECG file; path: to name in errors."""
    header = parse_header(content)
    if header is None:
        raise BadRecording(path, 0, f"{name}: no ECG with a date, a rate in hertz and a unit in its first lines")
    found = Assembly(path=path)
    samples, missing = _samples(path, content[header.data :])
    found.add(
        Series(
            label="ECG I",
            meaning=Meaning(modality="ecg", unit=header.unit, placement="wrist"),
            samples=samples,
            rate_hz=header.rate_hz,
            start_ns=header.start_ns,
            missing=missing,
            missing_reason="not a number",
        )
    )
    if header.classification:
        lasts = nanoseconds(len(samples) / header.rate_hz)
        found.events.append(("annotation", header.start_ns, lasts, header.classification, float("nan")))
    else:
        found.note("the classification is none of those known in English and German; left out")
    return found.finish(
        participant=participant,
        name=name,
        clock=CLOCK,
        utc_offset_s=header.offset_s,
        device=header.device,
        source=f"apple_ecg: {name}",
    )


CLOCK: Clock = "utc"


def recognises(path: Path, head: bytes) -> bool:
    """Return whether these are the first bytes of an ECG file."""
    return not path.is_dir() and b"Watch" in head[:2000] and parse_header(head) is not None


def parse_header(content: bytes) -> Header | None:
    """Return what the lines at the top say, None if they are not those of an ECG."""
    lines = content[:8192].split(b"\n")
    first = next((k for k, line in enumerate(lines[:_HEADER_LINES]) if _SAMPLE.fullmatch(_text(line))), None)
    if first is None:
        return None
    words = [_text(line) for line in lines[:first]]
    date, rate, watch, unit = (_first(pattern, words) for pattern in (_DATE, _RATE, _WATCH, _UNIT))
    if not (date and rate and watch and unit):
        return None
    rate_hz = float(rate[1].replace(",", "."))
    try:
        start_ns, offset_s = date_ns(date[1], "%Y-%m-%d %H:%M:%S %z")
    except BadConfiguration:
        return None
    if offset_s is None or not 0 < rate_hz <= FASTEST_HZ or not 10 < start_ns / 31_557_600e9 < 130:
        return None
    return Header(
        start_ns=start_ns,
        offset_s=offset_s,
        rate_hz=rate_hz,
        unit="mV" if unit[1] == "mV" else "uV",
        classification=_classification(words),
        device=f"Apple Watch ({watch[0]})",
        data=sum(len(line) + 1 for line in lines[:first]),
    )


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").removeprefix("\ufeff").strip()


def _first(pattern: re.Pattern[str], lines: list[str]) -> re.Match[str] | None:
    return next((match for line in lines if (match := pattern.search(line))), None)


def _classification(lines: list[str]) -> str:
    values = (re.split(r"[,;]", line, maxsplit=1)[-1].strip('" ').lower() for line in lines)
    return next((_CLASS_OF[value] for value in values if value in _CLASS_OF), "")


def _samples(path: Path, content: bytes) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
    """Return the numbers, one a line; a comma is a decimal point."""
    point = "," if b"," in content[:4096] else "."
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content.replace(b'"', b"")),
            read_options=pyarrow.csv.ReadOptions(column_names=["value"], encoding=encoding(content)),
            parse_options=pyarrow.csv.ParseOptions(delimiter="\x01"),  # one column, whatever a damaged line holds
            convert_options=pyarrow.csv.ConvertOptions(decimal_point=point),
        )
        return numbers(table.column(0))
    except (pa.ArrowException, BadConfiguration) as error:
        raise BadRecording(path, 0, f"the samples are no numbers: {str(error).splitlines()[0]}") from error


READER = Reader(
    name="apple_ecg",
    describes="ECG recordings of an Apple Watch, as the Health app exports them (CSV)",
    devices=("Apple Watch Series 4 and later",),
    clock="UTC, with the local time minus UTC that the file writes",
    suffixes=(".csv",),
    recognises=recognises,
    read=read,
)
