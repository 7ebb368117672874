"""Half-open spans of samples, [start, stop): where a channel is valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Spans:
    """Sorted, disjoint, non-touching, non-empty half-open intervals of sample numbers.

    bounds: (N, 2) int64, rows [start, stop). Build with `Spans.of`, `Spans.all` or `Spans.from_mask`, which sort and merge.
    """

    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, pairs: object) -> Self:
        """Return the union of any [start, stop) pairs, in any order, overlapping or not."""
        raw = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
        raw = raw[raw[:, 1] > raw[:, 0]]
        if len(raw) == 0:
            return cls(raw)
        raw = raw[np.argsort(raw[:, 0], kind="stable")]
        reach = np.maximum.accumulate(raw[:, 1])
        first = np.concatenate(([True], raw[1:, 0] > reach[:-1]))
        last = np.concatenate((first[1:], [True]))
        return cls(np.stack((raw[first, 0], reach[last]), axis=1))

    @classmethod
    def all(cls, length: int) -> Self:
        """Return one span over the whole length."""
        return cls.of([(0, length)])

    @classmethod
    def from_mask(cls, mask: NDArray[np.bool_]) -> Self:
        """Return the runs of True in a (T,) mask."""
        edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
        return cls(edges.reshape(-1, 2).astype(np.int64))

    def mask(self, length: int) -> NDArray[np.bool_]:
        """Return the (length,) mask that is True inside the spans."""
        steps = np.zeros(length + 1, dtype=np.int8)
        inside = self.clip(0, length).bounds
        steps[inside[:, 0]] += 1
        steps[inside[:, 1]] -= 1
        return np.cumsum(steps[:length], dtype=np.int8).astype(bool)

    def clip(self, start: int, stop: int) -> Spans:
        """Return the part of the spans inside [start, stop), in the same sample numbers."""
        bounds = np.clip(self.bounds, start, stop)
        return Spans(bounds[bounds[:, 1] > bounds[:, 0]])

    def shift(self, by: int) -> Spans:
        """Return the spans moved by a number of samples."""
        return Spans(self.bounds + by)

    def complement(self, length: int) -> Spans:
        """Return what lies between the spans inside [0, length): the gaps."""
        inside = self.clip(0, length).bounds
        edges = np.concatenate(([0], inside.ravel(), [length])).reshape(-1, 2)
        return Spans(edges[edges[:, 1] > edges[:, 0]].astype(np.int64))

    def intersect(self, other: Spans) -> Spans:
        """Return what lies in both."""
        length = int(max(self.stop, other.stop))
        return (self.complement(length) | other.complement(length)).complement(length)

    def __or__(self, other: Spans) -> Spans:
        return Spans.of(np.concatenate((self.bounds, other.bounds)))

    def __and__(self, other: Spans) -> Spans:
        return self.intersect(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spans) and np.array_equal(self.bounds, other.bounds)

    def __hash__(self) -> int:
        return hash(self.bounds.tobytes())

    def __len__(self) -> int:
        return len(self.bounds)

    @property
    def stop(self) -> int:
        """The end of the last span; 0 if there is none."""
        return int(self.bounds[-1, 1]) if len(self.bounds) else 0

    @property
    def total(self) -> int:
        """The number of samples inside."""
        return int((self.bounds[:, 1] - self.bounds[:, 0]).sum())

    def covered(self, starts: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Return for each window [start, start + length) how many of its samples lie inside; starts: (N,)."""
        edges = np.concatenate(([0], (self.bounds[:, 1] - self.bounds[:, 0]).cumsum()))

        def before(position: NDArray[np.int64]) -> NDArray[np.int64]:
            index = np.searchsorted(self.bounds[:, 0], position, side="right")
            previous = np.maximum(index - 1, 0)
            inside = np.where(index > 0, np.minimum(position, self.bounds[previous, 1]) - self.bounds[previous, 0], 0)
            return np.asarray(np.where(index > 0, edges[previous] + inside, 0), dtype=np.int64)

        if len(self.bounds) == 0:
            return np.zeros(len(starts), dtype=np.int64)
        return before(starts + length) - before(starts)
