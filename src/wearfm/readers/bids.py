"""BIDS folders: one recording for each run of EEG, EMG, motion or physiology, with what its sidecars say.

Brain Imaging Data Structure 1.10: a data set (a folder with `dataset_description.json` and folders `sub-*`), one of its folders
of a participant, or one run in it. Recognised by these, as the standard is one of names. Each run is one recording, named after
its entities (`ses-1 task-rest run-2 eeg`).

| in the folder | in the recording |
|---|---|
| `*_eeg.edf`, `.bdf`, `.vhdr` (and `*_emg`) | channels as `edf` and `brainvision` read them |
| `*_motion.tsv` | channels by their `type` (ACCEL, GYRO, MAGN ...), axis by `component`, placement by `tracked_point` |
| `*_physio.tsv.gz`, `*_stim.tsv.gz` | `cardiac` is `ppg`, `respiratory` is `resp`, others by name and unit |
| `*_channels.tsv` | modality by `type`; a channel of status bad is noted |
| `*_events.tsv` | events `annotation`, label by `trial_type` or `value`; they replace those in the file |
| `participants.tsv` | participant is the label after `sub-`; facts `age_years`, `sex`, `height_cm`, `weight_kg`, `group` |
| `*_scans.tsv` | start of runs that have no clock of their own |

Sidecars are inherited: a file further up holds for all runs below whose entities it names.

**Time.** EEG has the clock of its file. Motion and physiology begin at `acq_time` of the scans, local or with "Z" UTC; dates
before 1980 are made up to hide the true ones, and relative as those without. `StartTime` of physiology shifts its start.

**Broken files.** A run that is damaged or of a format that is not read (EEGLAB `.set`) is left out, with a note in the
recording after it, or in the last one. If no run can be read, the first failure is raised. Facts of the format: BIDS
specification 1.10, 2024.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers import brainvision, edf
from wearfm.readers.assembly import Assembly, EventRow, Series, nanoseconds, printable
from wearfm.readers.base import Reader, encoding, load, peek
from wearfm.readers.cells import parse_rows
from wearfm.readers.columns import numbers
from wearfm.readers.labels import Meaning, given, interpret
from wearfm.readers.mapping import ChannelColumn
from wearfm.readers.mapping import Mapping as TableMapping
from wearfm.readers.stamps import date_ns
from wearfm.signals.clock import FASTEST_HZ
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Clock, Events, Fact, Recording

_DESCRIPTION = "dataset_description.json"
_RUN = re.compile(r"sub-.+_(eeg|emg|motion|physio|stim)\.(edf|bdf|vhdr|set|tsv|tsv\.gz)", re.IGNORECASE)
_PARTICIPANT = re.compile(r"sub-[^_/]+")
_MOST_SIDECAR_BYTES = 2**26
_EARLIEST_NS, _LATEST_NS = 315_532_800 * SECOND, 4_102_444_800 * SECOND  # the years 1980 to 2100
_LONGEST_S = 30 * 86_400.0  # by which an event or a start may lie off its run
_MODALITIES = {
    "EEG": "eeg", "EOG": "eog", "HEOG": "eog", "VEOG": "eog", "ECG": "ecg", "EKG": "ecg", "EMG": "emg", "GSR": "eda",
    "RESP": "resp", "TEMP": "temp", "PPG": "ppg", "PUPIL": "other", "TRIG": "other", "MISC": "other", "REF": "other",
    "ACCEL": "acc", "GYRO": "gyro", "MAGN": "mag",
}  # fmt: skip
_PHYSIO = {"cardiac": "ppg", "respiratory": "resp", "trigger": "other"}
_FACTS = {"age": "age_years", "height": "height_cm", "weight": "weight_kg"}
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run. entities: key -> value of its name ("task" -> "rest"). root: the folder of the data set."""

    path: Path
    root: Path
    suffix: str
    entities: Mapping[str, str]

    @property
    def participant(self) -> str:
        """The label after "sub-"."""
        return self.entities["sub"]

    @property
    def name(self) -> str:
        """The other entities and the suffix, as the name of the recording."""
        parts = [f"{key}-{value}" for key, value in self.entities.items() if key != "sub"]
        return " ".join([*parts, self.suffix])


def read(path: Path) -> Iterator[Recording]:
    """Yield the recordings of a data set or of one of its participants, run by run, or of one run."""
    root = _root(path)
    if root is None:
        raise BadRecording(path, 0, f"not in a BIDS data set; it needs {_DESCRIPTION} and folders sub-*")
    held: Recording | None = None
    broken: list[BadRecording] = []
    told = 0
    for run in _runs(root, path):
        try:
            recording = _recording(run)
        except BadRecording as error:
            broken.append(error)
            continue
        if held is not None:
            yield held
        held, told = _with_notes(recording, broken[told:]), len(broken)
    if held is None:
        raise broken[0] if broken else BadRecording(path, 0, "a BIDS folder without runs of EEG, EMG, motion or physiology")
    yield _with_notes(held, broken[told:])


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001
    """Return whether this is a BIDS data set, or the folder of a participant or a run in one."""
    return _root(path) is not None


def _root(path: Path) -> Path | None:
    """Return the data set to which a path belongs."""
    if path.is_dir():
        candidates = [path.resolve().parent if _PARTICIPANT.fullmatch(path.name) else path]
    else:
        candidates = list(path.resolve().parents)[1:4] if _RUN.fullmatch(path.name) else []
    return next((folder for folder in candidates if _is_root(folder)), None)


def _is_root(folder: Path) -> bool:
    if not (folder / _DESCRIPTION).is_file() or b"BIDSVersion" not in peek(folder / _DESCRIPTION):
        return False
    return any(_PARTICIPANT.fullmatch(below.name) and below.is_dir() for below in folder.iterdir())


def _runs(root: Path, path: Path) -> Iterator[Run]:
    for file in sorted(path.resolve().rglob("sub-*")) if path.is_dir() else [path.resolve()]:
        match = _RUN.fullmatch(file.name)
        inside = file.relative_to(root.resolve()).parts
        if match and file.is_file() and len(inside) <= 4 and _PARTICIPANT.fullmatch(inside[0]):
            pairs = [part.partition("-") for part in file.name[: match.start(1) - 1].split("_")]
            entities = {key: value for key, _, value in pairs if value}
            yield Run(path=file, root=root.resolve(), suffix=match[1].lower(), entities=entities)


def _recording(run: Run) -> Recording:
    channels = {row["name"]: row for row in _table(_sidecar(run, "channels", ".tsv")) if row.get("name")}
    plain = _plain(run)
    ending = run.path.name.partition(".")[2].lower()
    if ending in ("edf", "bdf", "vhdr"):
        reader = brainvision.read if ending == "vhdr" else edf.read
        types = {
            name: _MODALITIES[row["type"].upper()]
            for name, row in channels.items()
            if row.get("type", "").upper() in _MODALITIES
        }
        (recording,) = reader(run.path, modalities=types)
    elif ending == "tsv" and run.suffix == "motion":
        recording = _table_recording(run, plain, _motion_columns(run, channels))
    elif ending == "tsv.gz":
        recording = _table_recording(run, plain, _physio_columns(run, plain))
    else:
        raise BadRecording(run.path, 0, f"runs as .{ending} are not read; convert it to EDF or BrainVision")
    return _with_sidecars(run, recording, channels, plain)


def _with_sidecars(run: Run, recording: Recording, channels: Mapping[str, Row], plain: Mapping[str, Any]) -> Recording:
    notes = list(recording.quality.notes)
    bad = [name for name, row in channels.items() if row.get("status", "").lower() == "bad"]
    notes += [f"bad by channels.tsv: {', '.join(bad)}"] if bad else []
    events = recording.events
    file = _sidecar(run, "events", ".tsv")
    if file is not None:
        notes += [f"{len(events)} events of the file replaced by those of {file.name}"] if len(events) else []
        events = Events.of(_events(file, recording.start_ns, notes))
    maker = " ".join(str(plain.get(key, "")) for key in ("Manufacturer", "ManufacturersModelName")).strip()
    return replace(
        recording,
        participant=printable(run.participant) or "unknown",
        name=printable(run.name),
        events=events,
        device=printable(maker) or recording.device,
        source=f"bids: {run.path.name}",
        facts={**recording.facts, **_facts(run)},
        quality=replace(recording.quality, notes=tuple(notes)),
    )


def _with_notes(recording: Recording, broken: list[BadRecording]) -> Recording:
    notes = tuple(f"{error.path.name} is left out: {error.reason}" for error in broken)
    return replace(recording, quality=replace(recording.quality, notes=recording.quality.notes + notes)) if notes else recording


def _sidecars(run: Run, suffix: str, ending: str) -> list[Path]:
    """Return the sidecars that hold for a run, the most general first."""
    folders = [folder for folder in [run.path.parent, *run.path.parents] if folder.is_relative_to(run.root)]
    found = []
    for folder in dict.fromkeys(reversed(folders)):
        inside = [
            file for file in folder.glob(f"*{suffix}{ending}") if re.fullmatch(rf"(.*_)?{suffix}{re.escape(ending)}", file.name)
        ]
        named = [(file, _entities(file, suffix, ending)) for file in inside]
        found += [
            file
            for file, pairs in sorted(named, key=lambda each: (len(each[1]), each[0]))
            if pairs <= set(run.entities.items())
        ]
    return found


def _entities(file: Path, suffix: str, ending: str) -> set[tuple[str, str]]:
    stem = file.name.removesuffix(ending).removesuffix(suffix).rstrip("_")
    return {(key, value) for key, _, value in (part.partition("-") for part in stem.split("_")) if value}


def _sidecar(run: Run, suffix: str, ending: str) -> Path | None:
    return next(iter(reversed(_sidecars(run, suffix, ending))), None)


def _plain(run: Run) -> dict[str, Any]:
    """Return what the JSON files say of a run, the most special last."""
    merged: dict[str, Any] = {}
    for file in _sidecars(run, run.suffix, ".json"):
        try:
            content = json.loads(bytes(load(file)[:_MOST_SIDECAR_BYTES]))
        except (ValueError, RecursionError) as error:
            raise BadRecording(file, 0, f"not JSON: {str(error)[:200]}") from error
        merged |= content if isinstance(content, dict) else {}
    return merged


def _table(file: Path | None) -> list[Row]:
    """Return the rows of a sidecar table; cells of "n/a" are left out."""
    if file is None:
        return []
    raw = load(file)[:_MOST_SIDECAR_BYTES].tobytes()
    lines = raw.decode(encoding(raw), errors="replace").removeprefix("\ufeff").splitlines()
    try:
        rows = list(csv.reader((line.replace("\0", "") for line in lines), delimiter="\t", quoting=csv.QUOTE_NONE))
    except csv.Error as error:
        raise BadRecording(file, 0, f"not a table: {error}") from error
    names = [name.strip() for name in rows[0]] if rows else []
    return [
        {name: cell.strip() for name, cell in zip(names, row, strict=False) if cell.strip() not in ("", "n/a")}
        for row in rows[1:]
    ]


def _facts(run: Run) -> dict[str, Fact]:
    row = next(
        (row for row in _table(_file(run.root / "participants.tsv")) if row.get("participant_id") == f"sub-{run.participant}"),
        {},
    )
    facts: dict[str, Fact] = {name: float(row[key]) for key, name in _FACTS.items() if _is_number(row.get(key, ""))}
    if row.get("sex", "").lower() in _SEXES:
        facts["sex"] = _SEXES[row["sex"].lower()]
    if row.get("group"):
        facts["group"] = printable(row["group"])
    return facts


def _file(path: Path) -> Path | None:
    return path if path.is_file() else None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?(\d{1,12}\.?\d*|\.\d+)([eE][+-]?\d)?", text, re.ASCII) is not None


def _events(file: Path, start_ns: int, notes: list[str]) -> Iterator[EventRow]:
    rows = _table(file)
    lost = 0
    for row in rows:
        onset, duration = row.get("onset", ""), row.get("duration", "0")
        if not _is_number(onset) or abs(float(onset)) > _LONGEST_S:
            lost += 1
            continue
        length = float(duration) if _is_number(duration) and 0 <= float(duration) <= _LONGEST_S else 0.0
        label = printable(row.get("trial_type") or row.get("value") or "")
        yield "annotation", start_ns + nanoseconds(float(onset)), nanoseconds(length), label, float("nan")
    if lost:
        notes.append(f"{lost} rows of {file.name} have no onset; left out")


def _motion_columns(run: Run, channels: Mapping[str, Row]) -> list[tuple[str, Meaning]]:
    if not channels:
        raise BadRecording(run.path, 0, "motion without a channels.tsv that names its columns")
    return [(name, _motion(row)) for name, row in channels.items()]


def _motion(row: Row) -> Meaning:
    modality = _MODALITIES.get(row.get("type", "").upper(), "other")
    meaning = given(modality, unit=row.get("units", ""))
    axis = row.get("component", "").lower()
    place = printable(row.get("tracked_point", "")).lower()
    return replace(meaning, axis=axis if axis in ("x", "y", "z") else "", placement=place)


def _physio_columns(run: Run, plain: Mapping[str, Any]) -> list[tuple[str, Meaning]]:
    names = plain.get("Columns")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise BadRecording(run.path, 0, "physiology without a JSON that names its Columns")
    return [(name, _physio(name, plain.get(name))) for name in names]


def _physio(name: str, about: Any) -> Meaning:
    unit = printable(str(about.get("Units", ""))) if isinstance(about, dict) else ""
    modality = _PHYSIO.get(name.lower())
    if modality is None:
        return interpret(name, unit=unit)
    return given(modality, unit=unit)


def _table_recording(run: Run, plain: Mapping[str, Any], columns: list[tuple[str, Meaning]]) -> Recording:
    rate, shift_s = plain.get("SamplingFrequency"), plain.get("StartTime", 0)
    if not isinstance(rate, int | float) or not 0 < rate <= FASTEST_HZ:
        raise BadRecording(run.path, 0, f"SamplingFrequency is {rate!r}; it must be a rate in Hz")
    if not isinstance(shift_s, int | float) or not abs(shift_s) <= _LONGEST_S:
        raise BadRecording(run.path, 0, f"StartTime is {shift_s!r}; it must be seconds from the start of the run")
    names = [str(place) for place in range(len(columns))]
    wanted = {name: ChannelColumn(modality="other") for name in names}
    rows = parse_rows(run.path, TableMapping(channels=wanted, rate_hz=rate, header=False, delimiter="\t"), names=names)
    if rows.num_rows == 0:
        raise BadRecording(run.path, 0, "a table without rows")
    lost = Finding(action="dropped", samples=rows.malformed, reason="row with too few or too many cells")
    start_ns, clock, offset = _start(run)
    found = Assembly(path=run.path)
    for place, (label, meaning) in enumerate(columns):
        try:
            samples, missing = numbers(rows.columns[str(place)])
        except BadConfiguration as error:
            raise BadRecording(run.path, 0, f"column {label!r}: {error}") from error
        found.add(
            Series(
                label=label,
                meaning=meaning,
                samples=samples,
                rate_hz=float(rate),
                start_ns=start_ns + nanoseconds(shift_s),
                missing=missing,
                missing_reason="n/a, empty, or not a number",
                findings=(lost,) if rows.malformed else (),
            )
        )
    return found.finish(participant=run.participant, name=run.name, clock=clock, source=run.path.name, utc_offset_s=offset)


def _start(run: Run) -> tuple[int, Clock, int | None]:
    """Return when a run without a clock of its own began, by the scans of its participant or session."""
    folder = run.path.parent
    for scans in folder.parent.glob("*_scans.tsv"):
        for row in _table(scans):
            if row.get("filename") == f"{folder.name}/{run.path.name}" and row.get("acq_time"):
                try:
                    start_ns, offset = date_ns(row["acq_time"])
                except BadConfiguration:
                    continue
                if _EARLIEST_NS <= start_ns < _LATEST_NS:
                    return start_ns, "local" if offset is None else "utc", offset
    return 0, "relative", None


READER = Reader(
    name="bids",
    describes="BIDS folders: runs of EEG, EMG, motion and physiology with their sidecars",
    devices=("any laboratory that shares its data as BIDS",),
    clock="that of the run's file; else acq_time of the scans, local, or UTC with a Z; dates before 1980 are relative",
    suffixes=("dataset_description.json",),
    recognises=recognises,
    read=read,
)
