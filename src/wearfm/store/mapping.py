"""Mapped shards as one memory: windows of any number of files in a single copy.

A batch of a large store takes nearly every window from another shard, and a call of numpy per shard would cost more
than the samples. All mapped shards lie in one address space, though, so that windows anywhere are rows of one strided
view of it:

    lowest window            another one               highest window
    [------]  ...  (other memory, never looked at)  ...  [------]
    row 0          row (address - lowest) / itemsize     last row

Only rows that are windows are ever read; `Gatherer` has checked that each lies inside its channel, and its channel
inside its file.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.store.shard import map_shard, view

Ints = NDArray[np.int64]

_MOST = 16_384  # shards mapped at once; Linux allows a process 65 530 mappings (vm.max_map_count)
_LARGEST_VIEW = 2**62  # bytes that numpy may count in a view


class Mappings:
    """The shards that are mapped so far. Whoever holds the object may use the addresses it gave."""

    def __init__(self, files: Sequence[tuple[Path, int]]) -> None:
        self._files = files
        self._address = np.zeros(len(files), dtype=np.int64)
        self._mapped: dict[int, Any] = {}
        self._lock = threading.Lock()

    def renewed(self) -> Mappings:
        """Return these, or new ones if too many shards are mapped; the old go when their last user has done."""
        return self if len(self._mapped) < _MOST else Mappings(self._files)

    def addresses(self, shards: Ints) -> Ints:
        """Return where each shard begins in memory, (N,); maps those that are not yet."""
        found = self._address[shards]
        if not found.all():
            for shard in np.unique(shards[found == 0]).tolist():
                self._map(shard)
            found = self._address[shards]
        return found

    def samples(self, shard: int, dtype: str) -> NDArray[Any]:
        """Return the whole file as samples of one type, without a copy."""
        self._map(shard)
        return view(self._mapped[shard], dtype)

    def _map(self, shard: int) -> None:
        with self._lock:
            if shard not in self._mapped:
                path, size = self._files[shard]
                self._mapped[shard] = map_shard(path, size=size)
                self._address[shard] = self._mapped[shard].address


@dataclass(frozen=True)
class _Memory:
    """What numpy needs to know to look at memory."""

    __array_interface__: dict[str, Any]


def copy_windows(dtype: str, addresses: Ints, length: int) -> NDArray[Any]:
    """Return a copy of the samples at each address, (N, length). The caller keeps the mappings alive."""
    kind = np.dtype(dtype).newbyteorder("<")
    lowest = int(addresses.min())
    rows = (int(addresses.max()) - lowest) // kind.itemsize + 1
    if rows * length * kind.itemsize > _LARGEST_VIEW:
        return np.concatenate([copy_windows(dtype, half, length) for half in np.array_split(addresses, 2)])
    interface = {
        "version": 3,
        "data": (lowest, True),
        "shape": (rows, length),
        "strides": (kind.itemsize, kind.itemsize),
        "typestr": kind.str,
    }
    every: NDArray[Any] = np.asarray(_Memory(interface))  # a view
    return np.asarray(every[(addresses - lowest) // kind.itemsize])  # (N, length), a copy
