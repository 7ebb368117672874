"""The continuous EEG file of Neuroscan (`.cnt`): a fixed header, 75 bytes an electrode, integer samples of all channels.

    0      "Version 3.0"         370  u16 channels        376  u16 samples per second
    886    u32 where the samples end                      894  i32 bytes of one channel in a block; 0, 1: no blocks
    900    75 bytes a channel: 0 name (10), 47 i16 baseline, 59 f32 sensitivity, 71 f32 calibration
    then   samples, little endian, channel after channel

    microvolt = (sample - baseline) * sensitivity * calibration / 204.8

The header does not say whether samples have 16 or 32 bits: in 32-bit samples of an EEG the upper half is a sign and
nothing else, which no stretch of 16-bit samples looks like. The field for the number of samples is not believed, as some
amplifiers leave it wrong; their end is. Offsets: the vendor's SETUP and ELECTLOC structures [recalled]; channels, rate and
75 bytes a channel also in the description of the EEP 2.0 format, which keeps this header.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.base import Bytes, load

_HEADER, _ELECTRODE = 900, 75
_PROBE = 65_536  # bytes that are looked at to tell 16 from 32 bits
_ALL_SIGNS = 0.99  # share of upper halves that are 0 or -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Continuous:
    """A file: names, scale and offset by channel (microvolt = scale * sample + offset), samples (T, channels)."""

    rate_hz: float
    names: tuple[str, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    samples: NDArray[np.int16] | NDArray[np.int32]


def read_continuous(path: Path) -> Continuous:
    """Return what a continuous file holds; BadRecording if it is none."""
    data = load(path)
    head = bytes(data[:_HEADER])
    if len(head) < _HEADER or not head.startswith(b"Version 3"):
        raise BadRecording(path, 0, "not a Neuroscan file: it does not begin with 'Version 3'")
    channels, rate = (struct.unpack_from("<H", head, at)[0] for at in (370, 376))
    end, block = struct.unpack_from("<I", head, 886)[0], struct.unpack_from("<i", head, 894)[0]
    start = _HEADER + _ELECTRODE * channels
    if not channels or not rate or len(data) <= start:
        raise BadRecording(path, 370, f"{channels} channels at {rate} Hz in {len(data)} bytes are no recording")
    electrodes = [bytes(data[at : at + _ELECTRODE]) for at in range(_HEADER, start, _ELECTRODE)]
    scale = tuple(_float(one, 59) * _float(one, 71) / 204.8 for one in electrodes)
    if not all(np.isfinite(scale)) or not all(scale):
        raise BadRecording(path, _HEADER, "a channel has no sensitivity or calibration; export the file again")
    stop = end if start < end <= len(data) else len(data)
    return Continuous(
        rate_hz=float(rate),
        names=tuple(one[:10].split(b"\0")[0].decode("latin-1").strip() for one in electrodes),
        scale=scale,
        offset=tuple(-struct.unpack_from("<h", one, 47)[0] * each for one, each in zip(electrodes, scale, strict=True)),
        samples=_samples(path, data[start:stop], channels, block=block),
    )


def _float(electrode: bytes, at: int) -> float:
    return float(struct.unpack_from("<f", electrode, at)[0])


def _samples(path: Path, data: Bytes, channels: int, *, block: int) -> NDArray[np.int16] | NDArray[np.int32]:
    """Return the samples, (T, channels); what is left of a last, cut frame is dropped."""
    width = 4 if _is_wide(data) else 2
    each = max(block // width, 1) if block > 1 else 1
    frames = len(data) // (width * channels * each)
    if frames == 0:
        raise BadRecording(path, _HEADER, f"less than one frame of {channels} channels; copy the file again")
    words = np.frombuffer(data[: frames * width * channels * each].tobytes(), dtype=f"<i{width}")
    laid = words.reshape(frames, channels, each).transpose(0, 2, 1)  # (frames, channels, each) -> (frames, each, channels)
    frame = laid.reshape(-1, channels)
    return frame.astype(np.int32) if width == 4 else frame.astype(np.int16)


def _is_wide(data: Bytes) -> bool:
    words = np.frombuffer(data[: min(_PROBE, len(data) // 4 * 4)].tobytes(), dtype="<i2")
    upper = words[1::2]
    return len(upper) > 0 and bool(np.mean((upper == 0) | (upper == -1)) >= _ALL_SIGNS) and bool(np.any(words[::2]))
