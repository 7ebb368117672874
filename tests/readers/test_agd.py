from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_actilife import EPOCHS, START_S, database, write_agd
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import read
from wearfm.signals.recording import SECOND


def test_epochs_are_channels_and_a_missing_one_is_a_gap(tmp_path: Path) -> None:
    (recording,) = read(write_agd(tmp_path))
    assert [(c.name, c.modality, c.rate_hz) for c in recording.channels] == [
        ("axis1", "counts", 1 / 60), ("axis2", "counts", 1 / 60), ("axis3", "counts", 1 / 60), ("steps", "steps", 1 / 60),
        ("lux", "light", 1 / 60),
    ]  # fmt: skip
    counts = recording.channel("axis1")
    assert counts.samples.dtype == np.int32
    assert counts.valid.bounds.tolist() == [[0, 2], [3, 4]]
    assert counts.samples[counts.mask()].tolist() == [254, 652, 0]
    assert recording.channel("lux").valid.bounds.tolist() == [[0, 2]]
    assert (recording.clock, recording.start_ns, recording.participant) == ("local", START_S * SECOND, "P7")
    assert (recording.device, recording.facts) == ("ActiGraph wGT3XBT", {"sex": "female", "age_years": 54.0})


def test_posture_wear_and_sleep_are_events(tmp_path: Path) -> None:
    (recording,) = read(write_agd(tmp_path))
    rows = [(kind, (t // SECOND - START_S), n // SECOND, label) for kind, t, n, label, _ in recording.events.rows()]
    assert rows == [
        ("posture", 0, 120, "standing"),
        ("wear", 0, 120, "worn"),
        ("sleep_stage", 60, 120, "in_bed"),
        ("wear", 120, 0, "not worn"),
        ("posture", 180, 60, "lying"),
    ]


def test_a_gzipped_database_is_read_as_well(tmp_path: Path) -> None:
    path = write_agd(tmp_path)
    packed = tmp_path / "P7.agd.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    (plain,), (unpacked,) = read(path), read(packed)
    assert [c.samples.tolist() for c in plain.channels] == [c.samples.tolist() for c in unpacked.channels]


def test_a_value_that_is_no_number_is_masked_and_counted(tmp_path: Path) -> None:
    epochs = [EPOCHS[0], (60, "many", None, 302, 0, 5, 0, 60, 0, 0), (120, 1, 2, 3, 0, 5, 0, 60, 0, 0)]
    (recording,) = read(database(tmp_path / "a.agd", epochs))
    assert recording.channel("axis1").valid.bounds.tolist() == [[0, 1], [2, 3]]
    assert recording.quality.reasons() == {"masked: no number, or 65535 lux": 2}


@pytest.mark.parametrize("epoch", ["0", "minute", "100000"])
def test_an_epoch_that_is_none_is_refused(tmp_path: Path, epoch: str) -> None:
    with pytest.raises(BadRecording, match=f"epochlength '{epoch}'; it must be 1 to 86400 s"):
        list(read(database(tmp_path / "a.agd", EPOCHS, epochlength=epoch)))


def test_a_table_without_epochs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="the table data holds no epoch with a date"):
        list(read(database(tmp_path / "a.agd", [])))


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = write_agd(tmp_path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(BadRecording, match="damaged database"):
        list(read(path))


def test_another_database_is_not_one(tmp_path: Path) -> None:
    path = tmp_path / "a.agd"
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE data (x INTEGER)")
    with pytest.raises(UnknownFormat):
        list(read(path))


@pytest.mark.real
def test_a_genuine_database_is_what_sqlite_says(data_folder: Path) -> None:
    path = data_folder / "raw_devices/pyactigraphy/test_sample.agd"
    (recording,) = read(path)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        sums = file.execute("SELECT sum(axis1), sum(axis2), sum(axis3), sum(steps), sum(lux) FROM data").fetchone()
        worn = file.execute("SELECT count(*) FROM capsense WHERE state = 1").fetchone()[0]
    assert [channel.physical().sum() for channel in recording.channels] == list(sums)
    assert (recording.channels[0].rate_hz, len(recording.channels[0].samples)) == (0.1, 5394)
    wear = recording.events.of_kind("wear")
    assert abs(wear.duration_ns[wear.label == "worn"].sum() / SECOND / 60 - worn) <= 1  # the last entry has no end
