"""PPG-DaLiA: chest belt and wrist band of fifteen people through eight activities of a day, for heart rate in motion.

Two recordings a person, of about two and a half hours. **chest**: ECG, breathing and acceleration of the RespiBAN at 700 Hz
(`S1_RespiBAN.h5`; its other channels are not connected). **wrist**: the Empatica E4 (`S1_E4.zip`). Activities become events
`activity`, from `S1_activity.csv` on the clock of the belt; transitions ("no activity") have none.

**Heart rate.** The authors publish it in a pickle, which is never opened here (a pickle runs what it holds). It is made
anew as they describe it: R peaks of the belt's ECG, mean heart rate in windows of 8 s every 2 s, an event `hr` of 8 s each
(they overlap: `labels.event_match` is meant). Peaks are ours (`signals.peaks`, without the authors' check by eye), so that
figures on it are near theirs and not equal.

**Time.** The two clocks are aligned by how both devices moved (`signals.alignment`), to a quarter of a second; the authors
used double taps. Where that is not clear the wrist has no events, and a note. The times of `S1_activity.csv` are read as
seconds, as minutes.seconds or as samples: the one by which the last activity lies in the second half of the session.
**Cautions.** Age, sex, size, skin type (Fitzpatrick) and sport come from `S1_quest.csv`. S6 ends early (the hardware
failed). Layout as its readme and its users describe it, not seen; HDF5 needs h5py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, Row, number, only
from wearfm.datasets.wesad import between
from wearfm.errors import BadRecording
from wearfm.readers import empatica, respiban
from wearfm.readers.assembly import Assembly
from wearfm.readers.base import optional
from wearfm.signals.heart import heart_rate, intervals
from wearfm.signals.peaks import r_peaks
from wearfm.signals.recording import SECOND, Channel, Events, Fact, Recording

WINDOW_S, STEP_S = 8.0, 2.0  # Reiss et al. 2019, section 3
ACTIVITIES = {
    "BASELINE": "sitting",
    "STAIRS": "stairs",
    "SOCCER": "table soccer",
    "CYCLING": "cycling",
    "DRIVING": "driving",
    "LUNCH": "lunch",
    "WALKING": "walking",
    "WORKING": "working",
}
_SENSORS = ("ECG", "RESP", "XYZ")
_LINE = re.compile(r"#?\s*([A-Za-z_ ]+?)\s*[,;:]\s*([\w.+-]+)\s*")
_NUMBERS = {"AGE": "age_years", "HEIGHT": "height_cm", "WEIGHT": "weight_kg", "SKIN": "skin_type", "SPORT": "sport"}
_SEXES = {"m": "male", "male": "male", "f": "female", "female": "female"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield chest and wrist of every person under a folder, with activities and heart rate as events."""
    for path in only(folder.rglob("S*_RespiBAN.h5"), what="chest recordings (S1/S1_RespiBAN.h5)", folder=folder):
        person = path.name.removesuffix("_RespiBAN.h5")
        chest = replace(_chest(path), participant=f"ppg_dalia:{person}", facts=_facts(path.with_name(f"{person}_quest.csv")))
        yield chest
        for wrist in empatica.read(_session(path, person)):
            yield _wrist(replace(wrist, participant=chest.participant, name="wrist", facts=chest.facts), chest)


def _chest(path: Path) -> Recording:
    rate_hz, codes, sensors = _codes(path)
    found = Assembly(path=path)
    for each in respiban.series(codes, sensors, rate_hz=rate_hz, start_ns=0):
        found.add(each)
    ecg = next((entry.channel for entry in found.admitted if entry.channel.modality == "ecg"), None)
    if ecg is None:
        raise BadRecording(path, 0, f"no channel of ECG among {', '.join(sensors.values()) or 'none'}")
    activity = path.with_name(path.name.replace("_RespiBAN.h5", "_activity.csv"))
    found.events.extend(_activities(activity, ecg.duration_s, ecg.rate_hz))
    found.events.extend(heart_rates(ecg))
    return found.finish(participant="unknown", name="chest", clock="relative", device="RespiBAN Professional", source=path.name)


def _codes(path: Path) -> tuple[float, dict[str, NDArray[np.int32]], dict[str, str]]:
    """Return the rate, the codes by channel and what each channel measures, from OpenSignals' HDF5."""
    h5py = optional("h5py")
    try:
        with h5py.File(path, "r") as file:
            device = file[next(iter(file))]
            rate_hz = float(np.ravel(device.attrs["sampling rate"])[0])
            named = [_text(sensor) for sensor in np.ravel(device.attrs["sensor"])]
            channels = sorted((key for key in device["raw"] if key.startswith("channel_")), key=lambda key: int(key[8:]))
            sensors = {key: name for key, name in zip(channels, named, strict=True) if name.startswith(_SENSORS)}
            return rate_hz, {key: np.ravel(device["raw"][key][()]).astype(np.int32) for key in sensors}, sensors
    except (OSError, KeyError, ValueError, StopIteration, TypeError, RuntimeError) as error:
        raise BadRecording(path, 0, f"not an HDF5 file of OpenSignals with raw channels and their sensors ({error})") from error


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def heart_rates(ecg: Channel) -> Iterator[Row]:
    """Yield the heart rate of an ECG in windows of 8 s every 2 s, where there are beats."""
    beats = intervals(r_peaks(ecg), valid=ecg.valid, rate_hz=ecg.rate_hz)
    starts = np.arange(0.0, ecg.duration_s - WINDOW_S + 1e-6, STEP_S)
    for start, rate in zip(starts.tolist(), heart_rate(beats, start_s=starts, window_s=WINDOW_S).tolist(), strict=True):
        if np.isfinite(rate):
            yield "hr", ecg.start_ns + round(start * SECOND), round(WINDOW_S * SECOND), "", rate


def _activities(path: Path, duration_s: float, rate_hz: float) -> Iterator[Row]:
    """Yield every activity from its start to the start of what follows."""
    lines = _lines(path)
    starts = [(name.upper().replace(" ", "_"), text) for name, text in lines if name.upper() not in ("SUBJECT_ID", "SUBJECT")]
    at_s = _seconds(path, [text for _, text in starts], duration_s, rate_hz)
    for (name, _), start, stop in zip(starts, at_s, [*at_s[1:], duration_s], strict=True):
        known = next((label for key, label in ACTIVITIES.items() if key in name), None)
        if known is not None and stop > start:
            yield "activity", round(start * SECOND), round((stop - start) * SECOND), known, float("nan")


def _seconds(path: Path, texts: list[str], duration_s: float, rate_hz: float) -> list[float]:
    """Return times in seconds: of seconds, minutes.seconds or samples, whichever fits the session."""
    try:
        plain = [float(text) for text in texts]
        clock = [60 * int(text.partition(".")[0]) + int(f"{text.partition('.')[2]:0<2}") for text in texts]
    except ValueError as error:
        raise BadRecording(path, 0, f"a start is no number ({error})") from error
    for times in (plain, [float(each) for each in clock], [each / rate_hz for each in plain]):
        if times and times == sorted(times) and duration_s / 2 <= times[-1] <= duration_s:
            return times
    raise BadRecording(path, 0, f"starts {texts[:3]} ... {texts[-1:]} do not fit a session of {duration_s:.0f} s")


def _wrist(wrist: Recording, chest: Recording) -> Recording:
    shift = between(chest, wrist)
    note = f"the belt starts {shift.seconds:g} s after the band by their movement, correlation {shift.correlation:.2f}"
    note = f"{note}, {shift.rival:.2f} elsewhere" + ("" if shift.is_clear else ": no events")
    by_ns = wrist.start_ns - chest.start_ns + round(shift.seconds * SECOND)
    rows = [(kind, onset + by_ns, lasts, label, value) for kind, onset, lasts, label, value in chest.events.rows()]
    own = [row for row in wrist.events.rows() if row[0] != "hr"]  # the band's own heart rate is not the reference
    return replace(
        wrist,
        events=Events.of([*own, *(rows if shift.is_clear else [])]),
        quality=replace(wrist.quality, notes=(*wrist.quality.notes, "the band's own heart rate is left out", note)),
    )


def _session(path: Path, person: str) -> Path:
    folder = path.with_name(f"{person}_E4")
    found = next((each for each in (folder, folder.with_suffix(".zip")) if each.exists()), None)
    if found is None:
        raise BadRecording(path, 0, f"no {folder.name}.zip beside the chest recording")
    return found


def _lines(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():
        raise BadRecording(path, 0, "the file is not there; unpack the archive again")
    text = path.read_text(encoding="latin-1")
    return [(match[1], match[2]) for line in text.splitlines() if (match := _LINE.fullmatch(line.strip()))]


def _facts(path: Path) -> Mapping[str, Fact]:
    known = {name.upper(): text for name, text in _lines(path)}
    facts: dict[str, Fact] = {
        fact: number(known[name], path=path, what=name) for name, fact in _NUMBERS.items() if name in known
    }
    sex = _SEXES.get(known.get("GENDER", "").lower())
    return facts | ({"sex": sex} if sex else {})


DATASET = Dataset(
    name="ppg_dalia",
    title="PPG-DaLiA",
    modalities=("ppg", "ecg", "resp", "acc", "eda", "temp"),
    folder="ppg/ppg_dalia",
    participants=15,
    licence="CC BY 4.0 (UCI page)",
    citation="Reiss et al. 2019, Sensors 19(14):3079, doi:10.3390/s19143079",
    homepage="https://archive.ics.uci.edu/dataset/495",
    recordings=recordings,
    layout="""PPG_FieldStudy/S1/S1_RespiBAN.h5
PPG_FieldStudy/S1/S1_E4.zip
PPG_FieldStudy/S1/S1_activity.csv
PPG_FieldStudy/S1/S1_quest.csv""",
    size="2.9 GB",
    addresses=(Address(kind="file", url="https://archive.ics.uci.edu/static/public/495/ppg+dalia.zip"),),
    extra="readers",
)
