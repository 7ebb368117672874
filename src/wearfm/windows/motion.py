"""Drawing windows by how much the wearer moves: most of a day is stillness, which teaches little about movement.

    motion = measure_motion(store, index, modality="acc")      # once, reads every window
    index = index.with_targets(motion=motion)                  # batches carry it as a target
    plan = MotionWeighted(index, seed=0)

Yuan et al. 2024 (npj Digital Medicine 7:91, arXiv:2206.02909) draw the windows of each subject like this.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.windows.counter import mix, permute
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load
from wearfm.windows.source import Source

MOTION = "motion"  # name of the index's target
_TOGETHER = 256  # windows read at once


def measure_motion(source: Source, index: WindowIndex, *, modality: str) -> NDArray[np.float32]:
    """Return how much each window moves, (N,): the standard deviation of the vector magnitude, in the modality's unit.

    Over the moments at which all channels are valid; 0 where there are fewer than two. Orientation does not enter.
    """
    rows = np.arange(len(index), dtype=np.int64)
    parts = [_spread(source, index, rows[first : first + _TOGETHER], modality) for first in range(0, len(rows), _TOGETHER)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def _spread(source: Source, index: WindowIndex, rows: NDArray[np.int64], modality: str) -> NDArray[np.float32]:
    """Return the standard deviation of the vector magnitude of some windows."""
    streams = load(source, index, rows).streams
    if modality not in streams:
        raise BadConfiguration(f"windows of {', '.join(streams) or 'nothing'} have no {modality}; name one that they have")
    valid = streams[modality].valid.numpy().all(axis=1)  # (B, C, T) -> (B, T)
    size = np.linalg.norm(streams[modality].signal.numpy().astype(np.float64), axis=1)
    count = np.maximum(valid.sum(axis=1), 1)
    centred = np.where(valid, size - (np.where(valid, size, 0.0).sum(axis=1) / count)[:, None], 0.0)
    return np.asarray(np.sqrt(np.square(centred).sum(axis=1) / count), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class MotionWeighted:
    """Windows drawn with a probability proportional to their motion, each participant as often as they have windows.

    index: with the target "motion", (N,), not negative. A participant who never moves is drawn from evenly. An epoch has as
    many samples as the index has windows and takes them at equal distances along the sum of the weights, from a random
    start (systematic sampling: Madow & Madow 1944): window i comes n_i times, rounded down or up, where n_i is what is
    expected of it. So restless people do not crowd out quiet ones, and a window at rest waits some epochs for its turn.
    """

    index: WindowIndex
    seed: int
    _upto: NDArray[np.float64] = field(init=False, repr=False)  # expected draws of the windows up to each, and its own

    group_size = 1

    def __post_init__(self) -> None:
        if MOTION not in self.index.targets:
            raise BadConfiguration(
                "the index does not know how much its windows move; give it index.with_targets(motion=measure_motion(...))"
            )
        motion = np.asarray(self.index.targets[MOTION], dtype=np.float64)
        bad = np.flatnonzero(~(np.isfinite(motion) & (motion >= 0)))
        if len(bad):
            raise BadConfiguration(f"motion {motion[bad[0]]:g} of window {bad[0]}; weights must be finite and not negative")
        object.__setattr__(self, "_upto", np.cumsum(_expected(motion, self.index.participant)))

    def __len__(self) -> int:
        return len(self.index)

    def draw(self, epoch: int, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the windows of the samples, (N,) -> (N, 1)."""
        start = float(mix(self.seed, epoch, 1)[0] >> np.uint64(11)) / 2**53  # uniform on [0, 1)
        place = permute(samples, len(self), self.seed, epoch) + start
        rows = np.searchsorted(self._upto, place, side="right")
        return np.minimum(rows, len(self) - 1).astype(np.int64)[:, None]


def _expected(motion: NDArray[np.float64], participant: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how often each window is expected in an epoch, (N,): the sum over a participant's windows is their number."""
    _, code, count = np.unique(participant, return_inverse=True, return_counts=True)
    total = np.bincount(code, weights=motion, minlength=len(count))
    even = np.ones_like(motion)
    return np.where(total[code] > 0, motion * count[code] / np.where(total > 0, total, 1.0)[code], even)
