from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_waves import cnt
from wearfm.errors import BadRecording
from wearfm.readers.neuroscan import read_continuous

FRAMES = np.arange(24, dtype=np.int16).reshape(12, 2) * 1000  # an upper half of a 32-bit sample would not look so


def _write(folder: Path, content: bytes) -> Path:
    path = folder / "a.cnt"
    path.write_bytes(content)
    return path


def test_samples_of_16_bits_with_a_baseline(tmp_path: Path) -> None:
    read = read_continuous(_write(tmp_path, cnt(["CZ", "PZ"], FRAMES, rate=250, baseline=4)))
    assert (read.names, read.rate_hz) == (("CZ", "PZ"), 250.0)
    assert np.array_equal(read.samples, FRAMES)
    assert read.samples.dtype == np.int16
    assert (read.scale[0], read.offset[0]) == pytest.approx((0.5, -2.0))  # (1000 - 4) * 102.4 / 204.8


def test_samples_of_32_bits_are_told_by_their_upper_halves(tmp_path: Path) -> None:
    wide = np.array([[70, -70], [1, -32000]] * 50, dtype=np.int32)
    read = read_continuous(_write(tmp_path, cnt(["CZ", "PZ"], wide, rate=1000)))
    assert read.samples.dtype == np.int32
    assert np.array_equal(read.samples, wide)


def test_blocks_of_one_channel_after_the_other_are_laid_side_by_side(tmp_path: Path) -> None:
    read = read_continuous(_write(tmp_path, cnt(["CZ", "PZ"], FRAMES, rate=250, block=4)))
    assert np.array_equal(read.samples, FRAMES)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"EEP V2.0" + bytes(2000), "does not begin with 'Version 3'"),
        (b"Version 3.0" + bytes(200), "does not begin with 'Version 3'"),
        (b"Version 3.0" + bytes(2000), "0 channels at 0 Hz"),
        (cnt(["CZ"], FRAMES[:, :1], rate=250)[:975] + b"\1", "less than one frame"),
        (cnt(["CZ"], FRAMES[:, :1], rate=250).replace(np.float32(102.4).tobytes(), bytes(4)), "no sensitivity"),
    ],
)
def test_what_is_no_recording_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match=says):
        read_continuous(_write(tmp_path, content))
