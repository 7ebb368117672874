"""What a reader is, and how bytes come off the disk: bounded, gzip unpacked, every failure with path and offset."""

from __future__ import annotations

import codecs
import gzip
import importlib
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording, MissingExtra
from wearfm.signals.recording import Recording

Bytes = NDArray[np.uint8]

HEAD = 65_536  # bytes that a reader may look at to recognise its format
MOST_BYTES = 2**33  # a compressed file that unpacks to more is refused
MOST_SAMPLES = 2**27  # of a channel in one recording, 15 days at 100 Hz: a reader of long raw files goes on with another one
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One file format.

    name: key in `READERS`. describes: one sentence for people. devices: what writes such files.
    clock: which clock the file keeps and what the recording's is. suffixes: usual file names' ends, for listings only.
    explained: for formats that do not say what their columns are: (path, mapping=...) -> recordings, read as the mapping
    says instead of the one beside the file. extra: the optional dependency without which it cannot read, "" for none. The
    module's docstring is its page.
    recognises: (path, first bytes, gzip already unpacked; b"" for a folder) -> is this mine? It judges by content.
    read: path -> recordings, lazily; raises BadRecording and nothing else for a broken file.
    home: path -> the file or folder with which it is read: the header of a signal file, the folder of a member; any
    other path -> itself. Only homes are recognised, so that a walk through a tree finds every recording once.
    """

    name: str
    describes: str
    devices: tuple[str, ...]
    clock: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Path, bytes], bool]
    read: Callable[[Path], Iterator[Recording]]
    home: Callable[[Path], Path] = Path
    extra: str = ""
    explained: Callable[..., Iterator[Recording]] | None = None


def optional(module: str, *, package: str = "", extra: str = "readers") -> Any:
    """Return an optional module, imported now; MissingExtra names the pip command. package: its name in the registry."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtra(package or module.partition(".")[0], extra) from None


def peek(path: Path) -> bytes:
    """Return up to HEAD first bytes of a file, gzip unpacked; b"" for a folder."""
    if path.is_dir():
        return b""
    try:
        with path.open("rb") as file:
            raw = file.read(HEAD)
        return zlib.decompressobj(wbits=31).decompress(raw, HEAD) if raw.startswith(_GZIP) else raw
    except FileNotFoundError:
        raise BadRecording(path, 0, "there is no such file; correct the path") from None
    except (OSError, zlib.error) as error:
        raise BadRecording(path, 0, f"cannot be opened: {error}") from error


def load(path: Path) -> Bytes:
    """Return all bytes of a file, (N,) uint8, gzip unpacked. A plain file is mapped, not copied."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
        if packed:
            return np.frombuffer(unpack(path, path.read_bytes()), dtype=np.uint8)
        if path.stat().st_size == 0:
            return np.zeros(0, dtype=np.uint8)
        return np.memmap(path, dtype=np.uint8, mode="r")
    except OSError as error:
        raise BadRecording(path, 0, f"cannot be read: {error}") from error


def openable(path: Path) -> str | io.BytesIO:
    """Return what a library can open: the path itself, or the unpacked bytes of a gzipped file."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
    except OSError as error:
        raise BadRecording(path, 0, f"cannot be read: {error}") from error
    return io.BytesIO(load(path).tobytes()) if packed else str(path)


def stem(path: Path) -> str:
    """Return the file name without its ends, and without ".gz" before that: "night.csv.gz" -> "night"."""
    name = path.name.removesuffix(".gz") if path.name != ".gz" else path.name
    return Path(name).stem or "recording"


def encoding(text: bytes | Bytes) -> str:
    """Return "utf-8", or "latin-1" for text that is not UTF-8; a letter cut off at the end does not count."""
    values = np.frombuffer(text, dtype=np.uint8)
    if len(values) == 0 or values.max() < 128:
        return "utf-8"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(values.tobytes())
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def unpack(path: Path, content: bytes) -> bytes:
    """Return bytes with gzip unpacked, as they are if they are not packed."""
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            unpacked = file.read(MOST_BYTES + 1)
    except (EOFError, zlib.error, OSError) as error:
        raise BadRecording(path, len(content), f"compressed data are damaged: {error}") from error
    if len(unpacked) > MOST_BYTES:
        raise BadRecording(path, 0, f"unpacks to more than {MOST_BYTES} bytes; unpack and split it by hand")
    return unpacked
