"""WISDM (51 people): a phone in the pocket and a watch on the dominant hand, eighteen activities of three minutes each.

Both devices give acceleration (m/s2) and angular rate (rad/s) at about 20 Hz, each sensor in a file of its own with its own
stamps. A device, a person and an activity are a recording, with an event `activity` over its whole length; acceleration and
angular rate keep their own start and rate, as the stamps give them (20.01 to 20.05 Hz in the watches seen).

The watch at times samples at 101 Hz for a while (seen in six of 126 recordings, in one of them for a minute). There every
fifth sample is kept, and the others are dropped and counted, so that a recording has one rate and a true length; nothing
is filtered before.

**Time.** Stamps count nanoseconds since the device was switched on, whatever the README says: the clock is relative, and
the watch's is not the phone's. Between activities they jump, in some files backwards: hence one recording an activity.
Where they stop within an activity, that is a gap.

**Cautions.** Every activity was done once: windows of a person and activity resemble each other. Read are the official
text (`raw/watch/accel/data_1600_accel_watch.txt`) or tables converted from it (`1600_accel_watch.parquet`); tables are
taken where both lie. **Not read**: the features in `arff_files`. The text as its README describes it, not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, numbers, only, rows, table
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.labels import Meaning
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import Recording

ACTIVITIES = {
    "A": "walking",
    "B": "jogging",
    "C": "stairs",
    "D": "sitting",
    "E": "standing",
    "F": "typing",
    "G": "brushing teeth",
    "H": "eating soup",
    "I": "eating chips",
    "J": "eating pasta",
    "K": "drinking from a cup",
    "L": "eating a sandwich",
    "M": "kicking a ball",
    "O": "playing catch",
    "P": "dribbling a ball",
    "Q": "writing",
    "R": "clapping",
    "S": "folding clothes",
}  # activity_key.txt; there is no N
_SENSORS = {"accel": ("acc", "m/s2"), "gyro": ("gyro", "rad/s")}
_PLACES = {"watch": "wrist", "phone": "trouser pocket"}
_NAME = re.compile(r"(?:data_)?(?P<person>\d{4})_(?P<sensor>accel|gyro)_(?P<device>phone|watch)")
TOO_FAST = "between two steps of 20 Hz: the device sampled faster for a while"
_FAST_NS, _STEP_NS = 25_000_000, 45_000_000  # ours: half a step of 20 Hz, and a step less its jitter
_COLUMNS = ("person", "activity", "timestamp_ns", "x", "y", "z")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every activity of every device and person under a folder, with the activity as an event."""
    tables = sorted(folder.rglob("*_*_*.parquet"))
    what = "tables (raw/watch/accel/data_1600_accel_watch.txt)"
    files = tables or only(folder.rglob("data_*_*_*.txt"), what=what, folder=folder)
    groups: dict[tuple[str, str], dict[str, Path]] = {}
    for path in files:
        named = _NAME.fullmatch(path.stem)
        if named is None:
            raise BadRecording(path, 0, f"{path.stem!r} is not of the form data_1600_accel_watch")
        groups.setdefault((named["person"], named["device"]), {})[named["sensor"]] = path
    for (person, device), sensors in sorted(groups.items()):
        read = {sensor: _read(path) for sensor, path in sorted(sensors.items())}
        for code in sorted({code for each, _ in read.values() for code in pc.unique(each.column("activity")).to_pylist()}):
            yield _recording(sensors, read, person=person, device=device, code=code)


def _read(path: Path) -> tuple[pa.Table, int]:
    """Return the samples of one sensor, and how many rows of the text were no samples."""
    if path.suffix == ".parquet":
        read = table(path, columns=_COLUMNS[1:])
        return read.set_column(read.column_names.index("activity"), "activity", read.column("activity").cast(pa.string())), 0
    kinds = {"person": pa.int64(), "activity": pa.string(), "timestamp_ns": pa.int64(), "z": pa.string()}
    read, dropped = rows(path, names=_COLUMNS, delimiter=",", kinds=kinds)
    ends = pc.utf8_rtrim(pc.utf8_trim_whitespace(read.column("z")), characters=";")
    return read.set_column(_COLUMNS.index("z"), "z", ends), dropped


def _recording(
    sensors: dict[str, Path], read: dict[str, tuple[pa.Table, int]], *, person: str, device: str, code: str
) -> Recording:
    path = next(iter(sensors.values()))
    if code not in ACTIVITIES:
        raise BadRecording(path, 0, f"activity {code!r} is not one of {', '.join(ACTIVITIES)}")
    found = Assembly(path=path)
    for sensor, (samples, dropped) in read.items():
        if dropped:
            found.note(f"{dropped} rows of {sensors[sensor].name} without {len(_COLUMNS)} cells were left out")
        own = samples.filter(pc.equal(samples.column("activity"), code))
        if len(own) > 1:
            _add(found, sensors[sensor], own, sensor=sensor, device=device)
    channels = [entry.channel for entry in found.admitted]
    if not channels:
        found.note("one sample is no recording")
        return found.finish(participant=f"wisdm:{person}", name=f"{device} {code}", clock="relative", source=path.name)
    start, stop = min(channel.start_ns for channel in channels), max(channel.stop_ns for channel in channels)
    found.events.append(("activity", start, stop - start, ACTIVITIES[code], float("nan")))
    return found.finish(
        participant=f"wisdm:{person}",
        name=f"{device} {code}",
        clock="relative",
        device={"watch": "LG G Watch", "phone": "Nexus 5, Nexus 5X or Galaxy S5"}[device],
        source=path.name,
    )


def _add(found: Assembly, path: Path, own: pa.Table, *, sensor: str, device: str) -> None:
    modality, unit = _SENSORS[sensor]
    stamps = own.column("timestamp_ns").to_numpy().astype(np.int64)
    keep = on_time(stamps)
    grid = found.grid(stamps[keep])
    lost = int(np.count_nonzero(~keep))
    findings = (Finding(action="dropped", samples=lost, reason=TOO_FAST),) if lost else ()
    for axis in "xyz":
        meaning = Meaning(modality=modality, unit=unit, axis=axis, placement=_PLACES[device])
        values = numbers(own, axis, path=path)[keep]
        found.add(on_grid(grid, values, label=f"{modality} {axis}", meaning=meaning, findings=findings))


def on_time(stamps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which samples to keep, (T,): all, but in a fast stretch only those a step after the last one that is kept."""
    keep = np.ones(len(stamps), dtype=bool)
    steps = np.diff(stamps)
    last = int(stamps[0])
    for row in (np.flatnonzero((steps > 0) & (steps < _FAST_NS)) + 1).tolist():
        if keep[row - 1]:
            last = int(stamps[row - 1])
        keep[row] = stamps[row] - last >= _STEP_NS
    return keep


DATASET = Dataset(
    name="wisdm",
    title="WISDM Smartphone and Smartwatch Activity and Biometrics",
    modalities=("acc", "gyro"),
    folder="har/wisdm51_watch",
    participants=51,
    licence="CC BY 4.0 (UCI page)",
    citation="Weiss, Yoneda & Hayajneh 2019, IEEE Access 7:133190, doi:10.1109/ACCESS.2019.2940729",
    homepage="https://archive.ics.uci.edu/dataset/507",
    recordings=recordings,
    layout="""wisdm-dataset/raw/watch/accel/data_1600_accel_watch.txt     "1600,A,90426708196641,7.09,-0.59,8.19;"
wisdm-dataset/raw/watch/gyro/data_1600_gyro_watch.txt
wisdm-dataset/raw/phone/accel/data_1600_accel_phone.txt
wisdm-dataset/raw/phone/gyro/data_1600_gyro_phone.txt""",
    size="295 MB",
    addresses=(
        Address(
            kind="file",
            url="https://archive.ics.uci.edu/static/public/507/"
            "wisdm+smartphone+and+smartwatch+activity+and+biometrics+dataset.zip",
        ),
    ),
)
