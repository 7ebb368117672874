"""UCI-HAR: a smartphone at the waist of 30 people, six activities, in the windows of 2.56 s that its authors published.

The windows overlap by half, in the order of time. A window whose first half equals the second half of the one before, for
the same person and activity, goes on where that one ended: such windows are joined, and the repeated half is dropped and
counted. What is left is a recording for every unbroken stretch of one activity, and no sample stands in it twice.

| in the archive | in the recording |
|---|---|
| `Inertial Signals/total_acc_*` | channels `acc` in g, at 50 Hz |
| `Inertial Signals/body_gyro_*` | channels `gyro`, given in rad/s |
| `y_*.txt` | an event `activity` over the whole stretch |
| `train` or `test` | the fact `split`, as the authors drew it, by person |

**Cautions.** The authors ran a median and a 20 Hz low-pass filter over the signals before they cut the windows. The raw
recordings of the same people, with the transitions between activities, are the data set `hapt`: do not train on one of
the two and test on the other. **Not read**: `body_acc_*` (the authors' high-pass of `total_acc_*`) and the 561 features.
Layout as its README describes it, not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, integers, matrix, only
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, Series
from wearfm.readers.labels import Meaning
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Recording

RATE_HZ = 50.0  # README of the data set, as are the windows
LENGTH, HALF = 128, 64  # samples
ACTIVITIES = {
    1: "walking",
    2: "walking upstairs",
    3: "walking downstairs",
    4: "sitting",
    5: "standing",
    6: "lying",
}
REPEATED = "the half of a window that the window before it holds already"
_SIGNALS = {"total_acc": ("acc", "g"), "body_gyro": ("gyro", "rad/s")}  # file -> modality, unit


@dataclass(frozen=True, kw_only=True, eq=False)
class _Windows:
    """One part of the set. signals: file -> (windows, samples). person, activity: (windows,)."""

    path: Path
    part: str
    signals: dict[str, NDArray[np.float64]]
    person: NDArray[np.int64]
    activity: NDArray[np.int64]


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every unbroken stretch of one activity under a folder, with the activity as an event."""
    seen: Counter[int] = Counter()
    for path in only(folder.rglob("subject_t*.txt"), what="list of people (train/subject_train.txt)", folder=folder):
        part = _read(path)
        for first, stop in _unbroken(part):
            person = int(part.person[first])
            seen[person] += 1
            yield _recording(part, first, stop, name=f"stretch {seen[person]:03d}")


def _read(path: Path) -> _Windows:
    part = path.stem.removeprefix("subject_")
    inside = path.with_name("Inertial Signals")
    files = [f"{kind}_{axis}" for kind in _SIGNALS for axis in "xyz"]
    signals = {file: matrix(inside / f"{file}_{part}.txt", columns=LENGTH) for file in files}
    person = integers(matrix(path, columns=1)[:, 0], path=path, what="a person")
    activity = integers(matrix(path.with_name(f"y_{part}.txt"), columns=1)[:, 0], path=path, what="an activity")
    lengths = {len(person), len(activity), *(len(values) for values in signals.values())}
    if len(lengths) > 1:
        raise BadRecording(path, 0, f"files of {sorted(lengths)} windows belong to one part; unpack the archive again")
    if not np.isin(activity, list(ACTIVITIES)).all():
        raise BadRecording(path, 0, f"activities {sorted(set(activity.tolist()))} are not 1 to {len(ACTIVITIES)}")
    return _Windows(path=path, part=part, signals=signals, person=person, activity=activity)


def _unbroken(part: _Windows) -> list[tuple[int, int]]:
    """Return the half-open stretches of windows that go on where the one before ended."""
    goes_on = (part.person[1:] == part.person[:-1]) & (part.activity[1:] == part.activity[:-1])
    for values in part.signals.values():
        goes_on &= np.all(values[1:, :HALF] == values[:-1, HALF:], axis=1)
    edges = [0, *(np.flatnonzero(~goes_on) + 1).tolist(), len(part.person)]
    return list(pairwise(edges))


def _recording(part: _Windows, first: int, stop: int, *, name: str) -> Recording:
    found = Assembly(path=part.path)
    repeated = (stop - first - 1) * HALF
    findings = (Finding(action="dropped", samples=repeated, reason=REPEATED),) if repeated else ()
    for file, values in part.signals.items():
        modality, unit = _SIGNALS[file[:-2]]
        joined = np.concatenate((values[first, :HALF], values[first:stop, HALF:].ravel()))  # (windows, 128) -> (T,)
        found.add(
            Series(
                label=f"{modality} {file[-1]}",
                meaning=Meaning(modality=modality, unit=unit, axis=file[-1], placement="waist"),
                samples=joined,
                rate_hz=RATE_HZ,
                start_ns=0,
                findings=findings,
            )
        )
    lasts_ns = round((stop - first + 1) * HALF * SECOND / RATE_HZ)
    found.events.append(("activity", 0, lasts_ns, ACTIVITIES[int(part.activity[first])], float("nan")))
    return found.finish(
        participant=f"uci_har:{part.person[first]}",
        name=name,
        clock="relative",
        device="Samsung Galaxy S II",
        source=part.path.name,
        facts={"split": part.part},
    )


DATASET = Dataset(
    name="uci_har",
    title="UCI-HAR, Human Activity Recognition Using Smartphones",
    modalities=("acc", "gyro"),
    folder="har/uci_har",
    participants=30,
    licence="CC BY 4.0 (UCI page)",
    citation="Anguita et al. 2013, ESANN; UCI Machine Learning Repository, doi:10.24432/C54S4K",
    homepage="https://archive.ics.uci.edu/dataset/240",
    recordings=recordings,
    layout="""UCI HAR Dataset/train/subject_train.txt
UCI HAR Dataset/train/y_train.txt
UCI HAR Dataset/train/Inertial Signals/total_acc_x_train.txt   (body_gyro_*, axes x y z)
UCI HAR Dataset/test/...                                       the same, "test" for "train\"""",
    size="58 MB",
    addresses=(
        Address(
            kind="file",
            url="https://archive.ics.uci.edu/static/public/240/human+activity+recognition+using+smartphones.zip",
        ),
    ),
)
