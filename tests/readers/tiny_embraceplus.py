"""Tiny files of an EmbracePlus, written with fastavro and the schema that the vendor describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fastavro

START_US = 1_704_067_200_000_000  # 2024-01-01T00:00:00Z


def _record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}


def _array(kind: str) -> dict[str, str]:
    return {"type": "array", "items": kind}


_LIMITS = _record("imuParams", physicalMin="int", physicalMax="int", digitalMin="int", digitalMax="int")
_AXES = {"x": _array("int"), "y": _array("int"), "z": _array("int")}
_TIMED = {"timestampStart": "long", "samplingFrequency": "float"}
SCHEMA = _record(
    "empatica",
    schemaVersion=_record("version", major="int", minor="int", patch="int"),
    timezone="int",
    enrollment=_record("enrollment", participantID="string", siteID="string", studyID="string"),
    deviceSn="string",
    rawData=_record(
        "rawData",
        accelerometer=_record("accelerometer", **_TIMED, imuParams=_LIMITS, **_AXES),
        gyroscope=_record("gyroscope", **_TIMED, imuParams="imuParams", **_AXES),
        eda=_record("eda", **_TIMED, values=_array("float")),
        temperature=_record("temperature", **_TIMED, values=_array("float")),
        bvp=_record("bvp", **_TIMED, values=_array("float")),
        systolicPeaks=_record("systolicPeaks", peaksTimeNanos=_array("long")),
        steps=_record("steps", **_TIMED, values=_array("int")),
        tags=_record("tags", tagsTimeMicros=_array("long")),
    ),
)
LIMITS = {"physicalMin": -16, "physicalMax": 16, "digitalMin": -32768, "digitalMax": 32767}
NONE = {"physicalMin": 0, "physicalMax": 0, "digitalMin": 0, "digitalMax": 0}


def content(first: int = 0, *, start_us: int = START_US, timezone: int = 3600, **changes: Any) -> dict[str, Any]:
    """Two seconds: acceleration and BVP at 4 Hz, counts from `first`, EDA and temperature at 1 Hz."""
    timed = {"timestampStart": start_us, "samplingFrequency": 4.0}
    slow = {"timestampStart": start_us, "samplingFrequency": 1.0}
    empty = {"timestampStart": 0, "samplingFrequency": 0.0}
    counts = list(range(first, first + 8))
    sensors = {
        "accelerometer": {**timed, "imuParams": LIMITS, "x": counts, "y": [2048] * 8, "z": [-c for c in counts]},
        "gyroscope": {**empty, "imuParams": NONE, "x": [], "y": [], "z": []},
        "eda": {**slow, "values": [0.5, 0.25]},
        "temperature": {**slow, "values": [33.5, 33.25]},
        "bvp": {**timed, "values": [0.5 * c for c in counts]},
        "systolicPeaks": {"peaksTimeNanos": [start_us * 1000 + 500_000_000]},
        "steps": {**slow, "values": [0, 2]},
        "tags": {"tagsTimeMicros": [start_us + 1_000_000]},
    }
    return {
        "schemaVersion": {"major": 6, "minor": 4, "patch": 0},
        "timezone": timezone,
        "enrollment": {"participantID": "P7", "siteID": "1", "studyID": "1"},
        "deviceSn": "3YK3",
        "rawData": sensors | changes,
    }


def write_avro(path: Path, *records: dict[str, Any], schema: dict[str, Any] = SCHEMA) -> Path:
    """One Avro file, its sync marker fixed."""
    with path.open("wb") as file:
        fastavro.writer(file, schema, list(records), codec="deflate", sync_marker=bytes(range(16)))
    return path


def write_embraceplus(folder: Path) -> Path:
    """The folder of a device with one file."""
    path = folder / "v6"
    path.mkdir()
    write_avro(path / "P7_1704067200.avro", content())
    return path
