from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_matrix import START_S, header, packet, packets, ramp, write_matrix
from wearfm.errors import BadRecording
from wearfm.readers import read
from wearfm.signals.recording import SECOND, Recording


def bare(folder: Path, *written: bytes, promised: int = 3) -> Recording:
    path = folder / "a.BIN"
    path.write_bytes(header(promised) + b"".join(written))
    (recording,) = read(path)
    return recording


def test_a_pause_is_a_gap_and_samples_keep_their_counts(tmp_path: Path) -> None:
    (recording,) = read(write_matrix(tmp_path))
    x, y, z = (recording.channel(f"acc {axis}") for axis in "xyz")
    assert (x.rate_hz, x.samples.dtype) == (4.0, np.int16)
    assert x.valid.bounds.tolist() == [[0, 16], [36, 44]]
    assert x.samples[x.mask()].tolist() == list(range(24))
    assert z.samples[43] == -23
    assert y.physical()[0] == 1.0
    assert (recording.clock, recording.start_ns, recording.utc_offset_s) == ("local", START_S * SECOND, None)


def test_heart_rates_share_the_span_of_their_packet(tmp_path: Path) -> None:
    (recording,) = read(write_matrix(tmp_path))
    rows = [(kind, (t - recording.start_ns) / SECOND, n / SECOND, value) for kind, t, n, _, value in recording.events.rows()]
    assert rows == [("hr", 2.0, 1.0, 61.0), ("hr", 3.0, 1.0, 62.0)]


def test_the_gyroscope_has_its_own_rate(tmp_path: Path) -> None:
    recording = bare(
        tmp_path, *(packet(START_S + k, START_S + k + 1, ramp(0, 4), gyroscope=[(16384, 0, -1)] * 2) for k in range(3))
    )
    gyro = recording.channel("gyro x")
    assert (gyro.rate_hz, gyro.physical().tolist()) == (2.0, [1000.0] * 6)


def test_temperatures_are_left_out_with_a_note(tmp_path: Path) -> None:
    recording = bare(tmp_path, packet(START_S, START_S + 2, ramp(0), temperature=[(331, 245)]), promised=1)
    assert "1 readings of temperature are left out; their unit is not known" in recording.quality.notes
    assert [channel.modality for channel in recording.channels] == ["acc"] * 3


def test_a_damaged_packet_is_dropped_and_counted(tmp_path: Path) -> None:
    written = packets()
    written[1] = written[1][:50] + b"\x7f" + written[1][51:]
    recording = bare(tmp_path, *written)
    assert recording.channel("acc x").valid.bounds.tolist() == [[0, 8], [36, 44]]
    assert recording.quality.reasons()["dropped: packet with a wrong checksum"] == 3 * 8
    assert "1 packets are damaged" in recording.quality.notes
    assert "the header promises 3 packets; 2 are whole" in recording.quality.notes


def test_counts_that_no_file_holds_are_not_believed(tmp_path: Path) -> None:
    huge = b"MDTCPACK" + struct.pack("<7I", 0, START_S, START_S + 1, 2**32 - 1, 2**32 - 1, 0, 0)
    recording = bare(tmp_path, *packets(), huge)
    assert recording.channel("acc x").valid.total == 24


def test_a_clock_that_was_never_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="starts 7 s after 1970, no date from 1980 to 2100; the clock was not set"):
        bare(tmp_path, packet(7, 9, ramp(0)))


def test_a_file_without_a_whole_packet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="no packets with a right checksum"):
        bare(tmp_path, packets()[0][:-1])


@pytest.mark.real
def test_a_genuine_file_is_what_a_slow_loop_reads(data_folder: Path) -> None:
    path = data_folder / "raw_devices/matrix_parmay/mtx_25Hz_acc_HR.BIN"
    (recording,) = read(path)
    content, at, samples = path.read_bytes(), 524, []
    while at < len(content):
        checksum, _, _, acc, gyro, temperature, heart = struct.unpack_from("<7I", content, at + 8)
        after = at + 36 + 6 * acc + 6 * gyro + 4 * temperature + 4 * heart
        assert zlib.crc32(content[at + 12 : after]) == checksum
        samples += list(struct.iter_unpack("<3h", content[at + 36 : at + 36 + 6 * acc]))
        at = after
    axes = [recording.channel(f"acc {axis}") for axis in "xyz"]
    assert np.stack([axis.samples for axis in axes], axis=1).tolist() == [list(sample) for sample in samples]
    assert axes[0].rate_hz == pytest.approx(25 * 1.0242, rel=1e-3)  # 25 119 samples in 981 s; nominal 25 Hz
    assert abs(np.median(np.sqrt(sum(axis.physical() ** 2 for axis in axes))) - 1) < 0.03
    assert recording.events.of_kind("hr").value.tolist() == [77.0, 76.0]
