from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_single import ELECTRODES, write_eeg_eye_state
from wearfm.datasets import eeg_eye_state
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND


def test_fourteen_electrodes_are_microvolts_at_128_hz(tmp_path: Path) -> None:
    write_eeg_eye_state(tmp_path)
    (one,) = eeg_eye_state.recordings(tmp_path)
    assert (one.participant, one.clock, one.start_ns, one.duration_s) == ("eeg_eye_state:1", "relative", 0, 3.0)
    assert tuple(channel.name for channel in one.channels) == ELECTRODES
    assert {(channel.modality, channel.unit, channel.rate_hz) for channel in one.channels} == {("eeg", "uV", 128.0)}
    assert one.channel("F7").physical()[:3].tolist() == [4301.0, 4302.0, 4301.0]


def test_the_state_of_the_eyes_is_an_event_over_its_stretch(tmp_path: Path) -> None:
    write_eeg_eye_state(tmp_path)
    (one,) = eeg_eye_state.recordings(tmp_path)
    assert one.events.kind.tolist() == ["eyes", "eyes"]
    assert one.events.label.tolist() == ["open", "closed"]
    assert one.events.onset_ns.tolist() == [0, 2 * SECOND]
    assert one.events.duration_ns.tolist() == [2 * SECOND, SECOND]


def test_a_row_that_jumps_and_returns_is_valid_in_no_channel(tmp_path: Path) -> None:
    write_eeg_eye_state(tmp_path)
    (one,) = eeg_eye_state.recordings(tmp_path)
    assert all(channel.valid.bounds.tolist() == [[0, 100], [101, 384]] for channel in one.channels)
    assert one.quality.reasons() == {f"masked: {eeg_eye_state.GLITCH}": 13, "masked: outside -10000 to 10000 uV": 1}


def test_a_step_that_stays_is_no_glitch() -> None:
    values = np.array([[0.0], [0.0], [5000.0], [5000.0], [5000.0]])
    assert not eeg_eye_state.glitches(values).any()


def test_other_attributes_and_states_are_refused(tmp_path: Path) -> None:
    write_eeg_eye_state(tmp_path)
    path = tmp_path / "EEG Eye State.arff"
    whole = path.read_text()
    path.write_text(whole.replace("@ATTRIBUTE T7", "@ATTRIBUTE Cz"))
    with pytest.raises(BadRecording, match="attributes AF3, F7, F3, FC5, Cz"):
        list(eeg_eye_state.recordings(tmp_path))
    path.write_text(whole.replace(",1\n", ",2\n"))
    with pytest.raises(BadRecording, match="eyeDetection 2 in row 256 is not 0 or 1"):
        list(eeg_eye_state.recordings(tmp_path))
    path.write_text("a song")
    with pytest.raises(BadRecording, match="not a table in ARFF"):
        list(eeg_eye_state.recordings(tmp_path))


@pytest.mark.real
def test_the_eyes_are_closed_for_as_many_rows_as_the_authors_say(data_folder: Path) -> None:
    """6,723 of 14,980 rows, 44.88 % (Roesler and Suendermann 2013), in 12 of 24 stretches; four rows are glitches."""
    (one,) = eeg_eye_state.recordings(data_folder / eeg_eye_state.DATASET.folder)
    assert {len(channel.samples) - channel.valid.total for channel in one.channels} == {4}
    closed = one.events.duration_ns[one.events.label == "closed"]
    assert (len(one.events), len(closed)) == (24, 12)
    assert int(closed.sum()) == 6723 * SECOND // 128
