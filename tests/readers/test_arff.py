from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_arff import TEXT, write_arff
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import find_reader, read
from wearfm.readers.arff import read as read_arff
from wearfm.readers.mapping import Mapping
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans


def test_attributes_become_channels_and_labels_events(tmp_path: Path) -> None:
    (recording,) = read(write_arff(tmp_path))
    o1, eye = recording.channels
    assert (o1.samples.tolist(), o1.samples.dtype, o1.rate_hz) == ([10, 20, 30, 40], np.int16, 2.0)
    assert eye.valid == Spans.of([(0, 2), (3, 4)])
    assert [(row[1], row[2], row[3]) for row in recording.events.rows()] == [(0, SECOND, "open"), (SECOND, SECOND, "closed")]
    assert (recording.participant, recording.clock) == ("P7", "relative")


def test_a_file_without_a_mapping_shows_one_that_works(tmp_path: Path) -> None:
    path = write_arff(tmp_path)
    (tmp_path / "night.arff.json").unlink()
    with pytest.raises(UnknownFormat, match="ARFF with attributes 'O1', 'left eye', 'state' needs a mapping") as caught:
        list(read(path))
    (tmp_path / "night.arff.json").write_text(str(caught.value).split("for example: ")[1])
    (recording,) = read(path)
    assert recording.channels[0].samples.tolist() == [10, 20, 30, 40]


def test_a_sparse_row_is_dropped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.arff"
    path.write_text(TEXT + "{0 50, 2 open}\n")
    (recording,) = read_arff(path, mapping=Mapping.from_dict({"channels": {"O1": {"modality": "eeg"}}, "rate_hz": 2}))
    assert recording.quality.channels[0].count("dropped") == 1


def test_a_header_without_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.arff"
    path.write_text(TEXT.partition("@DATA")[0])
    assert find_reader(path).name == "arff"
    with pytest.raises(BadRecording, match="3 attributes, but no @data in the first"):
        list(read(path))


@pytest.mark.real
def test_a_genuine_file(data_folder: Path) -> None:
    """Fourteen channels of an Emotiv; the set's page says 117 s of continuous measurement."""
    path = data_folder / "eeg/eeg_eye_state/EEG_Eye_State.arff.gz"
    plain = {"channels": {"AF3": {"modality": "eeg"}}, "events": {"eyeDetection": {"kind": "eyes"}}, "rate_hz": 128}
    (recording,) = read_arff(path, mapping=Mapping.from_dict(plain))
    with gzip.open(path, "rt") as file:
        rows = [line.split(",") for line in file.read().partition("@DATA")[2].split()]
    assert recording.channels[0].samples.tolist() == np.array([float(row[0]) for row in rows], dtype=np.float32).tolist()
    assert recording.duration_s == pytest.approx(117, abs=0.5)
    states = np.array([row[-1] for row in rows])
    assert len(recording.events) == np.count_nonzero(states[1:] != states[:-1]) + 1
