"""Whole minutes of a recording's clock, and the samples that lie in each.

    clock     12:00         12:01         12:02
    minute    |------0------|------1------|          a sample belongs to the minute in which it was taken
    samples       x x x x x x x x . . x x x          the first minute began before the channel did

Samples are laid out as (M, L), one row a minute, so that whatever is computed for one minute is computed for all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from wearfm.signals.recording import SECOND

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]
Kind = TypeVar("Kind", np.float64, np.bool_)

MINUTE_S = 60.0
MINUTE_NS = 60 * SECOND
_SLACK = 1e-6  # samples by which a stamp may miss the minute for the rounding of float64


@dataclass(frozen=True, kw_only=True)
class MinuteGrid:
    """M minutes in a row. first_ns: start of the first, a whole minute of the clock. count: M."""

    first_ns: int
    count: int

    @classmethod
    def over(cls, start_ns: int, stop_ns: int) -> Self:
        """Return the minutes that hold some of [start, stop)."""
        first = start_ns // MINUTE_NS
        return cls(first_ns=first * MINUTE_NS, count=max(0, -(-stop_ns // MINUTE_NS) - first))

    def starts_s(self, origin_ns: int) -> Array:
        """Return when each minute starts, seconds after a moment, (M,)."""
        return np.asarray((self.first_ns - origin_ns) / SECOND + MINUTE_S * np.arange(self.count), dtype=np.float64)

    def edges(self, start_ns: int, *, rate_hz: float) -> Indices:
        """Return the first sample of each minute and of the one after the last, (M + 1,), of a channel that starts then.

        Numbers below 0 or beyond the channel stand for samples that it does not have.
        """
        position = (self.first_ns - start_ns) * (rate_hz / SECOND) + MINUTE_S * rate_hz * np.arange(self.count + 1)
        return np.asarray(np.ceil(position - _SLACK), dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class ByMinute:
    """Samples by minute. values: (M, L), 0 where not valid. valid: (M, L). expected: samples that a minute should have."""

    values: Array
    valid: Mask
    expected: float

    @property
    def count(self) -> Array:
        """(M,) valid samples of each minute."""
        return np.asarray(self.valid.sum(axis=1), dtype=np.float64)

    @property
    def share(self) -> Array:
        """(M,) share of each minute that is valid, 0 to 1."""
        return np.asarray(np.clip(self.count / self.expected, 0.0, 1.0), dtype=np.float64)

    def mean(self) -> Array:
        """Return the mean of the valid samples of each minute, (M,); 0 for none."""
        return np.asarray(self.values.sum(axis=1) / np.maximum(self.count, 1.0), dtype=np.float64)


def by_minute(values: Array, valid: Mask, edges: Indices, *, rate_hz: float) -> ByMinute:
    """Return the samples (T,) laid out by minute; edges: (M + 1,) from `MinuteGrid.edges`."""
    known = np.where(valid, values, 0.0)
    lengths = np.diff(edges)
    width = int(lengths.max(initial=0))
    expected = MINUTE_S * rate_hz
    if len(lengths) and int(lengths.min()) == width:
        first, last = int(edges[0]), int(edges[-1])
        return ByMinute(
            values=_stretch(known, first, last).reshape(-1, width),  # (M * L,) -> (M, L)
            valid=_stretch(valid, first, last).reshape(-1, width),
            expected=expected,
        )
    place = edges[:-1, None] + np.arange(width)  # (M, L)
    inside = (place < edges[1:, None]) & (place >= 0) & (place < len(values))
    place = np.where(inside, place, 0)
    there = inside & valid[place] if len(values) else inside
    return ByMinute(values=np.where(there, known[place] if len(values) else 0.0, 0.0), valid=there, expected=expected)


def _stretch(samples: NDArray[Kind], first: int, last: int) -> NDArray[Kind]:
    """Return samples [first, last), with zeros for those that are not there."""
    out = np.zeros(last - first, dtype=samples.dtype)
    low, high = max(first, 0), min(last, len(samples))
    if high > low:
        out[low - first : high - first] = samples[low:high]
    return out
