"""MATLAB files of level 5, as MATLAB 5 to 7 write them: a header of 128 bytes, then elements, each of a kind and a size.

A variable is an element of kind "matrix", packed by zlib or not; inside are its class, its sides, its name and its values,
and inside those of structures and cells further matrices. Nothing that the file says of itself is believed before it fits
into the bytes around it: sizes, sides, counts of fields, depth. Facts of the format: MathWorks, MAT-File Format, 2017.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.base import Bytes
from wearfm.readers.matlab_bytes import Packed, Plain, Source
from wearfm.readers.matlab_sparse import Places, column_of_each, dense
from wearfm.readers.matlab_values import MOST_LETTERS, Array, Cells, Shape, Struct, Unread, Value, text_rows

HEADER = 128
ORDERS = {b"IM": "<", b"MI": ">"}  # at bytes 126 and 127
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_INT8, _UINT8, _INT32, _UINT32, _MATRIX, _PACKED, _UTF_8 = 1, 2, 5, 6, 14, 15, 16
_LETTERS = {1: "u1", 2: "u1", 4: "u2", 16: "u1", 17: "u2", 18: "u4"}  # of text; of kind 16 bytes, of the others letters
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_UNREAD = {_OBJECT: "an object", _FUNCTION: "a function", _OPAQUE: "an object"}
_COMPLEX, _LOGICAL = 0x800, 0x200
_MOST_SIDES = 32
_MOST_NAME = 1024  # bytes; MATLAB's own limit is 63
_MOST_LEVELS = 32  # structures in structures
_MOST_VALUES = 2**20  # arrays in structures and cells of a variable
_MOST_SIZE = 2**48

Wanted = Callable[[str], bool]


@dataclass(frozen=True)
class Element:
    """Where an element lies: its values from begin, the next element at after."""

    kind: int
    begin: int
    size: int
    after: int

    @property
    def end(self) -> int:
        """Where its values end; padding may follow."""
        return self.begin + self.size


@dataclass(frozen=True, kw_only=True)
class _Head:
    """What comes before the values of a matrix. after: where they begin."""

    kind: int
    flags: int
    shape: Shape
    name: str
    after: int


def level_5(path: Path, data: Bytes, *, wanted: Wanted, cells: bool) -> Iterator[tuple[str, Value]]:
    """Yield the variables of a file that are wanted; one whose values are damaged is `Unread`, with the error.

    cells: whether to look into cells. A file that is cut off is a BadRecording: what was after the cut is not known.
    """
    order, file = ORDERS[data[126:128].tobytes()], Plain(path, data)
    place = HEADER
    while place + 8 <= len(data):
        element = _element(file, order, place, len(data), what="a variable", around="the file")
        if element.kind in (_PACKED, _MATRIX):
            yield from _variable(path, data, order, element, wanted=wanted, cells=cells)
        place = element.after


def _variable(
    path: Path, data: Bytes, order: str, element: Element, *, wanted: Wanted, cells: bool
) -> Iterator[tuple[str, Value]]:
    source, matrix = _opened(path, data, order, element)
    walk = _Walk(source, order, cells=cells)
    head = walk.head(matrix)
    if not head.name or not wanted(head.name):  # a variable without a name holds what belongs to objects
        return
    try:
        value = walk.below(matrix, head, level=0)
        if isinstance(value, Struct | Cells):
            source.check()  # the walk is at its end already
    except BadRecording as error:
        value = Unread(shape=head.shape, reason=f"is damaged: {error.reason}", damage=error)
    source.forget()
    yield head.name, value


def _opened(path: Path, data: Bytes, order: str, element: Element) -> tuple[Source, Element]:
    """Return the matrix of a variable, and the bytes in which it lies."""
    if element.kind == _MATRIX:
        return Plain(path, data), element
    packed = Packed(path, data[element.begin : element.end], origin=element.begin - 8)
    matrix = _tag(packed, order, 0)
    packed.claim(matrix.end)
    if matrix.kind != _MATRIX:
        raise packed.damaged(0, f"an element of kind {matrix.kind} where a variable should be")
    return packed, matrix


def _tag(source: Source, order: str, place: int) -> Element:
    """Return the element that begins here, believed. Four bytes or fewer may lie in the tag itself."""
    kind, size = struct.unpack(order + "II", source.part(place, 8).tobytes())
    if kind >> 16:
        return Element(kind & 0xFFFF, place + 4, kind >> 16, place + 8)
    padding = 0 if kind == _PACKED else -size % 8
    return Element(kind, place + 8, size, place + 8 + size + padding)


def _element(
    source: Source, order: str, place: int, stop: int, *, what: str = "an element", around: str = "what holds it"
) -> Element:
    """Return the element that begins here and ends before stop; padding may be missing there."""
    if place + 8 > stop:
        raise source.damaged(place, f"{stop - place} bytes where {what} should begin")
    element = _tag(source, order, place)
    if element.end > min(stop, element.after):
        raise source.damaged(place, f"{what} of {element.size} bytes; {around} ends {stop - element.begin} bytes later")
    return Element(element.kind, element.begin, element.size, min(element.after, stop))


class _Walk:
    """A walk through one variable, forwards; values stay where they are until they are asked for."""

    def __init__(self, source: Source, order: str, *, cells: bool) -> None:
        self._source, self._order, self._cells = source, order, cells
        self._left = _MOST_VALUES

    def head(self, matrix: Element) -> _Head:
        """Return the class, sides and name of a matrix."""
        stop = matrix.end
        flags = self._next(matrix.begin, stop, kinds=(_UINT32,))
        word = int(self._values(flags, "u4")[0]) if flags.size >= 4 else 0
        kind, after = word & 0xFF, flags.after
        shape: Shape = (1, 1)
        if kind != _OPAQUE:
            sides = self._next(after, stop, kinds=(_INT32, _UINT32))
            shape, after = self._shape(sides), sides.after
        name = self._next(after, stop, kinds=(_INT8, _UINT8, _UTF_8))
        if name.size > _MOST_NAME:
            raise self._source.damaged(name.begin, f"a name of {name.size} bytes")
        text = self._text(name.begin, name.size)
        return _Head(kind=kind, flags=word, shape=shape, name=text, after=name.after)

    def below(self, matrix: Element, head: _Head, *, level: int) -> Value:
        """Return what a matrix holds."""
        stop = matrix.end
        if head.kind in _UNREAD:
            return Unread(shape=head.shape, reason=f"is {_UNREAD[head.kind]} of MATLAB, which only MATLAB can open")
        if head.flags & _COMPLEX:
            return Unread(shape=head.shape, reason="is complex; save its real and imaginary parts as variables of their own")
        if head.kind == _CELL and not self._cells:
            return Unread(shape=head.shape, reason="is a cell; save what is in it as variables or as fields of a structure")
        if level >= _MOST_LEVELS:
            raise self._source.damaged(matrix.begin, f"more than {_MOST_LEVELS} levels of structures")
        if head.kind == _STRUCT:
            return self._struct(head, stop, level)
        if head.kind == _CELL:
            return Cells(shape=head.shape, elements=tuple(self._inside(head.after, stop, self._count(head, 1, stop), level)))
        return self._array(head, stop)

    def _array(self, head: _Head, stop: int) -> Value:
        if head.kind == _CHAR:
            return self._letters(head, stop)
        if head.kind == _SPARSE:
            return self._sparse(head, stop)
        if head.kind not in _CLASSES:
            raise self._source.damaged(head.after, f"class {head.kind}, which MATLAB does not have")
        values = self._next(head.after, stop, kinds=tuple(_STORED))
        stored, count = np.dtype(_STORED[values.kind]), math.prod(head.shape)
        if values.size != count * stored.itemsize:
            reason = f"{values.size} bytes for {count} numbers of {stored.itemsize} bytes"
            raise self._source.damaged(values.begin, reason)

        def raw() -> NDArray[Any]:
            return self._checked(values, stored.str[1:]).reshape(head.shape, order="F")

        dtype = np.dtype(bool if head.flags & _LOGICAL else _CLASSES[head.kind])
        return Array(shape=head.shape, dtype=dtype, stored=stored, raw=raw, refuse=partial(self._source.damaged, values.begin))

    def _letters(self, head: _Head, stop: int) -> Value:
        count = math.prod(head.shape)
        letters = self._next(head.after, stop, kinds=tuple(_LETTERS)) if count else Element(_UTF_8, head.after, 0, head.after)
        least = count * (1 if letters.kind == _UTF_8 else np.dtype(_LETTERS[letters.kind]).itemsize)
        if letters.size < least or count > MOST_LETTERS:
            raise self._source.damaged(letters.begin, f"{letters.size} bytes for {count} letters, or too many to be kept")
        dtype = np.dtype(f"<U{head.shape[-1] if count else 1}")
        shape = head.shape[:-1] if count else (0,)

        def raw() -> NDArray[Any]:
            codes, codec = self._codes(letters, count)
            return text_rows(codes, head.shape, codec=codec) if count else np.zeros(0, dtype=dtype)

        return Array(shape=shape, dtype=dtype, stored=dtype, raw=raw, refuse=partial(self._source.damaged, letters.begin))

    def _codes(self, letters: Element, count: int) -> tuple[NDArray[Any], str]:
        """Return the codes of letters, (N,): units of UTF-16 as MATLAB counts them, or whole letters as others do."""
        codes, codec = self._checked(letters, _LETTERS[letters.kind]), "utf-16-le"
        if letters.kind == _UTF_8:
            text = codes.tobytes().decode("utf-8", "replace")
            codec = "utf-32-le" if len(text) == count else codec
            codes = np.frombuffer(text.encode(codec), dtype="<u4" if codec == "utf-32-le" else "<u2")
        elif codes.itemsize == 4:
            codec = "utf-32-le"
        if len(codes) != count:
            raise self._source.damaged(letters.begin, f"{len(codes)} letters where {count} should be")
        return codes, codec

    def _sparse(self, head: _Head, stop: int) -> Value:
        rows = self._next(head.after, stop, kinds=(_INT32, _UINT32))
        ends = self._next(rows.after, stop, kinds=(_INT32, _UINT32))
        values = self._next(ends.after, stop, kinds=tuple(_STORED))
        dtype = np.dtype(bool if head.flags & _LOGICAL else "f8")

        refuse = partial(self._source.damaged, rows.begin)

        def places() -> Places:
            where, found = self._checked(rows, "i4"), self._values(values, _STORED[values.kind])
            num_values = min(len(where), len(found))
            columns = column_of_each(self._values(ends, "i4"), head.shape[1], num_values=num_values, refuse=refuse)
            return Places(rows=where[: len(columns)], columns=columns, values=found[: len(columns)])

        return dense(head.shape, dtype, places, num_stored=rows.size + ends.size + values.size, refuse=refuse)

    def _struct(self, head: _Head, stop: int, level: int) -> Value:
        length = self._next(head.after, stop, kinds=(_INT32,))
        width = int(self._values(length, "i4")[0]) if length.size == 4 else 0
        names = self._next(length.after, stop, kinds=(_INT8, _UINT8, _UTF_8))
        if names.size and (not 0 < width <= _MOST_NAME or names.size % width):
            raise self._source.damaged(length.begin, f"{names.size} bytes of field names of {width} bytes each")
        num_fields = names.size // max(width, 1)
        count = self._count(head, num_fields, stop)
        fields = [self._text(names.begin + place * width, width) for place in range(num_fields)]
        values = self._inside(names.after, stop, count * num_fields, level)
        return Struct(shape=head.shape, elements=tuple({field: next(values) for field in fields} for _ in range(count)))

    def _count(self, head: _Head, num_values: int, stop: int) -> int:
        """Return how many elements an array of structures or cells has, if so many values can be there."""
        count = math.prod(head.shape)
        wanted = count * max(1, num_values)
        if wanted > self._left or count * num_values * 8 > stop - head.after:
            raise self._source.damaged(head.after, f"{wanted} values in {stop - head.after} bytes, or too many to be kept")
        self._left -= wanted
        return count

    def _inside(self, place: int, stop: int, count: int, level: int) -> Iterator[Value]:
        """Yield the values of structures or cells. One of no bytes is an empty matrix."""
        for _ in range(count):
            matrix = self._next(place, stop, kinds=(_MATRIX,))
            place = matrix.after
            yield self.below(matrix, self.head(matrix), level=level + 1) if matrix.size else self._empty(matrix)

    def _empty(self, matrix: Element) -> Array:
        none, refuse = np.zeros((0, 0)), partial(self._source.damaged, matrix.begin)
        return Array(shape=none.shape, dtype=none.dtype, stored=none.dtype, raw=none.copy, refuse=refuse)

    def _next(self, place: int, stop: int, *, kinds: tuple[int, ...]) -> Element:
        element = _element(self._source, self._order, place, stop)
        if element.kind not in kinds:
            raise self._source.damaged(
                place, f"an element of kind {element.kind}; {' or '.join(map(str, kinds))} should be here"
            )
        return element

    def _shape(self, sides: Element) -> Shape:
        shape = tuple(self._values(sides, "i4").tolist()) if sides.size <= 4 * _MOST_SIDES and sides.size % 4 == 0 else ()
        if len(shape) < 2 or min(shape) < 0 or math.prod(side or 1 for side in shape) > _MOST_SIZE:
            raise self._source.damaged(sides.begin, f"sides {shape or f'of {sides.size} bytes'}, which no array has")
        return shape

    def _text(self, place: int, size: int) -> str:
        return self._source.part(place, size).tobytes().partition(b"\0")[0].decode("latin-1")

    def _values(self, element: Element, stored: str) -> NDArray[Any]:
        dtype = np.dtype(self._order + stored)
        if element.size % dtype.itemsize:
            raise self._source.damaged(element.begin, f"{element.size} bytes of numbers of {dtype.itemsize} bytes")
        return self._source.part(element.begin, element.size).view(dtype)

    def _checked(self, element: Element, stored: str) -> NDArray[Any]:
        """Return values whose checksum is right, where there is one."""
        values = self._values(element, stored)
        self._source.check()
        return values
