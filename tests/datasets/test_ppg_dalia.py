from pathlib import Path

import pytest

from tests.datasets.tiny_waves import write_ppg_dalia
from wearfm.datasets import ppg_dalia
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND


def test_heart_rate_and_activities_lie_on_both_clocks(tmp_path: Path) -> None:
    write_ppg_dalia(tmp_path)
    chest, wrist = ppg_dalia.recordings(tmp_path)
    assert [(one.participant, one.name, one.clock) for one in (chest, wrist)] == [
        ("ppg_dalia:S1", "chest", "relative"),
        ("ppg_dalia:S1", "wrist", "utc"),
    ]
    rates = chest.events.of_kind("hr")
    assert len(rates) == 47  # (100 - 8) / 2 + 1
    assert rates.value == pytest.approx([60.0] * 47, abs=0.5)
    assert set(rates.duration_ns.tolist()) == {8 * SECOND}
    for one, shift in ((chest, 0), (wrist, 20)):
        at = [((row[1] - one.start_ns) / SECOND, row[2] / SECOND, row[3]) for row in one.events.of_kind("activity").rows()]
        assert at == [(10 + shift, 30, "sitting"), (80 + shift, 20, "stairs")]
    assert len(wrist.events.of_kind("hr")) == 47  # the belt's, not the band's


def test_only_connected_channels_of_the_belt_are_read(tmp_path: Path) -> None:
    write_ppg_dalia(tmp_path)
    chest, wrist = ppg_dalia.recordings(tmp_path)
    names = ["chest ecg", "chest acc x", "chest acc y", "chest acc z", "chest resp"]
    assert [channel.name for channel in chest.channels] == names
    assert chest.channel("chest acc z").physical()[0] == pytest.approx(1.0)
    assert chest.facts == {"age_years": 34.0, "height_cm": 182.0, "weight_kg": 78.0, "skin_type": 3.0, "sex": "male"}
    assert wrist.facts == chest.facts


@pytest.mark.parametrize(
    ("starts", "seconds"),
    [
        (("0", "10", "40", "80"), [0, 10, 40, 80]),
        (("0.00", "0.10", "0.40", "1.20"), [0, 10, 40, 80]),
        (("0", "1280", "5120", "10240"), [0, 10, 40, 80]),
    ],
)
def test_starts_in_seconds_minutes_or_samples_are_told_apart(starts: tuple[str, ...], seconds: list[float]) -> None:
    assert ppg_dalia._seconds(Path("a.csv"), list(starts), 100.0, 128.0) == seconds


def test_starts_that_fit_no_session_are_refused(tmp_path: Path) -> None:
    write_ppg_dalia(tmp_path)
    path = next(tmp_path.rglob("S1_activity.csv"))
    path.write_text("# BASELINE, 500000\n")
    with pytest.raises(BadRecording, match="do not fit a session of 100 s"):
        list(ppg_dalia.recordings(tmp_path))


def test_a_file_that_is_no_hdf5_is_refused(tmp_path: Path) -> None:
    write_ppg_dalia(tmp_path)
    next(tmp_path.rglob("S1_RespiBAN.h5")).write_bytes(b"not HDF5")
    with pytest.raises(BadRecording, match="not an HDF5 file of OpenSignals"):
        list(ppg_dalia.recordings(tmp_path))
