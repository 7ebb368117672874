"""Empatica E4: a folder or a zip with one table per sensor. Placement is the wrist; times are UTC.

Empatica E4: the folder or the zip that the vendor delivers; members may be gzipped, and carry a suffix (`tags_S02.csv`).
Recognised by a member that begins with a date in seconds and a rate. A zip with several folders gives several recordings.

| member | in the recording |
|---|---|
| `BVP.csv` | channel `ppg`, 64 Hz, arbitrary units, `float32` |
| `EDA.csv`, `TEMP.csv` | channels `eda` (uS) and `temp` (degC), 4 Hz, `float32` |
| `ACC.csv` | three channels `acc`, 32 Hz, `int16` codes with scale 1/64 g |
| `HR.csv` | events `hr`, one per second: the device derives them from BVP, they are no channel |
| `IBI.csv` | events `ibi`: value in seconds; the event covers its interval, so that it ends at the stamp in the file |
| `tags.csv` | events `tag` |

Placement is the wrist. Times are UTC (the file gives no zone). Each stream keeps its own start: HR begins ten seconds after
the others. Participant and recording are named after the folder or the zip.

**Broken files.** A member that is missing or empty is noted. Rows with the wrong number of cells are dropped and counted,
words among numbers are masked and counted. A start that is no date, or a rate that is no rate, is refused.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, Series, nanoseconds
from wearfm.readers.base import Reader, load, peek, unpack
from wearfm.readers.cells import read_text
from wearfm.readers.columns import numbers
from wearfm.readers.labels import Meaning
from wearfm.signals.clock import clock_of
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Recording

_MEMBER = re.compile(r"(BVP|EDA|TEMP|ACC|HR|IBI|tags)(?:_[^/]*)?\.csv(?:\.gz)?", re.IGNORECASE)
_ZIP = b"PK\x03\x04"
_MOST_MEMBER_BYTES = 2**31  # a day of BVP is 40 MB
_LINE = re.compile(rb"\s*([+-]?\d{1,12}(?:\.\d{0,9})?)\s*((?:,[^,\n]{0,40}){0,2})")
_MEANINGS = {
    "BVP": Meaning(modality="ppg", unit="au", placement="wrist"),
    "EDA": Meaning(modality="eda", unit="uS", placement="wrist"),
    "TEMP": Meaning(modality="temp", unit="degC", placement="wrist"),
}
_ACC_SCALE = 1 / 64  # g per step, from the device's info.txt
_FASTEST_HZ = 1000.0
_EARLIEST_S, _LATEST_S = 946_684_800, 4_102_444_800  # the years 2000 to 2100


@dataclass(frozen=True, kw_only=True)
class Session:
    """One session's members: sensor -> bytes, gzip unpacked. path: what to name in errors. label: of the recording."""

    path: Path
    label: str
    members: dict[str, bytes]


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """One member: samples by column, (N,) each. malformed: rows that did not have a number in each column."""

    start_ns: int
    rate_hz: float
    columns: tuple[NDArray[np.generic], ...]
    missing: tuple[NDArray[np.bool_] | None, ...]
    malformed: int


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of an E4 folder, or of every session in a zip."""
    for session in _sessions(path):
        yield _recording(session)


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a folder or zip with E4 members."""
    if path.is_dir():
        return _is_folder(path)
    return head.startswith(_ZIP) and _is_zip(path)


def home(path: Path) -> Path:
    """Return the folder of a member; any other path stands for itself."""
    return path.parent if _sensor(path.name) and path.is_file() and _is_folder(path.parent) else path


def _is_folder(path: Path) -> bool:
    """Return whether a folder holds a member that begins with a start and a rate."""
    members = (file for file in path.iterdir() if _MEMBER.fullmatch(file.name) and file.is_file())
    return any(_looks_right(peek(file)) for file in members if _sensor(file.name) in ("BVP", "EDA", "TEMP", "ACC"))


def _is_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {_sensor(PurePosixPath(name).name) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return len(names & {"BVP", "EDA", "TEMP", "ACC"}) >= 1


def _looks_right(head: bytes) -> bool:
    """Return whether the first line is a date in seconds and the second a rate."""
    lines = [*head.split(b"\n")[:2], b"", b""]
    start, rate = _LINE.fullmatch(lines[0].strip()), _LINE.fullmatch(lines[1].strip())
    if start is None or rate is None:
        return False
    return _EARLIEST_S < float(start[1]) < _LATEST_S and 0 < float(rate[1]) <= _FASTEST_HZ


def _sensor(name: str) -> str:
    match = _MEMBER.fullmatch(name)
    return match[1].upper() if match else ""


def _sessions(path: Path) -> Iterator[Session]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _sensor(file.name) and file.is_file())
        yield Session(path=path, label=path.resolve().name, members={_sensor(f.name): bytes(load(f)) for f in files})
        return
    label = path.name.removesuffix(".zip")
    try:
        with zipfile.ZipFile(path) as archive:
            folders = _folders(archive)
            for folder, names in sorted(folders.items()):
                members = {sensor: _extract(path, archive, name) for sensor, name in sorted(names.items())}
                yield Session(path=path, label=label if len(folders) == 1 else f"{label} {folder}", members=members)
    except (zipfile.BadZipFile, EOFError, zlib.error, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise BadRecording(path, 0, f"damaged zip: {error}") from error


def _folders(archive: zipfile.ZipFile) -> dict[str, dict[str, str]]:
    """Return folder -> sensor -> name of the member, for every folder that holds a sensor."""
    folders: dict[str, dict[str, str]] = {}
    for name in archive.namelist():
        place = PurePosixPath(name)
        if _sensor(place.name) and "__MACOSX" not in place.parts:
            folders.setdefault(str(place.parent), {})[_sensor(place.name)] = name
    return folders


def _extract(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        content = member.read(_MOST_MEMBER_BYTES + 1)
    if len(content) > _MOST_MEMBER_BYTES:
        raise BadRecording(path, 0, f"{name} unpacks to more than {_MOST_MEMBER_BYTES} bytes; unpack it by hand")
    return unpack(path, content)


def _recording(session: Session) -> Recording:
    found = Assembly(path=session.path)
    for sensor, meaning in _MEANINGS.items():
        for stream in _streams(found, session, sensor, columns=1):
            _add(found, sensor, meaning, stream, column=0)
    for stream in _streams(found, session, "ACC", columns=3):
        for column, axis in enumerate("xyz"):
            meaning = Meaning(modality="acc", unit="g", axis=axis, placement="wrist")
            _add(found, f"ACC {axis}", meaning, stream, column=column, scale=_ACC_SCALE)
    for stream in _streams(found, session, "HR", columns=1):
        _add_rates(found, stream)
    _add_intervals(found, session)
    _add_tags(found, session)
    if not found.admitted:
        raise BadRecording(session.path, 0, "an E4 session without samples")
    return found.finish(
        participant=session.label,
        name=session.label,
        clock="utc",
        device="Empatica E4",
        source=f"empatica: {session.path.name}",
    )


def _streams(found: Assembly, session: Session, sensor: str, *, columns: int) -> Iterator[Stream]:
    """Yield the stream of a sensor, or note that there is none."""
    content = session.members.get(sensor)
    if content is None:
        found.note(f"no {sensor}.csv")
        return
    lines = content.split(b"\n", 2)
    if len(lines) < 3 or not lines[2].strip():
        found.note(f"{sensor}.csv has no samples")
        return
    start_ns = _start(session, sensor, lines[0], offset=0)
    rate = _LINE.fullmatch(lines[1].strip())
    if rate is None or not 0 < float(rate[1]) <= _FASTEST_HZ:
        reason = f"{sensor}.csv: rate {lines[1][:40]!r}; it must be between 0 and {_FASTEST_HZ:g} Hz"
        raise BadRecording(session.path, len(lines[0]) + 1, reason)
    cells, malformed = _parse(session, sensor, lines[2], columns)
    pairs = [numbers(cell) for cell in cells]
    yield Stream(
        start_ns=start_ns,
        rate_hz=float(rate[1]),
        columns=tuple(samples for samples, _ in pairs),
        missing=tuple(missing for _, missing in pairs),
        malformed=malformed,
    )


def _start(session: Session, sensor: str, line: bytes, *, offset: int) -> int:
    """Return the start of a member in nanoseconds; it must be a date, as the E4 knows no other clock."""
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise BadRecording(session.path, offset, f"{sensor}.csv: {line[:40]!r} is not seconds since 1970")
    seconds, _, fraction = match[1].decode().partition(".")
    start_ns = int(seconds) * SECOND + int((fraction + "0" * 9)[:9])
    try:
        is_date = clock_of(start_ns) == "utc"
    except BadConfiguration:
        is_date = False
    if not is_date:
        raise BadRecording(session.path, offset, f"{sensor}.csv: start {match[1].decode()} s is not a date from 1980 to 2100")
    return start_ns


def _parse(session: Session, sensor: str, text: bytes, columns: int) -> tuple[list[pa.ChunkedArray], int]:
    table, malformed = read_text(session.path, text, what=f"{sensor}.csv is not a table", names="xyz"[:columns])
    return table.columns, malformed


def _add(found: Assembly, label: str, meaning: Meaning, stream: Stream, *, column: int, scale: float = 1.0) -> None:
    lost = Finding(action="dropped", samples=stream.malformed, reason="row with too few or too many cells")
    found.add(
        Series(
            label=label,
            meaning=meaning,
            samples=stream.columns[column],
            rate_hz=stream.rate_hz,
            start_ns=stream.start_ns,
            scale=scale,
            missing=stream.missing[column],
            missing_reason="not a number",
            findings=(lost,) if stream.malformed else (),
        )
    )


def _add_rates(found: Assembly, stream: Stream) -> None:
    """Add the device's heart rate, one event a second; it begins 10 s after the other streams."""
    rates = stream.columns[0].astype(np.float64)
    step = SECOND / stream.rate_hz
    plausible = np.isfinite(rates) & (rates > 0)
    for row in np.flatnonzero(plausible).tolist():
        found.events.append(("hr", stream.start_ns + round(row * step), round(step), "", float(rates[row])))
    if not plausible.all() or stream.malformed:
        found.note(f"{np.count_nonzero(~plausible) + stream.malformed} rows of HR.csv hold no heart rate; left out")


def _add_intervals(found: Assembly, session: Session) -> None:
    """Add inter-beat intervals; an event covers its interval, so that its end is the stamp in the file."""
    lines = session.members.get("IBI", b"").splitlines()
    if len(lines) < 2:
        found.note("no IBI.csv" if "IBI" not in session.members else "IBI.csv has no intervals")
        return
    start_ns = _start(session, "IBI", lines[0], offset=0)
    malformed = 0
    for line in lines[1:]:
        match = re.fullmatch(rb"\s*(\d{1,8}(?:\.\d{0,9})?)\s*,\s*(\d{1,2}(?:\.\d{0,9})?)\s*", line)
        if match is None:
            malformed += bool(line.strip())
            continue
        interval = nanoseconds(float(match[2]))
        found.events.append(("ibi", start_ns + nanoseconds(float(match[1])) - interval, interval, "", float(match[2])))
    if malformed:
        found.note(f"{malformed} rows of IBI.csv are not a time and an interval; left out")


def _add_tags(found: Assembly, session: Session) -> None:
    malformed = 0
    for line in session.members.get("TAGS", b"").splitlines():
        if not line.strip():
            continue
        try:
            found.events.append(("tag", _start(session, "tags", line, offset=0), 0, "", float("nan")))
        except BadRecording:
            malformed += 1
    if "TAGS" not in session.members:
        found.note("no tags.csv")
    if malformed:
        found.note(f"{malformed} rows of tags.csv are not times; left out")


READER = Reader(
    name="empatica",
    describes="Empatica E4: a folder or zip of BVP, EDA, TEMP, ACC, HR, IBI and tags tables",
    devices=("Empatica E4",),
    clock="UTC, seconds since 1970; the zone is not in the file",
    suffixes=(".zip",),
    recognises=recognises,
    read=read,
    home=home,
)
