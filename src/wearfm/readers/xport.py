"""SAS transport files of version 5 (`.xpt`): named columns of numbers and text, a row at a time, however long the file.

    80 bytes each    library header, two real headers, member header, descriptor header, two descriptors, NAMESTR header
    140 bytes each   a variable: kind (1 number, 2 text), width, name, position in the row; filled up to 80
    80 bytes         OBS header
    then             rows of fixed width, the last one filled up to 80 with spaces

Numbers are IBM floating point of 2 to 8 bytes, big endian: a sign, an exponent of 16 with excess 64, a fraction. A number
whose first byte is ".", "_" or a letter and whose other bytes are 0 is missing (NaN). The last member of a file is the only
one: data sets of the kind that this reader is for hold one. SAS Institute, technical note TS-140.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.base import Bytes, load

_RECORD = 80
_LIBRARY = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
_MEMBER = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!"
_NAMESTR = b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!"
_OBS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"
_BLOCK = 2**22  # bytes of rows that are decoded at once
_SPACE = 0x20


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One column: where it stands in a row."""

    name: str
    is_number: bool
    width: int
    position: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Transport:
    """A file. rows: (rows, bytes), mapped and not read."""

    path: Path
    variables: dict[str, Variable]
    rows: Bytes


def open_transport(path: Path) -> Transport:
    """Return what a transport file holds, its rows not read; BadRecording if it is none."""
    data = load(path)
    if not _at(data, 0).startswith(_LIBRARY) or not _at(data, 3).startswith(_MEMBER):
        raise BadRecording(path, 0, "not a SAS transport file of version 5")
    width, count = (
        _digits(path, _at(data, record)[where], record) for record, where in ((3, slice(74, 78)), (7, slice(54, 58)))
    )
    first = 8 * _RECORD
    if not _at(data, 7).startswith(_NAMESTR) or width < 88 or len(data) < first + width * count:
        raise BadRecording(path, 7 * _RECORD, f"{count} variables of {width} bytes are not described")
    variables = [_variable(path, bytes(data[at : at + width]), at) for at in range(first, first + width * count, width)]
    head = first + -(-width * count // _RECORD) * _RECORD
    if not bytes(data[head : head + _RECORD]).startswith(_OBS):
        raise BadRecording(path, head, "no header of observations after the variables")
    return Transport(
        path=path, variables={one.name: one for one in variables}, rows=_rows(path, data, variables, start=head + _RECORD)
    )


def blocks(transport: Transport, columns: Sequence[str]) -> Iterator[dict[str, NDArray[np.float64]]]:
    """Yield the numbers of some columns, a few MB of rows at a time; NaN where a number is missing."""
    missing = [name for name in columns if name not in transport.variables or not transport.variables[name].is_number]
    if missing:
        raise BadRecording(transport.path, 8 * _RECORD, f"no column of numbers {', '.join(missing)}")
    each = max(_BLOCK // max(transport.rows.shape[1], 1), 1)
    for first in range(0, len(transport.rows), each):
        block = np.asarray(transport.rows[first : first + each])
        yield {name: _floats(_cells(block, transport.variables[name])) for name in columns}


def texts(transport: Transport, column: str) -> list[str]:
    """Return a column of text, without the spaces that fill it up."""
    variable = transport.variables.get(column)
    if variable is None or variable.is_number:
        raise BadRecording(transport.path, 8 * _RECORD, f"no column of text {column}")
    return [bytes(cell).decode("latin-1").strip() for cell in _cells(np.asarray(transport.rows), variable)]


def _at(data: Bytes, record: int) -> bytes:
    return bytes(data[record * _RECORD : (record + 1) * _RECORD])


def _digits(path: Path, text: bytes, record: int) -> int:
    if not text.isdigit():
        raise BadRecording(path, record * _RECORD, f"{text!r} is no number of bytes or variables")
    return int(text)


def _variable(path: Path, text: bytes, at: int) -> Variable:
    kind, width = struct.unpack_from(">h", text, 0)[0], struct.unpack_from(">h", text, 4)[0]
    position = struct.unpack_from(">i", text, 84)[0]
    if kind not in (1, 2) or width < 1 or position < 0 or (kind == 1 and not 2 <= width <= 8):
        raise BadRecording(path, at, f"a variable of kind {kind} and {width} bytes at {position}")
    return Variable(name=text[8:16].decode("latin-1").strip().upper(), is_number=kind == 1, width=width, position=position)


def _rows(path: Path, data: Bytes, variables: Sequence[Variable], *, start: int) -> Bytes:
    """Return the rows, (rows, bytes), without what fills the last record up."""
    length = max((one.position + one.width for one in variables), default=0)
    count = (len(data) - start) // length if length else 0
    rows = np.asarray(data[start : start + count * length]).reshape(count, length)
    while count and len(data) - start - (count - 1) * length < _RECORD + length and bool(np.all(rows[count - 1] == _SPACE)):
        count -= 1
    if count == 0:
        raise BadRecording(path, start, f"no row of {length} bytes")
    return rows[:count]


def _cells(block: Bytes, variable: Variable) -> Bytes:
    return block[:, variable.position : variable.position + variable.width]


def _floats(cells: Bytes) -> NDArray[np.float64]:
    """Return IBM floating point numbers, (N, 2 to 8 bytes), as float64."""
    padded = np.zeros((len(cells), 8), dtype=np.uint8)
    padded[:, : cells.shape[1]] = cells
    words = padded.view(">u8")[:, 0].astype(np.uint64)
    first = padded[:, 0]
    is_missing = ((first == ord(".")) | (first == ord("_")) | ((first >= ord("A")) & (first <= ord("Z")))) & (
        words << np.uint64(8) == 0
    )
    fraction = (words & np.uint64(2**56 - 1)).astype(np.float64)
    exponent = 4 * ((first & 0x7F).astype(np.int64) - 64) - 56
    values = np.ldexp(np.where(first & 0x80, -fraction, fraction), exponent)
    return np.asarray(np.where(is_missing, np.nan, values), dtype=np.float64)
