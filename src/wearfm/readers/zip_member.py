"""One member of a zip as bytes that are mapped, not held: a stored one where it lies, a deflated one in a temporary file.

The member's own checksum is not asked for: formats whose records carry checksums lose one record to a flipped bit, and
not the whole member. Whoever has no other check asks `is_intact`.
"""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from wearfm.errors import BadRecording
from wearfm.readers.base import MOST_BYTES, Bytes, load

_CHUNK = 2**22
_LOCAL_HEADER = b"PK\x03\x04"


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """The bytes of a member, and whether they are as long and sum up as the zip's list says."""

    data: Bytes
    info: zipfile.ZipInfo

    @property
    def is_intact(self) -> bool:
        """Whether length and checksum are those of the zip's list."""
        return len(self.data) == self.info.file_size and zlib.crc32(self.data.data) == self.info.CRC


def names(path: Path) -> list[str]:
    """Return the members of a zip, none for what is no zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []


def member(path: Path, name: str) -> Member:
    """Return a member; what follows a damaged place in a deflated one is lost."""
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(name)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, KeyError) as error:
        raise BadRecording(path, 0, f"damaged zip: {error}") from error
    whole = load(path)
    head = bytes(whole[info.header_offset : info.header_offset + 30])
    if len(head) < 30 or not head.startswith(_LOCAL_HEADER):
        raise BadRecording(path, info.header_offset, f"damaged zip: {name} does not begin where the list says")
    start = info.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    body = whole[start : start + info.compress_size]
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadRecording(path, start, f"{name} is encrypted, or packed in way {info.compress_type}; pack it again as a zip")
    return Member(data=body if info.compress_type == zipfile.ZIP_STORED else _inflate(path, body, name), info=info)


def _inflate(path: Path, body: Bytes, name: str) -> Bytes:
    stream = zlib.decompressobj(wbits=-15)
    with tempfile.TemporaryFile() as file:
        for start in range(0, len(body), _CHUNK):
            pending = bytes(body[start : start + _CHUNK])
            while pending and not stream.eof:
                try:
                    file.write(stream.decompress(pending, _CHUNK))
                except zlib.error:
                    return _mapped(file)
                pending = stream.unconsumed_tail
                if file.tell() > MOST_BYTES:
                    raise BadRecording(path, 0, f"{name} unpacks to more than {MOST_BYTES} bytes; unpack and split it by hand")
        file.write(stream.flush())
        return _mapped(file)


def _mapped(file: IO[bytes]) -> Bytes:
    file.flush()
    if file.tell() == 0:
        return np.zeros(0, dtype=np.uint8)
    return np.memmap(file, dtype=np.uint8, mode="r", shape=(file.tell(),))
