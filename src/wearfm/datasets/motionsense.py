"""MotionSense: a phone in the front trouser pocket, six activities in fifteen trials.

The phone reports gravity and the rest of the acceleration apart; their sum is what its accelerometer measured. An
iPhone counts it the other way round than other devices, -1 g on the axis that points up when it lies still: the sign is
turned here, so that acc is the specific force, as in every other data set of this house.

Reads a table a person (`sub_01.parquet`) or the original folders (`A_DeviceMotion_data/dws_1/sub_1.csv`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from wearfm.datasets.base import Address, Dataset, number, numbers, only, table
from wearfm.errors import BadRecording
from wearfm.signals.door import Admitted, admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import SECOND, Events, Fact, Recording

RATE_HZ = 50.0  # Malekzadeh et al. 2019
ACTIVITIES = {
    "dws": "walking downstairs",
    "ups": "walking upstairs",
    "wlk": "walking",
    "jog": "jogging",
    "std": "standing",
    "sit": "sitting",
}
_COLUMNS = [f"{kind}.{axis}" for kind in ("gravity", "rotationRate", "userAcceleration") for axis in "xyz"]
_SEXES: dict[float | None, Fact] = {0: "female", 1: "male"}
_FACTS = {"age": "age_years", "height": "height_cm", "weight": "weight_kg"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every trial under a folder, with its activity as an event and the person's age, sex and size as facts."""
    people = only(folder.rglob("data_subjects_info.csv"), what="table of people (data_subjects_info.csv)", folder=folder)[0]
    facts = {row["code"]: _facts(people, row) for row in table(people, columns=["code", "gender", *_FACTS]).to_pylist()}
    for path, person, activity, trial, read in _trials(folder):
        if activity not in ACTIVITIES:
            raise BadRecording(path, 0, f"activity {activity!r} is not one of {', '.join(ACTIVITIES)}")
        admitted = _channels(path, read)
        lasts_ns = round(len(read) * SECOND / RATE_HZ)
        yield Recording(
            participant=f"motionsense:{person}",
            name=f"{activity}_{trial}",
            channels=tuple(a.channel for a in admitted),
            events=Events.of([("activity", 0, lasts_ns, ACTIVITIES[activity], float("nan"))]),
            device="iPhone 6s",
            source=path.name,
            facts=facts.get(person, {}),
            quality=Quality(channels=tuple(a.quality for a in admitted)),
        )


def _trials(folder: Path) -> Iterator[tuple[Path, int, str, int, pa.Table]]:
    """Yield (file, person, activity, trial, samples)."""
    tables = sorted(folder.glob("sub_*.parquet"))
    for path in tables:
        read = table(path, columns=["activity", "trial", *_COLUMNS])
        activities = read.column("activity").cast(pa.string())
        pairs = zip(activities.to_pylist(), read.column("trial").to_pylist(), strict=True)
        for activity, trial in dict.fromkeys(pairs):
            mask = pc.and_(pc.equal(activities, activity), pc.equal(read.column("trial"), trial))
            yield path, int(path.stem.removeprefix("sub_")), activity, trial, read.filter(mask)
    if tables:
        return
    what = "trials (sub_01.parquet or dws_1/sub_1.csv)"
    for path in only(folder.rglob("*_*/sub_*.csv"), what=what, folder=folder):
        activity, _, trial = path.parent.name.partition("_")
        yield path, int(path.stem.removeprefix("sub_")), activity, int(trial), table(path, columns=_COLUMNS)


def _channels(path: Path, read: pa.Table) -> list[Admitted]:
    columns = {name: numbers(read, name, path=path) for name in _COLUMNS}
    force_g = {axis: -(columns[f"gravity.{axis}"] + columns[f"userAcceleration.{axis}"]) for axis in "xyz"}
    turning = {axis: columns[f"rotationRate.{axis}"] for axis in "xyz"}
    return [
        admit(
            values,
            name=f"{kind} {axis}",
            modality_name=kind,
            unit=unit,
            rate_hz=RATE_HZ,
            start_ns=0,
            placement="trouser pocket",
            axis=axis,
        )
        for kind, unit, of in (("acc", "g", force_g), ("gyro", "rad/s", turning))
        for axis, values in of.items()
    ]


def _facts(path: Path, row: Mapping[str, float | None]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        name: number(value, path=path, what=column) for column, name in _FACTS.items() if (value := row[column]) is not None
    }
    return facts | ({"sex": _SEXES[row["gender"]]} if row["gender"] in _SEXES else {})


DATASET = Dataset(
    name="motionsense",
    title="MotionSense",
    modalities=("acc", "gyro"),
    folder="har/motionsense",
    participants=24,
    licence="MIT (authors' repository)",
    citation="Malekzadeh et al. 2019, IoTDI, doi:10.1145/3302505.3310068",
    homepage="https://github.com/mmalekzadeh/motion-sense",
    recordings=recordings,
    layout="""data_subjects_info.csv
A_DeviceMotion_data/dws_1/sub_1.csv""",
    addresses=tuple(
        Address(kind="file", url=f"https://raw.githubusercontent.com/mmalekzadeh/motion-sense/master/data/{name}")
        for name in ("A_DeviceMotion_data.zip", "data_subjects_info.csv")
    ),
)
