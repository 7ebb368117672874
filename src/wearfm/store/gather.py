"""The hot path: many windows at once, from mapped integers to physical float32.

For each sample type, the windows of one shard are one fancy index into a strided view (a copy of contiguous runs),
and scaling is one fused multiply over the whole batch. Validity is two binary searches per window; only windows that
touch a gap or an edge pay for a mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.store.catalogue import Layout
from wearfm.store.entries import DTYPES
from wearfm.store.shard import SHARDS, map_shard, view
from wearfm.store.tables import ChannelTable

_SMALL = 4  # windows of one shard below which slicing beats an index array (measured: 1.3 against 2.0 M windows/s at 256)
_MOST_MAPPED = 16_384  # shards mapped at once; Linux allows a process 65 530 mappings (vm.max_map_count)

Ints = NDArray[np.int64]


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
    """Cuts windows out of mapped shards. Holds only arrays that never change and mappings: safe to share between threads."""

    def __init__(self, folder: Path, table: ChannelTable, layout: Layout, shards: Mapping[int, tuple[str, int, str]]) -> None:
        self._files = {identity: (folder / SHARDS / name, size) for identity, (name, size, _) in shards.items()}
        self._mapped: dict[int, Any] = {}
        self._views: dict[tuple[int, str], NDArray[Any]] = {}
        self._coverage = Coverage(table.length, layout)
        self._shard = layout.shard
        self._kind = np.array([DTYPES.index(dtype) for dtype in table.dtype.tolist()], dtype=np.int64)
        size = np.array([np.dtype(dtype).itemsize for dtype in DTYPES], dtype=np.int64)[self._kind]
        self._first = layout.at // size  # number of sample 0, counting samples of its type from the start of the file
        self._length = table.length
        self._scale, self._offset = table.scale, table.offset
        self._scale32, self._offset32 = table.scale.astype(np.float32), table.offset.astype(np.float32)

    def gather(self, rows: Ints, starts: Ints, length: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return physical values (N, length), 0.0 where not valid, and the mask (N, length); rows: of the channel table."""
        valid, partial = self._coverage.mask(rows, starts, length)
        kinds = self._kind[rows]
        present = np.unique(kinds)
        if len(present) == 1:
            signal = self._gather_type(DTYPES[present[0]], rows, starts, length)
        else:
            signal = np.empty((len(rows), length), dtype=np.float32)
            for kind in present.tolist():
                chosen = np.flatnonzero(kinds == kind)
                signal[chosen] = self._gather_type(DTYPES[kind], rows[chosen], starts[chosen], length)
        if len(partial):
            signal[partial] = np.where(valid[partial], signal[partial], np.float32(0.0))
        return signal, valid

    def samples(self, row: int) -> NDArray[Any]:
        """Return all samples of a channel as they are stored, a view of the mapped file."""
        first, dtype = int(self._first[row]), DTYPES[self._kind[row]]
        return self._view(int(self._shard[row]), dtype)[first : first + int(self._length[row])]

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
        shards = self._shard[rows]
        inside = (starts >= 0) & (starts + length <= self._length[rows])
        if inside.all() and (shards == shards[0]).all():
            return self._cut(int(shards[0]), dtype, self._first[rows] + starts, length)
        raw = np.zeros((len(rows), length), dtype=dtype)
        self._copy_inside(raw, dtype, rows, starts, np.flatnonzero(inside))
        for window in np.flatnonzero(~inside).tolist():
            samples, start = self.samples(int(rows[window])), int(starts[window])
            begin, end = max(start, 0), min(start + length, len(samples))
            if begin < end:
                raw[window, begin - start : end - start] = samples[begin:end]
        return raw

    def _copy_inside(self, raw: NDArray[Any], dtype: str, rows: Ints, starts: Ints, windows: Ints) -> None:
        """Fill the rows of `raw` whose windows lie inside their channel, shard by shard."""
        windows = windows[np.argsort(self._shard[rows[windows]], kind="stable")]
        shards, places = self._shard[rows[windows]], self._first[rows[windows]] + starts[windows]
        length = raw.shape[1]
        edges = np.flatnonzero(np.diff(shards, prepend=-1, append=-1)).tolist()
        for begin, end in pairwise(edges):
            shard = int(shards[begin])
            if end - begin >= _SMALL:
                raw[windows[begin:end]] = self._cut(shard, dtype, places[begin:end], length)
                continue
            flat = self._view(shard, dtype)
            for window, place in zip(windows[begin:end].tolist(), places[begin:end].tolist(), strict=True):
                raw[window] = flat[place : place + length]

    def _cut(self, shard: int, dtype: str, places: Ints, length: int) -> NDArray[Any]:
        flat = self._view(shard, dtype)
        every = np.ndarray((len(flat) - length + 1, length), flat.dtype, flat, strides=flat.strides * 2)  # a view
        return np.asarray(every[places])  # (N, length), a copy

    def _make_room(self) -> None:
        if len(self._mapped) >= _MOST_MAPPED:
            self._mapped.clear()
            self._views.clear()

    def _view(self, shard: int, dtype: str) -> NDArray[Any]:
        found = self._views.get((shard, dtype))
        if found is None:
            mapped = self._mapped.get(shard)
            if mapped is None:
                self._make_room()
                path, size = self._files[shard]
                mapped = self._mapped[shard] = map_shard(path, size=size)
            found = self._views[shard, dtype] = view(mapped, dtype)
        return found
