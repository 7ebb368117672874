"""Apple Health: everything that iPhone, Apple Watch and other apps have stored, from `export.xml` or the zip around it.

Apple Health: the export of the Health app (Profile > Export All Health Data): `export.xml`, or the zip with
`apple_health_export/export.xml` and `electrocardiograms/*.csv`. Recognised by its root element. It is streamed: of a file of
any size only 20 bytes a record are kept. Each source (an app, a watch, a phone) becomes a recording of its own, since sources
tell of the same steps: never add them up. Names of types are those of Apple's HealthKit documentation, without their prefix.

| in the file | in the recording |
|---|---|
| `StepCount`, `DistanceWalkingRunning` | channels `steps`, `distance`; of an iPhone `phone_steps`, `phone_distance` |
| `FlightsClimbed`, `NumberOfTimesFallen` | channels `flights`, `falls` |
| `ActiveEnergyBurned`, `BasalEnergyBurned` | channels `active_energy`, `basal_energy` |
| `AppleExerciseTime`, `AppleStandTime` | channels `exercise`, `stand`: the share of each minute |
| `HeartRate`, `RestingHeartRate`, `WalkingHeartRateAverage` | events `hr`, `hr_at_rest`, `walking_hr` (1/min) |
| `HeartRateVariabilitySDNN` | events `sdnn` (ms), and a `beat` for each beat behind it |
| `RespiratoryRate`, `OxygenSaturation`, `VO2Max` | events `resp_rate` (1/min), `spo2` (%), `vo2max` (ml/kg/min) |
| temperatures | events `temp` (wrist) and `body_temp` (degC) |
| gait (`WalkingSpeed`, `StairAscentSpeed`, ...) | events `walking_speed`, `step_length`, `double_support`, ... |
| `EnvironmentalAudioExposure` | events `sound` (dB) |
| `BodyMass`, `BodyMassIndex`, `Height`, `BodyFatPercentage` | events `weight_kg`, `bmi_kg_m2`, `height_cm`, `body_fat` (%) |
| blood pressure | events `sbp_mmHg`, `dbp_mmHg` |
| `SleepAnalysis` | events `sleep_stage`: `in_bed`, `asleep`, `light` (Apple's core), `deep`, `REM`, `W` |
| `Workout` | events `workout`, the label is the activity |
| `AppleStandHour`, `MindfulSession`, alerts of the heart | events `stand_hour`, `activity`, `annotation` |
| `Me` | facts `sex` and `age_years` (whole years at the start); the date of birth is not kept |
| electrocardiograms in the zip | recordings of their own, as `apple_ecg` reads them |
| routes, clinical records, all other types | not read; types are counted in a note |

The value of a `beat` is the rate of that beat alone (1/min) as Apple rounds it; its time is good to 10 ms.

**Totals.** A total over an interval is spread over its minutes in proportion to the time in each; nothing is lost. Minutes that
no record touches are not valid: Apple writes no record where nothing was counted. The same record twice is dropped, and
where two records of one source overlap, the time that both cover counts once; notes say how often and how much.

**Time.** UTC, from the offset that each date carries. One recording holds one source and one stretch of equal offset (summer
time, travel); more than 524 288 records go on in another part. The offset is the one that the phone wrote: as a rule that of
the zone in which it was at the time of the export, not of the place of the measurement; in old exports it is the same for all
dates, summer and winter.

**Broken files.** Reading goes on at the next record, and the byte is noted; a missing end is noted, too. Apple's own document
type, which is not well-formed in some versions of iOS, is skipped. A document that declares entities is refused. Records
without a readable date or value, that end before they begin, or whose value no body has, are counted in notes.

**Limits.** Names of sources are not kept, as they hold the owner's; products and the makers' names of models are. The
participant is the first of file and folders whose name is not one that all exports have. Totals over more than 25 h are left
out, since they say nothing of minutes.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers import apple_ecg
from wearfm.readers.apple_types import Meaning
from wearfm.readers.apple_xml import Gatherer, Refused, Rows, gather
from wearfm.readers.assembly import Assembly
from wearfm.readers.base import HEAD, Reader
from wearfm.readers.stamps import stretches
from wearfm.readers.subject import owner
from wearfm.readers.totals import LONGEST_S, Totals, minute_series, spread
from wearfm.signals.recording import SECOND, Events, Fact, Recording
from wearfm.signals.units import modality

MOST_ROWS = 2**19  # records of one recording; 40 MB while it is put together
MOST_ECG_BYTES = 2**24  # 30 s are 150 kB
_ROOT = re.compile(rb"<HealthData[\s>]")
_ZIP = b"PK\x03\x04"
_DAMAGE = (zipfile.BadZipFile, EOFError, zlib.error, OSError, NotImplementedError, RuntimeError)
_SEX = {"HKBiologicalSexFemale": "F", "HKBiologicalSexMale": "M"}
_YEAR_S = 31_556_952

Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]


def read(path: Path) -> Iterator[Recording]:
    """Yield a recording for each source and stretch of equal offset, then the electrocardiograms of a zip."""
    gatherer = Gatherer()
    notes: list[str] = []
    try:
        with _opened(path) as stream:
            notes.extend(gather(stream, gatherer))
    except Refused as error:
        raise BadRecording(path, error.offset, error.reason) from None
    except _DAMAGE as error:
        notes.append(f"the export is damaged ({error}); what came before was read")
    notes += _losses(gatherer)
    taken: dict[str, int] = {}
    while gatherer.sources:
        yield from _recordings(path, gatherer, gatherer.sources.pop(0), notes, taken)
    if not taken:
        raise BadRecording(path, 0, "; ".join(["an export without a record that can be read", *notes])[:500])
    yield from _electrocardiograms(path)


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is an export, or a zip that holds one."""
    if head.startswith(_ZIP):
        return not path.is_dir() and _member(path) is not None
    return _ROOT.search(head) is not None and head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    member = _member(path)
    if member is None:
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open(member) as inside:
        yield cast(BinaryIO, inside)


def _member(path: Path) -> str | None:
    """Return the name of the export in a zip, None if it holds none or is no zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".xml")]
            return next((name for name in names[:8] if _ROOT.search(_begin(archive, name))), None)
    except (*_DAMAGE, ValueError):
        return None


def _begin(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        return member.read(HEAD)


def _losses(gatherer: Gatherer) -> list[str]:
    unread = ", ".join(f"{name} ({count})" for name, count in gatherer.unread.most_common(12))
    notes = [f"{sum(gatherer.unread.values())} records of types or units that are not read: {unread}"] if unread else []
    return notes + [f"{count} times left out: {what}" for what, count in sorted(gatherer.lost.items())]


def _recordings(path: Path, gatherer: Gatherer, rows: Rows, notes: list[str], taken: dict[str, int]) -> Iterator[Recording]:
    """Yield the recordings of one source.

    notes: what the next recording is to say; taken away. taken: parts of each product so far, so that names differ.
    """
    columns = _sorted_columns(rows)
    offsets = np.array([code.offset_s for code in gatherer.codes], dtype=np.int32)[columns[3]]
    parts = [
        (start, min(start + MOST_ROWS, stop))
        for first, stop in stretches(offsets.astype(np.int64))
        for start in range(first, stop, MOST_ROWS)
    ]
    beats = np.frombuffer(rows.beat_ns, dtype=np.int64), np.frombuffer(rows.beat_hr, dtype=np.float64)
    for place, (start, stop) in enumerate(parts):
        found = Assembly(path=path)
        found.note(*notes)
        begin = int(columns[0][start]) * SECOND if place else -(2**62)
        end = int(columns[0][stop]) * SECOND if stop < len(columns[0]) else 2**62
        _add_beats(found, *beats, begin=begin, end=end)
        _add_rows(found, gatherer, cast(Columns, tuple(column[start:stop] for column in columns)), product=rows.product)
        is_empty = not found.admitted and not any(len(block) for block in found.blocks)
        notes[:] = found.notes if is_empty else []
        if is_empty:
            continue
        taken[rows.product] = taken.get(rows.product, 0) + 1
        yield found.finish(
            participant=owner(path),
            name=rows.product if taken[rows.product] == 1 else f"{rows.product}, part {taken[rows.product]}",
            clock="utc",
            utc_offset_s=int(offsets[start]),
            device=rows.device or rows.product,
            source=f"apple_health: {path.name}",
            facts=_facts(gatherer, start_s=int(columns[0][start])),
        )


def _sorted_columns(rows: Rows) -> Columns:
    """Return start, duration, value and code in order of time, taking them out of the rows one after the other."""
    order = np.argsort(np.frombuffer(rows.start_s, dtype=np.uint32), kind="stable")
    columns = []
    for name, kind in (("start_s", np.uint32), ("lasts_s", np.uint32), ("value", np.float64), ("code", np.uint32)):
        columns.append(np.frombuffer(getattr(rows, name), dtype=kind)[order])
        setattr(rows, name, array("I"))
    return cast(Columns, tuple(columns))


def _add_rows(found: Assembly, gatherer: Gatherer, columns: Columns, *, product: str) -> None:
    start, lasts, value, code = _without_copies(found, columns)
    totals: dict[str, list[Totals]] = {}
    meanings: dict[Meaning, list[int]] = {}
    for number in np.unique(code).tolist():
        if (meaning := gatherer.codes[number].meaning) is not None:
            meanings.setdefault(meaning, []).append(number)
    for meaning, numbers in meanings.items():
        chosen = np.isin(code, numbers)
        begin, span = start[chosen].astype(np.int64), lasts[chosen].astype(np.int64)
        values = value[chosen] * meaning.scale + meaning.shift
        if meaning.is_total:
            keep = _believable(found, meaning, (values >= 0) & (values < 1e9), span)
            totals.setdefault(meaning.name, []).append(
                Totals(start_s=begin[keep], stop_s=(begin + span)[keep], value=values[keep])
            )
        else:
            is_label = bool(meaning.label)
            keep = np.ones(len(values), bool) if is_label else _plausible(found, meaning, values)
            found.blocks.append(_block(meaning, begin[keep], span[keep], values[keep]))
    for name, several in totals.items():
        _add_minutes(found, name, several, placement="wrist" if product == "Apple Watch" else "")


def _without_copies(found: Assembly, columns: Columns) -> Columns:
    start, lasts, value, code = columns
    order = np.lexsort((value, lasts, code, start))
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for column in (start, lasts, value.view(np.int64), code):
        same &= column[order[1:]] == column[order[:-1]]
    if not same.any():
        return columns
    found.note(f"{np.count_nonzero(same)} records stand in the export twice; counted once")
    keep = np.ones(len(order), dtype=bool)
    keep[order[1:][same]] = False
    return cast(Columns, tuple(column[keep] for column in columns))


def _believable(found: Assembly, meaning: Meaning, is_sane: NDArray[np.bool_], span: NDArray[np.int64]) -> NDArray[np.bool_]:
    keep: NDArray[np.bool_] = is_sane & (span <= LONGEST_S)
    if not keep.all():
        many = np.count_nonzero(~keep)
        found.note(f"{many} records of {meaning.record_type} are negative, too large or over more than 25 h; left out")
    return keep


def _plausible(found: Assembly, meaning: Meaning, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    keep: NDArray[np.bool_] = (values >= meaning.low) & (values <= meaning.high) & np.isfinite(values)
    if not keep.all():
        many = np.count_nonzero(~keep)
        found.note(f"{many} records of {meaning.record_type} are outside {meaning.low:g} to {meaning.high:g}; left out")
    return keep


def _block(meaning: Meaning, start_s: NDArray[np.int64], lasts_s: NDArray[np.int64], values: NDArray[np.float64]) -> Events:
    return Events(
        kind=np.full(len(values), meaning.name),
        onset_ns=start_s * SECOND,
        duration_ns=lasts_s * SECOND,
        label=np.full(len(values), meaning.label),
        value=values,
    )


def _add_beats(found: Assembly, onset_ns: NDArray[np.int64], hr: NDArray[np.float64], *, begin: int, end: int) -> None:
    inside = (onset_ns >= begin) & (onset_ns < end) & (hr > 0) & (hr < 1000)
    if inside.any():
        meaning = Meaning(record_type="InstantaneousBeatsPerMinute", name="beat")
        block = _block(meaning, np.zeros(int(inside.sum()), np.int64), np.zeros(int(inside.sum()), np.int64), hr[inside])
        block.onset_ns[:] = onset_ns[inside]
        found.blocks.append(block)


def _add_minutes(found: Assembly, name: str, several: list[Totals], *, placement: str) -> None:
    totals = Totals(
        start_s=np.concatenate([each.start_s for each in several]),
        stop_s=np.concatenate([each.stop_s for each in several]),
        value=np.concatenate([each.value for each in several]),
    )
    if len(totals.value) == 0:
        return
    minutes = spread(totals)
    if minutes.overlapping:
        many = f"{minutes.overlapping} of {len(totals.value)} records overlap with an earlier one"
        found.note(f"{name}: {many}; {minutes.lost:.6g} of {totals.value.sum():.6g} counted once")
    found.add(minute_series(minutes, modality=name, unit=modality(name).unit, placement=placement))


def _facts(gatherer: Gatherer, *, start_s: int) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    prefix = "HKCharacteristicTypeIdentifier"
    sex = _SEX.get(gatherer.me.get(f"{prefix}BiologicalSex", ""))
    if sex:
        facts["sex"] = sex
    try:
        born = datetime.strptime(gatherer.me.get(f"{prefix}DateOfBirth", ""), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return facts
    age = (start_s - born.timestamp()) // _YEAR_S
    if 0 <= age <= 120:
        facts["age_years"] = age
    return facts


def _electrocardiograms(path: Path) -> Iterator[Recording]:
    """Yield the ECG recordings of a zip; one that is damaged is refused when it is reached."""
    if _member(path) is None:
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(name for name in archive.namelist() if name.lower().endswith(".csv")):
                with archive.open(name) as member:
                    content = member.read(MOST_ECG_BYTES)
                if apple_ecg.parse_header(content) is not None:
                    yield apple_ecg.recording(path, content, name=Path(name).stem, participant=owner(path))
    except (*_DAMAGE, BadConfiguration) as error:
        raise BadRecording(path, 0, f"damaged zip: {error}") from error


READER = Reader(
    name="apple_health",
    describes="Apple Health: export.xml or the zip around it, streamed",
    devices=("iPhone", "Apple Watch", "apps that write to Apple Health"),
    clock="UTC, from the offset that each date carries; one recording for each source and stretch of equal offset",
    suffixes=(".xml", ".zip"),
    recognises=recognises,
    read=read,
)
