import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import write_stress_predict
from wearfm.datasets import stress_predict
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND

START_NS = 1644227574 * SECOND


def test_a_session_is_the_four_sensors_of_the_wrist_band_in_utc(tmp_path: Path) -> None:
    write_stress_predict(tmp_path)
    _, one = stress_predict.recordings(tmp_path)
    assert (one.participant, one.name, one.clock, one.utc_offset_s) == ("stress_predict:S02", "session", "utc", 0)
    assert {channel.modality for channel in one.channels} == {"ppg", "eda", "temp", "acc"}
    assert one.channel("ACC z").physical()[0] == 1.0
    assert one.start_ns == START_NS


def test_labels_of_a_second_become_stretches_of_stress_and_rest(tmp_path: Path) -> None:
    write_stress_predict(tmp_path)
    _, one = stress_predict.recordings(tmp_path)
    stress = one.events.of_kind("stress")
    assert stress.label.tolist() == ["rest", "stress", "rest"]
    assert ((stress.onset_ns - START_NS) // SECOND).tolist() == [9, 20, 30]
    assert (stress.duration_ns // SECOND).tolist() == [11, 10, 9]


def test_a_stretch_ends_where_seconds_are_missing(tmp_path: Path) -> None:
    write_stress_predict(tmp_path)
    path = tmp_path / "Improved_All_Combined_hr_rsp_binary.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    path.write_bytes(gzip.compress("\n".join(lines[:4] + lines[8:]).encode()))
    _, one = stress_predict.recordings(tmp_path)
    stress = one.events.of_kind("stress")
    assert stress.label.tolist() == ["rest", "rest", "stress", "rest"]
    assert (stress.duration_ns // SECOND).tolist() == [3, 4, 10, 9]


def test_presses_outside_the_recording_are_left_out_and_noted(tmp_path: Path) -> None:
    write_stress_predict(tmp_path)
    unlabelled, one = stress_predict.recordings(tmp_path)
    assert ((one.events.of_kind("tag").onset_ns - START_NS) // SECOND).tolist() == [20, 30]
    assert "1 button presses outside the recording were left out" in one.quality.notes
    assert len(unlabelled.events.of_kind("stress")) == 0


def test_scores_are_facts_where_the_tables_have_them(tmp_path: Path) -> None:
    write_stress_predict(tmp_path)
    first, second = stress_predict.recordings(tmp_path)
    assert first.facts == {"stai_before": 62.0, "stai_after": 56.0}
    assert second.facts == {"stai_before": 94.0, "stai_after": 101.0, "pss_before": 10.0, "pss_after": 16.0}


def test_a_label_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    write_stress_predict(tmp_path)
    (tmp_path / "Improved_All_Combined_hr_rsp_binary_more.csv").write_text("Participant,Time(sec),Label\n1,1644227583,2\n")
    with pytest.raises(BadRecording, match=r"labels \[2\] are not 0 and 1"):
        list(stress_predict.recordings(tmp_path))


@pytest.mark.real
@pytest.mark.slow
def test_real_labels_change_when_the_button_was_pressed(data_folder: Path) -> None:
    sessions = list(stress_predict.recordings(data_folder / stress_predict.DATASET.folder))
    assert len(sessions) == len({one.participant for one in sessions}) == 29
    assert sum(one.duration_s for one in sessions) / 3600 == pytest.approx(26.7, abs=0.1)
    pressed, seconds = 0, {"stress": 0.0, "rest": 0.0}
    for one in sessions:
        stress = one.events.of_kind("stress")
        assert (stress.label.tolist() == ["rest", "stress"] * 3 + ["rest"]) == (one.participant != "stress_predict:S01")
        tags = one.events.of_kind("tag").onset_ns
        pressed += sum(int(np.abs(tags - onset).min() < SECOND) for onset in stress.onset_ns[1:].tolist())
        for label in seconds:
            seconds[label] += float(stress.duration_ns[stress.label == label].sum()) / SECOND
    assert pressed == 157  # of 168: six in S06 and five in other people were not pressed, or typed in wrongly
    assert seconds == {"stress": 30324.0, "rest": 62439.0}
    assert sum("pss_before" in one.facts for one in sessions) == 21
    assert all("stai_after" in one.facts for one in sessions)
