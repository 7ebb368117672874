"""What a MATLAB file holds: arrays of numbers or text, structures, cells, and what is left unread with a reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording

Shape = tuple[int, ...]
MOST_LETTERS = 2**28  # of a text: numpy needs four bytes for each, and can count to 2**31


@dataclass(frozen=True, kw_only=True)
class Array:
    """Numbers, truth values or text, read when asked for.

    shape: MATLAB's sides; of text, without the last one, along which its letters lie. dtype: what the array's class says.
    stored: what the file holds, in which MATLAB saves room: whole doubles as integers. raw: () -> the values as stored.
    refuse: reason -> the error of values that cannot be.
    """

    shape: Shape
    dtype: np.dtype[Any]
    stored: np.dtype[Any]
    raw: Callable[[], NDArray[Any]]
    refuse: Callable[[str], BadRecording]

    def values(self) -> NDArray[Any]:
        """Return the values as their class says, a copy."""
        raw = self.raw()
        if self.dtype.kind in "bf":
            with np.errstate(over="ignore"):  # a double beyond float32, of class single: infinite
                return raw.astype(self.dtype)
        if self.dtype.kind in "iu" and not np.can_cast(raw.dtype, self.dtype):
            limits = np.iinfo(self.dtype)
            fits = (raw >= limits.min) & (raw <= limits.max)  # NaN does not
            if not fits.all() or (raw.astype(self.dtype) != raw).any():
                raise self.refuse(f"a number that is none of class {self.dtype}")
        return raw.astype(self.dtype)


@dataclass(frozen=True, kw_only=True)
class Struct:
    """Structures of equal fields, in MATLAB's order: down the columns. elements: field -> value, of each."""

    shape: Shape
    elements: tuple[dict[str, Value], ...]


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Values of any kind, in MATLAB's order: down the columns."""

    shape: Shape
    elements: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True)
class Unread:
    """What is not read: why, as the end of a sentence ("is complex"). damage: the error, if the file is to blame."""

    shape: Shape
    reason: str
    damage: BadRecording | None = None


Value = Array | Struct | Cells | Unread
Plainly = Any  # NDArray | str | dict[str, Plainly] | Unread


def plainly(value: Value) -> Plainly:
    """Return a value as numpy and Python have it.

    Numbers are arrays with MATLAB's sides; text of one row is a string, of several an array of strings; a structure is a
    dictionary; arrays of structures and cells are arrays of objects with MATLAB's sides; what is not read stays `Unread`.
    """
    if isinstance(value, Array):
        values = value.values()
        return "".join(values.flat) if values.dtype.kind == "U" and values.size <= 1 else values
    if isinstance(value, Unread):
        return value
    elements = [_element(each) for each in value.elements]
    return elements[0] if isinstance(value, Struct) and len(elements) == 1 else _laid_out(elements, value.shape)


def _element(element: dict[str, Value] | Value) -> Plainly:
    return {name: plainly(each) for name, each in element.items()} if isinstance(element, dict) else plainly(element)


def _laid_out(elements: list[Plainly], shape: Shape) -> NDArray[np.object_]:
    flat = np.empty(len(elements), dtype=object)
    for place, element in enumerate(elements):
        flat[place] = element
    return flat.reshape(shape, order="F")


def num_bytes(value: Value) -> int:
    """Return how much memory the arrays in a value need."""
    if isinstance(value, Array):
        return math.prod(value.shape) * max(value.dtype.itemsize, value.stored.itemsize)
    if isinstance(value, Unread):
        return 0
    return sum(num_bytes(inside) for element in value.elements for inside in _inside(element))


def _inside(element: dict[str, Value] | Value) -> Iterator[Value]:
    yield from element.values() if isinstance(element, dict) else (element,)


def text_rows(codes: NDArray[Any], shape: Shape, *, codec: str) -> NDArray[np.str_]:
    """Return the rows of a table of letters as strings, (sides without the last).

    codes: (N,) one for each letter, down the columns. codec: what turns their bytes into letters: "utf-16-le" or "utf-32-le".
    """
    *sides, length = shape
    width = "<u2" if codec == "utf-16-le" else "<u4"
    table = codes.reshape(shape, order="F").reshape(-1, length).astype(width)  # (..., letters) -> (rows, letters)
    rows = [row.tobytes().decode(codec, "replace") for row in table]
    return np.array(rows, dtype=f"<U{length}").reshape(sides)
