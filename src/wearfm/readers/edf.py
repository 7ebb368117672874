"""EDF, EDF+ and BDF, BDF+: digital samples kept as int16 (EDF) or int32 (BDF), gaps as spans, annotations as events.

European Data Format: EDF, EDF+C, EDF+D, BDF and BDF+, gzipped or not. Recognised by its first eight bytes.

| in the file | in the recording |
|---|---|
| digital samples | `int16` (EDF) or `int32` (BDF), unchanged; physical range and digital range become scale and offset |
| samples per record / duration of a record | `rate_hz`, exact; each signal has its own |
| start date and time | local clock; years 85 to 99 are 1985 to 1999, 00 to 84 are 2000 to 2084; then the EDF+ field |
| stamp of the first record | fraction of a second of the start |
| gaps between records (EDF+D) | samples that are not valid, counted as inserted |
| annotations | events `annotation` with onset, duration and label |
| patient field | EDF+: code as participant, sex, age; the name is never read. Plain EDF: the file's name |
| a signal of heart or breathing rate | events `hr`, `resp_rate`: one for each run of equal values |

What a channel measures is read from its label, its unit and its transducer (`readers/labels.py`). A label that is not
known, or a unit that contradicts it, makes the channel `other`, with a note in the quality record. Whole banks A1 to A32,
B1 to B32 and so on (or of 16) are the electrodes of a BioSemi cap by number: `eeg`, with a note that C3 is no site then.

**Broken files.** A header field that is wrong is refused with its byte offset. A last record that is cut off, and records
beyond the number in the header, are dropped and counted. A number of records of -1 is read to the end of the file. Records
that begin more than a tenth of a record before the last one ends are dropped and counted. A file marked continuous whose
record stamps show gaps is read by its stamps. A date that does not exist makes the clock relative.

**Limits.** Digital values outside the digital range are kept, and noted. Gaps that would need more than 2^26 samples, and
more than sixteen times the file, are refused: split the file there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, Series, nanoseconds, printable
from wearfm.readers.base import Bytes, Reader, load, stem
from wearfm.readers.edf_annotations import Annotations, parse_annotations
from wearfm.readers.edf_header import Header, SignalHeader, device, is_edf, parse_header, patient_code, patient_facts
from wearfm.readers.labels import Meaning, electrode, given, interpret, numbered_electrodes
from wearfm.signals.clock import FASTEST_HZ, check_growth
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import Recording
from wearfm.signals.spans import Spans

_OVERLAP = Fraction(1, 10)  # share of a record by which its stamp may come early: stamps are rounded by some writers


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Which data records are read.

    blocks: (records, bytes) of the file. extra_records: whole records beyond those that the header promises.
    rest_bytes: a part of a record at the end of the file.
    """

    blocks: Bytes
    extra_records: int
    rest_bytes: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Axis:
    """When the records begin.

    start_s: of the first, after the start of the file. shift_s: (records,) how much later than if they followed each
    other without a gap. keep: (records,) bool, False where a record overlaps an earlier one.
    """

    start_s: float
    shift_s: NDArray[np.float64]
    keep: NDArray[np.bool_]

    @property
    def is_plain(self) -> bool:
        """Whether all records follow each other."""
        return bool(self.keep.all() and not self.shift_s.any())


def read(path: Path, *, modalities: Mapping[str, str] | None = None) -> Iterator[Recording]:
    """Yield the recording in an EDF or BDF file. modalities: label -> modality, where somebody knows better than the label."""
    data = load(path)
    header = parse_header(path, data)
    _check_records(path, header)
    layout = _layout(path, data, header)
    found = Assembly(path=path)
    found.note(*header.notes, *_layout_notes(header, layout))
    annotations = parse_annotations([_bytes_of(header, layout, row) for row in _rows(header, annotations=True)])
    axis = _axis(header, annotations, len(layout.blocks), found)
    _add_signals(found, header, layout, axis, modalities or {})
    _add_annotations(found, header, annotations)
    yield found.finish(
        participant=patient_code(header) or stem(path),
        name=stem(path),
        clock="relative" if header.start_ns is None else "local",
        source=f"edf: {path.name}",
        device=device(header),
        facts=patient_facts(header),
    )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is EDF or BDF."""
    return not path.is_dir() and is_edf(head)


def decode(header: Header, blocks: Bytes, row: int) -> NDArray[np.int16] | NDArray[np.int32]:
    """Return the digital samples of one signal, (records, samples per record), int16 for EDF and int32 for BDF."""
    start = header.width * sum(signal.samples for signal in header.signals[:row])
    raw = blocks[:, start : start + header.width * header.signals[row].samples]
    if header.width == 2:
        words = np.ascontiguousarray(raw) if header.record_bytes % 2 or start % 2 else raw
        return words.view("<i2").astype(np.int16, order="C")
    padded = np.zeros((len(raw), raw.shape[1] // 3, 4), dtype=np.uint8)
    padded[:, :, 1:] = raw.reshape(len(raw), -1, 3)
    return np.asarray(padded.view("<i4")[:, :, 0] >> 8, dtype=np.int32)  # the shift back extends the sign


def _check_records(path: Path, header: Header) -> None:
    if header.record_bytes == 0:
        raise BadRecording(path, header.num_bytes, "no signal has samples; there is nothing to read")
    has_signals = any(signal.samples for signal in header.signals if not signal.is_annotation)
    if has_signals and header.record_s == 0:
        raise BadRecording(path, 244, "data records last 0 s; only a file of nothing but annotations may say so")
    fastest = max(signal.samples for signal in header.signals)
    if has_signals and fastest / header.record_s > FASTEST_HZ * 10:
        raise BadRecording(path, 244, f"{fastest} samples in {float(header.record_s):g} s; no body signal is that fast")


def _layout(path: Path, data: Bytes, header: Header) -> Layout:
    whole, rest = divmod(len(data) - header.num_bytes, header.record_bytes)
    used = whole if header.num_records < 0 else min(whole, header.num_records)
    if used == 0:
        reason = f"no whole data record of {header.record_bytes} bytes; {header.num_records} are promised"
        raise BadRecording(path, len(data), reason)
    blocks = np.asarray(data[header.num_bytes : header.num_bytes + used * header.record_bytes])
    return Layout(blocks=blocks.reshape(used, header.record_bytes), extra_records=whole - used, rest_bytes=rest)


def _layout_notes(header: Header, layout: Layout) -> Iterator[str]:
    used = len(layout.blocks)
    if header.num_records < 0:
        yield f"the header leaves the number of data records open; the file holds {used}"
    elif header.num_records > used:
        yield f"the header promises {header.num_records} data records; the file ends after {used}"
    if layout.extra_records or layout.rest_bytes:
        beyond = layout.extra_records * header.record_bytes + layout.rest_bytes
        yield f"{beyond} bytes after the last data record that is read"


def _rows(header: Header, *, annotations: bool) -> list[int]:
    return [row for row, signal in enumerate(header.signals) if signal.is_annotation == annotations and signal.samples]


def _bytes_of(header: Header, layout: Layout, row: int) -> Bytes:
    start = header.width * sum(signal.samples for signal in header.signals[:row])
    return layout.blocks[:, start : start + header.width * header.signals[row].samples]


def _axis(header: Header, annotations: Annotations, num_records: int, found: Assembly) -> Axis:
    """Return when the records begin; a file marked continuous whose stamps show gaps is believed by its stamps."""
    if annotations.malformed:
        found.note(f"{annotations.malformed} malformed annotations skipped")
    onset = annotations.record_onset_s
    if not header.kind or len(onset) == 0 or not np.isfinite(onset).any():
        return Axis(start_s=0.0, shift_s=np.zeros(num_records), keep=np.ones(num_records, dtype=bool))
    regular = np.arange(num_records) * float(header.record_s)
    stamped = np.isfinite(onset)
    if not stamped.all():
        found.note(f"{np.count_nonzero(~stamped)} data records have no time stamp; taken to follow the one before")
        first = int(np.flatnonzero(stamped)[0])
        last_stamped = np.maximum.accumulate(np.where(stamped, np.arange(num_records), first))
        onset = onset[last_stamped] + regular - regular[last_stamped]
    if abs(onset[0]) >= 1:
        found.note(f"the first data record begins {onset[0]:g} s after the start in the header; EDF+ allows less than 1 s")
    late = onset - onset[0] - regular
    has_gaps = bool(np.abs(late).max() > float(header.record_s) / 2) if header.record_s else False
    if header.kind == "C" and has_gaps:
        found.note("marked continuous, but the stamps of its data records show gaps; the stamps were followed")
    if header.record_s == 0 or not (has_gaps or header.kind == "D"):
        return Axis(start_s=float(onset[0]), shift_s=np.zeros(num_records), keep=np.ones(num_records, dtype=bool))
    return _axis_with_gaps(onset, float(header.record_s))


def _axis_with_gaps(onset: NDArray[np.float64], record_s: float) -> Axis:
    keep = np.ones(len(onset), dtype=bool)
    end = onset[0] - record_s * float(_OVERLAP)
    for record, start in enumerate(onset.tolist()):
        keep[record] = start >= end - record_s * float(_OVERLAP)
        if keep[record]:
            end = start + record_s
    kept = onset[keep]
    late = kept - kept[0] - np.arange(len(kept)) * record_s
    shift = np.zeros(len(onset))
    shift[keep] = late
    return Axis(start_s=float(kept[0]), shift_s=shift, keep=keep)


def _add_signals(found: Assembly, header: Header, layout: Layout, axis: Axis, modalities: Mapping[str, str]) -> None:
    start_ns = (header.start_ns or 0) + nanoseconds(axis.start_s)
    numbered = numbered_electrodes(signal.label for signal in header.signals)
    for row in _rows(header, annotations=False):
        signal = header.signals[row]
        samples = decode(header, layout.blocks, row)
        laid, present, findings = _lay(found.path, samples, axis, header.record_s)
        meaning = _meaning(signal, modalities.get(signal.label), is_numbered=signal.label in numbered)
        found.add(
            Series(
                label=signal.label,
                meaning=meaning,
                samples=laid,
                rate_hz=float(signal.samples / header.record_s),
                start_ns=start_ns,
                scale=signal.scale,
                offset=signal.offset,
                present=present,
                findings=(*_beyond(header, layout, row), *findings),
            )
        )
        _note_overrange(found, signal, laid)


def _meaning(signal: SignalHeader, modality: str | None, *, is_numbered: bool) -> Meaning:
    unit = printable(signal.unit)
    if signal.note:
        return Meaning(modality="other", unit="au", note=signal.note)
    if modality is not None:
        return given(modality, unit=unit)
    return electrode(unit) if is_numbered else interpret(signal.label, unit=unit, hint=signal.transducer)


def _lay(
    path: Path, samples: NDArray[np.generic], axis: Axis, record_s: Fraction
) -> tuple[NDArray[np.generic], Spans | None, tuple[Finding, ...]]:
    """Return the samples on one axis with gaps, (records, samples) -> (T,), the spans that hold samples, what was dropped."""
    if axis.is_plain:
        return samples.reshape(-1), None, ()
    kept = samples[axis.keep]
    width = samples.shape[1]
    shift = np.rint(axis.shift_s[axis.keep] * float(width / record_s)).astype(np.int64)
    starts = np.arange(len(kept)) * width + np.maximum.accumulate(np.maximum(shift, 0))
    length = int(starts[-1]) + width
    try:
        check_growth(length, source=samples.size)
    except BadConfiguration as error:
        raise BadRecording(path, 0, str(error)) from error
    laid = np.zeros(length, dtype=samples.dtype)
    firsts = np.concatenate(([0], np.flatnonzero(np.diff(starts) != width) + 1, [len(kept)]))
    for first, last in zip(firsts[:-1].tolist(), firsts[1:].tolist(), strict=True):
        laid[starts[first] : starts[last - 1] + width] = kept[first:last].reshape(-1)
    lost = int(np.count_nonzero(~axis.keep)) * width
    findings = (Finding(action="dropped", samples=lost, reason="data record begins before the last one ends"),) if lost else ()
    return laid, Spans.of(np.stack((starts, starts + width), axis=1)), findings


def _beyond(header: Header, layout: Layout, row: int) -> Iterator[Finding]:
    """Yield what lies in the file after the last data record that is read."""
    signal = header.signals[row]
    extra = layout.extra_records * signal.samples
    before = header.width * sum(other.samples for other in header.signals[:row])
    rest = min(max((layout.rest_bytes - before) // header.width, 0), signal.samples)
    if extra:
        yield Finding(action="dropped", samples=extra, reason="after the last data record that the header promises")
    if rest:
        yield Finding(action="dropped", samples=rest, reason="part of a data record at the end of the file")


def _note_overrange(found: Assembly, signal: SignalHeader, samples: NDArray[np.generic]) -> None:
    if len(samples) and (samples.min() < signal.digital_min or samples.max() > signal.digital_max):
        found.asides["digital values beyond the range that the header gives; kept"].append(signal.label)


def _add_annotations(found: Assembly, header: Header, annotations: Annotations) -> None:
    start_ns = header.start_ns or 0
    found.events.extend(
        (
            "annotation",
            start_ns + nanoseconds(row.onset_s),
            nanoseconds(row.duration_s),
            printable(row.text),
            float("nan"),
        )
        for row in annotations.rows
    )


READER = Reader(
    name="edf",
    describes="European Data Format: EDF, EDF+, BDF and BDF+",
    devices=("sleep laboratories", "EEG and Holter recorders", "Bittium Faros", "most devices that export EDF or BDF"),
    clock="wall clock of an unknown zone, as the header writes it: local",
    suffixes=(".edf", ".bdf", ".rec"),
    recognises=recognises,
    read=read,
)
