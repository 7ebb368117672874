from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.readers.tiny_embraceplus import LIMITS, SCHEMA, START_US, content, write_avro, write_embraceplus
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import read
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans

START_NS = START_US * 1000


def folder(tmp_path: Path, *records: dict[str, Any]) -> Path:
    path = tmp_path / "v6"
    path.mkdir()
    for number, record in enumerate(records):
        write_avro(path / f"P7_{number}.avro", record)
    return path


def joined(tmp_path: Path, *records: dict[str, Any]) -> Recording:
    (recording,) = read(folder(tmp_path, *records))
    return recording


def test_one_file(tmp_path: Path) -> None:
    (recording,) = read(write_embraceplus(tmp_path))
    x, z = recording.channel("accelerometer x"), recording.channel("accelerometer z")
    assert (x.samples.tolist(), x.samples.dtype, x.rate_hz, x.axis) == (list(range(8)), np.int16, 4.0, "x")
    assert z.samples.tolist() == [-count for count in range(8)]
    assert recording.channel("accelerometer y").physical()[0] == pytest.approx(2048 * 32 / 65535)
    assert recording.channel("eda").samples.tolist() == [0.5, 0.25]
    assert (recording.participant, recording.name, recording.device) == ("P7", "v6", "Empatica EmbracePlus 3YK3")
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("utc", 3600, START_NS)
    assert recording.quality.notes == ("no samples of gyroscope",)


def test_beats_steps_and_tags_are_events(tmp_path: Path) -> None:
    (recording,) = read(write_embraceplus(tmp_path))
    assert [(row[0], row[1] - START_NS, row[2]) for row in recording.events.rows()] == [
        ("beat", SECOND // 2, 0),
        ("steps", SECOND, SECOND),
        ("tag", SECOND, 0),
    ]
    assert recording.events.of_kind("steps").value.tolist() == [2.0]


def test_files_that_follow_each_other_are_joined(tmp_path: Path) -> None:
    recording = joined(tmp_path, content(8, start_us=START_US + 2_000_000), content())
    x = recording.channel("accelerometer x")
    assert (x.samples.tolist(), x.valid, x.rate_hz) == (list(range(16)), Spans.all(16), 4.0)
    assert recording.channel("temperature").samples.tolist() == [33.5, 33.25] * 2
    assert len(recording.events.of_kind("tag")) == 2


def test_what_lies_between_files_is_a_gap(tmp_path: Path) -> None:
    recording = joined(tmp_path, content(), content(8, start_us=START_US + 12_000_000))
    x = recording.channel("accelerometer x")
    assert (x.valid, len(x.samples)) == (Spans.of([(0, 8), (48, 56)]), 56)
    assert x.samples[x.mask()].tolist() == list(range(16))
    assert recording.quality.channels[0].count("inserted") == 40


def test_samples_that_two_files_hold_are_dropped_and_counted(tmp_path: Path) -> None:
    recording = joined(tmp_path, content(), content(), content(4, start_us=START_US + 1_000_000))
    assert recording.channel("accelerometer x").samples.tolist() == list(range(12))
    assert recording.quality.channels[0].count("dropped") == 12


def test_a_journey_begins_a_new_recording(tmp_path: Path) -> None:
    later = content(8, start_us=START_US + 2_000_000, timezone=-18_000)
    first, second = read(folder(tmp_path, content(), later))
    assert [(first.utc_offset_s, first.name), (second.utc_offset_s, second.name)] == [(3600, "v6 UTC+1"), (-18_000, "v6 UTC-5")]
    assert second.start_ns == START_NS + 2 * SECOND


def test_two_devices_are_two_recordings(tmp_path: Path) -> None:
    first, second = read(folder(tmp_path, content(), content() | {"deviceSn": "3YK9"}))
    assert (first.device, second.device) == ("Empatica EmbracePlus 3YK3", "Empatica EmbracePlus 3YK9")
    assert (first.name, second.name) == ("v6 3YK3", "v6 3YK9")


def test_a_conversion_factor_goes_before_ranges(tmp_path: Path) -> None:
    schema = copy.deepcopy(SCHEMA)
    sensors = next(field for field in schema["fields"] if field["name"] == "rawData")["type"]["fields"]
    limits = next(field for field in sensors[0]["type"]["fields"] if field["name"] == "imuParams")["type"]
    limits["fields"].append({"name": "conversionFactor", "type": "double"})
    record = content()
    for sensor in ("accelerometer", "gyroscope"):
        record["rawData"][sensor]["imuParams"] = LIMITS | {"conversionFactor": 0.25}
    path = write_avro(tmp_path / "a.avro", record, schema=schema)
    (recording,) = read(path)
    assert recording.channel("accelerometer x").physical().tolist() == [0.25 * count for count in range(8)]


def test_a_change_of_range_gives_physical_values(tmp_path: Path) -> None:
    later = content(8, start_us=START_US + 2_000_000)
    later["rawData"]["accelerometer"]["imuParams"] = LIMITS | {"physicalMin": -8, "physicalMax": 8}
    x = joined(tmp_path, content(), later).channel("accelerometer x")
    assert (x.samples.dtype, x.scale) == (np.float32, 1.0)
    assert x.physical()[[7, 8]] == pytest.approx([7 * 32 / 65535, 8 * 16 / 65535])


def test_a_damaged_file_of_a_folder_is_left_out_with_a_note(tmp_path: Path) -> None:
    path = folder(tmp_path, content(), content(8, start_us=START_US + 2_000_000))
    (path / "P7_1.avro").write_bytes((path / "P7_1.avro").read_bytes()[:-40])
    (recording,) = read(path)
    assert recording.channel("accelerometer x").samples.tolist() == list(range(8))
    assert recording.quality.notes[0].startswith("P7_1.avro is left out: damaged Avro file")


def test_a_member_is_read_with_its_folder(tmp_path: Path) -> None:
    path = folder(tmp_path, content(), content(8, start_us=START_US + 2_000_000))
    (recording,) = read(path / "P7_1.avro")
    assert len(recording.channel("bvp").samples) == 16


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timezone": 90_000}, "timezone 90000; it must be seconds, at most 14 hours"),
        ({"bvp": {"timestampStart": -5, "samplingFrequency": 64.0, "values": [1.0]}}, "bvp: start -5 us at 64.0 Hz"),
        ({"bvp": {"timestampStart": 5, "samplingFrequency": 0.0, "values": [1.0]}}, "bvp: start 5 us at 0.0 Hz"),
    ],
)
def test_a_field_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRecording, match=reason):
        joined(tmp_path, content(**change))


def test_axes_of_different_length_are_refused(tmp_path: Path) -> None:
    record = content()
    record["rawData"]["accelerometer"]["y"] = [1]
    with pytest.raises(BadRecording, match="accelerometer: 8, 1, 8 samples of its axes"):
        joined(tmp_path, record)


def test_arrays_of_nothing_are_refused(tmp_path: Path) -> None:
    schema = copy.deepcopy(SCHEMA)
    schema["fields"].append({"name": "extra", "type": {"type": "array", "items": "null"}})
    path = write_avro(tmp_path / "a.avro", content() | {"extra": [None] * 3}, schema=schema)
    with pytest.raises(BadRecording, match="arrays of nothing in the schema"):
        list(read(path))


def test_avro_of_another_kind_is_not_claimed(tmp_path: Path) -> None:
    schema = {"type": "record", "name": "a", "fields": [{"name": "b", "type": "int"}]}
    with pytest.raises(UnknownFormat, match="begins with b'Obj"):
        list(read(write_avro(tmp_path / "a.avro", {"b": 1}, schema=schema)))


def test_clocks_of_files_that_drift_are_followed(tmp_path: Path) -> None:
    """The second file runs a little slower and begins when it says: no sample is lost, and none is invented."""
    slow = {"timestampStart": START_US + 2_000_100, "samplingFrequency": 3.998, "values": [1.0] * 8}
    recording = joined(tmp_path, content(), content(8, start_us=START_US + 2_000_000, bvp=slow))
    bvp = recording.channel("bvp")
    assert (len(bvp.samples), bvp.valid) == (16, Spans.all(16))
    assert bvp.rate_hz == pytest.approx(4, rel=1e-3)
