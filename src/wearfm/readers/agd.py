"""ActiGraph AGD: the database of epochs that ActiLife makes: counts, steps, light, posture, wear and sleep periods.

ActiLife's epoch file (ActiGraph): an SQLite database with the tables `settings` and `data`; gzipped or not. Recognised by
SQLite's signature and these tables.

| table and column | in the recording |
|---|---|
| `data.axis1`, `axis2`, `axis3` | channels `counts` of an epoch: vertical, horizontal and perpendicular axis of the device |
| `data.steps`, `data.lux` | channels `steps` and `light` (mean of the epoch; 65535 is missing) |
| `data.inclineOff`, `inclineStanding`, `inclineSitting`, `inclineLying` | events `posture`, one for each run of the longest |
| `capsense.state` | events `wear`, labels `worn` and `not worn`, one for each run |
| `sleep.inBedTimestamp`, `outBedTimestamp` | events `sleep_stage`, label `in_bed` |
| `settings.epochlength` | rate |
| `settings.subjectname`, if it is one word with a digit in it | participant; else the name of the file |
| `settings.sex`, `age` | facts |

**Time.** Stamps are .NET ticks (100 ns since the year 1) on the wall clock of the device; the file does not tell its zone:
local time. An epoch that is missing is a gap.

**Broken files.** A database that SQLite cannot read is refused. Values that are no numbers are masked and counted; stamps
out of order are dropped and counted.

**Limits.** Heart beats in an epoch (ActiTrainer) have no unit that is described, height and mass come in the units of
whoever entered them; both are left out. What ActiLife scored later (energy, awakenings, filters) is not read.

Source: ActiGraph, "AGD data table format" (support.theactigraph.com); ActiLife 6 User's Manual (SFT12DOC13, 2012).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, EventRow, on_grid, printable
from wearfm.readers.base import Reader, load, stem
from wearfm.readers.labels import Meaning
from wearfm.readers.subject import code, facts_of, number
from wearfm.signals.clock import Grid
from wearfm.signals.recording import SECOND, Recording

_SIGNATURE = b"SQLite format 3\x00"
_MOST_BYTES = 2**30  # a year of epochs of a second is a third of that
_TICKS_1970 = 621_355_968_000_000_000
_DAY = 86_400 * 10_000_000
_EARLIEST_TICKS, _LATEST_TICKS = _TICKS_1970 + 3653 * _DAY, _TICKS_1970 + 47_481 * _DAY  # 1980 to 2100
_COLUMNS = {
    "axis1": Meaning(modality="counts", unit="count"),
    "axis2": Meaning(modality="counts", unit="count"),
    "axis3": Meaning(modality="counts", unit="count"),
    "steps": Meaning(modality="steps", unit="count"),
    "lux": Meaning(modality="light", unit="lux"),
}
POSTURES = {"inclineoff": "off", "inclinestanding": "standing", "inclinesitting": "sitting", "inclinelying": "lying"}
_NO_LUX = 65_535.0


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of an AGD file."""
    content = bytes(load(path))
    if len(content) > _MOST_BYTES:
        raise BadRecording(path, 0, f"{len(content)} bytes; a database of epochs has at most {_MOST_BYTES}")
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
            database.deserialize(content)
            recording = _recording(path, database, tuple(_cut(content)))
    except (sqlite3.Error, OverflowError) as error:
        raise BadRecording(path, 0, f"damaged database: {error}") from error
    yield recording


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a database with ActiLife's tables."""
    return not path.is_dir() and head.startswith(_SIGNATURE) and b"dataTimestamp" in head and b"settingName" in head


def postures(grid: Grid, seconds: Mapping[str, NDArray[np.float64]]) -> Iterator[EventRow]:
    """Yield one event for each run of epochs in which the same posture lasts longest. seconds: column -> (N,) in file order."""
    names = [name for name in POSTURES if name in seconds]
    if not names:
        return
    laid = np.stack([grid.lay(np.nan_to_num(seconds[name])) for name in names])
    longest = np.where(grid.present.mask(grid.length) & (laid.max(axis=0) > 0), laid.argmax(axis=0), -1)
    edges = np.concatenate(([0], np.flatnonzero(np.diff(longest)) + 1, [len(longest)])).tolist()
    step = SECOND / grid.rate_hz
    for start, stop in pairwise(edges):
        if longest[start] >= 0:
            begin = grid.start_ns + round(start * step)
            yield "posture", begin, round((stop - start) * step), POSTURES[names[longest[start]]], float("nan")


def _recording(path: Path, database: sqlite3.Connection, notes: tuple[str, ...]) -> Recording:
    settings = _settings(database)
    epoch_s = number(settings.get("epochlength", ""))
    if epoch_s is None or not 1 <= epoch_s <= 86_400:
        given = settings.get("epochlength", "")[:40]
        raise BadRecording(path, 0, f"epochlength {given!r}; it must be 1 to 86400 s")
    columns = _data(database)
    ticks = columns.pop("datatimestamp", np.zeros(0))
    good = (ticks >= _EARLIEST_TICKS) & (ticks < _LATEST_TICKS)
    if not good.any():
        raise BadRecording(path, 0, "the table data holds no epoch with a date")
    found = Assembly(path=path, notes=list(notes))
    if not good.all():
        found.note(f"{np.count_nonzero(~good)} epochs without a date are left out")
    grid = found.grid(_nanoseconds(ticks[good]), rate_hz=1 / epoch_s)
    columns = {name: column[good] for name, column in columns.items()}
    for name in (each for each in _COLUMNS if each in columns):
        _add(found, grid, name, _COLUMNS[name], columns[name])
    found.events.extend(postures(grid, columns))
    found.events.extend(_wear(database))
    found.events.extend(_in_bed(database))
    if "hr" in columns:
        found.note("heart beats in an epoch are left out; their unit is not described")
    return found.finish(
        participant=code(settings.get("subjectname", "")) or stem(path),
        name=stem(path),
        clock="local",
        device=printable(f"ActiGraph {settings.get('devicename', '')}"),
        source=f"agd: {path.name}",
        facts=facts_of(settings, sex="sex", age_years="age"),
    )


def _cut(content: bytes) -> Iterator[str]:
    """Yield a note if the file is shorter than its header says: pages, at byte 28, of a size, at byte 16."""
    size = int.from_bytes(content[16:18], "big")
    whole = int.from_bytes(content[28:32], "big") * (65_536 if size == 1 else size)
    if len(content) < whole:
        yield f"the database is cut off after {len(content)} of {whole} bytes"


def _settings(database: sqlite3.Connection) -> dict[str, str]:
    rows = database.execute("SELECT settingName, settingValue FROM settings LIMIT 1000")
    return {str(name).lower(): str(value) for name, value in rows}


def _data(database: sqlite3.Connection) -> dict[str, NDArray[np.float64]]:
    """Return the columns of the table of epochs that are read, in lower case, (N,) each; what is no number is NaN."""
    present = {str(row[1]).lower() for row in database.execute("PRAGMA table_info(data)")}
    names = [name for name in (*_COLUMNS, *POSTURES, "hr") if name in present]
    asked = ", ".join(f"CASE WHEN typeof({name}) IN ('integer', 'real') THEN {name} END" for name in names)
    ticks = "CASE WHEN typeof(dataTimestamp) = 'integer' THEN dataTimestamp END"
    rows = database.execute(f"SELECT {', '.join(filter(None, (ticks, asked)))} FROM data")
    found = np.array(rows.fetchall(), dtype=np.float64).reshape(-1, len(names) + 1)
    return dict(zip(("datatimestamp", *names), found.T, strict=True))


def _nanoseconds(ticks: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return nanoseconds since 1970 of ticks, which float64 holds to 13 us: epochs begin at whole milliseconds."""
    return np.rint((ticks - _TICKS_1970) / 10_000).astype(np.int64) * 1_000_000


def _add(found: Assembly, grid: Grid, name: str, meaning: Meaning, values: NDArray[np.float64]) -> None:
    missing = ~np.isfinite(values) | ((name == "lux") & (values == _NO_LUX))
    filled = np.where(missing, 0, values)
    whole = bool((filled == np.rint(filled)).all()) and float(np.abs(filled).max(initial=0)) < 2**31
    samples = filled.astype(np.int32) if whole else filled.astype(np.float32)
    found.add(on_grid(grid, samples, label=name, meaning=meaning, missing=missing, missing_reason="no number, or 65535 lux"))


def _wear(database: sqlite3.Connection) -> Iterator[EventRow]:
    """Yield one event for each run of minutes worn or not worn; a run lasts to the entry that ends it."""
    rows = _stamped(database, "capsense", "timeStamp", "state")
    begun = None
    for ticks, state in rows:
        if begun is None or (state > 0) != begun[1]:
            if begun is not None:
                yield _worn(begun, ticks)
            begun = (ticks, state > 0)
    if begun is not None:
        yield _worn(begun, rows[-1][0])


def _worn(begun: tuple[int, bool], until_ticks: int) -> EventRow:
    ticks, is_worn = begun
    label = "worn" if is_worn else "not worn"
    return "wear", (ticks - _TICKS_1970) * 100, max(until_ticks - ticks, 0) * 100, label, float(is_worn)


def _in_bed(database: sqlite3.Connection) -> Iterator[EventRow]:
    for begin, end in _stamped(database, "sleep", "inBedTimestamp", "outBedTimestamp"):
        if end > begin:
            yield "sleep_stage", (begin - _TICKS_1970) * 100, min(end - begin, 10**13) * 100, "in_bed", float("nan")


def _stamped(database: sqlite3.Connection, table: str, stamp: str, value: str) -> list[tuple[int, int]]:
    """Return rows of a stamp that is a date and an integer, in order of time; none if there is no such table."""
    if not database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone():
        return []
    asked = f"SELECT {stamp}, {value} FROM {table} WHERE typeof({stamp}) = 'integer' AND typeof({value}) = 'integer'"
    rows = database.execute(asked).fetchall()
    return sorted((int(ticks), int(number)) for ticks, number in rows if _EARLIEST_TICKS <= ticks < _LATEST_TICKS)


READER = Reader(
    name="agd",
    describes="ActiGraph AGD: ActiLife's database of counts, steps, light, posture and wear in epochs",
    devices=("ActiGraph ActiLife",),
    clock="wall clock of an unknown zone: local",
    suffixes=(".agd",),
    recognises=recognises,
    read=read,
)
