from pathlib import Path

import pytest

from tests.datasets.tiny_waves import write_ppg_hgb
from wearfm.datasets import ppg_hgb
from wearfm.errors import BadRecording


def test_two_recordings_of_one_person_share_the_haemoglobin(tmp_path: Path) -> None:
    write_ppg_hgb(tmp_path)
    first, second, other = ppg_hgb.recordings(tmp_path)
    assert [(one.participant, one.name) for one in (first, second, other)] == [
        ("ppg_hgb:1", "recording 1"),
        ("ppg_hgb:1", "recording 2"),
        ("ppg_hgb:2", "recording 1"),
    ]
    assert first.facts == {"age_years": 33.0, "hemoglobin_g_dl": 12.5, "sex": "female"}
    assert other.facts == {"hemoglobin_g_dl": 15.25, "sex": "male"}
    assert [(channel.name, channel.rate_hz, channel.physical()[1]) for channel in first.channels] == [
        ("red", 50.0, 1001.0),
        ("infrared", 50.0, 2001.0),
    ]


def test_a_recording_of_nobody_and_one_without_times_are_refused(tmp_path: Path) -> None:
    write_ppg_hgb(tmp_path)
    (tmp_path / "2.csv").write_text("red,infrared\n1,2\n")
    with pytest.raises(BadRecording, match="no column time_s"):
        list(ppg_hgb.recordings(tmp_path))
    (tmp_path / "2.csv").rename(tmp_path / "9.csv")
    with pytest.raises(BadRecording, match=r"person '9' is not in subjects\.csv"):
        list(ppg_hgb.recordings(tmp_path))
