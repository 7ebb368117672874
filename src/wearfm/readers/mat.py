"""MATLAB files of version 4, 5 (as MATLAB 5 to 7 write them) and 7.3, with a mapping that says what their variables are.

MATLAB's `.mat`: versions 4 and 5, in both orders of bytes, and 7.3, which is HDF5 inside. Recognised by the text and the
version at the beginning, version 4 by a first variable that fits the file; a version 4 file that belongs to a WFDB header is
left to `wfdb`. A file does not say what its variables are; a mapping beside it does, as for tables (see `csv`) and HDF5 (see
`hdf5`). Without one, the error lists the variables with their shapes and shows a mapping that works.

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
| truth values | `int16`, 0 and 1 |
| structures | their fields are variables, `structure/field` |
| arrays of structures | numbered down the columns: `structure(0)/field` and so on |
| sparse arrays | with their zeros, unless they are too large for what the file spends on them |
| cells, functions, objects, complex arrays | listed, and refused with the reason where a mapping names them |
| arrays of version 7.3 | with MATLAB's shape: rows first, as in the other versions |

**Time.** As for tables and HDF5.

**Memory.** Only what the mapping names is read. To learn the names, a packed variable is unpacked block by block, and a plain
one not touched.

**Broken files.** Sizes, sides, counts of fields and cells, and the depth of structures are held against the bytes that are
there before memory is asked for; what is packed may not unpack to more than deflate can, and its checksum must be right. A
variable whose values are damaged is refused if the mapping names it, and does not hinder the others; a file that is cut off,
or in which a variable has no readable name, is refused as a whole.

**Limits.** More than 32 levels of structures, or 2^20 values in the structures of a variable, are refused. Objects cannot be
opened without MATLAB. Facts of the format: MathWorks, MAT-File Format, 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.readers import wfdb
from wearfm.readers.arrays import Index, Variable, Variables, read_arrays
from wearfm.readers.base import Reader, load, peek
from wearfm.readers.hdf5 import is_hdf5, open_hdf5, variables_of
from wearfm.readers.mapping import Mapping
from wearfm.readers.matlab import matlab_values
from wearfm.readers.matlab_4 import is_version_4
from wearfm.readers.matlab_5 import ORDERS
from wearfm.readers.matlab_values import Array, Struct, Unread, Value
from wearfm.signals.recording import Recording

_TEXT = b"MATLAB"


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
        return head[126:128] in ORDERS
    return is_version_4(head) and not path.is_dir() and wfdb.home(path) == path


def _variables(path: Path) -> Variables:
    """Return the arrays of a file of version 4 or 5 by their path."""
    found: dict[str, Variable] = {}
    for name, value in matlab_values(path, load(path), cells=False).items():
        found.update((variable.name, variable) for variable in _below(name, value))
    return found


def _below(name: str, value: Value) -> Iterator[Variable]:
    """Yield the arrays at or below a value, and what is not read instead of one."""
    if isinstance(value, Array):
        yield Variable(name=name, shape=value.shape, dtype=value.stored, cut=_cutter(value))
    elif isinstance(value, Struct):
        for place, element in enumerate(value.elements):
            label = name if len(value.elements) == 1 else f"{name}({place})"
            for field, inside in element.items():
                yield from _below(f"{label}/{field}", inside)
    elif isinstance(value, Unread):
        yield Variable(name=name, shape=value.shape, dtype=np.dtype(object), cut=_nothing, unread=value.reason)


def _cutter(value: Array) -> Callable[[Index], NDArray[Any]]:
    """Return what cuts vectors out of an array that is unpacked once; numbers lie in memory as a column wants them."""
    raw = cache(value.raw)
    return lambda index: np.require(raw()[index], dtype=value.stored, requirements="A")


def _nothing(index: Index) -> NDArray[Any]:
    raise AssertionError(f"{index} of a variable that is not read")


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
