"""Empatica EmbracePlus: the raw Avro files of one device, joined where they follow each other; times are UTC.

Empatica EmbracePlus and EmbraceMini: Avro files of raw data, schema version 6, as Empatica's cloud delivers them, one every 15
to 30 minutes (`participant_data/<date>/<participant>-<serial number>/raw_data/v6/*.avro`). A folder of them is one recording
for each device and each offset from UTC; naming one of its files reads the folder. Recognised by Avro's signature and by the
names of the sensors in the schema.

| in the file | in the recording |
|---|---|
| `accelerometer` x, y, z | three channels `acc`, `int16` counts with the scale that the file gives, in g |
| `gyroscope` x, y, z | three channels `gyro`, the same in deg/s |
| `bvp`, `eda`, `temperature` | channels `ppg` (arbitrary units), `eda` (uS), `temp` (degC), `float32` |
| `steps` | events `steps`: one for each run of equal numbers of steps above 0, value in steps per sample of the device |
| `systolicPeaks` | events `beat` |
| `tags` | events `tag` |

Counts are converted as the vendor does: up to schema 6.4 value * (physical range) / (digital range), from 6.5 on value *
`conversionFactor`.

**Time.** Each sensor has its own start in microseconds of UTC and its own rate, and so keeps its own axis. Files that follow
each other within half a sample are joined, what lies between others is a gap, and samples that a file repeats are dropped and
counted. The rate is measured over all files; if the clocks of files drift against each other, moved samples are counted as
repaired. `timezone` of the file becomes `utc_offset_s`; where it changes (a journey, summer time) a new recording begins.

**Participant.** `enrollment.participantID`, else the folder's name. Placement is the wrist. A sensor without samples is noted.

**Broken files.** In a folder, a file that is damaged is left out with a note, as long as another one can be read. A schema
whose arrays are made of nothing is refused, and a block that unpacks to more than 256 MB, so that no count in a file can ask
for memory without end.

**Limits.** The per-minute tables of the vendor's platform are read as `csv` with a mapping: what their columns mean is not
documented in public.
Facts of the format: Empatica Support, Raw data in the Empatica Cloud, and How to access Avro files with Python, 2024;
Apache Avro 1.11 specification.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, on_grid, runs
from wearfm.readers.base import Reader, load, optional, peek, stem
from wearfm.readers.labels import Meaning
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans

_AVRO = b"Obj\x01"
_WORDS = (b"rawData", b"deviceSn", b"systolicPeaks")
_FASTEST_HZ = 1000.0
_LATEST_US = 4_102_444_800_000_000  # the year 2100
_LARGEST_OFFSET_S = 14 * 3600
_MOST_BLOCK_BYTES = 2**28  # half an hour of samples unpacks to 5 MB
_SYNC_BYTES = 16
_LARGEST_UNIT = 1e3  # of a count; genuine ones are 0.0005 g and 0.06 deg/s
_IMU = {
    sensor: tuple(Meaning(modality=modality, unit=unit, axis=axis, placement="wrist") for axis in "xyz")
    for sensor, modality, unit in (("accelerometer", "acc", "g"), ("gyroscope", "gyro", "deg/s"))
}
_SENSORS = _IMU | {
    "bvp": (Meaning(modality="ppg", unit="au", placement="wrist"),),
    "eda": (Meaning(modality="eda", unit="uS", placement="wrist"),),
    "temperature": (Meaning(modality="temp", unit="degC", placement="wrist"),),
    "steps": (),
}
_MOMENTS = (("beat", "systolicPeaks", "peaksTimeNanos", 1), ("tag", "tags", "tagsTimeMicros", 1000))
_BROKEN = (
    OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, EOFError, MemoryError, OverflowError,
    RecursionError, struct.error, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """What one file holds of one sensor: values by column, (N,) each. scale: to the sensor's unit."""

    start_us: int
    rate_hz: float
    columns: tuple[NDArray[Any], ...]
    scale: float

    def stamps(self) -> NDArray[np.int64]:
        """Return the time of every sample, (N,) nanoseconds."""
        steps = np.arange(len(self.columns[0])) * (SECOND / self.rate_hz)
        return np.asarray(self.start_us * 1000 + np.rint(steps), dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Content:
    """One record. moments: kind of event -> times in nanoseconds, as the file gives them."""

    participant: str
    serial: str
    utc_offset_s: int
    pieces: Mapping[str, Piece]
    moments: Mapping[str, list[Any]]

    @property
    def identity(self) -> tuple[str, str, int]:
        """What must be equal for contents to be joined."""
        return self.participant, self.serial, self.utc_offset_s


def read(path: Path) -> Iterator[Recording]:
    """Yield the recordings of a folder of files, or of one file: one for each device and each offset from UTC."""
    contents, notes = _contents(path)
    groups: dict[tuple[str, str, int], list[Content]] = {}
    for content in contents:
        groups.setdefault(content.identity, []).append(content)
    devices = {key[:2] for key in groups}
    for key, group in groups.items():
        zones = sum(other[:2] == key[:2] for other in groups)
        ending = (f" {key[1]}" if len(devices) > 1 else "") + (f" UTC{key[2] / 3600:+g}" if zones > 1 else "")
        yield _recording(path, group, ending, notes)


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a raw file of Empatica, or a folder of them."""
    if path.is_dir():
        return any(_is_raw(peek(file)) for file in _files(path))
    return _is_raw(head)


def home(path: Path) -> Path:
    """Return the folder of a raw file; any other path stands for itself."""
    return path.parent if path.suffix == ".avro" and path.is_file() and _is_raw(peek(path)) else path


def _is_raw(head: bytes) -> bool:
    return head.startswith(_AVRO) and all(word in head for word in _WORDS)


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.suffix == ".avro" and file.is_file())


def _contents(path: Path) -> tuple[list[Content], list[str]]:
    """Return what the files hold, in order of time, and notes on those that are damaged."""
    contents, broken = [], []
    for file in _files(path) if path.is_dir() else [path]:
        try:
            contents += [_content(file, record) for record in _records(file)]
        except BadRecording as error:
            broken.append(error)
    if not contents:
        raise broken[0] if broken else BadRecording(path, 0, "no raw file of Empatica")
    notes = [f"{error.path.name} is left out: {error.reason}" for error in broken]
    return sorted(contents, key=lambda content: min((piece.start_us for piece in content.pieces.values()), default=0)), notes


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the records of one file, decoded."""
    fastavro = optional("fastavro")
    file = io.BytesIO(load(path).tobytes())
    try:
        reader = fastavro.reader(file)
        if _is_empty(reader.writer_schema):
            raise BadRecording(path, 0, "arrays of nothing in the schema; any count fits them: not a file of Empatica")
        _check_blocks(path, file, reader.metadata.get("avro.codec", "null"))
        yield from reader
    except (fastavro.schema.SchemaParseException, *_BROKEN) as error:
        raise BadRecording(path, 0, f"damaged Avro file: {str(error)[:200] or type(error).__name__}") from error


def _check_blocks(path: Path, file: io.BytesIO, codec: str) -> None:
    """Refuse blocks that would unpack to far more than half an hour of samples; the file stands after its header."""
    if codec not in ("null", "deflate"):
        raise BadRecording(path, 0, f"packed with {codec!r}; Empatica's files are packed with deflate or not at all")
    begin, size = file.tell(), len(file.getbuffer())
    while codec == "deflate" and file.tell() < size:
        place = file.tell()
        _varint(file)
        unpacking = zlib.decompressobj(wbits=-15)
        unpacking.decompress(file.read(max(_varint(file), 0)), _MOST_BLOCK_BYTES)
        if unpacking.unconsumed_tail:
            raise BadRecording(path, place, f"a block unpacks to more than {_MOST_BLOCK_BYTES} bytes")
        file.seek(_SYNC_BYTES, io.SEEK_CUR)
    file.seek(begin)


def _varint(file: io.BytesIO) -> int:
    """Return an Avro integer: seven bits a byte, lowest first, the sign in the lowest bit."""
    number, shift = 0, 0
    while (byte := file.read(1)[0]) & 0x80 and shift < 63:
        number |= (byte & 0x7F) << shift
        shift += 7
    number |= (byte & 0x7F) << shift
    return (number >> 1) ^ -(number & 1)


def _is_empty(schema: object) -> bool:
    """Return whether somewhere in a schema stands an array or a record that takes no bytes, however many there are."""
    if isinstance(schema, list):
        return any(_is_empty(each) for each in schema if each != "null")
    if not isinstance(schema, dict):
        return schema == "null"
    inside = schema.get("type")
    if inside in ("record", "error"):
        return not schema.get("fields") or any(_is_empty(field.get("type")) for field in schema["fields"])
    if inside == "fixed":
        return not schema.get("size")
    return inside != "enum" and _is_empty(schema.get("items", schema.get("values", inside)))


def _content(path: Path, record: Mapping[str, Any]) -> Content:
    """Return what is used of a record; BadRecording if its parts are not of the kinds that the vendor describes."""
    zone, sensors = record.get("timezone"), record.get("rawData")
    if not isinstance(zone, int) or abs(zone) > _LARGEST_OFFSET_S:
        raise BadRecording(path, 0, f"timezone {zone!r}; it must be seconds, at most 14 hours")
    if not isinstance(sensors, dict):
        raise BadRecording(path, 0, "a record without rawData")
    enrollment = record.get("enrollment")
    return Content(
        participant=str(enrollment.get("participantID") or "") if isinstance(enrollment, dict) else "",
        serial=str(record.get("deviceSn") or ""),
        utc_offset_s=zone,
        pieces={name: _piece(path, name, sensors[name]) for name in _SENSORS if _is_used(sensors.get(name))},
        moments={kind: _times(sensors.get(name), key, tick) for kind, name, key, tick in _MOMENTS},
    )


def _is_used(sensor: Any) -> bool:
    """Return whether a sensor has samples."""
    return isinstance(sensor, dict) and any(sensor.get(key) for key in ("x", "values"))


def _times(sensor: Any, key: str, tick: int) -> list[Any]:
    times = sensor.get(key) if isinstance(sensor, dict) else None
    return [time * tick if isinstance(time, int) else None for time in times or ()]


def _piece(path: Path, name: str, sensor: Mapping[str, Any]) -> Piece:
    start, rate = sensor.get("timestampStart"), sensor.get("samplingFrequency")
    is_timed = isinstance(start, int) and isinstance(rate, int | float)
    if not is_timed or not 0 < start < _LATEST_US or not 0 < rate <= _FASTEST_HZ:  # type: ignore[operator]
        raise BadRecording(path, 0, f"{name}: start {start} us at {rate} Hz; no device measures so")
    keys = ("x", "y", "z") if name in _IMU else ("values",)
    columns = tuple(_numbers(path, f"{name}.{key}", sensor.get(key)) for key in keys)
    if len({len(column) for column in columns}) > 1:
        raise BadRecording(path, 0, f"{name}: {', '.join(str(len(column)) for column in columns)} samples of its axes")
    scale = _scale(path, sensor.get("imuParams")) if name in _IMU else 1.0
    return Piece(start_us=start, rate_hz=float(rate), columns=columns, scale=scale)  # type: ignore[arg-type]


def _numbers(path: Path, name: str, values: Any) -> NDArray[Any]:
    try:
        numbers = np.asarray(values)
    except (ValueError, OverflowError) as error:
        raise BadRecording(path, 0, f"{name}: {error}") from error
    if numbers.ndim != 1 or numbers.dtype.kind not in "if" or len(numbers) == 0:
        raise BadRecording(path, 0, f"{name} holds no numbers")
    if numbers.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return numbers.astype(np.float32)
    return numbers.astype(np.int16) if numbers.min() >= -(2**15) and numbers.max() < 2**15 else numbers


def _scale(path: Path, limits: Any) -> float:
    """Return the unit that one count is worth, as the vendor converts it."""
    if not isinstance(limits, dict):
        raise BadRecording(path, 0, "an inertial sensor without imuParams; its counts have no unit")
    factor = limits.get("conversionFactor")
    if not factor:
        low, high, bottom, top = (limits.get(key) or 0 for key in ("physicalMin", "physicalMax", "digitalMin", "digitalMax"))
        factor = (high - low) / (top - bottom) if top != bottom else 0.0
    if not 0 < factor < _LARGEST_UNIT:
        raise BadRecording(path, 0, f"imuParams {limits} give no unit of the counts")
    return float(factor)


def _recording(path: Path, contents: list[Content], ending: str, notes: list[str]) -> Recording:
    found = Assembly(path=path)
    found.note(*notes)
    for sensor, meanings in _SENSORS.items():
        pieces = [content.pieces[sensor] for content in contents if sensor in content.pieces]
        _add(found, sensor, pieces, meanings)
    _add_moments(found, contents)
    if not found.admitted:
        raise BadRecording(path, 0, "raw files without samples")
    participant, serial, offset = contents[0].identity
    name = path.resolve().name if path.is_dir() else stem(path)
    return found.finish(
        participant=participant or name,
        name=f"{name}{ending}",
        clock="utc",
        utc_offset_s=offset,
        device=f"Empatica EmbracePlus {serial}".strip(),
        source=f"embraceplus: {path.name}",
    )


def _add(found: Assembly, sensor: str, pieces: list[Piece], meanings: tuple[Meaning, ...]) -> None:
    """Add the channels of a sensor: its pieces on one axis."""
    if not pieces:
        found.note(f"no samples of {sensor}")
        return
    if sensor == "steps":
        for piece in _once(pieces)[0]:
            _add_steps(found, piece)
        return
    pieces, repeated = _once(pieces)
    lost = (Finding(action="dropped", samples=repeated, reason="already in an earlier file"),) if repeated else ()
    scales, rates = {piece.scale for piece in pieces}, {piece.rate_hz for piece in pieces}
    time_ns = np.concatenate([piece.stamps() for piece in pieces])
    grid = found.grid(time_ns, rate_hz=rates.pop() if len(rates) == 1 else None)
    for place, meaning in enumerate(meanings):
        columns = [piece.columns[place] for piece in pieces]
        if len(scales) > 1:
            columns = [(column * piece.scale).astype(np.float32) for column, piece in zip(columns, pieces, strict=True)]
        label = f"{sensor} {meaning.axis}".strip()
        scale = pieces[0].scale if len(scales) == 1 else 1.0
        found.add(on_grid(grid, np.concatenate(columns), label=label, meaning=meaning, scale=scale, findings=lost))


def _once(pieces: list[Piece]) -> tuple[list[Piece], int]:
    """Return the pieces, in order of time, without samples that an earlier one holds, and how many those were."""
    kept, repeated, end_us = [], 0, 0.0
    for piece in sorted(pieces, key=lambda piece: piece.start_us):
        length, step_us = len(piece.columns[0]), 1e6 / piece.rate_hz
        skip = min(max(round((end_us - piece.start_us) / step_us), 0), length)
        repeated += skip
        end_us = max(end_us, piece.start_us + length * step_us)
        if skip < length:
            columns = tuple(column[skip:] for column in piece.columns)
            kept.append(replace(piece, start_us=piece.start_us + round(skip * step_us), columns=columns))
    return kept, repeated


def _add_steps(found: Assembly, piece: Piece) -> None:
    """Add one event for each run of equal numbers of steps."""
    step_ns = SECOND / piece.rate_hz
    start_ns = piece.start_us * 1000
    counts = piece.columns[0].astype(np.float64)
    for first, stop, value in runs(counts, within=Spans.from_mask(counts > 0)):
        found.events.append(("steps", start_ns + round(first * step_ns), round((stop - first) * step_ns), "", value))


def _add_moments(found: Assembly, contents: list[Content]) -> None:
    """Add beats and tags."""
    for kind, sensor, _, _ in _MOMENTS:
        times = [time for content in contents for time in content.moments[kind]]
        good = {time for time in times if time is not None and 0 < time < _LATEST_US * 1000}
        found.events.extend((kind, time, 0, "", float("nan")) for time in good)
        if len(good) < len(times):
            found.note(f"{len(times) - len(good)} of {len(times)} entries of {sensor} are no times or twice there; left out")


READER = Reader(
    name="embraceplus",
    describes="Empatica EmbracePlus: Avro files of raw data, a folder of them joined",
    devices=("Empatica EmbracePlus", "Empatica EmbraceMini"),
    clock="UTC in microseconds, with the offset of local time that the file gives",
    suffixes=(".avro",),
    recognises=recognises,
    read=read,
    home=home,
    extra="readers",
)
