import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import WESAD_START_S, write_wesad_e4
from wearfm.datasets import wesad_e4
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND


def conditions(one):
    """(label, start and end in seconds of the wrist band) of every condition."""
    found = one.events.of_kind("condition")
    onset = (found.onset_ns - one.start_ns) // SECOND
    return list(zip(found.label.tolist(), onset.tolist(), (onset + found.duration_ns // SECOND).tolist(), strict=True))


def test_the_chest_device_starts_where_the_hand_is_still_in_the_right_stretches(tmp_path: Path) -> None:
    write_wesad_e4(tmp_path)
    (one,) = wesad_e4.recordings(tmp_path)
    protocol = wesad_e4.read_protocol(tmp_path / "S2" / "S2_quest.csv")
    assert wesad_e4.align(wesad_e4.movement(one), protocol) == (WESAD_START_S, 0)
    assert (one.participant, one.name, one.clock) == ("wesad_e4:S2", "session", "utc")


def test_a_minute_is_cut_off_both_ends_of_a_condition(tmp_path: Path) -> None:
    write_wesad_e4(tmp_path)
    (one,) = wesad_e4.recordings(tmp_path)
    assert conditions(one) == [
        ("baseline", 100 + 30 + 60, 100 + 270 - 60),
        ("stress", 100 + 300 + 60, 100 + 540 - 60),
        ("meditation", 100 + 600 + 60, 100 + 800 - 60),
        ("amusement", 100 + 900 + 60, 100 + 1050 - 60),
        ("meditation", 100 + 1150 + 60, 100 + 1400 - 60),
    ]
    assert one.events.of_kind("valence").value.tolist() == [7.0, 4.0, 7.0, 8.0, 6.0]
    assert one.events.of_kind("arousal").value.tolist() == [2.0, 8.0, 1.0, 3.0, 1.0]
    assert one.facts == {
        "age_years": 27.0, "height_cm": 175.0, "weight_kg": 80.0, "sex": "male", "dominant_hand": "right",
    }  # fmt: skip


def test_a_session_whose_still_stretches_do_not_fit_has_no_conditions(tmp_path: Path) -> None:
    write_wesad_e4(tmp_path, still=((600, 800), (970, 1120), (1000, 1250)))
    (one,) = wesad_e4.recordings(tmp_path)
    assert conditions(one) == []
    assert any(note.endswith("no conditions") for note in one.quality.notes)


def test_a_wrist_band_that_stops_before_the_protocol_has_no_conditions(tmp_path: Path) -> None:
    write_wesad_e4(tmp_path)
    protocol = wesad_e4.read_protocol(tmp_path / "S2" / "S2_quest.csv")
    assert wesad_e4.align(np.zeros(1399), protocol)[1] > wesad_e4.SPREAD_S


def test_the_original_zip_gives_the_same(tmp_path: Path) -> None:
    write_wesad_e4(tmp_path)
    (folder,) = wesad_e4.recordings(tmp_path)
    with zipfile.ZipFile(tmp_path / "S2" / "S2_E4_Data.zip", "w") as archive:
        for path in sorted((tmp_path / "S2" / "S2_E4_Data").iterdir()):
            archive.write(path, path.name)
            path.unlink()
    (tmp_path / "S2" / "S2_E4_Data").rmdir()
    (zipped,) = wesad_e4.recordings(tmp_path)
    assert conditions(zipped) == conditions(folder)
    assert np.array_equal(zipped.channel("BVP").samples, folder.channel("BVP").samples)


def test_a_protocol_without_a_condition_or_a_recording_is_refused(tmp_path: Path) -> None:
    write_wesad_e4(tmp_path)
    path = tmp_path / "S2" / "S2_quest.csv"
    text = path.read_text()
    path.write_text(text.replace("TSST", "TS"))
    with pytest.raises(BadRecording, match="conditions Base, Medi 1, Fun, Medi 2; a protocol has Base, TSST"):
        list(wesad_e4.recordings(tmp_path))
    path.write_text(text.replace("10;15", "ten;15"))
    with pytest.raises(BadRecording, match="not a protocol of WESAD"):
        list(wesad_e4.recordings(tmp_path))
    path.write_text(text)
    (tmp_path / "S2" / "S2_E4_Data").rename(tmp_path / "elsewhere")
    with pytest.raises(BadRecording, match=r"no S2_E4_Data or S2_E4_Data\.zip beside the protocol"):
        list(wesad_e4.recordings(tmp_path))


@pytest.mark.real
@pytest.mark.slow
def test_real_sessions_are_aligned_in_five_of_six_people(data_folder: Path) -> None:
    sessions = {one.participant: one for one in wesad_e4.recordings(data_folder / wesad_e4.DATASET.folder)}
    assert sorted(sessions) == [f"wesad_e4:S{number}" for number in (11, 15, 2, 3, 5, 8)]
    assert sum(one.duration_s for one in sessions.values()) / 3600 == pytest.approx(11.91, abs=0.01)
    assert {name for name, one in sessions.items() if not conditions(one)} == {"wesad_e4:S3"}
    for name, one in sessions.items():
        found = conditions(one)
        assert sorted(label for label, _, _ in found) == sorted(wesad_e4.CONDITIONS.values()) or name == "wesad_e4:S3"
        assert all(20 * 60 < start < stop < one.duration_s for _, start, stop in found)
    protocol = wesad_e4.read_protocol(data_folder / wesad_e4.DATASET.folder / "S8" / "S8_quest.csv")
    assert protocol.times_s["TSST"] == (56 * 60 + 10, 67 * 60 + 40)  # "56.1" and "67.4" in the file
    assert protocol.rated["TSST"] == (5.0, 7.0)


@pytest.mark.real
@pytest.mark.slow
def test_what_was_not_used_for_the_alignment_agrees_with_it(data_folder: Path) -> None:
    """Skin conductance in the stress condition lies above the second meditation in everyone: it took no part."""
    for one in wesad_e4.recordings(data_folder / wesad_e4.DATASET.folder):
        level = one.channel("EDA")
        means = {
            label: level.physical()[start * 4 : stop * 4].mean() for label, start, stop in conditions(one)
        }  # of two meditations the second stands
        assert not means or means["stress"] > means["meditation"], one.participant
