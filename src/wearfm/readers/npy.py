"""NumPy arrays: `.npy` and `.npz`, with a mapping that says what they are. Pickled objects are never opened.

NumPy's own files: one array (`.npy`) or a zip of them (`.npz`), recognised by their first bytes. A file does not say what its
arrays are; a mapping beside it does, as for tables (see `csv`) and HDF5 (see `hdf5`). Without one, the error lists the arrays
with their shapes and shows a mapping that works.

```toml
participant = "user01"
rate_hz = 50

[channels."acc[:, 0]"]                          # column 0; a row is "acc[0, :]"; the array of a .npy is called "array"
modality = "acc"
axis = "x"

[events.label]                                  # runs of equal values
kind = "activity"
```

| in the file | in the recording |
|---|---|
| integers of at most 32 bits, or that fit | `int16` or `int32`, unchanged |
| other numbers | `float32`; NaN is masked and counted |
| a field of a structured array | an array of its own, `array/field` |
| an array of objects | refused: opening it would run whatever its writer wanted |

**Time.** As for tables and HDF5.

**Memory.** A `.npy` is mapped, and only what the mapping names is copied; a member of a `.npz` is unpacked as a whole.

**Broken files.** A header that promises more than the file holds is refused. Facts of the format: NumPy documentation,
`numpy.lib.format`.
"""

from __future__ import annotations

import io
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from wearfm.errors import BadRecording, WearfmError
from wearfm.readers.arrays import Index, Variable, Variables, read_arrays
from wearfm.readers.base import MOST_BYTES, Bytes, Reader, load, openable, peek
from wearfm.readers.mapping import Mapping
from wearfm.signals.recording import Recording

_ARRAY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
_NAME = 30  # offset of the member's name in the first header of a zip; its length lies at 26
_MOST_GROWTH = 1100  # deflate packs at most 1032 to 1
_ONLY = "array"  # the name of the array in a .npy
_BROKEN = (
    OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, OverflowError, SyntaxError, NotImplementedError,
    RecursionError, AttributeError, RuntimeError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read(path: Path, *, mapping: Mapping | None = None) -> Iterator[Recording]:
    """Yield the recording in arrays that have a mapping beside them; UnknownFormat shows one that would work."""
    try:
        variables = _members(path) if peek(path).startswith(_ZIP) else _array(path, load(path))
        yield from read_arrays(path, variables, source="numpy", mapping=mapping)
    except WearfmError:
        raise
    except _BROKEN as error:
        raise BadRecording(path, 0, f"damaged NumPy file: {str(error)[:200] or type(error).__name__}") from error


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001
    """Return whether this is a NumPy array, or a zip whose first member is one."""
    if head.startswith(_ZIP):
        return head[_NAME : _NAME + int.from_bytes(head[26:28], "little")].endswith(b".npy")
    return head.startswith(_ARRAY)


def _members(path: Path) -> Variables:
    found: dict[str, Variable] = {}
    with zipfile.ZipFile(openable(path)) as archive:
        for member in archive.infolist():
            if member.filename.endswith(".npy"):
                name = member.filename.removesuffix(".npy")
                found.update(_member(path, archive, member, name))
    return found


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Variables:
    """Return the array of a member; its values are unpacked when they are asked for."""
    with archive.open(member) as file:
        shape, fortran, dtype = _header(file)
        if dtype.hasobject:
            return {}
        begin = member.file_size - math.prod(shape) * dtype.itemsize
        if begin < 0 or member.file_size > min(MOST_BYTES, member.compress_size * _MOST_GROWTH + 2**16):
            raise BadRecording(path, member.header_offset, f"{member.filename} promises more than the file holds")

    @cache
    def unpacked() -> NDArray[Any]:
        with zipfile.ZipFile(openable(path)) as again:
            content = np.frombuffer(again.read(member), dtype=np.uint8)
        return _lay(content[begin:], shape, fortran, dtype)

    return _variables(name, shape, dtype, unpacked)


def _array(path: Path, data: Bytes) -> Variables:
    """Return the array of a .npy, on the bytes of the file."""
    file = io.BytesIO(bytes(data[: 2**16]))
    shape, fortran, dtype = _header(file)
    begin, size = file.tell(), math.prod(shape) * dtype.itemsize
    if dtype.hasobject:
        raise BadRecording(path, 0, "an array of objects; opening it would run code: save it as numbers")
    if begin + size > len(data):
        raise BadRecording(path, begin, f"an array of {size} bytes in a file of {len(data)}")
    return _variables(_ONLY, shape, dtype, lambda: _lay(data[begin : begin + size], shape, fortran, dtype))


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy_format.read_magic(file)
    read_header = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    shape, fortran, dtype = read_header(file)
    if min(shape, default=0) < 0:
        raise ValueError(f"a side of {min(shape)}")
    return shape, fortran, dtype


def _lay(content: Bytes, shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any]) -> NDArray[Any]:
    return content.view(dtype).reshape(shape, order="F" if fortran else "C")


def _variables(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], array: Any) -> Variables:
    if not dtype.names:
        return {name: Variable(name=name, shape=shape, dtype=dtype, cut=partial(_cut, array, ""))}
    fields = {f"{name}/{field}": field for field in dtype.names}
    return {
        label: Variable(name=label, shape=shape, dtype=dtype[field], cut=partial(_cut, array, field))
        for label, field in fields.items()
    }


def _cut(array: Any, field: str, index: Index) -> NDArray[Any]:
    values = array()
    return np.array((values[field] if field else values)[index])


READER = Reader(
    name="numpy",
    describes="NumPy arrays (.npy, .npz), with a mapping that names them",
    devices=("any Python program",),
    clock="as the mapping says: UTC with the offset that is written, local without a zone, relative without a date",
    suffixes=(".npy", ".npz"),
    recognises=recognises,
    read=read,
    explained=read,
)
