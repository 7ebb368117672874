from pathlib import Path

import pytest

from tests.datasets.tiny_waves import write_sleep_edf
from wearfm.datasets import sleep_edf
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND


def test_a_night_belongs_to_the_person_in_its_name(tmp_path: Path) -> None:
    write_sleep_edf(tmp_path)
    (one,) = sleep_edf.recordings(tmp_path)
    assert (one.participant, one.name, one.clock) == ("sleep_edf:SC401", "night 2", "local")
    assert one.facts == {"study": "cassette", "sex": "female", "age_years": 33.0}


def test_stages_3_and_4_are_one_and_movement_is_none(tmp_path: Path) -> None:
    write_sleep_edf(tmp_path)
    (one,) = sleep_edf.recordings(tmp_path)
    assert [
        ((row[1] - one.start_ns) // SECOND, row[2] // SECOND, row[3]) for row in one.events.of_kind("sleep_stage").rows()
    ] == [
        (0, 30, "W"),
        (30, 30, "N3"),
        (60, 30, "N3"),
    ]


def test_signals_keep_their_kinds_and_rates(tmp_path: Path) -> None:
    write_sleep_edf(tmp_path)
    (one,) = sleep_edf.recordings(tmp_path)
    assert [(channel.modality, channel.rate_hz) for channel in one.channels] == [
        ("eeg", 10.0), ("eeg", 10.0), ("eog", 10.0), ("resp", 1.0), ("emg", 1.0), ("temp", 1.0), ("other", 1.0),
    ]  # fmt: skip
    assert one.channel("EEG Fpz-Cz").samples[::300].tolist() == [0, 1, 2, 3]
    assert one.channel("Temp rectal").physical()[0] == 36.0


def test_a_night_without_its_hypnogram_or_with_a_strange_name_is_refused(tmp_path: Path) -> None:
    write_sleep_edf(tmp_path)
    next(tmp_path.rglob("*-Hypnogram.edf")).unlink()
    with pytest.raises(BadRecording, match=r"0 hypnograms SC4012E\?-Hypnogram.edf"):
        list(sleep_edf.recordings(tmp_path))
    path = next(tmp_path.rglob("*-PSG.edf"))
    path.rename(path.with_name("SC40-PSG.edf"))
    with pytest.raises(BadRecording, match="is not of the form SC4001E0-PSG"):
        list(sleep_edf.recordings(tmp_path))
