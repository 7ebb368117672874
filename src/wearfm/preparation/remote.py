"""Sources at a URL: any address that fsspec knows (s3://, gs://, http(s)://, zip::, file:// ...), one at a time on disk.

    listing ──> an outline: the same tree, of every file its size and its first 64 KiB ──> sources, as in a local folder
    worker  ──> a copy of one source with its companions, below a temporary folder ──> read ──> removed, come what may

Names, sizes and bytes are those at the URL, so the store is the one that the same tree on a local disk gives. Formats that
are told apart by what stands further in (archives, SQLite) are judged by the worker, which has the whole file.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from wearfm.errors import BadConfiguration, CannotWrite, MissingExtra
from wearfm.preparation.sources import FOR_FOLDER, Origin, Recognises, SourceFile, files_of, find_sources, stem_of
from wearfm.readers.base import HEAD

WHOLE = (b"PK\x03\x04", b"SQLite format 3\x00")  # formats inside these are told apart by what stands further in
_TOGETHER = 256  # heads that are asked for at a time
_TRIES = 3


def is_url(source: str | Path) -> bool:
    """Return whether a source is an address that fsspec has to open."""
    return isinstance(source, str) and ("://" in source or "::" in source)


def find_all(roots: Sequence[str | Path], *, recognises: Recognises) -> list[SourceFile]:
    """Return the sources in and below the roots, paths or URLs, each once, in order."""
    if not any(map(is_url, roots)):
        return find_sources(roots, recognises=recognises)
    found: dict[tuple[object, str], SourceFile] = {}
    for root in roots:
        some = _find(str(root), recognises) if is_url(root) else find_sources([root], recognises=recognises)
        for source in some:
            key = (source.path.resolve(), "") if source.origin is None else (source.origin.url, source.label)
            found.setdefault(key, source)
    return list(found.values())


@contextmanager
def at_hand(source: SourceFile) -> Iterator[SourceFile]:
    """Yield the source as files of this machine: as it is, or a copy that is gone afterwards. OSError if that fails."""
    if source.origin is None:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="wearfm-") as folder:
        free = shutil.disk_usage(folder).free
        if source.size > free:
            raise CannotWrite(f"{folder}: {source.size} bytes are to be copied, {free} are free; name a larger TMPDIR")
        system, _ = _opened(source.origin.url)
        for key, place in zip(source.origin.keys, source.origin.places, strict=True):
            _copy(system, key, Path(folder, place))
        here = [Path(folder, place) for place in source.origin.places]
        path = Path(folder, source.origin.path)
        yield replace(source, path=path, companions=() if path.is_dir() else tuple(each for each in here if each != path))


def _find(url: str, recognises: Recognises) -> list[SourceFile]:
    """Return the sources at one URL."""
    system, root = _opened(url)
    with _named(url):
        sizes = _listing(system, root)
    if not sizes:
        raise BadConfiguration(f"source {url} does not exist, or holds nothing; name a file or a folder with recordings")
    is_file = list(sizes) == [root.rstrip("/")]
    base = root.rstrip("/").rpartition("/")[0] if is_file else root.rstrip("/")
    if is_file:
        sizes |= _beside(system, root.rstrip("/"), base)
    keys = {key: _place(key, base, url) for key in sizes}
    with tempfile.TemporaryDirectory(prefix="wearfm-") as folder:
        top = Path(folder, _last(base) or "root")
        with _named(url):
            _outline(system, sizes, {key: top / place for key, place in keys.items()})
        by_path = {top / place: key for key, place in keys.items()}
        named = [top / keys[root.rstrip("/")]] if is_file else [top]
        found = find_sources(named, recognises=partial(_judge, recognises))
        return [_with_origin(source, url, Path(folder), by_path) for source in found]


def _with_origin(source: SourceFile, url: str, folder: Path, keys: dict[Path, str]) -> SourceFile:
    """Return a source of the outline as one that lies at the URL."""
    files = files_of(source.path, source.companions)
    origin = Origin(
        url=url,
        keys=tuple(keys[file] for file in files),
        places=tuple(file.relative_to(folder).as_posix() for file in files),
        path=source.path.relative_to(folder).as_posix(),
    )
    return replace(source, origin=origin)


def _listing(system: Any, root: str) -> dict[str, int]:
    """Return key -> bytes of the file at a root, or of all files below it."""
    found = system.find(root, detail=True)
    entries = {key: each for key, each in found.items() if each.get("type") != "directory" and "?" not in _last(key)}
    return {key: _size(system, key, each) for key, each in sorted(entries.items()) if not key.endswith("/")}


def _beside(system: Any, key: str, base: str) -> dict[str, int]:
    """Return the files that may belong to a file that was named by itself; none where a server lists no folder."""
    names = {_last(key), stem_of(Path(_last(key)))} | set(system.cat_file(key, end=HEAD).decode("latin-1").split())
    try:
        entries = system.ls(base, detail=True)
    except _faults():
        return {}
    near = [each for each in entries if stem_of(Path(_last(each["name"]))) in names or _last(each["name"]) in FOR_FOLDER]
    return {each["name"]: _size(system, each["name"], each) for each in near if each["type"] == "file"}


def _size(system: Any, key: str, entry: dict[str, Any]) -> int:
    return int(entry["size"] if entry.get("size") is not None else system.size(key) or 0)


def _outline(system: Any, sizes: dict[str, int], paths: dict[str, Path]) -> None:
    """Write of every file its first bytes, and leave the rest of it empty."""
    keys = list(paths)
    for first in range(0, len(keys), _TOGETHER):
        some = keys[first : first + _TOGETHER]
        ends = [min(sizes[key], HEAD) for key in some]
        heads = system.cat_ranges(some, [0] * len(some), ends, on_error="raise")
        for key, head in zip(some, heads, strict=True):
            paths[key].parent.mkdir(parents=True, exist_ok=True)
            paths[key].write_bytes(head)
            os.truncate(paths[key], max(sizes[key], len(head)))


def _judge(recognises: Recognises, path: Path) -> str:
    """Return the format of a file in the outline; "archive" where only the whole file can tell."""
    known = recognises(path)
    if known or path.is_dir() or path.stat().st_size <= HEAD:
        return known
    with path.open("rb") as file:
        return "archive" if file.read(16).startswith(WHOLE) else ""


def _copy(system: Any, key: str, path: Path) -> None:
    """Copy one file, again if the connection breaks. OSError if it does not come."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in reversed(range(_TRIES)):
        try:
            system.get_file(key, str(path))
            return
        except _faults() as error:
            if not left:
                raise OSError(0, f"{key}: {error}") from error


def _place(key: str, base: str, url: str) -> str:
    """Return where a file lies below its root; BadConfiguration if its name is none on a disk."""
    inside = key.removeprefix(base).removeprefix("/")
    place = unquote(inside) if urlsplit(url).scheme in ("http", "https") else inside
    if any(part in ("", ".", "..") for part in place.split("/")) or "\0" in place or (base and not key.startswith(base)):
        raise BadConfiguration(
            f"{url}: the name {key!r} cannot be one of a file on a disk; rename it, or name what lies beside it"
        )
    return place


def _opened(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the place in it; MissingExtra names the pip command."""
    try:
        core = import_module("fsspec.core")
    except ImportError:
        raise MissingExtra("fsspec", "cloud") from None
    try:
        system, root = core.url_to_fs(url)
    except ImportError as error:
        if url.startswith(("s3:", "s3a:")):
            raise MissingExtra("s3fs", "cloud") from error
        raise BadConfiguration(f"{url}: {error}") from error
    except (ValueError, OSError) as error:
        raise BadConfiguration(f"{url}: cannot be opened ({error}); name a path, or a URL that fsspec knows") from error
    return system, str(root)


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Say of what goes wrong outside which URL it was."""
    try:
        yield
    except _faults() as error:
        raise BadConfiguration(f"{url}: cannot be listed ({error}); check the address and your rights") from error


def _faults() -> tuple[type[BaseException], ...]:
    """Return what file systems raise for a server that does not give: not all of it is an OSError."""
    kinds: list[type[BaseException]] = [OSError, EOFError, ValueError, RuntimeError]
    for module, name in (("aiohttp", "ClientError"), ("botocore.exceptions", "BotoCoreError"), ("zipfile", "BadZipFile")):
        try:
            kinds.append(getattr(import_module(module), name))
        except ImportError:
            continue
    return tuple(kinds)


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
