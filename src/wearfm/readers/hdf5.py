"""HDF5 containers, with a mapping that says what their data sets are.

HDF5 (`.h5`, `.hdf5`), gzipped or not, recognised by its signature. A container does not say what its data sets are; a mapping
beside it does, as for tables (see `csv`). Without one, the error lists the data sets with their shapes and shows a mapping
that works.

```toml
participant = "S01"
rate_hz = 64                                    # or time = { column = "wrist/time", unit = "ms" }

[channels."wrist/bvp"]                          # a vector; sides of length 1 count for nothing
modality = "ppg"
placement = "wrist"

[channels."wrist/acc[:, 0]"]                    # a column; a row is "acc[0, :]", a field of a compound type "acc/x"
modality = "acc"
unit = "m/s2"
axis = "x"

[channels."chest/ecg"]
modality = "ecg"
rate_hz = 700                                   # of this channel alone; so can be `time`, a vector of its own
```

| in the file | in the recording |
|---|---|
| integers of at most 32 bits, or that fit | `int16` or `int32`, unchanged |
| other numbers | `float32` |
| NaN | masked and counted |
| a vector of times | a regular grid, as for tables: gaps, duplicates and disorder are counted |
| labels and numbers under `[events]` | events, one for each run of equal values |

**Time.** As for tables: Unix times are UTC, `start` may be an ISO date with or without a zone, without either the clock is
relative. Channels that do not share their rows need their own `rate_hz` or `time`; all must be on one kind of clock.

**Memory.** Only the vectors that the mapping names are read. Arrays of more than 2^27 samples come as several recordings.

**Broken files.** A data set that claims a thousand times more than is stored, that lies in another file or is put together
from other ones is refused. Links are not followed.

**Limits.** Text of variable length is not read: HDF5's own library can run without end where its heap is damaged. Write labels
as text of fixed length or as numbers. Facts of the format: The HDF Group, HDF5 File Format Specification 3.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording, WearfmError
from wearfm.readers.arrays import Index, Variable, Variables, read_arrays
from wearfm.readers.base import Reader, openable, optional
from wearfm.readers.mapping import Mapping
from wearfm.signals.recording import Recording

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MATLAB = b"MATLAB"
_PLACES = (0, 512, 1024, 2048)  # a user block may lie before the signature
_MOST_GROWTH = 1100  # deflate packs at most 1032 to 1
_SLACK = 2**20
_BROKEN = (OSError, RuntimeError, ValueError, KeyError, TypeError, MemoryError, OverflowError, NotImplementedError)


def read(path: Path, *, mapping: Mapping | None = None) -> Iterator[Recording]:
    """Yield the recording in a container that has a mapping beside it; UnknownFormat shows one that would work."""
    with open_hdf5(path) as file:
        yield from read_arrays(path, variables_of(path, file), source="hdf5", mapping=mapping)


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001
    """Return whether this is HDF5, and not a MATLAB file in HDF5's clothes."""
    return is_hdf5(head) and not head.startswith(_MATLAB)


def is_hdf5(head: bytes) -> bool:
    """Return whether a file that begins so is HDF5 of any kind."""
    return any(head[place : place + 8] == _SIGNATURE for place in _PLACES)


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Give the open file, gzip unpacked; whatever fails inside because the bytes are damaged is a BadRecording."""
    h5py = optional("h5py")
    try:
        with h5py.File(openable(path), "r") as file:
            yield file
    except WearfmError:
        raise
    except _BROKEN as error:
        raise BadRecording(path, 0, f"damaged HDF5: {str(error).partition(chr(10))[0][:200]}") from error


def variables_of(path: Path, file: Any) -> Variables:
    """Return every data set of an open file by its path; each field of a compound type is a variable of its own."""
    found: dict[str, Variable] = {}

    def note(name: str, item: Any) -> None:
        if not hasattr(item, "shape") or item.shape is None:
            return
        for field in item.dtype.names or ("",):
            label = f"{name}/{field}" if field else name
            dtype = item.dtype[field] if field else item.dtype
            found[label] = Variable(name=label, shape=item.shape, dtype=dtype, cut=partial(_cut, path, item, field))

    file.visititems(note)
    return found


def _cut(path: Path, item: Any, field: str, index: Index) -> NDArray[Any]:
    stored, claimed = item.id.get_storage_size(), item.size * item.dtype.itemsize
    if item.is_virtual or item.external:
        raise BadRecording(path, 0, f"data set {item.name!r} lies in other files; copy its values into this one")
    if claimed > stored * _MOST_GROWTH + _SLACK:
        raise BadRecording(path, 0, f"data set {item.name!r} claims {claimed} bytes, but {stored} are stored")
    return np.asarray(item.fields(field)[index] if field else item[index])


READER = Reader(
    name="hdf5",
    describes="HDF5 containers, with a mapping that names the data sets",
    devices=("any program that writes HDF5",),
    clock="as the mapping says: UTC with the offset that is written, local without a zone, relative without a date",
    suffixes=(".h5", ".hdf5"),
    recognises=recognises,
    read=read,
    explained=read,
    extra="readers",
)
