"""Fitabase: tables of Fitbit minutes of many people, as the research service of that name exports them: a folder of CSV files.

Fitabase: each table has a row for a person and an hour ("wide", 60 columns), a minute ("narrow") or a second. Recognised by the
titles of their columns; files may be gzipped. Each person becomes a recording. Titles: Fitabase's public data dictionary.

| table | in the recording |
|---|---|
| `minuteSteps` (wide, narrow) | channel `steps`, integers |
| `minuteIntensities` | channel `intensity`, integers 0 to 3: sedentary, light, fair, very active |
| `minuteCalories` | channel `calories` (kcal) |
| `heartrate_seconds` | events `hr`, one for each row (every 5 to 15 s) |
| `minuteSleep` | events `sleep_stage`: runs of `asleep` (1), `restless` (2), `W` (3) |
| `sleepDay` | events `sleep_day` of a day each, labels `asleep` and `in bed`, value in minutes |
| `weightLogInfo` | events `weight_kg`, `bmi_kg_m2`; the first of each is a fact |
| hours, days, METs | not read: sums of the above |

**Time.** Stamps are on the wall clock of an unknown zone (`local`), month before day, 24 or 12 hours.

**Broken files.** Rows with the wrong number of cells, without a person or without a time are counted in a note. Empty cells are
masked. Of a minute that stands in two tables the first is kept.

**Limits.** The export writes 0, never a gap, where the tracker was not worn: nights beside the bed look like nights asleep. The
data set `fitabase` masks long stillness without logged sleep; this reader does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, EventRow
from wearfm.readers.base import Reader, load, peek
from wearfm.readers.cells import read_text
from wearfm.readers.labels import Meaning
from wearfm.readers.totals import stamped_minutes
from wearfm.signals.recording import SECOND, Events, Fact, Recording
from wearfm.signals.units import MODALITIES

DAY_NS = 86_400 * SECOND
MINUTE_NS = 60 * SECOND
_FORMS = ("%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y")
_YEARS = (1980, 2100)  # as signals.clock
_CHANNELS = {  # title, or beginning of the sixty titles -> modality, unit
    "Steps": ("steps", "count"), "Intensity": ("intensity", "level"), "Calories": ("calories", "kcal"),
}  # fmt: skip
_STAGES = {1: "asleep", 2: "restless", 3: "W"}
_FIRST_NS, _LAST_NS = 315_532_800 * SECOND, 4_102_444_800 * SECOND  # the years 1980 to 2100


@dataclass(frozen=True, kw_only=True, eq=False)
class Minutes:
    """The minutes of one person in one table: time_ns (T,) on the wall clock, value (T,), NaN for none."""

    time_ns: NDArray[np.int64]
    value: NDArray[np.float64]


@dataclass(kw_only=True, eq=False)
class Person:
    """What the tables hold of one person."""

    minutes: dict[str, list[Minutes]] = field(default_factory=lambda: defaultdict(list))
    blocks: list[Events] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)


def read(path: Path) -> Iterator[Recording]:
    """Yield a recording for each person in a folder of tables, or in one table."""
    files = sorted(file for file in path.iterdir() if _is_member(file)) if path.is_dir() else [path]
    people: dict[int, Person] = defaultdict(Person)
    notes: list[str] = []
    is_empty = True
    for file in files:
        _take(people, notes, file)
    if not people:
        raise BadRecording(path, 0, "; ".join(["no row with a person and a time", *notes])[:500])
    for number, person in sorted(people.items()):
        found = Assembly(path=path, events=person.events, blocks=person.blocks, notes=notes)
        _add_minutes(found, person)
        if not found.admitted and not found.events and not any(len(block) for block in found.blocks):
            continue
        notes, is_empty = [], False
        yield found.finish(
            participant=str(number),
            name=path.resolve().name if path.is_dir() else path.name.split(".")[0],
            clock="local",
            device="Fitbit",
            source=f"fitabase: {path.name}",
            facts=_facts(person),
        )
    if is_empty:
        raise BadRecording(path, 0, "; ".join(["no value that can be read", *notes])[:500])


def _add_minutes(found: Assembly, person: Person) -> None:
    for name, tables in person.minutes.items():
        modality, unit = _CHANNELS[name]
        minute = np.concatenate([each.time_ns for each in tables]) // MINUTE_NS
        value = np.concatenate([each.value for each in tables])
        some = np.isfinite(value)
        if some.any():
            meaning = Meaning(modality=modality, unit=unit, placement="wrist")
            found.add(stamped_minutes(minute[some], value[some], name=modality, meaning=meaning))


def _facts(person: Person) -> dict[str, Fact]:
    """Return weight and body mass index, of each the first in time."""
    facts: dict[str, Fact] = {}
    for kind, _, _, _, amount in sorted(person.events, key=lambda row: -row[1]):
        facts |= {kind: amount} if kind in ("weight_kg", "bmi_kg_m2") else {}
    return facts


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a folder with tables of minutes or seconds, or one of them."""
    if path.is_dir():
        return any(_is_member(file) for file in path.iterdir())
    return _kind(_titles(head)) != ""


def home(path: Path) -> Path:
    """Return the folder of a member; any other path stands for itself."""
    return path.parent if _is_member(path) else path


def wall_clock_ns(path: Path, text: str) -> int:
    """Return a stamp as nanoseconds since 1970 on the wall clock; the export writes 24 h, or 12 h with AM and PM."""
    for form in _FORMS:
        try:
            moment = datetime.strptime(str(text), form)
        except ValueError:
            continue
        if _YEARS[0] <= moment.year < _YEARS[1]:
            return round((moment - datetime(1970, 1, 1)).total_seconds()) * SECOND
    raise BadRecording(path, 0, f"time {text!r} is not of the form '4/13/2016 0:00'; export the table again")


def wide(path: Path, table: pa.Table, prefix: str, hour_ns: NDArray[np.int64]) -> dict[int, Minutes]:
    """Return the minutes of every person in a table with a row an hour and a column a minute; hour_ns: (hours,)."""
    person = floats(path, table, "Id").astype(np.int64)
    time_ns = hour_ns[:, None] + np.arange(60) * MINUTE_NS  # (hours, 60)
    value = np.stack([floats(path, table, f"{prefix}{minute:02d}") for minute in range(60)], axis=1)  # (hours, 60)
    return {
        each: Minutes(time_ns=time_ns[person == each].ravel(), value=value[person == each].ravel())
        for each in np.unique(person).tolist()
    }


def floats(path: Path, table: pa.Table, column: str) -> NDArray[np.float64]:
    """Return a column of a table as numbers, (T,); NaN where it is empty, BadRecording if it holds text."""
    try:
        values = table.column(column).cast(pa.float64())
    except pa.ArrowException as error:
        raise BadRecording(path, 0, f"column {column} does not hold numbers ({error})") from error
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _titles(head: bytes) -> tuple[str, ...]:
    line = head[:4096].split(b"\n", 1)[0].decode("utf-8-sig", errors="replace")
    return tuple(title.strip().strip('"') for title in line.split(","))


def _kind(titles: tuple[str, ...]) -> str:
    """Return what a table of these titles holds, "" for none that is read."""
    for name in _CHANNELS:
        if titles[:2] == ("Id", "ActivityHour") and titles[2:] == tuple(f"{name}{minute:02d}" for minute in range(60)):
            return f"wide {name}"
        if titles == ("Id", "ActivityMinute", name):
            return f"narrow {name}"
    return {
        ("Id", "Time", "Value"): "hr",
        ("Id", "date", "value", "logId"): "sleep",
        ("Id", "SleepDay", "TotalSleepRecords", "TotalMinutesAsleep", "TotalTimeInBed"): "nights",
        ("Id", "Date", "WeightKg", "WeightPounds", "Fat", "BMI", "IsManualReport", "LogId"): "weight",
    }.get(titles, "")


def _is_member(path: Path) -> bool:
    if not path.name.lower().endswith((".csv", ".csv.gz")) or not path.is_file():
        return False
    try:
        return _kind(_titles(peek(path))) != ""
    except BadRecording:
        return False


def _take(people: dict[int, Person], notes: list[str], file: Path) -> None:
    kind, titles = _kind(_titles(peek(file))), _titles(peek(file))
    table, lost = _parse(file, titles)
    stamps, has_time = _stamps(table.column(1))
    ids = _ids(table.column(0))
    keep = has_time & (ids >= 0)
    lost += int(np.count_nonzero(~keep))
    if lost:
        notes.append(f"{lost} rows of {file.name} have no person, no time or the wrong number of cells; left out")
    table, stamps, ids = table.filter(pa.array(keep)), stamps[keep], ids[keep]
    if len(ids) == 0:
        return
    if kind.startswith("wide"):
        for person, minutes in wide(file, table, kind[5:], stamps).items():
            people[person].minutes[kind[5:]].append(minutes)
        return
    columns = {title: floats(file, table, title) for title in titles[2:] if title not in ("logId", "LogId", "IsManualReport")}
    for person in np.unique(ids).tolist():
        rows = ids == person
        _take_person(people[person], kind, stamps[rows], {title: column[rows] for title, column in columns.items()})


def _parse(file: Path, titles: tuple[str, ...]) -> tuple[pa.Table, int]:
    text = {titles[0]: pa.string(), titles[1]: pa.string()}
    convert = pyarrow.csv.ConvertOptions(column_types=text, strings_can_be_null=True)
    return read_text(file, load(file), names=titles, skip_rows=1, convert=convert)


def _ids(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the numbers of persons, (N,), -1 for what is none."""
    is_number = pc.match_substring_regex(column, r"^\d{1,18}$")
    clean = pc.if_else(is_number, column, pa.scalar(None, pa.string()))
    return np.asarray(clean.cast(pa.int64()).fill_null(-1), dtype=np.int64)


def _stamps(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return stamps as nanoseconds on the wall clock, (N,), and which could be read."""
    tried = (pc.strptime(column, format=form, unit="s", error_is_null=True) for form in _FORMS)
    seconds = np.asarray(pc.coalesce(*tried).cast(pa.int64()).fill_null(0), dtype=np.int64)
    has_time = (seconds * SECOND > _FIRST_NS) & (seconds < _LAST_NS // SECOND)
    return np.where(has_time, seconds, 0) * SECOND, has_time


def _take_person(person: Person, kind: str, stamps: NDArray[np.int64], columns: dict[str, NDArray[np.float64]]) -> None:
    """Take the rows of one person from a table that is not wide."""
    if kind.startswith("narrow"):
        person.minutes[kind[7:]].append(Minutes(time_ns=stamps, value=columns[kind[7:]]))
    elif kind == "hr":
        rates = columns["Value"]
        sound = (rates >= MODALITIES["hr"].low) & (rates <= MODALITIES["hr"].high)
        person.blocks.append(_block("hr", stamps[sound], rates[sound]))
    elif kind == "sleep":
        person.events += _stages(stamps, columns["value"])
    elif kind == "nights":
        for label, column in (("asleep", "TotalMinutesAsleep"), ("in bed", "TotalTimeInBed")):
            nights = dict(zip(stamps.tolist(), columns[column].tolist(), strict=True))  # nights stand there twice
            person.events += [("sleep_day", at, DAY_NS, label, value) for at, value in nights.items() if np.isfinite(value)]
    else:
        for name, column in (("weight_kg", "WeightKg"), ("bmi_kg_m2", "BMI")):
            pairs = zip(stamps.tolist(), columns[column].tolist(), strict=True)
            person.events += [(name, at, 0, "", value) for at, value in pairs if np.isfinite(value)]


def _block(kind: str, onset_ns: NDArray[np.int64], value: NDArray[np.float64]) -> Events:
    nothing = np.zeros(len(value), dtype=np.int64)
    return Events(
        kind=np.full(len(value), kind), onset_ns=onset_ns, duration_ns=nothing, label=np.full(len(value), ""), value=value
    )


def _stages(stamps: NDArray[np.int64], values: NDArray[np.float64]) -> list[EventRow]:
    """Return runs of equal minutes of sleep that follow each other."""
    order = np.argsort(stamps, kind="stable")
    at, state = stamps[order], values[order]
    breaks = np.flatnonzero((np.diff(at) != MINUTE_NS) | (np.diff(state) != 0)) + 1
    edges = np.concatenate(([0], breaks, [len(at)]))
    return [
        ("sleep_stage", int(at[start]), (stop - start) * MINUTE_NS, _STAGES[int(state[start])], float("nan"))
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        if state[start] in _STAGES
    ]


READER = Reader(
    name="fitabase",
    describes="Fitabase: tables of Fitbit minutes and seconds of many people: a folder of CSV files",
    devices=("Fitbit trackers, exported by Fitabase",),
    clock="local: the wall clock of the tracker, without a zone",
    suffixes=(".csv",),
    recognises=recognises,
    read=read,
    home=home,
)
