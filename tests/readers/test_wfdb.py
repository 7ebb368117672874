from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny import checksum, mark, twelve_bits, write_wfdb
from wearfm.errors import BadRecording
from wearfm.readers import read
from wearfm.readers.wfdb_annotations import parse_marks
from wearfm.readers.wfdb_samples import PACKINGS
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans

START = 988_711_200 * SECOND  # 2001-05-01 10:00:00


def test_two_leads_in_twelve_bits(tmp_path: Path) -> None:
    (recording,) = read(write_wfdb(tmp_path))
    first, second = recording.channels
    assert first.samples.tolist() == [1, 2, 3, 4]
    assert second.samples.tolist() == [-5, -6, -7, -2048]
    assert first.physical() == pytest.approx(np.array([1, 2, 3, 4]) / 200)
    assert (first.name, first.modality, first.rate_hz, first.samples.dtype) == ("MLII", "ecg", 4.0, np.int16)
    assert (recording.clock, recording.start_ns, dict(recording.facts)) == (
        "local",
        START,
        {"age_years": 61.0, "sex": "female"},
    )


def test_the_code_for_not_measured_is_masked_and_counted(tmp_path: Path) -> None:
    (recording,) = read(write_wfdb(tmp_path))
    assert recording.channels[1].valid == Spans.of([(0, 3)])
    assert recording.quality.reasons() == {"masked: the value that says: not measured": 1}


def test_beats_are_annotations_and_rhythms_last_until_the_next(tmp_path: Path) -> None:
    (recording,) = read(write_wfdb(tmp_path))
    assert [row[:4] for row in recording.events.rows()] == [
        ("rhythm", START, SECOND, "AFIB"),
        ("annotation", START + SECOND // 2, 0, "N"),
    ]


def test_a_second_annotator_is_told_from_the_reference(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    (tmp_path / "7.qrs").write_bytes(mark(1, 1) + b"\x00\x00")
    (recording,) = read(path)
    assert set(recording.events.kind.tolist()) == {"rhythm", "annotation", "annotation.qrs"}


def test_a_changed_sample_is_noticed_by_the_checksum(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    content = bytearray((tmp_path / "7.dat").read_bytes())
    content[3] ^= 1
    (tmp_path / "7.dat").write_bytes(content)
    (recording,) = read(path)
    assert any(note.startswith("checksum does not match") and note.endswith("MLII") for note in recording.quality.notes)


def test_missing_samples_are_noted(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    (tmp_path / "7.dat").write_bytes((tmp_path / "7.dat").read_bytes()[:-4])
    (recording,) = read(path)
    assert "7.dat holds 2 of the 4 samples that the header promises" in recording.quality.notes


def test_frames_skew_offset_and_several_files(tmp_path: Path) -> None:
    fast, slow = [1, 2, 3, 4], [10, 20]
    frames = np.array([1, 2, 10, 3, 4, 20], dtype="<i2")
    (tmp_path / "a.dat").write_bytes(b"head" + frames.tobytes())
    (tmp_path / "b.dat").write_bytes(bytes([128 + 7, 128 - 7]))
    (tmp_path / "r.hea").write_text(
        f"r 3 2 2\na.dat 16x2+4 100(5)/uV 16 0 1 {checksum(fast)} 0 EEG Fpz\n"
        f"a.dat 16:1+4 1/degC 16 0 10 {checksum(slow)} 0 Temp\n"
        "b.dat 80 1/g 8 0 7 0 0 Acc X\n"
    )
    (recording,) = read(tmp_path / "r.hea")
    eeg, temp, acc = recording.channels
    assert (eeg.samples.tolist(), eeg.rate_hz, eeg.start_ns) == (fast, 4.0, 0)
    assert eeg.physical() == pytest.approx([-0.04, -0.03, -0.02, -0.01])
    assert (temp.samples.tolist(), temp.rate_hz, temp.start_ns) == (slow, 2.0, -SECOND // 2)
    assert (acc.samples.tolist(), acc.axis) == ([7, -7], "x")


def segments(tmp_path: Path, *, gains: tuple[int, int] = (200, 200), layout: bool = False) -> Path:
    for name, values, gain in (("s1", [1, 2], gains[0]), ("s2", [3, 4], gains[1])):
        (tmp_path / f"{name}.dat").write_bytes(np.array(values, dtype="<i2").tobytes())
        (tmp_path / f"{name}.hea").write_text(f"{name} 1 4 2\n{name}.dat 16 {gain}/mV 16 0 0 0 0 II\n")
    (tmp_path / "lay.hea").write_text("lay 2 4 0\n~ 0 200/mV 0 0 0 0 0 II\n~ 0 200/mV 0 0 0 0 0 V\n")
    path = tmp_path / "m.hea"
    first = "lay 0\n" if layout else ""
    path.write_text(f"m/{3 + layout} {1 + layout} 4 7\n{first}s1 2\n~ 3\ns2 2\n")
    return path


@pytest.mark.parametrize("layout", [False, True])
def test_segments_become_one_recording_with_a_gap(tmp_path: Path, layout: bool) -> None:
    (recording,) = read(segments(tmp_path, layout=layout))
    (lead,) = recording.channels
    assert lead.samples[lead.mask()].tolist() == [1, 2, 3, 4]
    assert lead.valid == Spans.of([(0, 2), (5, 7)])
    assert lead.samples.dtype == np.int16


def test_segments_of_different_gain_become_physical(tmp_path: Path) -> None:
    (recording,) = read(segments(tmp_path, gains=(200, 100)))
    (lead,) = recording.channels
    assert lead.samples.dtype == np.float32
    assert lead.physical()[lead.mask()] == pytest.approx([0.005, 0.01, 0.03, 0.04])


@pytest.mark.parametrize(
    ("code", "raw", "samples"),
    [
        (16, "0100feff", [1, -2]),
        (61, "0001fffe", [1, -2]),
        (24, "010000feffff", [1, -2]),
        (32, "01000000feffffff", [1, -2]),
        (80, "817e", [1, -2]),
        (160, "0180fe7f", [1, -2]),
        (212, "01f0fe", [1, -2]),
        (212, "0180000208", [1, -2048, -2046]),
        (310, "0200fc07", [1, -2, 0]),
        (310, "02f8fcff", [1, -2, -1]),
        (311, "01f82f00", [1, -2, 2]),
    ],
)
def test_packed_samples(code: int, raw: str, samples: list[int]) -> None:
    content = np.frombuffer(bytes.fromhex(raw), dtype=np.uint8)
    assert PACKINGS[code].read(content).tolist() == samples


@pytest.mark.parametrize("code", PACKINGS)
def test_the_lowest_number_says_not_measured(code: int) -> None:
    packing = PACKINGS[code]
    every = np.random.default_rng(0).integers(0, 256, size=packing.size * 50_000, dtype=np.uint8)
    assert packing.read(every).min() >= packing.missing


def test_a_long_step_and_fields_of_an_annotation() -> None:
    skip = (59 << 10).to_bytes(2, "little") + (1).to_bytes(2, "little") + (2).to_bytes(2, "little")
    marks = parse_marks(Path("x.atr"), mark(1, 5) + skip + mark(5, 3) + mark(61, 1) + mark(62, 1) + b"\x00\x00")
    assert [(row.sample, row.code) for row in marks.rows] == [(5, 1), (5 + 65536 + 2 + 3, 5)]
    assert not marks.is_cut


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("7 2 4 4", "7 3 4 4", "3 signals are promised, 2 lines follow"),
        ("212 200", "508 200", "format 508 of 7.dat is not read; known: 16, 24, 32, 61, 80, 160, 212, 310, 311"),
        ("7 2 4 4", "7 2 0 4", "rate 0 Hz; it must be between 0 and 200000"),
        ("7.dat 212 200", "../7.dat 212 200", "signal line|none of the known formats"),
        ("7.dat 212 200", "8.dat 212 200", "cannot be read"),
    ],
)
def test_a_wrong_header_is_named(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = write_wfdb(tmp_path)
    text = path.read_text()
    path.write_text(text[: text.rindex(old)] + new + text[text.rindex(old) + len(old) :])
    with pytest.raises(BadRecording, match=reason):
        list(read(path))


@pytest.mark.real
@pytest.mark.parametrize("name", ["ecg/mitdb/114", "ecg/mitdb/207", "raw_devices/wfdb/a103l"])
def test_genuine_records_read_as_wfdb_reads_them(data_folder: Path, name: str) -> None:
    wfdb = pytest.importorskip("wfdb", reason="the readers extra is not installed")
    theirs = wfdb.rdrecord(str(data_folder / name), physical=False)
    (ours,) = read(data_folder / f"{name}.hea")
    for column, channel in enumerate(ours.channels):
        assert np.array_equal(channel.samples, theirs.d_signal[:, column])
        assert channel.scale == pytest.approx(1 / theirs.adc_gain[column])
    assert not any("checksum" in note for note in ours.quality.notes)


@pytest.mark.real
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_genuine_annotations_read_as_wfdb_reads_them(data_folder: Path) -> None:
    wfdb = pytest.importorskip("wfdb", reason="the readers extra is not installed")
    theirs = wfdb.rdann(str(data_folder / "ecg/mitdb/207"), "atr")
    marks = parse_marks(Path("207.atr"), (data_folder / "ecg/mitdb/207.atr").read_bytes())
    assert [row.sample for row in marks.rows] == theirs.sample.tolist()
    (ours,) = read(data_folder / "ecg/mitdb/207.hea")
    symbols = [symbol for symbol, text in zip(theirs.symbol, theirs.aux_note, strict=True) if not text]
    assert ours.events.of_kind("annotation").label.tolist() == symbols


@pytest.mark.parametrize("form", ["16", "24", "32", "80", "212", "310", "311"])
def test_every_format_reads_as_wfdb_writes_or_reads_it(tmp_path: Path, form: str) -> None:
    wfdb = pytest.importorskip("wfdb", reason="the readers extra is not installed")
    raw = np.random.default_rng(3).integers(0, 256, size=1200, dtype=np.uint8)
    if form == "311":
        raw[3::4] &= 0x3F  # two bits of four bytes are unused; writers leave them 0
    (tmp_path / "x.dat").write_bytes(raw.tobytes())
    count = PACKINGS[int(form)].count(1200) // 2
    (tmp_path / "x.hea").write_text(f"x 2 100 {count}\nx.dat {form} 1 0 0 0 0 0 a\nx.dat {form} 1 0 0 0 0 0 b\n")
    theirs = wfdb.rdrecord(str(tmp_path / "x"), physical=False).d_signal
    (ours,) = read(tmp_path / "x.hea")
    assert np.array_equal(np.stack([channel.samples for channel in ours.channels], axis=1), theirs)


def test_twelve_bits_are_packed_as_the_standard_says() -> None:
    assert twelve_bits([1, -2]) == bytes.fromhex("01f0fe")
