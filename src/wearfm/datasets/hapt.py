"""HAPT: smartphone at the waist, twelve activities; the raw recordings behind UCI-HAR.

Reads the folder of one `.npz` per experiment (acc, gyro, segments, fs) or the original text files of the archive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import DAMAGED_ARCHIVE, Address, Dataset, only
from wearfm.errors import BadRecording
from wearfm.signals.door import admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import SECOND, Events, Recording

RATE_HZ = 50.0  # Reyes-Ortiz et al. 2016, section 4
ACTIVITIES = (
    "walking",
    "walking upstairs",
    "walking downstairs",
    "sitting",
    "standing",
    "lying",
    "stand to sit",
    "sit to stand",
    "sit to lie",
    "lie to sit",
    "stand to lie",
    "lie to stand",
)


@dataclass(frozen=True, kw_only=True)
class _Experiment:
    path: Path
    number: int
    user: int
    acc_g: NDArray[np.float32]
    gyro_rad_s: NDArray[np.float32]
    segments: NDArray[np.int64]  # (N, 5): experiment, user, activity from 1, first and last sample from 1


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every experiment under a folder, with its activities as events."""
    for experiment in _experiments(folder):
        admitted = [
            admit(
                values[:, axis],
                name=f"{kind} {letter}",
                modality_name=kind,
                unit=unit,
                rate_hz=RATE_HZ,
                start_ns=0,
                placement="waist",
                axis=letter,
            )
            for kind, unit, values in (("acc", "g", experiment.acc_g), ("gyro", "rad/s", experiment.gyro_rad_s))
            for axis, letter in enumerate("xyz")
        ]
        yield Recording(
            participant=f"hapt:{experiment.user}",
            name=f"experiment {experiment.number:02d}",
            channels=tuple(a.channel for a in admitted),
            events=_activities(experiment),
            device="Samsung Galaxy S II",
            source=experiment.path.name,
            quality=Quality(channels=tuple(a.quality for a in admitted)),
        )


def _experiments(folder: Path) -> Iterator[_Experiment]:
    archives = sorted(folder.glob("exp*_user*.npz"))
    if archives:
        yield from (_from_archive(path) for path in archives)
        return
    texts = only(folder.rglob("acc_exp*_user*.txt"), what="experiments (exp*_user*.npz or acc_exp*_user*.txt)", folder=folder)
    labels = np.loadtxt(texts[0].with_name("labels.txt"), dtype=np.int64, ndmin=2)
    for path in texts:
        number, user = (int(part.strip("expusr")) for part in path.stem.split("_")[1:3])
        yield _Experiment(
            path=path,
            number=number,
            user=user,
            acc_g=np.loadtxt(path, dtype=np.float32),
            gyro_rad_s=np.loadtxt(path.with_name(path.name.replace("acc_", "gyro_")), dtype=np.float32),
            segments=labels[labels[:, 0] == number],
        )


def _from_archive(path: Path) -> _Experiment:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return _Experiment(
                path=path,
                number=int(archive["experiment"]),
                user=int(archive["subject"]),
                acc_g=archive["acc"],
                gyro_rad_s=archive["gyro"],
                segments=archive["segments"].astype(np.int64),
            )
    except DAMAGED_ARCHIVE as error:
        raise BadRecording(path, 0, f"not an HAPT experiment ({error})") from error


def _activities(experiment: _Experiment) -> Events:
    rows = []
    for _, _, activity, first, last in experiment.segments.tolist():
        onset, stop = (round(sample * SECOND / RATE_HZ) for sample in (first - 1, last))
        rows.append(("activity", onset, stop - onset, ACTIVITIES[activity - 1], float("nan")))
    return Events.of(rows)


DATASET = Dataset(
    name="hapt",
    title="HAPT (the raw recordings of UCI-HAR)",
    modalities=("acc", "gyro"),
    folder="har/hapt",
    participants=30,
    licence="CC BY 4.0 (UCI page)",
    citation="Reyes-Ortiz et al. 2016, Neurocomputing 171:754, doi:10.1016/j.neucom.2015.07.085",
    homepage="https://archive.ics.uci.edu/dataset/341",
    recordings=recordings,
    layout="""RawData/acc_exp01_user01.txt
RawData/gyro_exp01_user01.txt
RawData/labels.txt""",
    addresses=(
        Address(
            kind="file",
            url="https://archive.ics.uci.edu/static/public/341/"
            "smartphone+based+recognition+of+human+activities+and+postural+transitions.zip",
        ),
    ),
)
