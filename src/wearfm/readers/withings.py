"""Withings: the CSV files of a data export, of the sleep mat, watches, scales and blood pressure monitors: a folder.

Withings (and Nokia Health): "Download your data" gives a folder of tables. Series are rows of a start, an array of durations in
seconds and an array of values; which quantity they hold is told by the file's name alone. Facts of the format: genuine files of
2020; the codes of states as Withings' public API has them ("Sleep v2 - Get", state).

| file | in the recording |
|---|---|
| `raw_*_hr.csv`, `raw_*_respiratory-rate.csv` | channels `hr`, `resp_rate` where each value is of a minute, else events |
| `raw_*_sleep-state.csv` | events `sleep_stage`: `W` (0), `light` (1), `deep` (2), `REM` (3) |
| `raw_*_snoring.csv` | events `snoring`, where it is above 0 |
| `raw_*_steps.csv`, `raw_*_distance.csv` (m) | channels `steps`, `distance` by the minute: totals in proportion to time |
| `raw_*_elevation.csv`, `raw_*_calories-earned.csv` and others | not read, noted |
| `sleep.csv` | events `sleep_night`, the span in bed; and its light, deep and REM sleep and waking in seconds |
| `weight.csv` (kg) | events `weight_kg` |
| `bp.csv` | events `sbp_mmHg`, `dbp_mmHg`, `hr` |

**Time.** Starts carry their offset: UTC, one recording for each stretch of equal offset. Tables of weight and blood pressure
have wall-clock times without a zone (`local`): they make a recording of their own. Rows may come in any order.

**Overlaps.** A minute that two rows hold is taken from the first in time; the others are dropped and counted.

**Broken files.** Rows whose arrays cannot be read or differ in length, and starts that are no date, are counted in a note.

**Limits.** Titles of `sleep.csv` are translated: its columns are taken in their order.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, EventRow
from wearfm.readers.base import Reader, load, peek
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import date_ns, stretches
from wearfm.readers.totals import LONGEST_S, MINUTE_S, Totals, minute_series, spread, stamped_minutes
from wearfm.signals.recording import SECOND, Clock, Recording
from wearfm.signals.units import MODALITIES

FIRST_S, LAST_S = 315_532_800, 4_102_444_800  # the years 1980 to 2100
LONGEST_GAP_S = 400 * 86_400  # series that are further apart are not laid on one axis
_SERIES = re.compile(r"start,duration,value\s*")
_NIGHTS = re.compile(r'[^,\n]{1,20},[^,\n]{1,20},"?[^,\n]{1,30}\(s\)"?,"?[^,\n]{1,30}\(s\)"?,"?rem \(s\)"?', re.IGNORECASE)
_SCALE = re.compile(r'Date,"?Weight \(kg\)"?')
_PRESSURE = re.compile(r'Date,"?Heart rate"?,"?Systolic"?,"?Diastolic"?')
_QUANTITY = re.compile(r"raw_.+_([a-z-]+)", re.IGNORECASE)
_RATES = {"hr": "hr", "respiratory-rate": "resp_rate"}
_TOTALS = {"steps": ("steps", "count"), "distance": ("distance", "m")}
_STAGES = {0: "W", 1: "light", 2: "deep", 3: "REM"}
_NIGHT_PARTS = ("light", "deep", "REM", "W")

Cell = tuple[int, int, int, float]  # start and duration in seconds, offset from UTC, value


@dataclass(kw_only=True, eq=False)
class Contents:
    """What the files of a folder hold. cells: quantity -> values with their times. zoned: events with an offset."""

    cells: dict[str, list[Cell]] = field(default_factory=dict)
    zoned: list[tuple[int, EventRow]] = field(default_factory=list)
    unzoned: list[EventRow] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)


def read(path: Path) -> Iterator[Recording]:
    """Yield the recordings of a folder or of a single file: one for each stretch of equal offset."""
    contents = Contents()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file == path or _is_member(file):
            _take(contents, file)
        elif file.name.lower().endswith((".csv", ".csv.gz")):
            contents.unread.append(file.name)
    notes = [f"{count} {what}; left out" for what, count in sorted(contents.lost.items())]
    notes += [f"not read: {', '.join(contents.unread)}"] if contents.unread else []
    if not (any(contents.cells.values()) or contents.zoned or contents.unzoned):
        raise BadRecording(path, 0, "; ".join(["no row that can be read", *notes])[:500])
    recordings = [*_zoned(path, contents, notes), *_unzoned(path, contents, notes)]
    if not recordings:
        raise BadRecording(path, 0, "; ".join(["no value that can be read", *notes])[:500])
    yield from recordings


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a folder with tables of an export, or one of them."""
    if path.is_dir():
        return any(_is_member(file) for file in path.iterdir())
    return _is_table(head)


def home(path: Path) -> Path:
    """Return the folder of a member; any other path stands for itself."""
    return path.parent if _is_member(path) else path


def _is_member(path: Path) -> bool:
    if not path.name.lower().endswith((".csv", ".csv.gz")) or not path.is_file():
        return False
    try:
        return _is_table(peek(path))
    except BadRecording:
        return False


def _is_table(head: bytes) -> bool:
    line = head[:400].split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").strip()
    return bool(_SERIES.fullmatch(line)) or any(pattern.match(line) for pattern in (_NIGHTS, _SCALE, _PRESSURE))


def _take(contents: Contents, file: Path) -> None:
    text = load(file).tobytes().decode("utf-8-sig", errors="replace")
    line, _, rest = text.partition("\n")
    rows = csv.reader(rest.splitlines(), strict=False)
    if _SERIES.fullmatch(line.strip()):
        _take_series(contents, file, rows)
    elif _NIGHTS.match(line):
        _take_nights(contents, rows)
    elif _SCALE.match(line):
        _take_measures(contents, rows, ("weight_kg", "body_mass"))
    else:
        _take_measures(contents, rows, ("hr", "hr"), ("sbp_mmHg", "pressure"), ("dbp_mmHg", "pressure"))


def _rows(contents: Contents, rows: Iterator[list[str]], *, least: int) -> Iterator[list[str]]:
    """Yield the rows that have as many cells; a cell of 128 kB and more, or a stray quote, ends the table."""
    try:
        for cells in rows:
            if len(cells) >= least:
                yield cells
            elif cells:
                contents.lost["rows with too few cells"] += 1
    except csv.Error:
        contents.lost["tables that break off"] += 1


def _take_series(contents: Contents, file: Path, rows: Iterator[list[str]]) -> None:
    match = _QUANTITY.match(file.name.split(".")[0])
    quantity = match[1].lower() if match else ""
    if quantity not in (*_RATES, *_TOTALS, "sleep-state", "snoring"):
        contents.unread.append(file.name)
        return
    kept = contents.cells.setdefault(quantity, [])
    for start, durations, values in (cells[:3] for cells in _rows(contents, rows, least=3)):
        begun = _start(contents, start)
        arrays = _arrays(durations, values)
        if begun is None or arrays is None:
            contents.lost["rows of a series that cannot be read"] += 1
            continue
        second, offset = begun
        for lasts, value in zip(*arrays, strict=True):
            kept.append((second, lasts, offset, value))
            second += lasts


def _arrays(durations: str, values: str) -> tuple[list[int], list[float]] | None:
    """Return the durations and the values of a row, None if they are no arrays of numbers of equal length."""
    try:
        lasting, found = json.loads(durations), json.loads(values)
    except (ValueError, RecursionError):
        return None
    if not isinstance(lasting, list) or not isinstance(found, list) or len(lasting) != len(found):
        return None
    if not all(isinstance(each, int) and 0 < each <= LONGEST_S for each in lasting):
        return None
    if not all(isinstance(each, int | float) and abs(each) < 1e9 for each in found):
        return None
    return lasting, [float(each) for each in found]


def _start(contents: Contents, text: str) -> tuple[int, int] | None:
    """Return seconds of UTC and the offset of a start."""
    try:
        at, offset = date_ns(text)
    except BadConfiguration:
        return None
    if offset is None or not FIRST_S <= at // SECOND < LAST_S:
        contents.lost["starts without a zone, or before 1980"] += 1
        return None
    return at // SECOND, offset


def _take_nights(contents: Contents, rows: Iterator[list[str]]) -> None:
    for cells in _rows(contents, rows, least=6):
        begun, ended = _start(contents, cells[0]), _start(contents, cells[1])
        if begun is None or ended is None or not 0 < ended[0] - begun[0] <= LONGEST_S:
            contents.lost["nights without a beginning and an end"] += 1
            continue
        span = (begun[0] * SECOND, (ended[0] - begun[0]) * SECOND)
        contents.zoned.append((begun[1], ("sleep_night", *span, "", float(ended[0] - begun[0]))))
        for label, cell in zip(_NIGHT_PARTS, cells[2:6], strict=True):
            if re.fullmatch(r"\d{1,6}", cell):
                contents.zoned.append((begun[1], ("sleep_night", *span, label, float(cell))))


def _take_measures(contents: Contents, rows: Iterator[list[str]], *kinds: tuple[str, str]) -> None:
    """Take a table of a date on the wall clock and a value for each kind; kinds: (event, modality whose range holds)."""
    for cells in _rows(contents, rows, least=1 + len(kinds)):
        try:
            at, offset = date_ns(cells[0])
        except BadConfiguration:
            contents.lost["rows without a date"] += 1
            continue
        for (kind, like), cell in zip(kinds, cells[1:], strict=False):
            known = MODALITIES[like]
            if not re.fullmatch(r"\d{1,4}(\.\d{1,6})?", cell) or not known.low <= float(cell) <= known.high:
                contents.lost[f"values of {kind} that no body has"] += bool(cell)
            elif offset is None and FIRST_S <= at // SECOND < LAST_S:
                contents.unzoned.append((kind, at, 0, "", float(cell)))
            else:
                contents.lost["dates with a zone, or before 1980"] += 1


def _zoned(path: Path, contents: Contents, notes: list[str]) -> Iterator[Recording]:
    """Yield a recording for each stretch of equal offset over everything that has one."""
    times = [(start, offset) for cells in contents.cells.values() for start, _, offset, _ in cells]
    times += [(row[1] // SECOND, offset) for offset, row in contents.zoned]
    if not times:
        return
    ordered = np.array(sorted(times), dtype=np.int64)
    for number, (first, stop) in enumerate(_parts(ordered), 1):
        begin, offset = int(ordered[first, 0]), int(ordered[first, 1])
        end = int(ordered[stop, 0]) if stop < len(ordered) else LAST_S
        found = Assembly(path=path, notes=list(notes))
        for quantity, cells in contents.cells.items():
            _add(found, quantity, [cell for cell in sorted(cells) if begin <= cell[0] < end and cell[2] == offset])
        found.events += [row for of, row in contents.zoned if begin <= row[1] // SECOND < end and of == offset]
        notes[:] = [] if found.admitted or found.events else found.notes
        if found.admitted or found.events:
            yield _finish(found, path, clock="utc", offset=offset, number=number)


def _parts(ordered: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the stretches of equal offset of (N, 2) rows of time and offset, also parted at gaps of more than a year."""
    parts: list[tuple[int, int]] = []
    for first, stop in stretches(ordered[:, 1]):
        edges = np.flatnonzero(np.diff(ordered[first:stop, 0]) > LONGEST_GAP_S) + first + 1
        bounds = [first, *edges.tolist(), stop]
        parts += pairwise(bounds)
    return parts


def _unzoned(path: Path, contents: Contents, notes: list[str]) -> Iterator[Recording]:
    if contents.unzoned:
        found = Assembly(path=path)
        found.note(*notes)
        found.events += contents.unzoned
        yield _finish(found, path, clock="local", offset=None, number=0)


def _finish(found: Assembly, path: Path, *, clock: Clock, offset: int | None, number: int) -> Recording:
    name = path.resolve().name if path.is_dir() else path.name.split(".")[0]
    part = {0: "measures", 1: name}.get(number, f"{name}, part {number}")
    return found.finish(
        participant=name, name=part, clock=clock, utc_offset_s=offset, device="Withings", source=f"withings: {path.name}"
    )


def _add(found: Assembly, quantity: str, cells: list[Cell]) -> None:
    """Add the values of one quantity, in order of time, as a channel or as events."""
    if not cells:
        return
    if quantity in _TOTALS:
        start, lasts, _, values = (np.array(column) for column in zip(*cells, strict=True))
        minutes = spread(Totals(start_s=start, stop_s=start + lasts, value=values.astype(np.float64)))
        if minutes.overlapping:
            found.note(f"{quantity}: {minutes.overlapping} values overlap with an earlier one; {minutes.lost:.6g} left out")
        name, unit = _TOTALS[quantity]
        found.add(minute_series(minutes, modality=name, unit=unit))
    elif quantity in _RATES and all(start % MINUTE_S == 0 and lasts == MINUTE_S for start, lasts, _, _ in cells):
        minute, values = (np.array(column) for column in zip(*((cell[0] // MINUTE_S, cell[3]) for cell in cells), strict=True))
        meaning = Meaning(modality=_RATES[quantity], unit="1/min")
        found.add(stamped_minutes(minute, values, name=_RATES[quantity], meaning=meaning))
    else:
        _add_events(found, quantity, cells)


def _add_events(found: Assembly, quantity: str, cells: list[Cell]) -> None:
    """Add runs of equal values that follow each other without a gap."""
    kind = {"sleep-state": "sleep_stage"}.get(quantity, _RATES.get(quantity, quantity))
    twice, outside, reach = 0, 0, 0
    for start, lasts, _, value in cells:
        label = _STAGES.get(int(value), "") if quantity == "sleep-state" else ""
        low, high = (MODALITIES[kind].low, MODALITIES[kind].high) if quantity in _RATES else (0.0, 1e9)
        if start < reach:
            twice += 1
            continue
        joins = start == reach
        reach = start + lasts
        if not low <= value <= high or (quantity == "snoring" and value == 0) or (quantity == "sleep-state" and not label):
            outside += quantity != "snoring"
            continue
        row = (kind, start * SECOND, lasts * SECOND, label, float("nan") if label else value)
        before = found.events[-1] if found.events else None
        if before and joins and before[0] == kind and str(before[3:]) == str(row[3:]) and before[1] + before[2] == row[1]:
            row = (kind, before[1], before[2] + row[2], label, row[4])
            found.events.pop()
        found.events.append(row)
    if twice or outside:
        found.note(f"{quantity}: {twice} values of a time that another row holds, {outside} that mean nothing; left out")


READER = Reader(
    name="withings",
    describes="Withings: the tables of a data export (sleep mat, watches, scale, blood pressure): a folder of CSV files",
    devices=("Withings Sleep", "Withings watches", "Withings Body", "Withings BPM"),
    clock="UTC with the offset of each row; weight and blood pressure are on the wall clock",
    suffixes=(".csv",),
    recognises=recognises,
    read=read,
    home=home,
)
