"""ActiLife CSV: what ActiGraph's software exports, raw acceleration or counts of epochs, with its header of ten lines.

Recognised by "Data File Created By ActiGraph" in the first line; gzipped or not; separated by commas, semicolons or tabs.

| in the file | in the recording |
|---|---|
| Epoch Period 0, columns Accelerometer X, Y, Z | channels `acc x`, `acc y`, `acc z`, `int16` thousandths if all cells are |
| Epoch Period above 0, columns Axis1, Axis2, Axis3 | channels `counts` of an epoch |
| columns Steps, Lux | channels `steps`, `light` |
| columns Inclinometer Off, Standing, Sitting, Lying | events `posture`, one for each run of the longest |
| "at 100 Hz" in the first line, or Epoch Period | rate |
| Start Time, Start Date in the date format of the first line | start |

A raw file without names of columns has x, y and z in this order, an epoch file axis 1, axis 2 and axis 3, as many as its mode
tells (bits 4 and 8); what else it has is left out with a note.

**Time.** Wall clock of the device; the file does not tell its zone: local time. Rows follow each other without gaps; stamps
in the rows are not needed, and not read.

**Pauses.** In a raw export ActiLife fills the sleep mode of the device with its last sample, and the end with zeros, second by
second. A second in which all axes stay the same to the last digit, as in the sample before it or at zero, is no measurement:
it is masked and counted. (In the genuine export this masks what its GT3X does not hold, and nothing else; samples that were
measured repeat at most four times in a row there.)

**Broken files.** Rows with the wrong number of cells are dropped from all columns and counted; words among numbers are masked
and counted. A header without start or rate is refused. What is longer than 2^27 samples goes on in another recording.

**Limits.** Vector magnitude and energy are derived, and not read.

Source: ActiGraph, ActiLife 6 User's Manual (SFT12DOC13, 2012), and the genuine export, compared with its GT3X.
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
from wearfm.readers.agd import POSTURES, postures
from wearfm.readers.assembly import Assembly, Series
from wearfm.readers.base import MOST_SAMPLES, Bytes, Reader, load, stem
from wearfm.readers.columns import numbers
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import check_date, date_ns
from wearfm.signals.clock import Grid
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Recording

_FIRST = b"Data File Created By ActiGraph"
_HEADER_LINES = 10
_DATE_FORMAT = re.compile(r"date format ([dMy./\- ]+?) (?:at|Filter|-)")
_RATE = re.compile(r"\bat (\d{1,4}) Hz")
_EPOCH = re.compile(r"Epoch Period \(hh:mm:ss\) (\d{1,2}):(\d\d):(\d\d)")
_MODE = re.compile(r"Mode = (\d{1,5})")
_AXIS2, _AXIS3 = 4, 8  # bits of the mode
_RAW = {f"accelerometer{axis}": Meaning(modality="acc", unit="g", axis=axis) for axis in "xyz"}
_COUNTS = {
    "axis1": Meaning(modality="counts", unit="count"),
    "axis2": Meaning(modality="counts", unit="count"),
    "axis3": Meaning(modality="counts", unit="count"),
    "steps": Meaning(modality="steps", unit="count"),
    "lux": Meaning(modality="light", unit="lux"),
}
_POSTURES = {f"inclinometer{label}": name for name, label in POSTURES.items()}
_BLOCK = 2**24
_NOT_MEASURED = "a second of the same value, as ActiLife fills pauses, or not a number"


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the header tells. names: of the columns, in lower case without blanks. rows_at: byte at which the rows begin."""

    start_ns: int
    rate_hz: float
    is_raw: bool
    names: tuple[str, ...]
    delimiter: str
    rows_at: int
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Cells by column, (N,) each, as many as the file has; which are missing; rows with too few or too many cells."""

    columns: dict[str, NDArray[np.generic]]
    missing: dict[str, NDArray[np.bool_]]
    malformed: int


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of an export; a very long one in parts."""
    data = load(path)
    head = _head(path, data)
    rows = _rows(path, data, head)
    length = len(next(iter(rows.columns.values())))
    held = _held(rows, round(head.rate_hz)) if head.is_raw else np.zeros(length, dtype=bool)
    for number, start in enumerate(range(0, length, MOST_SAMPLES)):
        part = slice(start, min(start + MOST_SAMPLES, length))
        found = Assembly(path=path, notes=list(head.notes))
        _add(found, head, rows, part, held[part], malformed=0 if number else rows.malformed)
        yield found.finish(
            participant=stem(path),
            name=stem(path) if number == 0 else f"{stem(path)} part {number + 1}",
            clock="local",
            device="ActiGraph",
            source=f"actilife: {path.name}",
        )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether the first line says that ActiLife made this."""
    return not path.is_dir() and _FIRST in head.split(b"\n", 1)[0][:200]


def _head(path: Path, data: Bytes) -> Head:
    lines = bytes(data[:16_384]).split(b"\n")
    texts = [line.decode("latin-1").strip().strip(',;"') for line in lines[: _HEADER_LINES + 1]]
    if len(texts) <= _HEADER_LINES:
        raise BadRecording(path, len(data), f"the header has {_HEADER_LINES} lines; the file ends before")
    rows_at = sum(len(line) + 1 for line in lines[:_HEADER_LINES])
    text = "\n".join(texts)
    epoch, rate = _EPOCH.search(text), _RATE.search(texts[0])
    seconds = sum(int(part) * unit for part, unit in zip(epoch.groups(), (3600, 60, 1), strict=True)) if epoch else 0
    if not seconds and (rate is None or int(rate[1]) == 0):
        raise BadRecording(path, 0, "the header tells neither 'at ... Hz' nor an Epoch Period; add one")
    first = texts[_HEADER_LINES]
    delimiter = next((mark for mark in (";", "\t") if mark in first), ",")
    cells = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in first.split(delimiter)]
    is_named = any(re.search("[a-z]", cell) for cell in cells)
    names, notes = (tuple(cells), ()) if is_named else _unnamed(text, len(cells), is_raw=not seconds)
    return Head(
        start_ns=_start(path, texts),
        rate_hz=1 / seconds if seconds else float(rate[1]) if rate else 0.0,
        is_raw=not seconds,
        names=_unique(names),
        delimiter=delimiter,
        rows_at=rows_at + (len(lines[_HEADER_LINES]) + 1 if is_named else 0),
        notes=notes,
    )


def _unnamed(text: str, count: int, *, is_raw: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names for columns that have none, and a note on those that keep none."""
    mode = _MODE.search(text)
    bits = int(mode[1]) if mode else 0
    axes = 3 if bits & _AXIS3 else 2 if bits & _AXIS2 else 1
    known = list(_RAW) if is_raw else list(_COUNTS)[:axes]
    names = (known + [f"column{k + 1}" for k in range(len(known), count)])[:count]
    left = count - len(known)
    return tuple(names), (f"{left} columns without a name are left out",) if left > 0 else ()


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name if name and name not in names[:k] else f"column{k + 1}" for k, name in enumerate(names))


def _start(path: Path, texts: list[str]) -> int:
    """Return the start in nanoseconds on the wall clock, in the date format that the first line tells."""
    values = {
        key: text.removeprefix(key).strip() for text in texts for key in ("Start Time", "Start Date") if text.startswith(key)
    }
    match = _DATE_FORMAT.search(texts[0])
    form = match[1] if match else "M/d/yyyy"
    for token, code in (("yyyy", "%Y"), ("yy", "%y"), ("MM", "%m"), ("M", "%m"), ("dd", "%d"), ("d", "%-")):
        form = form.replace(token, code) if code not in form and "%" + token not in form else form
    form = form.replace("%-", "%d") if "%d" not in form else form
    try:
        start_ns, _ = date_ns(f"{values.get('Start Date', '')} {values.get('Start Time', '')}", f"{form} %H:%M:%S")
    except BadConfiguration as error:
        raise BadRecording(path, 0, f"Start Date and Start Time: {error}") from error
    return check_date(path, start_ns)


def _rows(path: Path, data: Bytes, head: Head) -> Rows:
    """Return the columns that are read."""
    wanted = {**_RAW} if head.is_raw else {**_COUNTS, **dict.fromkeys(_POSTURES)}
    names = [name for name in head.names if name in wanted]
    if not names:
        raise BadRecording(path, head.rows_at, f"columns {', '.join(head.names)[:80]!r} are none that ActiLife exports")
    if len(data) <= head.rows_at:
        raise BadRecording(path, head.rows_at, "an export without rows")
    try:
        return _parse(data, head, names, pa.float64())
    except pa.ArrowException:
        pass
    try:
        return _parse(data, head, names, pa.string())
    except pa.ArrowException as error:
        raise BadRecording(path, head.rows_at, f"not a table: {str(error).splitlines()[0]}") from error


def _parse(data: Bytes, head: Head, names: list[str], kind: pa.DataType) -> Rows:
    """Return the columns, parsed block by block: as numbers, or as text in which words are missing."""
    lost: list[object] = []

    def skip(row: object) -> str:
        lost.append(row)
        return "skip"

    reader = pyarrow.csv.open_csv(
        pa.BufferReader(data[head.rows_at :].data),
        read_options=pyarrow.csv.ReadOptions(column_names=list(head.names), block_size=_BLOCK, encoding="latin-1"),
        parse_options=pyarrow.csv.ParseOptions(delimiter=head.delimiter, invalid_row_handler=skip),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, kind), include_columns=names, decimal_point="," if head.delimiter == ";" else "."
        ),
    )
    pieces: dict[str, list[NDArray[np.generic]]] = {name: [] for name in names}
    gone: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in names}
    for batch in reader:
        for name in names:
            cells, missing = numbers(pa.chunked_array([batch.column(name)]))
            pieces[name].append(_exact(cells))
            gone[name].append(np.zeros(len(cells), dtype=bool) if missing is None else missing)
    return Rows(
        columns={name: _joined(found) for name, found in pieces.items()},
        missing={name: np.concatenate(found) if found else np.zeros(0, dtype=bool) for name, found in gone.items()},
        malformed=len(lost),
    )


def _exact(cells: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return cells of at most three digits after the point as int32 thousandths, others as float32."""
    values = cells.astype(np.float64)
    thousandths = np.rint(values * 1000)
    if np.abs(thousandths).max(initial=0) < 2**31 and (np.abs(values * 1000 - thousandths) < 1e-6).all():
        return thousandths.astype(np.int32)
    return values.astype(np.float32)


def _joined(pieces: list[NDArray[np.generic]]) -> NDArray[np.generic]:
    """Return all pieces as one: int16 or int32 thousandths if all are, else float32."""
    if not pieces:
        return np.zeros(0, dtype=np.int16)
    if any(piece.dtype.kind == "f" for piece in pieces):
        return np.concatenate([piece if piece.dtype.kind == "f" else _plain(piece).astype(np.float32) for piece in pieces])
    fits = all(np.abs(piece).max(initial=0) < 2**15 for piece in pieces)
    return np.concatenate([piece.astype(np.int16) if fits else piece for piece in pieces])


def _add(found: Assembly, head: Head, rows: Rows, part: slice, held: NDArray[np.bool_], *, malformed: int) -> None:
    lost = (Finding(action="dropped", samples=malformed, reason="row with too few or too many cells"),) if malformed else ()
    start_ns = head.start_ns + round(part.start * SECOND / head.rate_hz)
    for name, meaning in (_RAW if head.is_raw else _COUNTS).items():
        if name not in rows.columns:
            continue
        samples, missing = rows.columns[name][part], rows.missing[name][part]
        found.add(
            Series(
                label=f"acc {meaning.axis}" if head.is_raw else name,
                meaning=meaning,
                samples=samples,
                rate_hz=head.rate_hz,
                start_ns=start_ns,
                scale=1.0 if samples.dtype.kind == "f" else 1e-3,
                missing=missing | held,
                missing_reason=_NOT_MEASURED if held.any() else "not a number",
                findings=lost,
            )
        )
    seconds = {_POSTURES[name]: _plain(rows.columns[name][part]) for name in _POSTURES if name in rows.columns}
    count = part.stop - part.start
    grid = Grid(start_ns=start_ns, rate_hz=head.rate_hz, position=np.arange(count), keep=np.ones(count, dtype=bool))
    found.events.extend(postures(grid, seconds))


def _plain(samples: NDArray[np.generic]) -> NDArray[np.float64]:
    values = samples.astype(np.float64)
    return values if samples.dtype.kind == "f" else values / 1000


def _held(rows: Rows, per_second: int) -> NDArray[np.bool_]:
    """Return which samples ActiLife filled in: whole seconds that repeat the sample before them, or zero, on every axis."""
    columns = [rows.columns[name] for name in _RAW if name in rows.columns]
    length = len(columns[0])
    same = np.all([column[1:] == column[:-1] for column in columns], axis=0)
    seconds = length // per_second
    repeats = np.concatenate(([False], same))[: seconds * per_second].reshape(seconds, per_second)
    firsts = slice(0, seconds * per_second, per_second)
    is_zero = np.all([column[firsts] == 0 for column in columns], axis=0)
    filled = repeats[:, 1:].all(axis=1) & (repeats[:, 0] | is_zero)
    held = np.zeros(length, dtype=bool)
    held[: seconds * per_second] = np.repeat(filled, per_second)
    return held


READER = Reader(
    name="actilife",
    describes="ActiLife CSV: ActiGraph's export of raw acceleration or of counts in epochs",
    devices=("ActiGraph ActiLife",),
    clock="wall clock of an unknown zone: local",
    suffixes=(".csv",),
    recognises=recognises,
    read=read,
)
