"""Polar: sensors read out by the Polar Sensor Logger, an app for Android: a folder with a text file for each quantity.

Polar Sensor Logger (J. Happonen, for Polar's open sensors H10, OH1, Verity Sense): files separated by semicolons, gzipped or
not, recognised by their first line. A folder is one recording. The number of axes, channels and units are in the first line.

| file | in the recording |
|---|---|
| `..._ACC` (mg) | three channels `acc`, integers |
| `..._GYRO` (dps), `..._MAG` (G) | three channels `gyro`, `mag` |
| `..._PPG` | a channel `ppg` for each light, integers; `ambient` is a channel of modality `other` |
| `..._ECG` (uV) | channel `ecg`, integers |
| `..._HR` | events `hr`, one for each line: the sensor sends one a second |
| `..._PPI`, `..._RR` (ms) | events `ibi`: value in seconds; the event covers its interval and ends at the stamp |
| `MARKER` | events `annotation`: `MARKER_START`, `MARKER_STOP` |

**Time.** Lines carry the phone's stamp (to the millisecond, the wall clock of an unknown zone: `local`) and the sensor's, in
nanoseconds since 2000 on a clock that may never have been set. The sensor's stamps give the spacing of samples; the phone's say
when: all samples are moved by the median difference of the two in the file that has the least, since what reaches the phone
late only adds to it. The differences are noted. A folder of several sensors is taken for one clock: keep them apart.

**Intervals.** Those that the sensor marks as blocked (`blocker` 1: movement) or without contact to the skin, where it supports
that, are left out and counted.

**Broken files.** Rows with too few or too many cells are dropped and counted, words among numbers masked. A file without a
readable row is noted.

**Limits.** Placement is not in the files.
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
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.base import Reader, load, peek
from wearfm.readers.cells import read_text
from wearfm.readers.columns import millisecond_stamps, numbers
from wearfm.readers.labels import Meaning
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.units import MODALITIES

_PHONE = "Phone timestamp"
_SENSOR = "sensor timestamp [ns]"
_EPOCH_NS = 946_684_800 * SECOND  # 2000-01-01
_UNIT = re.compile(r"(.*?)\s*\[(.*)\]\s*")
_KINDS = {  # unit of the samples -> modality
    "mg": "acc", "dps": "gyro", "G": "mag", "uV": "ecg",
}  # fmt: skip
_HELD = re.compile(r"Phone timestamp;(sensor timestamp \[ns\];|HR \[bpm\]|(PP|RR)-interval \[ms\]|Marker start/stop)")


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """One file. phone_ns: (N,) stamps of the phone. columns: title -> cells, those of equal title numbered. lost: bad rows."""

    name: str
    phone_ns: NDArray[np.int64]
    columns: dict[str, pa.ChunkedArray]
    lost: int


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of a folder, or of a single file."""
    files = sorted(file for file in path.iterdir() if _is_member(file)) if path.is_dir() else [path]
    found = Assembly(path=path)
    tables = [table for file in files if (table := _parse(found, file)) is not None]
    shift_ns = _shift(found, tables)
    for table in tables:
        _add(found, table, shift_ns=shift_ns)
    if not found.admitted and not found.events:
        raise BadRecording(path, 0, "; ".join(["no line that can be read", *found.notes])[:500])
    name = path.resolve().name if path.is_dir() else path.name.split(".")[0]
    yield found.finish(participant=name, name=name, clock="local", device=_device(files), source=f"polar: {path.name}")


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a folder with files of the app, or one of them."""
    if path.is_dir():
        return any(_is_member(file) for file in path.iterdir())
    return _HELD.match(head[:200].decode("latin-1")) is not None


def home(path: Path) -> Path:
    """Return the folder of a member; any other path stands for itself."""
    return path.parent if _is_member(path) else path


def _is_member(path: Path) -> bool:
    if path.suffix.lower() not in (".txt", ".gz", ".csv") or not path.is_file():
        return False
    try:
        return _HELD.match(peek(path)[:200].decode("latin-1")) is not None
    except BadRecording:
        return False


def _device(files: list[Path]) -> str:
    names = {
        match[1] for file in files if (match := re.match(r"(Polar[_ ](?:Sense|Verity|H10|H9|OH1)[\w ]{0,12}?)_", file.name))
    }
    return next(iter(sorted(names)), "Polar").replace("_", " ")


def _shift(found: Assembly, tables: list[Table]) -> int:
    """Return what to add to the sensor's clock: of the medians over the files the least, as what comes late only adds."""
    behind = {}
    for table in tables:
        if _SENSOR in table.columns and len(at := _sensor_ns(found, table)[0]):
            behind[table.name] = int(np.median(table.phone_ns[_sensor_ns(found, table)[1]] - at))
    if behind:
        told = ", ".join(f"{name} {shift / SECOND:.3f} s" for name, shift in behind.items())
        found.note(f"the phone's stamps are ahead of the sensor's: {told}; the least was added to all")
    return min(behind.values(), default=0)


def _sensor_ns(found: Assembly, table: Table) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the sensor's stamps as nanoseconds since 1970, and in which rows (N,) there is one."""
    sensor, missing = _cells(found, table, _SENSOR, table.columns[_SENSOR])
    keep = np.ones(len(sensor), dtype=bool) if missing is None else ~missing
    keep &= (sensor.astype(np.float64) > 0) & (sensor.astype(np.float64) < 2.0**61)
    return sensor[keep].astype(np.int64) + _EPOCH_NS, keep


def _add(found: Assembly, table: Table, *, shift_ns: int) -> None:
    """Add what one file holds."""
    titles = list(table.columns)
    if _SENSOR in titles:
        _add_samples(found, table, shift_ns=shift_ns)
    elif titles and titles[0].startswith("HR"):
        _add_rates(found, table)
    elif titles and "-interval" in titles[0]:
        _add_intervals(found, table)
    else:
        labels = table.columns[titles[0]].cast(pa.string()).to_pylist() if titles else []
        found.events += [
            ("annotation", at, 0, (label or "").strip()[:60], float("nan"))
            for at, label in zip(table.phone_ns.tolist(), labels, strict=True)
        ]


def _parse(found: Assembly, file: Path) -> Table | None:
    """Return the table in a file, None and a note if it holds no row with a time."""
    content = load(file).tobytes()
    first = content.split(b"\n", 1)[0].decode("latin-1").strip()
    titles = _unique([title.strip() for title in first.split(";")])
    second = content.split(b"\n", 2)[1:2]
    wide = len(second[0].split(b";")) if second else 0
    names = [*titles, *(f"({place})" for place in range(len(titles), wide))]  # PPG rows end in a semicolon
    convert = pyarrow.csv.ConvertOptions(column_types={_PHONE: pa.string()}, strings_can_be_null=True)
    what = f"{file.name} is no table"
    try:
        read, malformed = read_text(file, content, what=what, names=names, skip_rows=1, delimiter=";", convert=convert)
    except BadRecording as error:
        found.note(error.reason[: len(what) + 122])
        return None
    stamps, has_time = millisecond_stamps(read.column(_PHONE))
    if not has_time.any():
        found.note(f"{file.name} has no line with a time")
        return None
    columns = {name: column.filter(pa.array(has_time)) for name, column in zip(read.column_names, read.columns, strict=True)}
    kept = {name: column for name, column in columns.items() if name in titles and name != _PHONE}
    count = malformed + int(np.count_nonzero(~has_time))
    return Table(name=file.name, phone_ns=stamps[has_time], columns=kept, lost=count)


def _unique(titles: list[str]) -> list[str]:
    return [
        f"{title} #{titles[:place].count(title) + 1}" if title in titles[:place] else title
        for place, title in enumerate(titles)
    ]


def _add_samples(found: Assembly, table: Table, *, shift_ns: int) -> None:
    """Add a channel for each column, on the sensor's clock moved to the phone's."""
    stamps, keep = _sensor_ns(found, table)
    if len(stamps) == 0:
        found.note(f"{table.name} has no line with a stamp of the sensor")
        return
    grid = found.grid(stamps + shift_ns)
    lost = table.lost + int(np.count_nonzero(~keep))
    findings = (Finding(action="dropped", samples=lost, reason="row that cannot be read, or without a time"),) if lost else ()
    for title, cells in table.columns.items():
        if title == _SENSOR:
            continue
        samples, empty = _cells(found, table, title, cells)
        found.add(
            on_grid(
                grid,
                samples[keep],
                label=_label(title),
                meaning=_meaning(title),
                missing=None if empty is None else empty[keep],
                missing_reason="not a number",
                findings=findings,
            )
        )


def _cells(
    found: Assembly, table: Table, title: str, cells: pa.ChunkedArray
) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
    try:
        return numbers(cells)
    except BadConfiguration as error:
        raise BadRecording(found.path, 0, f"{table.name}, column {title!r}: {error}") from error


def _meaning(title: str) -> Meaning:
    match = _UNIT.fullmatch(title)
    unit = match[2] if match else ""
    name = (match[1] if match else title).lower()
    if unit in _KINDS:
        return Meaning(modality=_KINDS[unit], unit=unit, axis=name if name in ("x", "y", "z") else "")
    if name.startswith(("channel", "ppg")):
        return Meaning(modality="ppg", unit="au")
    return Meaning(modality="other", unit="au")


def _label(title: str) -> str:
    meaning, bare = _meaning(title), _UNIT.sub(r"\1", title)
    return (
        bare
        if meaning.modality == "other"
        else f"{meaning.modality.upper()} {bare.lower().removeprefix('ecg').strip()}".strip()
    )


def _add_rates(found: Assembly, table: Table) -> None:
    title = next(iter(table.columns))
    rates, missing = _cells(found, table, title, table.columns[title])
    known = MODALITIES["hr"]
    plausible = (rates.astype(np.float64) >= known.low) & (rates.astype(np.float64) <= known.high)
    plausible &= True if missing is None else ~missing
    for row in np.flatnonzero(plausible).tolist():
        found.events.append(("hr", int(table.phone_ns[row]), SECOND, "", float(rates[row])))
    left = table.lost + int(np.count_nonzero(~plausible))
    if left:
        found.note(f"{left} lines of {table.name} hold no heart rate; left out")


def _add_intervals(found: Assembly, table: Table) -> None:
    """Add the intervals between beats that the sensor believes in."""
    title = next(iter(table.columns))
    cells = {name: _cells(found, table, name, column) for name, column in table.columns.items()}
    millis, missing = cells[title]
    lasts = millis.astype(np.float64)
    sound = np.isfinite(lasts) & (lasts > 0) & (lasts <= 10_000) & (True if missing is None else ~missing)
    blocked = _says(cells.get("blocker"), 1, len(lasts))
    apart = _says(cells.get("contact"), 0, len(lasts)) & _says(cells.get("contact #2"), 1, len(lasts))
    for row in np.flatnonzero(sound & ~blocked & ~apart).tolist():
        long = round(float(lasts[row]) * 1e6)
        found.events.append(("ibi", int(table.phone_ns[row]) - long, long, "", float(lasts[row]) / 1000))
    for count, what in (
        (table.lost + int(np.count_nonzero(~sound)), "hold no interval"),
        (int(np.count_nonzero(sound & blocked)), "are marked as disturbed by movement"),
        (int(np.count_nonzero(sound & ~blocked & apart)), "are marked as without contact to the skin"),
    ):
        if count:
            found.note(f"{count} lines of {table.name} {what}; left out")


def _says(cells: tuple[NDArray[np.generic], NDArray[np.bool_] | None] | None, value: int, count: int) -> NDArray[np.bool_]:
    return np.zeros(count, dtype=bool) if cells is None else np.asarray(cells[0] == value, dtype=bool)


READER = Reader(
    name="polar",
    describes="Polar H10, OH1 and Verity Sense, as the Polar Sensor Logger writes them: a folder of text files",
    devices=("Polar Verity Sense", "Polar OH1", "Polar H10"),
    clock="local: the wall clock of the phone; the sensor's own clock gives the spacing of samples",
    suffixes=(".txt",),
    recognises=recognises,
    read=read,
    home=home,
)
