from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.readers.tiny_arrays import write_npy, write_npz
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import read
from wearfm.readers.mapping import Mapping
from wearfm.readers.npy import read as read_numpy
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans

ONE = Mapping.from_dict({"channels": {"array": {"modality": "ppg"}}, "rate_hz": 1})


def test_arrays_of_a_zip(tmp_path: Path) -> None:
    (recording,) = read(write_npz(tmp_path))
    x = recording.channel("x")
    assert (x.samples[x.mask()].tolist(), x.samples.dtype, x.valid) == ([1, 2, 3, 4], np.int16, Spans.of([(0, 2), (3, 5)]))
    assert [row[3] for row in recording.events.rows()] == ["rest", "walk"]


def test_rows_of_one_array_at_a_fixed_rate(tmp_path: Path) -> None:
    (recording,) = read(write_npy(tmp_path))
    assert [channel.samples.tolist() for channel in recording.channels] == [
        [1, 2, 3, 4],
        [10, 20, 30, 40],
        [100, 200, 300, 400],
    ]
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("utc", 7200, 1_714_550_400 * SECOND)


@pytest.mark.parametrize("order", ["C", "F"])
def test_either_order_of_sides(tmp_path: Path, order: Any) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([[1, 2], [3, 4], [5, 6]], dtype=">i4", order=order))
    mapping = Mapping.from_dict({"channels": {"array[:, 1]": {"modality": "ppg"}}, "rate_hz": 1})
    assert next(read_numpy(path, mapping=mapping)).channels[0].samples.tolist() == [2, 4, 6]


def test_dates_are_times_on_the_wall_clock(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, when=np.array(["2024-05-01T10:00:00", "2024-05-01T10:00:01"], dtype="datetime64[ms]"), array=np.arange(2))
    mapping = {"channels": {"array": {"modality": "ppg"}}, "time": {"column": "when", "unit": "iso"}}
    (recording,) = read_numpy(path, mapping=Mapping.from_dict(mapping))
    assert (recording.clock, recording.start_ns) == ("local", 1_714_557_600 * SECOND)


def test_structured_arrays_have_a_variable_for_each_field(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([(0.0, 5), (0.5, 6)], dtype=[("t", "f8"), ("ppg", "i2")]))
    mapping = {"channels": {"array/ppg": {"modality": "ppg"}}, "time": {"column": "array/t", "unit": "s"}}
    (recording,) = read_numpy(path, mapping=Mapping.from_dict(mapping))
    assert (recording.channels[0].samples.tolist(), recording.channels[0].rate_hz) == ([5, 6], 2.0)


def test_objects_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(BadRecording, match="an array of objects; opening it would run code: save it as numbers"):
        list(read_numpy(path, mapping=ONE))
    path = tmp_path / "a.npz"
    np.savez(path, array=np.array([{}], dtype=object))
    with pytest.raises(BadRecording, match="no variable 'array'"):
        list(read_numpy(path, mapping=ONE))


def test_an_array_that_promises_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(1000, dtype=np.int16))
    path.write_bytes(path.read_bytes().replace(b"(1000,), }      ", b"(9000000000,), }"))
    with pytest.raises(BadRecording, match="an array of 18000000000 bytes in a file of 2128"):
        list(read_numpy(path, mapping=ONE))
    np.save(path, np.zeros(1000, dtype=np.int16))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadRecording, match=r"an array of 2000 bytes in a file of 2127 \(at byte 128\)"):
        list(read_numpy(path, mapping=ONE))


def test_arrays_without_a_mapping_show_one_that_works(tmp_path: Path) -> None:
    path = write_npz(tmp_path)
    (tmp_path / "session.npz.json").unlink()
    with pytest.raises(
        UnknownFormat, match=r"'acc' \(4, 3\), 't' \(4,\), 'ppg' \(4,\), 'label' \(4,\) needs a mapping"
    ) as caught:
        list(read(path))
    suggestion = str(caught.value).split("for example: ")[1]
    (tmp_path / "session.npz.json").write_text(suggestion)
    (recording,) = read(path)
    assert json.loads(suggestion)["time"] == {"column": "t", "unit": "s"}
    assert [channel.modality for channel in recording.channels] == ["acc", "acc", "acc"]


@pytest.mark.real
def test_a_genuine_zip_of_arrays(data_folder: Path) -> None:
    path = data_folder / "har/hapt/exp01_user01.npz"
    channels = {f"acc[:, {k}]": {"modality": "acc", "axis": axis} for k, axis in enumerate("xyz")}
    plain = {"channels": channels, "events": {"label": {"kind": "activity"}}, "rate_hz": 50}
    (recording,) = read_numpy(path, mapping=Mapping.from_dict(plain))
    with np.load(path) as raw:
        assert np.array_equal(np.stack([channel.samples for channel in recording.channels], axis=1), raw["acc"])
        changes = np.count_nonzero(np.diff(raw["label"])) + 1
    assert len(recording.events) == changes
    norm = np.sqrt(sum(channel.physical() ** 2 for channel in recording.channels))
    assert np.median(norm) == pytest.approx(1.0, abs=0.05)


@pytest.mark.real
def test_a_genuine_zip_with_times(data_folder: Path) -> None:
    path = data_folder / "raw_devices/skdh_gait/gait_input.npz"
    channels = {f"accel[:, {k}]": {"modality": "acc", "axis": axis} for k, axis in enumerate("xyz")}
    (recording,) = read_numpy(path, mapping=Mapping.from_dict({"channels": channels, "time": {"column": "time", "unit": "s"}}))
    with np.load(path) as raw:
        rate = (len(raw["time"]) - 1) / (raw["time"][-1] - raw["time"][0])
        assert np.array_equal(recording.channels[0].samples, raw["accel"][:, 0].astype(np.float32))
    assert recording.channels[0].rate_hz == pytest.approx(rate, rel=1e-3)
