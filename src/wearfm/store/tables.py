"""What a store answers with: rows of recordings, columns of channels, findings of damage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import Clock, Fact


@dataclass(frozen=True, kw_only=True)
class RecordingRow:
    """A recording as the catalogue knows it; the fields mean what they mean in `Recording`."""

    id: int
    participant: str
    name: str
    source: str
    device: str
    clock: Clock
    utc_offset_s: int | None
    facts: Mapping[str, Fact]
    quality: Quality


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelTable:
    """All channels, one numpy column (N,) per property, sorted by participant, recording name and position.

    id: handle for `Store.gather` and `Store.spans`; valid in this store only. recording: id of the recording.
    length: samples. physical value = scale * sample + offset. sha256: of the sample bytes; two channels of different
    participants with equal hashes are one person under two ids.
    """

    id: NDArray[np.int64]
    recording: NDArray[np.int64]
    position: NDArray[np.int64]
    name: NDArray[np.str_]
    modality: NDArray[np.str_]
    placement: NDArray[np.str_]
    axis: NDArray[np.str_]
    unit: NDArray[np.str_]
    rate_hz: NDArray[np.float64]
    start_ns: NDArray[np.int64]
    length: NDArray[np.int64]
    dtype: NDArray[np.str_]
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    sha256: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.id)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> ChannelTable:
        """Return the chosen rows."""
        return ChannelTable(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


class RowFinder:
    """Finds the row of an id in a column of ids, vectorised."""

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._row = np.full(int(ids.max(initial=0)) + 1, -1, dtype=np.int64)
        self._row[ids] = np.arange(len(ids))

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each id, (N,); BadConfiguration if the store has no such channel."""
        row = self._row[np.clip(ids, 0, len(self._row) - 1)]
        known = (row >= 0) & (ids >= 0) & (ids < len(self._row))
        if not known.all():
            raise BadConfiguration(f"channel id {ids[~known][0]} is not in this store; take ids from its Store.channels()")
        return row


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Something on the disk that is not what was committed.

    path: the file. problem: what is wrong with it. affected: (participant, recording, channel) triples whose samples
    or description cannot be trusted; everything else is whole.
    """

    path: str
    problem: str
    affected: tuple[tuple[str, str, str], ...] = ()
