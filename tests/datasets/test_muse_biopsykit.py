from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_single import write_muse_biopsykit
from wearfm.datasets import muse_biopsykit
from wearfm.errors import BadRecording


def test_four_electrodes_at_256_hz_on_true_time(tmp_path: Path) -> None:
    write_muse_biopsykit(tmp_path)
    (one,) = muse_biopsykit.recordings(tmp_path)
    assert (one.participant, one.name, one.clock) == ("muse_biopsykit:1", "eeg_muse_example", "utc")
    assert one.start_ns == np.datetime64("2020-11-26T13:45:09.680").astype("datetime64[ns]").astype(int)
    assert [channel.name for channel in one.channels] == ["TP9", "AF7", "AF8", "TP10"]
    assert {(channel.modality, channel.rate_hz, len(channel.samples)) for channel in one.channels} == {("eeg", 256.0, 256)}
    assert one.channel("TP9").physical()[:2].tolist() == [0.5, 1.5]


def test_an_empty_socket_is_noted_and_a_used_one_is_a_channel(tmp_path: Path) -> None:
    write_muse_biopsykit(tmp_path)
    (one,) = muse_biopsykit.recordings(tmp_path)
    assert one.quality.notes == ("'Right AUX' is zero throughout: nothing was plugged in, no channel",)
    rows = [f"{1606398309 + number / 256:.3f},1,2,3,4,5.5" for number in range(256)]
    (tmp_path / "eeg_muse_example.csv.gz").unlink()
    (tmp_path / "eeg_muse_2.csv").write_text("timestamps,TP9,AF7,AF8,TP10,Right AUX\n" + "\n".join(rows) + "\n")
    (other,) = muse_biopsykit.recordings(tmp_path)
    assert other.channel("Right AUX").physical()[0] == 5.5
    assert other.quality.notes == ()


def test_a_table_without_an_electrode_is_refused(tmp_path: Path) -> None:
    (tmp_path / "eeg_muse_1.csv").write_text("timestamps,TP9,AF7,AF8\n1606398309.0,1,2,3\n")
    with pytest.raises(BadRecording, match="no column TP10"):
        list(muse_biopsykit.recordings(tmp_path))


@pytest.mark.real
def test_the_example_lasts_two_minutes_without_a_gap(data_folder: Path) -> None:
    (one,) = muse_biopsykit.recordings(data_folder / muse_biopsykit.DATASET.folder)
    assert {(len(channel.samples), channel.valid.total) for channel in one.channels} == {(28_932, 28_932)}
    assert one.channel("TP9").physical()[:3].tolist() == pytest.approx([-34.668, -41.504, -35.156])
