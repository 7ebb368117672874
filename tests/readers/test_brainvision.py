from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.contracts.test_readers import same
from tests.readers.tiny_brainvision import MARKERS, SAMPLES, header, write, write_brainvision
from wearfm.errors import BadRecording
from wearfm.readers import find, read
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans

START_NS = 1_358_093_643_794_232_000  # 2013-01-13 16:14:03.794232 on the wall clock


def test_samples_keep_their_bits(tmp_path: Path) -> None:
    (recording,) = read(write_brainvision(tmp_path))
    eeg, ecg = recording.channels
    assert (eeg.name, eeg.modality, eeg.samples.tolist(), eeg.samples.dtype) == ("Fp1", "eeg", [1, 2, 3, 4, 5, 6], np.int16)
    assert (ecg.name, ecg.modality, ecg.rate_hz) == ("ECG, chest", "ecg", 250.0)
    assert ecg.physical() == pytest.approx(SAMPLES[:, 1] * 0.001)
    assert eeg.physical() == pytest.approx(SAMPLES[:, 0] * 0.5)


def test_markers_are_events_and_the_first_segment_is_the_start(tmp_path: Path) -> None:
    (recording,) = read(write_brainvision(tmp_path))
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("local", None, START_NS)
    rows = [(row[0], row[1] - START_NS, row[2], row[3]) for row in recording.events.rows()]
    assert rows == [
        ("annotation", 8_000_000, 0, "Stimulus/S  1"),
        ("annotation", 12_000_000, 8_000_000, "Comment/eyes, open"),
    ]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("<i4", {"form": "INT_32"}),
        (">i2", {"order": "YES"}),
        ("<f4", {"form": "IEEE_FLOAT_32"}),
        ("<i2", {"orientation": "VECTORIZED"}),
    ],
)
def test_every_layout_of_samples(tmp_path: Path, kind: str, changes: dict[str, str]) -> None:
    (recording,) = read(write(tmp_path, kind=kind, **changes))
    assert [channel.samples.tolist() for channel in recording.channels] == SAMPLES.T.tolist()
    assert recording.channels[0].samples.dtype == np.dtype(kind).newbyteorder("=")


def test_a_later_segment_leaves_a_gap_by_its_date(tmp_path: Path) -> None:
    later = "New Segment,,4,1,0,20130113161403814232"  # 20 ms after the first: five samples, of which three were recorded
    (recording,) = read(write(tmp_path, markers=(*MARKERS, later)))
    eeg = recording.channels[0]
    assert (eeg.valid, eeg.samples[eeg.mask()].tolist()) == (Spans.of([(0, 3), (5, 8)]), [1, 2, 3, 4, 5, 6])
    assert (recording.events.onset_ns - START_NS).tolist() == [8_000_000, 20_000_000]
    assert recording.quality.channels[0].count("inserted") == 2


def test_a_segment_without_a_date_is_noted(tmp_path: Path) -> None:
    (recording,) = read(write(tmp_path, markers=(*MARKERS, "New Segment,,4,1,0")))
    assert recording.quality.notes == ("a new segment at sample 3 has no date; taken to follow the one before",)
    (recording,) = read(write(tmp_path, markers=("New Segment,,1,1,0,00000000000000000000",)))
    assert (recording.clock, recording.start_ns) == ("relative", 0)


def test_a_file_that_ends_early_is_noted(tmp_path: Path) -> None:
    path = write_brainvision(tmp_path)
    (tmp_path / "rest.eeg").write_bytes((tmp_path / "rest.eeg").read_bytes()[:-6])
    (recording,) = read(path)
    assert [q.count("dropped") for q in recording.quality.channels] == [1, 0]
    assert recording.quality.notes[:2] == (
        "the header promises 6 samples a channel; the file holds 4",
        "2 bytes after the last whole frame",
    )


def test_markers_that_are_none_are_skipped(tmp_path: Path) -> None:
    (recording,) = read(write(tmp_path, markers=(*MARKERS, "Stimulus,S  2,999,1,0", "Stimulus,S  3,x,1,0")))
    assert recording.quality.notes == ("2 markers are malformed or lie beyond the samples; skipped",)
    (tmp_path / "rest.vmrk").unlink()
    (recording,) = read(tmp_path / "rest.vhdr")
    assert (recording.quality.notes, recording.clock) == (("no file of markers",), "relative")


def test_a_member_is_read_with_its_header(tmp_path: Path) -> None:
    path = write_brainvision(tmp_path)
    for member in ("rest.eeg", "rest.vmrk"):
        ((whole,), (from_member,)) = read(path), read(tmp_path / member)
        assert same(whole, from_member)
    assert find(tmp_path) == [path]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"interval_us": "0"}, "2 channels every 0 us; no amplifier records so"),
        ({"interval_us": "often"}, "samplinginterval is 'often'; it must be a number"),
        ({"channels": ("Fp1,,often,uV",)}, "resolution of Ch1 is 'often'"),
        ({"data_file": "../secret.eeg"}, "the header names the file '../secret.eeg'; it must lie beside the header"),
        ({"data_format": "ASCII"}, "DataFormat ASCII, BinaryFormat INT_16; export the samples as binary"),
        ({"data_file": "other.eeg"}, "cannot be read"),
    ],
)
def test_a_header_that_cannot_be_is_refused(tmp_path: Path, changes: dict[str, str], reason: str) -> None:
    path = write_brainvision(tmp_path)
    path.write_text(header("rest", **changes), encoding="utf-8")  # type: ignore[arg-type]
    with pytest.raises(BadRecording, match=reason):
        list(read(path))


def test_latin_headers_and_units_that_are_left_out(tmp_path: Path) -> None:
    path = write_brainvision(tmp_path)
    text = header("rest", channels=("Fz,,0.5", "Cz,,1,\xb5V")).replace("Codepage=UTF-8\n", "")
    path.write_bytes(text.encode("latin-1"))
    (recording,) = read(path)
    assert [(c.modality, c.scale, c.unit) for c in recording.channels] == [("eeg", 0.5, "uV"), ("eeg", 1.0, "uV")]
    assert recording.start_ns // SECOND == START_NS // SECOND
