"""What windows can be cut from: a store on disk, or anything that answers the same questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wearfm.signals.spans import Spans
from wearfm.store import ChannelTable, RecordingRow


class Source(Protocol):
    """A reading store: recordings, their channels, where those are valid, and their samples."""

    def recordings(self) -> Sequence[RecordingRow]:
        """Return the recordings, sorted by participant and name."""

    def channels(self) -> ChannelTable:
        """Return the channels, sorted by participant, recording name and position."""

    def spans(self) -> Mapping[int, Spans]:
        """Return the valid spans of every channel id."""

    def gather(
        self, channels: NDArray[np.int64], starts: NDArray[np.int64], length: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return (N, length) physical samples and validity of N cuts; what is not there is 0 and not valid."""

    def fingerprint(self) -> str:
        """Return the sha256 of the content."""
