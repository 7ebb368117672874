"""HARTH: accelerometers at the lower back and the thigh of 22 people in free living, twelve activities marked from video.

Two Axivity AX3 at 50 Hz, in g; about two hours a person, with a camera at the chest looking down. The mark of every sample
becomes events `activity`.

**Time.** Stamps are wall-clock times of an unknown zone. They have gaps and, in a few files, another step than 20 ms: what
lies between is not valid. **Cautions.** Cycling is four classes (sitting or standing, moving or not); the standing ones
are rare. Axes as the sensors give them, x down the body. Layout as its UCI page describes it, not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from wearfm.datasets.base import NO_CODE, Address, Dataset, numbers, on_axis, only, spells, table
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.labels import Meaning
from wearfm.signals.recording import Recording

RATE_HZ = 50.0  # Logacjov et al. 2021
ACTIVITIES = {
    1: "walking",
    2: "running",
    3: "shuffling",
    4: "ascending stairs",
    5: "descending stairs",
    6: "standing",
    7: "sitting",
    8: "lying",
    13: "cycling sitting",
    14: "cycling standing",
    130: "cycling sitting, not moving",
    140: "cycling standing, not moving",
}
_PLACES = {"back": "lower back", "thigh": "thigh"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the day of every person under a folder, with activities as events."""
    for path in only(folder.rglob("S[0-9][0-9][0-9].csv"), what="days (harth/S006.csv)", folder=folder):
        yield _recording(path)


def _recording(path: Path) -> Recording:
    read = table(path, columns=["timestamp", "label", *(f"{place}_{axis}" for place in _PLACES for axis in "xyz")])
    try:
        stamps = read.column("timestamp").cast(pa.timestamp("ns")).to_numpy().astype(np.int64)
    except pa.ArrowException as error:
        raise BadRecording(path, 0, f"a time stamp is not a date and time ({error})") from error
    labels = np.nan_to_num(numbers(read, "label", path=path), nan=NO_CODE).astype(np.int64)
    if not np.isin(labels, list(ACTIVITIES)).all():
        raise BadRecording(path, 0, f"labels {sorted(set(labels.tolist()) - set(ACTIVITIES))[:5]} are none of the data set")
    found = Assembly(path=path)
    grid = found.grid(stamps, rate_hz=RATE_HZ)
    for place, placement in _PLACES.items():
        for axis in "xyz":
            meaning = Meaning(modality="acc", unit="g", axis=axis, placement=placement)
            values = numbers(read, f"{place}_{axis}", path=path)
            found.add(on_grid(grid, values, label=f"{place} {axis}", meaning=meaning))
    activity = on_axis(grid, labels)
    found.events.extend(spells("activity", activity, ACTIVITIES, rate_hz=grid.rate_hz, start_ns=grid.start_ns))
    return found.finish(participant=f"harth:{path.stem}", name="day", clock="local", device="Axivity AX3", source=path.name)


DATASET = Dataset(
    name="harth",
    title="HARTH, Human Activity Recognition Trondheim",
    modalities=("acc",),
    folder="har/harth",
    participants=22,
    licence="CC BY 4.0 (UCI page)",
    citation="Logacjov et al. 2021, Sensors 21(23):7853, doi:10.3390/s21237853",
    homepage="https://archive.ics.uci.edu/dataset/779",
    recordings=recordings,
    layout="""harth/S006.csv     timestamp, back_x, back_y, back_z, thigh_x, thigh_y, thigh_z, label""",
    size="167 MB",
    addresses=(Address(kind="file", url="https://archive.ics.uci.edu/static/public/779/harth.zip"),),
)
