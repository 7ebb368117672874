import shutil
from pathlib import Path

import pytest

from tests.datasets.tiny_waves import write_gameemo
from wearfm.datasets import gameemo
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND


def test_raw_signals_come_before_filtered_ones_and_never_both(tmp_path: Path) -> None:
    write_gameemo(tmp_path)
    (one,) = gameemo.recordings(tmp_path)
    assert (one.participant, one.name, len(one.channels)) == ("gameemo:S01", "G1", 14)
    assert one.channel("AF3").physical()[0] == 4200.5
    assert one.events.rows()[0][:4] == ("emotion", 0, 3 * SECOND, "boring")
    shutil.rmtree(tmp_path / "GAMEEMO" / "(S01)" / "Raw EEG Data")
    (one,) = gameemo.recordings(tmp_path)
    assert one.channel("AF3").physical()[0] == 0.5
    assert one.quality.notes == ("signals as the authors filtered them: no raw ones here",)


def test_a_game_of_another_name_or_without_an_electrode_is_refused(tmp_path: Path) -> None:
    write_gameemo(tmp_path)
    path = next(tmp_path.rglob("S01G1AllRawChannels.csv"))
    other = path.rename(path.with_name("S01G5AllRawChannels.csv"))
    with pytest.raises(BadRecording, match="is not of the form S01G1AllRawChannels"):
        list(gameemo.recordings(tmp_path))
    other.rename(path).write_text("AF3,AF4\n1,2\n")
    with pytest.raises(BadRecording, match="no column F3, F4"):
        list(gameemo.recordings(tmp_path))
