import wave
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_waves import write_fetal_fpcg
from wearfm.datasets import fetal_fpcg
from wearfm.errors import BadRecording


def test_a_sound_keeps_its_integers_and_what_is_known_of_the_woman(tmp_path: Path) -> None:
    write_fetal_fpcg(tmp_path)
    (one,) = fetal_fpcg.recordings(tmp_path)
    assert (one.participant, one.facts) == ("fetal_fpcg:f1", {"gestational_week": 36.0, "fetal_hr_per_min": 141.5})
    (sound,) = one.channels
    assert (sound.modality, sound.rate_hz, sound.samples.dtype) == ("pcg", 2000.0, np.int16)
    assert sound.samples[:4].tolist() == [-300, 0, 300, 0]


def test_a_sound_in_stereo_and_what_is_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "f1.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(2000)
        file.writeframes(bytes(8))
    with pytest.raises(BadRecording, match="2 channels of 2 bytes"):
        list(fetal_fpcg.recordings(tmp_path))
    path.write_bytes(b"RIFF")
    with pytest.raises(BadRecording, match="not a WAV file"):
        list(fetal_fpcg.recordings(tmp_path))
