"""PAMAP2: inertial sensors at the wrist, the chest and the ankle of nine people, eighteen activities, with heart rate.

The sensors are on the dominant side, 100 Hz. What a person did in which second is an event `activity`; time between two
activities ("transient") has none. The heart rate of the chest strap (about 9 Hz, empty between) becomes events `hr`, one
for every run of equal values, cut where the strap was silent for more than `SILENT_S`.

| column | in the recording |
|---|---|
| 1, 2, 3 | time in s, activity, heart rate |
| of each sensor: temperature | `temp` |
| acceleration of 16 g in m/s2 | `acc` |
| angular rate in rad/s, field in uT | `gyro`, `mag` |

Lost wireless packets are empty cells: they are masked and counted. **Cautions.** Temperature is that of the sensor. S109
did a part of the activities only. **Not read**: the 6 g accelerometer (it saturates in some activities, says the
README, and is not calibrated as well), the orientation (the README calls it invalid), and age, sex and size, which the
authors give in a PDF. Layout as its README describes it, not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, Row, integers, numbers, on_axis, only, rows, spells
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.labels import Meaning
from wearfm.signals.clock import Grid
from wearfm.signals.recording import SECOND, Recording

RATE_HZ = 100.0  # Reiss & Stricker 2012
SILENT_S = 1.0  # ours: the strap sends nine times a second
PLACES = ("wrist", "chest", "ankle")
ACTIVITIES = {
    1: "lying",
    2: "sitting",
    3: "standing",
    4: "walking",
    5: "running",
    6: "cycling",
    7: "Nordic walking",
    9: "watching TV",
    10: "computer work",
    11: "driving a car",
    12: "ascending stairs",
    13: "descending stairs",
    16: "vacuum cleaning",
    17: "ironing",
    18: "folding laundry",
    19: "house cleaning",
    20: "playing soccer",
    24: "rope jumping",
}
_KINDS = {"acc": "m/s2", "gyro": "rad/s", "mag": "uT"}
_OF_A_SENSOR = (
    "temp", *(f"acc {axis}" for axis in "xyz"), *(f"6 g {axis}" for axis in "xyz"), *(f"gyro {axis}" for axis in "xyz"),
    *(f"mag {axis}" for axis in "xyz"), *(f"orientation {number}" for number in range(4)),
)  # fmt: skip
_COLUMNS = ("time", "activity", "hr", *(f"{place} {name}" for place in PLACES for name in _OF_A_SENSOR))


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every session under a folder, with activities and heart rate as events."""
    for path in only(folder.rglob("subject1[0-9][0-9].dat"), what="sessions (Protocol/subject101.dat)", folder=folder):
        yield _recording(path)


def _recording(path: Path) -> Recording:
    read, dropped = rows(path, names=_COLUMNS, delimiter=" ")
    found = Assembly(path=path)
    if dropped:
        found.note(f"{dropped} rows without {len(_COLUMNS)} cells were left out")
    time_s = numbers(read, "time", path=path)
    grid = found.grid(integers(time_s * SECOND, path=path, what="the time"), rate_hz=RATE_HZ)
    for place in PLACES:
        _add_sensor(found, path, read, grid, place)
    activity = on_axis(grid, integers(numbers(read, "activity", path=path), path=path, what="the activity"))
    found.events.extend(spells("activity", activity, ACTIVITIES, rate_hz=grid.rate_hz, start_ns=grid.start_ns))
    found.events.extend(heart_rates(time_s, numbers(read, "hr", path=path)))
    return found.finish(
        participant=f"pamap2:{path.stem.removeprefix('subject')}",
        name=path.parent.name.lower() or "session",
        clock="relative",
        device="Colibri wireless IMU",
        source=path.name,
    )


def _add_sensor(found: Assembly, path: Path, read: pa.Table, grid: Grid, place: str) -> None:
    names = {"temp": ("temp", "degC", "")} | {
        f"{kind} {axis}": (kind, unit, axis) for kind, unit in _KINDS.items() for axis in "xyz"
    }
    for name, (kind, unit, axis) in names.items():
        values = numbers(read, f"{place} {name}", path=path)
        meaning = Meaning(modality=kind, unit=unit, axis=axis, placement=place)
        found.add(on_grid(grid, values, label=f"{place} {name}", meaning=meaning))


def heart_rates(time_s: NDArray[np.float64], rate: NDArray[np.float64]) -> Iterator[Row]:
    """Yield an event for every run of equal heart rates; time_s, rate: (T,), NaN where nothing was sent."""
    sent = np.flatnonzero(np.isfinite(rate))
    if len(sent) == 0:
        return
    at, value = time_s[sent], rate[sent]
    begins = np.concatenate(([True], (np.diff(value) != 0) | (np.diff(at) > SILENT_S)))
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(sent)) - 1
    ends = np.minimum(np.append(at[1:], at[-1])[last], at[last] + SILENT_S)  # up to the next value, if it comes soon
    for start, end, each in zip(at[first].tolist(), ends.tolist(), value[first].tolist(), strict=True):
        onset = round(start * SECOND)
        yield "hr", onset, max(round(end * SECOND) - onset, SECOND // 10), "", each


DATASET = Dataset(
    name="pamap2",
    title="PAMAP2 Physical Activity Monitoring",
    modalities=("acc", "gyro", "mag", "temp"),
    folder="har/pamap2",
    participants=9,
    licence="CC BY 4.0 (UCI page)",
    citation="Reiss & Stricker 2012, ISWC, doi:10.1109/ISWC.2012.13",
    homepage="https://archive.ics.uci.edu/dataset/231",
    recordings=recordings,
    layout="""PAMAP2_Dataset/Protocol/subject101.dat     54 columns between spaces, nine people
PAMAP2_Dataset/Optional/subject101.dat     more activities of five of them""",
    size="657 MB",
    addresses=(
        Address(kind="file", url="https://archive.ics.uci.edu/static/public/231/pamap2+physical+activity+monitoring.zip"),
    ),
)
