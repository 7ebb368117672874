"""MATLAB files of version 4: variables one after another, each a header of 20 bytes, a name and a table of numbers.

Facts of the format: MathWorks, MAT-File Format, 2017, "Version 4".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.readers.base import Bytes
from wearfm.readers.matlab_bytes import Plain
from wearfm.readers.matlab_sparse import Places, dense
from wearfm.readers.matlab_values import MOST_LETTERS, Array, Shape, Unread, Value, text_rows

_HEAD = 20
_ORDERS = {0: "<", 1: ">"}  # of IEEE numbers; the others are VAX and Cray
_STORED = {0: "f8", 1: "f4", 2: "i4", 3: "i2", 4: "u2", 5: "u1"}
_NUMBERS, _LETTERS, _SPARSE = 0, 1, 2
_MOST_NAME = 64  # bytes, with the zero that ends it


@dataclass(frozen=True, kw_only=True)
class _Variable:
    """The header of a variable. begin, end: where its real numbers lie; after: where the next variable begins."""

    name: str
    what: int
    dtype: np.dtype[Any]
    shape: Shape
    is_complex: bool
    begin: int
    end: int
    after: int


def is_version_4(head: bytes) -> bool:
    """Return whether a file begins with a variable of version 4: type, rows, columns, a name that is a word."""
    first = _head(head, 0)
    return first is not None and min(first.shape) > 0 and first.name.isidentifier()


def version_4(path: Path, data: Bytes, *, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Value]]:
    """Yield the variables of a file that are wanted. A file that is cut off is a BadRecording."""
    file, place = Plain(path, data), 0
    while place < len(data):
        found = _head(data[place : place + _HEAD + _MOST_NAME].tobytes(), place)
        if found is None:
            raise file.damaged(place, "no variable of version 4 begins here")
        if found.after > len(data):
            size, left = found.after - found.begin, len(data) - found.begin
            raise file.damaged(place, f"a variable of {size} bytes; the file ends {left} bytes later")
        if wanted(found.name):
            yield found.name, _value(file, found)
        place = found.after


def _head(head: bytes, place: int) -> _Variable | None:
    """Return what the bytes of a header say, in the order of bytes that fits; None if they are none."""
    for code, order in _ORDERS.items():
        if len(head) <= _HEAD:
            return None
        kind, rows, columns, imaginary, name_bytes = struct.unpack(order + "5i", head[:_HEAD])
        machine, stored, what = kind // 1000, kind // 10 % 10, kind % 10
        name = head[_HEAD : _HEAD + name_bytes] if 1 < name_bytes <= _MOST_NAME else b""
        known = machine == code and kind // 100 % 10 == 0 and stored in _STORED and what <= _SPARSE
        if known and imaginary in (0, 1) and min(rows, columns) >= 0 and name[-1:] == b"\0":
            dtype = np.dtype(order + _STORED[stored])
            begin = place + _HEAD + name_bytes
            size = rows * columns * dtype.itemsize
            return _Variable(
                name=name.partition(b"\0")[0].decode("latin-1"),
                what=what,
                dtype=dtype,
                shape=(rows, columns),
                is_complex=imaginary == 1 or (what == _SPARSE and columns == 4),
                begin=begin,
                end=begin + size,
                after=begin + size * (1 + imaginary),
            )
    return None


def _value(file: Plain, found: _Variable) -> Value:
    if found.is_complex:
        return Unread(shape=found.shape, reason="is complex; save its real and imaginary parts as variables of their own")
    if found.what == _LETTERS:
        return _letters(file, found)
    if found.what == _SPARSE:
        return _sparse(file, found)
    native = found.dtype.newbyteorder("=")
    refuse = partial(file.damaged, found.begin)
    return Array(shape=found.shape, dtype=native, stored=native, raw=partial(_numbers, file, found), refuse=refuse)


def _numbers(file: Plain, found: _Variable) -> NDArray[Any]:
    return file.part(found.begin, found.end - found.begin).view(found.dtype).reshape(found.shape, order="F")


def _letters(file: Plain, found: _Variable) -> Value:
    """Return text, whose letters are numbers; one that is no letter of Latin-1 is a question mark."""
    count = found.shape[0] * found.shape[1]
    if count > MOST_LETTERS:
        return Unread(shape=found.shape, reason=f"is text of {count} letters; save it in parts")
    dtype = np.dtype(f"<U{found.shape[1] if count else 1}")

    def raw() -> NDArray[Any]:
        if not count:
            return np.zeros(0, dtype=dtype)
        numbers = _numbers(file, found)
        codes = np.where((numbers >= 0) & (numbers < 256), numbers, ord("?")).ravel(order="F")
        return text_rows(codes, found.shape, codec="utf-16-le")

    shape = found.shape[:-1] if count else (0,)
    return Array(shape=shape, dtype=dtype, stored=dtype, raw=raw, refuse=partial(file.damaged, found.begin))


def _sparse(file: Plain, found: _Variable) -> Value:
    """Return a sparse array: a row, a column and a value in each row of a table, and the sides in the last one."""
    refuse = partial(file.damaged, found.begin)
    if found.shape[0] < 1 or found.shape[1] != 3:
        return Unread(shape=found.shape, reason="is sparse and damaged: no table of rows, columns and values")
    sides = _numbers(file, found)[-1, :2].astype(np.float64).tolist()
    if not all(0 <= side < 2**31 and side == int(side) for side in sides):
        return Unread(shape=found.shape, reason=f"is sparse and damaged: it has {sides[0]:g} rows and {sides[1]:g} columns")

    def places() -> Places:
        rows, columns, values = _numbers(file, found)[:-1].astype(np.float64).T
        return Places(rows=rows - 1, columns=columns - 1, values=values)

    shape = (int(sides[0]), int(sides[1]))
    return dense(shape, np.dtype(np.float64), places, num_stored=found.end - found.begin, refuse=refuse)
