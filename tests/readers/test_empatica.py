from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny import E4, write_e4, write_e4_zip
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import read
from wearfm.signals.recording import SECOND

START = 1_551_453_301 * SECOND


def test_streams_have_their_rates_units_and_place(tmp_path: Path) -> None:
    (recording,) = read(write_e4(tmp_path))
    table = {channel.name: (channel.modality, channel.rate_hz, channel.unit) for channel in recording.channels}
    assert table == {
        "BVP": ("ppg", 64.0, "au"), "EDA": ("eda", 4.0, "uS"), "TEMP": ("temp", 4.0, "degC"),
        "ACC x": ("acc", 32.0, "g"), "ACC y": ("acc", 32.0, "g"), "ACC z": ("acc", 32.0, "g"),
    }  # fmt: skip
    assert {channel.placement for channel in recording.channels} == {"wrist"}
    assert (recording.clock, recording.start_ns, recording.participant, recording.device) == (
        "utc",
        START,
        "S02",
        "Empatica E4",
    )


def test_acceleration_keeps_its_codes(tmp_path: Path) -> None:
    (recording,) = read(write_e4(tmp_path))
    y = recording.channel("ACC y")
    assert (y.samples.dtype, y.samples.tolist(), y.physical().tolist()) == (np.int16, [65, 64], [65 / 64, 1.0])
    assert y.axis == "y"


def test_rates_intervals_and_tags_are_events(tmp_path: Path) -> None:
    (recording,) = read(write_e4(tmp_path))
    assert [(kind, (onset - START) / SECOND, lasts / SECOND) for kind, onset, lasts, _, _ in recording.events.rows()] == [
        ("tag", 1.25, 0.0),
        ("ibi", 4.75, 0.75),
        ("hr", 10.0, 1.0),
        ("hr", 11.0, 1.0),
    ]
    assert recording.events.of_kind("hr").value.tolist() == [88.0, 90.5]
    assert recording.events.of_kind("ibi").value.tolist() == [0.75]


def test_a_zip_holds_the_same_recording(tmp_path: Path) -> None:
    (folder,), (archive,) = read(write_e4(tmp_path)), read(write_e4_zip(tmp_path))
    assert [channel.samples.tolist() for channel in folder.channels] == [
        channel.samples.tolist() for channel in archive.channels
    ]
    assert str(folder.events.rows()) == str(archive.events.rows())


def test_a_zip_of_several_sessions_gives_several_recordings(tmp_path: Path) -> None:
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for session in ("a", "b"):
            for name, text in E4.items():
                archive.writestr(f"{session}/{name}", text)
        archive.writestr("__MACOSX/a/BVP.csv", "noise")
    assert [recording.name for recording in read(path)] == ["study a", "study b"]


def test_a_missing_member_is_noted(tmp_path: Path) -> None:
    path = write_e4(tmp_path)
    (path / "TEMP.csv").unlink()
    (path / "tags.csv").rename(path / "tags_S02.csv")
    (recording,) = read(path)
    assert recording.quality.notes == ("no TEMP.csv",)
    assert len(recording.events.of_kind("tag")) == 1


def test_a_broken_row_is_dropped_from_all_axes_and_counted(tmp_path: Path) -> None:
    path = write_e4(tmp_path)
    (path / "ACC.csv").write_text(E4["ACC.csv"] + "1,2")
    (recording,) = read(path)
    assert recording.quality.reasons() == {"dropped: row with too few or too many cells": 3}


def test_a_word_among_samples_is_masked_and_counted(tmp_path: Path) -> None:
    path = write_e4(tmp_path)
    (path / "TEMP.csv").write_text(E4["TEMP.csv"] + "warm\n33.5\n")
    (recording,) = read(path)
    assert recording.channel("TEMP").valid.bounds.tolist() == [[0, 2], [3, 4]]
    assert recording.quality.reasons() == {"masked: not a number": 1}


@pytest.mark.parametrize("start", ["1551453301000", "12", "yesterday"])
def test_a_start_that_is_no_date_is_refused(tmp_path: Path, start: str) -> None:
    path = write_e4(tmp_path)
    (path / "BVP.csv").write_text(f"{start}\n64.0\n1.0\n")
    with pytest.raises(BadRecording, match=r"BVP.csv: .* is not"):
        list(read(path))


def test_a_rate_that_is_none_is_refused_with_its_offset(tmp_path: Path) -> None:
    path = write_e4(tmp_path)
    (path / "BVP.csv").write_text("1551453301.00\n0\n1.0\n")
    with pytest.raises(BadRecording, match=r"BVP.csv: rate b'0'; it must be between 0 and 1000 Hz") as caught:
        list(read(path))
    assert caught.value.offset == len("1551453301.00\n")


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = write_e4_zip(tmp_path)
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BadRecording, match="damaged zip"):
        list(read(path))


def test_a_folder_of_other_tables_is_not_one(tmp_path: Path) -> None:
    (tmp_path / "ACC.csv").write_text("X,Y,Z\n1,2,3\n")
    with pytest.raises(UnknownFormat, match="a folder is none of the known formats"):
        list(read(tmp_path))


@pytest.mark.real
def test_intervals_of_a_genuine_session_end_where_the_next_begins(data_folder: Path) -> None:
    (recording,) = read(data_folder / "e4/stress_predict/Raw_data/S02")
    beats = recording.events.of_kind("ibi")
    ends = beats.onset_ns + beats.duration_ns
    apart = np.abs(beats.onset_ns[1:] - ends[:-1])
    assert np.mean(apart < 2_000_000) > 0.8
    assert len(recording.events.of_kind("hr")) > 3000


@pytest.mark.real
def test_every_genuine_session_lasts_as_long_in_every_stream(data_folder: Path) -> None:
    (recording,) = read(data_folder / "e4/wesad_e4/S2/S2_E4_Data")
    assert [round(channel.duration_s / 60) for channel in recording.channels] == [131] * 6
