from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contracts.test_readers import same
from tests.readers.tiny_faros import MEMBERS, META, folder_of, write_faros
from wearfm.errors import BadRecording
from wearfm.readers import find, read
from wearfm.signals.recording import SECOND

START_NS = 1_539_363_252 * SECOND  # 2018-10-12 16:54:12 on the wall clock


def test_members_with_their_rates_and_units(tmp_path: Path) -> None:
    (recording,) = read(write_faros(tmp_path))
    ecg, x, y, _ = recording.channels
    assert (ecg.samples.dtype, ecg.samples.tolist(), ecg.rate_hz) == (np.int16, [100 * k for k in range(16)], 8.0)
    assert ecg.physical()[3] == pytest.approx(0.3)
    assert (x.samples.dtype, x.physical()[0], y.axis) == (np.float32, pytest.approx(0.3085), "y")
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("local", None, START_NS)
    assert (recording.participant, recording.device, ecg.placement) == ("S01", "Bittium Faros", "chest")


def test_intervals_end_where_they_are_reported(tmp_path: Path) -> None:
    (recording,) = read(write_faros(tmp_path))
    ibi, tag = recording.events.of_kind("ibi"), recording.events.of_kind("tag")
    assert (ibi.value.tolist(), (ibi.onset_ns + ibi.duration_ns - START_NS).tolist()) == ([0.75], [SECOND])
    assert (tag.onset_ns - START_NS).tolist() == [SECOND]
    assert "1 intervals of HRV.csv are not between 200 and 3000 ms; left out" in recording.quality.notes


def test_a_member_is_read_with_its_folder(tmp_path: Path) -> None:
    path = write_faros(tmp_path)
    (whole,), (member,), (meta,) = read(path), read(path / "ACC.csv"), read(path / "meta.json")
    assert same(whole, member)
    assert same(whole, meta)
    assert find(tmp_path) == [path]


def test_a_member_that_is_missing_or_empty_is_noted(tmp_path: Path) -> None:
    path = folder_of(tmp_path / "a", {"ECG": MEMBERS["ECG"], "HRV": "HRV\n", "Marker": "Marker\n0\n"}, sample_freqs={"ECG": 8})
    (recording,) = read(path)
    assert recording.quality.notes == ("no ACC.csv", "HRV.csv has no samples", "Marker.csv has no rate in meta.json; left out")


def test_rows_and_words_that_are_no_samples_are_counted(tmp_path: Path) -> None:
    path = folder_of(tmp_path / "a", MEMBERS | {"ACC": "X,Y,Z\n1,2,3\n1,2\n4,lost,6\n"})
    (recording,) = read(path)
    assert [q.count("dropped") for q in recording.quality.channels[1:]] == [1, 1, 1]
    assert [q.count("masked") for q in recording.quality.channels[1:]] == [0, 1, 0]


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({"start_time": "yesterday"}, "meta.json: 'yesterday' is not a date"),
        ({"start_time": "2018-10-12T16:54:12+02:00"}, "has a zone; the device knows none"),
        ({"sample_freqs": {"ECG": 0.0}}, "meta.json: ECG at 0 Hz; no sensor of a Faros is so"),
        ({"sample_freqs": {"ECG": "fast"}}, "meta.json: could not convert"),
    ],
)
def test_a_description_that_cannot_be_is_refused(tmp_path: Path, meta: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRecording, match=reason):
        list(read(folder_of(tmp_path / "a", **meta)))


def test_a_unit_that_does_not_fit_makes_the_channel_other(tmp_path: Path) -> None:
    (recording,) = read(folder_of(tmp_path / "a", units=META["units"] | {"ECG": "degC"}))  # type: ignore[operator]
    assert recording.channels[0].modality == "other"


@pytest.mark.real
def test_a_genuine_folder(data_folder: Path) -> None:
    path = data_folder / "raw_devices/faros_devicely"
    (recording,) = read(path)
    acc = np.loadtxt(path / "ACC.csv", delimiter=",", skiprows=1)
    ecg = np.loadtxt(path / "ECG.csv", skiprows=1)
    assert np.stack([recording.channel(f"ACC {axis}").physical() for axis in "xyz"], axis=1) == pytest.approx(acc / 1000)
    assert recording.channel("ECG").physical() == pytest.approx(ecg / 1000)
    assert {channel.duration_s for channel in recording.channels} == {78.0}
    intervals = np.loadtxt(path / "HRV.csv", skiprows=1)
    kept = intervals[(intervals >= 200) & (intervals <= 3000)]
    assert recording.events.of_kind("ibi").value == pytest.approx(kept / 1000)
    assert len(recording.events.of_kind("tag")) == 1
