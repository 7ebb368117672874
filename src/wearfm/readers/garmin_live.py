"""Garmin live data: what a Garmin watch sends to a phone, as the study app of ETH Zurich wrote it: a folder of two tables.

Garmin live data: `acc.csv` (a stamp and three axes) and `data.csv` (a stamp, the name of a quantity, a value), separated by
semicolons, without titles, gzipped or not; they come with FLIRT, the feature library of ETH Zurich (Föll et al. 2021, Comput.
Methods Programs Biomed. 212:106461). Facts of the format: those genuine files. A folder is one recording for each offset from
UTC.

| line | in the recording |
|---|---|
| three integers | three channels `acc`, in thousandths of g: at rest their length is 930 to 1000 |
| `HEART_RATE` | events `hr` |
| `HEART_RATE_VARIABILITY` | events `ibi`: milliseconds between two beats in the file; the event ends at the stamp |
| `STRESS` | events `stress`, 0 to 100; negative values, which say why there is none, are left out and counted |
| `STEPS` | channel `steps`: what is added to the day's count, over the time since the line before |
| `CALORIES`, `ASCENT`, `INTENSITY_MINUTES`, others | not read, counted in a note |

**Time.** Each line carries its offset: UTC. Stamps are those of arrival on the phone: samples of acceleration come in bursts.

**Broken files.** Lines with the wrong number of cells, without a time or a number are counted in a note.

**Limits.** Placement is the wrist. Units are not in the files; they follow from the values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.base import Reader, load, peek
from wearfm.readers.cells import read_text
from wearfm.readers.columns import millisecond_stamps, numbers
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import offset_s, stretches
from wearfm.readers.totals import LONGEST_S, Totals, minute_series, spread
from wearfm.signals.recording import SECOND, Events, Recording
from wearfm.signals.units import MODALITIES

_STAMP = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"
_LINE = {
    "acc": re.compile(_STAMP + r";-?\d{1,5};-?\d{1,5};-?\d{1,5}\r?"),
    "data": re.compile(_STAMP + r";[A-Z][A-Z0-9_]{2,40};-?\d{1,9}(?:\.\d{1,9})?\r?"),
}
_MOST_STEPS = 1000  # a minute; a count that grows faster is another day's
_FIRST_NS, _LAST_NS = 946_684_800 * SECOND, 4_102_444_800 * SECOND  # the years 2000 to 2100


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines:
    """One table. time_ns, offset_s: (N,) of UTC and local time minus UTC. cells: the columns behind the stamp."""

    kind: str
    time_ns: NDArray[np.int64]
    offset_s: NDArray[np.int64]
    cells: list[pa.ChunkedArray]

    def select(self, rows: NDArray[np.bool_]) -> Lines:
        """Return the chosen rows."""
        cells = [column.filter(pa.array(rows)) for column in self.cells]
        return Lines(kind=self.kind, time_ns=self.time_ns[rows], offset_s=self.offset_s[rows], cells=cells)


def read(path: Path) -> Iterator[Recording]:
    """Yield the recordings of a folder, or of a single table: one for each stretch of equal offset."""
    files = sorted(file for file in path.iterdir() if _is_member(file)) if path.is_dir() else [path]
    notes: list[str] = []
    tables = [lines for file in files if len((lines := _parse(file, notes)).time_ns)]
    if not tables:
        raise BadRecording(path, 0, "; ".join(["no line that can be read", *notes])[:500])
    times = np.concatenate([lines.time_ns for lines in tables])
    order = np.argsort(times, kind="stable")
    times, offsets = times[order], np.concatenate([lines.offset_s for lines in tables])[order]
    name = path.resolve().name if path.is_dir() else path.name.split(".")[0]
    number = 0
    for first, stop in stretches(offsets):
        found = Assembly(path=path, notes=notes)
        end = times[stop] if stop < len(times) else _LAST_NS
        for lines in tables:
            inside = (lines.time_ns >= times[first]) & (lines.time_ns < end) & (lines.offset_s == offsets[first])
            (_add_acceleration if lines.kind == "acc" else _add_data)(found, lines.select(inside))
        if not found.admitted and not any(len(block) for block in found.blocks):
            continue
        number, notes = number + 1, []
        yield found.finish(
            participant=name,
            name=name if number == 1 else f"{name}, part {number}",
            clock="utc",
            utc_offset_s=int(offsets[first]),
            device="Garmin",
            source=f"garmin_live: {path.name}",
        )
    if number == 0:
        raise BadRecording(path, 0, "; ".join(["nothing that can be read", *notes])[:500])


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a folder with tables of the app, or one of them."""
    if path.is_dir():
        return any(_is_member(file) for file in path.iterdir())
    return _kind(head) != ""


def home(path: Path) -> Path:
    """Return the folder of a member; any other path stands for itself."""
    return path.parent if _is_member(path) else path


def _kind(head: bytes) -> str:
    """Return which table begins so, judged by its first lines; "" for none."""
    lines = head[:2000].decode("latin-1").split("\n")[:8]
    whole = lines[:-1] if len(lines) > 1 else lines
    return next((kind for kind, line in _LINE.items() if whole and all(map(line.fullmatch, whole))), "")


def _is_member(path: Path) -> bool:
    if not path.name.lower().endswith((".csv", ".csv.gz", ".txt")) or not path.is_file():
        return False
    try:
        return _kind(peek(path)) != ""
    except BadRecording:
        return False


def _parse(file: Path, notes: list[str]) -> Lines:
    kind, content = _kind(peek(file)), load(file)
    names = ["time", "x", "y", "z"] if kind == "acc" else ["time", "name", "value"]
    convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    table, malformed = read_text(file, content, names=names, delimiter=";", convert=convert)
    wall, has_time = millisecond_stamps(table.column("time"))
    offset = _offsets(pc.utf8_slice_codeunits(table.column("time"), 23, 30))
    keep = has_time & (offset != _NONE)
    is_number = pc.match_substring_regex(table.column(names[-1]), r"^-?\d{1,9}(\.\d{1,9})?$").combine_chunks()
    keep &= np.asarray(is_number).astype(bool)
    utc = wall - np.where(keep, offset, 0) * SECOND
    keep &= (utc >= _FIRST_NS) & (utc < _LAST_NS)
    if malformed or not keep.all():
        count = malformed + int(np.count_nonzero(~keep))
        notes.append(f"{count} lines of {file.name} have no time, no number or the wrong number of cells; left out")
    whole = Lines(kind=kind, time_ns=utc, offset_s=offset, cells=list(table.columns[1:]))
    return whole.select(keep)


_NONE = np.iinfo(np.int32).min


def _offsets(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return offsets like "+02:00" in seconds, (N,), `_NONE` for what is none."""
    encoded = column.combine_chunks().dictionary_encode()
    told = [offset_s(text) if re.fullmatch(r"[+-]\d\d:\d\d", text or "") else None for text in encoded.dictionary.to_pylist()]
    meaning = np.array([*(_NONE if each is None else each for each in told), _NONE], dtype=np.int64)
    return np.asarray(meaning[np.asarray(encoded.indices.fill_null(-1))], dtype=np.int64)


def _add_acceleration(found: Assembly, lines: Lines) -> None:
    """Add three axes on the regular axis that their stamps make."""
    if len(lines.time_ns) < 2:
        found.note(f"{len(lines.time_ns)} lines of acceleration have no rate; left out")
        return
    grid = found.grid(lines.time_ns)
    for axis, cells in zip("xyz", lines.cells, strict=True):
        samples, missing = numbers(cells)
        whole = samples.astype(np.int32) if np.array_equal(samples, np.rint(samples.astype(np.float64))) else samples
        meaning = Meaning(modality="acc", unit="mg", axis=axis, placement="wrist")
        found.add(on_grid(grid, whole, label=f"ACC {axis}", meaning=meaning, missing=missing, missing_reason="not a number"))


def _add_data(found: Assembly, lines: Lines) -> None:
    """Add the quantities of a table of names and values."""
    names = np.asarray(lines.cells[0].combine_chunks().to_numpy(zero_copy_only=False))
    values = np.asarray(lines.cells[1].cast(pa.float64()).combine_chunks())
    unread: dict[str, int] = {}
    for name in sorted(set(names.tolist())):
        rows = names == name
        at, value = lines.time_ns[rows], values[rows]
        if name == "HEART_RATE":
            _add_events(found, "hr", at, value, low=MODALITIES["hr"].low, high=MODALITIES["hr"].high)
        elif name == "HEART_RATE_VARIABILITY":
            _add_events(found, "ibi", at, value / 1000, low=0.2, high=10.0, covers=True)
        elif name == "STRESS":
            _add_events(found, "stress", at, value, low=0.0, high=100.0)
        elif name == "STEPS":
            _add_steps(found, at, value)
        else:
            unread[name] = len(value)
    if unread:
        found.note(f"not read: {', '.join(f'{name} ({count})' for name, count in unread.items())}"[:300])


def _add_events(
    found: Assembly,
    kind: str,
    at: NDArray[np.int64],
    value: NDArray[np.float64],
    *,
    low: float,
    high: float,
    covers: bool = False,
) -> None:
    """Add values as events; covers: each covers as many seconds as it says and ends at its stamp."""
    sound = (value >= low) & (value <= high)
    if not sound.all():
        found.note(f"{np.count_nonzero(~sound)} values of {kind} are outside {low:g} to {high:g}; left out")
    lasts = np.rint(value[sound] * SECOND).astype(np.int64) if covers else np.zeros(int(sound.sum()), dtype=np.int64)
    found.blocks.append(
        Events(
            kind=np.full(len(lasts), kind),
            onset_ns=at[sound] - lasts,
            duration_ns=lasts,
            label=np.full(len(lasts), ""),
            value=value[sound],
        )
    )


def _add_steps(found: Assembly, at: NDArray[np.int64], count: NDArray[np.float64]) -> None:
    """Add what each line adds to the count of the day; a smaller count is a new day's."""
    order = np.argsort(at, kind="stable")
    second, count = at[order] // SECOND, count[order]
    begun, ended, more = second[:-1], second[1:], np.diff(count)
    known = (more >= 0) & (ended - begun <= LONGEST_S) & (more <= _MOST_STEPS * np.maximum(ended - begun, 60) / 60)
    if not known.all():
        found.note(f"{np.count_nonzero(~known)} counts of steps begin anew; what came before them that day is not known")
    if known.any():
        minutes = spread(Totals(start_s=begun[known], stop_s=ended[known], value=more[known]))
        found.add(minute_series(minutes, modality="steps", unit="count", placement="wrist"))


READER = Reader(
    name="garmin_live",
    describes="Garmin watches, live data as the study app of ETH Zurich (FLIRT) wrote it: a folder of two tables",
    devices=("Garmin watches",),
    clock="UTC, with the offset of each line",
    suffixes=(".csv",),
    recognises=recognises,
    read=read,
    home=home,
)
