"""Archives: unpacked where they lie, file by file, bounded, and never outside their folder.

A file gets its name when it is whole. One that lies there already with the same content is left alone, so that unpacking
again finishes what was interrupted. Links are never made: one to a file of the archive becomes a copy of it, any other one
is refused. An archive at the top of an archive, as some repositories wrap them, is unpacked too.
"""

from __future__ import annotations

import gzip
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import IO

from wearfm.datasets.download.listing import PART, safe
from wearfm.datasets.download.part import make_room, written
from wearfm.errors import CannotDownload

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MOST_RATIO = 200  # unpacked to packed; text of zeros reaches it, measurements stay below 30
MOST_MEMBERS = 1_000_000
_ALWAYS_BYTES = 2**30  # below this no ratio is too large
_DEEPEST = 3
_CHUNK = 2**20
_FAULTS = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError),
    *(KeyError, NotImplementedError, RuntimeError),  # a link to nothing, a method that is not known, a password
)


@dataclass(frozen=True, kw_only=True)
class _Packed:
    """A file in an archive."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Return whether a name is one of an archive that can be unpacked."""
    return path.name.lower().endswith(SUFFIXES)


def unpack(archive: Path, *, depth: int = 1) -> dict[str, int]:
    """Unpack an archive into its folder; return the path below that folder and the size of every file."""
    folder, made, total = archive.parent, dict[str, int](), 0
    limit = max(archive.stat().st_size * MOST_RATIO, _ALWAYS_BYTES)
    with _faults_named(archive):
        for packed in _packed(archive):
            name = safe(packed.name, where=str(archive))
            total += packed.size
            if total > limit or len(made) >= MOST_MEMBERS or folder / name == archive:
                raise CannotDownload(
                    f"{archive}: {packed.name!r} brings it to {len(made) + 1:,} files of {total:,} bytes, more than an archive"
                    f" of this size should hold ({limit:,}); unpack it by hand if you trust it"
                )
            _write(packed, folder / name)
            made[name] = packed.size
    for name in [name for name in made if "/" not in name and is_archive(Path(name)) and depth < _DEEPEST]:
        made |= unpack(folder / name, depth=depth + 1)
    return made


def _write(packed: _Packed, path: Path) -> None:
    if _is_same(packed, path):
        return
    make_room(path.parent, packed.size)
    part, size = path.with_name(path.name + PART), 0
    with written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = part.open("wb")
    try:
        with file, packed.open() as source:
            while chunk := source.read(_CHUNK):
                with written(path):
                    size += file.write(chunk)
        if size != packed.size:
            raise CannotDownload(f"{path}: {size} bytes were unpacked, {packed.size} announced; download its archive again")
        with written(path):
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _is_same(packed: _Packed, path: Path) -> bool:
    """Return whether a file of the same content is there."""
    if not path.is_file() or path.stat().st_size != packed.size:
        return False
    with path.open("rb") as here, packed.open() as there:
        while mine := here.read(_CHUNK):
            if there.read(len(mine)) != mine:
                return False
    return True


def _packed(archive: Path) -> Iterator[_Packed]:
    """Yield the files of an archive, without what a Mac adds."""
    found = _in_zip(archive) if archive.name.lower().endswith(".zip") else _in_tar(archive)
    yield from (one for one in found if not one.name.startswith("__MACOSX/"))


def _in_zip(archive: Path) -> Iterator[_Packed]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            name, shown = info.filename, info
            if info.is_dir():
                continue
            if stat.S_ISLNK(info.external_attr >> 16):
                shown = file.getinfo(_aim(name, os.fsdecode(file.read(info)[:4096]), archive))
            yield _Packed(name=name, size=shown.file_size, open=lambda shown=shown: file.open(shown))  # type: ignore[misc]


def _in_tar(archive: Path) -> Iterator[_Packed]:
    with tarfile.open(archive) as file:
        for info in file:
            shown = info
            if info.issym() or info.islnk():
                base = info.name if info.issym() else ""  # a hard link's aim is counted from the top
                shown = file.getmember(_aim(base, info.linkname, archive))
            if info.isdir() or (info is not shown and shown.isdir()):
                continue
            if not shown.isfile():
                raise CannotDownload(f"{archive}: {info.name!r} is neither a file nor a folder; it was not unpacked")
            yield _Packed(name=info.name, size=shown.size, open=lambda shown=shown: _extract(file, shown))  # type: ignore[misc]


def _extract(file: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    opened = file.extractfile(info)
    assert opened is not None, "only files are opened"
    return opened


def _aim(name: str, target: str, archive: Path) -> str:
    """Return the member that a link stands for; CannotDownload if it lies outside the archive."""
    aim = normpath(join(dirname(name), target))
    if target.startswith("/") or aim.startswith("../") or aim == "..":
        raise CannotDownload(f"{archive}: the link {name!r} leads out of it, to {target!r}; it was not unpacked")
    return aim


@contextmanager
def _faults_named(archive: Path) -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        words = str(error).strip("'\"").partition("\n")[0] or type(error).__name__
        raise CannotDownload(
            f"{archive}: cannot be unpacked ({words}); unpack it by hand, or remove it and run again"
        ) from error
