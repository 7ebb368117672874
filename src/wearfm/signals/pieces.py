"""Pieces: the stretches of rows that are valid throughout, and how a signal goes on beyond their ends.

    valid   row 0   ##########      one piece of rows (0, 2), samples [0, 10)
            row 1   ####  ####      a piece [0, 4) and a piece [6, 10) of row 1
            row 2   ##########

Whatever filters or resamples works on one piece at a time, so that no sample can reach across a gap; rows without a gap are
one piece together, so that batches cost one call.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.spans import Spans

Float = TypeVar("Float", np.float32, np.float64)


class Piece(NamedTuple):
    """Samples [start, stop) of some rows, all of them valid."""

    rows: NDArray[np.int64]
    start: int
    stop: int

    def cut(self, signal: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the piece of a (N, T) signal as float64, without a copy where there is nothing to convert or choose."""
        chosen = signal if len(self.rows) == len(signal) else signal[self.rows]
        return chosen[:, self.start : self.stop].astype(np.float64, copy=False)


def pieces(valid: NDArray[np.bool_]) -> Iterator[Piece]:
    """Yield the pieces of a (N, T) mask; every valid sample lies in exactly one."""
    whole = valid.all(axis=1) & (valid.shape[1] > 0)
    if whole.any():
        yield Piece(np.flatnonzero(whole), 0, valid.shape[1])
    for row in np.flatnonzero(valid.any(axis=1) & ~whole):
        for start, stop in Spans.from_mask(valid[row]).bounds.tolist():
            yield Piece(np.array([row]), start, stop)


def check_rows(signal: NDArray[np.generic], valid: NDArray[np.bool_]) -> None:
    """Raise BadConfiguration unless both are (N, T) and the signal is float32 or float64."""
    if signal.ndim != 2 or signal.shape != valid.shape:
        raise BadConfiguration(f"signal {signal.shape} and valid {valid.shape} must both be (N, T)")
    if signal.dtype not in (np.float32, np.float64):
        raise BadConfiguration(f"a signal of {signal.dtype} is not physical; convert it to float32 or float64 in its unit")


def extend(signal: NDArray[Float], *, before: int, after: int) -> NDArray[Float]:
    """Return (N, before + T + after): rows continued by point reflection at both ends, as often as needed; T >= 1.

    x[-i] = 2 x[0] - x[i] and x[T-1+i] = 2 x[T-1] - x[T-1-i]: a straight line goes on as itself, a constant too.
    """
    length = signal.shape[1]
    if length == 1:
        return np.repeat(signal, before + 1 + after, axis=1)
    outside = np.concatenate((np.arange(-before, 0), np.arange(length, length + after)))
    turns, rest = np.divmod(outside, length - 1)
    first, last = signal[:, :1], signal[:, -1:]
    flipped = turns % 2 == 1
    mirror = signal[:, np.where(flipped, length - 1 - rest, rest)]  # (N, T) -> (N, before + after)
    edges = (np.where(flipped, first + last - mirror, mirror) + turns * (last - first)).astype(signal.dtype)
    return np.concatenate((edges[:, :before], signal, edges[:, before:]), axis=1)
