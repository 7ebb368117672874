"""mobgap's laboratory example: walking tests with a sensor at the lower back, and every step as a reference system saw it.

| in `data.mat` | in the recording |
|---|---|
| `SU.LowerBack.Acc`, `Gyr`, `Mag` | acceleration (g), angular rate (deg/s), magnetic field (uT), three axes each, 100 Hz |
| `SU.LowerBack.Bar` | air pressure (hPa), 100 Hz as the file repeats it |
| `Standards.INDIP.ContinuousWalkingPeriod` | an event `walking_bout` each: its walking speed in m/s |
| ... `InitialContact_Event`, `FinalContact_Event` | events `initial_contact`, `final_contact`, label "left" or "right" |
| ... `Stride_InitialContacts`, `Stride_Length` | an event `stride` each, over its time: its length in m |
| `infoForAlgo.mat` | facts: cohort, height, weight, height of the sensor (cm), handedness, walking aid |

Three people of the technical validation study of Mobilise-D: two healthy adults (HA) and one with multiple sclerosis (MS).
A test and trial is a recording, "TimeMeasure1 Test5 Trial1"; Test5 is a straight walk, Test11 a course of daily activities
[recalled]. The x axis points up, or nearly so (0.92 to 0.98 g on average here). The device is a McRoberts MoveMonitor+
("MM+").

**Time.** Stamps are Unix seconds, and the start names its offset: the clock is UTC, with the offset. Times of the
reference count from the first sample.

**Cautions.** The reference (INDIP: pressure insoles, distance and inertial sensors) was worn with the device under test;
contacts and strides that it could not time, mostly in turns, are left out and counted in a note. Two or three people are too
few to be split: no task here. **Not read**: `Stereophoto`, the cameras, whose volume held a part of each walk only;
`MicroWB`, the same walks again; turns; averages that follow from the strides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, only
from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, EventRow, nanoseconds, on_grid
from wearfm.readers.labels import Meaning
from wearfm.readers.matlab import load_matlab
from wearfm.readers.stamps import date_ns
from wearfm.signals.recording import SECOND, Fact, Recording

RATE_HZ = 100.0  # Fs of every sensor in the files seen; others are refused
_PLACE = "lower back"
_LATEST_NS = 2**62  # the year 2116
_SENSORS = {"Acc": ("acc", "g"), "Gyr": ("gyro", "deg/s"), "Mag": ("mag", "uT")}
_CONTACTS = {"InitialContact": "initial_contact", "FinalContact": "final_contact"}
_NUMBERS = {"Height": "height_cm", "Weight": "weight_kg", "SensorHeight": "sensor_height_cm", "WalkingAid_01": "walking_aid"}
_HANDS: dict[str, Fact] = {"L": "left", "R": "right"}
_COHORTS = {"HA": "healthy adult", "MS": "multiple sclerosis"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every trial under a folder, with the steps of the reference as events."""
    for path in only(folder.rglob("data.mat"), what="walking tests (HA/001/data.mat)", folder=folder):
        cohort, person = path.parts[-3:-1]
        facts: dict[str, Fact] = {"cohort": _COHORTS.get(cohort, cohort)}
        known = path.with_name("infoForAlgo.mat")
        about = _load(known, "infoForAlgo") if known.is_file() else {}
        for measure, tests in _load(path, "data").items():
            session = facts | _facts(known, _struct(known, measure, about.get(measure, {})))
            for test, trials in _struct(path, measure, tests).items():
                for trial, content in _struct(path, test, trials).items():
                    name = f"{measure} {test} {trial}"
                    yield _recording(path, _struct(path, name, content), name, f"{cohort}{person}", session)


def _recording(path: Path, trial: dict[str, Any], name: str, person: str, facts: dict[str, Fact]) -> Recording:
    found = Assembly(path=path)
    try:
        sensor, reference = trial["SU"]["LowerBack"], trial["Standards"]["INDIP"]
        _add_signals(found, sensor, _time_ns(_column(sensor["Timestamp"])))
        start_ns, offset_s = date_ns(str(trial["StartDateTime"]))
        _add_steps(found, _bouts(reference["ContinuousWalkingPeriod"]), start_ns)
    except (KeyError, IndexError, TypeError, ValueError, BadConfiguration) as error:
        raise BadRecording(path, 0, f"{name} is not a trial of mobgap ({repr(error)[:300]})") from error
    return found.finish(
        participant=f"mobgap_lab:{person}",
        name=name,
        clock="utc",
        utc_offset_s=offset_s,
        source=path.name,
        device="McRoberts MoveMonitor+",
        facts=facts,
    )


def _time_ns(stamps_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return Unix times in whole milliseconds, as the device counts them."""
    if not (np.abs(stamps_s) < _LATEST_NS / SECOND).all():
        raise ValueError("a Timestamp that is no time")
    return np.rint(stamps_s * 1000).astype(np.int64) * (SECOND // 1000)


def _add_signals(found: Assembly, sensor: dict[str, Any], time_ns: NDArray[np.int64]) -> None:
    """Add the axes of every sensor; all have the stamps of the acceleration."""
    grid = found.grid(time_ns, rate_hz=RATE_HZ)
    for key, (modality, unit) in _SENSORS.items():
        values = _samples(sensor[key]).reshape(len(time_ns), 3)
        for column, axis in enumerate("xyz"):
            meaning = Meaning(modality=modality, unit=unit, axis=axis, placement=_PLACE)
            found.add(on_grid(grid, values[:, column], label=f"{modality} {axis}", meaning=meaning))
    pressure = _samples(sensor["Bar"]).reshape(len(time_ns))
    meaning = Meaning(modality="air_pressure", unit="hPa", placement=_PLACE)
    found.add(on_grid(grid, pressure, label="air pressure", meaning=meaning))


def _samples(values: Any) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # infinite: no sensor measures that, and the door leaves it out
        return np.asarray(values, dtype=np.float32)


def _add_steps(found: Assembly, bouts: Sequence[dict[str, Any]], start_ns: int) -> None:
    """Add walking bouts, contacts and strides of the reference, whose times are seconds from start_ns."""
    rows: list[tuple[str, float, float, str, float]] = []
    for bout in bouts:
        rows.append(("walking_bout", _number(bout["Start"]), _number(bout["End"]), "", _number(bout["WalkingSpeed"])))
        rows += [*_contacts(bout), *_strides(bout)]
    timed = [row for row in rows if np.isfinite(row[1]) and np.isfinite(row[2])]
    found.events += [_span(start_ns, *row) for row in timed]
    if len(timed) < len(rows):
        found.note(f"{len(rows) - len(timed)} contacts and strides that the reference could not time were left out")


def _contacts(bout: dict[str, Any]) -> Iterator[tuple[str, float, float, str, float]]:
    for key, kind in _CONTACTS.items():
        feet = np.ravel(bout[f"{key}_LeftRight"]).tolist()
        for at, foot in zip(_column(bout[f"{key}_Event"]).tolist(), feet, strict=True):
            yield kind, at, at, str(foot).lower(), np.nan


def _strides(bout: dict[str, Any]) -> Iterator[tuple[str, float, float, str, float]]:
    """Yield the strides of a bout: sample number of the first contact (seconds in some files), duration and length.

    A stride without a duration is one that the reference could not time, whatever its contacts say.
    """
    first = np.asarray(bout["Stride_InitialContacts"], dtype=np.float64).reshape(-1, 2)[:, 0]
    first_s = first if np.nanmax(first, initial=0.0) <= _number(bout["End"]) else first / RATE_HZ
    duration_s, length_m = _column(bout["Stride_Duration"]), _column(bout["Stride_Length"])
    for at, lasts, length in zip(first_s.tolist(), duration_s.tolist(), length_m.tolist(), strict=True):
        yield "stride", at, at + lasts, "", length


def _span(start_ns: int, kind: str, first_s: float, last_s: float, label: str, value: float) -> EventRow:
    onset, end = start_ns + nanoseconds(first_s), start_ns + nanoseconds(last_s)
    if max(abs(onset), abs(end)) > _LATEST_NS:
        raise ValueError(f"a {kind} from {first_s:g} to {last_s:g} s after {start_ns} ns")
    return kind, onset, end - onset, label, value


def _column(values: Any) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64).ravel()


def _number(value: Any) -> float:
    return float(np.asarray(value, dtype=np.float64).item())


def _bouts(values: Any) -> list[dict[str, Any]]:
    """Return the bouts of a trial: MATLAB keeps one as a struct, several as a cell, none as an empty matrix."""
    return [values] if isinstance(values, dict) else list(np.ravel(values))


def _facts(path: Path, about: dict[str, Any]) -> dict[str, Fact]:
    try:
        facts: dict[str, Fact] = {name: _number(about[key]) for key, name in _NUMBERS.items() if key in about}
    except (TypeError, ValueError) as error:
        raise BadRecording(path, 0, f"{', '.join(_NUMBERS)} are not all numbers ({error})") from error
    hand = _HANDS.get(str(about.get("Handedness", "")))
    return facts | ({"handedness": hand} if hand else {})


def _struct(path: Path, name: str, content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise BadRecording(path, 0, f"{name} is no struct; export the tests again")
    return content


def _load(path: Path, name: str) -> dict[str, Any]:
    """Return the struct of that name in a MATLAB file, as dictionaries."""
    try:
        content = load_matlab(path, names=(name,)).get(name)
    except BadRecording as error:
        raise BadRecording(path, error.offset, f"not a MATLAB file that can be read ({error.reason})") from error
    return _struct(path, name, content)


def _official() -> tuple[Address, ...]:
    base = "https://raw.githubusercontent.com/mobilise-d/mobgap/main/example_data/data/lab"
    files = [f"{person}/{name}.mat" for person in ("HA/001", "HA/002", "MS/001") for name in ("data", "infoForAlgo")]
    return tuple(Address(kind="file", url=f"{base}/{file}", path=file) for file in files)


DATASET = Dataset(
    name="mobgap_lab",
    title="mobgap, laboratory example of Mobilise-D",
    modalities=("acc", "gyro", "mag", "air_pressure"),
    folder="gait/mobgap_lab",
    participants=3,
    licence="Apache-2.0 (repository)",
    citation="Küderle et al., mobgap; Mazzà et al. 2021, BMJ Open 11:e050785, doi:10.1136/bmjopen-2021-050785",
    homepage="https://github.com/mobilise-d/mobgap",
    recordings=recordings,
    layout="""HA/001/data.mat            cohort, person: a struct of tests and trials
HA/001/infoForAlgo.mat     height, weight, handedness""",
    addresses=_official(),
)
