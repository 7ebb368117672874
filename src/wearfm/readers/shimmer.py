"""Shimmer: tables that Consensys exports, calibrated or raw, with their units; Unix times are UTC.

Shimmer3 units, as text that the vendor's program Consensys exports: a line with the separator (`"sep=;"`), names of the form
`Shimmer_40AC_Accel_LN_X_CAL`, units, samples. Recognised by names that all end in `_CAL` or `_RAW`, one of them a `Timestamp`.

| in the file | in the recording |
|---|---|
| `Accel_LN_*`, `Accel_WR_*` | channels `acc` (low noise and wide range), converted from m/s2 to g |
| `Gyro_*`, `Mag_*` | channels `gyro`, `mag`; a field in units of the local one is `other` |
| `GSR_Skin_Conductance` | channel `eda` |
| `ECG_*`, `EMG_*`, `PPG_*` | channels `ecg`, `emg`, `ppg` |
| `Pressure_*`, `Temperature_*` | channels `air_pressure`, `temp`: those of the case |
| expansion inputs (`Ext_Exp_*`, `Int_Exp_*`) | channels `other`: what was connected is not in the file |
| resistance and range of skin conductance, battery, system stamps | left out, with a note |
| `*_RAW` beside a `*_CAL` of the same name | left out, with a note; alone, `other` |

Channels are `float32`; columns of whole numbers stay integers. Names lose the device and the ending; the device is the
recording's.

**Time.** `Timestamp_Unix` (ms, UTC), else `Timestamp` (ms since the unit was switched on: relative). Where a unit streams by
Bluetooth, rows are stamped when they arrive, in bursts: then samples are counted at the measured rate, and only a silence of
more than a second is a gap.

**Broken files.** Rows with too few or too many cells, and without a time, are dropped and counted; empty cells and words are
masked and counted. Facts of the format: Shimmer, Consensys user guide, 2018.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.arrivals import grid_of
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.base import Reader, encoding, peek, stem
from wearfm.readers.cells import cells_of, parse_rows
from wearfm.readers.columns import nanoseconds, numbers
from wearfm.readers.labels import Meaning, interpret
from wearfm.readers.mapping import ChannelColumn, Mapping
from wearfm.signals.clock import clock_of
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import Recording

_HEADER_BYTES = 32_768  # of names and units
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*')
_NAME = re.compile(r"(?:(?P<device>.+?)_)?(?P<what>[A-Z].*)_(?P<kind>CAL|RAW)")
_FIRST_WORDS = (
    "Timestamp", "System", "Accel", "Gyro", "Mag", "GSR", "ECG", "EMG", "ExG", "EXG", "PPG", "Pressure", "Temperature",
    "Battery", "Ext_Exp", "Int_Exp", "Int", "Ext", "Resp", "Bridge", "Packet", "Event", "Heart", "IBI", "Quat", "Axis", "Angle",
)  # fmt: skip
_TIMES = ("Timestamp_Unix", "Timestamp")  # the first that is there
_LEFT_OUT = re.compile(r"Timestamp.*|System.*|Battery.*|GSR_Range|GSR_Skin_Resistance|Packet.*|Event.*")
_UNITS = {
    "m/(s^2)": "m/s2",
    "m/(sec^2)": "m/s2",
    "degrees celsius": "degC",
    "no_units": "",
    "u_siemens": "uS",
    "degrees/sec": "deg/s",
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its place, the device and what it measures as its name says, its unit, whether it is calibrated."""

    place: int
    device: str
    what: str
    unit: str
    is_calibrated: bool


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The lines before the samples. skip_rows: how many they are."""

    delimiter: str
    skip_rows: int
    columns: tuple[Column, ...]
    num_columns: int


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording in an exported table."""
    layout = _layout(peek(path))
    if layout is None:
        raise BadRecording(path, 0, "no names and units of Shimmer signals")
    time = _time(path, layout)
    chosen, notes = _choose(layout)
    found = Assembly(path=path)
    found.note(*notes)
    try:
        start_ns = _add(found, layout, time, chosen)
    except BadConfiguration as error:
        raise BadRecording(path, 0, str(error)) from error
    yield found.finish(
        participant=stem(path),
        name=stem(path),
        clock=clock_of(start_ns) if time.what == _TIMES[0] else "relative",
        device=time.device.replace("_", " ") or "Shimmer",
        source=f"shimmer: {path.name}",
    )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a table of Shimmer signals."""
    return not path.is_dir() and b"Timestamp" in head and _layout(head) is not None


def _layout(head: bytes) -> Layout | None:
    """Return the names and units of a table, None if it has none of Shimmer's kind."""
    lines = head[:_HEADER_BYTES].decode(encoding(head), errors="replace").removeprefix("\ufeff").splitlines()[:4]
    separator = _SEPARATOR.fullmatch(lines[0]) if lines else None
    start = 1 if separator else 0
    if len(lines) < start + 2:
        return None
    delimiter = separator[1] if separator else max("\t;,", key=lines[start].count)
    names, units = (cells_of(line, delimiter) for line in lines[start : start + 2])
    matches = [_NAME.fullmatch(name) for name in names]
    if len(units) != len(names) or not all(match or not name for match, name in zip(matches, names, strict=True)):
        return None
    columns = tuple(_column(place, match, units[place]) for place, match in enumerate(matches) if match)
    return (
        Layout(delimiter=delimiter, skip_rows=start + 2, columns=columns, num_columns=len(names)) if len(columns) > 1 else None
    )


def _column(place: int, match: re.Match[str], unit: str) -> Column:
    device, what = match["device"] or "", match["what"]
    text = f"{device}_{what}" if device else what
    word = next((word for word in _FIRST_WORDS if re.search(rf"(^|_){word}(_|$)", text)), None)
    begin = re.search(rf"(^|_){word}(_|$)", text) if word else None
    if begin:
        device, what = text[: begin.start()], text[begin.start() :].lstrip("_")
    return Column(place=place, device=device, what=what, unit=unit, is_calibrated=match["kind"] == "CAL")


def _time(path: Path, layout: Layout) -> Column:
    stamped = [column for name in _TIMES for column in layout.columns if column.what == name and column.unit in ("ms", "mSecs")]
    if not stamped:
        raise BadRecording(path, 0, "no Timestamp or Timestamp_Unix in ms; export the table with calibrated stamps")
    return stamped[0]


def _choose(layout: Layout) -> tuple[list[Column], list[str]]:
    """Return the columns that become channels, and notes on the others."""
    calibrated = {column.what for column in layout.columns if column.is_calibrated}
    signals = [column for column in layout.columns if not _LEFT_OUT.fullmatch(column.what)]
    twice = [column.what for column in signals if not column.is_calibrated and column.what in calibrated]
    chosen = [column for column in signals if column.is_calibrated or column.what not in calibrated]
    others = [column.what for column in layout.columns if _LEFT_OUT.fullmatch(column.what) and column.what not in _TIMES]
    notes = [f"raw beside calibrated values, left out: {', '.join(twice)}"] if twice else []
    return chosen, notes + ([f"no signals of the body, left out: {', '.join(others)}"] if others else [])


def _add(found: Assembly, layout: Layout, time: Column, chosen: list[Column]) -> int:
    """Add the channels and return when they begin."""
    names = [str(place) for place in range(layout.num_columns)]
    wanted = {str(column.place): ChannelColumn(modality="other") for column in (time, *chosen)}
    mapping = Mapping(channels=wanted, rate_hz=1, header=False, skip_rows=layout.skip_rows, delimiter=layout.delimiter)
    rows = parse_rows(found.path, mapping, names=names)
    stamps, has_time, _ = nanoseconds(rows.columns[str(time.place)], unit="ms")
    if not has_time.any():
        raise BadConfiguration("a table without rows that have a time")
    grid = grid_of(stamps[has_time])
    clock_of(grid.start_ns)
    found.note(*grid.notes)
    lost = (
        (rows.malformed, "row with too few or too many cells"),
        (int(np.count_nonzero(~has_time)), "row without a readable time"),
    )
    dropped = tuple(Finding(action="dropped", samples=n, reason=reason) for n, reason in lost if n)
    for column in chosen:
        samples, missing = numbers(rows.columns[str(column.place)])
        found.add(
            on_grid(
                grid,
                samples[has_time],
                label=column.what,
                meaning=_meaning(column),
                missing=None if missing is None else missing[has_time],
                missing_reason="empty cell, or not a number",
                findings=dropped,
            )
        )
    return grid.start_ns


def _meaning(column: Column) -> Meaning:
    unit = _UNITS.get(column.unit.lower(), column.unit)
    if not column.is_calibrated:
        return Meaning(modality="other", unit="au", note="raw values without a unit")
    if column.what.startswith("Pressure"):
        return Meaning(modality="air_pressure", unit=unit)
    return interpret(column.what, unit=unit)


READER = Reader(
    name="shimmer",
    describes="Shimmer: tables exported by Consensys, calibrated or raw",
    devices=("Shimmer3", "Shimmer3 GSR+", "Shimmer3 ECG"),
    clock="UTC in milliseconds if the table has Unix stamps, else relative",
    suffixes=(".csv",),
    recognises=recognises,
    read=read,
)
