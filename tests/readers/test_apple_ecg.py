from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_apple import ECG, EKG, write_apple_ecg
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import find_reader, read
from wearfm.readers.subject import owner
from wearfm.signals.recording import SECOND


def test_an_english_file_gives_lead_one_and_its_classification(tmp_path: Path) -> None:
    (recording,) = read(write_apple_ecg(tmp_path))
    (lead,) = recording.channels
    assert (lead.modality, lead.rate_hz, lead.unit, lead.samples.dtype) == ("ecg", 512.0, "mV", np.int16)
    assert lead.samples[:3].tolist() == [-100, -95, -90]
    assert lead.physical()[:2].tolist() == pytest.approx([-0.1, -0.095])
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("utc", 7200, 1_588_312_800 * SECOND)
    assert recording.events.rows()[0][:4] == ("annotation", recording.start_ns, SECOND // 8, "sinus rhythm")
    assert recording.device == "Apple Watch (Watch4,2)"


def test_a_german_file_is_told_apart_by_its_values(tmp_path: Path) -> None:
    path = tmp_path / "ecg_2020-01-01_1.csv"
    path.write_text(EKG + "-12,345\n0\n1,5\n")
    (recording,) = read(path)
    assert find_reader(path).name == "apple_ecg"
    assert recording.channels[0].rate_hz == 511.5
    assert recording.channels[0].physical().tolist() == pytest.approx([-0.012345, 0.0, 0.0015])
    assert recording.events.label.tolist() == ["atrial fibrillation"]
    assert recording.utc_offset_s == 3600


def test_name_and_date_of_birth_are_never_kept(tmp_path: Path) -> None:
    path = tmp_path / "ecg_2020-05-01.csv"
    path.write_text(ECG.replace("Sinus Rhythm", "Rythme sinusal") + "1\n2\n")
    (recording,) = read(path)
    assert not any(word in repr(recording) for word in ("Ann", "1990", "Rythme"))
    assert recording.quality.notes == ("the classification is none of those known in English and German; left out",)


def test_a_damaged_line_is_masked_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "ecg_2020-05-01.csv"
    path.write_text(ECG + "1\n2\n~\n4\n")
    (recording,) = read(path)
    assert recording.channels[0].mask().tolist() == [True, True, False, True]
    assert recording.quality.reasons() == {"masked: not a number": 1}


def test_a_file_without_samples_or_date_is_not_an_ecg(tmp_path: Path) -> None:
    path = tmp_path / "ecg_2020-05-01.csv"
    path.write_text(ECG.replace("2020-05-01 08:00:00 +0200", "today") + "1\n2\n")
    with pytest.raises((BadRecording, UnknownFormat)):
        list(read(path))


def test_the_owner_is_the_first_folder_that_has_a_name_of_its_own() -> None:
    assert owner(Path("/study/P07/apple_health_export/electrocardiograms/ecg_2020-05-01.csv")) == "P07"
    assert owner(Path("/study/P07/export.zip")) == "P07"
    assert owner(Path("/study/P08.zip")) == "P08"
