import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import matlab_4, write_cinc2017
from wearfm.datasets import cinc2017
from wearfm.errors import BadRecording


def test_a_record_keeps_its_integers_and_is_in_millivolt(tmp_path: Path) -> None:
    write_cinc2017(tmp_path)
    first, second, _ = sorted(cinc2017.recordings(tmp_path), key=lambda one: one.name)
    assert first.channel("ECG").samples.dtype == np.int16
    assert first.channel("ECG").physical()[:5].tolist() == [0.0, 0.1, 1.0, -0.25, 0.0]
    assert first.duration_s == 9.0
    assert second.channel("ECG").physical()[2] == -1.0


def test_every_record_is_a_participant_with_a_rhythm_and_is_read_once(tmp_path: Path) -> None:
    write_cinc2017(tmp_path)
    found = {one.participant: one.facts["rhythm"] for one in cinc2017.recordings(tmp_path)}
    assert found == {"cinc2017:A00001": "normal", "cinc2017:A00002": "atrial fibrillation", "cinc2017:A00003": "noisy"}
    assert len(list(cinc2017.recordings(tmp_path))) == 3


def test_a_record_without_a_label_has_no_rhythm(tmp_path: Path) -> None:
    write_cinc2017(tmp_path)
    (tmp_path / "REFERENCE-v3_more.csv").unlink()
    (last,) = (one for one in cinc2017.recordings(tmp_path) if one.name == "A00003")
    assert last.facts == {}


def test_what_is_no_record_or_no_label_is_refused(tmp_path: Path) -> None:
    write_cinc2017(tmp_path)
    (tmp_path / "training2017" / "A00001.mat").write_bytes(matlab_4([1, 2, 3])[:24])
    with pytest.raises(BadRecording, match="A00001 is no MATLAB file with a variable 'val'"):
        list(cinc2017.recordings(tmp_path))
    (tmp_path / "REFERENCE-v3.csv").write_text("A00001,X\n")
    with pytest.raises(BadRecording, match=r"\['A00001', 'X'\] is not a record and one of N, A, O, ~"):
        list(cinc2017.recordings(tmp_path))


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    write_cinc2017(tmp_path)
    whole = (tmp_path / "more.zip").read_bytes()
    (tmp_path / "more.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadRecording, match="damaged zip"):
        list(cinc2017.recordings(tmp_path))


@pytest.mark.real
@pytest.mark.slow
def test_the_real_records_are_those_of_both_zips(data_folder: Path) -> None:
    folder = data_folder / cinc2017.DATASET.folder
    records = list(cinc2017.recordings(folder))
    assert Counter(one.facts["rhythm"] for one in records) == {
        "normal": 1607, "other": 806, "atrial fibrillation": 558, "noisy": 229,
    }  # fmt: skip
    assert sum(one.duration_s for one in records) / 3600 == pytest.approx(28.604, abs=1e-3)
    assert {one.channels[0].samples.dtype for one in records} == {np.dtype(np.int16)}
    peaks = np.array([np.percentile(np.abs(one.channels[0].physical()), 99) for one in records])
    assert 0.3 < np.median(peaks) < 2.0  # millivolt
    with zipfile.ZipFile(folder / "training2017_subset.zip") as archive:
        samples = np.frombuffer(archive.read("A00004.mat")[24:], dtype="<i2")
    (fourth,) = (one for one in records if one.name == "A00004")
    assert (fourth.facts["rhythm"], samples[0]) == ("atrial fibrillation", 0x0207)
    assert np.array_equal(fourth.channels[0].samples, samples)
