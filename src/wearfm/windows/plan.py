"""The plan of an epoch: which windows make sample k, as a pure function of (seed, epoch, k)."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Plan(Protocol):
    """Which windows to load, and which belong together.

    A sample is a group of windows: one for masked reconstruction, two for a positive pair. Sample k of epoch e is a
    pure function of the seed, e and k, so that resuming, the number of workers and of ranks never change a batch.
    """

    @property
    def group_size(self) -> int:
        """Windows per sample."""

    def __len__(self) -> int:
        """Samples per epoch."""

    def draw(self, epoch: int, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the window numbers of the samples, (N,) -> (N, group_size), as rows of the window index."""
