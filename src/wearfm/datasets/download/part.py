"""A file on its way: `<name>.part`, and beside it `<name>.part.json`, which says whose bytes they are."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wearfm.datasets.download.listing import PART, Member
from wearfm.errors import BadConfiguration, CannotWrite

SPARE_BYTES = 2**26  # left free on the disk, for whoever else writes
_CHUNK = 2**20


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What lies on the disk: its number of bytes and hashes, in hexadecimal."""

    size: int
    sha256: str
    md5: str

    def fault(self, member: Member) -> str:
        """Return in words how this is not what is expected of a file; "" if it is."""
        if member.size is not None and member.size != self.size:
            return f"it has {self.size} bytes, {member.size} are listed"
        kind, _, expected = member.hash.partition(":")
        mine = self.md5 if kind == "md5" else self.sha256
        return f"its {kind.upper()} is {mine}, {expected} {member.hash_from}" if expected and mine != expected else ""


class Digest:
    """The hashes that publishers give, of bytes front to back."""

    def __init__(self) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        self._sha256.update(chunk)
        self._md5.update(chunk)

    def receipt(self) -> Receipt:
        """Return the hashes so far."""
        return Receipt(size=self.size, sha256=self._sha256.hexdigest(), md5=self._md5.hexdigest())


class Part:
    """The bytes of a file that have arrived. Only a whole one that was checked gets its name."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self.path = target.with_name(target.name + PART)
        self._note = target.with_name(target.name + PART + ".json")
        self._digest = Digest()
        self._descriptor = -1

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return self._digest.size

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Be the one who writes it; what an earlier run left is read and hashed. BadConfiguration if another process does."""
        with written(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BadConfiguration(f"{self.path} is being written by another download; wait for it") from error
            with os.fdopen(os.dup(self._descriptor), "rb") as file:
                while chunk := file.read(_CHUNK):
                    self._digest.update(chunk)
            yield
        finally:
            os.close(self._descriptor)
            if self.size == 0:
                self.path.unlink(missing_ok=True)

    def conditions(self, member: Member, url: str) -> dict[str, str]:
        """Return the header lines that ask for the rest only, and only of the same file; none where all is asked for."""
        validator = self._validator(url)
        if self.size == 0 or (not validator and not member.hash):
            return {}
        return {"Range": f"bytes={self.size}-"} | ({"If-Range": validator} if validator else {})

    def is_of(self, url: str, validator: str) -> bool:
        """Return whether what lies here and an answer with this validator ("" for none) may be of one file."""
        return not validator or validator == self._validator(url)

    def begin(self, url: str, validator: str) -> None:
        """Start from nothing, and note whose bytes will come."""
        self.empty()
        with written(self._note):
            self._note.write_text(json.dumps({"url": url, "validator": validator}))

    def append(self, chunk: bytes) -> None:
        """Add the next bytes."""
        rest = memoryview(chunk)
        while rest:
            with written(self.path):
                done = os.pwrite(self._descriptor, rest, self.size)
            self._digest.update(bytes(rest[:done]))
            rest = rest[done:]

    def empty(self) -> None:
        """Let go of all bytes."""
        with written(self.path):
            os.ftruncate(self._descriptor, 0)
        self._digest = Digest()

    def receipt(self) -> Receipt:
        """Return the size and hashes of what has arrived."""
        return self._digest.receipt()

    def publish(self) -> None:
        """Give it its name, in the place of what stood there."""
        with written(self._target):
            os.fsync(self._descriptor)
            self.path.replace(self._target)
            self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove it."""
        self.empty()
        for file in (self.path, self._note):
            file.unlink(missing_ok=True)

    def _validator(self, url: str) -> str:
        """Return what the server called the version whose bytes lie here; "" if it did not, or they are of another address."""
        try:
            note = json.loads(self._note.read_text())
            return str(note["validator"]) if note["url"] == url else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""


def receipt_of(path: Path) -> Receipt:
    """Return the size and hashes of a file."""
    digest = Digest()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.receipt()


def make_room(folder: Path, size: int) -> None:
    """Raise CannotWrite if so many more bytes would not leave SPARE_BYTES on the disk."""
    there = next(each for each in (folder, *folder.resolve().parents) if each.exists())
    free = shutil.disk_usage(there).free
    if size + SPARE_BYTES > free:
        raise CannotWrite(
            f"{folder}: {size / 1e9:.3g} GB are to come and {free / 1e9:.3g} GB are free;"
            " make room, or name another folder, and run again"
        )


@contextlib.contextmanager
def written(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write into a CannotWrite that names the file."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"{path}: {error.strerror or error}; make room or correct its rights, then run again") from error
