"""WFDB records (PhysioNet): headers, signal files, records in several segments, annotations.

Records of the WaveForm DataBase (PhysioNet): a header (`.hea`), signal files, annotation files. Name the header or one of
its signal files. Recognised by the first two lines of the header.

| in the record | in the recording |
|---|---|
| formats 16, 24, 32, 61, 80, 160, 212, 310, 311 | `int16` or `int32`, unchanged |
| gain, baseline, unit | scale and offset |
| several samples per frame | a higher `rate_hz` for that channel |
| skew | an earlier `start_ns`; no sample is lost |
| the lowest value of a format | masked: the file says that it was not measured |
| checksum and first sample | verified; a mismatch is a note in the quality record |
| segments, fixed or variable layout | one recording; missing segments are gaps; different gains give physical `float32` |
| base date and time | local clock; without a date, relative |
| annotations | events `annotation`; label is the symbol (`N`, `V`, ...) |
| rhythm changes | events `rhythm` that last until the next one; label without the bracket (`AFIB`) |
| comments among the annotations | events `note` |
| age and sex in the header's comments | facts |

The first annotation file found, in the order `atr ari qrs ecg pu pu0 pu1 st apn man breath`, is the reference. Those of any
other carry their ending: `annotation.qrs`, `rhythm.qrs`.

**Limits.** Formats 8 (differences) and 508, 516, 524 (FLAC) are refused by name. File names that leave the folder of the
header are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, EventRow, Series, printable
from wearfm.readers.base import Reader, load, peek
from wearfm.readers.labels import interpret
from wearfm.readers.wfdb_annotations import COMMENT, RHYTHM, SYMBOL, Mark, Marks, parse_marks
from wearfm.readers.wfdb_header import RecordHeader, is_header, parse_record
from wearfm.readers.wfdb_signals import Track, read_tracks
from wearfm.signals.clock import check_growth
from wearfm.signals.recording import SECOND, Recording

GAP = "~"
_ANNOTATORS = ("atr", "ari", "qrs", "ecg", "pu", "pu0", "pu1", "st", "apn", "man", "breath")  # first: the reference


def read(path: Path) -> Iterator[Recording]:
    """Yield the record of a header."""
    header = _parse(path)
    found = Assembly(path=path)
    found.note(*header.notes)
    pieces = _pieces(path, header)
    tracks, num_frames = _join(path, header, pieces, found)
    for track in tracks:
        _add_track(found, header, track, num_frames)
    if not header.signals and not header.segments:
        num_frames = header.num_samples or 0
    _add_annotations(found, header, num_frames)
    yield found.finish(
        participant=header.name,
        name=header.name,
        clock="relative" if header.start_ns is None else "local",
        source=f"wfdb: {path.name}",
        facts=header.facts,
    )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a WFDB header."""
    return not path.is_dir() and is_header(head)


def home(path: Path) -> Path:
    """Return the header beside a signal file that names it; any other path stands for itself."""
    beside = path.with_suffix(".hea")
    if beside == path or path.is_dir() or not beside.is_file():
        return path
    head = peek(beside)
    named = {line.split()[0] for line in head.split(b"\n") if line.strip()}
    return beside if is_header(head) and path.name.encode() in named else path


def _parse(path: Path) -> RecordHeader:
    return parse_record(path, bytes(load(path)).decode("latin-1"))


def _pieces(path: Path, header: RecordHeader) -> list[tuple[int, RecordHeader]]:
    """Return (first frame, header) of every segment that was recorded; one piece for a record without segments."""
    if not header.segments:
        return [(0, header)]
    pieces, start = [], 0
    for segment in header.segments:
        if segment.samples and segment.name != GAP:
            pieces.append((start, _segment_header(path, header, segment.name)))
        start += segment.samples
    return pieces


def _segment_header(path: Path, header: RecordHeader, name: str) -> RecordHeader:
    beside = path.with_name(f"{name}.hea")
    segment = _parse(beside)
    if segment.segments:
        raise BadRecording(beside, 0, "a segment that has segments; a record is nested once at most")
    if segment.rate_hz != header.rate_hz:
        raise BadRecording(beside, 0, f"a segment at {segment.rate_hz:g} Hz in a record at {header.rate_hz:g} Hz")
    return segment


def _join(path: Path, header: RecordHeader, pieces: list[tuple[int, RecordHeader]], found: Assembly) -> tuple[list[Track], int]:
    """Return the signals of all pieces, the same signal in one track, and the length of the record in frames."""
    joined: dict[tuple[str, str, int], Track] = {}
    num_frames = sum(segment.samples for segment in header.segments)
    for start, piece in pieces:
        seen: dict[tuple[str, str], int] = {}
        for track in read_tracks(path.parent, piece, found, start=start):
            same = (track.label, track.unit)
            seen[same] = seen.get(same, 0) + 1
            key = (*same, seen[same])
            joined[key] = joined[key].extended(path, track) if key in joined else track
            num_frames = max(num_frames, start + track.num_frames)
    if header.segments:
        missing = num_frames - sum(piece.num_samples or 0 for _, piece in pieces)
        found.note(f"a record in {len(header.segments)} segments, {len(pieces)} with signals, {missing} samples in none")
    return list(joined.values()), num_frames


def _add_track(found: Assembly, header: RecordHeader, track: Track, num_frames: int) -> None:
    is_segmented = bool(header.segments)
    length = num_frames * track.frame if is_segmented else sum(len(part) for part in track.parts)
    try:
        check_growth(length, source=sum(len(part) for part in track.parts))
    except BadConfiguration as error:
        raise BadRecording(found.path, 0, str(error)) from error
    laid = track.lay(length)
    found.add(
        Series(
            label=track.label or f"signal {len(found.admitted) + 1}",
            meaning=interpret(track.label, unit=printable(track.unit)),
            samples=laid.samples,
            rate_hz=header.rate_hz * track.frame,
            start_ns=(header.start_ns or 0) - round(track.skew * SECOND / header.rate_hz),
            scale=laid.scale,
            offset=laid.offset,
            present=laid.present if is_segmented else None,
            missing=laid.missing,
            missing_reason="the value that says: not measured",
            findings=track.findings,
        )
    )


def _add_annotations(found: Assembly, header: RecordHeader, num_frames: int) -> None:
    """Add the events of every annotation file; the first found is the reference and gives its kinds no ending."""
    beside = [path for end in _ANNOTATORS if (path := found.path.with_name(f"{header.name}.{end}")).is_file()]
    for path in beside:
        marks = parse_marks(path, bytes(load(path)))
        suffix = "" if path == beside[0] else path.suffix
        rows = list(_events(header, marks, num_frames, suffix=suffix))
        found.events.extend(rows)
        found.note(f"events 'annotation{suffix}' are those of {path.name}")
        if marks.is_cut:
            found.note(f"{path.name} ends without its end mark; {len(marks.rows)} annotations read")
        if len(rows) < len(marks.rows):
            found.note(f"{len(marks.rows) - len(rows)} annotations of {path.name} lie outside the record; left out")


def _events(header: RecordHeader, marks: Marks, num_frames: int, *, suffix: str) -> Iterator[EventRow]:
    rate_hz = marks.rate_hz or header.rate_hz
    last = num_frames * rate_hz / header.rate_hz
    inside = [mark for mark in marks.rows if 0 <= mark.sample <= last]
    ends = _rhythm_ends(inside, last)
    for mark in inside:
        onset = (header.start_ns or 0) + round(mark.sample * SECOND / rate_hz)
        lasts = ends[mark.sample] - mark.sample if mark.code == RHYTHM else 0
        kind, label = "annotation", SYMBOL.get(mark.code, f"#{mark.code}")
        if mark.code == RHYTHM and mark.text:
            kind, label = "rhythm", mark.text.removeprefix("(")
        elif mark.code == COMMENT and mark.text:
            kind, label = "note", mark.text
        yield kind + suffix, onset, round(lasts * SECOND / rate_hz), printable(label), float("nan")


def _rhythm_ends(marks: list[Mark], last: float) -> dict[int, float]:
    starts = [mark.sample for mark in marks if mark.code == RHYTHM]
    return dict(zip(starts, [*starts[1:], last], strict=False))


READER = Reader(
    name="wfdb",
    describes="WaveForm DataBase records of PhysioNet: header, signal files, annotations",
    devices=("PhysioNet databases", "Holter recorders"),
    clock="wall clock of an unknown zone where the header has a date: local; otherwise relative",
    suffixes=(".hea", ".dat", ".mat"),
    recognises=recognises,
    read=read,
    home=home,
)
