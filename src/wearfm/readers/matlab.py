"""MATLAB files of version 4 and level 5: their variables by name, read in bounds that the file cannot move.

`matlab_4` and `matlab_5` know the two formats, `matlab_bytes` where bytes lie, `matlab_values` what there can be in a file.
Version 7.3 is HDF5 and not read here.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from wearfm.errors import BadRecording
from wearfm.readers.base import MOST_BYTES, Bytes, load
from wearfm.readers.matlab_4 import is_version_4, version_4
from wearfm.readers.matlab_5 import HEADER, ORDERS, level_5
from wearfm.readers.matlab_values import Plainly, Unread, Value, num_bytes, plainly

_HDF5 = b"\x89HDF"
_HDF5_AT = 512  # bytes of text before it, in version 7.3


def matlab_values(path: Path, data: Bytes, *, names: Collection[str] = (), cells: bool = True) -> dict[str, Value]:
    """Return the variables of a file by name; numbers and text stay where they are until they are asked for.

    path: for errors. data: all bytes of the file. names: of the variables wanted, () for all. cells: whether to look into
    cells. A variable whose values are damaged is `Unread`, so that the others can be read.
    """

    def wanted(name: str) -> bool:
        return not names or name in names

    data = np.asarray(data)  # of a mapped file: plain arrays that know nothing of it
    if data[_HDF5_AT : _HDF5_AT + len(_HDF5)].tobytes() == _HDF5:
        raise BadRecording(path, 0, "a MATLAB file of version 7.3, which is HDF5; save it with -v7")
    if len(data) >= HEADER and data[126:128].tobytes() in ORDERS and data[:4].all():
        return dict(level_5(path, data, wanted=wanted, cells=cells))
    if is_version_4(data[:HEADER].tobytes()):
        return dict(version_4(path, data, wanted=wanted))
    raise BadRecording(path, 0, "no MATLAB file: neither the header of level 5 nor a variable of version 4; copy it again")


def load_matlab(path: Path, *, content: bytes | None = None, names: Collection[str] = ()) -> dict[str, Plainly]:
    """Return the variables of a file by name, all read; see `plainly` for what becomes of them.

    content: the bytes of the file, None to read them from path. names: of the variables wanted, () for all.
    """
    data = load(path) if content is None else np.frombuffer(content, dtype=np.uint8)
    values = matlab_values(path, data, names=names)
    for value in values.values():
        if isinstance(value, Unread) and value.damage is not None:
            raise value.damage
    total = sum(map(num_bytes, values.values()))
    if total > MOST_BYTES:
        raise BadRecording(path, 0, f"variables of {total} bytes, more than {MOST_BYTES}; save those you need alone")
    return {name: plainly(value) for name, value in values.items()}
