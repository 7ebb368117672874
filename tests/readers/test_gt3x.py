from __future__ import annotations

import csv
import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_gt3x import INFO, SECONDS, START_S, info, log, nibbles, packed, record, words, write_gt3x, write_nhanes
from wearfm.errors import BadRecording
from wearfm.readers import read
from wearfm.readers.gt3x_log import ACTIVITY, decode, find_records
from wearfm.signals.recording import SECOND, Recording

TWO_HOURS = 7200


def axes(recording: Recording) -> list[list[int]]:
    return [recording.channel(f"acc {axis}").samples.tolist() for axis in "xyz"]


def bare(folder: Path, *records: bytes, **fields: str) -> Recording:
    path = packed(folder / "a.gt3x", {"log.bin": b"".join(records), "info.txt": info(INFO | fields)})
    (recording,) = read(path)
    return recording


def test_a_missing_second_is_a_gap_and_samples_keep_their_counts(tmp_path: Path) -> None:
    (recording,) = read(write_gt3x(tmp_path))
    x, y, z = (recording.channel(f"acc {axis}") for axis in "xyz")
    assert x.samples.dtype == np.int16
    assert x.valid.bounds.tolist() == [[0, 4], [12, 20]]
    assert x.samples[x.mask()].tolist() == [0, 1, 2, 3, 10, 11, 12, 13, -256, -2048, 5, 6]
    assert y.physical()[:4].tolist() == [1.0] * 4
    assert (z.rate_hz, z.axis, z.placement, z.samples[16]) == (4.0, "z", "wrist", 2047)
    assert recording.quality.reasons() == {
        "inserted: gap: no samples in the source": 3 * 8,
        "masked: 65535: no reading of light": 1,
    }


def test_local_stamps_become_utc_where_the_zone_is_known(tmp_path: Path) -> None:
    (recording,) = read(write_gt3x(tmp_path))
    assert (recording.clock, recording.utc_offset_s) == ("utc", TWO_HOURS)
    assert recording.start_ns == (START_S - TWO_HOURS) * SECOND


def test_local_stamps_without_a_zone_stay_local(tmp_path: Path) -> None:
    recording = bare(tmp_path, *log(), TimeZone="")
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("local", None, START_S * SECOND)


def test_the_log_may_tell_the_zone_or_that_stamps_are_utc(tmp_path: Path) -> None:
    zone = record(6, START_S, b'{"MetadataType":"SubjectTimeLog","UtcOffset":"-06:00:00"}')
    recording = bare(tmp_path, zone, *log(), TimeZone="")
    assert (recording.clock, recording.utc_offset_s) == ("utc", -6 * 3600)
    assert recording.start_ns == (START_S + 6 * 3600) * SECOND
    used_utc = record(6, START_S, b'{"MetadataType":"LocalTimeLog","UsedUtc":true}')
    recording = bare(tmp_path, used_utc, zone, *log(), TimeZone="")
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("utc", -6 * 3600, START_S * SECOND)
    assert "the log says that its stamps are UTC" in recording.quality.notes


def test_pauses_wear_and_heart_rate_are_events(tmp_path: Path) -> None:
    (recording,) = read(write_gt3x(tmp_path))
    origin = recording.start_ns
    rows = [(kind, (t - origin) / SECOND, n / SECOND, label) for kind, t, n, label, _ in recording.events.rows()]
    assert rows == [
        ("wear", 0.0, 4.0, "worn"),
        ("idle", 1.0, 2.0, "sleep mode"),
        ("hr", 3.0, 1.0, ""),
        ("wear", 4.0, 0.0, "not worn"),
    ]
    assert recording.events.of_kind("hr").value.tolist() == [61.0]
    assert "sleep mode: 2 s in which the device wrote no samples" in recording.quality.notes


def test_the_subject_is_a_code_never_a_name(tmp_path: Path) -> None:
    (recording,) = read(write_gt3x(tmp_path))
    assert recording.participant == "P7"
    assert recording.facts == {"sex": "female", "height_cm": 170.0, "weight_kg": 60.5}
    assert bare(tmp_path, *log(), **{"Subject Name": "Jane Doe 2"}).participant == "a"
    assert bare(tmp_path, *log(), **{"Subject Name": "Jane"}).participant == "a"


def test_light_is_a_channel(tmp_path: Path) -> None:
    light = next(read(write_gt3x(tmp_path))).channel("light")
    assert (light.rate_hz, light.physical().tolist(), light.valid.bounds.tolist()) == (1.0, [100.0, 65_535.0], [[0, 1]])


def test_twelve_bits_give_the_same_samples_as_sixteen(tmp_path: Path) -> None:
    sixteen, twelve = bare(tmp_path, *log()), bare(tmp_path, *log(kind=0))
    assert axes(sixteen) == axes(twelve)


def test_the_maker_s_own_example_of_packing() -> None:
    data = np.frombuffer(bytes.fromhex("006008EBD007009EBF007008EBF0"), dtype=np.uint8)
    samples = decode(data, np.array([0]), np.array([14]), ACTIVITY)
    assert samples.tolist() == [[8, 9, 8], [6, 7, 7], [-323, -321, -321]]


def test_the_maker_s_own_example_of_a_record() -> None:
    text = b'{"MetadataType":"Bio","SubjectName":"CLE2A14151617","Race":"","Limb":"","Side":"","Dominance":"","Parsed":false,"JSON":null}'  # noqa: E501
    written = bytes.fromhex("1E0671E8B4547C00") + text + b"\xf8"
    assert written == record(6, 1_421_142_129, text)
    found = find_records(np.frombuffer(b"\x1e\x06" + written + b"\x00\x00", dtype=np.uint8))
    assert (found.kind.tolist(), found.payload(0), found.lost_bytes) == ([6], text, 2)


def test_the_first_generation_has_neither_stamps_nor_zone(tmp_path: Path) -> None:
    (recording,) = read(write_nhanes(tmp_path))
    assert (recording.clock, recording.start_ns) == ("local", START_S * SECOND)
    assert axes(recording) == [[sample[k] for second in SECONDS for sample in second] for k in range(3)]
    assert recording.channel("acc x").scale == 1 / 341
    light = recording.channel("light")
    assert (light.physical().tolist()[:2], light.valid.bounds.tolist()) == ([0.0, 1375.0], [[0, 2]])


@pytest.mark.parametrize(("serial", "scale"), [("NEO1", 341), ("CLE2", 341), ("MRA1", 341), ("MOS2", 256), ("TAS1", 256)])
def test_the_serial_number_tells_the_scale_where_nothing_else_does(tmp_path: Path, serial: str, scale: int) -> None:
    recording = bare(tmp_path, *log(), **{"Acceleration Scale": "", "Serial Number": serial})
    assert recording.channel("acc x").scale == 1 / scale


def test_a_parameter_of_the_log_tells_the_scale(tmp_path: Path) -> None:
    parameters = record(21, START_S, bytes.fromhex("00003700000040090000390000000000"))
    recording = bare(tmp_path, parameters, *log(), **{"Acceleration Scale": "", "Serial Number": "XYZ"})
    assert recording.channel("acc x").scale == 1 / 256


def test_an_unknown_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="no Acceleration Scale, and serial number 'XYZ' is of no known model; add the line"):
        bare(tmp_path, *log(), **{"Acceleration Scale": "", "Serial Number": "XYZ"})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [("Sample Rate", "fast", "Sample Rate 'fast'; it must be"), ("Sample Rate", "0", "Sample Rate '0'; it must be")],
)
def test_a_header_that_makes_no_sense_is_refused(tmp_path: Path, field: str, value: str, message: str) -> None:
    with pytest.raises(BadRecording, match=message):
        bare(tmp_path, *log(), **{field: value})


def test_a_clock_that_was_never_set_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.gt3x", {"activity.bin": nibbles(SECONDS[0]), "info.txt": info(INFO | {"Start Date": "0"})})
    with pytest.raises(BadRecording, match="no date from 1980 to 2100; the clock was not set"):
        list(read(path))


def test_a_damaged_record_is_dropped_and_counted(tmp_path: Path) -> None:
    records = log()
    broken = bytearray(records[7])
    broken[12] ^= 1
    records[7] = bytes(broken)
    recording = bare(tmp_path, *records)
    x = recording.channel("acc x")
    assert x.valid.bounds.tolist() == [[0, 4], [16, 20]]
    assert recording.quality.reasons()["dropped: record with a wrong checksum"] == 3 * 4


def test_a_damaged_length_costs_one_record(tmp_path: Path) -> None:
    records = log()
    broken = bytearray(records[2])
    broken[6:8] = b"\xff\xff"
    records[2] = bytes(broken)
    recording = bare(tmp_path, *records)
    assert recording.channel("acc x").samples.tolist() == [10, 11, 12, 13, -256, -2048, 5, 6]
    assert f"{len(broken)} bytes of log.bin belong to no record with a right checksum" in recording.quality.notes


def test_a_flipped_bit_in_a_stored_log_costs_one_record(tmp_path: Path) -> None:
    path = write_gt3x(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(words(SECONDS[1]))] ^= 0x80
    path.write_bytes(content)
    (recording,) = read(path)
    assert "log.bin is not what its checksum in the zip says" in recording.quality.notes
    assert recording.channel("acc x").valid.total == 8


def test_a_second_that_comes_twice_is_dropped_and_counted(tmp_path: Path) -> None:
    records = [record(26, START_S + k, words(SECONDS[0])) for k in (0, 1, 1, 2)]
    recording = bare(tmp_path, *records)
    assert recording.channel("acc x").samples.tolist() == [0, 1, 2, 3] * 3
    assert recording.quality.reasons() == {"dropped: block begins before the last one ends": 3 * 4}


def test_a_second_with_too_many_samples_loses_what_overlaps(tmp_path: Path) -> None:
    records = [record(26, START_S, words([*SECONDS[0], (9, 9, 9)])), record(26, START_S + 1, words(SECONDS[1]))]
    recording = bare(tmp_path, *records)
    assert recording.channel("acc x").samples.tolist() == [0, 1, 2, 3, 9, 11, 12, 13]
    assert recording.quality.reasons() == {"dropped: block begins before the last one ends": 3}


def test_a_log_without_acceleration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match=r"log\.bin holds no whole record of acceleration"):
        bare(tmp_path, record(3, START_S, b"\x08"))


def records_one_by_one(content: bytes) -> dict[int, list[tuple[int, int, int]]]:
    """The maker's description, followed byte by byte."""
    seconds, at = {}, 0
    while at < len(content):
        _, kind, stamp, size = struct.unpack_from("<BBIH", content, at)
        payload = content[at + 8 : at + 8 + size]
        if kind == 26 and size > 1:
            seconds[stamp] = list(struct.iter_unpack("<hhh", payload))
        at += 9 + size
    return seconds


@pytest.mark.real
def test_a_genuine_file_is_what_its_own_export_says(data_folder: Path) -> None:
    folder = data_folder / "raw_devices/actigraph_gt3x"
    (recording,) = read(folder / "TAS1H30182785_2019-09-17.gt3x")
    with gzip.open(folder / "TAS1H30182785_2019-09-17.csv.gz", "rt") as file:
        exported = np.array(list(csv.reader(file.readlines()[11:])), dtype=np.float64)
    for column, axis in enumerate("xyz"):
        channel = recording.channel(f"acc {axis}")
        valid = channel.mask()
        apart = np.abs(np.rint(channel.physical() * 1000) / 1000 - exported[: len(valid), column])
        assert apart[valid].max() < 0.00101  # both are rounded to the third digit, halves in different ways
        assert channel.valid.total == 33_000
    assert (recording.participant, recording.clock, recording.utc_offset_s) == ("suffix_85", "utc", -4 * 3600)
    assert recording.start_ns == 1_568_760_000 * SECOND  # 18:40 in the export, four hours behind UTC


@pytest.mark.real
def test_a_genuine_log_read_record_by_record_gives_the_same(data_folder: Path) -> None:
    path = data_folder / "raw_devices/actigraph_gt3x/TAS1H30182785_2019-09-17.gt3x"
    (recording,) = read(path)
    with zipfile.ZipFile(path) as archive:
        seconds = records_one_by_one(archive.read("log.bin"))
    channels = [recording.channel(f"acc {axis}") for axis in "xyz"]
    for stamp, samples in seconds.items():
        at = (stamp - min(seconds)) * 100
        assert np.stack([channel.samples[at : at + 100] for channel in channels], axis=1).tolist() == [list(s) for s in samples]
    magnitude = np.sqrt(sum(channel.physical()[channel.mask()] ** 2 for channel in channels))
    assert abs(np.median(magnitude) - 1) < 0.05  # 1.031 in the maker's export too: offsets of an uncalibrated sensor


def test_packing_of_the_tiny_files() -> None:
    assert nibbles([(8, 6, -323)]).hex() == "006008ebd0"
