from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_waves import cnt, write_driver_fatigue
from wearfm.datasets import driver_fatigue
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND


def test_a_state_is_a_recording_with_a_condition(tmp_path: Path) -> None:
    write_driver_fatigue(tmp_path)
    fatigue, normal = driver_fatigue.recordings(tmp_path)
    assert [(one.participant, one.name) for one in (fatigue, normal)] == [
        ("driver_fatigue:1", "fatigue"),
        ("driver_fatigue:1", "normal"),
    ]
    assert normal.events.rows()[0][:4] == ("condition", 0, 2 * SECOND, "normal")


def test_codes_of_electrodes_become_microvolt_and_ears_stay_codes(tmp_path: Path) -> None:
    write_driver_fatigue(tmp_path)
    fatigue, _ = driver_fatigue.recordings(tmp_path)
    frontal, ear = fatigue.channel("FP1"), fatigue.channel("A1")
    assert (frontal.modality, frontal.placement) == ("eeg", "FP1")
    assert frontal.physical()[0] == pytest.approx(-40.0)
    assert (ear.modality, ear.physical()[0]) == ("other", -80.0)
    assert (frontal.samples.dtype, frontal.rate_hz) == (np.int32, 100.0)


def test_a_file_of_another_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "Asleep.cnt").write_bytes(cnt(["FP1"], np.zeros((2, 1), dtype=np.int16), rate=100))
    with pytest.raises(BadRecording, match="state 'Asleep' is not"):
        list(driver_fatigue.recordings(tmp_path))
