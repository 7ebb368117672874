"""The bytes of a variable of a MATLAB file, wherever they lie: plain in the file, or packed by zlib.

Packed bytes are unpacked from front to back and forgotten, so that a walk through the names of a large file needs the
memory of a block. What a variable claims to unpack to is held against what deflate can do before anything is unpacked.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from wearfm.errors import BadRecording
from wearfm.readers.base import MOST_BYTES, Bytes

MOST_GROWTH = 1100  # deflate packs at most 1032 to 1
_FED = 2**16  # packed bytes that are handed to zlib at once
_BLOCK = 2**20  # unpacked bytes that are kept
_NOTHING = np.zeros(0, dtype=np.uint8)


class Source(Protocol):
    """Bytes that are counted from 0. The errors of a damaged place name the file, and where in it the place lies."""

    def part(self, start: int, size: int) -> Bytes:
        """Return the bytes from a place, (size,). The caller has made sure that they are claimed to exist."""

    def check(self) -> None:
        """Raise BadRecording if a checksum over all bytes is wrong. Plain bytes have none."""

    def forget(self) -> None:
        """Free what is kept in memory."""

    def damaged(self, place: int, reason: str) -> BadRecording:
        """Return the error of a damaged place."""


@dataclass(frozen=True)
class Plain:
    """The bytes of a file as they lie there; nothing is copied."""

    path: Path
    data: Bytes

    def part(self, start: int, size: int) -> Bytes:
        """Return the bytes from a place, a view."""
        return self.data[start : start + size]

    def check(self) -> None:
        """Do nothing: the format has no checksum of plain bytes."""

    def forget(self) -> None:
        """Do nothing: the bytes are the file's."""

    def damaged(self, place: int, reason: str) -> BadRecording:
        """Return the error of a damaged place of the file."""
        return BadRecording(self.path, place, reason)


class Packed:
    """The bytes that a packed variable unpacks to; going back means to begin again."""

    def __init__(self, path: Path, packed: Bytes, *, origin: int) -> None:
        self._path, self._packed, self._origin = path, packed, origin
        self._size, self._is_whole = 0, False
        self.forget()

    def forget(self) -> None:
        """Free the block in memory, and stand before the first byte."""
        self._inflater = zlib.decompressobj()
        self._fed = 0
        self._begin, self._block = 0, b""

    def claim(self, size: int) -> None:
        """Raise BadRecording if the packed bytes cannot unpack to that many."""
        if size > min(MOST_BYTES, len(self._packed) * MOST_GROWTH):
            raise self.damaged(0, f"a variable of {len(self._packed)} bytes claims to unpack to {size}; none can")
        self._size = size

    def part(self, start: int, size: int) -> Bytes:
        """Return the bytes from a place."""
        if start < self._begin:
            self.forget()
        here = start - self._begin
        if here + size <= len(self._block):
            return np.frombuffer(self._block, dtype=np.uint8, count=size, offset=here) if size else _NOTHING
        part, filled = np.empty(size, dtype=np.uint8), 0
        while filled < size:
            while start + filled >= self._begin + len(self._block):
                self._go_on(start + filled)
            here = start + filled - self._begin
            piece = np.frombuffer(self._block, dtype=np.uint8)[here : here + size - filled]
            part[filled : filled + len(piece)] = piece
            filled += len(piece)
        return part

    def check(self) -> None:
        """Unpack to the end, once: the checksum must be right and nothing may follow what was claimed."""
        if self._is_whole:
            return
        self.part(self._size - 1, 1)
        if self._begin + len(self._block) > self._size or self._unpack(1):
            raise self.damaged(0, f"a variable unpacks to more than the {self._size} bytes that it claims")
        if not self._inflater.eof:
            raise self.damaged(0, "a packed variable is cut off before its checksum")
        self._is_whole = True

    def damaged(self, place: int, reason: str) -> BadRecording:
        """Return the error of a damaged place: the file's own offset is that of the packed variable."""
        return BadRecording(self._path, self._origin, f"{reason}, {place} bytes into what is unpacked" if place else reason)

    def _go_on(self, wanted: int) -> None:
        """Replace the block by the next one."""
        after = self._begin + len(self._block)
        block = self._unpack(_BLOCK)
        if not block:
            raise self.damaged(0, f"a packed variable ends after {after} bytes; byte {wanted} is wanted")
        self._begin, self._block = after, block

    def _unpack(self, most: int) -> bytes:
        """Return the next unpacked bytes, as many as asked for unless they end."""
        pieces, left = [], most
        while left and not self._inflater.eof:
            food = self._inflater.unconsumed_tail or self._next_food()
            try:
                piece = self._inflater.decompress(food, left)
            except zlib.error as error:
                raise self.damaged(0, f"a packed variable is damaged: {error}") from error
            if not food and not piece:
                break
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def _next_food(self) -> bytes:
        food = self._packed[self._fed : self._fed + _FED].tobytes()
        self._fed += len(food)
        return food
