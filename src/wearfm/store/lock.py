"""One writer at a time: an advisory lock that the system drops when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from wearfm.errors import BadConfiguration
from wearfm.store.disk import failures_named


@contextlib.contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold the writer's lock of a store; BadConfiguration at once if another process or object holds it."""
    path = folder / "writer.lock"
    with failures_named(path, size=0):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _acquire(descriptor, folder)
        with failures_named(path, size=20):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace") or "unknown"
        raise BadConfiguration(f"store {folder} is written by process {holder}; one writer at a time: wait for it") from error
