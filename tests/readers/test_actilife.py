from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_actilife import START_S, head, raw_rows, write_actilife
from wearfm.errors import BadRecording
from wearfm.readers import actilife, read
from wearfm.signals.recording import SECOND, Recording

COLUMNS = "Accelerometer X,Accelerometer Y,Accelerometer Z"
HELD = "masked: a second of the same value, as ActiLife fills pauses, or not a number"


def bare(folder: Path, *rows: str, header: str | None = None) -> Recording:
    path = folder / "a.csv"
    path.write_text((head() if header is None else header) + "\n".join(rows) + "\n")
    (recording,) = read(path)
    return recording


def test_raw_acceleration_keeps_its_digits(tmp_path: Path) -> None:
    (recording,) = read(write_actilife(tmp_path))
    x, y, z = (recording.channel(f"acc {axis}") for axis in "xyz")
    assert (x.samples.dtype, x.rate_hz, x.axis) == (np.int16, 4.0, "x")
    assert [axis.samples[:2].tolist() for axis in (x, y, z)] == [[0, 16], [8, 0], [996, 1008]]
    assert x.physical()[8] == -0.5
    assert (recording.clock, recording.start_ns, recording.participant) == ("local", START_S * SECOND, "P7")


def test_what_the_export_fills_in_is_masked_and_counted(tmp_path: Path) -> None:
    (recording,) = read(write_actilife(tmp_path))
    assert recording.channel("acc z").valid.bounds.tolist() == [[0, 4], [8, 12]]
    assert recording.quality.reasons() == {HELD: 3 * 8}


@pytest.mark.parametrize(
    ("form", "date"),
    [("M/d/yyyy", "9/17/2019"), ("dd/MM/yyyy", "17/09/2019"), ("yyyy-MM-dd", "2019-09-17"), ("d.M.yyyy", "17.9.2019")],
)
def test_the_first_line_tells_the_format_of_dates(tmp_path: Path, form: str, date: str) -> None:
    recording = bare(tmp_path, COLUMNS, *raw_rows(), header=head(form=form, date=date))
    assert recording.start_ns == START_S * SECOND


def test_columns_without_names_are_x_y_z(tmp_path: Path) -> None:
    recording = bare(tmp_path, *raw_rows())
    assert recording.channel("acc z").samples[:2].tolist() == [996, 1008]


def test_semicolons_bring_decimal_commas(tmp_path: Path) -> None:
    rows = [row.replace(",", ";").replace(".", ",") for row in raw_rows()]
    recording = bare(tmp_path, COLUMNS.replace(",", ";"), *rows)
    assert recording.channel("acc z").samples[:2].tolist() == [996, 1008]


def test_stamps_in_the_rows_are_not_read(tmp_path: Path) -> None:
    recording = bare(tmp_path, f"Timestamp,{COLUMNS}", *(f"9/17/2019 18:40:00.000,{row}" for row in raw_rows()))
    assert recording.channel("acc x").samples[:2].tolist() == [0, 16]


def test_epochs_are_counts_steps_and_light(tmp_path: Path) -> None:
    header = head(epoch="00:01:00", mode=61, rate="")
    columns = (
        "Date,Time,Axis1,Axis2,Axis3,Steps,Lux,Inclinometer Off,Inclinometer Standing,Inclinometer Sitting,Inclinometer Lying"
    )
    recording = bare(
        tmp_path,
        columns,
        "9/17/2019,18:40:00,254,265,230,12,0,0,60,0,0",
        "9/17/2019,18:41:00,652,267,302,0,1375,0,40,20,0",
        "9/17/2019,18:42:00,0,0,0,0,3,0,0,0,60",
        header=header,
    )
    assert [(c.name, c.modality, c.rate_hz) for c in recording.channels] == [
        ("axis1", "counts", 1 / 60), ("axis2", "counts", 1 / 60), ("axis3", "counts", 1 / 60), ("steps", "steps", 1 / 60),
        ("lux", "light", 1 / 60),
    ]  # fmt: skip
    assert recording.channel("axis1").physical().tolist() == [254.0, 652.0, 0.0]
    assert [(label, n // SECOND) for _, _, n, label, _ in recording.events.rows()] == [("standing", 120), ("lying", 60)]


@pytest.mark.parametrize(("mode", "names"), [(13, ["axis1", "axis2", "axis3"]), (5, ["axis1", "axis2"]), (1, ["axis1"])])
def test_the_mode_names_epochs_without_names(tmp_path: Path, mode: int, names: list[str]) -> None:
    recording = bare(tmp_path, "1,2,3,4", "5,6,7,8", header=head(epoch="00:00:10", mode=mode, rate=""))
    assert [channel.name for channel in recording.channels] == names
    assert f"{4 - len(names)} columns without a name are left out" in recording.quality.notes


def test_words_are_masked_and_short_rows_dropped(tmp_path: Path) -> None:
    recording = bare(tmp_path, COLUMNS, "0.1,0.2,0.3", "0.4,none,0.6", "0.7,0.8", "0.7,0.8,0.9")
    assert recording.channel("acc x").samples.tolist() == [100, 400, 700]
    assert recording.channel("acc y").valid.bounds.tolist() == [[0, 1], [2, 3]]
    assert recording.quality.reasons() == {"dropped: row with too few or too many cells": 3, "masked: not a number": 1}


def test_more_digits_than_three_are_floats(tmp_path: Path) -> None:
    recording = bare(tmp_path, COLUMNS, "0.12345,0.2,0.3", "0.4,0.5,0.6")
    assert recording.channel("acc x").samples.dtype == np.float32
    assert recording.channel("acc y").samples.dtype == np.int16


def test_a_long_export_goes_on_in_another_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actilife, "MOST_SAMPLES", 8)
    first, second = actilife.read(write_actilife(tmp_path))
    assert (first.name, second.name, second.start_ns - first.start_ns) == ("P7", "P7 part 2", 2 * SECOND)
    assert [len(part.channels[0].samples) for part in (first, second)] == [8, 8]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (head(rate=""), "neither 'at ... Hz' nor an Epoch Period; add one"),
        (head(date="17/9/2019"), "Start Date and Start Time: '17/9/2019 18:40:00' is not a date and time"),
    ],
)
def test_a_header_without_start_or_rate_is_refused(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(BadRecording, match=message):
        bare(tmp_path, COLUMNS, *raw_rows(), header=header)


def test_an_export_without_rows_or_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="an export without rows"):
        bare(tmp_path, COLUMNS)
    with pytest.raises(BadRecording, match="'kcals' are none that ActiLife exports"):
        bare(tmp_path, "kcals", "1")


@pytest.mark.real
def test_a_genuine_export_masks_what_its_gt3x_does_not_hold(data_folder: Path) -> None:
    folder = data_folder / "raw_devices/actigraph_gt3x"
    (exported,) = read(folder / "TAS1H30182785_2019-09-17.csv.gz")
    (original,) = read(folder / "TAS1H30182785_2019-09-17.gt3x")
    for axis in "xyz":
        ours, theirs = exported.channel(f"acc {axis}"), original.channel(f"acc {axis}")
        assert ours.valid == theirs.valid
        apart = np.abs(ours.physical()[: len(theirs.samples)] - theirs.physical())[theirs.mask()]
        assert apart.max() <= 0.0005 + 1e-9  # the export has three digits
    assert exported.start_ns - original.start_ns == original.utc_offset_s * SECOND
