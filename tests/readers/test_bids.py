from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.contracts.test_readers import same
from tests.readers.tiny import write_edf
from tests.readers.tiny_bids import add_motion, add_physio, root_of, write_bids
from wearfm.errors import BadRecording
from wearfm.readers import find, find_reader, read
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans


def test_a_run_of_eeg_with_its_sidecars(tmp_path: Path) -> None:
    (recording,) = read(write_bids(tmp_path))
    eog, ecg = recording.channels
    assert [(c.name, c.modality, c.samples.dtype) for c in (eog, ecg)] == [
        ("Fp1", "eog", np.int16),
        ("ECG, chest", "ecg", np.int16),
    ]
    assert (recording.participant, recording.name, recording.device) == ("07", "task-rest eeg", "Brain Products")
    assert recording.facts == {"age_years": 41.0, "sex": "F", "group": "control"}
    assert "bad by channels.tsv: Fp1" in recording.quality.notes


def test_events_of_the_sidecar_replace_those_of_the_file(tmp_path: Path) -> None:
    (recording,) = read(write_bids(tmp_path))
    rows = [(row[0], row[1] - recording.start_ns, row[2], row[3]) for row in recording.events.rows()]
    assert rows == [("annotation", 4_000_000, 8_000_000, "go"), ("annotation", 12_000_000, 0, "left")]
    assert "2 events of the file replaced by those of sub-07_task-rest_events.tsv" in recording.quality.notes
    assert "1 rows of sub-07_task-rest_events.tsv have no onset; left out" in recording.quality.notes


def test_edf_in_a_data_set(tmp_path: Path) -> None:
    path = root_of(tmp_path)
    run = path / "sub-07" / "eeg" / "sub-07_task-sleep_eeg.edf"
    write_edf(tmp_path).rename(run)
    (recording,) = read(path)
    assert (recording.participant, recording.name, recording.events.label.tolist()) == (
        "07",
        "task-sleep eeg",
        ["Sleep stage W"],
    )
    assert recording.channels[0].samples.tolist() == [1, 2, 3, 4, 5, 6, 7, -8]


def test_a_run_of_motion(tmp_path: Path) -> None:
    path = root_of(tmp_path)
    add_motion(path)
    (recording,) = read(path)
    acc, gyro, step = recording.channels
    assert (acc.modality, acc.axis, acc.placement, acc.rate_hz) == ("acc", "x", "leftankle", 2.0)
    assert acc.physical() == pytest.approx(np.array([1, 2, 3]) / 9.80665)
    assert (gyro.modality, gyro.valid, step.modality) == ("gyro", Spans.of([(0, 1), (2, 3)]), "other")
    assert (recording.clock, recording.start_ns) == ("local", 1_714_557_600 * SECOND)
    assert recording.name == "task-walk tracksys-imu motion"


@pytest.mark.parametrize(
    ("time", "clock"), [("2024-05-01T10:00:00Z", "utc"), ("1910-05-01T10:00:00", "relative"), ("n/a", "relative")]
)
def test_the_clock_of_a_run_is_that_of_the_scans(tmp_path: Path, time: str, clock: str) -> None:
    path = root_of(tmp_path)
    add_motion(path)
    scans = path / "sub-07" / "sub-07_scans.tsv"
    scans.write_text(scans.read_text().replace("2024-05-01T10:00:00", time))
    (recording,) = read(path)
    assert recording.clock == clock


def test_a_run_of_physiology(tmp_path: Path) -> None:
    path = root_of(tmp_path)
    add_physio(path)
    (recording,) = read(path)
    assert [(c.name, c.modality, c.rate_hz) for c in recording.channels] == [
        ("cardiac", "ppg", 4.0),
        ("respiratory", "resp", 4.0),
        ("GSR", "eda", 4.0),
    ]
    assert recording.channels[1].samples.tolist() == [0.5, 0.25]
    assert (recording.clock, recording.start_ns) == ("relative", -1_500_000_000)


def test_every_run_is_a_recording_and_a_participant_can_be_read_alone(tmp_path: Path) -> None:
    path = write_bids(tmp_path)
    motion = add_motion(path)
    add_physio(path)
    names = [recording.name for recording in read(path)]
    assert names == ["task-rest eeg", "task-rest physio", "task-walk tracksys-imu motion"]
    assert [recording.name for recording in read(path / "sub-07")] == names
    (alone,) = read(motion)
    assert same(alone, list(read(path))[2])
    assert find(path) == [path]
    assert find_reader(path / "sub-07").name == "bids"


def test_a_run_that_cannot_be_read_is_noted_in_another_one(tmp_path: Path) -> None:
    path = write_bids(tmp_path)
    add_physio(path).write_bytes(b"")
    (path / "sub-07" / "eeg" / "sub-07_task-oddball_eeg.set").write_bytes(b"MATLAB")
    (recording,) = read(path)
    notes = [note for note in recording.quality.notes if "is left out" in note]
    assert notes[0] == "sub-07_task-oddball_eeg.set is left out: runs as .set are not read; convert it to EDF or BrainVision"
    assert notes[1].startswith("sub-07_task-rest_physio.tsv.gz is left out: ")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"SamplingFrequency": "fast"}, "SamplingFrequency is 'fast'; it must be a rate in Hz"),
        ({"StartTime": 1e9}, "StartTime is 1000000000.0; it must be seconds from the start of the run"),
        ({"Columns": None}, "physiology without a JSON that names its Columns"),
    ],
)
def test_a_sidecar_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    path = root_of(tmp_path)
    about = add_physio(path).with_name("sub-07_task-rest_physio.json")
    about.write_text(json.dumps(json.loads(about.read_text()) | change))
    with pytest.raises(BadRecording, match=reason):
        list(read(path))


def test_a_data_set_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="a BIDS folder without runs of EEG, EMG, motion or physiology"):
        list(read(root_of(tmp_path)))
