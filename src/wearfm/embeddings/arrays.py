"""Plain arrays as a source of windows, so that arrays are cut, resampled and masked exactly as a store is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.door import admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.spans import Spans
from wearfm.signals.units import modality as modality_facts
from wearfm.store import ChannelTable, RecordingRow


class ArraySource:
    """Recordings held in memory.

    array: (T,) one channel, (C, T) channels of one recording, or (N, C, T) recordings. Values in the modality's unit; NaN
    is missing. participants: (N,) ids; None makes each recording a participant of its own.
    """

    def __init__(
        self, array: NDArray[np.generic], *, rate_hz: float, modality: str, participants: NDArray[np.str_] | None = None
    ) -> None:
        values = np.asarray(array)
        if values.ndim == 0 or values.ndim > 3 or values.size == 0:
            raise BadConfiguration(f"an array of shape {values.shape} cannot be cut; give (T,), (C, T) or (N, C, T) samples")
        values = values.reshape((1,) * (3 - values.ndim) + values.shape)
        if participants is not None and len(participants) != len(values):
            raise BadConfiguration(f"{len(participants)} participants for {len(values)} recordings; give one id a recording")
        unit = modality_facts(modality).unit
        self._channels = [
            [
                admit(row, name=str(number), modality_name=modality, unit=unit, rate_hz=rate_hz, start_ns=0).channel
                for number, row in enumerate(recording)
            ]
            for recording in values
        ]
        digits = len(str(len(values) - 1))
        names = [f"{number:0{digits}d}" for number in range(len(values))]
        self._people = names if participants is None else [str(name) for name in participants]
        self._names = names
        self._order = sorted(range(len(values)), key=lambda number: (self._people[number], names[number]))
        self._flat = [channel for number in self._order for channel in self._channels[number]]

    def recordings(self) -> list[RecordingRow]:
        """Return the recordings, sorted by participant and name; their ids are the rows of the array."""
        return [
            RecordingRow(
                id=number,
                participant=self._people[number],
                name=self._names[number],
                source="array",
                device="",
                clock="relative",
                utc_offset_s=None,
                facts={},
                quality=Quality(),
            )
            for number in self._order
        ]

    def channels(self) -> ChannelTable:
        """Return the channels of all recordings."""
        width = len(self._channels[0])
        count = len(self._flat)
        return ChannelTable(
            id=np.arange(count),
            recording=np.repeat(np.array(self._order, dtype=np.int64), width),
            position=np.tile(np.arange(width), len(self._order)),
            name=np.array([c.name for c in self._flat]),
            modality=np.array([c.modality for c in self._flat]),
            placement=np.array([c.placement for c in self._flat]),
            axis=np.array([c.axis for c in self._flat]),
            unit=np.array([c.unit for c in self._flat]),
            rate_hz=np.array([c.rate_hz for c in self._flat]),
            start_ns=np.zeros(count, dtype=np.int64),
            length=np.array([len(c.samples) for c in self._flat], dtype=np.int64),
            dtype=np.array([str(c.samples.dtype) for c in self._flat]),
            scale=np.array([c.scale for c in self._flat]),
            offset=np.array([c.offset for c in self._flat]),
            sha256=np.array([hashlib.sha256(c.samples.tobytes()).hexdigest() for c in self._flat]),
        )

    def spans(self) -> Mapping[int, Spans]:
        """Return where each channel is valid."""
        return {number: channel.valid for number, channel in enumerate(self._flat)}

    def gather(
        self, channels: NDArray[np.int64], starts: NDArray[np.int64], length: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return (N, length) cuts and their validity."""
        signal = np.zeros((len(channels), length), dtype=np.float32)
        valid = np.zeros((len(channels), length), dtype=bool)
        for row, (number, start) in enumerate(zip(channels.tolist(), starts.tolist(), strict=True)):
            channel = self._flat[number]
            first, stop = max(start, 0), min(start + length, len(channel.samples))
            if stop > first:
                inside = slice(first - start, stop - start)
                valid[row, inside] = channel.valid.clip(first, stop).shift(-first).mask(stop - first)
                cut = channel.samples[first:stop].astype(np.float32) * np.float32(channel.scale) + np.float32(channel.offset)
                signal[row, inside] = np.where(valid[row, inside], cut, 0)
        return signal, valid

    def fingerprint(self) -> str:
        """Return the sha256 of the samples and their validity."""
        digest = hashlib.sha256()
        for channel in self._flat:
            digest.update(channel.samples.tobytes())
            digest.update(channel.valid.bounds.tobytes())
        return digest.hexdigest()
