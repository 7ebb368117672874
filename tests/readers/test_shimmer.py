from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_shimmer import NAMES, ROWS, UNITS, table, write_shimmer
from wearfm.errors import BadRecording
from wearfm.readers import find_reader, read
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans


def written(tmp_path: Path, text: str) -> Recording:
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert find_reader(path).name == "shimmer"
    (recording,) = read(path)
    return recording


def test_signals_with_their_units(tmp_path: Path) -> None:
    (recording,) = read(write_shimmer(tmp_path))
    assert [(c.name, c.modality, c.axis, c.rate_hz) for c in recording.channels] == [
        ("Accel_LN_X", "acc", "x", 5.0),
        ("GSR_Skin_Conductance", "eda", "", 5.0),
        ("PPG_A13", "ppg", "", 5.0),
        ("Ext_Exp_A7", "other", "", 5.0),
    ]
    assert recording.channels[0].physical() == pytest.approx([0, 1, 0, 1, 0, 1])
    assert recording.channels[3].samples.dtype == np.int16
    assert (recording.clock, recording.start_ns, recording.device) == ("utc", 1_600_000_000 * SECOND, "Shimmer 40AC")


def test_what_is_left_out_is_noted(tmp_path: Path) -> None:
    notes = written(tmp_path, table()).quality.notes
    assert notes[:2] == (
        "raw beside calibrated values, left out: PPG_A13",
        "no signals of the body, left out: GSR_Range",
    )


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_other_separators_and_devices(tmp_path: Path, delimiter: str) -> None:
    recording = written(tmp_path, table(delimiter=delimiter, device="idF5B9_", separator=delimiter == "\t"))
    assert (recording.device, len(recording.channels)) == ("idF5B9", 3)


def test_stamps_of_the_unit_alone_are_relative(tmp_path: Path) -> None:
    names = ("Timestamp_CAL", *NAMES[1:])
    rows = [(20.0 * k, *row[1:]) for k, row in enumerate(ROWS)]
    recording = written(tmp_path, table(names, UNITS, rows))
    assert (recording.clock, recording.start_ns, recording.channels[0].rate_hz) == ("relative", 0, 50.0)


def test_a_missing_row_is_a_gap(tmp_path: Path) -> None:
    rows = [(20.0 * k, *ROWS[0][1:]) for k in range(100) if k != 50]
    recording = written(tmp_path, table(("Timestamp_CAL", *NAMES[1:]), UNITS, rows))
    assert recording.channels[0].valid == Spans.of([(0, 50), (51, 100)])


def test_rows_that_arrive_in_bursts_are_spread_evenly(tmp_path: Path) -> None:
    stamps = [1_600_000_000_000 + 80 * (k // 4) + k % 4 for k in range(400)]
    stamps += [stamp + 20_000 for stamp in stamps]
    recording = written(tmp_path, table(NAMES, UNITS, [(stamp, *ROWS[0][1:]) for stamp in stamps]))
    channel = recording.channels[0]
    assert channel.rate_hz == pytest.approx(50, rel=0.01)
    assert [stop - start for start, stop in channel.valid.bounds.tolist()] == [400, 400]
    assert channel.valid.bounds[1, 0] == pytest.approx(1000, abs=10)
    assert "rows are stamped when they arrived; they were spread evenly" in recording.quality.notes


def test_rows_of_the_wrong_width_and_words_are_counted(tmp_path: Path) -> None:
    lines = table().splitlines()
    lines[4] = lines[4] + "1;"
    lines[6] = lines[6].replace("2.5", "lost")
    recording = written(tmp_path, "\n".join(lines) + "\n")
    assert recording.quality.channels[1].count("dropped") == 1
    assert recording.quality.channels[1].count("masked") == 1


def test_a_table_without_stamps_in_milliseconds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table(units=("yyyy/mm/dd hh:mm:ss.000", *UNITS[1:])))
    with pytest.raises(BadRecording, match="no Timestamp or Timestamp_Unix in ms; export the table with calibrated stamps"):
        list(read(path))


@pytest.mark.real
def test_a_genuine_table(data_folder: Path) -> None:
    path = data_folder / "raw_devices/shimmer_devicely/read_test_data.csv"
    (recording,) = read(path)
    lines = [line.split(";") for line in path.read_text().splitlines()]
    cells = np.array([[float(cell) for cell in line[:-1]] for line in lines[3:]])
    names = lines[1]
    x = recording.channel("Accel_LN_X").physical()
    assert x == pytest.approx(cells[:, names.index("Shimmer_40AC_Accel_LN_X_CAL")] / 9.80665, rel=1e-6)
    eda = recording.channel("GSR_Skin_Conductance").physical()
    assert eda == pytest.approx(cells[:, names.index("Shimmer_40AC_GSR_Skin_Conductance_CAL")], rel=1e-6)
    norm = np.sqrt(sum(recording.channel(f"Accel_LN_{axis}").physical() ** 2 for axis in "XYZ"))
    assert np.median(norm) == pytest.approx(1.0, abs=0.05)
    assert recording.channel("Pressure_BMP280").physical()[0] == pytest.approx(1004.3538)
    assert (recording.start_ns, recording.channels[0].rate_hz) == (1_595_933_810_034_000_000, pytest.approx(51.2, rel=2e-3))
