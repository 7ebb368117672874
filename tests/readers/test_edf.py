from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny import EdfSignal, edf, tal, write_bdf, write_edf
from wearfm.errors import BadRecording
from wearfm.readers import read
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans

EEG = EdfSignal(label="EEG C3-A2", records=[[1, 2], [3, 4], [5, 6]])
START = 983_505_906 * SECOND  # 2001-03-02 04:05:06


def one(tmp_path: Path, content: bytes) -> Recording:
    path = tmp_path / "a.edf"
    path.write_bytes(content)
    (recording,) = read(path)
    return recording


def test_samples_are_digital_and_scale_is_the_headers(tmp_path: Path) -> None:
    (recording,) = read(write_edf(tmp_path))
    eeg, temp = recording.channels
    assert eeg.samples.tolist() == [1, 2, 3, 4, 5, 6, 7, -8]
    assert (eeg.modality, eeg.rate_hz, eeg.samples.dtype) == ("eeg", 4.0, np.int16)
    assert temp.physical() == pytest.approx([37.0, 37.1])
    assert (temp.modality, temp.rate_hz) == ("temp", 1.0)


def test_start_patient_and_annotations(tmp_path: Path) -> None:
    (recording,) = read(write_edf(tmp_path))
    assert (recording.clock, recording.start_ns, recording.participant) == ("local", START, "P7")
    assert recording.facts == {"sex": "female", "age_years": 20.0}
    assert recording.events.rows()[0][:4] == ("annotation", START + SECOND // 2, SECOND, "Sleep stage W")
    assert len(recording.events) == 1


def test_24_bit_samples_become_int32(tmp_path: Path) -> None:
    (recording,) = read(write_bdf(tmp_path))
    (ecg,) = recording.channels
    assert ecg.samples.dtype == np.int32
    assert ecg.samples[ecg.mask()].tolist() == [100000, -100000, 7, 8]
    assert ecg.physical()[0] == pytest.approx(0.1, rel=1e-4)  # the header has room for seven digits


def test_what_lies_between_discontinuous_records_is_a_gap(tmp_path: Path) -> None:
    (recording,) = read(write_bdf(tmp_path))
    (ecg,) = recording.channels
    assert ecg.valid == Spans.of([(0, 2), (6, 8)])
    assert recording.quality.reasons() == {"inserted: gap: no samples in the source": 4}


def test_a_record_that_overlaps_is_dropped_and_counted(tmp_path: Path) -> None:
    recording = one(tmp_path, edf(EEG, kind="D", annotations=[tal("+0"), tal("+0.2"), tal("+1")]))
    assert recording.channels[0].samples.tolist() == [1, 2, 5, 6]
    assert recording.quality.reasons() == {"dropped: data record begins before the last one ends": 2}


def test_the_first_stamp_holds_the_fraction_of_a_second(tmp_path: Path) -> None:
    recording = one(tmp_path, edf(EEG, kind="C", annotations=[tal("+0.25"), tal("+1.25"), tal("+2.25")]))
    assert recording.start_ns == START + SECOND // 4


def test_stamps_are_believed_over_the_word_continuous(tmp_path: Path) -> None:
    recording = one(tmp_path, edf(EEG, kind="C", annotations=[tal("+0"), tal("+1"), tal("+5")]))
    assert recording.channels[0].valid == Spans.of([(0, 4), (10, 12)])
    assert "stamps were followed" in recording.quality.notes[0]


def test_an_open_number_of_records_is_read_to_the_end(tmp_path: Path) -> None:
    recording = one(tmp_path, edf(EEG, num_records=-1))
    assert recording.channels[0].samples.tolist() == [1, 2, 3, 4, 5, 6]


def test_a_cut_record_is_dropped_and_counted(tmp_path: Path) -> None:
    recording = one(tmp_path, edf(EEG)[:-1])
    assert recording.channels[0].samples.tolist() == [1, 2, 3, 4]
    assert recording.quality.reasons() == {"dropped: part of a data record at the end of the file": 1}
    assert "promises 3 data records; the file ends after 2" in recording.quality.notes[0]


def test_records_beyond_the_promised_are_dropped_and_counted(tmp_path: Path) -> None:
    recording = one(tmp_path, edf(EEG, num_records=2))
    assert recording.quality.reasons() == {"dropped: after the last data record that the header promises": 2}


@pytest.mark.parametrize(
    ("year", "expected"), [("85", "1985-03-02"), ("99", "1999-03-02"), ("00", "2000-03-02"), ("84", "2084-03-02")]
)
def test_two_digit_years_turn_at_85(tmp_path: Path, year: str, expected: str) -> None:
    recording = one(tmp_path, edf(EEG, start=(f"02.03.{year}", "00.00.00")))
    assert np.datetime64(recording.start_ns, "ns") == np.datetime64(expected)


def test_after_2084_the_recording_field_holds_the_year(tmp_path: Path) -> None:
    content = edf(EEG, kind="C", annotations=[tal(f"+{k}") for k in range(3)], start=("02.03.yy", "00.00.00"),
                  recording="Startdate 02-MAR-2090 X X Watch_3")  # fmt: skip
    recording = one(tmp_path, content)
    assert np.datetime64(recording.start_ns, "ns") == np.datetime64("2090-03-02")
    assert recording.device == "Watch 3"


def test_a_date_that_does_not_exist_makes_times_relative(tmp_path: Path) -> None:
    recording = one(tmp_path, edf(EEG, start=("31.02.01", "00.00.00")))
    assert (recording.clock, recording.start_ns) == ("relative", 0)
    assert "does not exist in the calendar" in recording.quality.notes[0]


def test_a_unit_that_contradicts_its_label_is_other_and_said(tmp_path: Path) -> None:
    recording = one(tmp_path, edf(EdfSignal(label="ECG", unit="mmHg", records=[[1]])))
    assert recording.channels[0].modality == "other"
    assert recording.quality.notes == ("unit 'mmHg' is not one of ecg; kept as 'other': ECG",)


def test_derived_rates_become_events_in_runs(tmp_path: Path) -> None:
    recording = one(tmp_path, edf(EEG, EdfSignal(label="HR", unit="bpm", records=[[60], [60], [70]])))
    assert [channel.name for channel in recording.channels] == ["EEG C3-A2"]
    assert [(row[0], row[2], row[4]) for row in recording.events.rows()] == [("hr", 2 * SECOND, 60.0), ("hr", SECOND, 70.0)]


def test_channels_of_one_name_are_told_apart(tmp_path: Path) -> None:
    recording = one(tmp_path, edf(EEG, EEG))
    assert [channel.name for channel in recording.channels] == ["EEG C3-A2", "EEG C3-A2 #2"]


def test_free_text_of_plain_edf_is_no_participant(tmp_path: Path) -> None:
    assert one(tmp_path, edf(EEG, patient="Jane Doe, 1 High Street")).participant == "a"


@pytest.mark.parametrize(
    ("start", "new", "offset", "reason"),
    [
        (184, b"999     ", 184, "header of 999 bytes; 1 signals need 512"),
        (236, b"many    ", 236, "number of data records is 'many'; it must be a number"),
        (244, b"0       ", 244, "data records last 0 s"),
        (252, b"0   ", 252, "number of signals is 0; it must be a whole number from 1 to 9999"),
        (256 + 216, b"-2      ", 472, "samples per record of 'EEG C3-A2' is -2"),
    ],
)
def test_a_wrong_field_is_named_with_its_offset(tmp_path: Path, start: int, new: bytes, offset: int, reason: str) -> None:
    content = bytearray(edf(EEG))
    content[start : start + len(new)] = new
    with pytest.raises(BadRecording, match=reason) as caught:
        one(tmp_path, bytes(content))
    assert caught.value.offset == offset


def test_a_header_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="no whole data record of 4 bytes; 3 are promised"):
        one(tmp_path, edf(EEG)[:512])


def test_a_gap_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="split the file at its longest gap"):
        one(tmp_path, edf(EEG, kind="D", annotations=[tal("+0"), tal("+1"), tal("+999999999")]))


@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    ["edf_bdf/test_generator.bdf", "edf_bdf/test_subsecond.edf", "edf_bdf_edfio/mne_test.edf", "edf_bdf_edfio/short_psg.edf"],
)
def test_genuine_files_read_as_edfio_reads_them(data_folder: Path, name: str) -> None:
    edfio = pytest.importorskip("edfio", reason="the readers extra is not installed")
    path = data_folder / "raw_devices" / name
    theirs = (edfio.read_bdf if name.endswith("bdf") else edfio.read_edf)(path)
    (ours,) = read(path)
    assert len(ours.channels) == len(theirs.signals)
    for channel, signal in zip(ours.channels, theirs.signals, strict=True):
        assert np.array_equal(channel.samples, signal.digital)
        assert channel.rate_hz == pytest.approx(signal.sampling_frequency)
        if channel.modality in ("eeg", "temp", "eog"):
            np.testing.assert_allclose(channel.physical(), signal.data, rtol=1e-9, atol=1e-9)
    texts = sorted(annotation.text for annotation in theirs.annotations)
    assert sorted(ours.events.label.tolist()) == texts


@pytest.mark.real
def test_numbers_of_a_cap_are_not_taken_for_sites(data_folder: Path) -> None:
    """A1 to A16, B1 to B16 and so on to I8: 136 electrodes, of which C3 is no site and D1 no lead of an ECG."""
    (recording,) = read(data_folder / "raw_devices/edf_bdf_edfio/mne_test.edf")
    kinds = {channel.name: channel.modality for channel in recording.channels}
    assert [name for name, kind in kinds.items() if kind != "eeg"] == ["Ergo-Left", "Ergo-Right", "Status"]
    assert any(note.startswith("electrodes of a cap by number") and "C3" in note for note in recording.quality.notes)
