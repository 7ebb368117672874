from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.readers.tiny_arrays import write_hdf5
from wearfm.errors import BadConfiguration, BadRecording, UnknownFormat
from wearfm.readers import arrays, find_reader, read
from wearfm.readers.hdf5 import read as read_hdf5
from wearfm.readers.mapping import Mapping
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans


def container(tmp_path: Path, arrays: dict[str, Any], **mapping: object) -> Recording:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    (recording,) = read_hdf5(path, mapping=Mapping.from_dict(mapping))
    return recording


def test_columns_fields_and_labels_of_a_container(tmp_path: Path) -> None:
    (recording,) = read(write_hdf5(tmp_path))
    z, ppg = recording.channel("z"), recording.channel("ppg")
    assert (z.samples[z.mask()].tolist(), z.samples.dtype, z.rate_hz) == ([100, 200, 300, 400], np.int16, 4.0)
    assert z.valid == Spans.of([(0, 2), (3, 5)])
    assert ppg.samples[ppg.mask()].tolist() == [0.5, 0.25, 0.125]
    assert recording.quality.channels[3].count("masked") == 1
    assert (recording.participant, recording.clock, recording.start_ns) == ("P7", "utc", 1_700_000_000 * SECOND)
    assert [(row[0], row[3]) for row in recording.events.rows()] == [("activity", "rest"), ("activity", "walk")]


def test_gzip_is_transparent(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    (tmp_path / "packed.json").write_text((tmp_path / "session.h5.json").read_text())
    (plain,), (unpacked,) = read(path), read(packed)
    assert plain.channels[0].samples.tolist() == unpacked.channels[0].samples.tolist()


def test_a_container_without_a_mapping_shows_one_that_works(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path)
    (tmp_path / "session.h5.json").unlink()
    with pytest.raises(UnknownFormat, match=r"'finger/ppg' \(4,\), .*'wrist/acc' \(4, 3\), .* needs a mapping") as caught:
        list(read(path))
    (tmp_path / "session.h5.json").write_text(str(caught.value).split("for example: ")[1])
    (recording,) = read(path)
    assert [channel.modality for channel in recording.channels] == ["ppg", "other", "acc"]
    assert recording.start_ns == 1_700_000_000 * SECOND


def test_a_container_of_nothing_but_text_has_nothing_to_map(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["about"] = "a title"
    with pytest.raises(UnknownFormat, match=r"'about' \(\) has no array of numbers to read; convert it"):
        list(read(path))


def test_channels_may_have_rates_of_their_own(tmp_path: Path) -> None:
    channels = {"ecg": {"modality": "ecg", "rate_hz": 4}, "eda": {"modality": "eda", "rate_hz": 1}}
    ecg, eda = np.arange(8, dtype=np.int16), np.array([1.0, 2.0])
    recording = container(tmp_path, {"ecg": ecg, "eda": eda}, channels=channels, start="2024-05-01T10:00:00")
    assert [(c.rate_hz, len(c.samples), c.duration_s) for c in recording.channels] == [(4.0, 8, 2.0), (1.0, 2, 2.0)]
    assert (recording.clock, recording.utc_offset_s) == ("local", None)


def test_channels_may_have_times_of_their_own(tmp_path: Path) -> None:
    def timed(modality: str, time: str) -> dict[str, object]:
        return {"modality": modality, "time": {"column": time, "unit": "ms"}}

    times = {"t1": np.arange(5) * 10 + 1_700_000_000_000, "t2": np.arange(3) * 1000 + 1_700_000_000_500}
    signals = {"a": np.arange(5), "b": np.arange(3)}
    recording = container(tmp_path, times | signals, channels={"a": timed("ppg", "t1"), "b": timed("eda", "t2")})
    assert [(c.rate_hz, c.start_ns % SECOND) for c in recording.channels] == [(100.0, 0), (1.0, SECOND // 2)]


def test_channels_on_clocks_of_different_kinds_are_refused(tmp_path: Path) -> None:
    channels = {"a": {"modality": "ppg", "time": {"column": "t", "unit": "s"}}, "b": {"modality": "eda", "rate_hz": 4}}
    arrays = {"t": np.arange(3) + 1_700_000_000, "a": np.arange(3), "b": np.arange(3)}
    with pytest.raises(BadRecording, match=r"clocks of different kinds \(relative, utc\); give each a time"):
        container(tmp_path, arrays, channels=channels)


def test_arrays_that_share_their_time_must_be_equally_long(tmp_path: Path) -> None:
    channels = {"a": {"modality": "ppg"}, "b": {"modality": "eda"}}
    with pytest.raises(BadRecording, match="differ in length: 'a' 4, 'b' 3; give each its own rate_hz"):
        container(tmp_path, {"a": np.arange(4), "b": np.arange(3)}, channels=channels, rate_hz=4)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("ppg", "no variable 'ppg', which the mapping names; variables: 'acc'"),
        ("acc", r"'acc' is no vector of an array of shape \(5, 3\); write it as 'acc\[:, 0\]'"),
        ("acc[:, 3]", r"'acc\[:, 3\]' is no vector"),
        ("acc[0, 1]", r"'acc\[0, 1\]' is no vector"),
        ("acc[0, 1, :]", r"'acc\[0, 1, :\]' is no vector"),
    ],
)
def test_a_vector_that_is_not_there_is_named(tmp_path: Path, key: str, reason: str) -> None:
    with pytest.raises(BadRecording, match=reason):
        container(tmp_path, {"acc": np.zeros((5, 3))}, channels={key: {"modality": "ppg"}}, rate_hz=1)


def test_complex_numbers_are_no_samples(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="'a' holds complex128; samples must be numbers: name another one"):
        container(tmp_path, {"a": np.zeros(3, dtype=complex)}, channels={"a": {"modality": "ppg"}}, rate_hz=1)


def test_text_of_variable_length_is_refused(tmp_path: Path) -> None:
    labels = np.array(["a", "b"], dtype=h5py.string_dtype())
    mapping = {"channels": {"a": {"modality": "ppg"}}, "events": {"b": {"kind": "activity"}}, "rate_hz": 1}
    with pytest.raises(BadRecording, match="'b' holds object; samples must be numbers: name another one"):
        container(tmp_path, {"a": np.arange(2), "b": labels}, **mapping)


def test_a_mapping_needs_a_time_for_every_channel() -> None:
    channels = {"a": {"modality": "ppg", "rate_hz": 4}, "b": {"modality": "eda"}}
    with pytest.raises(BadConfiguration, match="without time and without rate_hz"):
        Mapping.from_dict({"channels": channels})


def test_a_data_set_in_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw.bin").write_bytes(bytes(64))
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (8,), "f8", external=[(str(tmp_path / "raw.bin"), 0, 64)])
    with pytest.raises(BadRecording, match="lies in other files; copy its values into this one"):
        list(read_hdf5(path, mapping=Mapping.from_dict({"channels": {"a": {"modality": "ppg"}}, "rate_hz": 1})))


def test_a_data_set_that_claims_more_than_is_stored_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (10**12,), "f8", chunks=(1000,))
    with pytest.raises(BadRecording, match="'/a' claims 8000000000000 bytes, but 0 are stored"):
        list(read_hdf5(path, mapping=Mapping.from_dict({"channels": {"a": {"modality": "ppg"}}, "rate_hz": 1})))


def test_a_long_array_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "MOST_SAMPLES", 4)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.arange(10, dtype=np.int16)
    mapping = {"channels": {"a": {"modality": "ppg"}}, "rate_hz": 2}
    path.with_name("a.h5.json").write_text(json.dumps(mapping))
    parts = list(read(path))
    assert [part.name for part in parts] == ["a", "a part 2", "a part 3"]
    assert [part.channels[0].samples.tolist() for part in parts] == [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]
    assert [part.start_ns * 2 // SECOND for part in parts] == [0, 3, 6]


def test_a_matlab_file_is_not_taken_for_hdf5(tmp_path: Path) -> None:
    from tests.readers.tiny_arrays import write_mat_7_3

    assert find_reader(write_mat_7_3(tmp_path)).name == "mat"
