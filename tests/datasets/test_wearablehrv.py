from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.datasets.tiny_daily import write_wearablehrv
from wearfm.datasets import wearablehrv
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND, Events, Recording

NINE_PAST_TWO_NS = 1688126940 * SECOND  # 14:09:00 in Amsterdam, 12:09:00 UTC, on 30 June 2023


def _read(folder: Path) -> dict[str, Recording]:
    return {one.name: one for one in wearablehrv.recordings(folder)}


def test_a_row_of_a_table_is_a_recording_with_its_values_as_events(tmp_path: Path) -> None:
    write_wearablehrv(tmp_path)
    one = _read(tmp_path)["rhythm sitting"]
    assert (one.participant, one.device, one.clock) == ("wearablehrv:P01", "Scosche Rhythm", "relative")
    assert one.facts == {"condition": "sitting"}
    assert dict(zip(one.events.kind.tolist(), one.events.value.tolist(), strict=True)) == pytest.approx(
        {
            "artefacts": 1.0,
            "condition": float("nan"),
            "hf": 1150.5,
            "hr": 75.0,
            "intervals": 320.0,
            "lf": 677.5,
            "rmssd": 60.25,
            "sdnn": 55.5,
        },
        nan_ok=True,
    )
    assert set(one.events.duration_ns.tolist()) == {256 * SECOND}  # 320 intervals of 0.8 s


def test_a_row_without_metrics_says_so(tmp_path: Path) -> None:
    write_wearablehrv(tmp_path)
    one = _read(tmp_path)["rhythm biking"]
    assert one.events.kind.tolist() == ["artefacts", "condition", "intervals"]
    assert one.quality.notes == ("the table has no metrics for this device and condition",)


def test_the_ecg_is_on_the_wall_clock_and_interpolated_intervals_are_counted(tmp_path: Path) -> None:
    write_wearablehrv(tmp_path)
    one = _read(tmp_path)["vu session"]
    assert (one.participant, one.clock, one.utc_offset_s) == ("wearablehrv:P37", "utc", 7200)
    beats = one.events.of_kind("ibi")
    assert beats.value.tolist() == [0.936, 0.989]
    assert ((beats.onset_ns - NINE_PAST_TWO_NS) / SECOND).tolist() == [-0.42, 1.48]
    assert one.quality.notes == ("1 interpolated intervals were left out",)


def test_an_empatica_stamps_the_beginning(tmp_path: Path) -> None:
    write_wearablehrv(tmp_path)
    beats = _read(tmp_path)["empatica session"].events.of_kind("ibi")
    assert ((beats.onset_ns - NINE_PAST_TWO_NS) / SECOND).tolist() == [0.0, 0.718]
    assert beats.value.tolist() == [0.718, 0.982]


def test_a_packet_of_two_intervals_is_laid_out_backwards(tmp_path: Path) -> None:
    write_wearablehrv(tmp_path)
    one = _read(tmp_path)["kyto session"]
    beats = one.events.of_kind("ibi")
    assert ((beats.onset_ns - NINE_PAST_TWO_NS) / SECOND).tolist() == [-0.2, 1.112, 2.112]  # the second ends at 2.112
    assert one.quality.notes == ("1 of 3 intervals end before their packet came, by up to 0.888 s",)


def test_latest_ends_agree_with_a_loop() -> None:
    generator = np.random.default_rng(3)
    interval = generator.integers(300, 1500, size=200)
    stamp = np.cumsum(generator.integers(0, 2000, size=200))
    expected = stamp.copy()
    for number in range(198, -1, -1):
        expected[number] = min(stamp[number], expected[number + 1] - interval[number + 1])
    assert wearablehrv.latest_ends(stamp, interval).tolist() == expected.tolist()


def test_conditions_of_the_session_are_events_of_every_device(tmp_path: Path) -> None:
    write_wearablehrv(tmp_path)
    for name in ("vu session", "empatica session", "kyto session"):
        (row,) = _read(tmp_path)[name].events.of_kind("condition").rows()
        assert row[1:4] == (NINE_PAST_TWO_NS + 20 * SECOND, 300 * SECOND, "sitting")


def test_exports_of_another_form_are_refused(tmp_path: Path) -> None:
    (tmp_path / "test_kyto.csv").write_text("timestamp,beats\n1,2\n")
    with pytest.raises(BadRecording, match="no column rr; it has timestamp, beats"):
        list(wearablehrv.recordings(tmp_path))
    (tmp_path / "test_kyto.csv").write_text("timestamp,rr\n1688126940500,\n")
    with pytest.raises(BadRecording, match="column rr is not milliseconds throughout"):
        list(wearablehrv.recordings(tmp_path))
    (tmp_path / "test_kyto.csv").unlink()
    (tmp_path / "test_vu.txt").write_text("Subject Id: P37\nR-peak time\tibi\n14:09\t936\n")
    with pytest.raises(BadRecording, match="no column ibi_cumulative, interpolated"):
        list(wearablehrv.recordings(tmp_path))


def _at(beats: Events, time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """The interval under way at each time."""
    ends = beats.onset_ns + beats.duration_ns
    return np.asarray(beats.value[np.searchsorted(ends, time_ns).clip(max=len(ends) - 1)])


@pytest.mark.real
@pytest.mark.parametrize("device", ["empatica", "heartmath", "kyto", "rhythm"])
def test_wearables_follow_the_ecg_within_two_seconds(device: str, data_folder: Path) -> None:
    """The offset of two hours is inferred: of all shifts up to a minute, the heart rates agree best near zero."""
    folder = data_folder / wearablehrv.DATASET.folder
    sessions = {one.name: one.events.of_kind("ibi") for one in wearablehrv.recordings(folder) if one.clock == "utc"}
    time_ns = NINE_PAST_TWO_NS + np.arange(60, 2400, dtype=np.int64) * SECOND
    ecg = _at(sessions["vu session"], time_ns)
    shifts = np.arange(-60, 61)
    agreement = [np.corrcoef(ecg, _at(sessions[f"{device} session"], time_ns + s * SECOND))[0, 1] for s in shifts.tolist()]
    assert abs(int(shifts[np.argmax(agreement)])) <= 2
    assert max(agreement) > 0.5
