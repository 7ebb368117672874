from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from tests.contracts.test_readers import same
from tests.readers.tiny_arrays import ACC, write_mat, write_mat_7_3
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import find, find_reader, read
from wearfm.readers.mapping import Mapping
from wearfm.readers.mat import read as read_mat
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans


def test_fields_of_structures(tmp_path: Path) -> None:
    (recording,) = read(write_mat(tmp_path))
    y, ppg = recording.channel("y"), recording.channel("ppg")
    assert (y.samples[y.mask()].tolist(), y.samples.dtype, y.rate_hz) == ([10, 20, 30, 40], np.int16, 4.0)
    assert y.valid == Spans.of([(0, 2), (3, 5)])
    assert ppg.samples[ppg.mask()].tolist() == [0.5, 0.25, 0.125]
    assert [(row[0], row[4]) for row in recording.events.rows()] == [("activity", 1.0), ("activity", 2.0)]


def test_version_7_3_reads_as_version_5_does(tmp_path: Path) -> None:
    (tmp_path / "5").mkdir()
    (five,), (seven,) = read(write_mat(tmp_path / "5")), read(write_mat_7_3(tmp_path))
    assert same(five, seven)


def test_version_4_is_read_unless_it_belongs_to_a_wfdb_header(tmp_path: Path) -> None:
    path = tmp_path / "A1.mat"
    scipy.io.savemat(path, {"val": np.arange(12, dtype=np.int16).reshape(2, 6)}, format="4")
    mapping = {"channels": {"val[1, :]": {"modality": "ecg", "scale": 0.001}}, "rate_hz": 300}
    (tmp_path / "A1.mat.json").write_text(json.dumps(mapping))
    (recording,) = read(path)
    assert (recording.channels[0].samples.tolist(), recording.channels[0].samples.dtype) == ([6, 7, 8, 9, 10, 11], np.int16)
    (tmp_path / "A1.hea").write_text("A1 2 300 6\nA1.mat 16+24 1000/mV 16 0 0 0 0 I\nA1.mat 16+24 1000/mV 16 0 0 0 0 II\n")
    assert find(tmp_path) == [tmp_path / "A1.hea"]


def test_an_array_of_structures_is_numbered(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    trials = np.array([(np.arange(3.0),), (np.arange(3.0) + 10,)], dtype=[("ecg", object)])
    scipy.io.savemat(path, {"trial": trials})
    mapping = Mapping.from_dict({"channels": {"trial(1)/ecg": {"modality": "ecg"}}, "rate_hz": 1})
    assert next(read_mat(path, mapping=mapping)).channels[0].samples.tolist() == [10, 11, 12]


def test_a_file_without_a_mapping_shows_one_that_works(tmp_path: Path) -> None:
    path = write_mat(tmp_path)
    (tmp_path / "session.mat.json").unlink()
    with pytest.raises(UnknownFormat, match=r"'data/LowerBack/Acc' \(4, 3\), .*needs a mapping") as caught:
        list(read(path))
    (tmp_path / "session.mat.json").write_text(str(caught.value).split("for example: ")[1])
    (recording,) = read(path)
    assert [channel.modality for channel in recording.channels] == ["acc", "acc", "acc"]
    assert recording.channels[0].samples[recording.channels[0].mask()].tolist() == ACC[:, 0].tolist()


def test_a_variable_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    path = write_mat(tmp_path)
    content = bytearray(path.read_bytes())
    content[132:136] = (2**31).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(BadRecording, match=r"a variable of 2147483648 bytes; the file ends \d+ bytes later \(at byte 128\)"):
        list(read(path))


@pytest.mark.real
def test_a_genuine_file_of_structures(data_folder: Path) -> None:
    """The lower-back sensor of a laboratory session; the file itself says 100 Hz, and 2020-12-10T13:57:44.733+01:00."""
    path = data_folder / "gait/mobgap_lab/HA/001/data.mat"
    back = "data/TimeMeasure1/Test5/Trial1/SU/LowerBack"
    channels = {f"{back}/Acc[:, {k}]": {"modality": "acc", "unit": "g", "axis": axis} for k, axis in enumerate("xyz")}
    mapping = Mapping.from_dict({"channels": channels, "time": {"column": f"{back}/Timestamp", "unit": "s"}})
    (recording,) = read_mat(path, mapping=mapping)
    raw = scipy.io.loadmat(path, simplify_cells=True)["data"]["TimeMeasure1"]["Test5"]["Trial1"]["SU"]["LowerBack"]["Acc"]
    assert recording.channels[0].rate_hz == 100.0
    assert np.array_equal(np.stack([channel.samples for channel in recording.channels], axis=1), raw.astype(np.float32))
    assert recording.start_ns == pytest.approx(1_607_605_064.733 * SECOND, abs=2e6)


@pytest.mark.real
def test_genuine_files_without_a_mapping_are_refused_with_one(data_folder: Path, tmp_path: Path) -> None:
    path = data_folder / "ppg/troika_spc2015/DATA_01_TYPE01.mat"
    with pytest.raises(UnknownFormat, match=r"variables 'sig' \(6, 37937\) needs a mapping .*'?\"sig\[0, :\]\""):
        list(read(path))
    assert find_reader(data_folder / "raw_devices/wfdb/a103l.hea").name == "wfdb"
    assert [found.name for found in find(data_folder / "raw_devices/wfdb")] == [
        "a103l-no-len.hea",
        "a103l.hea",
        "test_edfann.edf",
    ]
    shutil.copy(data_folder / "raw_devices/wfdb/a103l.mat", tmp_path / "alone.mat")
    with pytest.raises(UnknownFormat, match=r"variables 'val' \(3, 82500\) needs a mapping"):
        list(read(tmp_path / "alone.mat"))
