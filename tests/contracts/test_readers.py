"""What every reader promises, on tiny files of every format and on every genuine file at hand."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.readers.tiny import WRITERS, Write
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import READERS, find, find_reader, read
from wearfm.readers.assembly import DERIVED, MINUTE_DATA_HZ
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.units import MODALITIES

DATA = ROOT / os.environ.get("WEARFM_DATA", "../shared/data")
GENUINE = (
    "raw_devices/edf_bdf*/*.[be]df", "raw_devices/wfdb/*.edf", "raw_devices/wfdb/*.hea", "ecg/mitdb/*.hea",
    "raw_devices/empatica_e4_*", "e4/wesad_e4/*/*_E4_Data", "e4/stress_predict/Raw_data/S*",
    "raw_devices/shimmer_devicely/*.csv", "raw_devices/faros_devicely", "raw_devices/muse_devicely/*.csv",
    "eeg/muse_biopsykit/*.csv.gz",
    "raw_devices/actigraph_gt3x/*.gt3x",
    "raw_devices/apple_health/export.xml",
    "raw_devices/actigraph_gt3x/*.gt3x", "raw_devices/axivity_ggirread/*.cwa",
    "raw_devices/actigraph_gt3x/*", "raw_devices/pyactigraphy/*.agd", "raw_devices/axivity_ggirread/*.cwa",
    "raw_devices/geneactiv_generead/*.bin", "raw_devices/matrix_parmay/*.BIN",
    "raw_devices/apple_health/export.xml", "raw_devices/actiwatch/Actiwatch.*", "raw_devices/pyactigraphy/*.AWD",
    "raw_devices/garmin_flirt", "raw_devices/withings_sleep", "raw_devices/polar_verity_biobss", "daily/fitbit_fitabase",
    "raw_devices/fit/[0-9a-z]*.fit", "raw_devices/fit/[MW]*[er].fit",
    "raw_devices/pyactigraphy/test_sample_rpx*", "raw_devices/pyactigraphy/test_sample_atr*",
    "raw_devices/shimmer_devicely/*.csv", "raw_devices/faros_devicely", "raw_devices/muse_devicely/*.csv",
    "eeg/muse_biopsykit/*.csv.gz",
)  # fmt: skip
YEAR_NS = 31_557_600 * SECOND


def genuine() -> list[Path]:
    return sorted(path for pattern in GENUINE for path in DATA.glob(pattern))


@pytest.fixture(params=WRITERS, ids=str)
def tiny(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return WRITERS[request.param][1](tmp_path)


@pytest.fixture(params=genuine(), ids=lambda path: str(path.relative_to(DATA)))
def real(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def obey(recording: Recording, *, nothing_else: bool = False) -> None:
    """Check one recording against the contract. nothing_else: the source has a derived rate only, so that it is a channel."""
    names = [channel.name for channel in recording.channels]
    assert len(set(names)) == len(names)
    assert names == [quality.name for quality in recording.quality.channels]
    assert recording.participant
    assert recording.source
    _obey_clock(recording)
    for channel, quality in zip(recording.channels, recording.quality.channels, strict=True):
        kind = MODALITIES[channel.modality]
        assert quality.length == len(channel.samples)
        assert quality.kept == channel.valid.total
        assert channel.samples.base is None or not isinstance(channel.samples.base, np.memmap)
        physical = channel.physical()[channel.mask()]
        assert np.isfinite(physical).all()
        slack = 1e-9 * max(abs(kind.low), abs(kind.high))
        assert len(physical) == 0 or (physical.min() >= kind.low - slack and physical.max() <= kind.high + slack)
        assert nothing_else or channel.modality not in DERIVED or channel.rate_hz <= MINUTE_DATA_HZ, "derived truths are events"
    assert (np.diff(recording.events.onset_ns) >= 0).all()
    assert (recording.events.duration_ns >= 0).all()


def _obey_clock(recording: Recording) -> None:
    start = recording.start_ns if recording.channels else recording.events.onset_ns.min(initial=2**60)
    if recording.clock == "relative":
        assert abs(start) < YEAR_NS or not recording.channels
    else:
        assert 10 * YEAR_NS <= start < 130 * YEAR_NS


def same(first: Recording, second: Recording) -> bool:
    """Return whether two recordings are equal to the bit, names of files aside."""
    return (
        _bits(first) == _bits(second)
        and repr(first.events.rows()) == repr(second.events.rows())
        and first.quality.channels == second.quality.channels
    )


def _bits(recording: Recording) -> list[tuple[object, ...]]:
    return [
        (
            c.name,
            c.modality,
            c.axis,
            c.rate_hz,
            c.start_ns,
            c.samples.tobytes(),
            c.samples.dtype.str,
            c.scale,
            c.offset,
            c.valid,
        )
        for c in recording.channels
    ]


def test_every_format_has_a_tiny_file() -> None:
    assert {reader for reader, _ in WRITERS.values()} == set(READERS)
    assert all(name == reader.name and reader.describes and reader.suffixes for name, reader in READERS.items())


@pytest.mark.parametrize(("reader", "write"), WRITERS.values(), ids=WRITERS)
def test_a_file_finds_its_reader(reader: str, write: Write, tmp_path: Path) -> None:
    assert find_reader(write(tmp_path)).name == reader


def test_recordings_obey_the_contract(tiny: Path) -> None:
    recordings = list(read(tiny))
    assert recordings
    for recording in recordings:
        assert recording.channels or len(recording.events)
        obey(recording)


@pytest.mark.real
def test_genuine_recordings_obey_the_contract(real: Path) -> None:
    recordings = list(read(real))
    assert recordings
    for recording in recordings:
        obey(recording)


def test_reading_again_gives_the_same_bits(tiny: Path) -> None:
    for first, second in zip(read(tiny), read(tiny), strict=True):
        assert same(first, second)


def test_recordings_and_readers_pickle(tiny: Path) -> None:
    for recording in read(tiny):
        assert same(recording, pickle.loads(pickle.dumps(recording)))
    assert pickle.loads(pickle.dumps(READERS)).keys() == READERS.keys()


def test_integers_stay_integers(tiny: Path) -> None:
    (recording,) = read(tiny)
    kinds = {channel.samples.dtype.kind for channel in recording.channels}
    assert "i" in kinds or not kinds


def test_the_name_of_a_file_does_not_matter(tiny: Path) -> None:
    other = tiny.with_name("renamed.xyz")
    (original,) = read(tiny)
    mapping = tiny.with_name(tiny.name + ".json")
    if mapping.exists():
        shutil.copy(mapping, other.with_name(other.name + ".json"))
    tiny.rename(other)
    (renamed,) = read(other)
    assert same(original, renamed)


def test_a_truncated_file_is_never_silent(tiny: Path) -> None:
    (original,) = read(tiny)
    for path, kept in _cuts(tiny):
        whole = path.read_bytes()
        path.write_bytes(whole[:kept])
        try:
            (cut,) = read(tiny)
        except (BadRecording, UnknownFormat):
            continue
        finally:
            path.write_bytes(whole)
        obey(cut)
        assert _says_so(cut, original) or _has_no_end(path)


def _cuts(tiny: Path) -> Iterator[tuple[Path, int]]:
    samples = tiny.with_suffix(".dat")
    inside = sorted(file for file in tiny.rglob("*") if file.is_file() and file.stat().st_size > 100) if tiny.is_dir() else []
    for path in inside or [samples if samples.exists() else tiny]:
        size = path.stat().st_size
        yield from ((path, size * tenth // 10) for tenth in range(10))


def _says_so(cut: Recording, original: Recording) -> bool:
    return cut.quality.notes != original.quality.notes or cut.quality.reasons() != original.quality.reasons()


def _has_no_end(path: Path) -> bool:
    """Plain text tables neither count their rows nor mark their end: what is left is a shorter table."""
    return path.suffix in (".csv", ".txt", ".tsv", ".log", ".AWD", ".arff", ".vmrk")


def test_a_generator_of_recordings_is_lazy(tmp_path: Path) -> None:
    recordings = read(tmp_path / "missing.edf")
    with pytest.raises(BadRecording, match="there is no such file; correct the path"):
        next(recordings)


def test_unknown_content_lists_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(b"ID3\x04\x00\x00\x00")
    with pytest.raises(UnknownFormat, match=r"song.mp3: a file that begins with b'ID3.*edf.*csv.*convert"):
        list(read(path))


def test_a_walk_finds_every_recording_once(tmp_path: Path) -> None:
    written = []
    for number, (_, write) in enumerate(WRITERS.values()):
        (tmp_path / str(number)).mkdir()
        written.append(write(tmp_path / str(number)))
    (tmp_path / "README.md").write_text("not a recording\n")
    assert sorted(find(tmp_path)) == sorted(written)


@pytest.mark.parametrize(("write", "member"), [(WRITERS["wfdb"][1], "7.dat"), (WRITERS["e4 folder"][1], "S02/BVP.csv")])
def test_a_member_is_read_with_its_recording(write: Write, member: str, tmp_path: Path) -> None:
    (whole,) = read(write(tmp_path))
    (from_member,) = read(tmp_path / member)
    assert same(whole, from_member)
