"""Durable writing: what is written here has reached the disk before its name can be seen, or leaves no trace.

Every byte of every shard goes through `write`; the tests replace that one function to play a full or failing disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from wearfm.errors import CannotWrite


def write(descriptor: int, data: memoryview) -> int:
    """Write a part of the data and return its number of bytes, as `os.write` does."""
    return os.write(descriptor, data)


@contextlib.contextmanager
def failures_named(path: Path, *, size: int) -> Iterator[None]:
    """Turn the system's refusal into a CannotWrite that names the file, the bytes and the system's words."""
    try:
        yield
    except OSError as error:
        words = error.strerror or str(error)
        raise CannotWrite(f"{path}: {size} bytes not written: {words}; make room or correct its rights, then rerun") from error


class DurableFile:
    """A new file, written front to back; hashed and counted on the way. Removed unless `finish` is reached."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.closed = False
        self._hash = hashlib.sha256()
        with failures_named(path, size=0):
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)

    def write(self, data: bytes) -> int:
        """Append any bytes-like object; return how many bytes it has."""
        rest = memoryview(data).cast("B")
        total = len(rest)
        self._hash.update(rest)
        while len(rest):
            with failures_named(self.path, size=self.size + len(rest)):
                done = write(self._descriptor, rest)
            rest = rest[done:]
            self.size += done
        return total

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Do nothing: there is no buffer of ours."""

    def close(self) -> None:
        """Do nothing: whoever was lent the file as a stream does not end it; `finish` and `__exit__` do."""

    def finish(self) -> str:
        """Bring all bytes to the disk and return their SHA-256."""
        with failures_named(self.path, size=self.size):
            os.fsync(self._descriptor)
        self._release()
        return self._hash.hexdigest()

    def _release(self) -> None:
        if not self.closed:
            self.closed = True
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.closed:
            self._release()
            with contextlib.suppress(OSError):
                self.path.unlink()


def publish(written: Path, name: Path) -> None:
    """Give a finished file its name, durably: rename, then fsync of the folder."""
    size = written.stat().st_size
    with failures_named(name, size=size):
        os.replace(written, name)
        sync_folder(name.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names inside a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, durably."""
    with failures_named(folder, size=0):
        for path in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
            path.mkdir(exist_ok=True)
            sync_folder(path.parent)
