"""ActTrust: actigraphs of Condor Instruments, as the text report that their program (ActStudio) exports.

ActTrust: a block of `NAME : value` lines between two rulers, then a table separated by semicolons. Facts of the format: a
genuine export of software 1.0.13 and the maker's names of the columns.

| in the file | in the recording |
|---|---|
| `PIM`, `TAT`, `ZCM` | channels `counts`: digital integration, time above threshold, zero crossings; integers |
| `PIMn`, `TATn`, `ZCMn` | not read: the same divided by seconds |
| `TEMPERATURE`, `EXT TEMPERATURE` | channels `temp` (degC): the watch at the wrist, and the air |
| `LIGHT`, `AMB LIGHT` | channels `light` (lux) |
| red, green, blue, infrared, UVA, UVB light | channels of modality `other` (microwatts per cm2 in the file) |
| `EVENT` above 0 | events `tag` |
| `STATE` 4 | not valid: off the wrist; events `off_wrist` |
| `SUBJECT_GENDER` | fact `sex` |
| `SUBJECT_NAME` | the participant if it is a code (with a digit, without spaces) |
| date of birth, description | not read |

**Time.** Stamps are on the wall clock of an unknown zone (`local`), day before month. Dates before 1980 are those of files made
anonymous: the time of day is kept, the clock is `relative`.

**Broken files.** Rows with the wrong number of cells or without a time are dropped and counted, words among numbers masked.

**Limits.** Other values of `STATE` (0 awake, 1 asleep, 2 at rest, as remembered) are not read: they stand for a later analysis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, on_grid, runs
from wearfm.readers.base import Reader, load, stem
from wearfm.readers.cells import read_text
from wearfm.readers.columns import numbers
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import undated
from wearfm.readers.subject import code
from wearfm.signals.clock import Grid
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Fact, Recording
from wearfm.signals.spans import Spans

_TITLE = b"Condor Instruments Report"
_FIRST = b"DATE/TIME;"
_OFF = 4
_COLUMNS = {  # title -> modality, unit
    "PIM": ("counts", "count"), "TAT": ("counts", "count"), "ZCM": ("counts", "count"),
    "TEMPERATURE": ("temp", "degC"), "EXT TEMPERATURE": ("temp", "degC"),
    "LIGHT": ("light", "lux"), "AMB LIGHT": ("light", "lux"),
    **{f"{colour} LIGHT": ("other", "au") for colour in ("RED", "GREEN", "BLUE", "IR", "UVA", "UVB")},
}  # fmt: skip
_ON_THE_BODY = ("PIM", "TAT", "ZCM", "TEMPERATURE")


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of a report."""
    content = load(path).tobytes()
    first = content.find(_FIRST)
    if first < 0:
        raise BadRecording(path, 0, "a report without a table of epochs; export it again")
    told = dict(re.findall(r"^([A-Z_]{2,40}) :[ \t]*(.*?)\s*$", content[:first].decode("latin-1"), flags=re.MULTILINE))
    columns, lost = _parse(path, content[first:])
    found = Assembly(path=path)
    seconds = np.asarray(columns["DATE/TIME"].cast(pa.int64()).fill_null(_NO_TIME))
    keep = abs(seconds) < _NO_TIME
    stamps = np.where(keep, seconds, 0) * SECOND
    if not keep.any():
        raise BadRecording(path, first, "no row has a date and a time like 01/02/2020 08:00:00")
    start, clock = undated(int(stamps[keep][0]))
    if clock == "relative":
        found.note("the dates are before 1980, as of a file made anonymous: only times of day are kept")
    interval = told.get("INTERVAL", "")
    rate_hz = 1 / int(interval) if re.fullmatch(r"[1-9]\d{0,4}", interval) else None
    grid = found.grid(stamps[keep] - int(stamps[keep][0]) + start, rate_hz=rate_hz)
    dropped = ((lost, "row with too few or too many cells"), (int(np.count_nonzero(~keep)), "row without a readable time"))
    rows = {name: column.filter(pa.array(keep)) for name, column in columns.items()}
    _add_rows(found, rows, grid, tuple(Finding(action="dropped", samples=n, reason=why) for n, why in dropped if n))
    person, sex = told.get("SUBJECT_NAME", ""), told.get("SUBJECT_GENDER", "").upper()[:1]
    facts: dict[str, Fact] = {"sex": sex} if sex in ("M", "F") else {}
    yield found.finish(
        participant=code(person) or stem(path),
        name=stem(path),
        clock=clock,
        device=f"Condor {told.get('DEVICE_MODEL', 'ActTrust')[:40]}",
        source=f"condor: {path.name}",
        facts=facts,
    )


_NO_TIME = 2**62 // SECOND  # and all years beyond 1823 to 2116


def recognises(path: Path, head: bytes) -> bool:
    """Return whether the first line names the maker's report."""
    return not path.is_dir() and _TITLE in head[:200]


def _parse(path: Path, table: bytes) -> tuple[dict[str, pa.ChunkedArray], int]:
    """Return the columns, and how many rows had the wrong number of cells."""
    convert = pyarrow.csv.ConvertOptions(column_types={"DATE/TIME": pa.string()}, strings_can_be_null=True)
    read, malformed = read_text(path, table, delimiter=";", convert=convert)
    if len(set(read.column_names)) < len(read.column_names) or "PIM" not in read.column_names:
        raise BadRecording(path, 0, "the table has no column PIM, or two of one name; export it again")
    columns = dict(zip((name.strip() for name in read.column_names), read.columns, strict=True))
    columns["DATE/TIME"] = pc.strptime(columns["DATE/TIME"], format="%d/%m/%Y %H:%M:%S", unit="s", error_is_null=True)
    return columns, malformed


def _add_rows(found: Assembly, rows: dict[str, pa.ChunkedArray], grid: Grid, findings: tuple[Finding, ...]) -> None:
    off = _equals(rows, "STATE", _OFF)
    for title, (modality, unit) in _COLUMNS.items():
        if title not in rows:
            continue
        try:
            samples, missing = numbers(rows[title])
        except BadConfiguration as error:
            raise BadRecording(found.path, 0, f"column {title!r}: {error}") from error
        empty = np.zeros(len(samples), dtype=bool) if missing is None else missing
        found.add(
            on_grid(
                grid,
                samples,
                label=title,
                meaning=Meaning(modality=modality, unit=unit, placement="wrist" if title in _ON_THE_BODY else ""),
                missing=empty | off,
                missing_reason="off the wrist, or not a number",
                findings=findings,
            )
        )
    step = SECOND / grid.rate_hz
    marked = ~_equals(rows, "EVENT", 0) if "EVENT" in rows else np.zeros(len(off), dtype=bool)
    for row in grid.position[grid.keep & marked].tolist():
        found.events.append(("tag", grid.start_ns + round(row * step), 0, "", float("nan")))
    laid = np.asarray(grid.lay(off), dtype=np.int64)
    for start, stop, _ in runs(laid, within=grid.present & Spans.from_mask(laid > 0)):
        onset, end = (grid.start_ns + round(at * step) for at in (start, stop))
        found.events.append(("off_wrist", onset, end - onset, "", float("nan")))


def _equals(rows: dict[str, pa.ChunkedArray], title: str, value: int) -> NDArray[np.bool_]:
    if title not in rows:
        return np.zeros(len(rows["PIM"]), dtype=bool)
    return np.asarray(pc.equal(rows[title].cast(pa.string()), str(value)).fill_null(value == 0).combine_chunks())


READER = Reader(
    name="condor",
    describes="ActTrust actigraphs of Condor Instruments: the text report of their program",
    devices=("Condor ActTrust", "Condor ActTrust2"),
    clock="local: the wall clock of the computer that started the watch, without a zone",
    suffixes=(".txt",),
    recognises=recognises,
    read=read,
)
