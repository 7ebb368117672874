from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tests.datasets.tiny import write_troika
from wearfm.datasets import troika
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND


def test_a_run_is_two_pulse_waves_three_axes_and_codes_of_an_ecg(tmp_path: Path) -> None:
    write_troika(tmp_path)
    first, second = troika.recordings(tmp_path)
    assert [channel.name for channel in first.channels] == ["ECG", "PPG 1", "PPG 2", "acc x", "acc y", "acc z"]
    assert [channel.modality for channel in first.channels] == ["other", "ppg", "ppg", "acc", "acc", "acc"]
    assert first.channel("ECG").physical()[0] == -300.0
    assert first.channel("acc z").physical()[0] == 1.0
    assert first.channel("PPG 1").duration_s == 12.0
    assert (first.name, second.name) == ("TYPE01", "TYPE02")
    assert first.facts == {"protocol": "treadmill 8 and 15 km/h"}


def test_two_runs_of_one_number_are_one_participant(tmp_path: Path) -> None:
    write_troika(tmp_path)
    assert {one.participant for one in troika.recordings(tmp_path)} == {"troika:04"}


def test_references_are_events_of_8_s_every_2_s(tmp_path: Path) -> None:
    write_troika(tmp_path)
    one, _ = troika.recordings(tmp_path)
    assert one.events.onset_ns.tolist() == [0, 2 * SECOND, 4 * SECOND]
    assert one.events.duration_ns.tolist() == [8 * SECOND] * 3
    assert one.events.value.tolist() == [60.0, 61.0, 62.0]
    assert set(one.events.kind.tolist()) == {"hr"}


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    write_troika(tmp_path)
    savemat(tmp_path / "REF_04_TYPE01.mat", {"BPM0": np.full((9, 1), 60.0)})
    with pytest.raises(BadRecording, match="9 windows end at 24 s, the samples at 12 s"):
        list(troika.recordings(tmp_path))
    savemat(tmp_path / "DATA_04_TYPE01.mat", {"sig": np.zeros((5, 100))})
    with pytest.raises(BadRecording, match=r"sig is \(5, 100\); it has 6 rows"):
        list(troika.recordings(tmp_path))
    (tmp_path / "DATA_04_TYPE01.mat").write_bytes(b"not MATLAB at all, but long enough to have a header" * 8)
    with pytest.raises(BadRecording, match="no MATLAB file with a variable 'sig'"):
        list(troika.recordings(tmp_path))


@pytest.mark.real
def test_the_real_runs_have_gravity_and_a_plausible_heart(data_folder: Path) -> None:
    runs = list(troika.recordings(data_folder / troika.DATASET.folder))
    assert len(runs) == 8
    assert len({one.participant for one in runs}) == 7
    assert sum(one.duration_s for one in runs) / 3600 == pytest.approx(0.6523, abs=1e-3)
    rates = np.concatenate([one.events.value for one in runs])
    assert (len(rates), rates.min().round(1), rates.max().round(1)) == (1148, 66.3, 170.6)
    for one in runs:
        force = np.stack([one.channel(f"acc {axis}").physical() for axis in "xyz"])
        assert np.median(np.linalg.norm(force, axis=0)) == pytest.approx(1.0, abs=0.1)
    first = next(one for one in runs if one.participant == "troika:01")
    assert first.events.value[0] == pytest.approx(74.339, abs=1e-3)
