from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_single import write_ecg5000
from wearfm.datasets import ecg5000
from wearfm.errors import BadRecording


def test_every_beat_is_a_recording_of_the_one_patient(tmp_path: Path) -> None:
    write_ecg5000(tmp_path)
    test, first, second = ecg5000.recordings(tmp_path)
    assert {one.participant for one in (test, first, second)} == {"ecg5000:chf07"}
    assert [one.name for one in (test, first, second)] == ["test 0001", "train 0001", "train 0002"]
    channel = first.channel("beat")
    assert (channel.modality, channel.unit, channel.rate_hz, len(channel.samples)) == ("other", "au", 140.0, 140)
    assert channel.physical()[[0, 139]].tolist() == pytest.approx([-1.7375, 1.7375])


def test_the_class_is_a_fact_in_the_words_of_mitdb(tmp_path: Path) -> None:
    write_ecg5000(tmp_path)
    test, first, second = ecg5000.recordings(tmp_path)
    assert first.facts == {"beat": "normal", "ucr_class": 1.0, "ucr_split": "train"}
    assert second.facts["beat"] == "premature ventricular, R on T"
    assert test.facts == {"beat": "unclassifiable", "ucr_class": 5.0, "ucr_split": "test"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2,3:1", "beat 1 has 3 points and class '1'; expected 140, 1 to 5"),
        (",".join(["0"] * 140) + ":6", "beat 1 has 140 points and class '6'"),
        ("1,oops,3:1", "beat 1 is not a row of numbers"),
    ],
)
def test_what_is_no_beat_is_refused(line: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "ECG5000_TRAIN.ts").write_text(f"@data\n{line}\n")
    with pytest.raises(BadRecording, match=reason):
        list(ecg5000.recordings(tmp_path))


def test_a_file_without_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ECG5000_TRAIN.ts").write_text("@problemName ECG5000\n")
    with pytest.raises(BadRecording, match="there is no line @data"):
        list(ecg5000.recordings(tmp_path))


@pytest.mark.real
def test_the_training_half_has_500_standardised_beats(data_folder: Path) -> None:
    beats = list(ecg5000.recordings(data_folder / ecg5000.DATASET.folder))
    assert Counter(one.facts["ucr_class"] for one in beats) == {1.0: 292, 2.0: 177, 3.0: 10, 4.0: 19, 5.0: 2}
    values = np.stack([one.channels[0].physical() for one in beats])
    np.testing.assert_allclose(values.mean(axis=1), 0, atol=1e-6)  # text of eight digits
    np.testing.assert_allclose(values.std(axis=1, ddof=1), 1, atol=1e-6)  # the same
