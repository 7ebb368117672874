"""A batch: windows as tensors. The only file of the data wing that knows torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Signal:
    """Windows of one modality.

    signal: (B, C, T) float32 in the modality's unit; 0 where not valid. valid: (B, C, T) bool; a channel that a
    window does not have is False throughout. rate_hz: samples per second.
    """

    signal: Tensor
    valid: Tensor
    rate_hz: float

    def select(self, rows: Tensor | slice) -> Signal:
        """Return the chosen rows."""
        return replace(self, signal=self.signal[rows], valid=self.valid[rows])

    def to(self, device: torch.device | str) -> Signal:
        """Return the windows on a device."""
        return replace(self, signal=self.signal.to(device, non_blocking=True), valid=self.valid.to(device, non_blocking=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """B windows that are computed together.

    streams: modality -> Signal. participant, recording: (B,) int64 codes of the window index. start_ns: (B,) int64.
    local_ns: (B,) int64 start on the wall clock of the wearer, `index.UNDATED` where that is not known.
    group_size: G, how many consecutive rows belong together (2 for pairs; B = samples * G). targets: name -> (B, ...)
    labels joined by time, for recipes that fine-tune.
    """

    streams: Mapping[str, Signal]
    participant: Tensor
    recording: Tensor
    start_ns: Tensor
    local_ns: Tensor
    group_size: int = 1
    targets: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.participant)

    @property
    def seconds(self) -> float:
        """Signal seconds in the batch: duration of every window, once for each channel that it has."""
        return sum(float(s.valid.any(dim=2).sum()) * s.signal.shape[2] / s.rate_hz for s in self.streams.values())

    def select(self, rows: Tensor | slice) -> Batch:
        """Return the chosen rows; groups must stay whole."""
        return replace(
            self,
            streams={name: stream.select(rows) for name, stream in self.streams.items()},
            participant=self.participant[rows],
            recording=self.recording[rows],
            start_ns=self.start_ns[rows],
            local_ns=self.local_ns[rows],
            targets={name: target[rows] for name, target in self.targets.items()},
        )

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device."""
        return replace(
            self,
            streams={name: stream.to(device) for name, stream in self.streams.items()},
            participant=self.participant.to(device),
            recording=self.recording.to(device),
            start_ns=self.start_ns.to(device),
            local_ns=self.local_ns.to(device),
            targets={name: target.to(device) for name, target in self.targets.items()},
        )
