"""Bittium Faros: a folder of tables with `meta.json`, one for each sensor. Times are the device's wall clock.

Bittium Faros (180, 360) after export to tables, as the library devicely writes them. The EDF that the device itself writes is
read by `edf`. Recognised by a folder with a `meta.json` that has `start_time` and `sample_freqs`; naming a member reads the
folder.

| member | in the recording |
|---|---|
| `ECG.csv` | channel `ecg`, from uV |
| `ACC.csv` (columns X, Y, Z) | three channels `acc`, from mg |
| `HRV.csv` | events `ibi`: intervals that the device found (ms; 0 is none), value in seconds; the event covers its interval |
| `Marker.csv` | events `tag`: one for each run of samples that are not 0 |

Rates, units and the start are those of `meta.json`. Columns of nothing but whole numbers are integers, others `float32`. The
placement is the chest. Participant and recording are named after the folder.

**Time.** `start_time` is a wall-clock time without a zone: local. An interval is known to the step of `HRV.csv` (0.2 s).

**Broken files.** A member that is missing or empty is noted. Rows with the wrong number of cells are dropped and counted, words
are masked and counted. Intervals outside 0.2 to 3 s are left out with a note. Facts of the format: the members themselves, and
Bittium, Faros EDF specification, 2019.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, Series, runs
from wearfm.readers.base import Reader, load, peek
from wearfm.readers.cells import cells_of, lines_of, parse_rows
from wearfm.readers.columns import numbers
from wearfm.readers.labels import given
from wearfm.readers.mapping import ChannelColumn, Mapping
from wearfm.readers.stamps import date_ns
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans

_META = "meta.json"
_MOST_META_BYTES = 65_536
_CHANNELS = {"ECG": ("ecg", {"ECG": ""}), "ACC": ("acc", {"X": "x", "Y": "y", "Z": "z"})}
_MEMBERS = ("ECG", "ACC", "HRV", "Marker")
_FASTEST_HZ = 10_000.0
_IBI_MS = (200.0, 3000.0)


@dataclass(frozen=True, kw_only=True)
class Meta:
    """What `meta.json` says. rates, units: by member."""

    start_ns: int
    rates: dict[str, float]
    units: dict[str, str]


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of a folder."""
    meta = _meta(path)
    found = Assembly(path=path)
    for member, (modality, columns) in _CHANNELS.items():
        if _is_there(found, meta, member):
            _add_channels(found, meta, member, modality, columns)
    if not found.admitted:
        raise BadRecording(path, 0, "a Faros folder without samples of ECG or ACC")
    if _is_there(found, meta, "HRV"):
        _add_intervals(found, meta)
    if _is_there(found, meta, "Marker"):
        _add_markers(found, meta)
    yield found.finish(
        participant=path.resolve().name,
        name=path.resolve().name,
        clock="local",
        device="Bittium Faros",
        source=f"faros: {path.name}",
    )


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001
    """Return whether this is a folder with the description and a table of a Faros."""
    return path.is_dir() and _is_folder(path)


def home(path: Path) -> Path:
    """Return the folder of a member; any other path stands for itself."""
    is_member = path.name == _META or path.name in [f"{member}.csv" for member in _MEMBERS]
    return path.parent if is_member and path.is_file() and _is_folder(path.parent) else path


def _is_folder(path: Path) -> bool:
    if not (path / _META).is_file() or not any((path / f"{member}.csv").is_file() for member in _CHANNELS):
        return False
    try:
        plain = json.loads(peek(path / _META))
    except (ValueError, RecursionError):
        return False
    return isinstance(plain, dict) and "start_time" in plain and isinstance(plain.get("sample_freqs"), dict)


def _meta(path: Path) -> Meta:
    try:
        plain = json.loads(bytes(load(path / _META)[:_MOST_META_BYTES]))
        start_ns, offset = date_ns(str(plain["start_time"]))
        rates = {name: float(rate) for name, rate in plain["sample_freqs"].items()}
        units = {str(name): str(unit) for name, unit in (plain.get("units") or {}).items()}
    except (BadConfiguration, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRecording(path, 0, f"{_META}: {error}") from error
    if offset is not None:
        raise BadRecording(path, 0, f"{_META}: start_time {plain['start_time']!r} has a zone; the device knows none")
    wrong = [name for name, rate in rates.items() if not 0 < rate <= _FASTEST_HZ]
    if wrong:
        raise BadRecording(path, 0, f"{_META}: {wrong[0]} at {rates[wrong[0]]:g} Hz; no sensor of a Faros is so")
    return Meta(start_ns=start_ns, rates=rates, units=units)


def _is_there(found: Assembly, meta: Meta, member: str) -> bool:
    """Return whether a member has a rate and rows, and note if not."""
    file = found.path / f"{member}.csv"
    has_rows = file.is_file() and len(lines_of(peek(file))) > 1
    if not has_rows:
        found.note(f"{file.name} has no samples" if file.is_file() else f"no {file.name}")
    elif member not in meta.rates:
        found.note(f"{file.name} has no rate in {_META}; left out")
    return has_rows and member in meta.rates


def _columns(found: Assembly, member: str, names: list[str]) -> tuple[list[tuple[NDArray[Any], NDArray[np.bool_] | None]], int]:
    """Return the samples of each column, which of them are missing, and how many rows were malformed."""
    file = found.path / f"{member}.csv"
    header = cells_of(lines_of(peek(file))[0], ",")
    wanted = {name: ChannelColumn(modality="other") for name in names}
    rows = parse_rows(file, Mapping(channels=wanted, rate_hz=1, header=True, delimiter=","), names=header)
    try:
        pairs = [numbers(rows.columns[name]) for name in names]
    except BadConfiguration as error:
        raise BadRecording(file, 0, str(error)) from error
    return [(_whole(samples), missing) for samples, missing in pairs], rows.malformed


def _whole(samples: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers that were written with a point as int16, anything else as it is."""
    if samples.dtype.kind != "f" or len(samples) == 0:
        return samples
    with np.errstate(invalid="ignore"):
        fits = np.isfinite(samples).all() and np.abs(samples).max() < 2**15 and (samples == np.rint(samples)).all()
    return samples.astype(np.int16) if fits else samples


def _add_channels(found: Assembly, meta: Meta, member: str, modality: str, columns: dict[str, str]) -> None:
    pairs, malformed = _columns(found, member, list(columns))
    lost = (Finding(action="dropped", samples=malformed, reason="row with too few or too many cells"),) if malformed else ()
    written = meta.units.get(member, "uV" if member == "ECG" else "mg")
    meaning = given(modality, unit=written)
    for axis, (samples, missing) in zip(columns.values(), pairs, strict=True):
        found.add(
            Series(
                label=f"{member} {axis}".strip(),
                meaning=replace(meaning, axis=axis, placement="chest"),
                samples=samples,
                rate_hz=meta.rates[member],
                start_ns=meta.start_ns,
                missing=missing,
                missing_reason="empty cell, or not a number",
                findings=lost,
            )
        )


def _add_intervals(found: Assembly, meta: Meta) -> None:
    """Add intervals between beats; each ends where the device reports it."""
    [(samples, _)], _ = _columns(found, "HRV", ["HRV"])
    values = samples.astype(np.float64)
    step_ns = SECOND / meta.rates["HRV"]
    reported = np.isfinite(values) & (values > 0)
    plausible = reported & (values >= _IBI_MS[0]) & (values <= _IBI_MS[1])
    for row in np.flatnonzero(plausible).tolist():
        length = round(float(values[row]) * 1_000_000)
        found.events.append(("ibi", meta.start_ns + round(row * step_ns) - length, length, "", float(values[row]) / 1000))
    if np.count_nonzero(reported & ~plausible):
        left = np.count_nonzero(reported & ~plausible)
        found.note(f"{left} intervals of HRV.csv are not between {_IBI_MS[0]:g} and {_IBI_MS[1]:g} ms; left out")


def _add_markers(found: Assembly, meta: Meta) -> None:
    [(samples, _)], _ = _columns(found, "Marker", ["Marker"])
    values = np.nan_to_num(samples.astype(np.float64))
    step_ns = SECOND / meta.rates["Marker"]
    for start, stop, _ in runs((values != 0).astype(np.int8), within=Spans.from_mask(values != 0)):
        onset = meta.start_ns + round(start * step_ns)
        found.events.append(("tag", onset, round((stop - start) * step_ns), "", float("nan")))


READER = Reader(
    name="faros",
    describes="Bittium Faros: a folder of exported tables with meta.json",
    devices=("Bittium Faros 180", "Bittium Faros 360"),
    clock="wall clock of the device, no zone: local",
    suffixes=("meta.json",),
    recognises=recognises,
    read=read,
    home=home,
)
