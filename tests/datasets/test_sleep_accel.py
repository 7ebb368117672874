from pathlib import Path

import pytest

from tests.datasets.tiny import write_sleep_accel
from wearfm.datasets import sleep_accel
from wearfm.errors import BadRecording


def test_epochs_lie_on_a_grid_of_30_s_with_gaps_where_nobody_scored(tmp_path: Path) -> None:
    write_sleep_accel(tmp_path)
    (one,) = sleep_accel.recordings(tmp_path)
    assert (one.participant, one.clock, one.duration_s) == ("sleep_accel:46343", "relative", 180)
    activity = one.channel("activity")
    assert (activity.modality, activity.rate_hz) == ("counts", 1 / 30)
    assert activity.valid.bounds.tolist() == [[0, 3], [4, 6]]
    assert activity.physical()[activity.mask()].tolist() == [1.5, 0.0, 0.25, 0.0, 4.0]


def test_the_heart_rate_feature_is_no_heart_rate_and_the_clock_is_left_out(tmp_path: Path) -> None:
    write_sleep_accel(tmp_path)
    (one,) = sleep_accel.recordings(tmp_path)
    assert [(channel.name, channel.modality) for channel in one.channels] == [
        ("activity", "counts"),
        ("heart rate variation", "other"),
    ]


def test_stages_are_events_that_end_at_gaps(tmp_path: Path) -> None:
    write_sleep_accel(tmp_path)
    (one,) = sleep_accel.recordings(tmp_path)
    assert one.events.label.tolist() == ["W", "N2", "N2", "REM"]
    assert (one.events.onset_ns / 1e9).tolist() == [0, 30, 120, 150]
    assert (one.events.duration_ns / 1e9).tolist() == [30, 60, 30, 30]


def test_stage_4_of_the_older_rules_is_n3(tmp_path: Path) -> None:
    write_sleep_accel(tmp_path)
    (tmp_path / "46343_psg_labels.out").write_text("0\n3\n4\n-1\n5\n")
    (one,) = sleep_accel.recordings(tmp_path)
    assert one.events.label.tolist() == ["W", "N3", "N3", "REM"]


def test_files_of_different_length_are_refused(tmp_path: Path) -> None:
    write_sleep_accel(tmp_path)
    (tmp_path / "46343_count_feature.out").write_text("1.0\n2.0\n")
    with pytest.raises(BadRecording, match="2 epochs, but 5 times"):
        list(sleep_accel.recordings(tmp_path))


@pytest.mark.real
def test_people_move_more_awake_than_asleep(data_folder: Path) -> None:
    higher = 0
    for one in sleep_accel.recordings(data_folder / sleep_accel.DATASET.folder):
        activity, label = one.channel("activity"), one.events
        is_awake = activity.mask() & False
        for onset, lasts, stage in zip(label.onset_ns.tolist(), label.duration_ns.tolist(), label.label.tolist(), strict=True):
            first = round(onset / 30e9)
            is_awake[first : first + round(lasts / 30e9)] = stage == "W"
        values = activity.physical()
        higher += values[activity.mask() & is_awake].mean() > 2 * values[activity.mask() & ~is_awake].mean()
    assert higher == 21
