"""Weights in HDF5, as Keras 2 writes them: one data set a tensor, named by its path."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, DamagedStore, MissingExtra

WEIGHTS = "model_weights"  # the group of a file that holds a whole model
_DEEPEST = 32  # groups within groups; Keras needs one a layer within layers
_BROKEN = (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, MemoryError, OverflowError)


def read_hdf5(path: Path, *, key: str | None = None) -> dict[str, Tensor]:
    """Return every data set below the root, or below "model_weights" where there is one: path from there -> tensor.

    key: another group to start from. MissingExtra without h5py. DamagedStore for a file that is broken, that leads out of
    itself, or whose tensors would take more bytes than it has.
    """
    try:
        h5py = import_module("h5py")
    except ImportError:
        raise MissingExtra("h5py", "readers") from None
    try:
        with h5py.File(path, "r") as file:
            return _Reader(h5py, path).tensors(file, key)
    except _BROKEN as error:
        if isinstance(error, BadConfiguration):  # also a ValueError
            raise
        raise DamagedStore(f"{path}: no readable HDF5 file ({str(error)[:200]}); fetch it again") from error


class _Reader:
    """Walks one file and trusts nothing in it. bytes_left: how many the tensors still to come may take."""

    def __init__(self, h5py: Any, path: Path) -> None:
        self.h5py, self.path = h5py, path
        self.bytes_left = path.stat().st_size
        self.visited: set[int] = set()

    def tensors(self, file: Any, key: str | None) -> dict[str, Tensor]:
        """Return what lies below the group where weights are."""
        if key is not None and key not in file:
            raise BadConfiguration(f"{self.path}: key={key!r}, but it has {', '.join(sorted(file)) or 'nothing'}; name one")
        start = WEIGHTS if key is None and WEIGHTS in file else key
        if start is not None:
            self._refuse_link(file, start)
        return dict(self._below(file if start is None else file[start], prefix=""))

    def _below(self, group: Any, *, prefix: str) -> Iterator[tuple[str, Tensor]]:
        """Yield (path, tensor) of everything below a group, each thing once."""
        for name in group:
            self._refuse_link(group, name)
            item, place = group[name], prefix + name
            address = self.h5py.h5o.get_info(item.id).addr
            if address in self.visited or place.count("/") > _DEEPEST:
                raise DamagedStore(f"{self.path}: {place!r} is there twice or too deep; ask for a file with each tensor once")
            self.visited.add(address)
            if isinstance(item, self.h5py.Group):
                yield from self._below(item, prefix=f"{place}/")
            else:
                yield place, self._tensor(item, place)

    def _refuse_link(self, group: Any, name: str) -> None:
        kind = type(group.get(name, getlink=True))
        if kind is not self.h5py.HardLink:
            raise DamagedStore(f"{self.path}: {name!r} is a {kind.__name__}; ask for a file that holds the tensors itself")

    def _tensor(self, item: Any, place: str) -> Tensor:
        if not isinstance(item, self.h5py.Dataset) or item.shape is None or item.dtype.kind not in "fiu":
            raise DamagedStore(f"{self.path}: {place!r} is no array of numbers; ask for a file with weights only")
        if item.is_virtual or item.external:
            raise DamagedStore(f"{self.path}: {place!r} lies in another file; ask for a file that holds the tensors itself")
        self.bytes_left -= item.nbytes
        if self.bytes_left < 0:
            raise DamagedStore(f"{self.path}: {place!r} takes more bytes than are there; save the weights uncompressed")
        return torch.from_numpy(np.array(item[()], dtype=item.dtype.newbyteorder("="), ndmin=item.ndim))
