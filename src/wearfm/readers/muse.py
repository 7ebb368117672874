"""Muse headbands: tables of Mind Monitor (wall-clock times of arrival) and of muselsl (Unix times).

Muse, Muse 2 and Muse S, as the telephone application Mind Monitor and the program muselsl write them. Recognised by the names
of the columns: `TimeStamp` with `RAW_TP9`, or `timestamps` with `TP9`.

| in the file | in the recording |
|---|---|
| `RAW_TP9`, `RAW_AF7` ...; `TP9` ... of muselsl | channels `eeg`, uV, `float32`; the offset of about 800 uV is kept |
| `AUX_RIGHT`, `Right AUX` and the like | channels `other`: what was connected is not in the file |
| `Accelerometer_X` ..., `Gyro_X` ... | channels `acc` (g), `gyro` (deg/s); each value is held until the next one arrives |
| `Elements`: blinks and clenches that the application finds, markers | events `annotation` |
| `HeadBandOn` 0 | EEG masked: the headband was off |
| band powers (`Delta_TP9` ...), `HSI_*`, `Battery` | left out, with a note: derived, or about the device |

**Time.** Mind Monitor writes the wall clock of the telephone, without a zone: local. Rows carry the time at which they arrived,
in bursts; samples are counted at 256 Hz (or at the rate at which they arrive, if that differs by more than a tenth or the file
is longer than a minute), and only a silence of more than a second is a gap. A table written at an interval (every second, say)
keeps that. muselsl writes evenly spaced UTC in seconds.

**Broken files.** Rows with too few or too many cells, and without a time, are dropped and counted. Facts of the format: Mind
Monitor, technical manual, 2023.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.arrivals import grid_of
from wearfm.readers.assembly import Assembly, on_grid, printable
from wearfm.readers.base import Reader, encoding, peek, stem
from wearfm.readers.cells import cells_of, parse_rows
from wearfm.readers.columns import nanoseconds, numbers
from wearfm.readers.labels import Meaning
from wearfm.readers.mapping import ChannelColumn, Mapping
from wearfm.readers.rows import Rows
from wearfm.readers.stamps import date_ns
from wearfm.signals.clock import clock_of
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import Recording

_RATE_HZ = 256.0
_ELECTRODE = re.compile(r"(?:RAW_)?((?:TP|AF|FP)\d{1,2}|FPz)", re.IGNORECASE)
_AUX = re.compile(r"(Right |Left )?AUX.*", re.IGNORECASE)
_MOTION = re.compile(r"(Accelerometer|Gyro)_([XYZ])")
_LEFT_OUT = re.compile(r"(Delta|Theta|Alpha|Beta|Gamma)_.*|HSI_.*|Battery.*")
_TIMES = {"TimeStamp": "iso", "timestamps": "s"}
_LAST_NS = 2**62
_ELEMENTS, _WORN = "Elements", "HeadBandOn"


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording in a table."""
    names = _names(peek(path))
    if not names:
        raise BadRecording(path, 0, "no columns of a Muse")
    rows, others = _parse(path, names)
    found = Assembly(path=path)
    elements = _elements(rows, others)
    try:
        start_ns = _add(found, rows, names, malformed=rows.malformed - sum(_is_element(text) for text in others))
        clock = clock_of(start_ns)
    except BadConfiguration as error:
        raise BadRecording(path, 0, str(error)) from error
    _add_elements(found, elements)
    yield found.finish(
        participant=stem(path),
        name=stem(path),
        clock="local" if names[0] == "TimeStamp" else clock,
        device="Muse",
        source=f"muse: {path.name}",
    )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a table of a Muse."""
    return not path.is_dir() and bool(_names(head))


def _names(head: bytes) -> list[str]:
    """Return the columns of a table, none if they are not those of a Muse."""
    line = head[:8192].partition(b"\n")[0]
    names = cells_of(line.decode(encoding(line), errors="replace").removeprefix("\ufeff"), ",")
    return names if names[:1] and names[0] in _TIMES and any(_ELECTRODE.fullmatch(name) for name in names) else []


def _parse(path: Path, names: list[str]) -> tuple[Rows, list[str]]:
    """Return the rows of samples, and the text of the rows of another width: those with an element, in some tables."""
    second = [*peek(path).split(b"\n")[1:2], b""][0].decode(encoding(peek(path)), errors="replace")
    width = len(cells_of(second, ","))
    used = names[:width] if names[-1] == _ELEMENTS and width == len(names) - 1 else names
    wanted = {name: ChannelColumn(modality="other") for name in used if not _LEFT_OUT.fullmatch(name)}
    others: list[str] = []
    rows = parse_rows(path, Mapping(channels=wanted, rate_hz=1, header=True), names=used, odd=others)
    return rows, others


def _add(found: Assembly, rows: Rows, names: list[str], *, malformed: int) -> int:
    """Add the channels and return when they begin."""
    stamps, has_time, _ = nanoseconds(rows.columns[names[0]], unit=_TIMES[names[0]])
    electrode = next(name for name in rows.columns if _ELECTRODE.fullmatch(name))
    is_sample = has_time & np.asarray(rows.columns[electrode].is_valid())
    if not is_sample.any():
        raise BadConfiguration("a table without samples of EEG")
    grid = grid_of(stamps[is_sample], nominal_hz=_RATE_HZ)
    found.note(*grid.notes, *_notes(names))
    lost = (
        (malformed, "row with too few or too many cells"),
        (int(np.count_nonzero(~has_time)), "row without a readable time"),
        (int(np.count_nonzero(has_time & ~is_sample & ~_has_element(rows))), "row without a sample"),
    )
    dropped = tuple(Finding(action="dropped", samples=n, reason=reason) for n, reason in lost if n)
    off = _off(rows)
    for name, cells in rows.columns.items():
        meaning = _meaning(name)
        if meaning is None:
            continue
        samples, missing = numbers(cells)
        is_off = off if meaning.modality == "eeg" else None
        masked = [mask for mask in (missing, is_off) if mask is not None]
        found.add(
            on_grid(
                grid,
                samples[is_sample],
                label=name.removeprefix("RAW_"),
                meaning=meaning,
                missing=np.logical_or.reduce(masked)[is_sample] if masked else None,
                missing_reason="no number, or the headband was off",
                findings=dropped,
            )
        )
    return grid.start_ns


def _has_element(rows: Rows) -> NDArray[np.bool_]:
    if _ELEMENTS not in rows.columns:
        return np.zeros(rows.num_rows, dtype=bool)
    return np.asarray(rows.columns[_ELEMENTS].is_valid())


def _off(rows: Rows) -> NDArray[np.bool_] | None:
    if _WORN not in rows.columns:
        return None
    worn, missing = numbers(rows.columns[_WORN])
    return np.asarray(worn == 0 if missing is None else (worn == 0) & ~missing)


def _meaning(name: str) -> Meaning | None:
    if _ELECTRODE.fullmatch(name):
        return Meaning(modality="eeg", unit="uV", placement="head")
    if _AUX.fullmatch(name):
        return Meaning(modality="other", unit="au", note="what was connected is not in the file")
    motion = _MOTION.fullmatch(name)
    if motion is None:
        return None
    modality, unit = ("acc", "g") if motion[1] == "Accelerometer" else ("gyro", "deg/s")
    return Meaning(modality=modality, unit=unit, axis=motion[2].lower(), placement="head")


def _notes(names: list[str]) -> Iterator[str]:
    left = [name for name in names if _LEFT_OUT.fullmatch(name)]
    if left:
        yield f"derived, or about the device, left out: {', '.join(left)}"
    if any(_MOTION.fullmatch(name) for name in names):
        yield "acceleration and rotation are held between their own samples, which come at 52 Hz"


def _is_element(text: str) -> bool:
    return text.rpartition(",")[2].strip().startswith("/")


def _elements(rows: Rows, others: list[str]) -> list[tuple[str, str]]:
    """Return (time, what) of blinks, clenches and markers: in a column, or in rows that are longer than the others."""
    longer = [(text.partition(",")[0], text.rpartition(",")[2].strip()) for text in others if _is_element(text)]
    if _ELEMENTS not in rows.columns:
        return longer
    own = rows.columns[_ELEMENTS].is_valid()
    times, texts = (rows.columns[name].filter(own).to_pylist() for name in ("TimeStamp", _ELEMENTS))
    return longer + [(str(time), str(text)) for time, text in zip(times, texts, strict=True)]


def _add_elements(found: Assembly, elements: list[tuple[str, str]]) -> None:
    for time, text in elements:
        try:
            moment, _ = date_ns(time)
        except BadConfiguration:
            moment = _LAST_NS
        if abs(moment) >= _LAST_NS:
            found.note(f"{text[:40]!r} has no readable time; left out")
            continue
        found.events.append(("annotation", moment, 0, printable(text.removeprefix("/muse/elements/").strip("/")), float("nan")))


READER = Reader(
    name="muse",
    describes="Muse headbands: tables of Mind Monitor and of muselsl",
    devices=("Muse", "Muse 2", "Muse S"),
    clock="Mind Monitor: wall clock of the telephone, local; muselsl: UTC",
    suffixes=(".csv",),
    recognises=recognises,
    read=read,
)
