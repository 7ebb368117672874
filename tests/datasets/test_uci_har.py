from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_motion import write_uci_har
from wearfm.datasets import uci_har
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND


def test_windows_that_overlap_are_joined_and_no_sample_stands_twice(tmp_path: Path) -> None:
    write_uci_har(tmp_path)
    lying, joined, alone = uci_har.recordings(tmp_path)  # "test" before "train"
    assert [(one.participant, one.name) for one in (lying, joined, alone)] == [
        ("uci_har:2", "stretch 001"),
        ("uci_har:1", "stretch 001"),
        ("uci_har:1", "stretch 002"),
    ]
    assert joined.channel("acc x").samples == pytest.approx(np.arange(192) / 192)
    assert len(alone.channel("gyro z").samples) == 128
    assert joined.quality.reasons() == {f"dropped: {uci_har.REPEATED}": 6 * 64}
    assert joined.quality.channels[0].source == 256


def test_the_activity_covers_the_stretch_and_the_split_is_the_authors(tmp_path: Path) -> None:
    write_uci_har(tmp_path)
    lying, joined, _ = uci_har.recordings(tmp_path)
    assert joined.events.rows()[0][:4] == ("activity", 0, round(3.84 * SECOND), "walking")
    assert lying.events.label.tolist() == ["lying"]
    assert (lying.facts["split"], joined.facts["split"]) == ("test", "train")
    assert joined.channel("gyro x").physical()[96] == pytest.approx(np.degrees(0.5), abs=1e-4)


def test_parts_of_different_length_and_unknown_activities_are_refused(tmp_path: Path) -> None:
    write_uci_har(tmp_path)
    labels = next(tmp_path.rglob("y_test.txt"))
    labels.write_text("6\n6\n")
    with pytest.raises(BadRecording, match=r"files of \[1, 2\] windows"):
        list(uci_har.recordings(tmp_path))
    labels.write_text("7\n")
    with pytest.raises(BadRecording, match="are not 1 to 6"):
        list(uci_har.recordings(tmp_path))
