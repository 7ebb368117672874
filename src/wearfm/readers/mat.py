"""MATLAB files of version 4, 5 (as MATLAB 5 to 7 write them) and 7.3, with a mapping that says what their variables are.

MATLAB's `.mat`: versions 4 and 5 are read with SciPy, 7.3 is HDF5 inside. Recognised by the text and the version at the
beginning, version 4 by a first variable that fits the file; a version 4 file that belongs to a WFDB header is left to `wfdb`.
A file does not say what its variables are; a mapping beside it does, as for tables (see `csv`) and HDF5 (see `hdf5`). Without
one, the error lists the variables with their shapes and shows a mapping that works.

```toml
participant = "S01"
rate_hz = 125

[channels."sig[1, :]"]                          # the second row: places count from 0
modality = "ppg"
placement = "wrist"

[channels."data/Trial1/SU/LowerBack/Acc[:, 0]"] # fields of structures; "." does as well as "/"
modality = "acc"
axis = "x"
```

| in the file | in the recording |
|---|---|
| integers, and doubles that MATLAB stores as integers | `int16` or `int32`, unchanged |
| other numbers | `float32`; NaN is masked and counted |
| structures | their fields are variables, `structure/field`; of an array of structures `structure(0)/field` and so on |
| cells, function handles, objects, sparse and complex arrays | no variables |
| arrays of version 7.3 | with MATLAB's shape: rows first, as in the other versions |

**Time.** As for tables and HDF5.

**Memory.** A file of version 4 or 5 is read as a whole, one of version 7.3 only where the mapping points.

**Broken files.** A variable that reaches beyond the end of the file, or claims to unpack to more than deflate can, is refused.
Facts of the format: MathWorks, MAT-File Format, 2023.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray

from wearfm.errors import BadRecording, WearfmError
from wearfm.readers import wfdb
from wearfm.readers.arrays import Index, Variable, Variables, read_arrays
from wearfm.readers.base import MOST_BYTES, Bytes, Reader, load, openable, peek
from wearfm.readers.hdf5 import is_hdf5, open_hdf5, variables_of
from wearfm.readers.mapping import Mapping
from wearfm.signals.recording import Recording

_TEXT = b"MATLAB"
_ORDERS = {b"IM": "<", b"MI": ">"}
_HEADER = 128
_COMPRESSED = 15
_MOST_GROWTH = 1100  # deflate packs at most 1032 to 1
_V4_BYTES = {0: 8, 1: 4, 2: 4, 3: 2, 4: 2, 5: 1}  # precision -> bytes of a number
_V4_NAME = 64
_MOST_LEVELS = 12
_BROKEN = (
    OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, EOFError, MemoryError, OverflowError,
    NotImplementedError, RuntimeError, ZeroDivisionError, struct.error, zlib.error,
)  # fmt: skip


def read(path: Path, *, mapping: Mapping | None = None) -> Iterator[Recording]:
    """Yield the recording in a file that has a mapping beside it; UnknownFormat shows one that would work."""
    if is_hdf5(peek(path)):
        with open_hdf5(path) as file:
            yield from read_arrays(path, _turned(variables_of(path, file)), source="mat", mapping=mapping)
        return
    yield from read_arrays(path, _variables(path), source="mat", mapping=mapping)


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a MATLAB file; one of version 4 that is the signal of a WFDB record is not."""
    if head.startswith(_TEXT):
        return head[126:128] in _ORDERS
    return _is_version_4(head) and not path.is_dir() and wfdb.home(path) == path


def _is_version_4(head: bytes) -> bool:
    """Return whether a file begins with a variable of version 4: type, rows, columns, a name that is a word."""
    if len(head) < 20 + 2:
        return False
    kind, rows, columns, imaginary, name_bytes = struct.unpack("<5i", head[:20])
    name = head[20 : 20 + name_bytes] if 1 < name_bytes <= _V4_NAME else b""
    fits = 0 <= kind <= 52 and kind % 10 == 0 and kind // 10 in _V4_BYTES and imaginary in (0, 1)
    return fits and rows > 0 and columns > 0 and name[-1:] == b"\0" and name[:-1].decode("latin-1").isidentifier()


def _variables(path: Path) -> Variables:
    """Return the numeric arrays of a file of version 4 or 5 by their path."""
    try:
        _check(path, load(path))
        content = scipy.io.loadmat(openable(path), struct_as_record=False)
    except WearfmError:
        raise
    except _BROKEN as error:
        raise BadRecording(path, 0, f"damaged MATLAB file: {str(error)[:200] or type(error).__name__}") from error
    found: dict[str, Variable] = {}
    for name, value in content.items():
        if not name.startswith("__"):
            found.update(_below(name, value, level=0))
    return found


def _check(path: Path, data: Bytes) -> None:
    """Refuse a file of version 5 whose elements reach beyond its end or unpack to more than they can."""
    order = _ORDERS.get(bytes(data[126:128])) if bytes(data[:6]) == _TEXT else None
    place, total = _HEADER, 0
    while order and place + 8 <= len(data):
        kind, size = struct.unpack(order + "II", data[place : place + 8].tobytes())
        if place + 8 + size > len(data):
            raise BadRecording(path, place, f"a variable of {size} bytes; the file ends {len(data) - place - 8} bytes later")
        inside = _unpacked_size(data[place + 8 : place + 8 + size].tobytes(), order) if kind == _COMPRESSED else size
        total += inside
        if inside > size * _MOST_GROWTH or total > MOST_BYTES:
            raise BadRecording(path, place, f"a variable of {size} bytes claims to unpack to {inside}; none can")
        place += 8 + size


def _unpacked_size(packed: bytes, order: str) -> int:
    head = zlib.decompressobj().decompress(packed, 8)
    return 8 + int(struct.unpack(order + "II", head)[1]) if len(head) == 8 else 0


def _below(name: str, value: Any, *, level: int) -> Iterator[tuple[str, Variable]]:
    """Yield the arrays of numbers and of text at or below a value."""
    if level > _MOST_LEVELS or not isinstance(value, np.ndarray):
        return
    if value.dtype.kind in "biufU":
        yield name, Variable(name=name, shape=value.shape, dtype=value.dtype, cut=partial(_cut, value))
    structures = [each for each in value.flat if isinstance(each, scipy.io.matlab.mat_struct)] if value.dtype == object else []
    for place, structure in enumerate(structures):
        label = name if len(structures) == 1 else f"{name}({place})"
        for field in structure._fieldnames:
            yield from _below(f"{label}/{field}", getattr(structure, field), level=level + 1)


def _cut(value: NDArray[Any], index: Index) -> NDArray[Any]:
    return value[index]


def _turned(variables: Variables) -> Variables:
    """Return variables of version 7.3 with MATLAB's order of sides."""

    def turn(each: Variable) -> Variable:
        return Variable(name=each.name, shape=each.shape[::-1], dtype=each.dtype, cut=lambda index: each.cut(index[::-1]))

    return {name: turn(each) for name, each in variables.items() if not name.startswith("#")}


READER = Reader(
    name="mat",
    describes="MATLAB files of version 4, 5 and 7.3, with a mapping that names the variables",
    devices=("MATLAB and any program that writes its files",),
    clock="as the mapping says: UTC with the offset that is written, local without a zone, relative without a date",
    suffixes=(".mat",),
    recognises=recognises,
    read=read,
    explained=read,
    extra="readers",
)
