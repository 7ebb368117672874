"""Headers of WFDB records (.hea): a record line, then a line for each signal or each segment, then comments.

    100/3 2 360/1 650000 12:00:00 1/5/1985          name[/segments] signals rate[/counter(base)] samples time date
    100.dat 212x1:0+0 200(1024)/mV 11 1024 995 -22131 0 MLII
            |   | | | |    |   |   |  |    |   |      | description
            |   | | | |    |   |   |  |    |   |      block size
            |   | | | |    |   |   |  |    |   checksum: sum of all samples, low 16 bits
            |   | | | gain baseline units  |   first sample
            |   | | offset in the file     zero of the converter
            |   | skew: samples by which the signal lags in the file
            |   samples per frame
            storage format

Moody, WFDB Applications Guide, header(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wearfm.errors import BadRecording
from wearfm.signals.clock import FASTEST_HZ
from wearfm.signals.recording import SECOND, Fact

DEFAULT_HZ = 250.0  # header(5): the rate if the record line gives none
DEFAULT_GAIN = 200.0  # header(5): steps per millivolt if the signal line gives none
_HEAD = 4096  # bytes in which a header's first two lines must lie
_REAL = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?"
_RECORD = re.compile(
    rf"(?P<name>[-\w.]+)(?:/(?P<segments>\d{{1,6}}))?[ \t]+(?P<signals>\d{{1,4}})"
    rf"(?:[ \t]+(?P<rate>{_REAL})(?:/(?P<counter>{_REAL})(?:\((?P<base>{_REAL})\))?)?(?:[ \t]+(?P<samples>\d{{1,15}})"
    r"(?:[ \t]+(?P<time>[\d:.]{1,20})(?:[ \t]+(?P<date>\d{1,2}/\d{1,2}/\d{4}))?)?)?)?[ \t]*",
    re.ASCII,
)
_SIGNAL = re.compile(
    r"(?P<file>[-~\w.]+)[ \t]+(?P<format>\d{1,4})(?:x(?P<frame>\d{1,6}))?(?::(?P<skew>\d{1,9}))?(?:\+(?P<offset>\d{1,12}))?"
    rf"(?:[ \t]+(?P<gain>{_REAL})(?:\((?P<baseline>[-+]?\d{{1,12}})\))?(?:/(?P<unit>\S+))?"
    r"(?:[ \t]+(?P<bits>[-+]?\d{1,9})(?:[ \t]+(?P<zero>[-+]?\d{1,12})(?:[ \t]+(?P<first>[-+]?\d{1,12})"
    r"(?:[ \t]+(?P<checksum>[-+]?\d{1,12})(?:[ \t]+(?P<block>\d{1,9})(?:[ \t]+(?P<label>\S.*?))?)?)?)?)?)?)?[ \t]*",
    re.ASCII,
)
_SEGMENT = re.compile(r"(?P<name>[-~\w.]+)[ \t]+(?P<samples>\d{1,15})[ \t]*", re.ASCII)
_AGE = re.compile(r"<?\bage\b>?\W{1,3}(\d{1,3})\b|^\s*(\d{1,3})\s+[MF]\b", re.IGNORECASE)
_SEX = re.compile(r"<?\b(?:sex|gender)\b>?\W{1,3}(m|f)|^\s*\d{1,3}\s+(M|F)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class SignalLine:
    """One signal. frame: samples per frame. first, checksum: None if the header leaves them out."""

    file: str
    format: int
    frame: int
    skew: int
    byte_offset: int
    gain: float
    baseline: int
    unit: str
    first: int | None
    checksum: int | None
    label: str
    offset: int


@dataclass(frozen=True, kw_only=True)
class SegmentLine:
    """One segment of a record in several. name "~": a gap. samples: in frames; 0 for the layout of a variable record."""

    name: str
    samples: int


@dataclass(frozen=True, kw_only=True)
class RecordHeader:
    """One header file. num_samples: frames, None if not said. start_ns: local time, None if there is no date."""

    name: str
    rate_hz: float
    num_samples: int | None
    start_ns: int | None
    signals: tuple[SignalLine, ...] = ()
    segments: tuple[SegmentLine, ...] = ()
    comments: tuple[str, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def is_header(head: bytes) -> bool:
    """Return whether a file that begins so is a WFDB header: a record line, then lines of signals or segments."""
    head = head[:_HEAD]
    if b"\x00" in head:
        return False
    lines = [text for _, text in _lines(head.decode("latin-1")) if not text.startswith("#")][:2]
    record = _RECORD.fullmatch(lines[0]) if lines else None
    if record is None:
        return False
    if len(lines) == 1:
        return int(record["signals"]) == 0 and record["rate"] is not None
    return bool((_SEGMENT if record["segments"] else _SIGNAL).fullmatch(lines[1]))


def parse_record(path: Path, text: str) -> RecordHeader:
    """Return the header; BadRecording names the first line that is wrong."""
    lines = _lines(text)
    content = [(offset, line) for offset, line in lines if not line.startswith("#")]
    comments = tuple(line.lstrip("# \t") for _, line in lines if line.startswith("#"))
    if not content:
        raise BadRecording(path, 0, "no record line; a header begins with the record's name and number of signals")
    match = _RECORD.fullmatch(content[0][1])
    if match is None:
        raise BadRecording(path, content[0][0], f"record line {content[0][1][:60]!r} is not one")
    rate_hz = _rate(path, match, offset=content[0][0])
    start_ns, notes = _start(match["time"], match["date"])
    segments = tuple(_segment(path, *line) for line in content[1:]) if match["segments"] else ()
    signals = () if match["segments"] else tuple(_signal(path, *line) for line in content[1:])
    promised = int(match["segments"] or match["signals"])
    if promised != len(content) - 1:
        what = "segments" if match["segments"] else "signals"
        raise BadRecording(path, len(text), f"{promised} {what} are promised, {len(content) - 1} lines follow")
    return RecordHeader(
        name=match["name"],
        rate_hz=rate_hz,
        num_samples=int(match["samples"]) if match["samples"] and int(match["samples"]) else None,
        start_ns=start_ns,
        signals=signals,
        segments=segments,
        comments=comments,
        facts=_facts(comments),
        notes=notes,
    )


def _lines(text: str) -> list[tuple[int, str]]:
    """Return the lines that are not empty, each with its offset."""
    lines, offset = [], 0
    for line in text.split("\n"):
        if line.strip():
            lines.append((offset, line.strip()))
        offset += len(line) + 1
    return lines


def _rate(path: Path, match: re.Match[str], *, offset: int) -> float:
    rate_hz = float(match["rate"]) if match["rate"] else DEFAULT_HZ
    if not 0 < rate_hz <= FASTEST_HZ:
        raise BadRecording(path, offset, f"rate {rate_hz:g} Hz; it must be between 0 and {FASTEST_HZ:g}")
    return rate_hz


def _segment(path: Path, offset: int, line: str) -> SegmentLine:
    match = _SEGMENT.fullmatch(line)
    if match is None:
        raise BadRecording(path, offset, f"segment line {line[:60]!r} is not a name and a number of samples")
    return SegmentLine(name=_plain(path, match["name"], offset), samples=int(match["samples"]))


def _signal(path: Path, offset: int, line: str) -> SignalLine:
    match = _SIGNAL.fullmatch(line)
    if match is None:
        raise BadRecording(path, offset, f"signal line {line[:60]!r} is not one")
    zero = int(match["zero"] or 0)
    frame = int(match["frame"] or 1)
    if frame == 0:
        raise BadRecording(path, offset, "0 samples per frame; a signal has at least one")
    return SignalLine(
        file=_plain(path, match["file"], offset),
        format=int(match["format"]),
        frame=frame,
        skew=int(match["skew"] or 0),
        byte_offset=int(match["offset"] or 0),
        gain=float(match["gain"] or 0) or DEFAULT_GAIN,
        baseline=zero if match["baseline"] is None else int(match["baseline"]),
        unit=match["unit"] or "mV",
        first=None if match["first"] is None else int(match["first"]),
        checksum=None if match["checksum"] is None else int(match["checksum"]),
        label=match["label"] or "",
        offset=offset,
    )


def _plain(path: Path, name: str, offset: int) -> str:
    """Return a file name that stays in the folder of its header."""
    if name in (".", ".."):
        raise BadRecording(path, offset, f"{name!r} is not the name of a file")
    return name


def _start(clock: str | None, day: str | None) -> tuple[int | None, tuple[str, ...]]:
    """Return the start as nanoseconds of local time; without a date there is none."""
    if day is None:
        return None, ()
    parts = [float(part) for part in (clock or "0").split(":") if re.fullmatch(r"\d+\.?\d*", part)]
    seconds = sum(part * scale for part, scale in zip(reversed(parts), (1, 60, 3600), strict=False))
    try:
        dd, mm, yyyy = (int(part) for part in day.split("/"))
        date = datetime(yyyy, mm, dd, tzinfo=UTC)
        whole = date + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None, (f"start {clock} {day} does not exist in the calendar; times are relative",)
    return int(date.timestamp()) * SECOND + round((whole - date).total_seconds() * SECOND), ()


def _facts(comments: tuple[str, ...]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for line in comments:
        age, sex = _AGE.search(line), _SEX.search(line)
        if age and "age_years" not in facts:
            facts["age_years"] = float(age[1] or age[2])
        if sex and "sex" not in facts:
            facts["sex"] = (sex[1] or sex[2]).upper()
    return facts
