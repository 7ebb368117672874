from __future__ import annotations

import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_cwa import START_S, header, pack, ramp, sector, sectors, words, write_cwa
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import read
from wearfm.signals.recording import SECOND, Recording


def bare(folder: Path, *blocks: bytes, head: bytes | None = None) -> Recording:
    path = folder / "a.cwa"
    path.write_bytes((header() if head is None else head) + b"".join(blocks))
    (recording,) = read(path)
    return recording


def test_a_missing_sector_is_a_gap_and_samples_keep_their_counts(tmp_path: Path) -> None:
    (recording,) = read(write_cwa(tmp_path))
    x, y, z = (recording.channel(f"acc {axis}") for axis in "xyz")
    assert (x.rate_hz, x.placement, x.axis, x.samples.dtype) == (6.25, "wrist", "x", np.int16)
    assert x.valid.bounds.tolist() == [[0, 75], [100, 150]]
    assert x.samples[x.mask()].tolist() == [*range(75), *range(100, 150)]
    assert y.physical()[:5].tolist() == [1.0] * 5
    assert z.samples[149] == -149
    assert recording.quality.reasons() == {"inserted: gap: no samples in the source": 3 * 25 + 2}


def test_the_clock_is_local_and_the_participant_a_code(tmp_path: Path) -> None:
    (recording,) = read(write_cwa(tmp_path))
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("local", None, START_S * SECOND)
    assert (recording.participant, recording.name, recording.device) == ("P7", "walk", "Axivity AX3 session 7")
    assert "Jane" not in repr(recording)


def test_the_exponent_and_the_sign_of_packed_samples(tmp_path: Path) -> None:
    samples = [(1, -1, 511), (-512, 0, 2)]
    recording = bare(tmp_path, sector(0, START_S, pack(samples, exponent=3), 2))
    assert [recording.channel(f"acc {axis}").samples.tolist() for axis in "xyz"] == [[8, -4096], [-8, 0], [4088, 16]]


def test_six_axes_have_their_own_scales(tmp_path: Path) -> None:
    samples = [(100, -100, 0, 2048, 0, -2048)]
    light = 3 << 13 | 2 << 10 | 17  # 2^11 per g, 2000 deg/s
    recording = bare(tmp_path, sector(0, START_S, words(samples), 1, form=0x62, light=light), head=header(hardware=0x64))
    assert [channel.name for channel in recording.channels] == ["gyro x", "gyro y", "gyro z", "acc x", "acc y", "acc z"]
    assert recording.channel("gyro x").physical().tolist() == [100 * 2000 / 2**15]
    assert recording.channel("acc x").physical().tolist() == [1.0]
    assert recording.device == "Axivity AX6 session 7"


def test_words_of_three_axes(tmp_path: Path) -> None:
    recording = bare(tmp_path, sector(0, START_S, words([(256, -256, 512)]), 1, form=0x32))
    assert [recording.channel(f"acc {axis}").physical().tolist() for axis in "xyz"] == [[1.0], [-1.0], [2.0]]


def test_temperature_and_light_are_read_once_a_sector(tmp_path: Path) -> None:
    blocks = [sector(n, START_S + 4 * n, pack(ramp(0)), 25, temperature=256 * (n > 0), light=300 + n) for n in range(3)]
    recording = bare(tmp_path, *blocks)
    temperature, light = recording.channel("temp"), recording.channel("light level")
    assert (temperature.rate_hz, temperature.valid.bounds.tolist()) == (0.25, [[1, 3]])
    assert temperature.physical()[1:].tolist() == [25.0, 25.0]
    assert (light.modality, light.samples.tolist()) == ("other", [300, 301, 302])


def test_the_stamp_belongs_to_the_sample_that_it_names(tmp_path: Path) -> None:
    whole = bare(tmp_path, sector(0, START_S + 1, pack(ramp(0)), 25, point=6))
    assert whole.start_ns == round((START_S + 1 - 6 / 6.25) * SECOND)
    half = bare(tmp_path, sector(0, START_S + 1, pack(ramp(0)), 25, point=6, fraction=2**14))
    assert half.start_ns == round((START_S + 1.5 - (6 + 3) / 6.25) * SECOND)  # the device took 3 samples for its half second


def test_a_sensor_that_runs_slowly_is_followed(tmp_path: Path) -> None:
    blocks = []
    for n in range(201):
        whole, fraction = divmod(round(4.125 * n * 2**15), 2**15)
        first = -(fraction * 25 // 4 // 2**15)  # undoes what the device does for older software
        blocks.append(sector(n, START_S + whole, pack(ramp(0)), 25, point=first, fraction=fraction))
    recording = bare(tmp_path, *blocks)
    x = recording.channel("acc x")
    assert x.rate_hz == pytest.approx(25 / 4.125)
    assert x.valid.bounds.tolist() == [[0, 201 * 25]]
    assert "stamps run at 6.06061 Hz, nominal 6.25 Hz; the stamps were followed" in recording.quality.notes


def test_a_damaged_sector_is_dropped_and_counted(tmp_path: Path) -> None:
    blocks = sectors()
    blocks[1] = blocks[1][:40] + b"\x01\x02" + blocks[1][42:]
    recording = bare(tmp_path, *blocks)
    assert recording.channel("acc x").valid.bounds.tolist() == [[0, 25], [50, 75], [100, 150]]
    assert recording.quality.reasons()["dropped: sector with a wrong checksum, length, date or count"] == 3 * 25


def test_strange_sectors_and_a_rest_are_noted(tmp_path: Path) -> None:
    recording = bare(tmp_path, *sectors(), b"\x00" * 512, b"\xff" * 512, b"??" * 256, b"AX")
    assert recording.quality.notes == ("1 sectors hold neither header nor data", "2 bytes after the last whole sector")


def test_a_sector_of_another_rate_is_dropped_and_counted(tmp_path: Path) -> None:
    blocks = sectors()
    blocks[2] = sector(2, START_S + 8, pack(ramp(0)), 25, rate=7)
    recording = bare(tmp_path, *blocks)
    assert recording.quality.reasons()["dropped: sector of another rate or layout"] == 3 * 25


def test_a_damaged_header_costs_the_participant_only(tmp_path: Path) -> None:
    recording = bare(tmp_path, *sectors(), head=b"\x00" * 1024)
    assert (recording.participant, recording.channel("acc x").placement) == ("a", "")
    assert "the header is damaged; placement and participant are not known" in recording.quality.notes


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    blocks = bytearray(sectors()[0])
    blocks[14:18] = b"\x00" * 4
    with pytest.raises(BadRecording, match="no data sector with a right checksum and a date"):
        bare(tmp_path, bytes(blocks))


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="no data sector"):
        bare(tmp_path)
    with pytest.raises(UnknownFormat):
        bare(tmp_path, head=b"MDxx")


def by_hand(content: bytes) -> tuple[list[tuple[int, int, int]], list[float], list[float]]:
    """Samples, times of the clock and temperatures of an AX3 file, sector by sector, sample by sample."""
    samples, stamps, warmth = [], [], []
    for at in range(1024, len(content), 512):
        stamp, _, temperature = struct.unpack_from("<IHH", content, at + 14)
        fraction = struct.unpack_from("<H", content, at + 4)[0] & 0x7FFF
        day = datetime(
            2000 + (stamp >> 26), stamp >> 22 & 15, stamp >> 17 & 31, stamp >> 12 & 31, stamp >> 6 & 63, stamp & 63, 0, UTC
        )
        stamps.append(day.timestamp() + fraction / 2**15)
        warmth.append(temperature * 75 / 256 - 50)
        for k in range(struct.unpack_from("<H", content, at + 28)[0]):
            word = struct.unpack_from("<I", content, at + 30 + 4 * k)[0]
            values = [(word >> 10 * axis & 0x3FF) for axis in range(3)]
            x, y, z = ((value - 1024 if value > 511 else value) * 2 ** (word >> 30) for value in values)
            samples.append((x, y, z))
    return samples, stamps, warmth


@pytest.mark.real
def test_a_genuine_ax3_file_is_what_a_slow_loop_reads(data_folder: Path) -> None:
    path = data_folder / "raw_devices/axivity_ggirread/ax3_testfile.cwa"
    (recording,) = read(path)
    samples, stamps, warmth = by_hand(path.read_bytes())
    axes = [recording.channel(f"acc {axis}") for axis in "xyz"]
    assert np.stack([axis.samples for axis in axes], axis=1).tolist() == [list(sample) for sample in samples]
    assert recording.channel("temp").physical().tolist() == warmth
    assert axes[0].rate_hz == pytest.approx(120 * 144 / (stamps[-1] - stamps[0]), rel=2e-3)  # the points wander by a sector
    assert axes[0].start_ns / SECOND == pytest.approx(datetime(2019, 2, 26, 10, 55, 6, tzinfo=UTC).timestamp(), abs=0.02)
    assert (recording.participant, axes[0].placement) == ("26", "wrist")


@pytest.mark.real
def test_gravity_is_1_g_in_genuine_files(data_folder: Path) -> None:
    for name, floor in (("ax3", 0.95), ("ax6", 0.99)):  # the AX3 has 4 % of error of its own
        (recording,) = read(data_folder / f"raw_devices/axivity_ggirread/{name}_testfile.cwa")
        size = np.sqrt(sum(recording.channel(f"acc {axis}").physical() ** 2 for axis in "xyz"))
        assert floor < np.median(size) < 1.02
    gyro = [recording.channel(f"gyro {axis}").physical() for axis in "xyz"]
    assert max(np.abs(values).max() for values in gyro) <= 250
