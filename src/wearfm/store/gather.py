"""The hot path: many windows at once, from mapped integers to physical float32.

For each sample type, all windows of a batch are one copy out of mapped memory, and one multiply that scales and widens
them. Validity is two binary searches per window; only windows that touch a gap or an edge pay for a mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import DamagedStore
from wearfm.store.catalogue import Layout
from wearfm.store.entries import DTYPES
from wearfm.store.mapping import Ints, Mappings, copy_windows
from wearfm.store.shard import SHARDS
from wearfm.store.tables import ChannelTable


class Coverage:
    """Which samples are valid, for all channels at once.

    All channels are laid on one line, a sample apart, so that the spans of the whole store are one sorted list:

        channel 0: [0, length_0)   channel 1: [length_0 + 1, length_0 + 1 + length_1)   ...
    """

    def __init__(self, lengths: Ints, layout: Layout) -> None:
        self.length = lengths
        self.base = np.concatenate(([0], np.cumsum(lengths + 1)))[:-1]
        shift = np.repeat(self.base, np.diff(layout.firsts))
        self.start = layout.bounds[:, 0] + shift
        self.stop = layout.bounds[:, 1] + shift
        self.before = np.concatenate(([0], np.cumsum(self.stop - self.start)))

    def mask(self, rows: Ints, starts: Ints, length: int) -> tuple[NDArray[np.bool_], Ints]:
        """Return the (N, length) mask of valid samples, and which windows (M,) are not valid throughout."""
        base = self.base[rows]
        begin = base + np.clip(starts, 0, self.length[rows])
        end = base + np.clip(starts + length, 0, self.length[rows])
        first = np.searchsorted(self.stop, begin, side="right")  # first span that ends after the window begins
        last = np.searchsorted(self.start, end, side="left")  # first span that starts after the window ends
        whole = np.zeros(len(rows), dtype=bool)
        one = np.flatnonzero((last - first == 1) & (end - begin == length))
        whole[one] = (self.start[first[one]] <= begin[one]) & (self.stop[first[one]] >= end[one])
        partial = np.flatnonzero(~whole)
        valid = np.ones((len(rows), length), dtype=bool)
        if len(partial):
            origin = base[partial] + starts[partial]
            valid[partial] = self._pieces(first[partial], last[partial], begin[partial], end[partial], origin, length)
        return valid, partial

    def _pieces(self, first: Ints, last: Ints, begin: Ints, end: Ints, origin: Ints, length: int) -> NDArray[np.bool_]:
        """Return the masks of windows that several spans, one or none cover; origin: place of window sample 0 on the line."""
        counts = np.maximum(last - first, 0)
        window = np.repeat(np.arange(len(first)), counts)
        span = np.arange(len(window)) - np.repeat(np.cumsum(counts) - counts, counts) + first[window]
        steps = np.zeros((len(first), length + 1), dtype=np.int8)
        steps[window, np.maximum(self.start[span], begin[window]) - origin[window]] = 1
        steps[window, np.minimum(self.stop[span], end[window]) - origin[window]] = -1
        return np.asarray(np.cumsum(steps[:, :length], axis=1, dtype=np.int8), dtype=bool)


class Gatherer:
    """Cuts windows out of mapped shards. Holds arrays that never change and mappings: safe to share between threads."""

    def __init__(self, folder: Path, table: ChannelTable, layout: Layout, shards: Mapping[int, tuple[str, int, str]]) -> None:
        self._files = [(folder / SHARDS / name, size) for name, size, _ in shards.values()]
        self._mappings = Mappings(self._files)
        self._coverage = Coverage(table.length, layout)
        index = {identity: number for number, identity in enumerate(shards)}
        self._shard = np.array([index[identity] for identity in layout.shard.tolist()], dtype=np.int64)
        self._kind = np.array([DTYPES.index(dtype) for dtype in table.dtype.tolist()], dtype=np.int64)
        self._size = np.array([np.dtype(dtype).itemsize for dtype in DTYPES], dtype=np.int64)[self._kind]
        self._at = layout.at
        self._length = table.length
        self._scale, self._offset = table.scale, table.offset
        self._scale32, self._offset32 = table.scale.astype(np.float32), table.offset.astype(np.float32)
        ends = np.array([size for _, size in self._files], dtype=np.int64)[self._shard]
        self._astray = (layout.at < 0) | (layout.at + table.length * self._size > ends) | (layout.at % self._size != 0)
        self._any_astray = bool(self._astray.any())

    def gather(self, rows: Ints, starts: Ints, length: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return physical values (N, length), 0.0 where not valid, and the mask (N, length); rows: of the channel table."""
        if self._any_astray and self._astray[rows].any():
            path, size = self._files[int(self._shard[rows[self._astray[rows]][0]])]
            raise DamagedStore(f"{path}: samples are looked for outside its {size} bytes; repair the store's catalogue")
        valid, partial = self._coverage.mask(rows, starts, length)
        kinds = self._kind[rows]
        if (kinds == kinds[0]).all():
            signal = self._gather_type(DTYPES[kinds[0]], rows, starts, length)
        else:
            signal = np.empty((len(rows), length), dtype=np.float32)
            for kind in np.unique(kinds).tolist():
                chosen = np.flatnonzero(kinds == kind)
                signal[chosen] = self._gather_type(DTYPES[kind], rows[chosen], starts[chosen], length)
        if len(partial):
            signal[partial] = np.where(valid[partial], signal[partial], np.float32(0.0))
        return signal, valid

    def _gather_type(self, dtype: str, rows: Ints, starts: Ints, length: int) -> NDArray[np.float32]:
        raw = self._copy(dtype, rows, starts, length)  # (N, length)
        with np.errstate(over="ignore", invalid="ignore"):  # only samples that are not valid can do either
            return self._scaled(dtype, raw, rows)

    def _scaled(self, dtype: str, raw: NDArray[Any], rows: Ints) -> NDArray[np.float32]:
        if dtype == "int32":  # 32 bits do not fit a float32: scale in float64
            return np.asarray(raw * self._scale[rows, None] + self._offset[rows, None], dtype=np.float32)
        signal: NDArray[np.float32] = np.multiply(raw, self._scale32[rows, None], dtype=np.float32)
        offset = self._offset32[rows]
        if offset.any():
            signal += offset[:, None]
        return signal

    def _copy(self, dtype: str, rows: Ints, starts: Ints, length: int) -> NDArray[Any]:
        """Return the raw samples (N, length); what lies outside a channel is 0."""
        mappings = self._mappings = self._mappings.renewed()
        inside = (starts >= 0) & (starts + length <= self._length[rows])
        first = mappings.addresses(self._shard[rows]) + self._at[rows] + starts * self._size[rows]
        if inside.all():
            return copy_windows(dtype, first, length)
        raw = np.zeros((len(rows), length), dtype=dtype)
        if inside.any():
            raw[inside] = copy_windows(dtype, first[inside], length)
        for window in np.flatnonzero(~inside).tolist():
            row, start = int(rows[window]), int(starts[window])
            begin, end = max(start, 0), min(start + length, int(self._length[row]))
            if begin < end:
                place = int(self._at[row]) // int(self._size[row])
                samples = mappings.samples(int(self._shard[row]), dtype)
                raw[window, begin - start : end - start] = samples[place + begin : place + end]
        return raw
