"""SisFall: two accelerometers and a gyroscope on a belt, 19 daily activities and 15 kinds of fall, acted.

Samples stay the integers of the converters; physical value = 2 range / 2^bits * sample (Readme of the data set). A trial
is a recording; its activity and whether it is a fall are events over the whole trial, for the moment of impact is not
marked. Axes are those of the belt, as published.

Reads an archive a person (`SA03.npz`) or the original folders (`SA03/D01_SA03_R01.txt`). No task is asked here: only two
of the 38 people are in the collection that this house tests with, and a split by person needs three.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import DAMAGED_ARCHIVE, Dataset, only
from wearfm.errors import BadRecording
from wearfm.signals.door import Admitted, admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import SECOND, Events, Fact, Recording

RATE_HZ = 200.0  # Readme of the data set
_SENSORS = (  # part, modality, unit, range in that unit, bits; three columns each
    ("ADXL345", "acc", "g", 16, 13),
    ("ITG3200", "gyro", "deg/s", 2000, 16),
    ("MMA8451Q", "acc", "g", 8, 14),
)
ACTIVITIES = {
    "D01": "walking slowly",
    "D02": "walking quickly",
    "D03": "jogging slowly",
    "D04": "jogging quickly",
    "D05": "stairs slowly",
    "D06": "stairs quickly",
    "D07": "sitting slowly on a half-height chair and getting up",
    "D08": "sitting quickly on a half-height chair and getting up",
    "D09": "sitting slowly on a low chair and getting up",
    "D10": "sitting quickly on a low chair and getting up",
    "D11": "trying to get up and collapsing into the chair",
    "D12": "lying down slowly and sitting up",
    "D13": "lying down quickly and sitting up",
    "D14": "turning over in bed",
    "D15": "bending with the knees and getting up",
    "D16": "bending without the knees and getting up",
    "D17": "getting into a car and out",
    "D18": "stumbling while walking",
    "D19": "jumping gently",
    "F01": "fall forward while walking, slip",
    "F02": "fall backward while walking, slip",
    "F03": "lateral fall while walking, slip",
    "F04": "fall forward while walking, trip",
    "F05": "fall forward while jogging, trip",
    "F06": "vertical fall while walking, fainting",
    "F07": "fall while walking, hands on a table, fainting",
    "F08": "fall forward when getting up",
    "F09": "lateral fall when getting up",
    "F10": "fall forward when sitting down",
    "F11": "fall backward when sitting down",
    "F12": "lateral fall when sitting down",
    "F13": "fall forward while sitting, fainting or asleep",
    "F14": "fall backward while sitting, fainting or asleep",
    "F15": "lateral fall while sitting, fainting or asleep",
}
_TRIAL = re.compile(r"(?P<code>[DF]\d\d)_(?P<person>S[AE]\d\d)_(?P<trial>R\d\d)")
_PERSON = re.compile(r"\|\s*(S[AE]\d\d)\s*\|\s*(\d+)\s*\|\s*(\d+)\s*\|\s*([\d.]+)\s*\|\s*([FM])\s*\|")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every trial under a folder, with activity and fall as events and the person's age, sex and size as facts."""
    facts = _people(folder)
    for path, name, samples in _trials(folder):
        trial = _TRIAL.fullmatch(name)
        if trial is None or trial["code"] not in ACTIVITIES:
            raise BadRecording(path, 0, f"trial {name!r} is not of the form D01_SA03_R01")
        admitted = _channels(path, samples)
        yield Recording(
            participant=f"sisfall:{trial['person']}",
            name=f"{trial['code']}_{trial['trial']}",
            channels=tuple(a.channel for a in admitted),
            events=_events(trial["code"], len(samples)),
            device="ADXL345, ITG3200, MMA8451Q",
            source=path.name,
            facts=facts.get(trial["person"], {}),
            quality=Quality(channels=tuple(a.quality for a in admitted)),
        )


def _trials(folder: Path) -> Iterator[tuple[Path, str, NDArray[np.int16]]]:
    """Yield (file, trial, samples (T, 9))."""
    archives = sorted(folder.glob("S[AE][0-9][0-9].npz"))
    for path in archives:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                for name in archive.files:
                    yield path, name, archive[name]
        except DAMAGED_ARCHIVE as error:
            raise BadRecording(path, 0, f"not an archive of trials ({error})") from error
    if archives:
        return
    for path in only(folder.rglob("[DF][0-9][0-9]_S*_R*.txt"), what="trials (SA03.npz or D01_SA03_R01.txt)", folder=folder):
        yield path, path.stem, _from_text(path)


def _from_text(path: Path) -> NDArray[np.int16]:
    """Return the samples of an original file, (T, 9): nine whole numbers a line, ended by a semicolon."""
    lines = path.read_text(encoding="latin-1").replace(";", "").split("\n")
    try:
        return np.array([[int(part) for part in line.split(",")] for line in lines if line.strip()], dtype=np.int16)
    except (ValueError, OverflowError) as error:
        raise BadRecording(path, 0, f"not nine columns of whole numbers ({error})") from error


def _channels(path: Path, samples: NDArray[np.int16]) -> list[Admitted]:
    if samples.ndim != 2 or samples.shape[1] != 3 * len(_SENSORS):
        raise BadRecording(path, 0, f"samples are {samples.shape}; a trial has nine columns")
    return [
        admit(
            samples[:, 3 * number + place],
            name=f"{part} {axis}",
            modality_name=modality,
            unit=unit,
            rate_hz=RATE_HZ,
            start_ns=0,
            placement="waist",
            axis=axis,
            scale=2 * reach / 2**bits,
        )
        for number, (part, modality, unit, reach, bits) in enumerate(_SENSORS)
        for place, axis in enumerate("xyz")
    ]


def _events(code: str, length: int) -> Events:
    lasts_ns = round(length * SECOND / RATE_HZ)
    return Events.of(
        [
            ("activity", 0, lasts_ns, ACTIVITIES[code], float("nan")),
            ("fall", 0, lasts_ns, "yes" if code.startswith("F") else "no", float("nan")),
        ]
    )


def _people(folder: Path) -> dict[str, dict[str, Fact]]:
    """Return the facts in the Readme's table of people; none where there is no Readme."""
    found: dict[str, dict[str, Fact]] = {}
    for path in sorted(folder.rglob("Readme.txt")):
        for person, age, height, weight, sex in _PERSON.findall(path.read_text(encoding="latin-1")):
            found[person] = {
                "age_years": float(age),
                "height_cm": float(height),
                "weight_kg": float(weight),
                "sex": {"F": "female", "M": "male"}[sex],
            }
    return found


DATASET = Dataset(
    name="sisfall",
    title="SisFall",
    modalities=("acc", "gyro"),
    folder="har/sisfall",
    participants=38,
    licence="open, with a CC BY article; the data carry no licence text",
    citation="Sucerquia et al. 2017, Sensors 17(1):198, doi:10.3390/s17010198",
    homepage="https://doi.org/10.3390/s17010198",
    recordings=recordings,
    layout="""SisFall_dataset/SA03/D01_SA03_R01.txt
SisFall_dataset/Readme.txt""",
    by_hand="Download SisFall_dataset.zip from the authors' page (Universidad de Antioquia), which the article links to, and "
    "unpack it.",
)
