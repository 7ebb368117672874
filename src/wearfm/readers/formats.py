"""All readers, and the one that knows a given file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wearfm.errors import UnknownFormat
from wearfm.readers import edf, empatica, table, wfdb
from wearfm.readers.base import Reader, peek
from wearfm.signals.recording import Recording

# In order of how sure a reader can be: those with a signature first, the one that takes any table last.
READERS: dict[str, Reader] = {
    reader.name: reader for reader in (edf.READER, empatica.READER, wfdb.READER, table.READER)
}


def find_reader(path: str | Path) -> Reader:
    """Return the reader that recognises the content of a file or folder; UnknownFormat lists what is known."""
    path = Path(path)
    head = peek(path)
    for reader in READERS.values():
        if reader.recognises(path, head):
            return reader
    known = "; ".join(f"{reader.name} ({reader.describes})" for reader in READERS.values())
    what = "folder" if path.is_dir() else f"file that begins with {head[:16]!r}"
    raise UnknownFormat(f"{path}: a {what} is none of the known formats: {known}; convert it to one of them")


def read(path: str | Path) -> Iterator[Recording]:
    """Yield the recordings in a file or folder of any known format.

    Broken content raises BadRecording with path, byte offset and reason; content that no reader knows, UnknownFormat.
    """
    path = Path(path)
    yield from find_reader(path).read(path)
