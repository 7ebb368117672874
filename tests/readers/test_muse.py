from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_muse import NAMES, element, row, stamp, write_muse
from wearfm.errors import BadRecording
from wearfm.readers import find_reader, read
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans

START_NS = 1_617_637_680 * SECOND  # 2021-04-05 15:48:00 on the wall clock


def written(tmp_path: Path, *rows: str, names: tuple[str, ...] = NAMES) -> Recording:
    path = tmp_path / "a.csv"
    path.write_text(",".join(names) + "\n" + "".join(rows))
    assert find_reader(path).name == "muse"
    (recording,) = read(path)
    return recording


def test_bursts_are_counted_and_not_taken_for_gaps(tmp_path: Path) -> None:
    (recording,) = read(write_muse(tmp_path))
    eeg = recording.channel("TP9")
    assert (eeg.samples.tolist(), eeg.valid) == ([800.5 + k for k in range(8)], Spans.all(8))
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("local", None, START_NS + 4 * SECOND)
    assert [(c.name, c.modality, c.axis) for c in recording.channels] == [
        ("TP9", "eeg", ""),
        ("AF7", "eeg", ""),
        ("AUX_RIGHT", "other", ""),
        ("Accelerometer_X", "acc", "x"),
    ]
    assert recording.events.rows()[0][:4] == ("annotation", START_NS + 4 * SECOND + 5_000_000, 0, "blink")
    assert recording.quality.channels[0].count("dropped") == 0


def test_the_rate_of_the_data_sheet_is_kept_if_it_is_near(tmp_path: Path) -> None:
    rows = [row(4000 + 125 * (k // 32) + k % 32 // 2, 800.5) for k in range(256)]
    assert written(tmp_path, *rows).channels[0].rate_hz == 256.0


def test_a_silence_is_a_gap(tmp_path: Path) -> None:
    rows = [row(125 * (k // 32) + k % 32 // 2 + (5000 if k >= 256 else 0), 800.5) for k in range(512)]
    (first, second) = written(tmp_path, *rows).channels[0].valid.bounds.tolist()
    assert first == [0, 256]
    assert second == [6 * 256, 7 * 256]


def test_a_table_at_an_interval_keeps_it(tmp_path: Path) -> None:
    recording = written(tmp_path, *(row(1000 * k, 800.5) for k in range(10)))
    assert (recording.channels[0].rate_hz, recording.channels[0].valid) == (1.0, Spans.all(10))


def test_eeg_of_a_headband_that_is_off_is_masked(tmp_path: Path) -> None:
    rows = [row(1000 * k, 800.5, worn=int(k < 4)) for k in range(6)]
    recording = written(tmp_path, *rows)
    assert recording.channel("TP9").valid == Spans.of([(0, 4)])
    assert recording.channel("Accelerometer_X").valid == Spans.all(6)
    assert recording.quality.channels[0].findings[-1].reason == "no number, or the headband was off"


def test_elements_in_rows_of_full_width(tmp_path: Path) -> None:
    rows = [row(1000 * k, 800.5).strip() + ",\n" for k in range(4)]
    recording = written(tmp_path, *rows, element(2500, "/Marker/3"))
    assert [(event[1] - START_NS, event[3]) for event in recording.events.rows()] == [(2_500_000_000, "Marker/3")]
    assert recording.quality.channels[0].source == 4


def test_a_row_of_the_wrong_width_is_dropped_and_counted(tmp_path: Path) -> None:
    recording = written(tmp_path, row(0, 1.5), row(1000, 2.5), stamp(1500) + ",1\n", row(2000, 3.5), row(3000, 4.5))
    assert recording.quality.channels[0].count("dropped") == 1
    assert recording.channels[0].samples.tolist() == [1.5, 2.5, 3.5, 4.5]


def test_a_table_of_muselsl_is_utc(tmp_path: Path) -> None:
    rows = [f"{1_600_000_000 + k / 256:.3f},{k}.5,1.5\n" for k in range(64)]
    recording = written(tmp_path, *rows, names=("timestamps", "TP9", "Right AUX"))
    assert (recording.clock, recording.start_ns, recording.channels[0].rate_hz) == ("utc", 1_600_000_000 * SECOND, 256.0)
    assert recording.channels[0].samples.tolist() == [k + 0.5 for k in range(64)]


def test_a_table_without_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(NAMES) + "\n" + element(0, "/Marker/1"))
    with pytest.raises(BadRecording, match="a table without samples of EEG"):
        list(read(path))


@pytest.mark.real
def test_a_genuine_table_of_mind_monitor(data_folder: Path) -> None:
    path = data_folder / "raw_devices/muse_devicely/read_test_data.csv"
    (recording,) = read(path)
    names, *rows = csv.reader(path.read_text().splitlines())
    samples = [cells for cells in rows if len(cells) == len(names) - 1]
    expected = np.array([float(cells[names.index("RAW_AF8")]) for cells in samples], dtype=np.float32)
    assert recording.channel("AF8").samples.tolist() == expected.tolist()
    assert (recording.channel("AF8").rate_hz, recording.channel("AF8").valid) == (256.0, Spans.all(418))
    assert recording.events.label.tolist() == ["blink"]


@pytest.mark.real
def test_a_genuine_table_of_muselsl(data_folder: Path) -> None:
    path = data_folder / "eeg/muse_biopsykit/eeg_muse_example.csv.gz"
    (recording,) = read(path)
    with gzip.open(path, "rt") as file:
        cells = np.loadtxt(file, delimiter=",", skiprows=1)
    assert recording.channel("TP9").samples.tolist() == cells[:, 1].astype(np.float32).tolist()
    assert (recording.channel("TP9").rate_hz, recording.start_ns) == (256.0, 1_606_398_309_680_000_000)
