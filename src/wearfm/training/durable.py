"""Files that are whole or absent, and folders whose every byte is accounted for.

`hashes` in a committed folder has the format of `sha256sum`, so that `sha256sum -c hashes` checks it without us.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from pathlib import Path

from wearfm.errors import DamagedStore
from wearfm.store.disk import DurableFile, failures_named, publish, sync_folder

HASHES = "hashes"
UNFINISHED = ".unfinished-"
_LINE = re.compile(r"([0-9a-f]{64})  ((?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*)")
_LONGEST_LIST = 16 << 20  # bytes; a list of hashes is kilobytes


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old content or the new, never a part."""
    unfinished = path.with_name(UNFINISHED + path.name)
    with DurableFile(unfinished) as file:
        file.write(content)
        file.finish()
    publish(unfinished, path)


def unfinished_folder(target: Path) -> Path:
    """Return where a folder is written before it appears under its name."""
    return target.with_name(UNFINISHED + target.name)


def begin_folder(target: Path) -> None:
    """Make the empty folder that `commit_folder` will turn into the target."""
    unfinished = unfinished_folder(target)
    with failures_named(unfinished, size=0):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)


def commit_folder(target: Path) -> None:
    """Hash and sync every file, then let the folder appear under its name in one step."""
    unfinished = unfinished_folder(target)
    with failures_named(target, size=_size(unfinished)):
        lines = [f"{_sha256(unfinished / name)}  {name}\n" for name in _files(unfinished)]
        (unfinished / HASHES).write_text("".join(lines), encoding="ascii")
        for name in _files(unfinished):
            _sync(unfinished / name)
        for folder in sorted({(unfinished / name).parent for name in _files(unfinished)}):
            sync_folder(folder)
        unfinished.replace(target)
        sync_folder(target.parent)


def remove_folder(folder: Path) -> None:
    """Remove a committed folder; a crash leaves it whole or unfinished, never committed and partial."""
    with failures_named(folder, size=0):
        unfinished = unfinished_folder(folder)
        folder.replace(unfinished)
        shutil.rmtree(unfinished)


def sweep(folder: Path) -> None:
    """Remove what crashes left unfinished in a folder."""
    for leftover in sorted(folder.glob(f"{UNFINISHED}*")):
        with failures_named(leftover, size=0):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def verify_folder(folder: Path) -> None:
    """Raise DamagedStore unless the folder holds exactly the files that were committed, bit for bit."""
    expected = _expected(folder)
    present = set(_files(folder)) - {HASHES}
    if present != set(expected):
        different = ", ".join(sorted(present ^ set(expected))[:5])
        raise DamagedStore(f"{folder}: files missing or added: {different}; restore the folder or take another checkpoint")
    for name, digest in expected.items():
        if _sha256(folder / name) != digest:
            raise DamagedStore(f"{folder / name}: its bytes are not those committed; restore it or take another checkpoint")


def _expected(folder: Path) -> dict[str, str]:
    path = folder / HASHES
    if not path.is_file() or path.is_symlink() or path.stat().st_size > _LONGEST_LIST:
        raise DamagedStore(f"{path}: there is no readable list of hashes; the folder is no committed checkpoint: take another")
    text = path.read_bytes().decode("latin-1")
    matches = [_LINE.fullmatch(line) for line in text.removesuffix("\n").split("\n")]
    expected = {match[2]: match[1] for match in matches if match}
    if not text.endswith("\n") or len(expected) != len(matches):
        raise DamagedStore(f"{path}: the list of hashes is damaged; restore the folder or take another checkpoint")
    return expected


def _files(folder: Path) -> list[str]:
    """Return the names of all files below; DamagedStore for a link or anything that is neither file nor folder."""
    names = []
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            names.append(path.relative_to(folder).as_posix())
        elif not stat.S_ISDIR(mode):
            raise DamagedStore(f"{path}: links and devices do not belong in a checkpoint; remove it")
    return names


def _size(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in _files(folder))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
